//! A call to AWS that failed: what AWS said, and what to do about it.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

/// A failed call, with what AWS said about it.
#[derive(Debug, Clone)]
pub struct CallFailure {
    /// The API operation, such as `PutBucketPolicy`.
    pub operation: &'static str,
    /// The resource that it was meant for.
    pub target: String,
    /// AWS's error code, where it answered.
    pub code: Option<String>,
    /// AWS's message, or why no answer came.
    pub message: String,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// AWS's request id, which its support asks for.
    pub request_id: Option<String>,
    /// The region of the bucket, where S3 says it.
    pub bucket_region: Option<String>,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} failed: ", self.operation, self.target)?;
        match (&self.code, self.status) {
            (Some(code), _) => write!(f, "{code}: {}", self.message)?,
            (None, Some(status)) => write!(f, "HTTP status {status}: {}", self.message)?,
            (None, None) => f.write_str(&self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl CallFailure {
    /// What AWS said of a call that it refused; or why no answer came.
    pub(crate) fn new<E>(operation: &'static str, target: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E>: RequestId,
    {
        let answer = error.raw_response();
        Self {
            operation,
            target: target.to_owned(),
            code: error.code().map(str::to_owned),
            message: message(error),
            status: answer.map(|answer| answer.status().as_u16()),
            request_id: error.request_id().map(str::to_owned),
            bucket_region: answer
                .and_then(|answer| answer.headers().get("x-amz-bucket-region"))
                .map(str::to_owned),
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match (self.code.as_deref(), self.status) {
            (Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"), _) => {
                Some(self.permission_hint())
            }
            (Some("ExpiredToken" | "ExpiredTokenException"), _) => {
                Some("The credentials have expired; sign in again.".to_owned())
            }
            (
                Some("InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException"),
                _,
            ) => Some(
                "AWS does not know the access key, or not with this session token. It was deleted or deactivated, \
                 has expired, or belongs to another partition."
                    .to_owned(),
            ),
            (Some("SignatureDoesNotMatch" | "InvalidSignatureException"), _) => Some(
                "The secret key does not belong to the access key, or this machine's clock is wrong."
                    .to_owned(),
            ),
            (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => {
                Some("This machine's clock is wrong.".to_owned())
            }
            // HEAD has no body, so no code
            (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) | (None, Some(301)) => {
                Some(self.region_hint())
            }
            (None, Some(403)) => Some(self.permission_hint()),
            (Some("InvalidBucketAclWithObjectOwnership"), _) => Some(format!(
                "ACLs of the bucket let others in, and S3 does not turn ACLs off before they are gone. Remove them: `aws s3api \
                 put-bucket-acl --bucket {} --acl private`. Then apply again.",
                self.target
            )),
            // AWS says of what it is that there is none: `NoSuchBucket`, `NotFoundException`
            (None | Some("NotFound"), Some(404)) => Some(
                "The answer does not say what was not found, so it may not be one of AWS's: check the endpoint, and the proxy \
                 on the way to it. Nothing was taken for deleted."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn region_hint(&self) -> String {
        let region = self.bucket_region.as_deref();
        let there = region.map_or_else(|| "another region".to_owned(), |name| format!("{name:?}"));
        format!(
            "The bucket is in {there}, not in the provider's `region`. Use a provider block with an alias for that \
             region."
        )
    }

    fn permission_hint(&self) -> String {
        let permission = permission(self.operation);
        let other = match self.operation {
            "HeadBucket" => " Or the bucket belongs to another account.",
            "GetObject" | "HeadObject" => {
                " Or they need s3:ListBucket on the bucket: without it, S3 denies reading an object that does not exist."
            }
            _ => "",
        };
        format!(
            "The credentials need the permission {permission}, and no policy may deny it. docs/index.md lists what each \
             resource needs.{other}"
        )
    }
}

/// What the error says, and what each of its causes says; a cause that its effect repeats is left out.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// What the network says of a request that was not answered, without the SDK's own words around it.
pub(crate) fn network_reason<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + 'static,
{
    let SdkError::DispatchFailure(failure) = error else {
        return chain(error);
    };
    let cause = failure
        .as_connector_error()
        .and_then(std::error::Error::source);
    cause.map_or_else(|| chain(error), chain)
}

/// Most of an answer that is not an error of AWS: a page of a proxy, say.
const MAX_EXCERPT_CHARS: usize = 200;

/// What AWS said; or what came in place of it.
fn message<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let said = error.message().unwrap_or_default().trim();
    if !said.is_empty() {
        // a sentence of ours goes on behind it
        return said.trim_end_matches('.').to_owned();
    }
    let SdkError::ServiceError(refused) = error else {
        return network_reason(error);
    };
    if error.code().is_some() {
        return "AWS sent no message".to_owned();
    }
    let body = refused.raw().body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    // it ends up on a terminal, and nobody knows who wrote it
    let shown = words.join(" ").replace(char::is_control, "");
    if shown.is_empty() {
        return "the answer is empty".to_owned();
    }
    let excerpt: String = shown.chars().take(MAX_EXCERPT_CHARS).collect();
    format!("the answer is not one of AWS's: {excerpt}")
}

/// What IAM calls the right to an operation; of many of S3's it is another name.
fn permission(operation: &str) -> String {
    let s3 = match operation {
        "HeadBucket" => "ListBucket",
        "ListBuckets" => "ListAllMyBuckets",
        "ListObjectVersions" => "ListBucketVersions",
        "HeadObject" => "GetObjectVersion",
        "DeleteObjects" => "DeleteObjectVersion",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "ListBucketInventoryConfigurations" => "GetInventoryConfiguration",
        "GetBucketAbac" => "GetBucketABAC",
        "S3Control.TagResource" => "TagResource",
        "S3Control.UntagResource" => "UntagResource",
        "PutObject" | "GetObject" | "PutObjectRetention" => operation,
        same if same.contains("Bucket") => same,
        "GetCallerIdentity" => return "sts:GetCallerIdentity".to_owned(),
        kms => return format!("kms:{kms}"),
    };
    format!("s3:{s3}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::head_bucket::HeadBucketError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;
    use crate::error::Error;

    fn answered(status: u16, body: &str, metadata: ErrorMetadata) -> Error {
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        let error = SdkError::service_error(HeadBucketError::generic(metadata), answer);
        Error::call("HeadBucket", "trail", &error)
    }

    #[test]
    fn answer_of_something_else_than_aws_is_shown_in_part() {
        let unreadable = |status, body| answered(status, body, ErrorMetadata::builder().build());
        let page = format!("<html>\n  <b>\u{1b}[2JProxy</b>{}", "x".repeat(1000));
        let text = unreadable(502, &page).to_string();
        let excerpt = "<html> <b>[2JProxy</b>";
        let start = "HeadBucket on trail failed: HTTP status 502: the answer is not one of AWS's: ";
        assert!(text.starts_with(&format!("{start}{excerpt}")), "{text}");
        assert_eq!(text.len(), start.len() + MAX_EXCERPT_CHARS);
        let empty = unreadable(403, " \n");
        assert_eq!(
            empty.to_string(),
            "HeadBucket on trail failed: HTTP status 403: the answer is empty"
        );
        let hint = empty.hint().unwrap();
        assert!(hint.contains("s3:ListBucket"), "{hint}");
        assert!(
            hint.ends_with("the bucket belongs to another account."),
            "{hint}"
        );
    }

    #[test]
    fn sentence_of_aws_goes_on_as_ours() {
        let said = |message| {
            let metadata = ErrorMetadata::builder().code("SignatureDoesNotMatch");
            answered(403, "", metadata.message(message).build())
        };
        let error = said("The signature does not match.");
        let detail = error.diagnostic("No", "bucket").detail;
        assert!(
            detail.starts_with(
                "HeadBucket on trail failed: SignatureDoesNotMatch: The signature does not match.\n\n\
                 The secret key does not belong to the access key"
            ),
            "{detail}"
        );
        assert!(said("").to_string().ends_with(": AWS sent no message"));
    }

    #[test]
    fn region_that_s3_names_is_passed_on() {
        let mut answer = HttpResponse::new(301.try_into().unwrap(), SdkBody::empty());
        answer
            .headers_mut()
            .insert("x-amz-bucket-region", "eu-west-1");
        let metadata = ErrorMetadata::builder().build();
        let error = SdkError::service_error(HeadBucketError::generic(metadata), answer);
        let hint = Error::call("HeadBucket", "trail", &error).hint().unwrap();
        assert!(
            hint.starts_with("The bucket is in \"eu-west-1\", not in"),
            "{hint}"
        );
    }

    #[test]
    fn permission_of_every_operation_is_one_that_the_documentation_lists() {
        let page = include_str!("../../../docs/index.md");
        for operation in [
            "CreateAlias",
            "CreateBucket",
            "CreateKey",
            "DeleteAlias",
            "DeleteBucket",
            "DeleteObjects",
            "DescribeKey",
            "DisableKey",
            "EnableKey",
            "GetBucketAbac",
            "GetBucketEncryption",
            "GetBucketLifecycleConfiguration",
            "GetBucketLogging",
            "GetBucketNotificationConfiguration",
            "GetBucketReplication",
            "GetBucketOwnershipControls",
            "GetBucketPolicy",
            "GetBucketTagging",
            "GetBucketVersioning",
            "GetCallerIdentity",
            "GetObject",
            "GetObjectLockConfiguration",
            "GetPublicAccessBlock",
            "GetPublicKey",
            "HeadBucket",
            "HeadObject",
            "GetKeyPolicy",
            "ListAliases",
            "ListGrants",
            "ListKeys",
            "PutKeyPolicy",
            "UpdateAlias",
            "ListBucketInventoryConfigurations",
            "ListBuckets",
            "ListObjectVersions",
            "ListResourceTags",
            "PutBucketEncryption",
            "PutBucketLifecycleConfiguration",
            "PutBucketLogging",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutObject",
            "PutObjectLockConfiguration",
            "PutObjectRetention",
            "PutPublicAccessBlock",
            "S3Control.TagResource",
            "S3Control.UntagResource",
            "ScheduleKeyDeletion",
            "TagResource",
            "UntagResource",
            "UpdateKeyDescription",
        ] {
            let permission = permission(operation);
            assert!(page.contains(&format!("`{permission}`")), "{permission}");
        }
    }
}
