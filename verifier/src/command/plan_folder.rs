//! The folder of a plan: the plan, the trust policy that it was made with, and the list of each range.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_verifier::parts::{Plan, Planned};

use super::declaration::Declaration;
use super::usage::Usage;

const PLAN: &str = "plan.json";
const POLICY: &str = "policy.json";

/// A plan that was written.
pub(super) struct PlanFolder {
    path: PathBuf,
    pub(super) plan: Plan,
}

impl PlanFolder {
    /// Writes a plan into a folder that has none. The plan comes last: where it is, everything is.
    pub(super) fn write(path: &Path, policy: &[u8], planned: &Planned) -> Result<(), Usage> {
        fs::create_dir_all(path).map_err(|error| failed("write", path, &error))?;
        if path.join(PLAN).exists() {
            let message = format!("{} holds a plan already", path.display());
            return Err(Usage::new(message, "name another folder with --out"));
        }
        for (range, list) in (0..).zip(&planned.lists) {
            write_whole(&path.join(list_name(range)), list)?;
        }
        write_whole(&path.join(POLICY), policy)?;
        write_whole(&path.join(PLAN), &planned.plan)
    }

    pub(super) fn read(path: &Path) -> Result<Self, Usage> {
        let plan = Plan::parse(&read_whole(&path.join(PLAN))?)?;
        let path = path.to_owned();
        Ok(Self { path, plan })
    }

    /// The trust policy that the plan was made with.
    pub(super) fn declaration(&self) -> Result<Declaration, Usage> {
        Declaration::read(&self.path.join(POLICY))
    }

    /// The list of a range.
    pub(super) fn list(&self, range: u64) -> Result<Vec<u8>, Usage> {
        self.plan.check_range(range)?;
        read_whole(&self.path.join(list_name(range)))
    }
}

fn list_name(range: u64) -> String {
    format!("range-{range:06}.json")
}

/// Writes a file at once or not at all. Two that write the same file at the same time do not disturb each other.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Usage> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        _ = fs::remove_file(&beside);
        failed("write", path, &error)
    })
}

pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, Usage> {
    fs::read(path).map_err(|error| failed("read", path, &error))
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Usage {
    let message = format!("cannot {what} {}: {error}", path.display());
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "name a folder that `auditlog-verify plan` or `part` wrote",
        io::ErrorKind::PermissionDenied => "run it as somebody who may read and write there",
        _ => "see what is at that path, and run it again",
    };
    Usage::new(message, hint)
}
