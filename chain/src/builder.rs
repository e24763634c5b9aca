//! Building a segment: the writer's side of what [`check_segment`](crate::segment::check_segment) checks.
//!
//! The builder has no clock and no disk. It gives the caller every line as it is chained, so that the caller can sync it
//! before it acknowledges the event, and after a crash it takes the same lines up again. [`SegmentLines`] chains lines,
//! [`Framing`] says where each frame ends, and [`Frames`] compresses them, on another thread where the caller wants that.
//! [`SegmentBuilder`] is all three in one.

mod closed;
mod error;
mod framing;
mod lines;
mod payload;
mod provenance;

pub use crate::frame::Level;
pub use closed::{ClosedLines, ClosedSegment};
pub use error::{BuildError, ResumeError};
pub use framing::{Frames, Framing};
pub use lines::{LineKind, MAX_OPEN_BYTES, ResumedLines, Resuming, SegmentLines};
pub use payload::{StoredBatch, StoredPayload};
pub use provenance::{Batch, Provenance, Source};

use crate::fault::Fault;
use crate::line::KeyChange;
use crate::segment::Head;
use crate::timestamp::Timestamp;
use error::TakeError;

/// A segment that is being written.
pub struct SegmentBuilder {
    lines: SegmentLines,
    opening: Vec<u8>,
    line: Vec<u8>,
    framing: Framing,
    frames: Frames,
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
        let mut opening = Vec::new();
        let lines = SegmentLines::open(head, time, key_change, &mut opening)?;
        let (framing, mut frames) = (Framing::default(), Frames::default());
        frames.push(&opening)?;
        Ok(Self {
            lines,
            opening,
            line: Vec::new(),
            framing,
            frames,
        })
    }

    /// The open line and the key line, if there is one, each with its newline.
    pub fn opening_lines(&self) -> &[u8] {
        &self.opening
    }

    /// Number of the segment.
    pub const fn number(&self) -> u64 {
        self.lines.number()
    }

    /// Number of entries so far.
    pub const fn events(&self) -> u64 {
        self.lines.events()
    }

    /// Bytes of all lines so far.
    pub const fn bytes(&self) -> usize {
        self.lines.bytes()
    }

    /// Time of the last line.
    pub const fn last_time(&self) -> Timestamp {
        self.lines.last_time()
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
        self.line.clear();
        self.lines
            .append(provenance, payload, time, &mut self.line)?;
        if let Some(content) = self.framing.push(&self.line) {
            self.frames.push(&content)?;
        }
        Ok(&self.line)
    }

    /// Closes the segment: no line can follow. What remains is to sign its checkpoint.
    ///
    /// # Errors
    ///
    /// Where the log is full, or compressing fails.
    pub fn close(mut self, sealed: Timestamp) -> Result<ClosedSegment, BuildError> {
        if let Some(content) = self.framing.end() {
            self.frames.push(&content)?;
        }
        let closed = self.lines.close(sealed, self.frames.hash())?;
        Ok(closed.of_frames(self.frames))
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
        let mut resuming = Resuming::new(head);
        let (mut opening, mut framing, mut compressed) =
            (Vec::new(), Framing::default(), Frames::default());
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let bare = line.strip_suffix(b"\n").ok_or_else(|| {
                let expected = "the end of a line";
                TakeError::Fault(Fault::Truncated { expected }).at(None, None)
            })?;
            let kind = resuming.take(bare)?;
            if kind == LineKind::Opening {
                opening.extend_from_slice(line);
                continue;
            }
            if compressed.is_empty() {
                compressed.push(&opening)?;
            }
            let content = match kind {
                LineKind::Entry => framing.push(line),
                LineKind::Opening | LineKind::Close => framing.end(),
            };
            if let Some(content) = content {
                compressed.push(&content)?;
            }
        }
        match resuming.end()? {
            ResumedLines::Closed(closed) => {
                let closed = match closed.with_frames(frames.to_vec()) {
                    Ok(closed) => closed,
                    Err(lines) => lines.with_own_frames(compressed)?,
                };
                Ok(Resumed::Closed(Box::new(closed)))
            }
            ResumedLines::Open(lines) => {
                if compressed.is_empty() {
                    compressed.push(&opening)?;
                }
                Ok(Resumed::Open(Box::new(Self {
                    lines: *lines,
                    opening,
                    line: Vec::new(),
                    framing,
                    frames: compressed,
                })))
            }
        }
    }
}

/// What [`SegmentBuilder::resume`] found.
pub enum Resumed {
    /// A segment that can take more entries.
    Open(Box<SegmentBuilder>),
    /// A segment that was closed: it can only be signed.
    Closed(Box<ClosedSegment>),
}
