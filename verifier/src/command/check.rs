//! `auditlog-verify check`: checks proofs, without the log.

mod case;

use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_LINE_BYTES;
use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::evidence::{MAX_PACK_BYTES, PackError, check_pack, is_pack};
use auditlog_verifier::proof::check::{Refused, check_proof, is_proof};
use auditlog_verifier::proof::consistency::{check_consistency_proof, is_document};
use auditlog_verifier::report::plain;
use auditlog_verifier::verdict::Verdict;

use super::declaration::Declaration;
use super::outcome::Outcome;
use super::proof_files::read;
use super::proven;
use super::usage::Usage;

/// Check a proof, without the log.
///
/// Exit codes: 0 the proof holds; 1 it does not; 2 nothing was checked (the input could not be read, wrong usage).
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    case: Option<case::Case>,
    // Absent where a case is checked.
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE", required = true)]
    policy: Option<PathBuf>,
    /// A file that `auditlog-verify` wrote: a proof of `prove` or `consistency`, or a pack of `evidence`
    #[arg(value_name = "PROOF", required = true)]
    proof: Option<PathBuf>,
    /// The entry of an inclusion proof; by default the file beside the proof that ends in .json
    #[arg(value_name = "ENTRY")]
    entry: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    let (policy, proof) = match (&arguments.case, &arguments.policy, &arguments.proof) {
        (Some(case), _, _) => return case::run(case),
        (None, Some(policy), Some(proof)) => (policy, proof),
        (None, _, _) => {
            return Err(Usage::new(
                "no proof was given",
                "run auditlog-verify check --help",
            ));
        }
    };
    let declared = Declaration::read(policy)?;
    let policy = &declared.policy;
    let bytes = read(proof, MAX_PACK_BYTES)?;
    if is_pack(&bytes) {
        return pack(&declared, &bytes);
    }
    if is_document(&bytes) {
        return consistency(policy, &bytes);
    }
    // Before the entry, which nobody would find beside another file.
    if !is_proof(&bytes) {
        return Ok(Outcome {
            output: "not proved: the file is not a proof or an evidence pack\n".to_owned(),
            verdict: Verdict::Fault,
        });
    }
    let beside = proof.with_extension("json");
    let entry: &Path = arguments.entry.as_deref().unwrap_or(&beside);
    // The line, and a newline that an editor may have added.
    let line = read(entry, MAX_LINE_BYTES.saturating_add(1))?;
    match check_proof(policy, &bytes, &line) {
        Ok(proved) => Ok(holds(proven::inclusion(&proved))),
        Err(why) => proven::refused(&why),
    }
}

fn consistency(policy: &TrustPolicy, json: &[u8]) -> Result<Outcome, Usage> {
    match check_consistency_proof(policy, json) {
        Ok(continued) => Ok(holds(proven::consistency(&continued))),
        Err(why) => proven::refused(&why),
    }
}

fn pack(declared: &Declaration, bytes: &[u8]) -> Result<Outcome, Usage> {
    let checked = match check_pack(&declared.policy, &declared.json, bytes) {
        Ok(checked) => checked,
        Err(PackError::Proof {
            name,
            why: Refused::Undecided(why),
        }) => return Err(Usage::new(format!("{name}: {why}"), why.hint())),
        Err(error) => {
            return Ok(Outcome {
                output: format!("not proved: {}\n", plain(&error.to_string())),
                verdict: Verdict::Fault,
            });
        }
    };
    Ok(holds(proven::pack(&checked)))
}

const fn holds(output: String) -> Outcome {
    Outcome {
        output,
        verdict: Verdict::Verified,
    }
}
