//! What is true of a history, from what was really removed and what was really locked at the time. No rule of the verifier is
//! called here.
//!
//! A removal must be found as long as what is gone must still be retained, except what no verifier can see: the limits
//! at the end of the rules of absence in `docs/guides/verification.md`.

use std::collections::BTreeMap;

use super::honest::{History, Run, at, surely_silent};
use super::place::{Place, Thing};

/// What a run can see.
struct Sight<'a> {
    history: &'a History,
    run: Run,
    /// The first version of each segment that is there.
    first: BTreeMap<u64, &'a Thing>,
    /// Seconds that no border can tell apart: a segment can vanish so much before its retention ends.
    slack: i64,
}

/// Why a run must not come to "verified"; `None` where it may.
pub(super) fn must_be_found(
    history: &History,
    place: &Place,
    run: Run,
    pin: Option<u64>,
) -> Option<String> {
    let mut first = BTreeMap::new();
    for thing in place.seen(history, run) {
        if !is_disowned(history, thing) {
            // The newest comes first: the last one that is taken is the oldest.
            first.insert(thing.number, thing);
        }
    }
    let longest = history
        .silences
        .iter()
        .map(|(from, until)| until - from)
        .max();
    let slack = history.longest_silence() + longest.unwrap_or(0) + history.skew;
    let sight = Sight {
        history,
        run,
        first,
        slack,
    };
    if sight.races() {
        return None;
    }
    sight
        .silent_tail()
        .or_else(|| sight.rewritten())
        .or_else(|| sight.damaged().find_map(|number| sight.due(number, pin)))
}

fn is_disowned(history: &History, thing: &Thing) -> bool {
    let last = history.count() - 1;
    history.ended_at.is_some()
        && (thing.number > last
            || (history.bucket && thing.stored > history.made(last).stored + history.skew))
}

impl Sight<'_> {
    /// Whether something was stored so shortly before the run that what is absent below it is passed over.
    fn races(&self) -> bool {
        let recent = self.run.begun - self.history.skew - 2;
        self.history.bucket && self.first.values().any(|thing| thing.stored > recent)
    }

    fn last(&self) -> Option<&Thing> {
        self.first.values().next_back().copied()
    }

    /// The log is silent, and not ended.
    fn silent_tail(&self) -> Option<String> {
        let history = self.history;
        if history.ended_at.is_some() {
            return None;
        }
        let last = self.last()?;
        let stored = if history.bucket {
            last.stored
        } else {
            last.sealed
        };
        let sealed = last.sealed + if history.bucket { history.skew } else { 0 };
        let silent = [stored, sealed]
            .into_iter()
            .any(|from| surely_silent(&history.silence, from, self.run.begun));
        silent.then(|| format!("silent since segment {}", last.number))
    }

    /// In a bucket, a rewrite shows as silence before its first segment.
    fn rewritten(&self) -> Option<String> {
        let (number, forged) = self.first.iter().find(|(_, thing)| !thing.honest)?;
        let before = self.first.get(&number.checked_sub(1)?)?;
        let silent = surely_silent(&self.history.silence, before.stored, forged.stored);
        (self.history.bucket && silent)
            .then(|| format!("silent before the rewritten segment {number}"))
    }

    /// Honest segments that are not there, or not what they were, and did not expire.
    fn damaged(&self) -> impl Iterator<Item = u64> {
        (0..self.history.count()).filter(|number| {
            let made = self.history.made(*number);
            let lost = self
                .history
                .lost
                .is_some_and(|lost| lost.first <= *number && *number <= lost.last);
            let expired = made.expired_at.is_some_and(|at| at <= self.run.ended + 10);
            let there = self.first.get(number).is_some_and(|thing| thing.honest);
            made.stored < self.run.begun && !lost && !expired && !there
        })
    }

    /// For how much longer a segment must be retained.
    fn retained_for(&self, number: u64) -> i64 {
        let moment = self.history.moment(number);
        moment + at(&self.history.lock, moment) - self.run.ended
    }

    /// Why a segment that is gone must be missed.
    fn due(&self, number: u64, pin: Option<u64>) -> Option<String> {
        let left = self.retained_for(number);
        if pin == Some(number) && left > 2 {
            return Some(format!("the pinned segment {number} is gone"));
        }
        let (&next, after) = self.first.range(number..).next()?;
        let forged = !after.honest;
        if next == number || (forged && self.is_rewrite(next)) {
            return None;
        }
        if !self.history.bucket && forged {
            return self.due_by_what_is_left(number);
        }
        (left > self.slack)
            .then(|| format!("segment {number} is gone, {left} s before its retention ends"))
    }

    /// Whether a forged segment follows on something that is there: it leaves no gap.
    fn is_rewrite(&self, number: u64) -> bool {
        number
            .checked_sub(1)
            .is_some_and(|before| self.first.contains_key(&before))
    }

    /// In a folder a forger dates what it likes, but not before what is left, nor before the log began.
    fn due_by_what_is_left(&self, number: u64) -> Option<String> {
        let before = self.first.range(..number).next_back();
        let since = before.map_or(self.history.began, |(_, thing)| thing.sealed);
        let left = since + at(&self.history.lock, since) - self.run.ended;
        (left > self.slack).then(|| {
            format!("segment {number} is gone, and what is left before it must be retained")
        })
    }
}

/// Whether a segment that an ended log has lost must be missed: its end is declared, so nothing blurs it.
pub(super) fn ended_tail_is_due(history: &History, place: &Place, run: Run) -> Option<String> {
    let ended = history.ended_at.filter(|at| *at < run.begun)?;
    let last = history.count() - 1;
    let there: Vec<u64> = place
        .seen(history, run)
        .iter()
        .filter(|thing| thing.honest)
        .map(|thing| thing.number)
        .collect();
    let made = history.made(last);
    let expired = made.expired_at.is_some_and(|at| at <= run.ended + 10);
    let explained = history.lost.is_some_and(|lost| lost.last == last);
    let moment = history.moment(last);
    let left = moment + at(&history.lock, moment) - run.ended;
    let due = !there.contains(&last) && !expired && !explained && left > 2 && ended < run.begun;
    due.then(|| format!("the last segment {last} of an ended log is gone, {left} s too early"))
}
