//! The bucket or the folder cannot be used: whoever set it up can put it right.

use auditlog_chain::timestamp::Timestamp;

use super::{FileFault, Then};

/// Why a store cannot be used. What is in it is not judged here: that is [`LogError`](super::LogError).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of a log in a folder cannot be used.
    #[error(transparent)]
    File(FileFault),
    /// Versioning of the bucket is not enabled.
    #[error("versioning of the bucket {bucket} is not enabled")]
    NotVersioned {
        /// The bucket.
        bucket: String,
    },
    /// Object Lock of the bucket is not enabled.
    #[error("Object Lock of the bucket {bucket} is not enabled")]
    NotLocked {
        /// The bucket.
        bucket: String,
    },
    /// The bucket's default retention is weaker than the options declare.
    #[error("the default retention of the bucket {bucket} is {found}, but {expected} was declared")]
    LockTooWeak {
        /// The bucket.
        bucket: String,
        /// What is declared.
        expected: String,
        /// What the bucket has.
        found: String,
    },
    /// The two clocks differ too much.
    #[error(
        "the clock of {place} is at {theirs}, ours is at {ours}; they may differ by at most {allowed_seconds} seconds"
    )]
    ClockSkew {
        /// The store.
        place: String,
        /// Its time.
        theirs: Timestamp,
        /// Our time.
        ours: Timestamp,
        /// The limit.
        allowed_seconds: i64,
    },
    /// The store creates an object that is there already.
    #[error("{place} ignores If-None-Match: it wrote {key} a second time")]
    ConditionIgnored {
        /// The store.
        place: String,
        /// The object.
        key: String,
    },
    /// The store refuses to create an object because it exists, and then says that it does not exist.
    #[error(
        "{place} refused to write {key} because it exists, and then said that it does not exist"
    )]
    Contradiction {
        /// The store.
        place: String,
        /// The object.
        key: String,
    },
    /// An object is larger than any segment.
    #[error("{url} is larger than {limit} bytes, the most that a segment may have")]
    ObjectTooLarge {
        /// The object.
        url: String,
        /// The limit.
        limit: usize,
    },
}

impl StoreError {
    /// Whether the bucket does not lock what it is given.
    pub(super) const fn is_of_the_lock(&self) -> bool {
        matches!(
            self,
            Self::NotVersioned { .. } | Self::NotLocked { .. } | Self::LockTooWeak { .. }
        )
    }

    pub(super) fn hint(&self, then: Then) -> String {
        let hint = match self {
            Self::File(_) => then.of_disk(),
            Self::NotVersioned { .. } => {
                "aws s3api put-bucket-versioning --versioning-configuration Status=Enabled, or the resource auditlog_bucket"
            }
            Self::NotLocked { .. } => {
                "make the bucket with the resource auditlog_bucket, or aws s3api put-object-lock-configuration"
            }
            Self::LockTooWeak { .. } => {
                "give a lock that is not stronger than the bucket's, or strengthen the bucket's: aws s3api put-object-lock-configuration"
            }
            Self::ClockSkew { .. } => super::CLOCK,
            Self::ConditionIgnored { .. } => {
                "begin the log under another prefix with --fenced, which lists the versions after each create"
            }
            Self::Contradiction { .. } => {
                "run the command again; where this lasts, look at what is between this machine and the store, such as a proxy"
            }
            Self::ObjectTooLarge { .. } => {
                "nothing was written; check the log with auditlog-verify"
            }
        };
        hint.to_owned()
    }
}
