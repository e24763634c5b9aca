//! How the verifier was run. It never changes what it finds.

use auditlog_chain::hash::Hash;

/// How the verifier was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// On one machine, which read everything that no cache held.
    Whole {
        /// Number of segments that were not read again.
        cached_segments: Option<u64>,
    },
    /// On one machine, which read the last segments of each log only.
    Head {
        /// How many of each log, at most.
        segments: u64,
    },
    /// On many: the partial results of a plan's ranges were merged.
    Merged {
        /// Number of ranges.
        ranges: u64,
        /// Digest of the plan.
        plan: Hash,
    },
}
