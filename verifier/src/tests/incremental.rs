//! The same verification with what an earlier run kept: what is found is the same, byte for byte, whoever wrote to the cache.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;

use super::ranges::assert_same;
use super::world::{Key, Memory, World};
use crate::cache::Cache;
use crate::pins::Pins;
use crate::report::Report;
use crate::request::Request;
use crate::run::Run;
use crate::source::Source;
use crate::verdict::Verdict;
use crate::verify::{UseOf, verify, verify_by};

/// Segments of a block: few, so that the small logs of the tests have some.
const BLOCK: u64 = 2;

thread_local! {
    /// What the runs of a test kept, by digest.
    static KEPT: RefCell<BTreeMap<Hash, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };

    /// Segments that were not read again.
    static CACHED: Cell<u64> = const { Cell::new(0) };
}

/// How many segments were not read again while this ran.
pub(super) fn cached_during(run: impl FnOnce()) -> u64 {
    let before = CACHED.get();
    run();
    CACHED.get() - before
}

fn count(report: &Report) {
    CACHED.set(CACHED.get() + cached(report));
}

struct Kept;

impl Cache for Kept {
    fn load(&self, digest: Hash) -> Option<Vec<u8>> {
        KEPT.with_borrow(|kept| kept.get(&digest).cloned())
    }
}

/// A cache to which somebody wrote.
#[derive(Clone, Copy, Debug)]
enum Tampered {
    /// It claims that there is one entry more.
    MoreEntries,
    /// It is one that an earlier run kept, under the name of the present one.
    Replayed,
    /// A bit of it is another one.
    Flipped,
    /// It ends early.
    Cut,
}

impl Tampered {
    const ALL: [Self; 4] = [Self::MoreEntries, Self::Replayed, Self::Flipped, Self::Cut];
}

impl Cache for Tampered {
    fn load(&self, digest: Hash) -> Option<Vec<u8>> {
        let mut bytes = Kept.load(digest)?;
        match self {
            Self::MoreEntries => {
                let text = String::from_utf8(bytes).unwrap();
                let more = text.replacen("\"entries\":", "\"entries\":1", 1);
                return Some(more.into_bytes());
            }
            Self::Replayed => {
                let other = |kept: &BTreeMap<Hash, Vec<u8>>| {
                    let mut others = kept.iter().filter(|(other, _)| **other != digest);
                    others.next().map(|(_, bytes)| bytes.clone())
                };
                return KEPT.with_borrow(other);
            }
            Self::Flipped => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Self::Cut => bytes.truncate(bytes.len() / 2),
        }
        Some(bytes)
    }
}

fn run(source: &dyn Source, request: &Request<'_>, pins: &Pins, cache: &dyn Cache) -> Report {
    run_in_blocks(source, request, (pins, cache), BLOCK)
}

fn run_in_blocks(
    source: &dyn Source,
    request: &Request<'_>,
    (pins, cache): (&Pins, &dyn Cache),
    size: u64,
) -> Report {
    let used = UseOf {
        cache,
        block_size: &|_| size,
    };
    let report = verify_by(source, request, pins, Some(&used), &mut |_| {}).unwrap();
    for head in report.logs().iter().filter_map(|log| log.verified()) {
        if let Some(file) = head.cache() {
            KEPT.with_borrow_mut(|kept| kept.insert(file.digest(), file.bytes().to_vec()));
        }
    }
    report
}

/// Segments that were not read again.
pub(super) fn cached(report: &Report) -> u64 {
    match report.run {
        Run::Whole { cached_segments } => cached_segments.unwrap_or(0),
        Run::Head { .. } | Run::Merged { .. } => 0,
    }
}

/// Verifies with what earlier runs of this test kept, and again with what this one keeps. The report has what the next run needs.
pub(super) fn assert_same_with_cache(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    whole: &Report,
) -> Report {
    let report = run(source, request, pins, &Kept);
    assert_same(whole, &report, "with a cache");
    count(&report);
    let mut pinned = pins.clone();
    for head in report.logs().iter().filter_map(|log| log.verified()) {
        _ = pinned.take(head, pins);
    }
    if pinned != *pins {
        let whole = verify(source, request, &pinned, &mut |_| {}).unwrap();
        let again = run(source, request, &pinned, &Kept);
        assert_same(&whole, &again, "with the cache of this run");
        count(&again);
        for tampered in Tampered::ALL {
            let report = run(source, request, &pinned, &tampered);
            assert_same(
                &whole,
                &report,
                &format!("with a cache that is {tampered:?}"),
            );
            assert_eq!(cached(&report), 0, "{tampered:?}");
        }
    }
    report
}

/// A run that uses what earlier runs of this test kept.
pub(super) fn run_with_cache(source: &dyn Source, request: &Request<'_>, pins: &Pins) -> Report {
    run(source, request, pins, &Kept)
}

/// Puts a file of somebody else into the cache.
pub(super) fn keep_bytes(bytes: Vec<u8>) -> Hash {
    let digest = Hash::of(&bytes);
    KEPT.with_borrow_mut(|kept| kept.insert(digest, bytes));
    digest
}

/// What a run keeps of a world in a bucket.
pub(super) fn document(world: &World) -> Vec<u8> {
    let (memory, policy) = (world.bucket(), world.policy());
    let report = run(&memory, &world.request(&policy), &world.pins, &Kept);
    let head = report.logs()[0].verified().unwrap();
    head.cache().unwrap().bytes().to_vec()
}

/// A log that grows beyond a border has larger blocks from then on: those that were kept make them up, and nothing is read again. Where it becomes
/// smaller, they stay.
#[test]
fn blocks_of_another_size_are_made_of_those_that_were_kept() {
    let mut world = World::new(Key::ed25519(), 14);
    world.now = 900;
    let (mut memory, policy) = (world.bucket(), world.policy());
    let request = world.request(&policy);
    let mut pins = Pins::default();
    let mut verified = |memory: &Memory, size: u64| {
        let report = run_in_blocks(memory, &request, (&pins, &Kept), size);
        let whole = verify(memory, &request, &pins, &mut |_| {}).unwrap();
        assert_same(&whole, &report, "in other blocks");
        let seen = pins.clone();
        _ = pins.take(report.logs()[0].verified().unwrap(), &seen);
        cached(&report)
    };
    assert_eq!(verified(&memory, 2), 0);
    assert_eq!(verified(&memory, 2), 12);
    assert_eq!(verified(&memory, 4), 12);
    assert_eq!(verified(&memory, 4), 12);
    // Not a multiple: nothing fits.
    assert_eq!(verified(&memory, 6), 0);
    assert_eq!(verified(&memory, 6), 12);
    assert_eq!(verified(&memory, 2), 12);
    // One that changed is read again, with its large block.
    memory.version(1).id = Some("other".to_owned());
    let object = memory.objects.values().nth(1).cloned().unwrap();
    let key = memory.objects.keys().nth(1).unwrap().0.clone();
    memory
        .objects
        .insert((key, Some("other".to_owned())), object);
    assert_eq!(verified(&memory, 2), 6);
}

/// A log is declared ended once its segments may be in an archive, where nobody can read them again.
#[test]
fn what_was_kept_below_a_declared_end_stays_when_it_is_declared() {
    let mut world = World::new(Key::ed25519(), 9);
    world.now = 900;
    let first = run_with_cache(
        &world.bucket(),
        &world.request(&world.policy()),
        &world.pins,
    );
    _ = world
        .pins
        .take(first.logs()[0].verified().unwrap(), &Pins::default());
    let mut verified = |change: &dyn Fn(&mut World)| {
        change(&mut world);
        let (memory, policy) = (world.bucket(), world.policy());
        let request = world.request(&policy);
        let whole = verify(&memory, &request, &world.pins, &mut |_| {}).unwrap();
        let report = run_with_cache(&memory, &request, &world.pins);
        assert_same(&whole, &report, "with a declared end");
        (cached(&report), report.verdict())
    };
    assert_eq!(verified(&|_| {}), (8, Verdict::Verified));
    assert_eq!(verified(&|world| world.end_at(8)), (8, Verdict::Verified));
    // What is at the end is read, so that another end is found.
    let other = |world: &mut World| {
        let root = world.position(7).root;
        world.policy.logs[0].ended.as_mut().unwrap().root = root;
    };
    assert_eq!(verified(&other), (8, Verdict::Fault));
    // Anything else that is declared of the log counts.
    let longer = |world: &mut World| world.policy.logs[0].max_silence[0].seconds += 1;
    assert_eq!(verified(&longer), (0, Verdict::Fault));
}
