//! A source that stops answering once it has given as much as somebody wanted to pay for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Version};

/// A source bounded by time and size. What is beyond its bounds is unreadable, so that a verification beyond them has no verdict.
///
/// What was begun in time and ended late is not used. Only the source itself can be cut short: a bucket by the deadline of its options.
pub struct Bounded<'s> {
    source: &'s dyn Source,
    begun: Instant,
    time: Duration,
    bytes: u64,
    read: AtomicU64,
}

impl<'s> Bounded<'s> {
    /// Bounds a source to this time from `begun` on, and to reading this many bytes of objects.
    pub fn new(source: &'s dyn Source, begun: Instant, time: Duration, bytes: u64) -> Self {
        Self {
            source,
            begun,
            time,
            bytes,
            read: AtomicU64::new(0),
        }
    }

    fn check_time(&self, what: &str) -> Result<(), ReadError> {
        if self.begun.elapsed() < self.time {
            return Ok(());
        }
        let seconds = self.time.as_secs();
        Err(
            ReadError::new(format!("{what} within the bound of {seconds} seconds"))
                .with_hint("raise the bound on time, or run auditlog-verify"),
        )
    }

    fn check_bytes(&self, key: &str, bytes: u64) -> Result<(), ReadError> {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.bytes {
            return Ok(());
        }
        let bound = self.bytes;
        Err(
            ReadError::new(format!("{key} is beyond the bound of {bound} bytes"))
                .with_hint("raise the bound on bytes, or run auditlog-verify"),
        )
    }
}

impl Source for Bounded<'_> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn has_storage(&self) -> bool {
        self.source.has_storage()
    }

    fn scope(&self) -> &str {
        self.source.scope()
    }

    fn read_ahead(&self) -> Option<usize> {
        self.source.read_ahead()
    }

    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        let without = "the configuration of the bucket was not read";
        self.check_time(without)?;
        let bucket = self.source.bucket();
        self.check_time(without)?;
        bucket
    }

    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        let listing = self.source.list(prefixes, each);
        self.check_time("the versions could not be listed")?;
        listing
    }

    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let without = format!("{key} was not read");
        self.check_time(&without)?;
        self.check_bytes(key, version.bytes)?;
        let object = self.source.read(key, version);
        self.check_time(&without)?;
        object
    }

    fn clock(&self) -> Option<ClockReading> {
        self.source.clock()
    }
}
