//! V21 to V24: the clocks.

use auditlog_chain::policy::{LockSpan, TrustPolicy};

use super::world::{Key, World, at, closed, codes, opened};
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::pins::Pins;
use crate::request::{Request, RequestError};
use crate::source::ClockReading;
use crate::undecided::Undecided;
use crate::verdict::Verdict;
use crate::verify::verify;

fn world() -> World {
    World::new(Key::ed25519(), 4)
}

#[test]
fn a_segment_is_sealed_before_it_is_stored() {
    let world = world();
    let mut memory = world.bucket();
    // Segment 3 is sealed at 210 s; the skew is 5 seconds.
    memory.version(3).stored = Some(at(205));
    assert_eq!(codes(&world.verify(&memory)), [""; 0]);
    memory.version(3).stored = Some(at(204));
    assert_eq!(codes(&world.verify(&memory)), ["sealed-after-stored"]);
}

#[test]
fn no_segment_is_stored_before_its_predecessor() {
    let world = world();
    let mut memory = world.bucket();
    // Segment 3 was stored at 212 s. Two clocks of the store may differ by the skew, as a draining queue shows.
    memory.version(2).stored = Some(at(218));
    assert_eq!(codes(&world.verify(&memory)), ["stored-order"]);
    for draining in [217, 213, 212] {
        memory.version(2).stored = Some(at(draining));
        assert_eq!(codes(&world.verify(&memory)), [""; 0]);
    }
}

#[test]
fn no_segment_is_sealed_in_the_future() {
    let mut world = world();
    world.now = 205;
    assert_eq!(world.codes(), [""; 0]);
    world.now = 204;
    // What `--at` says bounds the silence only.
    world.at = Some(400);
    assert_eq!(world.codes(), ["sealed-in-future"]);
}

#[test]
fn silence_after_the_last_segment_is_bounded_by_now_or_the_time_asked_for() {
    let mut world = world();
    world.now = 210 + 600;
    assert_eq!(world.codes(), [""; 0]);
    world.now += 1;
    assert_eq!(world.codes(), ["silence-exceeded"]);
    // In a bucket it counts from when the segment was stored, at 212 s.
    assert_eq!(codes(&world.verify(&world.bucket())), [""; 0]);
    world.now = 5_000_000;
    world.at = Some(812);
    assert_eq!(codes(&world.verify(&world.bucket())), [""; 0]);
    world.at = Some(813);
    assert_eq!(codes(&world.verify(&world.bucket())), ["silence-exceeded"]);
}

#[test]
fn every_gap_is_bounded() {
    let mut world = world();
    let seal = |world: &mut World, opened, sealed| {
        let segment = closed(world.head(), None, &[], opened, sealed);
        let signature = world.key.sign(&segment);
        world.add(segment, vec![signature]);
    };
    seal(&mut world, 300, 811);
    world.now = 900;
    assert_eq!(world.codes(), ["silence-exceeded"]);
    // A longer silence was declared before the deadline, at 810 s, and not after it.
    let longer = |from| auditlog_chain::policy::SilenceSpan {
        from: at(from),
        seconds: 601,
    };
    world.policy.logs[0].max_silence.push(longer(809));
    assert_eq!(world.codes(), [""; 0]);
    world.policy.logs[0].max_silence[1] = longer(810);
    assert_eq!(world.codes(), ["silence-exceeded"]);

    let world = self::world();
    let mut memory = world.bucket();
    memory.version(2).stored = Some(at(92 + 601));
    memory.version(3).stored = Some(at(92 + 601));
    let mut later = world;
    later.now = 814;
    assert_eq!(codes(&later.verify(&memory)), ["silence-exceeded"]);
}

#[test]
fn the_first_segment_comes_soon_after_the_declared_beginning() {
    let mut world = world();
    world.policy.logs[0].began = at(30 - 600);
    assert_eq!(world.codes(), [""; 0]);
    world.policy.logs[0].began = at(30 - 601);
    assert_eq!(world.codes(), ["silence-exceeded"]);
}

/// Who holds the key could claim that what is missing expired long ago; the store's clock says otherwise.
#[test]
fn a_gap_cannot_be_claimed_to_have_expired_long_ago() {
    let mut world = World::new(Key::ed25519(), 2);
    let mut head = world.head().clone();
    head.next_segment = 9;
    head.sealed = Some(at(-40 * 86_400));
    let segment = closed(&head, None, &[], opened(2), opened(2) + 30);
    let signature = world.key.sign(&segment);
    world.segments.clear();
    world.heads.clear();
    world.heads.push(head);
    world
        .segments
        .insert(9, segment.finish(vec![signature]).unwrap());
    let mut memory = world.bucket();
    memory.version(9).stored = Some(at(opened(2) + 32));
    assert_eq!(
        codes(&world.verify(&memory)),
        ["segment-missing", "index-mismatch"]
    );
}

#[test]
fn nothing_is_dated_in_the_future_by_a_store_whose_clock_is_right() {
    let world = world();
    let mut memory = world.bucket();
    // The listing ended at 500 s; the skew is 5 seconds.
    memory.put(4, "v4", 505, b"for the next run".to_vec());
    assert_eq!(codes(&world.verify(&memory)), [""; 0]);
    let mut memory = world.bucket();
    memory.put(4, "v4", 506, b"from the future".to_vec());
    assert_eq!(codes(&world.verify(&memory)), ["stored-in-future"]);
    let mut memory = world.bucket();
    memory.mark(1, 506);
    assert_eq!(codes(&world.verify(&memory)), ["stored-in-future"]);
}

#[test]
fn a_clock_that_is_not_the_stores_gives_no_verdict_and_no_fault_is_forgiven() {
    let world = world();
    let mut memory = world.bucket();
    // The skew is 5 seconds.
    memory.clock = Some(ClockReading::between(at(505), at(500), at(506)));
    assert_eq!(world.verify(&memory).verdict(), Verdict::Verified);
    for (ours, store) in [(507, 500), (500, 506)] {
        memory.clock = Some(ClockReading::between(at(ours), at(store), at(ours)));
        let report = world.verify(&memory);
        assert_eq!(report.verdict(), Verdict::NoVerdict);
        assert_eq!(report.logs()[0].verdict, Verdict::NoVerdict);
        assert!(report.logs()[0].verified().is_none());
        let differs = Undecided::ClockDiffers {
            store: at(store),
            ours: at(ours),
            skew_seconds: 5,
        };
        assert_eq!(report.undecided()[0].what, differs);
    }
    memory.remove(1);
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
}

#[test]
fn without_the_time_of_the_store_the_report_says_that_the_clock_was_not_checked() {
    let world = world();
    let mut memory = world.bucket();
    assert_eq!(world.verify(&memory).not_checked(), []);
    memory.clock = None;
    let report = world.verify(&memory);
    assert_eq!(report.not_checked(), [NotChecked::Clock]);
    assert_eq!(report.verdict(), Verdict::Verified);
}

#[test]
fn a_silence_that_clocks_alone_can_make_up_is_noted() {
    let mut world = world();
    let notes = |world: &World| {
        let report = world.verify(&world.bucket());
        let notes = report.notes().iter().map(|note| note.what.clone());
        notes.collect::<Vec<_>>()
    };
    let near = |silence_seconds| Note::SilenceNearSkew {
        silence_seconds,
        skew_seconds: 5,
    };
    for (seconds, noted) in [(19, true), (20, false)] {
        world.policy.logs[0].max_silence[0].seconds = seconds;
        assert_eq!(notes(&world).contains(&near(seconds)), noted, "{seconds}");
    }
}

#[test]
fn a_retention_that_was_too_short_for_the_silence_is_noted_and_one_that_is_still_in_force_refused()
{
    let mut world = world();
    let long = world.policy.lock[0];
    world.policy.lock[0].retention_days = 1;
    world.policy.lock.push(LockSpan {
        from: at(100),
        ..long
    });
    world.policy.logs[0].max_silence[0].seconds = 86_400;
    world.now = 100 + 86_400;
    let policy = TrustPolicy::check(world.policy.clone()).unwrap();
    let request = |now| Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(b""),
        logs: &[],
        now: at(now),
        at: None,
        max_skew_seconds: 5,
        workers: 1,
    };
    let run = |now| {
        verify(
            &world.bucket(),
            &request(now),
            &Pins::default(),
            &mut |_| {},
        )
    };
    let error = run(100 + 86_400).unwrap_err();
    assert!(matches!(error, RequestError::Policy(_)), "{error}");
    let report = run(101 + 86_400).unwrap();
    let note = Note::RetentionWasShort {
        retention_days: 1,
        silence_seconds: 86_400,
        until: at(100),
    };
    assert!(report.notes().iter().any(|one| one.what == note));
}
