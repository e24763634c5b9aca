//! `create_before_destroy`: the new key is made while the old one has the alias, and gets it when the old one is destroyed.

use auditlog_tests::{Endpoint, Engine, Fault, Proxy, Run, Terraform};
use serde_json::Value;

use super::{ADDRESS, ALIAS, describe, holder, id, key_of, keys, said, signs, states, tag};
use crate::provider::stack::{Stack, assert_no_changes, values};

const REPLACE: [&str; 5] = ["apply", "-no-color", "-auto-approve", "-replace", ADDRESS];

fn kept_meanwhile(more: &str) -> String {
    let lifecycle = "lifecycle {\n  create_before_destroy = true\n}";
    key_of("", &format!("{ALIAS}\n{more}\n{lifecycle}"))
}

/// The only version, in the state as the last apply wrote it.
fn state_of_first(terraform: &Terraform) -> Value {
    values(terraform, ADDRESS)["versions"]["1"]["state"].clone()
}

#[tokio::test]
async fn replacement_hands_the_alias_over_and_leaves_one_key_that_signs() {
    let stack = Stack::new(Engine::Ministack, &kept_meanwhile(""));
    stack.terraform.apply().ok();
    let old = id(&stack);
    let replaced = stack.terraform.run(&REPLACE).ok();
    said(&replaced, &["The key waits for its alias", &old]);
    let new = id(&stack);
    assert_ne!(new, old);
    stack.assert_no_changes();
    assert_eq!(holder(&stack, "alias/one").await, Some(new.clone()));
    assert!(signs(&stack, &new).await && !signs(&stack, &old).await);
    assert!(tag(&stack, &old, "auditlog:retained").await.is_some());
    let trust = values(&stack.terraform, ADDRESS)["trust"].clone();
    stack.terraform.apply().ok();
    assert_eq!(states(&values(&stack.terraform, ADDRESS)), ["current"]);
    assert_eq!(values(&stack.terraform, ADDRESS)["trust"], trust);
    assert_eq!(keys(&stack).await.len(), 2);

    // a tainted one too, and with a deletion
    stack.configure(&kept_meanwhile("on_destroy = \"schedule_deletion\""));
    stack.terraform.apply().ok();
    stack.terraform.run(&["taint", ADDRESS]).ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let third = id(&stack);
    assert_ne!(third, new);
    assert_eq!(holder(&stack, "alias/one").await, Some(third.clone()));
    assert!(signs(&stack, &third).await);
    let going = describe(&stack, &new).await.unwrap();
    assert!(going.deletion_date.is_some());
}

fn on_a_way() -> (Stack, Proxy) {
    let endpoint: Endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let stack = Stack::with_env(endpoint, &env, &kept_meanwhile(""));
    (stack, way)
}

/// The old key is destroyed by a later apply, or the new one is finished by it: there is never a second key that signs.
#[tokio::test]
async fn replacement_that_stops_in_between_is_ended_by_the_next_apply() {
    for call in ["UpdateAlias", "PutKeyPolicy"] {
        let (stack, way) = on_a_way();
        stack.terraform.apply().ok();
        let old = id(&stack);
        // of the create, no call is any of these: the new key is made with the policy that it has until the handover
        let refused =
            auditlog_tests::Answer::kms_refusal("400 Bad Request", "AccessDeniedException");
        way.once("POST", call, Fault::Answer(refused));
        let failed = stack.terraform.run(&REPLACE);
        assert_eq!(failed.status, 1, "{call}: {failed}");
        let new = id(&stack);
        assert_ne!(new, old, "{call}");
        assert_eq!(state_of_first(&stack.terraform), "waiting", "{call}");
        assert!(!signs(&stack, &new).await, "{call}");
        stack.terraform.apply().ok();
        let plan = stack.terraform.plan();
        assert_eq!(plan.status, 0, "{call}: {plan}");
        assert_eq!(
            holder(&stack, "alias/one").await.as_ref(),
            Some(&new),
            "{call}"
        );
        assert!(
            signs(&stack, &new).await && !signs(&stack, &old).await,
            "{call}"
        );
    }
}

fn second_state(stack: &Stack) -> (Terraform, Run) {
    let second = Terraform::with_config(&stack.endpoint.env(), &key_of("", ALIAS));
    second.init();
    let applied = second.apply().ok();
    (second, applied)
}

#[tokio::test]
async fn key_of_another_state_keeps_its_alias_and_the_new_key_waits() {
    let stack = Stack::applied(Engine::Ministack, &key_of("", ALIAS));
    let ours = id(&stack);
    let (second, applied) = second_state(&stack);
    said(
        &applied,
        &["The key waits for its alias", "If another state has", &ours],
    );
    let waiting = values(&second, ADDRESS)["key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(state_of_first(&second), "waiting");
    // it is never forgotten that it waits, and an apply changes nothing for the other state
    assert_eq!(second.plan().status, 2);
    second.apply().ok();
    assert_eq!(second.plan().status, 2);
    assert!(signs(&stack, &ours).await && !signs(&stack, &waiting).await);
    assert_eq!(holder(&stack, "alias/one").await, Some(ours.clone()));
    stack.assert_no_changes();

    // it gives up, and what never signed is not kept
    second.destroy().ok();
    assert!(
        describe(&stack, &waiting)
            .await
            .unwrap()
            .deletion_date
            .is_some()
    );
    assert_eq!(holder(&stack, "alias/one").await, Some(ours));
    stack.assert_no_changes();
}

#[tokio::test]
async fn alias_that_becomes_free_goes_to_the_key_that_waits() {
    let stack = Stack::applied(Engine::Ministack, &key_of("", ALIAS));
    let ours = id(&stack);
    let (second, _) = second_state(&stack);
    stack.terraform.destroy().ok();
    assert_eq!(holder(&stack, "alias/one").await, None);
    second.apply().ok();
    assert_no_changes(&second);
    let now = values(&second, ADDRESS)["key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(holder(&stack, "alias/one").await, Some(now.clone()));
    assert!(signs(&stack, &now).await && !signs(&stack, &ours).await);

    // and another alias that is free ends the waiting too
    let (third, _) = second_state(&stack);
    third.write("main.tf", &key_of("", "alias = \"alias/two\""));
    third.apply().ok();
    assert_no_changes(&third);
    let two = values(&third, ADDRESS)["key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(holder(&stack, "alias/two").await, Some(two));
    assert_eq!(holder(&stack, "alias/one").await, Some(now));
}

/// Until the alias is its own, another state may take it: then two keys of one alias could sign.
#[tokio::test]
async fn key_that_waited_may_not_sign_before_it_has_the_alias() {
    let (stack, way) = on_a_way();
    stack.terraform.apply().ok();
    let (second, _) = second_state(&stack);
    let waiting = values(&second, ADDRESS)["key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    stack.terraform.destroy().ok();
    let refused = auditlog_tests::Answer::kms_refusal("400 Bad Request", "AccessDeniedException");
    way.once("POST", "CreateAlias", Fault::Answer(refused));
    let apply = second.command(&["apply", "-no-color", "-auto-approve"]);
    let failed = apply.env("AWS_ENDPOINT_URL", way.url()).run();
    assert_eq!(failed.status, 1, "{failed}");
    assert_eq!(way.faults(), 1, "{failed}");
    assert!(!signs(&stack, &waiting).await);
    second.apply().ok();
    assert_no_changes(&second);
    assert!(signs(&stack, &waiting).await);
    assert_eq!(holder(&stack, "alias/one").await, Some(waiting));
}

/// In the middle of a rotation, the successor can sign and the alias still points at the key before it.
#[tokio::test]
async fn create_of_another_state_leaves_the_successor_of_the_key_that_has_the_alias_alone() {
    let rotated = |trigger: &str| {
        let rotation = format!("rotation = {{ trigger = {trigger:?} }}");
        key_of("", &format!("{ALIAS}\n{rotation}"))
    };
    let stack = Stack::applied(Engine::Ministack, &rotated("a"));
    let first = id(&stack);
    stack.configure(&rotated("b"));
    stack.terraform.apply().ok();
    let successor = id(&stack);
    let back = stack.endpoint.kms().update_alias().alias_name("alias/one");
    back.target_key_id(&first).send().await.unwrap();

    let (second, applied) = second_state(&stack);
    said(&applied, &["A key of the same alias can sign", &successor]);
    assert_eq!(state_of_first(&second), "waiting");
    assert!(signs(&stack, &successor).await && signs(&stack, &first).await);
}
