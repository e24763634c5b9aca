//! What others make weaker or stronger behind the back of Terraform, and the way back to the declaration.

use aws_sdk_s3::types::{
    BlockedEncryptionTypes, DefaultRetention, EncryptionType, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::{ADDRESS, Trail, days, declaration, flat, log, refused};

#[tokio::test]
async fn default_weakened_by_another_hand_is_not_declared_unnoticed() {
    let trail = Trail::of(&days(10, ""));
    for days in [Some(5), None] {
        put_default(&trail, days).await;
        let allow = "allow_weakening = [\"retention 10d -> 5d\"]";
        refused(&trail.stack, &super::days(5, ""), allow);
    }
    trail.becomes(&days(10, ""));
    trail.stack.assert_no_changes();
}

/// The default retention in days, or none.
async fn put_default(trail: &Trail, days: Option<i32>) {
    let rule = days.map(|days| {
        let retention = DefaultRetention::builder()
            .mode(ObjectLockRetentionMode::Governance)
            .days(days);
        ObjectLockRule::builder()
            .default_retention(retention.build())
            .build()
    });
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .set_rule(rule);
    let s3 = trail.stack.endpoint.s3();
    let put = s3.put_object_lock_configuration().bucket("acme-audit");
    let put = put.object_lock_configuration(lock.build()).send();
    put.await.expect("another default");
}

/// With a notice of a day, so that no change is over during the test.
fn announced(days: u32, more: &str) -> String {
    let lock = format!("mode = \"GOVERNANCE\", days = {days}");
    declaration(&lock, &log("payments", ""), more)
}

/// Whether S3 derives a key for the bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BucketKey {
    On,
    Off,
}

async fn put_key(trail: &Trail, key: &str, bucket_key: BucketKey) {
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .kms_master_key_id(key);
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default.build().expect("a default"))
        .bucket_key_enabled(bucket_key == BucketKey::On)
        .blocked_encryption_types(
            BlockedEncryptionTypes::builder()
                .encryption_type(EncryptionType::SseC)
                .build(),
        );
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let s3 = trail.stack.endpoint.s3();
    let put = s3.put_bucket_encryption().bucket("acme-audit");
    let put = put.server_side_encryption_configuration(configuration.build().expect("rules"));
    put.send().await.expect("another encryption");
}

#[tokio::test]
async fn longer_default_and_key_of_others_are_named_as_theirs() {
    let trail = Trail::of(&announced(10, ""));
    let key = trail.stack.endpoint.kms().create_key().send().await;
    let key = key.expect("a key").key_metadata.expect("metadata");
    let arn = key.arn.expect("an ARN");
    put_default(&trail, Some(30)).await;
    put_key(&trail, &arn, BucketKey::On).await;
    trail.stack.configure(&announced(10, ""));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    let text = flat(&plan.stderr.replace(['│', '╷', '╵'], " "));
    let entries = "\"retention 30d -> 10d\", \"encryption aws:kms -> AES256\"";
    for said in [
        "The bucket is not as it was applied last, because others changed it or an apply was interrupted: - default retention is \
         GOVERNANCE for 30 days, but GOVERNANCE for 10 days was declared",
        &format!("- encryption is aws:kms with the key {arn}, but AES256 was declared."),
        "To keep what others have set, declare it.",
        &format!("allow_weakening = [{entries}]"),
    ] {
        assert!(text.contains(said), "{said:?} is not in {plan}");
    }
    assert!(!text.contains("This change weakens"), "{plan}");

    // to keep it is to declare it
    let kept = format!("  encryption = {{ kms_key_arn = \"{arn}\" }}");
    trail.becomes(&announced(30, &kept));
    trail.stack.assert_no_changes();
    // S3 may name a key by its id; that is the same key
    put_key(&trail, &key.key_id, BucketKey::On).await;
    trail.stack.assert_no_changes();
    for (key, bucket_key) in [
        ("alias/acme-audit", BucketKey::On),
        (arn.as_str(), BucketKey::Off),
    ] {
        put_key(&trail, key, bucket_key).await;
        assert_eq!(trail.stack.planned(ADDRESS).attributes, ["encryption"]);
        trail.stack.terraform.apply().ok();
        trail.stack.assert_no_changes();
    }

    // and back to the first declaration, by name
    let allow = format!("  allow_weakening = [{entries}]");
    trail.becomes(&announced(10, &allow));
    trail.stack.configure(&announced(10, ""));
    assert_eq!(trail.stack.planned(ADDRESS).attributes, ["allow_weakening"]);
}

/// Each of the two is an error of its own, and a person needs both.
#[test]
fn weakening_does_not_hide_what_else_is_wrong() {
    let trail = Trail::of(&days(3, ""));
    refused(
        &trail.stack,
        &days(2, ""),
        "allow_weakening = [\"retention 3d -> 2d\"]",
    );
    refused(
        &trail.stack,
        &days(2, ""),
        "At logs[\"payments\"].max_silence: 25h of silence need a retention of at least 50h",
    );
}

#[tokio::test]
async fn what_others_change_between_plan_and_apply_is_not_weakened() {
    let trail = Trail::of(&days(10, ""));
    let terraform = &trail.stack.terraform;
    trail.stack.configure(&days(10, "  tags = { a = \"b\" }"));
    terraform.run(&["plan", "-out=planned"]).ok();
    put_default(&trail, Some(30)).await;
    let apply = terraform.run(&["apply", "-no-color", "planned"]);
    assert_eq!(apply.status, 1, "{apply}");
    let allow = "allow_weakening = [\"retention 30d -> 10d\"]";
    assert!(flat(&apply.stderr).contains(allow), "{apply}");
    let s3 = trail.stack.endpoint.s3();
    let found = s3.get_object_lock_configuration().bucket("acme-audit");
    let found = format!("{:?}", found.send().await.expect("a lock"));
    assert!(found.contains("days: Some(30)"), "{found}");
}
