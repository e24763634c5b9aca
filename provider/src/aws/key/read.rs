//! Reads a key with everything that belongs to it.

use auditlog_chain::keys::{KeySpec, PublicKey};
use aws_sdk_kms::primitives::{DateTime, DateTimeFormat};
use aws_sdk_kms::types::{
    GrantListEntry, KeyMetadata, KeySpec as SdkKeySpec, KeyState, KeyUsageType,
};

use super::model::{Deletion, Grant, KEY_USAGE, KeyParts, Usability};
use super::{POLICY_NAME, SETTLING};
use crate::aws::clients::Clients;
use crate::aws::gone::{Presence, confirm_key};
use crate::aws::tags::Tags;
use crate::error::Error;

/// Reads the key that an id, an ARN or an alias names; `None` if there is none.
///
/// # Errors
/// [`Error::NotASigningKey`] for a key of another usage or spec; else what KMS said.
pub async fn read_key(clients: &Clients, key: &str) -> Result<Option<KeyParts>, Error> {
    match find(clients, key).await? {
        Some(metadata) => parts(clients, metadata).await.map(Some),
        None => Ok(None),
    }
}

/// The metadata of a key; `None` if KMS confirms that there is none.
pub(super) async fn find(clients: &Clients, key: &str) -> Result<Option<KeyMetadata>, Error> {
    match describe(clients, key).await {
        Err(error) if error.code() == Some("NotFoundException") => {
            match confirm_key(clients, key).await? {
                Presence::Gone => Ok(None),
                Presence::There => describe(clients, key).await.map(Some),
            }
        }
        described => described.map(Some),
    }
}

/// Reads a key just made, which not every node of KMS need know yet.
///
/// # Errors
/// As [`read_key`].
pub async fn read_new_key(clients: &Clients, key: &str) -> Result<KeyParts, Error> {
    clients
        .settle("DescribeKey", key, SETTLING, || async {
            parts(clients, describe(clients, key).await?).await
        })
        .await
}

pub(super) async fn describe(clients: &Clients, key: &str) -> Result<KeyMetadata, Error> {
    const OPERATION: &str = "DescribeKey";
    clients
        .kms
        .describe_key()
        .key_id(key)
        .send()
        .await
        .map_err(|error| Error::call(OPERATION, key, &error))?
        .key_metadata
        .ok_or_else(|| Error::incomplete(OPERATION, key, "the key"))
}

/// The deletion that is scheduled, if one is.
pub(super) fn deletion(metadata: &KeyMetadata) -> Option<Deletion> {
    let going = matches!(
        metadata.key_state,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
    );
    let date = metadata.deletion_date.as_ref().and_then(whole_seconds);
    going.then_some(Deletion { date })
}

fn whole_seconds(date: &DateTime) -> Option<String> {
    DateTime::from_secs(date.secs())
        .fmt(DateTimeFormat::DateTime)
        .ok()
}

async fn parts(clients: &Clients, metadata: KeyMetadata) -> Result<KeyParts, Error> {
    let key = metadata.key_id.clone();
    let spec = signing_spec(&metadata)?;
    let absent = |what| Error::incomplete("DescribeKey", &key, what);
    let (aliases, tags, public_key, policy, grants) = tokio::try_join!(
        aliases(clients, &key),
        all_tags(clients, &key),
        public_key(clients, &key),
        read_key_policy(clients, &key),
        grants(clients, &key),
    )?;
    let others_tags = tags.keys().filter(|key| clients.ignores(key)).count();
    let deletion = deletion(&metadata);
    let created = metadata.creation_date.as_ref().and_then(whole_seconds);
    Ok(KeyParts {
        arn: metadata.arn.ok_or_else(|| absent("the ARN"))?,
        creation_date: created.ok_or_else(|| absent("the creation date"))?,
        spec,
        description: metadata.description.unwrap_or_default(),
        usability: if metadata.enabled {
            Usability::Enabled
        } else {
            Usability::Disabled
        },
        deletion,
        aliases,
        tags: without_others(clients, tags),
        others_tags,
        policy,
        grants,
        public_key,
        key_id: metadata.key_id,
    })
}

fn signing_spec(metadata: &KeyMetadata) -> Result<KeySpec, Error> {
    let spec = metadata.key_spec.as_ref().map_or("", SdkKeySpec::as_str);
    let usage = metadata.key_usage.as_ref();
    let usage = usage.map_or("", KeyUsageType::as_str);
    let known = KeySpec::parse(spec).filter(|_| usage == KEY_USAGE);
    known.ok_or_else(|| Error::NotASigningKey {
        spec: spec.to_owned(),
        key: metadata.key_id.clone(),
        usage: usage.to_owned(),
    })
}

async fn aliases(clients: &Clients, key: &str) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut pages = clients
        .kms
        .list_aliases()
        .key_id(key)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call("ListAliases", key, &error))?;
        let listed = page.aliases.unwrap_or_default();
        names.extend(listed.into_iter().filter_map(|alias| alias.alias_name));
    }
    names.sort();
    Ok(names)
}

/// All tags of a key but those that the provider leaves alone.
pub(super) async fn tags(clients: &Clients, key: &str) -> Result<Tags, Error> {
    let all = all_tags(clients, key).await?;
    Ok(without_others(clients, all))
}

fn without_others(clients: &Clients, mut tags: Tags) -> Tags {
    tags.retain(|key, _| !clients.leaves_alone(key));
    tags
}

async fn all_tags(clients: &Clients, key: &str) -> Result<Tags, Error> {
    let mut tags = Tags::new();
    let mut pages = clients
        .kms
        .list_resource_tags()
        .key_id(key)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call("ListResourceTags", key, &error))?;
        let listed = page.tags.unwrap_or_default().into_iter();
        tags.extend(listed.map(|tag| (tag.tag_key, tag.tag_value)));
    }
    Ok(tags)
}

/// The policy of a key.
///
/// # Errors
/// What KMS said.
pub async fn read_key_policy(clients: &Clients, key: &str) -> Result<String, Error> {
    const OPERATION: &str = "GetKeyPolicy";
    let answer = clients
        .kms
        .get_key_policy()
        .key_id(key)
        .policy_name(POLICY_NAME)
        .send()
        .await;
    let answer = answer.map_err(|error| Error::call(OPERATION, key, &error))?;
    answer
        .policy
        .ok_or_else(|| Error::incomplete(OPERATION, key, "the policy"))
}

async fn grants(clients: &Clients, key: &str) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    let mut pages = clients
        .kms
        .list_grants()
        .key_id(key)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call("ListGrants", key, &error))?;
        grants.extend(page.grants.unwrap_or_default().into_iter().map(grant));
    }
    grants.sort();
    Ok(grants)
}

fn grant(listed: GrantListEntry) -> Grant {
    let operations = listed.operations.unwrap_or_default().into_iter();
    let mut operations: Vec<_> = operations.map(|one| one.as_str().to_owned()).collect();
    operations.sort();
    Grant {
        id: listed.grant_id.unwrap_or_default(),
        grantee: listed.grantee_principal.unwrap_or_default(),
        operations,
    }
}

async fn public_key(clients: &Clients, key: &str) -> Result<Option<PublicKey>, Error> {
    const OPERATION: &str = "GetPublicKey";
    match clients.kms.get_public_key().key_id(key).send().await {
        Ok(answer) => {
            let spki = answer
                .public_key
                .ok_or_else(|| Error::incomplete(OPERATION, key, "the public key"))?;
            PublicKey::from_spki_der(spki.as_ref())
                .map(Some)
                .map_err(|reason| Error::PublicKey {
                    key: key.to_owned(),
                    reason,
                })
        }
        Err(error)
            if error.as_service_error().is_some_and(|e| {
                e.is_disabled_exception() || e.is_kms_invalid_state_exception()
            }) =>
        {
            tracing::debug!(key, %error, "the public key cannot be read in this state");
            Ok(None)
        }
        Err(error) => Err(Error::call(OPERATION, key, &error)),
    }
}
