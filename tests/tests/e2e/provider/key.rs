//! `auditlog_signing_key` from its first plan to its destruction.

use std::collections::BTreeMap;

use auditlog_chain::keys::{KeySpec, PublicKey};
use auditlog_tests::{Engine, Terraform};
use aws_sdk_kms::types::KeyState;
use serde_json::Value;

use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    key_is_made_changed_replaced_and_destroyed.await,
    drift_of_a_key_is_found_and_put_back.await,
    imported_key_needs_no_change,
    half_made_key_is_kept_tainted_and_replaced.await,
    spec_that_the_endpoint_has_not_is_refused_with_the_remedy,
}

const ADDRESS: &str = "auditlog_signing_key.audit";

/// A key of the default spec, or for moto, which has no Ed25519, of P-256.
fn key(engine: Engine, arguments: &str) -> String {
    match engine {
        Engine::Ministack => key_of("", arguments),
        Engine::Moto => key_of("key_spec = \"ECC_NIST_P256\"", arguments),
    }
}

fn key_of(spec: &str, arguments: &str) -> String {
    format!("resource \"auditlog_signing_key\" \"audit\" {{\n{spec}\n{arguments}\n}}\n")
}

fn id(stack: &Stack) -> String {
    values(&stack.terraform, ADDRESS)["key_id"]
        .as_str()
        .expect("a key id")
        .to_owned()
}

async fn key_is_made_changed_replaced_and_destroyed(engine: Engine) {
    let stack = Stack::new(engine, &key(engine, "alias = \"alias/one\""));
    stack.terraform.validate().ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let created = values(&stack.terraform, ADDRESS);
    let public = PublicKey::from_pem(created["public_key_pem"].as_str().unwrap()).unwrap();
    let spec = match engine {
        Engine::Ministack => KeySpec::EccNistEdwards25519,
        Engine::Moto => KeySpec::EccNistP256,
    };
    assert_eq!(public.spec(), spec);
    assert_eq!(created["usage"], "SIGN_VERIFY");

    stack.configure(&key(
        engine,
        "alias = \"alias/two\"\ndescription = \"d\"\ntags = { a = \"b\" }",
    ));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(
        change.attributes,
        ["alias", "description", "tags", "tags_all", "trust"]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let kms = stack.endpoint.kms();
    let found = kms
        .describe_key()
        .key_id("alias/two")
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap();
    assert_eq!(
        (found.enabled, found.description.as_deref()),
        (true, Some("d"))
    );
    assert!(kms.describe_key().key_id("alias/one").send().await.is_err());

    let first = id(&stack);
    stack.configure(&key_of(
        "key_spec = \"ECC_NIST_P384\"",
        "alias = \"alias/two\"\ndeletion_window_in_days = 7",
    ));
    assert_eq!(stack.planned(ADDRESS).actions, ["delete", "create"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let second = id(&stack);
    assert_ne!(first, second);

    stack.terraform.destroy().ok();
    for key in [first, second] {
        let going = kms
            .describe_key()
            .key_id(key)
            .send()
            .await
            .unwrap()
            .key_metadata
            .unwrap();
        assert_eq!(going.key_state, Some(KeyState::PendingDeletion));
    }
    let aliases = kms
        .list_aliases()
        .send()
        .await
        .unwrap()
        .aliases
        .unwrap_or_default();
    assert!(
        !aliases
            .iter()
            .any(|alias| alias.alias_name.as_deref() == Some("alias/two")),
        "{aliases:?}"
    );
}

async fn drift_of_a_key_is_found_and_put_back(engine: Engine) {
    let stack = Stack::applied(
        engine,
        &key(engine, "alias = \"alias/one\"\ndescription = \"d\""),
    );
    let (kms, id) = (stack.endpoint.kms(), id(&stack));
    kms.update_key_description()
        .key_id(&id)
        .description("other")
        .send()
        .await
        .unwrap();
    kms.delete_alias()
        .alias_name("alias/one")
        .send()
        .await
        .unwrap();
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(change.attributes, ["alias", "description"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert!(
        kms.describe_key()
            .key_id("alias/one")
            .send()
            .await
            .unwrap()
            .key_metadata
            .unwrap()
            .enabled
    );

    // a key that waits for its deletion counts as gone
    kms.schedule_key_deletion()
        .key_id(&id)
        .pending_window_in_days(7)
        .send()
        .await
        .unwrap();
    assert_eq!(stack.planned(ADDRESS).actions, ["create"]);
}

fn imported_key_needs_no_change(engine: Engine) {
    let config = key(
        engine,
        "alias = \"alias/one\"\ndescription = \"d\"\ntags = { a = \"b\" }",
    );
    let stack = Stack::applied(engine, &config);
    let original = values(&stack.terraform, ADDRESS);
    for name in ["key_id", "arn", "alias"] {
        stack.terraform.run(&["state", "rm", ADDRESS]).ok();
        stack
            .terraform
            .import(ADDRESS, original[name].as_str().unwrap())
            .ok();
        stack.assert_no_changes();
        assert_eq!(values(&stack.terraform, ADDRESS), original);
    }
}

async fn half_made_key_is_kept_tainted_and_replaced(engine: Engine) {
    let stack = Stack::new(engine, &key(engine, "alias = \"alias/taken\""));
    let kms = stack.endpoint.kms();
    let other = kms
        .create_key()
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap()
        .key_id;
    kms.create_alias()
        .alias_name("alias/taken")
        .target_key_id(&other)
        .send()
        .await
        .unwrap();

    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    assert!(
        failed
            .stderr
            .contains("The key was created, but not finished"),
        "{failed}"
    );
    assert!(
        failed.stderr.contains("alias = \"alias/taken\""),
        "the line of the alias is not shown: {failed}"
    );
    let half_made = id(&stack);

    stack.configure(&key(engine, "alias = \"alias/free\""));
    assert_eq!(stack.planned(ADDRESS).actions, ["delete", "create"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let going = kms
        .describe_key()
        .key_id(half_made)
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap();
    assert_eq!(going.key_state, Some(KeyState::PendingDeletion));
    // the other key and its alias are as they were
    let taken = kms
        .describe_key()
        .key_id("alias/taken")
        .send()
        .await
        .unwrap()
        .key_metadata
        .unwrap();
    assert_eq!(taken.key_id, other);
}

fn spec_that_the_endpoint_has_not_is_refused_with_the_remedy(engine: Engine) {
    let (spec, code) = match engine {
        Engine::Ministack => ("ML_DSA_44", "UnsupportedOperationException"),
        Engine::Moto => ("ECC_NIST_EDWARDS25519", "ValidationException"),
    };
    let stack = Stack::new(
        engine,
        &key_of(&format!("key_spec = {spec:?}"), "alias = \"alias/one\""),
    );
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let words = failed.stderr.split_whitespace().collect::<Vec<_>>();
    let text = words.join(" ");
    for said in [
        &format!("CreateKey on a new signing key failed: {code}: "),
        &format!(
            "KMS does not have keys of spec {spec} in this region or at this endpoint. Set `key_spec` to one"
        ),
        "on main.tf line 2, in resource \"auditlog_signing_key\" \"audit\"",
    ] {
        assert!(text.contains(said), "{said:?} is not said: {failed}");
    }
    assert_eq!(values(&stack.terraform, ADDRESS), Value::Null);
}

/// As the last version 0.1.0 wrote it.
const STATE_0: &str = include_str!("states/signing_key_0.tfstate");

/// A provider that has nobody to ask.
const OFFLINE: &str = r#"
provider "auditlog" {
  region                     = "eu-central-1"
  access_key                 = "none"
  secret_key                 = "none"
  skip_requesting_account_id = true
}
"#;

/// The state that a plan starts from, by the names of the resources; nothing is refreshed.
fn prior_states(terraform: &Terraform) -> BTreeMap<String, Value> {
    let plan = ["plan", "-no-color", "-refresh=false", "-out=planned"];
    terraform.run(&plan).ok();
    let planned = terraform.run(&["show", "-json", "planned"]).ok().json();
    let resources = planned["prior_state"]["values"]["root_module"]["resources"].as_array();
    let resources = resources.expect("resources").iter();
    resources
        .map(|found| {
            (
                found["name"].as_str().unwrap().to_owned(),
                found["values"].clone(),
            )
        })
        .collect()
}

#[test]
fn state_of_version_0_is_upgraded() {
    let config = |name: &str| {
        format!("resource \"auditlog_signing_key\" \"{name}\" {{\n  alias = \"alias/x\"\n}}\n")
    };
    let names = ["plain", "full", "disabled"];
    let config = OFFLINE.to_owned() + &names.map(config).concat();
    let terraform = Terraform::with_config(&[], &config);
    terraform.init();
    terraform.write("terraform.tfstate", STATE_0);
    let old: Value = serde_json::from_str(STATE_0).unwrap();
    let upgraded = prior_states(&terraform);
    for resource in old["resources"].as_array().unwrap() {
        let name = resource["name"].as_str().unwrap();
        let before = &resource["instances"][0]["attributes"];
        let after = &upgraded[name];
        for same in [
            "key_id",
            "arn",
            "public_key_pem",
            "creation_date",
            "tags",
            "tags_all",
        ] {
            assert_eq!(after[same], before[same], "{name}: {same}");
        }
        assert_eq!(after["key_spec"], before["spec"], "{name}");
        assert_eq!(after["alias"], before["alias"].as_str().unwrap_or_default());
        let version = &after["versions"]["1"];
        assert_eq!(version["key_id"], before["key_id"], "{name}");
        assert_eq!(version["valid_from"], before["creation_date"], "{name}");
        assert_eq!(version["state"], "current", "{name}");
        let key = &after["trust"]["keys"][0];
        assert_eq!(key["spki"], before["public_key_spki"], "{name}");
        assert_eq!(key["version"], 1, "{name}");
    }
}

/// The state names a key of its own endpoint; here it names one that is there.
#[test]
fn key_of_a_state_of_version_0_is_not_replaced() {
    let arguments = "alias = \"alias/acme-audit\"\ndescription = \"Signs the audit log.\"\ndeletion_window_in_days = 7";
    let config = key_of("key_spec = \"ECC_NIST_P256\"", arguments);
    let stack = Stack::applied(Engine::Ministack, &config);
    let made = values(&stack.terraform, ADDRESS);
    let mut state: Value = serde_json::from_str(STATE_0).unwrap();
    let mut full = state["resources"][1].clone();
    full["name"] = "audit".into();
    let attributes = &mut full["instances"][0]["attributes"];
    for name in [
        "id",
        "key_id",
        "arn",
        "public_key_pem",
        "public_key_spki",
        "creation_date",
    ] {
        attributes[name] = made[name].clone();
    }
    state["resources"] = vec![full].into();
    stack
        .terraform
        .write("terraform.tfstate", &state.to_string());
    assert!(
        !stack
            .planned(ADDRESS)
            .actions
            .contains(&"delete".to_owned())
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(values(&stack.terraform, ADDRESS)["trust"], made["trust"]);
}
