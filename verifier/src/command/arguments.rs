//! What can be asked for. The arguments of a subcommand are in its file.

use clap::Parser;

use super::groups::VerifyArguments;
#[cfg(feature = "s3")]
use super::probe;
use super::version::VERSION;
use super::{check, consistency, evidence, export, find, merge, pages, part, plan, prove, show};

/// Verify audit logs in a bucket or a folder against their trust policy.
///
/// Exit codes: 0 verified; 1 a fault was found; 2 no verdict (something could not be read, wrong usage, a version that this
/// program does not know). The report goes to standard output, everything else to standard error.
#[derive(Parser)]
#[command(name = "auditlog-verify", version = VERSION, max_term_width = 120)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) subcommand: Option<Subcommand>,
    #[command(flatten)]
    pub(super) verify: VerifyArguments,
}

#[derive(clap::Subcommand)]
pub(super) enum Subcommand {
    Find(find::Arguments),
    Show(show::Arguments),
    Prove(prove::Arguments),
    Consistency(consistency::Arguments),
    Check(check::Arguments),
    Evidence(evidence::Arguments),
    Export(export::Arguments),
    Plan(plan::Arguments),
    Part(part::Arguments),
    Merge(merge::Arguments),
    #[cfg(feature = "s3")]
    Probe(probe::Arguments),
    #[command(hide = true)]
    Pages(pages::Arguments),
}
