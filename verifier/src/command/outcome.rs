//! How a command ends.

use auditlog_verifier::verdict::Verdict;

/// What a command writes to standard output, and its verdict, which is the exit code.
pub(crate) struct Outcome {
    pub(crate) output: String,
    pub(crate) verdict: Verdict,
}
