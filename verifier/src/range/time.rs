//! The times of a segment (V21 to V23, A2).

use auditlog_chain::timestamp::Timestamp;

use super::judge::Judge;
use crate::absence::silence::Period;
use crate::facts::{Facts, Sound};
use crate::fault::{Fault, Silence};
use crate::place::Place;
use crate::time::{check_sealed, check_stored_order};

impl Judge<'_> {
    /// V21 to V23, A2.
    pub(super) fn check_time(&mut self, facts: &Facts, place: &Place) {
        let (stored, sound, moments) = (facts.stored, facts.sound(), self.log.moments);
        let mut faults = Vec::new();
        faults.extend(sound.and_then(|sound| check_sealed(moments, sound, stored)));
        faults.extend(self.check_order(facts));
        let heard = stored.or(sound.map(|sound| sound.sealed));
        if let Some((until, (from, kind))) = heard.zip(self.silent_since(facts.number)) {
            let period = Period { from, until };
            let exceeds = period.exceeds(&self.log.declared.silence);
            faults.extend(exceeds.then(|| self.log.silence_fault(period, kind)));
        }
        for fault in faults {
            self.fault_or_explained(fault, place.clone());
        }
    }

    /// V22.
    fn check_order(&self, facts: &Facts) -> Option<Fault> {
        let previous = self.context.previous.as_ref();
        let before = previous.and_then(|previous| previous.stored);
        let skew_seconds = self.log.moments.skew_seconds;
        let (expected, found) = check_stored_order(before, facts.stored, skew_seconds)?;
        Some(Fault::StoredOrder {
            segment: facts.number,
            sealed: facts.sound().map(|sound: &Sound| sound.sealed),
            expected,
            found,
        })
    }

    /// When the log was last heard of before this segment, unless segments before it are absent: A3 bounds those.
    fn silent_since(&self, number: u64) -> Option<(Timestamp, Silence)> {
        if number == 0 {
            return Some((self.log.policy_of.began, Silence::First));
        }
        let previous = self.context.previous.as_ref()?;
        let sealed = previous.head.as_ref().and_then(|head| head.sealed);
        let heard = if self.log.has_storage {
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
