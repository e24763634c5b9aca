//! The key of the encryption.

use tf_provider::{Context, Diagnostic, Result};

use crate::account::Account;
use crate::aws::{BucketSettings, Clients, Encryption, check_encryption_key};

/// Checks the key of the encryption before anything is put: S3 accepts a key that it cannot use.
pub(super) async fn check_key(
    cx: &Context<Account>,
    clients: &Clients,
    wanted: &BucketSettings,
) -> Result {
    let Encryption::SseKms {
        key_arn: Some(arn), ..
    } = &wanted.encryption
    else {
        return Ok(());
    };
    match check_encryption_key(clients, arn).await {
        Ok(()) => Ok(()),
        // who may not look at the key of another account may use it all the same
        Err(error) if error.is_denied() => {
            let detail = format!(
                "{error}. Check that the key is symmetric, enabled, and in the bucket's region: S3 does not."
            );
            cx.warn(Diagnostic::warning("The KMS key was not checked", detail).at("encryption"));
            Ok(())
        }
        Err(error) => Err(error
            .diagnostic("The KMS key cannot be used", "encryption")
            .into()),
    }
}
