//! V2 to V10: what is there, and how its parts belong together.

use auditlog_chain::policy::{Ended, LogPolicy};

use super::world::{Key, PREFIX, World, at, closed, codes, opened, origin};
use crate::fault::Fault;
use crate::note::Note;
use crate::source::{Listed, Version};
use crate::undecided::Undecided;
use crate::verdict::Verdict;

#[test]
fn a_good_log_verifies_in_a_folder_and_in_a_bucket() {
    for key in [Key::ed25519(), Key::p256()] {
        let world = World::new(key, 4);
        for memory in [world.folder(), world.bucket()] {
            let report = world.verify(&memory);
            assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
            let [log] = report.logs() else {
                panic!("one log")
            };
            assert_eq!(
                (
                    log.segments,
                    log.entries,
                    log.head.map(|head| head.position.size)
                ),
                (4, 6, Some(15))
            );
            assert_eq!(log.verified().unwrap().pin().position, world.position(3));
        }
    }
}

#[test]
fn a_report_on_a_folder_ends_with_what_it_did_not_check() {
    let world = World::new(Key::ed25519(), 2);
    let text = world.verify(&world.folder()).to_text();
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("verified: acme.example/audit/payments: 2 entries in segments 0 to 1, 2026-11-22T12:00:00Z to 2026-11-22T12:01:30Z, under key "), "{last}");
    assert!(last.ends_with("; storage not checked"), "{last}");
    let text = world.verify(&world.bucket()).to_text();
    assert!(!text.contains("not checked"), "{text}");
}

#[test]
fn a_log_without_segments_is_a_fault() {
    let mut world = World::empty(Key::ed25519());
    world.now = 601;
    assert_eq!(world.codes(), ["log-empty"]);
    assert_eq!(codes(&world.verify(&world.bucket())), ["log-empty"]);
    // Nobody can have expected a segment yet.
    world.now = 600;
    for memory in [world.folder(), world.bucket()] {
        let report = world.verify(&memory);
        assert_eq!(report.verdict(), Verdict::NoVerdict);
        assert_eq!(report.undecided()[0].what, Undecided::JustBegun);
    }
    let mut marked = world.bucket();
    marked.mark(0, 400);
    assert_eq!(
        codes(&world.verify(&marked)),
        ["log-empty", "object-unaccounted"]
    );
    world.pins = super::pins::pinned(2).pins;
    assert_eq!(world.codes(), ["log-empty"]);
}

#[test]
fn a_segment_that_is_missing_is_a_fault_wherever_it_was() {
    for missing in 0..3 {
        let mut world = World::new(Key::ed25519(), 4);
        world.segments.remove(&missing);
        let report = world.verify(&world.folder());
        assert_eq!(codes(&report), ["segment-missing"], "{missing}");
        assert!(
            matches!(report.notes()[0].what, Note::LeftUnproven { .. }),
            "{:?}",
            report.notes()
        );
    }
    let mut world = World::new(Key::ed25519(), 5);
    world.segments.remove(&1);
    world.segments.remove(&2);
    let report = world.verify(&world.folder());
    assert!(matches!(
        report.faults()[0].what,
        Fault::SegmentMissing {
            first: 1,
            last: 2,
            kept_until: Some(_),
            ..
        }
    ));
}

#[test]
fn a_segment_in_another_place_is_a_fault() {
    let mut world = World::new(Key::ed25519(), 4);
    let (one, two) = (world.segments[&1].clone(), world.segments[&2].clone());
    world.segments.insert(1, two);
    assert_eq!(world.codes()[0], "segment-mismatch");
    world.segments.insert(2, one);
    assert_eq!(world.codes(), ["segment-mismatch", "segment-mismatch"]);
}

/// What the neighbours' comparison is for: a segment that proves itself, signed by the right key, over another past.
#[test]
fn a_signed_segment_over_another_past_is_a_fault() {
    let forged = |change: &dyn Fn(&mut auditlog_chain::segment::Head)| {
        let mut world = World::new(Key::ed25519(), 3);
        let mut head = world.heads[2].clone();
        change(&mut head);
        let segment = closed(&head, None, &["1", "2"], opened(2), opened(2) + 30);
        let signature = world.key.sign(&segment);
        world
            .segments
            .insert(2, segment.finish(vec![signature]).unwrap());
        let report = world.verify(&world.folder());
        assert_eq!(report.faults()[0].place.line, Some(1));
        codes(&report)
    };
    let leaf = auditlog_chain::hash::leaf_hash(b"another line");
    assert_eq!(forged(&|head| head.last_leaf = leaf), ["prev-mismatch"]);
    assert_eq!(
        forged(&|head| head.sealed = Some(at(61))),
        ["sealed-before-mismatch"]
    );
    assert_eq!(
        forged(&|head| head.range.append(leaf).unwrap()),
        ["index-mismatch"]
    );
    let other = World::new(Key::ed25519(), 2);
    let size = World::new(Key::ed25519(), 2).heads[2].range.size();
    assert_eq!(other.heads[2].range.size(), size);
    assert_eq!(
        forged(&|head| head.range = other.heads[2].range.clone()),
        ["left-mismatch"]
    );
}

#[test]
fn a_segment_of_another_log_is_a_fault() {
    let world = World::new(Key::ed25519(), 2);
    let mut other = World::new(Key::ed25519(), 2);
    other.policy.logs[0].origin =
        auditlog_chain::origin::Origin::parse("acme.example/audit/other").unwrap();
    other.policy.logs[0].verifier_keys = vec![other.key.of(other.policy.logs[0].origin.clone())];
    other.segments = world.segments.clone();
    assert_eq!(other.codes(), ["origin-mismatch", "origin-mismatch"]);
}

#[test]
fn a_format_of_another_number_is_a_fault_only_where_it_is_known() {
    let mut world = World::new(Key::ed25519(), 2);
    world.policy.logs[0].format = 2;
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert_eq!(
        report.undecided()[0].what,
        Undecided::Unsupported { found: 2 }
    );
    assert!(report.logs()[0].verified().is_none());
}

#[test]
fn what_cannot_be_read_gives_no_verdict_unless_there_is_a_fault_beside_it() {
    let mut world = World::new(Key::ed25519(), 4);
    let mut memory = world.folder();
    memory.unreadable = Some(format!("{PREFIX}/000000000001.jsonl.zst"));
    let report = world.verify(&memory);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert_eq!(report.logs()[0].verdict, Verdict::NoVerdict);
    assert!(report.logs()[0].verified().is_none());
    world.segments.remove(&2);
    let mut memory = world.folder();
    memory.unreadable = Some(format!("{PREFIX}/000000000001.jsonl.zst"));
    assert_eq!(world.verify(&memory).verdict(), Verdict::Fault);
}

#[test]
fn expired_segments_may_be_absent_wherever_they_were() {
    let mut world = World::new(Key::ed25519(), 6);
    for gone in [0, 2, 3] {
        world.segments.remove(&gone);
    }
    // A month later the retention of segment 3 (sealed at 210 s) has just run out.
    world.at = Some(500);
    world.now = 30 * 86_400 + 209;
    assert_eq!(world.codes(), ["segment-missing"]);
    world.now += 2;
    for memory in [world.folder(), world.bucket()] {
        let report = world.verify(&memory);
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
        assert_eq!(
            report
                .notes()
                .iter()
                .filter(|note| matches!(note.what, Note::LeftUnproven { .. }))
                .count(),
            2
        );
    }
}

/// Segments of a longer retention cannot pass for expired because the one after them had a shorter one.
#[test]
fn a_retention_that_was_shortened_lets_go_of_nothing_that_was_made_before() {
    let mut world = World::new(Key::ed25519(), 6);
    let shorter = auditlog_chain::policy::LockSpan {
        from: at(100),
        retention_days: 1,
        ..world.policy.lock[0]
    };
    world.policy.lock.push(shorter);
    for gone in 0..4 {
        world.segments.remove(&gone);
    }
    world.at = Some(500);
    world.now = 2 * 86_400;
    assert_eq!(world.codes(), ["segment-missing"]);
    world.now = 30 * 86_400 + 101;
    assert_eq!(world.codes(), [""; 0]);
}

#[test]
fn every_object_is_accounted_for() {
    let world = World::new(Key::ed25519(), 2);
    let check = |key: &str, fault: bool| {
        let mut memory = world.bucket();
        memory.listed.push(Listed::Version {
            key: key.to_owned(),
            version: Version::default(),
        });
        let expected: &[&str] = if fault { &["object-unaccounted"] } else { &[] };
        let report = world.verify(&memory);
        assert_eq!(codes(&report), expected, "{key}");
        // A stranger under the log's own prefix also keeps the log from being pinned.
        let under = key.starts_with("logs/payments/");
        assert_eq!(report.logs()[0].verified().is_none(), under, "{key}");
    };
    check("archive/policy.json", false);
    for stranger in [
        "stranger",
        "archives/x",
        "logs/payments",
        "logs/payments/",
        "logs/payments/1.jsonl.zst",
        "logs/payments/000000000000.jsonl.zst.bak",
        "logs/payments/000000000000.jsonl",
        "logs/payments/x/000000000000.jsonl.zst",
        "logs/payments//000000000000.jsonl.zst",
        "logs/payments-2/000000000000.jsonl.zst",
        "line\nbreak",
    ] {
        check(stranger, true);
    }
    let text = {
        let mut memory = world.bucket();
        memory.listed.push(Listed::Version {
            key: "x\nverified: \u{1b}[2J".to_owned(),
            version: Version::default(),
        });
        world.verify(&memory).to_text()
    };
    assert!(
        text.contains("x\\nverified: \\u{1b}[2J") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[test]
fn an_ended_log_ends_where_the_policy_says_and_what_came_later_is_disowned() {
    let mut world = World::new(Key::ed25519(), 4);
    let end = |world: &World, segment| {
        let last = world.position(segment);
        Some(Ended {
            segment,
            size: last.size,
            root: last.root,
            sealed: at(210),
            stored: Some(at(212)),
            successor: None,
        })
    };
    world.policy.logs[0].ended = end(&world, 3);
    // It is silent for ever, and that is as declared.
    world.now = 5_000_000;
    assert_eq!(world.codes(), [""; 0]);
    world.policy.logs[0].ended = end(&world, 2);
    let report = world.verify(&world.folder());
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(report.logs()[0].head.unwrap().position.segment, 2);
    assert!(
        report.notes().iter().any(|note| note.what
            == Note::VersionsDisowned {
                end: 2,
                count: 1,
                markers: 0
            }),
        "{:?}",
        report.notes()
    );
    // In a bucket, so are versions that were put over the log after its end, and none that were put there before.
    let mut memory = world.bucket();
    memory.put(1, "late", 400, b"forged".to_vec());
    assert_eq!(codes(&world.verify(&memory)), [""; 0]);
    memory.put(1, "early", 100, b"forged".to_vec());
    assert_eq!(codes(&world.verify(&memory)), ["second-version"]);

    // A segment of a draining queue may be dated a little after the declared end, by the skew and not more.
    let mut memory = world.bucket();
    for (stored, holes) in [(217, 0), (218, 1)] {
        memory.version(2).stored = Some(at(stored));
        let report = world.verify(&memory);
        assert_eq!(codes(&report), [""; 0]);
        assert_eq!(report.logs()[0].holes.count(), holes, "{stored}");
    }

    let size = &mut world.policy.logs[0].ended.as_mut().unwrap().size;
    *size += 1;
    assert_eq!(world.codes(), ["end-mismatch"]);
    let mut longer = end(&world, 3).unwrap();
    longer.segment = 5;
    world.policy.logs[0].ended = Some(longer);
    world.now = 210 + 30 * 86_400;
    assert_eq!(world.codes(), ["segment-missing"]);
    world.now += 1;
    assert_eq!(world.codes(), [""; 0]);
}

#[test]
fn logs_that_were_not_asked_for_are_reported_as_not_checked() {
    let mut world = World::new(Key::ed25519(), 2);
    let other = auditlog_chain::origin::Origin::parse("acme.example/audit/other").unwrap();
    let log = LogPolicy {
        origin: other.clone(),
        prefix: "logs/other".to_owned(),
        verifier_keys: vec![world.key.of(other.clone())],
        ..world.policy.logs[0].clone()
    };
    world.policy.logs.push(log);
    world.at = Some(500);
    world.now = 601;
    assert_eq!(world.codes(), ["log-empty"]);
    let policy = auditlog_chain::policy::TrustPolicy::check(world.policy.clone()).unwrap();
    let request = crate::request::Request {
        policy: &policy,
        policy_digest: auditlog_chain::policy::TrustPolicy::digest(b""),
        logs: &[origin()],
        now: at(500),
        at: None,
        max_skew_seconds: 5,
        workers: 3,
    };
    let report =
        crate::verify::verify(&world.folder(), &request, &world.pins, &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Verified);
    assert!(
        report
            .last_line()
            .ends_with("; log acme.example/audit/other not checked; storage not checked")
    );
    let unknown = [auditlog_chain::origin::Origin::parse("x").unwrap()];
    let request = crate::request::Request {
        logs: &unknown,
        ..request
    };
    assert!(crate::verify::verify(&world.folder(), &request, &world.pins, &mut |_| {}).is_err());
}

/// The work on several logs is shared out among the workers, and each log keeps its own verdict.
#[test]
fn a_fault_in_one_log_leaves_the_verdict_on_another_alone() {
    let mut world = World::new(Key::ed25519(), 40);
    world.now = 40 * 60;
    let mut memory = world.folder();
    let log = world.policy.logs[0].clone();
    for name in ["a", "b"] {
        let origin = auditlog_chain::origin::Origin::parse(name).unwrap();
        world.policy.logs.push(LogPolicy {
            prefix: format!("logs/{name}"),
            verifier_keys: vec![world.key.of(origin.clone())],
            origin,
            ..log.clone()
        });
    }
    // Log `a` holds what log `payments` does, and log `b` nothing.
    for (number, bytes) in &world.segments {
        let key = world.policy.logs[1].segment_key(*number);
        memory.listed.push(Listed::Version {
            key: key.clone(),
            version: Version {
                bytes: u64::try_from(bytes.len()).unwrap(),
                ..Version::default()
            },
        });
        let object = crate::source::Object {
            bytes: Ok(bytes.clone()),
            storage: None,
        };
        memory.objects.insert((key, None), object);
    }
    let policy = auditlog_chain::policy::TrustPolicy::check(world.policy.clone()).unwrap();
    let request = crate::request::Request {
        policy: &policy,
        policy_digest: auditlog_chain::policy::TrustPolicy::digest(b""),
        logs: &[],
        now: at(world.now),
        at: None,
        max_skew_seconds: 5,
        workers: 4,
    };
    let of_version = |one: &Listed| match one {
        Listed::Version { version, .. } => version.bytes,
        _ => 0,
    };
    let listed_bytes: u64 = memory.listed.iter().map(of_version).sum();
    let mut shown = crate::progress::Progress::default();
    let report = crate::verify::verify(&memory, &request, &world.pins, &mut |progress| {
        shown = progress;
    })
    .unwrap();
    let verdicts: Vec<_> = report
        .logs()
        .iter()
        .map(|log| (log.verdict, log.segments))
        .collect();
    assert_eq!(
        verdicts,
        [
            (Verdict::Verified, 40),
            (Verdict::Fault, 0),
            (Verdict::Fault, 0)
        ]
    );
    assert_eq!(
        report
            .faults()
            .iter()
            .filter(|one| one.what.code() == "origin-mismatch")
            .count(),
        40
    );
    assert_eq!(report.faults().last().unwrap().what.code(), "log-empty");
    assert!(report.logs()[0].verified().is_some() && report.logs()[1].verified().is_none());
    assert_eq!((shown.segments, shown.of, shown.entries), (80, 80, 78));
    assert_eq!(shown.bytes, listed_bytes);
    assert!(listed_bytes > 0);
}
