//! How the bucket is configured (V20).

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled};

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::seconds::YEAR_DAYS;
use super::store::S3;
use crate::source::{Bucket, ReadError};

impl S3 {
    pub(super) async fn settings(&self) -> Result<Bucket, ReadError> {
        let versioning = self.versioning().await?;
        let lock = self.object_lock().await?;
        let enabled = lock.as_ref().and_then(|lock| lock.object_lock_enabled())
            == Some(&ObjectLockEnabled::Enabled);
        let retention = lock.and_then(|lock| lock.rule?.default_retention);
        Ok(Bucket {
            versioning,
            object_lock: enabled,
            retention: retention.and_then(|retention| mode_and_days(&retention)),
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

/// A default retention by the mode's S3 name, and in days.
fn mode_and_days(retention: &DefaultRetention) -> Option<(String, u32)> {
    let years = retention
        .years()
        .filter(|years| *years > 0)
        .map(|years| years.saturating_mul(YEAR_DAYS));
    let days = retention.days().filter(|days| *days > 0).or(years)?;
    let mode = retention.mode()?.as_str().to_owned();
    Some((mode, u32::try_from(days).ok()?))
}
