//! A1 to A8 through the whole verifier: each test is an attack that worked, or an honest log that was refused.

use auditlog_chain::policy::{
    Acknowledged, AcknowledgedCode, AfterMissing, BeforeMissing, Ended, Found, FoundMissing,
    FoundSilence, FoundVersion, LockMode, LockSpan, SilenceSpan,
};
use auditlog_chain::segment::Head;

use super::world::{DAY, Key, Memory, World, at, closed, codes, origin};
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::pins::{Pins, Taken};
use crate::report::Report;
use crate::source::Listed;
use crate::undecided::Undecided;
use crate::verdict::Verdict;

const HOUR: i64 = 3600;

/// A log that is sealed at these seconds, and stored two seconds later. Retention is 30 days, `max_silence` 25 hours.
fn log(times: &[i64]) -> World {
    let mut world = World::empty(Key::ed25519());
    world.policy.logs[0].max_silence[0].seconds = 25 * 3600;
    world.policy.lock[0].from = at(-400 * DAY);
    world.policy.logs[0].max_silence[0].from = at(-400 * DAY);
    world.policy.keys[0].valid_from = at(-400 * DAY);
    let began = times[0] - 10;
    world.policy.logs[0].began = at(began);
    for (number, sealed) in times.iter().enumerate() {
        let change = (number == 0).then(|| world.key.change(None));
        let segment = closed(world.head(), change, &[], *sealed, *sealed);
        let signature = world.key.sign(&segment);
        world.add(segment, vec![signature]);
    }
    world.now = times.last().unwrap() + HOUR;
    world
}

/// The log in a bucket, each segment stored two seconds after it was sealed.
fn bucket(world: &World) -> Memory {
    let mut memory = world.bucket();
    for (number, head) in (0..).zip(&world.heads[1..]) {
        if world.segments.contains_key(&number) {
            let stored = head.sealed.unwrap().saturating_add_seconds(2);
            memory.version(number).stored = Some(stored);
            let lock = memory
                .storage(number)
                .lock
                .as_mut()
                .unwrap()
                .as_mut()
                .unwrap();
            lock.until = Some(stored.saturating_add_seconds(400 * DAY));
        }
    }
    memory
}

fn every_day(first: i64, count: i64) -> Vec<i64> {
    (0..count).map(|nr| (first + nr) * DAY).collect()
}

/// With the key: a segment after a head that nobody can check.
fn forged(world: &mut World, number: u64, size: u64, sealed_before: i64, sealed: i64) {
    let roots = vec![world.heads[1].last_leaf; usize::try_from(size.count_ones()).unwrap()];
    let head = Head {
        next_segment: number,
        range: auditlog_chain::tree::CompactRange::from_roots(size, roots).unwrap(),
        sealed: Some(at(sealed_before)),
        ..world.head().clone()
    };
    let segment = closed(&head, None, &[], sealed, sealed);
    let signature = world.key.sign(&segment);
    world
        .segments
        .insert(number, segment.finish(vec![signature]).unwrap());
}

fn pinned(world: &World, memory: &Memory) -> Pins {
    let report = world.verify(memory);
    let mut pins = Pins::default();
    let head = report.logs()[0].verified().unwrap();
    assert_eq!(pins.take(head, &Pins::default()), Taken::Pinned);
    pins
}

#[test]
fn a_log_cut_back_to_before_silence_was_shortened_is_found() {
    let mut world = log(&[0, 30 * DAY, 60 * DAY, 74 * DAY]);
    world.policy.lock[0].retention_days = 730;
    let year = SilenceSpan {
        from: at(-DAY),
        seconds: 365 * 86_400,
    };
    world.policy.logs[0].max_silence = vec![
        year,
        SilenceSpan {
            from: at(75 * DAY),
            seconds: 25 * 3600,
        },
    ];
    world.now = 75 * DAY + 25 * HOUR;
    assert_eq!(world.codes(), [""; 0]);
    // 290 days later, the year that was in force meanwhile excuses nothing.
    world.now = (75 + 290) * DAY;
    assert_eq!(world.codes(), ["silence-exceeded"]);
    world.now = 75 * DAY + 25 * HOUR + 1;
    assert_eq!(world.codes(), ["silence-exceeded"]);
}

#[test]
fn a_long_silence_is_not_excused_because_the_policy_was_loosened_later() {
    let mut world = log(&[0, DAY, 291 * DAY]);
    world.policy.lock[0].retention_days = 730;
    world.policy.logs[0].max_silence.push(SilenceSpan {
        from: at(280 * DAY),
        seconds: 365 * 86_400,
    });
    assert_eq!(world.codes(), ["silence-exceeded"]);
}

#[test]
fn a_pin_does_not_move_to_a_forgery_that_claims_that_everything_expired() {
    let mut world = log(&every_day(0, 10));
    let memory = bucket(&world);
    world.now = 9 * DAY + HOUR;
    world.pins = pinned(&world, &memory);
    world.segments.clear();
    let sealed = 10 * DAY;
    forged(&mut world, 10, 60, -100 * DAY, sealed);
    world.now = sealed + HOUR;
    // In a folder, only the pin shows it.
    assert_eq!(world.codes(), ["segment-missing", "head-forked"]);
    world.policy.logs[0].began = at(-200 * DAY);
    assert_eq!(world.codes(), ["segment-missing", "head-forked"]);
    world.policy.logs[0].began = at(-10);
    let pins = std::mem::take(&mut world.pins);
    // The log is younger than its retention: nothing of it can have expired.
    assert_eq!(world.codes(), ["segment-missing"]);
    world.policy.logs[0].began = at(-200 * DAY);
    assert_eq!(world.codes(), [""; 0]);
    world.pins = pins;
    // The pin itself expires in the end, and binds no further.
    world.now = 9 * DAY + 31 * DAY;
    world.at = Some(sealed + HOUR);
    assert_eq!(world.codes(), ["head-forked"]);
}

#[test]
fn a_forgery_after_segments_that_are_still_there_expires_no_sooner_than_they_do() {
    let mut world = log(&every_day(0, 10));
    for number in 4..10 {
        world.segments.remove(&number);
    }
    forged(&mut world, 10, 60, 3 * DAY, 10 * DAY);
    world.now = 10 * DAY + HOUR;
    assert_eq!(world.codes(), ["segment-missing"]);
    // And it cannot claim to come before them.
    forged(&mut world, 10, 60, 2 * DAY, 10 * DAY);
    assert_eq!(world.codes(), ["segment-missing", "sealed-before-mismatch"]);
    // Nor that they hold fewer lines than so many segments have, nor more.
    forged(&mut world, 10, 18, 3 * DAY, 10 * DAY);
    assert_eq!(world.codes(), ["segment-missing", "index-mismatch"]);
    forged(&mut world, 10, 13_000_000, 3 * DAY, 10 * DAY);
    assert_eq!(world.codes(), ["segment-missing", "index-mismatch"]);
}

#[test]
fn an_old_span_with_a_long_silence_does_not_help_a_governance_administrator() {
    let mut world = log(&every_day(0, 90));
    // For the first ten days a silence of 29 days was allowed.
    let long = SilenceSpan {
        from: at(-DAY),
        seconds: 15 * 86_400,
    };
    world.policy.logs[0].max_silence = vec![
        long,
        SilenceSpan {
            from: at(10 * DAY),
            seconds: 25 * 3600,
        },
    ];
    world.segments.clear();
    forged(&mut world, 90, 500, 5 * DAY, 90 * DAY);
    world.now = 90 * DAY + HOUR;
    let mut memory = world.bucket();
    memory.version(90).stored = Some(at(90 * DAY));
    memory
        .storage(90)
        .lock
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
        .until = Some(at(400 * DAY));
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
}

#[test]
fn a_segment_sealed_before_retention_was_lengthened_and_stored_after_it_has_not_expired() {
    let mut world = log(&every_day(0, 50));
    world.policy.lock.push(LockSpan {
        from: at(10 * DAY + 1),
        retention_days: 300,
        ..world.policy.lock[0]
    });
    for number in 0..=10 {
        world.segments.remove(&number);
    }
    // Segment 10 was sealed a second before the change. Its successor was stored after it, and so may segment 10 have been.
    let mut memory = bucket(&world);
    memory.default_retention(LockMode::Governance, 300);
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
    // Without the change, everything up to segment 10 has expired.
    world.policy.lock.truncate(1);
    assert_eq!(codes(&world.verify(&memory)), [""; 0]);
}

#[test]
fn old_segments_that_are_put_back_slowly_are_noticed() {
    let world = log(&every_day(0, 10));
    let mut memory = bucket(&world);
    // Segments 5 to 9 were removed, and come back one each day: the last one that is there was stored an hour ago.
    for number in 5..8 {
        memory.version(number).stored = Some(at(i64::try_from(number).unwrap() * DAY + 6 * DAY));
    }
    memory.remove(8);
    memory.remove(9);
    let mut later = world;
    later.now = 13 * DAY + HOUR;
    let report = later.verify(&memory);
    assert!(
        codes(&report).contains(&"silence-exceeded"),
        "{:?}",
        codes(&report)
    );
}

#[test]
fn what_an_honest_sealer_stores_during_a_long_listing_is_passed_over() {
    let world = log(&every_day(0, 5));
    let mut memory = bucket(&world);
    // The listing takes two hours, from before segment 3 on; segment 3 was stored after its page had been sent.
    memory.listing.begun = Some(at(3 * DAY - HOUR));
    memory.listing.ended = Some(at(4 * DAY + HOUR));
    memory.remove(3);
    let report = world.verify(&memory);
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(report.logs()[0].head.unwrap().position, world.position(2));
    assert!(
        report
            .notes()
            .iter()
            .any(|note| note.what == passed_over(1, Some(3)))
    );
    // A log of which nothing else is there has no verdict.
    for number in 0..3 {
        memory.remove(number);
    }
    let report = world.verify(&memory);
    assert_eq!(report.undecided()[0].what, Undecided::OnlyPassedOver);
}

/// A folder has no times of its own: the files that were not there when the listing began are as good as later.
#[test]
fn what_a_folder_gets_during_a_listing_is_passed_over_in_its_log() {
    let mut world = log(&every_day(0, 3));
    let mut memory = world.folder();
    pass_over(&mut memory, 2);
    let report = world.verify(&memory);
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(report.logs()[0].head.unwrap().position, world.position(1));
    let count = |report: &Report| {
        let note = report.notes().iter().find_map(|note| match note.what {
            Note::PassedOver {
                count,
                absent: None,
            } => Some((count, note.place.log.clone())),
            _ => None,
        });
        note.unwrap()
    };
    assert_eq!(count(&report), (1, Some(origin())));
    // However long ago the log began.
    world.policy.logs[0].began = at(-300 * DAY);
    pass_over(&mut memory, 0);
    pass_over(&mut memory, 1);
    let report = world.verify(&memory);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert_eq!(report.undecided()[0].what, Undecided::OnlyPassedOver);
    assert_eq!(count(&report), (3, Some(origin())));
    // What was there before must still be there.
    let mut earlier = log(&every_day(0, 3));
    earlier.pins = pinned(&earlier, &earlier.folder());
    assert_eq!(codes(&earlier.verify(&memory)), ["log-empty"]);
    assert_eq!(codes(&world.verify(&Memory::default())), ["log-empty"]);
}

const fn passed_over(count: u64, absent: Option<u64>) -> Note {
    Note::PassedOver { count, absent }
}

/// What is listed of a segment, as if it had come after the listing had begun.
fn pass_over(memory: &mut Memory, segment: usize) {
    let place = &mut memory.listed[segment];
    if let Listed::Version { key, .. } = place.clone() {
        *place = Listed::PassedOver { key };
    }
}

#[test]
fn what_shows_without_its_predecessor_is_passed_over_where_the_clocks_of_a_store_differ() {
    let world = log(&[0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]);
    let mut memory = bucket(&world);
    // Segment 4 was stored two seconds before the listing began, by a clock that is up to five seconds behind.
    memory.listing.begun = Some(at(4 * HOUR + 4));
    memory.listing.ended = Some(at(5 * HOUR));
    memory.remove(3);
    let report = world.verify(&memory);
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(report.logs()[0].head.unwrap().position, world.position(2));
    // The segment that is absent is named: somebody may have removed it.
    let notes = report.notes().iter();
    let mut notes = notes.filter(|note| note.what == passed_over(1, Some(3)));
    assert!(notes.next().is_some());
    let text = report.to_text();
    assert!(
        text.contains("passed over 1 object behind segment 3, which is absent"),
        "{text}"
    );
    let behind = NotChecked::Behind {
        origin: origin(),
        segment: 3,
    };
    assert_eq!(report.not_checked(), [behind]);
    let last = format!(
        "; segments after 3, which is absent, of log {} not checked\n",
        origin()
    );
    assert!(text.ends_with(&last), "{text}");
    memory.listing.begun = Some(at(4 * HOUR + 7));
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
}

#[test]
fn nothing_that_was_pinned_is_passed_over() {
    let mut world = log(&every_day(0, 5));
    let mut memory = bucket(&world);
    world.pins = pinned(&world, &memory);
    memory.listing.begun = Some(at(3 * DAY - HOUR));
    memory.listing.ended = Some(at(4 * DAY + HOUR));
    assert_eq!(codes(&world.verify(&memory)), [""; 0]);
    memory.remove(3);
    assert_eq!(codes(&world.verify(&memory)), ["segment-missing"]);
}

#[test]
fn a_version_that_is_gone_when_it_is_read_had_to_be_kept_or_not() {
    let mut world = log(&every_day(0, 50));
    let gone = |number: u64, world: &World| {
        let mut memory = bucket(world);
        memory.gone.insert(number);
        codes(&world.verify(&memory))
    };
    assert_eq!(gone(0, &world), [""; 0]);
    assert_eq!(gone(30, &world), ["segment-missing"]);
    assert_eq!(gone(49, &world), ["segment-missing"]);
    // Whatever a forger claims about what is absent: this one was there when it was listed.
    world.now = 30 * DAY + 49 * DAY + 2;
    world.at = Some(49 * DAY);
    assert_eq!(gone(49, &world), ["segment-missing"]);
}

#[test]
fn garbage_after_the_end_at_the_key_of_an_expired_segment_is_disowned() {
    let mut world = log(&every_day(0, 10));
    let last = world.position(9);
    world.policy.logs[0].ended = Some(Ended {
        segment: 9,
        size: last.size,
        root: last.root,
        sealed: at(9 * DAY),
        stored: Some(at(9 * DAY + 2)),
        successor: None,
    });
    world.now = 35 * DAY;
    world.segments.remove(&0);
    let mut memory = bucket(&world);
    memory.put(0, "garbage", 20 * DAY, b"garbage".to_vec());
    memory.put(5, "garbage", 20 * DAY, b"garbage".to_vec());
    memory.mark(12, 21 * DAY);
    let report = world.verify(&memory);
    assert_eq!(codes(&report), [""; 0]);
    let disowned = Note::VersionsDisowned {
        end: 9,
        count: 2,
        markers: 1,
    };
    assert!(
        report.notes().iter().any(|note| note.what == disowned),
        "{:?}",
        report.notes()
    );
    assert_eq!(report.logs()[0].shadowed, 2);
    assert!(
        report
            .last_line()
            .contains("plain readers see something else at 2 keys"),
        "{}",
        report.last_line()
    );
    // In the end nothing is left, and the report says so.
    world.segments.clear();
    world.now = 60 * DAY;
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::Verified);
    let line = report.last_line();
    for part in [
        "ended, and nothing is left: 0 to 9 (expired)",
        "expiry is the signer's word",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

fn acknowledge(world: &mut World, code: AcknowledgedCode, found: Found) {
    world.policy.acknowledged.push(Acknowledged {
        code,
        log: Some(origin()),
        reason: "INC-7".to_owned(),
        date: at(0),
        found,
    });
}

#[test]
fn an_explained_silence_is_listed_and_the_next_one_is_a_fault() {
    let mut world = log(&[0, DAY, 5 * DAY, 6 * DAY, 10 * DAY]);
    let silence = |from: i64, until: i64| {
        Found::Silence(FoundSilence {
            from: at(from),
            until: at(until),
        })
    };
    acknowledge(
        &mut world,
        AcknowledgedCode::SilenceExceeded,
        silence(DAY, 5 * DAY),
    );
    let report = world.verify(&world.folder());
    assert_eq!(codes(&report), ["silence-exceeded"]);
    assert_eq!(report.acknowledged().len(), 1);
    assert_eq!(report.acknowledged()[0].what.reason, "INC-7");
    // The same or less, never more.
    acknowledge(
        &mut world,
        AcknowledgedCode::SilenceExceeded,
        silence(6 * DAY + 1, 10 * DAY),
    );
    assert_eq!(world.codes(), ["silence-exceeded"]);
    acknowledge(
        &mut world,
        AcknowledgedCode::SilenceExceeded,
        silence(6 * DAY - 1, 10 * DAY + 1),
    );
    let report = world.verify(&world.folder());
    assert_eq!(
        (codes(&report), report.verdict()),
        (vec![], Verdict::Verified)
    );
    assert!(report.logs()[0].verified().is_some());
}

#[test]
fn an_explained_loss_divides_the_hole_that_it_is_in() {
    let mut world = log(&every_day(0, 50));
    for number in [4, 5].into_iter().chain(30..=32) {
        world.segments.remove(&number);
    }
    let before = world.position(29);
    let (size, root) = (world.position(32).size, world.position(32).root);
    let lost = FoundMissing {
        first: 30,
        last: 32,
        before: Some(BeforeMissing {
            size: before.size,
            root: before.root,
            stored: Some(at(29 * DAY + 2)),
        }),
        after: Some(AfterMissing { size, root }),
        pin: None,
    };
    assert_eq!(codes(&world.verify(&bucket(&world))), ["segment-missing"]);
    acknowledge(
        &mut world,
        AcknowledgedCode::SegmentMissing,
        Found::Missing(lost),
    );
    let report = world.verify(&bucket(&world));
    assert_eq!(codes(&report), [""; 0]);
    let line = report.last_line();
    assert!(
        line.contains("except 4 to 5 (expired), 30 to 32 (acknowledged)"),
        "{line}"
    );
    // One segment more is another loss.
    world.segments.remove(&33);
    assert_eq!(codes(&world.verify(&bucket(&world))), ["segment-missing"]);
}

#[test]
fn an_explained_version_covers_itself_and_no_other() {
    let mut world = log(&every_day(0, 5));
    let version = |id: &str| {
        Found::Version(FoundVersion {
            object: "logs/payments/000000000002.jsonl.zst".to_owned(),
            version_id: id.to_owned(),
            retain_until: None,
        })
    };
    acknowledge(
        &mut world,
        AcknowledgedCode::SecondVersion,
        version("again"),
    );
    let mut memory = bucket(&world);
    memory.put(2, "again", 3 * DAY, b"garbage".to_vec());
    let report = world.verify(&memory);
    assert_eq!((codes(&report), report.acknowledged().len()), (vec![], 1));
    memory.put(2, "once more", 3 * DAY, b"garbage".to_vec());
    assert_eq!(codes(&world.verify(&memory)), ["second-version"]);
}
