//! What the listing shows of one log (V4).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::{mem, slice};

use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::source::{Marker, Version};
use crate::word::{self, Word};

/// The versions of one key. Nearly every key has one, and there may be millions of keys, so that one version takes no list of its own.
#[derive(Clone, Debug, Default)]
pub(crate) enum Versions {
    #[default]
    None,
    One(Version),
    Many(Vec<Version>),
}

/// A list that nearly every key has empty. It takes one word then: a key has some, and there may be millions of keys.
#[derive(Clone, Debug)]
pub(crate) struct Rare<T>(Option<Thin<T>>);

/// An empty `Vec` in place takes three words.
type Thin<T> = Box<Vec<T>>;

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Rare<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |all| all.as_slice())
    }
}

impl<T> Rare<T> {
    pub(crate) fn push(&mut self, one: T) {
        self.0.get_or_insert_default().push(one);
    }

    pub(crate) fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        if let Some(all) = &mut self.0 {
            all.retain(is_kept);
        }
    }
}

/// In JSON, it is a list.
impl<T: Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&**self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<T>::deserialize(deserializer)?;
        Ok(Self((!all.is_empty()).then(|| Box::new(all))))
    }
}

/// In JSON, they are a list.
impl Serialize for Versions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&**self)
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut versions = Self::default();
        let all = Vec::<Version>::deserialize(deserializer)?;
        for version in all {
            versions.push(version);
        }
        Ok(versions)
    }
}

impl Deref for Versions {
    type Target = [Version];

    fn deref(&self) -> &[Version] {
        match self {
            Self::None => &[],
            Self::One(version) => slice::from_ref(version),
            Self::Many(versions) => versions,
        }
    }
}

impl Versions {
    pub(crate) fn push(&mut self, version: Version) {
        *self = match mem::take(self) {
            Self::None => Self::One(version),
            Self::One(first) => Self::Many(vec![first, version]),
            Self::Many(mut versions) => {
                versions.push(version);
                Self::Many(versions)
            }
        };
    }

    /// Sorts them from the newest to the oldest. Versions of the same second keep the store's order.
    pub(crate) fn sort(&mut self) {
        if let Self::Many(versions) = self {
            versions.sort_by_key(|version| Reverse(version.stored));
        }
    }

    /// Takes out those that `is_taken` says.
    pub(crate) fn take_out(&mut self, is_taken: impl Fn(&Version) -> bool) -> Vec<Version> {
        match self {
            Self::None => Vec::new(),
            Self::One(version) if !is_taken(version) => Vec::new(),
            Self::One(version) => {
                let taken = vec![mem::take(version)];
                *self = Self::None;
                taken
            }
            Self::Many(versions) => versions
                .extract_if(.., |version| is_taken(version))
                .collect(),
        }
    }
}

/// What the listing shows under the key of one segment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// Its versions, from the newest to the oldest.
    pub(crate) versions: Versions,
    /// Its delete markers.
    pub(crate) markers: Rare<Marker>,
    /// What is there in place of an object, such as a symbolic link.
    #[serde(with = "word::optional")]
    pub(crate) foreign: Option<Box<Word>>,
    /// Whether a plain reader gets a version that is disowned.
    pub(crate) disowned_is_current: bool,
}

impl Slot {
    /// Whether there is anything but delete markers.
    pub(crate) fn is_present(&self) -> bool {
        !self.versions.is_empty() || self.foreign.is_some()
    }
}

/// The segments of one log, as listed.
#[derive(Debug)]
pub(crate) struct LogPlan<'p> {
    pub(crate) log: &'p LogPolicy,
    /// Each in a place of its own: a map keeps room for as many again.
    pub(crate) slots: BTreeMap<u64, Box<Slot>>,
    pub(crate) left_out: LeftOut,
}

/// Keys of a log, and what the listing shows under them.
pub(crate) enum Slots<'p> {
    /// All of them, where they are: of a log of a million segments, a list of them would take as much as all else that is remembered.
    All(&'p BTreeMap<u64, Box<Slot>>),
    /// Some of them.
    Some(Vec<(u64, &'p Slot)>),
}

impl<'p> Slots<'p> {
    /// Each of them, in their order.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (u64, &'p Slot)> + Send + '_> {
        match self {
            Self::All(all) => Box::new(all.iter().map(|(number, slot)| (*number, &**slot))),
            Self::Some(some) => Box::new(some.iter().copied()),
        }
    }

    /// Each of them, in their order.
    pub(crate) fn into_each(self) -> Box<dyn Iterator<Item = (u64, &'p Slot)> + Send + 'p> {
        match self {
            Self::All(all) => Box::new(all.iter().map(|(number, slot)| (*number, &**slot))),
            Self::Some(some) => Box::new(some.into_iter()),
        }
    }
}

/// Segments of a log whose versions the report keeps.
const END_SEGMENTS: usize = 5;

impl LogPlan<'_> {
    /// The oldest versions of its last segments.
    pub(crate) fn ends(&self) -> BTreeMap<u64, Version> {
        let slots = self.slots.iter().rev();
        let present = slots.filter_map(|(number, slot)| Some((*number, slot.versions.last()?)));
        let last = present.take(END_SEGMENTS);
        last.map(|(number, version)| (number, version.clone()))
            .collect()
    }
}

/// What was listed and is left out, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// Versions and delete markers that came after the listing had begun.
    pub(crate) passed_over: u64,
    /// The segment that is absent before them, if one is.
    pub(crate) absent: Option<u64>,
    /// Versions after the declared end.
    pub(crate) disowned_versions: u64,
    /// Delete markers behind it.
    pub(crate) disowned_markers: u64,
    /// Keys under which a plain reader gets something other than what was verified.
    pub(crate) shadowed: u64,
    /// Whether nothing of the log remains to be looked at, not even a delete marker.
    pub(crate) nothing_is_left: bool,
    /// What is dated in the future: segment, version id and date.
    pub(crate) future: Vec<(u64, Option<String>, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(bytes: u64) -> Version {
        let stored = i64::try_from(bytes / 10)
            .ok()
            .and_then(Timestamp::from_micros);
        Version {
            stored,
            bytes,
            ..Version::default()
        }
    }

    fn bytes(versions: &[Version]) -> Vec<u64> {
        versions.iter().map(|version| version.bytes).collect()
    }

    #[test]
    fn versions_are_a_list_at_any_number() {
        for count in 0..5 {
            let mut versions = Versions::default();
            (0..count).for_each(|n| versions.push(version(n)));
            assert_eq!(bytes(&versions), (0..count).collect::<Vec<_>>());
            let taken = versions.take_out(|version| version.bytes % 2 == 0);
            assert_eq!(bytes(&taken), (0..count).step_by(2).collect::<Vec<_>>());
            assert_eq!(bytes(&versions), (1..count).step_by(2).collect::<Vec<_>>());
        }
    }

    /// There may be millions of keys: each byte here is a megabyte there.
    #[test]
    fn a_key_with_one_version_takes_little_room() {
        assert!(size_of::<Slot>() <= 88, "{}", size_of::<Slot>());
    }

    #[test]
    fn a_rare_list_is_a_list_in_json() {
        let mut list = Rare::default();
        assert_eq!(serde_json::to_string(&list).unwrap(), "[]");
        (1..5).for_each(|one| list.push(one));
        list.retain(|one| one % 2 == 0);
        assert_eq!(serde_json::to_string(&list).unwrap(), "[2,4]");
        let read: Rare<i32> = serde_json::from_str("[2,4]").unwrap();
        assert_eq!(*read, *list);
        let empty: Rare<i32> = serde_json::from_str("[]").unwrap();
        assert!(empty.0.is_none());
    }

    #[test]
    fn versions_are_sorted_from_the_newest_and_stay_in_order_within_a_second() {
        let mut versions = Versions::default();
        for n in [11, 30, 12, 22, 31] {
            versions.push(version(n));
        }
        versions.sort();
        assert_eq!(bytes(&versions), [30, 31, 22, 11, 12]);
    }
}
