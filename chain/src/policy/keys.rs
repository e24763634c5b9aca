//! Who must sign a segment (F14, V12), and how far the signatures of a compromised key count (V15, V16).
//!
//! A verifier and a sealer both ask this module, so that both read the rules in the same way: a sealer that asked for less
//! would write segments that no verifier accepts.

use super::TrustPolicy;
use super::position::Position;
use crate::line::KeyChange;
use crate::timestamp::Timestamp;
use crate::verifier_key::VerifierKey;

/// A segment, as far as the rules about keys look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its number.
    pub segment: u64,
    /// When it was sealed, by its close line.
    pub sealed: Timestamp,
    /// When it was stored, by the store's clock; `None` in a folder.
    pub stored: Option<Timestamp>,
}

impl Made {
    /// The time by which loss and compromise are judged. A thief can date a segment back, but cannot set the store's clock.
    const fn known_time(&self) -> Timestamp {
        match self.stored {
            Some(stored) => stored,
            None => self.sealed,
        }
    }
}

/// Whether a signature has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The checkpoint must have it.
    Required,
    /// The checkpoint may have it: a rotation may have been made before anybody knew that the key was lost or stolen.
    Optional,
}

/// How far the signatures of a key count in one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// All of them: the key was not compromised.
    Throughout,
    /// Up to the end of this segment and no further.
    UpTo(Position),
    /// Nobody says: there is no verdict.
    Unknown,
}

impl TrustPolicy {
    /// How far the signatures of a key count in its log.
    pub fn trusted(&self, key: &VerifierKey) -> Trusted {
        let compromised = self.key(key).is_some_and(|said| said.compromised.is_some());
        match self.last_good(key) {
            _ if !compromised => Trusted::Throughout,
            Some(last) => Trusted::UpTo(last),
            None => Trusted::Unknown,
        }
    }

    /// Whether a rotation away from `previous` needs its signature: unless the policy says that it was lost or compromised by
    /// then, retired by then, or counted no more.
    pub fn need_of_previous(&self, previous: &VerifierKey, made: &Made) -> Need {
        let Some(said) = self.key(previous) else {
            return Need::Required;
        };
        let by = |at: Option<Timestamp>, time: Timestamp| at.is_some_and(|at| at <= time);
        let compromised_at = said.compromised.as_ref().map(|compromised| compromised.at);
        // The policy authorises the new key, so a sealer that was down for the whole overlap is not stuck.
        let retired = by(said.retired_at, made.sealed);
        let was_lost = by(said.lost_at, made.known_time());
        let compromised = by(compromised_at, made.known_time());
        let behind_last_good =
            matches!(self.trusted(previous), Trusted::UpTo(last) if last.segment < made.segment);
        if retired || was_lost || compromised || behind_last_good {
            Need::Optional
        } else {
            Need::Required
        }
    }
}

/// The signatures that the checkpoint of a segment must have and may have, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredSignatures<'k> {
    key: &'k VerifierKey,
    previous: Option<(&'k VerifierKey, Need)>,
}

impl<'k> RequiredSignatures<'k> {
    /// Of a segment that `key` signs and whose key line is `change`. Without a policy, a rotation needs both signatures.
    pub fn of(
        policy: Option<&TrustPolicy>,
        key: &'k VerifierKey,
        change: Option<&'k KeyChange>,
        made: &Made,
    ) -> Self {
        let need = |previous| {
            policy.map_or(Need::Required, |policy| {
                policy.need_of_previous(previous, made)
            })
        };
        let previous = change.and_then(|change| change.previous.as_ref());
        Self {
            key,
            previous: previous.map(|previous| (previous, need(previous))),
        }
    }

    /// The keys whose signatures must be there, in order.
    pub fn required(&self) -> Vec<&'k VerifierKey> {
        let required = |(previous, need)| (need == Need::Required).then_some(previous);
        let previous = self.previous.and_then(required);
        std::iter::once(self.key).chain(previous).collect()
    }

    /// The keys whose signatures a checkpoint with `found` signatures must have, in order.
    pub fn among(&self, found: usize) -> Vec<&'k VerifierKey> {
        match self.previous {
            Some((previous, Need::Optional)) if found == 2 => vec![self.key, previous],
            _ => self.required(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;
    use crate::origin::Origin;
    use crate::policy::{Compromised, KeyPolicy, LastGood};
    use crate::tests::policy::{document, second_key};
    use crate::tests::{at, origin};

    /// The segment that rotates is number 7, sealed at second 100; *t* is 200 in a bucket and 100 in a folder.
    const SEGMENT: u64 = 7;
    const SEALED: i64 = 100;
    const STORED: i64 = 200;

    type Say = fn(&mut KeyPolicy, i64);

    fn compromised(key: &mut KeyPolicy, time: i64, last_good: Option<(Origin, u64)>) {
        let last = |(origin, segment)| LastGood {
            origin,
            segment,
            size: 1,
            root: Hash::from_bytes([0; 32]),
        };
        key.compromised = Some(Compromised {
            at: at(time),
            last_good: last_good.map(last).into_iter().collect(),
        });
    }

    /// The rows of V12's table: what the policy says of the previous key, where `t` is the time that counts for the row.
    const ROWS: [(&str, Need, Say); 9] = [
        ("nothing", Need::Required, |_, _| {}),
        ("retired by sealed", Need::Optional, |key, _| {
            key.retired_at = Some(at(SEALED));
        }),
        ("retired after sealed", Need::Required, |key, _| {
            key.retired_at = Some(at(SEALED + 1));
        }),
        ("lost by t", Need::Optional, |key, t| {
            key.lost_at = Some(at(t));
        }),
        ("lost after t", Need::Required, |key, t| {
            key.lost_at = Some(at(t + 1));
        }),
        ("compromised by t", Need::Optional, |key, t| {
            compromised(key, t, Some((origin(), SEGMENT)));
        }),
        (
            "compromised later, above the last good",
            Need::Optional,
            |key, t| {
                compromised(key, t + 1, Some((origin(), SEGMENT - 1)));
            },
        ),
        (
            "compromised later, not above it",
            Need::Required,
            |key, t| {
                compromised(key, t + 1, Some((origin(), SEGMENT)));
            },
        ),
        (
            "compromised later, good in another log",
            Need::Required,
            |key, t| {
                compromised(key, t + 1, Origin::parse("other").map(|origin| (origin, 1)));
            },
        ),
    ];

    fn need(stored: Option<i64>, says: &[Say]) -> Need {
        let mut document = document();
        let t = stored.unwrap_or(SEALED);
        for say in says {
            say(&mut document.keys[0], t);
        }
        let policy = TrustPolicy::check(document).unwrap();
        let made = Made {
            segment: SEGMENT,
            sealed: at(SEALED),
            stored: stored.map(at),
        };
        let key = policy.document().logs[0].verifier_keys[0].clone();
        policy.need_of_previous(&key, &made)
    }

    #[test]
    fn each_row_of_the_truth_table_holds_in_a_bucket_and_in_a_folder() {
        for (row, expected, say) in ROWS {
            for stored in [Some(STORED), None] {
                assert_eq!(need(stored, &[say]), expected, "{row}, {stored:?}");
            }
        }
    }

    #[test]
    fn one_reason_not_to_sign_is_enough() {
        for (one, first, say) in ROWS {
            for (other, second, say_more) in ROWS {
                // Two rows about one field: the second one replaces the first.
                if one.split(' ').next() == other.split(' ').next() {
                    continue;
                }
                let optional = [first, second].contains(&Need::Optional);
                let expected = if optional {
                    Need::Optional
                } else {
                    Need::Required
                };
                let found = need(Some(STORED), &[say, say_more]);
                assert_eq!(found, expected, "{one}; {other}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_in_the_policy_must_sign() {
        let policy = TrustPolicy::check(document()).unwrap();
        let made = Made {
            segment: 1,
            sealed: at(1),
            stored: None,
        };
        assert_eq!(
            policy.need_of_previous(&second_key(), &made),
            Need::Required
        );
    }

    #[test]
    fn an_optional_signature_may_be_there_and_a_required_one_must() {
        let mut document = document();
        let made = Made {
            segment: 1,
            sealed: at(9),
            stored: None,
        };
        let (new, old) = (second_key(), document.logs[0].verifier_keys[0].clone());
        let change = KeyChange {
            verifier_key: new.clone(),
            previous: Some(old.clone()),
        };
        let check = |policy: Option<&TrustPolicy>| {
            let required = RequiredSignatures::of(policy, &new, Some(&change), &made);
            [
                required.required(),
                required.among(1),
                required.among(2),
                required.among(3),
            ]
            .map(|keys| keys.len())
        };
        let policy = TrustPolicy::check(document.clone()).unwrap();
        assert_eq!(check(Some(&policy)), [2, 2, 2, 2]);
        assert_eq!(check(None), [2, 2, 2, 2]);
        document.keys[0].lost_at = Some(at(9));
        let policy = TrustPolicy::check(document).unwrap();
        assert_eq!(check(Some(&policy)), [1, 1, 2, 1]);
        let both = RequiredSignatures::of(Some(&policy), &new, Some(&change), &made).among(2);
        assert_eq!(both, [&new, &old]);
        let alone = RequiredSignatures::of(Some(&policy), &new, None, &made);
        assert_eq!(alone.among(2), [&new]);
    }

    #[test]
    fn a_compromised_key_counts_up_to_its_last_good_segment() {
        let trusted = |say: &dyn Fn(&mut KeyPolicy)| {
            let mut document = document();
            say(&mut document.keys[0]);
            let policy = TrustPolicy::check(document).unwrap();
            policy.trusted(&policy.document().logs[0].verifier_keys[0])
        };
        assert_eq!(trusted(&|_| {}), Trusted::Throughout);
        assert_eq!(trusted(&|key| compromised(key, 5, None)), Trusted::Unknown);
        let elsewhere = Origin::parse("other").map(|origin| (origin, 1));
        let found = trusted(&|key| compromised(key, 5, elsewhere.clone()));
        assert_eq!(found, Trusted::Unknown);
        let found = trusted(&|key| compromised(key, 5, Some((origin(), 3))));
        assert!(matches!(found, Trusted::UpTo(Position { segment: 3, .. })));
    }
}
