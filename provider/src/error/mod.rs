//! What can go wrong, and what a person can do about it. Nothing in here knows Terraform's diagnostics.

use auditlog_chain::keys::KeyError;
use aws_sdk_s3::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

mod alias;
mod call;
mod connect;
mod contents;
mod existing;
mod role;
mod stopped;
mod unusable_key;

pub use alias::TakenBy;
pub use call::CallFailure;
pub(crate) use call::{chain, network_reason};
pub use connect::{AccountRule, NotConnected, ProfileSource};
pub use contents::{Contents, Leftover};
pub use existing::NotOurs;
pub use role::RoleFailure;
pub(crate) use role::role_failure;
pub use stopped::Stopped;
pub use unusable_key::UnusableKey;

/// An error of the provider's own logic, before it becomes a Terraform diagnostic.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to AWS was refused, or never answered.
    #[error("{0}")]
    Call(Box<CallFailure>),
    /// The bucket exists, and is not one that an earlier create left unfinished.
    #[error(
        "the bucket {bucket:?} already exists, and is not one that an interrupted run left unfinished: {why}"
    )]
    BucketExists {
        /// The bucket's name.
        bucket: String,
        /// What speaks against taking it over.
        why: NotOurs,
    },
    /// The bucket's name belongs to somebody else (or this account may not look at it).
    #[error("the bucket name {bucket:?} is taken, and this account has no access to it")]
    BucketTaken {
        /// The bucket's name.
        bucket: String,
    },
    /// The bucket's name is used in another region, perhaps by another account.
    #[error("a bucket with the name {bucket:?} already exists in the region {region}")]
    BucketElsewhere {
        /// The bucket's name.
        bucket: String,
        /// Where it is.
        region: String,
    },
    /// Two resources of one configuration have the same bucket.
    #[error("another resource of this configuration has created the bucket {bucket:?}")]
    BucketTwice {
        /// The bucket's name.
        bucket: String,
    },
    /// The bucket was deleted, and S3 still shows it.
    #[error("S3 still shows the bucket {bucket:?} after it has deleted it")]
    BucketStillThere {
        /// The bucket's name.
        bucket: String,
    },
    /// A listing has more versions and delete markers in front of what is looked for than anybody waits for.
    #[error("the first {pages} pages of the versions in the bucket {bucket:?} do not show it")]
    TooManyVersions {
        /// The bucket's name.
        bucket: String,
        /// How many were read.
        pages: usize,
    },
    /// The bucket cannot be deleted: it holds object versions.
    #[error("{0}")]
    BucketNotEmpty(Box<Contents>),
    /// The bucket is to be emptied, and holds what nobody can delete.
    #[error("{0}")]
    CannotEmpty(Box<Contents>),
    /// S3 refused to delete a version.
    #[error("{0}")]
    NotEmptied(Box<Leftover>),
    /// The alias points at another key.
    #[error("the alias {alias:?} exists already and points at the key {target}")]
    AliasTaken {
        /// The alias, with its `alias/`.
        alias: String,
        /// The key that it points at.
        target: String,
        /// Whose key that is.
        holder: TakenBy,
    },
    /// S3 cannot encrypt with the KMS key of the bucket.
    #[error("S3 cannot encrypt with the KMS key {key}: {why}")]
    EncryptionKey {
        /// The key's ARN.
        key: String,
        /// Why not.
        why: UnusableKey,
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
    /// KMS returned a public key that cannot be used.
    #[error("KMS returned an unusable public key for {key}: {reason}")]
    PublicKey {
        /// The key's id.
        key: String,
        /// What is wrong with it.
        reason: KeyError,
    },
    /// AWS answered, but left out what its API promises.
    #[error("{operation} on {target} answered without {missing}")]
    Incomplete {
        /// The API operation.
        operation: &'static str,
        /// The resource.
        target: String,
        /// The absent part.
        missing: &'static str,
    },
    /// KMS does not have the spec here.
    #[error("{failure}")]
    SpecRefused {
        /// The spec, as KMS names it.
        spec: &'static str,
        /// What KMS said.
        failure: Box<CallFailure>,
    },
    /// KMS refuses a key policy.
    #[error("{failure}")]
    KeyPolicyRefused {
        /// What KMS said.
        failure: Box<CallFailure>,
    },
    /// Two resources of one configuration want the same alias.
    #[error("the alias {alias:?} belongs to another resource of this configuration")]
    AliasTwice {
        /// The alias.
        alias: String,
    },
    /// A resource of the state is in another region than the provider works in.
    #[error("{resource} is in the region {region}, but the provider works in {configured}")]
    OtherRegion {
        /// The resource.
        resource: String,
        /// Its region.
        region: String,
        /// Where the provider works.
        configured: String,
    },
    /// A resource of the state belongs to another account than the credentials.
    #[error("{resource} belongs to the account {account}, but the credentials belong to {caller}")]
    OtherAccount {
        /// The resource.
        resource: String,
        /// Whose it is.
        account: String,
        /// Whose the credentials are.
        caller: String,
    },
    /// Terraform asked the provider to stop.
    #[error("{operation} on {target} was not done: Terraform asked the provider to stop")]
    Cancelled {
        /// The API operation that was next.
        operation: &'static str,
        /// The resource.
        target: String,
    },
    /// Terraform asked the provider to stop, and the call would have had to be repeated.
    #[error(
        "{operation} on {target} was given up: Terraform asked the provider to stop, and of {attempts} attempts none succeeded"
    )]
    Stopped {
        /// The API operation.
        operation: &'static str,
        /// The resource.
        target: String,
        /// The attempts that were made. An attempt whose answer was lost may have been carried out.
        attempts: u32,
    },
}

impl Error {
    /// Wraps a failed call of an AWS SDK.
    pub(crate) fn call<E>(operation: &'static str, target: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E>: RequestId,
    {
        if let Some(Stopped { attempts }) = stopped::stopped(error) {
            return Self::Stopped {
                operation,
                target: target.to_owned(),
                attempts: *attempts,
            };
        }
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

    /// An answer without a part that its API promises.
    pub(crate) fn incomplete(operation: &'static str, target: &str, missing: &'static str) -> Self {
        Self::Incomplete {
            operation,
            target: target.to_owned(),
            missing,
        }
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

    /// Whether AWS understood the request and refused it (HTTP 4xx).
    pub(crate) fn is_refusal(&self) -> bool {
        self.status()
            .is_some_and(|status| (400..500).contains(&status))
    }

    /// AWS's error code, where AWS answered with one.
    pub fn code(&self) -> Option<&str> {
        if matches!(self, Self::BucketStillThere { .. }) {
            return Some("BucketStillThere");
        }
        let Self::Call(failure) = self else {
            return None;
        };
        failure.code.as_deref()
    }

    /// Whether a permission is missing.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.code(), Some("AccessDenied" | "AccessDeniedException"))
    }

    /// The region of the bucket, where S3 named it.
    pub(crate) fn bucket_region(&self) -> Option<&str> {
        let Self::Call(failure) = self else {
            return None;
        };
        failure.bucket_region.as_deref()
    }

    /// A refusal without a body, as S3 answers HEAD.
    #[cfg(test)]
    pub(crate) fn refused(
        operation: &'static str,
        target: &str,
        status: u16,
        region: Option<&str>,
    ) -> Self {
        Self::Call(Box::new(CallFailure {
            operation,
            target: target.to_owned(),
            code: None,
            message: "refused".to_owned(),
            status: Some(status),
            request_id: None,
            bucket_region: region.map(str::to_owned),
        }))
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
            Self::BucketExists { bucket, .. } => Some(existing::import_hint(bucket)),
            Self::BucketTaken { .. } => Some(
                "Bucket names are shared by all AWS accounts: choose another one. Where the bucket is yours, the credentials \
                 need the permission s3:ListBucket."
                    .to_owned(),
            ),
            Self::BucketElsewhere { .. } => Some(
                "Bucket names are shared by all AWS accounts and regions: choose another one. Where the bucket is yours, set \
                 the region and import the bucket."
                    .to_owned(),
            ),
            Self::BucketTwice { .. } => {
                Some("Give each `auditlog_bucket` a name of its own.".to_owned())
            }
            Self::BucketStillThere { .. } => {
                Some("S3 deletes buckets with a delay. Apply again in a few minutes.".to_owned())
            }
            Self::TooManyVersions { .. } => Some(
                "Somebody has set many delete markers there. `auditlog-verify` reads them all, and names them.".to_owned(),
            ),
            Self::BucketNotEmpty(contents) => Some(contents.hint()),
            Self::CannotEmpty(contents) => Some(contents.empty_hint()),
            Self::NotEmptied(leftover) => Some(leftover.hint()),
            Self::AliasTaken { holder, .. } => Some(holder.hint()),
            Self::NotASigningKey { .. } => {
                Some("Import a key with usage SIGN_VERIFY and one of the specs that `key_spec` accepts.".to_owned())
            }
            Self::EncryptionKey { .. } => Some(
                "Set `encryption.kms_key_arn` to an enabled symmetric key in the bucket's region, or remove `encryption` to \
                 use keys that S3 keeps (SSE-S3)."
                    .to_owned(),
            ),
            Self::SpecRefused { spec, .. } => Some(format!(
                "KMS does not have keys of spec {spec} in this region or at this endpoint. Set `key_spec` to one that it \
                 has: every region has ECC_NIST_P256."
            )),
            Self::KeyPolicyRefused { .. } => Some(
                "KMS refuses a policy that its caller could not change any more. Add the role that runs Terraform to \
                 `administrators`, and state every principal by its ARN."
                    .to_owned(),
            ),
            Self::AliasTwice { .. } => Some("Give each signing key an alias of its own.".to_owned()),
            Self::OtherRegion { region, .. } => Some(format!(
                "The provider did not look for it here, so it does not plan to create it again. Set `region` of the provider block \
                 back to {region:?}, or give the resource a provider block of its own with an alias for that region. To \
                 give it up and create another, use `terraform state rm`."
            )),
            Self::OtherAccount { account, .. } => Some(format!(
                "The provider did not look for it here, so it does not plan to create it again. Use credentials of the account \
                 {account}. To give it up and create another, use `terraform state rm`."
            )),
            Self::Call(failure) => failure.hint(),
            Self::Stopped { .. } => Some(
                "An attempt whose answer was lost may have been carried out. The next plan reads what is there.".to_owned(),
            ),
            Self::PublicKey { .. } | Self::Incomplete { .. } | Self::Cancelled { .. } => None,
        }
    }
}
