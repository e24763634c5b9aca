//! Taking up what an earlier run left in the spool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use auditlog_chain::builder::{Framing, ResumedLines, Resuming};
use auditlog_chain::fault::{Fault, SegmentFault};
use auditlog_chain::policy::Position;
use auditlog_chain::segment::{Head, check_segment};

use super::Sealer;
use super::chain::OpenSegment;
use super::compress::Compressing;
use super::known;
use super::mismatch::{mismatch, of_no_line, resume_fault};
use super::waiting::Waiting;
use crate::error::{Error, SpoolError};
use crate::fencing::Fencing;
use crate::spool::{Kept, KeptEnd};
use crate::wal::Record;

/// What one write-ahead file has come to.
enum Taken {
    Closed(Box<Waiting>),
    Open(Box<OpenSegment>),
    /// Nothing was accepted into it.
    Bare,
}

impl Sealer {
    /// Takes up what an earlier run left: what is stored is removed, what is closed or signed waits to be stored, and an open
    /// segment goes on.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        let stored = self.spool.stored_head()?;
        let spool = Arc::clone(&self.spool);
        let kept = spool.kept().iter().map(|kept| (kept.segment, kept));
        let kept: BTreeMap<u64, &Kept> = kept.collect();
        let finished: BTreeSet<u64> = self.spool.finished_numbers()?.into_iter().collect();
        let next = self.chain.head().next_segment;
        let mut numbers: BTreeSet<u64> = kept.keys().copied().collect();
        numbers.extend(&finished);
        for number in numbers.range(..next) {
            let kept = kept.get(number).copied();
            self.take_up_stored(*number, kept, finished.contains(number), stored)?;
        }
        // Only now: a file that the log has no segment of would pass for one that is stored.
        if let Some(head) = known::position(self.chain.head()) {
            self.spool.keep_head(head)?;
        }
        for number in numbers.range(next..) {
            self.must_be_next(*number)?;
            if finished.contains(number) {
                self.take_up_finished(*number, kept.get(number).copied())?;
            } else if let Some(kept) = kept.get(number) {
                self.take_up_file(kept)?;
            }
        }
        Ok(())
    }

    /// A number that the log has a segment of.
    fn take_up_stored(
        &self,
        number: u64,
        kept: Option<&Kept>,
        is_finished: bool,
        stored: Option<Position>,
    ) -> Result<(), Error> {
        let names = kept.map_or(&[][..], |kept| &kept.names);
        let now = (self.setup.clock)();
        if stored.is_some_and(|stored| number <= stored.segment) {
            return self.spool.forget(number, names, now);
        }
        if is_finished {
            let object = self.spool.finished(number)?.unwrap_or_default();
            let checked = check_segment(&object, self.setup.expected(number));
            let checked = checked.map_err(|source| mismatch(&self.spool, source))?;
            self.setup
                .must_be_ours(number, checked.head(), &self.spool)?;
            let is_new_log = number == 0 && self.chain.head().next_segment == 1;
            if is_new_log && self.setup.fencing == Fencing::Condition {
                let key = self.setup.log.segment_key(number);
                self.setup.try_condition(&key, &object)?;
            }
            // If we crash between the two, nothing but this record says that the log is our own.
            if let Some(head) = known::position(checked.head()) {
                self.spool.keep_head(head)?;
            }
            return self.spool.forget(number, names, now);
        }
        match kept {
            Some(kept) if kept.batches > 0 || kept.end == KeptEnd::Closed => {
                self.does_not_continue(kept)
            }
            Some(_) | None => self.spool.remove_wal(number),
        }
    }

    /// A file that was never signed, of a segment that the log has: it is an old copy, or another writer has the log.
    fn does_not_continue(&self, kept: &Kept) -> Result<(), Error> {
        let before = self.chain.head();
        self.take(kept, before)?;
        let (expected, found) = (before.next_segment, kept.segment);
        let fault = Fault::SegmentMismatch { expected, found };
        Err(mismatch(&self.spool, of_no_line(fault)))
    }

    fn must_be_next(&self, found: u64) -> Result<(), Error> {
        let expected = self.chain.head().next_segment;
        if found == expected {
            return Ok(());
        }
        Err(SpoolError::Ahead {
            path: self.spool.folder().to_owned(),
            expected,
            found,
        }
        .into())
    }

    fn take_up_finished(&mut self, number: u64, kept: Option<&Kept>) -> Result<(), Error> {
        let object = self.spool.finished(number)?.unwrap_or_default();
        let checked = check_segment(&object, self.setup.expected(number));
        let checked = checked.map_err(|source| mismatch(&self.spool, source))?;
        if checked.before() != self.chain.head() {
            let (expected, found) = (self.chain.head().last_leaf, checked.before().last_leaf);
            return Err(mismatch(
                &self.spool,
                SegmentFault {
                    line: Some(1),
                    index: Some(checked.first_index()),
                    fault: Fault::PrevMismatch { expected, found },
                },
            ));
        }
        let names = kept.map(|kept| kept.names.clone()).unwrap_or_default();
        self.wait(Waiting::finished(&checked, object, names));
        Ok(())
    }

    fn take_up_file(&mut self, kept: &Kept) -> Result<(), Error> {
        let before = self.chain.head().clone();
        match self.take(kept, &before)? {
            Taken::Closed(waiting) => self.wait(*waiting),
            Taken::Open(open) => self.chain.goes_on_with(*open),
            Taken::Bare => self.spool.remove_wal(kept.segment)?,
        }
        Ok(())
    }

    fn wait(&mut self, waiting: Waiting) {
        self.chain.goes_on_behind(&waiting);
        self.shipping.push(waiting);
    }

    /// Reads a file line by line, and checks that it continues the log.
    fn take(&self, kept: &Kept, before: &Head) -> Result<Taken, Error> {
        let is_bare = kept.batches == 0 && kept.end != KeptEnd::Closed;
        if kept.end == KeptEnd::Unopened || is_bare {
            return Ok(Taken::Bare);
        }
        let fault = |error| resume_fault(&self.spool, error);
        let mut reader = self.spool.read_wal(kept.segment)?;
        let mut resuming = Resuming::new(before);
        let mut framing = Framing::default();
        // Only a segment that goes on needs its frames: those of a closed one may be kept, or are made when it is signed.
        let compressing = (kept.end == KeptEnd::Open)
            .then(|| Compressing::start(self.setup.limits.level))
            .transpose()?;
        while let Some(record) = reader
            .next_record()
            .map_err(|error| self.spool.read_fault(kept.segment, error))?
        {
            let (lines, is_opening) = match record {
                Record::Opening(opening) => (opening.lines, true),
                Record::Batch(batch) => (batch.lines, false),
                Record::Close(close) => (close.line, false),
            };
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                let bare = line.strip_suffix(b"\n").unwrap_or(line);
                resuming.take(bare).map_err(fault)?;
                let Some(compressing) = compressing.as_ref().filter(|_| !is_opening) else {
                    continue;
                };
                if let Some(content) = framing.push(line) {
                    compressing.push(content);
                }
            }
            if let (Some(compressing), true) = (&compressing, is_opening) {
                compressing.push(lines.to_vec());
            }
        }
        let key_change = resuming.key_change().cloned();
        match (resuming.end().map_err(fault)?, compressing) {
            (ResumedLines::Closed(lines), _) => {
                let names = kept.names.clone();
                Ok(Taken::Closed(Box::new(Waiting::closed(
                    *lines,
                    kept.opened,
                    key_change,
                    None,
                    names,
                ))))
            }
            (ResumedLines::Open(lines), Some(compressing)) => {
                Ok(Taken::Open(Box::new(OpenSegment {
                    opened: lines.last_time(),
                    lines: *lines,
                    framing,
                    compressing,
                    writer: self.spool.reopen_wal(kept)?,
                    key_change,
                    names: kept.names.clone(),
                })))
            }
            (ResumedLines::Open(_), None) => {
                let expected = "the close line";
                let fault = Fault::Truncated { expected };
                Err(mismatch(&self.spool, of_no_line(fault)))
            }
        }
    }

    /// Events that the spool holds and that are not stored; none where it cannot be read.
    pub fn waiting(&self) -> u64 {
        let stored = self.spool.stored_head().ok().flatten();
        let is_stored = |number: u64| stored.is_some_and(|stored| number <= stored.segment);
        let kept = self.spool.look_again().unwrap_or_default();
        let kept = kept.iter().filter(|kept| !is_stored(kept.segment));
        kept.map(|kept| kept.events).fold(0, u64::saturating_add)
    }
}
