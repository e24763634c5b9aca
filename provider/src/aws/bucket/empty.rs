//! Deletes everything in a bucket, where its owner has asked for that.
//!
//! Versions under GOVERNANCE are deleted with the bypass; those under COMPLIANCE and under a hold cannot be, so a bucket with
//! one of them is left as it is, and so is one with a version whose lock cannot be read: every version is looked at first. A run that is
//! interrupted has deleted whole pages; the next one goes on.

use std::time::SystemTime;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::put::put_policy;
use super::versions::{LIST, inspect};
use crate::aws::clients::Clients;
use crate::aws::{format_tls_only_policy, partition};
use crate::error::{Error, Leftover};

const DELETE: &str = "DeleteObjects";

/// Deletes all versions and delete markers of a bucket. Safe to repeat.
///
/// The provider's own policy keeps everybody but `break_glass` from deleting, so it is replaced by one that only demands TLS.
///
/// # Errors
/// [`Error::CannotEmpty`] before anything is deleted, where a lock does not allow it; [`Error::NotEmptied`] where S3 refuses a
/// version all the same.
pub async fn empty_bucket(clients: &Clients, bucket: &str, now: SystemTime) -> Result<(), Error> {
    let contents = match inspect(clients, bucket, now, u64::MAX).await {
        Err(error) if error.code() == Some("NoSuchBucket") => return Ok(()),
        inspected => inspected?,
    };
    let Some(contents) = contents else {
        return Ok(());
    };
    if contents.cannot_be_deleted() {
        return Err(Error::CannotEmpty(Box::new(contents)));
    }
    open(clients, bucket).await?;
    let mut deleted = 0_u64;
    loop {
        if clients.cancel.is_cancelled() {
            return Err(Error::Cancelled {
                operation: DELETE,
                target: bucket.to_owned(),
            });
        }
        match delete_page(clients, bucket, deleted).await? {
            0 => return Ok(()),
            more => deleted = deleted.saturating_add(more),
        }
    }
}

/// Takes the denies of our own policy away.
async fn open(clients: &Clients, bucket: &str) -> Result<(), Error> {
    let policy = format_tls_only_policy(partition(clients.region()), bucket);
    put_policy(clients, bucket, &policy).await
}

/// Deletes the first page of what is left; how many there were.
async fn delete_page(clients: &Clients, bucket: &str, deleted: u64) -> Result<u64, Error> {
    let page = clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .send()
        .await
        .map_err(|error| Error::call(LIST, bucket, &error))?;
    let versions =
        identifiers(&page).map_err(|error| Error::unbuildable(DELETE, bucket, &error))?;
    let count = u64::try_from(versions.len()).unwrap_or(u64::MAX);
    if count == 0 {
        return Ok(0);
    }
    let delete = Delete::builder()
        .set_objects(Some(versions))
        .quiet(true)
        .build()
        .map_err(|error| Error::unbuildable(DELETE, bucket, &error))?;
    let answer = clients
        .s3
        .delete_objects()
        .bucket(bucket)
        .delete(delete)
        .bypass_governance_retention(true)
        .send()
        .await
        .map_err(|error| Error::call(DELETE, bucket, &error))?;
    let Some(refused) = answer.errors().first() else {
        return Ok(count);
    };
    let failed = u64::try_from(answer.errors().len()).unwrap_or(u64::MAX);
    Err(Error::NotEmptied(Box::new(Leftover {
        bucket: bucket.to_owned(),
        deleted: deleted.saturating_add(count.saturating_sub(failed)),
        key: refused.key.clone().unwrap_or_default(),
        code: refused.code.clone().unwrap_or_default(),
        message: refused.message.clone().unwrap_or_default(),
    })))
}

fn identifiers(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, BuildError> {
    let versions = page.versions().iter();
    let versions = versions.map(|version| (version.key.clone(), version.version_id.clone()));
    let markers = page.delete_markers().iter();
    let markers = markers.map(|marker| (marker.key.clone(), marker.version_id.clone()));
    versions
        .chain(markers)
        .map(|(key, version)| {
            ObjectIdentifier::builder()
                .set_key(key)
                .set_version_id(version)
                .build()
        })
        .collect()
}
