//! What went wrong with a request, and what one can do about it.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use http_body_util::LengthLimitError;

use super::S3;
use crate::source::ReadError;

pub(super) const AGAIN: &str = "see whether the endpoint is up, and verify again";

const NOT_IN_TIME: &str =
    "the endpoint did not answer in time: see whether it is up, and verify again";
pub(super) const UNLIKE_S3: &str =
    "see what answers in place of S3: --endpoint-url, AWS_ENDPOINT_URL, a proxy";

impl S3 {
    pub(super) fn failed<E>(
        &self,
        doing: &str,
        permission: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> ReadError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let bucket = &self.options.bucket;
        let status = status(error).map(|status| format!("HTTP {status}: "));
        let why = if is_too_long(error) {
            "the answer has more bytes than S3 ever sends".to_owned()
        } else {
            causes(error)
        };
        let reason = format!(
            "cannot {doing}, in bucket {bucket}: {}{why}",
            status.unwrap_or_default(),
        );
        match self.hint(permission, error) {
            Some(hint) => ReadError::new(reason).with_hint(hint),
            None => ReadError::new(reason),
        }
    }

    fn hint<E>(&self, permission: &str, error: &SdkError<E, HttpResponse>) -> Option<String>
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let fixed = match (error, error.code().unwrap_or_default()) {
            _ if is_too_long(error) => UNLIKE_S3,
            // Which of the two it is depends on which of two clocks rings first.
            (SdkError::TimeoutError(_), _) => NOT_IN_TIME,
            (SdkError::DispatchFailure(failure), _) if failure.is_timeout() => NOT_IN_TIME,
            (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_), _)
                if causes(error).contains("redentials") =>
            {
                "give credentials: AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID, or a role"
            }
            (SdkError::DispatchFailure(_), _) => {
                "see whether the endpoint is up and reachable; --endpoint-url names another"
            }
            (SdkError::ResponseError(_), _) => UNLIKE_S3,
            (_, "NoSuchBucket") => "the bucket was deleted, or the policy is of another one",
            (
                _,
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "TokenRefreshRequired",
            ) => {
                "the credentials are wrong or have expired: `aws sts get-caller-identity` shows whose they are"
            }
            (_, "RequestTimeTooSkewed") => "set the clock of this machine",
            (_, "InvalidObjectState") => {
                "the object is archived: restore it with `aws s3api restore-object`"
            }
            (_, code) => return self.answered(permission, code, status(error)),
        };
        Some(fixed.to_owned())
    }

    /// What an answer means that says more with the names of this bucket.
    fn answered(&self, permission: &str, code: &str, status: Option<u16>) -> Option<String> {
        let (region, account) = (&self.options.region, &self.options.account);
        match (code, status) {
            (
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
                _,
            )
            | (_, Some(301 | 307)) => Some(format!(
                "the bucket is not in region {region}, where the policy has it: name the policy of this bucket"
            )),
            ("AccessDenied", _) | (_, Some(403)) => Some(format!(
                "allow {permission}, and see whether account {account} owns the bucket"
            )),
            (_, Some(status)) if status >= 500 => {
                Some("the store is overloaded or broken: verify again later".to_owned())
            }
            // Said to be well, and not understood; or refused in words that are none of S3's.
            (_, Some(200..=299)) | ("", _) => Some(UNLIKE_S3.to_owned()),
            _ => None,
        }
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<LengthLimitError>() {
            return true;
        }
        next = cause.source();
    }
    false
}

/// Whether the store did not answer at all, or only that it cannot answer now.
pub(super) fn no_answer<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error).is_none_or(|status| status >= 500)
}

/// What an error says, and what each error under it adds.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut all = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !all.iter().any(|said| said.contains(&text)) {
            all.push(text);
        }
        next = cause.source();
    }
    all.join(": ")
}
