//! Whether an alias may be pointed at a key of ours.

use std::collections::BTreeSet;

use auditlog_chain::timestamp::Timestamp;

use super::marks::parse_marks;
use crate::aws::{AliasHolder, Clients, RETAINED_TAG, alias_holder};
use crate::error::Error;

/// A key with our tags that holds the alias and is not in the state was left behind by a killed create only if it is young:
/// an older one belongs to somebody else's configuration.
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
    if claim.admits(alias, &found, now) {
        return Ok(Some(found.key_id));
    }
    Err(Error::AliasTaken {
        alias: alias.to_owned(),
        target: found.arn,
    })
}

impl Claim<'_> {
    fn admits(self, alias: &str, found: &AliasHolder, now: Timestamp) -> bool {
        let marks = parse_marks(&found.tags);
        let made_for_it =
            marks.alias.as_deref() == Some(alias) && !found.tags.contains_key(RETAINED_TAG);
        found.deletion.is_some()
            || match self {
                Self::New { predecessors } => {
                    predecessors.contains(&found.key_id)
                        || (made_for_it && marks.number == Some(1) && is_young(found, now))
                }
                Self::Kept { versions, was_ours } => {
                    // a rotation that was killed: the successor has the alias, and no state knows it
                    let successor = marks.previous.is_some_and(|key| versions.contains(&key));
                    was_ours || versions.contains(&found.key_id) || (made_for_it && successor)
                }
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

    fn new(found: &AliasHolder) -> bool {
        let predecessors = BTreeSet::new();
        let claim = Claim::New {
            predecessors: &predecessors,
        };
        claim.admits(ALIAS, found, now())
    }

    fn kept(found: &AliasHolder, versions: &[&str], was_ours: bool) -> bool {
        let versions = versions.iter().map(|key| (*key).to_owned()).collect();
        let claim = Claim::Kept {
            versions: &versions,
            was_ours,
        };
        claim.admits(ALIAS, found, now())
    }

    #[test]
    fn key_of_somebody_else_keeps_its_alias() {
        assert!(!new(&key(Tags::new(), 0)));
        assert!(!kept(&key(Tags::new(), 0), &["a"], false));
        // with our tags, but too old to be a create that was killed
        assert!(!new(&key(
            first_marks(ALIAS, 1, None, None),
            STRAY_SECONDS.saturating_add(1)
        )));
        assert!(!new(&key(first_marks("alias/other", 1, None, None), 0)));
        assert!(!new(&key(first_marks(ALIAS, 2, Some("x"), None), 0)));
    }

    #[test]
    fn alias_is_taken_from_a_key_that_will_be_deleted() {
        let going = AliasHolder {
            deletion: Some(Deletion { date: None }),
            ..key(Tags::new(), 1_000_000)
        };
        assert!(new(&going) && kept(&going, &[], false));
    }

    #[test]
    fn alias_is_taken_from_what_a_killed_apply_left_behind() {
        assert!(new(&key(first_marks(ALIAS, 1, None, None), 60)));
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
        assert!(claim.admits(ALIAS, &key(Tags::new(), 1_000_000), now()));
    }
}
