//! A store that counts requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::world::Memory;
use crate::source::{
    Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Storage, Version,
};

pub(super) struct Counted<'m> {
    memory: &'m Memory,
    reads: AtomicUsize,
    looks: AtomicUsize,
    ahead: Option<usize>,
}

impl<'m> Counted<'m> {
    pub(super) const fn over(memory: &'m Memory) -> Self {
        Self {
            memory,
            reads: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            ahead: None,
        }
    }

    /// The same, where at most so many bytes are read ahead.
    pub(super) const fn reading_ahead(mut self, bytes: usize) -> Self {
        self.ahead = Some(bytes);
        self
    }

    /// Requests for the bytes of an object.
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// Requests for the lock of an object alone.
    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Source for Counted<'_> {
    fn name(&self) -> String {
        self.memory.name()
    }
    fn has_storage(&self) -> bool {
        self.memory.has_storage()
    }
    fn scope(&self) -> &'static str {
        ""
    }
    fn read_ahead(&self) -> Option<usize> {
        self.ahead
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        self.memory.bucket()
    }
    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.memory.list(prefixes, each)
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.memory.read(key, version)
    }
    fn look(&self, key: &str, version: &Version) -> Result<Storage, ReadError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.memory.look(key, version)
    }
    fn clock(&self) -> Option<ClockReading> {
        self.memory.clock()
    }
}
