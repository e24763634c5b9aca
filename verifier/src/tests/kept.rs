//! What was kept is used where nothing that it is a function of has changed, and for no more requests than a run needs.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{
    Acknowledged, AcknowledgedCode, Compromised, Found, FoundSilence, LockMode, LockSpan,
};

use super::counted::Counted;
use super::incremental::{cached, document, keep_bytes, run_with_cache};
use super::ranges::assert_same;
use super::world::{DAY, Key, Memory, World, at, origin};
use crate::pins::{Pins, document as of_pins};
use crate::request::Request;
use crate::rules::RULES;
use crate::source::{Strength, Undated};
use crate::verify::verify;

/// A log in a bucket, of which a run before kept the first two segments: one block.
fn kept() -> World {
    let mut world = World::new(Key::ed25519(), 3);
    let policy = world.policy();
    let report = run_with_cache(&world.bucket(), &world.request(&policy), &world.pins);
    let head = report.logs()[0].verified().unwrap();
    _ = world.pins.take(head, &Pins::default());
    world
}

/// How many segments are not read again; what is found is the same as without what was kept.
#[track_caller]
fn used(world: &World, memory: &Memory, pins: &Pins, skew: u32) -> u64 {
    let policy = world.policy();
    let request = Request {
        max_skew_seconds: skew,
        ..world.request(&policy)
    };
    let whole = verify(memory, &request, pins, &mut |_| {}).unwrap();
    let report = run_with_cache(memory, &request, pins);
    assert_same(&whole, &report, "with a cache");
    cached(&report)
}

/// The pins, with another digest of the cache.
fn naming(pins: &Pins, digest: Hash) -> Pins {
    let json = String::from_utf8(of_pins::format(pins).unwrap()).unwrap();
    let written = |digest: Hash| serde_json::to_string(&digest).unwrap();
    let old = written(pins.cache_of(&origin()).unwrap());
    assert!(json.contains(&old), "{json}");
    let json = json.replace(&old, &written(digest));
    of_pins::parse(json.as_bytes()).ok().unwrap()
}

#[test]
fn what_other_rules_or_another_version_of_the_document_kept_is_not_used() {
    let world = kept();
    let text = String::from_utf8(document(&world)).unwrap();
    let rules = format!("\"rules\":{RULES},");
    for (old, new, expected) in [
        ("", String::new(), 2),
        (&*rules, format!("\"rules\":{},", RULES + 1), 0),
        ("\"cache\":1,", "\"cache\":2,".to_owned(), 0),
    ] {
        assert!(text.contains(old), "{old} in {text}");
        let pins = naming(&world.pins, keep_bytes(text.replacen(old, &new, 1).into()));
        assert_eq!(used(&world, &world.bucket(), &pins, 5), expected, "{new}");
    }
}

type Change = (&'static str, fn(&mut World));

/// Each is declared of the log, of its keys or of its locks.
const DECLARED: [Change; 12] = [
    ("began", |world| world.policy.logs[0].began = at(-1)),
    ("a longer silence", |world| {
        world.policy.logs[0].max_silence[0].seconds += 1;
    }),
    ("a lock of its own", |world| {
        world.policy.logs[0].lock = Some(world.policy.lock.clone());
    }),
    ("the mode of the locks", |world| {
        world.policy.lock[0].mode = LockMode::Compliance;
    }),
    ("a longer retention", |world| {
        world.policy.lock[0].retention_days = 31;
    }),
    ("another retention from then on", |world| {
        world.policy.lock.push(LockSpan {
            from: at(DAY),
            mode: LockMode::Governance,
            retention_days: 60,
        });
    }),
    ("another key", |world| world.authorise(&Key::ed25519())),
    ("a key that is valid later", |world| {
        world.policy.keys[0].valid_from = at(-60);
    }),
    ("a key that is retired", |world| {
        world.policy.keys[0].retired_at = Some(at(DAY));
    }),
    ("a key that was lost", |world| {
        world.policy.keys[0].lost_at = Some(at(DAY));
    }),
    ("a key that was compromised", |world| {
        world.policy.keys[0].compromised = Some(Compromised {
            at: at(DAY),
            last_good: Vec::new(),
        });
    }),
    ("a silence that is explained", |world| {
        let (from, until) = (at(32), at(92));
        world.policy.acknowledged.push(Acknowledged {
            code: AcknowledgedCode::SilenceExceeded,
            log: Some(origin()),
            reason: "an outage".to_owned(),
            date: at(400),
            found: Found::Silence(FoundSilence { from, until }),
        });
    }),
];

#[test]
fn what_was_kept_is_not_used_where_anything_else_is_declared() {
    let world = kept();
    assert_eq!(used(&world, &world.bucket(), &world.pins, 5), 2);
    assert_eq!(used(&world, &world.bucket(), &world.pins, 6), 0, "the skew");
    for (what, change) in DECLARED {
        let mut world = kept();
        change(&mut world);
        assert_eq!(used(&world, &world.bucket(), &world.pins, 5), 0, "{what}");
    }
}

type Sight = (&'static str, fn(&mut Memory));

/// Each is listed of the second segment.
const LISTED: [Sight; 9] = [
    ("another version id", |memory| {
        let bytes = memory.bytes_of(1);
        memory.remove(1);
        memory.put(1, "other", 92, bytes);
    }),
    ("no versions", |memory| {
        let bytes = memory.bytes_of(1);
        memory.remove(1);
        memory.put(1, "null", 92, bytes);
    }),
    ("another size", |memory| memory.version(1).bytes += 1),
    ("another time", |memory| {
        memory.version(1).stored = Some(at(93));
    }),
    ("a time that does not count", |memory| {
        memory.version(1).undated = Some(Box::new(Undated::Replica));
    }),
    ("the one that is read", |memory| {
        memory.version(1).is_latest = true;
    }),
    ("a second version", |memory| {
        let bytes = memory.bytes_of(1);
        memory.put(1, "second", 100, bytes);
    }),
    ("a delete marker", |memory| memory.mark(1, 100)),
    ("nothing", |memory| memory.remove(1)),
];

#[test]
fn what_was_kept_is_not_used_where_anything_else_is_listed() {
    let world = kept();
    for (what, change) in LISTED {
        let mut memory = world.bucket();
        assert_eq!(used(&world, &memory, &world.pins, 5), 2);
        change(&mut memory);
        assert_eq!(used(&world, &memory, &world.pins, 5), 0, "{what}");
    }
}

/// A log of nine segments whose locks have this mode, of which a run before kept eight.
fn locked(mode: LockMode) -> (World, Memory) {
    let mut world = World::new(Key::ed25519(), 9);
    world.now = 900;
    world.policy.lock[0].mode = mode;
    let mut memory = world.bucket();
    memory.default_retention(mode, 30);
    for number in 0..9 {
        let lock = &mut memory.storage(number).lock;
        lock.as_mut().unwrap().as_mut().unwrap().strength = Strength::As(mode);
    }
    let policy = world.policy();
    let report = run_with_cache(&memory, &world.request(&policy), &world.pins);
    let head = report.logs()[0].verified().unwrap();
    _ = world.pins.take(head, &Pins::default());
    (world, memory)
}

/// Requests for the bytes of an object, and for its lock alone.
fn requests(world: &World, memory: &Memory) -> (usize, usize) {
    let policy = world.policy();
    let request = world.request(&policy);
    let counted = Counted::over(memory);
    let report = run_with_cache(&counted, &request, &world.pins);
    let whole = verify(memory, &request, &world.pins, &mut |_| {}).unwrap();
    assert_same(&whole, &report, "with a cache");
    assert_eq!(cached(&report), 8);
    (counted.reads(), counted.looks())
}

/// Nobody can shorten a lock in COMPLIANCE mode. When it is over, the version may have a longer one, or none.
#[test]
fn only_a_lock_that_somebody_may_have_changed_is_looked_at_again() {
    let (world, memory) = locked(LockMode::Governance);
    assert_eq!(requests(&world, &memory), (1, 8));
    let (mut world, memory) = locked(LockMode::Compliance);
    assert_eq!(requests(&world, &memory), (1, 0));
    // The lock of the first segment is over, and with it that of its block.
    world.now = 31 * DAY + 32;
    assert_eq!(requests(&world, &memory), (1, 0));
    world.now += 1;
    assert_eq!(requests(&world, &memory), (1, 2));
    world.now = 32 * DAY;
    assert_eq!(requests(&world, &memory), (1, 8));
}
