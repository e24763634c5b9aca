//! `auditlog_signing_key` from its first plan to its destruction.

use auditlog_chain::keys::{KeySpec, PublicKey};
use auditlog_tests::Engine;
use aws_sdk_kms::types::KeyState;

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
        Engine::Moto => key_of("spec = \"ECC_NIST_P256\"", arguments),
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
    stack.configure(&key_of(
        "spec = \"ECC_NIST_P384\"",
        "deletion_window_in_days = 7",
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
    let stack = Stack::new(engine, &key_of(&format!("spec = {spec:?}"), ""));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let words = failed.stderr.split_whitespace().collect::<Vec<_>>();
    let text = words.join(" ");
    for said in [
        &format!("CreateKey on a new signing key failed: {code}: "),
        &format!(
            "KMS does not have keys of spec {spec} in this region or at this endpoint. Set `spec` to one"
        ),
        "on main.tf line 2, in resource \"auditlog_signing_key\" \"audit\"",
    ] {
        assert!(text.contains(said), "{said:?} is not said: {failed}");
    }
    assert_eq!(values(&stack.terraform, ADDRESS), serde_json::Value::Null);
}
