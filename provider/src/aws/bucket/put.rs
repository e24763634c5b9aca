//! Puts the parts of a bucket, one call each.

use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention as SdkRetention, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Tag, Tagging, VersioningConfiguration,
};

use super::model::{BucketSettings, DefaultRetention, Encryption, Part, Period};
use super::read::reserved_tags;
use crate::aws::clients::Clients;
use crate::aws::tags::Tags;
use crate::error::Error;

/// Puts one part as it is wanted, whatever it was.
pub(super) async fn put(
    clients: &Clients,
    bucket: &str,
    wanted: &BucketSettings,
    part: Part,
) -> Result<(), Error> {
    match part {
        Part::PublicAccessBlock => put_public_access_block(clients, bucket).await,
        Part::Ownership => put_ownership(clients, bucket).await,
        Part::Versioning => put_versioning(clients, bucket).await,
        Part::ObjectLock => put_object_lock(clients, bucket, wanted.retention).await,
        Part::Encryption => put_encryption(clients, bucket, &wanted.encryption).await,
        Part::Policy => put_policy(clients, bucket, &wanted.policy).await,
        Part::Tags => put_tags(clients, bucket, &wanted.tags).await,
    }
}

async fn put_public_access_block(clients: &Clients, bucket: &str) -> Result<(), Error> {
    let all = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    clients
        .s3
        .put_public_access_block()
        .bucket(bucket)
        .public_access_block_configuration(all)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("PutPublicAccessBlock", bucket, &error))
}

async fn put_ownership(clients: &Clients, bucket: &str) -> Result<(), Error> {
    let operation = Part::Ownership.operation();
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::BucketOwnerEnforced)
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let controls = OwnershipControls::builder()
        .rules(rule)
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    clients
        .s3
        .put_bucket_ownership_controls()
        .bucket(bucket)
        .ownership_controls(controls)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call(operation, bucket, &error))
}

async fn put_versioning(clients: &Clients, bucket: &str) -> Result<(), Error> {
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    clients
        .s3
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(enabled)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("PutBucketVersioning", bucket, &error))
}

async fn put_object_lock(
    clients: &Clients,
    bucket: &str,
    retention: DefaultRetention,
) -> Result<(), Error> {
    let number = |count: u32| i32::try_from(count).ok();
    let (days, years) = match retention.period {
        Period::Days(days) => (number(days), None),
        Period::Years(years) => (None, number(years)),
    };
    let retention = SdkRetention::builder()
        .mode(ObjectLockRetentionMode::from(retention.mode.as_str()))
        .set_days(days)
        .set_years(years)
        .build();
    let configuration = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(
            ObjectLockRule::builder()
                .default_retention(retention)
                .build(),
        )
        .build();
    clients
        .s3
        .put_object_lock_configuration()
        .bucket(bucket)
        .object_lock_configuration(configuration)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("PutObjectLockConfiguration", bucket, &error))
}

async fn put_encryption(
    clients: &Clients,
    bucket: &str,
    encryption: &Encryption,
) -> Result<(), Error> {
    let operation = Part::Encryption.operation();
    let (algorithm, key, bucket_key) = match encryption {
        Encryption::SseS3 => (ServerSideEncryption::Aes256, None, false),
        Encryption::SseKms {
            key_arn,
            bucket_key,
        } => (ServerSideEncryption::AwsKms, key_arn.clone(), *bucket_key),
        Encryption::Other(algorithm) => {
            (ServerSideEncryption::from(algorithm.as_str()), None, false)
        }
    };
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(key)
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .bucket_key_enabled(bucket_key)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    clients
        .s3
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(configuration)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call(operation, bucket, &error))
}

async fn put_policy(clients: &Clients, bucket: &str, policy: &str) -> Result<(), Error> {
    clients
        .s3
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("PutBucketPolicy", bucket, &error))
}

/// Puts the whole set, the tags that the provider leaves alone among them: the call replaces what is there. An empty set removes all.
async fn put_tags(clients: &Clients, bucket: &str, tags: &Tags) -> Result<(), Error> {
    let operation = Part::Tags.operation();
    let mut all = reserved_tags(clients, bucket).await?;
    all.extend(tags.clone());
    let set = all
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let tagging = Tagging::builder()
        .set_tag_set(Some(set))
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    clients
        .s3
        .put_bucket_tagging()
        .bucket(bucket)
        .tagging(tagging)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call(operation, bucket, &error))
}
