//! What has been found so far, in bounded memory.

use serde::{Deserialize, Serialize};

use crate::acknowledged::Acknowledged;
use crate::fault::Fault;
use crate::note::Note;
use crate::place::{Place, Placed};
use crate::source::ReadError;
use crate::undecided::{Undecided, Unreadable};
use crate::verdict::Verdict;

/// Most things of a kind that a report lists of one log; what goes beyond is counted. Stops a bucket of a billion strange
/// objects from filling the memory.
const MAX_LISTED: usize = 10_000;

/// Faults, acknowledged faults, undecided things, and notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) faults: Found<Fault>,
    pub(crate) acknowledged: Found<Acknowledged>,
    pub(crate) undecided: Found<Undecided>,
    pub(crate) notes: Found<Note>,
}

/// Things of one kind: the first of them, and the number of those that are not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found<T> {
    listed: Vec<Placed<T>>,
    more: u64,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            listed: Vec::new(),
            more: 0,
        }
    }
}

impl<T> Found<T> {
    pub(crate) fn listed(&self) -> &[Placed<T>] {
        &self.listed
    }

    /// How many were found and are not listed.
    pub(crate) const fn more(&self) -> u64 {
        self.more
    }

    /// How many were found.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.listed.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.more)
    }

    /// Whether as many are listed as have room.
    fn is_full_or_all_listed(&self) -> bool {
        let is_full = self.listed.len() == MAX_LISTED;
        is_full || (self.more == 0 && self.listed.len() < MAX_LISTED)
    }

    fn push(&mut self, what: T, place: Place) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(Placed { what, place });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Leaves out so many of those that are counted and not listed.
    pub(crate) fn forget_unlisted(&mut self, count: u64) {
        self.more = self.more.saturating_sub(count);
    }

    /// Takes in what was found after this, as if it had been found here.
    fn append(&mut self, next: Self, is_new: impl Fn(&T) -> bool) {
        let new = next.listed.into_iter().filter(|one| is_new(&one.what));
        new.for_each(|one| self.push(one.what, one.place));
        self.more = self.more.saturating_add(next.more);
    }

    fn merge(&mut self, other: Self) {
        self.listed.extend(other.listed);
        self.more = self.more.saturating_add(other.more);
    }
}

impl Record {
    /// Whether nothing is counted that has room in a list, and no list is longer than that.
    pub(crate) fn is_full_or_all_listed(&self) -> bool {
        self.faults.is_full_or_all_listed()
            && self.acknowledged.is_full_or_all_listed()
            && self.undecided.is_full_or_all_listed()
            && self.notes.is_full_or_all_listed()
    }

    pub(crate) fn fault(&mut self, fault: Fault, place: Place) {
        self.faults.push(fault, place);
    }

    pub(crate) fn acknowledged(&mut self, acknowledged: Acknowledged, place: Place) {
        self.acknowledged.push(acknowledged, place);
    }

    pub(crate) fn undecided(&mut self, undecided: Undecided, place: Place) {
        self.undecided.push(undecided, place);
    }

    pub(crate) fn unreadable(&mut self, what: Unreadable, error: ReadError, place: Place) {
        self.undecided(Undecided::Unreadable { what, error }, place);
    }

    pub(crate) fn note(&mut self, note: Note, place: Place) {
        self.notes.push(note, place);
    }

    /// V27: any fault gives a fault; otherwise anything undecided gives no verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.faults.count() > 0 {
            Verdict::Fault
        } else if self.undecided.count() > 0 {
            Verdict::NoVerdict
        } else {
            Verdict::Verified
        }
    }

    /// Takes in what was found in the same log after this, as if it had been found here. An undecided thing that is not new is
    /// left out.
    pub(crate) fn append(&mut self, next: Self, is_new: impl Fn(&Undecided) -> bool) {
        self.faults.append(next.faults, |_| true);
        self.acknowledged.append(next.acknowledged, |_| true);
        self.undecided.append(next.undecided, is_new);
        self.notes.append(next.notes, |_| true);
    }

    /// Takes in what was found elsewhere: each log lists as many things as it has room for.
    pub(crate) fn merge(&mut self, other: Self) {
        self.faults.merge(other.faults);
        self.acknowledged.merge(other.acknowledged);
        self.undecided.merge(other.undecided);
        self.notes.merge(other.notes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_counted() {
        let mut record = Record::default();
        for count in 0..10_003 {
            record.note(Note::UnfinishedFiles { count }, Place::default());
            record.fault(Fault::ObjectReplica, Place::default());
        }
        for (listed, more, count) in [
            (
                record.notes.listed().len(),
                record.notes.more(),
                record.notes.count(),
            ),
            (
                record.faults.listed().len(),
                record.faults.more(),
                record.faults.count(),
            ),
        ] {
            assert_eq!((listed, more, count), (10_000, 3, 10_003));
        }
        assert_eq!(record.verdict(), Verdict::Fault);
    }
}
