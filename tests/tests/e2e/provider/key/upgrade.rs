//! States of earlier versions.

use std::collections::BTreeMap;

use auditlog_tests::{Engine, Terraform};
use serde_json::Value;

use super::{ADDRESS, key_of};
use crate::provider::stack::{Stack, values};

/// As the last version 0.1.0 wrote it.
const STATE_0: &str = include_str!("../states/signing_key_0.tfstate");

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
        format!("resource \"auditlog_signing_key\" \"{name}\" {{\n  alias = \"alias/{name}\"\n}}\n")
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
