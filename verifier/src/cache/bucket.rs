//! A cache in a bucket of its own. Each object has the name of its digest: one that somebody changed is not the one that the pins name.

use auditlog_chain::hash::Hash;

use super::{Cache, CacheError, FirstReason, KeptCache, MAX_CACHE_BYTES};
use crate::head::CacheFile;
use crate::source::{Condition, ReadError, S3Objects};

/// A bucket, or what is under a prefix of it, with the caches of logs.
#[derive(Debug)]
pub struct CacheBucket {
    bucket: S3Objects,
    prefix: String,
    unread: FirstReason<ReadError>,
}

impl CacheBucket {
    /// Under this prefix, which may be empty.
    pub fn new(bucket: S3Objects, prefix: &str) -> Self {
        let trimmed = prefix.trim_matches('/');
        let prefix = if trimmed.is_empty() {
            String::new()
        } else {
            format!("{trimmed}/")
        };
        Self {
            bucket,
            prefix,
            unread: FirstReason::none(),
        }
    }

    fn failed(&self, error: ReadError) -> CacheError {
        let address = self.bucket.address(&self.prefix);
        CacheError::Bucket { address, error }
    }

    fn key(&self, digest: Hash) -> String {
        format!("{}{digest}.json", self.prefix)
    }
}

impl Cache for CacheBucket {
    fn load(&self, digest: Hash) -> Option<Vec<u8>> {
        match self.bucket.read(&self.key(digest), MAX_CACHE_BYTES) {
            Ok(kept) => Some(kept?.bytes),
            Err(error) => {
                self.unread.keep(error);
                None
            }
        }
    }
}

impl KeptCache for CacheBucket {
    fn keep(&self, file: &CacheFile) -> Result<(), CacheError> {
        let key = self.key(file.digest());
        let written = self.bucket.write(&key, file.bytes(), Condition::Always);
        written.map(drop).map_err(|error| self.failed(error))
    }

    fn unread(&self) -> Option<CacheError> {
        self.unread.take().map(|error| self.failed(error))
    }

    fn remove(&self, digest: Hash) {
        self.bucket.remove(&self.key(digest));
    }
}
