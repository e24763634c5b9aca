//! What a listing shows of a log: its newest segment, what is absent below it, and what somebody else has done.

use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;

use super::{Store, Version, VersionKind};
use crate::error::{Error, LogError};
use crate::limits::MAX_GAPS;

/// A segment that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its number.
    pub number: u64,
    /// When it was stored, by the store's clock; of several versions, the earliest.
    pub stored: Option<Timestamp>,
}

/// Absent segments below the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Number of the first absent segment.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
    /// The present segment before them; `None` where segment 0 is among them.
    pub before: Option<Present>,
    /// The present segment after them.
    pub after: Present,
}

/// How often something was found below the newest segment, and where first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// The first object key.
    pub key: String,
    /// How many objects have it.
    pub objects: u64,
}

/// What a listing shows of a log that has segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The newest segment. It has one version and no marker, and nothing comes after it.
    pub newest: Present,
    /// What is absent below it, in order.
    pub gaps: Vec<Gap>,
    /// Delete markers below it.
    pub markers: Option<Oddity>,
    /// Segments below it that have more than one version.
    pub second_versions: Option<Oddity>,
}

/// Lists a log; `None` where the log is new.
///
/// The listing is of versions and not of objects: behind a delete marker, a conditional create succeeds, and an honest
/// writer would fork its log (P5). What is at the newest segment or after it decides where the log goes on, so there a marker
/// or a second version is an error; below it, they are for a person to look at.
///
/// # Errors
///
/// Where a marker or a second version is at the newest segment or after it, an object is not a segment, or gaps are too many.
pub fn list_log(store: &dyn Store, log: &LogPolicy) -> Result<Option<Listing>, Error> {
    let mut reader = Reader::of(log);
    store.list(&log.prefix, &mut |version| reader.take(version))?;
    reader.end()
}

/// All versions and markers of one key.
#[derive(Clone, Copy, Debug)]
struct Seen {
    number: u64,
    versions: usize,
    markers: usize,
    stored: Option<Timestamp>,
}

struct Reader<'a> {
    log: &'a LogPolicy,
    /// The key that is being listed.
    current: Option<Seen>,
    /// The newest segment that is present so far.
    newest: Option<Seen>,
    /// Numbers after it that have markers alone: the first one, and how many.
    hidden: Option<(u64, u64)>,
    gaps: Vec<Gap>,
    markers: Option<Oddity>,
    second_versions: Option<Oddity>,
}

impl<'a> Reader<'a> {
    const fn of(log: &'a LogPolicy) -> Self {
        Self {
            log,
            current: None,
            newest: None,
            hidden: None,
            gaps: Vec::new(),
            markers: None,
            second_versions: None,
        }
    }

    fn take(&mut self, version: Version<'_>) -> Result<(), Error> {
        let Some(number) = self.log.segment_of_key(version.key) else {
            let key = version.key.to_owned();
            return Err(LogError::Foreign { key }.into());
        };
        if self.current.is_none_or(|seen| seen.number != number) {
            self.end_of_key()?;
        }
        let seen = self.current.get_or_insert(Seen {
            number,
            versions: 0,
            markers: 0,
            stored: None,
        });
        match version.kind {
            VersionKind::DeleteMarker => seen.markers = seen.markers.saturating_add(1),
            VersionKind::Object => {
                seen.versions = seen.versions.saturating_add(1);
                seen.stored = match (seen.stored, version.modified) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        Ok(())
    }

    fn end_of_key(&mut self) -> Result<(), Error> {
        match self.current.take() {
            None => Ok(()),
            Some(Seen {
                number,
                versions: 0,
                ..
            }) => {
                let (first, count) = self.hidden.unwrap_or((number, 0));
                self.hidden = Some((first, count.saturating_add(1)));
                Ok(())
            }
            Some(seen) => self.present(seen),
        }
    }

    fn present(&mut self, seen: Seen) -> Result<(), Error> {
        let before = self.newest.replace(seen);
        self.no_longer_newest(before);
        let expected = before.map_or(0, |before| before.number.saturating_add(1));
        if seen.number > expected {
            if self.gaps.len() >= MAX_GAPS {
                let prefix = self.log.prefix.clone();
                return Err(LogError::TooManyGaps { prefix }.into());
            }
            self.gaps.push(Gap {
                first: expected,
                last: seen.number.saturating_sub(1),
                before: before.map(Present::from),
                after: seen.into(),
            });
        }
        Ok(())
    }

    /// A later segment is present: what was odd at this one and after it is below the newest now.
    fn no_longer_newest(&mut self, before: Option<Seen>) {
        let key = |number| self.log.segment_key(number);
        if let Some(seen) = before {
            if seen.markers > 0 {
                count(&mut self.markers, key(seen.number), 1);
            }
            if seen.versions > 1 {
                count(&mut self.second_versions, key(seen.number), 1);
            }
        }
        if let Some((first, objects)) = self.hidden.take() {
            count(&mut self.markers, key(first), objects);
        }
    }

    fn end(mut self) -> Result<Option<Listing>, Error> {
        self.end_of_key()?;
        let key = |number| self.log.segment_key(number);
        if let Some(newest) = self.newest.filter(|newest| newest.markers > 0) {
            let key = key(newest.number);
            return Err(LogError::Hidden { key }.into());
        }
        if let Some((number, _)) = self.hidden {
            return Err(LogError::StrayMarker { key: key(number) }.into());
        }
        let Some(newest) = self.newest else {
            return Ok(None);
        };
        if newest.versions > 1 {
            let (key, versions) = (key(newest.number), newest.versions);
            return Err(LogError::SecondVersion { key, versions }.into());
        }
        Ok(Some(Listing {
            newest: newest.into(),
            gaps: self.gaps,
            markers: self.markers,
            second_versions: self.second_versions,
        }))
    }
}

impl From<Seen> for Present {
    fn from(seen: Seen) -> Self {
        Self {
            number: seen.number,
            stored: seen.stored,
        }
    }
}

fn count(oddity: &mut Option<Oddity>, key: String, objects: u64) {
    let oddity = oddity.get_or_insert(Oddity { key, objects: 0 });
    oddity.objects = oddity.objects.saturating_add(objects);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::log_without_policy;

    /// Numbers with what is at them: `o` an object, `m` a marker.
    fn listed(log: &[(u64, &str)]) -> Result<Option<Listing>, String> {
        let policy = log_without_policy("acme.example/log", None).unwrap();
        let mut reader = Reader::of(&policy);
        for (number, kinds) in log {
            for kind in kinds.chars() {
                let kind = match kind {
                    'o' => VersionKind::Object,
                    _ => VersionKind::DeleteMarker,
                };
                let key = policy.segment_key(*number);
                let taken = reader.take(Version {
                    key: &key,
                    kind,
                    modified: None,
                });
                taken.map_err(|error| error.to_string())?;
            }
        }
        reader.end().map_err(|error| error.to_string())
    }

    fn gaps(listing: &Listing) -> Vec<(u64, u64)> {
        listing
            .gaps
            .iter()
            .map(|gap| (gap.first, gap.last))
            .collect()
    }

    #[test]
    fn the_newest_segment_is_found_with_the_gaps_below_it() {
        assert_eq!(listed(&[]).unwrap(), None);
        let whole = listed(&[(0, "o"), (1, "o"), (2, "o")]).unwrap().unwrap();
        assert_eq!((whole.newest.number, gaps(&whole)), (2, vec![]));
        let expired = listed(&[(3, "o"), (4, "o"), (9, "o")]).unwrap().unwrap();
        assert_eq!(gaps(&expired), [(0, 2), (5, 8)]);
        assert_eq!(expired.gaps[0].before, None);
        assert_eq!(expired.gaps[1].before.unwrap().number, 4);
        assert_eq!(expired.gaps[1].after.number, 9);
    }

    #[test]
    fn a_marker_or_a_second_version_at_the_head_or_after_it_is_an_error() {
        let key = |number: u64| format!("log/{number:012}.jsonl.zst");
        for (log, expected) in [
            (
                &[(0, "o"), (1, "om")][..],
                format!("{} is hidden by a delete marker", key(1)),
            ),
            (
                &[(0, "o"), (1, "o"), (2, "m")],
                format!(
                    "a delete marker is at {}, where the log has no segment",
                    key(2)
                ),
            ),
            (
                &[(0, "o"), (1, "om"), (7, "m")],
                format!("{} is hidden by a delete marker", key(1)),
            ),
            (
                &[(0, "o"), (7, "mm"), (8, "m")],
                format!(
                    "a delete marker is at {}, where the log has no segment",
                    key(7)
                ),
            ),
            (
                &[(0, "m")],
                format!(
                    "a delete marker is at {}, where the log has no segment",
                    key(0)
                ),
            ),
            (
                &[(0, "o"), (1, "ooo")],
                format!("{} has 3 versions or more", key(1)),
            ),
        ] {
            assert_eq!(listed(log).unwrap_err(), expected);
        }
    }

    #[test]
    fn markers_and_second_versions_below_the_head_are_counted() {
        let log = [
            (0, "m"),
            (1, "oo"),
            (2, "om"),
            (3, "m"),
            (4, "ooo"),
            (5, "o"),
        ];
        let listing = listed(&log).unwrap().unwrap();
        let markers = listing.markers.clone().unwrap();
        assert_eq!(
            (markers.key.as_str(), markers.objects),
            ("log/000000000000.jsonl.zst", 3)
        );
        let second = listing.second_versions.clone().unwrap();
        assert_eq!(
            (second.key.as_str(), second.objects),
            ("log/000000000001.jsonl.zst", 2)
        );
        assert_eq!(
            (listing.newest.number, gaps(&listing)),
            (5, vec![(0, 0), (3, 3)])
        );
    }
}
