//! What changes while a sealer runs: the policy, and the keys.

use std::sync::Arc;

use auditlog_chain::policy::{LogPolicy, TrustPolicy};

use super::setup::Setup;
use crate::signer::Signer;
use crate::store::LockSource;

/// A policy and keys that count from now on, for the same log in the same place.
#[derive(Clone)]
pub struct Renewal {
    /// The log, as the policy describes it.
    pub log: LogPolicy,
    /// Who may sign it and when.
    pub policy: Option<Arc<TrustPolicy>>,
    /// The key that signs.
    pub signer: Arc<Signer>,
    /// The keys that signed before.
    pub previous: Vec<Arc<Signer>>,
    /// Where the lock of new objects is declared.
    pub lock: LockSource,
}

impl Setup {
    /// The same with another policy and other keys. Segments that wait may need the keys that were at hand until now.
    pub(super) fn renewed(&self, renewal: Renewal) -> Self {
        let Renewal {
            log,
            policy,
            signer,
            mut previous,
            lock: _,
        } = renewal;
        for known in std::iter::once(&self.signer).chain(&self.previous) {
            let is_it = |other: &Arc<Signer>| other.public_key() == known.public_key();
            if !is_it(&signer) && !previous.iter().any(is_it) {
                previous.push(Arc::clone(known));
            }
        }
        Self {
            log,
            policy,
            signer,
            previous,
            ..self.clone()
        }
    }
}
