//! Names in memory.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use auditlog_chain::timestamp::Timestamp;

use super::fingerprint::{Fingerprint, NameHash};

/// The last batch of each name, and when it was added.
#[derive(Default)]
pub(super) struct Recent(HashSet<Added>);

/// Names that are remembered one by one take 24 bytes each, as few as there are in a map that has them as keys and values.
#[derive(Clone, Copy)]
struct Added {
    fingerprint: Fingerprint,
    at: Timestamp,
}

impl Borrow<NameHash> for Added {
    fn borrow(&self) -> &NameHash {
        self.fingerprint.name()
    }
}

impl Hash for Added {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.name().hash(state);
    }
}

impl PartialEq for Added {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint.name() == other.fingerprint.name()
    }
}

impl Eq for Added {}

impl Recent {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The last batch of this name, and when it was added.
    pub(super) fn last(&self, name: &NameHash) -> Option<(Fingerprint, Timestamp)> {
        let last = self.0.get(name)?;
        Some((last.fingerprint, last.at))
    }

    /// Adds the last batch of its name.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        self.0.replace(Added { fingerprint, at });
    }

    /// Adds a batch that was accepted before: where its name has been given to another one since, that one stays the last.
    pub(super) fn insert_earlier(&mut self, fingerprint: Fingerprint, at: Timestamp) {
        let last = self.last(fingerprint.name());
        self.insert(last.map_or(fingerprint, |(last, _)| last), at);
    }

    /// Removes a batch, unless another one is the last of its name.
    pub(super) fn remove(&mut self, fingerprint: &Fingerprint) {
        let last = self.last(fingerprint.name());
        if last.is_some_and(|(last, _)| last == *fingerprint) {
            self.0.remove(fingerprint.name());
        }
    }
}
