//! Configuration and state.

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Field, model};

use crate::aws::{ArchivePlace, Archived};

model! {
    /// Configuration and state.
    #[derive(Debug, Clone, Default)]
    pub struct ArchiveModel {
        pub(super) bucket: String,
        pub(super) region: Field<String>,
        pub(super) prefix: String,
        pub(super) trust_policy: String,
        pub(super) object_lock: Option<ArchiveLock>,
        pub(super) key: Field<String>,
        pub(super) sha256: Field<String>,
        pub(super) version_id: Field<String>,
        pub(super) stored: Field<String>,
        pub(super) mode: Field<String>,
        pub(super) retain_until: Field<String>,
    }

    /// The lock of each object.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ArchiveLock {
        pub(super) mode: String,
        pub(super) days: u32,
        pub(super) acknowledge_irreversible: Option<String>,
    }
}

/// The key of a policy's object.
pub(super) fn object_key(prefix: &str, policy: &str) -> String {
    format!("{prefix}{}.json", sha256(policy))
}

pub(super) fn sha256(policy: &str) -> String {
    TrustPolicy::digest(policy.as_bytes()).to_hex()
}

impl ArchiveModel {
    /// Where the object of this policy is.
    pub(super) fn place(&self) -> ArchivePlace {
        ArchivePlace {
            bucket: self.bucket.clone(),
            key: object_key(&self.prefix, &self.trust_policy),
        }
    }

    /// The state with what was found in a region.
    pub(super) fn with(self, found: Archived, region: &str) -> Self {
        Self {
            region: region.to_owned().into(),
            key: self.place().key.into(),
            sha256: found.sha256.to_hex().into(),
            version_id: found.version_id.into(),
            stored: found.stored.map(Timestamp::to_rfc3339).into(),
            mode: found.mode.into(),
            retain_until: found.retain_until.map(Timestamp::to_rfc3339).into(),
            ..self
        }
    }
}
