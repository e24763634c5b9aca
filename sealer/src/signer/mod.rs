//! Who signs: a key file or AWS KMS, each under the name of one log.

use auditlog_chain::builder::ClosedSegment;
use auditlog_chain::checkpoint::NoteSignature;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::verifier_key::VerifierKey;

use crate::error::{Error, KeyError};

mod kms;
mod local;

pub use kms::KmsKey;
pub use local::LocalKey;

/// A private key, wherever it is.
pub enum Signer {
    /// In a file.
    Local(LocalKey),
    /// In AWS KMS.
    Kms(KmsKey),
}

impl Signer {
    /// The public key.
    pub const fn public_key(&self) -> &PublicKey {
        match self {
            Self::Local(key) => key.public_key(),
            Self::Kms(key) => key.public_key(),
        }
    }

    /// The ARN in KMS; `None` for a key in a file.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::Local(_) => None,
            Self::Kms(key) => Some(key.arn()),
        }
    }

    /// The public key under the name of a log.
    pub fn verifier_key(&self, origin: &Origin) -> VerifierKey {
        VerifierKey::new(origin.clone(), self.public_key().clone())
    }

    fn sign(&self, message: &[u8], name: &VerifierKey) -> Result<Vec<u8>, Error> {
        match self {
            Self::Local(key) => key.sign(message).map_err(|_| {
                let key = name.to_string();
                KeyError::SigningFailed { key }.into()
            }),
            Self::Kms(key) => key.sign(message),
        }
    }

    /// Signs the checkpoint of a closed segment, and checks the signature with the public key: no emulator and no
    /// proxy is the real KMS, and a wrong signature in a locked bucket stays there.
    ///
    /// # Errors
    ///
    /// Where the key cannot sign, or its signature does not verify.
    pub fn sign_segment(&self, segment: &ClosedSegment) -> Result<NoteSignature, Error> {
        let checkpoint = segment.checkpoint();
        let sealed = segment.sealed();
        let key = self.verifier_key(&checkpoint.origin);
        let signature = self.sign(&key.message(&checkpoint, sealed), &key)?;
        let note = key.note_signature(&signature, sealed);
        if key.verify(&checkpoint, sealed, &note) {
            Ok(note)
        } else {
            Err(KeyError::BadSignature {
                key: key.to_string(),
            }
            .into())
        }
    }
}
