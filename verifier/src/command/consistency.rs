//! `auditlog-verify consistency`: proves that one head of a log continues another.

use std::path::PathBuf;

use auditlog_chain::tree::Consistency;
use auditlog_verifier::proof::consistency::{check_consistency_proof, format};
use auditlog_verifier::trail::{Segment, Trail};
use auditlog_verifier::verdict::Verdict;

use super::cores::cores;
use super::log::{LogArguments, OpenLog, Stop, disowned, ended};
use super::outcome::Outcome;
use super::proof_files::write_new;
use super::prove::name_of;
use super::proven;
use super::usage::Usage;

/// Prove that a later head of a log continues an earlier one. Only the segments between the two are read.
///
/// What is read of the log is verified with the trust policy. Exit codes: 0 proved; 1 a fault was found in what was read; 2 nothing was proved.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    /// The earlier head: number of its segment
    #[arg(long, value_name = "SEGMENT")]
    first: u64,
    /// The later head: number of its segment; by default the last one that is there
    #[arg(long, value_name = "SEGMENT")]
    second: Option<u64>,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    ended(prove(arguments))
}

fn prove(arguments: &Arguments) -> Result<Outcome, Stop> {
    arguments.log.check_apart(&arguments.out)?;
    let open = OpenLog::open(&arguments.log)?;
    let trail = open.trail()?;
    let last = trail.numbers().next_back();
    let (first, second) = (
        arguments.first,
        arguments.second.or(last).unwrap_or_default(),
    );
    if first > second {
        let message = format!("segment {first} is not before segment {second}");
        return Err(Usage::new(message, "name the earlier head with --first").into());
    }
    let json = document(&trail, first, second)?;
    let continued = match check_consistency_proof(&open.declared.policy, json.as_bytes()) {
        Ok(continued) => continued,
        Err(why) => return Ok(proven::refused(&why)?),
    };
    let name = format!("{}-{first}-{second}.consistency.json", name_of(&open)?);
    let path = arguments.out.join(name);
    write_new(&path, json.as_bytes(), "folder")?;
    let (policy, path) = (arguments.log.policy.display(), path.display());
    let disowned = disowned(&trail).map(|what| format!("note:    {what}\n"));
    let disowned = disowned.unwrap_or_default();
    Ok(Outcome {
        output: format!(
            "{}{disowned}wrote:   {path}\ncheck:   auditlog-verify check --policy {policy} {path}\n",
            proven::consistency(&continued)
        ),
        verdict: Verdict::Verified,
    })
}

fn document(trail: &Trail<'_>, first: u64, second: u64) -> Result<String, Stop> {
    let earlier = trail.read(first)?;
    let later = if first == second {
        None
    } else {
        Some(trail.read(second)?)
    };
    let later = later.as_ref().unwrap_or(&earlier);
    let (head, size) = (earlier.checked().head(), later.checked().size());
    let mut proof = Consistency::new(head.range.clone(), size).ok_or_else(no_proof)?;
    trail.read_each(first.saturating_add(1)..=second, cores(), |segment| {
        add(&mut proof, &segment);
        Ok::<(), Stop>(())
    })?;
    let proof = proof.finish().ok_or_else(no_proof)?;
    let (first, second) = (
        earlier.checked().signed_checkpoint(),
        later.checked().signed_checkpoint(),
    );
    Ok(format(first, second, &proof))
}

fn add(proof: &mut Consistency, segment: &Segment) {
    segment.visit(&mut |line| {
        // One leaf too many shows when the proof is checked.
        _ = proof.append(auditlog_chain::hash::leaf_hash(line.bytes));
    });
}

fn no_proof() -> Usage {
    Usage::new(
        "the segments between the two heads do not lead from one to the other",
        "verify the log with `auditlog-verify --policy FILE TARGET`",
    )
}
