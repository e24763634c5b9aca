//! Keys that an interrupted create left behind, which a person names: signing is denied on them, so that the alias is free.
//!
//! A create lets a key sign last of all. If it is killed after that and before Terraform writes the state, nothing distinguishes the key
//! from that of another state. So the provider disarms no key that nobody has named, and none that was not left by such a create.

use std::collections::BTreeSet;

use tf_provider::{AttributePath, Context, Diagnostic, Diagnostics, Result};

use super::context::key_failed;
use super::marks::parse_marks;
use super::model::SigningKey;
use super::policy::place_of;
use crate::account::Account;
use crate::aws::{
    Clients, KeyParts, RETAINED_TAG, Signing, denies_signing, is_own_key_policy, put_key_policy,
    read_key,
};
use crate::error::Error;

/// The argument.
pub(crate) const DISARM: &str = "disarm";

/// The line of the configuration that a person pastes.
pub(crate) fn line(key_id: &str) -> String {
    format!("    {DISARM} = [{key_id:?}]")
}

/// Denies signing on each key that is named. Nothing is changed unless all of them may be disarmed.
///
/// # Errors
/// A key that an interrupted create of this alias cannot have left behind, and what KMS said.
pub(crate) async fn disarm(
    cx: &Context<Account>,
    clients: &Clients,
    (planned, own): (&SigningKey, &BTreeSet<String>),
) -> Result {
    let mut wrong = Diagnostics::new();
    let mut armed = Vec::new();
    for (at, id) in planned.disarm.iter().flatten().enumerate() {
        let found = read_key(clients, id).await.map_err(|e| failed(&e))?;
        match Verdict::of(found.as_ref(), &planned.alias, own) {
            Verdict::Armed => armed.extend(found),
            Verdict::Disarmed(why) => cx.warn(stale(id, why)),
            Verdict::Refused(why) => wrong.push(refused(at, id, &why)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    for key in armed {
        deny(clients, planned, &key).await?;
    }
    Ok(())
}

/// Says of each key that is named whether the entry can be removed.
pub(crate) async fn warn_of_stale(cx: &Context<Account>, clients: &Clients, known: &SigningKey) {
    for id in known.disarm.iter().flatten() {
        let Ok(found) = read_key(clients, id).await else {
            continue;
        };
        if let Some(why) = disarmed(found.as_ref()) {
            cx.warn(stale(id, why));
        }
    }
}

/// Whether a key may be disarmed.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Armed,
    Disarmed(&'static str),
    Refused(String),
}

impl Verdict {
    fn of(found: Option<&KeyParts>, alias: &str, own: &BTreeSet<String>) -> Self {
        let Some(key) = found else {
            return Self::Disarmed("KMS has no such key");
        };
        let marks = parse_marks(&key.tags);
        let made_for = marks.alias.as_deref();
        if own.contains(&key.key_id) {
            Self::Refused("it is a version of this resource".to_owned())
        } else if made_for != Some(alias) {
            let tag = made_for.map_or("no tag auditlog:created".to_owned(), |other| {
                format!("the tag auditlog:created = {other}")
            });
            Self::Refused(format!(
                "it has {tag}, and this resource has the alias {alias:?}"
            ))
        } else if key.tags.contains_key(RETAINED_TAG) {
            Self::Refused("a destroy retained it".to_owned())
        } else if !marks.is_first() {
            Self::Refused(
                "it is not the first version of a key, or was declared something since it was made"
                    .to_owned(),
            )
        } else if let Some(why) = disarmed(found) {
            Self::Disarmed(why)
        } else if !is_own_key_policy(&key.policy) {
            Self::Refused("its key policy is not one of this provider".to_owned())
        } else {
            Self::Armed
        }
    }
}

/// Why nobody signs with a key.
fn disarmed(found: Option<&KeyParts>) -> Option<&'static str> {
    match found {
        None => Some("KMS has no such key"),
        Some(key) if key.deletion.is_some() => Some("KMS will delete the key"),
        Some(key) if denies_signing(&key.policy) => Some("nobody can sign with the key"),
        Some(_) => None,
    }
}

async fn deny(clients: &Clients, planned: &SigningKey, key: &KeyParts) -> Result {
    let Some(place) = place_of(&key.arn) else {
        return Ok(());
    };
    let access = planned.access();
    let denied = access.render(place, key.spec, Signing::Denied)?;
    let put = put_key_policy(clients, &key.key_id, &denied).await;
    put.map_err(|e| failed(&e).into())
}

fn failed(error: &Error) -> Diagnostic {
    let mut failure = key_failed(error);
    "The key was not disarmed".clone_into(&mut failure.summary);
    failure.at(DISARM)
}

fn refused(at: usize, id: &str, why: &str) -> Diagnostic {
    let path = AttributePath::from(DISARM).index(at);
    let detail = format!(
        "At {path}: signing with the key {id} is not denied, because {why}. Only the key of an interrupted create of this alias can be \
         named here. Nothing was changed. Remove the entry."
    );
    Diagnostic::error("The key cannot be disarmed", detail).at(DISARM)
}

fn stale(id: &str, why: &str) -> Diagnostic {
    let detail = format!(
        "Remove {id:?} from `{DISARM}`: {why}. To delete a key that no state has:\n\n\
         aws kms schedule-key-deletion --key-id {id} --pending-window-in-days 7"
    );
    Diagnostic::warning("Key that is disarmed already", detail).at(DISARM)
}

#[cfg(test)]
mod tests {
    use auditlog_chain::keys::KeySpec;

    use super::super::marks::first_marks;
    use super::super::policy::Access;
    use super::*;
    use crate::aws::{Deletion, Tags, Usability};

    const ALIAS: &str = "alias/audit";

    fn key(tags: Tags, signing: Signing) -> KeyParts {
        let place = ("aws", "123456789012");
        let policy = Access::default().render(place, KeySpec::EccNistP256, signing);
        KeyParts {
            key_id: "k".to_owned(),
            arn: "arn:aws:kms:eu-central-1:123456789012:key/k".to_owned(),
            spec: KeySpec::EccNistP256,
            description: String::new(),
            usability: Usability::Enabled,
            deletion: None,
            creation_date: "2026-01-01T00:00:00Z".to_owned(),
            aliases: Vec::new(),
            tags,
            others_tags: 0,
            policy: policy.unwrap(),
            grants: Vec::new(),
            public_key: None,
        }
    }

    fn stray() -> KeyParts {
        key(first_marks(ALIAS, 1, None, None), Signing::Allowed)
    }

    fn verdict(key: &KeyParts) -> Verdict {
        Verdict::of(Some(key), ALIAS, &BTreeSet::new())
    }

    #[test]
    fn key_of_a_create_that_was_finished_and_not_stored_is_disarmed() {
        assert_eq!(verdict(&stray()), Verdict::Armed);
    }

    #[test]
    fn key_that_no_such_create_left_is_refused() {
        let refused = |key: &KeyParts, part: &str| match verdict(key) {
            Verdict::Refused(why) => assert!(why.contains(part), "{why}"),
            other @ (Verdict::Armed | Verdict::Disarmed(_)) => panic!("{other:?}"),
        };
        let tagged = |tags| key(tags, Signing::Allowed);
        refused(&tagged(Tags::new()), "no tag auditlog:created");
        let other = first_marks("alias/other", 1, None, None);
        refused(&tagged(other), "auditlog:created = alias/other");
        let second = first_marks(ALIAS, 2, Some("a"), None);
        refused(&tagged(second), "not the first version");
        let mut retained = stray();
        retained
            .tags
            .insert(RETAINED_TAG.to_owned(), "2026-01-01T00:00:00Z".to_owned());
        refused(&retained, "a destroy retained it");
        let mut foreign = stray();
        foreign.policy = "{}".to_owned();
        refused(&foreign, "its key policy is not one of this provider");
        let own = ["k".to_owned()].into();
        let found = Verdict::of(Some(&stray()), ALIAS, &own);
        assert_eq!(
            found,
            Verdict::Refused("it is a version of this resource".to_owned())
        );
    }

    #[test]
    fn key_that_signs_nothing_is_named_for_nothing() {
        let is_stale = |found: Option<&KeyParts>| {
            matches!(
                Verdict::of(found, ALIAS, &BTreeSet::new()),
                Verdict::Disarmed(_)
            )
        };
        assert!(is_stale(None));
        assert!(is_stale(Some(&key(stray().tags, Signing::Denied))));
        let going = KeyParts {
            deletion: Some(Deletion { date: None }),
            ..stray()
        };
        assert!(is_stale(Some(&going)));
    }
}
