//! `auditlog_signing_key` from its first plan to its destruction.

use auditlog_chain::keys::{KeySpec, PublicKey};
use aws_sdk_kms::types::KeyState;

use crate::provider_stack::{Stack, values};

const ADDRESS: &str = "auditlog_signing_key.audit";

fn key(arguments: &str) -> String {
    format!("resource \"auditlog_signing_key\" \"audit\" {{\n{arguments}\n}}\n")
}

fn id(stack: &Stack) -> String {
    values(&stack.terraform, ADDRESS)["key_id"]
        .as_str()
        .expect("a key id")
        .to_owned()
}

#[tokio::test]
async fn key_is_made_changed_replaced_and_destroyed() {
    let stack = Stack::new(&key("alias = \"alias/one\""));
    stack.terraform.validate().ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let created = values(&stack.terraform, ADDRESS);
    let public = PublicKey::from_pem(created["public_key_pem"].as_str().unwrap()).unwrap();
    assert_eq!(public.spec(), KeySpec::EccNistEdwards25519);
    assert_eq!(created["usage"], "SIGN_VERIFY");

    stack.configure(&key(
        "alias = \"alias/two\"\ndescription = \"d\"\nenabled = false\ntags = { a = \"b\" }",
    ));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(
        change.attributes,
        ["alias", "description", "enabled", "tags", "tags_all"]
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
        (false, Some("d"))
    );
    assert!(kms.describe_key().key_id("alias/one").send().await.is_err());

    let first = id(&stack);
    stack.configure(&key(
        "spec = \"ECC_NIST_P256\"\ndeletion_window_in_days = 7",
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

#[tokio::test]
async fn drift_of_a_key_is_found_and_put_back() {
    let stack = Stack::applied(&key("alias = \"alias/one\"\ndescription = \"d\""));
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
    kms.disable_key().key_id(&id).send().await.unwrap();
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(change.attributes, ["alias", "description", "enabled"]);
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

#[test]
fn imported_key_needs_no_change() {
    let config = key("alias = \"alias/one\"\ndescription = \"d\"\ntags = { a = \"b\" }");
    let stack = Stack::applied(&config);
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

#[tokio::test]
async fn half_made_key_is_kept_tainted_and_replaced() {
    let stack = Stack::new(&key("alias = \"alias/taken\""));
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

    stack.configure(&key("alias = \"alias/free\""));
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
