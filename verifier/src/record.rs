//! What has been found so far, in bounded memory.

use auditlog_chain::origin::Origin;

use crate::finding::{Fault, Finding, Place, Unread};
use crate::report::Verdict;
use crate::source::ReadError;

/// Most findings of a kind that a report lists of one log; what goes beyond is counted. Stops a bucket of a billion strange
/// objects from filling the memory.
const MAX_LISTED: usize = 10_000;

/// Faults, things left unread, and notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) faults: Vec<Finding>,
    pub(crate) unread: Vec<Unread>,
    pub(crate) notes: Vec<String>,
    /// Faults, and things unread, that were found and are not listed.
    pub(crate) more_faults: u64,
    pub(crate) more_unread: u64,
}

impl Record {
    pub(crate) fn fault(&mut self, fault: Fault, place: Place) {
        if self.faults.len() < MAX_LISTED {
            self.faults.push(Finding { fault, place });
        } else {
            self.more_faults = self.more_faults.saturating_add(1);
        }
    }

    pub(crate) fn unread(&mut self, what: &str, log: Option<&Origin>, error: ReadError) {
        if self.unread.len() < MAX_LISTED {
            let ReadError { reason, hint } = error;
            self.unread.push(Unread {
                what: what.to_owned(),
                log: log.cloned(),
                reason,
                hint,
            });
        } else {
            self.more_unread = self.more_unread.saturating_add(1);
        }
    }

    pub(crate) fn note(&mut self, note: String) {
        if self.notes.len() < MAX_LISTED {
            self.notes.push(note);
        }
    }

    /// V27: any fault is a fault; else anything unread is no verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        if !self.faults.is_empty() {
            Verdict::Fault
        } else if !self.unread.is_empty() {
            Verdict::NoVerdict
        } else {
            Verdict::Verified
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.unread.extend(other.unread);
        self.notes.extend(other.notes);
        self.more_faults = self.more_faults.saturating_add(other.more_faults);
        self.more_unread = self.more_unread.saturating_add(other.more_unread);
    }
}
