//! Checking a segment: one object of a log, line by line, in the order of the format's rules (F3 to F17).
//!
//! A segment proves itself: `left` and its own lines give the signed root. It does not prove the lines before it, of which `left` is the range; that
//! takes its predecessor, and the comparison is the verifier's.

use crate::checkpoint::SignedCheckpoint;
use crate::fault::SegmentFault;
use crate::hash::{Hash, leaf_hash};
use crate::line::{KeyChange, Line};
use crate::origin::Origin;
use crate::timestamp::Timestamp;
use crate::tree::CompactRange;
use crate::verifier_key::VerifierKey;

mod checker;
mod lines;

pub use lines::visit_leaf_lines;

pub(crate) use checker::{Checker, FramePlace};

/// The one format that this crate knows.
pub const FORMAT: u64 = 1;

/// What a segment must say of itself, known from its place and the trust policy.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The log.
    pub origin: &'a Origin,
    /// The segment's number, as its object key has it.
    pub segment: u64,
    /// The format number that the trust policy names for the log.
    pub format: u64,
}

/// How far a log has come after a segment: what the next one must begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The log.
    pub origin: Origin,
    /// Number of the next segment.
    pub next_segment: u64,
    /// Compact range over all lines.
    pub range: CompactRange,
    /// Leaf hash of the last line; in a log without lines the leaf hash of the origin.
    pub last_leaf: Hash,
    /// `sealed` of the last segment; `None` in a log without segments.
    pub sealed: Option<Timestamp>,
}

impl Head {
    /// The head of a log that has no segment yet.
    pub fn of_new_log(origin: Origin) -> Self {
        let last_leaf = leaf_hash(origin.as_str().as_bytes());
        Self {
            origin,
            next_segment: 0,
            range: CompactRange::empty(),
            last_leaf,
            sealed: None,
        }
    }
}

/// A segment whose lines, hashes and root are in order. Made by [`check_segment`] alone.
///
/// Not checked yet: its signatures (see [`CheckedSegment::check_signatures`]), and that its `left`, `prev` and
/// `sealed_before` are those of its predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedSegment {
    before: Head,
    head: Head,
    opened: Timestamp,
    sealed: Timestamp,
    events: u64,
    bytes: u64,
    key_change: Option<KeyChange>,
    close_line: Vec<u8>,
    signed: SignedCheckpoint,
}

impl CheckedSegment {
    /// What the segment says came before it: unproven until compared with the predecessor's [`CheckedSegment::head`].
    pub const fn before(&self) -> &Head {
        &self.before
    }

    /// How far the log has come after the segment.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The segment's number.
    pub const fn number(&self) -> u64 {
        self.before.next_segment
    }

    /// Index of the first line.
    pub const fn first_index(&self) -> u64 {
        self.before.range.size()
    }

    /// Number of lines of the log up to the end of the segment.
    pub const fn size(&self) -> u64 {
        self.head.range.size()
    }

    /// RFC 6962 root over all lines up to the end of the segment.
    pub const fn root(&self) -> Hash {
        self.signed.checkpoint.root
    }

    /// Time of the open line.
    pub const fn opened(&self) -> Timestamp {
        self.opened
    }

    /// When the segment was sealed, by the writer's clock.
    pub const fn sealed(&self) -> Timestamp {
        self.sealed
    }

    /// `sealed` of the segment before, as the open line has it.
    pub fn sealed_before(&self) -> Timestamp {
        self.before.sealed.unwrap_or(self.opened)
    }

    /// Number of entries.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Bytes after decompression.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The key line, if the segment has one.
    pub const fn key_change(&self) -> Option<&KeyChange> {
        self.key_change.as_ref()
    }

    /// The close line, without its newline. It is the last leaf under the checkpoint's root, so with the checkpoint it proves the segment's number,
    /// its times and where the log is after it, to whoever does not have the object.
    pub fn close_line(&self) -> &[u8] {
        &self.close_line
    }

    /// The checkpoint and its signatures.
    pub const fn signed_checkpoint(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Checks that the checkpoint has exactly the signatures of the required keys, in order (F14).
    ///
    /// Which keys those are is the trust policy's to say, and the caller's to look up.
    ///
    /// # Errors
    ///
    /// Names the first signature that is missing, of another key, or not valid.
    pub fn check_signatures(&self, required: &[&VerifierKey]) -> Result<(), SegmentFault> {
        let fault = match self.signed.check_signatures(required, self.sealed) {
            Ok(()) => return Ok(()),
            Err(fault) => fault.into(),
        };
        Err(SegmentFault {
            line: None,
            index: None,
            fault,
        })
    }
}

/// Checks one object as the segment that it should be: frames, lines, hashes, times, counts and the root.
///
/// Memory: the object and one frame of at most [`MAX_FRAME_BYTES`](crate::limits::MAX_FRAME_BYTES).
///
/// # Errors
///
/// The first fault in reading order, with its line and index.
pub fn check_segment(
    object: &[u8],
    expected: Expected<'_>,
) -> Result<CheckedSegment, SegmentFault> {
    Checker::new(expected).check(object, &mut |_: &[u8], _: &Line<'_>| {})
}

/// Checks one object like [`check_segment`], and hands each leaf line to `each` on the way: its bytes without the newline, and what they say.
///
/// So a reader of the lines inflates them once. A line counts only where the whole segment was accepted: what `each` made of the lines must not be
/// used after a fault.
///
/// # Errors
///
/// Those of [`check_segment`].
pub fn check_segment_lines(
    object: &[u8],
    expected: Expected<'_>,
    mut each: &mut dyn FnMut(&[u8], &Line<'_>),
) -> Result<CheckedSegment, SegmentFault> {
    Checker::new(expected).check(object, &mut each)
}
