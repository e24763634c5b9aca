//! The lines of a segment: chained, and not compressed. Whoever writes them to a disk needs no more.

use super::closed::ClosedLines;
use super::error::{BuildError, ResumeError, TakeError};
use super::payload::StoredPayload;
use super::provenance::{Batch, Provenance, Source};
use crate::fault::Fault;
use crate::hash::{Hash, leaf_hash};
use crate::limits::{MAX_INDEX, MAX_OBJECT_BYTES, MAX_SEGMENT_BYTES};
use crate::line::{Body, Close, Entry, KeyChange, Line, Open, format_line_into, parse_line};
use crate::segment::{Checker, Expected, FORMAT, FramePlace, Head};
use crate::timestamp::Timestamp;
use crate::tree::GrowingRange;

/// Bytes of a segment's limit that are reserved for the lines that end it.
const RESERVED_BYTES: usize = 4 << 20;

/// Bytes of lines from which a segment takes no more entries.
pub const MAX_OPEN_BYTES: usize = if MAX_SEGMENT_BYTES < MAX_OBJECT_BYTES {
    MAX_SEGMENT_BYTES.saturating_sub(RESERVED_BYTES)
} else {
    MAX_OBJECT_BYTES.saturating_sub(RESERVED_BYTES)
};

/// A segment that is being written, as far as its lines go. Each line is written behind what the caller's buffer holds.
#[derive(Clone, Debug)]
pub struct SegmentLines {
    before: Head,
    tree: GrowingRange,
    last_leaf: Hash,
    last_time: Timestamp,
    events: u64,
    bytes: usize,
}

impl SegmentLines {
    /// Opens the segment that follows `head`, and writes its open line and its key line, if it has one. A time before the log's
    /// last one is replaced by that (F15).
    ///
    /// # Errors
    ///
    /// Where the log is full.
    pub fn open(
        head: Head,
        time: Timestamp,
        key_change: Option<KeyChange>,
        out: &mut Vec<u8>,
    ) -> Result<Self, BuildError> {
        let time = head.sealed.map_or(time, |sealed| time.max(sealed));
        let body = Body::Open(Open {
            format: FORMAT,
            origin: head.origin.clone(),
            segment: head.next_segment,
            left: head.range.roots().to_vec(),
            sealed_before: head.sealed.unwrap_or(time),
        });
        let mut lines = Self::before_first_line(head, time);
        lines.push(time, body, out)?;
        if let Some(change) = key_change {
            lines.push(time, Body::Key(Box::new(change)), out)?;
        }
        Ok(lines)
    }

    fn before_first_line(head: Head, time: Timestamp) -> Self {
        Self {
            tree: GrowingRange::new(head.range.clone()),
            last_leaf: head.last_leaf,
            before: head,
            last_time: time,
            events: 0,
            bytes: 0,
        }
    }

    /// Number of the segment.
    pub const fn number(&self) -> u64 {
        self.before.next_segment
    }

    /// Number of entries so far.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of all lines so far.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Time of the last line.
    pub const fn last_time(&self) -> Timestamp {
        self.last_time
    }

    /// Where the log was before this segment.
    pub const fn before(&self) -> &Head {
        &self.before
    }

    /// Chains one entry and writes its line, with its newline. Its index is final only once the segment is sealed.
    ///
    /// # Errors
    ///
    /// Where the segment or the log is full; nothing was written then.
    pub fn append(
        &mut self,
        provenance: &Provenance<'_>,
        payload: &StoredPayload<'_>,
        time: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        let entry = Entry {
            source: provenance.source.map(Source::as_str),
            batch: provenance.batch.map(Batch::as_str),
            repeat: provenance.repeat,
            payload: payload.as_payload(),
        };
        self.append_entry(entry, time, out)
    }

    /// The same for an entry of a line that was parsed.
    ///
    /// # Errors
    ///
    /// As [`SegmentLines::append`].
    pub fn append_entry(
        &mut self,
        entry: Entry<'_>,
        time: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        if self.before.next_segment == 0 {
            return Err(BuildError::FirstSegment);
        }
        if self.bytes >= MAX_OPEN_BYTES {
            return Err(BuildError::SegmentFull);
        }
        let time = time.max(self.last_time);
        self.push(time, Body::Entry(entry), out)?;
        self.events = self.events.saturating_add(1);
        Ok(())
    }

    /// Writes the close line: no line can follow. `frames` is the hash of what all lines so far were compressed to.
    ///
    /// # Errors
    ///
    /// Where the log is full.
    pub fn close(mut self, sealed: Timestamp, frames: Hash) -> Result<ClosedLines, BuildError> {
        let sealed = sealed.max(self.last_time);
        let close = Close {
            segment: self.before.next_segment,
            events: self.events,
            sealed,
            left: self.tree.settle().roots().to_vec(),
            frames,
        };
        let mut line = Vec::new();
        self.push(sealed, Body::Close(close), &mut line)?;
        Ok(self.closed(sealed, frames, line))
    }

    fn closed(self, sealed: Timestamp, frames: Hash, close_line: Vec<u8>) -> ClosedLines {
        let head = Head {
            origin: self.before.origin,
            next_segment: self.before.next_segment.saturating_add(1),
            range: self.tree.into_range(),
            last_leaf: self.last_leaf,
            sealed: Some(sealed),
        };
        ClosedLines {
            number: self.before.next_segment,
            head,
            sealed,
            events: self.events,
            bytes: self.bytes,
            close_line,
            frames,
        }
    }

    fn push(
        &mut self,
        time: Timestamp,
        body: Body<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        let begin = out.len();
        let index = self.tree.size();
        format_line_into(
            out,
            &Line {
                index,
                prev: self.last_leaf,
                time,
                body,
            },
        );
        let line = out.get(begin..).unwrap_or_default();
        if let Err(error) = self.take_line(line) {
            out.truncate(begin);
            return Err(error);
        }
        out.push(b'\n');
        self.last_time = time;
        Ok(())
    }

    /// Adds a line, given without its newline, to the tree.
    fn take_line(&mut self, line: &[u8]) -> Result<(), BuildError> {
        // The last index stays free: a log ends with a close line that is still below 2^53.
        if self.tree.size() >= MAX_INDEX.saturating_sub(2) {
            return Err(BuildError::LogFull);
        }
        let leaf = leaf_hash(line);
        self.tree.append(leaf).ok_or(BuildError::LogFull)?;
        self.last_leaf = leaf;
        self.bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
        Ok(())
    }
}

/// What one line of a segment is, as far as its taking up goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The open line, or the key line.
    Opening,
    /// An entry.
    Entry,
    /// The close line.
    Close,
}

/// A segment whose lines come from a disk, one by one. Every line is checked as a verifier checks it.
pub struct Resuming<'h> {
    checker: Checker<'h>,
    lines: SegmentLines,
    key_change: Option<KeyChange>,
    close_line: Vec<u8>,
    taken: u64,
}

impl<'h> Resuming<'h> {
    /// Before the first line of the segment that follows `head`.
    pub fn new(head: &'h Head) -> Self {
        let expected = Expected {
            origin: &head.origin,
            segment: head.next_segment,
            format: FORMAT,
        };
        Self {
            checker: Checker::new(expected),
            lines: SegmentLines::before_first_line(head.clone(), Timestamp::EPOCH),
            key_change: None,
            close_line: Vec::new(),
            taken: 0,
        }
    }

    /// Takes the next line, given without its newline.
    ///
    /// # Errors
    ///
    /// Where it is not the next line of the segment that follows the head.
    pub fn take(&mut self, line: &[u8]) -> Result<LineKind, ResumeError> {
        self.taken = self.taken.saturating_add(1);
        let index = Some(self.lines.tree.size());
        let taken = self.take_up(line);
        taken.map_err(|error| error.at(Some(self.taken), index))
    }

    /// A spool has no frames: each line is given the place that the writer gives it.
    fn take_up(&mut self, line: &[u8]) -> Result<LineKind, TakeError> {
        let parsed = parse_line(line).map_err(Fault::from)?;
        let kind = match &parsed.body {
            Body::Open(_) | Body::Key(_) => LineKind::Opening,
            Body::Entry(_) => LineKind::Entry,
            Body::Close(_) => LineKind::Close,
        };
        let place = FramePlace {
            in_first_frame: kind == LineKind::Opening,
            begins_frame: kind == LineKind::Close,
        };
        if self.checker.closing.is_some() {
            return Err(TakeError::Fault(Fault::LineOrder {
                expected: "the end of a closed segment",
                found: "a line",
            }));
        }
        self.checker.leaf(&parsed, leaf_hash(line), place)?;
        same_head(&self.checker, &self.lines.before)?;
        self.lines.last_time = parsed.time;
        self.lines.take_line(line)?;
        match parsed.body {
            Body::Entry(_) => self.lines.events = self.lines.events.saturating_add(1),
            Body::Key(change) => self.key_change = Some(*change),
            Body::Close(_) => self.close_line = [line, b"\n"].concat(),
            Body::Open(_) => {}
        }
        Ok(kind)
    }

    /// The key line, if there was one so far.
    pub const fn key_change(&self) -> Option<&KeyChange> {
        self.key_change.as_ref()
    }

    /// Entries so far.
    pub const fn events(&self) -> u64 {
        self.lines.events
    }

    /// There are no more lines.
    ///
    /// # Errors
    ///
    /// Where there was none at all.
    pub fn end(self) -> Result<ResumedLines, ResumeError> {
        if self.taken == 0 {
            let expected = "the open line";
            return Err(TakeError::Fault(Fault::Truncated { expected }).at(None, None));
        }
        Ok(match self.checker.closing {
            None => ResumedLines::Open(Box::new(self.lines)),
            Some(closing) => ResumedLines::Closed(Box::new(self.lines.closed(
                closing.sealed,
                closing.frames,
                self.close_line,
            ))),
        })
    }
}

/// What [`Resuming`] found.
#[derive(Debug)]
pub enum ResumedLines {
    /// A segment that can take more entries.
    Open(Box<SegmentLines>),
    /// A segment that was closed.
    Closed(Box<ClosedLines>),
}

/// The segment must go on where the log is: its open line proves neither `prev` nor `left` by itself.
fn same_head(checker: &Checker<'_>, before: &Head) -> Result<(), Fault> {
    let Some(opening) = checker.opening.as_ref() else {
        return Ok(());
    };
    if opening.before.last_leaf != before.last_leaf {
        let (expected, found) = (before.last_leaf, opening.before.last_leaf);
        return Err(Fault::PrevMismatch { expected, found });
    }
    if opening.before.range != before.range {
        let expected = before.range.roots().to_vec();
        return Err(Fault::LeftMismatch {
            expected,
            found: opening.before.range.roots().to_vec(),
        });
    }
    Ok(())
}
