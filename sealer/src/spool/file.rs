//! The files of a spool: their names, and how they are replaced.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use auditlog_chain::limits::MAX_SEGMENT;

use crate::error::{Error, FileFault, SpoolError};
use crate::folder::sync_folder;

pub(super) const OPEN: &str = "open.jsonl";
pub(super) const FRAMES: &str = "open.frames";
pub(super) const INPUTS: &str = "inputs.json";
pub(super) const IDENTITY: &str = "spool.json";
pub(super) const HEAD: &str = "head.json";
pub(super) const OBJECT_ENDING: &str = ".jsonl.zst";

/// What was tried, where the spool cannot be read.
pub(super) const UNREADABLE: &str = "the spool cannot be read";

/// A file of the spool that cannot be used.
pub(super) fn unusable(fault: FileFault) -> Error {
    SpoolError::File(fault).into()
}

pub(super) fn spool_file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let fault = FileFault::of(operation, path);
    let folder = path.parent().unwrap_or(path).to_owned();
    move |source| {
        if source.kind() == ErrorKind::NotFound && !folder.exists() {
            return SpoolError::Gone { path: folder }.into();
        }
        unusable(fault(source))
    }
}

pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(OBJECT_ENDING)?;
    let number = digits.parse().ok().filter(|n| *n < MAX_SEGMENT)?;
    (format!("{number:012}") == digits).then_some(number)
}

/// Replaces a file as a whole: if we crash, it is the old one or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&new, path));
    if let Err(source) = replaced {
        // On a full disk, half a file would take the room that the next run needs.
        _ = fs::remove_file(&new);
        return Err(spool_file("the spool cannot be written", path)(source));
    }
    path.parent()
        .map_or(Ok(()), |folder| sync_folder(folder).map_err(unusable))
}
