//! Segments in the bucket, as far as a declaration is compared with them.

use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::operation::list_object_versions::builders::ListObjectVersionsFluentBuilder;
use aws_sdk_s3::primitives::AggregatedBytes;
use aws_sdk_s3::types::ObjectVersion;

use super::versions::LIST;
use crate::aws::clients::Clients;
use crate::error::Error;

const GET: &str = "GetObject";

/// Pages of a listing. Whoever plans waits for them, and anybody who may delete can fill them with delete markers.
const MAX_PAGES: usize = 50;

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// Its key.
    pub key: String,
    version: String,
    bytes: usize,
    /// When it was stored, in whole seconds.
    pub at: Timestamp,
}

/// The first object under a prefix, by its first version.
///
/// # Errors
/// The bucket cannot be listed.
pub async fn first_under(
    clients: &Clients,
    bucket: &str,
    prefix: &str,
) -> Result<Option<StoredVersion>, Error> {
    // delete markers may hide the first objects
    let some = |found: &[StoredVersion]| !found.is_empty();
    let found = listed(bucket, list(clients, bucket, prefix), some).await?;
    match found.into_iter().next() {
        Some(first) => first_version(clients, bucket, &first.key).await,
        None => Ok(None),
    }
}

/// The first version of an object: later ones are not what was written.
///
/// # Errors
/// The bucket cannot be listed.
pub async fn first_version(
    clients: &Clients,
    bucket: &str,
    key: &str,
) -> Result<Option<StoredVersion>, Error> {
    let past = |found: &[StoredVersion]| found.last().is_some_and(|last| last.key != key);
    let found = listed(bucket, list(clients, bucket, key), past).await?;
    let same = found.into_iter().filter(|found| found.key == key);
    Ok(same.min_by_key(|found| found.at))
}

/// Whether there is an object behind this key, under the same prefix.
///
/// # Errors
/// The bucket cannot be listed.
pub async fn is_followed(
    clients: &Clients,
    bucket: &str,
    prefix: &str,
    key: &str,
) -> Result<bool, Error> {
    let after = list(clients, bucket, prefix).key_marker(key);
    let behind = |found: &[StoredVersion]| found.iter().any(|found| found.key.as_str() > key);
    let found = listed(bucket, after, behind).await?;
    Ok(found.iter().any(|found| found.key.as_str() > key))
}

/// The bytes of a version; `None` if it is larger than a segment can be.
///
/// # Errors
/// It cannot be read.
pub async fn read_version(
    clients: &Clients,
    bucket: &str,
    found: &StoredVersion,
) -> Result<Option<Vec<u8>>, Error> {
    if found.bytes > MAX_OBJECT_BYTES {
        return Ok(None);
    }
    let get = clients.s3.get_object().bucket(bucket).key(&found.key);
    let answer = get.version_id(&found.version).send().await;
    let body = answer
        .map_err(|error| Error::call(GET, bucket, &error))?
        .body;
    let bytes = body.collect().await.ok();
    Ok(bytes.map(AggregatedBytes::to_vec))
}

fn list(clients: &Clients, bucket: &str, prefix: &str) -> ListObjectVersionsFluentBuilder {
    let list = clients.s3.list_object_versions();
    list.bucket(bucket).prefix(prefix)
}

/// The versions up to the page after which they are enough, or to the last one.
async fn listed(
    bucket: &str,
    mut list: ListObjectVersionsFluentBuilder,
    enough: impl Fn(&[StoredVersion]) -> bool,
) -> Result<Vec<StoredVersion>, Error> {
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = list.clone().send().await;
        let page = page.map_err(|error| Error::call(LIST, bucket, &error))?;
        let versions = page.versions.unwrap_or_default().into_iter();
        found.extend(versions.filter_map(stored));
        if enough(&found) || page.is_truncated != Some(true) {
            return Ok(found);
        }
        list = list
            .set_key_marker(page.next_key_marker)
            .set_version_id_marker(page.next_version_id_marker);
    }
    Err(Error::TooManyVersions {
        bucket: bucket.to_owned(),
        pages: MAX_PAGES,
    })
}

fn stored(version: ObjectVersion) -> Option<StoredVersion> {
    Some(StoredVersion {
        key: version.key?,
        version: version.version_id?,
        bytes: usize::try_from(version.size?).ok()?,
        at: Timestamp::EPOCH.saturating_add_seconds(version.last_modified?.secs()),
    })
}
