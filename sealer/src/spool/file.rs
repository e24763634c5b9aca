//! The files of a spool: their names, and how they are replaced.

use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditlog_chain::limits::MAX_SEGMENT;

use crate::disk::{Disk, DiskFile};
use crate::error::{Error, FileFault, SpoolError};

pub(super) const INPUTS: &str = "inputs.json";
pub(super) const IDENTITY: &str = "spool.json";
pub(super) const HEAD: &str = "head.json";
const WAL_ENDING: &str = ".wal";
const FRAMES_ENDING: &str = ".frames";
const OBJECT_ENDING: &str = ".jsonl.zst";
/// Ends the name of a file that is about to replace another one.
const NEW_ENDING: &str = ".new";

/// What was tried, where the spool cannot be read or written.
pub(super) const UNREADABLE: &str = "the spool cannot be read";
pub(super) const UNWRITABLE: &str = "the spool cannot be written";

/// A file of the spool that cannot be used.
pub(super) fn unusable(fault: FileFault) -> Error {
    SpoolError::File(fault).into()
}

pub(super) fn spool_file(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> Error + use<> {
    let fault = FileFault::of(operation, path);
    let folder = path.parent().unwrap_or(path).to_owned();
    move |source| {
        if source.kind() == ErrorKind::NotFound && !folder.exists() {
            return SpoolError::Gone { path: folder }.into();
        }
        unusable(fault(source))
    }
}

pub(super) fn wal_name(segment: u64) -> String {
    format!("{segment:012}{WAL_ENDING}")
}

pub(super) fn frames_name(segment: u64) -> String {
    format!("{segment:012}{FRAMES_ENDING}")
}

pub(super) fn object_name(segment: u64) -> String {
    format!("{segment:012}{OBJECT_ENDING}")
}

pub(super) fn wal_number(name: &str) -> Option<u64> {
    number(name, WAL_ENDING)
}

pub(super) fn object_number(name: &str) -> Option<u64> {
    number(name, OBJECT_ENDING)
}

/// Whether a crash can have left the file, and nothing that was accepted is in it.
pub(super) fn is_left_over(name: &str) -> bool {
    name.ends_with(NEW_ENDING)
}

fn number(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_suffix(ending)?;
    let number = digits.parse().ok().filter(|n| *n < MAX_SEGMENT)?;
    (format!("{number:012}") == digits).then_some(number)
}

/// The folder of a spool, with the words for what goes wrong in it.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.folder.fmt(f)
    }
}

impl Files {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a call that failed says.
    pub(super) fn fault(
        &self,
        operation: &'static str,
        name: &str,
    ) -> impl FnOnce(io::Error) -> Error + use<> {
        spool_file(operation, &self.path(name))
    }

    pub(super) fn names(&self) -> Result<Vec<String>, Error> {
        let unlisted = spool_file("the spool cannot be listed", &self.folder);
        self.disk.names().map_err(unlisted)
    }

    pub(super) fn sync_names(&self) -> Result<(), Error> {
        let fault = spool_file("the folder cannot be synced", &self.folder);
        self.disk.sync_names().map_err(fault)
    }

    pub(super) fn open(&self, name: &str) -> Result<Box<dyn DiskFile>, Error> {
        self.disk.open(name).map_err(self.fault(UNREADABLE, name))
    }

    /// Reads a file of at most `limit` bytes; `None` where there is none.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Error> {
        let file = match self.disk.open(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(self.fault(UNREADABLE, name))?,
        };
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(self.fault(UNREADABLE, name))?;
        if u64::try_from(bytes.len()).is_ok_and(|found| found > limit) {
            let reason = format!("larger than {limit} bytes");
            let error = io::Error::new(ErrorKind::FileTooLarge, reason);
            return Err(self.fault(UNREADABLE, name)(error));
        }
        Ok(Some(bytes))
    }

    /// Replaces a file as a whole: if we crash, it is the old one or the new one.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let new = format!("{name}{NEW_ENDING}");
        let written = self.disk.create(&new).and_then(|mut file| {
            file.write_at(0, content)?;
            file.sync()
        });
        let replaced = written.and_then(|()| self.disk.rename(&new, name));
        if let Err(source) = replaced {
            // On a full disk, half a file would take the room that the next run needs.
            _ = self.disk.remove(&new);
            return Err(self.fault(UNWRITABLE, name)(source));
        }
        self.sync_names()
    }

    /// Removes a file that may be there.
    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        match self.disk.remove(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(self.fault("the file cannot be removed", name)),
        }
    }
}
