//! What every operation needs: the clients, the clock, and the place of the key.

use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Context, Diagnostic, Result};

use super::model::SigningKey;
use crate::account::Account;
use crate::aws::{Clients, Place};
use crate::error::Error;
use crate::lockout::Lockout;

/// The clients of the key's region: the one that it names, or that of its ARN; the provider's for a key that is not made yet.
///
/// # Errors
/// The configuration of the provider is not known yet.
pub(crate) fn clients(cx: &Context<Account>, model: &SigningKey) -> Result<Clients> {
    let of_arn = model.arn.known().and_then(|arn| Place::of_arn(arn).region);
    let region = model.region.known().map(String::as_str).or(of_arn);
    cx.data().clients_in(region)
}

/// The time now, to the second: for reads and applies. A plan only refuses what is later than it.
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
    refused.map_or(Ok(()), |found: Lockout| Err(found.refused().into()))
}

/// A key is made with a policy that lets nobody sign, which names the account. KMS's default policy would let every IAM
/// administrator sign until it was replaced, and for good if the apply were killed before.
///
/// # Errors
/// The provider does not know the account.
pub(crate) fn check_account(clients: &Clients) -> Result {
    clients
        .account_id()
        .map_or_else(|| Err(unknown_account().into()), |_| Ok(()))
}

pub(crate) fn unknown_account() -> Diagnostic {
    let detail = "A new key needs a key policy that names its account. Without one, KMS's default policy lets every IAM \
                  administrator of the account sign. Remove `skip_requesting_account_id` from the provider block, so that \
                  the provider asks STS for the account.";
    Diagnostic::error("The account of the key is not known", detail)
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
