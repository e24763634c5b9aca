//! Roles that the provider assumes: `assume_role`, one after the other, and `assume_role_with_web_identity`.
//!
//! Each role's credentials last for an hour or as long as `duration` says. The SDK asks for them again shortly before they
//! expire, and then each role of the chain asks the one before it. So a long apply does not end with expired credentials.

use std::time::SystemTime;

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};

use super::cancel::Cancel;
use super::session::{AssumeRole, Session, Token, WebIdentity};
use super::settings::Settings;
use super::stop::NoMoreAttempts;
use super::tags::Tags;
use crate::error::{CallFailure, RoleFailure, chain, role_failure};

/// The name of a session that the configuration does not name.
const SESSION_NAME: &str = "terraform-provider-auditlog";

/// The configuration with the credentials of the last role, if there is one.
pub(super) fn assume(shared: SdkConfig, settings: &Settings, cancel: &Cancel) -> SdkConfig {
    let mut shared = shared;
    if let Some(wanted) = &settings.web_identity {
        let role = WebIdentityRole {
            sts: sts(settings, &shared, cancel),
            wanted: wanted.clone(),
        };
        shared = with(&shared, role);
    }
    for wanted in &settings.assume_roles {
        let role = Role {
            sts: sts(settings, &shared, cancel),
            wanted: wanted.clone(),
        };
        shared = with(&shared, role);
    }
    shared
}

fn with(shared: &SdkConfig, role: impl ProvideCredentials + 'static) -> SdkConfig {
    let provider = SharedCredentialsProvider::new(role);
    shared.to_builder().credentials_provider(provider).build()
}

/// A client of STS with the credentials of the configuration.
pub(super) fn sts(settings: &Settings, shared: &SdkConfig, cancel: &Cancel) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(shared);
    let mut config = config.interceptor(NoMoreAttempts(cancel.clone()));
    if let Some(endpoint) = &settings.endpoints.sts {
        config = config.endpoint_url(endpoint);
    }
    if let Some(region) = &settings.sts_region {
        config = config.region(Region::new(region.clone()));
    }
    aws_sdk_sts::Client::from_conf(config.build())
}

#[derive(Debug)]
struct Role {
    sts: aws_sdk_sts::Client,
    wanted: AssumeRole,
}

impl Role {
    async fn assume(&self) -> provider::Result {
        let (wanted, session) = (&self.wanted, &self.wanted.session);
        let transitive = wanted.transitive_tag_keys.clone();
        let answer = self
            .sts
            .assume_role()
            .role_arn(&session.role_arn)
            .role_session_name(session_name(session))
            .set_duration_seconds(seconds(session))
            .set_policy(session.policy.clone())
            .set_policy_arns(policy_arns(session))
            .set_external_id(wanted.external_id.clone())
            .set_source_identity(wanted.source_identity.clone())
            .set_tags(sdk_tags(&wanted.tags)?)
            .set_transitive_tag_keys((!transitive.is_empty()).then_some(transitive))
            .send()
            .await
            .map_err(|error| refused("AssumeRole", session, &error))?;
        credentials(answer.credentials)
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

#[derive(Debug)]
struct WebIdentityRole {
    sts: aws_sdk_sts::Client,
    wanted: WebIdentity,
}

impl WebIdentityRole {
    async fn assume(&self) -> provider::Result {
        let session = &self.wanted.session;
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&session.role_arn)
            .role_session_name(session_name(session))
            .web_identity_token(self.token().await?)
            .set_duration_seconds(seconds(session))
            .set_policy(session.policy.clone())
            .set_policy_arns(policy_arns(session))
            .send()
            .await
            .map_err(|error| refused("AssumeRoleWithWebIdentity", session, &error))?;
        credentials(answer.credentials)
    }

    async fn token(&self) -> Result<String, CredentialsError> {
        let file = match &self.wanted.token {
            Token::Given(token) => return Ok(token.clone()),
            Token::File(file) => file,
        };
        let read = tokio::fs::read_to_string(file).await;
        read.map(|token| token.trim().to_owned()).map_err(|error| {
            CredentialsError::provider_error(RoleFailure::TokenFile {
                file: file.clone(),
                reason: chain(&error),
            })
        })
    }
}

impl ProvideCredentials for WebIdentityRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

/// The role that cannot be assumed: this one, or one before it, whose credentials it needs.
fn refused<E>(operation: &'static str, session: &Session, error: &SdkError<E>) -> CredentialsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E>: RequestId,
{
    let earlier = role_failure(error).cloned();
    CredentialsError::provider_error(earlier.unwrap_or_else(|| RoleFailure::Refused {
        role: session.role_arn.clone(),
        failure: Box::new(CallFailure::new(operation, &session.role_arn, error)),
    }))
}

/// Limits of STS are in whole seconds.
fn seconds(session: &Session) -> Option<i32> {
    session
        .duration
        .and_then(|duration| i32::try_from(duration.as_secs()).ok())
}

fn policy_arns(session: &Session) -> Option<Vec<PolicyDescriptorType>> {
    let descriptor = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
    let all: Vec<_> = session.policy_arns.iter().map(descriptor).collect();
    (!all.is_empty()).then_some(all)
}

fn session_name(session: &Session) -> &str {
    session.session_name.as_deref().unwrap_or(SESSION_NAME)
}

fn sdk_tags(tags: &Tags) -> Result<Option<Vec<Tag>>, CredentialsError> {
    if tags.is_empty() {
        return Ok(None);
    }
    let built: Result<Vec<_>, _> = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    built.map(Some).map_err(CredentialsError::unhandled)
}

fn credentials(found: Option<aws_sdk_sts::types::Credentials>) -> provider::Result {
    let found =
        found.ok_or_else(|| CredentialsError::unhandled("STS answered without credentials"))?;
    let expires = SystemTime::try_from(found.expiration).map_err(CredentialsError::unhandled)?;
    Ok(Credentials::new(
        found.access_key_id,
        found.secret_access_key,
        Some(found.session_token),
        Some(expires),
        "AssumeRole",
    ))
}
