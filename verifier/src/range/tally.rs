//! What was found and counted so far. Two tallies of neighbours can be put together.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

use crate::facts::{Facts, Sound};
use crate::holes::Holes;
use crate::pin::Pin;
use crate::record::Record;
use crate::timeline::{Glimpse, Timeline};
use crate::undecided::Undecided;

/// What was found and counted along a part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What a report draws.
    pub(crate) timeline: Timeline,
}

impl Tally {
    /// Counts a sound segment.
    pub(super) fn count(&mut self, sound: &Sound, stored: Option<Timestamp>) {
        self.segments = self.segments.saturating_add(1);
        self.entries = self.entries.saturating_add(sound.events);
        self.first.get_or_insert((sound.number(), sound.opened));
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
        self.holes.append(other.holes);
        self.trail.extend(other.trail);
        self.idle_markers = self.idle_markers.saturating_add(other.idle_markers);
        self.timeline.merge(&other.timeline);
    }

    /// What a report draws of a present segment.
    pub(super) fn see(&mut self, facts: &Facts) {
        let sound = facts.sound();
        self.timeline.see(&Glimpse {
            number: facts.number,
            written: sound.map(|sound| (sound.opened, sound.sealed)),
            stored: facts.stored,
            entries: facts.events(),
            kept_until: facts.kept.kept_until,
        });
    }

    /// Takes note of the key that signed a segment.
    pub(super) fn signed(&mut self, id: String, sound: &Sound) {
        self.timeline.signed(&id, sound.number(), sound.sealed);
        self.known(id);
    }

    fn known(&mut self, id: String) {
        if !self.signed_by.contains(&id) {
            self.signed_by.push(id);
        }
    }
}
