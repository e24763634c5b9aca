//! `auditlog_trust_policy_archive`: each policy an object under a lock, and nothing written over.

use std::collections::BTreeMap;

use auditlog_tests::{Engine, REGION};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    ObjectLockRetention, ObjectLockRetentionMode, VersioningConfiguration,
};

use tf_provider::harness::{Change, Client, Instance};
use tf_provider::{Object, Value};

use crate::provider::stack::{Stack, harness, values};

const ADDRESS: &str = "auditlog_trust_policy_archive.audit";

/// The stack with a silence, which is what the tests change of a policy.
fn config(silence: &str, prefix: &str) -> String {
    format!(
        r#"
data "auditlog_trust_policy" "audit" {{
  bucket      = "trail"
  region      = "eu-central-1"
  account_id  = "000000000000"
  lock_spans  = [{{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 3 }}]
  max_silence = "{silence}"
  logs        = [{{ origin = "acme.example/audit/payments" }}]
  keys = [{{
    valid_from = "2026-01-01T00:00:00Z"
    public_key = <<-PEM
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
      -----END PUBLIC KEY-----
    PEM
  }}]
  declared_prefixes = ["trust-policies/"]
}}

resource "auditlog_trust_policy_archive" "audit" {{
  bucket       = "trail"
  prefix       = "{prefix}"
  trust_policy = data.auditlog_trust_policy.audit.json
}}

output "policy" {{
  value = data.auditlog_trust_policy.audit.json
}}
"#
    )
}

struct World {
    stack: Stack,
    s3: aws_sdk_s3::Client,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let stack = Stack::new(Engine::Ministack, &config("1h", "trust-policies/"));
        let s3 = stack.endpoint.s3();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let place = CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::EuCentral1)
                .build();
            let create = s3.create_bucket().bucket("trail");
            let create = create.create_bucket_configuration(place);
            create
                .object_lock_enabled_for_bucket(true)
                .send()
                .await
                .unwrap();
            let enabled = VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Enabled)
                .build();
            let versioning = s3.put_bucket_versioning().bucket("trail");
            versioning
                .versioning_configuration(enabled)
                .send()
                .await
                .unwrap();
        });
        stack.terraform.apply().ok();
        stack.assert_no_changes();
        Self { stack, s3, runtime }
    }

    fn value(&self, name: &str) -> String {
        let value = values(&self.stack.terraform, ADDRESS)[name].clone();
        value.as_str().unwrap_or_default().to_owned()
    }

    fn read(&self, key: &str) -> String {
        self.runtime.block_on(async {
            let object = self
                .s3
                .get_object()
                .bucket("trail")
                .key(key)
                .send()
                .await
                .unwrap();
            let bytes = object.body.collect().await.unwrap().into_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        })
    }

    fn versions(&self) -> usize {
        self.runtime.block_on(async {
            let list = self
                .s3
                .list_object_versions()
                .bucket("trail")
                .send()
                .await
                .unwrap();
            list.versions().len()
        })
    }

    /// A lock of one hour, with the right to bypass the one that is there.
    fn shorten(&self, key: &str) {
        let hour = std::time::SystemTime::now() + std::time::Duration::from_hours(1);
        let short = ObjectLockRetention::builder()
            .mode(ObjectLockRetentionMode::Governance)
            .retain_until_date(DateTime::from(hour))
            .build();
        let put = self.s3.put_object_retention().bucket("trail").key(key);
        let put = put.bypass_governance_retention(true).retention(short);
        self.runtime.block_on(put.send()).unwrap();
    }
}

#[test]
fn each_policy_is_an_object_under_a_lock_and_those_before_stay() {
    let world = World::new();
    let terraform = &world.stack.terraform;
    let (first, policy) = (world.value("key"), terraform.output("policy"));
    assert_eq!(
        first,
        format!("trust-policies/{}.json", world.value("sha256"))
    );
    assert_eq!(world.read(&first), policy.as_str().unwrap());
    assert_eq!(world.value("mode"), "GOVERNANCE");
    assert!(world.value("retain_until") > world.value("stored"));

    terraform.run(&["state", "rm", ADDRESS]).ok();
    terraform.import(ADDRESS, &format!("trail/{first}")).ok();
    world.stack.assert_no_changes();

    world.stack.configure(&config("2h", "trust-policies/"));
    let planned = world.stack.planned(ADDRESS);
    assert_eq!(planned.actions, ["update"]);
    terraform.apply().ok();
    world.stack.assert_no_changes();
    assert_ne!(world.value("key"), first);
    assert_eq!(world.versions(), 2);

    // The first one again: its object is found, and nothing is written.
    world.stack.configure(&config("1h", "trust-policies/"));
    terraform.apply().ok();
    world.stack.assert_no_changes();
    assert_eq!((world.value("key"), world.versions()), (first.clone(), 2));

    let destroyed = terraform.destroy().ok();
    let text = destroyed
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("The archived trust policy is not deleted"),
        "{destroyed}"
    );
    assert_eq!(world.versions(), 2);
    terraform.apply().ok();
    assert_eq!((world.value("key"), world.versions()), (first, 2));
}

/// Each of the other arguments, by the protocol itself: where the object is then, and how it is locked.
#[tokio::test]
async fn every_argument_of_an_archive_can_be_changed() {
    let endpoint = Engine::Ministack.start();
    let provider = harness(&endpoint, Client::newest(), Object::new()).await;
    let lock = |mode: &str, days: u32| {
        let acknowledged = (mode == "COMPLIANCE").then(|| format!("COMPLIANCE {days} days"));
        let lock = Object::new().with("mode", mode).with("days", days);
        lock.with("acknowledge_irreversible", acknowledged)
    };
    let mut key = provider.resource("auditlog_signing_key").unwrap();
    key.apply(&Object::new().with("alias", "alias/one"))
        .await
        .unwrap();
    let log = Object::new().with("signing_key", key.state().unwrap().value("trust").clone());
    let mut policies = Vec::new();
    for (name, region) in [("trail", REGION), ("other", REGION), ("there", "eu-west-1")] {
        let mut bucket = provider.resource("auditlog_bucket").unwrap();
        let logs = BTreeMap::from([("a".to_owned(), Value::from(&log))]);
        let config = Object::new()
            .with("bucket", name)
            .with("region", region)
            .with("object_lock", lock("GOVERNANCE", 3))
            .with("logs", Value::Map(logs))
            .with("declared_prefixes", vec!["policies/", "more/"]);
        bucket
            .apply(&config)
            .await
            .map_err(|found| format!("{found:?}"))
            .unwrap();
        policies.push(bucket.state().unwrap().value("trust_policy").clone());
    }
    let mut archive = provider.resource("auditlog_trust_policy_archive").unwrap();
    let first = Object::new()
        .with("bucket", "trail")
        .with("prefix", "policies/")
        .with("trust_policy", &policies[0]);
    archive.apply(&first).await.unwrap();
    let text = |archive: &Instance<'_, _>, name: &str| {
        let state = archive.state().unwrap();
        state
            .get::<Option<String>>(name)
            .unwrap()
            .unwrap_or_default()
    };
    let id = format!("trail/{}", text(&archive, "key"));
    let until = text(&archive, "retain_until");
    let longer = first.clone().with("object_lock", lock("COMPLIANCE", 9));
    for (config, change) in [
        (longer.clone(), Change::Update),
        (longer.clone().with("prefix", "more/"), Change::Update),
        (longer.clone().with("bucket", "other"), Change::Replace),
        (
            longer.with("bucket", "there").with("region", "eu-west-1"),
            Change::Replace,
        ),
    ] {
        assert_eq!(
            archive.plan(&config).await.unwrap().change,
            change,
            "{config:?}"
        );
        archive
            .apply(&config)
            .await
            .map_err(|found| format!("{found:?}"))
            .unwrap();
        archive.refresh().await.unwrap();
        let planned = archive.plan(&config).await.unwrap();
        assert_eq!(planned.change, Change::Nothing, "{config:?}");
        assert_eq!(text(&archive, "mode"), "COMPLIANCE");
        assert!(text(&archive, "retain_until") > until);
    }
    // what was stored first is there, with the lock that it got
    let mut imported = provider.resource("auditlog_trust_policy_archive").unwrap();
    imported.import(&id).await.unwrap();
    assert_eq!(text(&imported, "mode"), "COMPLIANCE");
    assert_eq!(text(&imported, "prefix"), "policies/");
    let missing = imported.import("trail/policies/00.json").await.unwrap_err();
    let detail = &missing.iter().next().unwrap().detail;
    assert_eq!(detail, "s3://trail/policies/00.json does not exist.");
}

#[test]
fn what_somebody_changed_behind_terraform_is_found() {
    let world = World::new();
    let terraform = &world.stack.terraform;
    let key = world.value("key");

    let until = world.value("retain_until");
    world.shorten(&key);
    let planned = world.stack.planned(ADDRESS);
    assert_eq!(planned.actions, ["update"]);
    assert!(
        planned.attributes.contains(&"retain_until".to_owned()),
        "{planned:?}"
    );
    terraform.apply().ok();
    world.stack.assert_no_changes();
    assert!(world.value("retain_until") >= until);
    assert_eq!(world.versions(), 1);

    let hide = world.s3.delete_object().bucket("trail").key(&key).send();
    world.runtime.block_on(hide).unwrap();
    assert_eq!(world.stack.planned(ADDRESS).actions, ["create"]);
    terraform.apply().ok();
    world.stack.assert_no_changes();
    assert_eq!(world.versions(), 2);

    let put = world.s3.put_object().bucket("trail").key(&key);
    let put = put.body(b"{}".to_vec().into()).send();
    world.runtime.block_on(put).unwrap();
    let planned = world.stack.planned(ADDRESS);
    assert_eq!(planned.actions, ["update"]);
    assert!(
        planned.attributes.contains(&"sha256".to_owned()),
        "{planned:?}"
    );
    let run = terraform.apply();
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(run.status, 1, "{run}");
    assert!(
        text.contains("The archived trust policy was replaced"),
        "{run}"
    );
    assert!(
        text.contains("aws s3api delete-object --bucket trail"),
        "{run}"
    );
    assert!(!text.contains("--bypass-governance-retention"), "{run}");
    assert_eq!(world.versions(), 3);

    // as in each bucket with a default retention: the version is locked, and the command says how it goes all the same
    world.shorten(&key);
    let run = terraform.apply();
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("--bypass-governance-retention"), "{run}");
    let again = config("1h", "trust-policies/again/");
    world.stack.configure(&again);
    terraform.apply().ok();
    world.stack.assert_no_changes();
    assert_eq!(world.versions(), 4);
}

#[test]
fn archive_stays_in_its_region_when_that_of_the_provider_changes() {
    let world = World::new();
    assert_eq!(world.value("region"), REGION);
    let terraform = &world.stack.terraform;
    let plans_nothing = || {
        let plan = terraform.command(&["plan", "-no-color", "-detailed-exitcode"]);
        let run = plan.env("AWS_REGION", "eu-west-1").run();
        assert_eq!(run.status, 0, "{run}");
    };
    plans_nothing();
    let named = format!("prefix       = \"trust-policies/\"\n  region       = \"{REGION}\"");
    let config = config("1h", "trust-policies/");
    let config = config.replace("prefix       = \"trust-policies/\"", &named);
    world.stack.configure(&config);
    plans_nothing();

    // of an earlier version, whose state had the region only where it was named
    let pulled = terraform.run(&["state", "pull"]).ok().stdout;
    let mut state: serde_json::Value = serde_json::from_str(&pulled).unwrap();
    let resources = state["resources"].as_array_mut().unwrap();
    let archive = resources
        .iter_mut()
        .find(|one| one["type"] == "auditlog_trust_policy_archive");
    archive.unwrap()["instances"][0]["attributes"]["region"] = serde_json::Value::Null;
    state["serial"] = (state["serial"].as_u64().unwrap() + 1).into();
    terraform.write("terraform.tfstate", &state.to_string());
    world
        .stack
        .configure(&self::config("1h", "trust-policies/"));
    let unread = terraform.run(&["apply", "-no-color", "-auto-approve", "-refresh=false"]);
    assert!(unread.ok().stdout.contains("0 destroyed"));
    terraform.apply().ok();
    assert_eq!(world.value("region"), REGION);
    plans_nothing();
}

#[test]
fn prefix_that_the_policy_does_not_declare_is_refused_at_plan() {
    let stack = Stack::new(Engine::Ministack, &config("1h", "policies/"));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    let text = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("object-unaccounted"), "{plan}");
    for (prefix, says) in [
        ("policies", "does not end in"),
        ("a//b/", "is not a prefix"),
    ] {
        stack.configure(&config("1h", prefix));
        let plan = stack.terraform.plan();
        assert_eq!(plan.status, 1, "{plan}");
        assert!(plan.stderr.contains(says), "{plan}");
    }
}

#[test]
fn policy_of_a_bucket_is_archived_in_the_bucket_by_one_apply() {
    let example =
        auditlog_tests::root().join("examples/resources/auditlog_trust_policy_archive/resource.tf");
    let example = std::fs::read_to_string(example).unwrap();
    let stack = Stack::applied(Engine::Ministack, &example);
    stack.assert_no_changes();
    let archived = values(&stack.terraform, ADDRESS);
    let bucket = values(&stack.terraform, "auditlog_bucket.audit");
    assert_eq!(archived["sha256"], bucket["trust_policy_sha256"]);
    assert_eq!(archived["mode"], "GOVERNANCE");

    // A longer retention is another policy, and the lock of its object is as long.
    stack.configure(&example.replace("days = 3", "days = 5"));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let longer = values(&stack.terraform, ADDRESS);
    assert_ne!(longer["key"], archived["key"]);
    assert!(longer["retain_until"].as_str() > archived["retain_until"].as_str());
}
