//! `auditlog-verify check`: checks proofs, without the log.

use std::io::{self, Read as _};

use auditlog_verifier::proof::case::{CaseError, check_consistency_case, check_inclusion_case};
use auditlog_verifier::verdict::Verdict;

use super::outcome::Outcome;
use super::usage::Usage;

/// Largest case on standard input, in bytes; one with the longest proof has 5 KB.
const MAX_CASE_BYTES: u64 = 1 << 20;

/// Check a proof, without the log.
///
/// Exit codes: 0 the proof holds; 1 it does not; 2 nothing was checked (the input could not be read, wrong usage).
#[derive(clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Check one inclusion proof, given as JSON on standard input: {"index", "size", "root", "leaf", "proof": […]}
    Inclusion,
    /// Check one consistency proof, given as JSON on standard input: {"size1", "size2", "root1", "root2", "proof": […]}
    Consistency,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    let (check, shape): (fn(&[u8]) -> _, _) = match arguments.what {
        What::Inclusion => (
            check_inclusion_case,
            r#"{"index": 0, "size": 1, "root": "HEX", "leaf": "HEX", "proof": []}"#,
        ),
        What::Consistency => (
            check_consistency_case,
            r#"{"size1": 1, "size2": 1, "root1": "HEX", "root2": "HEX", "proof": []}"#,
        ),
    };
    let mut input = Vec::new();
    io::stdin()
        .take(MAX_CASE_BYTES)
        .read_to_end(&mut input)
        .map_err(|error| {
            let message = format!("cannot read standard input: {error}");
            Usage::new(message, "give the case on standard input")
        })?;
    match check(&input) {
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
