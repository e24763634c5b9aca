//! The command line: what can be asked for.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use auditlog_chain::keys::KeySpec;
use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::VERSION;
use auditlog_sealer::aws::{Aws, AwsSettings};
use auditlog_sealer::error::{Error, MachineError, UsageError};
use auditlog_sealer::input::GivenName;
use auditlog_sealer::signer::{KmsKey, LocalKey, Signer};
use auditlog_sealer::target::parse_origin;
use clap::{Args, Parser, Subcommand, ValueEnum};

mod append;
mod events;
mod policy;
mod report;
mod resume;
mod run;
mod signals;

/// The clock, read in `main`.
pub(crate) type Now = fn() -> Timestamp;

/// Chain, sign and write audit events once
///
/// Events become entries of a log that nobody can change unnoticed. The log is stored in a bucket with Object Lock, or in a
/// folder; `auditlog-verify` checks it.
#[derive(Debug, Parser)]
#[command(name = "auditlog-seal", version = VERSION)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Append(Box<AppendArguments>),
    Keygen(KeygenArguments),
    Policy(PolicyArguments),
    VerifierKey(VerifierKeyArguments),
}

/// Append events to a log and seal them
///
/// Events are JSON Lines: one JSON value on each line; blank lines are passed over. An event is kept byte for byte. A line
/// that is not an event stops the run: every event before it is sealed, nothing from it on is accepted, and the message names
/// the line.
///
/// An input without any events writes an empty segment, which is the sign that the log is alive. A log that does not exist
/// is created. An input that stays open and silent gets such a segment after half of the policy's `max_silence`.
///
/// What was accepted is on this machine's disk (in the spool) until it is sealed. After a crash or an outage, run the same
/// command with the same input again, until its status is 0: it goes on where the input was accepted, so every event is
/// sealed once. A file is recognised by itself, a pipe by the name that --input gives it. The next append to the log, of any
/// input, first seals what was accepted, and says how many events that were.
#[derive(Debug, Args)]
pub(crate) struct AppendArguments {
    /// Trust policy that describes the log: bucket, prefix, lock, keys
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Origin of the log, where the policy has several
    #[arg(long, value_name = "ORIGIN", requires = "policy")]
    log: Option<String>,
    #[command(flatten)]
    key: KeyArguments,
    /// File with the key that signed until now, to rotate away from it
    #[arg(long, value_name = "FILE", conflicts_with = "previous_kms_key")]
    previous_key_file: Option<PathBuf>,
    /// KMS key that signed until now, to rotate away from it
    #[arg(long, value_name = "KEY")]
    previous_kms_key: Option<String>,
    #[arg(
        long,
        value_name = "DIR|URL",
        help = "Where the log is stored: a folder in place of the bucket, or s3://BUCKET[/PREFIX]; by default the policy's bucket"
    )]
    to: Option<String>,
    /// Origin of the log, without a policy
    #[arg(long, conflicts_with = "policy", required_unless_present = "policy")]
    origin: Option<String>,
    /// Key prefix of the log, without a policy; by default the last part of the origin
    #[arg(long, conflicts_with = "policy")]
    prefix: Option<String>,
    /// AWS account that owns the bucket, without a policy: twelve digits. Every request names it
    #[arg(long, value_name = "ID", conflicts_with = "policy", value_parser = parse_account)]
    account: Option<String>,
    /// Object Lock mode, without a policy; by default the bucket's
    #[arg(long, value_name = "MODE", conflicts_with = "policy", requires = "retention_days", value_parser = parse_mode)]
    lock_mode: Option<LockMode>,
    /// Days for which a segment is locked, without a policy; by default the bucket's
    #[arg(long, value_name = "N", conflicts_with = "policy", requires = "lock_mode",
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retention_days: Option<u32>,
    /// Who sent the events: at most 255 printable ASCII characters, written into every entry
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// The store does not honour If-None-Match: list the versions after each create, and stop where there is a second one
    #[arg(long)]
    fenced: bool,
    /// Folder that keeps accepted events until they are sealed; by default under `$XDG_STATE_HOME/auditlog/spool`
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Name of the input: what was accepted under it is passed over when the same input is given again from its beginning;
    /// by default, a file has a name of its own, and anything else has none
    #[arg(long, value_name = "NAME", value_parser = parse_input_name)]
    input: Option<GivenName>,
    /// Heads that `auditlog-verify --pins` has seen: where the spool does not know the log, it must reach its pinned head
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
    /// Continue a log that neither the spool nor pins know: a tail that was removed from the store goes unnoticed
    #[arg(long)]
    head_unknown: bool,
    /// Close a segment after so many events
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_segment_events: u64,
    /// Close a segment after so many bytes of lines, at most 56 MiB
    #[arg(long, value_name = "N", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..=58_720_256))]
    max_segment_bytes: u64,
    /// Close a segment that was opened so many seconds ago; at most half of the policy's `max_silence`
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    max_segment_seconds: u32,
    /// Form of the summary on standard output
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    aws: AwsArguments,
    /// JSON Lines; - or nothing for standard input
    #[arg(value_name = "EVENTS.jsonl")]
    events: Option<PathBuf>,
}

/// Make a signing key in a file
///
/// The private key is written as PKCS #8 PEM that only you can read; a file that is there is never overwritten. The public
/// key goes to standard output. For production, keep the key in KMS.
#[derive(Debug, Args)]
struct KeygenArguments {
    /// Kind of key, by the name of KMS
    #[arg(long, default_value = "ECC_NIST_EDWARDS25519", value_parser = parse_spec)]
    spec: KeySpec,
    /// New file for the private key
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Print a minimal trust policy, for a first try in a folder
///
/// The trust policy of a bucket comes out of Terraform: the data source `auditlog_trust_policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    /// Origin of the log
    #[arg(long)]
    origin: String,
    #[command(flatten)]
    key: KeyArguments,
    /// Key prefix of the log; by default the last part of the origin
    #[arg(long)]
    prefix: Option<String>,
    /// Seconds that the log may go without a new segment
    #[arg(long, value_name = "N", default_value_t = 90_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_silence_seconds: u64,
    #[command(flatten)]
    aws: AwsArguments,
}

/// Print the C2SP verifier key of a signing key for a log
#[derive(Debug, Args)]
struct VerifierKeyArguments {
    /// Origin of the log
    #[arg(long)]
    origin: String,
    #[command(flatten)]
    key: KeyArguments,
    #[command(flatten)]
    aws: AwsArguments,
}

/// The key that signs.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KeyArguments {
    /// File with the private key: PKCS #8, PEM
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Signing key in AWS KMS: its ARN, its id or alias/NAME
    #[arg(long, value_name = "KEY")]
    kms_key: Option<String>,
}

/// How to reach AWS. The environment and the shared files of the AWS CLI count too.
#[derive(Debug, Args)]
struct AwsArguments {
    /// Endpoint in place of AWS's own
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Put the bucket into the path of the URL, not into its host
    #[arg(long)]
    path_style: bool,
    /// AWS region; by default the policy's
    #[arg(long)]
    region: Option<String>,
    /// Profile of the shared AWS files
    #[arg(long)]
    profile: Option<String>,
    /// Seconds to wait for one answer of S3 or KMS; with all retries at most three times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A few lines for people
    Text,
    /// One JSON object
    Json,
}

fn parse_account(text: &str) -> Result<String, &'static str> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| text.to_owned()).ok_or("twelve digits")
}

fn parse_mode(text: &str) -> Result<LockMode, &'static str> {
    LockMode::parse(text).ok_or("GOVERNANCE or COMPLIANCE")
}

fn parse_input_name(text: &str) -> Result<GivenName, &'static str> {
    GivenName::parse(text)
        .ok_or("1 to 255 characters of printable ASCII without quote and backslash")
}

fn parse_spec(text: &str) -> Result<KeySpec, String> {
    let all: Vec<&str> = KeySpec::ALL.iter().map(|spec| spec.as_str()).collect();
    KeySpec::parse(text).ok_or_else(|| format!("one of {}", all.join(", ")))
}

/// Does what was asked for.
pub(crate) fn run(arguments: Arguments, now: Now) -> Result<(), Error> {
    match arguments.command {
        Command::Append(arguments) => append::run(&arguments, now),
        Command::Keygen(arguments) => keygen(&arguments),
        Command::Policy(arguments) => policy::run(&arguments, now),
        Command::VerifierKey(arguments) => {
            let origin = parse_origin(&arguments.origin)?;
            let signer = arguments.key.signer(&mut arguments.aws.lazy(None))?;
            print(&format!("{}\n", signer.verifier_key(&origin)))
        }
    }
}

fn keygen(arguments: &KeygenArguments) -> Result<(), Error> {
    let key = LocalKey::generate(arguments.spec)?;
    key.write(&arguments.out)?;
    print(&key.public_key().to_pem())
}

fn print(text: &str) -> Result<(), Error> {
    write(text).map_err(|source| MachineError::NoOutput(source).into())
}

/// Writes to standard output; a reader that has gone away wants no more of it.
fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(source),
        _ => Ok(()),
    }
}

/// AWS, loaded by whoever needs it first: a folder and a key file need nothing of it.
struct LazyAws {
    settings: AwsSettings,
    loaded: Option<Aws>,
}

impl LazyAws {
    fn load(&mut self) -> Result<&Aws, Error> {
        let aws = match self.loaded.take() {
            Some(aws) => aws,
            None => Aws::load(&self.settings)?,
        };
        Ok(self.loaded.insert(aws))
    }
}

impl AwsArguments {
    fn lazy(&self, policy_region: Option<&str>) -> LazyAws {
        let region = self.region.as_deref().or(policy_region);
        LazyAws {
            settings: AwsSettings {
                region: region.map(str::to_owned),
                profile: self.profile.clone(),
                endpoint_url: self.endpoint_url.clone(),
                path_style: self.path_style,
                attempt_timeout: Duration::from_secs(self.timeout),
            },
            loaded: None,
        }
    }
}

impl KeyArguments {
    fn signer(&self, aws: &mut LazyAws) -> Result<Signer, Error> {
        let signer = signer(self.key_file.as_deref(), self.kms_key.as_deref(), aws)?;
        signer.ok_or_else(|| UsageError::NoKey.into())
    }
}

fn signer(
    file: Option<&Path>,
    kms: Option<&str>,
    aws: &mut LazyAws,
) -> Result<Option<Signer>, Error> {
    Ok(match (file, kms) {
        (Some(file), _) => Some(Signer::Local(LocalKey::read(file)?)),
        (None, Some(name)) => Some(Signer::Kms(KmsKey::open(aws.load()?, name)?)),
        (None, None) => None,
    })
}
