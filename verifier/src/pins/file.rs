//! The pins file: replaced at once or not at all, by one run at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::beside::{Beside, BesideError};
use super::document::{self, DocumentError, MAX_PINS_BYTES};
use super::error::PinsError;
use super::{KeptPins, Pins};
use crate::regular;

/// For how long a run waits until another one has kept its pins, which takes a moment. Stops a file that somebody keeps locked
/// from holding a nightly run forever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pins in a file.
#[derive(Debug)]
pub struct PinsFile(pub PathBuf);

impl KeptPins for PinsFile {
    fn load(&self) -> Result<Pins, PinsError> {
        load(&self.0)
    }

    fn update(&self, change: &mut dyn FnMut(&mut Pins)) -> Result<(), PinsError> {
        update(&self.0, change)
    }
}

/// Reads a file; a file that does not exist holds no pins.
///
/// # Errors
///
/// Where the file exists and does not hold pins.
pub fn load(path: &Path) -> Result<Pins, PinsError> {
    let failed = |source| PinsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Pins::default()),
        Err(error) => return Err(failed(error)),
    };
    let bytes = regular::read_one_more(file, MAX_PINS_BYTES).map_err(failed)?;
    parse(path, &bytes)
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Pins, PinsError> {
    let path = path.to_owned();
    document::parse(bytes).map_err(|error| match error {
        DocumentError::Malformed(reason) => PinsError::Malformed { path, reason },
        DocumentError::Unsupported(found) => PinsError::Unsupported { path, found },
    })
}

/// Changes a file. What is new is written beside it and then put in its place: after a crash, the old file or the new one is
/// there. Runs that change one file at the same time do so one after the other, and none undoes what another did.
///
/// # Errors
///
/// Where the file does not hold pins, or cannot be written; it is then as it was.
pub fn update(path: &Path, change: impl FnOnce(&mut Pins)) -> Result<(), PinsError> {
    let failed = |source| PinsError::Write {
        path: path.to_owned(),
        source,
    };
    let real = followed(path);
    let mut name = real
        .file_name()
        .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?
        .to_owned();
    name.push(".tmp");
    let beside =
        Beside::open(&real.with_file_name(name), PATIENCE).map_err(|error| match error {
            BesideError::Io(source) => failed(source),
            BesideError::Refused(error) => error,
        })?;
    let mut pins = load(path)?;
    change(&mut pins);
    let text = document::format(&pins).map_err(|error| failed(error.into()))?;
    beside.take_the_place_of(&real, &text).map_err(failed)
}

/// Where a path leads: the file behind a link is replaced, and the link stays. The file itself need not exist yet.
fn followed(path: &Path) -> PathBuf {
    let mut real = path.to_owned();
    // As many links as Linux follows; a circle fails when it is opened.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&real) else {
            break;
        };
        real = real.parent().unwrap_or(Path::new("")).join(next);
    }
    real
}
