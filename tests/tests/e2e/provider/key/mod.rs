//! `auditlog_signing_key` from its first plan to its destruction.

mod alias;
mod caller;
mod disarm;
mod drift;
mod faults;
mod histories;
mod identity;
mod life;
mod refusals;
mod replace;
mod rotation;
mod sealed;
mod socket;
mod upgrade;

use auditlog_tests::{Engine, Run};
use aws_sdk_kms::types::KeyMetadata;
use serde_json::Value;

use crate::provider::stack::{Stack, values};

const ADDRESS: &str = "auditlog_signing_key.audit";
const ALIAS: &str = "alias = \"alias/one\"";

/// A key of the default spec, or for moto, which has no Ed25519, of P-256.
fn key(engine: Engine, arguments: &str) -> String {
    match engine {
        Engine::Ministack => key_of("", arguments),
        Engine::Moto => key_of("key_spec = \"ECC_NIST_P256\"", arguments),
    }
}

fn key_of(spec: &str, arguments: &str) -> String {
    format!("resource \"auditlog_signing_key\" \"audit\" {{\n{spec}\n{arguments}\n}}\n")
}

fn id(stack: &Stack) -> String {
    text(&values(&stack.terraform, ADDRESS)["key_id"])
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The states of the versions, in their order.
fn states(values: &Value) -> Vec<String> {
    let versions = values["versions"].as_object().expect("versions");
    versions
        .values()
        .map(|version| text(&version["state"]))
        .collect()
}

/// What a run printed, on one line: Terraform wraps its own.
fn words(run: &Run) -> String {
    let all = format!("{} {}", run.stdout, run.stderr).replace(['│', '╷', '╵'], " ");
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// It printed each of these.
#[track_caller]
fn said(run: &Run, texts: &[&str]) {
    let words = words(run);
    for text in texts {
        assert!(words.contains(text), "{text:?} is not said: {run}");
    }
}

async fn describe(stack: &Stack, key: &str) -> Option<KeyMetadata> {
    let kms = stack.endpoint.kms();
    kms.describe_key()
        .key_id(key)
        .send()
        .await
        .ok()?
        .key_metadata
}

async fn holder(stack: &Stack, alias: &str) -> Option<String> {
    Some(describe(stack, alias).await?.key_id)
}

async fn policy(stack: &Stack, key: &str) -> String {
    let kms = stack.endpoint.kms();
    let answer = kms
        .get_key_policy()
        .key_id(key)
        .policy_name("default")
        .send()
        .await
        .expect("a policy");
    answer.policy.expect("its text")
}

/// Whether the policy of the key lets its signers sign.
async fn signs(stack: &Stack, key: &str) -> bool {
    let policy = policy(stack, key).await;
    assert_ne!(
        policy.contains("AuditlogSign\""),
        policy.contains("AuditlogRetired"),
        "{policy}"
    );
    policy.contains("AuditlogSign\"")
}

async fn tag(stack: &Stack, key: &str, name: &str) -> Option<String> {
    let kms = stack.endpoint.kms();
    let tags = kms
        .list_resource_tags()
        .key_id(key)
        .send()
        .await
        .expect("tags")
        .tags;
    let mut tags = tags.unwrap_or_default().into_iter();
    tags.find(|tag| tag.tag_key == name)
        .map(|tag| tag.tag_value)
}

async fn keys(stack: &Stack) -> Vec<String> {
    let listed = stack.endpoint.kms().list_keys().send().await.expect("keys");
    let keys = listed.keys.unwrap_or_default().into_iter();
    keys.filter_map(|key| key.key_id).collect()
}

/// A key that somebody else made.
async fn other_key(stack: &Stack) -> String {
    let made = stack
        .endpoint
        .kms()
        .create_key()
        .send()
        .await
        .expect("a key");
    made.key_metadata.expect("its metadata").key_id
}
