//! The trust policy as the command reads it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use auditlog_chain::hash::Hash;
use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::policy::TrustPolicy;

use super::usage::Usage;

/// A trust policy, the file's bytes and their digest.
pub(super) struct Declaration {
    pub(super) json: Vec<u8>,
    pub(super) policy: TrustPolicy,
    pub(super) digest: Hash,
}

impl Declaration {
    pub(super) fn read(path: &Path) -> Result<Self, Usage> {
        let json = read(path)?;
        let policy = TrustPolicy::parse(&json).map_err(|error| Usage::of_policy(path, &error))?;
        let digest = TrustPolicy::digest(&json);
        Ok(Self {
            json,
            policy,
            digest,
        })
    }
}

/// The bytes of the policy, and one more than a policy may have.
fn read(path: &Path) -> Result<Vec<u8>, Usage> {
    let failed = |error: io::Error| Usage::unreadable_policy(path, &error);
    let file = File::open(path).map_err(failed)?;
    let limit = u64::try_from(MAX_POLICY_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
