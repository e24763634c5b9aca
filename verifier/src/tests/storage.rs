//! V17 to V20: what a store knows of the versions and of the bucket.

use auditlog_chain::policy::LockMode;

use super::world::{DAY, Key, Memory, World, at, codes};
use crate::note::Note;
use crate::source::{Lock, NewObjects, ReadError, Strength, Undated};
use crate::verdict::Verdict;

fn world() -> World {
    World::new(Key::p256(), 4)
}

fn faults(world: &World, change: impl Fn(&mut Memory)) -> Vec<&'static str> {
    let mut memory = world.bucket();
    change(&mut memory);
    codes(&world.verify(&memory))
}

#[test]
fn a_second_version_is_a_fault_and_the_first_one_counts() {
    let world = world();
    let report = {
        let mut memory = world.bucket();
        memory.put(1, "later", 300, b"something else".to_vec());
        world.verify(&memory)
    };
    assert_eq!(codes(&report), ["second-version"]);
    assert_eq!(
        report.faults()[0].place.version_id.as_deref(),
        Some("later")
    );
}

#[test]
fn a_delete_marker_is_a_fault_until_the_retention_is_over() {
    let mut world = world();
    for segment in 0..4 {
        assert_eq!(
            faults(&world, |memory| memory.mark(segment, 400)),
            ["hidden-by-delete-marker"]
        );
    }
    // Segment 1 was stored at 92 s and is kept for 30 days.
    world.at = Some(500);
    world.now = 92 + 30 * DAY;
    assert_eq!(
        faults(&world, |memory| memory.mark(1, 400)),
        ["hidden-by-delete-marker"]
    );
    world.now += 1;
    let mut memory = world.bucket();
    memory.mark(1, 400);
    let report = world.verify(&memory);
    assert_eq!(codes(&report), [""; 0]);
    let noted = |note| report.notes().iter().any(|one| one.what == note);
    assert!(noted(Note::MarkersOverExpired { count: 1 }));
    assert_eq!(report.logs()[0].shadowed, 1);
    assert!(
        report
            .last_line()
            .contains("plain readers see something else at 1 key"),
        "{}",
        report.last_line()
    );
}

#[test]
fn a_stray_marker_on_a_number_that_never_was_declares_nothing_missing() {
    let world = world();
    for number in [4, 999_999_999_999] {
        assert_eq!(
            faults(&world, |memory| memory.mark(number, 400)),
            ["object-unaccounted"]
        );
    }
    // A tail that was removed under its marker is not vouched for by anything else, and the marker remains a finding.
    let marked_tail = |memory: &mut Memory| {
        memory.remove(3);
        memory.mark(3, 400);
    };
    assert_eq!(faults(&world, marked_tail), ["object-unaccounted"]);
    let marked_middle = |memory: &mut Memory| {
        memory.remove(2);
        memory.mark(2, 400);
    };
    assert_eq!(faults(&world, marked_middle), ["segment-missing"]);
}

#[test]
fn each_version_is_locked_as_declared_when_it_was_made() {
    let mut world = world();
    let lock = |mode: &str, until: i64| {
        Ok(Some(Lock {
            strength: strength(mode),
            until: Some(at(until)),
            held_for_seconds: None,
        }))
    };
    assert_eq!(
        faults(&world, |memory| memory.storage(2).lock = Ok(None)),
        ["lock-missing"]
    );
    let exact = 152 + 30 * DAY;
    assert_eq!(
        faults(&world, |memory| memory.storage(2).lock =
            lock("GOVERNANCE", exact)),
        [""; 0]
    );
    assert_eq!(
        faults(&world, |memory| memory.storage(2).lock =
            lock("COMPLIANCE", exact)),
        [""; 0]
    );
    assert_eq!(
        faults(&world, |memory| memory.storage(2).lock =
            lock("GOVERNANCE", exact - 1)),
        ["lock-too-short"]
    );
    assert_eq!(
        faults(&world, |memory| memory.storage(2).lock =
            lock("none", exact)),
        ["lock-mode"]
    );
    // From 150 s on more was declared: segments 0 and 1 are judged by what held before.
    let stronger = auditlog_chain::policy::LockSpan {
        from: at(150),
        mode: auditlog_chain::policy::LockMode::Compliance,
        retention_days: 31,
    };
    world.policy.lock.push(stronger);
    let with_bucket = |memory: &mut Memory| {
        memory.default_retention(LockMode::Compliance, 31);
    };
    assert_eq!(faults(&world, with_bucket), ["lock-mode", "lock-mode"]);
    world.policy.lock[1].mode = auditlog_chain::policy::LockMode::Governance;
    world.policy.lock[1].retention_days = 32;
    let with_bucket = |memory: &mut Memory| {
        memory.default_retention(LockMode::Compliance, 32);
    };
    assert_eq!(
        faults(&world, with_bucket),
        ["lock-too-short", "lock-too-short"]
    );
}

#[test]
fn a_lock_that_cannot_be_read_gives_no_verdict() {
    let world = world();
    let mut memory = world.bucket();
    memory.storage(1).lock = Err(ReadError::new("denied"));
    let report = world.verify(&memory);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert_eq!(report.undecided()[0].what.code(), "lock-unreadable");
    assert_eq!(report.undecided_count(), 1);
}

#[test]
fn objects_whose_last_modified_says_nothing_are_not_accepted() {
    let world = world();
    assert_eq!(
        faults(&world, |memory| memory.storage(2).undated =
            Some(Undated::Replica)),
        ["object-replica"]
    );
    let parts = |memory: &mut Memory| memory.version(2).undated = Some(Box::new(in_parts()));
    assert_eq!(faults(&world, parts), ["object-multipart"]);
}

#[test]
fn the_bucket_is_configured_as_declared() {
    let world = world();
    let bucket = |change: &dyn Fn(&mut crate::source::Bucket)| {
        faults(&world, |memory| change(memory.bucket.as_mut().unwrap()))
    };
    assert_eq!(
        bucket(&|bucket| bucket.unversioned = Some("Suspended".to_owned())),
        ["bucket-versioning"]
    );
    assert_eq!(
        bucket(&|bucket| bucket.new_objects = NewObjects::NeverLocked),
        ["bucket-lock"]
    );
    assert_eq!(
        bucket(&|bucket| bucket.new_objects = NewObjects::NotLocked),
        ["bucket-lock"]
    );
    let locked = |mode: &str, days: u32| {
        let strength = strength(mode);
        bucket(&|bucket| {
            let strength = strength.clone();
            bucket.new_objects = NewObjects::Locked { strength, days };
        })
    };
    assert_eq!(locked("GOVERNANCE", 29), ["bucket-lock"]);
    assert_eq!(locked("none", 30), ["bucket-lock"]);
    assert_eq!(locked("COMPLIANCE", 99), [""; 0]);
}

/// A mode by its S3 name.
fn strength(mode: &str) -> Strength {
    LockMode::parse(mode).map_or_else(|| Strength::Unknown(mode.to_owned()), Strength::As)
}

fn in_parts() -> Undated {
    Undated::InParts {
        shown_by: "\"abc-2\"".into(),
    }
}

#[test]
fn an_event_hold_counts_for_its_own_duration_from_now_on_and_no_longer() {
    let world = world();
    let held = |until: Option<i64>, days: i64| {
        faults(&world, |memory| {
            memory.storage(2).lock = Ok(Some(Lock {
                strength: strength("GOVERNANCE"),
                until: until.map(at),
                held_for_seconds: Some(days * DAY),
            }));
        })
    };
    // Segment 2 was stored at 152 s and must be kept for 30 days; the run begins at 500 s.
    assert_eq!(held(None, 1), ["lock-too-short"]);
    assert_eq!(held(None, 30), [""; 0]);
    assert_eq!(held(Some(152 + 30 * DAY), 1), [""; 0]);
    assert_eq!(held(Some(151 + 30 * DAY), 1), ["lock-too-short"]);
}

/// An archive keeps what it says of a lock at hand: that is judged, and the chain is not.
#[test]
fn the_locks_of_archived_segments_are_judged_and_their_chain_is_undecided() {
    let world = world();
    let archived = |change: &dyn Fn(&mut Memory)| {
        let mut memory = world.bucket();
        memory.archive(1);
        memory.archive(2);
        change(&mut memory);
        world.verify(&memory)
    };
    let report = archived(&|_| {});
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    let undecided: Vec<_> = report
        .undecided()
        .iter()
        .map(|one| (one.what.code(), one.what.hint()))
        .collect();
    let expected = ("segment-unreadable", Some("restore it"));
    assert_eq!(undecided, [expected, expected]);
    let report = archived(&|memory| memory.storage(2).lock = Ok(None));
    assert_eq!(codes(&report), ["lock-missing"]);
    let report = archived(&|memory| memory.storage(1).undated = Some(Undated::Replica));
    assert_eq!(codes(&report), ["object-replica"]);
}

/// What an earlier run read before it was archived, and what cannot have changed since, need not be restored.
#[test]
fn what_the_cache_covers_need_not_be_restored() {
    let mut world = World::new(Key::p256(), 6);
    let policy = world.policy();
    let first = {
        let request = world.request(&policy);
        super::incremental::run_with_cache(&world.bucket(), &request, &world.pins)
    };
    let head = first.logs()[0].verified().unwrap();
    _ = world.pins.take(head, &crate::pins::Pins::default());
    let request = world.request(&policy);
    let again = |segments: &[u64]| {
        let mut memory = world.bucket();
        for number in segments {
            memory.archive(*number);
        }
        super::incremental::run_with_cache(&memory, &request, &world.pins).verdict()
    };
    assert_eq!(again(&[0, 1, 2, 3]), Verdict::Verified);
    // The pinned segment and what is above the last block are always read.
    assert_eq!(again(&[0, 5]), Verdict::NoVerdict);
}
