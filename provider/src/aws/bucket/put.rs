//! Puts the parts of a bucket, one call each.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLifecycleConfiguration, BucketLoggingStatus,
    BucketVersioningStatus, DefaultRetention as SdkRetention, EncryptionType, EventHoldDuration,
    LoggingEnabled, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    TransitionDefaultMinimumObjectSize, VersioningConfiguration,
};

use super::abac;
use super::lifecycle::{Rule, Storage};
use super::model::{
    BucketParts, BucketSettings, CREATION_TAG, DefaultRetention, Encryption, EventHold, Logging,
    Part, Period,
};
use crate::aws::clients::Clients;
use crate::aws::tags::Tags;
use crate::error::Error;

/// Puts one part as it is wanted. What others keep in the same part (an event hold, tags of AWS) stays as it was found.
pub(super) async fn put(
    clients: &Clients,
    bucket: &str,
    found: &BucketParts,
    wanted: &BucketSettings,
    part: Part,
) -> Result<(), Error> {
    match part {
        Part::PublicAccessBlock => put_public_access_block(clients, bucket).await,
        Part::Ownership => put_ownership(clients, bucket).await,
        Part::Versioning => put_versioning(clients, bucket).await,
        Part::ObjectLock => {
            put_object_lock(clients, bucket, wanted.retention, found.event_hold).await
        }
        Part::Encryption => put_encryption(clients, bucket, &wanted.encryption).await,
        Part::Lifecycle => put_lifecycle(clients, bucket, &wanted.storage).await,
        Part::Logging => put_logging(clients, bucket, wanted.logging.as_ref()).await,
        Part::Tags => put_tags(clients, bucket, &all_tags(found, wanted)).await,
        Part::Policy => put_policy(clients, bucket, &wanted.policy).await,
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
    event_hold: Option<EventHold>,
) -> Result<(), Error> {
    let number = |count: u32| i32::try_from(count).ok();
    let (days, years) = match retention.period {
        Period::Days(days) => (number(days), None),
        Period::Years(years) => (None, number(years)),
    };
    let event_hold = event_hold.map(|hold| {
        EventHoldDuration::builder()
            .set_days(hold.days)
            .set_years(hold.years)
            .build()
    });
    let retention = SdkRetention::builder()
        .set_default_event_hold(event_hold)
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
        .blocked_encryption_types(
            BlockedEncryptionTypes::builder()
                .encryption_type(EncryptionType::SseC)
                .build(),
        )
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

pub(super) async fn put_policy(clients: &Clients, bucket: &str, policy: &str) -> Result<(), Error> {
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

/// Puts all rules: the call replaces what is there, rules of others included.
async fn put_lifecycle(clients: &Clients, bucket: &str, storage: &Storage) -> Result<(), Error> {
    let operation = Part::Lifecycle.operation();
    let rules = storage.rules();
    let rules: Result<Vec<_>, _> = rules.iter().map(Rule::to_sdk).collect();
    let configuration = rules
        .and_then(|rules| {
            BucketLifecycleConfiguration::builder()
                .set_rules(Some(rules))
                .build()
        })
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    clients
        .s3
        .put_bucket_lifecycle_configuration()
        .bucket(bucket)
        .lifecycle_configuration(configuration)
        .transition_default_minimum_object_size(
            TransitionDefaultMinimumObjectSize::AllStorageClasses128K,
        )
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call(operation, bucket, &error))
}

/// Puts where access logs go. Without a target, S3 stops to write them: there is no call that deletes this.
async fn put_logging(
    clients: &Clients,
    bucket: &str,
    logging: Option<&Logging>,
) -> Result<(), Error> {
    let operation = Part::Logging.operation();
    let enabled = logging
        .map(|to| {
            LoggingEnabled::builder()
                .target_bucket(&to.target_bucket)
                .target_prefix(&to.target_prefix)
                .build()
        })
        .transpose()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let status = BucketLoggingStatus::builder()
        .set_logging_enabled(enabled)
        .build();
    clients
        .s3
        .put_bucket_logging()
        .bucket(bucket)
        .bucket_logging_status(status)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call(operation, bucket, &error))
}

/// The whole set, because the call replaces what is there: the wanted tags, those of others, and the creation tag that is there where none
/// is remembered.
fn all_tags(found: &BucketParts, wanted: &BucketSettings) -> Tags {
    let created = found.marks.get_key_value(CREATION_TAG);
    let mut all = found.others_tags.clone();
    all.extend(created.map(|(key, value)| (key.clone(), value.clone())));
    all.extend(wanted.marks.clone());
    all.extend(wanted.tags.clone());
    all
}

/// The tags in the form that S3 accepts.
pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, BuildError> {
    let tags = tags.iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Puts the whole set. An empty set removes all.
async fn put_tags(clients: &Clients, bucket: &str, tags: &Tags) -> Result<(), Error> {
    let operation = Part::Tags.operation();
    let set = sdk_tags(tags).map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let tagging = Tagging::builder()
        .set_tag_set(Some(set))
        .build()
        .map_err(|error| Error::unbuildable(operation, bucket, &error))?;
    let put = clients.s3.put_bucket_tagging();
    let answer = put.bucket(bucket).tagging(tagging).send().await;
    let Err(error) = answer.map_err(|error| Error::call(operation, bucket, &error)) else {
        return Ok(());
    };
    match clients.account_id() {
        // with access by attributes, S3 takes tags in another way only
        Some(account) if error.is_refusal() && abac::is_enabled(clients, bucket).await => {
            abac::put_tags(clients, account, bucket, tags).await
        }
        _ => Err(error),
    }
}
