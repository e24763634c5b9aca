//! A way to KMS on which things go wrong.

use std::sync::{Arc, Mutex};

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy};
use aws_sdk_kms::types::KeyState;

use super::{ADDRESS, ALIAS, describe, holder, id, key_of, keys, said, signs, states};
use crate::provider::stack::{Stack, values};
use crate::seal::bench as seal;

pub(super) fn start(arguments: &str) -> (Stack, Proxy) {
    let endpoint: Endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let stack = Stack::with_env(endpoint, &env, &key_of("", arguments));
    (stack, way)
}

fn refusal(code: &'static str) -> Fault {
    Fault::Answer(Answer::kms_refusal("400 Bad Request", code))
}

fn triggered(trigger: &str) -> String {
    format!("{ALIAS}\nrotation = {{ trigger = {trigger:?} }}")
}

/// The keys that can sign. Keys whose deletion is scheduled cannot.
pub(super) async fn signing(stack: &Stack) -> Vec<String> {
    let mut found = Vec::new();
    for key in keys(stack).await {
        let state = describe(stack, &key).await.unwrap().key_state;
        if state != Some(KeyState::PendingDeletion) && signs(stack, &key).await {
            found.push(key);
        }
    }
    found
}

#[tokio::test]
async fn every_call_on_a_new_key_waits_until_kms_knows_it() {
    let (stack, way) = start(ALIAS);
    let calls = [
        "DescribeKey",
        "GetPublicKey",
        "ListAliases",
        "ListResourceTags",
        "GetKeyPolicy",
        "ListGrants",
        "CreateAlias",
        "PutKeyPolicy",
    ];
    // the first two DescribeKey are about the alias
    for call in calls {
        way.times(2, "POST", call, refusal("NotFoundException"));
    }
    stack.terraform.apply().ok();
    assert!(way.faults() >= 2 * (calls.len() - 1), "{}", way.faults());
    way.heal();
    stack.assert_no_changes();
    assert_eq!(keys(&stack).await.len(), 1);

    stack.configure(&key_of(
        "",
        "alias = \"alias/two\"\ndescription = \"d\"\ntags = { a = \"b\" }",
    ));
    for call in [
        "UpdateKeyDescription",
        "TagResource",
        "CreateAlias",
        "DeleteAlias",
    ] {
        way.once("POST", call, refusal("ConflictException"));
    }
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

#[tokio::test]
async fn lost_answer_of_create_key_leaves_no_second_key_that_signs() {
    let (stack, way) = start(ALIAS);
    way.once("POST", "CreateKey", Fault::LoseAnswer);
    let applied = stack.terraform.apply().ok();
    stack.assert_no_changes();
    let ours = id(&stack);
    let all = keys(&stack).await;
    assert_eq!(all.len(), 2);
    assert_eq!(signing(&stack).await, std::slice::from_ref(&ours));
    let stray = all.iter().find(|key| **key != ours).unwrap();
    said(
        &applied,
        &[
            "A key was left behind",
            "Nobody can sign with it: its key policy denies it.",
            &format!("aws kms schedule-key-deletion --key-id {stray} --pending-window-in-days 7"),
        ],
    );
}

#[tokio::test]
async fn throttled_create_key_is_tried_again() {
    let (stack, way) = start(ALIAS);
    way.times(2, "POST", "CreateKey", refusal("ThrottlingException"));
    stack.terraform.apply().ok();
    assert_eq!(keys(&stack).await.len(), 1);
    assert_eq!(way.requests("POST", "CreateKey"), 3);
}

/// The key is made, and a warning names what was not searched.
#[tokio::test]
async fn keys_that_cannot_be_searched_are_a_warning() {
    let (stack, way) = start(ALIAS);
    way.from_now_on("POST", "ListKeys", refusal("InvalidMarkerException"));
    let applied = stack.terraform.apply().ok();
    said(
        &applied,
        &[
            "Keys cannot be searched",
            "for what an interrupted apply may have left behind. ListKeys on this region failed: InvalidMarkerException",
        ],
    );
    way.heal();
    stack.assert_no_changes();
    assert_eq!(signing(&stack).await, [id(&stack)]);
}

#[tokio::test]
async fn lost_answer_of_a_deletion_is_a_success() {
    let (stack, way) = start(&format!("{ALIAS}\non_destroy = \"schedule_deletion\""));
    stack.terraform.apply().ok();
    let id = id(&stack);
    way.once("POST", "ScheduleKeyDeletion", Fault::LoseAnswer);
    way.once(
        "POST",
        "ScheduleKeyDeletion",
        refusal("KMSInvalidStateException"),
    );
    stack.terraform.destroy().ok();
    assert_eq!(
        describe(&stack, &id).await.unwrap().key_state,
        Some(KeyState::PendingDeletion)
    );
}

#[tokio::test]
async fn half_made_key_is_kept_tainted_and_replaced_or_untainted_and_finished() {
    let (stack, way) = start(ALIAS);
    way.once("POST", "PutKeyPolicy", refusal("AccessDeniedException"));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(
        &failed,
        &[
            "The key was created, but not finished",
            "The credentials need the permission kms:PutKeyPolicy",
            "Still to be done: its key policy.",
            "run `terraform untaint`",
        ],
    );
    let half_made = values(&stack.terraform, ADDRESS);
    assert_eq!(half_made["alias"], "alias/one");
    assert_eq!(states(&half_made), ["unfinished"]);
    assert!(signing(&stack).await.is_empty());

    stack.terraform.run(&["untaint", ADDRESS]).ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(keys(&stack).await.len(), 1);
    assert_eq!(states(&values(&stack.terraform, ADDRESS)), ["current"]);
    assert_eq!(signing(&stack).await, [id(&stack)]);

    // and replaced
    stack.terraform.destroy().ok();
    way.once("POST", "PutKeyPolicy", refusal("AccessDeniedException"));
    assert_eq!(stack.terraform.apply().status, 1);
    let half_made = id(&stack);
    assert_eq!(stack.planned(ADDRESS).actions, ["delete", "create"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(signing(&stack).await, [id(&stack)]);
    // it never signed, so it need not be kept
    let gone = describe(&stack, &half_made).await.unwrap();
    assert_eq!(gone.key_state, Some(KeyState::PendingDeletion));
}

#[tokio::test]
async fn key_that_cannot_be_read_after_its_create_says_what_remains() {
    let (stack, way) = start(ALIAS);
    way.from_now_on("POST", "ListGrants", refusal("AccessDeniedException"));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let wanted = [
        "The key was created, but cannot be read",
        "Still to be done: its alias, its key policy.",
        "run `terraform untaint`",
    ];
    said(&failed, &wanted);
    way.heal();
    stack.terraform.run(&["untaint", ADDRESS]).ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(keys(&stack).await.len(), 1);
    assert_eq!(signing(&stack).await, [id(&stack)]);
}

/// A plan cannot see it where the signers are known after apply.
#[tokio::test]
async fn policy_that_kms_would_not_take_is_refused_before_there_is_a_key() {
    let data = "resource \"terraform_data\" \"name\" {\n  input = \"sealer\"\n}\n";
    let signers = "signers = [for n in range(280) : \"arn:aws:iam::123456789012:role/${terraform_data.name.output}-${n}\"]";
    let (stack, _way) = start(&format!("{ALIAS}\n{signers}"));
    stack.configure(&(key_of("", &format!("{ALIAS}\n{signers}")) + data));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(&failed, &["Impossible key policy", "Name fewer principals"]);
    assert!(keys(&stack).await.is_empty(), "{failed}");
    assert_eq!(values(&stack.terraform, ADDRESS), serde_json::Value::Null);
}

/// Kills Terraform and the provider while an answer is held: nothing is written to the state.
pub(super) fn killed_at(stack: &Stack, way: &Proxy, call: &'static str) {
    way.from_now_on("POST", call, Fault::HoldAnswer);
    let before = way.faults();
    let apply = stack
        .terraform
        .command(&["apply", "-no-color", "-auto-approve"]);
    let apply = seal::start(apply);
    way.wait_for_faults(before + 1);
    let children = std::process::Command::new("pgrep")
        .args(["-P", &apply.0.id().to_string()])
        .output();
    seal::signal(&apply.0, "KILL");
    for child in String::from_utf8(children.unwrap().stdout)
        .unwrap()
        .split_whitespace()
    {
        let sent = std::process::Command::new("kill")
            .args(["-s", "KILL", child])
            .status();
        sent.unwrap();
    }
    seal::ended(apply);
    way.heal();
    // a state that is locked by a process that is gone
    _ = std::fs::remove_file(stack.terraform.path().join(".terraform.tfstate.lock.info"));
}

#[tokio::test]
async fn killed_create_is_done_by_the_next_apply() {
    for call in ["CreateKey", "CreateAlias"] {
        let (stack, way) = start(ALIAS);
        killed_at(&stack, &way, call);
        let applied = stack.terraform.apply().ok();
        stack.assert_no_changes();
        let ours = id(&stack);
        assert_eq!(signing(&stack).await, std::slice::from_ref(&ours), "{call}");
        assert_eq!(holder(&stack, "alias/one").await, Some(ours), "{call}");
        said(
            &applied,
            &["A key was left behind", "Nobody can sign with it"],
        );
    }
}

/// No state knows the key, which can sign: it may as well be that of another state.
#[tokio::test]
async fn create_that_is_killed_after_its_last_call_is_imported_or_removed() {
    let import = format!("import {{\n  to = {ADDRESS}\n  id = \"alias/one\"\n}}\n");
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let made = holder(&stack, "alias/one").await.unwrap();
    stack.configure(&(key_of("", ALIAS) + &import));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(id(&stack), made);
    assert_eq!(signing(&stack).await, [made]);

    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let made = holder(&stack, "alias/one").await.unwrap();
    let applied = stack.terraform.apply().ok();
    let remove =
        format!("aws kms schedule-key-deletion --key-id {made} --pending-window-in-days 7");
    said(&applied, &["The key waits for its alias", &remove]);
    let plan = stack.terraform.plan();
    said(&plan, &["The key waits for its alias", &remove, "import {"]);
    assert_eq!(signing(&stack).await, std::slice::from_ref(&made));
    let delete = stack.endpoint.kms().schedule_key_deletion();
    let delete = delete.key_id(&made).pending_window_in_days(7);
    delete.send().await.unwrap();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(signing(&stack).await, [id(&stack)]);
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
}

#[tokio::test]
async fn policy_that_lets_the_key_sign_is_the_last_call_of_a_create() {
    let (stack, way) = start(ALIAS);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    way.decide(move |_, operation| {
        seen.lock().unwrap().push(operation.to_owned());
        None
    });
    stack.terraform.apply().ok();
    let calls = calls.lock().unwrap();
    let last = calls.last().unwrap();
    assert!(last.ends_with("PutKeyPolicy"), "{calls:?}");
    let puts = calls.iter().filter(|call| *call == last).count();
    assert_eq!(puts, 1, "{calls:?}");
}

/// Tags may fail for reasons of their own: too many of them, or a policy of the organisation.
#[tokio::test]
async fn compromised_key_stops_signing_whatever_becomes_of_its_tags() {
    let (stack, way) = start(ALIAS);
    stack.terraform.apply().ok();
    let first = id(&stack);
    let compromised = "compromised = { \"1\" = { at = \"2026-01-01T00:00:00Z\" } }";
    stack.configure(&key_of("", &format!("{ALIAS}\n{compromised}")));
    way.from_now_on("POST", "TagResource", refusal("LimitExceededException"));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    assert!(!signs(&stack, &first).await);
    way.heal();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["compromised", "current"]);
    let state = describe(&stack, &first).await.unwrap().key_state;
    assert_eq!(state, Some(KeyState::Disabled));
}

#[tokio::test]
async fn killed_rotation_is_done_by_the_next_apply() {
    for call in ["CreateKey", "PutKeyPolicy", "UpdateAlias"] {
        let (stack, way) = start(&triggered("a"));
        stack.terraform.apply().ok();
        let first = id(&stack);
        stack.configure(&key_of("", &triggered("b")));
        killed_at(&stack, &way, call);
        stack.terraform.apply().ok();
        stack.assert_no_changes();
        let after = values(&stack.terraform, ADDRESS);
        assert_eq!(states(&after), ["grace", "current"], "{call}");
        let mut wanted = [first, id(&stack)];
        let mut found = signing(&stack).await;
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{call}");
        assert_eq!(
            holder(&stack, "alias/one").await,
            Some(id(&stack)),
            "{call}"
        );
    }
}

/// The successor can sign and has the alias, and no state knows it.
#[tokio::test]
async fn destroy_after_a_killed_rotation_leaves_nothing_that_signs() {
    let (stack, way) = start(&triggered("a"));
    stack.terraform.apply().ok();
    let first = id(&stack);
    stack.configure(&key_of("", &triggered("b")));
    killed_at(&stack, &way, "UpdateAlias");
    let successor = holder(&stack, "alias/one").await.unwrap();
    assert_ne!(successor, first);
    assert!(signs(&stack, &successor).await);
    let destroyed = stack.terraform.destroy().ok();
    said(&destroyed, &["A key was left behind", &successor]);
    assert!(signing(&stack).await.is_empty());
    assert_eq!(holder(&stack, "alias/one").await, None);
}

#[tokio::test]
async fn rotation_that_fails_half_way_goes_on_with_the_same_key() {
    let (stack, way) = start(&triggered("a"));
    stack.terraform.apply().ok();
    stack.configure(&key_of("", &triggered("b")));
    way.once("POST", "UpdateAlias", refusal("AccessDeniedException"));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let half = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&half), ["current", "unfinished"]);
    assert_eq!(half["trust"]["keys"].as_array().unwrap().len(), 1);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let after = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&after), ["grace", "current"]);
    assert_eq!(
        after["versions"]["2"]["key_id"],
        half["versions"]["2"]["key_id"]
    );
    assert_eq!(keys(&stack).await.len(), 2);
}
