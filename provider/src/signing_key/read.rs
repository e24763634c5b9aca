//! Reads: what became of each version, and what is due by the clock.

use tf_provider::{Context, Diagnostic, Result};

use super::apply::{first_state, look};
use super::context::{check_place, clients, now};
use super::disarm::warn_of_stale;
use super::due::Due;
use super::handover::{Holder, announced, is_handed_over};
use super::history::{History, State};
use super::model::SigningKey;
use super::others_tags;
use super::state::{Found, declared, known_history, seen};
use crate::account::Account;
use crate::aws::{Clients, alias_holder, read_key};
use crate::error::Error;

pub(crate) async fn read(cx: &Context<Account>, state: SigningKey) -> Result<Option<SigningKey>> {
    let clients = &clients(cx, &state)?;
    check_place(clients, &state)?;
    let failed = |error: Error| error.diagnostic("The key cannot be read", "key_id");
    let Some(mut history) = known_history(state.versions.known())? else {
        return first_read(cx, clients, state).await;
    };
    let found = look(clients, &mut history, now()).await.map_err(failed)?;
    if history.is_empty() {
        return Ok(None);
    }
    if history.waits()
        && found
            .values()
            .any(|parts| is_handed_over(known_alias(&state), parts))
    {
        history.handed_over();
    }
    if history.waits() {
        warn_of_wait(cx, clients, known_alias(&state), &history).await;
    }
    clients.remember_keys(known_alias(&state), history.key_ids());
    warn(cx, &history, &found);
    others_tags::keep(cx, &found);
    warn_of_stale(cx, clients, &state).await;
    Due::at(now(), &history, state.period_days()).keep(cx);
    let known = SigningKey {
        alias: known_alias(&state).to_owned(),
        ..state
    };
    seen(&known, clients, &history, &found).map(Some)
}

/// Says at every plan whose alias it is: nothing distinguishes a key that a killed create left behind from the key of another state.
async fn warn_of_wait(cx: &Context<Account>, clients: &Clients, alias: &str, history: &History) {
    let Ok(Some(holder)) = alias_holder(clients, alias).await else {
        return;
    };
    let Some((_, current)) = history.current() else {
        return;
    };
    if holder.deletion.is_none() && holder.key_id != current.key_id {
        let knowledge = Holder::of(clients.has_read(&holder.key_id));
        let old = &holder.key_id;
        cx.warn(announced(alias, &current.key_id, old, knowledge));
    }
}

/// The alias that is the key's own; the state's is empty while somebody has moved it.
fn known_alias(state: &SigningKey) -> &str {
    match state.trust.known() {
        Some(trust) if state.alias.is_empty() => &trust.alias,
        _ => &state.alias,
    }
}

/// Of a state without versions: its key was imported while it was disabled, or its create was interrupted.
async fn first_read(
    cx: &Context<Account>,
    clients: &Clients,
    state: SigningKey,
) -> Result<Option<SigningKey>> {
    let Some(id) = state.key_id.known() else {
        return Ok(None);
    };
    let failed = |error: Error| error.diagnostic("The key cannot be read", "key_id");
    let Some(parts) = read_key(clients, id).await.map_err(failed)? else {
        return Ok(None);
    };
    clients.remember_keys(&state.alias, [parts.key_id.clone()].into());
    let public_key = parts.public_key.as_ref();
    let Some(key) = public_key.and_then(|spki| declared(&parts, spki)) else {
        let detail = format!(
            "KMS does not return the public key of {id} while the key is disabled. The next apply enables it and fills in \
             `versions` and `trust`."
        );
        cx.warn(Diagnostic::warning("The public key is not known", detail));
        return Ok(Some(state));
    };
    let mut history = History::default();
    history.insert(1, &parts.key_id, key, first_state(&state, &parts));
    seen(&state, clients, &history, &[(1, parts)].into()).map(Some)
}

/// Names what a person has to know about: deletions and grants.
fn warn(cx: &Context<Account>, history: &History, found: &Found) {
    let current = history.current().map(|(number, _)| number);
    for (number, version) in history.versions() {
        let parts = found.get(&number);
        let deletion = parts.and_then(|parts| parts.deletion.as_ref());
        if let Some(deletion) = deletion.filter(|_| Some(number) != current) {
            let id = &version.key_id;
            let date = deletion.date.as_deref().unwrap_or("an unknown time");
            let detail = format!(
                "KMS deletes version {number}, the key {id}, at {date}. What it signed stays verifiable with the trust policy. \
                 To keep the key:\n\naws kms cancel-key-deletion --key-id {id}"
            );
            cx.warn(Diagnostic::warning("An old version will be deleted", detail).at("versions"));
        }
        if version.state == State::Gone && Some(number) == current {
            let detail = format!(
                "KMS does not have version {number}, the key {}, any more. The next apply makes its successor. The sealer \
                 cannot announce that with the old key: declare it in `lost`.",
                version.key_id
            );
            cx.warn(Diagnostic::warning("The key that signs is gone", detail).at("versions"));
        }
        for grant in parts.into_iter().flat_map(|parts| &parts.grants) {
            let (id, operations) = (&version.key_id, grant.operations.join(", "));
            let detail = format!(
                "A grant on version {number} allows {} the operations {operations}. This provider makes no grants. Where \
                 `signers` is set, the key policy denies signing by it all the same. To remove it:\n\n\
                 aws kms revoke-grant --key-id {id} --grant-id {}",
                grant.grantee, grant.id
            );
            cx.warn(
                Diagnostic::warning("Somebody granted the use of the key", detail)
                    .at("foreign_grants"),
            );
        }
    }
}
