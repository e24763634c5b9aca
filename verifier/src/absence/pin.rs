//! A pin, as the rules see it.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

use super::span::{Span, end_of};

/// The head of a log as a run saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// Number of the segment.
    pub(crate) segment: u64,
    /// Lines of the log up to its end.
    pub(crate) size: u64,
    /// Root over them.
    pub(crate) root: Hash,
    /// When it was sealed.
    pub(crate) sealed: Timestamp,
    /// When it was stored; `None` from a folder.
    pub(crate) stored: Option<Timestamp>,
}

impl Pin {
    /// Until when its segment is retained: by its own times, which no segment that comes later can change.
    pub(crate) fn kept_until(&self, lock: &[Span]) -> Timestamp {
        end_of(lock, self.stored.unwrap_or(self.sealed))
    }

    pub(crate) fn is_at(&self, (size, root): (u64, Hash)) -> bool {
        (self.size, self.root) == (size, root)
    }
}
