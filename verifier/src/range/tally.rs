//! What was found and counted so far. Two tallies of neighbours can be put together.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use super::context::Context;
use crate::absence::border::Left;
use crate::ending::Ending;
use crate::facts::{End, Facts, Sound, signers};
use crate::holes::Holes;
use crate::pin::Pin;
use crate::record::Record;
use crate::timeline::{Glimpse, Timeline};
use crate::undecided::Undecided;

/// Stretches in which what an earlier run read is drawn.
const CACHED_STRETCHES: usize = 1;

/// Most segments above the pins whose size and root are kept, in all logs of a run: the last ones of each. Stops a first run over logs of any size and number
/// from filling the memory.
const MAX_TRAIL: usize = 1 << 16;

/// How many of them each of so many logs has.
pub(super) fn trail_of_each(logs: usize) -> usize {
    MAX_TRAIL.checked_div(logs).unwrap_or(MAX_TRAIL).max(1)
}

/// What was found and counted along a part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// What was found, in the order of the segments.
    pub(crate) record: Record,
    /// Ids of the keys that signed, in the order in which they first did.
    pub(crate) signed_by: Vec<String>,
    /// Compromised keys for which the missing last good segment was already reported.
    pub(crate) no_last_good: BTreeSet<String>,
    /// Number of sound segments, and of entries in them.
    pub(crate) segments: u64,
    pub(crate) entries: u64,
    /// Number of the first sound segment, and when it was opened.
    pub(crate) first: Option<(u64, Timestamp)>,
    /// The last one.
    pub(crate) last: Option<Pin>,
    /// Segments that are absent and may be.
    pub(crate) holes: Holes,
    /// Size and root at the end of each segment above the pin, which another run may pin in the meantime.
    pub(crate) trail: BTreeMap<u64, (u64, Hash)>,
    /// Number of delete markers that hide nothing that must be kept.
    pub(crate) idle_markers: u64,
    /// Until when all locks hold, whatever anybody does; the beginning of time where one does not.
    firm_until: Option<Timestamp>,
    /// The end of the last sound segment.
    ending: Option<Ending>,
    /// What a report draws.
    pub(crate) timeline: Timeline,
}

impl Tally {
    /// The tally as another machine takes it in: drawn in so many stretches, and of the segments above the pin only the last.
    pub(super) fn condensed(mut self, stretches: usize) -> Self {
        self.timeline = self.timeline.with_at_most(stretches);
        let last = self.trail.pop_last();
        self.trail = last.into_iter().collect();
        self
    }

    /// Until when all locks hold, whatever anybody does; `None` where anything at all was found.
    pub(super) fn clean(&self) -> Option<Timestamp> {
        let is_clean = self.record == Record::default()
            && self.holes == Holes::default()
            && self.idle_markers == 0
            && self.no_last_good.is_empty();
        is_clean.then_some(self.firm_until.unwrap_or(Timestamp::MAX))
    }

    /// The tally as the next run takes it in: everything in it is below the pin then.
    pub(super) fn for_cache(&self) -> Self {
        let mut kept = self.clone().condensed(CACHED_STRETCHES);
        kept.trail.clear();
        kept
    }

    /// Whether its end is that of the last sound segment, which the context has.
    pub(super) fn has_ending_of(&self, log: &LogPolicy, context: &Context) -> bool {
        let (last, ending) = match (&self.last, &self.ending) {
            (None, None) => return true,
            (Some(last), Some(ending)) => (last, ending),
            _ => return false,
        };
        let Some(shown) = ending.shows(&log.origin) else {
            return false;
        };
        let position = last.position;
        let left = Left {
            number: shown.number,
            size: shown.range.size(),
            root: shown.range.root(),
            sealed: shown.sealed,
            stored: last.stored,
        };
        (position.segment, position.size, position.root) == (left.number, left.size, left.root)
            && last.sealed == left.sealed
            && context.left == Some(left)
    }

    /// Whether the log is this far at its end.
    pub(super) fn ends_with(&self, log: &LogPolicy, end: &End) -> bool {
        let shown = self
            .ending
            .as_ref()
            .and_then(|ending| ending.shows(&log.origin));
        shown.is_some_and(|shown| {
            (&shown.range, shown.last_leaf, Some(shown.sealed))
                == (&end.range, end.last_leaf, end.sealed)
        })
    }

    /// Takes only what the last segment shows for what is above the pin.
    pub(super) fn with_trail_of_last(mut self, pin: Option<u64>) -> Self {
        let last = self.last.map(|last| last.position);
        let last = last.filter(|last| pin.is_none_or(|pin| last.segment > pin));
        let trail = last.map(|last| (last.segment, (last.size, last.root)));
        self.trail = trail.into_iter().collect();
        self
    }

    /// The authorised key of the first signature of the last checkpoint, where all of its signatures are valid.
    pub(super) fn last_signer(&self, log: &LogPolicy) -> Option<VerifierKey> {
        let sealed = self.last?.sealed;
        let signed = &self.ending.as_ref()?.signed;
        signers(signed, sealed, log)?.into_iter().next()
    }

    /// Counts a sound segment.
    pub(super) fn count(&mut self, sound: &Sound, stored: Option<Timestamp>) {
        self.segments = self.segments.saturating_add(1);
        self.entries = self.entries.saturating_add(sound.events);
        self.first.get_or_insert((sound.number, sound.opened));
        self.ending = Some(sound.ending.clone());
        self.last = Some(Pin {
            position: sound.position(),
            sealed: sound.sealed,
            stored,
        });
    }

    /// Takes in the tally of what comes right after.
    pub(super) fn append(&mut self, mut other: Self, most_remembered: usize) {
        let known = std::mem::take(&mut self.no_last_good);
        let again = other.no_last_good.intersection(&known);
        let unlisted = again.filter(|id| !other.lists_no_last_good(id)).count();
        let undecided = &mut other.record.undecided;
        undecided.forget_unlisted(u64::try_from(unlisted).unwrap_or(u64::MAX));
        let is_new = |undecided: &Undecided| !matches!(undecided, Undecided::NoLastGood { key_id } if known.contains(key_id));
        self.record.append(other.record, is_new);
        self.no_last_good = known;
        self.no_last_good.extend(other.no_last_good);
        other.signed_by.into_iter().for_each(|id| self.known(id));
        self.segments = self.segments.saturating_add(other.segments);
        self.entries = self.entries.saturating_add(other.entries);
        self.first = self.first.or(other.first);
        self.last = other.last.or(self.last);
        self.ending = other.ending.or(self.ending.take());
        self.holes.append(other.holes);
        for (number, end) in other.trail {
            self.remember(number, end, most_remembered);
        }
        self.idle_markers = self.idle_markers.saturating_add(other.idle_markers);
        self.timeline.merge(&other.timeline);
        let firm = self.firm_until.into_iter().chain(other.firm_until);
        self.firm_until = firm.min();
    }

    /// Whether it is listed that the last good segment of this key is missing, and not only counted.
    pub(super) fn lists_no_last_good(&self, id: &str) -> bool {
        let mut listed = self.record.undecided.listed().iter();
        listed.any(|one| matches!(&one.what, Undecided::NoLastGood { key_id } if key_id == id))
    }

    /// Keeps size and root at the end of a segment. A pin that another run moves below those that are kept cannot be compared, and gives no verdict.
    pub(super) fn remember(&mut self, number: u64, end: (u64, Hash), most: usize) {
        self.trail.insert(number, end);
        if self.trail.len() > most {
            self.trail.pop_first();
        }
    }

    /// What a report draws of a present segment.
    pub(super) fn see(&mut self, facts: &Facts) {
        let sound = facts.sound();
        let firm = facts.kept.firm_until.unwrap_or(Timestamp::EPOCH);
        self.firm_until = self.firm_until.into_iter().chain([firm]).min();
        self.timeline.see(&Glimpse {
            number: facts.number,
            written: sound.map(|sound| (sound.opened, sound.sealed)),
            stored: facts.stored,
            entries: facts.events(),
            kept_until: facts.kept.until,
        });
    }

    /// Takes note of the key that signed a segment.
    pub(super) fn signed(&mut self, id: String, sound: &Sound) {
        self.timeline.signed(&id, sound.number, sound.sealed);
        self.known(id);
    }

    fn known(&mut self, id: String) {
        if !self.signed_by.contains(&id) {
            self.signed_by.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::leaf_hash;

    use super::*;
    use crate::place::Place;

    #[test]
    fn the_last_segments_above_the_pin_are_remembered_and_no_more() {
        let end = (7, leaf_hash(b"end"));
        for (logs, most) in [(0, 65_536), (1, 65_536), (16, 4096), (100_000, 1)] {
            assert_eq!(trail_of_each(logs), most);
            let with = |numbers: std::ops::Range<u64>| {
                let mut tally = Tally::default();
                numbers.for_each(|number| tally.remember(number, end, most));
                tally
            };
            let mut tally = with(0..70_000);
            assert_eq!(tally.trail.len(), most);
            tally.append(with(70_000..70_010), most);
            assert_eq!(tally.trail.len(), most);
            assert_eq!(tally.trail.keys().next_back(), Some(&70_009));
            assert_eq!(tally, with(0..70_010));
        }
    }

    /// What one range reported is not counted again where a later one had no room to list it.
    #[test]
    fn what_was_reported_once_is_counted_once() {
        let mut before = Tally::default();
        let missing = |tally: &mut Tally| {
            let key_id = "00c0ffee".to_owned();
            tally.no_last_good.insert(key_id.clone());
            let undecided = Undecided::NoLastGood { key_id };
            tally.record.undecided(undecided, Place::default());
        };
        missing(&mut before);
        for count in [9_999, 10_000, 10_001] {
            let mut after = Tally::default();
            for first in 0..count {
                let unknown = Undecided::AbsenceUnknown { first, last: first };
                after.record.undecided(unknown, Place::default());
            }
            missing(&mut after);
            let mut both = before.clone();
            both.append(after, MAX_TRAIL);
            assert_eq!(both.record.undecided.count(), count + 1);
        }
    }
}
