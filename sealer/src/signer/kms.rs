//! Signing with a key in AWS KMS.

use std::sync::Arc;

use auditlog_chain::keys::{KeySpec, PublicKey};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Region;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use tokio::runtime::Runtime;

use crate::aws::Aws;
use crate::error::{AwsFault, Error, KeyError, KmsProperty};

/// A key in KMS that is there, enabled and made for signing.
pub struct KmsKey {
    client: Client,
    runtime: Arc<Runtime>,
    arn: String,
    public: PublicKey,
}

impl KmsKey {
    /// Looks a key up by its ARN, its id or `alias/NAME`.
    ///
    /// # Errors
    ///
    /// Where it is missing, foreign, disabled, about to be deleted, not for signing or of a kind that signs no log.
    pub fn open(aws: &Aws, name: &str) -> Result<Self, Error> {
        let mut config = aws_sdk_kms::config::Builder::from(&aws.config);
        // A key's ARN says where the key is, whatever region the bucket has.
        if let Some(region) = arn_region(name) {
            config = config.region(Region::new(region.to_owned()));
        }
        let client = Client::from_conf(config.build());
        let described = aws.runtime.block_on(describe(&client, name));
        let described = described.map_err(|error| perhaps_an_alias(name, error))?;
        let (id, public) = aws.runtime.block_on(public_key(&client, name))?;
        Ok(Self {
            client,
            runtime: Arc::clone(&aws.runtime),
            arn: described.unwrap_or(id),
            public,
        })
    }

    /// The public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Has a message signed as it is (`RAW`), at most 4096 bytes.
    ///
    /// # Errors
    ///
    /// Where KMS refuses or does not answer.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let request = self
            .client
            .sign()
            // By ARN: an alias may have been pointed to another key since it was looked up.
            .key_id(&self.arn)
            .message_type(MessageType::Raw)
            .message(Blob::new(message))
            .signing_algorithm(algorithm(self.public.spec()));
        let answer = self.runtime.block_on(request.send());
        let answer = answer.map_err(|error| AwsFault::new("KMS Sign", &self.arn, &error))?;
        let signature = answer
            .signature
            .ok_or_else(|| AwsFault::incomplete("KMS Sign", &self.arn, "signature"))?;
        Ok(signature.into_inner())
    }
}

/// The name of an alias without its prefix names no key.
fn perhaps_an_alias(name: &str, error: Error) -> Error {
    let is_id = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_whole =
        name.starts_with("arn:") || name.starts_with("alias/") || name.starts_with("mrk-");
    let Error::Aws(fault) = error else {
        return error;
    };
    if fault.code() != "NotFoundException" || is_whole || is_id(name) {
        return fault.into();
    }
    let (name, source) = (name.to_owned(), Box::new(fault));
    KeyError::NoAliasPrefix { name, source }.into()
}

fn arn_region(name: &str) -> Option<&str> {
    let mut parts = name.strip_prefix("arn:")?.split(':');
    (parts.nth(1)? == "kms").then(|| parts.next())?
}

/// The ARN of the key; `None` where we may not look. Here its state can be named, which a refused Sign would not do.
async fn describe(client: &Client, name: &str) -> Result<Option<String>, Error> {
    let answer = match client.describe_key().key_id(name).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fault = AwsFault::new("KMS DescribeKey", name, &error);
            // Signing needs kms:Sign and kms:GetPublicKey only; whether those are there shows soon.
            return if fault.code() == "AccessDeniedException" {
                Ok(None)
            } else {
                Err(fault.into())
            };
        }
    };
    let Some(key) = answer.key_metadata else {
        return Err(AwsFault::incomplete("KMS DescribeKey", name, "key metadata").into());
    };
    let usage = key.key_usage.map(|usage| usage.as_str().to_owned());
    let state = key.key_state.map(|state| state.as_str().to_owned());
    for (what, expected, found) in [
        (KmsProperty::Usage, "SIGN_VERIFY", usage),
        (KmsProperty::State, "Enabled", state),
    ] {
        let found = found.unwrap_or_default();
        if found != expected {
            return Err(KeyError::Kms {
                key: name.to_owned(),
                what,
                expected,
                found,
            }
            .into());
        }
    }
    Ok(key.arn)
}

async fn public_key(client: &Client, name: &str) -> Result<(String, PublicKey), Error> {
    const CALL: &str = "KMS GetPublicKey";
    let answer = client.get_public_key().key_id(name).send().await;
    let answer = answer.map_err(|error| AwsFault::new(CALL, name, &error))?;
    let der = answer
        .public_key
        .ok_or_else(|| AwsFault::incomplete(CALL, name, "public key"))?;
    let public = PublicKey::from_spki_der(der.as_ref()).map_err(|source| KeyError::Public {
        key: name.to_owned(),
        source,
    })?;
    let id = answer.key_id.unwrap_or_else(|| name.to_owned());
    Ok((id, public))
}

const fn algorithm(spec: KeySpec) -> SigningAlgorithmSpec {
    match spec {
        KeySpec::EccNistEdwards25519 => SigningAlgorithmSpec::Ed25519Sha512,
        KeySpec::EccNistP256 => SigningAlgorithmSpec::EcdsaSha256,
        KeySpec::EccNistP384 => SigningAlgorithmSpec::EcdsaSha384,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            SigningAlgorithmSpec::RsassaPkcs1V15Sha256
        }
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
            SigningAlgorithmSpec::MlDsaShake256
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_a_kms_key_has_a_region() {
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234";
        assert_eq!(arn_region(arn), Some("eu-central-1"));
        assert_eq!(arn_region("arn:aws:s3:eu-central-1:1:x"), None);
        assert_eq!(arn_region("alias/audit"), None);
    }
}
