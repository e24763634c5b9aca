//! The verifier on one history: the policy as it is at the time of a run, and the source that it reads.

use auditlog_chain::policy::{
    Acknowledged, AcknowledgedCode, AfterMissing, BeforeMissing, Ended, Found, FoundMissing,
    FoundSilence, KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, Position, S3Store,
    SilenceSpan, Store, TrustPolicy,
};

use super::super::incremental::assert_same_with_cache;
use super::super::ranges::assert_same_in_ranges;
use super::super::world::{PREFIX, origin};
use super::honest::{DAY, History, Run, at};
use super::place::{Place, Signed, Thing, listed, listed_mark, lock, object_key, time};
use crate::note::Note;
use crate::pins::Pins;
use crate::report::Report;
use crate::request::Request;
use crate::source::{
    Bucket, ClockReading, Listed, Listing, NewObjects, Object, ReadError, Source, Storage,
    Strength, Version,
};
use crate::undecided::Undecided;
use crate::verdict::Verdict;
use crate::verify::verify;

fn mode(history: &History) -> LockMode {
    if history.compliance {
        LockMode::Compliance
    } else {
        LockMode::Governance
    }
}

fn position(signed: &Signed, number: u64) -> Position {
    let head = &signed.heads[usize::try_from(number).unwrap() + 1];
    Position {
        segment: number,
        size: head.range.size(),
        root: head.range.root(),
    }
}

/// The policy as it is at the time of a run.
pub(super) fn policy(history: &History, signed: &Signed, run: Run, pins: &Pins) -> TrustPolicy {
    let keys = &signed.keys[..if history.rotated_at.is_some() { 2 } else { 1 }];
    let key = |key: &super::super::world::Key| KeyPolicy {
        valid_from: time(0),
        ..key.policy()
    };
    let span = |span: &super::honest::Since| LockSpan {
        from: time(span.from),
        mode: mode(history),
        retention_days: u32::try_from(span.seconds / DAY).unwrap(),
    };
    let silence = |span: &super::honest::Since| SilenceSpan {
        from: time(span.from),
        seconds: u64::try_from(span.seconds).unwrap(),
    };
    let log = LogPolicy {
        origin: origin(),
        prefix: PREFIX.to_owned(),
        format: 1,
        began: time(history.began),
        max_silence: history.silence.iter().map(silence).collect(),
        lock: None,
        verifier_keys: keys.iter().map(|key| key.of(origin())).collect(),
        ended: ended(history, signed, run),
    };
    let document = PolicyDocument {
        trust_policy: 1,
        store: history.bucket.then(|| {
            Store::S3(S3Store {
                bucket: "audit".to_owned(),
                region: "eu-central-1".to_owned(),
                account: "000000000000".to_owned(),
            })
        }),
        lock: history.lock.iter().map(span).collect(),
        logs: vec![log],
        keys: keys.iter().map(key).collect(),
        acknowledged: acknowledged(history, signed, run, pins),
        declared_prefixes: Vec::new(),
    };
    TrustPolicy::check(document).unwrap()
}

fn ended(history: &History, signed: &Signed, run: Run) -> Option<Ended> {
    history.ended_at.filter(|at| *at < run.begun)?;
    let number = history.count() - 1;
    let last = position(signed, number);
    let made = history.made(number);
    Some(Ended {
        segment: number,
        size: last.size,
        root: last.root,
        sealed: time(made.sealed),
        stored: history.bucket.then(|| time(made.stored)),
        successor: None,
    })
}

fn entry(code: AcknowledgedCode, found: Found) -> Acknowledged {
    Acknowledged {
        code,
        log: Some(origin()),
        reason: "an outage".to_owned(),
        date: time(0),
        found,
    }
}

fn acknowledged(history: &History, signed: &Signed, run: Run, pins: &Pins) -> Vec<Acknowledged> {
    let silence = |(from, until): &(i64, i64)| {
        let (from, until) = (time(*from), time(*until));
        let found = Found::Silence(FoundSilence { from, until });
        entry(AcknowledgedCode::SilenceExceeded, found)
    };
    let mut all: Vec<_> = history.silences.iter().map(silence).collect();
    let Some(lost) = history.lost.filter(|lost| lost.at < run.begun) else {
        return all;
    };
    let before = position(signed, lost.first - 1);
    let after = position(signed, lost.last);
    let stored = history.made(lost.first - 1).stored;
    let pinned = pins.of(&origin()).map(|pin| pin.position);
    let found = Found::Missing(FoundMissing {
        first: lost.first,
        last: lost.last,
        before: Some(BeforeMissing {
            size: before.size,
            root: before.root,
            stored: history.bucket.then(|| time(stored)),
        }),
        after: Some(AfterMissing {
            size: after.size,
            root: after.root,
        }),
        pin: pinned.filter(|pin| lost.first <= pin.segment && pin.segment <= lost.last),
    });
    all.push(entry(AcknowledgedCode::SegmentMissing, found));
    all
}

/// A place as one run sees it.
struct Seen<'a> {
    history: &'a History,
    run: Run,
    things: Vec<&'a Thing>,
    listed: Vec<Listed>,
    /// A segment that is removed after it was listed, and before it is read.
    removed: Option<u64>,
}

impl<'a> Seen<'a> {
    fn new(history: &'a History, place: &'a Place, run: Run, removed: Option<u64>) -> Self {
        let things = place.seen(history, run);
        let versions = things.iter().map(|thing| listed(history, thing));
        let marks = place.marks_seen(history, run).into_iter().map(listed_mark);
        let passed_over = place.passed_over(history, run).into_iter();
        let passed_over = passed_over.map(|number| Listed::PassedOver {
            key: object_key(number),
        });
        let listed = versions.chain(marks).chain(passed_over).collect();
        Self {
            history,
            run,
            things,
            listed,
            removed,
        }
    }
}

impl Source for Seen<'_> {
    fn name(&self) -> String {
        "history".to_owned()
    }
    fn has_storage(&self) -> bool {
        self.history.bucket
    }
    fn scope(&self) -> &'static str {
        ""
    }
    fn read_ahead(&self) -> Option<usize> {
        None
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        let days = at(&self.history.lock, self.run.ended) / DAY;
        Ok(self.history.bucket.then(|| Bucket {
            unversioned: None,
            new_objects: NewObjects::Locked {
                strength: Strength::As(mode(self.history)),
                days: u32::try_from(days).unwrap(),
            },
        }))
    }
    fn list(&self, _: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.listed.iter().cloned().for_each(each);
        let clocks = self.run.clocks;
        let dated = self.history.bucket && !clocks.no_date;
        let moment = |seconds: i64| dated.then(|| time(seconds + clocks.shifted));
        Ok(Listing {
            begun: moment(self.run.begun),
            ended: moment(self.run.ended),
        })
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let found = self.things.iter().find(|thing| {
            let is_version = version.id.is_none() || version.id.as_ref() == Some(&thing.id);
            object_key(thing.number) == key && is_version
        });
        let thing = found.unwrap();
        // It is read after the listing.
        let expired = thing.gone_at.is_some_and(|gone| gone <= self.run.ended + 5);
        if self.history.bucket && (expired || self.removed == Some(thing.number)) {
            return Err(ReadError::new("gone").of_gone());
        }
        let locked = thing.locked_until.is_some() || thing.held.is_some();
        Ok(Object {
            bytes: Ok(thing.bytes.to_vec()),
            storage: self.history.bucket.then(|| Storage {
                lock: Ok(locked.then(|| lock(thing, self.run.begun))),
                undated: None,
            }),
        })
    }
    fn clock(&self) -> Option<ClockReading> {
        let clocks = self.run.clocks;
        let store = time(self.run.ended + clocks.shifted);
        let ours = time(self.run.ended + clocks.ours_ahead);
        let dated = self.history.bucket && !clocks.no_date;
        dated.then(|| ClockReading::between(ours, store, ours))
    }
}

/// Runs the verifier.
pub(super) fn judge(
    history: &History,
    signed: &Signed,
    place: &Place,
    run: Run,
    pins: &Pins,
    removed: Option<u64>,
) -> Report {
    let policy = policy(history, signed, run, pins);
    // In a folder there is one clock.
    let ours = match (history.bucket, run.clocks.no_date) {
        (false, _) => run.ended,
        (true, false) => run.ended + run.clocks.ours_ahead,
        (true, true) => run.begun + run.clocks.ours_ahead,
    };
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(b""),
        logs: &[],
        now: time(ours),
        at: None,
        max_skew_seconds: u32::try_from(history.skew).unwrap(),
        workers: 1,
    };
    let seen = Seen::new(history, place, run, removed);
    let report = verify(&seen, &request, pins, &mut |_| {}).unwrap();
    check_passed_over(&seen, &policy, pins, &report);
    assert_same_in_ranges(&seen, &request, pins, &report);
    assert_same_with_cache(&seen, &request, pins, &report)
}

/// What a folder got while it was listed is counted for its log. Where nothing else is there, nobody can say anything.
fn check_passed_over(seen: &Seen<'_>, policy: &TrustPolicy, pins: &Pins, report: &Report) {
    let is_passed_over = |one: &&Listed| matches!(one, Listed::PassedOver { .. });
    let count = seen.listed.iter().filter(is_passed_over).count();
    let count = u64::try_from(count).unwrap();
    if count == 0 {
        return;
    }
    let mut notes = report.notes().iter();
    let note = Note::PassedOver {
        count,
        absent: None,
    };
    assert!(
        notes.any(|one| one.what == note && one.place.log == Some(origin())),
        "{count} are passed over: {:?}",
        report.notes()
    );
    let is_open = policy.document().logs[0].ended.is_none();
    if seen.things.is_empty() && is_open && pins.of(&origin()).is_none() {
        assert!(is_only_passed_over(report), "{}", report.to_text());
    }
}

pub(super) fn is_only_passed_over(report: &Report) -> bool {
    let [one] = report.undecided() else {
        return false;
    };
    report.verdict() == Verdict::NoVerdict && one.what == Undecided::OnlyPassedOver
}
