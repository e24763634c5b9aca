//! Finishing what an earlier run left in the spool.

use auditlog_chain::builder::{ResumeError, Resumed, SegmentBuilder};
use auditlog_chain::fault::{Fault, SegmentFault};
use auditlog_chain::line::{Body, KeyChange, parse_line};
use auditlog_chain::segment::check_segment;
use auditlog_chain::timestamp::Timestamp;

use super::{OpenSegment, Sealer};
use crate::error::{Error, SpoolError};
use crate::fencing::Fencing;
use crate::limits::MAX_SKEW_SECONDS;

impl Sealer<'_> {
    /// Finishes what an earlier run left: first the finished object, then the open segment behind it.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        let left = self.spool.leftover()?;
        let (number, key_change) = opening(&left.open);
        // If we crashed before the open segment was emptied, the finished object holds the same lines. They go before the
        // object does: if we crash in between the other way round, they look like a segment that another writer overtook.
        let is_finished = number.is_some_and(|number| left.finished.contains(&number));
        let has_entries = !is_finished && !left.open.is_empty() && !is_bare(&left.open);
        if !has_entries {
            self.spool.clear_open()?;
        }
        for &number in &left.finished {
            self.recover_finished(number)?;
        }
        if !has_entries {
            return Ok(());
        }
        let resumed = SegmentBuilder::resume(&self.head, &left.open, &left.frames);
        let resumed = resumed.map_err(|error| match error {
            ResumeError::Fault(source) => self.spool_fault(source),
            ResumeError::Build(error) => error.into(),
        })?;
        self.spool.keep_open()?;
        match resumed {
            Resumed::Closed(closed) => self.sign_and_send(*closed, key_change.as_ref()),
            Resumed::Open(builder) => self.close_and_send(OpenSegment {
                opened: builder.last_time(),
                builder: *builder,
                key_change,
            }),
        }
    }

    /// Events that the spool holds, in finished objects and in the open segment; those that cannot be read are left out.
    pub fn waiting(&self) -> u64 {
        let finished = self.spool.finished_numbers().unwrap_or_default();
        let events = finished.iter().filter_map(|number| {
            let object = self.spool.finished(*number).ok()?;
            let checked = check_segment(&object, self.setup.expected(*number)).ok()?;
            Some(checked.events())
        });
        let open = self.spool.open_lines();
        let is_finished = opening(&open)
            .0
            .is_some_and(|number| finished.contains(&number));
        let open = if is_finished { 0 } else { entries(&open) };
        events.fold(open, u64::saturating_add)
    }

    fn recover_finished(&mut self, number: u64) -> Result<(), Error> {
        let object = self.spool.finished(number)?;
        let checked = check_segment(&object, self.setup.expected(number));
        let checked = checked.map_err(|source| self.spool_fault(source))?;
        let next = self.head.next_segment;
        if number > next {
            return Err(SpoolError::Ahead {
                path: self.spool.folder().to_owned(),
                expected: next,
                found: number,
            }
            .into());
        }
        if number < next {
            self.must_be_ours(number, checked.head())?;
            if number == 0 && next == 1 && self.setup.fencing == Fencing::Condition {
                self.try_condition(&self.setup.log.segment_key(number), &object)?;
            }
            return self.spool.remove_finished(number);
        }
        if *checked.before() != self.head {
            let (expected, found) = (self.head.last_leaf, checked.before().last_leaf);
            return Err(self.spool_fault(SegmentFault {
                line: Some(1),
                index: Some(checked.first_index()),
                fault: Fault::PrevMismatch { expected, found },
            }));
        }
        self.not_in_future(number, checked.sealed())?;
        self.put(number, &object, checked.head())?;
        let head = checked.head().clone();
        self.in_store(number, checked.events(), head, checked.key_change())
    }

    /// Lines that were accepted under a clock that was ahead wait in the spool until their time has come: a segment from the
    /// future is a fault for as long as it is locked.
    pub(super) fn not_in_future(&self, segment: u64, sealed: Timestamp) -> Result<(), Error> {
        let now = (self.setup.clock)();
        if sealed.seconds_since(now) <= MAX_SKEW_SECONDS {
            return Ok(());
        }
        Err(SpoolError::InFuture {
            path: self.spool.folder().to_owned(),
            segment,
            sealed,
            now,
        }
        .into())
    }

    fn spool_fault(&self, source: SegmentFault) -> Error {
        SpoolError::Mismatch {
            path: self.spool.folder().to_owned(),
            source: Box::new(source),
        }
        .into()
    }
}

/// Number and key line of the segment that these lines open.
fn opening(lines: &[u8]) -> (Option<u64>, Option<KeyChange>) {
    let mut parsed = lines
        .split(|byte| *byte == b'\n')
        .map_while(|line| parse_line(line).ok());
    let number = match parsed.next().map(|line| line.body) {
        Some(Body::Open(open)) => Some(open.segment),
        Some(Body::Key(_) | Body::Entry(_) | Body::Close(_)) | None => None,
    };
    let key_change = match parsed.next().map(|line| line.body) {
        Some(Body::Key(change)) => Some(*change),
        Some(Body::Open(_) | Body::Entry(_) | Body::Close(_)) | None => None,
    };
    (number, key_change)
}

fn entries(lines: &[u8]) -> u64 {
    let parsed = lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| parse_line(line).ok());
    let entries = parsed.filter(|line| matches!(line.body, Body::Entry(_)));
    u64::try_from(entries.count()).unwrap_or(u64::MAX)
}

/// Whether an open segment has nothing but its opening: nothing was accepted into it.
fn is_bare(lines: &[u8]) -> bool {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or(lines);
    parse_line(last).is_ok_and(|line| matches!(line.body, Body::Open(_) | Body::Key(_)))
}
