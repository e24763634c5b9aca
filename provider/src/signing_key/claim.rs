//! Whether an alias may be pointed at a key of ours.

use std::collections::BTreeSet;

use auditlog_chain::timestamp::Timestamp;

use super::marks::parse_marks;
use crate::aws::{
    AliasHolder, Clients, RETAINED_TAG, alias_holder, denies_signing, read_key_policy,
};
use crate::error::Error;

/// A key with our tags that holds the alias and is not in the state was left behind by a killed create only if it is young and
/// its policy still denies signing, as it did when the key was made. Any other one belongs to somebody else's configuration.
const STRAY_SECONDS: i64 = 3600;

/// Who asks for an alias.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim<'a> {
    /// A new resource. The state has these keys under the same alias: it may be about to replace one of them.
    New { predecessors: &'a BTreeSet<String> },
    /// A resource with these versions.
    Kept {
        versions: &'a BTreeSet<String>,
        /// Whether the alias was the resource's own: somebody else moved it then.
        was_ours: bool,
    },
}

/// The key that the alias points at and may be taken from; `None` where the alias is free.
///
/// # Errors
/// [`Error::AliasTaken`] where it points at a key of somebody else; else what KMS said.
pub(crate) async fn holder(
    clients: &Clients,
    alias: &str,
    claim: Claim<'_>,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let Some(found) = alias_holder(clients, alias).await? else {
        return Ok(None);
    };
    let free = match claim.verdict(alias, &found, now) {
        Verdict::Free => true,
        Verdict::FreeIfUnfinished => {
            denies_signing(&read_key_policy(clients, &found.key_id).await?)
        }
        Verdict::Taken => false,
    };
    if free {
        return Ok(Some(found.key_id));
    }
    Err(Error::AliasTaken {
        alias: alias.to_owned(),
        target: found.arn,
    })
}

/// Whether the alias may be taken from the key that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Free,
    /// Only while nobody can sign with the key: its create did not finish.
    FreeIfUnfinished,
    Taken,
}

impl Claim<'_> {
    fn verdict(self, alias: &str, found: &AliasHolder, now: Timestamp) -> Verdict {
        let marks = parse_marks(&found.tags);
        let made_for_it =
            marks.alias.as_deref() == Some(alias) && !found.tags.contains_key(RETAINED_TAG);
        let ours = match self {
            Self::New { predecessors } => predecessors.contains(&found.key_id),
            Self::Kept { versions, was_ours } => {
                // a rotation that was killed: the successor has the alias, and no state knows it
                let previous = marks.previous.as_ref();
                let successor = previous.is_some_and(|key| versions.contains(key));
                was_ours || versions.contains(&found.key_id) || (made_for_it && successor)
            }
        };
        let is_new = matches!(self, Self::New { .. });
        if ours || found.deletion.is_some() {
            Verdict::Free
        } else if is_new && made_for_it && marks.is_first() && is_young(found, now) {
            Verdict::FreeIfUnfinished
        } else {
            Verdict::Taken
        }
    }
}

fn is_young(found: &AliasHolder, now: Timestamp) -> bool {
    let now = i64::try_from(now.as_seconds()).unwrap_or(i64::MAX);
    now.saturating_sub(found.created).abs() <= STRAY_SECONDS
}

#[cfg(test)]
mod tests {
    use super::super::marks::first_marks;
    use super::*;
    use crate::aws::{Deletion, Tags};

    const ALIAS: &str = "alias/audit";

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
    }

    fn key(tags: Tags, age: i64) -> AliasHolder {
        AliasHolder {
            key_id: "k".to_owned(),
            arn: "arn".to_owned(),
            created: i64::try_from(now().as_seconds())
                .unwrap()
                .saturating_sub(age),
            deletion: None,
            tags,
        }
    }

    fn new(found: &AliasHolder) -> Verdict {
        let predecessors = BTreeSet::new();
        let claim = Claim::New {
            predecessors: &predecessors,
        };
        claim.verdict(ALIAS, found, now())
    }

    fn kept(found: &AliasHolder, versions: &[&str], was_ours: bool) -> bool {
        let versions = versions.iter().map(|key| (*key).to_owned()).collect();
        let claim = Claim::Kept {
            versions: &versions,
            was_ours,
        };
        claim.verdict(ALIAS, found, now()) == Verdict::Free
    }

    #[test]
    fn key_of_somebody_else_keeps_its_alias() {
        assert_eq!(new(&key(Tags::new(), 0)), Verdict::Taken);
        assert!(!kept(&key(Tags::new(), 0), &["a"], false));
        // with our tags, but too old to be a create that was killed
        let old = STRAY_SECONDS.saturating_add(1);
        let marks = [
            (first_marks(ALIAS, 1, None, None), old),
            (first_marks("alias/other", 1, None, None), 0),
            (first_marks(ALIAS, 2, Some("x"), None), 0),
        ];
        for (marks, age) in marks {
            assert_eq!(new(&key(marks, age)), Verdict::Taken);
        }
        // retired on purpose, which also denies signing
        let mut retired = first_marks(ALIAS, 1, None, None);
        let at = "2026-01-01T00:00:00Z".to_owned();
        retired.insert("auditlog:compromised-at".to_owned(), at);
        assert_eq!(new(&key(retired, 0)), Verdict::Taken);
    }

    #[test]
    fn alias_is_taken_from_a_key_that_will_be_deleted() {
        let going = AliasHolder {
            deletion: Some(Deletion { date: None }),
            ..key(Tags::new(), 1_000_000)
        };
        assert_eq!(new(&going), Verdict::Free);
        assert!(kept(&going, &[], false));
    }

    #[test]
    fn alias_is_taken_from_what_a_killed_apply_left_behind() {
        let unfinished = key(first_marks(ALIAS, 1, None, None), 60);
        assert_eq!(new(&unfinished), Verdict::FreeIfUnfinished);
        let successor = key(first_marks(ALIAS, 2, Some("a"), None), 1_000_000);
        assert!(kept(&successor, &["a"], false));
        assert!(!kept(&successor, &["b"], false));
    }

    #[test]
    fn own_alias_comes_back_from_wherever_somebody_moved_it() {
        assert!(kept(&key(Tags::new(), 1_000_000), &["a"], true));
        assert!(kept(&key(Tags::new(), 1_000_000), &["k"], false));
    }

    #[test]
    fn replacement_takes_the_alias_from_what_it_replaces() {
        let predecessors = ["k".to_owned()].into();
        let claim = Claim::New {
            predecessors: &predecessors,
        };
        let found = key(Tags::new(), 1_000_000);
        assert_eq!(claim.verdict(ALIAS, &found, now()), Verdict::Free);
    }
}
