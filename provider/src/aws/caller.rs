//! Whose the credentials are.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, ProvideCredentials as _, RuntimeComponents};
use aws_sdk_sts::error::{BoxError, SdkError};

use super::cancel::Cancel;
use super::profile::sso_profile;
use super::roles::sts;
use super::settings::{Settings, Validation};
use crate::error::{AccountRule, CallFailure, NotConnected, chain, network_reason, role_failure};

/// Checks the account against the two lists of the provider block.
fn check_account(settings: &Settings, account: &str) -> Result<(), NotConnected> {
    let listed = |accounts: &[String]| accounts.iter().any(|listed| listed == account);
    let refused = |rule| {
        Err(NotConnected::AccountRefused {
            account: account.to_owned(),
            rule,
        })
    };
    if listed(&settings.forbidden_account_ids) {
        return refused(AccountRule::Forbidden);
    }
    match &settings.allowed_account_ids {
        Some(allowed) if !listed(allowed) => refused(AccountRule::Allowed),
        _ => Ok(()),
    }
}

const OPERATION: &str = "GetCallerIdentity";
const CREDENTIALS: &str = "the provider's credentials";

/// Whose the credentials are.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) account: String,
    /// ARN of the caller, as STS returns it: of a role, its session.
    pub(super) arn: Option<String>,
}

/// The caller, as far as it is wanted.
///
/// # Errors
/// As [`identity`], where somebody relies on it; and an account that is kept out.
pub(super) async fn caller(
    settings: &Settings,
    shared: &SdkConfig,
    cancel: &Cancel,
) -> Result<Option<Identity>, NotConnected> {
    if settings.skip_requesting_account_id {
        return Ok(None);
    }
    let listed =
        settings.allowed_account_ids.is_some() || !settings.forbidden_account_ids.is_empty();
    match identity(settings, shared, cancel).await {
        Ok(identity) => {
            check_account(settings, &identity.account)?;
            Ok(Some(identity))
        }
        Err(error) if settings.validation == Validation::Skipped && !listed => {
            tracing::warn!(%error, "the account is not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Asks STS whose the credentials are.
///
/// # Errors
/// [`NotConnected`] where there are no credentials, or STS does not answer; else what STS said.
async fn identity(
    settings: &Settings,
    shared: &SdkConfig,
    cancel: &Cancel,
) -> Result<Identity, NotConnected> {
    let destination = Destination::default();
    let answer = sts(settings, shared, cancel)
        .get_caller_identity()
        .customize()
        .interceptor(destination.clone())
        .send()
        .await;
    let identity = match answer {
        Ok(identity) => identity,
        Err(error) if error.raw_response().is_some() => {
            let target = credentials_in_use(shared).await;
            let failure = CallFailure::new(OPERATION, &target, &error);
            return Err(NotConnected::Refused(Box::new(failure)));
        }
        Err(error) => return Err(unanswered(settings, &destination, &error).await),
    };
    let account = identity.account.ok_or(NotConnected::NoAccount {
        operation: OPERATION,
    })?;
    Ok(Identity {
        account,
        arn: identity.arn,
    })
}

/// Why no answer came: nothing to sign the request with, no place to send it to, or nobody at the other end.
async fn unanswered<E>(
    settings: &Settings,
    destination: &Destination,
    error: &SdkError<E>,
) -> NotConnected
where
    E: std::error::Error + 'static,
{
    if let Some(failure) = role_failure(error) {
        return NotConnected::Role(failure.clone());
    }
    if let Some(error) = no_credentials(error) {
        return NotConnected::NoCredentials {
            reason: reason(settings, error),
            sso_profile: sso_profile(settings).await,
        };
    }
    let (operation, reason) = (OPERATION, network_reason(error));
    match destination.url() {
        Some(endpoint) => NotConnected::NoAnswer {
            operation,
            endpoint,
            reason,
        },
        None => NotConnected::NoRequest { operation, reason },
    }
}

/// The failure of the credentials themselves, among the causes of a failed call.
fn no_credentials<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a CredentialsError> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| cause.downcast_ref())
}

fn reason(settings: &Settings, error: &CredentialsError) -> String {
    let nowhere = match &settings.profile {
        Some(profile) => format!("neither the profile {profile:?} nor the machine's role has any"),
        None => {
            "neither the provider block, the environment, the shared files nor the machine's role has any".to_owned()
        }
    };
    match (error, std::error::Error::source(error)) {
        (CredentialsError::CredentialsNotLoaded(_), _) | (_, None) => nowhere,
        (_, Some(cause)) => chain(cause),
    }
}

/// The credentials by what is not secret in them: the chain may have found others than a person thinks of.
async fn credentials_in_use(shared: &SdkConfig) -> String {
    let Some(provider) = shared.credentials_provider() else {
        return CREDENTIALS.to_owned();
    };
    match provider.provide_credentials().await {
        Ok(found) => format!("the access key {}", found.access_key_id()),
        Err(_) => CREDENTIALS.to_owned(),
    }
}

/// Where a request is sent. Only the SDK knows: the endpoint may come from an argument, a variable, a profile or a rule.
#[derive(Clone, Debug, Default)]
struct Destination(Arc<Mutex<Option<String>>>);

impl Destination {
    /// Nothing as long as no request was sent.
    fn url(&self) -> Option<String> {
        let url = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(url.as_ref()?.trim_end_matches('/').to_owned())
    }
}

impl Intercept for Destination {
    fn name(&self) -> &'static str {
        "Destination"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut url = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *url = Some(context.request().uri().to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_let_in_by_both_lists() {
        let let_in = |allowed: Option<&[&str]>, forbidden: &[&str]| {
            let list = |accounts: &[&str]| accounts.iter().map(ToString::to_string).collect();
            let settings = Settings {
                allowed_account_ids: allowed.map(list),
                forbidden_account_ids: list(forbidden),
                ..Settings::default()
            };
            check_account(&settings, "111111111111").is_ok()
        };
        assert!(let_in(None, &[]));
        assert!(let_in(
            Some(&["222222222222", "111111111111"]),
            &["333333333333"]
        ));
        assert!(!let_in(Some(&["222222222222"]), &[]));
        // a list without an entry was written to let nobody in
        assert!(!let_in(Some(&[]), &[]));
        assert!(!let_in(Some(&["111111111111"]), &["111111111111"]));
    }
}
