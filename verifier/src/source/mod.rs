//! Where the segments are stored: a folder or a bucket. A source lists once and reads one version at a time. It does not judge.

mod bounded;
mod canary;
mod evidence;
mod folder;
#[cfg(feature = "s3")]
mod s3;

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

pub use bounded::Bounded;
pub use canary::{Answer, Canary, CanaryLock, Seen};
pub use evidence::{Bucket, Lock, Marker, NewObjects, Object, Storage, Strength, Undated, Version};
pub use folder::Folder;
#[cfg(feature = "s3")]
pub(crate) use s3::{Condition, Written};
#[cfg(feature = "s3")]
pub use s3::{Payer, S3, S3Canary, S3Objects, S3Options};

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadError {
    /// What happened, to which thing.
    pub reason: String,
    /// What a person can do about it, if there is something to say.
    pub hint: Option<String>,
    /// Whether the store says that what it listed is not there.
    pub is_gone: bool,
}

impl ReadError {
    /// An error without a hint.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            hint: None,
            is_gone: false,
        }
    }

    /// The error where the store says that what it listed is not there (A1).
    #[must_use]
    pub fn of_gone(mut self) -> Self {
        self.is_gone = true;
        self
    }

    /// The error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One thing that a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A version of an object, or a file.
    Version {
        /// Its key.
        key: String,
        /// What is known of it.
        version: Version,
    },
    /// A delete marker.
    Marker {
        /// The key that it hides.
        key: String,
        /// The marker.
        marker: Marker,
    },
    /// Something under a log's prefix that no object of a bucket can be, such as a symbolic link.
    Foreign {
        /// Its key.
        key: String,
        /// What it is, in words.
        what: &'static str,
    },
    /// A segment of a folder that came after the listing had begun (A1).
    PassedOver {
        /// Its key.
        key: String,
    },
    /// A file that a sealer has not finished: it has no segment's name yet.
    Unfinished,
}

/// When a listing was made, by the clock of the store, or by ours where it sends no `Date` (A1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The `Date` of its first answer; `None` in a folder.
    pub begun: Option<Timestamp>,
    /// The `Date` of its last answer.
    pub ended: Option<Timestamp>,
}

/// What a store's clock said in one of its answers, and what this machine's did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The store's, in whole seconds.
    pub store: Timestamp,
    /// This machine's, when the answer was there.
    pub ours: Timestamp,
    /// Seconds by which the two differ at least, whatever the answer took.
    pub apart_seconds: i64,
}

impl ClockReading {
    /// A reading of the store's clock that was made between two of ours.
    pub fn between(sent: Timestamp, store: Timestamp, received: Timestamp) -> Self {
        // The store cuts off to the second.
        let behind = sent.seconds_since(store.saturating_add_seconds(1));
        let ahead = store.seconds_since(received);
        Self {
            store,
            ours: received,
            apart_seconds: behind.max(ahead).max(0),
        }
    }
}

/// Where the segments are stored.
pub trait Source: Sync {
    /// What a report calls it.
    fn name(&self) -> String;

    /// Whether it is a store whose versions, locks and times count as evidence.
    fn has_storage(&self) -> bool;

    /// The prefix that the listing is confined to, ended by `/`; empty for the whole source.
    fn scope(&self) -> &str;

    /// Bytes of objects that may be read ahead of their checks, where reading waits for a store. `None` where it does not: then each core
    /// reads what it checks.
    fn read_ahead(&self) -> Option<usize>;

    /// How the bucket is configured; `None` in a folder.
    ///
    /// # Errors
    ///
    /// Where the store does not say.
    fn bucket(&self) -> Result<Option<Bucket>, ReadError>;

    /// Lists everything once, versions of one key from the newest to the oldest. `prefixes` are those of the logs: in a
    /// folder, nothing else is listed.
    ///
    /// # Errors
    ///
    /// Where the listing is not complete.
    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError>;

    /// Reads one version.
    ///
    /// # Errors
    ///
    /// Where it cannot be read whole.
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError>;

    /// What the store says of one version now. Its bytes are not needed.
    ///
    /// # Errors
    ///
    /// Where it does not say, or where it has no such thing as a lock.
    fn look(&self, key: &str, version: &Version) -> Result<Storage, ReadError> {
        let storage = self.read(key, version)?.storage;
        storage.ok_or_else(|| ReadError::new(format!("{key} has no lock")))
    }

    /// The reading of the store's clock that was furthest from ours; `None` where it has no clock, or did not send its time.
    fn clock(&self) -> Option<ClockReading>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_by_what_the_time_of_an_answer_cannot_explain() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1000 + 1_000_000_000_000).unwrap();
        for (sent, store, received, apart) in [
            (0, 0, 0, 0),
            (999, 0, 1100, 0),
            (2000, 0, 2100, 1),
            (61_000, 0, 61_100, 60),
            (0, 20_000, 20_000, 0),
            (0, 60_000, 10, 59),
            (0, 60_000, 0, 60),
        ] {
            let reading = ClockReading::between(at(sent), at(store), at(received));
            assert_eq!(reading.apart_seconds, apart, "{sent} {store} {received}");
        }
    }
}
