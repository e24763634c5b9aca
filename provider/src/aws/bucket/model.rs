//! What an audit bucket consists of, as it is wanted and as it was found.

use std::fmt;

use auditlog_chain::policy::LockMode;

use super::encryption_key::is_same_key;
use super::lifecycle::{Rule, Storage};
use crate::aws::policy::policies_agree;
use crate::aws::tags::Tags;

/// What a bucket should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// Default retention for objects that set none.
    pub retention: DefaultRetention,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// Where objects go with time, and when they are deleted.
    pub storage: Storage,
    /// Where S3 writes who accessed the bucket.
    pub logging: Option<Logging>,
    /// The bucket policy, as JSON.
    pub policy: String,
    /// All tags, the provider's defaults included.
    pub tags: Tags,
    /// Tags that the provider keeps for itself (`auditlog:…`); the creation tag for a create only.
    pub marks: Tags,
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
    /// How long an object that sets no event hold is held, where somebody has set that: `30 days`.
    pub event_hold: Option<EventHold>,
    /// The four blocks of public access.
    pub public_access_block: PublicAccessBlock,
    /// `BucketOwnerEnforced`, or another; empty if the bucket has no ownership controls.
    pub ownership: String,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// Whether objects encrypted with a key of the writer's own are refused.
    pub sse_c: SseC,
    /// All lifecycle rules, sorted by id.
    pub lifecycle: Vec<Rule>,
    /// Where S3 writes who accessed the bucket.
    pub logging: Option<Logging>,
    /// The bucket policy, if there is one.
    pub policy: Option<String>,
    /// All tags but those that the provider leaves alone.
    pub tags: Tags,
    /// Tags that the provider keeps for itself (`auditlog:…`).
    pub marks: Tags,
    /// Tags that the provider leaves alone: those of AWS, and those that `ignore_tags` names.
    pub others_tags: Tags,
    /// What others have set up and the provider leaves alone, each as one line.
    pub foreign: Vec<String>,
}

/// Where S3 writes who accessed the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The bucket that gets the logs.
    pub target_bucket: String,
    /// What the names of the logs begin with.
    pub target_prefix: String,
}

/// A default event hold, which the provider keeps and does not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHold {
    /// Days, or nothing.
    pub days: Option<i32>,
    /// Years, or nothing.
    pub years: Option<i32>,
}

impl fmt::Display for EventHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.days, self.years) {
            (Some(days), _) => write!(f, "{days} days"),
            (None, Some(years)) => write!(f, "{years} years"),
            (None, None) => f.write_str("set"),
        }
    }
}

/// What happens to objects that are encrypted with a key which the writer sends along (SSE-C), and which nobody else can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SseC {
    /// S3 refuses them.
    Blocked,
    /// S3 accepts them, or does not know the setting.
    Allowed,
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

impl Encryption {
    /// Whether it is the wanted one, however S3 names the key.
    fn means(&self, wanted: &Self) -> bool {
        let key = |encryption: &Self| match encryption {
            Self::SseKms {
                key_arn: Some(arn),
                bucket_key,
            } => Some((arn.clone(), *bucket_key)),
            Self::SseS3 | Self::SseKms { .. } | Self::Other(_) => None,
        };
        match (key(self), key(wanted)) {
            (Some((found, bucket_key)), Some((arn, wanted_key))) => {
                is_same_key(&found, &arn) && bucket_key == wanted_key
            }
            _ => self == wanted,
        }
    }
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
    Lifecycle,
    Logging,
    Tags,
    Policy,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::PublicAccessBlock => "public access block",
            Self::Ownership => "ownership controls",
            Self::Versioning => "versioning",
            Self::ObjectLock => "default retention",
            Self::Encryption => "encryption",
            Self::Lifecycle => "lifecycle rules",
            Self::Logging => "access logs",
            Self::Tags => "tags",
            Self::Policy => "bucket policy",
        }
    }

    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::PublicAccessBlock => "PutPublicAccessBlock",
            Self::Ownership => "PutBucketOwnershipControls",
            Self::Versioning => "PutBucketVersioning",
            Self::ObjectLock => "PutObjectLockConfiguration",
            Self::Encryption => "PutBucketEncryption",
            Self::Lifecycle => "PutBucketLifecycleConfiguration",
            Self::Logging => "PutBucketLogging",
            Self::Policy => "PutBucketPolicy",
            Self::Tags => "PutBucketTagging",
        }
    }
}

/// The tag that says for what the bucket was created.
pub const CREATION_TAG: &str = "auditlog:created";

/// The creation tag stays as it was made; it is put where it is remembered and is not there.
fn marks_agree(found: &Tags, wanted: &Tags) -> bool {
    let current = |marks: &Tags| {
        let mut marks = marks.clone();
        marks.remove(CREATION_TAG);
        marks
    };
    current(found) == current(wanted)
        && wanted
            .get(CREATION_TAG)
            .is_none_or(|created| found.get(CREATION_TAG) == Some(created))
}

/// What has to be put, in the order in which it is safe: closed to the public before anything else, versioned before
/// locked. The policy comes last, because it lets writers in: nobody can write to a bucket that is not finished.
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
        (
            Part::Encryption,
            !found.encryption.means(&wanted.encryption) || found.sse_c != SseC::Blocked,
        ),
        (Part::Lifecycle, found.lifecycle != wanted.storage.rules()),
        (Part::Logging, found.logging != wanted.logging),
        (
            Part::Tags,
            found.tags != wanted.tags || !marks_agree(&found.marks, &wanted.marks),
        ),
        (Part::Policy, !policy_stands),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

/// The parts that are not yet as wanted, as a person calls them.
pub fn remaining(found: &BucketParts, wanted: &BucketSettings) -> Vec<&'static str> {
    let parts = differing_parts(found, wanted);
    parts.into_iter().map(Part::name).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::aws::format_tls_only_policy;

    pub(in crate::aws::bucket) fn wanted() -> BucketSettings {
        BucketSettings {
            retention: DefaultRetention {
                mode: LockMode::Governance,
                period: Period::Days(30),
            },
            encryption: Encryption::SseS3,
            storage: Storage::default(),
            logging: None,
            policy: format_tls_only_policy("aws", "trail"),
            tags: Tags::new(),
            marks: Tags::new(),
        }
    }

    pub(in crate::aws::bucket) fn as_wanted() -> BucketParts {
        BucketParts {
            region: "eu-central-1".to_owned(),
            versioning: VERSIONING.to_owned(),
            object_lock: true,
            retention: Some(wanted().retention),
            event_hold: None,
            public_access_block: PublicAccessBlock::ALL,
            ownership: OWNERSHIP.to_owned(),
            encryption: Encryption::SseS3,
            sse_c: SseC::Blocked,
            lifecycle: wanted().storage.rules(),
            logging: None,
            policy: Some(wanted().policy),
            tags: Tags::new(),
            marks: Tags::new(),
            others_tags: Tags::new(),
            foreign: Vec::new(),
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
            sse_c: SseC::Allowed,
            lifecycle: Vec::new(),
            policy: None,
            ..as_wanted()
        };
        let wanted = BucketSettings {
            tags: Tags::from([("a".to_owned(), "b".to_owned())]),
            logging: Some(Logging {
                target_bucket: "access-logs".to_owned(),
                target_prefix: String::new(),
            }),
            ..wanted()
        };
        assert_eq!(
            differing_parts(&ordinary, &wanted),
            [
                Part::PublicAccessBlock,
                Part::Ownership,
                Part::Versioning,
                Part::ObjectLock,
                Part::Encryption,
                Part::Lifecycle,
                Part::Logging,
                Part::Tags,
                Part::Policy
            ]
        );
    }

    #[test]
    fn creation_tag_stays_and_other_marks_follow() {
        let mark = |key: &str| Tags::from([(key.to_owned(), "x".to_owned())]);
        let created = BucketParts {
            marks: mark(CREATION_TAG),
            ..as_wanted()
        };
        assert_eq!(differing_parts(&created, &wanted()), []);
        let marked = BucketParts {
            marks: mark("auditlog:lock"),
            ..as_wanted()
        };
        assert_eq!(differing_parts(&marked, &wanted()), [Part::Tags]);
        let new = BucketSettings {
            marks: mark(CREATION_TAG),
            ..wanted()
        };
        assert_eq!(differing_parts(&as_wanted(), &new), [Part::Tags]);
        assert_eq!(differing_parts(&created, &new), []);
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
