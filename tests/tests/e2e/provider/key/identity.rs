//! The identity, which Terraform sends from version 1.12 on: by the protocol itself.

use auditlog_tests::Engine;
use tf_provider::Object;
use tf_provider::harness::{Change, Client};

use crate::provider::stack::harness;

fn arguments(trigger: &str) -> Object {
    let rotation = Object::new().with("trigger", trigger);
    Object::new()
        .with("alias", "alias/one")
        .with("rotation", rotation)
}

#[tokio::test]
async fn key_is_imported_by_its_identity_which_a_rotation_leaves() {
    let endpoint = Engine::Ministack.start();
    let provider = harness(&endpoint, Client::newest(), Object::new()).await;
    let mut key = provider.resource("auditlog_signing_key").unwrap();
    key.apply(&arguments("a")).await.unwrap();
    let identity = key.identity().unwrap().expect("an identity");
    key.apply(&arguments("b")).await.unwrap();
    assert_eq!(key.identity().unwrap(), Some(identity.clone()));

    let mut imported = provider.resource("auditlog_signing_key").unwrap();
    imported.import_by_identity(identity).await.unwrap();
    assert_eq!(imported.state(), key.state());
    let planned = imported.plan(&arguments("b")).await.unwrap();
    assert_eq!(planned.change, Change::Nothing);
}

#[tokio::test]
async fn key_lives_without_identity_under_an_old_client() {
    let endpoint = Engine::Ministack.start();
    let provider = harness(&endpoint, Client::oldest(), Object::new()).await;
    let mut key = provider.resource("auditlog_signing_key").unwrap();
    key.apply(&arguments("a")).await.unwrap();
    key.apply(&arguments("b")).await.unwrap();
    key.refresh().await.unwrap();
    let planned = key.plan(&arguments("b")).await.unwrap();
    assert_eq!(planned.change, Change::Nothing);
    key.destroy().await.unwrap();
    assert!(key.state().is_none());
}
