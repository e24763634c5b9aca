//! A bucket. Everything of the AWS SDK stands in this folder.
//!
//! Every request names the account that owns the bucket, so that a bucket of the same name that somebody else made after
//! ours was deleted is refused. Every request has a time limit, and so has every body: the SDK has none of its own.

mod bound;
mod clock;
mod endless;
mod error;
mod list;
mod profile;
mod read;

use std::io;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, StalledStreamProtectionConfig};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ObjectLockEnabled;
use tokio::runtime::Runtime;

use self::bound::{Bound, MAX_ANSWER_BYTES};
use self::clock::StoreClock;
use super::{Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Version};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For how long a body may stand still, at most.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;
/// S3 has no default retention in months; a year of it is 365 days.
const YEAR_DAYS: i32 = 365;

/// Which bucket, and how to get there.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// Name of the bucket.
    pub bucket: String,
    /// Only what lies under this prefix; `None` for the whole bucket.
    pub prefix: Option<String>,
    /// Region of the bucket.
    pub region: String,
    /// Account that owns the bucket, twelve digits.
    pub account: String,
    /// Endpoint other than that of AWS; `AWS_ENDPOINT_URL` and the shared configuration are looked at where it is `None`.
    pub endpoint_url: Option<String>,
    /// Whether the bucket is named in the path and not in the host.
    pub path_style: bool,
    /// Profile of the shared AWS configuration.
    pub profile: Option<String>,
    /// How many objects may be read at once.
    pub readers: usize,
    /// For how long one attempt waits for an answer; the body of an object has more, by its size.
    pub timeout: Duration,
    /// This machine's clock, held against the store's.
    pub clock: fn() -> SystemTime,
}

/// A bucket.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    runtime: Runtime,
    options: S3Options,
    scope: String,
    clock: StoreClock,
    /// The profile that signs in with SSO, where the credentials come from one.
    sso_profile: Option<String>,
    /// Reads that failed one after the other, for want of an answer.
    failures: AtomicUsize,
}

impl S3 {
    /// Sets up a client. Nothing is asked of the store yet.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no threads, or the profile is not defined.
    pub fn open(options: S3Options) -> Result<Self, ReadError> {
        let failed = |error: io::Error| ReadError::new(format!("cannot start threads: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(failed)?;
        let client = runtime.block_on(client(&options))?;
        let sso_profile = runtime.block_on(profile::with_sso(options.profile.as_deref()));
        let trimmed = options.prefix.as_deref().unwrap_or("").trim_matches('/');
        let scope = if trimmed.is_empty() {
            String::new()
        } else {
            format!("{trimmed}/")
        };
        Ok(Self {
            client,
            runtime,
            clock: StoreClock::new(options.clock),
            options,
            scope,
            sso_profile,
            failures: AtomicUsize::new(0),
        })
    }

    async fn bucket_configuration(&self) -> Result<Bucket, ReadError> {
        let versioning = self
            .client
            .get_bucket_versioning()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .customize()
            .interceptor(self.clock.watch())
            .interceptor(Bound::of(MAX_ANSWER_BYTES))
            .send()
            .await
            .map_err(|error| {
                self.failed("read the versioning", "s3:GetBucketVersioning", &error)
            })?;
        let versioning = versioning.status().map(|status| status.as_str().to_owned());
        let lock = self
            .client
            .get_object_lock_configuration()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .customize()
            .interceptor(self.clock.watch())
            .interceptor(Bound::of(MAX_ANSWER_BYTES))
            .send()
            .await;
        let lock = match lock {
            Ok(lock) => lock.object_lock_configuration,
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => None,
            Err(error) => {
                let permission = "s3:GetBucketObjectLockConfiguration";
                return Err(self.failed("read the Object Lock configuration", permission, &error));
            }
        };
        let enabled = lock.as_ref().and_then(|lock| lock.object_lock_enabled())
            == Some(&ObjectLockEnabled::Enabled);
        let retention = lock
            .and_then(|lock| lock.rule?.default_retention)
            .and_then(|retention| {
                let years = retention
                    .years()
                    .filter(|years| *years > 0)
                    .map(|years| years.saturating_mul(YEAR_DAYS));
                let days = retention.days().filter(|days| *days > 0).or(years)?;
                Some((
                    retention.mode()?.as_str().to_owned(),
                    u32::try_from(days).ok()?,
                ))
            });
        Ok(Bucket {
            versioning,
            object_lock: enabled,
            retention,
        })
    }
}

impl Source for S3 {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.options.bucket, self.scope)
    }

    fn has_storage(&self) -> bool {
        true
    }

    fn scope(&self) -> &str {
        &self.scope
    }

    fn readers(&self) -> usize {
        self.options.readers
    }

    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        self.runtime.block_on(self.bucket_configuration()).map(Some)
    }

    fn list(&self, _prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.runtime.block_on(self.list_all(each))
    }

    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        self.runtime.block_on(self.read_if_answered(key, version))
    }

    fn clock(&self) -> Option<ClockReading> {
        self.clock.furthest()
    }
}

async fn client(options: &S3Options) -> Result<Client, ReadError> {
    profile::check(options.profile.as_deref()).await?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
        .read_timeout(options.timeout)
        .operation_attempt_timeout(options.timeout)
        .build();
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_TIMEOUT.min(options.timeout))
                .build(),
        );
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    let mut shared = loader.load().await;
    if let Some(profile) = &options.profile {
        shared = profile::sign_in(shared, profile);
    }
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(options.path_style)
        .build();
    Ok(Client::from_conf(config))
}

/// S3 keeps whole seconds; a store that keeps more is cut off to them.
fn whole_seconds(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_micros(time?.secs().checked_mul(1_000_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_off_to_whole_seconds() {
        let time = DateTime::from_secs_and_nanos(1_000, 999_000_000);
        assert_eq!(
            whole_seconds(Some(&time)),
            Timestamp::from_micros(1_000_000_000)
        );
        assert_eq!(whole_seconds(Some(&DateTime::from_secs(-1))), None);
    }
}
