//! `auditlog_bucket` from its first plan to its destruction.

use std::time::{Duration, SystemTime};

use auditlog_tests::{Endpoint, Engine, REGION};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CreateBucketConfiguration, ObjectLockMode,
    PublicAccessBlockConfiguration, Tag, Tagging, VersioningConfiguration,
};

use crate::provider::stack::{Stack, said, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    bucket_is_made_changed_replaced_and_destroyed.await,
    drift_of_every_part_is_found_and_put_back.await,
    imported_bucket_needs_no_change,
    ordinary_bucket_is_refused_until_it_is_imported_and_then_locked.await,
    bucket_that_holds_anything_is_not_destroyed.await,
    weaker_lock_is_refused_until_it_is_named.await,
    default_tags_are_merged_and_the_resources_own_win,
}

const ADDRESS: &str = "auditlog_bucket.audit";

/// A bucket with this lock, and these further arguments.
fn bucket(name: &str, lock: &str, more: &str) -> String {
    format!(
        "resource \"auditlog_bucket\" \"audit\" {{\n  bucket = \"{name}\"\n  object_lock = {{ {lock} }}\n{more}\n}}\n"
    )
}

fn compliance(days: u32) -> String {
    format!(
        "mode = \"COMPLIANCE\", days = {days}, acknowledge_irreversible = \"COMPLIANCE {days} days\""
    )
}

async fn exists(endpoint: &Endpoint, bucket: &str) -> bool {
    endpoint
        .s3()
        .head_bucket()
        .bucket(bucket)
        .send()
        .await
        .is_ok()
}

async fn put(endpoint: &Endpoint, bucket: &str, key: &str, mode: ObjectLockMode, days: u64) {
    let until = SystemTime::now()
        .checked_add(Duration::from_hours(24 * days))
        .unwrap();
    endpoint
        .s3()
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(ByteStream::from_static(b"an event"))
        .object_lock_mode(mode)
        .object_lock_retain_until_date(until.into())
        .send()
        .await
        .unwrap();
}

async fn bucket_is_made_changed_replaced_and_destroyed(engine: Engine) {
    let stack = Stack::new(
        engine,
        &bucket("trail-one", "mode = \"GOVERNANCE\", years = 1", ""),
    );
    stack.terraform.validate().ok();
    assert_eq!(stack.planned(ADDRESS).actions, ["create"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_hardened(&stack.endpoint, "trail-one").await;
    let created = values(&stack.terraform, ADDRESS);
    assert_eq!(created["arn"], "arn:aws:s3:::trail-one");
    assert_eq!(created["account_id"], engine.account());
    assert_eq!(created["region"], REGION);

    let key = stack.endpoint.kms().create_key().send().await.unwrap();
    let key = key.key_metadata.unwrap().arn.unwrap();
    let kms = format!("encryption = {{ kms_key_arn = \"{key}\" }}\n  tags = {{ a = \"b\" }}");
    stack.configure(&bucket(
        "trail-one",
        "mode = \"GOVERNANCE\", days = 400",
        &kms,
    ));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(
        change.attributes,
        [
            "encryption",
            "lock_spans",
            "object_lock",
            "sse_algorithm",
            "tags",
            "tags_all"
        ]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let changed = values(&stack.terraform, ADDRESS);
    assert_eq!(changed["encryption"]["bucket_key_enabled"], true);
    assert_eq!(changed["creation_date"], created["creation_date"]);

    stack.configure(&bucket(
        "trail-two",
        "mode = \"GOVERNANCE\", days = 400",
        "",
    ));
    assert_eq!(stack.planned(ADDRESS).actions, ["delete", "create"]);
    stack.terraform.apply().ok();
    assert!(!exists(&stack.endpoint, "trail-one").await);
    assert!(exists(&stack.endpoint, "trail-two").await);

    stack.terraform.destroy().ok();
    assert!(!exists(&stack.endpoint, "trail-two").await);
}

async fn assert_hardened(endpoint: &Endpoint, bucket: &str) {
    let s3 = endpoint.s3();
    let versioning = s3
        .get_bucket_versioning()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    assert_eq!(versioning.status, Some(BucketVersioningStatus::Enabled));
    let lock = s3
        .get_object_lock_configuration()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let lock = format!("{:?}", lock.object_lock_configuration.unwrap());
    assert!(
        lock.contains("Enabled") && lock.contains("Governance") && lock.contains("years: Some(1)"),
        "{lock}"
    );
    let block = s3
        .get_public_access_block()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let block = format!("{:?}", block.public_access_block_configuration.unwrap());
    assert_eq!(block.matches("Some(true)").count(), 4, "{block}");
    let policy = s3
        .get_bucket_policy()
        .bucket(bucket)
        .send()
        .await
        .unwrap()
        .policy
        .unwrap();
    assert!(
        policy.contains("aws:SecureTransport") && policy.contains("s3:TlsVersion"),
        "{policy}"
    );
    let owner = s3
        .get_bucket_ownership_controls()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    assert!(format!("{owner:?}").contains("BucketOwnerEnforced"));
}

async fn drift_of_every_part_is_found_and_put_back(engine: Engine) {
    let stack = Stack::applied(
        engine,
        &bucket("trail", "mode = \"GOVERNANCE\", years = 1", ""),
    );
    let s3 = stack.endpoint.s3();
    put_lock_days(&s3, 3).await;
    // Both engines accept what S3 refuses for a bucket with Object Lock.
    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    s3.put_bucket_versioning()
        .bucket("trail")
        .versioning_configuration(suspended)
        .send()
        .await
        .unwrap();
    let open = PublicAccessBlockConfiguration::builder()
        .block_public_acls(false)
        .ignore_public_acls(false)
        .block_public_policy(true)
        .restrict_public_buckets(false)
        .build();
    s3.put_public_access_block()
        .bucket("trail")
        .public_access_block_configuration(open)
        .send()
        .await
        .unwrap();
    s3.delete_bucket_policy()
        .bucket("trail")
        .send()
        .await
        .unwrap();
    s3.delete_bucket_ownership_controls()
        .bucket("trail")
        .send()
        .await
        .unwrap();
    let foreign = Tagging::builder()
        .tag_set(Tag::builder().key("x").value("y").build().unwrap())
        .build()
        .unwrap();
    s3.put_bucket_tagging()
        .bucket("trail")
        .tagging(foreign)
        .send()
        .await
        .unwrap();

    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    let drifted = [
        "drift",
        "lock_spans",
        "object_lock",
        "object_ownership",
        "policy",
        "public_access_block",
        "tags",
        "tags_all",
        "versioning",
    ];
    assert_eq!(change.attributes, drifted);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    encryption_of_others_is_named_and_put_back(&stack, engine).await;
    assert_hardened(&stack.endpoint, "trail").await;

    // and the whole bucket gone
    s3.delete_bucket().bucket("trail").send().await.unwrap();
    assert_eq!(stack.planned(ADDRESS).actions, ["create"]);
    stack.terraform.apply().ok();
    assert!(exists(&stack.endpoint, "trail").await);
}

/// Encryption with a key of KMS counts as stronger, also where S3 chose the key.
async fn encryption_of_others_is_named_and_put_back(stack: &Stack, engine: Engine) {
    put_encryption(&stack.endpoint.s3()).await;
    let plan = stack.terraform.plan();
    let entry = "allow_weakening = [\"encryption aws:kms -> AES256\"]";
    said(
        &plan,
        &["- encryption is aws:kms, but AES256 was declared", entry],
    );
    let lock = "mode = \"GOVERNANCE\", years = 1";
    stack.configure(&bucket("trail", lock, entry));
    let mut drifted = vec!["allow_weakening", "sse_algorithm", "sse_c"];
    // it does not keep the block of SSE-C
    drifted.retain(|name| engine != Engine::Moto || *name != "sse_c");
    assert_eq!(stack.planned(ADDRESS).attributes, drifted);
    stack.terraform.apply().ok();
    stack.configure(&bucket("trail", lock, ""));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

async fn put_encryption(s3: &aws_sdk_s3::Client) {
    use aws_sdk_s3::types::{
        ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule,
    };
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .build()
        .unwrap();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .unwrap();
    s3.put_bucket_encryption()
        .bucket("trail")
        .server_side_encryption_configuration(configuration)
        .send()
        .await
        .unwrap();
}

async fn put_lock_days(s3: &aws_sdk_s3::Client, days: i32) {
    use aws_sdk_s3::types::{
        DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
        ObjectLockRule,
    };
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .days(days)
        .build();
    let configuration = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(
            ObjectLockRule::builder()
                .default_retention(retention)
                .build(),
        )
        .build();
    s3.put_object_lock_configuration()
        .bucket("trail")
        .object_lock_configuration(configuration)
        .send()
        .await
        .unwrap();
}

fn imported_bucket_needs_no_change(engine: Engine) {
    let config = bucket(
        "trail",
        "mode = \"COMPLIANCE\", days = 30, acknowledge_irreversible = \"COMPLIANCE 30 days\"",
        "tags = { a = \"b\" }",
    );
    let stack = Stack::applied(engine, &config);
    let original = values(&stack.terraform, ADDRESS);
    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    stack.terraform.import(ADDRESS, "trail").ok();
    if engine == Engine::Moto {
        // It does not keep the block of SSE-C, which shows once that was put.
        assert_eq!(stack.planned(ADDRESS).attributes, ["sse_c"]);
        stack.terraform.apply().ok();
    }
    stack.assert_no_changes();
    assert_eq!(values(&stack.terraform, ADDRESS), original);

    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    let missing = stack.terraform.import(ADDRESS, "no-such-bucket");
    assert!(
        missing
            .stderr
            .contains("The bucket \"no-such-bucket\" does not exist, so it cannot be imported."),
        "{missing}"
    );
}

async fn ordinary_bucket_is_refused_until_it_is_imported_and_then_locked(engine: Engine) {
    let stack = Stack::new(
        engine,
        &bucket("ordinary", "mode = \"GOVERNANCE\", years = 1", ""),
    );
    let place = CreateBucketConfiguration::builder()
        .location_constraint(REGION.into())
        .build();
    let s3 = stack.endpoint.s3();
    s3.create_bucket()
        .bucket("ordinary")
        .create_bucket_configuration(place)
        .send()
        .await
        .unwrap();

    let refused = stack.terraform.apply();
    assert_eq!(refused.status, 1, "{refused}");
    assert!(
        refused
            .stderr
            .contains("already exists, and is not one that"),
        "{refused}"
    );
    assert!(refused.stderr.contains("id = \"ordinary\""), "{refused}");

    stack.terraform.import(ADDRESS, "ordinary").ok();
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert!(
        change
            .attributes
            .contains(&"object_lock_enabled".to_owned()),
        "{change:?}"
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_hardened(&stack.endpoint, "ordinary").await;
}

async fn bucket_that_holds_anything_is_not_destroyed(engine: Engine) {
    let stack = Stack::applied(
        engine,
        &bucket("trail", "mode = \"GOVERNANCE\", days = 1", ""),
    );
    let s3 = stack.endpoint.s3();
    if engine == Engine::Moto {
        // It applies the Deny and not the condition, which keeps everybody from the objects.
        s3.delete_bucket_policy()
            .bucket("trail")
            .send()
            .await
            .unwrap();
    }
    // A marker alone: what it hides is taken away with all rights.
    put(&stack.endpoint, "trail", "a", ObjectLockMode::Governance, 1).await;
    let hidden = versions(&s3).await;
    let marker = s3
        .delete_object()
        .bucket("trail")
        .key("a")
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap();
    delete_version(&s3, &hidden[0]).await;
    let refused = stack.terraform.destroy();
    assert_eq!(refused.status, 1, "{refused}");
    let text = refused
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("it holds 0 object versions and 1 delete marker, none of them locked"),
        "{refused}"
    );
    delete_version(&s3, &marker).await;

    put(&stack.endpoint, "trail", "a", ObjectLockMode::Governance, 1).await;
    put(&stack.endpoint, "trail", "a", ObjectLockMode::Governance, 3).await;
    put(&stack.endpoint, "trail", "b", ObjectLockMode::Compliance, 2).await;
    let refused = stack.terraform.destroy();
    assert_eq!(refused.status, 1, "{refused}");
    // Terraform wraps its messages
    let text = refused
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let until = until(&stack.endpoint).await;
    for said in [
        "The bucket was not deleted",
        &format!(
            "The bucket \"trail\" holds 3 locked object versions; the last is locked until {until}."
        ),
        "Versions under GOVERNANCE can be deleted by hand by a principal with s3:BypassGovernanceRetention",
        "`on_destroy = \"forget\"`",
        "nobody can delete those under COMPLIANCE",
        "`terraform state rm`",
    ] {
        assert!(text.contains(said), "{said:?} is not in {refused}");
    }
    assert!(exists(&stack.endpoint, "trail").await);
    assert_eq!(values(&stack.terraform, ADDRESS)["bucket"], "trail");
}

/// The ids of the versions of `a`.
async fn versions(s3: &aws_sdk_s3::Client) -> Vec<String> {
    let listed = s3.list_object_versions().bucket("trail").send().await;
    let listed = listed.unwrap().versions.unwrap_or_default().into_iter();
    listed.filter_map(|version| version.version_id).collect()
}

async fn delete_version(s3: &aws_sdk_s3::Client, version: &str) {
    s3.delete_object()
        .bucket("trail")
        .key("a")
        .version_id(version)
        .bypass_governance_retention(true)
        .send()
        .await
        .unwrap();
}

/// When the second version of `a` is free, in whole seconds.
async fn until(endpoint: &Endpoint) -> String {
    let head = endpoint
        .s3()
        .head_object()
        .bucket("trail")
        .key("a")
        .send()
        .await
        .unwrap();
    let until = head.object_lock_retain_until_date.unwrap();
    let whole = aws_sdk_s3::primitives::DateTime::from_secs(until.secs());
    whole
        .fmt(aws_sdk_s3::primitives::DateTimeFormat::DateTime)
        .unwrap()
}

async fn weaker_lock_is_refused_until_it_is_named(engine: Engine) {
    let stack = Stack::applied(engine, &bucket("trail", &compliance(365), ""));
    let weaker = |more: &str| bucket("trail", "mode = \"GOVERNANCE\", days = 30", more);
    stack.configure(&weaker(""));
    let s3 = stack.endpoint.s3();
    let opened = s3.delete_public_access_block().bucket("trail").send();
    opened.await.unwrap();
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    let allow = "allow_weakening = [\"retention 365d -> 30d\", \"mode COMPLIANCE -> GOVERNANCE\"]";
    let text = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("The bucket would become weaker"), "{plan}");
    assert!(text.contains(allow), "{plan}");
    // The refusal does not hide what somebody else has changed.
    let drift = "- public_access_block.block_public_acls: false -> true";
    assert!(plan.stdout.contains(drift), "{plan}");

    stack.configure(&weaker(allow));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    stack.terraform.apply().ok();
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 0, "{plan}");
    assert!(
        plan.stdout
            .contains("Weakening that is allowed and does not happen"),
        "{plan}"
    );

    stack.configure(&bucket("trail", &compliance(366), ""));
    let plan = stack.terraform.plan();
    let text = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("Mode COMPLIANCE, 366 days: nothing that is written"),
        "{plan}"
    );
}

fn default_tags_are_merged_and_the_resources_own_win(engine: Engine) {
    let with = |defaults: &str, own: &str| {
        let provider = format!(
            "provider \"auditlog\" {{\n  default_tags {{\n    tags = {{ {defaults} }}\n  }}\n}}\n"
        );
        provider
            + &bucket(
                "trail",
                "mode = \"GOVERNANCE\", days = 1",
                &format!("tags = {{ {own} }}"),
            )
    };
    let stack = Stack::applied(
        engine,
        &with("env = \"prod\", team = \"a\"", "team = \"b\""),
    );
    stack.assert_no_changes();
    let state = values(&stack.terraform, ADDRESS);
    assert_eq!(state["tags"], serde_json::json!({ "team": "b" }));
    assert_eq!(
        state["tags_all"],
        serde_json::json!({ "env": "prod", "team": "b" })
    );

    stack.configure(&with("env = \"test\"", "team = \"b\""));
    let change = stack.planned(ADDRESS);
    assert_eq!(
        (change.actions, change.attributes),
        (vec!["update".to_owned()], vec!["tags_all".to_owned()])
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}
