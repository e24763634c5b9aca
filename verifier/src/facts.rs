//! What one segment shows by itself. Small: the object is gone. Everything else is judged from these facts, so a range that
//! another machine looked at is judged in the same way as one that was looked at here.

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::line::KeyChange;
use auditlog_chain::policy::{LogPolicy, Position};
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::fault::Fault;
use crate::place::Placed;
use crate::source::ReadError;

/// What is at the key of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Number of the segment.
    pub(crate) number: u64,
    /// The oldest version: under a lock it is the one that cannot have been replaced.
    pub(crate) version_id: Option<String>,
    /// `LastModified`.
    pub(crate) stored: Option<Timestamp>,
    /// What was seen.
    pub(crate) seen: Seen,
    /// What the store says of it.
    pub(crate) kept: Kept,
}

/// What was seen at the key of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Only delete markers: their version ids.
    Marked(Vec<Option<String>>),
    /// It was listed, and the store says that it is not there.
    Gone,
    /// It could not be read.
    Unread(ReadError),
    /// It is wrong in itself (V7).
    Unsound(Box<Unsound>),
    /// It proves itself.
    Sound(Box<Sound>),
}

/// What is wrong with a segment by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsound {
    /// Number of the line in the segment.
    pub(crate) line: Option<u64>,
    /// Index of the line in the log.
    pub(crate) index: Option<u64>,
    /// The fault.
    pub(crate) fault: Fault,
}

/// What the store says of a segment (V17 to V19): the faults in their order, before an entry of the policy is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The faults.
    pub(crate) faults: Vec<Placed<Fault>>,
    /// Number of delete markers that hide nothing that must be kept.
    pub(crate) idle_markers: u64,
    /// Until when a lock keeps it.
    pub(crate) kept_until: Option<Timestamp>,
    /// Why the lock could not be read.
    pub(crate) lock_unread: Option<ReadError>,
}

/// What a segment that proves itself shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sound {
    /// What it says came before it.
    pub(crate) before: Head,
    /// How far the log has come after it.
    pub(crate) head: Head,
    /// Time of the open line.
    pub(crate) opened: Timestamp,
    /// When it was sealed.
    pub(crate) sealed: Timestamp,
    /// Number of entries.
    pub(crate) events: u64,
    /// The key line.
    pub(crate) key_change: Option<KeyChange>,
    /// The checkpoint with its signatures.
    pub(crate) signed: SignedCheckpoint,
    /// The authorised keys that signed; `None` where a signature is not valid, or not of such a key.
    pub(crate) signers: Option<Vec<VerifierKey>>,
}

impl Sound {
    /// The facts of a checked segment.
    pub(crate) fn of(segment: &CheckedSegment, log: &LogPolicy) -> Self {
        let signed = segment.signed_checkpoint();
        Self {
            before: segment.before().clone(),
            head: segment.head().clone(),
            opened: segment.opened(),
            sealed: segment.sealed(),
            events: segment.events(),
            key_change: segment.key_change().cloned(),
            signed: signed.clone(),
            signers: signers(signed, segment.sealed(), log),
        }
    }

    /// Number of the segment.
    pub(crate) const fn number(&self) -> u64 {
        self.before.next_segment
    }

    /// Index of the first line.
    pub(crate) const fn first_index(&self) -> u64 {
        self.before.range.size()
    }

    /// `sealed` of the segment before, as the open line has it.
    pub(crate) fn sealed_before(&self) -> Timestamp {
        self.before.sealed.unwrap_or(self.opened)
    }

    /// Where the log is at its end.
    pub(crate) const fn position(&self) -> Position {
        Position {
            segment: self.number(),
            size: self.head.range.size(),
            root: self.signed.checkpoint.root,
        }
    }
}

impl Facts {
    /// Whether a segment is there: it was listed, and was not gone when it was read.
    pub(crate) const fn is_present(&self) -> bool {
        !matches!(self.seen, Seen::Marked(_) | Seen::Gone)
    }

    /// The segment, where it proves itself.
    pub(crate) fn sound(&self) -> Option<&Sound> {
        match &self.seen {
            Seen::Sound(sound) => Some(sound),
            Seen::Marked(_) | Seen::Gone | Seen::Unread(_) | Seen::Unsound(_) => None,
        }
    }

    /// Number of entries that were read.
    pub(crate) fn events(&self) -> u64 {
        self.sound().map_or(0, |sound| sound.events)
    }
}

/// The authorised keys whose signatures a checkpoint carries, in its order; `None` where one of them is not valid, or of
/// no such key. Which of them were required is not checked here: this is the part of the work that needs no predecessor.
fn signers(
    signed: &SignedCheckpoint,
    sealed: Timestamp,
    log: &LogPolicy,
) -> Option<Vec<VerifierKey>> {
    let by = |note| {
        let valid = |key: &&VerifierKey| key.verify(&signed.checkpoint, sealed, note);
        log.verifier_keys.iter().find(valid).cloned()
    };
    signed.signatures.iter().map(by).collect()
}
