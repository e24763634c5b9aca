//! V25, V26: what an earlier run saw.

use auditlog_chain::origin::Origin;

use super::world::{Key, World, codes, origin};
use crate::note::Note;
use crate::pins::{self, Pins, PinsError};

fn pinned(segments: u64) -> World {
    let mut world = World::new(Key::ed25519(), segments);
    let report = world.verify(&world.folder());
    world
        .pins
        .take(report.logs()[0].verified().unwrap(), &Pins::default());
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
    assert_eq!(world.codes(), ["head-rolled-back"]);
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
    let long = pinned(4);
    let report = short.verify(&short.folder());
    let head = report.logs()[0].verified().unwrap();
    // Nothing was pinned when the run began, and meanwhile the other one pinned segment 3.
    let mut pins = long.pins.clone();
    pins.take(head, &Pins::default());
    assert_eq!(pins, long.pins);
    // The run was held against that very pin, and may replace it: a log can be declared ended before it.
    pins.take(head, &long.pins);
    assert_eq!(pins.of(&origin()).unwrap().position, short.position(1));
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
