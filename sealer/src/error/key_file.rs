//! What is wrong with a file that should hold a private key.

/// Why a file holds no private key that can sign a log.
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
    /// It is a key of a kind that signs no log.
    #[error(
        "a key of another kind than Ed25519, P-256, P-384, RSA with 2048, 3072 or 4096 bits, or ML-DSA"
    )]
    UnknownKind,
}
