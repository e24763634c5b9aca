//! Which absent segments a search has to name: those in which an entry that is looked for may have been.

use auditlog_chain::timestamp::Timestamp;

use super::{Query, Read};

/// Goes along the segments that are there, in order, and keeps the gaps between them.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// Number that follows the last segment.
    next: u64,
    /// When the last segment was sealed; `None` where it was not accepted, or is not known.
    sealed: Option<Timestamp>,
    gaps: Vec<(u64, u64)>,
}

impl Absent {
    /// After the segment with this number, which was not read: what is looked for comes later.
    pub(super) fn after(last: Option<u64>) -> Self {
        Self {
            next: last.map_or(0, |last| last.saturating_add(1)),
            ..Self::default()
        }
    }

    /// The next segment that is there; what was read of it, where it was accepted.
    pub(super) fn segment(&mut self, query: &Query, number: u64, read: Option<&Read>) {
        let first = self.next;
        let last = number.checked_sub(1).filter(|last| *last >= first);
        if let Some(last) = last
            && self.may_have(query, read)
        {
            self.gaps.push((first, last));
        }
        self.next = number.saturating_add(1);
        self.sealed = read.and_then(|read| read.head.sealed);
    }

    /// Times never decrease: what is absent was sealed neither before the segment that precedes it nor after the one that follows.
    fn may_have(&self, query: &Query, following: Option<&Read>) -> bool {
        let before = following.and_then(|read| read.before.sealed);
        let is_early = query.from.zip(before);
        let is_late = query.to.zip(self.sealed);
        is_early.is_none_or(|(from, before)| before >= from)
            && is_late.is_none_or(|(to, sealed)| sealed < to)
    }

    pub(super) fn gaps(self) -> Vec<(u64, u64)> {
        self.gaps
    }
}
