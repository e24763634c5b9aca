//! `auditlog-verify part`: looks at one range of a plan.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use auditlog_verifier::parts;
use auditlog_verifier::progress::ProgressLine;
use auditlog_verifier::verdict::Verdict;

use super::apart;
use super::array_index::ArrayIndex;
use super::cores::cores;
use super::groups::PlaceArguments;
#[cfg(feature = "s3")]
use super::groups::S3Arguments;
use super::outcome::Outcome;
use super::plan_folder::{PlanFolder, failed, write_whole};
use super::target;
use super::usage::Usage;

/// Look at one range of a plan, anywhere and in any order, and write what was found for `merge`.
///
/// Exit codes: 0 the range was looked at, whatever was found; 2 it was not. A fault is not a failure of the task: only `merge`
/// gives a verdict.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the plan
    #[arg(long, value_name = "DIR")]
    plan: PathBuf,
    /// Number of the range, from 0 [default: the number that Kubernetes, AWS Batch or Slurm gives the task]
    #[arg(long, value_name = "NUMBER")]
    range: Option<u64>,
    /// Folder for the partial results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    s3: S3Arguments,
}

pub(super) fn run(arguments: &Arguments, index: &ArrayIndex) -> Result<Outcome, Usage> {
    let range = arguments.range.map_or_else(|| index.number(), Ok)?;
    let folder = PlanFolder::read(&arguments.plan)?;
    let declared = folder.declaration()?;
    let target = Some(OsStr::new(folder.plan.target()));
    apart::check(target, "--out", [arguments.out.as_path()])?;
    let place = PlaceArguments {
        #[cfg(feature = "s3")]
        s3: arguments.s3.clone(),
        target: Some(folder.plan.target().into()),
    };
    let source = target::open(&place, &declared.policy)?;
    let list = folder.list(range)?;
    let mut line = ProgressLine::new(Instant::now());
    let part = parts::part(
        &folder.plan,
        (&declared.policy, declared.digest),
        (range, &list),
        &*source,
        cores(),
        &mut |progress| line.show(progress, Instant::now()),
    );
    line.clear();
    let path = arguments.out.join(format!("part-{range:06}.json"));
    fs::create_dir_all(&arguments.out).map_err(|error| failed("write", &arguments.out, &error))?;
    write_whole(&path, &part?)?;
    Ok(Outcome {
        output: format!("range {range}: {}\n", path.display()),
        verdict: Verdict::Verified,
    })
}
