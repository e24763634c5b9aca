//! What went wrong with a request, and what to do about it.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::causes::{cause_of, causes};
use super::patience::is_throttled;
use super::store::{Purpose, S3};
use crate::source::ReadError;

pub(super) const AGAIN: &str = "check that the endpoint is up, and verify again";

const NOT_IN_TIME: &str = "the endpoint did not answer in time: check that it is up, or raise --timeout, and verify again";
pub(super) const UNLIKE_S3: &str =
    "check what answers in place of S3: --endpoint-url, AWS_ENDPOINT_URL, a proxy";

/// Most characters of an answer that is not one of S3's.
const MAX_EXCERPT_CHARS: usize = 200;

/// Why a request did not get the answer that it was for.
#[derive(Debug, PartialEq, Eq)]
enum Cause {
    /// Credentials to sign it with are missing.
    NoCredentials(String),
    /// No answer came in time.
    NotInTime,
    /// It could not be sent.
    NotReached(String),
    /// The answer is longer than any answer of S3.
    TooLong,
    /// The answer is not one of S3's.
    NotUnderstood(String),
    /// S3 refused it.
    Refused(Refusal),
}

/// What S3 says of a request that it refuses.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    /// Empty where the answer has none.
    code: String,
    message: String,
    /// The region of the bucket, where S3 says it.
    region: Option<String>,
}

impl S3 {
    /// The error for a request that failed. `doing` is what it was for, such as "list the versions".
    pub(super) fn failed<E>(
        &self,
        doing: &str,
        permission: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> ReadError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let cause = Cause::of(error);
        let (bucket, why) = (&self.options.bucket, cause.text());
        let reason = format!("cannot {doing} of bucket {bucket}: {why}");
        ReadError::new(reason).with_hint(self.hint(permission, &cause))
    }

    fn hint(&self, permission: &str, cause: &Cause) -> String {
        let fixed = match cause {
            Cause::NoCredentials(_) => return self.sign_in_hint(),
            Cause::NotInTime => NOT_IN_TIME,
            Cause::NotReached(_) => {
                "check that the endpoint is up and reachable; --endpoint-url names another"
            }
            Cause::TooLong | Cause::NotUnderstood(_) => UNLIKE_S3,
            Cause::Refused(refusal) => return self.refused(permission, refusal),
        };
        fixed.to_owned()
    }

    fn sign_in_hint(&self) -> String {
        match self.sso_profile.as_deref() {
            Some("default") => "sign in again: `aws sso login`".to_owned(),
            Some(profile) => format!("sign in again: `aws sso login --profile {profile}`"),
            None => "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` shows which credentials AWS's own tools find".to_owned(),
        }
    }

    fn refused(&self, permission: &str, refusal: &Refusal) -> String {
        let fixed = match (refusal.code.as_str(), refusal.status) {
            ("NoSuchBucket", _) if self.purpose == Purpose::Keeping => {
                "check the name of the bucket that --pins or --cache gives"
            }
            ("NoSuchBucket", _) => "the bucket was deleted, or the policy is for another one",
            (
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "TokenRefreshRequired",
                _,
            ) => {
                "the credentials are wrong or have expired: `aws sts get-caller-identity` shows whose they are"
            }
            ("RequestTimeTooSkewed", _) => "set the clock of this machine",
            (
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
                _,
            )
            | (_, 301 | 307) => return self.region_hint(refusal),
            ("AccessDenied", _) | (_, 403) => return self.permission_hint(permission),
            (_, 429 | 503) => {
                "the store asks for fewer requests: verify again later, or raise --timeout to wait for longer"
            }
            (_, 500..) => "the store is overloaded or broken: verify again later",
            ("", _) => UNLIKE_S3,
            (_, 409) => "another request was changing the same thing: verify again",
            _ => {
                "the code of the answer says why; check that S3 and nothing in its place gave it, and verify again"
            }
        };
        fixed.to_owned()
    }

    fn region_hint(&self, refusal: &Refusal) -> String {
        let declared = &self.options.region;
        if self.purpose == Purpose::Keeping {
            let found = refusal.region.as_deref().unwrap_or("another region");
            return format!(
                "the bucket is in {found}, not in {declared}: name its region with --pins-region"
            );
        }
        match &refusal.region {
            Some(region) => format!(
                "the bucket is in region {region}, but the policy names {declared}: give the policy of this bucket"
            ),
            None => format!(
                "the bucket is not in region {declared}, which the policy names: give the policy of this bucket"
            ),
        }
    }

    fn permission_hint(&self, permission: &str) -> String {
        let account = &self.options.account;
        if self.purpose == Purpose::Keeping {
            return kept_hint(permission, account);
        }
        let encrypted = match permission {
            "s3:GetObjectVersion" => " (and kms:Decrypt, if a KMS key encrypts the bucket)",
            _ => "",
        };
        format!("allow {permission}{encrypted}, and check that account {account} owns the bucket")
    }
}

impl Cause {
    fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        if let Some(error) = cause_of::<CredentialsError>(error) {
            return Self::NoCredentials(no_credentials(error));
        }
        if cause_of::<LengthLimitError>(error).is_some() {
            return Self::TooLong;
        }
        match error {
            // Which of the two it is depends on which of two clocks rings first.
            SdkError::TimeoutError(_) => Self::NotInTime,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::NotInTime,
            SdkError::DispatchFailure(failure) => {
                let network = failure.as_connector_error().and_then(Error::source);
                Self::NotReached(network.map_or_else(|| causes(error), causes))
            }
            SdkError::ServiceError(refused) => Self::answered(error, refused.raw()),
            SdkError::ResponseError(_) => Self::NotUnderstood(causes(error)),
            SdkError::ConstructionFailure(_) | _ => Self::NotReached(causes(error)),
        }
    }

    fn answered<E>(error: &SdkError<E, HttpResponse>, answer: &HttpResponse) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let code = error.code().unwrap_or_default();
        if answer.status().is_success() {
            // Said to be well, and not understood.
            return Self::NotUnderstood(causes(error));
        }
        let said = error.message().unwrap_or_default().trim();
        let message = if said.is_empty() && code.is_empty() {
            excerpt(answer)
        } else {
            said.trim_end_matches('.').to_owned()
        };
        Self::Refused(Refusal {
            status: answer.status().as_u16(),
            code: code.to_owned(),
            message,
            region: answer
                .headers()
                .get("x-amz-bucket-region")
                .map(str::to_owned),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::NoCredentials(why) => format!("credentials are missing: {why}"),
            Self::NotInTime => "no answer came in time".to_owned(),
            Self::NotReached(why) => format!("the endpoint was not reached: {why}"),
            Self::TooLong => "the answer has more bytes than S3 ever sends".to_owned(),
            Self::NotUnderstood(why) => format!("the answer is not one of S3's: {why}"),
            Self::Refused(Refusal {
                status,
                code,
                message,
                ..
            }) => {
                let said = [code.as_str(), message.as_str()];
                let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
                format!("HTTP {status}: {}", said.join(": "))
            }
        }
    }
}

/// What must be allowed in a bucket that keeps pins and caches. Without s3:ListBucket, S3 does not say that an object does not exist.
fn kept_hint(permission: &str, account: &str) -> String {
    let list = match permission {
        "s3:GetObject" => " and s3:ListBucket",
        _ => "",
    };
    let owner = if account.is_empty() {
        String::new()
    } else {
        format!(", and check that account {account} owns the bucket")
    };
    format!(
        "allow {permission}{list} (and kms:Decrypt and kms:GenerateDataKey, if a KMS key encrypts the bucket){owner}"
    )
}

fn no_credentials(error: &CredentialsError) -> String {
    match (error, error.source()) {
        (CredentialsError::CredentialsNotLoaded(_), _) | (_, None) => {
            "neither --profile, the environment, the shared files nor the machine's role has any"
                .to_owned()
        }
        (_, Some(cause)) => causes(cause),
    }
}

/// The beginning of an answer that is not one of S3's: a page of a proxy, say.
fn excerpt(answer: &HttpResponse) -> String {
    let body = answer.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return "the answer is empty".to_owned();
    }
    let excerpt: String = words.join(" ").chars().take(MAX_EXCERPT_CHARS).collect();
    format!("the answer is not one of S3's: {excerpt}")
}

/// Whether the store did not answer at all, or only that it cannot answer now.
pub(super) fn no_answer<E>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    is_throttled(error) || status.is_none_or(|status| status >= 500)
}
