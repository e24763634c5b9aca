//! The two small files of a spool: whose it is, and how far its runs have come.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{IDENTITY, OPEN, RUN, replace, segment_number, spool_file, unusable};
use crate::error::{Error, FileFault, SpoolError};

/// What was sealed since the last summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Entries in the segments that were put.
    pub events: u64,
    /// The next segment to be counted: those before it are in `events`, or older than the record.
    pub next_segment: u64,
    /// Entries of the same input that the summaries of interrupted runs have told.
    #[serde(default)]
    pub told: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    spool: u32,
    log: String,
    pub(super) writer: String,
}

pub(super) fn identity(folder: &Path, log: &str, new_name: &str) -> Result<Identity, Error> {
    let path = folder.join(IDENTITY);
    if let Some(text) = read_if_there(&path)? {
        let found: Identity = parse_record(&path, &text)?;
        if found.log == log {
            return Ok(found);
        }
        if was_used(folder)? {
            return Err(SpoolError::OfAnother {
                path: folder.to_owned(),
                expected: log.to_owned(),
                found: found.log,
            }
            .into());
        }
    }
    let made = Identity {
        spool: 1,
        log: log.to_owned(),
        writer: new_name.to_owned(),
    };
    // Strings and a number can always be written.
    replace(&path, &serde_json::to_vec(&made).unwrap_or_default())?;
    Ok(made)
}

/// Whether a spool has ever held anything. One that was made by a call that was a mistake, such as one with the policy of
/// another bucket, must not be in the way of the right one.
fn was_used(folder: &Path) -> Result<bool, Error> {
    let unlisted = || spool_file("the spool cannot be listed", folder);
    for entry in fs::read_dir(folder).map_err(unlisted())? {
        let entry = entry.map_err(unlisted())?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let holds = name == OPEN && entry.metadata().map_err(unlisted())?.len() > 0;
        if holds || name == RUN || segment_number(name).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn run_record(folder: &Path) -> Result<RunRecord, Error> {
    let path = folder.join(RUN);
    let Some(text) = read_if_there(&path)? else {
        return Ok(RunRecord::default());
    };
    parse_record(&path, &text)
}

/// Both records are replaced as wholes, so one that is torn or empty was not left by us. It is not guessed at: a count that
/// is lost would let events be sealed twice.
fn parse_record<T: serde::de::DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(text).map_err(|source| {
        let path = path.to_owned();
        SpoolError::Record { path, source }.into()
    })
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match crate::read_at_most("the spool cannot be read", path, 64 << 10) {
        Err(FileFault { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(unusable),
    }
}
