//! Room on the disk that is kept for the segments that wait.
//!
//! What signs and stores a segment needs room for its frames and its object, before the write-ahead file is removed. If the queue filled the
//! disk to the last byte, nothing of it could ever be stored. So room is taken while a queue grows, and given to whoever stores segments once
//! the disk is full. Where it was given, or the disk was too full for it, nothing more is accepted until it can be taken, or nothing waits.
//! Where the file system takes no room ahead, nothing is kept. If we crash meanwhile, the next run finds the file, and makes it again where
//! it is too small.

use std::io::{Seek as _, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::Files;
use crate::error::{Error, is_full};

/// The file that takes the room.
pub(super) const RESERVE: &str = "reserve";

/// Where the room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nobody has needed it, or the disk gives none ahead.
    Nowhere,
    /// In its file, so many bytes.
    Kept(u64),
    /// With whoever stores segments, or the disk was too full for it.
    Given,
}

/// The room of one spool.
#[derive(Debug)]
pub(super) struct Reserve(Mutex<Place>);

impl Reserve {
    /// An earlier run may have left it. If it crashed while it took the room, the file is shorter.
    pub(super) fn found(files: &Files) -> Self {
        let file = files.disk.open(RESERVE);
        let bytes = file.and_then(|mut file| file.seek(SeekFrom::End(0)));
        Self(Mutex::new(bytes.map_or(Place::Nowhere, Place::Kept)))
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes, unless they are taken. Says whether they are.
    pub(super) fn take(&self, files: &Files, bytes: u64) -> bool {
        let mut place = self.place();
        if matches!(*place, Place::Kept(kept) if kept >= bytes) {
            return true;
        }
        let created = files.disk.create(RESERVE);
        match created.and_then(|mut file| file.reserve(bytes)) {
            Ok(()) => {
                *place = Place::Kept(bytes);
                true
            }
            Err(error) => {
                // Half of it would be unusable.
                _ = files.remove(RESERVE);
                if is_full(&error) {
                    *place = Place::Given;
                } else if *place != Place::Given {
                    *place = Place::Nowhere;
                }
                false
            }
        }
    }

    /// Gives it to whoever stores segments. Says whether there was any.
    pub(super) fn give(&self, files: &Files) -> bool {
        let mut place = self.place();
        if !matches!(*place, Place::Kept(_)) || files.remove(RESERVE).is_err() {
            return false;
        }
        *place = Place::Given;
        true
    }

    pub(super) fn is_given(&self) -> bool {
        *self.place() == Place::Given
    }

    /// Nothing waits any more.
    pub(super) fn end(&self, files: &Files) -> Result<(), Error> {
        let mut place = self.place();
        if matches!(*place, Place::Kept(_)) {
            files.remove(RESERVE)?;
        }
        *place = Place::Nowhere;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn room_that_an_earlier_run_has_taken_in_part_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            folder: folder.path().to_owned(),
            disk: Arc::new(RealDisk::new(folder.path())),
        };
        let path = folder.path().join(RESERVE);
        let length = || std::fs::metadata(&path).map(|file| file.len()).ok();
        std::fs::write(&path, [0; 100]).unwrap();
        let reserve = Reserve::found(&files);
        assert!(reserve.take(&files, 4096));
        assert_eq!(length(), Some(4096));
        // What is there is enough.
        assert!(Reserve::found(&files).take(&files, 1000));
        assert_eq!(length(), Some(4096));
        assert!(reserve.give(&files) && reserve.is_given());
        assert_eq!(length(), None);
        reserve.end(&files).unwrap();
        assert!(!reserve.is_given());
    }
}
