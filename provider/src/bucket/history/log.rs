//! What was declared about one log.

use auditlog_chain::policy::{LockSpan, SilenceSpan};
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bucket::identity::Identity;

/// What was declared about one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bucket) struct LogHistory {
    pub(in crate::bucket) began: Timestamp,
    /// Present once the log had a lock of its own.
    pub(in crate::bucket) lock: Option<Vec<LockSpan>>,
    pub(in crate::bucket) max_silence: Vec<SilenceSpan>,
    /// Prefix, origin, keys and end.
    #[serde(default)]
    pub(in crate::bucket) identity: Identity,
}
