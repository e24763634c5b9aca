//! `auditlog-verify --pins s3://… --cache s3://…`: what the next run needs is in a bucket of its own, and nothing is written to the one that
//! is verified.

use auditlog_tests::{Answer, Engine, Fault, Proxy, REGION, Run, command};
use aws_sdk_s3::types::{
    BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};

use super::cache::next_second;
use super::s3::{World, faults};
use crate::support::log::{BUCKET, ORIGIN};

const KEPT: &str = "acme-pins";

/// One block, and some more.
const SEGMENTS: usize = 70;

async fn make_bucket(world: &World) {
    let place = CreateBucketConfiguration::builder()
        .location_constraint(REGION.into())
        .build();
    let create = world.s3.create_bucket().bucket(KEPT);
    let create = create.create_bucket_configuration(place);
    create.send().await.expect("a bucket");
    let versions = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let enable = world.s3.put_bucket_versioning().bucket(KEPT);
    let enable = enable.versioning_configuration(versions);
    enable.send().await.expect("a bucket with versions");
}

/// Keys of a bucket, as a plain reader gets them.
async fn keys(world: &World, bucket: &str) -> Vec<String> {
    let listed = world.s3.list_objects_v2().bucket(bucket).send().await;
    let listed = listed.expect("a listing");
    let key = |one: &aws_sdk_s3::types::Object| one.key().expect("a key").to_owned();
    listed.contents().iter().map(key).collect()
}

async fn pins(world: &World) -> String {
    let read = world.s3.get_object().bucket(KEPT).key("pins.json");
    let read = read.send().await.expect("pins");
    let bytes = read.body.collect().await.expect("all of them");
    String::from_utf8(bytes.to_vec()).expect("a text")
}

fn run(world: &World, way: &Proxy, pins: &str) -> Run {
    command("auditlog-verify")
        .envs(world.endpoint.env())
        .env("AWS_ENDPOINT_URL", way.url())
        .arg("--policy")
        .arg(world.folder.path().join("policy.json"))
        .args(["--output", "json", "--path-style", "--pins", pins])
        .args(["--cache", "s3://acme-pins/cache"])
        .run()
}

fn cached(run: &Run) -> u64 {
    let cached = run.json()["run"]["cached_segments"].as_u64();
    cached.unwrap_or_else(|| panic!("{run}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_and_cache_are_kept_in_another_bucket_and_written_on_one_condition() {
    let mut world = World::of(Engine::Ministack.start(), SEGMENTS).await;
    make_bucket(&world).await;
    let way = Proxy::to(world.endpoint.url());
    let place = "s3://acme-pins/pins.json";
    let verified = keys(&world, BUCKET).await;

    // The first run: neither is there. The answer to its write is lost, and the next attempt finds its own pins.
    way.once("PUT", "pins.json", Fault::LoseAnswer);
    let first = run(&world, &way, place);
    assert_eq!((first.status, cached(&first)), (0, 0), "{first}");
    let kept = pins(&world).await;
    assert!(kept.contains(ORIGIN), "{kept}");
    assert_eq!(keys(&world, KEPT).await.len(), 2);
    let second = run(&world, &way, place);
    assert_eq!((second.status, cached(&second)), (0, 64), "{second}");
    assert_eq!(keys(&world, BUCKET).await, verified);
    assert!(!second.stderr.contains("note: "), "{second}");

    // A cache that cannot be read: a note, and everything is read.
    let denied = Answer::refusal("403 Forbidden", "AccessDenied");
    way.once("GET", "/acme-pins/cache/", Fault::Answer(denied));
    let uncached = run(&world, &way, place);
    assert_eq!((uncached.status, cached(&uncached)), (0, 0), "{uncached}");
    let note = "note: cannot use s3://acme-pins/cache/ as a cache: ";
    assert_eq!(uncached.stderr.matches(note).count(), 1, "{uncached}");

    // Somebody else writes the pins between this run's read and its write: it reads them again.
    seal_one(&mut world).await;
    let before = way.requests("PUT", "pins.json");
    let conflict = Answer::refusal("412 Precondition Failed", "PreconditionFailed");
    way.once("PUT", "pins.json", Fault::Answer(conflict));
    let third = run(&world, &way, place);
    assert_eq!(third.status, 0, "{third}");
    assert_eq!(way.requests("PUT", "pins.json"), before + 2);
    let head = format!("\"segment\":{SEGMENTS},");
    assert!(pins(&world).await.replace(' ', "").contains(&head));

    // Without an end: no verdict, and the pins and the cache that they name are what they were.
    let before = keys(&world, KEPT).await;
    next_second();
    seal_one(&mut world).await;
    let conflict = Answer::refusal("412 Precondition Failed", "PreconditionFailed");
    way.from_now_on("PUT", "pins.json", Fault::Answer(conflict));
    let contended = run(&world, &way, place);
    assert_eq!(contended.status, 2, "{contended}");
    assert!(contended.stdout.contains("pins-not-kept"), "{contended}");
    assert_eq!(keys(&world, KEPT).await, before);
    way.heal();

    // The answer to every write is lost, but the pins are written: the cache that they name stays.
    way.from_now_on("PUT", "pins.json", Fault::LoseAnswer);
    let unanswered = run(&world, &way, place);
    assert_eq!(unanswered.status, 2, "{unanswered}");
    assert!(unanswered.stdout.contains("pins-not-kept"), "{unanswered}");
    way.heal();
    let named = run(&world, &way, place);
    assert_eq!((named.status, cached(&named)), (0, 64), "{named}");

    // A pin counts: a log that became shorter is found.
    world.remove(SEGMENTS + 1).await;
    faults(&run(&world, &way, place), &["head-rolled-back"]);

    // Whoever deletes the pins cannot make this a first run.
    let delete = world.s3.delete_object().bucket(KEPT).key("pins.json");
    delete.send().await.expect("a delete marker");
    refused(
        &run(&world, &way, place),
        "was deleted: a delete marker hides it",
    );

    // Nothing is written to the bucket that is verified.
    let inside = format!("s3://{BUCKET}/pins.json");
    refused(
        &run(&world, &way, &inside),
        "--pins names the bucket that is verified",
    );
    refused(
        &run(&world, &way, "s3://acme-pins/"),
        "expected the key of an object",
    );
    refused(
        &run(&world, &way, "s3://acme-other/pins.json"),
        "NoSuchBucket",
    );
    refused(
        &run(&world, &way, "s3://acme-other/pins.json"),
        "hint: check the name of the bucket that --pins or --cache gives",
    );
}

async fn seal_one(world: &mut World) {
    world.log.seal(crate::support::log::now());
    let (key, bytes) = world.log.segments.last().expect("a segment").clone();
    world.put(&key, &bytes, 3).await;
}

#[track_caller]
fn refused(run: &Run, why: &str) {
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
    assert!(run.stderr.contains(why), "{run}");
}

/// A typing error must not become a bucket of nobody.
#[test]
fn the_account_of_the_kept_bucket_has_twelve_digits() {
    for account in ["abc", "11112222333", "1111222233334", "11112222333x"] {
        let run = command("auditlog-verify")
            .args(["--policy", "policy.json", "--pins-account", account])
            .arg("s3://acme-audit")
            .run();
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stderr.contains("expected 12 digits"), "{run}");
    }
}
