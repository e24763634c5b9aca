//! Findings that the policy acknowledges: which entry covers which fault. The same or less than what it names, never more.

use std::collections::HashMap;

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    self, AcknowledgedCode, Found, FoundMissing, FoundSegment, FoundSilence, FoundVersion,
    TrustPolicy,
};

use crate::absence::acknowledged::{Edge, FoundLock, Loss};
use crate::absence::border::Range;
use crate::absence::silence::Period;
use crate::fault::Fault;
use crate::place::Place;

/// The entries of a policy, by the log that they are about.
pub(crate) struct Explained<'p> {
    by_log: HashMap<&'p Origin, Vec<&'p policy::Acknowledged>>,
    outside: Vec<&'p policy::Acknowledged>,
}

impl<'p> Explained<'p> {
    pub(crate) fn new(policy: &'p TrustPolicy) -> Self {
        let (mut by_log, mut outside) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for entry in &policy.document().acknowledged {
            match &entry.log {
                Some(log) => by_log.entry(log).or_default().push(entry),
                None => outside.push(entry),
            }
        }
        Self { by_log, outside }
    }

    /// The entries about a log; those about an object outside of every log for `None`.
    pub(crate) fn of(&self, log: Option<&Origin>) -> &[&'p policy::Acknowledged] {
        let Some(log) = log else {
            return &self.outside;
        };
        self.by_log.get(log).map_or(&[], Vec::as_slice)
    }
}

/// The entry that covers a fault.
pub(crate) fn covering<'p>(
    entries: &[&'p policy::Acknowledged],
    fault: &Fault,
    place: &Place,
) -> Option<&'p policy::Acknowledged> {
    let code = fault.acknowledged_code()?;
    let found = fault.to_acknowledge(place)?;
    let of_code = entries
        .iter()
        .filter(|entry| entry.code == code && entry.log == place.log);
    of_code
        .copied()
        .find(|entry| covers(&entry.found, &found, fault.lock()))
}

fn covers(known: &Found, found: &Found, lock: FoundLock) -> bool {
    match (known, found) {
        (Found::Silence(known), Found::Silence(found)) => period(found).is_within(period(known)),
        (Found::Segment(known), Found::Segment(found)) => known == found,
        (Found::Version(known), Found::Version(found)) => {
            (&known.object, &known.version_id) == (&found.object, &found.version_id)
                && lock.is_covered_by(known.retain_until)
        }
        // A range of absent segments is divided by what is known to be lost, and each part judged by itself (A6).
        _ => false,
    }
}

/// A silence of an entry.
pub(crate) const fn period(silence: &FoundSilence) -> Period {
    Period {
        from: silence.from,
        until: silence.until,
    }
}

/// A loss of an entry.
pub(crate) fn loss(missing: &FoundMissing) -> Loss {
    Loss {
        range: Range {
            first: missing.first,
            last: missing.last,
        },
        before: missing.before.map(|before| Edge {
            size: before.size,
            root: before.root,
            stored: before.stored,
        }),
        after: missing.after.map(|after| Edge {
            size: after.size,
            root: after.root,
            stored: None,
        }),
        pin: missing.pin.map(|pin| (pin.segment, pin.size, pin.root)),
    }
}

impl Fault {
    /// The code of the entry that covers this fault; `None` where none can. A head that was rolled back is a loss up to the pin.
    pub(crate) fn acknowledged_code(&self) -> Option<AcknowledgedCode> {
        if let Self::HeadRolledBack { .. } = self {
            return Some(AcknowledgedCode::SegmentMissing);
        }
        AcknowledgedCode::parse(self.code())
    }

    /// What an entry of the policy has to name so that it covers this fault; `None` where none can.
    pub(crate) fn to_acknowledge(&self, place: &Place) -> Option<Found> {
        self.acknowledged_code()?;
        match self {
            Self::SilenceExceeded { from, until, .. } => Some(Found::Silence(FoundSilence {
                from: *from,
                until: *until,
            })),
            Self::SegmentMissing { loss, .. } => Some(Found::Missing(**loss)),
            Self::SealedAfterStored {
                segment,
                stored,
                found,
                ..
            } => Some(Found::Segment(FoundSegment {
                number: *segment,
                sealed: *found,
                stored: *stored,
            })),
            Self::StoredOrder {
                segment,
                sealed,
                found,
                ..
            } => Some(Found::Segment(FoundSegment {
                number: *segment,
                sealed: (*sealed)?,
                stored: *found,
            })),
            Self::KeyOutsideSpan {
                what: "stored",
                segment,
                sealed,
                found,
                ..
            } => Some(Found::Segment(FoundSegment {
                number: *segment,
                sealed: *sealed,
                stored: *found,
            })),
            Self::KeyOutsideSpan { .. }
            | Self::Chain(_)
            | Self::Told(_)
            | Self::LogEmpty { .. }
            | Self::EndMismatch { .. }
            | Self::KeyUnknown { .. }
            | Self::KeyCompromised { .. }
            | Self::LastGoodMismatch { .. }
            | Self::BucketVersioning { .. }
            | Self::BucketLock { .. }
            | Self::SealedInFuture { .. }
            | Self::StoredInFuture { .. }
            | Self::HeadForked { .. } => None,
            Self::HeadRolledBack { loss, .. } => Some(Found::Missing(**loss.as_ref()?)),
            Self::SecondVersion { .. }
            | Self::HiddenByDeleteMarker { .. }
            | Self::ObjectUnaccounted { .. }
            | Self::LockMissing { .. }
            | Self::LockModeWeaker { .. }
            | Self::LockTooShort { .. }
            | Self::ObjectMultipart { .. }
            | Self::ObjectReplica => Some(Found::Version(FoundVersion {
                object: place.object.clone()?,
                version_id: place.version_id.clone()?,
                retain_until: match self.lock() {
                    FoundLock::Until(until) => Some(until),
                    FoundLock::Unread | FoundLock::Absent => None,
                },
            })),
        }
    }

    /// What the fault knows of the lock of its version.
    fn lock(&self) -> FoundLock {
        if let Self::LockMissing { .. } = self {
            FoundLock::Absent
        } else if let Self::LockTooShort { found: until, .. } | Self::LockModeWeaker { until, .. } =
            self
        {
            FoundLock::Until(*until)
        } else {
            FoundLock::Unread
        }
    }
}
