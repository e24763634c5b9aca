//! Whoever runs Terraform stays among the administrators of a key.

use auditlog_tests::{Engine, Run};

use super::{ADDRESS, ALIAS, id, key, keys, policy, said};
use crate::provider::stack::{Stack, values};

/// A key that this role or user administers.
fn administered_by(arn: &str) -> String {
    let administrators = format!("{ALIAS}\nadministrators = [\"{arn}\"]");
    key(Engine::Ministack, &administrators)
}

const ELSE: &str = "arn:aws:iam::000000000000:role/terraform";
/// The user of whom the endpoint takes everybody.
const CALLER: &str = "arn:aws:iam::000000000000:root";

#[track_caller]
fn refused(run: &Run) {
    assert_eq!(run.status, 1, "{run}");
    said(
        run,
        &[
            "Terraform would lock itself out",
            &format!("Terraform runs as {CALLER}, which is not among `administrators`"),
            "With this policy it could not change the key any more",
        ],
    );
}

#[tokio::test]
async fn caller_that_is_not_an_administrator_makes_no_key_and_puts_no_policy() {
    let stack = Stack::new(Engine::Ministack, &administered_by(ELSE));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    said(&plan, &["An apply by this caller will be refused", CALLER]);
    refused(&stack.terraform.apply());
    assert!(keys(&stack).await.is_empty());

    stack.configure(&administered_by(CALLER));
    let plan = stack.terraform.plan();
    assert!(!plan.stdout.contains("will be refused"), "{plan}");
    stack.terraform.apply().ok();
    let key_id = id(&stack);
    let before = policy(&stack, &key_id).await;
    let trust = values(&stack.terraform, ADDRESS)["trust"].clone();

    stack.configure(&administered_by(ELSE));
    refused(&stack.terraform.apply());
    assert_eq!(policy(&stack, &key_id).await, before);
    assert_eq!(values(&stack.terraform, ADDRESS)["trust"], trust);
}
