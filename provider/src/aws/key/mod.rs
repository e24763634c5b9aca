//! A KMS key that signs checkpoints, with its alias.

use auditlog_chain::keys::{KeySpec, PublicKey};
use aws_sdk_kms::primitives::{DateTime, DateTimeFormat};
use aws_sdk_kms::types::{KeyMetadata, KeySpec as SdkKeySpec, KeyState, KeyUsageType, Tag};

use crate::aws::clients::Clients;
use crate::aws::gone::{Presence, confirm_key};
use crate::aws::tags::Tags;
use crate::error::{CallFailure, Error};

/// The usage that a signing key has.
pub const KEY_USAGE: &str = "SIGN_VERIFY";

/// Codes that pass by themselves while a new key becomes known to all of KMS, or while it is being changed.
const SETTLING: &[&str] = &[
    "NotFoundException",
    "DependencyTimeoutException",
    "ConflictException",
];
/// The same for a key that exists: not to be found means gone.
const BUSY: &[&str] = &["DependencyTimeoutException", "ConflictException"];

/// What a key should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// A key never changes it.
    pub spec: KeySpec,
    /// The alias with its `alias/`, if the key should have one.
    pub alias: Option<String>,
    /// Free text.
    pub description: String,
    /// Whether the key may be used.
    pub enabled: bool,
    /// All tags, the provider's defaults included.
    pub tags: Tags,
}

/// What a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyParts {
    /// KMS's id of the key.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
    /// Its spec.
    pub spec: KeySpec,
    /// What it is for, as KMS names it.
    pub usage: String,
    /// Free text.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// RFC 3339 in whole seconds.
    pub creation_date: String,
    /// Every alias that points at it, sorted.
    pub aliases: Vec<String>,
    /// All tags but those that the provider leaves alone.
    pub tags: Tags,
    /// The public key; `None` while KMS refuses it because the key is disabled.
    pub public_key: Option<PublicKey>,
}

/// Creates a key and nothing else yet, and returns its id.
///
/// `CreateKey` has no idempotency token: if its answer is lost, the retry makes a second key and the first is
/// nobody's. Everything after it is done by [`change_key`], which can be repeated.
///
/// # Errors
/// What KMS said.
pub async fn create_key(clients: &Clients, wanted: &KeySettings) -> Result<String, Error> {
    const OPERATION: &str = "CreateKey";
    let target = "a new signing key";
    let created = clients
        .kms
        .create_key()
        .key_spec(SdkKeySpec::from(wanted.spec.as_str()))
        .key_usage(KeyUsageType::SignVerify)
        .description(&wanted.description)
        .set_tags(Some(sdk_tags(OPERATION, target, &wanted.tags)?))
        .send()
        .await
        .map_err(|error| refused_spec(wanted.spec, CallFailure::new(OPERATION, target, &error)))?;
    let metadata = created
        .key_metadata
        .ok_or_else(|| incomplete(OPERATION, target, "the key"))?;
    Ok(metadata.key_id)
}

/// KMS has not every spec in every region; it says so in one of two ways, of which the second has other reasons too.
fn refused_spec(spec: KeySpec, failure: CallFailure) -> Error {
    let spec = spec.as_str();
    let failure = Box::new(failure);
    if failure.code.as_deref() == Some("UnsupportedOperationException")
        || failure.message.contains(spec)
    {
        Error::SpecRefused { spec, failure }
    } else {
        Error::Call(failure)
    }
}

/// Reads the key that an id, an ARN or an alias names; `None` if there is none, or if it waits for its deletion.
///
/// # Errors
/// [`Error::NotASigningKey`] for a key of another usage or spec; else what KMS said.
pub async fn read_key(clients: &Clients, key: &str) -> Result<Option<KeyParts>, Error> {
    let metadata = match describe(clients, key).await {
        Err(error) if error.code() == Some("NotFoundException") => {
            match confirm_key(clients, key).await? {
                Presence::Gone => return Ok(None),
                Presence::There => describe(clients, key).await?,
            }
        }
        described => described?,
    };
    if is_going(&metadata) {
        return Ok(None);
    }
    parts(clients, metadata).await.map(Some)
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

async fn describe(clients: &Clients, key: &str) -> Result<KeyMetadata, Error> {
    const OPERATION: &str = "DescribeKey";
    clients
        .kms
        .describe_key()
        .key_id(key)
        .send()
        .await
        .map_err(|error| Error::call(OPERATION, key, &error))?
        .key_metadata
        .ok_or_else(|| incomplete(OPERATION, key, "the key"))
}

fn is_going(metadata: &KeyMetadata) -> bool {
    matches!(
        metadata.key_state,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
    )
}

async fn parts(clients: &Clients, metadata: KeyMetadata) -> Result<KeyParts, Error> {
    let key = metadata.key_id.clone();
    let spec_name = metadata.key_spec.as_ref().map_or("", SdkKeySpec::as_str);
    let usage = metadata
        .key_usage
        .as_ref()
        .map_or("", KeyUsageType::as_str)
        .to_owned();
    let Some(spec) = KeySpec::parse(spec_name).filter(|_| usage == KEY_USAGE) else {
        return Err(Error::NotASigningKey {
            spec: spec_name.to_owned(),
            key,
            usage,
        });
    };
    let (aliases, tags, public_key) = tokio::try_join!(
        aliases(clients, &key),
        tags(clients, &key),
        public_key(clients, &key)
    )?;
    Ok(KeyParts {
        arn: metadata
            .arn
            .ok_or_else(|| incomplete("DescribeKey", &key, "the ARN"))?,
        spec,
        usage,
        description: metadata.description.unwrap_or_default(),
        enabled: metadata.enabled,
        creation_date: metadata
            .creation_date
            .and_then(|date| {
                DateTime::from_secs(date.secs())
                    .fmt(DateTimeFormat::DateTime)
                    .ok()
            })
            .ok_or_else(|| incomplete("DescribeKey", &key, "the creation date"))?,
        aliases,
        tags,
        public_key,
        key_id: key,
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

async fn tags(clients: &Clients, key: &str) -> Result<Tags, Error> {
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
        tags.extend(
            listed
                .map(|tag| (tag.tag_key, tag.tag_value))
                .filter(|(key, _)| !clients.leaves_alone(key)),
        );
    }
    Ok(tags)
}

async fn public_key(clients: &Clients, key: &str) -> Result<Option<PublicKey>, Error> {
    const OPERATION: &str = "GetPublicKey";
    match clients.kms.get_public_key().key_id(key).send().await {
        Ok(answer) => {
            let spki = answer
                .public_key
                .ok_or_else(|| incomplete(OPERATION, key, "the public key"))?;
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

/// Makes the key what it should be: description, tags, alias, enabled. Safe to repeat.
///
/// `former_alias` is the alias that the state knows; it is removed once the new one is set. Other aliases that
/// somebody made for the key are left alone.
///
/// # Errors
/// [`Error::AliasTaken`] if the alias points at another key; else what KMS said.
pub async fn change_key(
    clients: &Clients,
    found: &KeyParts,
    wanted: &KeySettings,
    former_alias: Option<&str>,
) -> Result<(), Error> {
    let key = found.key_id.as_str();
    if found.description != wanted.description {
        change_description(clients, key, &wanted.description).await?;
    }
    change_tags(clients, key, &found.tags, &wanted.tags).await?;
    if let Some(alias) = &wanted.alias
        && !found.aliases.contains(alias)
    {
        create_alias(clients, key, alias).await?;
    }
    if let Some(former) = former_alias
        && wanted.alias.as_deref() != Some(former)
        && found.aliases.iter().any(|alias| alias == former)
    {
        delete_alias(clients, former).await?;
    }
    match (found.enabled, wanted.enabled) {
        (false, true) => enable(clients, key).await,
        (true, false) => disable(clients, key).await,
        (true, true) | (false, false) => Ok(()),
    }
}

async fn change_description(clients: &Clients, key: &str, description: &str) -> Result<(), Error> {
    const OPERATION: &str = "UpdateKeyDescription";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            clients
                .kms
                .update_key_description()
                .key_id(key)
                .description(description)
                .send()
                .await
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await
}

async fn change_tags(
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
        clients
            .kms
            .untag_resource()
            .key_id(key)
            .set_tag_keys(Some(gone))
            .send()
            .await
            .map_err(|error| Error::call("UntagResource", key, &error))?;
    }
    if !new.is_empty() {
        clients
            .kms
            .tag_resource()
            .key_id(key)
            .set_tags(Some(sdk_tags("TagResource", key, &new)?))
            .send()
            .await
            .map_err(|error| Error::call("TagResource", key, &error))?;
    }
    Ok(())
}

fn sdk_tags(operation: &'static str, target: &str, tags: &Tags) -> Result<Vec<Tag>, Error> {
    tags.iter()
        .map(|(key, value)| Tag::builder().tag_key(key).tag_value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Error::unbuildable(operation, target, &error))
}

async fn create_alias(clients: &Clients, key: &str, alias: &str) -> Result<(), Error> {
    const OPERATION: &str = "CreateAlias";
    let created = clients
        .settle(OPERATION, key, SETTLING, || async {
            clients
                .kms
                .create_alias()
                .alias_name(alias)
                .target_key_id(key)
                .send()
                .await
                .map(drop)
                .map_err(|error| Error::call(OPERATION, alias, &error))
        })
        .await;
    match created {
        Err(error) if error.code() == Some("AlreadyExistsException") => {
            // our own, if the answer to it was lost
            let target = describe(clients, alias).await?.key_id;
            if target == key {
                return Ok(());
            }
            Err(Error::AliasTaken {
                alias: alias.to_owned(),
                target,
            })
        }
        done => done,
    }
}

async fn delete_alias(clients: &Clients, alias: &str) -> Result<(), Error> {
    const OPERATION: &str = "DeleteAlias";
    let deleted = clients
        .settle(OPERATION, alias, BUSY, || async {
            clients
                .kms
                .delete_alias()
                .alias_name(alias)
                .send()
                .await
                .map(drop)
                .map_err(|error| Error::call(OPERATION, alias, &error))
        })
        .await;
    match deleted {
        Err(error) if error.code() == Some("NotFoundException") => Ok(()),
        done => done,
    }
}

async fn enable(clients: &Clients, key: &str) -> Result<(), Error> {
    clients
        .kms
        .enable_key()
        .key_id(key)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("EnableKey", key, &error))
}

async fn disable(clients: &Clients, key: &str) -> Result<(), Error> {
    clients
        .kms
        .disable_key()
        .key_id(key)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("DisableKey", key, &error))
}

/// Schedules the key's deletion, its alias first: nothing should sign under a name whose key is being deleted.
///
/// A key that is gone or going already is well. An alias that points at another key by now is left alone.
///
/// # Errors
/// What KMS said.
pub async fn delete_key(
    clients: &Clients,
    key: &str,
    alias: Option<&str>,
    window_days: u32,
) -> Result<(), Error> {
    const OPERATION: &str = "ScheduleKeyDeletion";
    let Some(found) = read_key(clients, key).await? else {
        return Ok(());
    };
    if let Some(alias) = alias
        && found.aliases.iter().any(|known| known == alias)
    {
        delete_alias(clients, alias).await?;
    }
    let scheduled = clients
        .settle(OPERATION, key, BUSY, || async {
            clients
                .kms
                .schedule_key_deletion()
                .key_id(key)
                .set_pending_window_in_days(i32::try_from(window_days).ok())
                .send()
                .await
                .map(drop)
                .map_err(|error| Error::call(OPERATION, key, &error))
        })
        .await;
    match scheduled {
        Err(error) if error.code() == Some("NotFoundException") => Ok(()),
        done => done,
    }
}

fn incomplete(operation: &'static str, target: &str, missing: &'static str) -> Error {
    Error::Incomplete {
        operation,
        target: target.to_owned(),
        missing,
    }
}
