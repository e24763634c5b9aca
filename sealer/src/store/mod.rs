//! Where segments are kept: created once, never changed, found again by listing versions.

use auditlog_chain::timestamp::Timestamp;

use crate::error::{Error, StoreKind};

mod clock;
mod find;
mod folder;
mod s3;

pub use clock::{Clock, ClockReading, Uptime};
pub use find::{Gap, Listing, Oddity, Present, list_log};
pub use folder::Folder;
pub use s3::{Bucket, BucketSettings, Lock, LockSource, WeakDefault};

/// A place for segments. Keys are those of a bucket: parts with a single `/` between them.
pub trait Store: Send + Sync {
    /// Its name for people, such as `s3://bucket`.
    fn place(&self) -> &str;

    /// What it is.
    fn kind(&self) -> StoreKind {
        StoreKind::Bucket
    }

    /// The store's clock and ours at the last answer; `None` where the store has no clock of its own.
    fn reading(&self) -> Option<ClockReading> {
        None
    }

    /// What time it was, by the store's clock where it has one of its own, at the last answer.
    fn time(&self) -> Option<Timestamp> {
        self.reading().map(|reading| reading.theirs)
    }

    /// Checks that it is set up as declared and that its clock agrees with ours. Writes nothing.
    ///
    /// # Errors
    ///
    /// Names what is not as it must be.
    fn check(&self) -> Result<(), Error>;

    /// From now on, this lock of new objects is declared.
    fn declare(&self, lock: LockSource) {
        _ = lock;
    }

    /// Asks how the store locks what it is given. Says whether that is weaker than declared.
    ///
    /// # Errors
    ///
    /// Where it does not lock at all, or cannot be asked.
    fn check_lock(&self) -> Result<Option<WeakDefault>, Error> {
        Ok(None)
    }

    /// What the last answer said, if it is weaker than declared. Segments are locked as declared.
    fn weak_default(&self) -> Option<WeakDefault> {
        None
    }

    /// Visits every version and marker under a folder of keys (given without `/` at its end), ordered by key.
    ///
    /// # Errors
    ///
    /// What the store or the visitor say.
    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Counts the versions of one object.
    ///
    /// # Errors
    ///
    /// What the store says, and a marker on the object.
    fn versions(&self, key: &str) -> Result<usize, Error>;

    /// Reads an object; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is larger than a segment may be.
    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Creates an object, durably, unless it is there.
    ///
    /// # Errors
    ///
    /// Where that cannot be known; it may then have been created.
    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error>;
}

/// One line of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// The object's key.
    pub key: &'a str,
    /// What it is.
    pub kind: VersionKind,
    /// When it was made, by the store's clock.
    pub modified: Option<Timestamp>,
}

/// What a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// An object.
    Object,
    /// A mark that hides the object.
    DeleteMarker,
}

/// What [`Store::create`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The object is new and durable.
    New,
    /// An object was there before; it may be our own, of a write that was not answered.
    Exists,
}
