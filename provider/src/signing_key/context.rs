//! What every operation needs: the clients, the clock, and the place of the key.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Result};

use super::model::SigningKey;
use crate::account::Account;
use crate::aws::{Clients, Place};
use crate::error::Error;
use crate::lockout;

pub(crate) fn clients(cx: &Context<Account>) -> Result<&Clients> {
    crate::account::clients(cx)
}

/// The time now, to the second: for reads and applies alone.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::from_system_time(std::time::SystemTime::now()).unwrap_or(Timestamp::EPOCH);
    let seconds = i64::try_from(now.as_seconds()).unwrap_or(i64::MAX);
    Timestamp::EPOCH.saturating_add_seconds(seconds)
}

pub(crate) fn key_failed(error: &Error) -> Diagnostic {
    error.diagnostic(
        "The key was not changed, or only in part",
        error.attribute("key_id"),
    )
}

pub(crate) fn key_id(state: &SigningKey) -> Result<&str> {
    state.key_id.known().map(String::as_str).ok_or_else(|| {
        Diagnostic::error("The key's id is not known", "The state has no key_id.")
            .at("key_id")
            .into()
    })
}

/// The caller must still be able to change the key under the policy that is about to be put.
///
/// # Errors
/// It is not among the administrators, where these are stated.
pub(crate) fn check_caller(clients: &Clients, model: &SigningKey) -> Result {
    let refused = model.access().locked_out(clients.caller_arn())?;
    refused.map_or(Ok(()), |detail| Err(lockout::refused(detail).into()))
}

/// KMS says of a key elsewhere that there is none, which would mean here: make another.
pub(crate) fn check_place(clients: &Clients, state: &SigningKey) -> Result {
    let Some(arn) = state.arn.known() else {
        return Ok(());
    };
    clients
        .check_place(&format!("the key {arn}"), Place::of_arn(arn))
        .map_err(|error| {
            error
                .diagnostic("The key is not where the provider looks", "arn")
                .into()
        })
}
