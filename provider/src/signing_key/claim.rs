//! Whether an alias may be pointed at a key of ours.

use std::collections::BTreeSet;

use super::marks::parse_marks;
use crate::aws::{
    AliasHolder, Clients, RETAINED_TAG, alias_holder, denies_signing, is_own_key_policy,
    read_key_policy,
};
use crate::error::{Error, TakenBy};

/// Who asks for an alias.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim<'a> {
    /// A new resource.
    New(&'a Predecessors),
    /// A resource whose only version waits for the alias.
    Waiting { versions: &'a BTreeSet<String> },
    /// A resource with these versions.
    Kept {
        versions: &'a BTreeSet<String>,
        /// Whether the alias was the resource's own: somebody else moved it then.
        was_ours: bool,
    },
}

/// Keys that a person has named, and with which nobody can sign, or will before the alias moves.
pub(crate) type Disarmed = BTreeSet<String>;

/// The keys that a new resource may replace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Predecessors {
    /// Keys that the state has under the same alias, as far as the plan could know.
    pub(crate) keys: BTreeSet<String>,
    pub(crate) knowledge: Knowledge,
}

/// Whether the keys of [`Predecessors`] are all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// Before 1.16, Terraform plans a create again in the apply, without what the first plan left: a replacement with
    /// `create_before_destroy` looks the same as the create of another state.
    #[default]
    Partial,
    /// What the first plan found has reached the apply.
    Whole,
}

/// Whether an alias may be pointed at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is free, or may be taken from this key.
    Ours(Option<String>),
    /// This key can sign and was made for the alias: it keeps it until it is destroyed, here or in another state.
    Waits(AliasHolder),
}

/// Who has the alias, and whether it may be taken.
///
/// # Errors
/// [`Error::AliasTaken`] where it points at a key of somebody else; else what KMS said.
pub(crate) async fn standing(
    clients: &Clients,
    alias: &str,
    (claim, disarmed): (Claim<'_>, &Disarmed),
) -> Result<Standing, Error> {
    let Some(found) = alias_holder(clients, alias).await? else {
        return Ok(Standing::Ours(None));
    };
    let verdict = match claim.verdict(alias, &found) {
        _ if disarmed.contains(&found.key_id) => Verdict::Free,
        Verdict::FreeIfUnfinished => {
            let policy = read_key_policy(clients, &found.key_id).await?;
            if denies_signing(&policy) {
                Verdict::Free
            } else {
                claim.against_a_live_key(&found)
            }
        }
        sure @ (Verdict::Free | Verdict::Waits | Verdict::Taken) => sure,
    };
    match verdict {
        Verdict::Free => Ok(Standing::Ours(Some(found.key_id))),
        Verdict::Waits => Ok(Standing::Waits(found)),
        Verdict::FreeIfUnfinished | Verdict::Taken => Err(taken(clients, alias, found).await?),
    }
}

/// Names the key by its id where a person may have it disarmed.
async fn taken(clients: &Clients, alias: &str, found: AliasHolder) -> Result<Error, Error> {
    let holder = if clients.has_read(&found.key_id) {
        TakenBy::Sibling
    } else if may_be_left(alias, &found) {
        let policy = read_key_policy(clients, &found.key_id).await?;
        left_under(&policy, found.key_id)
    } else {
        TakenBy::Somebody
    };
    Ok(Error::AliasTaken {
        alias: alias.to_owned(),
        target: found.arn,
        holder,
    })
}

/// What its tags say; its key policy must be ours too.
fn may_be_left(alias: &str, found: &AliasHolder) -> bool {
    is_made_for(alias, found) && parse_marks(&found.tags).is_first()
}

fn left_under(policy: &str, key_id: String) -> TakenBy {
    if is_own_key_policy(policy) {
        TakenBy::Left(key_id)
    } else {
        TakenBy::Somebody
    }
}

/// Whether a key was created for this alias, and not retained by a destroy since.
fn is_made_for(alias: &str, found: &AliasHolder) -> bool {
    let made_for = parse_marks(&found.tags).alias;
    made_for.as_deref() == Some(alias) && !found.tags.contains_key(RETAINED_TAG)
}

/// Whether the alias may be taken from the key that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Free,
    /// Only while nobody can sign with the key: its create did not finish.
    FreeIfUnfinished,
    /// Not before the key is destroyed.
    Waits,
    Taken,
}

impl Claim<'_> {
    fn verdict(self, alias: &str, found: &AliasHolder) -> Verdict {
        let marks = parse_marks(&found.tags);
        let made_for_it = is_made_for(alias, found);
        if found.deletion.is_some() || self.has(found, made_for_it) {
            return Verdict::Free;
        }
        match self {
            Self::Kept { was_ours, .. } => match (was_ours, made_for_it) {
                // somebody moved it by hand
                (true, false) => Verdict::Free,
                // a key of another state got it while it was free; it keeps it once it can sign
                (true, true) => Verdict::FreeIfUnfinished,
                (false, _) => Verdict::Taken,
            },
            Self::New(_) | Self::Waiting { .. } if !made_for_it => Verdict::Taken,
            // a first version that nobody may sign with was left behind by a killed create, however long ago: what is retired,
            // lost, compromised or retained has a tag that says so
            Self::New(_) | Self::Waiting { .. } if marks.is_first() => Verdict::FreeIfUnfinished,
            Self::New(_) | Self::Waiting { .. } => self.against_a_live_key(found),
        }
    }

    /// Whether the key that holds the alias is one of the resource's own.
    fn has(self, found: &AliasHolder, made_for_it: bool) -> bool {
        match self {
            Self::New(_) => false,
            Self::Waiting { versions } => versions.contains(&found.key_id),
            Self::Kept { versions, .. } => {
                // a rotation that was killed: the successor has the alias, and no state knows it
                let previous = parse_marks(&found.tags).previous;
                let successor = previous.is_some_and(|key| versions.contains(&key));
                versions.contains(&found.key_id) || (made_for_it && successor)
            }
        }
    }

    /// A key that can sign is never disarmed: a new one may wait for it where it may be the one that is being replaced.
    fn against_a_live_key(self, found: &AliasHolder) -> Verdict {
        match self {
            Self::New(known) if known.may_replace(&found.key_id) => Verdict::Waits,
            Self::Waiting { .. } => Verdict::Waits,
            Self::New(_) | Self::Kept { .. } => Verdict::Taken,
        }
    }
}

impl Predecessors {
    fn may_replace(&self, key_id: &str) -> bool {
        self.knowledge == Knowledge::Partial || self.keys.contains(key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::first_marks;
    use super::*;
    use crate::aws::{Deletion, Tags};

    const ALIAS: &str = "alias/audit";

    fn key(tags: Tags) -> AliasHolder {
        AliasHolder {
            key_id: "k".to_owned(),
            arn: "arn".to_owned(),
            deletion: None,
            tags,
        }
    }

    fn new(found: &AliasHolder) -> Verdict {
        let known = Predecessors {
            keys: ["old".to_owned()].into(),
            knowledge: Knowledge::Whole,
        };
        Claim::New(&known).verdict(ALIAS, found)
    }

    fn kept(found: &AliasHolder, versions: &[&str], was_ours: bool) -> bool {
        let versions = versions.iter().map(|key| (*key).to_owned()).collect();
        let claim = Claim::Kept {
            versions: &versions,
            was_ours,
        };
        claim.verdict(ALIAS, found) == Verdict::Free
    }

    #[test]
    fn key_of_somebody_else_keeps_its_alias() {
        assert_eq!(new(&key(Tags::new())), Verdict::Taken);
        assert!(!kept(&key(Tags::new()), &["a"], false));
        let marks = [
            first_marks("alias/other", 1, None, None),
            first_marks(ALIAS, 2, Some("x"), None),
        ];
        for marks in marks {
            assert_eq!(new(&key(marks)), Verdict::Taken);
        }
        // retired on purpose, which also denies signing
        let mut retired = first_marks(ALIAS, 1, None, None);
        let at = "2026-01-01T00:00:00Z".to_owned();
        retired.insert("auditlog:compromised-at".to_owned(), at);
        assert_eq!(new(&key(retired)), Verdict::Taken);
    }

    #[test]
    fn key_that_a_create_may_have_left_behind_is_named_to_be_disarmed() {
        let left = |tags: Tags| may_be_left(ALIAS, &key(tags));
        assert!(left(first_marks(ALIAS, 1, None, None)));
        assert!(!left(first_marks("alias/other", 1, None, None)));
        assert!(!left(first_marks(ALIAS, 2, Some("a"), None)));
        assert!(!left(Tags::new()));
        // one that `disarm` would refuse is not offered
        assert_eq!(left_under("{}", "k".to_owned()), TakenBy::Somebody);
    }

    #[test]
    fn alias_is_taken_from_a_key_that_will_be_deleted() {
        let going = AliasHolder {
            deletion: Some(Deletion { date: None }),
            ..key(Tags::new())
        };
        assert_eq!(new(&going), Verdict::Free);
        assert!(kept(&going, &[], false));
    }

    #[test]
    fn alias_is_taken_from_what_a_killed_apply_left_behind() {
        let unfinished = key(first_marks(ALIAS, 1, None, None));
        assert_eq!(new(&unfinished), Verdict::FreeIfUnfinished);
        let successor = key(first_marks(ALIAS, 2, Some("a"), None));
        assert!(kept(&successor, &["a"], false));
        assert!(!kept(&successor, &["b"], false));
    }

    #[test]
    fn own_alias_is_not_taken_back_from_a_key_of_another_state_that_can_sign() {
        let versions = ["a".to_owned()].into();
        let claim = Claim::Kept {
            versions: &versions,
            was_ours: true,
        };
        let theirs = key(first_marks(ALIAS, 1, None, None));
        let verdict = claim.verdict(ALIAS, &theirs);
        assert_eq!(verdict, Verdict::FreeIfUnfinished);
        assert_eq!(claim.against_a_live_key(&theirs), Verdict::Taken);
    }

    #[test]
    fn own_alias_comes_back_from_wherever_somebody_moved_it() {
        assert!(kept(&key(Tags::new()), &["a"], true));
        assert!(kept(&key(Tags::new()), &["k"], false));
    }

    #[test]
    fn new_key_waits_for_the_alias_of_the_key_that_it_may_replace() {
        let named = |key_id: &str, tags: Tags| AliasHolder {
            key_id: key_id.to_owned(),
            ..key(tags)
        };
        let marks = || first_marks(ALIAS, 3, Some("x"), None);
        assert_eq!(new(&named("old", marks())), Verdict::Waits);
        assert_eq!(new(&named("other", marks())), Verdict::Taken);
        assert_eq!(new(&named("old", Tags::new())), Verdict::Taken);
        // as long as Terraform does not say what is being replaced
        let unsure = Predecessors::default();
        let found = |tags| Claim::New(&unsure).verdict(ALIAS, &named("other", tags));
        assert_eq!(found(marks()), Verdict::Waits);
        assert_eq!(found(Tags::new()), Verdict::Taken);
        let mut retained = marks();
        retained.insert(RETAINED_TAG.to_owned(), "2026-01-01T00:00:00Z".to_owned());
        assert_eq!(found(retained), Verdict::Taken);
    }

    #[test]
    fn waiting_key_takes_the_alias_once_it_was_handed_over_or_is_free_of_its_key() {
        let versions = ["k".to_owned()].into();
        let claim = Claim::Waiting {
            versions: &versions,
        };
        let holder = |key_id: &str, tags: Tags| AliasHolder {
            key_id: key_id.to_owned(),
            ..key(tags)
        };
        let marks = first_marks(ALIAS, 1, None, None);
        let handed_over = holder("k", marks.clone());
        assert_eq!(claim.verdict(ALIAS, &handed_over), Verdict::Free);
        let still_there = holder("old", marks);
        let verdict = claim.verdict(ALIAS, &still_there);
        assert_eq!(verdict, Verdict::FreeIfUnfinished);
        assert_eq!(claim.against_a_live_key(&still_there), Verdict::Waits);
        let foreign = holder("old", Tags::new());
        assert_eq!(claim.verdict(ALIAS, &foreign), Verdict::Taken);
    }
}
