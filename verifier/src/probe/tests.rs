//! The probe against a small store that can lie in every way.

use std::cell::RefCell;
use std::collections::BTreeMap;

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;

use super::{Outcome, Promise, probe};
use crate::source::{Answer, Canary, CanaryLock, ReadError, Seen};
use crate::verdict::Verdict;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
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
    HasNoVersions,
    RefusesEverything,
}

struct Store {
    lie: Lie,
    versions: RefCell<BTreeMap<String, Seen>>,
}

fn refused<T>(status: u16, code: &str) -> Answer<T> {
    let code = code.to_owned();
    Answer::Refused { status, code }
}

impl Store {
    fn new(lie: Lie) -> Self {
        let versions = RefCell::default();
        Self { lie, versions }
    }

    fn put(&self, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        let mode = match self.lie {
            Lie::WeakensTheMode => "GOVERNANCE",
            _ => lock.mode.as_str(),
        };
        let lock = (self.lie != Lie::ForgetsTheLock).then(|| (mode.to_owned(), lock.until));
        let bytes = bytes.to_vec();
        let mut versions = self.versions.borrow_mut();
        let id = format!("v{}", versions.len());
        versions.insert(id.clone(), Seen { bytes, lock });
        Answer::Done((self.lie != Lie::HasNoVersions).then_some(id))
    }
}

impl Canary for Store {
    fn create(&self, _: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        let first = self.versions.borrow().is_empty();
        match self.lie {
            Lie::RefusesEverything => refused(403, "AccessDenied"),
            Lie::IgnoresTheCondition => self.put(bytes, lock),
            _ if first => self.put(bytes, lock),
            Lie::RefusesTheConditionOtherwise => refused(501, "NotImplemented"),
            _ => refused(412, "PreconditionFailed"),
        }
    }

    fn overwrite(&self, _: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        if self.lie == Lie::ReplacesTheVersion {
            self.versions.borrow_mut().clear();
        }
        self.put(bytes, lock)
    }

    fn delete(&self, _: &str, version_id: &str) -> Answer<()> {
        if matches!(self.lie, Lie::Deletes | Lie::DeletesAndSaysThatItDidNot) {
            self.versions.borrow_mut().remove(version_id);
        }
        match self.lie {
            Lie::Deletes | Lie::SaysThatItDeleted => Answer::Done(()),
            Lie::DoesNotAnswerDeletes => Answer::Failed(ReadError::new("no answer")),
            _ => refused(403, "AccessDenied"),
        }
    }

    fn set_lock(&self, _: &str, version_id: &str, lock: CanaryLock) -> Answer<()> {
        if matches!(self.lie, Lie::Shortens | Lie::ShortensAndSaysThatItDidNot) {
            let mut versions = self.versions.borrow_mut();
            let seen = versions.get_mut(version_id).unwrap();
            seen.lock = Some((lock.mode.as_str().to_owned(), lock.until));
        }
        match self.lie {
            Lie::Shortens => Answer::Done(()),
            _ => refused(403, "AccessDenied"),
        }
    }

    fn look(&self, _: &str, version_id: &str) -> Answer<Seen> {
        if self.lie == Lie::HidesTheLock {
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
fn every_lie_is_found_and_none_is_made_up() {
    use Promise::{CreateOnce, Delete, Lock, Overwrite, Shorten};
    for (lie, verdict, broken, untried) in [
        (Lie::Nothing, Verdict::Verified, &[][..], &[][..]),
        (Lie::ForgetsTheLock, Verdict::Fault, &[Lock], &[]),
        (Lie::WeakensTheMode, Verdict::Fault, &[Lock], &[]),
        (Lie::IgnoresTheCondition, Verdict::Fault, &[CreateOnce], &[]),
        (
            Lie::RefusesTheConditionOtherwise,
            Verdict::NoVerdict,
            &[],
            &[CreateOnce],
        ),
        (Lie::ReplacesTheVersion, Verdict::Fault, &[Overwrite], &[]),
        (Lie::Deletes, Verdict::Fault, &[Delete], &[Shorten]),
        (
            Lie::DeletesAndSaysThatItDidNot,
            Verdict::Fault,
            &[Delete],
            &[Shorten],
        ),
        (Lie::SaysThatItDeleted, Verdict::Fault, &[Delete], &[]),
        (Lie::Shortens, Verdict::Fault, &[Shorten], &[]),
        (
            Lie::ShortensAndSaysThatItDidNot,
            Verdict::Fault,
            &[Shorten],
            &[],
        ),
        (
            Lie::DoesNotAnswerDeletes,
            Verdict::NoVerdict,
            &[],
            &[Delete],
        ),
        (
            Lie::HidesTheLock,
            Verdict::NoVerdict,
            &[],
            &[Lock, CreateOnce, Overwrite, Delete, Shorten],
        ),
    ] {
        let probed = probe(&Store::new(lie), "archive/canary", lock()).unwrap();
        let of = |is: fn(&Outcome) -> bool| {
            let attempts = probed.attempts.iter().filter(move |one| is(&one.outcome));
            attempts.map(|one| one.promise).collect::<Vec<_>>()
        };
        assert_eq!(
            of(|outcome| matches!(outcome, Outcome::Broken(_))),
            broken,
            "{lie:?}"
        );
        assert_eq!(
            of(|outcome| matches!(outcome, Outcome::Untried(_))),
            untried,
            "{lie:?}"
        );
        assert_eq!(probed.verdict(), verdict, "{lie:?}");
        assert_eq!(probed.attempts.len(), 5);
    }
}

#[test]
fn without_a_canary_nothing_is_tried() {
    for (lie, words) in [
        (
            Lie::RefusesEverything,
            "cannot put the canary archive/canary: HTTP 403 AccessDenied",
        ),
        (Lie::HasNoVersions, "did not name a version"),
    ] {
        let error = probe(&Store::new(lie), "archive/canary", lock()).unwrap_err();
        assert!(error.reason.contains(words), "{error:?}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn the_lock_is_of_a_day_in_whole_seconds() {
    assert_eq!(lock().until.to_rfc3339(), "2026-11-23T20:00:00Z");
}

#[test]
fn the_result_names_each_promise() {
    let probed = probe(&Store::new(Lie::Shortens), "archive/canary", lock()).unwrap();
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
