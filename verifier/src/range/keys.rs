//! The keys of a segment (V11 to V16).

use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::judge::Judge;
use crate::facts::Sound;
use crate::fault::Fault;
use crate::keys::{Signed, key_id};
use crate::place::Place;
use crate::undecided::Undecided;

impl Judge<'_> {
    /// V11 to V16.
    pub(super) fn check_keys(&mut self, sound: &Sound, stored: Option<Timestamp>, place: &Place) {
        let signed = Signed {
            segment: sound,
            stored,
        };
        let rules = self.log.key_rules();
        let outcome = rules.check(self.context.active.as_ref(), &signed);
        for (line, fault) in outcome.faults {
            let place = Place {
                line,
                ..place.clone()
            };
            self.fault_or_explained(fault, place);
        }
        for key in &outcome.undecided {
            self.no_last_good(key);
        }
        if let Some(active) = &outcome.active {
            self.tally.signed(key_id(active), sound);
        }
        self.context.active = outcome.active;
        self.check_last_good(sound, place);
    }

    /// V15: the last good segment of a compromised key is what the policy says.
    fn check_last_good(&mut self, sound: &Sound, place: &Place) {
        let found = sound.position();
        for expected in self.log.last_good_positions() {
            if found.segment == expected.segment && found != expected {
                let found = Some(found);
                let fault = Fault::LastGoodMismatch { expected, found };
                self.tally.record.fault(fault, place.clone());
            }
        }
    }

    fn no_last_good(&mut self, key: &VerifierKey) {
        let key_id = key_id(key);
        if self.tally.no_last_good.insert(key_id.clone()) {
            let undecided = Undecided::NoLastGood { key_id };
            self.tally.record.undecided(undecided, self.log.whole());
        }
    }
}
