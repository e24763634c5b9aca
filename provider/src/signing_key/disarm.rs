//! Keys that an interrupted create left behind, which a person names: signing is denied on them, so that the alias is free.
//!
//! A create lets a key sign last of all. If it is killed after that and before Terraform writes the state, nothing distinguishes the key
//! from that of another state. So the provider disarms no key that nobody has named, and none that was not left by such a create.

use std::collections::BTreeSet;

use tf_provider::{AttributePath, Context, Diagnostic, Diagnostics, Field, Object, Result};

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

/// The keys that a person has named.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// With which somebody can sign as yet.
    armed: Vec<KeyParts>,
    /// All of them.
    ids: BTreeSet<String>,
}

impl Named {
    /// All of them: nobody can sign with them once [`Named::disarm`] is done.
    pub(crate) const fn ids(&self) -> &BTreeSet<String> {
        &self.ids
    }

    /// Denies signing on each key that is named.
    ///
    /// # Errors
    /// What KMS said.
    pub(crate) async fn disarm(&self, clients: &Clients, planned: &SigningKey) -> Result {
        for key in &self.armed {
            deny(clients, planned, key).await?;
        }
        Ok(())
    }
}

/// Checks the keys that are named, and changes nothing.
///
/// # Errors
/// A key that an interrupted create of this alias cannot have left behind, and what KMS said.
pub(crate) async fn named(
    cx: &Context<Account>,
    clients: &Clients,
    (planned, own, others): (&SigningKey, &BTreeSet<String>, &BTreeSet<String>),
) -> Result<Named> {
    let mut wrong = Diagnostics::new();
    let mut named = Named::default();
    for (at, id) in planned.disarm.iter().flatten().enumerate() {
        let found = read_key(clients, id).await.map_err(|e| failed(&e))?;
        let key_id = found.as_ref().map(|key| key.key_id.clone());
        let is_siblings = |key: &String| clients.has_read(key) || others.contains(key);
        let owner = match &key_id {
            Some(key) if own.contains(key) => Owner::Own,
            Some(key) if is_siblings(key) => Owner::Sibling,
            _ => Owner::Unknown,
        };
        match Verdict::of(found.as_ref(), &planned.alias, owner) {
            Verdict::Armed => named.armed.extend(found),
            Verdict::Disarmed(why) => cx.warn(stale(id, why)),
            Verdict::Refused(why) => wrong.push(refused(at, id, &why)),
        }
        named.ids.extend(key_id);
    }
    if wrong.is_empty() {
        Ok(named)
    } else {
        Err(wrong)
    }
}

/// Checks that each entry has the form of a key's id or ARN. KMS also takes an alias for a key; it may have moved since.
pub(super) fn check_ids(entries: &[Field<String>]) -> std::result::Result<(), String> {
    for (at, entry) in entries.iter().enumerate() {
        let Some(text) = entry.known() else { continue };
        if !is_key_id(text) && !key_of_arn(text).is_some_and(is_key_id) {
            return Err(format!(
                "At [{at}]: {text:?} is neither the id of a KMS key, such as \"1234abcd-12ab-34cd-56ef-1234567890ab\", nor its ARN."
            ));
        }
    }
    Ok(())
}

/// A UUID, or `mrk-` and 32 digits for a key of several regions.
fn is_key_id(text: &str) -> bool {
    let is_hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    };
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && is_hex(digits);
    }
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| is_hex(part))
}

fn key_of_arn(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "kms", region, account, key]
            if !partition.is_empty()
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit()) =>
        {
            key.strip_prefix("key/")
        }
        _ => None,
    }
}

/// Refuses at the plan what it knows to be a key of a resource: the apply sees the other resources only in part.
///
/// # Errors
/// A key that this state has.
pub(crate) fn check_named(clients: &Clients, planned: &Object, own: &BTreeSet<String>) -> Result {
    let mut wrong = Diagnostics::new();
    if let Some(one) = own.iter().find(|key| clients.is_disarmed(key)) {
        wrong.push(named_elsewhere(one));
    }
    let entries = planned.get::<Field<Vec<Field<String>>>>(DISARM)?;
    for (at, entry) in entries.into_known().into_iter().flatten().enumerate() {
        let Field::Known(entry) = entry else { continue };
        // of an ARN, the last part
        let id = entry.rsplit('/').next().unwrap_or_default();
        if own.contains(id) {
            wrong.push(refused(at, id, Owner::OWN));
        } else if clients.has_read(id) {
            wrong.push(refused(at, id, Owner::SIBLING));
        } else {
            clients.plan_disarm(id);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
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

/// Which resource has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Own,
    Sibling,
    Unknown,
}

impl Owner {
    const OWN: &str = "it is a version of this resource";
    const SIBLING: &str = "another resource of this configuration has it";
}

/// Whether a key may be disarmed.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Armed,
    Disarmed(&'static str),
    Refused(String),
}

impl Verdict {
    fn of(found: Option<&KeyParts>, alias: &str, owner: Owner) -> Self {
        let Some(key) = found else {
            return Self::Disarmed("KMS has no such key");
        };
        let marks = parse_marks(&key.tags);
        let made_for = marks.alias.as_deref();
        if owner == Owner::Own {
            Self::Refused(Owner::OWN.to_owned())
        } else if owner == Owner::Sibling {
            Self::Refused(Owner::SIBLING.to_owned())
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

/// The resource that names it was planned before this one.
fn named_elsewhere(id: &str) -> Diagnostic {
    let detail = format!(
        "Another resource of this configuration names {id} in `{DISARM}`, but the key is a version of this resource. Only the key of an \
         interrupted create, which no state has, can be named there. Remove the entry."
    );
    Diagnostic::error("The key cannot be disarmed", detail).at("key_id")
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
        Verdict::of(Some(key), ALIAS, Owner::Unknown)
    }

    #[test]
    fn entry_is_the_id_or_the_arn_of_a_key() {
        const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let known = |text: &str| check_ids(&[Field::Unknown, Field::Known(text.to_owned())]);
        let of = |id: &str| format!("arn:aws-cn:kms:cn-north-1:123456789012:key/{id}");
        let multi = "mrk-1234abcd12ab34cd56ef1234567890ab";
        for right in [UUID, multi, &of(UUID), &of(multi)] {
            assert_eq!(known(right), Ok(()), "{right}");
        }
        let upper = UUID.to_ascii_uppercase();
        let alias = of(UUID).replace("key/", "alias/");
        let short = of(UUID).replace("123456789012", "12345");
        for wrong in [
            "",
            "nonsense",
            "alias/one",
            &UUID[1..],
            &multi[..35],
            &upper,
            &alias,
            &short,
            &of("k"),
        ] {
            let said = known(wrong).unwrap_err();
            assert!(
                said.starts_with(&format!("At [1]: {wrong:?} is neither")),
                "{said}"
            );
        }
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
        let owned = |owner| Verdict::of(Some(&stray()), ALIAS, owner);
        assert_eq!(owned(Owner::Own), Verdict::Refused(Owner::OWN.to_owned()));
        let siblings = Verdict::Refused(Owner::SIBLING.to_owned());
        assert_eq!(owned(Owner::Sibling), siblings);
    }

    #[test]
    fn key_that_signs_nothing_is_named_for_nothing() {
        let is_stale = |found: Option<&KeyParts>| {
            matches!(
                Verdict::of(found, ALIAS, Owner::Unknown),
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
