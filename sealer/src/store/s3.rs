//! A bucket with Object Lock.

use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::policy::LockMode;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumAlgorithm, ObjectLockEnabled, ObjectLockMode, ObjectLockRule,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Runtime;

use crate::aws::{Aws, AwsFault};
use crate::error::{Error, LogError, StoreError, UsageError};
use crate::seal::{Fencing, MAX_SKEW_SECONDS};
use crate::store::clock::{Clock, Dates, Reading, timestamp};
use crate::store::{Created, Store, Version, VersionKind};

/// How often a PUT is tried again where S3 says that another one is under way (409).
const CONFLICT_ATTEMPTS: u32 = 5;

/// How often an object is read whose body breaks off.
const READ_ATTEMPTS: u32 = 3;

const GET_OBJECT: &str = "S3 GetObject";

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

/// A bucket as a store.
pub struct Bucket {
    client: Client,
    runtime: Arc<Runtime>,
    name: String,
    place: String,
    lock: DeclaredLock,
    fencing: Fencing,
    clock: Clock,
    dates: Dates,
    patience: Duration,
}

impl Bucket {
    /// Sees that the bucket has versioning and Object Lock, and a default lock at least as strong as declared. Without a
    /// declaration, the bucket's own default is taken for it.
    ///
    /// # Errors
    ///
    /// Says what the bucket lacks, or why it cannot be looked at.
    pub fn open(
        aws: &Aws,
        name: &str,
        declared: Option<DeclaredLock>,
        fencing: Fencing,
        clock: Clock,
    ) -> Result<Self, Error> {
        let dates = Dates::new(Arc::clone(&clock));
        let config = aws_sdk_s3::config::Builder::from(&aws.config)
            .force_path_style(aws.path_style)
            .interceptor(dates.clone())
            .build();
        let client = Client::from_conf(config);
        let default = aws.runtime.block_on(default_lock(&client, name))?;
        let lock = strong_enough(name, declared, default)?;
        Ok(Self {
            client,
            runtime: Arc::clone(&aws.runtime),
            name: name.to_owned(),
            place: format!("s3://{name}"),
            lock,
            fencing,
            clock,
            dates,
            patience: aws.patience(),
        })
    }

    fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.place)
    }

    fn check_clock(&self) -> Result<(), Error> {
        let Some(Reading { theirs, ours }) = self.reading()? else {
            return Ok(());
        };
        if theirs.seconds_since(ours).abs() > MAX_SKEW_SECONDS {
            return Err(StoreError::ClockSkew {
                place: self.place.clone(),
                theirs,
                ours,
                allowed_seconds: MAX_SKEW_SECONDS,
            }
            .into());
        }
        Ok(())
    }

    /// What the two clocks say. Ours may have been set since the last answer, so an old reading is not relied on.
    fn reading(&self) -> Result<Option<Reading>, Error> {
        let seen = self.dates.seen();
        let now = (self.clock)();
        if seen.is_some_and(|seen| seen.is_fresh(now)) {
            return Ok(seen);
        }
        self.runtime
            .block_on(versioning(&self.client, &self.name))?;
        Ok(self.dates.seen())
    }

    /// One PUT, from memory, with a checksum that was computed here, and the lock said explicitly: the retention and one day
    /// more, in whole seconds, since the verifier counts from `LastModified` and without tolerance. The algorithm is named
    /// beside the checksum: what S3 documents for a PUT under a lock is `Content-MD5` or that header.
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<Created, AwsFault> {
        let days = i64::from(self.lock.retention_days).saturating_add(1);
        let until = (self.clock)().saturating_add_seconds(days.saturating_mul(86_400));
        let until = i64::try_from(until.as_seconds()).unwrap_or(i64::MAX);
        let mode = match self.lock.mode {
            LockMode::Governance => ObjectLockMode::Governance,
            LockMode::Compliance => ObjectLockMode::Compliance,
        };
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(STANDARD.encode(digest(&SHA256, bytes)))
            .object_lock_mode(mode)
            .object_lock_retain_until_date(DateTime::from_secs(until))
            .body(ByteStream::from(bytes.to_vec()));
        let sent = match self.fencing {
            Fencing::Condition => request.send().await,
            // Without the condition, a PUT that the SDK repeats would make a second version of our own.
            Fencing::ListVersions => {
                let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
                request.customize().config_override(once).send().await
            }
        };
        match sent {
            Ok(_) => Ok(Created::New),
            Err(error) => {
                let fault = AwsFault::new("S3 PutObject", self.url(key), &error);
                if fault.status() == 412 {
                    Ok(Created::Exists)
                } else {
                    Err(fault)
                }
            }
        }
    }

    async fn put_through_conflicts(&self, key: &str, bytes: &[u8]) -> Result<Created, AwsFault> {
        let mut pause = Duration::from_millis(100);
        for _ in 1..CONFLICT_ATTEMPTS {
            match self.put(key, bytes).await {
                Err(fault) if fault.status() == 409 => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause = pause.saturating_mul(2);
        }
        self.put(key, bytes).await
    }

    async fn each_version(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        const CALL: &str = "S3 ListObjectVersions";
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.name)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker)
                .send()
                .await
                .map_err(|error| AwsFault::new(CALL, self.url(prefix), &error))?;
            let objects = page.versions().iter().map(|version| {
                let modified = version.last_modified().and_then(timestamp);
                (version.key(), VersionKind::Object, modified)
            });
            let markers = page.delete_markers().iter().map(|marker| {
                let modified = marker.last_modified().and_then(timestamp);
                (marker.key(), VersionKind::DeleteMarker, modified)
            });
            let mut all: Vec<_> = objects.chain(markers).collect();
            // S3 lists objects and markers apart; within a page, the order of keys is made here.
            all.sort_by_key(|(key, ..)| *key);
            for (key, kind, modified) in all {
                let key = key.ok_or_else(|| AwsFault::incomplete(CALL, self.url(prefix), "key"))?;
                visit(Version {
                    key,
                    kind,
                    modified,
                })?;
            }
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            if page.next_key_marker().is_none() {
                return Err(AwsFault::incomplete(CALL, self.url(prefix), "next marker").into());
            }
            key_marker = page.next_key_marker;
            version_marker = page.next_version_id_marker;
        }
    }

    /// Reads an object. Of its body, the SDK bounds no time and repeats nothing; here both are as for any other call.
    async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let reading = async {
            for _ in 1..READ_ATTEMPTS {
                match self.read_once(key).await? {
                    Some(Err(_)) => {}
                    Some(Ok(whole)) => return Ok(Some(whole)),
                    None => return Ok(None),
                }
            }
            Ok(self.read_once(key).await?.transpose()?)
        };
        let read = tokio::time::timeout(self.patience, reading).await;
        read.unwrap_or_else(|_| Err(AwsFault::timed_out(GET_OBJECT, self.url(key)).into()))
    }

    /// The object, if there is one, and if its body does not break off.
    async fn read_once(&self, key: &str) -> Result<Option<Result<Vec<u8>, AwsFault>>, Error> {
        let answer = self.client.get_object().bucket(&self.name).key(key);
        let mut answer = match answer.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let fault = AwsFault::new(GET_OBJECT, self.url(key), &error);
                let absent = fault.status() == 404 && fault.code() == "NoSuchKey";
                return if absent { Ok(None) } else { Err(fault.into()) };
            }
        };
        let mut bytes = Vec::new();
        loop {
            match answer.body.try_next().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(Some(Ok(bytes))),
                Err(error) => {
                    let broken = AwsFault::broken(GET_OBJECT, self.url(key), &error);
                    return Ok(Some(Err(broken)));
                }
            }
            if bytes.len() > MAX_OBJECT_BYTES {
                return Err(StoreError::ObjectTooLarge {
                    url: self.url(key),
                    limit: MAX_OBJECT_BYTES,
                }
                .into());
            }
        }
    }
}

impl Store for Bucket {
    fn place(&self) -> &str {
        &self.place
    }

    fn check(&self) -> Result<(), Error> {
        self.check_clock()
    }

    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let prefix = format!("{folder}/");
        self.runtime.block_on(self.each_version(&prefix, visit))
    }

    fn versions(&self, key: &str) -> Result<usize, Error> {
        let mut versions = 0usize;
        let mut count = |version: Version<'_>| {
            if version.key != key {
                return Ok(());
            }
            if version.kind == VersionKind::DeleteMarker {
                let key = key.to_owned();
                return Err(LogError::Hidden { key }.into());
            }
            versions = versions.saturating_add(1);
            Ok(())
        };
        self.runtime.block_on(self.each_version(key, &mut count))?;
        Ok(versions)
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.runtime.block_on(self.object(key))
    }

    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error> {
        self.check_clock()?;
        let created = self
            .runtime
            .block_on(self.put_through_conflicts(key, bytes));
        match (created, self.fencing) {
            (Ok(created), _) => Ok(created),
            (Err(fault), Fencing::Condition) => Err(fault.into()),
            // The PUT may have arrived though its answer did not.
            (Err(fault), Fencing::ListVersions) => match self.versions(key)? {
                0 => Err(fault.into()),
                _ => Ok(Created::Exists),
            },
        }
    }
}

async fn versioning(
    client: &Client,
    name: &str,
) -> Result<Option<BucketVersioningStatus>, AwsFault> {
    let answer = client.get_bucket_versioning().bucket(name).send().await;
    answer
        .map(|answer| answer.status)
        .map_err(|error| AwsFault::new("S3 GetBucketVersioning", format!("s3://{name}"), &error))
}

async fn default_lock(client: &Client, name: &str) -> Result<Option<DeclaredLock>, Error> {
    let bucket = || name.to_owned();
    if versioning(client, name).await? != Some(BucketVersioningStatus::Enabled) {
        return Err(StoreError::NotVersioned { bucket: bucket() }.into());
    }
    let answer = client.get_object_lock_configuration().bucket(name);
    let answer = match answer.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fault = AwsFault::new(
                "S3 GetObjectLockConfiguration",
                format!("s3://{name}"),
                &error,
            );
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

fn strong_enough(
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
