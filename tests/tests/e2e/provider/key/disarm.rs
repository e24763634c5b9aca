//! Keys that an interrupted create left behind, named in `disarm`; and aliases that resources of one configuration want of each other.

use auditlog_tests::Engine;

use super::faults::{killed_at, signing, start};
use super::{ADDRESS, ALIAS, holder, id, key_of, keys, other_key, said};
use crate::provider::stack::{Stack, values};

const SECOND: &str = "auditlog_signing_key.second";
const TWO: &str = "alias = \"alias/two\"";

fn second(arguments: &str) -> String {
    key_of("", arguments).replace("\"audit\"", "\"second\"")
}

fn second_id(stack: &Stack) -> String {
    super::text(&values(&stack.terraform, SECOND)["key_id"])
}

fn disarming(key: &str) -> String {
    key_of("", &format!("{ALIAS}\ndisarm = [{key:?}]"))
}

#[tokio::test]
async fn create_that_is_killed_after_its_last_call_is_disarmed_by_name() {
    // the key is named before the next apply
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let left = holder(&stack, "alias/one").await.unwrap();
    stack.configure(&disarming(&left));
    let applied = stack.terraform.apply().ok();
    assert!(!applied.stdout.contains("waits for its alias"), "{applied}");
    assert_ne!(id(&stack), left);
    assert_eq!(signing(&stack).await, [id(&stack)]);
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 0, "{plan}");
    let stale = format!("Remove \"{left}\" from `disarm`: nobody can sign with the key.");
    said(&plan, &["Key that is disarmed already", &stale]);
    stack.configure(&key_of("", ALIAS));
    stack.terraform.apply().ok();
    stack.assert_no_changes();

    // or once a key waits, with the line that the plan prints
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let left = holder(&stack, "alias/one").await.unwrap();
    stack.terraform.apply().ok();
    let waits = [
        "The key waits for its alias",
        &format!("disarm = [{left:?}]"),
    ];
    said(&stack.terraform.plan(), &waits);
    stack.configure(&disarming(&left));
    stack.terraform.apply().ok();
    assert_eq!(signing(&stack).await, [id(&stack)]);
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
    assert_eq!(stack.terraform.plan().status, 0);
}

#[tokio::test]
async fn key_that_no_interrupted_create_left_is_not_disarmed() {
    let (stack, _way) = start(ALIAS);
    stack.terraform.apply().ok();
    let own = id(&stack);
    stack.configure(&disarming(&own));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    said(&refused, &["it is a version of this resource"]);
    stack.configure(&disarming("alias/one"));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    said(
        &refused,
        &["At [0]: \"alias/one\" is neither the id of a KMS key"],
    );
    // of another state
    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    stack.configure(&second(&format!("{TWO}\ndisarm = [{own:?}]")));
    let refused = stack.terraform.apply();
    assert_eq!(refused.status, 1, "{refused}");
    let why = "it has the tag auditlog:created = alias/one, and this resource has the alias \"alias/two\"";
    said(
        &refused,
        &["The key cannot be disarmed", "At disarm[0]:", why],
    );
    assert_eq!(signing(&stack).await, [own]);
    assert_eq!(keys(&stack).await.len(), 1);
}

#[tokio::test]
async fn key_that_moves_to_an_alias_takes_it_from_the_key_that_is_disarmed() {
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let left = holder(&stack, "alias/one").await.unwrap();
    stack.configure(&key_of("", TWO));
    stack.terraform.apply().ok();
    let ours = id(&stack);

    stack.configure(&key_of("", ALIAS));
    let refused = stack.terraform.apply();
    assert_eq!(refused.status, 1, "{refused}");
    said(&refused, &[&format!("disarm = [{left:?}]")]);
    assert!(!super::words(&refused).contains("rotation.trigger"));
    stack.configure(&disarming(&left));
    stack.terraform.apply().ok();
    assert_eq!(id(&stack), ours);
    assert_eq!(signing(&stack).await, std::slice::from_ref(&ours));
    assert_eq!(holder(&stack, "alias/one").await, Some(ours));
    assert_eq!(holder(&stack, "alias/two").await, None);
    assert_eq!(stack.terraform.plan().status, 0);
    stack.configure(&key_of("", ALIAS));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

/// An earlier version of the provider denied signing with it and left the alias.
#[tokio::test]
async fn alias_comes_from_a_key_that_was_disarmed_before() {
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "CreateAlias");
    let left = holder(&stack, "alias/one").await.unwrap();
    stack.configure(&key_of("", TWO));
    stack.terraform.apply().ok();
    stack.configure(&disarming(&left));
    stack.terraform.apply().ok();
    assert_eq!(holder(&stack, "alias/one").await, Some(id(&stack)));
    assert_eq!(stack.terraform.plan().status, 0);
}

#[tokio::test]
async fn nothing_is_disarmed_for_an_alias_that_somebody_else_has() {
    let (stack, way) = start(ALIAS);
    killed_at(&stack, &way, "PutKeyPolicy");
    let left = holder(&stack, "alias/one").await.unwrap();
    stack.configure(&key_of("", TWO));
    stack.terraform.apply().ok();
    let moved = stack.endpoint.kms().update_alias().alias_name("alias/one");
    let foreign = other_key(&stack).await;
    moved.target_key_id(&foreign).send().await.unwrap();

    for create in [false, true] {
        if create {
            stack.terraform.destroy().ok();
        }
        stack.configure(&disarming(&left));
        let refused = stack.terraform.apply();
        assert_eq!(refused.status, 1, "{refused}");
        said(&refused, &["exists already and points at the key"]);
        assert!(!refused.stderr.contains("disarm = ["), "{refused}");
        assert!(super::signs(&stack, &left).await, "create: {create}");
        if !create {
            stack.configure(&key_of("", TWO));
        }
    }
    assert_eq!(holder(&stack, "alias/one").await, Some(foreign));
}

#[tokio::test]
async fn key_of_another_resource_is_not_disarmed() {
    let stack = Stack::applied(Engine::Ministack, &key_of("", ALIAS));
    let ours = id(&stack);
    let refuses = |config: &str| {
        stack.configure(config);
        let refused = stack.terraform.plan();
        assert_eq!(refused.status, 1, "{refused}");
        said(&refused, &["The key cannot be disarmed", &ours]);
    };
    // of a new resource, and of one that is there, with the key's id or its ARN
    let disarm = format!("{TWO}\ndisarm = [{ours:?}]");
    refuses(&(key_of("", ALIAS) + &second(&disarm)));
    stack.configure(&(key_of("", ALIAS) + &second(TWO)));
    stack.terraform.apply().ok();
    let one = format!("{ALIAS}\ndisarm = [{ours:?}]");
    refuses(&(key_of("", TWO) + &second(&one)));
    let arn = super::text(&values(&stack.terraform, ADDRESS)["arn"]);
    let one = format!("{ALIAS}\ndisarm = [{arn:?}]");
    refuses(&(key_of("", "alias = \"alias/three\"") + &second(&one)));
    assert!(super::signs(&stack, &ours).await);
}

#[tokio::test]
async fn keys_that_exchange_their_aliases_are_moved_one_by_one() {
    let of = |one: &str, two: &str| {
        let alias = |name: &str| format!("alias = \"alias/{name}\"");
        key_of("", &alias(one)) + &second(&alias(two))
    };
    let stack = Stack::applied(Engine::Ministack, &of("one", "two"));
    let (one, two) = (id(&stack), second_id(&stack));
    stack.configure(&of("two", "one"));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    let wanted = ["Signing keys exchange their aliases", "over a third alias"];
    said(&refused, &wanted);
    assert!(!super::words(&refused).contains("disarm"), "{refused}");
    // nor does one take the alias that the other one keeps
    stack.configure(&of("two", "two"));
    let refused = stack.terraform.plan();
    assert_eq!(refused.status, 1, "{refused}");
    said(&refused, &["Two keys of one alias"]);

    for step in [of("three", "two"), of("three", "one"), of("two", "one")] {
        stack.configure(&step);
        stack.terraform.apply().ok();
        stack.assert_no_changes();
    }
    assert_eq!(holder(&stack, "alias/two").await, Some(one));
    assert_eq!(holder(&stack, "alias/one").await, Some(two));
    assert_eq!(signing(&stack).await.len(), 2);
}
