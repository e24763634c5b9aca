//! The command line: what can be asked for.

use std::path::PathBuf;

use auditlog_chain::keys::KeySpec;
use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::VERSION;
use auditlog_sealer::input::GivenName;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Append(Box<AppendArguments>),
    /// Check the configuration of the service
    ///
    /// Checks the file, and opens what it names: policies, pins, keys, tokens, passwords and certificates. The message names the line of a
    /// mistake. No bucket is asked, no port is taken, and nothing is written.
    CheckConfig(ConfigArguments),
    Keygen(KeygenArguments),
    #[command(hide = true)]
    Pages(PagesArguments),
    Policy(PolicyArguments),
    /// Take events from senders and files, and seal them
    ///
    /// The service takes events from its inputs: requests over HTTP (`POST /events`, `/kubernetes`, `/webhook`, and `/v1/logs` of
    /// OpenTelemetry), Fluentd's Forward protocol, Lumberjack, syslog, followed files and standard input. It acknowledges each batch once its events are on the disk or in the store, and seals them. Over HTTP, it
    /// also answers `/healthz`, `/readyz`, `/metrics` and `/status`. SIGTERM lets open requests finish, seals what was accepted and ends the process.
    Run(ConfigArguments),
    Spool(SpoolArguments),
    Status(StatusArguments),
    VerifierKey(VerifierKeyArguments),
}

/// Write the manual pages and the completions for bash, fish and zsh
#[derive(Debug, Args)]
pub(super) struct PagesArguments {
    /// Folder to write to, with the folders of `/usr/share`
    #[arg(value_name = "DIR")]
    pub(super) out: PathBuf,
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
#[derive(Clone, Debug, Args)]
pub(super) struct AppendArguments {
    /// Trust policy that describes the log: bucket, prefix, lock, keys
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Origin of the log, where the policy has several
    #[arg(long, value_name = "ORIGIN", requires = "policy")]
    pub(super) log: Option<String>,
    #[command(flatten)]
    pub(super) key: AppendKeyArguments,
    /// File with the key that signed until now, to rotate away from it
    #[arg(long, value_name = "FILE", conflicts_with = "previous_kms_key")]
    pub(super) previous_key_file: Option<PathBuf>,
    /// KMS key that signed until now, to rotate away from it
    #[arg(long, value_name = "KEY")]
    pub(super) previous_kms_key: Option<String>,
    #[arg(
        long,
        value_name = "DIR|URL",
        help = "Where the log is stored: a folder in place of the bucket, or s3://BUCKET[/PREFIX]; by default the policy's bucket"
    )]
    pub(super) to: Option<String>,
    /// Origin of the log, without a policy
    #[arg(long, conflicts_with = "policy", required_unless_present = "policy")]
    pub(super) origin: Option<String>,
    /// Key prefix of the log, without a policy; by default the last part of the origin
    #[arg(long, conflicts_with = "policy")]
    pub(super) prefix: Option<String>,
    /// AWS account that owns the bucket, without a policy: twelve digits. Every request names it
    #[arg(long, value_name = "ID", conflicts_with = "policy", value_parser = parse_account)]
    pub(super) account: Option<String>,
    /// Object Lock mode, without a policy; by default the bucket's
    #[arg(long, value_name = "MODE", conflicts_with = "policy", requires = "retention_days", value_parser = parse_mode)]
    pub(super) lock_mode: Option<LockMode>,
    /// Days for which a segment is locked, without a policy; by default the bucket's
    #[arg(long, value_name = "N", conflicts_with = "policy", requires = "lock_mode",
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(super) retention_days: Option<u32>,
    /// Who sent the events: at most 255 printable ASCII characters, written into every entry
    #[arg(long, value_name = "TEXT")]
    pub(super) source: Option<String>,
    /// The store ignores If-None-Match: list the versions after each create, and stop where there is a second one
    #[arg(long)]
    pub(super) fenced: bool,
    /// Folder that keeps accepted events until they are sealed; by default under `$XDG_STATE_HOME/auditlog/spool`
    #[arg(long, value_name = "DIR")]
    pub(super) spool: Option<PathBuf>,
    #[command(flatten)]
    pub(super) input: InputArguments,
    /// Pins file of `auditlog-verify`; a log that the spool does not know must reach its pinned head
    #[arg(long, value_name = "FILE")]
    pub(super) pins: Option<PathBuf>,
    /// Continue a log that neither the spool nor pins know: a tail that was removed from the store goes unnoticed
    #[arg(long)]
    pub(super) head_unknown: bool,
    /// Maximum number of events in a segment
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_segment_events: u64,
    /// Maximum number of bytes of lines in a segment, at most 56 MiB
    #[arg(long, value_name = "N", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..=58_720_256))]
    pub(super) max_segment_bytes: u64,
    /// Maximum number of bytes of an event, as it is in its line: from 1,024 to 1,048,576. With 65100, the lines of the log can be
    /// exported as tiles
    #[arg(long, value_name = "N", default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1024..=1_048_576))]
    pub(super) max_event_bytes: u64,
    /// Compression level of segments, from 1 to 9: 1 suits JSON, and higher levels suit free text
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(super) compression_level: u8,
    /// Maximum age of an open segment in seconds; at most half of the policy's `max_silence`
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_segment_seconds: u32,
    /// Form of the summary on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) aws: AwsArguments,
    /// JSON Lines; - or nothing for standard input
    #[arg(value_name = "EVENTS.jsonl")]
    pub(super) events: Option<PathBuf>,
}

/// What is known of the input.
#[derive(Clone, Debug, Args)]
pub(super) struct InputArguments {
    /// Name of the input; events already accepted under it are skipped when the input is given again from its beginning. By
    /// default, a file has a name of its own, and anything else has none
    #[arg(long = "input", value_name = "NAME", value_parser = parse_input_name)]
    pub(super) name: Option<GivenName>,
    /// Accept that the file was rewritten or its last line grew, and continue after the accepted bytes; a line that grew is sealed
    /// again, marked as a possible repeat
    #[arg(long = "input-changed")]
    pub(super) changed: bool,
    /// Continue although the spool lost the counts of accepted events; input that is given again is sealed again
    #[arg(long = "inputs-unknown")]
    pub(super) unknown: bool,
}

/// Make a signing key in a file
///
/// The private key is written as PKCS #8 PEM that only you can read; a file that is there is never overwritten. The public
/// key goes to standard output. For production, keep the key in KMS.
#[derive(Debug, Args)]
pub(super) struct KeygenArguments {
    /// Kind of key, by the name of KMS
    #[arg(long, default_value = "ECC_NIST_EDWARDS25519", value_parser = parse_spec)]
    pub(super) spec: KeySpec,
    /// New file for the private key
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

/// Print a minimal trust policy, for a first try in a folder
///
/// The trust policy of a bucket comes out of Terraform: the data source `auditlog_trust_policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    /// Origin of the log
    #[arg(long)]
    pub(super) origin: String,
    #[command(flatten)]
    pub(super) key: KeyArguments,
    /// Key prefix of the log; by default the last part of the origin
    #[arg(long)]
    pub(super) prefix: Option<String>,
    /// Seconds that the log may go without a new segment
    #[arg(long, value_name = "N", default_value_t = 90_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_silence_seconds: u64,
    #[command(flatten)]
    pub(super) aws: AwsArguments,
}

/// Print the C2SP verifier key of a signing key for a log
#[derive(Debug, Args)]
pub(super) struct VerifierKeyArguments {
    /// Origin of the log
    #[arg(long)]
    pub(super) origin: String,
    #[command(flatten)]
    pub(super) key: KeyArguments,
    #[command(flatten)]
    pub(super) aws: AwsArguments,
}

// Its help is the one of each command that has it.
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// Configuration of the service
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

/// Show each log of a service that runs
///
/// For each log: what it has accepted, what waits, its head, its key, when the next segment is closed, and what is in trouble. The
/// service is asked over its first HTTP listener without TLS.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Configuration of the service
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub(super) output: Output,
}

/// List what a spool holds, or print its events
///
/// One line for each segment that was accepted and is not yet in the store. Nothing is changed, and a sealer may be using the
/// spool meanwhile.
#[derive(Debug, Args)]
pub(super) struct SpoolArguments {
    /// Print the events, one on each line
    #[arg(long)]
    pub(super) events: bool,
    /// Print the entries as the log has them, one on each line: the events with their times, sources and batches
    #[arg(long, conflicts_with = "events")]
    pub(super) entries: bool,
    /// Folder of the spool
    #[arg(value_name = "DIR")]
    pub(super) spool: PathBuf,
}

/// The key that signs a log; the policy may name it.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub(super) struct AppendKeyArguments {
    /// File with the private key: PKCS #8, PEM
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Signing key in AWS KMS: its ARN, its id or alias/NAME; by default the policy's key that is valid now
    #[arg(long, value_name = "KEY")]
    pub(super) kms_key: Option<String>,
}

/// The key that signs.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct KeyArguments {
    /// File with the private key: PKCS #8, PEM
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Signing key in AWS KMS: its ARN, its id or alias/NAME
    #[arg(long, value_name = "KEY")]
    pub(super) kms_key: Option<String>,
}

/// How to reach AWS. The environment and the shared files of the AWS CLI count too.
#[derive(Clone, Debug, Args)]
pub(super) struct AwsArguments {
    /// Endpoint in place of AWS's own
    #[arg(long, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// Put the bucket into the path of the URL, not into its host
    #[arg(long)]
    pub(super) path_style: bool,
    /// AWS region; by default the policy's
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Profile of the shared AWS files
    #[arg(long)]
    pub(super) profile: Option<String>,
    /// Seconds to wait for one answer of S3 or KMS; with all retries at most three times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
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
        .ok_or("1 to 200 characters of printable ASCII without quote and backslash")
}

fn parse_spec(text: &str) -> Result<KeySpec, String> {
    let all: Vec<&str> = KeySpec::ALL.iter().map(|spec| spec.as_str()).collect();
    KeySpec::parse(text).ok_or_else(|| format!("one of {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn help_of_a_check_is_not_the_one_of_the_service() {
        let command = Arguments::command();
        let about = |name: &str| {
            let found = command.find_subcommand(name).unwrap();
            let texts = (found.get_about(), found.get_long_about());
            format!("{} {}", texts.0.unwrap(), texts.1.unwrap())
        };
        assert!(about("check-config").starts_with("Check the configuration of the service"));
        let run = about("run");
        let inputs = [
            "/events",
            "/kubernetes",
            "/webhook",
            "/v1/logs",
            "Forward",
            "Lumberjack",
            "syslog",
            "files",
            "standard input",
        ];
        for input in inputs {
            assert!(run.contains(input), "{input}: {run}");
        }
    }
}
