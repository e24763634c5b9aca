//! Room on the disk that is kept for the segments that wait.
//!
//! What signs and stores a segment needs room for its frames and its object, before the write-ahead file is removed. If the queue filled the
//! disk to the last byte, nothing of it could ever be stored. So room is taken while a queue grows, and given to whoever stores segments once
//! the disk is full. Until it is taken again, nothing more is accepted. If we crash meanwhile, the next run finds the file.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::Files;
use crate::error::Error;

/// The file that takes the room.
pub(super) const RESERVE: &str = "reserve";

/// Where the room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nobody has needed it, or the disk gives none ahead.
    Nowhere,
    /// In its file.
    Kept,
    /// With whoever stores segments.
    Given,
}

/// The room of one spool.
#[derive(Debug)]
pub(super) struct Reserve(Mutex<Place>);

impl Reserve {
    /// An earlier run may have left it.
    pub(super) fn found(names: &[String]) -> Self {
        let is_there = names.iter().any(|name| name == RESERVE);
        Self(Mutex::new(if is_there {
            Place::Kept
        } else {
            Place::Nowhere
        }))
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes, unless they are taken. Says whether they are.
    pub(super) fn take(&self, files: &Files, bytes: u64) -> bool {
        let mut place = self.place();
        if *place != Place::Kept {
            let taken = files.disk.create(RESERVE);
            let taken = taken.and_then(|mut file| file.reserve(bytes));
            if taken.is_err() {
                // Half of it would be unusable.
                _ = files.remove(RESERVE);
                return false;
            }
            *place = Place::Kept;
        }
        true
    }

    /// Gives it to whoever stores segments. Says whether there was any.
    pub(super) fn give(&self, files: &Files) -> bool {
        let mut place = self.place();
        if *place != Place::Kept || files.remove(RESERVE).is_err() {
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
        if *place == Place::Kept {
            files.remove(RESERVE)?;
        }
        *place = Place::Nowhere;
        Ok(())
    }
}
