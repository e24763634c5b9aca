//! Whether something is really gone. One 404 is not enough: a proxy's looks the same, and what Terraform takes for gone, it
//! drops from the state and creates again.

use super::clients::Clients;
use crate::error::Error;

/// Whether a resource exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// AWS knows it.
    There,
    /// AWS says by its code that there is no such resource.
    Gone,
}

/// Asks S3 again about a bucket whose HEAD was answered with 404: an answer to HEAD has no body, so no error code.
///
/// # Errors
/// The bucket can be neither found nor said to be gone: any answer but the bucket's versioning and `NoSuchBucket`.
pub(crate) async fn confirm_bucket(clients: &Clients, bucket: &str) -> Result<Presence, Error> {
    let answer = clients.s3.get_bucket_versioning().bucket(bucket).send();
    match answer.await {
        Ok(_) => Ok(Presence::There),
        Err(error) => presence(
            Error::call("GetBucketVersioning", bucket, &error),
            "NoSuchBucket",
        ),
    }
}

/// Asks KMS again about a key that it did not find.
///
/// # Errors
/// As [`confirm_bucket`], with `NotFoundException`.
pub(crate) async fn confirm_key(clients: &Clients, key: &str) -> Result<Presence, Error> {
    match clients.kms.describe_key().key_id(key).send().await {
        Ok(_) => Ok(Presence::There),
        Err(error) => presence(Error::call("DescribeKey", key, &error), "NotFoundException"),
    }
}

fn presence(error: Error, gone: &str) -> Result<Presence, Error> {
    if error.code() == Some(gone) {
        return Ok(Presence::Gone);
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_says_that_something_is_gone() {
        let said = || Error::no_such_bucket("GetBucketVersioning", "trail");
        assert!(matches!(
            presence(said(), "NoSuchBucket"),
            Ok(Presence::Gone)
        ));
        assert!(presence(said(), "NotFoundException").is_err());
    }
}
