//! The alias: checked before a key is made, moved in one step, never left behind.

use auditlog_tests::{Engine, Proxy};

use super::{ADDRESS, ALIAS, holder, id, key, key_of, keys, other_key, said};
use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    alias_of_somebody_else_is_refused_before_a_key_is_made.await;
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

/// The alias was free to take when it was looked up. Before it is moved, another state finishes a key that has it.
async fn alias_that_is_taken_in_the_meantime_is_left(engine: Engine) {
    let endpoint = engine.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let stack = Stack::with_env(endpoint, &env, &key(engine, ALIAS));
    let (going, live) = (other_key(&stack).await, other_key(&stack).await);
    point(&stack, "alias/one", &going).await;
    let kms = stack.endpoint.kms();
    let deletion = kms.schedule_key_deletion().key_id(&going);
    deletion.pending_window_in_days(7).send().await.unwrap();
    let (taken, runtime) = (live.clone(), tokio::runtime::Handle::current());
    way.decide(move |_, operation| {
        if operation.ends_with("CreateKey") {
            let moved = kms.update_alias().alias_name("alias/one");
            let moved = moved.target_key_id(&taken).send();
            let (done, wait) = std::sync::mpsc::channel();
            runtime.spawn(async move { done.send(moved.await.is_ok()) });
            assert!(wait.recv().unwrap());
        }
        None
    });
    let terraform = &stack.terraform;
    let failed = tokio::task::block_in_place(|| terraform.apply());
    assert_eq!(failed.status, 1, "{failed}");
    said(&failed, &["exists already and points at the key", &live]);
    assert_eq!(holder(&stack, "alias/one").await, Some(live));
    assert!(!super::signs(&stack, &id(&stack)).await);
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

    // nor does one that is there share it with a new one: the plan knows
    stack.configure(&key_of("", ALIAS));
    stack.terraform.apply().ok();
    stack.configure(&(key_of("", ALIAS) + &second));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    said(
        &refused,
        &[
            "Two keys of one alias",
            "The alias \"alias/one\" belongs to another resource of this configuration",
            "alias = \"alias/one\"",
        ],
    );

    // but an alias that the one gives up is the other's, in one apply or two
    stack.configure(&(key_of("", "alias = \"alias/two\"") + &second));
    stack.terraform.apply().ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let key_of = |name: &str| {
        values(&stack.terraform, name)["key_id"]
            .as_str()
            .map(str::to_owned)
    };
    let (first, second) = (key_of(ADDRESS), key_of("auditlog_signing_key.second"));
    assert_eq!(holder(&stack, "alias/two").await, first);
    assert_eq!(holder(&stack, "alias/one").await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn alias_is_not_taken_from_whoever_got_it_in_the_meantime() {
    alias_that_is_taken_in_the_meantime_is_left(Engine::Ministack).await;
}
