//! Building a segment: the writer's side of what [`check_segment`](crate::segment::check_segment) checks.
//!
//! The builder has no clock and no disk. It gives the caller every line as it is chained, so that the caller can sync it
//! before it acknowledges the event, and after a crash it takes the same lines up again.

use std::borrow::Cow;

use crate::checkpoint::{Checkpoint, NoteSignature, SignedCheckpoint, format_checkpoint_line};
use crate::event::{EventError, format_base64, format_text, normalize_event};
use crate::fault::{Fault, SegmentFault};
use crate::frame::Compressor;
use crate::hash::{hash_parts, leaf_hash};
use crate::limits::{MAX_EVENT_BYTES, MAX_INDEX, MAX_OBJECT_BYTES, MAX_SEGMENT_BYTES};
use crate::line::{
    Body, Close, Entry, KeyChange, Line, Open, Payload, Repeat, format_line_into, is_name,
    parse_line,
};
use crate::segment::{Checker, Expected, FORMAT, FramePlace, Head};
use crate::timestamp::Timestamp;

/// Content bytes after which the builder begins another frame.
const FRAME_BYTES: usize = 1 << 20;

/// What the builder keeps free of a segment's limits for the lines that end it.
const RESERVED_BYTES: usize = 4 << 20;

/// A payload in its stored form, ready to be chained. Made by its constructors alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPayload<'a> {
    kind: Kind,
    value: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    Text,
    Base64,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Text => "text",
            Self::Base64 => "base64",
        }
    }
}

impl<'a> StoredPayload<'a> {
    /// An event that came as JSON: kept byte for byte, except white space around it and line breaks in it.
    ///
    /// # Errors
    ///
    /// Says why the bytes are not an event; nothing is repaired.
    pub fn event(json: &'a [u8]) -> Result<Self, EventError> {
        Ok(Self {
            kind: Kind::Event,
            value: normalize_event(json)?,
        })
    }

    /// JSON as it came: an event, or a text where everyday readers would stop at it (F9).
    ///
    /// # Errors
    ///
    /// Says why the bytes are not JSON, or are too large.
    pub fn json(json: &'a [u8]) -> Result<Self, EventError> {
        match Self::event(json) {
            Err(EventError::HalfSurrogate | EventError::InfiniteNumber) => {
                let text = String::from_utf8_lossy(json.trim_ascii());
                Self::text(&text)
            }
            stored => stored,
        }
    }

    /// A text that is not JSON.
    ///
    /// # Errors
    ///
    /// Where it is too long.
    pub fn text(text: &str) -> Result<StoredPayload<'static>, EventError> {
        StoredPayload::quoted(Kind::Text, format_text(text))
    }

    /// Bytes that are not UTF-8.
    ///
    /// # Errors
    ///
    /// Where they are too long.
    pub fn bytes(bytes: &[u8]) -> Result<StoredPayload<'static>, EventError> {
        StoredPayload::quoted(Kind::Base64, format_base64(bytes))
    }

    fn quoted(kind: Kind, value: String) -> Result<StoredPayload<'static>, EventError> {
        let (found, form) = (value.len(), kind.as_str());
        if found > MAX_EVENT_BYTES {
            return Err(EventError::TooLongAs { form, found });
        }
        Ok(StoredPayload {
            kind,
            value: Cow::Owned(value),
        })
    }

    /// The payload as it is in the line.
    pub fn as_payload(&self) -> Payload<'_> {
        match self.kind {
            Kind::Event => Payload::Event(&self.value),
            Kind::Text => Payload::Text(&self.value),
            Kind::Base64 => Payload::Base64(&self.value),
        }
    }
}

/// Where an event comes from: what an entry says beside its payload (F8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// Who sent it.
    pub source: Option<&'a Source>,
    /// The batch that begins with it.
    pub batch: Option<&'a Batch>,
    /// Whether it may be a repeat.
    pub repeat: Option<Repeat>,
}

impl<'a> Provenance<'a> {
    /// Of an event of which nothing but its sender is known.
    pub const fn of(source: Option<&'a Source>) -> Self {
        Self {
            source,
            batch: None,
            repeat: None,
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a name.
            pub fn parse(name: &str) -> Option<Self> {
                is_name(name).then(|| Self(name.to_owned()))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The established sender of an event: 1 to 255 characters of printable ASCII without `"` and `\`.
    Source
}

name! {
    /// The sender's name for a batch of events, which it keeps when it sends the batch again: a chunk id, an idempotency key,
    /// a position in a file. 1 to 255 characters of printable ASCII without `"` and `\`.
    Batch
}

/// Why the builder takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The segment has reached a limit: close it and open the next one.
    #[error("the segment is full")]
    SegmentFull,
    /// The log has reached 2^53 lines: end it and open a successor.
    #[error("the log is full")]
    LogFull,
    /// Segment 0 takes no entries (F17): close it and open segment 1.
    #[error("segment 0 takes no entries")]
    FirstSegment,
    /// zstd has no memory left.
    #[error("compressing failed")]
    Compress,
}

/// Why lines that a crash left behind cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// They are not the beginning of the segment: the evidence is wrong.
    #[error(transparent)]
    Fault(#[from] SegmentFault),
    /// They are, and this machine could not go on with them.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The same, of one line.
enum TakeError {
    Fault(Fault),
    Build(BuildError),
}

impl TakeError {
    fn at(self, line: Option<u64>, index: Option<u64>) -> ResumeError {
        match self {
            Self::Fault(fault) => SegmentFault { line, index, fault }.into(),
            Self::Build(error) => error.into(),
        }
    }
}

impl From<Fault> for TakeError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<BuildError> for TakeError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// A segment that is being written.
pub struct SegmentBuilder {
    before: Head,
    head: Head,
    last_time: Timestamp,
    events: u64,
    bytes: usize,
    line: Vec<u8>,
    opening: Vec<u8>,
    frame: Vec<u8>,
    object: Vec<u8>,
    compressor: Compressor,
}

impl SegmentBuilder {
    /// Opens the segment that follows `head`. A time before the log's last one is replaced by that (F15).
    ///
    /// # Errors
    ///
    /// Where the log is full, or compressing fails.
    pub fn open(
        head: Head,
        time: Timestamp,
        key_change: Option<KeyChange>,
    ) -> Result<Self, BuildError> {
        let time = head.sealed.map_or(time, |sealed| time.max(sealed));
        let body = Body::Open(Open {
            format: FORMAT,
            origin: head.origin.clone(),
            segment: head.next_segment,
            left: head.range.roots().to_vec(),
            sealed_before: head.sealed.unwrap_or(time),
        });
        let mut builder = Self::before_first_line(head, time);
        builder.push(time, body)?;
        if let Some(change) = key_change {
            builder.push(time, Body::Key(Box::new(change)))?;
        }
        builder.end_opening()?;
        Ok(builder)
    }

    fn before_first_line(head: Head, time: Timestamp) -> Self {
        Self {
            before: head.clone(),
            head,
            last_time: time,
            events: 0,
            bytes: 0,
            line: Vec::new(),
            opening: Vec::new(),
            frame: Vec::new(),
            object: Vec::new(),
            compressor: Compressor::new(),
        }
    }

    fn end_opening(&mut self) -> Result<(), BuildError> {
        self.opening.clone_from(&self.frame);
        self.end_frame()
    }

    /// The open line and the key line, if there is one, each with its newline.
    pub fn opening_lines(&self) -> &[u8] {
        &self.opening
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

    /// Chains one entry and returns its line, with its newline. Its index is final only once the segment is sealed.
    ///
    /// # Errors
    ///
    /// Where the segment or the log is full; the builder is as before.
    pub fn append(
        &mut self,
        provenance: &Provenance<'_>,
        payload: &StoredPayload<'_>,
        time: Timestamp,
    ) -> Result<&[u8], BuildError> {
        if self.before.next_segment == 0 {
            return Err(BuildError::FirstSegment);
        }
        let room = MAX_SEGMENT_BYTES
            .min(MAX_OBJECT_BYTES)
            .saturating_sub(RESERVED_BYTES);
        if self.bytes >= room {
            return Err(BuildError::SegmentFull);
        }
        let entry = Entry {
            source: provenance.source.map(Source::as_str),
            batch: provenance.batch.map(Batch::as_str),
            repeat: provenance.repeat,
            payload: payload.as_payload(),
        };
        let time = time.max(self.last_time);
        self.push(time, Body::Entry(entry))?;
        self.events = self.events.saturating_add(1);
        if self.frame.len() >= FRAME_BYTES {
            self.end_frame()?;
        }
        Ok(&self.line)
    }

    /// Closes the segment: no line can follow. What remains is to sign its checkpoint.
    ///
    /// # Errors
    ///
    /// Where the log is full, or compressing fails.
    pub fn close(mut self, sealed: Timestamp) -> Result<ClosedSegment, BuildError> {
        let sealed = sealed.max(self.last_time);
        self.end_frame()?;
        let close = Close {
            segment: self.before.next_segment,
            events: self.events,
            sealed,
            left: self.head.range.roots().to_vec(),
            frames: hash_parts(&[&self.object]),
        };
        self.push(sealed, Body::Close(close))?;
        Ok(self.closed(sealed))
    }

    fn closed(self, sealed: Timestamp) -> ClosedSegment {
        let head = Head {
            next_segment: self.before.next_segment.saturating_add(1),
            sealed: Some(sealed),
            ..self.head
        };
        ClosedSegment {
            number: self.before.next_segment,
            head,
            sealed,
            events: self.events,
            close_line: self.line,
            object: self.object,
            compressor: self.compressor,
        }
    }

    /// Takes up the lines that a crash left behind, each with its newline: those of an open segment, or of one that was
    /// closed but not yet signed. Every line is checked as a verifier checks it.
    ///
    /// `frames` are the [`ClosedSegment::frames`] that were synced before the close line; empty where there are none.
    /// They are needed only where another version of zstd would compress the lines otherwise than the one that closed
    /// the segment, whose close line has the hash of what it compressed.
    ///
    /// # Errors
    ///
    /// Where the lines are not the beginning of the segment that follows `head`, or the frames are lost.
    pub fn resume(head: &Head, lines: &[u8], frames: &[u8]) -> Result<Resumed, ResumeError> {
        let expected = Expected {
            origin: &head.origin,
            segment: head.next_segment,
            format: FORMAT,
        };
        let mut checker = Checker::new(expected);
        let mut builder = Self::before_first_line(head.clone(), Timestamp::EPOCH);
        for (number, line) in (1u64..).zip(lines.split_inclusive(|byte| *byte == b'\n')) {
            let index = Some(builder.head.range.size());
            builder
                .take_up(&mut checker, line)
                .map_err(|error| error.at(Some(number), index))?;
        }
        let Some(closing) = checker.closing else {
            return builder.reopened();
        };
        let found = hash_parts(&[&builder.object]);
        if hash_parts(&[frames]) == closing.frames {
            builder.object = frames.to_vec();
        } else if found != closing.frames {
            let fault = Fault::FramesMismatch {
                expected: closing.frames,
                found,
            };
            return Err(TakeError::Fault(fault).at(None, None));
        }
        Ok(Resumed::Closed(Box::new(builder.closed(closing.sealed))))
    }

    /// Checks one line of a spool and takes it as if it had just been pushed. A spool has no frames: each line is given
    /// the place that this builder gives it.
    fn take_up(&mut self, checker: &mut Checker<'_>, line: &[u8]) -> Result<(), TakeError> {
        let bare = line.strip_suffix(b"\n").ok_or(Fault::Truncated {
            expected: "the end of a line",
        })?;
        let parsed = parse_line(bare).map_err(Fault::from)?;
        let in_first_frame = matches!(parsed.body, Body::Open(_) | Body::Key(_));
        let begins_frame = matches!(parsed.body, Body::Close(_));
        if checker.closing.is_some() {
            let expected = "the end of a closed segment";
            return Err(Fault::LineOrder {
                expected,
                found: "a line",
            }
            .into());
        }
        checker.leaf(
            &parsed,
            leaf_hash(bare),
            FramePlace {
                in_first_frame,
                begins_frame,
            },
        )?;
        self.same_head(checker)?;
        if !in_first_frame && self.opening.is_empty() {
            self.end_opening()?;
        }
        if begins_frame {
            self.end_frame()?;
        }
        if matches!(parsed.body, Body::Entry(_)) {
            self.events = self.events.saturating_add(1);
        }
        self.last_time = parsed.time;
        self.line = line.to_vec();
        self.take_line()?;
        if self.frame.len() >= FRAME_BYTES && !in_first_frame && !begins_frame {
            self.end_frame()?;
        }
        Ok(())
    }

    /// The spool must go on where the log is: its open line proves neither `prev` nor `left` by itself.
    fn same_head(&self, checker: &Checker<'_>) -> Result<(), Fault> {
        let Some(opening) = checker.opening.as_ref() else {
            return Ok(());
        };
        if opening.before.last_leaf != self.before.last_leaf {
            let (expected, found) = (self.before.last_leaf, opening.before.last_leaf);
            return Err(Fault::PrevMismatch { expected, found });
        }
        if opening.before.range != self.before.range {
            let expected = self.before.range.roots().to_vec();
            return Err(Fault::LeftMismatch {
                expected,
                found: opening.before.range.roots().to_vec(),
            });
        }
        Ok(())
    }

    fn reopened(mut self) -> Result<Resumed, ResumeError> {
        if self.line.is_empty() {
            let expected = "the open line";
            return Err(TakeError::Fault(Fault::Truncated { expected }).at(None, None));
        }
        if self.opening.is_empty() {
            self.end_opening()?;
        }
        Ok(Resumed::Open(Box::new(self)))
    }

    fn push(&mut self, time: Timestamp, body: Body<'_>) -> Result<(), BuildError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let index = self.head.range.size();
        format_line_into(
            &mut line,
            &Line {
                index,
                prev: self.head.last_leaf,
                time,
                body,
            },
        );
        line.push(b'\n');
        self.line = line;
        self.take_line()?;
        self.last_time = time;
        Ok(())
    }

    /// Adds the line in `self.line` to the tree and to the frame.
    fn take_line(&mut self) -> Result<(), BuildError> {
        // The last index stays free: a log ends with a close line that is still below 2^53.
        if self.head.range.size() >= MAX_INDEX.saturating_sub(2) {
            return Err(BuildError::LogFull);
        }
        let leaf = leaf_hash(self.line.strip_suffix(b"\n").unwrap_or(&self.line));
        self.head.range.append(leaf).ok_or(BuildError::LogFull)?;
        self.head.last_leaf = leaf;
        self.bytes = self.bytes.saturating_add(self.line.len());
        self.frame.extend_from_slice(&self.line);
        Ok(())
    }

    fn end_frame(&mut self) -> Result<(), BuildError> {
        if !self.frame.is_empty() {
            let frame = self
                .compressor
                .frame(&self.frame)
                .ok_or(BuildError::Compress)?;
            self.object.extend_from_slice(&frame);
            self.frame.clear();
        }
        Ok(())
    }
}

/// What [`SegmentBuilder::resume`] found.
pub enum Resumed {
    /// A segment that can take more entries.
    Open(Box<SegmentBuilder>),
    /// A segment that was closed: it can only be signed.
    Closed(Box<ClosedSegment>),
}

/// A segment that takes no more lines and waits for its signatures.
///
/// The caller syncs [`ClosedSegment::frames`] and then [`ClosedSegment::close_line`] to disk before it has anything signed, so that after a crash the same
/// checkpoint is signed again and no two signed checkpoints ever disagree.
pub struct ClosedSegment {
    number: u64,
    head: Head,
    sealed: Timestamp,
    events: u64,
    close_line: Vec<u8>,
    object: Vec<u8>,
    compressor: Compressor,
}

impl ClosedSegment {
    /// Number of the segment.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Number of entries.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// When it was sealed.
    pub const fn sealed(&self) -> Timestamp {
        self.sealed
    }

    /// The frames before the last, compressed. Their hash is in the close line, so they are synced before it.
    pub fn frames(&self) -> &[u8] {
        &self.object
    }

    /// The close line, with its newline.
    pub fn close_line(&self) -> &[u8] {
        &self.close_line
    }

    /// How far the log has come after this segment.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The checkpoint to sign.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: self.head.origin.clone(),
            size: self.head.range.size(),
            root: self.head.range.root(),
        }
    }

    /// The finished object, its signatures in the order that F14 requires.
    ///
    /// # Errors
    ///
    /// Where compressing fails.
    pub fn finish(mut self, signatures: Vec<NoteSignature>) -> Result<Vec<u8>, BuildError> {
        let signed = SignedCheckpoint {
            checkpoint: self.checkpoint(),
            signatures,
        };
        let mut content = self.close_line;
        content.extend_from_slice(&format_checkpoint_line(&signed));
        content.push(b'\n');
        let frame = self
            .compressor
            .stored_frame(&content)
            .ok_or(BuildError::Compress)?;
        self.object.extend_from_slice(&frame);
        Ok(self.object)
    }
}
