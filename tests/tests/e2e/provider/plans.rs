//! Plans of a bucket of whose declaration not all is known yet, or whose caller is not: by the protocol itself. The harness checks
//! what Terraform demands of a plan.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_tests::{Endpoint, Engine};
use terraform_provider_auditlog::provider::Auditlog;
use tf_provider::harness::{Change, Client, Harness, Instance};
use tf_provider::{Diagnostics, Object, ToValue as _, Value};

use crate::provider::stack::harness;

const BUCKET: &str = "auditlog_bucket";
const SESSION: &str = "arn:aws:sts::000000000000:assumed-role/sealer/session";

async fn provider(endpoint: &Endpoint) -> Harness<Auditlog> {
    harness(endpoint, Client::newest(), Object::new()).await
}

/// What a key exports.
async fn trust(provider: &Harness<Auditlog>) -> Value {
    let mut key = provider.resource("auditlog_signing_key").unwrap();
    let config = Object::new().with("alias", "alias/one");
    key.apply(&config).await.unwrap();
    key.state().unwrap().value("trust").clone()
}

/// A bucket with one log.
fn bucket(log: &Object) -> Object {
    let lock = Object::new().with("mode", "GOVERNANCE").with("days", 3);
    let logs = BTreeMap::from([("a".to_owned(), Value::from(log))]);
    Object::new()
        .with("bucket", "trail")
        .with("object_lock", lock)
        .with("logs", Value::Map(logs))
}

/// By the protocol itself: with identity, without it, and in another region than the provider's.
#[tokio::test]
async fn bucket_is_imported_by_its_identity_and_lives_without_one() {
    let endpoint = Engine::Ministack.start();
    let newest = provider(&endpoint).await;
    let lock = Object::new().with("mode", "GOVERNANCE").with("days", 3);
    let config = Object::new()
        .with("bucket", "trail")
        .with("region", "eu-west-1")
        .with("object_lock", lock);
    let mut one = newest.resource(BUCKET).unwrap();
    one.apply(&config)
        .await
        .map_err(|found| texts(&found))
        .unwrap();
    let text = |bucket: &Instance<'_, _>, name: &str| {
        let state = bucket.state().unwrap();
        state
            .get::<Option<String>>(name)
            .unwrap()
            .unwrap_or_default()
    };
    assert_eq!(text(&one, "region"), "eu-west-1");
    let identity = one.identity().unwrap().expect("an identity");
    assert_eq!(identity.value("region").as_str(), Some("eu-west-1"));
    let mut imported = newest.resource(BUCKET).unwrap();
    imported.import_by_identity(identity).await.unwrap();
    assert_eq!(imported.state(), one.state());
    assert_eq!(
        imported.plan(&config).await.unwrap().change,
        Change::Nothing
    );

    let oldest = harness(&endpoint, Client::oldest(), Object::new()).await;
    let mut old = oldest.resource(BUCKET).unwrap();
    old.import("trail@eu-west-1").await.unwrap();
    assert_eq!(old.state(), one.state());
    let tagged = config.clone().with(
        "tags",
        Value::Map([("a".to_owned(), Value::from("b"))].into()),
    );
    old.apply(&tagged).await.unwrap();
    old.refresh().await.unwrap();
    assert_eq!(old.plan(&tagged).await.unwrap().change, Change::Nothing);

    // an empty bucket may move; one that holds anything may not
    let moved = tagged.clone().with("region", "eu-central-1");
    let planned = old.plan(&moved).await.unwrap();
    assert_eq!(
        (planned.change, planned.replace),
        (Change::Replace, vec!["region".into()])
    );
    let there = aws_sdk_s3::config::Region::new("eu-west-1");
    let there = endpoint.s3().config().to_builder().region(there).build();
    let s3 = aws_sdk_s3::Client::from_conf(there);
    let put = s3.put_object().bucket("trail").key("a");
    put.body(b"x".to_vec().into()).send().await.unwrap();
    refused(
        old.plan(&moved).await,
        &["region: ", "makes another bucket and deletes this one"],
    );
}

fn set(values: &[Value]) -> Value {
    Value::Set(values.iter().cloned().collect())
}

fn texts(found: &Diagnostics) -> Vec<String> {
    let one = |one: &tf_provider::Diagnostic| format!("{}: {}", one.path, one.detail);
    found.iter().map(one).collect()
}

/// The plan is refused by each of these, each at its attribute.
#[track_caller]
fn refused(result: tf_provider::Result<tf_provider::harness::Planned>, said: &[&str]) {
    let found = texts(&result.map(|planned| planned.state).unwrap_err());
    for said in said {
        assert!(
            found.iter().any(|one| one.contains(said)),
            "{said:?}: {found:#?}"
        );
    }
}

async fn is_planned_as_unknown(bucket: &Instance<'_, Auditlog>, config: &Object, name: &str) {
    let planned = bucket.plan(config).await;
    let planned = planned.map_err(|found| texts(&found)).unwrap();
    assert_ne!(planned.change, Change::Nothing, "{name}");
    let state = planned.state.unwrap();
    let log = state.value("logs").as_map().unwrap()["a"]
        .as_object()
        .unwrap()
        .clone();
    assert!(log.value(name).is_unknown(), "{name}: {log:?}");
}

/// The plan would be invalid otherwise, or would be another one than the apply's.
#[tokio::test]
async fn name_and_beginning_of_a_log_may_be_known_later() {
    let endpoint = Engine::Ministack.start();
    let provider = provider(&endpoint).await;
    let mut one = provider.resource(BUCKET).unwrap();
    let log = Object::new().with("signing_key", trust(&provider).await);
    let names = ["origin", "prefix", "began"];
    for name in names {
        let later = bucket(&log.clone().with(name, Value::Unknown));
        is_planned_as_unknown(&one, &later, name).await;
    }
    let before = [
        log.clone(),
        log.clone()
            .with("origin", "acme.example/a")
            .with("prefix", "else/a")
            .with("began", "2026-01-01T00:00:00Z"),
    ];
    for before in before {
        one.apply(&bucket(&before)).await.unwrap();
        for name in names {
            let later = bucket(&before.clone().with(name, Value::Unknown));
            is_planned_as_unknown(&one, &later, name).await;
        }
    }
}

#[tokio::test]
async fn what_is_known_is_checked_beside_what_is_not() {
    let endpoint = Engine::Ministack.start();
    let provider = provider(&endpoint).await;
    let one = provider.resource(BUCKET).unwrap();
    let log = Object::new().with("signing_key", Value::Unknown);
    let later = |log: &Object| bucket(log).with("administrators", Value::Unknown);
    let sessions = set(&[Value::Unknown, Value::from(SESSION)]);
    let writers = log.clone().with("writers", &sessions);
    refused(
        one.plan(&later(&writers)).await,
        &["logs: At logs[\"a\"].writers: "],
    );
    let break_glass = later(&log).with("break_glass", &sessions);
    refused(one.plan(&break_glass).await, &["break_glass: "]);
    let silent = log.clone().with("max_silence", "37h");
    refused(
        one.plan(&later(&silent)).await,
        &["logs: At logs[\"a\"].max_silence: 37h of silence need a retention"],
    );
    let storage = Object::new().with("expiration", "3d");
    refused(
        one.plan(&later(&log).with("storage", storage)).await,
        &["storage: "],
    );
    let tags = (0..50).map(|at| (format!("t{at}"), Value::Unknown));
    let tagged = later(&log).with("tags", Value::Map(tags.collect()));
    refused(one.plan(&tagged).await, &["S3 allows 50"]);
    let named = later(&log)
        .with("bucket", Value::Null)
        .with("bucket_prefix", "acme-");
    let silent = named.clone().with("logs", bucket(&silent).value("logs"));
    refused(one.plan(&silent).await, &["37h of silence"]);

    // and what is in order is not refused: the retention may turn out to be long enough
    let lock = Object::new()
        .with("mode", "GOVERNANCE")
        .with("days", Value::Unknown);
    let silent = log
        .clone()
        .with("max_silence", "37h")
        .with("readers", set(&[]));
    for config in [
        later(&log),
        named,
        bucket(&silent).with("object_lock", lock),
    ] {
        let planned = one
            .plan(&config)
            .await
            .map_err(|found| texts(&found))
            .unwrap();
        let warnings = texts(&planned.warnings);
        let enforced = warnings
            .iter()
            .find(|one| one.contains("IAM alone decides"))
            .unwrap();
        assert!(enforced.contains("- break_glass: "), "{warnings:?}");
        let stated = if config.value("administrators").is_unknown() {
            "- administrators: "
        } else {
            "no such line"
        };
        assert!(!enforced.contains(stated), "{warnings:?}");
    }
}

/// Nothing of it may wait for the apply: key and roles would be made by then.
#[tokio::test]
async fn value_of_the_wrong_kind_is_refused_by_the_plan() {
    let endpoint = Engine::Ministack.start();
    let provider = provider(&endpoint).await;
    let one = provider.resource(BUCKET).unwrap();
    let log = Object::new().with("signing_key", Value::Unknown);
    let ended = |segment: Value| {
        let ended = Object::new()
            .with("segment", segment)
            .with("size", 3)
            .with("root", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .with("sealed", "2026-01-01T00:00:00Z")
            .with("stored", "2026-01-01T00:00:00Z");
        bucket(&log.clone().with("ended", ended))
    };
    let null = [Value::Null];
    for (config, said) in [
        (
            bucket(&log).with("administrators", set(&null)),
            "administrators: A value is required here, and null is not one.",
        ),
        (
            bucket(&log).with("declared_prefixes", Value::List(null.to_vec())),
            "declared_prefixes: A value is required here, and null is not one.",
        ),
        (
            ended((-1).to_value()),
            "logs: At logs[\"a\"].ended.segment: Expected a whole number",
        ),
    ] {
        refused(one.plan(&config).await, &[said]);
        // whatever else is not known yet
        refused(
            one.plan(&config.with("break_glass", Value::Unknown)).await,
            &[said],
        );
    }
}

#[tokio::test]
async fn caller_and_account_must_be_known_where_the_policy_needs_them() {
    let endpoint = Engine::Ministack.start();
    let anonymous = Object::new().with("skip_requesting_account_id", true);
    let provider = harness(&endpoint, Client::newest(), anonymous).await;
    let mut one = provider.resource(BUCKET).unwrap();
    let lock = Object::new().with("mode", "GOVERNANCE").with("days", 3);
    let bare = Object::new()
        .with("bucket", "trail")
        .with("object_lock", lock);
    let roles = BTreeSet::from(["arn:aws:iam::000000000000:role/sealer".to_owned()]);
    let administered = bare.clone().with("administrators", &roles);
    let planned = one.plan(&administered).await.unwrap();
    let unknown = "The provider does not know as whom Terraform runs";
    let warnings = texts(&planned.warnings);
    assert!(
        warnings.iter().any(|one| one.contains(unknown)),
        "{warnings:?}"
    );
    let wrong = texts(&one.apply(&administered).await.unwrap_err());
    assert!(wrong.iter().any(|one| one.contains(unknown)), "{wrong:?}");
    assert!(one.state().is_none());

    let log = Object::new()
        .with("signing_key", Value::Unknown)
        .with("readers", &roles);
    let said = "logs: At logs[\"a\"].readers: The bucket policy needs the account";
    refused(one.plan(&bucket(&log)).await, &[said]);
    let trail = Object::new().with("cloudtrail", Object::new());
    let delivered = bare.clone().with("log_delivery", trail);
    refused(one.plan(&delivered).await, &["log_delivery: "]);
    one.apply(&bare).await.unwrap();
}

#[tokio::test]
async fn lock_that_nobody_can_end_is_announced_with_its_date() {
    let endpoint = Engine::Ministack.start();
    let provider = provider(&endpoint).await;
    let lock = Object::new()
        .with("mode", "COMPLIANCE")
        .with("days", 10)
        .with(
            "acknowledge_irreversible",
            "COMPLIANCE 10 days, COMPLIANCE 7 days",
        );
    let own = Object::new().with("mode", "COMPLIANCE").with("days", 7);
    let log = Object::new()
        .with("signing_key", Value::Unknown)
        .with("object_lock", own);
    let one = provider.resource(BUCKET).unwrap();
    let planned = one
        .plan(&bucket(&log).with("object_lock", lock.clone()))
        .await
        .unwrap();
    let warnings = texts(&planned.warnings);
    for (start, days) in [
        ("object_lock: Mode COMPLIANCE, 10 days", 10),
        (
            "logs: At logs[\"a\"].object_lock: Mode COMPLIANCE, 7 days",
            7,
        ),
    ] {
        let said = warnings.iter().find(|one| one.starts_with(start));
        let said = said.unwrap_or_else(|| panic!("{start}: {warnings:?}"));
        assert!(
            said.contains(&format!("is locked until {}", day(days))),
            "{said}"
        );
    }

    let archive = provider.resource("auditlog_trust_policy_archive").unwrap();
    let config = Object::new()
        .with("bucket", "trail")
        .with("prefix", "policies/")
        .with("trust_policy", Value::Unknown)
        .with("object_lock", &lock);
    let warnings = texts(&archive.plan(&config).await.unwrap().warnings);
    let until = format!("One that is written now is locked until {}", day(10));
    assert!(
        warnings.iter().any(|one| one.contains(&until)),
        "{warnings:?}"
    );
    let plain = lock.with("acknowledge_irreversible", Value::Null);
    refused(
        archive.plan(&config.with("object_lock", plain)).await,
        &["acknowledge_irreversible = \"COMPLIANCE 10 days\""],
    );
}

/// The date so many days from now.
fn day(days: u32) -> String {
    let now = auditlog_chain::timestamp::Timestamp::from_system_time(std::time::SystemTime::now());
    let day = now.expect("a time").saturating_add_days(days).to_rfc3339();
    day.split('T').next().expect("a date").to_owned()
}
