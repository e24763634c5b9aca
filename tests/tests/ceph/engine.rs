//! In what this engine differs from S3, and that neither sealer nor verifier is misled by it.

use auditlog_tests::REGION;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectLockRetentionMode::{Compliance, Governance};
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration,
    ObjectLockMode, VersioningConfiguration,
};

use super::{World, answered, in_days, key, node};

fn refused<T>(status: u16, code: &str) -> Result<T, (u16, String)> {
    Err((status, code.to_owned()))
}

fn versioning(status: BucketVersioningStatus) -> VersioningConfiguration {
    VersioningConfiguration::builder().status(status).build()
}

/// S3 answers the second of two conditional creates with 412.
#[tokio::test(flavor = "multi_thread")]
async fn the_condition_of_a_create_is_ignored() {
    let world = World::new("condition", Governance).await;
    for _ in 0..2 {
        let put = world.s3.put_object().bucket(&world.bucket).key("stranger");
        let put = put.if_none_match("*").body(ByteStream::from_static(b"x"));
        put.send().await.unwrap();
    }
}

/// S3 refuses a request that names an owner who is not the bucket's; accounts are names here, and nobody compares them.
#[tokio::test(flavor = "multi_thread")]
async fn the_expected_owner_is_ignored() {
    let world = World::sealed("owned", Governance).await;
    let mut policy = world.policy();
    policy["store"]["s3"]["account"] = "999999999999".into();
    world.write_policy(&policy);
    world.found(&[]);
}

/// S3 makes a bucket in the region of the request only if that is named; here only the zone group's own name is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_made_without_a_region() {
    let s3 = node().s3("owner");
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let create = s3.create_bucket().bucket("somewhere");
    let create = create.create_bucket_configuration(place.build());
    assert_eq!(
        answered(create.send().await).map(|_| ()),
        refused(400, "InvalidLocationConstraint")
    );
}

/// S3 turns Object Lock on for a bucket that exists; both refuse to suspend the versioning of one that has it.
#[tokio::test(flavor = "multi_thread")]
async fn object_lock_is_turned_on_with_the_bucket_and_never_later() {
    let world = World::new("locked", Governance).await;
    let s3 = &world.s3;
    let put = s3.put_bucket_versioning().bucket(&world.bucket);
    let put = put.versioning_configuration(versioning(BucketVersioningStatus::Suspended));
    assert_eq!(
        answered(put.send().await).map(|_| ()),
        refused(409, "InvalidBucketState")
    );

    let unlocked = World {
        s3: s3.clone(),
        bucket: "unlocked".to_owned(),
        folder: tempfile::tempdir().unwrap(),
    };
    unlocked.make_policy("GOVERNANCE");
    let create = s3.create_bucket().bucket(&unlocked.bucket);
    create.send().await.unwrap();
    let refusal = |what: &str| {
        let run = unlocked.append().input("1\n").run();
        assert!(run.stderr.starts_with(what), "{run}");
        assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    };
    refusal("error: versioning of the bucket unlocked is not enabled\n");
    let put = s3.put_bucket_versioning().bucket(&unlocked.bucket);
    let put = put.versioning_configuration(versioning(BucketVersioningStatus::Enabled));
    put.send().await.unwrap();
    assert_eq!(
        unlocked.set_default(Some((Governance, 30))).await,
        refused(409, "InvalidBucketState")
    );
    refusal("error: Object Lock of the bucket unlocked is not enabled\n");
    // A log that has just begun may have no segment yet.
    unlocked.found(&["bucket-lock"]);
}

/// Where the sealer's clock or retention is wrong, S3 says so; this engine too, the others that tests use do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_retention_that_is_over_is_refused() {
    let world = World::new("past", Governance).await;
    let put = world.s3.put_object().bucket(&world.bucket).key(key(0));
    let put = put
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(in_days(-1))
        .body(ByteStream::from_static(b"x"));
    assert_eq!(
        answered(put.send().await).map(|_| ()),
        refused(400, "InvalidArgument")
    );
}

/// S3 refuses bytes that are not those of the SHA-256 in the request; this engine looks at the MD5 alone. What arrives
/// damaged is stored, and the verifier is who finds it.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_checksums_only_the_md5_is_checked() {
    let world = World::sealed("damaged", Governance).await;
    let mut bytes = world.bytes(2).await;
    let version = world.versions(2).await.remove(0);
    world.delete(2, Some(&version), true).await.unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let put = || {
        let put = world.s3.put_object().bucket(&world.bucket).key(key(2));
        put.object_lock_mode(ObjectLockMode::Governance)
            .object_lock_retain_until_date(in_days(31))
            .body(ByteStream::from(bytes.clone()))
    };
    let md5 = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(answered(md5).map(|_| ()), refused(400, "BadDigest"));
    let sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    put().checksum_sha256(sha256).send().await.unwrap();
    world.found(&["frame-corrupt"]);
    let run = world.append().input("5\n").run();
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
}

/// S3 takes a streamed body with its checksum behind it; the sealer sends from memory, and does not need it.
#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_body_is_refused() {
    let world = World::new("streamed", Governance).await;
    let path = world.folder.path().join("body");
    std::fs::write(&path, b"streamed").unwrap();
    let put = world.s3.put_object().bucket(&world.bucket).key("stranger");
    let put = put.body(ByteStream::from_path(&path).await.unwrap());
    assert_eq!(
        answered(put.send().await).map(|_| ()),
        refused(400, "XAmzContentSHA256Mismatch")
    );
}

/// S3 applies the bucket's default to an upload in parts too; the endpoints that other tests use do not.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_is_locked_by_default_and_found() {
    let world = World::sealed("parts", Compliance).await;
    let s3 = &world.s3;
    let create = s3.create_multipart_upload().bucket(&world.bucket);
    let upload = create.key(key(3)).send().await.unwrap().upload_id.unwrap();
    let part = s3.upload_part().bucket(&world.bucket).key(key(3));
    let part = part.upload_id(&upload).part_number(1);
    let bytes = world.bytes(2).await;
    let part = part.body(ByteStream::from(bytes)).send().await.unwrap();
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag);
    let parts = CompletedMultipartUpload::builder().parts(part.build());
    let complete = s3.complete_multipart_upload().bucket(&world.bucket);
    let complete = complete.key(key(3)).upload_id(&upload);
    complete
        .multipart_upload(parts.build())
        .send()
        .await
        .unwrap();
    let object = world.head(3).await;
    assert_eq!(object.object_lock_mode(), Some(&ObjectLockMode::Compliance));
    world.found(&["segment-mismatch", "object-multipart"]);
}

/// Who has no right to look gets no verdict, and no log.
#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_denied() {
    let world = World::sealed("private", Governance).await;
    for (user, secret, says) in [
        ("other", "other-secret", "AccessDenied"),
        ("owner", "mistyped", "SignatureDoesNotMatch"),
        ("nobody", "nobody-secret", "InvalidAccessKeyId"),
    ] {
        let mistaken = |run: auditlog_tests::Command| {
            let run = run.envs(node().env(user));
            run.env("AWS_SECRET_ACCESS_KEY", secret)
        };
        let run = mistaken(world.verify()).run();
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stdout.contains(says), "{run}");
        let run = mistaken(world.append()).input("5\n").run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        assert!(run.stderr.contains(says), "{run}");
        assert!(run.stderr.contains("\nhint: "), "{run}");
    }
    world.found(&[]);
}
