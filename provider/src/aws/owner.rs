//! The account that a bucket must belong to, said with every call of S3.
//!
//! Bucket names are global. A bucket that was deleted can be created again by somebody else, and a bucket policy can let us
//! read or write it. With `x-amz-expected-bucket-owner`, S3 refuses such a call with 403. An interceptor adds the header, so
//! that no call can forget it.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

const HEADER: &str = "x-amz-expected-bucket-owner";

/// Operations that do not name an existing bucket, and do not accept the header.
const WITHOUT_OWNER: [&str; 4] = [
    "CreateBucket",
    "CreateSession",
    "ListBuckets",
    "ListDirectoryBuckets",
];

/// Adds the header to every request that accepts it.
#[derive(Debug, Clone)]
pub(super) struct ExpectedOwner(String);

impl ExpectedOwner {
    pub(super) fn new(account: &str) -> Self {
        Self(account.to_owned())
    }
}

impl Intercept for ExpectedOwner {
    fn name(&self) -> &'static str {
        "ExpectedOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(Metadata::name);
        if operation.is_some_and(accepts_owner) {
            let headers = context.request_mut().headers_mut();
            // A verification names the owner that its trust policy declares, which may be another account.
            if !headers.contains_key(HEADER) {
                headers.insert(HEADER, self.0.clone());
            }
        }
        Ok(())
    }
}

fn accepts_owner(operation: &str) -> bool {
    !WITHOUT_OWNER.contains(&operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_is_sent_where_a_bucket_exists() {
        for operation in ["HeadBucket", "PutBucketPolicy", "ListObjectVersions"] {
            assert!(accepts_owner(operation), "{operation}");
        }
        for operation in WITHOUT_OWNER {
            assert!(!accepts_owner(operation), "{operation}");
        }
    }
}
