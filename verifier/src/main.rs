//! The command: arguments, clock and environment are read here and passed in.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
#[cfg(feature = "s3")]
use std::time::Duration;
use std::time::{Instant, SystemTime};

use auditlog_chain::limits::MAX_POLICY_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{PolicyError, Store, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::pins::{self, Pins, PinsError};
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::report::{LogReport, Report, plain};
use auditlog_verifier::request::{Request, RequestError};
use auditlog_verifier::source::{Folder, ReadError, Source};
#[cfg(feature = "s3")]
use auditlog_verifier::source::{S3, S3Options};
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::verify;
use clap::{Parser, ValueEnum};

/// The version that `make` gives the build, which grows with each commit; of a build by Cargo alone, that of the release.
const VERSION: &str = match option_env!("AUDITLOG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Verify audit logs in a bucket or a folder against their trust policy.
///
/// Exit codes: 0 verified; 1 a fault was found; 2 no verdict (something could not be read, wrong usage, a version that this
/// program does not know). The report goes to standard output, everything else to standard error.
#[derive(Parser)]
#[command(name = "auditlog-verify", version = VERSION, max_term_width = 120)]
struct Arguments {
    /// The trust policy, as Terraform wrote it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Verify this log only; may be given more than once
    #[arg(long = "log", value_name = "ORIGIN", value_parser = origin)]
    logs: Vec<Origin>,
    /// File that keeps the head of each log that verified: a later run fails where a log has gone back behind it
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
    /// Judge the silence after the last segment at this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Seconds by which clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_skew_seconds: u32,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    s3: S3Arguments,
    #[arg(
        value_name = "DIR | s3://BUCKET[/PREFIX]",
        help = "A folder that stands for the bucket's root, or a bucket; the policy's bucket if absent"
    )]
    target: Option<OsString>,
}

#[cfg(feature = "s3")]
#[derive(clap::Args)]
struct S3Arguments {
    #[arg(
        long,
        value_name = "URL",
        help = "S3 endpoint other than that of AWS [env: AWS_ENDPOINT_URL]"
    )]
    endpoint_url: Option<String>,
    /// Name the bucket in the path and not in the host
    #[arg(long)]
    path_style: bool,
    /// Region of the bucket; must be that of the policy
    #[arg(long)]
    region: Option<String>,
    /// Profile of the shared AWS configuration
    #[arg(long)]
    profile: Option<String>,
    /// Seconds to wait for one answer of S3; with all retries at most three times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text)
        .ok_or_else(|| "not an origin, such as acme.example/audit/payments".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| "not a time, such as 2026-11-22T20:00:00Z".to_owned())
}

/// What keeps the command from looking at all, and what one can do about it.
struct Usage {
    message: String,
    hint: Option<String>,
}

impl Usage {
    fn new(message: impl Into<String>, hint: &str) -> Self {
        Self {
            message: message.into(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        }
    }
}

impl From<ReadError> for Usage {
    fn from(error: ReadError) -> Self {
        Self {
            message: error.reason,
            hint: error.hint,
        }
    }
}

impl Usage {
    fn of_policy(path: &Path, error: &PolicyError) -> Self {
        let hint = match error {
            PolicyError::Unsupported { .. } | PolicyError::UnsupportedStore { .. } => {
                "use a newer auditlog-verify"
            }
            PolicyError::TooLarge { .. }
            | PolicyError::Malformed { .. }
            | PolicyError::Inconsistent { .. } => {
                "name the file that the data source auditlog_trust_policy rendered, unchanged"
            }
        };
        Self::new(format!("{}: {error}", path.display()), hint)
    }
}

impl From<PinsError> for Usage {
    fn from(error: PinsError) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

impl From<RequestError> for Usage {
    fn from(error: RequestError) -> Self {
        let hint = match &error {
            RequestError::UnknownLog { known, .. } => {
                let known: Vec<&str> = known.iter().map(Origin::as_str).collect();
                format!("it declares {}", known.join(", "))
            }
            RequestError::NothingInScope { .. } => {
                "leave out the prefix to verify the whole bucket".to_owned()
            }
        };
        Self::new(error.to_string(), &hint)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = arguments.output;
    match run(&arguments) {
        Ok(report) => {
            let text = match output {
                Output::Text => report.to_text(),
                Output::Json => report.to_json(),
            };
            // Whoever closed the pipe has read what it wanted; the exit code says the rest.
            match io::stdout()
                .write_all(text.as_bytes())
                .and_then(|()| io::stdout().flush())
            {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    complain(&Usage::new(
                        format!("the report cannot be written: {error}"),
                        &format!("the verdict was {}; verify again", report.verdict()),
                    ));
                    ExitCode::from(worse(report.verdict()))
                }
                _ => ExitCode::from(report.verdict().exit_code()),
            }
        }
        Err(usage) => {
            complain(&usage);
            ExitCode::from(Verdict::NoVerdict.exit_code())
        }
    }
}

/// A report that nobody could read is no success; a fault stays a fault.
fn worse(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fault => Verdict::Fault.exit_code(),
        Verdict::Verified | Verdict::NoVerdict => Verdict::NoVerdict.exit_code(),
    }
}

fn complain(usage: &Usage) {
    let mut stderr = io::stderr();
    _ = writeln!(stderr, "error: {}", plain(&usage.message));
    if let Some(hint) = &usage.hint {
        _ = writeln!(stderr, "hint: {}", plain(hint));
    }
}

fn run(arguments: &Arguments) -> Result<Report, Usage> {
    let now = Timestamp::from_system_time(SystemTime::now()).ok_or_else(|| {
        Usage::new(
            "the clock of this machine is not between 1970 and 9998",
            "set it",
        )
    })?;
    let json = read_policy(&arguments.policy)?;
    let policy =
        TrustPolicy::parse(&json).map_err(|error| Usage::of_policy(&arguments.policy, &error))?;
    let pins = arguments
        .pins
        .as_deref()
        .map(pins::load)
        .transpose()?
        .unwrap_or_default();
    let source = open(arguments, &policy)?;
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(&json),
        logs: &arguments.logs,
        now,
        at: arguments.at.unwrap_or(now),
        max_skew_seconds: arguments.max_skew_seconds,
        workers: cores(),
    };
    let mut line = ProgressLine::new(Instant::now());
    let report = verify(&*source, &request, &pins, &mut |progress| {
        line.show(progress, Instant::now());
    });
    line.clear();
    let mut report = report?;
    if let Some(path) = &arguments.pins
        && let Err(error) = pin_heads(path, &report, &pins)
    {
        report.add_pins_not_kept(&error);
    }
    Ok(report)
}

fn pin_heads(path: &Path, report: &Report, seen: &Pins) -> Result<(), PinsError> {
    let heads = report.logs().iter().filter_map(LogReport::verified);
    let mut heads = heads.peekable();
    if heads.peek().is_none() {
        return Ok(());
    }
    pins::update(path, |pins| heads.for_each(|head| pins.take(head, seen)))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn read_policy(path: &PathBuf) -> Result<Vec<u8>, Usage> {
    let failed = |error: &io::Error| {
        let message = format!(
            "the trust policy {} cannot be read: {error}",
            path.display()
        );
        Usage::new(
            message,
            "name the file that the data source auditlog_trust_policy rendered",
        )
    };
    let file = fs::File::open(path).map_err(|error| failed(&error))?;
    let limit = u64::try_from(MAX_POLICY_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit), &mut bytes)
        .map_err(|error| failed(&error))?;
    Ok(bytes)
}

fn open(arguments: &Arguments, policy: &TrustPolicy) -> Result<Box<dyn Source>, Usage> {
    let text = arguments.target.as_deref().and_then(OsStr::to_str);
    match (&arguments.target, text) {
        (_, Some(target)) if target.starts_with("s3://") => {
            open_bucket(arguments, policy, Some(target))
        }
        (Some(folder), _) if names_a_folder(folder) => Ok(Box::new(Folder::open(folder)?)),
        (Some(word), _) => Err(Usage::new(
            format!(
                "expected a folder such as ./audit or s3://BUCKET[/PREFIX], not {}",
                word.display()
            ),
            "write ./ before the name of a folder",
        )),
        (None, _) if policy.document().store.is_some() => open_bucket(arguments, policy, None),
        (None, _) => Err(Usage::new(
            "the trust policy does not name a bucket, and no target was given",
            "name the folder that holds the logs",
        )),
    }
}

/// Whether a target is a path. A bare word is kept free for a subcommand.
fn names_a_folder(target: &OsStr) -> bool {
    let bytes = target.as_encoded_bytes();
    bytes.iter().any(|byte| matches!(byte, b'/' | b'.'))
}

#[cfg(not(feature = "s3"))]
fn open_bucket(_: &Arguments, _: &TrustPolicy, _: Option<&str>) -> Result<Box<dyn Source>, Usage> {
    Err(Usage::new(
        "this program was built without S3",
        "copy the bucket with `aws s3 sync` and name the folder",
    ))
}

#[cfg(feature = "s3")]
fn open_bucket(
    arguments: &Arguments,
    policy: &TrustPolicy,
    target: Option<&str>,
) -> Result<Box<dyn Source>, Usage> {
    let Some(declared) = policy.document().store.as_ref().map(Store::s3) else {
        let message = "the trust policy names no bucket, so nothing can be said about one";
        return Err(Usage::new(
            message,
            "verify a folder, or name the policy of this bucket",
        ));
    };
    let place = target.and_then(|target| target.strip_prefix("s3://"));
    let (bucket, prefix) = match place.map(|place| place.split_once('/').unwrap_or((place, ""))) {
        Some((bucket, prefix)) => (bucket, (!prefix.is_empty()).then(|| prefix.to_owned())),
        None => (declared.bucket.as_str(), None),
    };
    let region = arguments.s3.region.as_ref().unwrap_or(&declared.region);
    for (what, asked, named) in [
        ("bucket", bucket, &declared.bucket),
        ("region", region.as_str(), &declared.region),
    ] {
        if asked != named {
            let message = format!("the trust policy is of {what} {named}, not of {asked}");
            return Err(Usage::new(
                message,
                "name the policy of this bucket, or the bucket of this policy",
            ));
        }
    }
    let source = S3::open(S3Options {
        bucket: bucket.to_owned(),
        prefix,
        region: region.clone(),
        account: declared.account.clone(),
        endpoint_url: arguments.s3.endpoint_url.clone(),
        path_style: arguments.s3.path_style,
        profile: arguments.s3.profile.clone(),
        // Reading waits for the store most of the time; two more than there are cores keep the cores busy.
        readers: cores().saturating_add(2),
        timeout: Duration::from_secs(arguments.s3.timeout.into()),
        clock: SystemTime::now,
    })?;
    Ok(Box::new(source))
}
