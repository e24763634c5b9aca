//! What a bucket policy is made of.

use std::fmt;

use super::principal::Principal;
use crate::trust::spans::LockBounds;

/// Everything that the policy of an audit bucket says.
///
/// A list of principals that is `None` was left out: IAM alone decides, and the policy has no statement for it (see
/// [`unenforced`]). A list without an entry lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPolicy {
    /// Partition of the bucket, such as `aws`.
    pub partition: String,
    /// Account that owns the bucket, twelve digits.
    pub account: String,
    /// The bucket's name.
    pub bucket: String,
    /// The logs in it, in any order.
    pub logs: Vec<LogAccess>,
    /// Prefixes for anything else, each ending in `/`.
    pub declared_prefixes: Vec<String>,
    /// Who may change the bucket's configuration, this policy included.
    pub administrators: Option<Vec<Principal>>,
    /// Who may delete, hide and unlock segments.
    pub break_glass: Option<Vec<Principal>>,
    /// How segments are encrypted.
    pub encryption: ObjectEncryption,
    /// AWS services that deliver their logs here.
    pub deliveries: Vec<Delivery>,
    /// Further statements, as a policy document.
    pub extra: Option<String>,
}

/// Who may do what with one log, and how its segments are locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAccess {
    /// The log's prefix, without a `/` at its end.
    pub prefix: String,
    /// Who may write segments.
    pub writers: Option<Vec<Principal>>,
    /// Who may read segments beside the writers; enforced where the writers are stated too, and for each log by itself where that fits
    /// (see [`Unenforced::ReadersOfEachLog`]).
    pub readers: Option<Vec<Principal>>,
    /// The locks that a segment may be written with.
    pub lock: LockBounds,
}

impl LogAccess {
    /// Whether reading is denied to all but readers and writers.
    ///
    /// A writer reads the head that it continues, so nothing is denied for a log whose writers are not stated.
    pub(super) fn is_closed(&self) -> bool {
        self.readers.is_some() && self.writers.is_some()
    }
}

/// How segments are encrypted: what a request may name, if it names anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectEncryption {
    /// SSE-S3.
    SseS3,
    /// SSE-KMS.
    SseKms {
        /// The key's ARN; without one, the account's `aws/s3` key.
        key_arn: Option<String>,
    },
}

/// An AWS service that delivers its logs to the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Trails of AWS `CloudTrail`.
    CloudTrail {
        /// What the trail has as its prefix, without a `/` at its end; empty for none.
        prefix: String,
        /// ARNs of the trails; without one, every trail of the bucket's account.
        trails: Vec<String>,
    },
    /// Access logs of Application and Network Load Balancers.
    LoadBalancers {
        /// What the load balancers have as their prefix, without a `/` at its end; empty for none.
        prefix: String,
        /// Accounts of the load balancers; without one, the bucket's account.
        accounts: Vec<String>,
    },
}

impl Delivery {
    /// Where the service writes: a prefix that the bucket declares for it, with its `/`.
    pub fn declared_prefix(&self) -> String {
        let (Self::CloudTrail { prefix, .. } | Self::LoadBalancers { prefix, .. }) = self;
        match prefix.trim_matches('/') {
            "" => "AWSLogs/".to_owned(),
            prefix => format!("{prefix}/AWSLogs/"),
        }
    }
}

/// Something that the policy leaves to IAM, because the list of principals for it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unenforced {
    /// Who changes the bucket's configuration.
    Administrators,
    /// Who deletes, hides and unlocks segments.
    BreakGlass,
    /// Who writes segments of a log.
    Writers {
        /// The log's prefix.
        prefix: String,
    },
    /// Who reads segments of a log.
    Readers {
        /// The log's prefix.
        prefix: String,
    },
    /// Which of the readers and writers reads which log: statements for each log do not fit.
    ReadersOfEachLog,
}

impl Unenforced {
    /// The argument that was left out.
    pub fn argument(&self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::BreakGlass => "break_glass",
            Self::Writers { .. } => "writers",
            Self::Readers { .. } | Self::ReadersOfEachLog => "readers",
        }
    }
}

/// What everybody with the rights in IAM may do.
impl fmt::Display for Unenforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Administrators => f.write_str(
                "everybody with the permission in IAM may change the bucket's lock, versioning, policy, lifecycle, encryption, \
                 public access block, ownership, replication and tags",
            ),
            Self::BreakGlass => f.write_str(
                "everybody with the permission in IAM may delete, hide and re-encrypt segments, and bypass GOVERNANCE retention",
            ),
            Self::Writers { prefix } => write!(
                f,
                "everybody with the permission in IAM may write segments under {prefix:?}"
            ),
            Self::Readers { prefix } => write!(
                f,
                "everybody with the permission in IAM may read segments under {prefix:?}"
            ),
            Self::ReadersOfEachLog => f.write_str(
                "a reader or writer of one log may read the other logs too, with the permission in IAM: a statement for each log does not \
                 fit into a bucket policy",
            ),
        }
    }
}

/// What the policy does not enforce because a list of principals was left out; a plan warns about each.
pub fn unenforced(policy: &BucketPolicy) -> Vec<Unenforced> {
    let mut found = Vec::new();
    if policy.administrators.is_none() {
        found.push(Unenforced::Administrators);
    }
    if policy.break_glass.is_none() {
        found.push(Unenforced::BreakGlass);
    }
    for log in &policy.logs {
        let prefix = || log.prefix.clone();
        if log.writers.is_none() {
            found.push(Unenforced::Writers { prefix: prefix() });
        }
        // the writers read too, so that readers alone cannot be enforced
        if log.readers.is_none() || log.writers.is_none() {
            found.push(Unenforced::Readers { prefix: prefix() });
        }
    }
    if policy.readers_are_shared() {
        found.push(Unenforced::ReadersOfEachLog);
    }
    found
}
