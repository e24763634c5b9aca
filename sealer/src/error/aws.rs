//! A call to AWS failed: a service refused it, did not answer, or answered with something that it never sends.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::Then;

/// A call that failed.
#[derive(Debug)]
pub struct AwsFault {
    /// Service and operation, such as `S3 PutObject`.
    pub call: &'static str,
    /// What it was for, such as `s3://bucket/key`.
    pub target: String,
    /// How it failed.
    pub kind: AwsFaultKind,
}

/// How a call failed.
#[derive(Debug)]
pub enum AwsFaultKind {
    /// It was answered with an error.
    Answered {
        /// HTTP status.
        status: u16,
        /// Error code of the service; empty where it gave none.
        code: Box<str>,
        /// Its message.
        message: Box<str>,
        /// The region where the bucket is, if the answer says so.
        region: Option<Box<str>>,
        /// The account that the request named as the owner of the bucket.
        owner: Option<Box<str>>,
    },
    /// No answer came in time.
    TimedOut,
    /// No credentials were found to sign it with.
    NoCredentials {
        /// Why.
        why: String,
        /// The profile that signs in through IAM Identity Center (SSO), if it does.
        sso_profile: Option<String>,
    },
    /// No region is configured.
    NoRegion,
    /// The shared files do not define the profile.
    UnknownProfile,
    /// The answer lacks something.
    Incomplete(&'static str),
    /// The answer is one that S3 never gives.
    UnlikeS3(&'static str),
    /// The answer is longer than any of S3.
    TooLong,
    /// It could not be sent, or its answer could not be read.
    Broken(String),
}

/// A profile that signs in through IAM Identity Center (SSO) has no valid session.
#[derive(Debug, thiserror::Error)]
#[error("the profile {profile} cannot sign in")]
pub(crate) struct SsoSignIn {
    /// The profile.
    pub(crate) profile: String,
    /// What went wrong.
    pub(crate) source: CredentialsError,
}

impl AwsFault {
    pub(crate) fn new<E>(
        call: &'static str,
        target: impl Into<String>,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let timed_out = match error {
            SdkError::TimeoutError(_) => true,
            SdkError::DispatchFailure(failure) => failure.is_timeout(),
            SdkError::ConstructionFailure(_)
            | SdkError::ResponseError(_)
            | SdkError::ServiceError(_)
            | _ => false,
        };
        let kind = match (error.as_service_error(), error.raw_response()) {
            (Some(_), Some(answer)) if answer.status().is_success() && error.code().is_none() => {
                AwsFaultKind::UnlikeS3("the answer cannot be read")
            }
            (Some(_), Some(answer)) => AwsFaultKind::Answered {
                status: answer.status().as_u16(),
                code: error.code().unwrap_or_default().into(),
                message: error.message().unwrap_or_default().into(),
                region: answer.headers().get("x-amz-bucket-region").map(Into::into),
                owner: None,
            },
            _ if timed_out => AwsFaultKind::TimedOut,
            _ if causes(error).any(<dyn StdError>::is::<LengthLimitError>) => AwsFaultKind::TooLong,
            _ if causes(error).any(<dyn StdError>::is::<CredentialsError>) => {
                let sso = causes(error).find_map(<dyn StdError>::downcast_ref::<SsoSignIn>);
                AwsFaultKind::NoCredentials {
                    why: chain(error),
                    sso_profile: sso.map(|sso| sso.profile.clone()),
                }
            }
            _ => AwsFaultKind::Broken(chain(error)),
        };
        Self {
            call,
            target: target.into(),
            kind,
        }
    }

    pub(crate) fn no_region() -> Self {
        Self {
            call: "AWS",
            target: "configuration".to_owned(),
            kind: AwsFaultKind::NoRegion,
        }
    }

    pub(crate) fn incomplete(
        call: &'static str,
        target: impl Into<String>,
        missing: &'static str,
    ) -> Self {
        Self {
            call,
            target: target.into(),
            kind: AwsFaultKind::Incomplete(missing),
        }
    }

    pub(crate) fn unlike_s3(
        call: &'static str,
        target: impl Into<String>,
        what: &'static str,
    ) -> Self {
        Self {
            call,
            target: target.into(),
            kind: AwsFaultKind::UnlikeS3(what),
        }
    }

    /// The same, of a request that named this account as the owner of the bucket.
    pub(crate) fn of_owner(mut self, account: &str) -> Self {
        if let AwsFaultKind::Answered { owner, .. } = &mut self.kind {
            *owner = Some(account.into());
        }
        self
    }

    pub(crate) fn timed_out(call: &'static str, target: impl Into<String>) -> Self {
        Self {
            call,
            target: target.into(),
            kind: AwsFaultKind::TimedOut,
        }
    }

    pub(crate) fn broken(
        call: &'static str,
        target: impl Into<String>,
        error: &(dyn StdError + 'static),
    ) -> Self {
        Self {
            call,
            target: target.into(),
            kind: AwsFaultKind::Broken(chain(error)),
        }
    }

    /// The service's error code; empty where there was none.
    pub fn code(&self) -> &str {
        self.answer().1
    }

    /// The HTTP status; 0 where there was no answer.
    pub fn status(&self) -> u16 {
        self.answer().0
    }

    fn answer(&self) -> (u16, &str) {
        match &self.kind {
            AwsFaultKind::Answered { status, code, .. } => (*status, code),
            AwsFaultKind::TimedOut
            | AwsFaultKind::NoCredentials { .. }
            | AwsFaultKind::NoRegion
            | AwsFaultKind::UnknownProfile
            | AwsFaultKind::Incomplete(_)
            | AwsFaultKind::UnlikeS3(_)
            | AwsFaultKind::TooLong
            | AwsFaultKind::Broken(_) => (0, ""),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self, then: Then) -> String {
        let hint = match &self.kind {
            AwsFaultKind::NoCredentials {
                sso_profile: Some(profile),
                ..
            } => {
                return format!("sign in: aws sso login --profile {profile}");
            }
            AwsFaultKind::NoCredentials { .. } => {
                "set AWS_PROFILE or --profile, or sign in: aws sts get-caller-identity shows who you are"
            }
            AwsFaultKind::NoRegion => "set AWS_REGION or --region",
            AwsFaultKind::UnknownProfile => {
                "aws configure list-profiles lists the profiles; set AWS_PROFILE or --profile to one of them"
            }
            AwsFaultKind::Incomplete(_) | AwsFaultKind::UnlikeS3(_) | AwsFaultKind::TooLong => {
                "S3 never answers so: check what answers in its place (--endpoint-url, AWS_ENDPOINT_URL, a proxy); nothing was written"
            }
            AwsFaultKind::TimedOut | AwsFaultKind::Broken(_) => match then {
                Then::Again => {
                    "check the endpoint and the network, and run the command again: what was accepted is in the spool"
                }
                Then::ByItself => {
                    "check the endpoint and the network: it is tried again, and what was accepted is in the spool"
                }
            },
            AwsFaultKind::Answered {
                code,
                status,
                region,
                owner,
                ..
            } => return self.answered(code, *status, region.as_deref(), owner.as_deref(), then),
        };
        hint.to_owned()
    }

    fn answered(
        &self,
        code: &str,
        status: u16,
        region: Option<&str>,
        owner: Option<&str>,
        then: Then,
    ) -> String {
        let elsewhere = status == 301
            || [
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
            ]
            .contains(&code);
        if elsewhere {
            let region = region.unwrap_or("it");
            return format!("the bucket is in another region: set --region to {region}");
        }
        if code.starts_with("AccessDenied") {
            let owner = owner.map(|owner| format!("check that account {owner} owns the bucket; "));
            let owner = owner.unwrap_or_default();
            return format!("{owner}{}{PERMISSIONS}", lacking(self.call));
        }
        answered(code, status, then).to_owned()
    }
}

const PERMISSIONS: &str = "the sealer needs s3:PutObject, s3:PutObjectRetention, s3:GetObject, s3:ListBucketVersions, \
     s3:GetBucketObjectLockConfiguration and s3:GetBucketVersioning on the bucket, kms:Sign, kms:GetPublicKey and \
     kms:DescribeKey on the signing key, and for a bucket that a KMS key encrypts kms:GenerateDataKey and kms:Decrypt on \
     that key";

/// The permission that a call needs, which has another name for some.
fn lacking(call: &str) -> String {
    let permission = match call {
        "S3 PutObject" => "s3:PutObject, s3:PutObjectRetention or kms:GenerateDataKey",
        "S3 GetObject" => "s3:GetObject or kms:Decrypt",
        "S3 ListObjectVersions" => "s3:ListBucketVersions",
        "S3 GetBucketVersioning" => "s3:GetBucketVersioning",
        "S3 GetObjectLockConfiguration" => "s3:GetBucketObjectLockConfiguration",
        "KMS Sign" => "kms:Sign",
        "KMS GetPublicKey" => "kms:GetPublicKey",
        _ => return String::new(),
    };
    format!("{permission} is missing; ")
}

fn answered(code: &str, status: u16, then: Then) -> &'static str {
    let is_again = then == Then::Again;
    match code {
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "ExpiredToken"
        | "InvalidToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException" => {
            "the credentials are not valid: aws sts get-caller-identity shows who you are"
        }
        "RequestTimeTooSkewed" => "set this machine's clock: timedatectl status",
        "NoSuchBucket" => "make the bucket with the resource auditlog_bucket, or correct --to",
        "NotFoundException" => "no such key in this account and region: aws kms list-aliases",
        "DisabledException" => "aws kms enable-key --key-id KEY",
        "KMSInvalidStateException" => {
            "aws kms describe-key shows its state; cancel-key-deletion and then enable-key bring it back"
        }
        "InvalidObjectState" if !is_again => "the object is archived: aws s3api restore-object",
        "InvalidObjectState" => {
            "the object is archived: aws s3api restore-object, then run the command again"
        }
        _ if status == 409 && !is_again => {
            "another request is changing the same object: it is tried again, and what was accepted is in the spool"
        }
        _ if status >= 500 && !is_again => {
            "it is tried again, and what was accepted is in the spool"
        }
        _ if status == 409 => {
            "another request is changing the same object: run the command again; what was accepted is in the spool"
        }
        _ if status >= 500 => "run the command again: what was accepted is in the spool",
        _ => {
            "the service refused the request, its code says why; what was accepted is in the spool"
        }
    }
}

impl fmt::Display for AwsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.call, self.target)?;
        match &self.kind {
            AwsFaultKind::Answered {
                status,
                code,
                message,
                region: _,
                owner: _,
            } => {
                let code = if code.is_empty() { "refused" } else { &**code };
                write!(f, "{code} (HTTP {status})")?;
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
                Ok(())
            }
            AwsFaultKind::TimedOut => f.write_str("no answer came in time"),
            AwsFaultKind::NoCredentials { why, .. } => write!(f, "no credentials: {why}"),
            AwsFaultKind::NoRegion => f.write_str("no region is set"),
            AwsFaultKind::UnknownProfile => {
                f.write_str("the shared configuration files do not define it")
            }
            AwsFaultKind::Incomplete(missing) => write!(f, "the answer lacks {missing}"),
            AwsFaultKind::UnlikeS3(what) => f.write_str(what),
            AwsFaultKind::TooLong => f.write_str("the answer is too long"),
            AwsFaultKind::Broken(why) => write!(f, "no answer: {why}"),
        }
    }
}

impl StdError for AwsFault {}

/// The messages of an error and of all its causes.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
    }
    text
}

fn causes(error: &dyn StdError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, code: &str, message: &str) -> AwsFault {
        AwsFault {
            call: "S3 PutObject",
            target: "s3://audit/log".to_owned(),
            kind: AwsFaultKind::Answered {
                status,
                code: code.into(),
                message: message.into(),
                region: None,
                owner: None,
            },
        }
    }

    #[test]
    fn an_error_of_a_service_has_its_code_and_a_hint() {
        let denied = fault(403, "AccessDenied", "Access Denied");
        assert_eq!(
            denied.to_string(),
            "S3 PutObject s3://audit/log: AccessDenied (HTTP 403): Access Denied"
        );
        for (fault, expected) in [
            (
                denied,
                "s3:PutObject, s3:PutObjectRetention or kms:GenerateDataKey is missing; the sealer needs s3:PutObject, ",
            ),
            (
                fault(403, "SignatureDoesNotMatch", ""),
                "the credentials are not valid: ",
            ),
            (
                fault(400, "ExpiredToken", ""),
                "the credentials are not valid: ",
            ),
            (fault(301, "", ""), "the bucket is in another region: "),
            (
                fault(400, "AuthorizationHeaderMalformed", ""),
                "the bucket is in another region: ",
            ),
            (fault(404, "NoSuchBucket", ""), "make the bucket with "),
            (fault(503, "SlowDown", ""), "run the command again: "),
        ] {
            let hint = fault.hint(Then::Again);
            assert!(hint.starts_with(expected), "{fault}: {hint}");
        }
        assert_eq!(
            fault(418, "", "").to_string(),
            "S3 PutObject s3://audit/log: refused (HTTP 418)"
        );
        let hint = fault(418, "", "").hint(Then::Again);
        assert!(
            hint.starts_with("the service refused the request"),
            "{hint}"
        );
    }
}
