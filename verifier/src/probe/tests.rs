//! The probe against a small store that can be wrong in every way.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each flaw changes one answer of many"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;

use super::{Outcome, Promise, probe};
use crate::source::{Answer, Canary, CanaryLock, ReadError, Seen};
use crate::verdict::Verdict;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    ForgetsTheLock,
    WeakensTheMode,
    IgnoresTheCondition,
    RefusesTheConditionOtherwise,
    ReplacesTheVersion,
    Deletes,
    DeletesAndSaysThatItDidNot,
    SaysThatItDeleted,
    Shortens,
    ShortensAndSaysThatItDidNot,
    DoesNotAnswerDeletes,
    HidesTheLock,
    RefusesOverwrites,
    RefusesEveryMarker,
    RefusesEveryDeletion,
    DeletesWithoutAVersion,
    RefusesEveryLock,
    SaysThatItLengthened,
    HasNoVersions,
    RefusesEverything,
}

/// The version id of a delete marker.
const MARKER: &str = "marker";

struct Store {
    flaw: Flaw,
    versions: RefCell<BTreeMap<String, Seen>>,
}

fn refused<T>(status: u16, code: &str) -> Answer<T> {
    let code = code.to_owned();
    Answer::Refused { status, code }
}

impl Store {
    fn new(flaw: Flaw) -> Self {
        let versions = RefCell::default();
        Self { flaw, versions }
    }

    fn put(&self, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        let weakened = self.flaw == Flaw::WeakensTheMode;
        let mode = if weakened {
            "GOVERNANCE"
        } else {
            lock.mode.as_str()
        };
        let lock = (self.flaw != Flaw::ForgetsTheLock).then(|| (mode.to_owned(), lock.until));
        let bytes = bytes.to_vec();
        let mut versions = self.versions.borrow_mut();
        let id = format!("v{}", versions.len());
        versions.insert(id.clone(), Seen { bytes, lock });
        Answer::Done((self.flaw != Flaw::HasNoVersions).then_some(id))
    }
}

impl Canary for Store {
    fn create(&self, _: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        let first = self.versions.borrow().is_empty();
        match self.flaw {
            Flaw::RefusesEverything => refused(403, "AccessDenied"),
            Flaw::IgnoresTheCondition => self.put(bytes, lock),
            _ if first => self.put(bytes, lock),
            Flaw::RefusesTheConditionOtherwise => refused(501, "NotImplemented"),
            _ => refused(412, "PreconditionFailed"),
        }
    }

    fn overwrite(&self, _: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        match self.flaw {
            Flaw::RefusesOverwrites => return refused(403, "AccessDenied"),
            Flaw::ReplacesTheVersion => self.versions.borrow_mut().clear(),
            _ => {}
        }
        self.put(bytes, lock)
    }

    fn hide(&self, _: &str) -> Answer<Option<String>> {
        match self.flaw {
            Flaw::RefusesEveryMarker => return refused(403, "AccessDenied"),
            Flaw::DeletesWithoutAVersion => self.versions.borrow_mut().clear(),
            _ => {}
        }
        Answer::Done(Some(MARKER.to_owned()))
    }

    fn delete(&self, _: &str, version_id: &str) -> Answer<()> {
        if matches!(self.flaw, Flaw::Deletes | Flaw::DeletesAndSaysThatItDidNot) {
            self.versions.borrow_mut().remove(version_id);
        }
        match self.flaw {
            Flaw::Deletes | Flaw::SaysThatItDeleted => Answer::Done(()),
            Flaw::DoesNotAnswerDeletes => Answer::Failed(ReadError::new("no answer")),
            // Who may delete, may delete what is not locked.
            flaw if version_id == MARKER && flaw != Flaw::RefusesEveryDeletion => Answer::Done(()),
            _ => refused(403, "AccessDenied"),
        }
    }

    fn set_lock(&self, _: &str, version_id: &str, lock: CanaryLock) -> Answer<()> {
        let mut versions = self.versions.borrow_mut();
        let Some(seen) = versions.get_mut(version_id) else {
            return refused(404, "NoSuchVersion");
        };
        let until = seen
            .lock
            .as_ref()
            .map_or(self::lock().until, |(_, until)| *until);
        let is_longer = lock.until >= until;
        let (done, said) = match self.flaw {
            Flaw::Shortens => (true, true),
            Flaw::ShortensAndSaysThatItDidNot => (true, is_longer),
            Flaw::RefusesEveryLock => (false, false),
            Flaw::SaysThatItLengthened => (false, is_longer),
            _ => (is_longer, is_longer),
        };
        if done {
            seen.lock = Some((lock.mode.as_str().to_owned(), lock.until));
        }
        if said {
            return Answer::Done(());
        }
        refused(403, "AccessDenied")
    }

    fn look(&self, _: &str, version_id: &str) -> Answer<Seen> {
        if self.flaw == Flaw::HidesTheLock {
            return refused(403, "AccessDenied");
        }
        match self.versions.borrow().get(version_id) {
            Some(seen) => Answer::Done(seen.clone()),
            None => refused(404, "NoSuchVersion"),
        }
    }
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T20:00:00.123456Z").unwrap()
}

fn lock() -> CanaryLock {
    CanaryLock::of_a_day(LockMode::Compliance, now())
}

#[test]
fn every_flaw_is_found_and_none_is_made_up() {
    use Promise::{CreateOnce, Delete, Lock, Overwrite, Shorten};
    for (flaw, verdict, broken, not_shown) in [
        (Flaw::Nothing, Verdict::Verified, &[][..], &[][..]),
        (Flaw::ForgetsTheLock, Verdict::Fault, &[Lock], &[]),
        (Flaw::WeakensTheMode, Verdict::Fault, &[Lock], &[]),
        (
            Flaw::IgnoresTheCondition,
            Verdict::Fault,
            &[CreateOnce],
            &[],
        ),
        (
            Flaw::RefusesTheConditionOtherwise,
            Verdict::NoVerdict,
            &[],
            &[CreateOnce],
        ),
        (Flaw::ReplacesTheVersion, Verdict::Fault, &[Overwrite], &[]),
        (Flaw::Deletes, Verdict::Fault, &[Delete], &[Shorten]),
        (
            Flaw::DeletesAndSaysThatItDidNot,
            Verdict::Fault,
            &[Delete],
            &[Shorten],
        ),
        (Flaw::SaysThatItDeleted, Verdict::Fault, &[Delete], &[]),
        (Flaw::Shortens, Verdict::Fault, &[Shorten], &[]),
        (
            Flaw::ShortensAndSaysThatItDidNot,
            Verdict::Fault,
            &[Shorten],
            &[],
        ),
        (
            Flaw::DoesNotAnswerDeletes,
            Verdict::NoVerdict,
            &[],
            &[Delete],
        ),
        (
            Flaw::HidesTheLock,
            Verdict::NoVerdict,
            &[],
            &[Lock, CreateOnce, Overwrite, Delete, Shorten],
        ),
        // A caller without permission is refused by a store without locks, too.
        (
            Flaw::RefusesOverwrites,
            Verdict::NoVerdict,
            &[],
            &[Overwrite],
        ),
        (Flaw::RefusesEveryMarker, Verdict::NoVerdict, &[], &[Delete]),
        (
            Flaw::RefusesEveryDeletion,
            Verdict::NoVerdict,
            &[],
            &[Delete],
        ),
        (Flaw::RefusesEveryLock, Verdict::NoVerdict, &[], &[Shorten]),
        (
            Flaw::SaysThatItLengthened,
            Verdict::NoVerdict,
            &[],
            &[Shorten],
        ),
        (
            Flaw::DeletesWithoutAVersion,
            Verdict::Fault,
            &[Delete],
            &[Shorten],
        ),
    ] {
        let probed = probe(&Store::new(flaw), "archive/canary", lock()).unwrap();
        let of = |is: fn(&Outcome) -> bool| {
            let attempts = probed.attempts.iter().filter(move |one| is(&one.outcome));
            attempts.map(|one| one.promise).collect::<Vec<_>>()
        };
        assert_eq!(
            of(|outcome| matches!(outcome, Outcome::Broken(_))),
            broken,
            "{flaw:?}"
        );
        assert_eq!(
            of(|outcome| matches!(outcome, Outcome::NotShown(_))),
            not_shown,
            "{flaw:?}"
        );
        assert_eq!(probed.verdict(), verdict, "{flaw:?}");
        assert_eq!(probed.attempts.len(), 5);
    }
}

#[test]
fn without_a_canary_nothing_is_tried() {
    for (flaw, words) in [
        (
            Flaw::RefusesEverything,
            "cannot put the canary archive/canary: HTTP 403 AccessDenied",
        ),
        (Flaw::HasNoVersions, "did not name a version"),
    ] {
        let error = probe(&Store::new(flaw), "archive/canary", lock()).unwrap_err();
        assert!(error.reason.contains(words), "{error:?}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn the_lock_is_of_a_day_in_whole_seconds_and_named_as_it_ends() {
    assert_eq!(lock().until.to_rfc3339(), "2026-11-23T20:00:00Z");
    let probed = probe(&Store::new(Flaw::Nothing), "archive/canary", lock()).unwrap();
    assert_eq!(probed.lock.until.to_rfc3339(), "2026-11-23T20:01:00Z");
}

#[test]
fn the_result_names_each_promise() {
    let probed = probe(&Store::new(Flaw::Shortens), "archive/canary", lock()).unwrap();
    assert_eq!(
        probed.to_text("s3://acme-audit/"),
        include_str!("tests/shortens.txt")
    );
    let json: serde_json::Value =
        serde_json::from_str(&probed.to_json("s3://acme-audit/")).unwrap();
    assert_eq!(json["exit"], 1);
    assert_eq!(json["promises"][4]["code"], "shorten-refused");
    assert_eq!(json["promises"][4]["outcome"], "broken");
    assert_eq!(json["promises"][0]["reason"], serde_json::Value::Null);
}
