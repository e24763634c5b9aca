//! Keeps all settings of a bucket as they are wanted.
//!
//! In S3 the settings are ten resources. [`converge_bucket`] is the only place that writes them: it reads what is there,
//! and puts what differs, part by part. Create means "make the bucket, then converge", so the next run finishes one that
//! was interrupted. A part is only ever put, never deleted: on Ceph, deleting the ownership controls or the encryption of
//! an empty bucket deletes the bucket.

use super::model::{BucketSettings, SseC, differing_parts};
use super::put::put;
use super::read::{read_bucket, sse_c};
use crate::aws::clients::Clients;
use crate::error::Error;

/// Codes that pass by themselves: another change of this bucket is under way.
pub(super) const BUSY: &[&str] = &["OperationAborted"];
/// The same for a bucket just made, which not every node of S3 knows yet.
const NEW: &[&str] = &["OperationAborted", "NoSuchBucket"];

/// Whether a bucket was made by this very run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Not every node of S3 need know it yet.
    New,
    /// If S3 does not know it, it is gone.
    Known,
}

/// Reads the bucket and puts every part that differs from `wanted`. Safe to repeat. The answer says whether the endpoint
/// keeps the block of SSE-C.
///
/// # Errors
/// The first part that S3 refuses; those before it are in place.
pub async fn converge_bucket(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
    age: Age,
) -> Result<SseC, Error> {
    let passing = match age {
        Age::New => NEW,
        Age::Known => BUSY,
    };
    let found = clients
        .settle("HeadBucket", bucket, passing, || async {
            read_bucket(clients, bucket)
                .await?
                .ok_or_else(|| Error::no_such_bucket("HeadBucket", bucket))
        })
        .await?;
    for part in differing_parts(&found, wanted) {
        clients
            .settle(part.operation(), bucket, passing, || {
                put(clients, bucket, &found, wanted, part)
            })
            .await?;
    }
    match found.sse_c {
        SseC::Blocked => Ok(SseC::Blocked),
        // whether the endpoint keeps the block shows only now
        SseC::Allowed => {
            clients
                .settle("GetBucketEncryption", bucket, passing, || {
                    sse_c(clients, bucket)
                })
                .await
        }
    }
}
