//! The parts of a bucket below the lock: encryption, lifecycle, access logs, and what others have set up.

use auditlog_tests::{Endpoint, Engine, Fault, Proxy, Terraform};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, DeleteMarkerReplication, Destination, EventBridgeConfiguration,
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, NotificationConfiguration,
    ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus,
    TransitionStorageClass,
};
use serde_json::json;

use crate::provider::stack::{Change, Stack, assert_no_changes, said, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    lifecycle_rule_that_s3_refuses_is_refused_here_too.await,
    storage_is_put_read_and_imported.await,
    storage_leaves_declared_prefixes_alone.await,
    lifecycle_rule_of_another_hand_is_named_and_removed.await,
    rule_of_ours_that_was_weakened_is_put_back.await,
    access_logs_go_to_another_bucket.await,
    storage_that_costs_more_than_it_saves_is_refused,
    key_that_s3_cannot_use_is_refused.await,
    bucket_has_its_tags_from_the_first_moment,
}

const ADDRESS: &str = "auditlog_bucket.audit";

fn bucket(more: &str) -> String {
    format!(
        "resource \"auditlog_bucket\" \"audit\" {{\n  bucket      = \"trail\"\n  object_lock = {{ mode = \"GOVERNANCE\", days = 30 }}\n{more}\n}}\n"
    )
}

const STORAGE: &str = r#"storage = { transitions = [{ days = 90, storage_class = "GLACIER_IR" }], expiration = "400d" }"#;

async fn rules(endpoint: &Endpoint) -> Vec<LifecycleRule> {
    let s3 = endpoint.s3();
    let found = s3.get_bucket_lifecycle_configuration().bucket("trail");
    found.send().await.unwrap().rules.unwrap_or_default()
}

async fn put_rules(endpoint: &Endpoint, rules: Vec<LifecycleRule>) {
    let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules));
    endpoint
        .s3()
        .put_bucket_lifecycle_configuration()
        .bucket("trail")
        .lifecycle_configuration(configuration.build().unwrap())
        .send()
        .await
        .unwrap();
}

/// A rule whose noncurrent versions would be moved after they are gone.
fn impossible() -> LifecycleRule {
    let moved = NoncurrentVersionTransition::builder()
        .noncurrent_days(90)
        .storage_class(TransitionStorageClass::GlacierIr);
    let expired = NoncurrentVersionExpiration::builder().noncurrent_days(1);
    LifecycleRule::builder()
        .id("storage")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_transitions(moved.build())
        .noncurrent_version_expiration(expired.build())
        .build()
        .unwrap()
}

/// Of themselves, the endpoints take every rule, and would hide that AWS refuses one of ours.
async fn lifecycle_rule_that_s3_refuses_is_refused_here_too(engine: Engine) {
    let stack = Stack::applied(engine, &bucket(""));
    let configuration = BucketLifecycleConfiguration::builder().rules(impossible());
    let put = stack.endpoint.s3().put_bucket_lifecycle_configuration();
    let put = put.bucket("trail");
    let put = put.lifecycle_configuration(configuration.build().unwrap());
    let refused = put.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidArgument"));
    assert_eq!(
        refused.message(),
        Some(
            "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=)' must be greater than \
             'NoncurrentDays' in the NoncurrentVersionTransition action"
        )
    );
    stack.assert_no_changes();
}

/// An archive of trust policies has a lock of its own, which an expiration of the logs would hide from readers.
async fn storage_leaves_declared_prefixes_alone(engine: Engine) {
    // moto has no Ed25519
    let spec = match engine {
        Engine::Ministack => "",
        Engine::Moto => "key_spec = \"ECC_NIST_P256\"",
    };
    let key = format!(
        "resource \"auditlog_signing_key\" \"audit\" {{\n  alias = \"alias/trail\"\n  {spec}\n}}\n"
    );
    let logs = |names: &str| {
        let log = "{ signing_key = auditlog_signing_key.audit.trust }";
        let logs = format!("logs = {{ for name in {names} : name => {log} }}");
        let archive = "declared_prefixes = [\"trust-policies/\"]";
        key.clone() + &bucket(&format!("{STORAGE}\n{archive}\n{logs}"))
    };
    let stack = Stack::applied(engine, &logs("[\"payments\"]"));
    stack.assert_no_changes();
    let prefixes = async || {
        let found = rules(&stack.endpoint).await.into_iter();
        let storage = found.filter(|rule| {
            let expiration = rule.expiration.as_ref();
            expiration.is_some_and(|expiration| expiration.days.is_some())
        });
        storage
            .map(|rule| rule.filter.unwrap().prefix.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(prefixes().await, ["logs/payments/"]);
    stack.configure(&logs("[\"payments\", \"logins\"]"));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(prefixes().await, ["logs/logins/", "logs/payments/"]);

    // one that somebody removed comes back
    let mut left = rules(&stack.endpoint).await;
    left.retain(|rule| rule.id() != Some("auditlog-storage:logs/logins/"));
    put_rules(&stack.endpoint, left).await;
    assert_eq!(stack.planned(ADDRESS).attributes, ["lifecycle_rules"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(prefixes().await.len(), 2);
}

async fn storage_is_put_read_and_imported(engine: Engine) {
    let stack = Stack::applied(engine, &bucket(""));
    stack.assert_no_changes();
    let uploads = "auditlog-uploads: aborts incomplete uploads after 7 days";
    assert_eq!(
        values(&stack.terraform, ADDRESS)["lifecycle_rules"],
        json!([uploads])
    );

    stack.configure(&bucket(STORAGE));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.attributes, ["lifecycle_rules", "storage"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let found = rules(&stack.endpoint).await;
    assert_eq!(found.len(), 3);
    assert_eq!(
        values(&stack.terraform, ADDRESS)["lifecycle_rules"],
        json!([
            "auditlog-markers: removes expired delete markers",
            "auditlog-storage: GLACIER_IR after 90 days, expires after 400 days, noncurrent versions expire after 1 day",
            uploads,
        ])
    );

    // the order of rules has no meaning
    put_rules(&stack.endpoint, found.into_iter().rev().collect()).await;
    stack.assert_no_changes();
    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    stack.terraform.import(ADDRESS, "trail").ok();
    if engine == Engine::Moto {
        // It does not keep the block of SSE-C, which shows once that was put.
        assert_eq!(stack.planned(ADDRESS).attributes, ["sse_c"]);
        stack.terraform.apply().ok();
    }
    stack.assert_no_changes();

    let after = r#"storage = { expiration = "after_retention", segment_bytes = 500000 }"#;
    stack.configure(&bucket(after));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let storage = rules(&stack.endpoint).await;
    let days = storage
        .iter()
        .filter_map(|rule| rule.expiration.as_ref()?.days);
    assert_eq!(days.collect::<Vec<_>>(), [32]);

    stack.configure(&bucket(""));
    stack.terraform.apply().ok();
    assert_eq!(rules(&stack.endpoint).await.len(), 1);
}

fn expiry(id: &str, days: i32) -> LifecycleRule {
    LifecycleRule::builder()
        .id(id)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
        .expiration(LifecycleExpiration::builder().days(days).build())
        .build()
        .unwrap()
}

async fn lifecycle_rule_of_another_hand_is_named_and_removed(engine: Engine) {
    let stack = Stack::applied(engine, &bucket(STORAGE));
    let mut found = rules(&stack.endpoint).await;
    found.push(expiry("cleanup", 1));
    put_rules(&stack.endpoint, found).await;
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let line = "cleanup for prefix logs/: expires after 1 day";
    assert!(plan.stdout.contains(line), "{plan}");
    assert_eq!(stack.planned(ADDRESS).attributes, ["lifecycle_rules"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(rules(&stack.endpoint).await.len(), 3);
}

/// Without a rule for noncurrent versions, nothing that expired is ever deleted.
async fn rule_of_ours_that_was_weakened_is_put_back(engine: Engine) {
    let stack = Stack::applied(engine, &bucket(STORAGE));
    let mut weakened = rules(&stack.endpoint).await;
    for rule in &mut weakened {
        rule.noncurrent_version_expiration = None;
    }
    put_rules(&stack.endpoint, weakened).await;
    assert_eq!(stack.planned(ADDRESS).attributes, ["lifecycle_rules"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();

    let delete = stack.endpoint.s3().delete_bucket_lifecycle();
    delete.bucket("trail").send().await.unwrap();
    assert_eq!(
        stack.planned(ADDRESS).attributes,
        ["lifecycle_rules", "storage"]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

async fn access_logs_go_to_another_bucket(engine: Engine) {
    let logging = |target: &str| {
        bucket(&format!(
            "logging = {{ target_bucket = \"{target}\", target_prefix = \"trail/\" }}"
        ))
    };
    let stack = Stack::new(engine, &logging("trail"));
    let validated = stack.terraform.run(&["validate", "-no-color"]);
    said(
        &validated,
        &[
            "Locked target of access logs",
            "Set `target_bucket` to another bucket",
        ],
    );

    let s3 = stack.endpoint.s3();
    stack.configure(
        &bucket("")
            .replace("\"audit\"", "\"locked\"")
            .replace("trail", "locked"),
    );
    stack.terraform.apply().ok();
    stack.configure(&logging("locked"));
    said(
        &stack.terraform.plan(),
        &["S3 does not deliver access logs to the bucket \"locked\""],
    );

    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder();
    let place = place.location_constraint(auditlog_tests::REGION.into());
    let create = s3.create_bucket().bucket("access-logs");
    let create = create.object_ownership(aws_sdk_s3::types::ObjectOwnership::BucketOwnerPreferred);
    let create = create.create_bucket_configuration(place.build());
    create.send().await.unwrap();
    let acl = s3.put_bucket_acl().bucket("access-logs");
    let acl = acl.acl("log-delivery-write".into());
    _ = acl.send().await;
    stack.configure(&logging("access-logs"));
    stack.terraform.apply().ok();
    stack.assert_no_changes();

    let off = aws_sdk_s3::types::BucketLoggingStatus::builder().build();
    let put = s3.put_bucket_logging().bucket("trail");
    put.bucket_logging_status(off).send().await.unwrap();
    assert_eq!(stack.planned(ADDRESS).attributes, ["logging"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();

    stack.configure(&logging("access-logs").replace("trail/", "audit/"));
    assert_eq!(stack.planned(ADDRESS).attributes, ["logging"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();

    stack.configure(&bucket(""));
    stack.terraform.apply().ok();
    let found = s3.get_bucket_logging().bucket("trail").send().await;
    assert!(found.unwrap().logging_enabled.is_none());
}

fn storage_that_costs_more_than_it_saves_is_refused(engine: Engine) {
    let stack = Stack::new(engine, "");
    for (storage, wanted) in [
        (
            r#"{ expiration = "31d" }"#,
            "expire after 31 days, but the longest retention is 30 days",
        ),
        (
            r#"{ transitions = [{ days = 1, storage_class = "STANDARD_IA" }] }"#,
            "after 30 days at the earliest, not after 1",
        ),
        (
            r#"{ transitions = [{ days = 0, storage_class = "GLACIER_IR" }], expiration = "60d" }"#,
            "stay in GLACIER_IR for 60 days, but AWS charges for 90",
        ),
        (
            r#"{ transitions = [{ days = 90, storage_class = "GLACIER_IR" }], segment_bytes = 50000 }"#,
            "Segments of 50000 bytes are never moved",
        ),
        (
            r#"{ transitions = [{ days = 400, storage_class = "INTELLIGENT_TIERING" }], expiration = "40d" }"#,
            "move to INTELLIGENT_TIERING after 400 days, and expire after 40 days",
        ),
        (
            r#"{ transitions = [{ days = 30, storage_class = "ONEZONE_IA" }, { days = 90, storage_class = "GLACIER_IR" }] }"#,
            "does not move objects from ONEZONE_IA to GLACIER_IR",
        ),
        (r#"{ expiration = "soon" }"#, "\"soon\" is neither"),
    ] {
        stack.configure(&bucket(&format!("storage = {storage}")));
        said(&stack.terraform.plan(), &[wanted, "storage"]);
    }
    let archive = r#"storage = { transitions = [{ days = 90, storage_class = "DEEP_ARCHIVE" }] }"#;
    stack.configure(&bucket(archive));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let warning = "Archived objects cannot be verified at once";
    assert!(plan.stdout.contains(warning), "{plan}");
}

/// A page of the inventories, of which one more may follow.
fn inventory(id: &str, more: &str) -> String {
    format!(
        "<ListInventoryConfigurationsResult><InventoryConfiguration><Id>{id}</Id><IsEnabled>true</IsEnabled>\
         <IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule>\
         <Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format></S3BucketDestination>\
         </Destination></InventoryConfiguration>{more}</ListInventoryConfigurationsResult>"
    )
}

async fn set_up_by_others(s3: &aws_sdk_s3::Client) {
    let events = NotificationConfiguration::builder()
        .event_bridge_configuration(EventBridgeConfiguration::builder().build());
    let put = s3.put_bucket_notification_configuration().bucket("trail");
    let put = put.notification_configuration(events.build());
    put.send().await.unwrap();
    let copy = Destination::builder().bucket("arn:aws:s3:::copy").build();
    let rule = ReplicationRule::builder()
        .id("dr")
        .priority(1)
        .filter(ReplicationRuleFilter::builder().prefix("").build())
        .delete_marker_replication(DeleteMarkerReplication::builder().build())
        .status(ReplicationRuleStatus::Enabled)
        .destination(copy.unwrap())
        .build();
    let replication = ReplicationConfiguration::builder()
        .role("arn:aws:iam::000000000000:role/replication")
        .rules(rule.unwrap());
    let put = s3.put_bucket_replication().bucket("trail");
    let put = put.replication_configuration(replication.build().unwrap());
    put.send().await.unwrap();
}

/// moto keeps no notification to `EventBridge`. No local endpoint has inventories, so the answers get two on their way.
#[tokio::test]
async fn what_others_set_up_is_shown_and_left_alone() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let stack = Stack::with_env(endpoint, &env, &bucket(""));
    let copy = bucket("").replace("\"audit\"", "\"copy\"");
    stack.configure(&(bucket("") + &copy.replace("\"trail\"", "\"copy\"")));
    stack.terraform.apply().ok();
    stack.configure(&bucket(""));
    stack
        .terraform
        .run(&["state", "rm", "auditlog_bucket.copy"])
        .ok();

    let s3 = stack.endpoint.s3();
    set_up_by_others(&s3).await;
    let page = |text: String| Fault::change(move |reply| reply.body = text.clone().into());
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>b</NextContinuationToken>";
    way.from_now_on("GET", "continuation-token=b", page(inventory("weekly", "")));
    way.from_now_on("GET", "?inventory", page(inventory("daily", more)));
    // a change outside of the configuration, which plans nothing
    stack.assert_no_changes();
    stack
        .terraform
        .run(&["apply", "-refresh-only", "-auto-approve"])
        .ok();
    assert_eq!(
        values(&stack.terraform, ADDRESS)["foreign"],
        json!([
            "inventory daily",
            "inventory weekly",
            "notification to EventBridge",
            "replication dr to arn:aws:s3:::copy",
        ])
    );
    stack.configure(&bucket("tags = { a = \"b\" }"));
    assert_eq!(stack.planned(ADDRESS).attributes, ["tags", "tags_all"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let found = s3.get_bucket_notification_configuration().bucket("trail");
    let found = found.send().await.unwrap();
    assert!(found.event_bridge_configuration.is_some());
    let found = s3.get_bucket_replication().bucket("trail").send().await;
    assert_eq!(
        found
            .unwrap()
            .replication_configuration
            .unwrap()
            .rules
            .len(),
        1
    );
    assert_eq!(
        way.requests("PUT", "inventory") + way.requests("DELETE", "inventory"),
        0
    );
}

async fn key_that_s3_cannot_use_is_refused(engine: Engine) {
    let stack = Stack::new(engine, "");
    let kms = stack.endpoint.kms();
    let signing = kms
        .create_key()
        .key_spec(aws_sdk_kms::types::KeySpec::EccNistP256)
        .key_usage(aws_sdk_kms::types::KeyUsageType::SignVerify);
    let signing = signing.send().await.unwrap().key_metadata.unwrap();
    let disabled = kms.create_key().send().await.unwrap();
    let disabled = disabled.key_metadata.unwrap();
    let disable = kms.disable_key().key_id(&disabled.key_id);
    disable.send().await.unwrap();
    let account = engine.account();
    let absent =
        format!("arn:aws:kms:eu-central-1:{account}:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789");
    let elsewhere = absent.replace("eu-central-1", "us-east-1");
    for (arn, wanted) in [
        (signing.arn.unwrap(), "symmetric keys only"),
        (disabled.arn.unwrap(), "the state of the key is Disabled"),
        (absent, "DescribeKey on arn:aws:kms:"),
        (elsewhere, "the key is in the region us-east-1"),
    ] {
        stack.configure(&bucket(&format!(
            "encryption = {{ kms_key_arn = \"{arn}\" }}"
        )));
        said(
            &stack.terraform.plan(),
            &["The KMS key cannot be used", wanted],
        );
    }
    // nothing was made
    let listed = stack.endpoint.s3().list_buckets().send().await.unwrap();
    assert!(listed.buckets().is_empty());
}

/// No local endpoint has event holds, so the answer gets one on its way.
#[test]
fn event_hold_of_another_hand_is_shown_and_kept() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, &bucket(""));
    terraform.init();
    terraform.apply().ok();
    let hold = "<DefaultEventHold><Days>30</Days></DefaultEventHold></DefaultRetention>";
    let with_hold = Fault::change(move |reply| {
        reply.change_text(|text| text.replace("</DefaultRetention>", hold));
    });
    way.from_now_on("GET", "?object-lock", with_hold);
    terraform
        .run(&["apply", "-refresh-only", "-auto-approve"])
        .ok();
    assert_eq!(values(&terraform, ADDRESS)["event_hold"], "30 days");
    assert_no_changes(&terraform);

    terraform.write("main.tf", &bucket("").replace("days = 30", "days = 40"));
    terraform.apply().ok();
    let put = way.bodies("<Days>40</Days>").pop().unwrap();
    assert!(put.contains("<DefaultEventHold><Days>30</Days>"), "{put}");
    assert!(put.contains("<Days>40</Days>"), "{put}");
}

/// An organisation may refuse a bucket without certain tags.
fn bucket_has_its_tags_from_the_first_moment(engine: Engine) {
    let endpoint = engine.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, &bucket("tags = { owner = \"security\" }"));
    terraform.init();
    terraform.apply().ok();
    assert_no_changes(&terraform);
    // Once more for the tags that say since when what is declared: the creation date is known only now.
    assert_eq!(way.requests("PUT", "?tagging"), 1);
    let state = values(&terraform, ADDRESS);
    assert_eq!(state["tags_all"], json!({ "owner": "security" }));

    terraform.write(
        "main.tf",
        &bucket("tags = { \"auditlog:created\" = \"x\" }"),
    );
    said(
        &terraform.plan(),
        &["begins with \"auditlog:\", which this provider reserves"],
    );
    terraform.write("main.tf", &bucket("tags = { owner = \"it\" }"));
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.attributes, ["tags", "tags_all"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}
