//! The kinds of signing key and their public keys (F13), as KMS or a key file has them.

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::edwards::CompressedEdwardsY;
use spki::der::asn1::{AnyRef, UintRef};
use spki::der::pem::LineEnding;
use spki::der::{Decode, Document, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::limits::MAX_SPKI_BYTES;

/// The kinds of signing key, by the names that AWS KMS gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// Ed25519, RFC 8032: C2SP signature type 0x01.
    EccNistEdwards25519,
    /// ECDSA on NIST P-256 with SHA-256: C2SP signature type 0x02.
    EccNistP256,
    /// ECDSA on NIST P-384 with SHA-384: type 0xff, `auditlog/ecdsa-p384-sha384`.
    EccNistP384,
    /// RSA with 2048 bits, PKCS #1 v1.5 with SHA-256: type 0xff, `auditlog/rsa-pkcs1-sha256`.
    Rsa2048,
    /// RSA with 3072 bits, otherwise as [`KeySpec::Rsa2048`].
    Rsa3072,
    /// RSA with 4096 bits, otherwise as [`KeySpec::Rsa2048`].
    Rsa4096,
    /// ML-DSA-44, FIPS 204: C2SP signature type 0x06.
    MlDsa44,
    /// ML-DSA-65: type 0xff, `auditlog/ml-dsa-65`.
    MlDsa65,
    /// ML-DSA-87: type 0xff, `auditlog/ml-dsa-87`.
    MlDsa87,
}

impl KeySpec {
    /// Every spec, in the order of the declaration.
    pub const ALL: [Self; 9] = [
        Self::EccNistEdwards25519,
        Self::EccNistP256,
        Self::EccNistP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name that AWS KMS has for it (API page "`CreateKey`", parameter `KeySpec`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EccNistEdwards25519 => "ECC_NIST_EDWARDS25519",
            Self::EccNistP256 => "ECC_NIST_P256",
            Self::EccNistP384 => "ECC_NIST_P384",
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
            Self::MlDsa44 => "ML_DSA_44",
            Self::MlDsa65 => "ML_DSA_65",
            Self::MlDsa87 => "ML_DSA_87",
        }
    }

    /// The spec with this KMS name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.as_str() == name)
    }

    fn algorithm(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EccNistEdwards25519 => &signature::ED25519,
            Self::EccNistP256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::EccNistP384 => &signature::ECDSA_P384_SHA384_ASN1,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::MlDsa44 => &signature::ML_DSA_44,
            Self::MlDsa65 => &signature::ML_DSA_65,
            Self::MlDsa87 => &signature::ML_DSA_87,
        }
    }

    /// Whether a verifier key holds the bare key bytes, as C2SP has it for these two, and not the SPKI.
    pub(crate) const fn is_written_raw(self) -> bool {
        matches!(self, Self::EccNistEdwards25519 | Self::MlDsa44)
    }

    /// The C2SP signature type byte, and behind 0xff our name for what C2SP has not assigned.
    pub const fn signature_type(self) -> &'static [u8] {
        match self {
            Self::EccNistEdwards25519 => &[0x01],
            Self::EccNistP256 => &[0x02],
            Self::MlDsa44 => &[0x06],
            Self::EccNistP384 => b"\xffauditlog/ecdsa-p384-sha384\n",
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => b"\xffauditlog/rsa-pkcs1-sha256\n",
            Self::MlDsa65 => b"\xffauditlog/ml-dsa-65\n",
            Self::MlDsa87 => b"\xffauditlog/ml-dsa-87\n",
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for KeySpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for KeySpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            serde::de::Error::custom(format_args!("`{name}` is not a key spec for signing"))
        })
    }
}

/// Why bytes are not a public key that can sign a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM with the label `PUBLIC KEY`.
    #[error("not a PEM file with the label PUBLIC KEY")]
    NotPem,
    /// It is not one canonical DER `SubjectPublicKeyInfo`.
    #[error("not a DER SubjectPublicKeyInfo (RFC 5280 section 4.1)")]
    NotSpki,
    /// It is a key of a kind that signs no log.
    #[error(
        "a key of another kind than Ed25519, P-256, P-384, RSA with 2048, 3072 or 4096 bits, or ML-DSA"
    )]
    UnknownKind,
    /// The bytes are not a key of their kind, such as a point that is not on the curve.
    #[error("the key itself is not valid")]
    Invalid,
}

/// A public key that can sign a log: well formed, of a known spec, with one encoding.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spec: KeySpec,
    spki: Vec<u8>,
    raw: Vec<u8>,
}

impl PublicKey {
    /// From DER `SubjectPublicKeyInfo`, as KMS `GetPublicKey` returns it.
    ///
    /// # Errors
    ///
    /// Where it is not the one canonical encoding of a valid key of a known spec.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_SPKI_BYTES {
            return Err(KeyError::NotSpki);
        }
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::NotSpki)?;
        let raw = info
            .subject_public_key
            .as_bytes()
            .ok_or(KeyError::NotSpki)?;
        let spec = spec_of(&info, raw)?;
        ParsedPublicKey::new(spec.algorithm(), der).map_err(|_| KeyError::Invalid)?;
        if spec == KeySpec::EccNistEdwards25519 && !is_ed25519_point(raw) {
            return Err(KeyError::Invalid);
        }
        Ok(Self {
            spec,
            spki: der.to_vec(),
            raw: raw.to_vec(),
        })
    }

    /// From the bytes that a verifier key holds.
    pub(crate) fn from_material(spec: KeySpec, bytes: &[u8]) -> Result<Self, KeyError> {
        if spec.is_written_raw() {
            Self::from_spki_der(&spki_of_raw(spec, bytes)?)
        } else {
            Self::from_spki_der(bytes)
        }
    }

    /// The bytes that a verifier key holds.
    pub(crate) fn material(&self) -> &[u8] {
        if self.spec.is_written_raw() {
            &self.raw
        } else {
            &self.spki
        }
    }

    /// From PEM with the label `PUBLIC KEY`, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    ///
    /// Where it is not PEM, or not a key as [`PublicKey::from_spki_der`] wants it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = Document::from_pem(pem.trim()).map_err(|_| KeyError::NotPem)?;
        if label != "PUBLIC KEY" {
            return Err(KeyError::NotPem);
        }
        Self::from_spki_der(document.as_bytes())
    }

    /// The kind of key.
    pub const fn spec(&self) -> KeySpec {
        self.spec
    }

    /// DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Checks a bare signature, as KMS makes it with the algorithm that [`KeySpec`] names.
    pub(crate) fn verify_message(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(self.spec.algorithm(), &self.spki);
        key.verify(message, signature).is_ok()
    }

    /// PEM with the label `PUBLIC KEY`, lines ended by LF.
    pub fn to_pem(&self) -> String {
        // Encoding fails only for labels that are not ASCII.
        spki::der::pem::encode_string("PUBLIC KEY", LineEnding::LF, &self.spki).unwrap_or_default()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PublicKey({}, {})",
            self.spec,
            STANDARD.encode(&self.spki)
        )
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.spki))
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        // The two errors of the crates speak of symbols and of lengths; this names what they are about.
        let of_key = |why: &dyn fmt::Display| {
            serde::de::Error::custom(format_args!("`{text}` is not a public key: {why}"))
        };
        let der = STANDARD
            .decode(text.as_bytes())
            .map_err(|_| of_key(&"not canonical base64"))?;
        Self::from_spki_der(&der).map_err(|error| of_key(&error))
    }
}

fn spec_of(info: &SubjectPublicKeyInfoRef<'_>, raw: &[u8]) -> Result<KeySpec, KeyError> {
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
    const ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
    const ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");

    let parameters = info.algorithm.parameters;
    match info.algorithm.oid {
        ED25519 if parameters.is_none() => Ok(KeySpec::EccNistEdwards25519),
        ML_DSA_44 if parameters.is_none() => Ok(KeySpec::MlDsa44),
        ML_DSA_65 if parameters.is_none() => Ok(KeySpec::MlDsa65),
        ML_DSA_87 if parameters.is_none() => Ok(KeySpec::MlDsa87),
        // 04 before a point says that both coordinates follow: the one encoding that KMS and openssl write.
        EC if raw.first() == Some(&4) => match parameters.map(AnyRef::decode_as) {
            Some(Ok(P256)) => Ok(KeySpec::EccNistP256),
            Some(Ok(P384)) => Ok(KeySpec::EccNistP384),
            _ => Err(KeyError::UnknownKind),
        },
        // RFC 3279 section 2.3.1: the parameters are there, and NULL.
        RSA if parameters.is_some_and(AnyRef::is_null) => match rsa_bits(raw) {
            Some(2048) => Ok(KeySpec::Rsa2048),
            Some(3072) => Ok(KeySpec::Rsa3072),
            Some(4096) => Ok(KeySpec::Rsa4096),
            _ => Err(KeyError::UnknownKind),
        },
        _ => Err(KeyError::UnknownKind),
    }
}

/// Whether the bytes are the one encoding of a point of the curve that is not of small order.
///
/// aws-lc takes any 32 bytes. For a key of small order, a signature can be made that is valid for every message, without any
/// secret: whoever writes the log's objects could then sign for it. For a second encoding of a point, two keys that look
/// different are the same one. Whether the point is in the prime-order subgroup is not checked: a key with a part of small
/// order still needs its secret.
fn is_ed25519_point(bytes: &[u8]) -> bool {
    let encoded = CompressedEdwardsY::from_slice(bytes);
    let point = encoded.ok().and_then(|encoded| encoded.decompress());
    point.is_some_and(|point| !point.is_small_order() && point.compress().as_bytes() == bytes)
}

/// Bits of the modulus of an RFC 8017 `RSAPublicKey`.
fn rsa_bits(raw: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(raw).ok()?;
    let modulus_bits = reader.sequence(|inner| {
        let modulus = UintRef::decode(inner)?.as_bytes();
        UintRef::decode(inner)?;
        let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let leading = usize::try_from(leading).unwrap_or(0);
        Ok::<_, spki::der::Error>(modulus.len().saturating_mul(8).saturating_sub(leading))
    });
    modulus_bits.ok()
}

/// DER `SubjectPublicKeyInfo` around a key of a spec whose C2SP form holds the raw key.
fn spki_of_raw(spec: KeySpec, raw: &[u8]) -> Result<Vec<u8>, KeyError> {
    // SEQUENCE { SEQUENCE { OID }, BIT STRING } with the lengths that these two keys always have.
    let header: &[u8] = match (spec, raw.len()) {
        (KeySpec::EccNistEdwards25519, 32) => &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ],
        (KeySpec::MlDsa44, 1312) => &[
            0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
            0x04, 0x03, 0x11, 0x03, 0x82, 0x05, 0x21, 0x00,
        ],
        _ => return Err(KeyError::Invalid),
    };
    Ok([header, raw].concat())
}
