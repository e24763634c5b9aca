//! Keys that a killed create left behind, found by the tag that says what they were made for.
//!
//! Such a key is never taken over: whoever planted it may have signed with it before its policy was ours.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::read::{deletion, find, read_key_policy, tags};
use super::{CREATED_TAG, RETAINED_TAG};
use crate::aws::clients::Clients;
use crate::aws::key_memo::{Extent, Listing};
use crate::aws::tags::Tags;
use crate::error::Error;

/// Keys of the account that are looked at; more are not searched.
pub(crate) const MAX_KEYS: usize = 1000;
/// Requests under way at a time.
const AT_ONCE: usize = 8;

/// A key that no state in hand knows: a killed apply left it behind, or another state has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// KMS's id of it.
    pub key_id: String,
    /// Its key policy.
    pub policy: String,
    /// Its tags.
    pub tags: Tags,
}

/// How old a listing of the keys may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Of any time in this run of the provider.
    OfThisRun,
    /// Made now.
    Now,
}

/// The keys that were made for an alias and that nobody knows of: not `known`, and not made by this process or read for a resource.
///
/// # Errors
/// What KMS said; but a missing permission only shortens the search.
pub async fn find_strays(
    clients: &Clients,
    alias: &str,
    known: &BTreeSet<String>,
    freshness: Freshness,
) -> Result<(Vec<Stray>, Extent), Error> {
    let cell = clients.keys.listing(clients.region());
    let listing = match freshness {
        Freshness::OfThisRun => cell.get_or_try_init(|| list(clients)).await?.clone(),
        Freshness::Now => list(clients).await?,
    };
    let candidates = listing.created_for.get(alias).into_iter().flatten();
    let mut strays = Vec::new();
    let is_known = |key: &str| clients.keys.has_made(key) || clients.keys.has_read(key);
    for key in candidates.filter(|key| !known.contains(*key) && !is_known(key)) {
        let live = find(clients, key).await?;
        if live.is_some_and(|metadata| deletion(&metadata).is_none()) {
            strays.push(Stray {
                key_id: key.clone(),
                policy: read_key_policy(clients, key).await?,
                tags: tags(clients, key).await?,
            });
        }
    }
    Ok((strays, listing.extent))
}

async fn list(clients: &Clients) -> Result<Listing, Error> {
    let mut found = Listing::default();
    let keys = match key_ids(clients).await {
        Ok((keys, extent)) => {
            found.extent = extent;
            keys
        }
        Err(error) if is_denied(&error) => {
            found.extent = Extent::Denied;
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    for some in keys.chunks(AT_ONCE) {
        let mut running = JoinSet::new();
        for key in some.iter().cloned() {
            let clients = clients.clone();
            running.spawn(async move { (tags(&clients, &key).await, key) });
        }
        while let Some(done) = running.join_next().await {
            let Ok((tags, key)) = done else { continue };
            match tags {
                Ok(tags) if tags.contains_key(RETAINED_TAG) => {}
                Ok(tags) => {
                    if let Some(alias) = tags.get(CREATED_TAG) {
                        found
                            .created_for
                            .entry(alias.clone())
                            .or_default()
                            .insert(key);
                    }
                }
                // AWS's own keys, and keys that were deleted since
                Err(error) if is_denied(&error) || error.code() == Some("NotFoundException") => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

async fn key_ids(clients: &Clients) -> Result<(Vec<String>, Extent), Error> {
    let mut ids = Vec::new();
    let mut pages = clients.kms.list_keys().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call("ListKeys", "this region", &error))?;
        ids.extend(
            page.keys
                .unwrap_or_default()
                .into_iter()
                .filter_map(|key| key.key_id),
        );
        if ids.len() > MAX_KEYS {
            ids.truncate(MAX_KEYS);
            return Ok((ids, Extent::Part));
        }
    }
    Ok((ids, Extent::All))
}

fn is_denied(error: &Error) -> bool {
    matches!(error.code(), Some("AccessDenied" | "AccessDeniedException"))
}
