//! The keys that sign, from the options and the policy.

use std::path::Path;

use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::seal::may_sign;
use auditlog_sealer::signer::{KmsKey, LocalKey, Signer};
use auditlog_sealer::target::{declared_kms_keys, newest_kms_key};

use super::arguments::{AppendArguments, KeyArguments, Now};
use super::aws::LazyAws;

impl KeyArguments {
    pub(super) fn signer(&self, aws: &mut LazyAws) -> Result<Signer, Error> {
        let signer = signer(self.key_file.as_deref(), self.kms_key.as_deref(), aws)?;
        signer.ok_or_else(|| UsageError::NoKey.into())
    }
}

fn signer(
    file: Option<&Path>,
    kms: Option<&str>,
    aws: &mut LazyAws,
) -> Result<Option<Signer>, Error> {
    Ok(match (file, kms) {
        (Some(file), _) => Some(Signer::Local(LocalKey::read(file)?)),
        (None, Some(name)) => Some(Signer::Kms(KmsKey::open(aws.load()?, name)?)),
        (None, None) => None,
    })
}

/// Why no key signs. Where the policy names keys in KMS and the newest may not sign now, the clock may be wrong, or its time has yet to
/// come: the same options are right then.
fn no_signer(policy: Option<&TrustPolicy>, log: &LogPolicy, now: Timestamp) -> Error {
    let newest = policy.and_then(|policy| newest_kms_key(policy, log).map(|key| (policy, key)));
    let refused = newest.and_then(|(policy, key)| may_sign(policy, log, key, now).err());
    refused.unwrap_or_else(|| UsageError::NoKey.into())
}

/// The keys of one run.
pub(super) struct Signers {
    /// The one that signs.
    pub(super) now: Signer,
    /// Those that signed before, for a rotation.
    pub(super) previous: Vec<Signer>,
}

impl Signers {
    /// The keys that the options name. Where they name none, the newest key of the policy that is in KMS and valid now signs,
    /// and the one before it is at hand for the rotation, if it can be used.
    pub(super) fn of(
        arguments: &AppendArguments,
        policy: Option<&TrustPolicy>,
        log: &LogPolicy,
        aws: &mut LazyAws,
        now: Now,
    ) -> Result<Self, Error> {
        let declared = policy.map(|policy| declared_kms_keys(policy, log, now()));
        let declared = declared.unwrap_or_default();
        let key = &arguments.key;
        let named = key.kms_key.is_some() || key.key_file.is_some();
        let kms = key.kms_key.as_deref().or(declared.first().copied());
        let signer_now = signer(key.key_file.as_deref(), kms, aws)?;
        let previous = signer(
            arguments.previous_key_file.as_deref(),
            arguments.previous_kms_key.as_deref(),
            aws,
        )?;
        let previous = match declared.get(1) {
            Some(older) if !named && previous.is_none() => signer(None, Some(older), aws).ok(),
            _ => Some(previous),
        };
        Ok(Self {
            now: signer_now.ok_or_else(|| no_signer(policy, log, now()))?,
            previous: previous.flatten().into_iter().collect(),
        })
    }
}
