//! Small objects that a verification keeps for the next one: pins and caches. They are in a bucket of their own, never in the one that
//! is verified.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::causes::causes;
use super::error::UNLIKE_S3;
use super::options::S3Options;
use super::read::SLOWEST;
use super::store::{Purpose, S3};
use crate::source::ReadError;

/// The header of an answer that says that a delete marker hides the object.
const DELETE_MARKER: &str = "x-amz-delete-marker";

/// A bucket for small objects.
#[derive(Debug)]
pub struct S3Objects {
    s3: S3,
}

/// A small object as it is now.
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    /// Names these bytes, for a condition.
    pub(crate) etag: String,
}

/// What must be so for an object to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition<'e> {
    /// Nothing: its name says what it is.
    Always,
    /// It does not exist.
    Absent,
    /// It is the one with this `ETag`.
    Unchanged(&'e str),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Done,
    /// The condition did not hold: somebody else wrote it in the meantime.
    Changed,
}

impl S3Objects {
    /// Sets up a client. No request is sent yet. An empty account is not compared with that of the bucket's owner.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no threads, or the profile is not defined.
    pub fn open(options: S3Options) -> Result<Self, ReadError> {
        let s3 = S3::open(options)?.for_purpose(Purpose::Keeping);
        Ok(Self { s3 })
    }

    /// The address of an object.
    pub fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.s3.options.bucket)
    }

    fn owner(&self) -> Option<String> {
        let account = &self.s3.options.account;
        (!account.is_empty()).then(|| account.clone())
    }

    /// Reads an object of at most so many bytes; `None` where it does not exist.
    pub(crate) fn read(&self, key: &str, limit: usize) -> Result<Option<Kept>, ReadError> {
        self.s3.runtime.block_on(self.read_whole(key, limit))
    }

    async fn read_whole(&self, key: &str, limit: usize) -> Result<Option<Kept>, ReadError> {
        let get = || {
            self.s3
                .client
                .get_object()
                .bucket(&self.s3.options.bucket)
                .set_expected_bucket_owner(self.owner())
                .key(key)
                .customize()
                .interceptor(Bound::of(limit.max(MAX_ANSWER_BYTES)))
                .send()
        };
        let sent = self.s3.patiently(get).await;
        let output = match sent {
            Ok(output) => output,
            Err(error) if error.code() == Some("NoSuchKey") => {
                return self.absent(key, &error).map(|()| None);
            }
            Err(error) => {
                let doing = format!("read {key}");
                return Err(self.s3.failed(&doing, "s3:GetObject", &error));
            }
        };
        let etag = output.e_tag().unwrap_or_default().to_owned();
        if etag.is_empty() {
            let reason = format!(
                "the store answered without an ETag of {}",
                self.address(key)
            );
            return Err(ReadError::new(reason).with_hint(UNLIKE_S3));
        }
        let bytes = self.body(key, output).await?;
        Ok(Some(Kept { bytes, etag }))
    }

    /// An object that somebody deleted is not one that was never there.
    fn absent(
        &self,
        key: &str,
        error: &SdkError<GetObjectError, aws_sdk_s3::config::http::HttpResponse>,
    ) -> Result<(), ReadError> {
        let header = error
            .raw_response()
            .and_then(|answer| answer.headers().get(DELETE_MARKER));
        if header != Some("true") {
            return Ok(());
        }
        let reason = format!(
            "{} was deleted: a delete marker hides it",
            self.address(key)
        );
        Err(ReadError::new(reason).with_hint(
            "delete the marker to bring it back, with `aws s3api delete-object --version-id`; find out who set it",
        ))
    }

    async fn body(&self, key: &str, output: GetObjectOutput) -> Result<Vec<u8>, ReadError> {
        let length = output.content_length().unwrap_or_default();
        let more = u64::try_from(length).unwrap_or(0).div_euclid(SLOWEST);
        let within = self
            .s3
            .options
            .timeout
            .saturating_add(Duration::from_secs(more));
        let failed = |why: String| {
            let reason = format!("cannot read {}: {why}", self.address(key));
            ReadError::new(reason).with_hint(super::error::AGAIN)
        };
        match tokio::time::timeout(within, output.body.collect()).await {
            Ok(Ok(bytes)) => Ok(bytes.to_vec()),
            Ok(Err(error)) => Err(failed(causes(&error))),
            Err(_) => Err(failed("it did not arrive in time".to_owned())),
        }
    }

    /// Writes an object, if the condition holds.
    pub(crate) fn write(
        &self,
        key: &str,
        bytes: &[u8],
        condition: Condition<'_>,
    ) -> Result<Written, ReadError> {
        let send = || {
            let put = self
                .s3
                .client
                .put_object()
                .bucket(&self.s3.options.bucket)
                .set_expected_bucket_owner(self.owner())
                .key(key)
                .content_type("application/json")
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(ByteStream::from(bytes.to_vec()));
            let put = match condition {
                Condition::Always => put,
                Condition::Absent => put.if_none_match("*"),
                Condition::Unchanged(etag) => put.if_match(etag),
            };
            put.customize()
                .interceptor(Bound::of(MAX_ANSWER_BYTES))
                .send()
        };
        match self.s3.runtime.block_on(self.s3.patiently(send)) {
            Ok(_) => Ok(Written::Done),
            Err(error) if error.code().is_some_and(is_changed) => Ok(Written::Changed),
            Err(error) => {
                let doing = format!("write {key}");
                Err(self.s3.failed(&doing, "s3:PutObject", &error))
            }
        }
    }

    /// Removes an object. Where that fails, it is only in the way.
    pub(crate) fn remove(&self, key: &str) {
        let sent = self
            .s3
            .client
            .delete_object()
            .bucket(&self.s3.options.bucket)
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .customize()
            .interceptor(Bound::of(MAX_ANSWER_BYTES))
            .send();
        _ = self.s3.runtime.block_on(sent);
    }
}

/// Whether S3 refused to write because of the condition: 412; 409 while another write of the same object is under way; 404 where the object
/// that had to be unchanged is gone.
fn is_changed(code: &str) -> bool {
    [
        "PreconditionFailed",
        "ConditionalRequestConflict",
        "NoSuchKey",
    ]
    .contains(&code)
}
