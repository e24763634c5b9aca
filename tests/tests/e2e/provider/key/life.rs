//! Made, changed, imported, destroyed.

use auditlog_chain::keys::{KeySpec, PublicKey};
use auditlog_tests::Engine;
use aws_sdk_kms::types::KeyState;
use serde_json::Value;

use super::{
    ADDRESS, ALIAS, describe, holder, id, key, key_of, policy, said, signs, states, tag, text,
};
use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    key_is_made_changed_and_kept_by_a_destroy.await,
    destroy_schedules_the_deletion_where_that_is_wanted.await,
    imported_key_needs_no_change,
    spec_that_the_endpoint_has_not_is_refused_with_the_remedy.await,
}

const EVERY_ARGUMENT: &str = r#"
alias                   = "alias/two"
description             = "d"
signers                 = ["arn:aws:iam::000000000000:role/sealer"]
verifiers               = ["arn:aws:iam::000000000000:role/path/auditor"]
administrators          = ["arn:aws:iam::000000000000:root"]
rotation                = { period_in_days = 365, grace_in_days = 3 }
on_destroy              = "retain"
deletion_window_in_days = 7
tags                    = { a = "b" }
"#;

/// All of them. For moto, `administrators` is left out: its caller is a user of STS, whom no policy can name.
fn every_argument(engine: Engine) -> String {
    let lines = EVERY_ARGUMENT.lines();
    let lines = lines.filter(|line| engine == Engine::Ministack || !line.starts_with("admin"));
    lines.collect::<Vec<_>>().join("\n")
}

async fn key_is_made_changed_and_kept_by_a_destroy(engine: Engine) {
    let stack = Stack::new(engine, &key(engine, ALIAS));
    stack.terraform.validate().ok();
    let plan = stack.terraform.plan();
    said(
        &plan,
        &[
            "IAM alone decides who may use the key",
            "sign with the key (signers), verify with it and read its public key (verifiers), change and delete it (administrators)",
        ],
    );
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
    assert_eq!(states(&created), ["current"]);
    assert_eq!(created["trust"]["alias"], "alias/one");
    assert_eq!(
        created["trust"]["keys"][0]["spki"],
        created["public_key_spki"]
    );
    assert!(signs(&stack, &id(&stack)).await);

    stack.configure(&key(engine, &every_argument(engine)));
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    let mut attributes = change.attributes;
    let administered = attributes.iter().any(|name| name == "administrators");
    assert_eq!(administered, engine == Engine::Ministack);
    attributes.retain(|name| name != "administrators");
    assert_eq!(
        attributes,
        [
            "alias",
            "deletion_window_in_days",
            "description",
            "policy",
            "rotation",
            "rotation_due",
            "signers",
            "tags",
            "tags_all",
            "trust",
            "verifiers"
        ]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let changed = values(&stack.terraform, ADDRESS);
    // an unrelated change leaves what a log is declared with
    assert_eq!(changed["trust"]["keys"], created["trust"]["keys"]);
    assert_eq!(changed["versions"], created["versions"]);
    let key_id = id(&stack);
    let found = describe(&stack, "alias/two").await.unwrap();
    assert_eq!(
        (found.key_id.as_str(), found.description.as_deref()),
        (key_id.as_str(), Some("d"))
    );
    assert_eq!(holder(&stack, "alias/one").await, None);
    let document = policy(&stack, &key_id).await;
    assert!(
        document.contains("role*/sealer") && document.contains("role*/auditor"),
        "{document}"
    );
    assert_eq!(
        tag(&stack, &key_id, "auditlog:created").await.as_deref(),
        Some("alias/two")
    );

    let plan = stack.terraform.run(&["plan", "-no-color", "-destroy"]).ok();
    said(
        &plan,
        &[
            "The signing key is kept, and nobody signs with it any more",
            &key_id,
        ],
    );
    stack.terraform.destroy().ok();
    let kept = describe(&stack, &key_id).await.unwrap();
    assert_eq!(kept.key_state, Some(KeyState::Enabled));
    assert!(!signs(&stack, &key_id).await);
    assert_eq!(holder(&stack, "alias/two").await, None);

    // the same again is a new key, and the kept one is not taken for a stray
    let again = stack.terraform.apply().ok();
    assert!(!again.stdout.contains("left behind"), "{again}");
    assert_ne!(id(&stack), key_id);
}

async fn destroy_schedules_the_deletion_where_that_is_wanted(engine: Engine) {
    let wanted =
        format!("{ALIAS}\non_destroy = \"schedule_deletion\"\ndeletion_window_in_days = 7");
    let stack = Stack::applied(engine, &key(engine, ALIAS));
    stack.configure(&key(engine, &wanted));
    let changed = stack.planned(ADDRESS).attributes;
    assert_eq!(changed, ["deletion_window_in_days", "on_destroy"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let key_id = id(&stack);
    let plan = stack.terraform.run(&["plan", "-no-color", "-destroy"]).ok();
    said(
        &plan,
        &[
            "Deleting the signing key ends what can be verified without its trust policy",
            "KMS deletes these keys 7 days after the destroy",
        ],
    );
    stack.terraform.destroy().ok();
    let going = describe(&stack, &key_id).await.unwrap();
    assert_eq!(going.key_state, Some(KeyState::PendingDeletion));
    assert_eq!(holder(&stack, "alias/one").await, None);
}

fn imported_key_needs_no_change(engine: Engine) {
    let config = key(
        engine,
        &format!("{ALIAS}\ndescription = \"d\"\ntags = {{ a = \"b\" }}"),
    );
    let stack = Stack::applied(engine, &config);
    let original = values(&stack.terraform, ADDRESS);
    for name in ["key_id", "arn", "alias"] {
        stack.terraform.run(&["state", "rm", ADDRESS]).ok();
        stack.terraform.import(ADDRESS, &text(&original[name])).ok();
        stack.assert_no_changes();
        assert_eq!(values(&stack.terraform, ADDRESS), original);
    }
}

async fn spec_that_the_endpoint_has_not_is_refused_with_the_remedy(engine: Engine) {
    let (spec, code) = match engine {
        Engine::Ministack => ("ML_DSA_44", "UnsupportedOperationException"),
        Engine::Moto => ("ECC_NIST_EDWARDS25519", "ValidationException"),
    };
    let stack = Stack::new(engine, &key_of(&format!("key_spec = {spec:?}"), ALIAS));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(
        &failed,
        &[
            &format!("CreateKey on a new signing key failed: {code}: "),
            &format!(
                "KMS does not have keys of spec {spec} in this region or at this endpoint. Set `key_spec` to one"
            ),
            "on main.tf line 2, in resource \"auditlog_signing_key\" \"audit\"",
        ],
    );
    assert_eq!(values(&stack.terraform, ADDRESS), Value::Null);
    assert!(super::keys(&stack).await.is_empty());
}
