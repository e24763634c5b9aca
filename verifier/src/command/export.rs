//! `auditlog-verify export`: writes a log in a form that others know.

use std::path::PathBuf;

use auditlog_verifier::export::{ExportError, export};
use auditlog_verifier::verdict::Verdict;

use super::cores::cores;
use super::log::{LogArguments, OpenLog, Stop, disowned, ended};
use super::outcome::Outcome;
use super::usage::Usage;

/// Export a log as C2SP tlog-tiles: a folder with the same lines, root and checkpoint.
///
/// What is read of the log is verified with the trust policy. Exit codes: 0 exported; 1 a fault was found in what was read; 2 nothing was exported.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    /// Export up to the end of this segment; by default to the last one that is there
    #[arg(long, value_name = "NUMBER")]
    to_segment: Option<u64>,
    /// New folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Usage> {
    ended(write(arguments))
}

fn write(arguments: &Arguments) -> Result<Outcome, Stop> {
    arguments.log.check_apart(&arguments.out)?;
    let open = OpenLog::open(&arguments.log)?;
    let trail = open.trail()?;
    let to = arguments.to_segment;
    let exported = export(&trail, to, cores(), &arguments.out).map_err(stop)?;
    let disowned = disowned(&trail).map(|what| format!("note:     {what}\n"));
    let disowned = disowned.unwrap_or_default();
    let (head, files) = (exported.head, exported.files);
    Ok(Outcome {
        output: format!(
            "exported: {} up to segment {}, size {}, root {}\nwrote:    {files} files of C2SP tlog-tiles in {}\n{disowned}limit:    \
             whether the log is complete up to its end, and locked, is not checked here; verify it for that\n",
            trail.origin(),
            exported.last_segment,
            head.size,
            head.root.to_base64(),
            arguments.out.display(),
        ),
        verdict: Verdict::Verified,
    })
}

fn stop(error: ExportError) -> Stop {
    match error {
        ExportError::Trail(error) => error.into(),
        other => Usage {
            message: other.to_string(),
            hint: other.hint().map(str::to_owned),
        }
        .into(),
    }
}
