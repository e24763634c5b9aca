//! The pins file: replaced at once or not at all, by one run at a time.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Pins;
use super::document::{self, DocumentError, MAX_PINS_BYTES, PINS_VERSION};

/// Why pins cannot be read or kept. The file is never overwritten where it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The file cannot be read.
    #[error("cannot read the pins file {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of ours, or is damaged.
    #[error("the pins file {path} does not hold pins: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file has a version that this program does not know.
    #[error("the pins file {path} has version {found}, this program knows {PINS_VERSION}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file cannot be written.
    #[error("cannot write the pins file {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
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
    let file = match open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Pins::default()),
        Err(error) => return Err(failed(error)),
    };
    let limit = u64::try_from(MAX_PINS_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Pins, PinsError> {
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
    let beside = real.with_file_name(name);
    let mut file = lock_beside(&beside).map_err(failed)?;
    let changed = load(path).and_then(|mut pins| {
        change(&mut pins);
        let text = document::format(&pins).map_err(|error| failed(error.into()))?;
        write_synced(&mut file, &text)
            .and_then(|()| fs::rename(&beside, &real))
            .map_err(failed)
    });
    if changed.is_err() {
        // Nobody needs what could not be put in place. Should it stay behind, the next run takes it over.
        _ = fs::remove_file(&beside);
    }
    changed?;
    let folder = real
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Opens a file, and nothing but a file: a pipe would make the reader wait, a device need not end.
fn open_regular(path: &Path) -> io::Result<fs::File> {
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is a device, pipe or socket"));
    }
    Ok(file)
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

/// Opens the file that is to take the place of another, and waits until this run alone has it. Its name is always the same, so
/// that a run that was killed leaves nothing that the next one does not clear away.
fn lock_beside(beside: &Path) -> io::Result<fs::File> {
    loop {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(beside)?;
        file.lock()?;
        // The run that held it before us has put it in place: then what we hold is the pins file itself, and must not be touched.
        let held = file.metadata()?;
        match fs::symlink_metadata(beside) {
            Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_synced(file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}
