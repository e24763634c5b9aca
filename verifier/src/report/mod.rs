//! What a verification came to: one value, written as text for people and as JSON for programs. All text about what was found
//! is made in this folder.

mod fault;
mod html;
mod json;
mod junit;
mod last_line;
mod markup;
mod note;
mod plain;
mod rules;
mod several;
mod stanza;
#[cfg(test)]
mod tests;
mod text;
mod undecided;
mod words;

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;

use crate::acknowledged::Acknowledged;
use crate::fault::Fault;
use crate::head::VerifiedHead;
use crate::holes::Holes;
use crate::latest::Latest;
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::pin::Pin;
use crate::pins::{PinsError, Taken};
use crate::place::{Place, Placed};
use crate::record::Record;
use crate::run::Run;
use crate::source::Version;
use crate::timeline::Timeline;
use crate::undecided::Undecided;
use crate::verdict::Verdict;

pub use html::PageContext;
pub use plain::plain;
pub use several::{NoReport, OfPolicy, Several};
pub use words::entries_word;

/// The page that says what was seen, what it usually means and what to do. Its name is as stable as the code.
fn help(code: &str) -> String {
    format!("docs/codes/{code}.md")
}

/// What was seen of one log. Numbers, times and keys are those of its sound segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReport {
    /// The log.
    pub origin: Origin,
    /// Where it is stored.
    pub prefix: String,
    /// The verdict on this log alone.
    pub verdict: Verdict,
    /// Number of sound segments.
    pub segments: u64,
    /// Number of entries in them.
    pub entries: u64,
    /// Number of the first one.
    pub first_segment: Option<u64>,
    /// When the first one was opened.
    pub opened: Option<Timestamp>,
    /// The last one.
    pub head: Option<Pin>,
    /// Segments that are absent and may be.
    pub holes: Holes,
    /// Number of object keys where plain readers see something else than the version that was verified: a disowned version,
    /// or a delete marker.
    pub shadowed: u64,
    /// Ids of the keys that signed, in hex, in the order in which they first did.
    pub keys: Vec<String>,
    /// Its segments along time.
    pub timeline: Timeline,
    pub(crate) verified: Option<VerifiedHead>,
    /// The versions of its last segments.
    pub(crate) ends: BTreeMap<u64, Version>,
    /// Its last entries, where the page is to show them.
    pub(crate) latest: Option<Latest>,
}

impl LogReport {
    /// The head, where the log verified.
    pub const fn verified(&self) -> Option<&VerifiedHead> {
        self.verified.as_ref()
    }
}

/// What a verification came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(crate) policy_digest: Hash,
    pub(crate) target: String,
    pub(crate) now: Timestamp,
    pub(crate) at: Timestamp,
    /// Whether a person asked for that time.
    pub(crate) is_asked_for: bool,
    pub(crate) logs: Vec<LogReport>,
    pub(crate) record: Record,
    pub(crate) not_checked: Vec<NotChecked>,
    pub(crate) run: Run,
}

impl Report {
    /// The verdict on everything.
    pub fn verdict(&self) -> Verdict {
        self.record.verdict()
    }

    /// The logs, in the order of the policy.
    pub fn logs(&self) -> &[LogReport] {
        &self.logs
    }

    /// The faults; [`Report::fault_count`] counts those too that are not listed.
    pub fn faults(&self) -> &[Placed<Fault>] {
        self.record.faults.listed()
    }

    /// How many faults there are.
    pub fn fault_count(&self) -> u64 {
        self.record.faults.count()
    }

    /// The faults that the policy acknowledges.
    pub fn acknowledged(&self) -> &[Placed<Acknowledged>] {
        self.record.acknowledged.listed()
    }

    /// What could not be read or decided; [`Report::undecided_count`] counts what is not listed, too.
    pub fn undecided(&self) -> &[Placed<Undecided>] {
        self.record.undecided.listed()
    }

    /// How many things could not be read or decided.
    pub fn undecided_count(&self) -> u64 {
        self.record.undecided.count()
    }

    /// Number of segments that were not read, because an earlier run had verified them.
    const fn cached_segments(&self) -> u64 {
        match self.run {
            Run::Whole {
                cached_segments: Some(cached),
            } => cached,
            Run::Whole {
                cached_segments: None,
            }
            | Run::Head { .. }
            | Run::Merged { .. } => 0,
        }
    }

    /// What was not read again, in words; `None` where everything was read.
    fn not_read_again(&self) -> Option<String> {
        let cached = self.cached_segments();
        let segments = words::plural(cached, "segment");
        (cached > 0).then(|| {
            format!("all but {cached} {segments} that an earlier run verified and the cache has")
        })
    }

    /// What is worth saying, and is not a reason to fail.
    pub fn notes(&self) -> &[Placed<Note>] {
        self.record.notes.listed()
    }

    /// What was not checked, and was not meant to be.
    pub fn not_checked(&self) -> &[NotChecked] {
        &self.not_checked
    }

    /// Says that nothing before a segment of a log was read. Not every rule was judged then, so its head cannot be pinned.
    pub(crate) fn leave_out_before(&mut self, origin: &Origin, segment: u64) {
        for log in self.logs.iter_mut().filter(|log| log.origin == *origin) {
            log.verified = None;
        }
        let origin = origin.clone();
        self.not_checked
            .push(NotChecked::Before { origin, segment });
    }

    /// Takes in what became of the head of a log that was to be pinned: the log may not keep its verdict (A5).
    pub fn take_in(&mut self, origin: &Origin, taken: Taken) {
        let place = Place::of_log(origin);
        let verdict = match taken {
            Taken::Pinned => return,
            Taken::UpToHead { pinned } => {
                return self.record.note(Note::UpToHead { pinned }, place);
            }
            Taken::NotSeen { segment } => {
                self.record
                    .undecided(Undecided::PinNotSeen { segment }, place);
                Verdict::NoVerdict
            }
            Taken::Forked { expected, found } => {
                self.record
                    .fault(Fault::HeadForked { expected, found }, place);
                Verdict::Fault
            }
        };
        for log in self.logs.iter_mut().filter(|log| log.origin == *origin) {
            log.verdict = verdict;
            log.verified = None;
        }
    }

    /// Says that the heads of this run could not be pinned: a report of success becomes one of no verdict.
    pub fn add_pins_not_kept(&mut self, error: &PinsError) {
        let undecided = Undecided::PinsNotKept {
            reason: error.to_string(),
            hint: error.hint().to_owned(),
        };
        self.record.undecided(undecided, Place::default());
    }
}
