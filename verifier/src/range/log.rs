//! What every rule about one log is a function of, besides what was seen: the policy, the moments of the run and the pin.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{LogPolicy, Position, TrustPolicy, Trusted};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::declared::Declared;
use super::tally::trail_of_each;
use crate::absence::border::Known;
use crate::absence::markers::Reach;
use crate::absence::moments::Moments;
use crate::absence::pin;
use crate::canonical;
use crate::explained::Explained;
use crate::fault::{Fault, Silence};
use crate::keys::Rules;
use crate::pin::Pin;
use crate::pins::Pins;
use crate::place::Place;
use crate::request::Request;
use crate::rules::RULES;

use crate::absence::silence::{Period, deadline};
use crate::absence::span::end_of;

/// What every rule about one log takes.
pub(crate) struct Log<'p> {
    policy: &'p TrustPolicy,
    pub(crate) policy_of: &'p LogPolicy,
    /// The time that the silence after the last segment is judged at, where a person asked for one.
    pub(crate) at: Option<Timestamp>,
    pub(crate) moments: Moments,
    pub(crate) has_storage: bool,
    pub(crate) declared: Declared<'p>,
    /// The pin, unless it is disowned.
    pub(crate) pin: Option<pin::Pin>,
    /// Number of a pinned segment above the declared end.
    pub(crate) pin_disowned: Option<u64>,
    /// Of how many segments above the pin size and root are remembered.
    pub(super) most_remembered: usize,
}

impl<'p> Log<'p> {
    pub(crate) fn new(
        request: &Request<'p>,
        moments: Moments,
        has_storage: bool,
        log: &'p LogPolicy,
        pins: &Pins,
        explained: &'p Explained<'p>,
    ) -> Self {
        let entries = explained.of(Some(&log.origin));
        let end = log.ended.as_ref().map(|ended| ended.segment);
        let pin = pins.of(&log.origin).map(Pin::for_rules);
        let logs = match request.logs.len() {
            0 => request.policy.document().logs.len(),
            chosen => chosen,
        };
        let is_owned = |pin: &pin::Pin| end.is_none_or(|end| pin.segment <= end);
        Self {
            policy: request.policy,
            policy_of: log,
            at: request.at,
            moments,
            has_storage,
            declared: Declared::new(
                request.policy,
                log,
                entries,
                moments.skew_seconds,
                has_storage,
            ),
            pin: pin.filter(is_owned),
            pin_disowned: pin.filter(|pin| !is_owned(pin)).map(|pin| pin.segment),
            most_remembered: trail_of_each(logs),
        }
    }

    /// Where a segment is stored.
    pub(crate) fn place(&self, number: u64) -> Place {
        Place {
            log: Some(self.policy_of.origin.clone()),
            object: Some(self.policy_of.segment_key(number)),
            ..Place::default()
        }
    }

    /// A segment that was listed, and gone when it was read: until when it had to be kept.
    pub(crate) fn gone(&self, number: u64, stored: Timestamp) -> Known {
        let kept_until = end_of(&self.declared.lock, stored);
        Known { number, kept_until }
    }

    /// The log as a whole.
    pub(crate) fn whole(&self) -> Place {
        Place::of_log(&self.policy_of.origin)
    }

    /// Digest of everything declared that a rule about segments up to this one is a function of. The declared end of the log says nothing about those below
    /// it: a log is declared ended once its segments may be in an archive, where nobody can read them again.
    pub(crate) fn fingerprint(&self, last: u64) -> Hash {
        let mut policy_of = self.policy_of.clone();
        policy_of.ended = policy_of.ended.filter(|ended| last >= ended.segment);
        let keys = self.policy_of.verifier_keys.iter();
        let keys: Vec<_> = keys.map(|key| self.policy.key(key)).collect();
        let declared = (
            RULES,
            self.moments.skew_seconds,
            self.has_storage,
            policy_of,
            self.lock_spans(),
            keys,
            self.declared.entries,
        );
        Hash::of(&canonical::json(&declared))
    }

    pub(crate) fn lock_spans(&self) -> &'p [auditlog_chain::policy::LockSpan] {
        self.policy.lock_of(self.policy_of)
    }

    pub(crate) fn pinned_position(&self) -> Option<Position> {
        self.pin.map(|pin| Position {
            segment: pin.segment,
            size: pin.size,
            root: pin.root,
        })
    }

    /// V11 to V16, as far as they are about one segment.
    pub(super) const fn key_rules(&self) -> Rules<'p> {
        Rules {
            policy: self.policy,
            log: self.policy_of,
            skew_seconds: self.moments.skew_seconds,
        }
    }

    /// V15, V16: how far signatures of a key count.
    pub(super) fn trusted(&self, key: &VerifierKey) -> Trusted {
        self.policy.trusted(key)
    }

    /// V15: the last good segments of compromised keys.
    pub(crate) fn last_good_positions(&self) -> Vec<Position> {
        let last_good = |key| match self.trusted(key) {
            Trusted::UpTo(last) => Some(last),
            Trusted::Throughout | Trusted::Unknown => None,
        };
        let keys = self.policy_of.verifier_keys.iter();
        keys.filter_map(last_good).collect()
    }

    /// A8: how far the log reaches, if `head` is the last present segment.
    pub(crate) fn reach(&self, head: Option<u64>) -> Reach<'_> {
        Reach {
            head,
            pin: self.pin.map(|pin| pin.segment),
            end: self.declared.end_number(),
            lock: &self.declared.lock,
            ended: self.moments.ended,
        }
    }

    pub(crate) fn silence_fault(&self, period: Period, place: Silence) -> Fault {
        Fault::SilenceExceeded {
            place,
            from: period.from,
            until: period.until,
            deadline: deadline(&self.declared.silence, period.from),
        }
    }
}
