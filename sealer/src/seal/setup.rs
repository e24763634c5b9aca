//! All that a sealer works with.

use std::sync::Arc;

use auditlog_chain::policy::{LogPolicy, TrustPolicy};

use super::known::KnownHead;
use super::limits::Limits;
use super::notice::Notice;
use crate::fencing::Fencing;
use crate::signer::Signer;
use crate::store::{Clock, Store};

/// Takes what a person should look at.
pub type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// All that a sealer works with.
#[derive(Clone)]
pub struct Setup {
    /// Where segments go.
    pub store: Arc<dyn Store>,
    /// The log.
    pub log: LogPolicy,
    /// Who may sign it and when, if there is a policy.
    pub policy: Option<Arc<TrustPolicy>>,
    /// The key that signs.
    pub signer: Arc<Signer>,
    /// The keys that signed before, for a rotation.
    pub previous: Vec<Arc<Signer>>,
    /// The clock.
    pub clock: Clock,
    /// When an open segment is closed.
    pub limits: Limits,
    /// What keeps other writers out.
    pub fencing: Fencing,
    /// What is known of the head apart from the store and the spool.
    pub known_head: KnownHead,
    /// Takes what a person should look at.
    pub notify: Notify,
}
