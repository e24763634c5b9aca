//! C2SP verifier keys: a public key under the name of one log (F13), and what it says of a checkpoint.
//!
//! A [`PublicKey`] is what KMS or a key file has; a [`VerifierKey`] is that key under the name of one log, as
//! [C2SP signed-note](https://c2sp.org/signed-note) writes it. One KMS key has one verifier key per log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, NoteSignature, SignedCheckpoint};
use crate::fault::Fault;
use crate::hash::hash_parts;
use crate::keys::{KeySpec, PublicKey};
use crate::limits::MAX_SIGNATURE_BYTES;
use crate::origin::Origin;
use crate::timestamp::Timestamp;

/// A public key under the name of one log: who signs its checkpoints.
///
/// Written as `<origin>+<key id, 8 hex digits>+<base64 of signature type ‖ key>`, the form that C2SP calls a vkey.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    origin: Origin,
    key: PublicKey,
}

impl VerifierKey {
    /// The verifier key of this public key for the log with this origin.
    pub const fn new(origin: Origin, key: PublicKey) -> Self {
        Self { origin, key }
    }

    /// Parses the one written form; `None` for anything else, also where the key id does not belong to the key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let origin = Origin::parse(parts.next()?)?;
        parts.next()?;
        let material = STANDARD.decode(parts.next()?).ok()?;
        let key = KeySpec::ALL.into_iter().find_map(|spec| {
            let bytes = material.strip_prefix(spec.signature_type())?;
            let key = PublicKey::from_material(spec, bytes).ok();
            key.filter(|key| key.spec() == spec)
        })?;
        let parsed = Self { origin, key };
        (parsed.to_string() == text).then_some(parsed)
    }

    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The four bytes before a signature of this key. They do not identify it: two keys may share them.
    pub fn key_id(&self) -> [u8; 4] {
        let hash = if self.key.spec() == KeySpec::EccNistP256 {
            hash_parts(&[self.key.spki_der()])
        } else {
            hash_parts(&[self.origin.as_str().as_bytes(), b"\n", &self.material()])
        };
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    fn material(&self) -> Vec<u8> {
        [self.key.spec().signature_type(), self.key.material()].concat()
    }

    /// The bytes that this key signs for a checkpoint: the note's text, or for ML-DSA-44 the C2SP `cosigned_message` with
    /// `sealed` in whole seconds as its timestamp.
    pub fn message(&self, checkpoint: &Checkpoint, sealed: Timestamp) -> Vec<u8> {
        if self.key.spec() != KeySpec::MlDsa44 {
            return checkpoint.note_text().into_bytes();
        }
        // An origin has at most 255 bytes, so its length always fits the length byte.
        let name = self.origin.as_str().as_bytes();
        let name_len = [u8::try_from(name.len()).unwrap_or(u8::MAX)];
        let seconds = sealed.as_seconds().to_be_bytes();
        [
            b"subtree/v1\n\0".as_slice(),
            &name_len,
            name,
            &seconds,
            &name_len,
            name,
            &0u64.to_be_bytes(),
            &checkpoint.size.to_be_bytes(),
            checkpoint.root.as_bytes(),
        ]
        .concat()
    }

    /// Makes the note signature out of what the key said about [`VerifierKey::message`].
    pub fn note_signature(&self, signature: &[u8], sealed: Timestamp) -> NoteSignature {
        let seconds = sealed.as_seconds().to_be_bytes();
        let timestamp = if self.key.spec() == KeySpec::MlDsa44 {
            seconds.as_slice()
        } else {
            &[]
        };
        NoteSignature {
            key_id: self.key_id(),
            signature: [timestamp, signature].concat(),
        }
    }

    /// Checks a note signature of this key over a checkpoint of this log.
    ///
    /// Whether the key may sign the log at that time is *not* checked: that is the trust policy's to say.
    #[must_use]
    pub fn verify(&self, checkpoint: &Checkpoint, sealed: Timestamp, note: &NoteSignature) -> bool {
        if checkpoint.origin != self.origin
            || note.key_id != self.key_id()
            || note.signature.len() > MAX_SIGNATURE_BYTES
        {
            return false;
        }
        let signature = if self.key.spec() == KeySpec::MlDsa44 {
            note.signature
                .strip_prefix(sealed.as_seconds().to_be_bytes().as_slice())
        } else {
            Some(note.signature.as_slice())
        };
        let message = self.message(checkpoint, sealed);
        signature.is_some_and(|signature| self.key.verify_message(&message, signature))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = hex::encode(self.key_id());
        write!(
            f,
            "{}+{id}+{}",
            self.origin,
            STANDARD.encode(self.material())
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for VerifierKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for VerifierKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{text}` is not a C2SP verifier key"))
        })
    }
}

/// What is wrong with the signatures of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// There are more or fewer signatures than the required ones.
    Count {
        /// How many are required.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// At this place is the signature of another key than the required one.
    OtherKey {
        /// Key id of the required key.
        expected: [u8; 4],
        /// Key id of the signature.
        found: [u8; 4],
    },
    /// The signature does not verify under the required key.
    Invalid {
        /// Key id of the required key.
        key_id: [u8; 4],
    },
}

impl From<SignatureFault> for Fault {
    fn from(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::Count { expected, found } => Self::SignatureCount { expected, found },
            SignatureFault::OtherKey { expected, found } => Self::SignatureKey {
                expected: hex::encode(expected),
                found: hex::encode(found),
            },
            SignatureFault::Invalid { key_id } => Self::SignatureInvalid {
                key_id: hex::encode(key_id),
            },
        }
    }
}

impl SignedCheckpoint {
    /// Checks that the checkpoint has exactly the required signatures, in order, and that each is valid (F14).
    ///
    /// # Errors
    ///
    /// Names the first signature that is missing, of another key, or not valid.
    pub fn check_signatures(
        &self,
        required: &[&VerifierKey],
        sealed: Timestamp,
    ) -> Result<(), SignatureFault> {
        if self.signatures.len() != required.len() || required.is_empty() {
            let (expected, found) = (required.len(), self.signatures.len());
            return Err(SignatureFault::Count { expected, found });
        }
        for (note, key) in self.signatures.iter().zip(required) {
            let (expected, found) = (key.key_id(), note.key_id);
            if expected != found {
                return Err(SignatureFault::OtherKey { expected, found });
            }
            if !key.verify(&self.checkpoint, sealed, note) {
                return Err(SignatureFault::Invalid { key_id: expected });
            }
        }
        Ok(())
    }
}
