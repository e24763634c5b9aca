//! The document as it is written, field by field.

use serde::{Deserialize, Serialize};

use super::acknowledged::Acknowledged;
use super::object::{only_objects, present};
use super::position::Position;
use super::span::Span;
use crate::hash::Hash;
use crate::keys::{KeySpec, PublicKey};
use crate::limits::MAX_SEGMENT;
use crate::origin::Origin;
use crate::timestamp::Timestamp;
use crate::verifier_key::VerifierKey;

/// The document as it is written. Nothing about it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct PolicyDocument {
    /// Version of the document: [`POLICY_VERSION`](crate::policy::POLICY_VERSION).
    pub trust_policy: u64,
    /// Where the logs are stored; absent for logs in a folder.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub store: Option<Store>,
    /// What was declared about lock and retention, and from when on; the earliest first, at least one.
    pub lock: Vec<LockSpan>,
    /// The logs, at least one.
    pub logs: Vec<LogPolicy>,
    /// The keys that sign them.
    pub keys: Vec<KeyPolicy>,
    /// Findings that a person has explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledged>,
    /// Key prefixes under which the bucket may hold anything else, such as `archive/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared_prefixes: Vec<String>,
}

/// Where the logs are stored, by kind. A program that does not know the kind is too old for the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kinds", into = "Kinds")]
pub enum Store {
    /// A bucket in AWS S3.
    S3(S3Store),
}

impl Store {
    /// The kinds of store that this program knows, as a policy writes them.
    pub const KINDS: [&str; 1] = ["s3"];

    /// The bucket.
    pub const fn s3(&self) -> &S3Store {
        match self {
            Self::S3(store) => store,
        }
    }
}

/// A store as it is written: its kind is the name of the one field.
#[derive(Clone, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
struct Kinds {
    s3: S3Store,
}

impl From<Kinds> for Store {
    fn from(kinds: Kinds) -> Self {
        Self::S3(kinds.s3)
    }
}

impl From<Store> for Kinds {
    fn from(store: Store) -> Self {
        let Store::S3(s3) = store;
        Self { s3 }
    }
}

/// A bucket in AWS S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct S3Store {
    /// Name of the bucket.
    pub bucket: String,
    /// Its AWS region.
    pub region: String,
    /// The AWS account that owns it, twelve digits.
    pub account: String,
}

/// The lock that was declared from a time until the next span begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct LockSpan {
    /// From when on.
    pub from: Timestamp,
    /// Object Lock mode.
    pub mode: LockMode,
    /// Days for which an object is locked, 1 to 36,500.
    pub retention_days: u32,
}

impl Span for LockSpan {
    fn from(&self) -> Timestamp {
        self.from
    }
}

/// How long a log may be silent, from a time until the next span begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct SilenceSpan {
    /// From when on.
    pub from: Timestamp,
    /// Seconds that may pass without a new segment, 1 to 2^63 - 1.
    pub seconds: u64,
}

impl Span for SilenceSpan {
    fn from(&self) -> Timestamp {
        self.from
    }
}

/// Object Lock mode, by the names of S3; the stronger one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Can be lifted by who has `s3:BypassGovernanceRetention`.
    Governance,
    /// Can be lifted by nobody before its time.
    Compliance,
}

impl LockMode {
    /// The name that S3 has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }

    /// The mode with this S3 name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

impl std::fmt::Display for LockMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LockMode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LockMode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{name}` is not COMPLIANCE or GOVERNANCE"))
        })
    }
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct LogPolicy {
    /// Its unique name.
    pub origin: Origin,
    /// Where its segments are stored: object keys are `<prefix>/<number>.jsonl.zst`. Without `/` at either end.
    pub prefix: String,
    /// Its format number.
    pub format: u64,
    /// From when on it must have segments.
    pub began: Timestamp,
    /// How long it may be silent, and from when on; the earliest first, at least one.
    pub max_silence: Vec<SilenceSpan>,
    /// Its own lock and retention in place of the document's; where present, at least one span.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub lock: Option<Vec<LockSpan>>,
    /// The keys that may sign it, as C2SP verifier keys.
    pub verifier_keys: Vec<VerifierKey>,
    /// Its end, where it was declared ended.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended: Option<Ended>,
}

/// The declared end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Ended {
    /// Number of its last segment.
    pub segment: u64,
    /// Number of its lines.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: Hash,
    /// When its last segment was sealed, by its close line.
    pub sealed: Timestamp,
    /// When its last segment was stored: its `LastModified`. Required where the policy has a store.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub stored: Option<Timestamp>,
    /// The log that continues it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub successor: Option<Origin>,
}

/// One signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct KeyPolicy {
    /// Its kind, by the name of KMS.
    pub spec: KeySpec,
    /// The public key, base64 of its DER `SubjectPublicKeyInfo`.
    pub spki: PublicKey,
    /// Its ARN in KMS; absent for a key in a file.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub arn: Option<String>,
    /// From when on it may sign.
    pub valid_from: Timestamp,
    /// From when on it may sign no more.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub retired_at: Option<Timestamp>,
    /// When it was lost: from then on a rotation away from it does not need its signature.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub lost_at: Option<Timestamp>,
    /// That somebody else may have signed with it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub compromised: Option<Compromised>,
}

/// That a key was compromised, and up to where its signatures still count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Compromised {
    /// Since when.
    pub at: Timestamp,
    /// Per log the last segment that is known to be good; a log that is absent gets no verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_good: Vec<LastGood>,
}

/// The last good segment of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct LastGood {
    /// The log.
    pub origin: Origin,
    /// Number of the segment.
    pub segment: u64,
    /// Number of lines up to its end.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: Hash,
}

only_objects!(
    PolicyDocument,
    Kinds,
    S3Store,
    LockSpan,
    SilenceSpan,
    LogPolicy,
    Ended,
    KeyPolicy,
    Compromised,
    LastGood,
);

impl LogPolicy {
    /// The object key of a segment.
    pub fn segment_key(&self, segment: u64) -> String {
        format!("{}/{segment:012}.jsonl.zst", self.prefix)
    }

    /// The segment number that an object key names; `None` where it is not a segment of this log.
    pub fn segment_of_key(&self, key: &str) -> Option<u64> {
        let name = key.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        let number: u64 = name.strip_suffix(".jsonl.zst")?.parse().ok()?;
        (number < MAX_SEGMENT && self.segment_key(number) == key).then_some(number)
    }

    /// Whether an object key is under the log's prefix.
    pub fn contains_key(&self, key: &str) -> bool {
        let rest = key.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

impl LastGood {
    /// The end of the segment.
    pub const fn position(&self) -> Position {
        Position {
            segment: self.segment,
            size: self.size,
            root: self.root,
        }
    }
}

impl Ended {
    /// Where the log ended.
    pub const fn last(&self) -> Position {
        Position {
            segment: self.segment,
            size: self.size,
            root: self.root,
        }
    }
}
