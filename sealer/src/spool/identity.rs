//! Whose a spool is, and spools of older versions.

use serde::{Deserialize, Serialize};

use super::file::{Files, HEAD, IDENTITY, INPUTS, object_number, wal_number};
use super::inputs::Inputs;
use super::lost::LostInputs;
use super::summed::{format_summed, parse_record, parse_summed};
use crate::error::{Error, SpoolError, SpoolRecord};
use crate::limits::MAX_RECORD_BYTES;

/// The version of the spool that this program writes and reads.
const VERSION: u64 = 8;

/// The oldest version whose write-ahead files this program reads.
const SAME_FILES: u64 = 4;

/// The oldest version whose records of head and inputs are those of this one.
const SAME_RECORDS: u64 = 2;

/// The open segment of older versions, and what it was compressed to.
const OLD_OPEN: &str = "open.jsonl";
const OLD_FRAMES: &str = "open.frames";

/// What version 1 counted in place of inputs.
const OLD_RUN: &str = "run.json";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    spool: u64,
    /// Version of the program that made the spool, for a message of a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    log: String,
    pub(super) writer: String,
}

/// Reads whose the spool is, and says so where nobody did.
pub(super) fn identity(files: &Files, log: &str, new_name: &str) -> Result<Identity, Error> {
    let found = files.read(IDENTITY, MAX_RECORD_BYTES)?;
    let found = found.map(|text| parse_identity(files, &text)).transpose()?;
    let used = Used::of(files)?;
    let path = files.path(IDENTITY);
    let writer = match found {
        Some(found) if found.log == log && found.spool == VERSION => return Ok(found),
        None if used.is_used() => return Err(SpoolError::NoIdentity { path }.into()),
        Some(found) if found.spool < SAME_FILES && used.holds_events => {
            return Err(other_version(files, found.spool, found.program));
        }
        Some(found) if found.log != log && used.is_used() => {
            return Err(SpoolError::OfAnother {
                path: files.folder.clone(),
                expected: log.to_owned(),
                found: found.log,
            }
            .into());
        }
        Some(found) if found.log == log => {
            match (found.spool, used.remembers) {
                (SAME_FILES.., _) => {}
                (older, true) => take_over(files, older)?,
                (_, false) => keep_inputs(files, &Inputs::default())?,
            }
            found.writer
        }
        Some(_) | None => {
            // From here on, a spool without this file has lost it.
            keep_inputs(files, &Inputs::default())?;
            new_name.to_owned()
        }
    };
    let made = Identity {
        spool: VERSION,
        program: Some(crate::VERSION.to_owned()),
        log: log.to_owned(),
        writer,
    };
    // Strings and a number can always be written.
    files.replace(IDENTITY, &serde_json::to_vec(&made).unwrap_or_default())?;
    for old in [OLD_RUN, OLD_OPEN, OLD_FRAMES] {
        files.remove(old)?;
    }
    Ok(made)
}

/// Whether a spool is of this log, and of a version whose write-ahead files can be read.
pub(super) fn is_readable_as(files: &Files, log: &str) -> bool {
    let found = files.read(IDENTITY, MAX_RECORD_BYTES).ok().flatten();
    let found = found.and_then(|text| parse_identity(files, &text).ok());
    found.is_some_and(|found| found.log == log && found.spool >= SAME_FILES)
}

/// An older spool without events: what it remembers is taken over as it is.
fn take_over(files: &Files, version: u64) -> Result<(), Error> {
    let remembered = version >= SAME_RECORDS && inputs(files, LostInputs::Refuse).is_ok();
    if remembered {
        return Ok(());
    }
    Err(SpoolError::Finished {
        path: files.folder.clone(),
        found: version,
    }
    .into())
}

/// What a record of any version has.
#[derive(Deserialize)]
struct AnyVersion {
    spool: u64,
    #[serde(default)]
    program: Option<String>,
}

/// Whether a spool of a later version is empty is not known, so it is refused in any case.
fn parse_identity(files: &Files, text: &[u8]) -> Result<Identity, Error> {
    let path = files.path(IDENTITY);
    let any: AnyVersion = parse_record(SpoolRecord::Identity, &path, text)?;
    if any.spool > VERSION {
        return Err(other_version(files, any.spool, any.program));
    }
    parse_record(SpoolRecord::Identity, &path, text)
}

fn other_version(files: &Files, found: u64, program: Option<String>) -> Error {
    SpoolError::Version {
        path: files.folder.clone(),
        expected: VERSION,
        found,
        program,
    }
    .into()
}

/// What a spool has. One that was made by a call that was a mistake, such as one with the policy of another bucket, must not be
/// in the way of the right one.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// Events that are not sealed, or not reported.
    holds_events: bool,
    /// Where the log ends, or how much of its inputs was accepted.
    remembers: bool,
}

impl Used {
    fn of(files: &Files) -> Result<Self, Error> {
        let mut used = Self::default();
        for name in files.names()? {
            used.holds_events |= match name.as_str() {
                OLD_OPEN => has_bytes(files, &name),
                OLD_RUN => has_unreported(files),
                name => wal_number(name).is_some() || object_number(name).is_some(),
            };
            used.remembers |= name == HEAD || name == INPUTS && !is_of_no_input(files);
        }
        Ok(used)
    }

    const fn is_used(self) -> bool {
        self.holds_events || self.remembers
    }
}

fn has_bytes(files: &Files, name: &str) -> bool {
    // One byte is enough, and more is an error of its own.
    files.read(name, 0).is_err()
}

/// Whether the record is the one that a new spool gets.
fn is_of_no_input(files: &Files) -> bool {
    let found = files.read(INPUTS, MAX_RECORD_BYTES).ok().flatten();
    let path = files.path(INPUTS);
    let found =
        found.and_then(|text| parse_summed::<Inputs>(SpoolRecord::Inputs, &path, &text).ok());
    found.is_some_and(|inputs| inputs == Inputs::default())
}

/// Whether version 1 had sealed events that no summary had reported.
fn has_unreported(files: &Files) -> bool {
    #[derive(Deserialize)]
    struct OldRun {
        events: u64,
        #[serde(default)]
        told: u64,
    }
    let text = files.read(OLD_RUN, MAX_RECORD_BYTES).ok().flatten();
    let text = text.unwrap_or_default();
    serde_json::from_slice(&text).map_or(true, |old: OldRun| old.events > 0 || old.told > 0)
}

/// How much of each input was accepted. The record is there from the beginning of the spool: where it is gone, somebody or the
/// disk has removed it, and what it counted would be sealed twice.
pub(super) fn inputs(files: &Files, lost: LostInputs) -> Result<Inputs, Error> {
    let path = files.path(INPUTS);
    let found = match files.read(INPUTS, MAX_RECORD_BYTES)? {
        Some(text) => parse_summed(SpoolRecord::Inputs, &path, &text),
        None => Err(SpoolError::NoInputs { path }.into()),
    };
    match (found, lost) {
        (
            Err(Error::Spool(SpoolError::NoInputs { .. } | SpoolError::Record { .. })),
            LostInputs::Forget,
        ) => {
            keep_inputs(files, &Inputs::default())?;
            Ok(Inputs::default())
        }
        (found, _) => found,
    }
}

pub(super) fn keep_inputs(files: &Files, inputs: &Inputs) -> Result<(), Error> {
    files.replace(INPUTS, &format_summed(inputs))
}
