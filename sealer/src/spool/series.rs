//! Write-ahead files that are written beside those that are there, and take their place as a whole.
//!
//! Segments that wait for a key that may not sign any more are chained again, into files with other names. Then `again.json` says which
//! files they replace, and after that they are renamed. If we crash before `again.json` is there, the new files are removed. If we crash
//! after it, the next run goes on with the renaming.

use serde::{Deserialize, Serialize};

use super::file::{Files, frames_name, wal_name, wal_number};
use crate::error::{Error, SpoolError, SpoolRecord};
use crate::limits::MAX_RECORD_BYTES;

/// Which write-ahead files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    /// Those of the log as it goes on.
    Usual,
    /// Those that will take the place of others.
    Again,
}

/// Says that the files of the other series are complete.
const MARKER: &str = "again.json";

/// Ends the names of the other series.
const AGAIN_ENDING: &str = ".again";

impl Series {
    pub(super) fn name(self, segment: u64) -> String {
        match self {
            Self::Usual => wal_name(segment),
            Self::Again => format!("{}{AGAIN_ENDING}", wal_name(segment)),
        }
    }
}

/// The segments whose files are replaced: from the first to the newest one that is there.
#[derive(Debug, Serialize, Deserialize)]
struct Replaced {
    first: u64,
    /// The last one of the new series.
    last: u64,
}

/// Puts the other series in the place of the files from `first` on.
pub(super) fn replace_from(files: &Files, first: u64, last: u64) -> Result<(), Error> {
    let replaced = Replaced { first, last };
    // Numbers can always be written.
    let text = serde_json::to_vec(&replaced).unwrap_or_default();
    files.replace(MARKER, &text)?;
    finish(files)
}

/// Finishes what a crash has interrupted, or removes what it has left.
pub(super) fn finish_or_drop(files: &Files) -> Result<(), Error> {
    if files.names()?.iter().any(|name| name == MARKER) {
        return finish(files);
    }
    drop_files(files)
}

/// Removes what was written of the other series.
pub(super) fn drop_files(files: &Files) -> Result<(), Error> {
    for name in files.names()? {
        if name.ends_with(AGAIN_ENDING) {
            files.remove(&name)?;
        }
    }
    Ok(())
}

fn finish(files: &Files) -> Result<(), Error> {
    let text = files.read(MARKER, MAX_RECORD_BYTES)?.unwrap_or_default();
    let replaced: Replaced =
        serde_json::from_slice(&text).map_err(|source| SpoolError::Record {
            path: files.path(MARKER),
            record: SpoolRecord::Accepted,
            source,
        })?;
    let names = files.names()?;
    for number in names.iter().filter_map(|name| wal_number(name)) {
        if number >= replaced.first {
            files.remove(&frames_name(number))?;
        }
        if number > replaced.last {
            files.remove(&wal_name(number))?;
        }
    }
    for number in replaced.first..=replaced.last {
        let (new, name) = (Series::Again.name(number), wal_name(number));
        if names.contains(&new) {
            let renamed = files.disk.rename(&new, &name);
            renamed.map_err(files.fault("the file cannot be renamed", &new))?;
        }
    }
    files.sync_names()?;
    files.remove(MARKER)?;
    files.sync_names()
}
