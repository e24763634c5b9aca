//! What an earlier run found, kept so that the next one need not read it again.
//!
//! Segments are kept in *blocks*: a fixed number of neighbours that are all there, sound, and of which nothing at all was found,
//! not even a note. A block is named by everything that its result is a function of: the versions of its segments as the
//! listing has them, what the policy says of the log and its keys, the skew, and the version of the rules. Whatever of this
//! changes, the block has another name and is verified again.
//!
//! A cache is a claim. Only the pins make it evidence: they hold its SHA-256, and a cache that they do not name is as good as
//! none. So whoever can write to a cache alone can make a run slower, and nothing else.
//!
//! A block is used only below the pin: what is pinned, and what came after it, is always read.

mod block;
#[cfg(feature = "s3")]
mod bucket;
mod document;
mod folder;
mod log;

#[cfg(feature = "s3")]
pub use bucket::CacheBucket;
pub(crate) use document::Document;
pub use folder::CacheFolder;
pub(crate) use log::{LogCache, Piece};

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use auditlog_chain::hash::Hash;

use crate::head::CacheFile;
use crate::source::ReadError;

/// Bytes of the largest cache that is read: more than that of a hundred million segments has. Stops a file of any size from filling the memory.
const MAX_CACHE_BYTES: usize = 128 << 20;

/// Where a cache can be found by its digest.
pub trait Cache {
    /// The bytes with this digest; `None` where it has none. They are compared with the digest again.
    fn load(&self, digest: Hash) -> Option<Vec<u8>>;
}

/// Where a run keeps caches for the next one.
pub trait KeptCache: Cache {
    /// Keeps a file, before the pins name it.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    fn keep(&self, file: &CacheFile) -> Result<(), CacheError>;

    /// The first reason for which a file that is there could not be read. The verdict is the same without it.
    fn unread(&self) -> Option<CacheError>;

    /// Removes a file that the pins do not name. Where that fails, it is only in the way.
    fn remove(&self, digest: Hash);
}

/// Why a cache cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be used.
    #[error("cannot use {} as a cache: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The bucket cannot be used.
    #[error("cannot use {address} as a cache: {}", error.reason)]
    Bucket {
        /// Its address.
        address: String,
        /// Why.
        error: ReadError,
    },
}

/// The first of several reasons, from whichever thread.
#[derive(Debug)]
struct FirstReason<T>(Mutex<Option<T>>);

impl<T> FirstReason<T> {
    const fn none() -> Self {
        Self(Mutex::new(None))
    }

    fn keep(&self, reason: T) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(reason);
    }

    fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// No cache: everything is read, and what is kept is new.
#[derive(Clone, Copy, Debug)]
pub struct NoCache;

impl Cache for NoCache {
    fn load(&self, _: Hash) -> Option<Vec<u8>> {
        None
    }
}

/// Segments of a block in a log with so many. Few large blocks are quick to read, small ones have less to verify again.
pub(crate) fn block_size(segments: usize) -> u64 {
    if segments < 1 << 16 {
        1 << 6
    } else if segments < 1 << 20 {
        1 << 10
    } else {
        1 << 14
    }
}

/// Whether these bytes are the cache of a log, if the pins name them.
#[cfg(any(fuzzing, test))]
pub(crate) fn is_cache(bytes: &[u8], log: &auditlog_chain::origin::Origin) -> bool {
    let ended = auditlog_chain::timestamp::Timestamp::MAX;
    Document::read(bytes, Hash::of(bytes), log, ended).is_some()
}
