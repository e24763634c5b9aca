//! The trust policy: what was declared, in one document, against which a verifier holds what it finds.
//!
//! Terraform writes it, verifiers read it, and it is kept where the writer of the logs cannot reach it. The policy alone
//! says which keys may sign which log; a key line inside a log only announces a change.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::hash::{Hash, hash_parts};
use crate::keys::{KeySpec, PublicKey, VerifierKey};
use crate::limits::{MAX_POLICY_BYTES, MAX_SEGMENT};
use crate::origin::Origin;
use crate::timestamp::Timestamp;

/// The one version of the document that this crate knows.
pub const POLICY_VERSION: u64 = 1;

/// A trust policy that is consistent in itself. Made by [`TrustPolicy::parse`] or [`TrustPolicy::check`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy(PolicyDocument);

/// The document as it is written. Nothing about it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Version of the document: [`POLICY_VERSION`].
    pub trust_policy: u64,
    /// The bucket; absent for logs that lie in a folder only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketPolicy>,
    /// What was declared about lock, retention and silence, and from when on; the earliest first, at least one.
    pub lock: Vec<LockSpan>,
    /// The logs, at least one.
    pub logs: Vec<LogPolicy>,
    /// The keys that sign them.
    pub keys: Vec<KeyPolicy>,
    /// Key prefixes under which the bucket may hold anything else, such as `archive/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared_prefixes: Vec<String>,
}

/// Where the logs lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketPolicy {
    /// Name of the bucket.
    pub name: String,
    /// Its AWS region.
    pub region: String,
    /// The AWS account that owns it, twelve digits.
    pub account: String,
}

/// What was declared from a point in time until the next span begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockSpan {
    /// From when on.
    pub from: Timestamp,
    /// Object Lock mode.
    pub mode: LockMode,
    /// Days for which an object is locked, 1 to 36,500.
    pub retention_days: u32,
    /// Seconds that a log may go without a new segment, at least 1.
    pub max_silence_seconds: u64,
}

/// Object Lock mode, by the names of S3; the stronger one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
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

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPolicy {
    /// Its unique name.
    pub origin: Origin,
    /// Where its segments lie: object keys are `<prefix>/<number>.jsonl.zst`. Without `/` at either end.
    pub prefix: String,
    /// Its format number.
    pub format: u64,
    /// From when on it must have segments.
    pub began: Timestamp,
    /// The keys that may sign it, as C2SP verifier keys.
    pub verifier_keys: Vec<VerifierKey>,
    /// Its end, where it was declared ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// The declared end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Number of its last segment.
    pub segment: u64,
    /// Number of its lines.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: Hash,
    /// The log that continues it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Origin>,
}

/// A point in a log that can be recognised: what [`Ended`] and [`LastGood`] name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Number of lines up to its end.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: Hash,
}

/// One signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPolicy {
    /// Its kind, by the name of KMS.
    pub spec: KeySpec,
    /// The public key, base64 of its DER `SubjectPublicKeyInfo`.
    pub spki: PublicKey,
    /// Its ARN in KMS; absent for a key in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// From when on it may sign.
    pub valid_from: Timestamp,
    /// From when on it may sign no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// When it was lost: from then on a rotation away from it does not need its signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Timestamp>,
    /// That somebody else may have signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised: Option<Compromised>,
}

/// That a key was compromised, and up to where its signatures still count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compromised {
    /// Since when.
    pub at: Timestamp,
    /// Per log the last segment that is known to be good; a log that is absent gets no verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_good: Vec<LastGood>,
}

/// The last good segment of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// Why a document is no trust policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is larger than [`MAX_POLICY_BYTES`].
    #[error("the trust policy has more than {MAX_POLICY_BYTES} bytes")]
    TooLarge {
        /// Its size in bytes, as far as it was read.
        found: usize,
    },
    /// It is of a version that this program does not know: neither right nor wrong.
    #[error("the trust policy has version {found}, this program knows {POLICY_VERSION}")]
    Unsupported {
        /// Its version.
        found: u64,
    },
    /// It is not JSON of the right shape.
    #[error("the trust policy cannot be read: {reason}")]
    Malformed {
        /// The parser's word for it, with line and column.
        reason: String,
    },
    /// Two of its statements, or one of its values, cannot be.
    #[error("the trust policy is not consistent: {place}: {reason}")]
    Inconsistent {
        /// The path of the value.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl TrustPolicy {
    /// Parses and checks a document.
    ///
    /// # Errors
    ///
    /// Where it is too large, of an unknown version, malformed, or not consistent.
    pub fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        #[derive(Deserialize)]
        struct Version {
            trust_policy: u64,
        }
        if json.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge { found: json.len() });
        }
        let malformed = |e: serde_json::Error| PolicyError::Malformed {
            reason: e.to_string(),
        };
        let version: Version = serde_json::from_slice(json).map_err(malformed)?;
        if version.trust_policy != POLICY_VERSION {
            return Err(PolicyError::Unsupported {
                found: version.trust_policy,
            });
        }
        Self::check(serde_json::from_slice(json).map_err(malformed)?)
    }

    /// Checks that a document is consistent in itself.
    ///
    /// # Errors
    ///
    /// Names the first value that cannot be.
    pub fn check(document: PolicyDocument) -> Result<Self, PolicyError> {
        if document.trust_policy != POLICY_VERSION {
            return Err(PolicyError::Unsupported {
                found: document.trust_policy,
            });
        }
        document.bucket.as_ref().map_or(Ok(()), check_bucket)?;
        check_lock(&document.lock)?;
        check_keys(&document.keys)?;
        check_logs(&document)?;
        check_prefixes(&document)?;
        Ok(Self(document))
    }

    /// The document.
    pub const fn document(&self) -> &PolicyDocument {
        &self.0
    }

    /// The document as Terraform writes it: indented JSON, ended by LF.
    pub fn format(&self) -> String {
        // A document holds no map with keys that are not strings and no value that cannot be written.
        let mut text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        text.push('\n');
        text
    }

    /// SHA-256 of a document's bytes, by which a report names the policy that it was held against.
    pub fn digest(json: &[u8]) -> Hash {
        hash_parts(&[json])
    }

    /// The log with this origin.
    pub fn log(&self, origin: &Origin) -> Option<&LogPolicy> {
        self.0.logs.iter().find(|log| log.origin == *origin)
    }

    /// What is said of the key behind a verifier key.
    pub fn key(&self, verifier_key: &VerifierKey) -> Option<&KeyPolicy> {
        self.0
            .keys
            .iter()
            .find(|key| key.spki == *verifier_key.public_key())
    }

    /// What was declared at a point in time; `None` before the first span.
    pub fn lock_at(&self, time: Timestamp) -> Option<&LockSpan> {
        self.0.lock.iter().rev().find(|span| span.from <= time)
    }
}

impl LogPolicy {
    /// The object key of a segment.
    pub fn segment_key(&self, segment: u64) -> String {
        format!("{}/{segment:012}.jsonl.zst", self.prefix)
    }

    /// The segment number that an object key names; `None` where it is no segment of this log.
    pub fn segment_of_key(&self, key: &str) -> Option<u64> {
        let name = key.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        let number: u64 = name.strip_suffix(".jsonl.zst")?.parse().ok()?;
        (number < MAX_SEGMENT && self.segment_key(number) == key).then_some(number)
    }

    /// Whether an object key lies under the log's prefix.
    pub fn contains_key(&self, key: &str) -> bool {
        is_under(key, &self.prefix)
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

impl KeyPolicy {
    /// Up to where the key's signatures count in this log, where it was compromised: `Some(None)` where nobody said.
    pub fn last_good(&self, origin: &Origin) -> Option<Option<Position>> {
        let compromised = self.compromised.as_ref()?;
        let last_good = compromised
            .last_good
            .iter()
            .find(|one| one.origin == *origin);
        Some(last_good.map(|one| Position {
            segment: one.segment,
            size: one.size,
            root: one.root,
        }))
    }
}

/// Whether a key prefix can be that of a log: `/`-separated parts of printable ASCII that mean the same in a bucket, a
/// folder and a URL.
pub fn is_prefix(prefix: &str) -> bool {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'=' | b'@' | b'~');
    prefix.len() <= 512
        && prefix
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(allowed))
}

fn is_under(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn wrong<T>(place: String, reason: &'static str) -> Result<T, PolicyError> {
    Err(PolicyError::Inconsistent { place, reason })
}

/// A request that names no owner goes to whoever has a bucket of that name, so an empty account is no account.
fn check_bucket(bucket: &BucketPolicy) -> Result<(), PolicyError> {
    let made_of = |text: &str, lengths: std::ops::RangeInclusive<usize>, more: &[u8]| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
        lengths.contains(&text.len()) && text.bytes().all(allowed)
    };
    if !made_of(&bucket.name, 3..=255, b"-._") {
        let reason = "must be 3 to 255 letters, digits and -._";
        return wrong("bucket.name".to_owned(), reason);
    }
    if !made_of(&bucket.region, 1..=64, b"-") {
        let reason = "must be 1 to 64 letters, digits and -";
        return wrong("bucket.region".to_owned(), reason);
    }
    let digits = bucket.account.bytes().all(|b| b.is_ascii_digit());
    if bucket.account.len() != 12 || !digits {
        return wrong("bucket.account".to_owned(), "must be twelve digits");
    }
    Ok(())
}

fn check_lock(spans: &[LockSpan]) -> Result<(), PolicyError> {
    if spans.is_empty() {
        return wrong("lock".to_owned(), "at least one span is needed");
    }
    for (at, span) in spans.iter().enumerate() {
        if !(1..=36_500).contains(&span.retention_days) {
            return wrong(
                format!("lock[{at}].retention_days"),
                "must be from 1 to 36500",
            );
        }
        if span.max_silence_seconds == 0 || i64::try_from(span.max_silence_seconds).is_err() {
            return wrong(
                format!("lock[{at}].max_silence_seconds"),
                "must be at least 1 and below 2^63",
            );
        }
    }
    let mut pairs = spans.iter().zip(spans.iter().skip(1));
    if pairs.any(|(one, next)| one.from >= next.from) {
        return wrong(
            "lock".to_owned(),
            "the spans must be ordered by `from`, each later than the one before",
        );
    }
    Ok(())
}

fn check_keys(keys: &[KeyPolicy]) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for (at, key) in keys.iter().enumerate() {
        if key.spec != key.spki.spec() {
            return wrong(
                format!("keys[{at}].spec"),
                "is not the spec of the public key",
            );
        }
        if !seen.insert(key.spki.spki_der()) {
            return wrong(format!("keys[{at}].spki"), "the same key stands here twice");
        }
        let good = key.compromised.iter().flat_map(|one| &one.last_good);
        let mut named = BTreeSet::new();
        if !good
            .map(|one| &one.origin)
            .all(|origin| named.insert(origin))
        {
            return wrong(
                format!("keys[{at}].compromised.last_good"),
                "names a log twice",
            );
        }
        if key
            .retired_at
            .is_some_and(|retired| retired < key.valid_from)
        {
            return wrong(format!("keys[{at}].retired_at"), "lies before valid_from");
        }
    }
    Ok(())
}

fn check_logs(document: &PolicyDocument) -> Result<(), PolicyError> {
    if document.logs.is_empty() {
        return wrong("logs".to_owned(), "at least one log is needed");
    }
    let mut seen = BTreeSet::new();
    for (at, log) in document.logs.iter().enumerate() {
        if !seen.insert(&log.origin) {
            return wrong(
                format!("logs[{at}].origin"),
                "two logs have the same origin",
            );
        }
        if log.verifier_keys.is_empty() {
            return wrong(
                format!("logs[{at}].verifier_keys"),
                "a log without a key can never be verified",
            );
        }
        for (nr, key) in log.verifier_keys.iter().enumerate() {
            let place = || format!("logs[{at}].verifier_keys[{nr}]");
            if *key.origin() != log.origin {
                return wrong(place(), "is a key of another origin");
            }
            if !document
                .keys
                .iter()
                .any(|known| known.spki == *key.public_key())
            {
                return wrong(place(), "its public key is not among `keys`");
            }
        }
    }
    Ok(())
}

fn check_prefixes(document: &PolicyDocument) -> Result<(), PolicyError> {
    for (at, log) in document.logs.iter().enumerate() {
        let place = || format!("logs[{at}].prefix");
        if !is_prefix(&log.prefix) {
            return wrong(
                place(),
                "must be parts of letters, digits and -_.=@~, with a single / between them",
            );
        }
        for (nr, other) in document.logs.iter().enumerate() {
            let overlap = log.prefix == other.prefix || is_under(&log.prefix, &other.prefix);
            if nr != at && overlap {
                return wrong(place(), "two logs have prefixes that overlap");
            }
        }
    }
    for (at, declared) in document.declared_prefixes.iter().enumerate() {
        let place = || format!("declared_prefixes[{at}]");
        let Some(folder) = declared
            .strip_suffix('/')
            .filter(|folder| is_prefix(folder))
        else {
            return wrong(place(), "must be a prefix as a log has it, ended by /");
        };
        let over_a_log = |log: &LogPolicy| {
            log.prefix == folder || is_under(&log.prefix, folder) || is_under(folder, &log.prefix)
        };
        if document.logs.iter().any(over_a_log) {
            return wrong(place(), "covers a log, or lies in one");
        }
    }
    Ok(())
}
