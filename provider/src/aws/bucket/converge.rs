//! Creates an audit bucket, and keeps all its settings as they are wanted.
//!
//! In S3 the settings are ten resources. [`converge_bucket`] is the only place that writes them: it reads what is there,
//! and puts what differs, part by part. Create means "make the bucket, then converge", so the next run finishes one that
//! was interrupted. A part is only ever put, never deleted: on Ceph, deleting the ownership controls or the encryption of
//! an empty bucket deletes the bucket.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};

use super::model::{BucketSettings, CREATION_TAG, SseC, differing_parts};
use super::put::{put, sdk_tags};
use super::read::{bucket_head, read_bucket, sse_c};
use crate::aws::clients::Clients;
use crate::aws::tags::Tags;
use crate::error::Error;

/// Codes that pass by themselves: another change of this bucket is under way.
const BUSY: &[&str] = &["OperationAborted"];
/// The same for a bucket just made, which not every node of S3 knows yet.
const NEW: &[&str] = &["OperationAborted", "NoSuchBucket"];

/// Makes the bucket, with Object Lock on, ACLs off and its tags, and nothing else yet. The tags are part of the call, because
/// an organisation can refuse a bucket without certain tags.
///
/// It looks first: in us-east-1, S3 answers a create of a bucket that one has already with success, and Terraform
/// would take over a bucket that it did not make.
///
/// # Errors
/// [`Error::BucketOwned`] and [`Error::BucketTaken`] where the name is in use; else what S3 said.
pub async fn create_bucket(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
) -> Result<(), Error> {
    match bucket_head(clients, bucket).await {
        Ok(Some(_)) => return Err(owned(bucket)),
        Ok(None) => {}
        Err(error) if error.status() == Some(403) => return Err(taken(bucket)),
        Err(error) => return Err(error),
    }
    let configuration = configuration(&clients.region, &first_tags(bucket, wanted))
        .map_err(|error| Error::unbuildable("CreateBucket", bucket, &error))?;
    clients
        .settle("CreateBucket", bucket, BUSY, || async {
            clients
                .s3
                .create_bucket()
                .bucket(bucket)
                .object_lock_enabled_for_bucket(true)
                .object_ownership(ObjectOwnership::BucketOwnerEnforced)
                .create_bucket_configuration(configuration.clone())
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

/// The tags that a bucket is created with: the wanted ones, and the one that says for what it was created.
fn first_tags(bucket: &str, wanted: &BucketSettings) -> Tags {
    let mut tags = wanted.tags.clone();
    tags.extend(wanted.marks.clone());
    tags.insert(CREATION_TAG.to_owned(), created_for(bucket));
    tags
}

/// What the creation tag of this bucket says.
fn created_for(bucket: &str) -> String {
    format!("auditlog_bucket/{bucket}")
}

/// us-east-1 is what S3 means without a location, and it refuses to be named.
fn configuration(region: &str, tags: &Tags) -> Result<CreateBucketConfiguration, BuildError> {
    let location = (region != "us-east-1").then(|| BucketLocationConstraint::from(region));
    Ok(CreateBucketConfiguration::builder()
        .set_location_constraint(location)
        .set_tags(Some(sdk_tags(tags)?))
        .build())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn us_east_1_names_no_location() {
        let location = |region| {
            let made = configuration(region, &Tags::new()).unwrap();
            made.location_constraint
        };
        assert_eq!(location("us-east-1"), None);
        assert_eq!(
            location("eu-central-1"),
            Some(BucketLocationConstraint::EuCentral1)
        );
    }
}
