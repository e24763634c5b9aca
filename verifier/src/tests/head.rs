//! The last segments of a log alone, and what is bounded by time and size.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use auditlog_chain::policy::TrustPolicy;

use super::world::{Key, Memory, World, at, codes};
use crate::not_checked::NotChecked;
use crate::pins::{Pins, Taken};
use crate::report::Report;
use crate::request::Request;
use crate::source::Bounded;
use crate::verdict::Verdict;
use crate::verify::verify;
use crate::verify_head::verify_head;

fn with(world: &World, see: impl FnOnce(&Request<'_>) -> Report) -> Report {
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    see(&Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(b""),
        logs: &[],
        now: at(world.now),
        at: world.at.map(at),
        max_skew_seconds: 5,
        workers: 2,
    })
}

/// Ten segments, a minute each.
fn log_of_10() -> World {
    let mut world = World::new(Key::ed25519(), 10);
    world.now = 600;
    world
}

fn head(world: &World, memory: &Memory, segments: u64) -> Report {
    let segments = NonZeroU64::new(segments).unwrap();
    with(world, |request| {
        verify_head(segments, memory, request, &world.pins, &mut |_| {}).unwrap()
    })
}

#[test]
fn the_last_segments_verify_and_what_was_not_read_is_named() {
    let world = log_of_10();
    let report = head(&world, &world.bucket(), 3);
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Verified, vec![])
    );
    let log = &report.logs()[0];
    assert_eq!((log.segments, log.first_segment), (3, Some(7)));
    let origin = log.origin.clone();
    let segment = 7;
    assert!(
        report
            .not_checked()
            .contains(&NotChecked::Before { origin, segment })
    );
    // Not every rule was judged, so nothing can be pinned.
    assert_eq!(log.verified(), None);
    assert!(
        report.last_line().contains("segments before 7 of log"),
        "{}",
        report.last_line()
    );
    // A log that is read as a whole is a whole verification.
    for segments in [10, 11, 1000] {
        let report = head(&world, &world.bucket(), segments);
        assert_eq!(report.logs()[0].segments, 10);
        assert!(report.logs()[0].verified().is_some());
    }
}

#[test]
fn faults_in_the_last_segments_and_in_the_listing_are_found() {
    for (segment, found) in [(8, true), (7, true), (3, false)] {
        let mut world = log_of_10();
        world.segments.get_mut(&segment).unwrap().truncate(100);
        let report = head(&world, &world.bucket(), 3);
        assert_eq!(report.verdict() == Verdict::Fault, found, "{segment}");
    }
    let mut world = log_of_10();
    world.segments.remove(&8);
    assert_eq!(
        codes(&head(&world, &world.folder(), 3)),
        ["segment-missing"]
    );
    world.segments.remove(&9);
    world.now += 1_000_000;
    assert_eq!(
        codes(&head(&world, &world.folder(), 3)),
        ["silence-exceeded"]
    );
    let mut world = log_of_10();
    let report = world.verify(&world.folder());
    let verified = report.logs()[0].verified().unwrap();
    assert_eq!(world.pins.take(verified, &Pins::default()), Taken::Pinned);
    world.segments.remove(&9);
    assert_eq!(
        codes(&head(&world, &world.folder(), 3)),
        ["head-rolled-back"]
    );
    let world = log_of_10();
    let mut memory = world.bucket();
    memory.storage(9).lock = Ok(None);
    assert_eq!(codes(&head(&world, &memory, 3)), ["lock-missing"]);
}

/// The codes at this depth are those of a whole verification.
fn assert_same_codes(world: &World, memory: &Memory, expected: &[&str]) {
    assert_eq!(codes(&world.verify(memory)), expected);
    assert_eq!(codes(&head(world, memory, 3)), expected);
}

#[test]
fn segments_before_the_last_ones_cannot_be_removed_hidden_or_doubled() {
    let world = log_of_10();
    for segment in 0..7 {
        let mut removed = world.bucket();
        removed.remove(segment);
        assert_same_codes(&world, &removed, &["segment-missing"]);
        // A marker over what has gone hides nothing.
        removed.mark(segment, 590);
        assert_same_codes(&world, &removed, &["segment-missing"]);
        let mut hidden = world.bucket();
        hidden.mark(segment, 590);
        assert_same_codes(&world, &hidden, &["hidden-by-delete-marker"]);
        let mut doubled = world.bucket();
        doubled.put(segment, "later", 590, b"something else".to_vec());
        assert_same_codes(&world, &doubled, &["second-version"]);
    }
    let mut first = world.bucket();
    for segment in 0..5 {
        first.remove(segment);
    }
    assert_same_codes(&world, &first, &["segment-missing"]);
    let mut two = world.bucket();
    for segment in [1, 2, 4] {
        two.remove(segment);
    }
    assert_same_codes(&world, &two, &["segment-missing", "segment-missing"]);
    let mut folder = log_of_10();
    folder.segments.remove(&1);
    assert_same_codes(&folder, &folder.folder(), &["segment-missing"]);
    let mut late = world.bucket();
    late.version(4).stored = Some(at(1));
    assert!(codes(&head(&world, &late, 3)).contains(&"stored-order"));
}

/// A segment beside absent ones is read, and may no longer be there by then: what comes after it is known from the listing alone.
#[test]
fn segment_that_vanishes_beside_an_absent_one_leaves_no_verdict() {
    let world = log_of_10();
    let mut memory = world.bucket();
    memory.remove(1);
    memory.gone.insert(2);
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
    assert_ne!(head(&world, &memory, 3).verdict(), Verdict::Verified);
}

/// Which segments may be absent is judged as in a whole verification, for which the segments beside them are read.
#[test]
fn segments_before_the_last_ones_may_expire() {
    let mut world = log_of_10();
    world.at = Some(600);
    world.now = 31 * 24 * 3600;
    let mut memory = world.bucket();
    for segment in 0..4 {
        memory.remove(segment);
    }
    assert_same_codes(&world, &memory, &[]);
    let report = head(&world, &memory, 3);
    let of_log = |report: &Report| report.logs()[0].holes.clone();
    assert_eq!(of_log(&report), of_log(&world.verify(&memory)));
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(report.logs()[0].segments, 4);
    // Where the segment beside them cannot be read, nobody knows.
    memory.archive(4);
    assert_eq!(head(&world, &memory, 3).verdict(), Verdict::NoVerdict);
}

/// Nothing is read of a bucket of which nothing may be read.
#[test]
fn what_is_beyond_the_bounds_is_undecided_and_never_passes() {
    let world = log_of_10();
    let memory = world.bucket();
    let bounded = |time: u64, bytes: u64| {
        let bounded = Bounded::new(&memory, Instant::now(), Duration::from_secs(time), bytes);
        with(&world, |request| {
            verify(&bounded, request, &world.pins, &mut |_| {}).unwrap()
        })
    };
    let listed = bounded(0, u64::MAX);
    assert_eq!(listed.verdict(), Verdict::NoVerdict);
    assert_eq!(listed.undecided()[0].what.code(), "listing-unreadable");
    let whole = bounded(3600, u64::MAX);
    assert_eq!(whole.verdict(), Verdict::Verified);
    let bytes = world
        .segments
        .values()
        .map(|bytes| u64::try_from(bytes.len()).unwrap())
        .sum::<u64>();
    assert_eq!(bounded(3600, bytes).verdict(), Verdict::Verified);
    let short = bounded(3600, bytes - 1);
    assert_eq!(short.verdict(), Verdict::NoVerdict);
    let codes: Vec<_> = short
        .undecided()
        .iter()
        .map(|one| one.what.code())
        .collect();
    assert_eq!(codes, ["segment-unreadable"]);
    let nothing = bounded(3600, 0);
    assert_eq!(
        (nothing.verdict(), nothing.undecided().len()),
        (Verdict::NoVerdict, 10)
    );
    assert_eq!(nothing.logs()[0].segments, 0);
}
