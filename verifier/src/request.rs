//! What to verify.

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{PolicyError, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

/// What to verify, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What was declared.
    pub policy: &'a TrustPolicy,
    /// Digest of the policy's bytes, for the report.
    pub policy_digest: Hash,
    /// The logs to verify; empty for all that the policy declares.
    pub logs: &'a [Origin],
    /// The verifier's clock.
    pub now: Timestamp,
    /// The time at which the silence after the last segment is judged; `None` for when the listing began (A1).
    pub at: Option<Timestamp>,
    /// Seconds by which clocks may differ.
    pub max_skew_seconds: u32,
    /// Number of workers, at least 1, where the source leaves it open.
    pub workers: usize,
}

/// Why a request makes no sense against this policy and source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The policy has no such log.
    #[error("the trust policy does not declare a log {origin}")]
    UnknownLog {
        /// The log.
        origin: Origin,
        /// The logs that it declares.
        known: Vec<Origin>,
    },
    /// The retention of a log is shorter than twice its silence, in spans that still have an effect (V1).
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// No chosen log is stored under the prefix that the source is confined to.
    #[error("the trust policy does not declare a log under {scope}")]
    NothingInScope {
        /// The prefix.
        scope: String,
    },
}
