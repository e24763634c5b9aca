//! The key of the encryption.

use tf_provider::{Context, Diagnostic, Object, Result};

use crate::account::Account;
use crate::aws::{BucketSettings, Clients, Encryption, check_encryption_key};

/// Checks a key that is new in a plan, where its ARN is known.
pub(super) async fn check_planned(
    cx: &Context<Account>,
    clients: &Clients,
    (prior, planned): (Option<&Object>, &Object),
) -> Result {
    let key_of = |object: &Object| -> Option<String> {
        let encryption = object.value("encryption").as_object()?;
        encryption.value("kms_key_arn").as_str().map(str::to_owned)
    };
    match key_of(planned) {
        Some(arn) if prior.and_then(key_of).as_ref() != Some(&arn) => {
            check(cx, clients, &arn).await
        }
        _ => Ok(()),
    }
}

/// Checks the key of the encryption before anything is put: S3 accepts a key that it cannot use.
pub(super) async fn check_key(
    cx: &Context<Account>,
    clients: &Clients,
    wanted: &BucketSettings,
) -> Result {
    match &wanted.encryption {
        Encryption::SseKms {
            key_arn: Some(arn), ..
        } => check(cx, clients, arn).await,
        Encryption::SseS3 | Encryption::SseKms { .. } | Encryption::Other(_) => Ok(()),
    }
}

async fn check(cx: &Context<Account>, clients: &Clients, arn: &str) -> Result {
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
