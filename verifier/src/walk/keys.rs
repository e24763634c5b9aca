//! The keys of a segment (V11 to V16).

use auditlog_chain::policy::{Position, Trusted};
use auditlog_chain::segment::CheckedSegment;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::{Walk, position};
use crate::fault::Fault;
use crate::keys::{Rules, Signed, key_id};
use crate::place::Place;
use crate::undecided::Undecided;

impl Walk<'_> {
    /// V11 to V16.
    pub(super) fn check_keys(
        &mut self,
        segment: &CheckedSegment,
        signers: Option<&[VerifierKey]>,
        stored: Option<Timestamp>,
        place: &Place,
    ) {
        let rules = Rules {
            policy: self.request.policy,
            log: self.plan.log,
            skew_seconds: self.moments.skew_seconds,
        };
        let outcome = rules.check(
            self.active.as_ref(),
            &Signed {
                segment,
                signers,
                stored,
            },
        );
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
        if let Some(id) = outcome.active.as_ref().map(key_id) {
            self.timeline
                .signed(&id, segment.number(), segment.sealed());
            if !self.signed_by.contains(&id) {
                self.signed_by.push(id);
            }
        }
        self.active = outcome.active;
        // V15: the last good segment of a compromised key is what the policy says.
        for expected in self.last_good_positions() {
            let found = position(segment);
            if found.segment == expected.segment && found != expected {
                self.record.fault(
                    Fault::LastGoodMismatch {
                        expected,
                        found: Some(found),
                    },
                    place.clone(),
                );
            }
        }
    }

    fn no_last_good(&mut self, key: &VerifierKey) {
        let id = key_id(key);
        if self.undecided.insert(id.clone()) {
            let place = Place::of_log(&self.plan.log.origin);
            self.record
                .undecided(Undecided::NoLastGood { key_id: id }, place);
        }
    }

    pub(super) fn last_good_positions(&self) -> Vec<Position> {
        let policy = self.request.policy;
        let last_good = |key| match policy.trusted(key) {
            Trusted::UpTo(last) => Some(last),
            Trusted::Throughout | Trusted::Unknown => None,
        };
        let keys = self.plan.log.verifier_keys.iter();
        keys.filter_map(last_good).collect()
    }
}
