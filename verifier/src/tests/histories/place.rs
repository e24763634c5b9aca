//! Where the segments are: every version that was ever put, until when it was there, and what a listing shows of it all.

use std::collections::BTreeSet;
use std::sync::Arc;

use auditlog_chain::builder::ClosedSegment;
use auditlog_chain::policy::LockMode;
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;

use super::super::world::{Key, PREFIX, origin};
use super::honest::{History, Hold, Made, Run};
use crate::source::{Listed, Lock, Marker, Strength, Version};

/// A moment in seconds after the beginning of 2026.
pub(super) fn time(seconds: i64) -> Timestamp {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    begin.saturating_add_seconds(seconds)
}

/// One version of an object.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) sealed: i64,
    pub(super) stored: i64,
    /// What the store says of when it was stored, where that is not true.
    pub(super) dated: Option<i64>,
    pub(super) gone_at: Option<i64>,
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) mode: &'static str,
    pub(super) locked_until: Option<i64>,
    pub(super) held: Option<Hold>,
    /// Whether the bytes are those of the honest log.
    pub(super) honest: bool,
}

/// A delete marker.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) set: i64,
}

/// The honest log, signed.
pub(super) struct Signed {
    pub(super) keys: [Key; 2],
    /// The log's head before each segment, and after the last.
    pub(super) heads: Vec<Head>,
    pub(super) objects: Vec<Arc<Vec<u8>>>,
}

/// Everything that was ever put.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) things: Vec<Thing>,
    pub(super) marks: Vec<Mark>,
}

impl Signed {
    /// Seals the segments of a history.
    pub(super) fn new(history: &History) -> Self {
        let keys = [Key::ed25519(), Key::ed25519()];
        let mut signed = Self {
            keys,
            heads: vec![Head::of_new_log(origin())],
            objects: Vec::new(),
        };
        for (number, made) in (0..).zip(&history.segments) {
            let rotates = history.rotated_at == Some(number);
            let events = if number % 3 == 1 {
                &["{\"user\":\"ada\"}"][..]
            } else {
                &[]
            };
            let change = (number == 0).then(|| signed.keys[0].change(None));
            let change =
                change.or_else(|| rotates.then(|| signed.keys[1].change(Some(&signed.keys[0]))));
            let closed = close(signed.heads.last().unwrap(), change, events, made.sealed);
            let second = history.rotated_at.is_some_and(|at| number >= at);
            let mut signatures = vec![signed.keys[usize::from(second)].sign(&closed)];
            if rotates {
                signatures.push(signed.keys[0].sign(&closed));
            }
            signed.heads.push(closed.head().clone());
            signed
                .objects
                .push(Arc::new(closed.finish(signatures).unwrap()));
        }
        signed
    }

    /// Number of the key that signs a segment.
    pub(super) fn key(&self, history: &History, number: u64) -> &Key {
        &self.keys[usize::from(history.rotated_at.is_some_and(|at| number >= at))]
    }
}

/// Closes a segment at a moment.
pub(super) fn close(
    head: &Head,
    change: Option<auditlog_chain::line::KeyChange>,
    events: &[&str],
    sealed: i64,
) -> ClosedSegment {
    super::super::world::closed_at(head, change, events, time(sealed), time(sealed))
}

impl Place {
    /// The honest log, as far as its lifecycle and accidents left it.
    pub(super) fn honest(history: &History, signed: &Signed) -> Self {
        let mut place = Self::default();
        for (number, (made, bytes)) in (0..).zip(history.segments.iter().zip(&signed.objects)) {
            let lost = history
                .lost
                .filter(|lost| lost.first <= number && number <= lost.last);
            let gone_at = made
                .expired_at
                .into_iter()
                .chain(lost.map(|lost| lost.at))
                .min();
            place.things.push(Thing {
                number,
                id: format!("v{number}"),
                sealed: made.sealed,
                stored: made.stored,
                dated: None,
                gone_at,
                bytes: Arc::clone(bytes),
                mode: if history.compliance {
                    "COMPLIANCE"
                } else {
                    "GOVERNANCE"
                },
                locked_until: Some(made.locked_until)
                    .filter(|_| made.held.is_none_or(|hold| hold.beside)),
                held: made.held,
                honest: true,
            });
            let Made {
                marked_at: Some(set),
                ..
            } = made
            else {
                continue;
            };
            if gone_at.is_none_or(|gone| gone > *set) {
                place.marks.push(Mark {
                    number,
                    id: format!("m{number}"),
                    set: *set,
                });
            }
        }
        place
    }

    /// Removes every version of some segments at a moment, locked or not.
    pub(super) fn remove(&mut self, numbers: impl Fn(u64) -> bool, at: i64) {
        for thing in self.things.iter_mut().filter(|thing| numbers(thing.number)) {
            if thing.stored <= at {
                thing.gone_at = Some(thing.gone_at.map_or(at, |gone| gone.min(at)));
            }
        }
        // What the honest sealer would have stored later is stored nevertheless.
    }

    /// Nothing honest is stored after a moment: the sealer is gone.
    pub(super) fn stop_sealer(&mut self, at: i64) {
        self.things
            .retain(|thing| !thing.honest || thing.stored <= at);
    }

    /// What a listing shows, with the object keys in order, each read at its own time.
    pub(super) fn seen(&self, history: &History, run: Run) -> Vec<&Thing> {
        let shown = |thing: &&Thing| {
            let page = self.page(history, run, thing.number);
            thing.stored <= page && thing.gone_at.is_none_or(|gone| gone > page)
        };
        let mut seen: Vec<_> = self.things.iter().filter(shown).collect();
        seen.sort_by_key(|thing| (thing.number, std::cmp::Reverse(thing.stored)));
        seen
    }

    /// Numbers of the segments that a folder gets after its listing has begun, and that the listing shows.
    pub(super) fn passed_over(&self, history: &History, run: Run) -> BTreeSet<u64> {
        let seen = self.seen(history, run);
        let last = seen.iter().map(|thing| thing.number).max();
        let during = |thing: &&Thing| {
            let stored = run.begun < thing.stored && thing.stored <= run.ended;
            stored && thing.gone_at.is_none_or(|gone| gone > run.ended)
        };
        let all = self.things.iter().filter(|_| !history.bucket);
        let all = all.filter(during).map(|thing| thing.number);
        all.filter(|number| Some(*number) > last).collect()
    }

    /// When the page of the listing with this segment is read.
    fn page(&self, history: &History, run: Run, number: u64) -> i64 {
        if !history.bucket {
            return run.begun;
        }
        let last = self
            .things
            .iter()
            .map(|thing| thing.number)
            .max()
            .unwrap_or(0)
            .max(1);
        let part = i64::try_from(number.min(last)).unwrap() * (run.ended - run.begun);
        run.begun + part / i64::try_from(last).unwrap()
    }

    /// Markers that a listing shows.
    pub(super) fn marks_seen(&self, history: &History, run: Run) -> Vec<&Mark> {
        let mut seen: Vec<_> = self
            .marks
            .iter()
            .filter(|mark| history.bucket && mark.set <= self.page(history, run, mark.number))
            .collect();
        seen.sort_by_key(|mark| (mark.number, std::cmp::Reverse(mark.set)));
        seen
    }
}

pub(super) fn object_key(number: u64) -> String {
    format!("{PREFIX}/{number:012}.jsonl.zst")
}

/// A version as a listing names it.
pub(super) fn listed(history: &History, thing: &Thing) -> Listed {
    let version = Version {
        id: history.bucket.then(|| thing.id.clone()),
        stored: history
            .bucket
            .then(|| time(thing.dated.unwrap_or(thing.stored))),
        bytes: u64::try_from(thing.bytes.len()).unwrap(),
        ..Version::default()
    };
    Listed::Version {
        key: object_key(thing.number),
        version,
    }
}

pub(super) fn listed_mark(mark: &Mark) -> Listed {
    Listed::Marker {
        key: object_key(mark.number),
        marker: Marker {
            id: Some(mark.id.clone()),
            set: time(mark.set),
            is_latest: false,
        },
    }
}

/// The lock of a version at a moment. Once a hold is lifted, it is a retain-until.
pub(super) fn lock(thing: &Thing, now: i64) -> Lock {
    let lifted_at = thing.held.and_then(|hold| hold.lifted_at);
    let lifted = thing.held.zip(lifted_at.filter(|at| *at <= now));
    let until = lifted.map(|(hold, at)| at + hold.seconds);
    Lock {
        strength: Strength::As(LockMode::parse(thing.mode).unwrap()),
        until: until.max(thing.locked_until).map(time),
        held_for_seconds: thing
            .held
            .filter(|_| lifted.is_none())
            .map(|hold| hold.seconds),
    }
}
