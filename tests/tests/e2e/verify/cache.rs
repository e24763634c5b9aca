//! `auditlog-verify --cache` on a bucket of a real endpoint: only what is new is read, and nobody who writes to the cache changes
//! what is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use auditlog_tests::{Command, Engine, Fault, Proxy, Run, after_mounting};
use aws_sdk_s3::types::{ObjectLockRetention, ObjectLockRetentionMode};
use serde_json::Value;

use super::folder::Folder;
use super::s3::{World, faults};
use crate::support::log::{BUCKET, now};

/// Two blocks, and some more.
const SEGMENTS: usize = 140;

/// Segments of two blocks.
const TWO_BLOCKS: u64 = 128;

fn run(world: &World, more: &[&str]) -> Run {
    let command = with_cache(world, &world.folder.path().join("pins.json"));
    command.args(more).run()
}

fn with_cache(world: &World, pins: &Path) -> Command {
    let command = world.command().args(["--output", "json", "--pins"]);
    let command = command.arg(pins).arg("--cache");
    command.arg(world.folder.path().join("cache"))
}

fn cached(run: &Run) -> u64 {
    let cached = run.json()["run"]["cached_segments"].as_u64();
    cached.unwrap_or_else(|| panic!("{}{}", run.stdout, run.stderr))
}

/// What is found, whatever was read.
fn found(run: &Run) -> Value {
    let mut report = run.json();
    for of_the_run in ["run", "at"] {
        report
            .as_object_mut()
            .expect("an object")
            .remove(of_the_run);
    }
    // The entry to paste has that time as its date.
    for fault in report["faults"].as_array_mut().expect("an array") {
        fault["acknowledge"]["date"] = Value::Null;
    }
    report
}

fn file(world: &World) -> PathBuf {
    let all = fs::read_dir(world.folder.path().join("cache")).expect("a cache");
    let mut all: Vec<_> = all.map(|one| one.expect("a file").path()).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_cache_reads_what_is_new_and_finds_what_a_full_one_does() {
    let world = World::of(Engine::Ministack.start(), SEGMENTS).await;
    let first = run(&world, &[]);
    assert_eq!(first.status, 0, "{}", first.stderr);
    assert_eq!(cached(&first), 0);
    let second = run(&world, &[]);
    assert_eq!((second.status, cached(&second)), (0, TWO_BLOCKS));
    let full = run(&world, &["--full"]);
    assert_eq!(cached(&full), 0);
    assert_eq!(found(&second), found(&full));

    // A store that says nothing more about locks is asked about a few; what was kept is read again.
    let way = Proxy::to(world.endpoint.url());
    way.from_now_on("GET", "?retention", Fault::HangUp);
    let without_locks = tokio::task::block_in_place(|| run(&world, &["--endpoint-url", way.url()]));
    assert_eq!((without_locks.status, cached(&without_locks)), (0, 0));
    assert_eq!(found(&without_locks), found(&full));
    let requests = way.faults();
    assert!((8..48).contains(&requests), "{requests}");
    assert_eq!(cached(&run(&world, &[])), TWO_BLOCKS);

    // Somebody writes to the cache: it is not the one that the pins name.
    let path = file(&world);
    let text = fs::read_to_string(&path).expect("a cache");
    fs::write(&path, text.replacen("\"entries\":", "\"entries\":1", 1)).expect("a written cache");
    let tampered = run(&world, &[]);
    assert_eq!((tampered.status, cached(&tampered)), (0, 0));
    assert_eq!(found(&tampered), found(&full));
    assert_eq!(cached(&run(&world, &[])), TWO_BLOCKS);

    // An administrator shortens a lock in a block that was kept.
    let (key, bytes) = &world.log.segments[3];
    let soon = now().saturating_add_seconds(3600).as_seconds();
    let soon = aws_sdk_s3::primitives::DateTime::from_secs(i64::try_from(soon).expect("seconds"));
    let retention = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .retain_until_date(soon)
        .build();
    let shorten = world.s3.put_object_retention().bucket(BUCKET).key(key);
    let shorten = shorten
        .retention(retention)
        .bypass_governance_retention(true);
    shorten.send().await.expect("a shorter lock");
    let shortened = run(&world, &[]);
    faults(&shortened, &["lock-too-short"]);
    assert_eq!(cached(&shortened), TWO_BLOCKS - 64);
    assert_eq!(found(&shortened), found(&run(&world, &["--full"])));

    // A second version in the other block.
    let (key, _) = &world.log.segments[70];
    world.put(key, bytes, 3).await;
    let replaced = run(&world, &[]);
    faults(&replaced, &["lock-too-short", "second-version"]);
    assert_eq!(cached(&replaced), 0);
}

/// Verifies where the folder of the pins can be read only.
fn run_without_keeping_pins(world: &World, pins: &Path) -> Run {
    let folder = pins.parent().expect("a folder").display().to_string();
    let lines = format!(
        "mount --bind '{folder}' '{folder}'\nmount -o remount,bind,ro '{folder}'\nexec \"$@\""
    );
    let command = after_mounting(&lines, with_cache(world, pins));
    command.envs(world.endpoint.env()).run()
}

/// Waits until a cache is another one: it has the time of the listing in it, in seconds.
pub(super) fn next_second() {
    let second = now().as_seconds();
    while now().as_seconds() == second {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Each run keeps a cache of its own: what no pins name would stay for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_whose_pins_cannot_be_written_is_removed_and_the_one_before_stays() {
    let world = World::of(Engine::Ministack.start(), SEGMENTS).await;
    let pins = world.folder.path().join("pins/pins.json");
    fs::create_dir(pins.parent().expect("a folder")).expect("a folder");
    let caches = || {
        let all = fs::read_dir(world.folder.path().join("cache")).expect("a cache");
        all.map(|one| one.expect("a file").path())
            .collect::<Vec<_>>()
    };
    let first = run_without_keeping_pins(&world, &pins);
    assert_eq!(first.status, 2, "{first}");
    let why = &first.json()["undecided"][0]["code"];
    assert_eq!(why, "pins-not-kept", "{first}");
    assert_eq!(caches(), Vec::<PathBuf>::new());

    assert_eq!(with_cache(&world, &pins).run().status, 0);
    let kept = file(&world);
    next_second();
    let second = run_without_keeping_pins(&world, &pins);
    assert_eq!((second.status, cached(&second)), (2, TWO_BLOCKS));
    assert_eq!(file(&world), kept);
    let third = with_cache(&world, &pins).run();
    assert_eq!((third.status, cached(&third)), (0, TWO_BLOCKS));
}

#[test]
fn a_folder_has_no_cache_and_a_cache_needs_pins() {
    let folder = Folder::new();
    let cache = folder.path("cache");
    let command = || folder.command().arg("--cache").arg(&cache);
    let run = command()
        .arg("--pins")
        .arg(folder.path("pins.json"))
        .arg(folder.bucket())
        .run();
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("--cache needs a bucket"),
        "{}",
        run.stderr
    );
    let run = command().arg(folder.bucket()).run();
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("--pins"), "{}", run.stderr);
}
