//! Imports: from a key or its alias back through all versions, by the tags that each key has of its predecessor.

use auditlog_chain::policy::KeyPolicy;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Result};

use super::apply::look;
use super::context::now;
use super::destroy::RETAIN;
use super::history::{History, State};
use super::marks::{Marks, parse_marks};
use super::model::{DEFAULT_GRACE_DAYS, DeclaredCompromise, LostModel, Rotation, SigningKey};
use super::schema::MAX_WINDOW_DAYS;
use super::state::{declared, seen};
use crate::account::Account;
use crate::aws::{Clients, KeyParts, Place, alias_holder, read_key};
use crate::error::Error;

/// Versions that an import follows back.
const MAX_VERSIONS: usize = 1000;

pub(crate) async fn import(
    cx: &Context<Account>,
    id: &str,
    region: Option<&str>,
) -> Result<SigningKey> {
    let failed = |error: Error| error.diagnostic("The key cannot be imported", "key_id");
    let place = Place::of_arn(id);
    let clients = &cx.data().clients_in(region.or(place.region))?;
    clients
        .check_place(&format!("the key {id}"), place)
        .map_err(|error| error.diagnostic("The key cannot be imported", "arn"))?;
    let asked = read_key(clients, id).await.map_err(failed)?;
    let asked = asked.ok_or_else(|| no_such_key(id, clients.region()))?;
    let newest = newest(clients, asked).await.map_err(failed)?;
    let marks = parse_marks(&newest.tags);
    check_newest(&newest, &marks)?;
    let alias = imported_alias(id, marks.alias, &newest.aliases);
    let mut history = follow(clients, newest).await?;
    let found = look(clients, &mut history, now()).await.map_err(failed)?;
    announce(cx, &history);
    let known = SigningKey {
        alias: alias.unwrap_or_default(),
        rotation: marks.trigger.map(|trigger| Rotation {
            period_in_days: None,
            grace_in_days: DEFAULT_GRACE_DAYS,
            trigger: Some(trigger),
        }),
        on_destroy: RETAIN.to_owned(),
        deletion_window_in_days: MAX_WINDOW_DAYS,
        ..declarations(&history)
    };
    let known = SigningKey {
        description: found
            .values()
            .next_back()
            .map(|parts| parts.description.clone())
            .unwrap_or_default(),
        ..known
    };
    seen(&known, clients, &history, &found)
}

/// A version that was retired has a successor. As the newest of an import it could sign again.
fn check_newest(newest: &KeyParts, marks: &Marks) -> Result {
    let Some(at) = marks.retired_at else {
        return Ok(());
    };
    let (id, number) = (&newest.key_id, marks.number.unwrap_or(1));
    let detail = format!(
        "The key {id} is version {number}, which was retired at {}, and its successor does not have the alias that it was made \
         for. An import of it would let it sign again. Import the newest version by its id. To find it:\n\n\
         aws resourcegroupstaggingapi get-resources --tag-filters Key=auditlog:previous,Values={id}\n\n\
         If it is gone, remove the tag auditlog:retired-at from the key.",
        at.to_rfc3339()
    );
    Err(
        Diagnostic::error("The key is not the newest version", detail)
            .at("key_id")
            .into(),
    )
}

fn no_such_key(id: &str, region: &str) -> Diagnostic {
    let detail = format!(
        "KMS does not have the key {id:?} in {region}, so it cannot be imported. For a key in another region, write \"{id}@REGION\"."
    );
    Diagnostic::error("No such key", detail)
}

/// The version that signs: the key that has the alias for which this one was made, if it is one of its successors.
async fn newest(clients: &Clients, asked: KeyParts) -> std::result::Result<KeyParts, Error> {
    let Some(alias) = parse_marks(&asked.tags).alias else {
        return Ok(asked);
    };
    let Some(holder) = alias_holder(clients, &alias).await? else {
        return Ok(asked);
    };
    let Some(newest) = read_key(clients, &holder.key_id).await? else {
        return Ok(asked);
    };
    let mut key = newest.clone();
    for _ in 0..MAX_VERSIONS {
        if key.key_id == asked.key_id {
            return Ok(newest);
        }
        let Some(previous) = parse_marks(&key.tags).previous else {
            break;
        };
        let Some(before) = read_key(clients, &previous).await? else {
            break;
        };
        key = before;
    }
    Ok(asked)
}

/// All versions, from the newest back.
async fn follow(clients: &Clients, newest: KeyParts) -> Result<History> {
    let mut history = History::default();
    let mut next = Some(newest);
    let mut is_newest = true;
    while let Some(parts) = next.take() {
        let marks = parse_marks(&parts.tags);
        let number = marks.number.unwrap_or(1);
        let seen_before = history.versions().any(|(other, _)| other <= number);
        if seen_before {
            return Err(broken(&parts.key_id, number).into());
        }
        let key = key_policy(&parts, &marks)?;
        let state = state_of(&key, is_newest, now());
        history.insert(number, &parts.key_id, key, state);
        is_newest = false;
        if let Some(previous) = marks.previous.filter(|_| number > 1) {
            let before = read_key(clients, &previous).await;
            let before =
                before.map_err(|error| error.diagnostic("The key cannot be imported", "key_id"))?;
            next = Some(before.ok_or_else(|| missing(&previous, number))?);
        }
    }
    Ok(history)
}

fn key_policy(parts: &KeyParts, marks: &Marks) -> Result<KeyPolicy> {
    let spki = parts.public_key.as_ref();
    let key = spki.and_then(|spki| declared(parts, spki));
    let key = key.ok_or_else(|| no_public_key(&parts.key_id))?;
    Ok(KeyPolicy {
        retired_at: marks.retired_at,
        lost_at: marks.lost_at,
        compromised: marks.compromised.clone(),
        ..key
    })
}

fn state_of(key: &KeyPolicy, is_newest: bool, now: Timestamp) -> State {
    match key.retired_at {
        _ if is_newest => State::Current,
        _ if key.compromised.is_some() => State::Compromised,
        Some(at) if at > now && key.lost_at.is_none() => State::Grace,
        _ => State::Retired,
    }
}

fn no_public_key(key_id: &str) -> Diagnostic {
    let detail = format!(
        "KMS does not return the public key of {key_id}, because the key is disabled or waits for its deletion. A version \
         that was declared compromised is disabled. Enable it for the import; its policy still denies signing, and the next \
         apply disables it again:\n\naws kms enable-key --key-id {key_id}"
    );
    Diagnostic::error("The public key is not known", detail).at("versions")
}

fn missing(key_id: &str, successor: u32) -> Diagnostic {
    let detail = format!(
        "Version {successor} names {key_id} as the key before it, and KMS does not have that key any more. Its public key is \
         in the trust policy of that time only. To import the newer versions alone, remove the tag auditlog:previous from \
         version {successor}, and keep the old key in the trust policy by hand."
    );
    Diagnostic::error("A version is missing", detail).at("versions")
}

fn broken(key_id: &str, number: u32) -> Diagnostic {
    let detail = format!(
        "The tags of the key {key_id} say that it is version {number}, which is not before its successor. Correct its tag \
         auditlog:version, or remove the tag auditlog:previous of its successor."
    );
    Diagnostic::error("The versions are not in order", detail).at("versions")
}

/// The history comes from tags: whoever may tag the keys could have written it.
fn announce(cx: &Context<Account>, history: &History) {
    if history.versions().count() < 2 {
        return;
    }
    let models = history.models();
    let lines: Vec<_> = models
        .iter()
        .map(|(number, model)| {
            format!(
                "version {number}: {} (SHA-256 {})",
                model.key_id, model.fingerprint
            )
        })
        .collect();
    let detail = format!(
        "They were found by the tags of the keys. Compare them with the last trust policy, since whoever may tag the keys \
         could have added one:\n\n{}",
        lines.join("\n")
    );
    cx.warn(Diagnostic::warning("All versions were imported", detail).at("versions"));
}

/// `lost` and `compromised` as the tags have them.
fn declarations(history: &History) -> SigningKey {
    let mut model = SigningKey::default();
    for (number, version) in history.versions() {
        if let Some(at) = version.declared.lost_at {
            let lost = LostModel {
                at: at.to_rfc3339(),
            };
            model
                .lost
                .get_or_insert_default()
                .insert(number.to_string(), lost);
        }
        if let Some(compromised) = &version.declared.compromised {
            let declared = DeclaredCompromise::from(compromised);
            let all = model.compromised.get_or_insert_default();
            all.insert(number.to_string(), declared);
        }
    }
    model
}

/// The alias that was asked for; the one that the key was made for; or the only one that it has.
fn imported_alias(id: &str, marked: Option<String>, aliases: &[String]) -> Option<String> {
    let asked = id
        .rsplit_once(":alias/")
        .map(|(_, name)| format!("alias/{name}"));
    let asked = asked.or_else(|| id.starts_with("alias/").then(|| id.to_owned()));
    let marked = marked.filter(|alias| aliases.contains(alias));
    match (asked.or(marked), aliases) {
        (Some(asked), _) => Some(asked),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_alias_is_the_one_asked_for_or_made_for_or_the_only_one() {
        let two = ["alias/a".to_owned(), "alias/b".to_owned()];
        let arn = "arn:aws:kms:eu-central-1:1:alias/x/y";
        let found = |id: &str, marked: Option<&str>, aliases: &[String]| {
            imported_alias(id, marked.map(str::to_owned), aliases)
        };
        assert_eq!(found("alias/b", None, &two).as_deref(), Some("alias/b"));
        assert_eq!(found(arn, None, &two).as_deref(), Some("alias/x/y"));
        assert_eq!(found("1234", None, &two), None);
        assert_eq!(
            found("1234", Some("alias/b"), &two).as_deref(),
            Some("alias/b")
        );
        assert_eq!(
            found("1234", Some("alias/c"), &two[..1]).as_deref(),
            Some("alias/a")
        );
    }
}
