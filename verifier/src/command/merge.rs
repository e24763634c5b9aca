//! `auditlog-verify merge`: the verdict on the ranges of a plan.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::parts::{self, MAX_PART_BYTES, OfRange, Part, PartsError};
use auditlog_verifier::regular;
use auditlog_verifier::report::Report;

use super::apart::{self, Input};
use super::declaration::Declaration;
#[cfg(feature = "s3")]
use super::groups::{EndpointArguments, PinsBucketArguments};
use super::groups::{ReportArguments, pins_place};
use super::heads::keep_heads;
use super::kept::Way;
use super::kept_place::KeptPlace;
use super::outcome::Outcome;
use super::plan_folder::{PlanFolder, failed};
use super::usage::Usage;
use super::written::{Reported, write};

/// Merge the partial results of a plan: the only step that gives a verdict.
///
/// Exit codes: 0 verified; 1 a fault was found; 2 no verdict (a partial result is missing, differs or is of another plan, something could
/// not be read).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the plan
    #[arg(long, value_name = "DIR")]
    plan: PathBuf,
    /// The trust policy, to compare with the one in the folder of the plan
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// File or object in which the head of each log that verified is pinned; the plan must have been made with it
    #[arg(long, value_name = "FILE | s3://BUCKET/KEY", value_parser = pins_place())]
    pins: Option<KeptPlace>,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    endpoint: EndpointArguments,
    #[cfg(feature = "s3")]
    #[command(flatten)]
    pins_bucket: PinsBucketArguments,
    #[command(flatten)]
    report: ReportArguments,
    /// Folders of partial results
    #[arg(value_name = "DIR", required = true)]
    parts: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> Result<Outcome, Usage> {
    check_inputs(arguments)?;
    let folder = PlanFolder::read(&arguments.plan)?;
    let declared = match &arguments.policy {
        Some(path) => Declaration::read(path)?,
        None => folder.declaration()?,
    };
    let target = Some(OsStr::new(folder.plan.target()));
    apart::check(
        target,
        "--pins",
        arguments.pins.as_ref().and_then(KeptPlace::path),
    )?;
    arguments.report.check_apart_from(target)?;
    write(&arguments.report, || {
        let report = report(arguments, &folder, &declared, now)?;
        Ok(Reported::One(Box::new(report), &declared))
    })
}

/// Refuses a report that would be written over what is read.
fn check_inputs(arguments: &Arguments) -> Result<(), Usage> {
    let pins = arguments.pins.as_ref().and_then(KeptPlace::path);
    let policy = arguments.policy.as_deref();
    let policy = policy.map(|path| Input::File("--policy", path));
    let pins = pins.map(|path| Input::File("--pins", path));
    let mut inputs: Vec<Input<'_>> = policy.into_iter().chain(pins).collect();
    inputs.push(Input::Folder("the plan", &arguments.plan));
    let parts = arguments.parts.iter();
    inputs.extend(parts.map(|path| Input::Folder("partial results", path)));
    arguments.report.check_apart_from_inputs(&inputs)
}

fn report(
    arguments: &Arguments,
    folder: &PlanFolder,
    declared: &Declaration,
    now: Timestamp,
) -> Result<Report, Usage> {
    let way = Way {
        declared: &[declared],
        #[cfg(feature = "s3")]
        endpoint: &arguments.endpoint,
        #[cfg(feature = "s3")]
        pins_bucket: &arguments.pins_bucket,
    };
    let kept = arguments.pins.as_ref().map(|place| way.pins(place));
    let kept = kept.transpose()?;
    let pins = kept.as_ref().map(|kept| kept.load()).transpose()?;
    let plan = &folder.plan;
    let found = Found::in_folders(&arguments.parts, plan.digest())?;
    let policy = (&declared.policy, declared.digest);
    let mut unreadable = None;
    let mut read = |range| {
        let part = found.read(range)?;
        let list = folder.list(range).map_err(|usage| {
            unreadable = Some(usage);
            PartsError::OtherList { range }
        })?;
        Ok(OfRange { list, part })
    };
    let merged = parts::merge(plan, policy, &mut read, now);
    if let Some(usage) = unreadable {
        return Err(usage);
    }
    let mut report = merged?;
    if let Some(pins) = &pins {
        plan.check_pins(pins, &report)?;
    }
    if let Some(kept) = &kept {
        keep_heads(&**kept, &mut report, &plan.pins(), None);
    }
    Ok(report)
}

/// The partial results that are there: one for each range, however often an engine ran its task.
struct Found(BTreeMap<u64, (PathBuf, Hash)>);

impl Found {
    fn in_folders(folders: &[PathBuf], plan: Hash) -> Result<Self, Usage> {
        let mut found = Self(BTreeMap::new());
        for folder in folders {
            let entries = fs::read_dir(folder).map_err(|error| failed("read", folder, &error))?;
            for entry in entries {
                let path = entry
                    .map_err(|error| failed("read", folder, &error))?
                    .path();
                if is_part(&path) {
                    found.add(path, plan)?;
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, path: PathBuf, plan: Hash) -> Result<(), Usage> {
        let (bytes, name) = (read_part(&path)?, path.display().to_string());
        let header = Part::header(&name, &bytes)?;
        if header.plan != plan {
            let (expected, found) = (plan, header.plan);
            return Err(PartsError::Foreign {
                name,
                expected,
                found,
            }
            .into());
        }
        let digest = Hash::of(&bytes);
        let kept = self.0.entry(header.range).or_insert((path, digest));
        if kept.1 == digest {
            return Ok(());
        }
        let (one, other) = (kept.0.display().to_string(), name);
        Err(PartsError::Differ { one, other }.into())
    }

    fn read(&self, range: u64) -> Result<Vec<u8>, PartsError> {
        let (path, digest) = self.0.get(&range).ok_or(PartsError::Missing { range })?;
        let bytes = regular::read(path, MAX_PART_BYTES).unwrap_or_default();
        if Hash::of(&bytes) == *digest {
            return Ok(bytes);
        }
        let why = "it changed while it was merged";
        Err(PartsError::Contradicts { range, why })
    }
}

fn read_part(path: &Path) -> Result<Vec<u8>, Usage> {
    regular::read(path, MAX_PART_BYTES).map_err(|error| failed("read", path, &error))
}

/// A file that a task has not finished begins with a dot.
fn is_part(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && name.ends_with(".json")
}
