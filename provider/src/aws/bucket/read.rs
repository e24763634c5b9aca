//! What a bucket is, read part by part.

use auditlog_chain::policy::LockMode;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::operation::get_object_lock_configuration::GetObjectLockConfigurationOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncryptionType, ObjectLockEnabled, ServerSideEncryption};

use super::answer::{absent, format_seconds};
use super::foreign::foreign;
use super::lifecycle::Rule;
use super::model::{
    BucketParts, DefaultRetention, Encryption, EventHold, Logging, Period, PublicAccessBlock, SseC,
};
use crate::aws::clients::Clients;
use crate::aws::gone::{Presence, confirm_bucket};
use crate::aws::tags::{Tags, is_providers_own};
use crate::error::Error;

/// Reads all parts; `None` if there is no such bucket.
///
/// # Errors
/// The first part that could not be read.
pub async fn read_bucket(clients: &Clients, bucket: &str) -> Result<Option<BucketParts>, Error> {
    let region = match bucket_head(clients, bucket).await? {
        Some(region) => region,
        None if confirm_bucket(clients, bucket).await? == Presence::Gone => return Ok(None),
        None => None,
    };
    // boxed: so many calls side by side make a large future
    let parts = Box::pin(async {
        tokio::try_join!(
            versioning(clients, bucket),
            object_lock(clients, bucket),
            public_access_block(clients, bucket),
            ownership(clients, bucket),
            encryption(clients, bucket),
            lifecycle(clients, bucket),
            logging(clients, bucket),
            policy(clients, bucket),
            all_tags(clients, bucket),
            foreign(clients, bucket),
        )
    });
    match parts.await {
        Ok((
            versioning,
            lock,
            public_access_block,
            ownership,
            (encryption, sse_c),
            lifecycle,
            logging,
            policy,
            tags,
            foreign,
        )) => {
            let (others_tags, tags): (Tags, Tags) = tags
                .into_iter()
                .partition(|(key, _)| clients.leaves_alone(key));
            let (marks, tags) = tags.into_iter().partition(|(key, _)| is_providers_own(key));
            Ok(Some(BucketParts {
                region: region.unwrap_or_else(|| clients.region.clone()),
                versioning,
                object_lock: lock.enabled,
                retention: lock.retention,
                event_hold: lock.event_hold,
                public_access_block,
                ownership,
                encryption,
                sse_c,
                lifecycle,
                logging,
                policy,
                tags,
                marks,
                others_tags,
                foreign,
            }))
        }
        // deleted between the first call and this one
        Err(error) if error.code() == Some("NoSuchBucket") => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an update could weaken: the default retention and the encryption.
///
/// # Errors
/// One of them could not be read.
pub async fn read_strength(
    clients: &Clients,
    bucket: &str,
) -> Result<(Option<DefaultRetention>, Encryption), Error> {
    let (lock, (encryption, _)) =
        tokio::try_join!(object_lock(clients, bucket), encryption(clients, bucket))?;
    Ok((lock.retention, encryption))
}

/// Whether the bucket is there for us: `None` if not, else its region where the endpoint says it.
pub(super) async fn bucket_head(
    clients: &Clients,
    bucket: &str,
) -> Result<Option<Option<String>>, Error> {
    match clients.s3.head_bucket().bucket(bucket).send().await {
        Ok(answer) => Ok(Some(answer.bucket_region)),
        Err(error)
            if error
                .raw_response()
                .is_some_and(|answer| answer.status().as_u16() == 404) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::call("HeadBucket", bucket, &error)),
    }
}

/// When the bucket was made, RFC 3339 in whole seconds.
///
/// S3 returns it only in the list of all buckets, and may change the date when the bucket's policy changes: read it
/// once, right after the create, and keep it.
///
/// # Errors
/// The list could not be read, or does not hold the bucket after some time either.
pub async fn bucket_creation_date(clients: &Clients, bucket: &str) -> Result<String, Error> {
    // a bucket just made may be absent from the list for a moment
    let read = || async {
        let date = listed_date(clients, bucket).await?;
        date.ok_or_else(|| Error::no_such_bucket(LIST_BUCKETS, bucket))
    };
    let date = clients
        .settle(LIST_BUCKETS, bucket, &["NoSuchBucket"], read)
        .await?;
    format_seconds(date).ok_or_else(|| Error::Incomplete {
        operation: LIST_BUCKETS,
        target: bucket.to_owned(),
        missing: "a date that can be written",
    })
}

const LIST_BUCKETS: &str = "ListBuckets";

async fn listed_date(clients: &Clients, bucket: &str) -> Result<Option<DateTime>, Error> {
    let list = clients.s3.list_buckets().prefix(bucket).max_buckets(1000);
    let mut pages = list.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::call(LIST_BUCKETS, bucket, &error))?;
        let mut listed = page.buckets.unwrap_or_default().into_iter();
        if let Some(found) = listed.find(|listed| listed.name.as_deref() == Some(bucket)) {
            return Ok(found.creation_date);
        }
    }
    Ok(None)
}

async fn versioning(clients: &Clients, bucket: &str) -> Result<String, Error> {
    let answer = clients
        .s3
        .get_bucket_versioning()
        .bucket(bucket)
        .send()
        .await
        .map_err(|error| Error::call("GetBucketVersioning", bucket, &error))?;
    Ok(answer.status.map_or_else(
        || "Disabled".to_owned(),
        |status| status.as_str().to_owned(),
    ))
}

/// Object Lock as it was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lock {
    enabled: bool,
    retention: Option<DefaultRetention>,
    event_hold: Option<EventHold>,
}

async fn object_lock(clients: &Clients, bucket: &str) -> Result<Lock, Error> {
    let answer = clients
        .s3
        .get_object_lock_configuration()
        .bucket(bucket)
        .send()
        .await;
    let found = absent(
        "GetObjectLockConfiguration",
        bucket,
        "ObjectLockConfigurationNotFoundError",
        answer,
    )?;
    Ok(found.map_or_else(Lock::default, parse_object_lock))
}

fn parse_object_lock(answer: GetObjectLockConfigurationOutput) -> Lock {
    let Some(configuration) = answer.object_lock_configuration else {
        return Lock::default();
    };
    let enabled = configuration.object_lock_enabled == Some(ObjectLockEnabled::Enabled);
    let found = configuration.rule.and_then(|rule| rule.default_retention);
    let event_hold = found
        .as_ref()
        .and_then(|found| found.default_event_hold.as_ref())
        .map(|hold| EventHold {
            days: hold.days,
            years: hold.years,
        });
    let retention = found.and_then(|found| {
        Some(DefaultRetention {
            mode: LockMode::parse(found.mode?.as_str())?,
            period: parse_period(found.days, found.years)?,
        })
    });
    Lock {
        enabled,
        retention,
        event_hold,
    }
}

/// Of days and years, the one that counts: some endpoints send a zero for the other.
fn parse_period(days: Option<i32>, years: Option<i32>) -> Option<Period> {
    let positive = |number: Option<i32>| {
        number
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0)
    };
    positive(days)
        .map(Period::Days)
        .or(positive(years).map(Period::Years))
}

async fn public_access_block(clients: &Clients, bucket: &str) -> Result<PublicAccessBlock, Error> {
    let answer = clients
        .s3
        .get_public_access_block()
        .bucket(bucket)
        .send()
        .await;
    let found = absent(
        "GetPublicAccessBlock",
        bucket,
        "NoSuchPublicAccessBlockConfiguration",
        answer,
    )?
    .and_then(|answer| answer.public_access_block_configuration);
    Ok(
        found.map_or(PublicAccessBlock::NONE, |found| PublicAccessBlock {
            block_public_acls: found.block_public_acls.unwrap_or(false),
            ignore_public_acls: found.ignore_public_acls.unwrap_or(false),
            block_public_policy: found.block_public_policy.unwrap_or(false),
            restrict_public_buckets: found.restrict_public_buckets.unwrap_or(false),
        }),
    )
}

async fn ownership(clients: &Clients, bucket: &str) -> Result<String, Error> {
    let answer = clients
        .s3
        .get_bucket_ownership_controls()
        .bucket(bucket)
        .send()
        .await;
    let found = absent(
        "GetBucketOwnershipControls",
        bucket,
        "OwnershipControlsNotFoundError",
        answer,
    )?;
    Ok(found
        .and_then(|answer| answer.ownership_controls)
        .and_then(|controls| controls.rules.into_iter().next())
        .map_or_else(String::new, |rule| {
            rule.object_ownership.as_str().to_owned()
        }))
}

async fn encryption(clients: &Clients, bucket: &str) -> Result<(Encryption, SseC), Error> {
    let answer = clients
        .s3
        .get_bucket_encryption()
        .bucket(bucket)
        .send()
        .await;
    let rule = absent(
        "GetBucketEncryption",
        bucket,
        "ServerSideEncryptionConfigurationNotFoundError",
        answer,
    )?
    .and_then(|answer| answer.server_side_encryption_configuration)
    .and_then(|configuration| configuration.rules.into_iter().next());
    let blocked = rule
        .as_ref()
        .and_then(|rule| rule.blocked_encryption_types.as_ref())
        .is_some_and(|blocked| blocked.encryption_type().contains(&EncryptionType::SseC));
    let bucket_key = rule
        .as_ref()
        .and_then(|rule| rule.bucket_key_enabled)
        .unwrap_or(false);
    let by_default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
    let encryption = match by_default {
        Some(found) if found.sse_algorithm == ServerSideEncryption::Aes256 => Encryption::SseS3,
        Some(found) if found.sse_algorithm == ServerSideEncryption::AwsKms => Encryption::SseKms {
            key_arn: found.kms_master_key_id,
            bucket_key,
        },
        Some(found) => Encryption::Other(found.sse_algorithm.as_str().to_owned()),
        None => Encryption::Other(String::new()),
    };
    let sse_c = if blocked {
        SseC::Blocked
    } else {
        SseC::Allowed
    };
    Ok((encryption, sse_c))
}

/// Whether S3 keeps access logs out of a bucket, because it has Object Lock with a default retention.
///
/// # Errors
/// The bucket is not there, or may not be looked at.
pub async fn refuses_access_logs(clients: &Clients, bucket: &str) -> Result<bool, Error> {
    let lock = object_lock(clients, bucket).await?;
    Ok(lock.enabled && lock.retention.is_some())
}

/// Whether objects encrypted with a key of the writer's own are refused.
pub(super) async fn sse_c(clients: &Clients, bucket: &str) -> Result<SseC, Error> {
    Ok(encryption(clients, bucket).await?.1)
}

async fn lifecycle(clients: &Clients, bucket: &str) -> Result<Vec<Rule>, Error> {
    let answer = clients
        .s3
        .get_bucket_lifecycle_configuration()
        .bucket(bucket)
        .send()
        .await;
    let found = absent(
        "GetBucketLifecycleConfiguration",
        bucket,
        "NoSuchLifecycleConfiguration",
        answer,
    )?;
    let mut rules: Vec<Rule> = found
        .iter()
        .flat_map(GetBucketLifecycleConfigurationOutput::rules)
        .map(Rule::parse)
        .collect();
    let minimum = found.and_then(|found| found.transition_default_minimum_object_size);
    rules.extend(minimum.as_ref().and_then(Rule::of_minimum));
    rules.sort();
    Ok(rules)
}

async fn logging(clients: &Clients, bucket: &str) -> Result<Option<Logging>, Error> {
    let answer = clients
        .s3
        .get_bucket_logging()
        .bucket(bucket)
        .send()
        .await
        .map_err(|error| Error::call("GetBucketLogging", bucket, &error))?;
    Ok(answer.logging_enabled.map(|found| Logging {
        target_bucket: found.target_bucket,
        target_prefix: found.target_prefix,
    }))
}

pub(super) async fn policy(clients: &Clients, bucket: &str) -> Result<Option<String>, Error> {
    let answer = clients.s3.get_bucket_policy().bucket(bucket).send().await;
    Ok(
        absent("GetBucketPolicy", bucket, "NoSuchBucketPolicy", answer)?
            .and_then(|answer| answer.policy),
    )
}

pub(super) async fn all_tags(clients: &Clients, bucket: &str) -> Result<Tags, Error> {
    let answer = clients.s3.get_bucket_tagging().bucket(bucket).send().await;
    let found = absent("GetBucketTagging", bucket, "NoSuchTagSet", answer)?;
    Ok(found
        .map(|answer| {
            answer
                .tag_set
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect()
        })
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phantom_zero_beside_the_period_is_not_a_period() {
        assert_eq!(parse_period(Some(30), Some(0)), Some(Period::Days(30)));
        assert_eq!(parse_period(Some(0), Some(7)), Some(Period::Years(7)));
        assert_eq!(parse_period(None, None), None);
        assert_eq!(parse_period(Some(-1), None), None);
    }

    #[test]
    fn event_hold_is_read_beside_the_retention() {
        use aws_sdk_s3::types::{
            DefaultRetention, EventHoldDuration, ObjectLockConfiguration, ObjectLockRule,
        };
        let retention = DefaultRetention::builder()
            .mode("GOVERNANCE".into())
            .days(3)
            .default_event_hold(EventHoldDuration::builder().days(30).build());
        let rule = ObjectLockRule::builder().default_retention(retention.build());
        let configuration = ObjectLockConfiguration::builder().rule(rule.build());
        let lock = parse_object_lock(
            GetObjectLockConfigurationOutput::builder()
                .object_lock_configuration(configuration.build())
                .build(),
        );
        assert_eq!(lock.event_hold.unwrap().to_string(), "30 days");
        assert_eq!(lock.retention.unwrap().period, Period::Days(3));
    }
}
