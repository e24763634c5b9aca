//! Makes an existing key what it should be. Every step can be repeated.

use aws_sdk_kms::types::Tag;

use super::model::{KeyParts, KeySettings, Signing, Usability};
use super::{POLICY_NAME, SETTLING};
use crate::aws::clients::Clients;
use crate::aws::policy::policies_agree;
use crate::aws::tags::Tags;
use crate::error::{CallFailure, Error};

/// Makes the key what it should be. A policy that denies signing, and the disabling of a key, come first: if a call after them fails,
/// nobody signs with a key that was declared compromised. A policy that lets somebody sign comes last, so that the key is complete then.
///
/// # Errors
/// What KMS said.
pub async fn change_key(
    clients: &Clients,
    found: &KeyParts,
    wanted: &KeySettings,
) -> Result<(), Error> {
    match wanted.signing {
        Signing::Denied => {
            change_use(clients, found, wanted).await?;
            change_texts(clients, found, wanted).await
        }
        Signing::Allowed => {
            change_texts(clients, found, wanted).await?;
            change_use(clients, found, wanted).await
        }
    }
}

/// Policy and usability.
async fn change_use(
    clients: &Clients,
    found: &KeyParts,
    wanted: &KeySettings,
) -> Result<(), Error> {
    let key = found.key_id.as_str();
    if !policies_agree(&found.policy, &wanted.policy) {
        put_key_policy(clients, key, &wanted.policy).await?;
    }
    match (found.usability, wanted.usability) {
        (Usability::Disabled, Usability::Enabled) => enable(clients, key).await,
        (Usability::Enabled, Usability::Disabled) => disable(clients, key).await,
        (Usability::Enabled, Usability::Enabled) | (Usability::Disabled, Usability::Disabled) => {
            Ok(())
        }
    }
}

/// Description and tags.
async fn change_texts(
    clients: &Clients,
    found: &KeyParts,
    wanted: &KeySettings,
) -> Result<(), Error> {
    let key = found.key_id.as_str();
    if found.description != wanted.description {
        change_description(clients, key, &wanted.description).await?;
    }
    change_tags(clients, key, &found.tags, &wanted.tags).await
}

async fn change_description(clients: &Clients, key: &str, description: &str) -> Result<(), Error> {
    const OPERATION: &str = "UpdateKeyDescription";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients.kms.update_key_description().key_id(key);
            let answer = request.description(description).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}

/// Removes the tags that should not be there, and sets those that should.
///
/// # Errors
/// What KMS said.
pub(super) async fn change_tags(
    clients: &Clients,
    key: &str,
    found: &Tags,
    wanted: &Tags,
) -> Result<(), Error> {
    let gone: Vec<String> = found
        .keys()
        .filter(|tag| !wanted.contains_key(*tag))
        .cloned()
        .collect();
    let new: Tags = wanted
        .iter()
        .filter(|(tag, value)| found.get(*tag) != Some(value))
        .map(|(tag, value)| (tag.clone(), value.clone()))
        .collect();
    if !gone.is_empty() {
        untag(clients, key, &gone).await?;
    }
    if !new.is_empty() {
        tag(clients, key, &new).await?;
    }
    Ok(())
}

async fn untag(clients: &Clients, key: &str, gone: &[String]) -> Result<(), Error> {
    const OPERATION: &str = "UntagResource";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients.kms.untag_resource().key_id(key);
            let answer = request.set_tag_keys(Some(gone.to_vec())).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}

/// Sets tags, and leaves the others.
///
/// # Errors
/// What KMS said.
pub async fn tag(clients: &Clients, key: &str, tags: &Tags) -> Result<(), Error> {
    const OPERATION: &str = "TagResource";
    let tags = sdk_tags(OPERATION, key, tags)?;
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients.kms.tag_resource().key_id(key);
            let answer = request.set_tags(Some(tags.clone())).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}

pub(super) fn sdk_tags(
    operation: &'static str,
    target: &str,
    tags: &Tags,
) -> Result<Vec<Tag>, Error> {
    tags.iter()
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Error::unbuildable(operation, target, &error))
}

/// Puts a key policy. KMS checks that the caller can still change it afterwards; that check is never bypassed.
///
/// # Errors
/// [`Error::KeyPolicyRefused`] where the caller would be locked out; else what KMS said.
pub async fn put_key_policy(clients: &Clients, key: &str, policy: &str) -> Result<(), Error> {
    const OPERATION: &str = "PutKeyPolicy";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients
                .kms
                .put_key_policy()
                .key_id(key)
                .policy_name(POLICY_NAME)
                .policy(policy);
            let answer = request.send().await.map(drop);
            answer.map_err(|error| {
                let failure = Box::new(CallFailure::new(OPERATION, key, &error));
                if failure.code.as_deref() == Some("MalformedPolicyDocumentException") {
                    Error::KeyPolicyRefused { failure }
                } else {
                    Error::Call(failure)
                }
            })
        })
        .await
}

async fn enable(clients: &Clients, key: &str) -> Result<(), Error> {
    const OPERATION: &str = "EnableKey";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let answer = clients.kms.enable_key().key_id(key).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}

async fn disable(clients: &Clients, key: &str) -> Result<(), Error> {
    const OPERATION: &str = "DisableKey";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let answer = clients.kms.disable_key().key_id(key).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}
