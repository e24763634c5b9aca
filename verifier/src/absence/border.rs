//! The facts about borders that the rules are functions of.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The last sound segment before absent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// Its number.
    pub(crate) number: u64,
    /// Lines of the log up to its end.
    pub(crate) size: u64,
    /// Root over them.
    pub(crate) root: Hash,
    /// When it was sealed.
    pub(crate) sealed: Timestamp,
    /// When it was stored; `None` in a folder.
    pub(crate) stored: Option<Timestamp>,
}

/// The next segment after absent ones, and what it claims came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// Its number.
    pub(crate) number: u64,
    /// Index of its first line: the size before it.
    pub(crate) first_index: u64,
    /// Root over its `left`.
    pub(crate) root_before: Hash,
    /// Its `sealed_before`.
    pub(crate) sealed_before: Timestamp,
    /// When it was stored; `None` in a folder.
    pub(crate) stored: Option<Timestamp>,
}

/// Numbers of absent segments, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
}

impl Range {
    /// Whether a segment is among them.
    pub(crate) const fn has(self, number: u64) -> bool {
        self.first <= number && number <= self.last
    }
}

/// A segment that is known from elsewhere and absent: a pinned head, or a listed version that was gone when it was read.
/// However the borders look, it must be kept for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Its number.
    pub(crate) number: u64,
    /// Until when it is retained.
    pub(crate) kept_until: Timestamp,
}
