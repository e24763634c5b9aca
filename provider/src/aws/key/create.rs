//! Makes a key, and knows whether it made one.
//!
//! `CreateKey` has no idempotency token. A call whose answer is lost may have made a key, and a retry makes a second one.
//! So the SDK's own retries are off: only what certainly made nothing is tried again at once.

use std::error::Error as StdError;
use std::time::Duration;

use auditlog_chain::keys::KeySpec;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::create_key::CreateKeyError;
use aws_sdk_kms::types::{KeySpec as SdkKeySpec, KeyUsageType};

use super::change::sdk_tags;
use super::model::NewKey;
use crate::aws::clients::Clients;
use crate::error::{CallFailure, Error};

const OPERATION: &str = "CreateKey";
const TARGET: &str = "a new signing key";

/// Answers that may be lost before the create fails: each may leave a key behind.
const MAX_LOST_ANSWERS: u32 = 2;

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeKey {
    /// KMS's id of it.
    pub key_id: String,
    /// Answers that were lost before: each may have left a key behind that nobody knows of.
    pub lost_answers: u32,
}

/// What became of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// KMS did not get it, or did nothing for now.
    NothingDone,
    /// Nobody knows: KMS may have made a key.
    Unclear,
    /// KMS refused it.
    Refused,
}

/// Creates a key and nothing else yet. Everything after it can be repeated.
///
/// # Errors
/// What KMS said.
pub async fn create_key(clients: &Clients, new: &NewKey) -> Result<MadeKey, Error> {
    let started = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut lost_answers: u32 = 0;
    loop {
        let (outcome, error) = match attempt(clients, new).await? {
            Ok(key_id) => {
                clients.keys.made(&key_id);
                return Ok(MadeKey {
                    key_id,
                    lost_answers,
                });
            }
            Err(failed) => failed,
        };
        if outcome == Outcome::Unclear {
            lost_answers = lost_answers.saturating_add(1);
        }
        let give_up = outcome == Outcome::Refused
            || lost_answers > MAX_LOST_ANSWERS
            || started.elapsed() >= clients.patience
            || clients.cancel.is_cancelled();
        if give_up {
            return Err(error);
        }
        tracing::warn!(%error, lost_answers, "no key was returned, trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = clients.cancel.cancelled() => return Err(error),
        }
        pause = pause.saturating_mul(2).min(Duration::from_secs(5));
    }
}

/// One attempt. The outer error is a request that cannot be built.
async fn attempt(
    clients: &Clients,
    new: &NewKey,
) -> Result<Result<String, (Outcome, Error)>, Error> {
    let request = clients
        .kms
        .create_key()
        .key_spec(SdkKeySpec::from(new.spec.as_str()))
        .key_usage(KeyUsageType::SignVerify)
        .description(&new.description)
        .policy(&new.policy)
        .set_tags(Some(sdk_tags(OPERATION, TARGET, &new.tags)?));
    let once = aws_sdk_kms::config::Builder::new().retry_config(RetryConfig::disabled());
    let answer = request.customize().config_override(once).send().await;
    Ok(match answer {
        Ok(created) => match created.key_metadata {
            Some(metadata) => Ok(metadata.key_id),
            None => Err((
                Outcome::Unclear,
                Error::incomplete(OPERATION, TARGET, "the key"),
            )),
        },
        Err(error) => {
            let failure = CallFailure::new(OPERATION, TARGET, &error);
            Err((outcome(&error), refused(new.spec, failure)))
        }
    })
}

fn outcome(error: &SdkError<CreateKeyError>) -> Outcome {
    const THROTTLED: &[&str] = &[
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
    ];
    let throttled = error.code().is_some_and(|code| THROTTLED.contains(&code));
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let refused = matches!(error, SdkError::ConstructionFailure(_))
        || status.is_some_and(|status| status < 500 && error.as_service_error().is_some());
    let never_sent = matches!(
        error,
        SdkError::DispatchFailure(failure) if is_failed_connect(failure.as_connector_error())
    );
    if throttled || never_sent {
        Outcome::NothingDone
    } else if refused {
        Outcome::Refused
    } else {
        Outcome::Unclear
    }
}

/// Whether there was never a connection on which KMS could have got the request.
fn is_failed_connect(error: Option<&impl StdError>) -> bool {
    let mut cause = error.and_then(StdError::source);
    while let Some(error) = cause {
        if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        cause = error.source();
    }
    false
}

/// KMS has not every spec in every region; it says so in one of two ways, of which the second has other reasons too.
fn refused(spec: KeySpec, failure: CallFailure) -> Error {
    let spec = spec.as_str();
    let failure = Box::new(failure);
    match failure.code.as_deref() {
        Some("MalformedPolicyDocumentException") => Error::KeyPolicyRefused { failure },
        Some("UnsupportedOperationException") => Error::SpecRefused { spec, failure },
        _ if failure.message.contains(spec) => Error::SpecRefused { spec, failure },
        _ => Error::Call(failure),
    }
}
