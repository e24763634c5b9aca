//! What the service says of itself: health, readiness and metrics.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The state of one log, which its thread keeps up to date.
#[derive(Debug)]
pub struct Status {
    origin: String,
    /// Why no batch is taken now; `None` where batches are taken.
    trouble: Mutex<Option<String>>,
    pub(super) events: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) repeats: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) sealed_segments: AtomicU64,
    pub(super) waiting_segments: AtomicU64,
    pub(super) next_segment: AtomicU64,
    pub(super) size: AtomicU64,
}

impl Status {
    /// Before the log's head is found.
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            trouble: Mutex::new(Some("the head of the log is not found yet".to_owned())),
            events: AtomicU64::default(),
            batches: AtomicU64::default(),
            bytes: AtomicU64::default(),
            repeats: AtomicU64::default(),
            refused: AtomicU64::default(),
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

    /// The metrics, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        let ready = u64::from(self.trouble().is_none());
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, kind, help, value) in [
            ("ready", "gauge", "1 while batches are taken", ready),
            (
                "accepted_events_total",
                "counter",
                "Events accepted",
                load(&self.events),
            ),
            (
                "accepted_batches_total",
                "counter",
                "Batches accepted",
                load(&self.batches),
            ),
            (
                "accepted_bytes_total",
                "counter",
                "Bytes of accepted events",
                load(&self.bytes),
            ),
            (
                "repeated_batches_total",
                "counter",
                "Batches that had been accepted before",
                load(&self.repeats),
            ),
            (
                "refused_batches_total",
                "counter",
                "Batches that could not be taken",
                load(&self.refused),
            ),
            (
                "sealed_segments_total",
                "counter",
                "Segments stored by this process",
                load(&self.sealed_segments),
            ),
            (
                "waiting_segments",
                "gauge",
                "Closed segments that are not stored yet",
                load(&self.waiting_segments),
            ),
            (
                "next_segment",
                "gauge",
                "Number of the next segment of the log in the store",
                load(&self.next_segment),
            ),
            (
                "log_size",
                "gauge",
                "Lines of the log in the store",
                load(&self.size),
            ),
        ] {
            // Writing into a string cannot fail.
            _ = writeln!(
                text,
                "# HELP auditlog_sealer_{name} {help}.\n# TYPE auditlog_sealer_{name} {kind}\nauditlog_sealer_{name}{{log=\"{}\"}} {value}",
                self.origin
            );
        }
        text
    }
}
