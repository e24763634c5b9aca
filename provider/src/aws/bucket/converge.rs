//! Creates an audit bucket, and keeps all its settings as they are wanted.
//!
//! In S3 the settings are eight resources. [`converge_bucket`] is the only place that writes them: it reads what is there,
//! and puts what differs, part by part. Create means "make the bucket, then converge", so the next run finishes one that
//! was interrupted. A part is only ever put, never deleted: on Ceph, deleting the ownership controls or the encryption of
//! an empty bucket deletes the bucket.

use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};

use super::model::{BucketSettings, differing_parts};
use super::put::put;
use super::read::{bucket_head, read_bucket};
use crate::aws::clients::Clients;
use crate::error::Error;

/// Codes that pass by themselves: another change of this bucket is under way.
const BUSY: &[&str] = &["OperationAborted"];
/// The same for a bucket just made, which not every node of S3 knows yet.
const NEW: &[&str] = &["OperationAborted", "NoSuchBucket"];

/// Makes the bucket, with Object Lock on and ACLs off, and nothing else yet.
///
/// It looks first: in us-east-1, S3 answers a create of a bucket that one has already with success, and Terraform
/// would take over a bucket that it did not make.
///
/// # Errors
/// [`Error::BucketOwned`] and [`Error::BucketTaken`] where the name is in use; else what S3 said.
pub async fn create_bucket(clients: &Clients, bucket: &str) -> Result<(), Error> {
    match bucket_head(clients, bucket).await {
        Ok(Some(_)) => return Err(owned(bucket)),
        Ok(None) => {}
        Err(error) if error.status() == Some(403) => return Err(taken(bucket)),
        Err(error) => return Err(error),
    }
    clients
        .settle("CreateBucket", bucket, BUSY, || async {
            clients
                .s3
                .create_bucket()
                .bucket(bucket)
                .object_lock_enabled_for_bucket(true)
                .object_ownership(ObjectOwnership::BucketOwnerEnforced)
                .set_create_bucket_configuration(location(&clients.region))
                .send()
                .await
                .map_err(|error| match error.as_service_error() {
                    // If our own create got through and its answer was lost, the SDK's retry ends here too. We
                    // cannot tell that from somebody else's bucket, so we do not take it over: it can be imported.
                    Some(CreateBucketError::BucketAlreadyOwnedByYou(_)) => owned(bucket),
                    Some(CreateBucketError::BucketAlreadyExists(_)) => taken(bucket),
                    _ => Error::call("CreateBucket", bucket, &error),
                })
        })
        .await?;
    Ok(())
}

fn owned(bucket: &str) -> Error {
    Error::BucketOwned {
        bucket: bucket.to_owned(),
    }
}

fn taken(bucket: &str) -> Error {
    Error::BucketTaken {
        bucket: bucket.to_owned(),
    }
}

/// us-east-1 is what S3 means without a location, and it refuses to be named.
fn location(region: &str) -> Option<CreateBucketConfiguration> {
    (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    })
}

/// Whether a bucket was made by this very run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Not every node of S3 need know it yet.
    New,
    /// If S3 does not know it, it is gone.
    Known,
}

/// Reads the bucket and puts every part that differs from `wanted`. Safe to repeat.
///
/// # Errors
/// The first part that S3 refuses; those before it are in place.
pub async fn converge_bucket(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
    age: Age,
) -> Result<(), Error> {
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
                put(clients, bucket, wanted, part)
            })
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn us_east_1_names_no_location() {
        assert!(location("us-east-1").is_none());
        assert!(location("eu-central-1").is_some());
    }
}
