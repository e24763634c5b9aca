//! What can be asked for. Groups of arguments that several subcommands have are here; the others are in the file of the
//! subcommand.

use std::ffi::OsString;
use std::path::PathBuf;

use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use clap::Parser;

use super::check;
use super::files::ReportPath;
use super::form::Output;

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
pub(super) const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

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
    Check(check::Arguments),
}

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    // Absent where a subcommand is present, which has a policy of its own.
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) policy: Option<PathBuf>,
    /// Verify this log only; may be given more than once
    #[arg(long = "log", value_name = "ORIGIN", value_parser = origin)]
    pub(super) logs: Vec<Origin>,
    /// File in which the head of each log that verified is pinned; a later run finds a log that went back behind its pin
    #[arg(long, value_name = "FILE")]
    pub(super) pins: Option<PathBuf>,
    /// Judge the silence after the last segment at this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) at: Option<Timestamp>,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Write the report to this file, too; the end of its name is its form: .html, .json, .xml (JUnit) or .txt; may be given
    /// more than once
    #[arg(long = "report", value_name = "FILE", value_parser = ReportPath::parse)]
    pub(super) reports: Vec<ReportPath>,
    /// Seconds by which clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(super) max_skew_seconds: u32,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(clap::Args)]
pub(super) struct PlaceArguments {
    #[cfg(feature = "s3")]
    #[command(flatten)]
    pub(super) s3: S3Arguments,
    #[arg(
        value_name = "DIR | s3://BUCKET[/PREFIX]",
        help = "A folder that is a copy of the bucket, such as ./audit, or a bucket; by default the policy's bucket"
    )]
    pub(super) target: Option<OsString>,
}

#[cfg(feature = "s3")]
#[derive(clap::Args)]
pub(super) struct S3Arguments {
    #[arg(
        long,
        value_name = "URL",
        help = "S3 endpoint other than that of AWS [env: AWS_ENDPOINT_URL]"
    )]
    pub(super) endpoint_url: Option<String>,
    /// Put the bucket into the path of the URL, not into its host
    #[arg(long)]
    pub(super) path_style: bool,
    /// Region of the bucket; must be the policy's
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Profile of the shared AWS files
    #[arg(long)]
    pub(super) profile: Option<String>,
    /// Seconds to wait for one answer of S3; with all retries at most three times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) timeout: u32,
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text)
        .ok_or_else(|| "not an origin, such as acme.example/audit/payments".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "not a time, such as 2026-11-22T20:00:00Z".to_owned())
}
