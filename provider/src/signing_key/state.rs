//! The state of a signing key: as it was put, and as it was found.

use std::collections::BTreeMap;

use auditlog_chain::policy::KeyPolicy;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Diagnostic, Field, Result};

use super::history::History;
use super::model::{SigningKey, VersionModel};
use crate::aws::{Clients, KeyParts};
use crate::tags;
use crate::trust::keys::Misfit;

/// The state after everything was done as planned.
pub(crate) fn settled(
    planned: SigningKey,
    clients: &Clients,
    found: KeyParts,
) -> Result<SigningKey> {
    let tags_all = tags::wanted(clients.default_tags(), planned.tags.as_ref());
    let history = history(&planned, &found)?;
    Ok(SigningKey {
        tags_all: tags_all.into(),
        ..of_versions(planned, found, history)
    })
}

/// The state of a key as it was found.
pub(crate) fn seen(known: &SigningKey, clients: &Clients, found: KeyParts) -> Result<SigningKey> {
    let (tags, tags_all) = tags::split(
        &found.tags,
        clients.default_tags(),
        known.tags.as_ref(),
        &known.tags_all,
    );
    let alias = Some(&known.alias).filter(|alias| found.aliases.contains(alias));
    let shown = SigningKey {
        alias: alias.cloned().unwrap_or_default(),
        key_spec: found.spec.as_str().to_owned(),
        description: found.description.clone(),
        tags,
        tags_all,
        ..known.clone()
    };
    let history = history(known, &found)?;
    let state = of_versions(shown, found, history.clone());
    Ok(SigningKey {
        trust: history.map(|history| history.trust(&known.alias)).into(),
        ..state
    })
}

/// The attributes that follow from the key and its versions.
fn of_versions(known: SigningKey, found: KeyParts, history: Option<History>) -> SigningKey {
    let versions = history.as_ref().map(History::models);
    let current = versions
        .as_ref()
        .and_then(|versions| versions.values().next_back().cloned());
    let (pem, spki) = match current {
        Some(current) => (
            Field::Known(current.public_key_pem),
            Field::Known(current.public_key_spki),
        ),
        None => (Field::Null, Field::Null),
    };
    SigningKey {
        id: found.key_id.clone().into(),
        key_id: found.key_id.into(),
        arn: found.arn.into(),
        usage: found.usage.into(),
        creation_date: found.creation_date.into(),
        public_key_pem: pem,
        public_key_spki: spki,
        trust: history.map(|history| history.trust(&known.alias)).into(),
        versions: versions.into(),
        ..known
    }
}

/// The versions that the state knows; or one, as it was found, if KMS returns its public key.
fn history(known: &SigningKey, found: &KeyParts) -> Result<Option<History>> {
    if let Some(history) = known_history(known.versions.known())? {
        return Ok(Some(history));
    }
    let (Some(spki), Some(valid_from)) = (
        found.public_key.clone(),
        Timestamp::parse_rfc3339(&found.creation_date),
    ) else {
        return Ok(None);
    };
    let declared = KeyPolicy {
        spec: found.spec,
        spki,
        arn: Some(found.arn.clone()),
        valid_from,
        retired_at: None,
        lost_at: None,
        compromised: None,
    };
    Ok(Some(History::of_one(&found.key_id, declared)))
}

fn known_history(versions: Option<&BTreeMap<String, VersionModel>>) -> Result<Option<History>> {
    let versions = versions.filter(|versions| !versions.is_empty());
    let history = versions.map(History::parse).transpose();
    history.map_err(|misfit| damaged(&misfit).into())
}

/// A value of the state that the provider did not write.
pub(crate) fn damaged(misfit: &Misfit) -> Diagnostic {
    let detail = format!(
        "{} Restore the state from a backup, or remove the resource from it and import it again.",
        misfit.detail
    );
    Diagnostic::error(
        format!("Invalid value for {} in the state", misfit.path),
        detail,
    )
    .at(misfit.path.clone())
}
