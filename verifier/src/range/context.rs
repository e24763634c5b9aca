//! What a segment is judged against: what came before it.

use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use crate::absence::border::{Known, Left};
use crate::facts::{End, Facts, Sound};

/// The present segment before the one in hand, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    pub(crate) number: u64,
    pub(crate) stored: Option<Timestamp>,
    /// `None` where it could not be read, or is wrong in itself.
    pub(crate) head: Option<End>,
}

/// What came before a segment, as far as a rule needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Context {
    /// The last present segment.
    pub(crate) previous: Option<Previous>,
    /// The last sound one.
    pub(crate) left: Option<Left>,
    /// Segments since the last present one that were listed, and gone when they were read.
    pub(crate) gone: Vec<Known>,
    /// The key that signs from here on; `None` where that is not proven.
    pub(crate) active: Option<VerifierKey>,
    /// Delete markers since the last present segment where none is present: number and version id.
    pub(crate) markers: Vec<(u64, Option<String>)>,
}

impl Context {
    /// The context right after a sound segment.
    pub(super) fn after(facts: &Facts, sound: &Sound, active: Option<VerifierKey>) -> Self {
        Self {
            previous: Some(previous(facts)),
            left: Some(left(sound, facts.stored)),
            active,
            ..Self::default()
        }
    }

    /// Number of the segment that comes next if none is absent.
    pub(super) fn next_number(&self) -> u64 {
        self.previous
            .as_ref()
            .map_or(0, |previous| previous.number.saturating_add(1))
    }

    /// Number of the last present segment.
    pub(crate) fn head(&self) -> Option<u64> {
        self.previous.as_ref().map(|previous| previous.number)
    }
}

pub(super) fn previous(facts: &Facts) -> Previous {
    Previous {
        number: facts.number,
        stored: facts.stored,
        head: facts.sound().map(|sound| sound.after.clone()),
    }
}

pub(super) fn left(sound: &Sound, stored: Option<Timestamp>) -> Left {
    let position = sound.position();
    Left {
        number: position.segment,
        size: position.size,
        root: position.root,
        sealed: sound.sealed,
        stored,
    }
}
