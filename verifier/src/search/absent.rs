//! Which absent segments a search has to name: those in which an entry that is looked for may have been.

use auditlog_chain::timestamp::Timestamp;

/// The times of a segment that was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When the segment before it was sealed, as it says.
    pub(super) before: Option<Timestamp>,
    /// When it was sealed itself.
    pub(super) sealed: Option<Timestamp>,
}

/// Goes along the segments that are there, in order, and keeps the gaps between them.
#[derive(Debug)]
pub(super) struct Absent {
    /// Nothing before this time is looked for, and nothing at or after that one.
    span: (Option<Timestamp>, Option<Timestamp>),
    /// Number that follows the last segment.
    next: u64,
    /// When the last segment was sealed; `None` where it was not accepted, or is not known.
    sealed: Option<Timestamp>,
    gaps: Vec<(u64, u64)>,
}

impl Absent {
    /// After the segment with this number, which was not read: what is looked for comes later.
    pub(super) fn after(last: Option<u64>, span: (Option<Timestamp>, Option<Timestamp>)) -> Self {
        Self {
            span,
            next: last.map_or(0, |last| last.saturating_add(1)),
            sealed: None,
            gaps: Vec::new(),
        }
    }

    /// The next segment that is there; its times, where it was accepted.
    pub(super) fn segment(&mut self, number: u64, times: Option<Times>) {
        let first = self.next;
        let last = number.checked_sub(1).filter(|last| *last >= first);
        if let Some(last) = last
            && self.may_have(times)
        {
            self.gaps.push((first, last));
        }
        self.next = number.saturating_add(1);
        self.sealed = times.and_then(|times| times.sealed);
    }

    /// Times never decrease: what is absent was sealed neither before the segment that precedes it nor after the one that follows.
    fn may_have(&self, following: Option<Times>) -> bool {
        let (from, to) = self.span;
        let is_early = from.zip(following.and_then(|times| times.before));
        let is_late = to.zip(self.sealed);
        is_early.is_none_or(|(from, before)| before >= from)
            && is_late.is_none_or(|(to, sealed)| sealed < to)
    }

    pub(super) fn gaps(self) -> Vec<(u64, u64)> {
        self.gaps
    }
}
