//! Which bucket, and whose: what every request names.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::AwsFault;

/// A bucket and its owner.
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) account: String,
    /// Its name for people: `s3://bucket`.
    pub(super) name: String,
}

impl Place {
    pub(super) fn new(bucket: &str, account: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            account: account.to_owned(),
            name: format!("s3://{bucket}"),
        }
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.name)
    }

    /// A call that failed. S3 refuses with 403 where another account owns the bucket, so the fault names the account.
    pub(super) fn fault<E>(
        &self,
        call: &'static str,
        target: impl Into<String>,
        error: &SdkError<E, HttpResponse>,
    ) -> AwsFault
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        AwsFault::new(call, target, error).of_owner(&self.account)
    }
}
