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
    pub(super) fn append(&mut self, other: Self) {
        let known = std::mem::take(&mut self.no_last_good);
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
        self.trail.extend(other.trail);
        self.idle_markers = self.idle_markers.saturating_add(other.idle_markers);
        self.timeline.merge(&other.timeline);
        let firm = self.firm_until.into_iter().chain(other.firm_until);
        self.firm_until = firm.min();
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
