//! Buckets that an interrupted create has left, where their names were made from a prefix: no state and no configuration knows them.
//!
//! They are found and named, and never taken over: another run may be creating one of them at this moment.

use super::create::purpose;
use super::model::CREATION_TAG;
use super::read::{all_tags, policy};
use crate::aws::clients::Clients;
use crate::error::Error;

/// The most that are looked at, the newest first.
const MAX_LOOKED_AT: usize = 20;

/// Unfinished buckets of this account whose names `is_made` says to have been made.
///
/// # Errors
/// The buckets cannot be listed.
pub async fn left_behind(
    clients: &Clients,
    prefix: &str,
    is_made: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
    const OPERATION: &str = "ListBuckets";
    let list = clients.s3.list_buckets().prefix(prefix).max_buckets(1000);
    let mut pages = list.into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call(OPERATION, prefix, &error))?;
        let listed = page.buckets.unwrap_or_default().into_iter();
        names.extend(listed.filter_map(|bucket| bucket.name));
    }
    names.retain(|name| is_made(name) && !clients.is_claimed(name));
    names.sort_by(|one, other| other.cmp(one));
    let mut left = Vec::new();
    for name in names.into_iter().take(MAX_LOOKED_AT) {
        if is_unfinished(clients, &name).await {
            left.push(name);
        }
    }
    Ok(left)
}

/// The policy comes last. What cannot be looked at is not said to be unfinished.
async fn is_unfinished(clients: &Clients, bucket: &str) -> bool {
    let tags = all_tags(clients, bucket).await.unwrap_or_default();
    let tag = tags.get(CREATION_TAG).map(String::as_str);
    let ours = tag.is_some_and(|tag| tag.split(' ').next() == Some(&purpose(bucket)));
    ours && matches!(policy(clients, bucket).await, Ok(None))
}
