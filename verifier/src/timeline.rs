//! What a report draws of a log: its segments, their locks and its keys along time, in bounded memory.
//!
//! Segments are drawn in stretches of 2ⁿ numbers. *n* is the least with which at most [`MAX_STRETCHES`] of them have a segment,
//! and everything else is a sum, a least or a greatest. So the same segments give the same timeline, in whatever order and in
//! however many parts they were seen.

use std::collections::BTreeMap;

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Most stretches that a timeline keeps of a log. Stops a log of a billion segments from filling the memory, and the page.
pub const MAX_STRETCHES: usize = 512;

/// The segments of one log along time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    shift: u32,
    stretches: BTreeMap<u64, Stretch>,
    keys: BTreeMap<String, KeyStretch>,
}

/// One present segment, as far as it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// Its number.
    pub number: u64,
    /// When it was opened and sealed; `None` where it is not sound.
    pub written: Option<(Timestamp, Timestamp)>,
    /// When it was stored; `None` in a folder.
    pub stored: Option<Timestamp>,
    /// Number of its entries.
    pub entries: u64,
    /// Until when its lock keeps it; `None` where nothing says so.
    pub kept_until: Option<Timestamp>,
}

/// Neighbouring segments that are drawn as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Number of its first present segment.
    pub first: u64,
    /// Number of its last one.
    pub last: u64,
    /// Number of present segments in it.
    pub segments: u64,
    /// Number of sound ones.
    pub sound: u64,
    /// Number of entries in the sound ones.
    pub entries: u64,
    /// From the first time to the last one that is known of them.
    pub times: Option<Period>,
    /// From the first end of a lock to the last one.
    pub kept_until: Option<Period>,
    /// Number of segments whose lock is known.
    pub locked: u64,
}

/// The segments that one key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyStretch {
    /// Number of the first one.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
    /// Number of them.
    pub segments: u64,
    /// From the first `sealed` to the last one.
    pub sealed: Period,
}

/// Two moments, the earlier one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The earlier one.
    pub from: Timestamp,
    /// The later one.
    pub until: Timestamp,
}

impl Period {
    fn at(time: Timestamp) -> Self {
        Self {
            from: time,
            until: time,
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        }
    }
}

/// The period around both.
fn around(one: Option<Period>, other: Option<Period>) -> Option<Period> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.with(other)),
        (one, other) => one.or(other),
    }
}

impl Stretch {
    fn of(glimpse: &Glimpse) -> Self {
        let times = glimpse.written.into_iter().flat_map(<[_; 2]>::from);
        let times = times.chain(glimpse.stored).map(Period::at);
        Self {
            first: glimpse.number,
            last: glimpse.number,
            segments: 1,
            sound: u64::from(glimpse.written.is_some()),
            entries: glimpse.entries,
            times: times.reduce(Period::with),
            kept_until: glimpse.kept_until.map(Period::at),
            locked: u64::from(glimpse.kept_until.is_some()),
        }
    }

    fn merge(&mut self, other: &Self) {
        *self = Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            segments: self.segments.saturating_add(other.segments),
            sound: self.sound.saturating_add(other.sound),
            entries: self.entries.saturating_add(other.entries),
            times: around(self.times, other.times),
            kept_until: around(self.kept_until, other.kept_until),
            locked: self.locked.saturating_add(other.locked),
        };
    }
}

impl Timeline {
    /// Takes a segment, in any order.
    pub(crate) fn see(&mut self, glimpse: &Glimpse) {
        self.put(&Stretch::of(glimpse));
        self.coarsen(MAX_STRETCHES);
    }

    /// Takes the key that signed a sound segment, in any order.
    pub(crate) fn signed(&mut self, key_id: &str, number: u64, sealed: Timestamp) {
        let one = KeyStretch {
            first: number,
            last: number,
            segments: 1,
            sealed: Period::at(sealed),
        };
        self.put_key(key_id, &one);
    }

    /// Takes in what was seen of other segments of the log.
    pub fn merge(&mut self, other: &Self) {
        if self.shift < other.shift {
            self.raise(other.shift);
        }
        for stretch in other.stretches.values() {
            self.put(stretch);
        }
        for (key_id, key) in &other.keys {
            self.put_key(key_id, key);
        }
        self.coarsen(MAX_STRETCHES);
    }

    /// The stretches, in the order of the log.
    pub fn stretches(&self) -> impl ExactSizeIterator<Item = &Stretch> {
        self.stretches.values()
    }

    /// The keys that signed, by their id in hex.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (&str, &KeyStretch)> {
        self.keys.iter().map(|(id, key)| (id.as_str(), key))
    }

    /// The same segments in at most `most` stretches.
    #[must_use]
    pub fn with_at_most(&self, most: usize) -> Self {
        let mut coarse = self.clone();
        coarse.coarsen(most.max(1));
        coarse
    }

    /// Whether everything in it is of segments with these numbers, and in its place.
    pub(crate) fn is_within(&self, first: u64, last: u64) -> bool {
        let within = |from: u64, to: u64| first <= from && from <= to && to <= last;
        let mut stretches = self.stretches.iter();
        let mut keys = self.keys.values();
        self.stretches.len() <= MAX_STRETCHES
            && stretches.all(|(at, one)| {
                within(one.first, one.last)
                    && one.first.checked_shr(self.shift).unwrap_or(0) == *at
                    && one.last.checked_shr(self.shift).unwrap_or(0) == *at
            })
            && keys.all(|key| within(key.first, key.last))
    }

    fn put(&mut self, stretch: &Stretch) {
        let at = stretch.first.checked_shr(self.shift).unwrap_or(0);
        let slot = self.stretches.entry(at);
        slot.and_modify(|kept| kept.merge(stretch))
            .or_insert(*stretch);
    }

    fn put_key(&mut self, key_id: &str, one: &KeyStretch) {
        let Some(kept) = self.keys.get_mut(key_id) else {
            self.keys.insert(key_id.to_owned(), *one);
            return;
        };
        *kept = KeyStretch {
            first: kept.first.min(one.first),
            last: kept.last.max(one.last),
            segments: kept.segments.saturating_add(one.segments),
            sealed: kept.sealed.with(one.sealed),
        };
    }

    fn coarsen(&mut self, most: usize) {
        while self.stretches.len() > most {
            self.raise(self.shift.saturating_add(1));
        }
    }

    fn raise(&mut self, shift: u32) {
        self.shift = shift;
        for stretch in std::mem::take(&mut self.stretches).into_values() {
            self.put(&stretch);
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from(second).unwrap() * 1_000_000).unwrap()
    }

    fn glimpse(number: u64) -> Glimpse {
        Glimpse {
            number,
            written: (!number.is_multiple_of(7)).then(|| (at(number * 10), at(number * 10 + 9))),
            stored: Some(at(number * 10 + 12)),
            entries: number % 5,
            kept_until: (!number.is_multiple_of(11)).then(|| at(number * 10 + 1_000_000)),
        }
    }

    fn seen(numbers: impl IntoIterator<Item = u64>) -> Timeline {
        let mut timeline = Timeline::default();
        for number in numbers {
            timeline.see(&glimpse(number));
            timeline.signed(if number < 900 { "old" } else { "new" }, number, at(number));
        }
        timeline
    }

    #[test]
    fn a_log_of_many_segments_stays_bounded_and_loses_no_segment() {
        for (count, stretches) in [(0, 0), (1, 1), (512, 512), (513, 257), (100_000, 391)] {
            let timeline = seen(0..count);
            assert_eq!(timeline.stretches().len(), stretches, "{count}");
            let segments: u64 = timeline.stretches().map(|one| one.segments).sum();
            assert_eq!(segments, count);
            let keys: u64 = timeline.keys().map(|(_, key)| key.segments).sum();
            assert_eq!(keys, count);
        }
    }

    /// Distances up to the largest number: the memory is bounded by stretches that have a segment, not by numbers.
    #[test]
    fn far_apart_numbers_are_drawn_too() {
        let timeline = seen([0, 1, 10_000_000_000, 20_000_000_000]);
        assert_eq!(timeline.stretches().len(), 4);
        assert_eq!(timeline.with_at_most(0).stretches().len(), 1);
    }

    #[test]
    fn the_order_in_which_segments_are_seen_makes_no_difference() {
        let numbers: Vec<u64> = (0..3000).filter(|number| number % 13 != 5).collect();
        let forward = seen(numbers.iter().copied());
        for count in [1, 7, 700, 2999] {
            let (one, other) = numbers.split_at(count.min(numbers.len()));
            let (one, other) = (one.iter().copied(), other.iter().copied());
            let mut merged = seen(other.clone());
            merged.merge(&seen(one.clone()));
            assert_eq!(merged, forward, "{count}");
            let mut merged = seen(one);
            merged.merge(&seen(other));
            assert_eq!(merged, forward, "{count}");
        }
        let mut shuffled = numbers;
        shuffled.sort_by_key(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        assert_eq!(seen(shuffled), forward);
    }

    #[test]
    fn a_stretch_knows_times_locks_and_what_is_not_sound() {
        let timeline = seen(5..=8).with_at_most(2);
        let stretches: Vec<_> = timeline.stretches().collect();
        let [one, other] = stretches.as_slice() else {
            panic!("{stretches:?}");
        };
        assert_eq!((one.first, one.last, other.first, other.last), (5, 7, 8, 8));
        assert_eq!((one.segments, one.sound, one.entries), (3, 2, 3));
        let times = Period {
            from: at(50),
            until: at(82),
        };
        assert_eq!(one.times, Some(times));
        assert_eq!(one.locked, 3);
        let nothing = Stretch::of(&Glimpse {
            number: 3,
            ..Glimpse::default()
        });
        assert_eq!((nothing.times, nothing.kept_until), (None, None));
    }
}
