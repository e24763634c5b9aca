//! V25, V26: what an earlier run saw.

use auditlog_chain::origin::Origin;

use super::world::{Key, World, codes, origin};
use crate::state::{Pins, StateError};

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
    assert_eq!(report.notes(), [""; 0]);
    let pins = std::mem::take(&mut world.pins);
    let report = world.verify(&world.folder());
    assert!(
        report.notes()[0].contains("nothing is claimed about rollback"),
        "{:?}",
        report.notes()
    );
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
    let path = folder.path().join("heads.json");
    assert_eq!(Pins::load(&path).unwrap(), Pins::default());
    let world = pinned(3);
    Pins::update(&path, |pins| pins.clone_from(&world.pins)).unwrap();
    let again = Pins::load(&path).unwrap();
    assert_eq!(again, world.pins);
    assert_eq!(again.pin(&origin()), Some(&world.position(2)));
    Pins::update(&path, |_| ()).unwrap();
    assert_eq!(Pins::load(&path).unwrap(), world.pins);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_holds_no_pins_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.json");
    for (text, unsupported) in [
        ("", false),
        ("{}", false),
        ("[]", false),
        (r#"{"state":1}"#, false),
        (r#"{"state":1,"logs":{"x":{"segment":1,"size":2}}}"#, false),
        (r#"{"state":1,"logs":{},"more":1}"#, false),
        (
            r#"{"state":1,"logs":{"x":{"segment":1,"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
                "x":{"segment":0,"size":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}"#,
            false,
        ),
        (r#"{"trust_policy":1}"#, false),
        (r#"{"state":2,"pins":[]}"#, true),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Pins::load(&path).unwrap_err();
        assert_eq!(
            matches!(error, StateError::Unsupported { .. }),
            unsupported,
            "{text}: {error}"
        );
    }
    assert!(matches!(
        Pins::load(folder.path()),
        Err(StateError::Read { .. })
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
    assert_eq!(pins.pin(&origin()), Some(&short.position(1)));
}

#[test]
fn runs_that_keep_heads_at_the_same_time_lose_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.json");
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::write(
        folder.path().join("heads.json.tmp"),
        "left by a run that was killed",
    )
    .unwrap();
    let pins = |log: usize| {
        let head =
            r#"{"segment":1,"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#;
        let text = format!(r#"{{"state":1,"logs":{{"log/{log}":{head}}}}}"#);
        let one = folder.path().join(log.to_string());
        std::fs::write(&one, text).unwrap();
        Pins::load(&one).unwrap()
    };
    let all: Vec<Pins> = (0..16).map(pins).collect();
    std::thread::scope(|scope| {
        for (at, one) in all.iter().enumerate() {
            let path = if at % 2 == 0 { &path } else { &link };
            scope.spawn(move || Pins::update(path, |pins| pins.merge(one)).unwrap());
        }
    });
    let kept = Pins::load(&path).unwrap();
    for log in 0..16 {
        assert!(
            kept.pin(&Origin::parse(&format!("log/{log}")).unwrap())
                .is_some(),
            "{log}"
        );
    }
    assert!(link.is_symlink());
    assert!(!folder.path().join("heads.json.tmp").exists());
}
