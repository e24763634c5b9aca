//! V25, V26: what an earlier run saw.

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{Acknowledged, Found, FoundMissing};

use super::world::{Key, World, at, codes, origin};
use crate::note::Note;
use crate::pins::{self, Pins, PinsError, Taken};
use crate::verdict::Verdict;

pub(super) fn pinned(segments: u64) -> World {
    let mut world = World::new(Key::ed25519(), segments);
    let report = world.verify(&world.folder());
    let head = report.logs()[0].verified().unwrap();
    assert_eq!(world.pins.take(head, &Pins::default()), Taken::Pinned);
    world
}

#[test]
fn a_first_run_claims_nothing_about_rollback_and_a_second_one_does() {
    let mut world = pinned(4);
    let report = world.verify(&world.folder());
    assert_eq!(report.notes(), []);
    let pins = std::mem::take(&mut world.pins);
    let report = world.verify(&world.folder());
    assert_eq!(report.notes()[0].what, Note::NoPin);
    world.pins = pins;
    world.segments.remove(&3);
    let report = world.verify(&world.folder());
    assert_eq!(codes(&report), ["head-rolled-back"]);
    // The report has the entry that covers it, and nothing less does. In a bucket, it has `stored` too.
    world.policy.store = None;
    let fault = &report.faults()[0];
    let Some(Found::Missing(missing)) = fault.what.to_acknowledge(&fault.place) else {
        panic!("no entry for {fault:?}");
    };
    let entry = |found| Acknowledged {
        code: fault.what.acknowledged_code().unwrap(),
        log: fault.place.log.clone(),
        reason: "a disk".to_owned(),
        date: at(0),
        found: Found::Missing(found),
    };
    let without_pin = FoundMissing {
        pin: None,
        ..missing
    };
    world.policy.acknowledged = vec![entry(without_pin)];
    assert_eq!(world.codes(), ["head-rolled-back"]);
    world.policy.acknowledged = vec![entry(missing)];
    let report = world.verify(&world.folder());
    assert_eq!((codes(&report), report.acknowledged().len()), (vec![], 1));
    world.policy.acknowledged.clear();
    world.segments.clear();
    assert_eq!(world.codes(), ["log-empty"]);
}

#[test]
fn a_log_that_went_another_way_is_forked() {
    let world = pinned(3);
    let mut other = World::new(Key::ed25519(), 3);
    other.pins = world.pins;
    assert_eq!(other.codes(), ["head-forked"]);
}

#[test]
fn a_pinned_segment_may_expire() {
    let mut world = pinned(2);
    let pins = std::mem::take(&mut world.pins);
    let mut longer = World::new(Key::ed25519(), 4);
    longer.pins = pins;
    for gone in 0..3 {
        longer.segments.remove(&gone);
    }
    longer.at = Some(500);
    longer.now = 40 * 86_400;
    assert_eq!(longer.codes(), [""; 0]);
}

#[test]
fn pins_are_kept_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.json");
    assert_eq!(pins::load(&path).unwrap(), Pins::default());
    let world = pinned(3);
    pins::update(&path, |pins| pins.clone_from(&world.pins)).unwrap();
    let again = pins::load(&path).unwrap();
    assert_eq!(again, world.pins);
    assert_eq!(again.of(&origin()).unwrap().position, world.position(2));
    pins::update(&path, |_| ()).unwrap();
    assert_eq!(pins::load(&path).unwrap(), world.pins);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_does_not_hold_pins_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.json");
    for (text, unsupported) in [
        ("", false),
        ("{}", false),
        ("[]", false),
        (r#"{"pins":1}"#, false),
        ("[1,{}]", false),
        (
            r#"{"pins":1,"logs":{"x":[1,2,"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","2026-11-22T12:00:00Z",null]}}"#,
            false,
        ),
        (
            r#"{"pins":1,"logs":{"x":{"segment":1,"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sealed":"2026-11-22T12:00:00Z","stored":null}}}"#,
            false,
        ),
        (r#"{"pins":1,"logs":{"x":{"segment":1,"size":2}}}"#, false),
        (r#"{"pins":1,"logs":{},"more":1}"#, false),
        (
            r#"{"pins":1,"logs":{"x":{"segment":1,"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sealed":"2026-11-22T12:00:00Z"},
                "x":{"segment":0,"size":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sealed":"2026-11-22T12:00:00Z"}}}"#,
            false,
        ),
        (r#"{"trust_policy":1}"#, false),
        (r#"{"pins":2,"logs":[]}"#, true),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = pins::load(&path).unwrap_err();
        assert_eq!(
            matches!(error, PinsError::Unsupported { .. }),
            unsupported,
            "{text}: {error}"
        );
    }
    assert!(matches!(
        pins::load(folder.path()),
        Err(PinsError::Read { .. })
    ));
}

#[test]
fn a_log_with_a_fault_is_not_pinned() {
    let mut world = World::new(Key::ed25519(), 4);
    world.segments.remove(&1);
    let report = world.verify(&world.folder());
    assert_eq!(codes(&report), ["segment-missing"]);
    assert!(report.logs()[0].verified().is_none());
}

#[test]
fn of_two_runs_at_once_the_later_head_stays_pinned() {
    let short = World::new(Key::ed25519(), 2);
    let report = short.verify(&short.folder());
    let head = report.logs()[0].verified().unwrap();
    // Nothing was pinned when the run began, and meanwhile the other one pinned segment 3.
    let long = pinned(4);
    let mut pins = long.pins.clone();
    let up_to = Taken::UpToHead { pinned: 3 };
    assert_eq!(pins.take(head, &Pins::default()), up_to);
    assert_eq!(pins, long.pins);
    // A pin never moves back, not even the one that the run was compared with.
    assert_eq!(pins.take(head, &long.pins), Taken::Pinned);
    assert_eq!(pins, long.pins);
}

#[test]
fn two_runs_with_one_pins_file_find_the_fork_that_each_saw_one_side_of() {
    let (one, other) = (World::new(Key::ed25519(), 4), World::new(Key::ed25519(), 4));
    let (first, mut second) = (one.verify(&one.bucket()), other.verify(&other.bucket()));
    let mut pins = Pins::default();
    let head = first.logs()[0].verified().unwrap();
    assert_eq!(pins.take(head, &Pins::default()), Taken::Pinned);
    let head = second.logs()[0].verified().unwrap().clone();
    let taken = pins.take(&head, &Pins::default());
    assert!(matches!(taken, Taken::Forked { .. }), "{taken:?}");
    assert_eq!(pins.of(&origin()).unwrap().position, one.position(3));
    second.take_in(&origin(), taken);
    assert_eq!(codes(&second), ["head-forked"]);
    assert_eq!(second.logs()[0].verdict, Verdict::Fault);
    // Also where the other run is further on.
    let longer = World::new(Key::ed25519(), 6);
    let report = longer.verify(&longer.bucket());
    let taken = pins.take(report.logs()[0].verified().unwrap(), &Pins::default());
    assert!(matches!(taken, Taken::Forked { .. }), "{taken:?}");
}

#[test]
fn a_run_that_should_have_seen_what_another_pinned_has_no_verdict() {
    let long = World::new(Key::ed25519(), 4);
    let mut pins = Pins::default();
    let report = long.verify(&long.bucket());
    _ = pins.take(report.logs()[0].verified().unwrap(), &Pins::default());
    // Segment 3 was stored at 212 s, long before 500 s, and this run did not see it.
    let mut memory = long.bucket();
    memory.remove(3);
    let mut report = long.verify(&memory);
    let head = report.logs()[0].verified().unwrap().clone();
    let taken = pins.take(&head, &Pins::default());
    assert_eq!(taken, Taken::NotSeen { segment: 3 });
    report.take_in(&origin(), taken);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert!(report.logs()[0].verified().is_none());
    // A run that began before it was stored cannot have seen it.
    let mut memory = long.bucket();
    memory.remove(3);
    memory.listing.begun = Some(at(214));
    let report = long.verify(&memory);
    let taken = pins.take(report.logs()[0].verified().unwrap(), &Pins::default());
    assert_eq!(taken, Taken::UpToHead { pinned: 3 });
}

#[test]
fn runs_that_pin_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.json");
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::write(
        folder.path().join("pins.json.tmp"),
        "left by a run that was killed",
    )
    .unwrap();
    let pins_of = |log: usize| {
        let head = r#"{"segment":1,"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","sealed":"2026-11-22T12:00:00Z"}"#;
        let text = format!(r#"{{"pins":1,"logs":{{"log/{log}":{head}}}}}"#);
        let one = folder.path().join(log.to_string());
        std::fs::write(&one, text).unwrap();
        pins::load(&one).unwrap()
    };
    let all: Vec<Pins> = (0..16).map(pins_of).collect();
    std::thread::scope(|scope| {
        for (at, one) in all.iter().enumerate() {
            let path = if at % 2 == 0 { &path } else { &link };
            scope.spawn(move || pins::update(path, |pins| pins.merge(one)).unwrap());
        }
    });
    let kept = pins::load(&path).unwrap();
    for log in 0..16 {
        assert!(
            kept.of(&Origin::parse(&format!("log/{log}")).unwrap())
                .is_some(),
            "{log}"
        );
    }
    assert!(link.is_symlink());
    assert!(!folder.path().join("pins.json.tmp").exists());
}
