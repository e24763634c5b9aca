//! What can go wrong, and what a person can do about it.

use std::fmt;

use auditlog_chain::keys::KeyError;
use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use tf_provider::{AttributePath, Diagnostic};

/// An error of the provider's own logic, before it becomes a Terraform diagnostic.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to AWS was refused, or never answered.
    #[error("{0}")]
    Call(Box<CallFailure>),
    /// The bucket exists and belongs to the account that asked for it.
    #[error("the bucket {bucket:?} already exists in this account")]
    BucketOwned {
        /// The bucket's name.
        bucket: String,
    },
    /// The bucket's name belongs to somebody else (or this account may not look at it).
    #[error("the bucket name {bucket:?} is taken, and this account has no access to it")]
    BucketTaken {
        /// The bucket's name.
        bucket: String,
    },
    /// The bucket cannot be deleted: it holds object versions.
    #[error("{0}")]
    BucketHolds(Box<Holding>),
    /// The alias points at another key.
    #[error("the alias {alias:?} exists already and points at the key {target}")]
    AliasTaken {
        /// The alias, with its `alias/`.
        alias: String,
        /// The key that it points at.
        target: String,
    },
    /// The KMS key cannot sign checkpoints.
    #[error("the key {key} is of spec {spec} and usage {usage}, and cannot sign checkpoints")]
    NotASigningKey {
        /// The key's ARN or id.
        key: String,
        /// What KMS calls its spec.
        spec: String,
        /// What KMS calls its usage.
        usage: String,
    },
    /// KMS told a public key that is none.
    #[error("the public key that KMS tells for {key} is of no use: {reason}")]
    PublicKey {
        /// The key's id.
        key: String,
        /// What is wrong with it.
        reason: KeyError,
    },
    /// AWS answered, and left out what its API promises.
    #[error("{operation} on {target} answered without {missing}")]
    Incomplete {
        /// The API operation.
        operation: &'static str,
        /// The resource.
        target: String,
        /// The absent part.
        missing: &'static str,
    },
    /// The spec is not one of those that KMS has here.
    #[error("{failure}")]
    SpecRefused {
        /// The spec, as KMS names it.
        spec: &'static str,
        /// What KMS said.
        failure: Box<CallFailure>,
    },
    /// What the state knows lies in another region than the provider works in.
    #[error("{resource} lies in the region {region}, and the provider works in {configured}")]
    OtherRegion {
        /// The resource.
        resource: String,
        /// Where it lies.
        region: String,
        /// Where the provider works.
        configured: String,
    },
    /// What the state knows belongs to another account than the credentials.
    #[error("{resource} belongs to the account {account}, and the credentials to {caller}")]
    OtherAccount {
        /// The resource.
        resource: String,
        /// Whose it is.
        account: String,
        /// Whose the credentials are.
        caller: String,
    },
    /// The provider block does not let this account in.
    #[error("the credentials belong to the account {account}, which {}", .rule.reason())]
    AccountRefused {
        /// The account.
        account: String,
        /// The rule that keeps it out.
        rule: AccountRule,
    },
    /// No region was configured.
    #[error("no AWS region is configured")]
    NoRegion,
    /// Terraform asked the provider to stop.
    #[error("{operation} on {target} was not done: Terraform asked the provider to stop")]
    Cancelled {
        /// The API operation that was next.
        operation: &'static str,
        /// The resource.
        target: String,
    },
}

/// Which accounts the provider block lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountRule {
    /// `allowed_account_ids`
    Allowed,
    /// `forbidden_account_ids`
    Forbidden,
}

impl AccountRule {
    /// The argument of the provider block.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Allowed => "allowed_account_ids",
            Self::Forbidden => "forbidden_account_ids",
        }
    }

    fn reason(self) -> String {
        let is = match self {
            Self::Allowed => "is not one of",
            Self::Forbidden => "is one of",
        };
        format!("{is} {}", self.argument())
    }
}

/// What the error says, and what each of its causes does; a cause that is repeated by its effect is left out.
fn chain(error: &dyn std::error::Error) -> String {
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

/// Most of an answer that is no error of AWS's: a page of a proxy, say.
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
        return chain(error);
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

/// A failed call, with what AWS said about it.
#[derive(Debug)]
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
    /// The region that the bucket lies in, where S3 says it.
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

/// Why a bucket cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The bucket's name.
    pub bucket: String,
    /// Object versions seen.
    pub versions: u64,
    /// Delete markers seen.
    pub delete_markers: u64,
    /// Of the versions seen, how many are under retention or a legal hold now.
    pub locked: u64,
    /// Of the locked ones, how many are under COMPLIANCE.
    pub compliance: u64,
    /// Of the locked ones, how many are under a legal hold.
    pub legal_holds: u64,
    /// When the last retention ends, RFC 3339.
    pub last_until: Option<String>,
    /// Whether every version in the bucket was looked at.
    pub complete: bool,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_least = if self.complete { "" } else { "at least " };
        if self.locked == 0 {
            return write!(
                f,
                "the bucket {:?} is not empty: it holds {at_least}{} and {}, none of them locked",
                self.bucket,
                counted(self.versions, "object version"),
                counted(self.delete_markers, "delete marker"),
            );
        }
        write!(
            f,
            "the bucket {:?} holds {at_least}{}",
            self.bucket,
            counted(self.locked, "locked object version")
        )?;
        if let Some(until) = &self.last_until {
            write!(f, "; the last is locked until {at_least}{until}")?;
        }
        if self.legal_holds > 0 {
            write!(
                f,
                "; {} under a legal hold, which has no end",
                self.legal_holds
            )?;
        }
        Ok(())
    }
}

fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

impl Holding {
    fn hint(&self) -> String {
        if self.locked == 0 {
            return format!(
                "The provider deletes no objects. Empty the bucket yourself, every version and every delete marker \
                 (`aws s3api list-object-versions --bucket {}` lists them), or keep the bucket and take it out of \
                 Terraform's state with a `removed` block.",
                self.bucket
            );
        }
        let by_hand = match (self.compliance, self.locked.saturating_sub(self.compliance)) {
            (0, _) => {
                "2. The locks are GOVERNANCE: a principal with s3:BypassGovernanceRetention can delete the versions by \
                 hand (`aws s3api delete-object --version-id … --bypass-governance-retention`). The provider never does."
            }
            (_, 0) => {
                "2. The locks are COMPLIANCE: nobody can end them early, neither you nor AWS; they end before their \
                 time only with the AWS account."
            }
            (_, _) => {
                "2. Versions under GOVERNANCE can be deleted by hand by a principal with s3:BypassGovernanceRetention \
                 (`aws s3api delete-object --version-id … --bypass-governance-retention`); those under COMPLIANCE by \
                 nobody. The provider never does it."
            }
        };
        format!(
            "That is what the bucket is for. What you can do:\n\
             1. Wait until the last lock has ended, empty the bucket, and destroy it then.\n\
             {by_hand}\n\
             3. Keep the bucket and take it out of Terraform's state: a `removed` block with `destroy = false`, or \
             `terraform state rm`."
        )
    }
}

impl Error {
    /// Wraps a failed call of an AWS SDK.
    pub(crate) fn call<E>(operation: &'static str, target: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E>: RequestId,
    {
        Self::Call(Box::new(CallFailure::new(operation, target, error)))
    }

    /// A request that its own SDK refuses to build.
    pub(crate) fn unbuildable(operation: &'static str, target: &str, error: &BuildError) -> Self {
        Self::Call(Box::new(CallFailure {
            operation,
            target: target.to_owned(),
            code: None,
            message: error.to_string(),
            status: None,
            request_id: None,
            bucket_region: None,
        }))
    }

    /// The bucket is not there, by an answer that has no error code for it.
    pub(crate) fn no_such_bucket(operation: &'static str, bucket: &str) -> Self {
        Self::Call(Box::new(CallFailure {
            operation,
            target: bucket.to_owned(),
            code: Some("NoSuchBucket".to_owned()),
            message: "the bucket does not exist".to_owned(),
            status: Some(404),
            request_id: None,
            bucket_region: None,
        }))
    }

    /// AWS's error code, where AWS answered with one.
    pub fn code(&self) -> Option<&str> {
        let Self::Call(failure) = self else {
            return None;
        };
        failure.code.as_deref()
    }

    pub(crate) fn status(&self) -> Option<u16> {
        let Self::Call(failure) = self else {
            return None;
        };
        failure.status
    }

    /// What a person can do about it; shown below the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BucketOwned { bucket } => Some(format!(
                "To manage it from here, import it: `terraform import <address> {bucket}`, or an `import` block with \
                 id = {bucket:?}. What differs from the configuration is then corrected by the next apply."
            )),
            Self::BucketTaken { .. } => {
                Some("Bucket names are shared by all AWS accounts. Choose another one.".to_owned())
            }
            Self::BucketHolds(holding) => Some(holding.hint()),
            Self::AliasTaken { .. } => Some(
                "Choose another alias, or delete that one first (`aws kms delete-alias`). The provider does not move \
                 an alias away from a key that it does not manage: what signs with the alias would change its key."
                    .to_owned(),
            ),
            Self::NotASigningKey { .. } => {
                Some("Import a key with usage SIGN_VERIFY and one of the specs that `spec` accepts.".to_owned())
            }
            Self::SpecRefused { spec, .. } => Some(format!(
                "KMS has no keys of spec {spec} in this region or at this endpoint. Set `spec` to one that it has: \
                 ECC_NIST_P256 is everywhere."
            )),
            Self::OtherRegion { region, .. } => Some(format!(
                "Nothing was looked for here, so nothing is planned anew. Set `region` of the provider block back to \
                 {region:?}, or give the resource a provider block of its own with an alias for that region. To let go \
                 of it and make another, use `terraform state rm`."
            )),
            Self::OtherAccount { account, .. } => Some(format!(
                "Nothing was looked for here, so nothing is planned anew. Use credentials of the account {account}. To \
                 let go of it and make another, use `terraform state rm`."
            )),
            Self::AccountRefused { rule, .. } => Some(format!(
                "Use credentials of an account that may be worked in (`profile`, the environment), or change {} of \
                 the provider block.",
                rule.argument()
            )),
            Self::NoRegion => Some(
                "Set `region` in the provider block, the environment variable AWS_REGION, or `region` in the profile."
                    .to_owned(),
            ),
            Self::Call(failure) => failure.hint(),
            Self::PublicKey { .. } | Self::Incomplete { .. } | Self::Cancelled { .. } => None,
        }
    }
}

impl Error {
    /// The attribute that the error is about, or `otherwise`.
    pub(crate) fn attribute(&self, otherwise: &'static str) -> &'static str {
        if matches!(self, Self::AliasTaken { .. }) {
            "alias"
        } else {
            otherwise
        }
    }

    /// The error as Terraform shows it.
    pub(crate) fn diagnostic(&self, summary: &str, path: impl Into<AttributePath>) -> Diagnostic {
        let mut text = self.to_string();
        if let Some(first) = text.get(..1).map(str::to_uppercase) {
            text.replace_range(..1, &first);
        }
        let detail = match self.hint() {
            Some(hint) => format!("{text}.\n\n{hint}"),
            None => format!("{text}."),
        };
        Diagnostic::error(summary, detail).at(path)
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

    fn hint(&self) -> Option<String> {
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
                "AWS does not know the access key, or not with this session token: it was deleted or deactivated, \
                 has expired, or is of another partition."
                    .to_owned(),
            ),
            (Some("SignatureDoesNotMatch" | "InvalidSignatureException"), _) => Some(
                "The secret key is not the one of the access key, or the clock of this machine is wrong."
                    .to_owned(),
            ),
            (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => {
                Some("The clock of this machine is wrong.".to_owned())
            }
            // HEAD has no body, so no code
            (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) | (None, Some(301)) => {
                Some(self.region_hint())
            }
            (None, Some(403)) => Some(self.permission_hint()),
            _ => None,
        }
    }

    fn region_hint(&self) -> String {
        let region = self.bucket_region.as_deref();
        let there = region.map_or_else(|| "another region".to_owned(), |name| format!("{name:?}"));
        format!(
            "The bucket lies in {there}, not in the provider's `region`; use a provider block with an alias for that \
             region."
        )
    }

    fn permission_hint(&self) -> String {
        let permission = permission(self.operation);
        let other = match self.operation {
            "HeadBucket" => " Or the bucket belongs to another account.",
            _ => "",
        };
        format!(
            "The credentials in use need the permission {permission}, and no policy that denies it; docs/index.md \
             lists what each resource needs.{other}"
        )
    }
}

/// What IAM calls the right to an operation; of many of S3's it is another name.
fn permission(operation: &str) -> String {
    let s3 = match operation {
        "HeadBucket" => "ListBucket",
        "ListBuckets" => "ListAllMyBuckets",
        "ListObjectVersions" => "ListBucketVersions",
        "HeadObject" => "GetObjectVersion",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" => "PutEncryptionConfiguration",
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

    fn holding() -> Holding {
        Holding {
            bucket: "trail".to_owned(),
            versions: 5,
            delete_markers: 1,
            locked: 3,
            compliance: 0,
            legal_holds: 0,
            last_until: Some("2033-01-01T00:00:00Z".to_owned()),
            complete: true,
        }
    }

    #[test]
    fn locked_bucket_says_how_many_and_until_when() {
        let error = Error::BucketHolds(Box::new(holding()));
        assert_eq!(
            error.to_string(),
            "the bucket \"trail\" holds 3 locked object versions; the last is locked until 2033-01-01T00:00:00Z"
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains("s3:BypassGovernanceRetention"), "{hint}");
        assert!(hint.contains("`removed` block"), "{hint}");
    }

    #[test]
    fn compliance_is_not_said_to_be_bypassable() {
        let error = Error::BucketHolds(Box::new(Holding {
            compliance: 3,
            ..holding()
        }));
        let hint = error.hint().unwrap();
        assert!(!hint.contains("Bypass"), "{hint}");
        assert!(hint.contains("nobody can end them early"), "{hint}");
    }

    #[test]
    fn what_was_not_counted_to_the_end_is_a_lower_bound() {
        let text = Holding {
            complete: false,
            locked: 1,
            ..holding()
        }
        .to_string();
        assert_eq!(
            text,
            "the bucket \"trail\" holds at least 1 locked object version; the last is locked until at least \
             2033-01-01T00:00:00Z"
        );
    }

    #[test]
    fn unlocked_bucket_says_that_nothing_is_locked() {
        let text = Holding {
            locked: 0,
            last_until: None,
            ..holding()
        }
        .to_string();
        assert_eq!(
            text,
            "the bucket \"trail\" is not empty: it holds 5 object versions and 1 delete marker, none of them locked"
        );
    }

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
                 The secret key is not the one of the access key"
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
            hint.starts_with("The bucket lies in \"eu-west-1\", not in"),
            "{hint}"
        );
    }

    #[test]
    fn permission_of_every_operation_is_one_that_the_documentation_lists() {
        let page = include_str!("../../docs/index.md");
        for operation in [
            "CreateAlias",
            "CreateBucket",
            "CreateKey",
            "DeleteAlias",
            "DeleteBucket",
            "DescribeKey",
            "DisableKey",
            "EnableKey",
            "GetBucketEncryption",
            "GetBucketOwnershipControls",
            "GetBucketPolicy",
            "GetBucketTagging",
            "GetBucketVersioning",
            "GetCallerIdentity",
            "GetObjectLockConfiguration",
            "GetPublicAccessBlock",
            "GetPublicKey",
            "HeadBucket",
            "HeadObject",
            "ListAliases",
            "ListBuckets",
            "ListObjectVersions",
            "ListResourceTags",
            "PutBucketEncryption",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutObjectLockConfiguration",
            "PutPublicAccessBlock",
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
