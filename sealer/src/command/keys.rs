//! The keys that sign, from the options and the policy.

use std::path::Path;

use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::signer::{KmsKey, LocalKey, Signer};
use auditlog_sealer::target::declared_kms_keys;

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
            now: signer_now.ok_or(UsageError::NoKey)?,
            previous: previous.flatten().into_iter().collect(),
        })
    }
}
