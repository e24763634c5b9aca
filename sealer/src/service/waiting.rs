//! What is accepted and not stored: on this machine's disk alone.

use std::time::{Duration, Instant};

use auditlog_chain::timestamp::Timestamp;

use crate::seal::Unstored;
use crate::spool::{Kept, KeptEnd};

/// What is accepted and not stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Closed segments.
    pub(super) segments: u64,
    /// Bytes of their lines.
    pub(super) bytes: u64,
    /// Bytes of all lines, also of the open segment.
    pub(super) unstored_bytes: u64,
    /// How old the oldest of it was when somebody looked; `None` where there is nothing.
    age: Option<(Duration, Instant)>,
}

impl Waiting {
    pub(super) fn new(segments: u64, bytes: u64, unstored: Unstored, now: Timestamp) -> Self {
        let age = unstored.since.map(|since| {
            let seconds = u64::try_from(now.seconds_since(since)).unwrap_or(0);
            (Duration::from_secs(seconds), Instant::now())
        });
        Self {
            segments,
            bytes,
            unstored_bytes: unstored.bytes,
            age,
        }
    }

    /// What the files of a spool hold, the oldest first, until it is known which of them are stored.
    pub(super) fn of_files(kept: &[Kept], now: Timestamp) -> Self {
        let closed = || kept.iter().filter(|kept| kept.end == KeptEnd::Closed);
        let segments = u64::try_from(closed().count()).unwrap_or(u64::MAX);
        let bytes = closed().map(|kept| kept.line_bytes);
        let all = kept.iter().map(|kept| kept.line_bytes);
        let unstored = Unstored {
            bytes: all.fold(0, u64::saturating_add),
            since: kept.first().map(|kept| kept.opened),
        };
        Self::new(segments, bytes.fold(0, u64::saturating_add), unstored, now)
    }

    /// For how many seconds the oldest of it has waited; `None` where all is stored.
    pub(super) fn unstored_seconds(&self) -> Option<u64> {
        let (age, looked) = self.age?;
        Some(age.saturating_add(looked.elapsed()).as_secs())
    }
}
