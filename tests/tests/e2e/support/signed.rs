//! One log that is signed as it grows, for the tests that need segments made without the sealer.

use std::fs;
use std::path::Path;

use auditlog_chain::builder::{Provenance, SegmentBuilder, Source, StoredPayload};
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A log by its head, and the Ed25519 key that signs its segments.
pub(crate) struct SignedLog {
    pair: Ed25519KeyPair,
    key: VerifierKey,
    head: Head,
    segments: u64,
}

impl SignedLog {
    /// A log without segments, and a new key.
    pub(crate) fn new(origin: &str) -> Self {
        let origin = Origin::parse(origin).expect("an origin");
        let pair = Ed25519KeyPair::generate().expect("a key");
        Self {
            key: verifier_key(&pair, &origin),
            head: Head::of_new_log(origin),
            segments: 0,
            pair,
        }
    }

    /// A log that continues behind its newest segment, signed with the key in a PEM file.
    pub(crate) fn after(newest: &[u8], segment: u64, origin: &str, key_file: &Path) -> Self {
        let origin = Origin::parse(origin).expect("an origin");
        let pem = fs::read_to_string(key_file).expect("a key file");
        let pair = Ed25519KeyPair::from_pkcs8(&der(&pem)).expect("an Ed25519 key");
        let expected = Expected {
            origin: &origin,
            segment,
            format: FORMAT,
        };
        let head = check_segment(newest, expected).expect("a good segment");
        Self {
            key: verifier_key(&pair, &origin),
            head: head.head().clone(),
            segments: segment + 1,
            pair,
        }
    }

    pub(crate) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The object of the next segment, with these entries, made and sealed at one time. Segment 0 announces the key.
    pub(crate) fn segment(
        &mut self,
        source: Option<&Source>,
        entries: &[StoredPayload],
        time: Timestamp,
    ) -> Vec<u8> {
        let announced = KeyChange {
            verifier_key: self.key.clone(),
            previous: None,
        };
        let change = (self.segments == 0).then_some(announced);
        let head = self.head.clone();
        let mut builder = SegmentBuilder::open(head, time, change).expect("a segment");
        for payload in entries {
            builder
                .append(&Provenance::of(source), payload, time)
                .expect("room");
        }
        let closed = builder.close(time).expect("a close line");
        let message = self.key.message(&closed.checkpoint(), closed.sealed());
        let signature = self.pair.sign(&message);
        let signature = self.key.note_signature(signature.as_ref(), closed.sealed());
        self.head = closed.head().clone();
        self.segments += 1;
        closed.finish(vec![signature]).expect("an object")
    }
}

fn verifier_key(pair: &Ed25519KeyPair, origin: &Origin) -> VerifierKey {
    let spki = pair.public_key().as_der().expect("its SPKI");
    let public = PublicKey::from_spki_der(spki.as_ref()).expect("a public key");
    VerifierKey::new(origin.clone(), public)
}

/// The bytes between the two marker lines of a PEM file.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.collect();
    STANDARD.decode(text).expect("base64")
}
