//! Storage that would cost more than it saves, or delete too early: refused before anything is put.
//!
//! Source: Amazon S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle" and "Understanding and managing Amazon S3
//! storage classes".

use super::lifecycle::{Storage, Transition};

/// Days that an expiration must leave after the longest retention: S3 counts days from midnight after the object was stored,
/// and the sealer locks an object for a day longer than declared.
const SAFETY_DAYS: u32 = 2;
/// Objects below this size are not moved to another class by S3.
const MIN_MOVED_BYTES: u64 = 128 * 1024;

/// A storage class that a rule can move objects to, in the order in which S3 moves them.
struct Class {
    name: &'static str,
    /// The first day on which S3 moves an object there.
    first_day: u32,
    /// Days that are charged at least.
    min_stay: u32,
    /// Whether an object must be restored before it can be read.
    is_archive: bool,
}

const CLASSES: [Class; 6] = [
    Class {
        name: "STANDARD_IA",
        first_day: 30,
        min_stay: 30,
        is_archive: false,
    },
    Class {
        name: "INTELLIGENT_TIERING",
        first_day: 0,
        min_stay: 0,
        is_archive: false,
    },
    Class {
        name: "ONEZONE_IA",
        first_day: 30,
        min_stay: 30,
        is_archive: false,
    },
    Class {
        name: "GLACIER_IR",
        first_day: 0,
        min_stay: 90,
        is_archive: false,
    },
    Class {
        name: "GLACIER",
        first_day: 0,
        min_stay: 90,
        is_archive: true,
    },
    Class {
        name: "DEEP_ARCHIVE",
        first_day: 0,
        min_stay: 180,
        is_archive: true,
    },
];

/// Changes of class that S3 does not make, although the first class comes before the second.
const UNSUPPORTED: [(&str, &str); 1] = [("ONEZONE_IA", "GLACIER_IR")];

/// The names of the classes that a transition can have.
pub fn storage_classes() -> [&'static str; 6] {
    CLASSES.map(|class| class.name)
}

fn class(name: &str) -> Option<(usize, &'static Class)> {
    CLASSES
        .iter()
        .enumerate()
        .find(|(_, class)| class.name == name)
}

/// Whether objects of this class must be restored before a verifier can read them.
pub fn is_archive(storage_class: &str) -> bool {
    class(storage_class).is_some_and(|(_, class)| class.is_archive)
}

/// Days after which objects may expire: the longest retention of any span still in force, and two days more.
pub fn after_retention(longest_days: u32) -> u32 {
    longest_days.saturating_add(SAFETY_DAYS)
}

/// Why a storage is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageRefusal {
    /// S3 would put delete markers over versions that are still locked.
    #[error(
        "Objects would expire after {days} days, but the longest retention is {longest} days. S3 puts delete markers over locked \
         versions too, so readers would lose them. Set `expiration` to \"after_retention\", or to \"{least}d\" or more."
    )]
    ExpiresTooEarly {
        /// What is configured.
        days: u32,
        /// The longest retention in force.
        longest: u32,
        /// The least that is accepted.
        least: u32,
    },
    /// S3 does not have the class, or not for lifecycle rules.
    #[error("{0:?} is not a storage class that a lifecycle rule can move objects to.")]
    UnknownClass(String),
    /// S3 refuses to move an object that early.
    #[error("S3 moves objects to {class} after {least} days at the earliest, not after {days}.")]
    TooEarly {
        /// The class.
        class: String,
        /// What is configured.
        days: u32,
        /// The least that S3 accepts.
        least: u32,
    },
    /// S3 wants a later day for what comes after it.
    #[error(
        "Objects move to {class} after {days} days, and {next} after {end} days. S3 refuses rules in which the second does not come \
         later than the first."
    )]
    NotLater {
        /// The class.
        class: String,
        /// Days until objects move to it.
        days: u32,
        /// What comes next: `to CLASS`, or `expire`.
        next: String,
        /// Days until that.
        end: u32,
    },
    /// S3 moves objects in one direction only.
    #[error("S3 does not move objects from {from} to {to}.")]
    WrongOrder {
        /// The earlier class.
        from: String,
        /// The later one.
        to: String,
    },
    /// The minimum stay of a class is charged in full.
    #[error(
        "Objects would stay in {class} for {days} days, but AWS charges for {least}: this costs more than it saves. Remove the \
         transition, or make it earlier."
    )]
    StayTooShort {
        /// The class.
        class: String,
        /// Days until the next transition or the expiration.
        days: u32,
        /// Days that are charged.
        least: u32,
    },
    /// The objects are too small to be moved.
    #[error(
        "Segments of {bytes} bytes are never moved: S3 moves objects of {MIN_MOVED_BYTES} bytes or more. Let the sealer write \
         larger segments, or remove the transitions."
    )]
    ObjectsTooSmall {
        /// The size that is expected.
        bytes: u64,
    },
}

/// Checks a storage against the longest retention in force, and against the expected size of an object where that is known.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_storage(
    storage: &Storage,
    longest_days: u32,
    object_bytes: Option<u64>,
) -> Result<(), StorageRefusal> {
    let least = after_retention(longest_days);
    if let Some(days) = storage.expiration_days.filter(|days| *days < least) {
        return Err(StorageRefusal::ExpiresTooEarly {
            days,
            longest: longest_days,
            least,
        });
    }
    if let Some(bytes) = object_bytes.filter(|bytes| *bytes < MIN_MOVED_BYTES)
        && !storage.transitions.is_empty()
    {
        return Err(StorageRefusal::ObjectsTooSmall { bytes });
    }
    let mut transitions = storage.transitions.clone();
    transitions.sort();
    let ends = transitions
        .iter()
        .skip(1)
        .map(|next| Some((format!("to {}", next.storage_class), next.days)))
        .chain([storage
            .expiration_days
            .map(|days| ("expire".to_owned(), days))]);
    let mut previous = None;
    for (transition, end) in transitions.iter().zip(ends) {
        check_transition(transition, previous, end)?;
        previous = Some(transition);
    }
    Ok(())
}

fn check_transition(
    transition: &Transition,
    previous: Option<&Transition>,
    end: Option<(String, u32)>,
) -> Result<(), StorageRefusal> {
    let name = &transition.storage_class;
    let (rank, found) = class(name).ok_or_else(|| StorageRefusal::UnknownClass(name.clone()))?;
    if transition.days < found.first_day {
        return Err(StorageRefusal::TooEarly {
            class: name.clone(),
            days: transition.days,
            least: found.first_day,
        });
    }
    let before = previous.and_then(|before| Some((before, class(&before.storage_class)?.0)));
    let refused = |(before, its_rank): &(&Transition, usize)| {
        let pair = (before.storage_class.as_str(), name.as_str());
        *its_rank >= rank || UNSUPPORTED.contains(&pair)
    };
    if let Some((before, _)) = before.filter(refused) {
        return Err(StorageRefusal::WrongOrder {
            from: before.storage_class.clone(),
            to: name.clone(),
        });
    }
    if let Some((next, end)) = end.clone().filter(|(_, end)| *end <= transition.days) {
        return Err(StorageRefusal::NotLater {
            class: name.clone(),
            days: transition.days,
            next,
            end,
        });
    }
    let stay = end.map(|(_, end)| end.saturating_sub(transition.days));
    match stay.filter(|days| *days < found.min_stay) {
        Some(days) => Err(StorageRefusal::StayTooShort {
            class: name.clone(),
            days,
            least: found.min_stay,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::LifecycleRule;

    use super::*;
    use crate::aws::bucket::lifecycle::Reach;

    fn storage(transitions: &[(u32, &str)], expiration_days: Option<u32>) -> Storage {
        let transitions = transitions.iter().map(|(days, class)| Transition {
            days: *days,
            storage_class: (*class).to_owned(),
        });
        Storage {
            transitions: transitions.collect(),
            expiration_days,
            reach: Reach::Everything,
        }
    }

    fn refusal(transitions: &[(u32, &str)], expiration_days: Option<u32>) -> String {
        let refused = check_storage(&storage(transitions, expiration_days), 365, None);
        refused.unwrap_err().to_string()
    }

    #[test]
    fn storage_that_saves_is_accepted() {
        for (transitions, expiration) in [
            (&[][..], None),
            (&[], Some(367)),
            (&[(90, "GLACIER_IR")], Some(2194)),
            (
                &[
                    (30, "STANDARD_IA"),
                    (60, "GLACIER_IR"),
                    (400, "DEEP_ARCHIVE"),
                ],
                None,
            ),
            (&[(0, "INTELLIGENT_TIERING")], Some(367)),
        ] {
            assert_eq!(
                check_storage(&storage(transitions, expiration), 365, Some(1 << 20)),
                Ok(())
            );
        }
    }

    #[test]
    fn expiration_before_the_retention_and_two_days_is_refused() {
        let text = refusal(&[], Some(366));
        assert!(
            text.contains("the longest retention is 365 days") && text.contains("\"367d\" or more"),
            "{text}"
        );
        assert_eq!(after_retention(365), 367);
    }

    #[test]
    fn transition_that_s3_refuses_is_refused() {
        assert!(refusal(&[(29, "STANDARD_IA")], None).contains("after 30 days at the earliest"));
        assert!(
            refusal(&[(30, "GLACIER_IR"), (200, "STANDARD_IA")], None)
                .contains("from GLACIER_IR to STANDARD_IA")
        );
        assert!(
            refusal(&[(30, "GLACIER"), (200, "GLACIER")], None).contains("from GLACIER to GLACIER")
        );
        assert!(
            refusal(&[(30, "ONEZONE_IA"), (200, "GLACIER_IR")], None)
                .contains("from ONEZONE_IA to GLACIER_IR")
        );
        assert!(refusal(&[(1, "STANDARD")], None).contains("\"STANDARD\" is not"));
    }

    /// A class without a minimum stay charges nothing for a stay of no day, and S3 refuses it.
    #[test]
    fn step_that_does_not_come_later_than_the_one_before_is_refused() {
        for end in [400, 399] {
            let text = refusal(&[(400, "INTELLIGENT_TIERING")], Some(end));
            assert!(
                text.starts_with(&format!(
                    "Objects move to INTELLIGENT_TIERING after 400 days, and expire after {end} days"
                )),
                "{text}"
            );
        }
        let text = refusal(&[(30, "INTELLIGENT_TIERING"), (30, "ONEZONE_IA")], None);
        assert!(text.contains("to ONEZONE_IA after 30 days"), "{text}");
    }

    /// S3's own rules for one lifecycle rule, as its answers name them.
    fn s3_refuses(rule: &LifecycleRule) -> bool {
        let moves: Vec<(i32, &str)> = rule
            .transitions()
            .iter()
            .map(|one| {
                (
                    one.days.unwrap(),
                    one.storage_class.as_ref().unwrap().as_str(),
                )
            })
            .collect();
        let noncurrent = rule.noncurrent_version_transitions();
        let expires = rule.expiration.as_ref().and_then(|end| end.days);
        let noncurrent_expires = rule.noncurrent_version_expiration.as_ref();
        let noncurrent_expires = noncurrent_expires.and_then(|end| end.noncurrent_days);
        expires.is_some_and(|end| moves.iter().any(|(days, _)| end <= *days))
            || noncurrent_expires.is_some_and(|end| {
                noncurrent
                    .iter()
                    .any(|one| end <= one.noncurrent_days.unwrap())
            })
            || moves.windows(2).any(|two| two[0].0 >= two[1].0)
            || moves
                .iter()
                .any(|(days, class)| class.ends_with("_IA") && *days < 30)
    }

    #[test]
    fn every_storage_that_is_accepted_makes_rules_that_s3_accepts() {
        let days = [0, 1, 30, 60, 90, 180, 367];
        let mut accepted = 0;
        let mut all: Vec<Vec<(u32, &str)>> = vec![Vec::new()];
        for first in storage_classes() {
            for day in days {
                all.push(vec![(day, first)]);
                for second in storage_classes() {
                    all.extend(days.map(|later| vec![(day, first), (later, second)]));
                }
            }
        }
        for transitions in all {
            for expiration in [None, Some(367), Some(400), Some(2000)] {
                let storage = storage(&transitions, expiration);
                if check_storage(&storage, 365, None).is_err() {
                    continue;
                }
                accepted += 1;
                for rule in storage.rules() {
                    let rule = rule.to_sdk().unwrap();
                    assert!(
                        !s3_refuses(&rule),
                        "{transitions:?} {expiration:?}: {rule:?}"
                    );
                }
            }
        }
        assert!(accepted > 100, "{accepted}");
    }

    #[test]
    fn stay_that_is_charged_longer_than_it_lasts_is_refused() {
        let text = refusal(&[(300, "GLACIER_IR")], Some(367));
        assert!(
            text.contains("stay in GLACIER_IR for 67 days, but AWS charges for 90"),
            "{text}"
        );
        let text = refusal(&[(30, "STANDARD_IA"), (40, "DEEP_ARCHIVE")], None);
        assert!(text.contains("STANDARD_IA for 10 days"), "{text}");
    }

    #[test]
    fn objects_that_s3_never_moves_are_refused() {
        let moved = storage(&[(90, "GLACIER_IR")], None);
        let refused = check_storage(&moved, 1, Some(20_000)).unwrap_err();
        assert_eq!(refused, StorageRefusal::ObjectsTooSmall { bytes: 20_000 });
        assert_eq!(check_storage(&storage(&[], None), 1, Some(20_000)), Ok(()));
    }

    #[test]
    fn archived_objects_cannot_be_read_at_once() {
        assert!(is_archive("GLACIER") && is_archive("DEEP_ARCHIVE"));
        assert!(!is_archive("GLACIER_IR") && !is_archive("nothing"));
    }
}
