//! Listings of more than one page, and keys that XML and URLs have to take care of.

use std::sync::Arc;
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::aws::Aws;
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::store::{Bucket, BucketSettings, LockSource, Store as _, list_log};
use auditlog_sealer::target::log_without_policy;
use auditlog_tests::REGION;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectLockRetentionMode::Governance;

use super::{World, node};

/// One more than two pages.
const OBJECTS: u64 = 2001;

/// Puts a few bytes under each of the keys, sixteen at a time.
async fn put_all(world: &World, keys: Vec<String>) {
    let (s3, bucket) = (&world.s3, &world.bucket);
    let mut running = tokio::task::JoinSet::new();
    for key in keys {
        if running.len() == 16 {
            running.join_next().await.unwrap().unwrap();
        }
        let put = s3.put_object().bucket(bucket).key(key);
        let put = put.body(ByteStream::from_static(b"x"));
        running.spawn(async { put.send().await.map(drop).unwrap() });
    }
    running.join_all().await;
}

fn store(bucket: &str) -> Bucket {
    let credentials = Credentials::new("owner-access", "owner-secret", None, None, "the tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(node().endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let aws = Aws::with_config(config, true).unwrap();
    let now = || Timestamp::from_system_time(SystemTime::now()).unwrap();
    let settings = BucketSettings {
        bucket,
        account: "000000000000",
        lock: LockSource::Default,
        fencing: Fencing::ListVersions,
    };
    Bucket::open(&aws, settings, Arc::new(now)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn later_pages_of_a_listing_are_read_by_sealer_and_verifier() {
    let world = World::sealed("pages", Governance).await;
    let log = log_without_policy("acme.example/many", None).unwrap();
    let keys: Vec<_> = (0..OBJECTS).map(|number| log.segment_key(number)).collect();
    let (first, last) = (keys[0].clone(), keys[keys.len() - 1].clone());
    put_all(&world, keys).await;

    let (of_sealer, first_again, last_again) = (log.clone(), first.clone(), last.clone());
    std::thread::spawn(move || {
        let store = store("pages");
        assert_eq!(
            list_log(&store, &of_sealer).unwrap().unwrap().newest.number,
            OBJECTS - 1
        );
        assert_eq!(store.versions(&first_again).unwrap(), 1);
        assert_eq!(store.versions(&last_again).unwrap(), 1);
    })
    .join()
    .unwrap();

    // All of them are strangers in this bucket, and none is behind a page's end where nobody looks.
    let run = world.verify().args(["--output", "json"]).run();
    let strangers = run.json()["fault_count"].as_u64();
    assert_eq!(strangers, Some(OBJECTS), "{}", run.stderr);
    let mut policy = world.policy();
    policy["declared_prefixes"] = ["many/"].into();
    world.write_policy(&policy);
    world.found(&[]);

    // Versions and markers of one key go over pages too.
    put_all(&world, vec![last.clone(); 3]).await;
    let hide = world.s3.delete_object().bucket(&world.bucket).key(&first);
    hide.send().await.unwrap();
    world.found(&[]);
    std::thread::spawn(move || {
        let store = store("pages");
        assert_eq!(store.versions(&last).unwrap(), 4);
        assert!(store.versions(&first).is_err());
        let error = list_log(&store, &log).unwrap_err();
        assert_eq!(error.to_string(), format!("{last} has 4 versions or more"));
    })
    .join()
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_as_they_were_written() {
    let world = World::sealed("keys", Governance).await;
    let mut keys = [
        "a b",
        "a+b",
        "a%2Bb",
        "a=b&c",
        "<a>",
        "ä\u{1F511}",
        "line\nbreak",
    ]
    .map(|name| format!("strange/{name}"));
    put_all(&world, keys.to_vec()).await;
    let run = world.verify().args(["--output", "json"]).run();
    let report = run.json();
    let faults = report["faults"].as_array().unwrap().iter();
    let mut found: Vec<_> = faults
        .map(|fault| {
            assert_eq!(fault["code"], "object-unaccounted", "{run}");
            fault["object"].as_str().unwrap()
        })
        .collect();
    found.sort_unstable();
    keys.sort_unstable();
    assert_eq!(found, keys);
}
