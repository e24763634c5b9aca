//! Destroys: what is kept, what is deleted, and what the plan says about it.

use std::collections::BTreeSet;

use tf_provider::{Context, Diagnostic, Result};

use super::context::{check_caller, check_place, clients, key_id, now};
use super::handover::{arm, give_up_alias};
use super::history::Version;
use super::marks::parse_marks;
use super::model::SigningKey;
use super::policy::place_of;
use super::state::known_history;
use super::strays::{deny_successors, succeeds};
use crate::account::Account;
use crate::aws::{
    AliasHolder, Clients, RETAINED_TAG, Signing, Tags, Waiting, alias_holder, put_key_policy,
    schedule_deletion, tag,
};
use crate::error::Error;

/// `on_destroy`: the keys stay, and nobody signs with them.
pub(crate) const RETAIN: &str = "retain";
/// `on_destroy`: KMS deletes the keys after the waiting period.
pub(crate) const SCHEDULE_DELETION: &str = "schedule_deletion";
/// For a key that never signed: nothing is lost with it.
const SHORTEST_WINDOW_DAYS: u32 = 7;

/// Says what a destroy makes unverifiable.
pub(crate) fn plan_destroy(cx: &Context<Account>, state: &SigningKey) -> Result {
    let history = known_history(state.versions.known())?.unwrap_or_default();
    let signed: Vec<_> = history
        .versions()
        .filter(|(_, version)| !version.state.never_signed())
        .map(|(number, version)| format!("version {number}: {}", version.key_id))
        .collect();
    if signed.is_empty() {
        return Ok(());
    }
    let keys = signed.join("\n");
    let (summary, what) = if state.on_destroy == SCHEDULE_DELETION {
        (
            "Deleting the signing key ends what can be verified without its trust policy",
            format!(
                "KMS deletes these keys {} days after the destroy, and nobody signs with them from the destroy on. After that, \
                 what they signed can be verified only with a copy of the trust policy, which has their public keys; no other \
                 copy of these is left. Until then, `aws kms cancel-key-deletion` brings a key back.",
                state.deletion_window_in_days
            ),
        )
    } else {
        (
            "The signing key is kept, and nobody signs with it any more",
            "Terraform forgets these keys, and their policy denies signing. The alias is removed. What they signed stays \
             verifiable: with a copy of the trust policy, or with the public keys that KMS still returns. Each key costs as \
             before. Logs that they sign stop until another key is declared for them."
                .to_owned(),
        )
    };
    cx.warn(Diagnostic::warning(summary, format!("{what}\n\n{keys}")).at("on_destroy"));
    Ok(())
}

/// Keeps the keys without the right to sign, or schedules their deletion.
pub(crate) async fn delete(cx: &Context<Account>, state: SigningKey) -> Result {
    let clients = &clients(cx, &state)?;
    check_place(clients, &state)?;
    let history = known_history(state.versions.known())?.unwrap_or_default();
    let failed = |error: Error| {
        let summary = "The key was not destroyed, or only in part";
        error.diagnostic(summary, "key_id")
    };
    if history.is_empty() {
        // its create was interrupted before anything could sign with it
        let id = key_id(&state)?;
        let waiting = give_up_aliases(clients, &state, &[id.to_owned()].into())
            .await
            .map_err(failed)?;
        schedule_deletion(clients, id, SHORTEST_WINDOW_DAYS)
            .await
            .map_err(failed)?;
        return arm_all(clients, &waiting)
            .await
            .map_err(|error| failed(error).into());
    }
    if state.on_destroy == RETAIN {
        check_caller(clients, &state)?;
    }
    let ours = history.key_ids();
    let trusted = state.trust.known().map(|trust| trust.alias.as_str());
    let alias = trusted.unwrap_or(&state.alias);
    deny_successors(cx, clients, (&state, alias), &ours).await;
    let waiting = give_up_aliases(clients, &state, &ours)
        .await
        .map_err(failed)?;
    for (_, version) in history.versions().filter(|(_, version)| version.is_there()) {
        end(clients, &state, version)
            .await
            .map_err(|ended| match ended {
                Ended::Refused(error) => failed(error).into(),
                Ended::Impossible(diagnostics) => diagnostics,
            })?;
    }
    arm_all(clients, &waiting)
        .await
        .map_err(|error| failed(error).into())
}

/// Lets the keys sign that waited for an alias: last of all, so that two keys never sign under it.
async fn arm_all(clients: &Clients, waiting: &[Waiting]) -> std::result::Result<(), Error> {
    for waiting in waiting {
        arm(clients, waiting).await?;
    }
    Ok(())
}

/// Why a version could not be ended.
enum Ended {
    Refused(Error),
    Impossible(tf_provider::Diagnostics),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

async fn end(
    clients: &Clients,
    state: &SigningKey,
    version: &Version,
) -> std::result::Result<(), Ended> {
    let key = version.key_id.as_str();
    if version.state.never_signed() {
        return Ok(schedule_deletion(clients, key, SHORTEST_WINDOW_DAYS).await?);
    }
    if state.on_destroy == SCHEDULE_DELETION {
        return Ok(schedule_deletion(clients, key, state.deletion_window_in_days).await?);
    }
    let place = version.declared.arn.as_deref().and_then(place_of);
    let Some(place) = place else { return Ok(()) };
    let policy = state
        .access()
        .render(place, version.declared.spec, Signing::Denied);
    let done = put_key_policy(clients, key, &policy.map_err(Ended::Impossible)?).await;
    match done {
        // somebody deleted it: it signs nothing
        Err(error) if is_gone(&error) => return Ok(()),
        done => done?,
    }
    // so that a new resource of the same alias does not take it for a stray
    let retained: Tags = [(RETAINED_TAG.to_owned(), now().to_rfc3339())].into();
    Ok(tag(clients, key, &retained).await?)
}

fn is_gone(error: &Error) -> bool {
    matches!(
        error.code(),
        Some("NotFoundException" | "KMSInvalidStateException")
    )
}

/// The alias first: nothing should sign under a name whose key is going. A key of this configuration that waits for it gets
/// it; one that points elsewhere by now is left alone.
async fn give_up_aliases(
    clients: &Clients,
    state: &SigningKey,
    ours: &BTreeSet<String>,
) -> std::result::Result<Vec<Waiting>, Error> {
    let trusted = state.trust.known().map(|trust| trust.alias.as_str());
    let names: BTreeSet<&str> = [Some(state.alias.as_str()), trusted]
        .into_iter()
        .flatten()
        .collect();
    let mut handed_over = Vec::new();
    for alias in names.into_iter().filter(|alias| !alias.is_empty()) {
        let holder = alias_holder(clients, alias).await?;
        // the successor too that a killed rotation left behind
        let is_ours = |holder: &AliasHolder| {
            let made_for_it = parse_marks(&holder.tags).alias.as_deref() == Some(alias);
            ours.contains(&holder.key_id) || (made_for_it && succeeds(&holder.tags, ours))
        };
        let Some(holder) = holder.filter(is_ours) else {
            continue;
        };
        handed_over.extend(give_up_alias(clients, alias, &holder.key_id).await?);
    }
    Ok(handed_over)
}
