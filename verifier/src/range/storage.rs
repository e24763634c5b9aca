//! What the store says of a segment (V17 to V19, A7, A8): needs no other segment.

use auditlog_chain::policy::{LockMode, LockSpan};
use auditlog_chain::timestamp::Timestamp;

use super::log::Log;
use crate::absence::holds::retained_until;
use crate::absence::markers::Marker;
use crate::facts::Kept;
use crate::fault::Fault;
use crate::log_plan::Slot;
use crate::place::{Place, Placed};
use crate::source::{Lock, Storage, Version};
use crate::storage::{check_version, kept_until};

/// V17 to V19, A7, A8. `storage` is `None` where the version was not read.
pub(crate) fn kept(
    log: &Log<'_>,
    number: u64,
    slot: &Slot,
    version: &Version,
    storage: Option<&Storage>,
) -> Kept {
    let mut kept = Kept::default();
    if !log.has_storage {
        return kept;
    }
    check_versions(log, number, slot, &mut kept);
    let Some(storage) = storage else {
        return kept;
    };
    let place = Place {
        version_id: version.id.clone(),
        ..log.place(number)
    };
    for what in check_version(log.lock_spans(), version, storage, log.moments.begun) {
        let place = place.clone();
        kept.faults.push(Placed { what, place });
    }
    let lock = storage.lock.as_ref().ok().and_then(Option::as_ref);
    let begun = log.moments.begun;
    kept.until = lock.and_then(|lock| retained_until(lock.until, lock.held_for_seconds, begun));
    kept.firm_until = lock
        .zip(version.stored)
        .and_then(|(lock, stored)| firm_until(log.lock_spans(), lock, stored));
    kept.lock_unread = storage.lock.as_ref().err().cloned();
    kept
}

/// V17, A8: one version, and no marker over what must still be retained.
fn check_versions(log: &Log<'_>, number: u64, slot: &Slot, kept: &mut Kept) {
    let Some((first, later)) = slot.versions.split_last() else {
        return;
    };
    let found = slot.versions.len();
    let place = |version_id: &Option<String>| Place {
        version_id: version_id.clone(),
        ..log.place(number)
    };
    let second = later.iter().map(|version| Placed {
        what: Fault::SecondVersion { found },
        place: place(&version.id),
    });
    kept.faults.extend(second);
    for marker in slot.markers.iter() {
        match log.reach(None).judge(number, first.stored) {
            Marker::Hides { kept_until } => {
                let (expected, found) = (kept_until, marker.set);
                kept.faults.push(Placed {
                    what: Fault::HiddenByDeleteMarker { expected, found },
                    place: place(&marker.id),
                });
            }
            Marker::Idle | Marker::Disowned | Marker::NeverThere => {
                kept.idle_markers = kept.idle_markers.saturating_add(1);
            }
        }
    }
}

/// Nobody can shorten a lock in COMPLIANCE mode. A hold can be lifted, so it does not count here.
fn firm_until(spans: &[LockSpan], lock: &Lock, stored: Timestamp) -> Option<Timestamp> {
    let is_compliance = lock.strength.is_at_least(LockMode::Compliance);
    let is_enough = |until: &Timestamp| *until >= kept_until(spans, stored);
    lock.until.filter(|until| is_compliance && is_enough(until))
}
