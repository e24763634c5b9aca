//! The version that signs: what of it is in the state.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::Result;

use super::history::History;
use super::model::SigningKey;
use super::policy::{Access, place_of};
use crate::aws::{Clients, KEY_USAGE, KeyParts, Signing, policies_agree};
use crate::tags;

impl SigningKey {
    pub(crate) fn access(&self) -> Access<'_> {
        Access {
            signers: self.signers.as_ref(),
            verifiers: self.verifiers.as_ref(),
            administrators: self.administrators.as_ref(),
        }
    }
}

/// The attributes that follow from the versions.
pub(crate) fn of_versions(known: SigningKey, history: &History) -> SigningKey {
    let Some((_, current)) = history.current() else {
        return known;
    };
    let key = &current.declared;
    let due = known.period_days().and_then(|days| history.due(days));
    let spki = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        key.spki.spki_der(),
    );
    SigningKey {
        id: current.key_id.clone().into(),
        key_id: current.key_id.clone().into(),
        arn: key.arn.clone().into(),
        usage: KEY_USAGE.to_owned().into(),
        creation_date: key.valid_from.to_rfc3339().into(),
        public_key_pem: key.spki.to_pem().into(),
        public_key_spki: spki.into(),
        rotation_due: due.map(Timestamp::to_rfc3339).into(),
        trust: history.trust(&known.alias).into(),
        versions: history.models().into(),
        ..known
    }
}

/// The policy under which the version that signs does so.
///
/// # Errors
/// Principals that no policy can name.
pub(crate) fn signing_policy(model: &SigningKey, history: &History) -> Result<Option<String>> {
    let Some((_, current)) = history.current() else {
        return Ok(None);
    };
    let Some(place) = current.declared.arn.as_deref().and_then(place_of) else {
        return Ok(None);
    };
    let policy = model
        .access()
        .render(place, current.declared.spec, Signing::Allowed);
    policy.map(Some)
}

/// The state with what the key that signs was found to be.
///
/// # Errors
/// Principals that no policy can name.
pub(crate) fn seen_current(
    known: &SigningKey,
    state: SigningKey,
    clients: &Clients,
    (history, parts): (&History, &KeyParts),
) -> Result<SigningKey> {
    let (tags, tags_all) = tags::split(
        &parts.tags,
        clients.default_tags(),
        known.tags.as_ref(),
        &known.tags_all,
    );
    let ours = signing_policy(known, history)?;
    let same = ours.filter(|ours| policies_agree(&parts.policy, ours));
    let alias = Some(&known.alias).filter(|alias| parts.aliases.contains(alias));
    Ok(SigningKey {
        alias: alias.cloned().unwrap_or_default(),
        key_spec: parts.spec.as_str().to_owned(),
        description: parts.description.clone(),
        policy: same.unwrap_or_else(|| parts.policy.clone()).into(),
        tags,
        tags_all,
        ..state
    })
}
