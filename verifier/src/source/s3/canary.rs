//! Writes the canary of a probe. Nothing else in this crate writes to a bucket, and a [`Source`](crate::source::Source) cannot.

use std::error::Error;

use auditlog_chain::policy::LockMode;
use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode,
};

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::error::no_answer;
use super::options::S3Options;
use super::store::S3;
use crate::source::{Answer, Canary, CanaryLock, Object, ReadError, Seen, Version};

/// Largest canary that is read, in bytes: whatever is there in its place is not read further.
const MAX_CANARY_BYTES: u64 = 4096;

/// A bucket in which a canary is put.
#[derive(Debug)]
pub struct S3Canary {
    s3: S3,
}

impl S3Canary {
    /// Sets up a client. No request is sent yet.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no threads, or the profile is not defined.
    pub fn open(options: S3Options) -> Result<Self, ReadError> {
        S3::open(options).map(|s3| Self { s3 })
    }

    fn put(&self, key: &str, bytes: &[u8], lock: CanaryLock) -> PutObjectFluentBuilder {
        let mode = match lock.mode {
            LockMode::Governance => ObjectLockMode::Governance,
            LockMode::Compliance => ObjectLockMode::Compliance,
        };
        self.s3
            .client
            .put_object()
            .bucket(&self.s3.options.bucket)
            .expected_bucket_owner(&self.s3.options.account)
            .key(key)
            .body(ByteStream::from(bytes.to_vec()))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .object_lock_mode(mode)
            .object_lock_retain_until_date(date(lock.until))
    }

    fn send(&self, put: impl Fn() -> PutObjectFluentBuilder) -> Answer<Option<String>> {
        let send = || {
            put()
                .customize()
                .interceptor(self.s3.clock.watch())
                .interceptor(Bound::of(MAX_ANSWER_BYTES))
                .send()
        };
        match self.s3.runtime.block_on(self.s3.patiently(send)) {
            Ok(output) => Answer::Done(output.version_id),
            Err(error) => self.refused("put the canary", "s3:PutObject", &error),
        }
    }

    /// A refusal, or that there was no answer to go by.
    fn refused<T, E>(
        &self,
        doing: &str,
        permission: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Answer<T>
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        match status {
            Some(status @ 400..500) if !no_answer(error) => Answer::Refused {
                status,
                code: error.code().unwrap_or_default().to_owned(),
            },
            _ => Answer::Failed(self.s3.failed(doing, permission, error)),
        }
    }
}

fn date(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_micros().div_euclid(1_000_000))
}

impl Canary for S3Canary {
    fn create(&self, key: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        self.send(|| self.put(key, bytes, lock).if_none_match("*"))
    }

    fn overwrite(&self, key: &str, bytes: &[u8], lock: CanaryLock) -> Answer<Option<String>> {
        self.send(|| self.put(key, bytes, lock))
    }

    fn delete(&self, key: &str, version_id: &str) -> Answer<()> {
        let send = || {
            self.s3
                .client
                .delete_object()
                .bucket(&self.s3.options.bucket)
                .expected_bucket_owner(&self.s3.options.account)
                .key(key)
                .version_id(version_id)
                .customize()
                .interceptor(Bound::of(MAX_ANSWER_BYTES))
                .send()
        };
        match self.s3.runtime.block_on(self.s3.patiently(send)) {
            Ok(_) => Answer::Done(()),
            Err(error) => self.refused("delete the canary", "s3:DeleteObjectVersion", &error),
        }
    }

    fn hide(&self, key: &str) -> Answer<Option<String>> {
        let send = || {
            self.s3
                .client
                .delete_object()
                .bucket(&self.s3.options.bucket)
                .expected_bucket_owner(&self.s3.options.account)
                .key(key)
                .customize()
                .interceptor(Bound::of(MAX_ANSWER_BYTES))
                .send()
        };
        match self.s3.runtime.block_on(self.s3.patiently(send)) {
            Ok(output) => {
                let is_marker = output.delete_marker() == Some(true);
                Answer::Done(output.version_id.filter(|_| is_marker))
            }
            Err(error) => self.refused("hide the canary", "s3:DeleteObject", &error),
        }
    }

    fn set_lock(&self, key: &str, version_id: &str, lock: CanaryLock) -> Answer<()> {
        let mode = match lock.mode {
            LockMode::Governance => ObjectLockRetentionMode::Governance,
            LockMode::Compliance => ObjectLockRetentionMode::Compliance,
        };
        let retention = ObjectLockRetention::builder()
            .mode(mode)
            .retain_until_date(date(lock.until))
            .build();
        let send = || {
            self.s3
                .client
                .put_object_retention()
                .bucket(&self.s3.options.bucket)
                .expected_bucket_owner(&self.s3.options.account)
                .key(key)
                .version_id(version_id)
                .retention(retention.clone())
                .customize()
                .interceptor(Bound::of(MAX_ANSWER_BYTES))
                .send()
        };
        match self.s3.runtime.block_on(self.s3.patiently(send)) {
            Ok(_) => Answer::Done(()),
            Err(error) => self.refused("shorten the lock", "s3:PutObjectRetention", &error),
        }
    }

    fn look(&self, key: &str, version_id: &str) -> Answer<Seen> {
        let head = || {
            self.s3
                .client
                .head_object()
                .bucket(&self.s3.options.bucket)
                .expected_bucket_owner(&self.s3.options.account)
                .key(key)
                .version_id(version_id)
                .send()
        };
        let bytes = match self.s3.runtime.block_on(self.s3.patiently(head)) {
            Ok(head) => head.content_length().unwrap_or_default(),
            Err(error) => return self.refused("look at the canary", "s3:GetObjectVersion", &error),
        };
        let version = Version {
            id: Some(version_id.to_owned()),
            bytes: u64::try_from(bytes)
                .unwrap_or_default()
                .min(MAX_CANARY_BYTES),
            ..Version::default()
        };
        let read = self.s3.read_if_answered(key, &version);
        match self.s3.runtime.block_on(read) {
            Ok(object) => seen(object),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// The lock as a verification reads it.
fn seen(object: Object) -> Answer<Seen> {
    let bytes = match object.bytes {
        Ok(bytes) => bytes,
        Err(error) => return Answer::Failed(error),
    };
    let lock = match object.storage.map(|storage| storage.lock) {
        None => None,
        Some(Ok(lock)) => lock,
        Some(Err(error)) => return Answer::Failed(error),
    };
    Answer::Done(Seen {
        bytes,
        lock: lock.and_then(|lock| Some((lock.strength.to_string(), lock.until?))),
    })
}
