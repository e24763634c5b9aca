//! A bucket. Everything of the AWS SDK stands in this file.
//!
//! Every request names the account that owns the bucket, so that a bucket of the same name that somebody else made after
//! ours was deleted is refused. Every request has a time limit: the SDK has none of its own.

use std::error::Error;
use std::io;
use std::time::Duration;

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncodingType, ObjectLockEnabled, ReplicationStatus};
use tokio::runtime::Runtime;

use super::{Bucket, Listed, Lock, Marker, Object, ReadError, Source, Storage, Version};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From one byte to the next.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// For one attempt, until the head of the answer is there.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
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
}

/// A bucket.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    runtime: Runtime,
    options: S3Options,
    scope: String,
}

impl S3 {
    /// Sets up a client. Nothing is asked of the store yet.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no threads.
    pub fn open(options: S3Options) -> Result<Self, ReadError> {
        let failed =
            |error: io::Error| ReadError::new(format!("no threads to talk to S3 with: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(failed)?;
        let client = runtime.block_on(client(&options));
        let trimmed = options.prefix.as_deref().unwrap_or("").trim_matches('/');
        let scope = if trimmed.is_empty() {
            String::new()
        } else {
            format!("{trimmed}/")
        };
        Ok(Self {
            client,
            runtime,
            options,
            scope,
        })
    }

    async fn page(
        &self,
        key: Option<String>,
        id: Option<String>,
    ) -> Result<ListObjectVersionsOutput, ReadError> {
        self.client
            .list_object_versions()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .prefix(&self.scope)
            .encoding_type(EncodingType::Url)
            .set_key_marker(key)
            .set_version_id_marker(id)
            .send()
            .await
            .map_err(|error| self.failed("list its versions", "s3:ListBucketVersions", &error))
    }

    async fn list_all(&self, each: &mut dyn FnMut(Listed)) -> Result<(), ReadError> {
        let (mut key, mut id) = (None, None);
        loop {
            let page = self.page(key, id).await?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            for version in page.versions() {
                each(listed_version(version, encoded)?);
            }
            for marker in page.delete_markers() {
                let set = whole_seconds(marker.last_modified()).ok_or_else(incomplete)?;
                let marker_key = decoded(marker.key().ok_or_else(incomplete)?, encoded)?;
                let id = marker.version_id().map(str::to_owned);
                each(Listed::Marker {
                    key: marker_key,
                    marker: Marker { id, set },
                });
            }
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            let next = decoded(page.next_key_marker().ok_or_else(incomplete)?, encoded)?;
            (key, id) = (Some(next), page.next_version_id_marker().map(str::to_owned));
        }
    }

    async fn bucket_configuration(&self) -> Result<Bucket, ReadError> {
        let versioning = self
            .client
            .get_bucket_versioning()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .send()
            .await
            .map_err(|error| {
                self.failed("read its versioning", "s3:GetBucketVersioning", &error)
            })?;
        let versioning = versioning.status().map(|status| status.as_str().to_owned());
        let lock = self
            .client
            .get_object_lock_configuration()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .send()
            .await;
        let lock = match lock {
            Ok(lock) => lock.object_lock_configuration,
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => None,
            Err(error) => {
                let permission = "s3:GetBucketObjectLockConfiguration";
                return Err(self.failed("read its Object Lock configuration", permission, &error));
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

    async fn read_version(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let mut left = ATTEMPTS;
        loop {
            left = left.saturating_sub(1);
            let mut output = self
                .client
                .get_object()
                .bucket(&self.options.bucket)
                .expected_bucket_owner(&self.options.account)
                .key(key)
                .set_version_id(version.id.clone())
                .send()
                .await
                .map_err(|error| {
                    self.failed(&format!("read {key}"), "s3:GetObjectVersion", &error)
                })?;
            match collect(&mut output, version.bytes).await {
                Ok(bytes) => {
                    return Ok(Object {
                        bytes,
                        storage: Some(self.storage(key, version, &output).await),
                    });
                }
                Err(error) if left == 0 => return Err(ReadError::new(format!("{key}: {error}"))),
                Err(_) => {}
            }
        }
    }

    async fn storage(&self, key: &str, version: &Version, output: &GetObjectOutput) -> Storage {
        let replica = output.replication_status() == Some(&ReplicationStatus::Replica);
        let mode = output
            .object_lock_mode()
            .map(|mode| mode.as_str().to_owned());
        let until = whole_seconds(output.object_lock_retain_until_date());
        let lock = match mode.zip(until) {
            Some((mode, until)) => Ok(Some(Lock { mode, until })),
            // Who may read the object and not its retention gets an answer without these headers, as if it had no lock.
            None => self.retention(key, version).await,
        };
        Storage { lock, replica }
    }

    async fn retention(&self, key: &str, version: &Version) -> Result<Option<Lock>, ReadError> {
        let asked = self
            .client
            .get_object_retention()
            .bucket(&self.options.bucket)
            .expected_bucket_owner(&self.options.account)
            .key(key)
            .set_version_id(version.id.clone())
            .send()
            .await;
        match asked {
            Ok(answer) => Ok(answer.retention().and_then(|retention| {
                let until = whole_seconds(retention.retain_until_date())?;
                Some(Lock {
                    mode: retention.mode()?.as_str().to_owned(),
                    until,
                })
            })),
            Err(error) if is_unlocked(&error) => Ok(None),
            Err(error) => Err(self.failed(
                &format!("read the retention of {key}"),
                "s3:GetObjectRetention",
                &error,
            )),
        }
    }

    /// What went wrong, and what one can do about it.
    fn failed<E, R>(&self, doing: &str, permission: &str, error: &SdkError<E, R>) -> ReadError
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let bucket = &self.options.bucket;
        let cause = causes(error);
        let hint = match (error, error.code()) {
            (SdkError::TimeoutError(_), _) => {
                "the endpoint did not answer in time: try again, or see whether it is up".to_owned()
            }
            (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_), _)
                if cause.contains("redentials") =>
            {
                "give credentials: AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID, or a role"
                    .to_owned()
            }
            (SdkError::DispatchFailure(_), _) => {
                "see whether the endpoint is up and reachable; --endpoint-url names another"
                    .to_owned()
            }
            (_, Some("NoSuchBucket")) => {
                "the bucket was deleted, or the policy is of another one".to_owned()
            }
            (
                _,
                Some(
                    "InvalidAccessKeyId"
                    | "SignatureDoesNotMatch"
                    | "ExpiredToken"
                    | "InvalidToken"
                    | "TokenRefreshRequired",
                ),
            ) => "the credentials are wrong or have expired".to_owned(),
            (_, Some("RequestTimeTooSkewed")) => "set the clock of this machine".to_owned(),
            (
                _,
                Some(
                    "PermanentRedirect"
                    | "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException"
                    | "301",
                ),
            ) => {
                format!("the bucket is not in region {}", self.options.region)
            }
            (_, Some("AccessDenied" | "403")) => {
                format!(
                    "allow {permission}, and see whether account {} owns the bucket",
                    self.options.account
                )
            }
            _ => return ReadError::new(format!("cannot {doing}, in bucket {bucket}: {cause}")),
        };
        ReadError::new(format!("cannot {doing}, in bucket {bucket}: {cause}")).with_hint(hint)
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

    fn list(&self, _prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<(), ReadError> {
        self.runtime.block_on(self.list_all(each))
    }

    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        self.runtime.block_on(self.read_version(key, version))
    }
}

async fn client(options: &S3Options) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(READ_TIMEOUT)
                .build(),
        );
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    let shared = loader.load().await;
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(options.path_style)
        .build();
    Client::from_conf(config)
}

/// The body, as long as the listing said.
async fn collect(output: &mut GetObjectOutput, expected: u64) -> Result<Vec<u8>, String> {
    let limit = usize::try_from(expected).map_err(|error| error.to_string())?;
    let mut bytes = Vec::with_capacity(limit);
    while let Some(part) = output.body.next().await {
        bytes.extend_from_slice(&part.map_err(|error| causes(&error))?);
        if bytes.len() > limit {
            break;
        }
    }
    if bytes.len() == limit {
        Ok(bytes)
    } else {
        Err(format!(
            "the listing says {limit} bytes, the store sent {}",
            bytes.len()
        ))
    }
}

fn listed_version(
    version: &aws_sdk_s3::types::ObjectVersion,
    encoded: bool,
) -> Result<Listed, ReadError> {
    let key = decoded(version.key().ok_or_else(incomplete)?, encoded)?;
    let bytes = version
        .size()
        .and_then(|size| u64::try_from(size).ok())
        .ok_or_else(incomplete)?;
    let stored = whole_seconds(version.last_modified()).ok_or_else(incomplete)?;
    let multipart = version
        .e_tag()
        .filter(|tag| tag.contains('-'))
        .map(str::to_owned);
    let id = version.version_id().map(str::to_owned);
    Ok(Listed::Version {
        key,
        version: Version {
            id,
            stored: Some(stored),
            bytes,
            multipart,
        },
    })
}

fn incomplete() -> ReadError {
    ReadError::new("the store's listing leaves out what every listing has")
}

/// A key as the listing has it. They are asked for in percent-encoding, since XML cannot carry every character of a key.
fn decoded(text: &str, encoded: bool) -> Result<String, ReadError> {
    if !encoded {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(0), rest.next().unwrap_or(0)];
                let digits = std::str::from_utf8(&digits).map_err(|_| incomplete())?;
                u8::from_str_radix(digits, 16).map_err(|_| incomplete())?
            }
            plain => plain,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// S3 keeps whole seconds; a store that keeps more is cut off to them.
fn whole_seconds(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_micros(time?.secs().checked_mul(1_000_000)?)
}

fn is_unlocked<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    // InvalidRequest: "Bucket is missing Object Lock Configuration".
    let codes = [
        "NoSuchObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "InvalidRequest",
    ];
    error.code().is_some_and(|code| codes.contains(&code))
}

/// What an error says, and what each error under it adds.
fn causes(error: &dyn Error) -> String {
    let mut all = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !all.iter().any(|said| said.contains(&text)) {
            all.push(text);
        }
        next = cause.source();
    }
    all.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        assert_eq!(
            decoded("logs/a%3Db/x+y%0A%C3%A4", true).unwrap(),
            "logs/a=b/x y\nä"
        );
        assert_eq!(decoded("a%3Db+c", false).unwrap(), "a%3Db+c");
        for bad in ["%", "%4", "%zz", "%+1"] {
            assert!(decoded(bad, true).is_err() || bad == "%+1", "{bad}");
        }
    }

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
