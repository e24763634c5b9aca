//! What the store says of a segment (V17 to V19, A7, A8).

use super::Walk;
use crate::absence::markers::Marker;
use crate::examine::Examined;
use crate::fault::Fault;
use crate::log_plan::Slot;
use crate::place::Place;
use crate::source::Version;
use crate::storage::check_version;
use crate::undecided::Unreadable;

impl Walk<'_> {
    /// V17 to V19, A7, A8.
    pub(super) fn check_storage(&mut self, examined: &Examined, place: &Place) {
        if !self.has_storage {
            return;
        }
        let plan = self.plan;
        if let Some(slot) = plan.slots.get(&examined.number) {
            self.check_versions(examined.number, slot);
        }
        let Some(storage) = &examined.storage else {
            return;
        };
        let spans = self.request.policy.lock_of(plan.log);
        for fault in check_version(spans, &examined.version, storage, self.moments.begun) {
            self.fault_or_explained(fault, place.clone());
        }
        if let Err(error) = &storage.lock {
            self.record
                .unreadable(Unreadable::Lock, error.clone(), place.clone());
        }
    }

    /// V17, A8: one version, and no marker over what must still be retained.
    fn check_versions(&mut self, number: u64, slot: &Slot) {
        let later = slot
            .versions
            .split_last()
            .map_or(&[][..], |(_, later)| later);
        let found = slot.versions.len();
        let of_version = |version: &Version| (version.id.clone(), Fault::SecondVersion { found });
        let mut faults: Vec<_> = later.iter().map(of_version).collect();
        let stored = slot.versions.last().and_then(|first| first.stored);
        for marker in &slot.markers {
            match self.reach().judge(number, stored) {
                Marker::Hides { kept_until } => {
                    let (expected, found) = (kept_until, marker.set);
                    faults.push((
                        marker.id.clone(),
                        Fault::HiddenByDeleteMarker { expected, found },
                    ));
                }
                Marker::Idle | Marker::Disowned | Marker::NeverThere => {
                    self.idle_markers = self.idle_markers.saturating_add(1);
                }
            }
        }
        for (version_id, fault) in faults {
            let place = Place {
                version_id,
                ..self.place(number)
            };
            self.fault_or_explained(fault, place);
        }
    }
}
