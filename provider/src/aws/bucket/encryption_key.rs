//! The KMS key of a bucket's default encryption. S3 accepts any ARN, and the first write fails.

use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType};

use crate::aws::Place;
use crate::aws::clients::Clients;
use crate::error::{Error, UnusableKey};

/// Whether S3 names the key of this ARN, which it may do by the id alone. An alias is not the same: it can move.
pub fn is_same_key(found: &str, arn: &str) -> bool {
    found == arn || arn.rsplit_once(":key/").is_some_and(|(_, id)| id == found)
}

/// Checks what the ARN alone says.
///
/// # Errors
/// [`UnusableKey::OtherRegion`].
pub fn check_key_region(arn: &str, region: &str) -> Result<(), UnusableKey> {
    match Place::of_arn(arn).region {
        Some(key) if key != region => Err(UnusableKey::OtherRegion {
            key: key.to_owned(),
            bucket: region.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Checks the key itself: symmetric, for encryption, enabled, in the region.
///
/// # Errors
/// [`Error::EncryptionKey`] where S3 could not use it, or what KMS said.
pub async fn check_encryption_key(clients: &Clients, arn: &str) -> Result<(), Error> {
    const OPERATION: &str = "DescribeKey";
    let unusable = |why| Error::EncryptionKey {
        key: arn.to_owned(),
        why,
    };
    check_key_region(arn, clients.region()).map_err(unusable)?;
    let answer = clients.kms.describe_key().key_id(arn).send().await;
    let key = answer
        .map_err(|error| Error::call(OPERATION, arn, &error))?
        .key_metadata
        .ok_or_else(|| Error::Incomplete {
            operation: OPERATION,
            target: arn.to_owned(),
            missing: "the key",
        })?;
    let spec = key.key_spec.unwrap_or(KeySpec::SymmetricDefault);
    let usage = key.key_usage.unwrap_or(KeyUsageType::EncryptDecrypt);
    if spec != KeySpec::SymmetricDefault || usage != KeyUsageType::EncryptDecrypt {
        return Err(unusable(UnusableKey::NotSymmetric(
            spec.as_str().to_owned(),
        )));
    }
    match key.key_state {
        Some(KeyState::Enabled) | None => Ok(()),
        Some(state) => Err(unusable(UnusableKey::NotEnabled(state.as_str().to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_of_a_key_is_the_key_and_an_alias_is_not() {
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/1";
        assert!(is_same_key(arn, arn) && is_same_key("1", arn));
        for other in [
            "2",
            "alias/1",
            "arn:aws:kms:eu-west-1:123456789012:key/2",
            "key/1",
        ] {
            assert!(!is_same_key(other, arn), "{other}");
        }
    }

    #[test]
    fn key_of_another_region_is_refused_by_its_arn() {
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/1";
        assert_eq!(check_key_region(arn, "eu-west-1"), Ok(()));
        let refused = check_key_region(arn, "eu-central-1").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the key is in the region eu-west-1, but the bucket is in eu-central-1"
        );
    }
}
