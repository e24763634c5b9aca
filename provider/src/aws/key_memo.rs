//! What one run of the provider remembers about keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// What the keys of a region were made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Key ids by the alias that they were made for.
    pub(crate) created_for: BTreeMap<String, BTreeSet<String>>,
    /// Whether every key was looked at.
    pub(crate) extent: Extent,
}

/// How far the keys of a region were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    #[default]
    All,
    /// Not all: there are too many.
    Part,
    /// None, because a permission is missing.
    Denied,
}

/// A key of a resource that waits for an alias until the key that has it is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// KMS's id of the key that waits.
    pub(crate) key_id: String,
    /// KMS's id of the key that has the alias.
    pub(crate) holder: String,
    /// The policy under which the key that waits may sign.
    pub(crate) policy: String,
}

/// What a plan does about an alias.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Planned {
    /// A resource that is there keeps it or gets it: the one with this first key.
    Kept(String),
    /// A new resource gets it.
    New,
}

/// The keys that this process made and read, and the aliases that it is giving away.
#[derive(Debug, Default)]
pub(crate) struct KeyMemo(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    made: BTreeSet<String>,
    claimed: BTreeSet<(String, String)>,
    read: BTreeMap<(String, String), BTreeSet<String>>,
    waiting: BTreeMap<(String, String), Waiting>,
    planned: BTreeMap<(String, String), BTreeSet<Planned>>,
    moves: BTreeMap<(String, String), String>,
    disarmed: BTreeSet<String>,
    listings: BTreeMap<String, Arc<OnceCell<Listing>>>,
}

impl KeyMemo {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This process made the key.
    pub(crate) fn made(&self, key_id: &str) {
        self.memory().made.insert(key_id.to_owned());
    }

    pub(crate) fn has_made(&self, key_id: &str) -> bool {
        self.memory().made.contains(key_id)
    }

    /// Claims an alias for a new resource: true the first time. Two resources of one configuration must not both have it.
    pub(crate) fn claim(&self, region: &str, alias: &str) -> bool {
        let claim = (region.to_owned(), alias.to_owned());
        self.memory().claimed.insert(claim)
    }

    /// Keys that the state has under this alias.
    pub(crate) fn remember(&self, region: &str, alias: &str, keys: BTreeSet<String>) {
        let name = (region.to_owned(), alias.to_owned());
        self.memory().read.entry(name).or_default().extend(keys);
    }

    pub(crate) fn remembered(&self, region: &str, alias: &str) -> BTreeSet<String> {
        let name = (region.to_owned(), alias.to_owned());
        self.memory().read.get(&name).cloned().unwrap_or_default()
    }

    /// Whether a resource of the state has the key, as far as this run has read or planned it.
    pub(crate) fn has_read(&self, key_id: &str) -> bool {
        let memory = self.memory();
        memory.read.values().any(|keys| keys.contains(key_id))
    }

    /// Notes the move of a resource from one alias to another: false where the moves of this run end where they begin.
    pub(crate) fn plan_move(&self, region: &str, from: &str, to: &str) -> bool {
        let name = |alias: &str| (region.to_owned(), alias.to_owned());
        let mut memory = self.memory();
        memory.moves.insert(name(from), to.to_owned());
        let mut seen = BTreeSet::new();
        let mut at = to.to_owned();
        while at != from && seen.insert(at.clone()) {
            match memory.moves.get(&name(&at)) {
                Some(next) => at.clone_from(next),
                None => return true,
            }
        }
        at != from
    }

    /// Notes that a resource wants signing with a key denied that is not its own.
    pub(crate) fn plan_disarm(&self, key_id: &str) {
        self.memory().disarmed.insert(key_id.to_owned());
    }

    pub(crate) fn is_disarmed(&self, key_id: &str) -> bool {
        self.memory().disarmed.contains(key_id)
    }

    /// Notes what is planned of an alias: false where more than one resource wants it.
    pub(crate) fn plan(&self, region: &str, alias: &str, planned: Planned) -> bool {
        let name = (region.to_owned(), alias.to_owned());
        let mut memory = self.memory();
        let all = memory.planned.entry(name).or_default();
        all.insert(planned);
        all.len() == 1
    }

    /// A key of this configuration waits for an alias.
    pub(crate) fn wait(&self, region: &str, alias: &str, waiting: Waiting) {
        let name = (region.to_owned(), alias.to_owned());
        self.memory().waiting.insert(name, waiting);
    }

    /// The key of this configuration that waits until a key gives up its alias.
    pub(crate) fn waiting_for(&self, region: &str, alias: &str, holder: &str) -> Option<Waiting> {
        let name = (region.to_owned(), alias.to_owned());
        let waiting = self.memory().waiting.get(&name).cloned();
        waiting.filter(|waiting| waiting.holder == holder)
    }

    pub(crate) fn listing(&self, region: &str) -> Arc<OnceCell<Listing>> {
        Arc::clone(self.memory().listings.entry(region.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "eu-central-1";

    #[test]
    fn moves_that_end_where_they_begin_are_found_whichever_is_planned_last() {
        let moves = [("one", "two"), ("two", "three"), ("three", "one")];
        for first in 0..moves.len() {
            let memo = KeyMemo::default();
            let plan = |at: usize| {
                let (from, to) = moves[at % moves.len()];
                memo.plan_move(REGION, from, to)
            };
            assert!(plan(first) && plan(first + 1));
            // a resource may be planned twice
            assert!(plan(first));
            assert!(!plan(first + 2));
        }
        // a move into a circle of others goes nowhere, but it ends
        let memo = KeyMemo::default();
        assert!(memo.plan_move(REGION, "one", "two"));
        assert!(!memo.plan_move(REGION, "two", "one"));
        assert!(memo.plan_move(REGION, "three", "one"));
        assert!(memo.plan_move("us-east-1", "two", "one"));
    }

    #[test]
    fn alias_is_planned_for_one_resource() {
        let memo = KeyMemo::default();
        let kept = |key: &str| Planned::Kept(key.to_owned());
        assert!(memo.plan(REGION, "one", kept("a")));
        assert!(memo.plan(REGION, "one", kept("a")));
        assert!(!memo.plan(REGION, "one", kept("b")));
        assert!(memo.plan(REGION, "two", kept("b")));
        assert!(!memo.plan(REGION, "two", Planned::New));
    }
}
