//! Signing with a private key in a file: PKCS #8, PEM.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use auditlog_chain::keys::{KeySpec, PublicKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use spki::der::Document;
use spki::der::pem::LineEnding;

use crate::error::{Error, FileFault, KeyError, KeyFileFault};
use crate::limits::MAX_KEY_FILE_BYTES;

/// A private key in memory.
pub struct LocalKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    MlDsa(PqdsaKeyPair),
}

impl LocalKey {
    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// Where the machine has no randomness or memory.
    pub fn generate(spec: KeySpec) -> Result<Self, Error> {
        let failed = |_: Unspecified| KeyError::SigningFailed {
            key: format!("a new key of spec {spec}"),
        };
        let pair = match spec {
            KeySpec::EccNistEdwards25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            KeySpec::EccNistP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ecdsa)
            }
            KeySpec::EccNistP384 => {
                EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Pair::Ecdsa)
            }
            KeySpec::Rsa2048 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            KeySpec::Rsa3072 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
            KeySpec::Rsa4096 => RsaKeyPair::generate(KeySize::Rsa4096).map(Pair::Rsa),
            KeySpec::MlDsa44 => PqdsaKeyPair::generate(&ML_DSA_44_SIGNING).map(Pair::MlDsa),
            KeySpec::MlDsa65 => PqdsaKeyPair::generate(&ML_DSA_65_SIGNING).map(Pair::MlDsa),
            KeySpec::MlDsa87 => PqdsaKeyPair::generate(&ML_DSA_87_SIGNING).map(Pair::MlDsa),
        };
        Self::from_pair(pair.map_err(failed)?, "the new key")
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not PKCS #8 PEM of a key that can sign a log.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = crate::read_at_most("the key cannot be read", path, MAX_KEY_FILE_BYTES)
            .map_err(KeyError::Unreadable)?;
        let fault = |reason| KeyError::File {
            path: path.to_owned(),
            reason,
        };
        let pem = std::str::from_utf8(&bytes).map_err(|_| fault(KeyFileFault::NotPem))?;
        let der = private_key_der(pem).map_err(fault)?;
        let pair = parse(&der).ok_or_else(|| fault(KeyFileFault::UnknownKind))?;
        Self::from_pair(pair, &path.display().to_string())
    }

    fn from_pair(pair: Pair, name: &str) -> Result<Self, Error> {
        let unusable = |_: Unspecified| KeyError::SigningFailed {
            key: name.to_owned(),
        };
        let spki = match &pair {
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::MlDsa(pair) => pair.public_key().as_der(),
        };
        let spki = spki.map_err(unusable)?;
        let public =
            PublicKey::from_spki_der(spki.as_ref()).map_err(|source| KeyError::Public {
                key: name.to_owned(),
                source,
            })?;
        Ok(Self { pair, public })
    }

    /// The public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message as [`KeySpec`] says for this kind of key.
    ///
    /// # Errors
    ///
    /// Where the machine has no randomness or memory.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Pair::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                let length = pair.sign(message, &mut signature)?;
                signature.truncate(length);
                Ok(signature)
            }
        }
    }

    /// Writes the private key into a new file that nobody else can read. A file that is there is never overwritten.
    ///
    /// # Errors
    ///
    /// Where the file is there already, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |_: Unspecified| KeyError::SigningFailed {
            key: "the new key".to_owned(),
        };
        let bytes = |der: Pkcs8V1Der<'_>| der.as_ref().to_vec();
        let der = match &self.pair {
            Pair::Ed25519(pair) => pair.as_der().map(bytes),
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Rsa(pair) => pair.as_der().map(bytes),
            Pair::MlDsa(pair) => pair.private_key().as_der().map(bytes),
        };
        let der = der.map_err(failed)?;
        // Encoding fails only for labels that are not ASCII.
        let pem =
            spki::der::pem::encode_string("PRIVATE KEY", LineEnding::LF, &der).unwrap_or_default();
        let failed_to = |operation| {
            let fault = FileFault::of(operation, path);
            |source| Error::from(KeyError::Unwritable(fault(source)))
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options
            .open(path)
            .map_err(failed_to("the key file cannot be made"))?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed_to("the key cannot be written"))
    }
}

fn private_key_der(pem: &str) -> Result<Vec<u8>, KeyFileFault> {
    let (label, document) = Document::from_pem(pem.trim()).map_err(|_| {
        // SEC 1 and PKCS #1 files may have other PEM blocks or headers around the key.
        if pem.contains("PRIVATE KEY") {
            KeyFileFault::NotPkcs8
        } else {
            KeyFileFault::NotPem
        }
    })?;
    match label {
        "PRIVATE KEY" => Ok(document.as_bytes().to_vec()),
        "PUBLIC KEY" => Err(KeyFileFault::IsPublic),
        label if label.contains("PRIVATE KEY") => Err(KeyFileFault::NotPkcs8),
        _ => Err(KeyFileFault::NotPem),
    }
}

/// The key's own algorithm identifier decides: each parser refuses the keys of the others.
fn parse(der: &[u8]) -> Option<Pair> {
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
        return Some(Pair::Ed25519(pair));
    }
    for algorithm in [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
    ] {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, der) {
            return Some(Pair::Ecdsa(pair));
        }
    }
    if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
        return Some(Pair::Rsa(pair));
    }
    for algorithm in [&ML_DSA_44_SIGNING, &ML_DSA_65_SIGNING, &ML_DSA_87_SIGNING] {
        if let Ok(pair) = PqdsaKeyPair::from_pkcs8(algorithm, der) {
            return Some(Pair::MlDsa(pair));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn every_kind_of_key_survives_its_file_and_signs_alike() {
        let folder = tempfile::tempdir().unwrap();
        for spec in KeySpec::ALL {
            let path = folder.path().join(spec.as_str());
            let made = LocalKey::generate(spec).unwrap();
            made.write(&path).unwrap();
            let permissions = std::fs::metadata(&path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, 0o600);
            let read = LocalKey::read(&path).unwrap();
            assert_eq!(read.public_key(), made.public_key());
            assert_eq!(read.public_key().spec(), spec);
            assert!(!read.sign(b"message").unwrap().is_empty());
        }
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, "mine").unwrap();
        let key = LocalKey::generate(KeySpec::EccNistEdwards25519).unwrap();
        let error = key.write(&path).unwrap_err();
        assert!(
            error.to_string().contains("the key file cannot be made: "),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn what_is_not_a_private_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let public = LocalKey::generate(KeySpec::EccNistP256)
            .unwrap()
            .public_key()
            .to_pem();
        let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        let rubbish = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (content, expected) in [
            ("hello", "not a PEM file with the label PRIVATE KEY"),
            (
                &public,
                "this is a public key; the private key is needed to sign",
            ),
            (sec1, "the private key is encrypted, or not in PKCS #8"),
            (rubbish, "the private key is encrypted, or not in PKCS #8"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = LocalKey::read(&path).err().unwrap().to_string();
            assert_eq!(error, format!("{}: {expected}", path.display()));
        }
    }
}
