//! The folder of a plan: the plan, the trust policy that it was made with, and the list of each range.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_verifier::parts::{MAX_DOCUMENT_BYTES, Plan, Planned};
use auditlog_verifier::regular;

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
    /// Refuses a folder that has a file with the name of one of a plan's.
    pub(super) fn check_free(path: &Path) -> Result<(), Usage> {
        let unreadable = |error| failed("read", path, &error);
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(unreadable)?,
        };
        let mut taken = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            taken.extend(name.into_string().ok().filter(|name| is_of_plan(name)));
        }
        let what = match taken.first() {
            None => return Ok(()),
            Some(_) if taken.iter().any(|name| name == PLAN) => "a plan",
            Some(name) => name,
        };
        let message = format!("{} holds {what} already", path.display());
        Err(Usage::new(message, "name another folder with --out"))
    }

    /// Writes a plan into a folder that has none. The plan comes last: where it is, everything is.
    pub(super) fn write(path: &Path, policy: &[u8], planned: &Planned) -> Result<(), Usage> {
        fs::create_dir_all(path).map_err(|error| failed("write", path, &error))?;
        Self::check_free(path)?;
        check_sizes(planned)?;
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

/// Refuses what the next step would refuse to read.
fn check_sizes(planned: &Planned) -> Result<(), Usage> {
    let lists = planned.lists.iter().map(Vec::len);
    match lists.max().filter(|largest| *largest > MAX_DOCUMENT_BYTES) {
        None => Ok(()),
        Some(largest) => {
            let message = format!(
                "the list of a range would have {largest} bytes, and no step reads more than {MAX_DOCUMENT_BYTES}"
            );
            Err(Usage::new(message, "divide the plan into more --ranges"))
        }
    }
}

fn list_name(range: u64) -> String {
    format!("range-{range:06}.json")
}

/// Whether a file has the name of one of a plan's.
fn is_of_plan(name: &str) -> bool {
    let range = name.strip_prefix("range-");
    let range = range.and_then(|rest| rest.strip_suffix(".json"));
    name == PLAN || name == POLICY || range.is_some()
}

/// Writes a file at once or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Usage> {
    regular::write(path, bytes).map_err(|error| failed("write", path, &error))
}

pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, Usage> {
    regular::read(path, MAX_DOCUMENT_BYTES).map_err(|error| failed("read", path, &error))
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Usage {
    let message = format!("cannot {what} {}: {error}", path.display());
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "name a folder that `auditlog-verify plan` or `part` wrote",
        io::ErrorKind::FileTooLarge => {
            "name what `plan` or `part` wrote, unchanged: no step writes a file as large"
        }
        io::ErrorKind::PermissionDenied => "run it as somebody who may read and write there",
        _ => "see what is at that path, and run it again",
    };
    Usage::new(message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_no_step_reads_is_not_written() {
        let place = tempfile::tempdir().unwrap();
        let planned = |bytes: usize| Planned {
            plan: Vec::new(),
            lists: vec![vec![0; 3], vec![0; bytes]],
        };
        // Memory that nobody touches.
        let refused = check_sizes(&planned(MAX_DOCUMENT_BYTES + 1)).unwrap_err();
        assert!(
            refused.message.contains("1073741825 bytes"),
            "{}",
            refused.message
        );
        assert_eq!(
            refused.hint.as_deref(),
            Some("divide the plan into more --ranges")
        );
        assert!(check_sizes(&planned(MAX_DOCUMENT_BYTES)).is_ok());
        let path = place.path().join("plan");
        let refused = PlanFolder::write(&path, b"", &planned(MAX_DOCUMENT_BYTES + 1));
        assert!(refused.is_err() && fs::read_dir(&path).unwrap().next().is_none());
    }

    #[test]
    fn a_folder_with_a_file_of_one_of_the_names_of_a_plan_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("plan");
        assert!(PlanFolder::check_free(&folder).is_ok());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("notes.json"), "").unwrap();
        assert!(PlanFolder::check_free(&folder).is_ok());
        for name in [POLICY, "range-000007.json", "range-7.json", PLAN] {
            fs::write(folder.join(name), "mine").unwrap();
            let refused = PlanFolder::check_free(&folder).unwrap_err();
            let what = if name == PLAN { "a plan" } else { name };
            assert!(refused.message.ends_with(&format!("holds {what} already")));
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
}
