//! `auditlog-verify` on a bucket of a real endpoint: its versions, locks and settings.

use auditlog_chain::policy::Store;
use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::{Command, Endpoint, Engine, REGION, Run, command};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration,
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode,
    ObjectLockRetentionMode, ObjectLockRule, VersioningConfiguration,
};

use crate::support::log::{BUCKET, Log, ORIGIN, RETENTION_DAYS, now};

const DAY: i64 = 86_400;

/// A bucket with a log of four segments, as a sealer leaves it.
pub(crate) struct World {
    pub(crate) endpoint: Endpoint,
    pub(crate) s3: Client,
    pub(crate) log: Log,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::of(Engine::Ministack.start(), 4).await
    }

    pub(crate) async fn of(endpoint: Endpoint, segments: usize) -> Self {
        Self::holding(endpoint, Log::new(segments), RETENTION_DAYS).await
    }

    /// A bucket with this log, that locks by itself for so many days, and each segment for one more.
    pub(crate) async fn holding(endpoint: Endpoint, log: Log, days: u32) -> Self {
        let s3 = endpoint.s3();
        let place = CreateBucketConfiguration::builder()
            .location_constraint(REGION.into())
            .build();
        let create = s3
            .create_bucket()
            .bucket(BUCKET)
            .create_bucket_configuration(place);
        create
            .object_lock_enabled_for_bucket(true)
            .send()
            .await
            .expect("a bucket");
        let world = Self {
            s3,
            endpoint,
            log,
            folder: tempfile::tempdir().expect("a folder"),
        };
        world
            .set_retention(Some(i32::try_from(days).expect("days")))
            .await;
        for (key, bytes) in &world.log.segments {
            world.put(key, bytes, i64::from(days) + 1).await;
        }
        world
            .log
            .write_policy(&world.folder.path().join("policy.json"));
        world
    }

    async fn set_retention(&self, days: Option<i32>) {
        let retention = |days| {
            DefaultRetention::builder()
                .mode(ObjectLockRetentionMode::Governance)
                .days(days)
                .build()
        };
        let rule = days.map(|days| {
            ObjectLockRule::builder()
                .default_retention(retention(days))
                .build()
        });
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .set_rule(rule)
            .build();
        let put = self
            .s3
            .put_object_lock_configuration()
            .bucket(BUCKET)
            .object_lock_configuration(lock);
        put.send().await.expect("a changed configuration");
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8], days: i64) {
        let until =
            DateTime::from_secs(i64::try_from(now().as_seconds()).expect("seconds") + days * DAY);
        self.s3
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from(bytes.to_vec()))
            .object_lock_mode(ObjectLockMode::Governance)
            .object_lock_retain_until_date(until)
            .send()
            .await
            .expect("a stored object");
    }

    /// Takes a segment away with all rights that there are, as if it had never been.
    pub(crate) async fn remove(&self, segment: usize) {
        let key = &self.log.segments[segment].0;
        let versions = self
            .s3
            .list_object_versions()
            .bucket(BUCKET)
            .prefix(key)
            .send()
            .await
            .expect("a listing");
        for version in versions.versions() {
            self.s3
                .delete_object()
                .bucket(BUCKET)
                .key(key)
                .set_version_id(version.version_id().map(str::to_owned))
                .bypass_governance_retention(true)
                .send()
                .await
                .expect("a deleted version");
        }
    }

    pub(crate) fn command(&self) -> Command {
        command("auditlog-verify")
            .envs(self.endpoint.env())
            .arg("--policy")
            .arg(self.folder.path().join("policy.json"))
    }

    fn verify(&self) -> Run {
        self.command().args(["--output", "json"]).run()
    }
}

#[track_caller]
pub(crate) fn faults(run: &Run, expected: &[&str]) {
    let json = run.json();
    let faults = json["faults"].as_array().expect("faults");
    let codes: Vec<_> = faults
        .iter()
        .filter_map(|fault| fault["code"].as_str())
        .collect();
    assert_eq!(codes, expected, "{run}");
    assert_eq!(run.status, i32::from(!expected.is_empty()), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bucket_verifies_and_nothing_is_left_unchecked() {
    let world = World::new().await;
    let pins = world.folder.path().join("pins.json");
    for _ in 0..2 {
        let run = world
            .command()
            .arg("--pins")
            .arg(&pins)
            .arg(format!("s3://{BUCKET}"))
            .run()
            .ok();
        assert_eq!(run.stderr, "", "{run}");
        let last = run.stdout.lines().last().expect("a last line");
        assert!(
            last.starts_with(&format!(
                "verified: {ORIGIN}: 6 entries in segments 0 to 3, "
            )),
            "{last}"
        );
        assert!(!last.contains("not checked"), "{last}");
    }
    // The target is the policy's own bucket by default. A prefix leaves out what is beside it, and the report says so.
    let run = world.command().run().ok();
    assert!(run.stdout.contains(&format!("s3://{BUCKET}/")), "{run}");
    world.put("stranger", b"", 9).await;
    faults(&world.verify(), &["object-unaccounted"]);
    let run = world
        .command()
        .arg(format!("s3://{BUCKET}/logs"))
        .run()
        .ok();
    assert!(
        run.stdout
            .ends_with("; objects outside logs/ not checked\n"),
        "{run}"
    );
    let run = world.command().arg(format!("s3://{BUCKET}/other")).run();
    assert_eq!(run.status, 2, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_alone_can_show_is_found() {
    let world = World::new().await;
    // Under a declared prefix, anything may be stored.
    world.put("archive/policy key+1%.json", b"{}", 1).await;
    faults(&world.verify(), &[]);

    let hidden = &world.log.segments[3].0;
    let marker = world
        .s3
        .delete_object()
        .bucket(BUCKET)
        .key(hidden)
        .send()
        .await
        .expect("a marker");
    faults(&world.verify(), &["hidden-by-delete-marker"]);
    let marker = marker.version_id().expect("a version");
    world
        .s3
        .delete_object()
        .bucket(BUCKET)
        .key(hidden)
        .version_id(marker)
        .send()
        .await
        .expect("a removed marker");
    faults(&world.verify(), &[]);

    let (first, bytes) = &world.log.segments[1];
    world.put(first, bytes, 9).await;
    faults(&world.verify(), &["second-version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_that_are_not_as_declared_are_found() {
    let world = World::new().await;
    let (last, bytes) = world.log.segments[3].clone();
    world.remove(3).await;
    world
        .put(&last, &bytes, i64::from(RETENTION_DAYS) - 1)
        .await;
    faults(&world.verify(), &["lock-too-short"]);
    world.remove(3).await;
    world.set_retention(None).await;
    let put = world.s3.put_object().bucket(BUCKET).key(&last);
    put.body(ByteStream::from(bytes))
        .send()
        .await
        .expect("an object without a lock");
    faults(&world.verify(), &["bucket-lock", "lock-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_and_suspended_versioning_are_found() {
    let world = World::new().await;
    let (key, bytes) = world.log.segments[3].clone();
    world.remove(3).await;
    let until = DateTime::from_secs(i64::try_from(now().as_seconds()).expect("seconds") + 9 * DAY);
    let create = world.s3.create_multipart_upload().bucket(BUCKET).key(&key);
    let create = create
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(until);
    let upload = create
        .send()
        .await
        .expect("an upload")
        .upload_id
        .expect("its id");
    let part = world
        .s3
        .upload_part()
        .bucket(BUCKET)
        .key(&key)
        .upload_id(&upload)
        .part_number(1);
    let part = part
        .body(ByteStream::from(bytes))
        .send()
        .await
        .expect("a part");
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = world
        .s3
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(&key)
        .upload_id(&upload);
    complete
        .multipart_upload(parts)
        .send()
        .await
        .expect("an object");
    let run = world.verify();
    assert!(
        run.json()["faults"]
            .to_string()
            .contains("object-multipart"),
        "{run}"
    );

    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    let put = world
        .s3
        .put_bucket_versioning()
        .bucket(BUCKET)
        .versioning_configuration(suspended);
    // This endpoint accepts what S3 refuses for a bucket with Object Lock.
    put.send().await.expect("a changed configuration");
    let run = world.verify();
    assert!(
        run.json()["faults"]
            .to_string()
            .contains("bucket-versioning"),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_segment_and_an_empty_bucket_are_found() {
    let world = World::new().await;
    // Below a pin, nothing counts as stored while the listing ran.
    let pins = world.folder.path().join("pins.json");
    let pinned = || {
        world
            .command()
            .arg("--pins")
            .arg(&pins)
            .args(["--output", "json"])
    };
    pinned().run().ok();
    world.remove(1).await;
    faults(&pinned().run(), &["segment-missing"]);
    for segment in 0..4 {
        world.remove(segment).await;
    }
    faults(&pinned().run(), &["log-empty"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_stored_long_after_it_could_have_been_is_silence() {
    let mut world = World::new().await;
    world.log.policy.logs[0].max_silence[0].seconds = 10;
    world.log.policy.logs[0].began =
        Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
    world
        .log
        .write_policy(&world.folder.path().join("policy.json"));
    faults(&world.verify(), &["silence-exceeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_cannot_look_there_is_no_verdict() {
    let mut world = World::new().await;
    let no_verdict = |run: Run, reason: &str, hint: &str| {
        assert_eq!(run.status, 2, "{run}");
        assert!(
            run.stdout.contains(reason) || run.stderr.contains(reason),
            "{reason}: {run}"
        );
        assert!(
            run.stdout.contains(hint) || run.stderr.contains(hint),
            "{hint}: {run}"
        );
    };
    no_verdict(
        world.command().arg("s3://another").run(),
        "names bucket acme-audit, not another",
        "give the policy",
    );
    no_verdict(
        world.command().args(["--region", "us-east-1"]).run(),
        "names region eu-central-1",
        "give the policy",
    );
    let closed = world
        .command()
        .args(["--endpoint-url", "http://127.0.0.1:9"]);
    no_verdict(
        closed.run(),
        "cannot list the versions of bucket acme-audit: the endpoint was not reached: ",
        "--endpoint-url",
    );
    let nameless = command("auditlog-verify")
        .env("AWS_ENDPOINT_URL", world.endpoint.url())
        .arg("--policy")
        .arg(world.folder.path().join("policy.json"));
    no_verdict(
        nameless.run(),
        "cannot list the versions of bucket acme-audit: credentials are missing: neither --profile, the environment, ",
        "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID",
    );
    let Some(Store::S3(store)) = &mut world.log.policy.store else {
        unreachable!("the log is in a bucket");
    };
    store.bucket = "gone".to_owned();
    world
        .log
        .write_policy(&world.folder.path().join("policy.json"));
    no_verdict(
        world.command().run(),
        "NoSuchBucket",
        "the bucket was deleted",
    );
}
