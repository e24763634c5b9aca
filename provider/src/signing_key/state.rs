//! The state of a signing key: as it was put, and as it was found.

use std::collections::BTreeMap;

use auditlog_chain::keys::PublicKey;
use auditlog_chain::policy::KeyPolicy;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Diagnostic, Field, Result};

use super::current::{of_versions, seen_current, signing_policy};
use super::history::{History, State};
use super::marks::{format_marks, own};
use super::model::{SigningKey, Versions};
use super::policy::place_of;
use crate::aws::{Clients, KeyParts, KeySettings, Tags, Usability, policy_changes};
use crate::tags;
use crate::trust::keys::Misfit;

/// The keys of the versions, as they were found.
pub(crate) type Found = BTreeMap<u32, KeyParts>;

/// The state after everything was done as planned.
///
/// # Errors
/// Principals that no policy can name.
pub(crate) fn settled(
    planned: SigningKey,
    clients: &Clients,
    history: &History,
) -> Result<SigningKey> {
    let tags_all = tags::wanted(clients.default_tags(), planned.tags.as_ref());
    let policy = signing_policy(&planned, history)?;
    let foreign_grants = Field::Known(planned.foreign_grants.known().cloned().unwrap_or_default());
    Ok(SigningKey {
        region: clients.region().to_owned().into(),
        tags_all: tags_all.into(),
        policy: policy.into(),
        drift: Field::Known(Vec::new()),
        foreign_grants,
        ..of_versions(planned, history)
    })
}

/// What the key of a version should be.
///
/// # Errors
/// Principals that no policy can name, or an ARN without an account.
pub(crate) fn settings(
    clients: &Clients,
    model: &SigningKey,
    history: &History,
    number: u32,
) -> Result<KeySettings> {
    let mut tags = tags::wanted(clients.default_tags(), model.tags.as_ref());
    let is_current = history
        .current()
        .is_some_and(|(current, _)| current == number);
    let trigger = model.trigger().filter(|_| is_current);
    tags.extend(format_marks(history, number, &model.alias, trigger));
    let version = history.versions().find(|(other, _)| *other == number);
    let (_, version) = version.ok_or_else(|| no_such_version(number))?;
    let arn = version.declared.arn.as_deref().unwrap_or_default();
    let place = place_of(arn).ok_or_else(|| no_account(arn))?;
    Ok(KeySettings {
        description: model.description.clone(),
        tags,
        policy: model
            .access()
            .render(place, version.declared.spec, version.signing())?,
        signing: version.signing(),
        usability: if version.state == State::Compromised {
            Usability::Disabled
        } else {
            Usability::Enabled
        },
    })
}

fn no_such_version(number: u32) -> Diagnostic {
    let detail = format!("The state has no version {number}. This is a bug in the provider.");
    Diagnostic::error("No such version", detail).at("versions")
}

fn no_account(arn: &str) -> Diagnostic {
    let detail =
        format!("The ARN {arn:?} of the key names no account, so its policy cannot be made.");
    Diagnostic::error("The key's account is not known", detail).at("arn")
}

/// The state of a key whose versions were found like this.
///
/// # Errors
/// Principals that no policy can name.
pub(crate) fn seen(
    known: &SigningKey,
    clients: &Clients,
    history: &History,
    found: &Found,
) -> Result<SigningKey> {
    let state = of_versions(known.clone(), history);
    let grants = found.iter().flat_map(|(number, parts)| {
        parts.grants.iter().map(move |grant| {
            let operations = grant.operations.join(", ");
            format!(
                "version {number}: {operations} for {} (grant {})",
                grant.grantee, grant.id
            )
        })
    });
    let state = SigningKey {
        region: clients.region().to_owned().into(),
        drift: Field::Known(drift(known, clients, history, found)?),
        foreign_grants: Field::Known(grants.collect()),
        ..state
    };
    let current = history.current().and_then(|(number, _)| found.get(&number));
    match current {
        Some(parts) => seen_current(known, state, clients, (history, parts)),
        None => Ok(state),
    }
}

/// What differs from the declaration and has no attribute of its own.
fn drift(
    known: &SigningKey,
    clients: &Clients,
    history: &History,
    found: &Found,
) -> Result<Vec<String>> {
    let current = history.current().map(|(number, _)| number);
    let mut drift = Vec::new();
    for (number, parts) in found {
        let version = history
            .versions()
            .find(|(other, version)| other == number && version.is_there());
        if version.is_none() {
            continue;
        }
        let wanted = settings(clients, known, history, *number)?;
        let mut differs = |what: String| drift.push(format!("version {number}: {what}"));
        if Some(*number) == current {
            if own(&parts.tags) != own(&wanted.tags) {
                differs("the provider's own tags were changed".to_owned());
            }
        } else {
            old_version(parts, &wanted)
                .into_iter()
                .for_each(&mut differs);
        }
        match (parts.usability, wanted.usability) {
            (Usability::Disabled, Usability::Enabled) => differs("the key is disabled".to_owned()),
            (Usability::Enabled, Usability::Disabled) => differs("the key is enabled".to_owned()),
            (Usability::Enabled, Usability::Enabled)
            | (Usability::Disabled, Usability::Disabled) => {}
        }
    }
    Ok(drift)
}

/// How a version that does not sign differs from what it should be.
fn old_version(parts: &KeyParts, wanted: &KeySettings) -> Vec<String> {
    let mut found: Vec<String> = policy_changes(&parts.policy, &wanted.policy)
        .into_iter()
        .map(|change| format!("key policy: {change}"))
        .collect();
    if parts.description != wanted.description {
        found.push("the description was changed".to_owned());
    }
    if parts.tags != wanted.tags {
        found.push("the tags were changed".to_owned());
    }
    found
}

/// What the trust policy says of a key as it was found.
pub(crate) fn declared(parts: &KeyParts, spki: &PublicKey) -> Option<KeyPolicy> {
    Some(KeyPolicy {
        spec: parts.spec,
        spki: spki.clone(),
        arn: Some(parts.arn.clone()),
        valid_from: Timestamp::parse_rfc3339(&parts.creation_date)?,
        retired_at: None,
        lost_at: None,
        compromised: None,
    })
}

/// The versions that a state has, if any.
///
/// # Errors
/// A value that the provider did not write.
pub(crate) fn known_history(versions: Option<&Versions>) -> Result<Option<History>> {
    let versions = versions.filter(|versions| !versions.is_empty());
    let history = versions.map(History::parse).transpose();
    history.map_err(|misfit| damaged(&misfit).into())
}

/// A value of the state that the provider did not write.
fn damaged(misfit: &Misfit) -> Diagnostic {
    let detail = format!(
        "{} Restore the state from a backup, or remove the resource from it and import it again.",
        misfit.detail
    );
    let summary = format!("Invalid value for {} in the state", misfit.path);
    Diagnostic::error(summary, detail).at(misfit.path.clone())
}

/// The tags that every version has, without those of its own.
pub(crate) fn shared_tags(clients: &Clients, model: &SigningKey) -> Tags {
    tags::wanted(clients.default_tags(), model.tags.as_ref())
}
