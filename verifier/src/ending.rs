//! The last two lines of a segment: its close line and its checkpoint.
//!
//! Together they prove, to whoever does not have the object, which segment of the log it is, when it was sealed, how many entries it has and how far
//! the log had come: the close line is the last leaf under the root, and an authorised key signed the root. A checkpoint alone has no number and
//! no time, so that of one segment could be named as that of another.

use auditlog_chain::checkpoint::{Checkpoint, SignedCheckpoint};
use auditlog_chain::hash::{Hash, leaf_hash};
use auditlog_chain::line::{Body, parse_line};
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::CheckedSegment;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::tree::CompactRange;
use serde::{Deserialize, Serialize};

/// The end of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// The close line.
    close: String,
    /// The checkpoint with its signatures.
    #[serde(with = "note")]
    pub(crate) signed: SignedCheckpoint,
}

/// What the end of a segment shows, as far as its checkpoint is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Number of the segment.
    pub(crate) number: u64,
    /// Number of its entries.
    pub(crate) events: u64,
    /// When it was sealed.
    pub(crate) sealed: Timestamp,
    /// Compact range over all lines up to its end.
    pub(crate) range: CompactRange,
    /// Leaf hash of its last line.
    pub(crate) last_leaf: Hash,
}

impl Ending {
    pub(crate) fn of(segment: &CheckedSegment) -> Self {
        Self {
            // A line that was parsed is text.
            close: String::from_utf8_lossy(segment.close_line()).into_owned(),
            signed: segment.signed_checkpoint().clone(),
        }
    }

    /// What it shows; `None` where the checkpoint is of another log, or the line is not the close line that its root is over.
    pub(crate) fn shows(&self, log: &Origin) -> Option<Shown> {
        let line = parse_line(self.close.as_bytes()).ok()?;
        let Body::Close(close) = line.body else {
            return None;
        };
        let last_leaf = leaf_hash(self.close.as_bytes());
        let mut range = CompactRange::from_roots(line.index, close.left)?;
        range.append(last_leaf)?;
        let Checkpoint { origin, size, root } = &self.signed.checkpoint;
        let is_over_it = (origin, *size, *root) == (log, range.size(), range.root());
        is_over_it.then_some(Shown {
            number: close.segment,
            events: close.events,
            sealed: close.sealed,
            range,
            last_leaf,
        })
    }
}

/// A checkpoint in a document: the note, as C2SP tools take it.
mod note {
    use auditlog_chain::checkpoint::SignedCheckpoint;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        signed: &SignedCheckpoint,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&signed.note())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignedCheckpoint, D::Error> {
        let note = String::deserialize(deserializer)?;
        SignedCheckpoint::parse_note(&note).ok_or_else(|| D::Error::custom("not a signed note"))
    }
}
