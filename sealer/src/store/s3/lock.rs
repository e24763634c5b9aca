//! How a bucket keeps what it is given: versioning, Object Lock and its default retention.

use auditlog_chain::policy::LockMode;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled, ObjectLockRule};

use super::place::Place;
use crate::error::{AwsFault, Error, StoreError, UsageError};

/// What is declared about the lock of new objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredLock {
    /// Object Lock mode.
    pub mode: LockMode,
    /// Days for which an object is locked.
    pub retention_days: u32,
}

impl std::fmt::Display for DeclaredLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {} days", self.mode, self.retention_days)
    }
}

pub(super) async fn versioning(
    client: &Client,
    place: &Place,
) -> Result<Option<BucketVersioningStatus>, AwsFault> {
    let request = client.get_bucket_versioning().bucket(&place.bucket);
    let answer = request.expected_bucket_owner(&place.account).send().await;
    answer
        .map(|answer| answer.status)
        .map_err(|error| place.fault("S3 GetBucketVersioning", &place.name, &error))
}

/// What the bucket locks by itself.
pub(super) async fn default_lock(
    client: &Client,
    place: &Place,
) -> Result<Option<DeclaredLock>, Error> {
    let bucket = || place.bucket.clone();
    if versioning(client, place).await? != Some(BucketVersioningStatus::Enabled) {
        return Err(StoreError::NotVersioned { bucket: bucket() }.into());
    }
    let request = client.get_object_lock_configuration();
    let request = request
        .bucket(&place.bucket)
        .expected_bucket_owner(&place.account);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fault = place.fault("S3 GetObjectLockConfiguration", &place.name, &error);
            return match fault.code() {
                "ObjectLockConfigurationNotFoundError" => {
                    Err(StoreError::NotLocked { bucket: bucket() }.into())
                }
                _ => Err(fault.into()),
            };
        }
    };
    let configuration = answer.object_lock_configuration;
    let enabled = configuration
        .as_ref()
        .and_then(|found| found.object_lock_enabled());
    if enabled != Some(&ObjectLockEnabled::Enabled) {
        return Err(StoreError::NotLocked { bucket: bucket() }.into());
    }
    Ok(configuration
        .as_ref()
        .and_then(|found| found.rule())
        .and_then(lock_of_rule))
}

/// S3 counts a year of retention as 365 days.
fn lock_of_rule(rule: &ObjectLockRule) -> Option<DeclaredLock> {
    let retention = rule.default_retention()?;
    let mode = LockMode::parse(retention.mode()?.as_str())?;
    let days = retention.days().filter(|days| *days > 0);
    let days = days.or_else(|| Some(retention.years()?.saturating_mul(365)))?;
    Some(DeclaredLock {
        mode,
        retention_days: u32::try_from(days).ok()?,
    })
}

/// The lock for new objects: the declared one, if the bucket's own is at least as strong.
pub(super) fn strong_enough(
    bucket: &str,
    declared: Option<DeclaredLock>,
    default: Option<DeclaredLock>,
) -> Result<DeclaredLock, Error> {
    let bucket = || bucket.to_owned();
    match (declared, default) {
        (None, None) => Err(UsageError::LockNotDeclared { bucket: bucket() }.into()),
        (None, Some(default)) => Ok(default),
        (Some(declared), Some(default))
            if default.mode >= declared.mode
                && default.retention_days >= declared.retention_days =>
        {
            Ok(declared)
        }
        (Some(declared), default) => Err(StoreError::LockTooWeak {
            bucket: bucket(),
            expected: declared.to_string(),
            found: default.map_or_else(|| "absent".to_owned(), |default| default.to_string()),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(mode: LockMode, retention_days: u32) -> DeclaredLock {
        DeclaredLock {
            mode,
            retention_days,
        }
    }

    #[test]
    fn a_bucket_may_lock_longer_and_stronger_than_declared_and_never_less() {
        let declared = lock(LockMode::Governance, 30);
        let check = |default| strong_enough("b", Some(declared), default);
        assert_eq!(check(Some(declared)).unwrap(), declared);
        assert_eq!(
            check(Some(lock(LockMode::Compliance, 31))).unwrap(),
            declared
        );
        for weak in [None, Some(lock(LockMode::Compliance, 29))] {
            let error = check(weak).unwrap_err().to_string();
            let found = weak.map_or("absent".to_owned(), |weak| weak.to_string());
            assert_eq!(
                error,
                format!(
                    "the default retention of the bucket b is {found}, but GOVERNANCE for 30 days was declared"
                )
            );
        }
        let compliance = Some(lock(LockMode::Compliance, 1));
        assert!(strong_enough("b", compliance, Some(declared)).is_err());
    }

    #[test]
    fn without_a_declaration_the_buckets_default_is_taken() {
        let default = lock(LockMode::Compliance, 365);
        assert_eq!(strong_enough("b", None, Some(default)).unwrap(), default);
        assert!(matches!(
            strong_enough("b", None, None),
            Err(Error::Usage(UsageError::LockNotDeclared { .. }))
        ));
    }
}
