//! A bucket with Object Lock.

use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::policy::LockMode;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ObjectLockMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Runtime;

use crate::aws::Aws;
use crate::error::{AwsFault, Error, LogError, StoreError};
use crate::fencing::Fencing;
use crate::limits::MAX_SKEW_SECONDS;
use crate::store::clock::{Clock, ClockReading, Dates, Uptime};
use crate::store::{Created, Store, Version, VersionKind};

use bounded::Bounded;
use lock::{default_lock, versioning};
use locking::Locking;
use place::Place;

mod bounded;
mod list;
mod lock;
mod locking;
mod place;
mod read;
mod whole;

pub use lock::{Lock, LockSource, WeakDefault};

/// How often a PUT is tried again where S3 says that another one is under way (409).
const CONFLICT_ATTEMPTS: u32 = 5;

/// Which bucket it is, and what is declared about it.
#[derive(Clone, Debug)]
pub struct BucketSettings<'a> {
    /// Its name.
    pub bucket: &'a str,
    /// The AWS account that owns it. Every request names it: a bucket's name can be taken by anybody once it is deleted.
    pub account: &'a str,
    /// Where the lock of new objects is declared.
    pub lock: LockSource,
    /// What keeps other writers out.
    pub fencing: Fencing,
}

/// A bucket as a store.
pub struct Bucket {
    client: Client,
    runtime: Arc<Runtime>,
    place: Place,
    locking: Locking,
    fencing: Fencing,
    clock: Clock,
    dates: Dates,
    patience: Duration,
}

impl Bucket {
    /// Checks that the bucket has versioning and Object Lock, and chooses the lock of new objects from what is declared and the
    /// bucket's default retention.
    ///
    /// # Errors
    ///
    /// Names what the bucket lacks, or why it cannot be read.
    pub fn open(aws: &Aws, settings: BucketSettings<'_>, clock: Clock) -> Result<Self, Error> {
        let dates = Dates::new(Arc::clone(&clock));
        let config = aws_sdk_s3::config::Builder::from(&aws.config)
            .force_path_style(aws.path_style)
            .interceptor(dates.clone())
            .interceptor(Bounded)
            .build();
        let client = Client::from_conf(config);
        let place = Place::new(settings.bucket, settings.account);
        let default = aws.runtime.block_on(default_lock(&client, &place))?;
        let now = clock();
        let locking = Locking::new(settings.lock, default, now);
        locking.choose(settings.bucket, now)?;
        Ok(Self {
            client,
            runtime: Arc::clone(&aws.runtime),
            place,
            locking,
            fencing: settings.fencing,
            clock,
            dates,
            patience: aws.patience(),
        })
    }

    /// The lock for an object that is stored now. Every quarter of an hour, and where it is in doubt, the bucket is asked what it
    /// locks by itself.
    fn lock_now(&self) -> Result<Lock, Error> {
        if !self.locking.is_fresh((self.clock)()) {
            self.ask_lock()?;
        }
        Ok(self
            .locking
            .choose(&self.place.bucket, (self.clock)())?
            .lock)
    }

    fn ask_lock(&self) -> Result<(), Error> {
        let asked = self
            .runtime
            .block_on(default_lock(&self.client, &self.place));
        self.locking.learn(asked, (self.clock)())
    }

    /// A bucket that refuses an object may have lost its lock.
    fn refused(&self, fault: AwsFault) -> Error {
        if !matches!(fault.status(), 400 | 403 | 404) {
            return fault.into();
        }
        self.locking.doubt();
        match self.ask_lock() {
            Err(error) if error.is_of_the_lock() => error,
            Ok(()) | Err(_) => fault.into(),
        }
    }

    fn check_clock(&self) -> Result<(), Error> {
        let Some(reading) = self.fresh_reading()? else {
            return Ok(());
        };
        if reading.is_skewed() {
            let ClockReading { theirs, ours, .. } = reading;
            return Err(StoreError::ClockSkew {
                place: self.place.name.clone(),
                theirs,
                ours,
                allowed_seconds: MAX_SKEW_SECONDS,
            }
            .into());
        }
        Ok(())
    }

    /// What the two clocks say. Either may have been set since the last answer, so an old reading is not relied on.
    fn fresh_reading(&self) -> Result<Option<ClockReading>, Error> {
        let seen = self.dates.seen();
        let (now, at) = ((self.clock)(), Uptime::now());
        if seen.is_some_and(|seen| seen.is_fresh(now, at)) {
            return Ok(seen);
        }
        self.runtime
            .block_on(versioning(&self.client, &self.place))?;
        Ok(self.dates.seen())
    }

    /// One PUT, from memory, with a checksum that was computed here, and the lock said explicitly: the retention and one day
    /// more, in whole seconds, since the verifier counts from `LastModified` and without tolerance. The algorithm is named
    /// beside the checksum: what S3 documents for a PUT under a lock is `Content-MD5` or that header.
    async fn put(&self, key: &str, bytes: &[u8], lock: Lock) -> Result<Created, AwsFault> {
        let days = i64::from(lock.retention_days).saturating_add(1);
        let until = (self.clock)().saturating_add_seconds(days.saturating_mul(86_400));
        let until = i64::try_from(until.as_seconds()).unwrap_or(i64::MAX);
        let mode = match lock.mode {
            LockMode::Governance => ObjectLockMode::Governance,
            LockMode::Compliance => ObjectLockMode::Compliance,
        };
        let request = self
            .client
            .put_object()
            .bucket(&self.place.bucket)
            .expected_bucket_owner(&self.place.account)
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
                let fault = self
                    .place
                    .fault("S3 PutObject", self.place.url(key), &error);
                if fault.status() == 412 {
                    Ok(Created::Exists)
                } else {
                    Err(fault)
                }
            }
        }
    }

    async fn put_through_conflicts(
        &self,
        key: &str,
        bytes: &[u8],
        lock: Lock,
    ) -> Result<Created, AwsFault> {
        let mut pause = Duration::from_millis(100);
        for _ in 1..CONFLICT_ATTEMPTS {
            match self.put(key, bytes, lock).await {
                Err(fault) if fault.status() == 409 => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause = pause.saturating_mul(2);
        }
        self.put(key, bytes, lock).await
    }
}

impl Store for Bucket {
    fn place(&self) -> &str {
        &self.place.name
    }

    fn reading(&self) -> Option<ClockReading> {
        self.dates.seen()
    }

    fn check(&self) -> Result<(), Error> {
        self.check_clock()
    }

    fn declare(&self, lock: LockSource) {
        self.locking.declare(lock);
    }

    fn check_lock(&self) -> Result<Option<WeakDefault>, Error> {
        self.ask_lock()?;
        let choice = self.locking.choose(&self.place.bucket, (self.clock)())?;
        Ok(choice.weak_default)
    }

    fn weak_default(&self) -> Option<WeakDefault> {
        let choice = self.locking.choose(&self.place.bucket, (self.clock)());
        choice.ok()?.weak_default
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
        let lock = self.lock_now()?;
        let created = self
            .runtime
            .block_on(self.put_through_conflicts(key, bytes, lock));
        match (created, self.fencing) {
            (Ok(created), _) => Ok(created),
            (Err(fault), Fencing::Condition) => Err(self.refused(fault)),
            // The PUT may have arrived though its answer did not.
            (Err(fault), Fencing::ListVersions) => match self.versions(key)? {
                0 => Err(self.refused(fault)),
                _ => Ok(Created::Exists),
            },
        }
    }
}
