//! How the bucket is configured (V20).

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled,
};

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::read::strength_of;
use super::seconds::YEAR_DAYS;
use super::store::S3;
use crate::source::{Bucket, NewObjects, ReadError};

impl S3 {
    pub(super) async fn settings(&self) -> Result<Bucket, ReadError> {
        let versioning = self.versioning().await?;
        let lock = self.object_lock().await?;
        let enabled = lock.as_ref().and_then(|lock| lock.object_lock_enabled())
            == Some(&ObjectLockEnabled::Enabled);
        let retention = lock.and_then(|lock| lock.rule?.default_retention);
        let locked = retention.and_then(|retention| locked(&retention));
        Ok(Bucket {
            unversioned: unversioned(versioning),
            new_objects: if enabled {
                locked.unwrap_or(NewObjects::NotLocked)
            } else {
                NewObjects::NeverLocked
            },
        })
    }

    async fn versioning(&self) -> Result<Option<String>, ReadError> {
        let answer = self
            .patiently(|| {
                self.client
                    .get_bucket_versioning()
                    .bucket(&self.options.bucket)
                    .expected_bucket_owner(&self.options.account)
                    .customize()
                    .interceptor(self.clock.watch())
                    .interceptor(Bound::of(MAX_ANSWER_BYTES))
                    .send()
            })
            .await
            .map_err(|error| {
                self.failed("read the versioning", "s3:GetBucketVersioning", &error)
            })?;
        Ok(answer.status().map(|status| status.as_str().to_owned()))
    }

    async fn object_lock(&self) -> Result<Option<ObjectLockConfiguration>, ReadError> {
        let answer = self
            .patiently(|| {
                self.client
                    .get_object_lock_configuration()
                    .bucket(&self.options.bucket)
                    .expected_bucket_owner(&self.options.account)
                    .customize()
                    .interceptor(self.clock.watch())
                    .interceptor(Bound::of(MAX_ANSWER_BYTES))
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(answer.object_lock_configuration),
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => Ok(None),
            Err(error) => {
                let permission = "s3:GetBucketObjectLockConfiguration";
                Err(self.failed("read the Object Lock configuration", permission, &error))
            }
        }
    }
}

/// What S3 says in place of that each version is kept. It says nothing where versioning was never enabled.
fn unversioned(status: Option<String>) -> Option<String> {
    let status = status.unwrap_or_else(|| "never enabled".to_owned());
    (status != BucketVersioningStatus::Enabled.as_str()).then_some(status)
}

/// A default retention.
fn locked(retention: &DefaultRetention) -> Option<NewObjects> {
    let years = retention
        .years()
        .filter(|years| *years > 0)
        .map(|years| years.saturating_mul(YEAR_DAYS));
    let days = retention.days().filter(|days| *days > 0).or(years)?;
    Some(NewObjects::Locked {
        strength: strength_of(retention.mode()?.as_str()),
        days: u32::try_from(days).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enabled_versioning_keeps_each_version() {
        assert_eq!(unversioned(Some("Enabled".to_owned())), None);
        assert_eq!(
            unversioned(Some("Suspended".to_owned())).as_deref(),
            Some("Suspended")
        );
        assert_eq!(unversioned(None).as_deref(), Some("never enabled"));
    }
}
