//! The alias: checked before a key is made, moved in one step, never left behind.

use auditlog_tests::{Engine, Terraform};

use super::{ADDRESS, ALIAS, holder, id, key, key_of, keys, other_key, said};
use crate::provider::stack::{Stack, assert_no_changes, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    alias_of_somebody_else_is_refused_before_a_key_is_made.await,
    alias_of_a_live_key_of_another_state_is_refused.await,
    replacement_that_keeps_the_old_key_meanwhile_is_refused.await;
    // an alias moves in them
    ministack:
    alias_of_a_key_that_will_be_deleted_is_taken_over.await,
    alias_that_somebody_moved_comes_back.await,
}

async fn point(stack: &Stack, alias: &str, key: &str) {
    let kms = stack.endpoint.kms();
    let made = kms
        .create_alias()
        .alias_name(alias)
        .target_key_id(key)
        .send();
    made.await.expect("an alias");
}

async fn alias_of_somebody_else_is_refused_before_a_key_is_made(engine: Engine) {
    let stack = Stack::new(engine, &key(engine, ALIAS));
    let other = other_key(&stack).await;
    point(&stack, "alias/one", &other).await;
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(
        &failed,
        &[
            "The key was not created",
            "The alias \"alias/one\" exists already and points at the key",
            "alias = \"alias/one\"",
        ],
    );
    assert_eq!(keys(&stack).await, [other.as_str()]);
    assert!(values(&stack.terraform, ADDRESS).is_null());

    // nor does a key that is there get a second alias, and the one that it has stays
    stack.configure(&key(engine, "alias = \"alias/two\""));
    stack.terraform.apply().ok();
    let ours = id(&stack);
    stack.configure(&key(engine, ALIAS));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(&failed, &["exists already and points at the key"]);
    assert_eq!(holder(&stack, "alias/two").await, Some(ours));
    assert_eq!(holder(&stack, "alias/one").await, Some(other));
}

async fn alias_of_a_live_key_of_another_state_is_refused(engine: Engine) {
    let stack = Stack::applied(engine, &key(engine, ALIAS));
    let ours = id(&stack);
    let second = Terraform::with_config(&stack.endpoint.env(), &key(engine, ALIAS));
    second.init();
    let failed = second.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(
        &failed,
        &[
            "The alias \"alias/one\" exists already and points at the key",
            "import {",
        ],
    );
    assert_eq!(keys(&stack).await, [ours.as_str()]);
    assert!(super::signs(&stack, &ours).await);
    assert_eq!(holder(&stack, "alias/one").await, Some(ours.clone()));
    stack.assert_no_changes();

    // somebody deletes the alias: it is free, but the key that can sign is left alone
    let kms = stack.endpoint.kms();
    let deleted = kms.delete_alias().alias_name("alias/one").send();
    deleted.await.unwrap();
    let applied = second.apply().ok();
    said(&applied, &["A key of the same alias can sign", &ours]);
    assert!(super::signs(&stack, &ours).await);
    assert_no_changes(&second);
}

async fn alias_of_a_key_that_will_be_deleted_is_taken_over(engine: Engine) {
    let stack = Stack::new(engine, &key(engine, ALIAS));
    let other = other_key(&stack).await;
    point(&stack, "alias/one", &other).await;
    let kms = stack.endpoint.kms();
    let deletion = kms
        .schedule_key_deletion()
        .key_id(&other)
        .pending_window_in_days(7);
    deletion.send().await.unwrap();
    // moto forgets the alias of such a key
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
}

async fn alias_that_somebody_moved_comes_back(engine: Engine) {
    let stack = Stack::applied(engine, &key(engine, ALIAS));
    let other = other_key(&stack).await;
    let kms = stack.endpoint.kms();
    let moved = kms
        .update_alias()
        .alias_name("alias/one")
        .target_key_id(&other);
    moved.send().await.unwrap();
    let change = stack.planned(ADDRESS);
    assert_eq!(
        (change.actions, change.attributes),
        (vec!["update".to_owned()], vec!["alias".to_owned()])
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));

    kms.delete_alias()
        .alias_name("alias/one")
        .send()
        .await
        .unwrap();
    assert_eq!(stack.planned(ADDRESS).attributes, ["alias"]);
    stack.terraform.apply().ok();
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
}

/// Terraform plans such a create again in the apply, without state: it looks as if another state wanted the alias.
async fn replacement_that_keeps_the_old_key_meanwhile_is_refused(engine: Engine) {
    let first = format!("{ALIAS}\nlifecycle {{\n  create_before_destroy = true\n}}");
    let stack = Stack::applied(engine, &key(engine, &first));
    let old = id(&stack);
    let replace = ["apply", "-no-color", "-auto-approve", "-replace", ADDRESS];
    let failed = stack.terraform.run(&replace);
    assert_eq!(failed.status, 1, "{failed}");
    said(&failed, &["alias/one", "rotation.trigger"]);
    stack.assert_no_changes();
    assert_eq!(id(&stack), old);
    assert_eq!(
        holder(&stack, "alias/one").await.as_deref(),
        Some(old.as_str())
    );
    assert!(super::signs(&stack, &old).await);
}

#[tokio::test]
async fn two_resources_do_not_share_an_alias() {
    let second = key_of("", ALIAS).replace("\"audit\"", "\"second\"");
    let stack = Stack::new(Engine::Ministack, &(key_of("", ALIAS) + &second));
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    said(
        &failed,
        &["The alias \"alias/one\" belongs to another resource of this configuration"],
    );
    assert_eq!(keys(&stack).await.len(), 1);
}
