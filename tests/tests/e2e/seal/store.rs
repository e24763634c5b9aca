//! One conformance suite for every store of the sealer: a folder, and a bucket.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::SystemTime;

use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::aws::Aws;
use auditlog_sealer::error::Error;
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::store::{
    Bucket, BucketSettings, Created, Folder, LockSource, Store, list_log,
};
use auditlog_sealer::target::log_without_policy;
use auditlog_tests::{Endpoint, Engine, REGION};
use auditlog_verifier::source::{Listed, Source as _};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CreateBucketConfiguration, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockMode, ObjectLockRetentionMode, VersioningConfiguration,
};

use crate::seal::bench::{locked_bucket, wait};

/// Opens the store once more, as the writer of this name.
type Open<'a> = &'a (dyn Fn(&str) -> Box<dyn Store + Send> + Sync);

fn log(name: &str) -> LogPolicy {
    log_without_policy(&format!("acme.example/{name}"), None).unwrap()
}

/// The number of the newest segment.
fn newest_segment(store: &dyn Store, log: &LogPolicy) -> Result<Option<u64>, Error> {
    Ok(list_log(store, log)?.map(|listing| listing.newest.number))
}

fn conforms(open: Open<'_>) {
    let store = open("one");
    store.check().unwrap();
    what_is_not_there_is_absent(store.as_ref());
    what_was_created_is_found_and_stays(store.as_ref(), open("two").as_ref());
    of_many_racing_writers_one_wins(open);
    the_newest_is_found_behind_many(store.as_ref());
    a_gap_is_listed_and_a_foreign_object_is_an_error(store.as_ref());
    the_log_of_a_longer_name_is_another(store.as_ref());
}

fn what_is_not_there_is_absent(store: &dyn Store) {
    let log = log("absent");
    assert_eq!(newest_segment(store, &log).unwrap(), None);
    assert_eq!(store.read(&log.segment_key(0)).unwrap(), None);
    assert_eq!(store.versions(&log.segment_key(0)).unwrap(), 0);
}

fn what_was_created_is_found_and_stays(store: &dyn Store, other: &dyn Store) {
    let log = log("created");
    let key = log.segment_key(0);
    let bytes: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(store.create(&key, &bytes).unwrap(), Created::New);
    assert_eq!(store.create(&key, &bytes).unwrap(), Created::Exists);
    assert_eq!(other.create(&key, b"another").unwrap(), Created::Exists);
    assert_eq!(other.read(&key).unwrap(), Some(bytes));
    assert_eq!(other.versions(&key).unwrap(), 1);
    assert_eq!(newest_segment(other, &log).unwrap(), Some(0));
}

fn of_many_racing_writers_one_wins(open: Open<'_>) {
    let key = log("raced").segment_key(0);
    let created: Vec<(String, Created)> = thread::scope(|scope| {
        let race = |name: String| {
            let key = &key;
            scope.spawn(move || {
                let created = open(&name).create(key, name.as_bytes()).unwrap();
                (name, created)
            })
        };
        let racers: Vec<_> = (0..8).map(|n| race(format!("racer-{n}"))).collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    });
    let mut winners = created
        .iter()
        .filter(|(_, created)| *created == Created::New);
    let winner = winners.next().expect("one has won").0.as_bytes();
    assert!(winners.next().is_none(), "{created:?}");
    assert_eq!(open("one").read(&key).unwrap().as_deref(), Some(winner));
    assert_eq!(open("one").versions(&key).unwrap(), 1);
}

fn the_newest_is_found_behind_many(store: &dyn Store) {
    let log = log("many");
    for number in 0..12 {
        store.create(&log.segment_key(number), b"segment").unwrap();
        assert_eq!(newest_segment(store, &log).unwrap(), Some(number));
    }
}

fn a_gap_is_listed_and_a_foreign_object_is_an_error(store: &dyn Store) {
    let gap = log("gap");
    for number in [0, 2] {
        store.create(&gap.segment_key(number), b"segment").unwrap();
    }
    let listing = list_log(store, &gap).unwrap().unwrap();
    let absent: Vec<_> = listing
        .gaps
        .iter()
        .map(|gap| (gap.first, gap.last))
        .collect();
    assert_eq!((listing.newest.number, absent), (2, vec![(1, 1)]));
    let log = log("visited");
    store.create(&log.segment_key(0), b"segment").unwrap();
    store.create("visited/notes.txt", b"hello").unwrap();
    let error = newest_segment(store, &log).unwrap_err();
    assert_eq!(
        error.to_string(),
        "visited/notes.txt is under the log's prefix, but is not a segment"
    );
}

fn the_log_of_a_longer_name_is_another(store: &dyn Store) {
    let (short, long) = (log("pay"), log("payments"));
    store.create(&long.segment_key(0), b"segment").unwrap();
    assert_eq!(newest_segment(store, &short).unwrap(), None);
    assert_eq!(newest_segment(store, &long).unwrap(), Some(0));
}

#[test]
fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&|writer| Box::new(Folder::new(folder.path(), writer)));
}

/// A folder is listed in any order, and not as a snapshot: what is added meanwhile may show before its predecessor does.
#[test]
fn a_folder_to_which_segments_are_added_has_no_gap_at_any_moment() {
    const SEGMENTS: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let log = log("busy");
    fs::create_dir(folder.path().join("busy")).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..SEGMENTS {
                fs::write(folder.path().join(log.segment_key(number)), "segment").unwrap();
            }
        });
        let sealer = Folder::new(folder.path(), "another");
        let verifier = auditlog_verifier::source::Folder::open(folder.path()).unwrap();
        let (mut newest, mut listed) = (None, 0);
        while !writer.is_finished() {
            let found = newest_segment(&sealer, &log).unwrap();
            assert!(found >= newest, "{found:?} after {newest:?}");
            newest = found;
            let (mut numbers, mut later) = (BTreeSet::new(), BTreeSet::new());
            let mut each = |seen| match seen {
                Listed::Version { key, .. } => {
                    assert!(numbers.insert(log.segment_of_key(&key).unwrap()));
                }
                Listed::PassedOver { key } => {
                    assert!(later.insert(log.segment_of_key(&key).unwrap()));
                }
                other => panic!("{other:?}"),
            };
            verifier.list(&["busy"], &mut each).unwrap();
            let expected = numbers.last().map_or(0, |last| last + 1);
            assert_eq!(numbers.len(), usize::try_from(expected).unwrap());
            assert!(later.iter().all(|number| *number >= expected));
            assert!(expected >= listed, "{expected} after {listed}");
            listed = expected;
        }
    });
}

const BUCKET: &str = "audit";

fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now()).unwrap()
}

fn aws(endpoint: &Endpoint) -> Aws {
    let credentials = Credentials::new("test", "test", None, None, "the tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Aws::with_config(config, true).unwrap()
}

fn bucket_at(aws: &Aws, clock: fn() -> Timestamp) -> Result<Bucket, Error> {
    let settings = BucketSettings {
        bucket: BUCKET,
        account: "000000000000",
        lock: LockSource::Default,
        fencing: Fencing::Condition,
    };
    Bucket::open(aws, settings, Arc::new(clock))
}

#[test]
fn a_bucket_conforms() {
    let endpoint = Engine::Ministack.start();
    locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
    let aws = aws(&endpoint);
    conforms(&|_| Box::new(bucket_at(&aws, now).unwrap()));
}

#[test]
fn each_object_is_locked_for_the_retention_and_a_day() {
    let endpoint = Engine::Ministack.start();
    locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Compliance, 30);
    let store = bucket_at(&aws(&endpoint), now).unwrap();
    let before = now();
    store
        .create("log/000000000000.jsonl.zst", b"segment")
        .unwrap();
    let object = wait(
        endpoint
            .s3()
            .head_object()
            .bucket(BUCKET)
            .key("log/000000000000.jsonl.zst")
            .send(),
    )
    .unwrap();
    assert_eq!(object.object_lock_mode(), Some(&ObjectLockMode::Compliance));
    let until = object.object_lock_retain_until_date().unwrap();
    assert_eq!(until.subsec_nanos(), 0);
    let days_31 = 31 * 86_400;
    let earliest = i64::try_from(before.as_seconds()).unwrap() + days_31;
    assert!(
        (earliest..earliest + 60).contains(&until.secs()),
        "{until:?}"
    );
}

#[test]
fn a_marker_and_a_second_version_of_the_newest_segment_are_errors() {
    let endpoint = Engine::Ministack.start();
    locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
    let store = bucket_at(&aws(&endpoint), now).unwrap();
    let s3 = endpoint.s3();

    let hidden = log("hidden");
    for number in 0..3 {
        store
            .create(&hidden.segment_key(number), b"segment")
            .unwrap();
    }
    wait(
        s3.delete_object()
            .bucket(BUCKET)
            .key(hidden.segment_key(2))
            .send(),
    )
    .unwrap();
    let error = newest_segment(&store, &hidden).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hidden/000000000002.jsonl.zst is hidden by a delete marker"
    );

    let twice = log("twice");
    let key = twice.segment_key(0);
    store.create(&key, b"segment").unwrap();
    let body = ByteStream::from_static(b"another");
    wait(s3.put_object().bucket(BUCKET).key(&key).body(body).send()).unwrap();
    let error = newest_segment(&store, &twice).unwrap_err();
    assert_eq!(
        error.to_string(),
        "twice/000000000000.jsonl.zst has 2 versions or more"
    );
    assert_eq!(store.versions(&key).unwrap(), 2);
}

#[test]
fn a_clock_that_differs_by_more_than_five_minutes_is_found_before_anything_is_written() {
    fn ahead() -> Timestamp {
        now().saturating_add_seconds(6 * 60)
    }
    fn behind() -> Timestamp {
        now().saturating_add_seconds(-6 * 60)
    }
    fn nearly() -> Timestamp {
        now().saturating_add_seconds(4 * 60)
    }
    let endpoint = Engine::Ministack.start();
    locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
    let aws = aws(&endpoint);
    bucket_at(&aws, nearly).unwrap().check().unwrap();
    for clock in [ahead, behind] {
        let store = bucket_at(&aws, clock).unwrap();
        for error in [
            store.check().unwrap_err(),
            store
                .create("log/000000000000.jsonl.zst", b"segment")
                .unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.starts_with("the clock of s3://audit is at "), "{text}");
            assert!(
                text.ends_with("; they may differ by at most 300 seconds"),
                "{text}"
            );
        }
        assert_eq!(store.versions("log/000000000000.jsonl.zst").unwrap(), 0);
    }
}

#[test]
fn a_clock_that_is_set_while_the_store_is_open_is_found_before_the_next_segment() {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    fn set() -> Timestamp {
        now().saturating_add_seconds(AHEAD.load(Ordering::Relaxed))
    }
    let endpoint = Engine::Ministack.start();
    locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
    let store = bucket_at(&aws(&endpoint), set).unwrap();
    let log = log("set");
    store.create(&log.segment_key(0), b"segment").unwrap();
    for seconds in [3600, -3600] {
        AHEAD.store(seconds, Ordering::Relaxed);
        let error = store.check().unwrap_err().to_string();
        assert!(
            error.starts_with("the clock of s3://audit is at "),
            "{error}"
        );
        let error = store.create(&log.segment_key(1), b"segment");
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("the clock of s3://audit is at "),
            "{error}"
        );
        assert_eq!(store.versions(&log.segment_key(1)).unwrap(), 0);
    }
    AHEAD.store(0, Ordering::Relaxed);
    store.create(&log.segment_key(1), b"segment").unwrap();
}

#[test]
fn a_bucket_without_versions_lock_or_retention_is_refused() {
    let endpoint = Engine::Ministack.start();
    let aws = aws(&endpoint);
    let s3 = endpoint.s3();
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let create = s3.create_bucket().bucket(BUCKET);
    wait(create.create_bucket_configuration(place.build()).send()).unwrap();
    let refused = || bucket_at(&aws, now).err().unwrap().to_string();
    assert_eq!(refused(), "versioning of the bucket audit is not enabled");

    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let versioning = s3.put_bucket_versioning().bucket(BUCKET);
    wait(versioning.versioning_configuration(enabled.build()).send()).unwrap();
    assert_eq!(refused(), "Object Lock of the bucket audit is not enabled");

    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let put = s3.put_object_lock_configuration().bucket(BUCKET);
    wait(put.object_lock_configuration(lock.build()).send()).unwrap();
    assert_eq!(
        refused(),
        "no retention is declared for the bucket audit: neither by options nor by the bucket's default"
    );
}
