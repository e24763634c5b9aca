//! The small files of a spool: whose it is, how much of each input was accepted, and how they are checked.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use auditlog_chain::hash::Hash;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::file::{
    HEAD, IDENTITY, INPUTS, OPEN, UNREADABLE, replace, segment_number, spool_file, unusable,
};
use super::inputs::Inputs;
use super::lost::LostInputs;
use crate::error::{Error, FileFault, SpoolError};
use crate::input::Running;
use crate::limits::MAX_RECORD_BYTES;

/// The version of the spool that this program writes and reads.
const VERSION: u64 = 3;

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
pub(super) fn identity(folder: &Path, log: &str, new_name: &str) -> Result<Identity, Error> {
    let path = folder.join(IDENTITY);
    let found = read_if_there(&path)?;
    let found = found.map(|text| parse_identity(folder, &path, &text));
    let found = found.transpose()?;
    let writer = match found {
        Some(found) if found.log == log && found.spool == VERSION => return Ok(found),
        None if is_used(folder)? => return Err(SpoolError::NoIdentity { path }.into()),
        Some(found) if found.spool < VERSION && is_used(folder)? => {
            return Err(other_version(folder, found.spool, found.program));
        }
        Some(found) if found.log != log && is_used(folder)? => {
            return Err(SpoolError::OfAnother {
                path: folder.to_owned(),
                expected: log.to_owned(),
                found: found.log,
            }
            .into());
        }
        Some(found) if found.log == log => found.writer,
        Some(_) | None => new_name.to_owned(),
    };
    let made = Identity {
        spool: VERSION,
        program: Some(crate::VERSION.to_owned()),
        log: log.to_owned(),
        writer,
    };
    // From here on, a spool without this file has lost it.
    keep_inputs(folder, &Inputs::default())?;
    // Strings and a number can always be written.
    replace(&path, &serde_json::to_vec(&made).unwrap_or_default())?;
    _ = fs::remove_file(folder.join(OLD_RUN));
    Ok(made)
}

/// What a record of any version has.
#[derive(Deserialize)]
struct AnyVersion {
    spool: u64,
    #[serde(default)]
    program: Option<String>,
}

/// Whether a spool of a later version is empty is not known, so it is refused in any case.
fn parse_identity(folder: &Path, path: &Path, text: &[u8]) -> Result<Identity, Error> {
    let any: AnyVersion = parse_record(path, text)?;
    if any.spool > VERSION {
        return Err(other_version(folder, any.spool, any.program));
    }
    parse_record(path, text)
}

fn other_version(folder: &Path, found: u64, program: Option<String>) -> Error {
    SpoolError::Version {
        path: folder.to_owned(),
        expected: VERSION,
        found,
        program,
    }
    .into()
}

/// Whether a spool holds anything. One that was made by a call that was a mistake, such as one with the policy of another
/// bucket, must not be in the way of the right one.
fn is_used(folder: &Path) -> Result<bool, Error> {
    let unlisted = || spool_file("the spool cannot be listed", folder);
    for entry in fs::read_dir(folder).map_err(unlisted())? {
        let entry = entry.map_err(unlisted())?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let holds = name == OPEN && entry.metadata().map_err(unlisted())?.len() > 0;
        let remembers = name == INPUTS && !is_of_no_input(&entry.path());
        let counts = name == OLD_RUN && has_unreported(&entry.path());
        if holds || counts || remembers || name == HEAD || segment_number(name).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the record is the one that a new spool gets.
fn is_of_no_input(path: &Path) -> bool {
    let found = read_if_there(path).ok().flatten();
    let found = found.and_then(|text| parse_summed::<Inputs>(path, &text).ok());
    found.is_some_and(|inputs| inputs == Inputs::default())
}

/// Whether version 1 had sealed events that no summary had reported.
fn has_unreported(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct OldRun {
        events: u64,
        #[serde(default)]
        told: u64,
    }
    let text = read_if_there(path).ok().flatten().unwrap_or_default();
    serde_json::from_slice(&text).map_or(true, |old: OldRun| old.events > 0 || old.told > 0)
}

/// How much of each input was accepted. The record is there from the beginning of the spool: where it is gone, somebody or the
/// disk has removed it, and what it counted would be sealed twice.
pub(super) fn inputs(folder: &Path, lost: LostInputs) -> Result<Inputs, Error> {
    let path = folder.join(INPUTS);
    let found = match read_if_there(&path)? {
        Some(text) => parse_summed(&path, &text),
        None => Err(SpoolError::NoInputs { path }.into()),
    };
    match (found, lost) {
        (
            Err(Error::Spool(SpoolError::NoInputs { .. } | SpoolError::Record { .. })),
            LostInputs::Forget,
        ) => {
            keep_inputs(folder, &Inputs::default())?;
            Ok(Inputs::default())
        }
        (found, _) => found,
    }
}

pub(super) fn keep_inputs(folder: &Path, inputs: &Inputs) -> Result<(), Error> {
    replace(&folder.join(INPUTS), &format_summed(inputs))
}

/// A record with a sum over it, so that no changed number is taken for what was written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summed<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    sum: Hash,
}

#[derive(Serialize)]
struct NewSummed<'a> {
    record: &'a RawValue,
    sum: Hash,
}

pub(super) fn format_summed<T: Serialize>(record: &T) -> Vec<u8> {
    // Names, numbers and hashes can always be written.
    let record = serde_json::value::to_raw_value(record).unwrap_or_default();
    let sum = Running::of(record.get().as_bytes());
    let record = &*record;
    serde_json::to_vec(&NewSummed { record, sum }).unwrap_or_default()
}

pub(super) fn parse_summed<T: serde::de::DeserializeOwned>(
    path: &Path,
    text: &[u8],
) -> Result<T, Error> {
    let not_whole = |source| {
        let path = path.to_owned();
        Error::from(SpoolError::Record { path, source })
    };
    let found: Summed<'_> = serde_json::from_slice(text).map_err(not_whole)?;
    if Running::of(found.record.get().as_bytes()) != found.sum {
        let changed = "what it holds does not match its sum";
        return Err(not_whole(serde::de::Error::custom(changed)));
    }
    serde_json::from_str(found.record.get()).map_err(not_whole)
}

/// Records are replaced as wholes, so one that is torn or empty was not left by us. It is not guessed at: a count that is lost
/// would let events be sealed twice.
fn parse_record<T: serde::de::DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(text).map_err(|source| {
        let path = path.to_owned();
        SpoolError::Record { path, source }.into()
    })
}

pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match crate::read_at_most(UNREADABLE, path, MAX_RECORD_BYTES) {
        Err(FileFault { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(unusable),
    }
}
