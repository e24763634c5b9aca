//! The folder of a plan: the plan, the trust policy that it was made with, and the list of each range.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_verifier::parts::{MAX_DOCUMENT_BYTES, Plan};
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

    /// Writes a plan into a folder that has none, each list as `make` hands it over. The plan comes last: where it is, everything is. Where
    /// something fails, nothing is left. The bytes of the plan.
    pub(super) fn write(path: &Path, policy: &[u8], make: &mut Make<'_>) -> Result<Vec<u8>, Usage> {
        let mut written = Written {
            folder: path,
            files: Vec::new(),
        };
        let plan = make(&mut |range, list| written.list(range, &list));
        let done = plan.and_then(|plan| {
            written.file(POLICY.to_owned(), policy)?;
            written.file(PLAN.to_owned(), &plan)?;
            Ok(plan)
        });
        if done.is_err() {
            written.remove();
        }
        done
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

/// Takes the list of each range.
type Each<'e> = dyn FnMut(u64, Vec<u8>) -> Result<(), Usage> + 'e;

/// Makes a plan: hands over the list of each range, and gives the bytes of the plan.
type Make<'m> = dyn FnMut(&mut Each<'_>) -> Result<Vec<u8>, Usage> + 'm;

/// What was written of a plan so far.
struct Written<'p> {
    folder: &'p Path,
    files: Vec<PathBuf>,
}

impl Written<'_> {
    fn list(&mut self, range: u64, list: &[u8]) -> Result<(), Usage> {
        check_size(list)?;
        self.file(list_name(range), list)
    }

    fn file(&mut self, name: String, bytes: &[u8]) -> Result<(), Usage> {
        if self.files.is_empty() {
            let failed = |error| failed("write", self.folder, &error);
            fs::create_dir_all(self.folder).map_err(failed)?;
            PlanFolder::check_free(self.folder)?;
        }
        let path = self.folder.join(name);
        write_whole(&path, bytes)?;
        self.files.push(path);
        Ok(())
    }

    fn remove(&self) {
        for path in &self.files {
            _ = fs::remove_file(path);
        }
    }
}

/// Refuses what the next step would refuse to read.
fn check_size(list: &[u8]) -> Result<(), Usage> {
    let bytes = list.len();
    if bytes <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    let message = format!(
        "the list of a range would have {bytes} bytes, and no step reads more than {MAX_DOCUMENT_BYTES}"
    );
    Err(Usage::new(message, "divide the plan into more --ranges"))
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
    fn a_list_that_no_step_reads_is_not_written_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        // Memory that nobody touches.
        let refused = check_size(&vec![0; MAX_DOCUMENT_BYTES + 1]).unwrap_err();
        assert!(
            refused.message.contains("1073741825 bytes"),
            "{}",
            refused.message
        );
        assert_eq!(
            refused.hint.as_deref(),
            Some("divide the plan into more --ranges")
        );
        assert!(check_size(&vec![0; MAX_DOCUMENT_BYTES]).is_ok());
        let path = place.path().join("plan");
        let refused = PlanFolder::write(&path, b"", &mut |each| {
            each(0, b"[]".to_vec())?;
            assert!(path.join(list_name(0)).exists());
            each(1, vec![0; MAX_DOCUMENT_BYTES + 1])?;
            Ok(Vec::new())
        });
        assert!(refused.is_err() && fs::read_dir(&path).unwrap().next().is_none());
    }

    /// Another run was faster: what it wrote stays.
    #[test]
    fn what_another_run_wrote_meanwhile_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("plan");
        let refused = PlanFolder::write(&path, b"", &mut |each| {
            fs::create_dir(&path).unwrap();
            fs::write(path.join(list_name(0)), "another").unwrap();
            each(0, b"[]".to_vec())?;
            Ok(Vec::new())
        });
        assert!(refused.is_err());
        assert_eq!(fs::read(path.join(list_name(0))).unwrap(), b"another");
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
