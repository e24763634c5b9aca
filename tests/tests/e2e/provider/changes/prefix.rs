//! `bucket_prefix`, and `bucket` in its place.

use auditlog_tests::Engine;

use super::{ADDRESS, Stack, Trail, declaration, log, refused, values};

#[test]
fn bucket_prefix_gives_a_name_that_stays() {
    let config = declaration("mode = \"GOVERNANCE\", days = 3", &log("payments", ""), "")
        .replace("bucket = \"acme-audit\"", "bucket_prefix = \"acme-\"");
    let stack = Stack::applied(Engine::Ministack, &config);
    stack.assert_no_changes();
    let state = values(&stack.terraform, ADDRESS);
    let name = state["bucket"].as_str().expect("a name");
    assert!(name.starts_with("acme-") && name.len() == 31, "{name}");
    assert_eq!(
        state["logs"]["payments"]["origin"],
        format!("{name}/payments")
    );
    // the name itself may take the place of the prefix, and the reverse
    let named = config.replace("bucket_prefix = \"acme-\"", &format!("bucket = \"{name}\""));
    let shorter = config.replace("\"acme-\"", "\"acm\"");
    for other in [&named, &config, &shorter, &config] {
        stack.configure(other);
        assert_eq!(stack.planned(ADDRESS).actions, ["update"]);
        stack.terraform.apply().ok();
        stack.assert_no_changes();
    }
    assert_eq!(values(&stack.terraform, ADDRESS)["bucket"], state["bucket"]);
}

#[test]
fn prefix_that_the_name_does_not_begin_with_is_another_bucket() {
    let lock = "mode = \"GOVERNANCE\", days = 3";
    let named = declaration(lock, &log("payments", ""), "");
    let prefixed = |prefix: &str| {
        let prefix = format!("bucket_prefix = \"{prefix}\"");
        named.replace("bucket = \"acme-audit\"", &prefix)
    };
    let trail = Trail::of(&named);
    trail.stack.configure(&prefixed("other-"));
    assert_eq!(trail.stack.planned(ADDRESS).actions, ["delete", "create"]);
    trail.seal(&trail.export("policy.json"));
    refused(
        &trail.stack,
        &prefixed("other-"),
        "The bucket \"acme-audit\" holds object versions or delete markers. A change of `bucket_prefix` makes another bucket",
    );
    trail.becomes(&prefixed("acme-"));
    trail.stack.assert_no_changes();
    trail.becomes(&named);
    trail.verify(&trail.export("same.json"));
}
