//! Groups of arguments that several subcommands have.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::request::Request;
#[cfg(feature = "s3")]
use auditlog_verifier::source::Payer;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::apart::{self, Input};
#[cfg(feature = "s3")]
use super::bytes::parse_read_ahead;
use super::cores::cores;
use super::declaration::Declaration;
use super::files::ReportPath;
use super::form::Output;
use super::kept_place::KeptPlace;
use super::usage::Usage;

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    // Absent where a subcommand is present, which has a policy of its own.
    /// The trust policy, as Terraform wrote it; may be given more than once: each is verified, each report is on all of them, and the
    /// worst exit code counts
    #[arg(long = "policy", value_name = "FILE", required = true)]
    pub(super) policies: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) what: WhatArguments,
    #[command(flatten)]
    pub(super) cache: CacheArguments,
    #[command(flatten)]
    pub(super) report: ReportArguments,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    pub(super) pins_bucket: PinsBucketArguments,
}

/// What to verify, and by which clock.
#[derive(clap::Args)]
pub(super) struct WhatArguments {
    /// Verify this log only; may be given more than once
    #[arg(long = "log", value_name = "ORIGIN", value_parser = origin)]
    pub(super) logs: Vec<Origin>,
    /// File or object in which the head of each log that verified is pinned; a later run finds a log that went back behind its pin
    #[arg(long, value_name = "FILE | s3://BUCKET/KEY", value_parser = pins_place())]
    pub(super) pins: Option<KeptPlace>,
    /// Judge the silence after the last segment at this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Seconds by which clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_skew_seconds: u32,
}

impl WhatArguments {
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
    /// Folder or bucket in which a run keeps what it verified, so that the next one reads only what is new; needs --pins, which holds
    /// its digest
    #[arg(
        long = "cache",
        value_name = "DIR | s3://BUCKET[/PREFIX]",
        requires = "pins",
        value_parser = OsStringValueParser::new().try_map(KeptPlace::parse)
    )]
    pub(super) place: Option<KeptPlace>,
    /// Read everything again, whatever the cache holds
    #[arg(long, requires = "place")]
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
    /// Whether a page for auditors is written.
    pub(super) fn has_page(&self) -> bool {
        let forms = self.reports.iter().map(|report| report.form);
        let mut all = forms.chain([self.output]);
        all.any(|form| matches!(form, Output::Html))
    }

    /// Refuses a report that would be written over what is read, or over another report.
    pub(super) fn check_apart_from_inputs(&self, inputs: &[Input<'_>]) -> Result<(), Usage> {
        let reports: Vec<&Path> = self.reports.iter().map(ReportPath::path).collect();
        apart::check_inputs("--report", &reports, inputs)
    }

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

/// How to get to S3.
#[cfg(feature = "s3")]
#[derive(Clone, clap::Args)]
pub(super) struct EndpointArguments {
    #[arg(
        long,
        value_name = "URL",
        help = "S3 endpoint other than that of AWS [env: AWS_ENDPOINT_URL]"
    )]
    pub(super) endpoint_url: Option<String>,
    /// Put the bucket into the path of the URL, not into its host
    #[arg(long)]
    pub(super) path_style: bool,
    /// Profile of the shared AWS files
    #[arg(long)]
    pub(super) profile: Option<String>,
    /// Seconds to wait for one answer of S3; with all retries at most three times as long, or six where S3 asks for fewer requests
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) timeout: u32,
}

/// The bucket that keeps pins and caches.
#[cfg(feature = "s3")]
#[derive(Clone, clap::Args)]
pub(super) struct PinsBucketArguments {
    /// Region of the bucket that --pins and --cache name; by default that of the policy's bucket
    #[arg(long, value_name = "REGION")]
    pub(super) pins_region: Option<String>,
    /// Account that must own the bucket that --pins and --cache name; not compared by default
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(super) pins_account: Option<String>,
}

#[cfg(feature = "s3")]
#[derive(Clone, clap::Args)]
pub(super) struct S3Arguments {
    #[command(flatten)]
    pub(super) endpoint: EndpointArguments,
    /// Region of the bucket; must be the policy's
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Accept the charges of a requester-pays bucket
    #[arg(long)]
    pub(super) requester_pays: bool,
    /// Bytes of segments to read ahead of their checks, with up to 64 requests at once
    #[cfg(feature = "s3")]
    #[arg(long, value_name = "BYTES", default_value = "64MiB", value_parser = parse_read_ahead)]
    pub(super) read_ahead: u64,
}

#[cfg(feature = "s3")]
impl S3Arguments {
    /// Who pays for requests.
    pub(super) const fn payer(&self) -> Payer {
        if self.requester_pays {
            Payer::Requester
        } else {
            Payer::Owner
        }
    }
}

/// Parses the place of pins.
pub(super) fn pins_place() -> impl clap::builder::TypedValueParser<Value = KeptPlace> {
    OsStringValueParser::new().try_map(KeptPlace::parse_object)
}

/// Parses an AWS account.
#[cfg(feature = "s3")]
fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account
        .then(|| text.to_owned())
        .ok_or_else(|| "not an AWS account, such as 111122223333: expected 12 digits".to_owned())
}

pub(super) fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text)
        .ok_or_else(|| "not an origin, such as acme.example/audit/payments".to_owned())
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "not a time, such as 2026-11-22T20:00:00Z".to_owned())
}
