//! Aliases: who has one, and how it moves.

use super::model::Deletion;
use super::read::{deletion, describe, find, tags};
use super::{BUSY, SETTLING};
use crate::aws::clients::Clients;
use crate::aws::tags::Tags;
use crate::error::{Error, TakenBy};

/// The key that an alias points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasHolder {
    /// KMS's id of it.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
    /// The deletion that is scheduled, if one is.
    pub deletion: Option<Deletion>,
    /// Its tags.
    pub tags: Tags,
}

/// The key that an alias points at; `None` where the alias is free.
///
/// # Errors
/// What KMS said.
pub async fn alias_holder(clients: &Clients, alias: &str) -> Result<Option<AliasHolder>, Error> {
    let Some(metadata) = find(clients, alias).await? else {
        return Ok(None);
    };
    let tags = tags(clients, &metadata.key_id).await?;
    Ok(Some(AliasHolder {
        deletion: deletion(&metadata),
        arn: metadata.arn.unwrap_or_default(),
        key_id: metadata.key_id,
        tags,
    }))
}

/// Points an alias at a key in one step. `from` is the key that it may be taken from, if it points at one.
///
/// # Errors
/// [`Error::AliasTaken`] if it points at any other key; else what KMS said.
pub async fn point_alias(
    clients: &Clients,
    alias: &str,
    key: &str,
    from: Option<&str>,
) -> Result<(), Error> {
    if let Some(from) = from {
        return move_alias(clients, alias, (key, from)).await;
    }
    match create_alias(clients, alias, key).await {
        Err(error) if error.code() == Some("AlreadyExistsException") => {
            // our own, if the answer to it was lost
            let target = describe(clients, alias).await?.key_id;
            if target == key {
                return Ok(());
            }
            Err(taken(alias, target))
        }
        done => done,
    }
}

/// Moves an alias. KMS moves it from whatever has it, so we look again right before and after: another create may have taken it
/// since it was looked up. Of two that move it in the same moment, the one that sees the other's key fails, before its own can
/// sign.
async fn move_alias(
    clients: &Clients,
    alias: &str,
    (key, from): (&str, &str),
) -> Result<(), Error> {
    match target(clients, alias).await? {
        Some(target) if target == key => return Ok(()),
        Some(target) if target != from => return Err(taken(alias, target)),
        // the key that had it was deleted, and the alias with it
        None => return create_alias(clients, alias, key).await,
        Some(_) => {}
    }
    update_alias(clients, alias, key).await?;
    match target(clients, alias).await? {
        Some(target) if target != key && target != from => Err(taken(alias, target)),
        // the old key: not every node of KMS knows of the move yet
        _ => Ok(()),
    }
}

async fn target(clients: &Clients, alias: &str) -> Result<Option<String>, Error> {
    let found = find(clients, alias).await?;
    Ok(found.map(|metadata| metadata.key_id))
}

fn taken(alias: &str, target: String) -> Error {
    Error::AliasTaken {
        alias: alias.to_owned(),
        target,
        holder: TakenBy::Somebody,
    }
}

async fn create_alias(clients: &Clients, alias: &str, key: &str) -> Result<(), Error> {
    const OPERATION: &str = "CreateAlias";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients.kms.create_alias().alias_name(alias);
            let answer = request.target_key_id(key).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, alias, &error))
        })
        .await
}

/// `NotFoundException` means the key, which may be too new, or the alias, which is gone with a key that was deleted.
async fn update_alias(clients: &Clients, alias: &str, key: &str) -> Result<(), Error> {
    const OPERATION: &str = "UpdateAlias";
    clients
        .settle(OPERATION, key, SETTLING, || async {
            let request = clients.kms.update_alias().alias_name(alias);
            let answer = request.target_key_id(key).send().await;
            match answer.map(drop) {
                Ok(()) => Ok(()),
                Err(error) => {
                    let error = Error::call(OPERATION, alias, &error);
                    if error.code() == Some("NotFoundException")
                        && find(clients, alias).await?.is_none()
                    {
                        return create_alias(clients, alias, key).await;
                    }
                    Err(error)
                }
            }
        })
        .await
}

/// Deletes an alias; one that is gone already is well.
///
/// # Errors
/// What KMS said.
pub async fn delete_alias(clients: &Clients, alias: &str) -> Result<(), Error> {
    const OPERATION: &str = "DeleteAlias";
    let deleted = clients
        .settle(OPERATION, alias, BUSY, || async {
            let answer = clients.kms.delete_alias().alias_name(alias).send().await;
            answer
                .map(drop)
                .map_err(|error| Error::call(OPERATION, alias, &error))
        })
        .await;
    match deleted {
        Err(error) if error.code() == Some("NotFoundException") => Ok(()),
        done => done,
    }
}
