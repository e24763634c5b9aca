//! What an audit bucket consists of, as it is wanted and as it was found.

use auditlog_chain::policy::LockMode;

use crate::aws::policy::policies_agree;
use crate::aws::tags::Tags;

/// What a bucket should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// Default retention for objects that set none.
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
    /// Its region.
    pub region: String,
    /// `Enabled`, `Suspended` or `Disabled`.
    pub versioning: String,
    /// Whether Object Lock is on.
    pub object_lock: bool,
    /// Default retention for objects that set none.
    pub retention: Option<DefaultRetention>,
    /// The four blocks of public access.
    pub public_access_block: PublicAccessBlock,
    /// `BucketOwnerEnforced`, or another; empty if the bucket has no ownership controls.
    pub ownership: String,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// The bucket policy, if there is one.
    pub policy: Option<String>,
    /// All tags but those that the provider leaves alone.
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
    /// Public ACLs have no effect.
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

/// What versioning must be.
pub const VERSIONING: &str = "Enabled";
/// What ownership must be: ACLs have no effect, and the bucket's owner owns every object.
pub const OWNERSHIP: &str = "BucketOwnerEnforced";

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
pub(super) fn differing_parts(found: &BucketParts, wanted: &BucketSettings) -> Vec<Part> {
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
    fn year_of_a_default_retention_is_365_days() {
        assert_eq!(Period::Years(7).days(), 2555);
        assert_eq!(Period::Days(30).days(), 30);
    }
}
