//! The suites that need keys: every signature scheme, and a segment broken in one way at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, as it should"
)]

mod forged;
mod keys;
pub(crate) mod policy;
mod segments;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::checkpoint::{Checkpoint, NoteSignature};
use crate::keys::{KeySpec, PublicKey};
use crate::origin::Origin;
use crate::timestamp::Timestamp;
use crate::verifier_key::VerifierKey;

/// Makes a bare signature over a message.
type Sign = dyn Fn(&[u8]) -> Vec<u8>;

/// A key pair of any spec.
struct TestKey {
    public: PublicKey,
    sign: Box<Sign>,
}

impl TestKey {
    fn generate(spec: KeySpec) -> Self {
        match spec {
            KeySpec::EccNistEdwards25519 => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let der = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
                Self::new(der.as_ref(), move |m| pair.sign(m).as_ref().to_vec())
            }
            KeySpec::EccNistP256 => Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            KeySpec::EccNistP384 => Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            KeySpec::Rsa2048 => Self::rsa(KeySize::Rsa2048),
            KeySpec::Rsa3072 => Self::rsa(KeySize::Rsa3072),
            KeySpec::Rsa4096 => Self::rsa(KeySize::Rsa4096),
            KeySpec::MlDsa44 => Self::ml_dsa(&ML_DSA_44_SIGNING),
            KeySpec::MlDsa65 => Self::ml_dsa(&ML_DSA_65_SIGNING),
            KeySpec::MlDsa87 => Self::ml_dsa(&ML_DSA_87_SIGNING),
        }
    }

    fn new(spki: &[u8], sign: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        Self {
            public: PublicKey::from_spki_der(spki).unwrap(),
            sign: Box::new(sign),
        }
    }

    fn ecdsa(algorithm: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let der = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
        Self::new(der.as_ref(), move |m| {
            pair.sign(&SystemRandom::new(), m)
                .unwrap()
                .as_ref()
                .to_vec()
        })
    }

    fn rsa(size: KeySize) -> Self {
        let pair = RsaKeyPair::generate(size).unwrap();
        let der = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
        Self::new(der.as_ref(), move |m| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), m, &mut signature)
                .unwrap();
            signature
        })
    }

    fn ml_dsa(algorithm: &'static aws_lc_rs::signature::PqdsaSigningAlgorithm) -> Self {
        let pair = PqdsaKeyPair::generate(algorithm).unwrap();
        let der = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
        Self::new(der.as_ref(), move |m| {
            let mut signature = vec![0; pair.algorithm().signature_len()];
            let len = pair.sign(m, &mut signature).unwrap();
            signature.truncate(len);
            signature
        })
    }

    fn verifier_key(&self, origin: &Origin) -> VerifierKey {
        VerifierKey::new(origin.clone(), self.public.clone())
    }

    fn sign(&self, checkpoint: &Checkpoint, sealed: Timestamp) -> NoteSignature {
        let key = self.verifier_key(&checkpoint.origin);
        key.note_signature(&(self.sign)(&key.message(checkpoint, sealed)), sealed)
    }
}

pub(crate) fn origin() -> Origin {
    Origin::parse("acme.example/audit/payments").unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + seconds * 1_000_000).unwrap()
}
