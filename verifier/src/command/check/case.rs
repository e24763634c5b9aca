//! `auditlog-verify check inclusion` and `check consistency`: one case on standard input.

use std::io::{self, Read as _};

use auditlog_verifier::proof::case::{CaseError, check_consistency_case, check_inclusion_case};
use auditlog_verifier::verdict::Verdict;

use super::super::outcome::Outcome;
use super::super::usage::Usage;

/// Largest case on standard input, in bytes; one with the longest proof has 5 KB.
const MAX_CASE_BYTES: u64 = 1 << 20;

#[derive(clap::Subcommand)]
pub(super) enum Case {
    /// Check one inclusion proof, given as JSON on standard input: {"index", "size", "root", "leaf", "proof": […]}
    Inclusion,
    /// Check one consistency proof, given as JSON on standard input: {"size1", "size2", "root1", "root2", "proof": […]}
    Consistency,
}

const INCLUSION: &str = r#"{"index": 0, "size": 1, "root": "HEX", "leaf": "HEX", "proof": []}"#;
const CONSISTENCY: &str =
    r#"{"size1": 1, "size2": 1, "root1": "HEX", "root2": "HEX", "proof": []}"#;

pub(super) fn run(case: &Case) -> Result<Outcome, Usage> {
    let mut input = Vec::new();
    let most = MAX_CASE_BYTES.saturating_add(1);
    let read = io::stdin().take(most).read_to_end(&mut input);
    read.map_err(|error| {
        Usage::new(
            format!("cannot read standard input: {error}"),
            "give the case on standard input",
        )
    })?;
    // What is behind the limit must not be passed over.
    if u64::try_from(input.len()).is_ok_and(|bytes| bytes > MAX_CASE_BYTES) {
        return Err(Usage::new(
            format!("standard input has more than {MAX_CASE_BYTES} bytes"),
            "give one case on standard input",
        ));
    }
    let (checked, shape) = match case {
        Case::Inclusion => (check_inclusion_case(&input), INCLUSION),
        Case::Consistency => (check_consistency_case(&input), CONSISTENCY),
    };
    match checked {
        Ok(()) => Ok(Outcome {
            output: "the proof holds\n".to_owned(),
            verdict: Verdict::Verified,
        }),
        Err(CaseError::Wrong(fault)) => Ok(Outcome {
            output: format!("the proof does not hold: {fault}\n"),
            verdict: Verdict::Fault,
        }),
        Err(CaseError::Unreadable(reason)) => Err(Usage::new(
            format!("standard input is not a case: {reason}"),
            &format!("give one JSON object with these keys: {shape}"),
        )),
    }
}
