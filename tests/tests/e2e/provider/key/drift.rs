//! What somebody changes behind Terraform's back shows in the next plan, by name.

use auditlog_tests::Engine;
use aws_sdk_kms::types::{GrantOperation, Tag};

use super::{ADDRESS, ALIAS, describe, id, key, other_key, policy, said, signs, states, tag};
use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    drift_of_a_key_is_found_and_put_back.await,
    grant_of_somebody_else_is_named.await;
    // an alias moves in them
    ministack:
    drift_of_an_old_version_is_found_and_put_back.await,
    scheduled_deletion_is_shown_with_its_remedy.await,
    key_that_disappears_gets_a_successor.await,
}

async fn drift_of_a_key_is_found_and_put_back(engine: Engine) {
    let config = format!("{ALIAS}\ndescription = \"d\"\ntags = {{ a = \"b\" }}");
    let stack = Stack::applied(engine, &key(engine, &config));
    let (kms, id) = (stack.endpoint.kms(), id(&stack));
    let ours = policy(&stack, &id).await;
    let theirs = ours
        .replace("AuditlogAlgorithm", "X")
        .replace("StringNotEquals", "StringEquals");
    kms.update_key_description()
        .key_id(&id)
        .description("other")
        .send()
        .await
        .unwrap();
    kms.disable_key().key_id(&id).send().await.unwrap();
    kms.put_key_policy()
        .key_id(&id)
        .policy_name("default")
        .policy(theirs)
        .send()
        .await
        .unwrap();
    let tags = [("a", "c"), ("auditlog:version", "7")];
    let tags = tags.map(|(key, value)| {
        Tag::builder()
            .tag_key(key)
            .tag_value(value)
            .build()
            .unwrap()
    });
    kms.tag_resource()
        .key_id(&id)
        .set_tags(Some(tags.into()))
        .send()
        .await
        .unwrap();
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(
        change.attributes,
        ["description", "drift", "policy", "tags", "tags_all"]
    );
    said(
        &stack.terraform.plan(),
        &[
            "version 1: the key is disabled",
            "version 1: the provider's own tags were changed",
        ],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let found = describe(&stack, "alias/one").await.unwrap();
    assert!(found.enabled);
    assert_eq!(
        tag(&stack, &id, "auditlog:version").await.as_deref(),
        Some("1")
    );
    assert!(signs(&stack, &id).await);
}

async fn drift_of_an_old_version_is_found_and_put_back(engine: Engine) {
    let config = |trigger: &str| {
        key(
            engine,
            &format!("{ALIAS}\nrotation = {{ trigger = {trigger:?}, grace_in_days = 0 }}"),
        )
    };
    let stack = Stack::applied(engine, &config("a"));
    let (kms, old) = (stack.endpoint.kms(), id(&stack));
    let signing = policy(&stack, &old).await;
    stack.configure(&config("b"));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert!(!signs(&stack, &old).await);
    kms.put_key_policy()
        .key_id(&old)
        .policy_name("default")
        .policy(signing)
        .send()
        .await
        .unwrap();
    assert_eq!(stack.planned(ADDRESS).attributes, ["drift"]);
    let describe = kms.update_key_description().key_id(&old);
    describe.description("x").send().await.unwrap();
    let tag = Tag::builder().tag_key("x").tag_value("y").build().unwrap();
    kms.tag_resource()
        .key_id(&old)
        .tags(tag)
        .send()
        .await
        .unwrap();
    kms.disable_key().key_id(&old).send().await.unwrap();
    said(
        &stack.terraform.plan(),
        &[
            "version 1: key policy: the statement \\\"AuditlogRetired\\\" is missing",
            "version 1: the description was changed",
            "version 1: the tags were changed",
            "version 1: the key is disabled",
        ],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert!(!signs(&stack, &old).await);

    let compromised = "compromised = { \"1\" = { at = \"2026-01-01T00:00:00Z\" } }";
    stack.configure(&config("b").replace("rotation", &format!("{compromised}\nrotation")));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    kms.enable_key().key_id(&old).send().await.unwrap();
    assert_eq!(stack.planned(ADDRESS).attributes, ["drift"]);
    said(&stack.terraform.plan(), &["version 1: the key is enabled"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

async fn scheduled_deletion_is_shown_with_its_remedy(engine: Engine) {
    let config = |trigger: &str| {
        key(
            engine,
            &format!("{ALIAS}\nrotation = {{ trigger = {trigger:?} }}"),
        )
    };
    let stack = Stack::applied(engine, &config("a"));
    let (kms, first) = (stack.endpoint.kms(), id(&stack));
    let schedule = |key: &str| {
        kms.schedule_key_deletion()
            .key_id(key)
            .pending_window_in_days(7)
            .send()
    };
    schedule(&first).await.unwrap();
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    let remedy = format!("aws kms cancel-key-deletion --key-id {first}");
    said(
        &plan,
        &["The key that signs is scheduled for deletion", &remedy],
    );

    kms.cancel_key_deletion()
        .key_id(&first)
        .send()
        .await
        .unwrap();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert!(describe(&stack, &first).await.unwrap().enabled);

    // the other way out
    schedule(&first).await.unwrap();
    stack.configure(&config("b"));
    stack.terraform.apply().ok();
    assert_eq!(
        states(&values(&stack.terraform, ADDRESS)),
        ["deletion_scheduled", "current"]
    );
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 0, "{plan}");
    said(&plan, &["An old version will be deleted", &remedy]);
}

/// The history stays: what the key signed is verified with it.
async fn key_that_disappears_gets_a_successor(engine: Engine) {
    let stack = Stack::applied(engine, &key(engine, ALIAS));
    let other = other_key(&stack).await;
    let made = values(&stack.terraform, ADDRESS);
    // as if KMS had deleted it: the state names a key that is not there
    let path = stack.terraform.path().join("terraform.tfstate");
    let state = std::fs::read_to_string(&path).unwrap();
    let gone = "00000000-0000-4000-8000-000000000000";
    let (id, kms) = (id(&stack), stack.endpoint.kms());
    stack
        .terraform
        .write("terraform.tfstate", &state.replace(&id, gone));
    kms.update_alias()
        .alias_name("alias/one")
        .target_key_id(&other)
        .send()
        .await
        .unwrap();
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    said(
        &plan,
        &[
            "The key that signs is gone",
            "because KMS does not have its key any more",
        ],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["gone", "current"]);
    assert_eq!(
        after["trust"]["keys"][0]["spki"],
        made["trust"]["keys"][0]["spki"]
    );
}

async fn grant_of_somebody_else_is_named(engine: Engine) {
    let stack = Stack::applied(engine, &key(engine, ALIAS));
    let (kms, id) = (stack.endpoint.kms(), id(&stack));
    let grant = kms
        .create_grant()
        .key_id(&id)
        .grantee_principal("arn:aws:iam::000000000000:role/thief");
    let grant = grant.operations(GrantOperation::Sign).send().await.unwrap();
    let grant = grant.grant_id.unwrap();
    let plan = stack.terraform.plan();
    said(
        &plan,
        &[
            "Somebody granted the use of the key",
            "arn:aws:iam::000000000000:role/thief the operations Sign",
            &format!("aws kms revoke-grant --key-id {id} --grant-id {grant}"),
        ],
    );
}
