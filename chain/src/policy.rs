//! The trust policy: what was declared, in one document, against which a verifier checks what it finds.
//!
//! Terraform writes it, verifiers read it, and it is kept where the writer of the logs cannot reach it. The policy alone
//! says which keys may sign which log; a key line inside a log only announces a change.

use std::collections::HashMap;

use serde::Deserialize as _;
use serde_json::value::RawValue;

mod acknowledged;
mod check;
mod document;
mod index;
mod keys;
mod object;
mod span;
mod terraform;

pub use acknowledged::{
    Acknowledged, AcknowledgedCode, AfterMissing, BeforeMissing, Found, FoundMissing, FoundSegment,
    FoundSilence, FoundVersion,
};
pub use check::ShortRetention;
pub use document::{
    Compromised, Ended, KeyPolicy, LastGood, LockMode, LockSpan, LogPolicy, PolicyDocument,
    Position, S3Store, SilenceSpan, Store,
};
pub use keys::{Made, Need, RequiredSignatures, Trusted};
pub use span::{Interval, Span, intervals, span_at};

use crate::hash::{Hash, hash_parts};
use crate::limits::MAX_POLICY_BYTES;
use crate::origin::Origin;
use crate::verifier_key::VerifierKey;
use index::Index;
use object::OnlyObjects;

/// The one version of the document that this crate knows.
pub const POLICY_VERSION: u64 = 1;

/// A trust policy that is consistent in itself. Made by [`TrustPolicy::parse`] or [`TrustPolicy::check`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    document: PolicyDocument,
    index: Index,
}

/// Why a document is not a trust policy.
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
    /// It names a kind of store that this program does not know: neither right nor wrong.
    #[error("the trust policy has a store of the kind `{found}`, this program knows {}", Store::KINDS.join(", "))]
    UnsupportedStore {
        /// The kind.
        found: String,
    },
    /// It is what `terraform output -json` writes: the policy is in there, as a JSON string.
    #[error("the trust policy is inside the output of `terraform output -json`")]
    TerraformJson,
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

/// What decides whether this program knows documents of this kind; all else is read afterwards.
#[derive(serde::Deserialize)]
struct Kind<'a> {
    trust_policy: u64,
    #[serde(borrow, default)]
    store: HashMap<String, &'a RawValue>,
}

impl TrustPolicy {
    /// Parses and checks a document.
    ///
    /// # Errors
    ///
    /// Where it is too large, of an unknown version or kind of store, malformed, or not consistent.
    pub fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        if json.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge { found: json.len() });
        }
        let malformed = |e: serde_json::Error| PolicyError::Malformed {
            reason: e.to_string(),
        };
        let mut reader = serde_json::Deserializer::from_slice(json);
        let kind = Kind::deserialize(OnlyObjects(&mut reader)).map_err(|error| {
            if terraform::is_output_json(json) {
                PolicyError::TerraformJson
            } else {
                malformed(error)
            }
        })?;
        if kind.trust_policy != POLICY_VERSION {
            return Err(PolicyError::Unsupported {
                found: kind.trust_policy,
            });
        }
        let unknown = |kind: &&String| !Store::KINDS.contains(&kind.as_str());
        if let Some(found) = kind.store.keys().find(unknown) {
            return Err(PolicyError::UnsupportedStore {
                found: found.clone(),
            });
        }
        Self::check(serde_json::from_slice(json).map_err(malformed)?)
    }

    /// The document.
    pub const fn document(&self) -> &PolicyDocument {
        &self.document
    }

    /// The document as Terraform writes it: indented JSON, ended by LF.
    pub fn format(&self) -> String {
        // A document holds no map with keys that are not strings and no value that cannot be written.
        let mut text = serde_json::to_string_pretty(&self.document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// SHA-256 of a document's bytes, by which a report names the policy that it was checked against.
    pub fn digest(json: &[u8]) -> Hash {
        hash_parts(&[json])
    }

    /// The log with this origin.
    pub fn log(&self, origin: &Origin) -> Option<&LogPolicy> {
        self.document.logs.get(self.index.log(origin)?)
    }

    /// The log with this prefix.
    pub fn log_at(&self, prefix: &str) -> Option<&LogPolicy> {
        self.document.logs.get(self.index.prefix(prefix)?)
    }

    /// The log under whose prefix an object key is.
    pub fn log_above(&self, key: &str) -> Option<&LogPolicy> {
        self.document.logs.get(self.index.log_above(key)?)
    }

    /// Whether an object key is under a declared prefix.
    pub fn declares(&self, key: &str) -> bool {
        self.index.declares(key)
    }

    /// What is said of the key behind a verifier key.
    pub fn key(&self, verifier_key: &VerifierKey) -> Option<&KeyPolicy> {
        let at = self.index.key(verifier_key.public_key())?;
        self.document.keys.get(at)
    }

    /// Up to where the signatures of a compromised key count in its log, where the policy says so.
    fn last_good(&self, verifier_key: &VerifierKey) -> Option<Position> {
        let key = self.index.key(verifier_key.public_key())?;
        self.index.last_good(key, verifier_key.origin())
    }

    /// The lock spans of a log: its own, or those of the document.
    pub fn lock_of<'a>(&'a self, log: &'a LogPolicy) -> &'a [LockSpan] {
        log.lock.as_ref().unwrap_or(&self.document.lock)
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
