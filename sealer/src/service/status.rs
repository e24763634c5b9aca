//! What is known of one log while the service runs.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

/// The state of one log, which its thread keeps up to date.
#[derive(Debug)]
pub struct Status {
    origin: Mutex<String>,
    /// Why no batch is taken now; `None` where batches are taken.
    trouble: Mutex<Option<String>>,
    pub(super) events: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) repeats: AtomicU64,
    pub(super) sealed_segments: AtomicU64,
    pub(super) waiting_segments: AtomicU64,
    pub(super) next_segment: AtomicU64,
    pub(super) size: AtomicU64,
}

impl Status {
    /// Before the log's head is found.
    pub fn new(name: &str) -> Self {
        Self {
            origin: Mutex::new(name.to_owned()),
            trouble: Mutex::new(Some("the head of the log is not found yet".to_owned())),
            events: AtomicU64::default(),
            batches: AtomicU64::default(),
            bytes: AtomicU64::default(),
            repeats: AtomicU64::default(),
            sealed_segments: AtomicU64::default(),
            waiting_segments: AtomicU64::default(),
            next_segment: AtomicU64::default(),
            size: AtomicU64::default(),
        }
    }

    /// Why no batch is taken now.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why no batch is taken now, or that batches are taken.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// The origin of the log; its name until its policy was read.
    pub fn origin(&self) -> String {
        let origin = self.origin.lock();
        origin.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policy was read.
    pub fn set_origin(&self, origin: &str) {
        let known = self.origin.lock();
        origin.clone_into(&mut known.unwrap_or_else(PoisonError::into_inner));
    }
}
