//! What can be wrong with a segment: the evidence itself, never our ability to look at it.

use crate::cursor::LineError;
use crate::event::EventError;
use crate::hash::Hash;
use crate::origin::Origin;
use crate::timestamp::Timestamp;

/// A fault in a segment, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct SegmentFault {
    /// Number of the line in the segment, from 1; `None` where the fault is of the object as a whole.
    pub line: Option<u64>,
    /// Index in the log of the line that belongs there, as far as it is known.
    pub index: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong. Each has a stable [code](Fault::code) and both sides: what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something is larger than it may be (F16).
    #[error("{found} {what}, the limit is {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What was found.
        found: usize,
    },
    /// The bytes are not a zstd frame of the one kind that a segment holds (F3).
    #[error("frame {frame} at byte {at}: found {found:?} where {expected} belongs")]
    FrameForm {
        /// Number of the frame, from 0.
        frame: usize,
        /// Offset of the frame in the object.
        at: usize,
        /// What belongs there.
        expected: &'static str,
        /// The bytes that are there, in hex.
        found: String,
    },
    /// The frame does not decompress, or its checksum does not match (F3).
    #[error("frame {frame} at byte {at} does not decompress: {reason}")]
    FrameCorrupt {
        /// Number of the frame, from 0.
        frame: usize,
        /// Offset of the frame in the object.
        at: usize,
        /// What zstd says.
        reason: &'static str,
    },
    /// The line is not in its form (F4).
    #[error(transparent)]
    LineForm(LineError),
    /// The payload of an entry is not what it may be (F9).
    #[error(transparent)]
    EventForm(EventError),
    /// A line is where another kind of line belongs, or in the wrong frame (F3, F4).
    #[error("found {found} where {expected} belongs")]
    LineOrder {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The object ends before its segment does.
    #[error("the segment ends where {expected} belongs")]
    Truncated {
        /// What belongs there.
        expected: &'static str,
    },
    /// The segment has another format number than the trust policy names for the log (F18).
    #[error("the segment has format {found}, the trust policy names {expected}")]
    FormatMismatch {
        /// The policy's number.
        expected: u64,
        /// The segment's.
        found: u64,
    },
    /// The segment belongs to another log (F6).
    #[error("the segment is of the log {found}, not {expected}")]
    OriginMismatch {
        /// The log that was asked for.
        expected: Origin,
        /// The log that the segment names.
        found: Origin,
    },
    /// The segment has another number than its place in the log (F6).
    #[error("the segment says that it is number {found}, its place is {expected}")]
    SegmentMismatch {
        /// The number that its place gives it.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// A line has another index than its place (F5).
    #[error("the line has index {found}, its place is {expected}")]
    IndexMismatch {
        /// The index that its place gives it.
        expected: u64,
        /// The index that it has.
        found: u64,
    },
    /// A line does not carry the hash of the line before it (F5, P1).
    #[error("`prev` is {found}, the line before it has the leaf hash {expected}")]
    PrevMismatch {
        /// Leaf hash of the line before.
        expected: Hash,
        /// `prev` of the line.
        found: Hash,
    },
    /// `left` has another number of roots than the index has one bits (F11).
    #[error("`left` has {found} hashes, the index needs {expected}")]
    LeftCount {
        /// popcount of the index.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// `left` is not the compact range over the lines before (F11).
    #[error("`left` is {found:?}, the lines before it give {expected:?}")]
    LeftMismatch {
        /// The range that was computed.
        expected: Vec<Hash>,
        /// The range that the line has.
        found: Vec<Hash>,
    },
    /// The stored bytes of the frames before the last are not those that the close line names (F10).
    #[error("the frames before the last have the hash {found}, the close line names {expected}")]
    FramesMismatch {
        /// What the close line names.
        expected: Hash,
        /// The hash of the stored bytes.
        found: Hash,
    },
    /// The close line counts another number of entries (F10).
    #[error("the close line counts {found} entries, there are {expected}")]
    EventsMismatch {
        /// How many there are.
        expected: u64,
        /// What the line says.
        found: u64,
    },
    /// A time is before the one that it must not precede (F15).
    #[error("the time {found} is before {expected}")]
    TimeDecreased {
        /// The time that it must not precede.
        expected: Timestamp,
        /// The time that it is.
        found: Timestamp,
    },
    /// `sealed_before` is not `sealed` of the segment before, or in segment 0 the line's own time (F6).
    #[error("`sealed_before` is {found}, not {expected}")]
    SealedBeforeMismatch {
        /// What it should be.
        expected: Timestamp,
        /// What it is.
        found: Timestamp,
    },
    /// Segment 0 holds entries (F17).
    #[error("segment 0 has {found} entries, it must have none")]
    FirstSegmentNotEmpty {
        /// How many.
        found: u64,
    },
    /// Segment 0 does not announce its key (F7).
    #[error("segment 0 has no key line")]
    KeyLineMissing,
    /// A key line names a key of another log, no predecessor where there is one, or one where there is none (F7).
    #[error("the key line names {found} where {expected} belongs")]
    KeyLine {
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The checkpoint has another size than there are lines (F12).
    #[error("the checkpoint is over {found} lines, there are {expected}")]
    SizeMismatch {
        /// Number of lines up to here.
        expected: u64,
        /// What the checkpoint says.
        found: u64,
    },
    /// The lines do not hash to the signed root (F11, F12).
    #[error("the signed root is {}, the lines give {}", found.to_base64(), expected.to_base64())]
    RootMismatch {
        /// The root over the lines.
        expected: Hash,
        /// The root that was signed.
        found: Hash,
    },
    /// The checkpoint has more or fewer signatures than the required ones (F14).
    #[error("the checkpoint has {found} signatures, {expected} are required")]
    SignatureCount {
        /// How many are required.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The checkpoint is signed by another key than the required one (F14).
    #[error("the signature is of a key with id {found}, required is {expected}")]
    SignatureKey {
        /// Id of the required key, in hex.
        expected: String,
        /// Id that is there, in hex.
        found: String,
    },
    /// A signature does not verify (F14).
    #[error("the signature does not verify under the key with id {key_id}")]
    SignatureInvalid {
        /// Id of the required key, in hex.
        key_id: String,
    },
}

/// Every code, in the order of [`Fault`].
pub const CODES: [&str; 26] = [
    "size-limit",
    "frame-form",
    "frame-corrupt",
    "line-form",
    "event-form",
    "line-order",
    "segment-truncated",
    "format-mismatch",
    "origin-mismatch",
    "segment-mismatch",
    "index-mismatch",
    "prev-mismatch",
    "left-count",
    "left-mismatch",
    "frames-mismatch",
    "events-mismatch",
    "time-decreased",
    "sealed-before-mismatch",
    "first-segment-not-empty",
    "key-line-missing",
    "key-line",
    "size-mismatch",
    "root-mismatch",
    "signature-count",
    "signature-key",
    "signature-invalid",
];

impl Fault {
    /// The stable name of the fault, also the name of its section in the documentation.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "size-limit",
            Self::FrameForm { .. } => "frame-form",
            Self::FrameCorrupt { .. } => "frame-corrupt",
            Self::LineForm(_) => "line-form",
            Self::EventForm(_) => "event-form",
            Self::LineOrder { .. } => "line-order",
            Self::Truncated { .. } => "segment-truncated",
            Self::FormatMismatch { .. } => "format-mismatch",
            Self::OriginMismatch { .. } => "origin-mismatch",
            Self::SegmentMismatch { .. } => "segment-mismatch",
            Self::IndexMismatch { .. } => "index-mismatch",
            Self::PrevMismatch { .. } => "prev-mismatch",
            Self::LeftCount { .. } => "left-count",
            Self::LeftMismatch { .. } => "left-mismatch",
            Self::FramesMismatch { .. } => "frames-mismatch",
            Self::EventsMismatch { .. } => "events-mismatch",
            Self::TimeDecreased { .. } => "time-decreased",
            Self::SealedBeforeMismatch { .. } => "sealed-before-mismatch",
            Self::FirstSegmentNotEmpty { .. } => "first-segment-not-empty",
            Self::KeyLineMissing => "key-line-missing",
            Self::KeyLine { .. } => "key-line",
            Self::SizeMismatch { .. } => "size-mismatch",
            Self::RootMismatch { .. } => "root-mismatch",
            Self::SignatureCount { .. } => "signature-count",
            Self::SignatureKey { .. } => "signature-key",
            Self::SignatureInvalid { .. } => "signature-invalid",
        }
    }

    /// Whether the fault is of the object's frames and not of one of its lines.
    pub(crate) const fn is_of_frames(&self) -> bool {
        matches!(
            self,
            Self::FrameForm { .. } | Self::FrameCorrupt { .. } | Self::FramesMismatch { .. }
        )
    }

    /// What was expected and what was found, as a report shows them side by side.
    pub fn sides(&self) -> (String, String) {
        let both = |e: &dyn ToString, f: &dyn ToString| (e.to_string(), f.to_string());
        let hashes = |all: &[Hash]| {
            let all: Vec<String> = all.iter().map(Hash::to_string).collect();
            format!("[{}]", all.join(", "))
        };
        match self {
            Self::Limit { what, limit, found } => {
                (format!("at most {limit} {what}"), format!("{found}"))
            }
            Self::FrameCorrupt { reason, .. } => both(&"a frame that decompresses", reason),
            Self::FrameForm {
                expected, found, ..
            }
            | Self::LineForm(LineError::Form {
                expected, found, ..
            }) => both(expected, found),
            Self::LineForm(other) => both(&"a line in its form", other),
            Self::EventForm(error) => both(&"one event in its stored form", error),
            Self::LineOrder { expected, found } => both(expected, found),
            Self::Truncated { expected } => both(expected, &"the end of the object"),
            Self::FormatMismatch { expected, found }
            | Self::SegmentMismatch { expected, found }
            | Self::IndexMismatch { expected, found }
            | Self::LeftCount { expected, found }
            | Self::EventsMismatch { expected, found }
            | Self::SizeMismatch { expected, found } => both(expected, found),
            Self::OriginMismatch { expected, found } => both(expected, found),
            Self::PrevMismatch { expected, found } | Self::FramesMismatch { expected, found } => {
                both(expected, found)
            }
            Self::RootMismatch { expected, found } => (expected.to_base64(), found.to_base64()),
            Self::LeftMismatch { expected, found } => (hashes(expected), hashes(found)),
            Self::TimeDecreased { expected, found } => {
                (format!("{expected} or later"), found.to_string())
            }
            Self::SealedBeforeMismatch { expected, found } => both(expected, found),
            Self::FirstSegmentNotEmpty { found } => both(&0, found),
            Self::KeyLineMissing => both(&"a key line", &"none"),
            Self::KeyLine { expected, found } | Self::SignatureKey { expected, found } => {
                both(expected, found)
            }
            Self::SignatureCount { expected, found } => both(expected, found),
            Self::SignatureInvalid { key_id } => (
                format!("a valid signature of key {key_id}"),
                "an invalid one".to_owned(),
            ),
        }
    }
}

impl From<LineError> for Fault {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Event(error) => Self::EventForm(error),
            LineError::Form { .. } | LineError::TooLong { .. } => Self::LineForm(error),
        }
    }
}
