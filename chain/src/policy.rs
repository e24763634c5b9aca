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
mod error;
mod index;
mod keys;
mod object;
mod position;
mod prefix;
mod span;
mod terraform;

pub use acknowledged::{
    Acknowledged, AcknowledgedCode, AfterMissing, BeforeMissing, Found, FoundMissing, FoundSegment,
    FoundSilence, FoundVersion,
};
pub use check::ShortRetention;
pub use document::{
    Compromised, Ended, KeyPolicy, LastGood, LockMode, LockSpan, LogPolicy, PolicyDocument,
    S3Store, SilenceSpan, Store,
};
pub use error::{POLICY_VERSION, PolicyError};
pub use keys::{Made, Need, RequiredSignatures, Trusted};
pub use position::Position;
pub use prefix::is_prefix;
pub use span::{Interval, Span, intervals, span_at};

use crate::hash::{Hash, hash_parts};
use crate::limits::MAX_POLICY_BYTES;
use crate::origin::Origin;
use crate::verifier_key::VerifierKey;
use index::Index;
use object::OnlyObjects;

/// A trust policy that is consistent in itself. Made by [`TrustPolicy::parse`] or [`TrustPolicy::check`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    document: PolicyDocument,
    index: Index,
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

    /// What the policy says of the key in a verifier key.
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
