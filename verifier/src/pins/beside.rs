//! The file that is written beside another one and then takes its place, held by one run at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::error::PinsError;

/// How often a lock that somebody else has is tried.
const PERIOD: Duration = Duration::from_millis(20);

/// The file beside the one that it is to replace. Dropped before it has done so, it is removed.
pub(super) struct Beside {
    path: PathBuf,
    file: File,
}

/// Why it cannot be had.
pub(super) enum BesideError {
    /// The operating system says so.
    Io(io::Error),
    /// What is there is not ours to write to.
    Refused(PinsError),
}

impl From<io::Error> for BesideError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Beside {
    /// Opens it, and waits until this run alone has it. Its name is always the same, so that the next run takes over what a run
    /// that was killed has left.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Self, BesideError> {
        loop {
            let file = open_file(path)?;
            lock(&file, path, patience)?;
            // The run that held it before us has put it in place: then what we hold is the pins file itself, and must not be
            // written to.
            let held = file.metadata()?;
            let there = match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                there => there?,
            };
            if (there.dev(), there.ino()) != (held.dev(), held.ino()) {
                continue;
            }
            if held.nlink() > 1 {
                // What is written to it would be written to the file with the other name, too.
                return Err(refused(path, "a hard link to another file"));
            }
            let path = path.to_owned();
            return Ok(Self { path, file });
        }
    }

    /// Writes it and puts it in the place of another file. After a crash, the old file or the new one is there.
    pub(super) fn take_the_place_of(mut self, real: &Path, bytes: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.path, real)?;
        let folder = real.parent();
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let ours = |there: fs::Metadata| {
            let held = self.file.metadata().ok()?;
            Some((there.dev(), there.ino()) == (held.dev(), held.ino()))
        };
        // It is still there only where it could not take the other file's place.
        if fs::symlink_metadata(&self.path).ok().and_then(ours) == Some(true) {
            _ = fs::remove_file(&self.path);
        }
    }
}

fn refused(path: &Path, what: &'static str) -> BesideError {
    BesideError::Refused(PinsError::Beside {
        path: path.to_owned(),
        what,
    })
}

fn open_file(path: &Path) -> Result<File, BesideError> {
    let opened = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => refused(path, "a symbolic link"),
        Some(libc::EISDIR) => refused(path, "a folder"),
        Some(libc::ENXIO) => refused(path, "a pipe or socket"),
        _ => error.into(),
    })?;
    if !file.metadata()?.is_file() {
        return Err(refused(path, "a device, pipe or socket"));
    }
    Ok(file)
}

fn lock(file: &File, path: &Path, patience: Duration) -> Result<(), BesideError> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if waited >= patience => {
                return Err(BesideError::Refused(PinsError::Locked {
                    path: path.to_owned(),
                    seconds: patience.as_secs(),
                }));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        thread::sleep(PERIOD);
        waited = waited.saturating_add(PERIOD);
    }
}
