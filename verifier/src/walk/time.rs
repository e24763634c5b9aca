//! The times of a segment (V21 to V23, A2).

use auditlog_chain::segment::CheckedSegment;
use auditlog_chain::timestamp::Timestamp;

use super::Walk;
use crate::absence::silence::Period;
use crate::fault::{Fault, Silence};
use crate::place::Place;
use crate::time::{check_sealed, check_stored_order};

impl Walk<'_> {
    /// V21 to V23, A2.
    pub(super) fn check_time(
        &mut self,
        number: u64,
        segment: Option<&CheckedSegment>,
        stored: Option<Timestamp>,
        place: &Place,
    ) {
        let before = self.previous.as_ref().and_then(|previous| previous.stored);
        let sealed = segment.map(CheckedSegment::sealed);
        let mut faults = Vec::new();
        faults.extend(segment.and_then(|segment| check_sealed(self.moments, segment, stored)));
        let order = check_stored_order(before, stored, self.moments.skew_seconds);
        faults.extend(order.map(|(expected, found)| Fault::StoredOrder {
            segment: number,
            sealed,
            expected,
            found,
        }));
        let (heard, silence) = (stored.or(sealed), self.silent_since(number));
        if let Some((until, (from, kind))) = heard.zip(silence) {
            let period = Period { from, until };
            faults.extend(
                period
                    .exceeds(&self.declared.silence)
                    .then(|| self.silence_fault(period, kind)),
            );
        }
        for fault in faults {
            self.fault_or_explained(fault, place.clone());
        }
    }

    /// When the log was last heard of before this segment, unless segments before it are absent: A3 bounds those.
    fn silent_since(&self, number: u64) -> Option<(Timestamp, Silence)> {
        if number == 0 {
            return Some((self.plan.log.began, Silence::First));
        }
        let previous = self.previous.as_ref()?;
        let sealed = previous.head.as_ref().and_then(|head| head.sealed);
        let heard = if self.has_storage {
            previous.stored
        } else {
            sealed
        };
        let is_neighbour = previous.number.checked_add(1) == Some(number);
        heard
            .filter(|_| is_neighbour)
            .map(|heard| (heard, Silence::Between))
    }
}
