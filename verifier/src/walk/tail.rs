//! What only the whole log shows: its end, its silence since, and whether its head has gone back (V9, V10, V15, V24, V25).

use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use super::Walk;
use crate::fault::{Fault, Silence};
use crate::holes::Holes;
use crate::note::Note;
use crate::pin::Pin;
use crate::place::Place;
use crate::record::Record;
use crate::source::Version;
use crate::time::check_silence;
use crate::undecided::Undecided;

/// What was seen of one log, and what was found.
pub(crate) struct Walked {
    /// Number of sound segments, and of entries in them.
    pub(crate) segments: u64,
    pub(crate) entries: u64,
    /// Number of the first sound segment, and when it was opened.
    pub(crate) first: Option<(u64, Timestamp)>,
    /// The last one.
    pub(crate) last: Option<Pin>,
    pub(crate) holes: Holes,
    /// Number of keys where plain readers see something else than the version that was verified.
    pub(crate) shadowed: u64,
    pub(crate) keys: Vec<String>,
    pub(crate) record: Record,
}

impl Walk<'_> {
    /// What only the whole log shows.
    pub(crate) fn finish(mut self) -> Walked {
        let log = self.plan.log;
        let place = Place::of_log(&log.origin);
        if log.format == FORMAT {
            match &self.previous {
                // V6: nothing found is never success.
                None => {
                    let prefix = log.prefix.clone();
                    self.record.fault(Fault::LogEmpty { prefix }, place);
                }
                Some(previous) => self.check_tail(previous.number, previous.stored),
            }
        } else {
            let found = log.format;
            self.record
                .undecided(Undecided::Unsupported { found }, place);
        }
        Walked {
            segments: self.segments,
            entries: self.entries,
            first: self.first,
            last: self.last,
            holes: self.holes,
            shadowed: 0,
            keys: self.signed_by,
            record: self.record,
        }
    }

    fn check_tail(&mut self, last: u64, stored: Option<Timestamp>) {
        let log = self.plan.log;
        let end = log.ended.as_ref().map(|ended| ended.segment);
        // V9, V10: what the declared end, or a delete marker, shows to have been there.
        let shown = self
            .plan
            .slots
            .range(..=end.unwrap_or(u64::MAX))
            .next_back()
            .map(|(number, _)| *number);
        if let Some(shown) = end.or(shown).filter(|shown| *shown > last) {
            let first = last.saturating_add(1);
            let place = self.place(first);
            self.record.fault(
                Fault::SegmentMissing {
                    first,
                    last: shown,
                    kept_until: None,
                },
                place,
            );
        }
        // V15: a log that ends before its last good segment has lost it.
        for expected in self.last_good_positions() {
            if expected.segment > last && end.is_none_or(|end| expected.segment <= end) {
                let place = self.place(expected.segment);
                self.record.fault(
                    Fault::LastGoodMismatch {
                        expected,
                        found: None,
                    },
                    place,
                );
            }
        }
        // V24: silence until now.
        let sealed = self
            .last
            .filter(|pin| pin.position.segment == last)
            .map(|pin| pin.sealed);
        let heard = if self.has_storage { stored } else { sealed };
        if let Some(since) = heard.filter(|_| end.is_none()) {
            let place = self.place(last);
            if let Some(fault) =
                check_silence(&log.max_silence, since, self.request.at, Silence::Last)
            {
                self.record.fault(fault, place);
            }
        }
        self.check_head(last, end);
        self.note_disowned();
    }

    /// V25: the head has not gone back behind the pinned one.
    fn check_head(&mut self, last: u64, end: Option<u64>) {
        let log = Place::of_log(&self.plan.log.origin);
        match self.pin.map(|pin| pin.position) {
            None => self.record.note(Note::NoPin, log),
            Some(pin) if end.is_some_and(|end| pin.segment > end) => {
                let segment = pin.segment;
                self.record.note(Note::PinDisowned { segment }, log);
            }
            Some(expected) if expected.segment > last => {
                let place = self.place(last);
                self.record.fault(
                    Fault::HeadRolledBack {
                        expected,
                        found: last,
                    },
                    place,
                );
            }
            Some(_) => {}
        }
    }

    /// V10: what was written after the declared end is reported, and judged no further.
    fn note_disowned(&mut self) {
        let Some(ended) = &self.plan.log.ended else {
            return;
        };
        let later = |version: &&Version| {
            version
                .stored
                .zip(self.ended_at)
                .is_some_and(|(s, end)| s > end)
        };
        let slots = &self.plan.slots;
        let behind = slots
            .range(ended.segment.saturating_add(1)..)
            .map(|(_, slot)| slot.versions.len());
        let within = slots
            .range(..=ended.segment)
            .map(|(_, slot)| slot.versions.iter().filter(later).count());
        let disowned = behind.chain(within).fold(0usize, usize::saturating_add);
        if disowned > 0 {
            let note = Note::VersionsDisowned {
                end: ended.segment,
                count: u64::try_from(disowned).unwrap_or(u64::MAX),
            };
            self.record.note(note, Place::of_log(&self.plan.log.origin));
        }
    }
}
