//! A signing key cannot be used: whoever made, chose or declared it can put it right.

use std::path::PathBuf;

use auditlog_chain::keys::KeyError as PublicKeyError;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::{AwsFault, FileFault};

/// Why a key cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file cannot be read.
    #[error(transparent)]
    Unreadable(FileFault),
    /// A key file cannot be made.
    #[error(transparent)]
    Unwritable(FileFault),
    /// A file has no private key that can sign a log.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: KeyFileFault,
    },
    /// The policy does not name the key for the log.
    #[error(
        "the signing key {found} is not one of the log's keys: {}",
        keys(known)
    )]
    NotInPolicy {
        /// The key that was given.
        found: Box<VerifierKey>,
        /// The keys of the log.
        known: Vec<VerifierKey>,
    },
    /// The policy does not let the key sign now.
    #[error("the signing key {key} {reason} {at}; it is now {now}")]
    NotValid {
        /// The key.
        key: Box<VerifierKey>,
        /// Such as "is valid only from".
        reason: &'static str,
        /// Since or until when.
        at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// A segment was closed and not signed, and its key may not sign any more.
    #[error("segment {segment} waits in the spool without a signature: {source}")]
    Unsigned {
        /// Its number.
        segment: u64,
        /// Why its key may not sign.
        source: Box<KeyError>,
    },
    /// A segment waits for a key that may not sign any more, and may have been signed: whether it was is not known.
    #[error(
        "segment {segment} waits in the spool for a key that may not sign any more, and the answer to an earlier attempt to sign it was lost"
    )]
    MayBeSigned {
        /// Its number.
        segment: u64,
    },
    /// The log is signed by another key than the given one.
    #[error("the log is signed by {expected}, but the given key is {found}")]
    Other {
        /// The log's key.
        expected: Box<VerifierKey>,
        /// The given one.
        found: Box<VerifierKey>,
    },
    /// KMS has no such key, and the name could be that of an alias.
    #[error("{source}")]
    NoAliasPrefix {
        /// The name that was given.
        name: String,
        /// The answer of KMS.
        source: Box<AwsFault>,
    },
    /// A KMS key cannot sign.
    #[error("the KMS key {key} cannot sign a log: its {what} is {found}, not {expected}", what = what.as_str())]
    Kms {
        /// The key.
        key: String,
        /// What of it.
        what: KmsProperty,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A public key cannot be used for a log.
    #[error("the public key of {key}: {source}")]
    Public {
        /// The key.
        key: String,
        /// What is wrong.
        source: PublicKeyError,
    },
    /// A signature was made, and does not verify.
    #[error("the signature made by {key} does not verify")]
    BadSignature {
        /// The key.
        key: String,
    },
    /// A key in memory did not sign.
    #[error("{key} did not sign")]
    SigningFailed {
        /// The key.
        key: String,
    },
}

/// What KMS says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsProperty {
    /// What it may be used for.
    Usage,
    /// Whether it may be used now.
    State,
}

impl KmsProperty {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::State => "state",
        }
    }
}

/// Why a file has no private key that can sign a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileFault {
    /// It is not PEM with the label `PRIVATE KEY`.
    #[error("not a PEM file with the label PRIVATE KEY")]
    NotPem,
    /// It is a private key in another form.
    #[error("the private key is encrypted, or not in PKCS #8")]
    NotPkcs8,
    /// It is a public key.
    #[error("this is a public key; the private key is needed to sign")]
    IsPublic,
    /// It is a key of a kind that cannot sign a log.
    #[error(
        "a key of another kind than Ed25519, P-256, P-384, RSA with 2048, 3072 or 4096 bits, or ML-DSA"
    )]
    UnknownKind,
}

fn keys(all: &[VerifierKey]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

impl KeyError {
    /// Whether another key must be named: a file that does not hold a private key, or a key that is not the log's.
    pub(super) const fn is_of_the_call(&self) -> bool {
        match self {
            Self::Unreadable(_)
            | Self::Unwritable(_)
            | Self::File { .. }
            | Self::NotInPolicy { .. } => true,
            Self::NotValid { .. }
            | Self::Unsigned { .. }
            | Self::MayBeSigned { .. }
            | Self::Other { .. }
            | Self::NoAliasPrefix { .. }
            | Self::Kms { .. }
            | Self::Public { .. }
            | Self::BadSignature { .. }
            | Self::SigningFailed { .. } => false,
        }
    }

    /// Whether the owner of the key, or of the policy, can mend it.
    pub(super) const fn can_be_mended(&self) -> bool {
        match self {
            Self::NotValid { .. }
            | Self::Unsigned { .. }
            | Self::MayBeSigned { .. }
            | Self::Kms {
                what: KmsProperty::State,
                ..
            } => true,
            Self::Kms { .. }
            | Self::Unreadable(_)
            | Self::Unwritable(_)
            | Self::File { .. }
            | Self::NotInPolicy { .. }
            | Self::Other { .. }
            | Self::NoAliasPrefix { .. }
            | Self::Public { .. }
            | Self::BadSignature { .. }
            | Self::SigningFailed { .. } => false,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable(_) => {
                "give the private key's own file; auditlog-seal keygen --out key.pem makes one"
            }
            Self::Unwritable(_) => "give a new file in a folder that can be written",
            Self::File {
                reason: KeyFileFault::NotPkcs8,
                ..
            } => "openssl pkcs8 -topk8 -nocrypt -in KEY -out key.pem",
            Self::File { .. } => "auditlog-seal keygen --out key.pem makes one",
            Self::NotInPolicy { .. } => {
                "apply the Terraform configuration with this key and give the new trust policy, or give one of the log's keys"
            }
            Self::NotValid { at, now, .. } if at > now => {
                "check this machine's clock (timedatectl status); where it is right, wait until that time, or give the key that is valid now"
            }
            Self::NotValid { .. } => "give the key that is valid now, or a newer trust policy",
            Self::Unsigned { .. } => {
                "nothing in the spool is lost: give the key that is valid now, and what waits is chained again under it"
            }
            Self::MayBeSigned { .. } => {
                "nothing in the spool is lost: print its events with auditlog-seal spool --events DIR, move the spool away, and append them with the key that is valid now and --pins FILE or --head-unknown"
            }
            Self::Other { .. } => {
                "to rotate, give the old key too: --previous-key-file or --previous-kms-key"
            }
            Self::NoAliasPrefix { name, .. } => return Some(of_alias(name)),
            Self::Kms { what, .. } => match what {
                KmsProperty::State => {
                    "aws kms enable-key, or aws kms cancel-key-deletion and then enable-key"
                }
                KmsProperty::Usage => {
                    "make a key with the usage SIGN_VERIFY: the resource auditlog_signing_key"
                }
            },
            Self::Public { .. } => "auditlog-seal keygen --help lists the kinds of keys",
            Self::BadSignature { .. } => {
                "the key service returned a wrong signature; nothing was written"
            }
            Self::SigningFailed { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

fn of_alias(name: &str) -> String {
    format!(
        "an alias is written with its prefix: --kms-key alias/{name}; aws kms list-aliases lists them"
    )
}
