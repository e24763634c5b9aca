//! An S3 bucket and all that makes it an audit bucket, as one thing.
//!
//! S3 knows eight resources where we know one. [`converge_bucket`] is the only place that writes them: it reads what
//! is there, and puts what differs, part by part. Create is "make the bucket, then converge", so a run that was
//! interrupted anywhere is finished by the next one. A part is only ever put, never deleted: on Ceph, deleting the
//! ownership controls or the encryption of an empty bucket deletes the bucket.

use auditlog_chain::policy::LockMode;
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};

use super::bucket_policy::policies_agree;
use super::bucket_put::put;
use super::bucket_read::{bucket_head, read_bucket};
use super::clients::Clients;
use super::tags::Tags;
use crate::error::Error;

/// What a bucket shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// The lock that an object gets which names none.
    pub retention: DefaultRetention,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// The bucket policy, as JSON.
    pub policy: String,
    /// All tags, the provider's defaults included.
    pub tags: Tags,
}

/// What a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketParts {
    /// Where it lies.
    pub region: String,
    /// `Enabled`, `Suspended` or `Disabled`.
    pub versioning: String,
    /// Whether Object Lock is on.
    pub object_lock: bool,
    /// The lock that an object gets which names none.
    pub retention: Option<DefaultRetention>,
    /// The four blocks of public access.
    pub public_access_block: PublicAccessBlock,
    /// `BucketOwnerEnforced`, or another; empty if the bucket has no ownership controls.
    pub ownership: String,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// The bucket policy, if there is one.
    pub policy: Option<String>,
    /// All tags but AWS's own.
    pub tags: Tags,
}

/// How long a lock lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// 1 to 36,500 days.
    Days(u32),
    /// 1 to 100 years, of 365 days each.
    Years(u32),
}

impl Period {
    /// The most days that S3 accepts.
    pub const MAX_DAYS: u32 = 36_500;
    /// The most years that S3 accepts.
    pub const MAX_YEARS: u32 = 100;

    /// The period in days; S3 counts a year of a default retention as 365.
    pub fn days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Years(years) => years.saturating_mul(365),
        }
    }
}

/// A bucket's default retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultRetention {
    /// Who can end it early.
    pub mode: LockMode,
    /// How long it lasts.
    pub period: Period,
}

/// A bucket's default encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// SSE-S3: keys that S3 keeps.
    SseS3,
    /// SSE-KMS.
    SseKms {
        /// The key; without one, the account's `aws/s3` key.
        key_arn: Option<String>,
        /// Whether S3 derives a key for the bucket, which saves calls to KMS.
        bucket_key: bool,
    },
    /// Something that this provider does not set, such as `aws:kms:dsse`.
    Other(String),
}

/// The four settings that keep a bucket from being public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "S3's own four independent switches"
)]
pub struct PublicAccessBlock {
    /// New public ACLs are refused.
    pub block_public_acls: bool,
    /// Public ACLs count for nothing.
    pub ignore_public_acls: bool,
    /// A policy that makes the bucket public is refused.
    pub block_public_policy: bool,
    /// With a public policy, only AWS services and the owner's account come in.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// All four on.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    /// All four off, which is what S3 means if there is no such configuration.
    pub const NONE: Self = Self {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
}

/// How versioning has to stand.
pub const VERSIONING: &str = "Enabled";
/// How ownership has to stand: ACLs count for nothing, the bucket's owner owns every object.
pub const OWNERSHIP: &str = "BucketOwnerEnforced";

/// Codes that pass by themselves: another change of this bucket is under way.
const BUSY: &[&str] = &["OperationAborted"];
/// The same for a bucket just made, which not every node of S3 knows yet.
const NEW: &[&str] = &["OperationAborted", "NoSuchBucket"];

/// Makes the bucket, with Object Lock on and ACLs off, and nothing else yet.
///
/// It looks first: in us-east-1, S3 answers a create of a bucket that one has already with success, and Terraform
/// would take over a bucket that it did not make.
///
/// # Errors
/// [`Error::BucketOwned`] and [`Error::BucketTaken`] where the name is in use; else what S3 said.
pub async fn create_bucket(clients: &Clients, bucket: &str) -> Result<(), Error> {
    match bucket_head(clients, bucket).await {
        Ok(Some(_)) => return Err(owned(bucket)),
        Ok(None) => {}
        Err(error) if error.status() == Some(403) => return Err(taken(bucket)),
        Err(error) => return Err(error),
    }
    clients
        .settle("CreateBucket", bucket, BUSY, || async {
            clients
                .s3
                .create_bucket()
                .bucket(bucket)
                .object_lock_enabled_for_bucket(true)
                .object_ownership(ObjectOwnership::BucketOwnerEnforced)
                .set_create_bucket_configuration(location(&clients.region))
                .send()
                .await
                .map_err(|error| match error.as_service_error() {
                    // If our own create got through and its answer was lost, the SDK's retry ends here too. We
                    // cannot tell that from somebody else's bucket, so we do not take it over: it can be imported.
                    Some(CreateBucketError::BucketAlreadyOwnedByYou(_)) => owned(bucket),
                    Some(CreateBucketError::BucketAlreadyExists(_)) => taken(bucket),
                    _ => Error::call("CreateBucket", bucket, &error),
                })
        })
        .await?;
    Ok(())
}

fn owned(bucket: &str) -> Error {
    Error::BucketOwned {
        bucket: bucket.to_owned(),
    }
}

fn taken(bucket: &str) -> Error {
    Error::BucketTaken {
        bucket: bucket.to_owned(),
    }
}

/// us-east-1 is what S3 means without a location, and it refuses to be named.
fn location(region: &str) -> Option<CreateBucketConfiguration> {
    (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    })
}

/// Whether a bucket was made by this very run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Not every node of S3 need know it yet.
    New,
    /// If S3 does not know it, it is gone.
    Known,
}

/// Reads the bucket and puts every part that differs from `wanted`. Safe to repeat.
///
/// # Errors
/// The first part that S3 refuses; those before it are in place.
pub async fn converge_bucket(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
    age: Age,
) -> Result<(), Error> {
    let passing = match age {
        Age::New => NEW,
        Age::Known => BUSY,
    };
    let found = clients
        .settle("HeadBucket", bucket, passing, || async {
            read_bucket(clients, bucket)
                .await?
                .ok_or_else(|| Error::no_such_bucket("HeadBucket", bucket))
        })
        .await?;
    for part in differing_parts(&found, wanted) {
        clients
            .settle(part.operation(), bucket, passing, || {
                put(clients, bucket, wanted, part)
            })
            .await?;
    }
    Ok(())
}

/// The parts of a bucket that are written one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    PublicAccessBlock,
    Ownership,
    Versioning,
    ObjectLock,
    Encryption,
    Policy,
    Tags,
}

impl Part {
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::PublicAccessBlock => "PutPublicAccessBlock",
            Self::Ownership => "PutBucketOwnershipControls",
            Self::Versioning => "PutBucketVersioning",
            Self::ObjectLock => "PutObjectLockConfiguration",
            Self::Encryption => "PutBucketEncryption",
            Self::Policy => "PutBucketPolicy",
            Self::Tags => "PutBucketTagging",
        }
    }
}

/// What has to be put, in the order in which it is safe: closed to the public before anything else, versioned before
/// locked.
fn differing_parts(found: &BucketParts, wanted: &BucketSettings) -> Vec<Part> {
    let policy_stands = found
        .policy
        .as_deref()
        .is_some_and(|policy| policies_agree(policy, &wanted.policy));
    [
        (
            Part::PublicAccessBlock,
            found.public_access_block != PublicAccessBlock::ALL,
        ),
        (Part::Ownership, found.ownership != OWNERSHIP),
        (Part::Versioning, found.versioning != VERSIONING),
        (
            Part::ObjectLock,
            !found.object_lock || found.retention != Some(wanted.retention),
        ),
        (Part::Encryption, found.encryption != wanted.encryption),
        (Part::Policy, !policy_stands),
        (Part::Tags, found.tags != wanted.tags),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::format_tls_only_policy;

    fn wanted() -> BucketSettings {
        BucketSettings {
            retention: DefaultRetention {
                mode: LockMode::Governance,
                period: Period::Days(30),
            },
            encryption: Encryption::SseS3,
            policy: format_tls_only_policy("aws", "trail"),
            tags: Tags::new(),
        }
    }

    fn as_wanted() -> BucketParts {
        BucketParts {
            region: "eu-central-1".to_owned(),
            versioning: VERSIONING.to_owned(),
            object_lock: true,
            retention: Some(wanted().retention),
            public_access_block: PublicAccessBlock::ALL,
            ownership: OWNERSHIP.to_owned(),
            encryption: Encryption::SseS3,
            policy: Some(wanted().policy),
            tags: Tags::new(),
        }
    }

    #[test]
    fn bucket_as_wanted_needs_no_call() {
        assert_eq!(differing_parts(&as_wanted(), &wanted()), []);
    }

    #[test]
    fn ordinary_bucket_is_closed_first_and_versioned_before_it_is_locked() {
        let ordinary = BucketParts {
            versioning: "Disabled".to_owned(),
            object_lock: false,
            retention: None,
            public_access_block: PublicAccessBlock::NONE,
            ownership: String::new(),
            policy: None,
            ..as_wanted()
        };
        assert_eq!(
            differing_parts(&ordinary, &wanted()),
            [
                Part::PublicAccessBlock,
                Part::Ownership,
                Part::Versioning,
                Part::ObjectLock,
                Part::Policy
            ]
        );
    }

    #[test]
    fn one_open_block_of_the_four_is_put_again() {
        let open = BucketParts {
            public_access_block: PublicAccessBlock {
                restrict_public_buckets: false,
                ..PublicAccessBlock::ALL
            },
            ..as_wanted()
        };
        assert_eq!(differing_parts(&open, &wanted()), [Part::PublicAccessBlock]);
    }

    #[test]
    fn lock_without_its_default_is_put_again() {
        let bare = BucketParts {
            retention: None,
            ..as_wanted()
        };
        assert_eq!(differing_parts(&bare, &wanted()), [Part::ObjectLock]);
    }

    #[test]
    fn us_east_1_names_no_location() {
        assert!(location("us-east-1").is_none());
        assert!(location("eu-central-1").is_some());
    }

    #[test]
    fn year_of_a_default_retention_is_365_days() {
        assert_eq!(Period::Years(7).days(), 2555);
        assert_eq!(Period::Days(30).days(), 30);
    }
}
