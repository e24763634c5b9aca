//! Pins (V25, V26): the heads that earlier runs saw, kept by the verifier's owner, so that a log cannot go back.

mod beside;
pub(crate) mod document;
mod error;
mod file;
#[cfg(feature = "s3")]
mod object;

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;

use crate::absence::pins::Keep;
use crate::head::VerifiedHead;
use crate::pin::Pin;

pub use error::PinsError;
pub use file::{PinsFile, load, update};
#[cfg(feature = "s3")]
pub use object::PinsObject;

/// Where pins are kept.
pub trait KeptPins {
    /// Reads them; where nothing is kept yet, there are none.
    ///
    /// # Errors
    ///
    /// Where something else is kept there, or it cannot be read.
    fn load(&self) -> Result<Pins, PinsError>;

    /// Changes them. Runs that do so at the same time do it one after the other, and none undoes what another did; `change` may be
    /// called more than once, each time with what is kept then.
    ///
    /// # Errors
    ///
    /// Where they cannot be written; they are then as they were.
    fn update(&self, change: &mut dyn FnMut(&mut Pins)) -> Result<(), PinsError>;
}

/// The heads that earlier runs saw, one for each log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    heads: BTreeMap<Origin, Pin>,
    /// Digests of the caches of logs.
    caches: BTreeMap<Origin, Hash>,
}

/// What became of a head that was to be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is pinned, or was behind the pin that the run had read.
    Pinned,
    /// Another run has pinned a later segment: the verdict holds up to the head.
    UpToHead {
        /// The segment that is pinned.
        pinned: u64,
    },
    /// Another run has pinned a segment that this one should have seen: no verdict.
    NotSeen {
        /// The segment that is pinned.
        segment: u64,
    },
    /// Another run saw another segment in the place of one that this run saw: a fault.
    Forked {
        /// What is pinned.
        expected: Position,
        /// What this run saw there.
        found: Position,
    },
}

impl Taken {
    const fn forked(pinned: Pin, (size, root): (u64, Hash)) -> Self {
        let expected = pinned.position;
        let segment = expected.segment;
        Self::Forked {
            expected,
            found: Position {
                segment,
                size,
                root,
            },
        }
    }
}

impl FromIterator<(Origin, Pin)> for Pins {
    fn from_iter<I: IntoIterator<Item = (Origin, Pin)>>(pins: I) -> Self {
        Self {
            heads: pins.into_iter().collect(),
            caches: BTreeMap::new(),
        }
    }
}

impl Pins {
    /// The pin of a log.
    pub fn of(&self, origin: &Origin) -> Option<&Pin> {
        self.heads.get(origin)
    }

    /// Digest of the cache of a log: no other one is used.
    pub fn cache_of(&self, origin: &Origin) -> Option<Hash> {
        self.caches.get(origin).copied()
    }

    /// Takes a verified head. Nothing else can be pinned.
    ///
    /// `seen` are the pins that the verification used. What another run has pinned in the meantime is compared with what this
    /// one saw, and a pin never moves back (A5).
    #[must_use = "another run may have seen another history"]
    pub fn take(&mut self, head: &VerifiedHead, seen: &Self) -> Taken {
        let origin = head.origin();
        let kept = self.of(origin).copied();
        let of_kept = |kept: Option<Pin>| kept.map_or(0, |kept| kept.position.segment);
        match head.keep(kept.as_ref(), seen.of(origin)) {
            Keep::Ours => {
                self.heads.insert(origin.clone(), *head.pin());
                let cache = head.cache().map(|cache| (origin.clone(), cache.digest()));
                self.caches.extend(cache);
                Taken::Pinned
            }
            Keep::Theirs => Taken::Pinned,
            Keep::UpToOurs => Taken::UpToHead {
                pinned: of_kept(kept),
            },
            Keep::ShouldHaveSeen => Taken::NotSeen {
                segment: of_kept(kept),
            },
            Keep::Forked { found } => Taken::forked(kept.unwrap_or(*head.pin()), found),
        }
    }

    #[cfg(test)]
    pub(crate) fn merge(&mut self, other: &Self) {
        let heads = other.heads.iter().map(|(origin, at)| (origin.clone(), *at));
        self.heads.extend(heads);
    }
}
