//! A segment that takes no more lines.

use super::error::{BuildError, ResumeError, TakeError};
use super::framing::Frames;
use crate::checkpoint::{Checkpoint, NoteSignature, SignedCheckpoint, format_checkpoint_line};
use crate::fault::Fault;
use crate::frame::{Compressor, Level};
use crate::hash::{Hash, hash_parts};
use crate::segment::Head;
use crate::timestamp::Timestamp;

/// The lines of a segment that was closed, without what they were compressed to. A few kilobytes, whatever the segment holds.
#[derive(Clone, Debug)]
pub struct ClosedLines {
    pub(super) number: u64,
    pub(super) head: Head,
    pub(super) sealed: Timestamp,
    pub(super) events: u64,
    pub(super) bytes: usize,
    pub(super) close_line: Vec<u8>,
    pub(super) frames: Hash,
}

impl ClosedLines {
    /// Number of the segment.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Number of entries.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of all its lines.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When it was sealed.
    pub const fn sealed(&self) -> Timestamp {
        self.sealed
    }

    /// How far the log has come after this segment.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The close line, with its newline.
    pub fn close_line(&self) -> &[u8] {
        &self.close_line
    }

    /// The segment, with the frames that its close line has the hash of.
    ///
    /// # Errors
    ///
    /// Gives the lines back where these are other frames.
    pub fn with_frames(self, frames: Vec<u8>) -> Result<ClosedSegment, Box<Self>> {
        if hash_parts(&[&frames]) != self.frames {
            return Err(Box::new(self));
        }
        Ok(ClosedSegment {
            lines: self,
            object: frames,
        })
    }

    /// The segment, with the frames that this program has made of its lines.
    ///
    /// # Errors
    ///
    /// Where another version of zstd has closed the segment, or it was compressed at another level: its frames differ.
    pub fn with_own_frames(self, frames: Frames) -> Result<ClosedSegment, ResumeError> {
        let found = frames.hash();
        if found != self.frames {
            let expected = self.frames;
            let fault = Fault::FramesMismatch { expected, found };
            return Err(TakeError::Fault(fault).at(None, None));
        }
        Ok(self.of_frames(frames))
    }

    pub(super) fn of_frames(self, frames: Frames) -> ClosedSegment {
        ClosedSegment {
            lines: self,
            object: frames.into_bytes(),
        }
    }
}

/// A segment that takes no more lines and waits for its signatures.
///
/// The caller syncs [`ClosedSegment::frames`] and then [`ClosedSegment::close_line`] to disk before it has anything signed, so that after a crash the same
/// checkpoint is signed again and no two signed checkpoints ever disagree.
pub struct ClosedSegment {
    lines: ClosedLines,
    object: Vec<u8>,
}

impl ClosedSegment {
    /// Number of the segment.
    pub const fn number(&self) -> u64 {
        self.lines.number
    }

    /// Number of entries.
    pub const fn events(&self) -> u64 {
        self.lines.events
    }

    /// When it was sealed.
    pub const fn sealed(&self) -> Timestamp {
        self.lines.sealed
    }

    /// The frames before the last, compressed. Their hash is in the close line, so they are synced before it.
    pub fn frames(&self) -> &[u8] {
        &self.object
    }

    /// The close line, with its newline.
    pub fn close_line(&self) -> &[u8] {
        &self.lines.close_line
    }

    /// How far the log has come after this segment.
    pub const fn head(&self) -> &Head {
        &self.lines.head
    }

    /// The checkpoint to sign.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: self.lines.head.origin.clone(),
            size: self.lines.head.range.size(),
            root: self.lines.head.range.root(),
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
        let mut content = std::mem::take(&mut self.lines.close_line);
        content.extend_from_slice(&format_checkpoint_line(&signed));
        content.push(b'\n');
        let frame = Compressor::new(Level::default())
            .stored_frame(&content)
            .ok_or(BuildError::Compress)?;
        self.object.extend_from_slice(&frame);
        Ok(self.object)
    }
}
