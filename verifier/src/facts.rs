//! What one segment shows by itself. Small: the object is gone. Everything else is judged from these facts, so a range that
//! another machine looked at is judged in the same way as one that was looked at here.

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::hash::Hash;
use auditlog_chain::line::KeyChange;
use auditlog_chain::policy::{LogPolicy, Position};
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::tree::CompactRange;
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use crate::ending::{Ending, Shown};
use crate::fault::Fault;
use crate::log_plan::Slot;
use crate::place::Placed;
use crate::source::ReadError;

/// What is at the key of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    /// Only delete markers: their version ids.
    Marked(Vec<Option<String>>),
    /// It was listed, and the store says that it is not there.
    Gone,
    /// It was listed, and was not to be read. No document says so: a part looks at each of its segments.
    #[serde(skip)]
    Listed,
    /// It could not be read.
    Unread(ReadError),
    /// It is wrong in itself (V7).
    Unsound(Box<Unsound>),
    /// It proves itself.
    Sound(Box<Sound>),
}

/// What is wrong with a segment by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unsound {
    /// Number of the line in the segment.
    pub(crate) line: Option<u64>,
    /// Index of the line in the log.
    pub(crate) index: Option<u64>,
    /// The fault.
    pub(crate) fault: Fault,
}

/// What the store says of a segment (V17 to V19): the faults in their order, before an entry of the policy is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The faults.
    pub(crate) faults: Vec<Placed<Fault>>,
    /// Number of delete markers that hide nothing that must be kept.
    pub(crate) idle_markers: u64,
    /// Until when a lock keeps it.
    pub(crate) until: Option<Timestamp>,
    /// Until when the lock holds and is enough, whatever anybody does; `None` where somebody can weaken it.
    pub(crate) firm_until: Option<Timestamp>,
    /// Why the lock could not be read.
    pub(crate) lock_unread: Option<ReadError>,
}

impl Kept {
    /// Whether nothing at all is to be said of it.
    pub(crate) const fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.idle_markers == 0 && self.lock_unread.is_none()
    }
}

/// How far a log has come: what the next segment must begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "WrittenEnd", try_from = "WrittenEnd")]
pub(crate) struct End {
    /// Compact range over all lines.
    pub(crate) range: CompactRange,
    /// Leaf hash of the last line.
    pub(crate) last_leaf: Hash,
    /// `sealed` of the last segment; `None` where there is none.
    pub(crate) sealed: Option<Timestamp>,
}

/// An end as documents have it.
#[derive(Serialize, Deserialize)]
struct WrittenEnd {
    size: u64,
    left: Vec<Hash>,
    last_leaf: Hash,
    sealed: Option<Timestamp>,
}

impl From<End> for WrittenEnd {
    fn from(end: End) -> Self {
        Self {
            size: end.range.size(),
            left: end.range.roots().to_vec(),
            last_leaf: end.last_leaf,
            sealed: end.sealed,
        }
    }
}

impl TryFrom<WrittenEnd> for End {
    type Error = &'static str;

    fn try_from(end: WrittenEnd) -> Result<Self, Self::Error> {
        let range = CompactRange::from_roots(end.size, end.left);
        Ok(Self {
            range: range.ok_or("`left` has another number of hashes than `size` has one bits")?,
            last_leaf: end.last_leaf,
            sealed: end.sealed,
        })
    }
}

impl From<&Head> for End {
    fn from(head: &Head) -> Self {
        Self {
            range: head.range.clone(),
            last_leaf: head.last_leaf,
            sealed: head.sealed,
        }
    }
}

/// What a segment that proves itself shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sound {
    /// Its number.
    pub(crate) number: u64,
    /// What it says came before it.
    pub(crate) before: End,
    /// How far the log has come after it.
    pub(crate) after: End,
    /// Time of the open line.
    pub(crate) opened: Timestamp,
    /// When it was sealed.
    pub(crate) sealed: Timestamp,
    /// Number of entries.
    pub(crate) events: u64,
    /// The key line.
    #[serde(with = "key_line")]
    pub(crate) key_change: Option<KeyChange>,
    /// Its close line, and the checkpoint with its signatures.
    pub(crate) ending: Ending,
    /// The authorised keys that signed; `None` where a signature is not valid, or not of such a key. A document does not say it.
    #[serde(skip)]
    pub(crate) signers: Option<Vec<VerifierKey>>,
}

impl Sound {
    /// The facts of a checked segment.
    pub(crate) fn of(segment: &CheckedSegment, log: &LogPolicy) -> Self {
        Self {
            number: segment.number(),
            before: segment.before().into(),
            after: segment.head().into(),
            opened: segment.opened(),
            sealed: segment.sealed(),
            events: segment.events(),
            key_change: segment.key_change().cloned(),
            ending: Ending::of(segment),
            signers: signers(segment.signed_checkpoint(), segment.sealed(), log),
        }
    }

    /// Whether the parts fit each other, where they come from a document: its end is what its signed lines show.
    fn fits(&self, log: &LogPolicy) -> bool {
        let said = Shown {
            number: self.number,
            events: self.events,
            sealed: self.sealed,
            range: self.after.range.clone(),
            last_leaf: self.after.last_leaf,
        };
        self.ending.shows(&log.origin) == Some(said)
            && self.lines()
                == self
                    .after
                    .range
                    .size()
                    .checked_sub(self.before.range.size())
            && self.after.sealed == Some(self.sealed)
    }

    /// Number of its lines: the entries, the open line, the close line and the key line.
    fn lines(&self) -> Option<u64> {
        let others = if self.key_change.is_some() { 3 } else { 2 };
        self.events.checked_add(others)
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
            segment: self.number,
            size: self.after.range.size(),
            root: self.ending.signed.checkpoint.root,
        }
    }
}

impl Facts {
    /// Finds out what a document does not say, and whether what it says fits.
    ///
    /// # Errors
    ///
    /// How it does not.
    pub(crate) fn complete(&mut self, log: &LogPolicy) -> Result<(), &'static str> {
        let Seen::Sound(sound) = &mut self.seen else {
            return Ok(());
        };
        if sound.number != self.number || !sound.fits(log) {
            return Err("a checkpoint is not that of its segment");
        }
        sound.signers = signers(&sound.ending.signed, sound.sealed, log);
        Ok(())
    }

    /// Whether a look at a key, under which the listing has this, can have shown it.
    pub(crate) fn can_be_of(&self, number: u64, slot: &Slot) -> bool {
        let version = slot.versions.last();
        let listed = (
            version.and_then(|one| one.id.as_ref()),
            version.and_then(|one| one.stored),
        );
        let is_same = (self.number, (self.version_id.as_ref(), self.stored)) == (number, listed);
        let markers = slot.markers.iter().map(|marker| &marker.id);
        let is_seen = match &self.seen {
            Seen::Marked(ids) => !slot.is_present() && ids.iter().eq(markers),
            // A folder has no version that a lock could have let go.
            Seen::Gone => self.stored.is_some(),
            Seen::Listed => false,
            Seen::Unread(_) => slot.is_present(),
            Seen::Unsound(_) | Seen::Sound(_) => slot.is_present() && slot.foreign.is_none(),
        };
        is_same && is_seen
    }

    /// Whether a segment is there: it was listed, and was not gone when it was read.
    pub(crate) const fn is_present(&self) -> bool {
        !matches!(self.seen, Seen::Marked(_) | Seen::Gone)
    }

    /// The segment, where it proves itself.
    pub(crate) fn sound(&self) -> Option<&Sound> {
        match &self.seen {
            Seen::Sound(sound) => Some(sound),
            Seen::Marked(_) | Seen::Gone | Seen::Listed | Seen::Unread(_) | Seen::Unsound(_) => {
                None
            }
        }
    }

    /// Number of entries that were read.
    pub(crate) fn events(&self) -> u64 {
        self.sound().map_or(0, |sound| sound.events)
    }
}

/// The authorised keys whose signatures a checkpoint carries, in its order; `None` where one of them is not valid, or of
/// no such key. Which of them were required is not checked here: this is the part of the work that needs no predecessor.
pub(crate) fn signers(
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

/// A key line in a document.
mod key_line {
    use auditlog_chain::line::KeyChange;
    use auditlog_chain::verifier_key::VerifierKey;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Written {
        verifier_key: VerifierKey,
        previous: Option<VerifierKey>,
    }

    #[expect(clippy::ref_option, reason = "serde calls it with the field")]
    pub(super) fn serialize<S: Serializer>(
        change: &Option<KeyChange>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let written = change.clone().map(|change| Written {
            verifier_key: change.verifier_key,
            previous: change.previous,
        });
        written.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<KeyChange>, D::Error> {
        let written = Option::<Written>::deserialize(deserializer)?;
        Ok(written.map(|written| KeyChange {
            verifier_key: written.verifier_key,
            previous: written.previous,
        }))
    }
}
