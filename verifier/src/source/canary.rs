//! What a probe needs of a store, and no [`Source`](super::Source) has: writing.

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;

use super::ReadError;

/// What a store answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It says that it was done.
    Done(T),
    /// It refused: the HTTP status, and S3's code.
    Refused {
        /// The status.
        status: u16,
        /// The code; empty where there is none.
        code: String,
    },
    /// There was no answer to go by.
    Failed(ReadError),
}

/// The lock of the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryLock {
    /// Its mode.
    pub mode: LockMode,
    /// Until when, in whole seconds.
    pub until: Timestamp,
}

impl CanaryLock {
    /// A lock of one day from now on, in whole seconds.
    pub fn of_a_day(mode: LockMode, now: Timestamp) -> Self {
        let second = now.as_micros().div_euclid(1_000_000);
        let whole = Timestamp::from_micros(second.saturating_mul(1_000_000));
        Self {
            mode,
            until: whole.unwrap_or(now).saturating_add_days(1),
        }
    }
}

/// What is there of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its lock: the mode by its S3 name, and until when.
    pub lock: Option<(String, Timestamp)>,
}

/// A store in which the canary is put.
pub trait Canary {
    /// Puts an object where none may be, with a lock; its version id.
    fn create(&self, key: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>>;

    /// Puts an object over whatever is there, with a lock.
    fn overwrite(&self, key: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>>;

    /// Deletes a version for good.
    fn delete(&self, key: &str, version_id: &str) -> Answer<()>;

    /// Deletes the object without naming a version: sets a delete marker over it. The marker's version id; `None` where none was set.
    fn hide(&self, key: &str) -> Answer<Option<String>>;

    /// Sets the lock of a version.
    fn set_lock(&self, key: &str, version_id: &str, lock: CanaryLock) -> Answer<()>;

    /// Reads a version; refused where it is not there.
    fn look(&self, key: &str, version_id: &str) -> Answer<Seen>;
}
