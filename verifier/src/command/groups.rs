//! Groups of arguments that several subcommands have.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::request::Request;

use super::apart;
#[cfg(feature = "s3")]
use super::bytes::parse_read_ahead;
use super::cores::cores;
use super::declaration::Declaration;
use super::files::ReportPath;
use super::form::Output;
use super::usage::Usage;

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) what: WhatArguments,
    #[command(flatten)]
    pub(super) cache: CacheArguments,
    #[command(flatten)]
    pub(super) report: ReportArguments,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// What to verify, and by which clock.
#[derive(clap::Args)]
pub(super) struct WhatArguments {
    // Absent where a subcommand is present, which has a policy of its own.
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE", required = true)]
    policy: Option<PathBuf>,
    /// Verify this log only; may be given more than once
    #[arg(long = "log", value_name = "ORIGIN", value_parser = origin)]
    logs: Vec<Origin>,
    /// File in which the head of each log that verified is pinned; a later run finds a log that went back behind its pin
    #[arg(long, value_name = "FILE")]
    pub(super) pins: Option<PathBuf>,
    /// Judge the silence after the last segment at this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Seconds by which clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_skew_seconds: u32,
}

impl WhatArguments {
    pub(super) fn policy(&self) -> Result<&Path, Usage> {
        self.policy
            .as_deref()
            .ok_or_else(|| Usage::new("no trust policy was given", "name it with --policy FILE"))
    }

    /// What to verify, by this machine's clock.
    pub(super) fn request<'a>(&'a self, declared: &'a Declaration, now: Timestamp) -> Request<'a> {
        Request {
            policy: &declared.policy,
            policy_digest: declared.digest,
            logs: &self.logs,
            now,
            at: self.at,
            max_skew_seconds: self.max_skew_seconds,
            workers: cores(),
        }
    }
}

/// What an earlier run left, and whether it is used.
#[derive(clap::Args)]
pub(super) struct CacheArguments {
    /// Folder in which a run keeps what it verified, so that the next one reads only what is new; needs --pins, which holds its digest
    #[arg(long = "cache", value_name = "DIR", requires = "pins")]
    pub(super) folder: Option<PathBuf>,
    /// Read everything again, whatever the cache holds
    #[arg(long, requires = "folder")]
    pub(super) full: bool,
}

/// In which forms the report is written, and where to.
#[derive(clap::Args)]
pub(super) struct ReportArguments {
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Write the report to this file, too; the end of its name is its form: .html, .json, .xml (JUnit) or .txt; may be given
    /// more than once
    #[arg(long = "report", value_name = "FILE", value_parser = ReportPath::parse)]
    pub(super) reports: Vec<ReportPath>,
}

impl ReportArguments {
    /// Refuses a report in the folder that is verified.
    pub(super) fn check_apart_from(&self, target: Option<&OsStr>) -> Result<(), Usage> {
        apart::check(
            target,
            "--report",
            self.reports.iter().map(ReportPath::path),
        )
    }
}

#[derive(Clone, clap::Args)]
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
#[derive(Clone, clap::Args)]
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
    /// Bytes of segments to read ahead of their checks, with up to 64 requests at once
    #[cfg(feature = "s3")]
    #[arg(long, value_name = "BYTES", default_value = "64MiB", value_parser = parse_read_ahead)]
    pub(super) read_ahead: u64,
}

pub(super) fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text)
        .ok_or_else(|| "not an origin, such as acme.example/audit/payments".to_owned())
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "not a time, such as 2026-11-22T20:00:00Z".to_owned())
}
