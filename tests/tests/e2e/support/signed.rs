//! One log that is signed as it grows, for the tests that need segments made without the sealer.

use std::fs;
use std::path::Path;

use auditlog_chain::builder::{ClosedSegment, Provenance, SegmentBuilder, Source, StoredPayload};
use auditlog_chain::checkpoint::NoteSignature;
use auditlog_chain::hash::leaf_hash;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::tree::CompactRange;
use auditlog_chain::verifier_key::VerifierKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A log by its head, and the Ed25519 key that signs its segments.
pub(crate) struct SignedLog {
    pair: Ed25519KeyPair,
    key: VerifierKey,
    /// The pair and key that signed until now, where the next segment announces another one.
    previous: Option<(Ed25519KeyPair, VerifierKey)>,
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
            previous: None,
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
            previous: None,
            head: head.head().clone(),
            segments: segment + 1,
            pair,
        }
    }

    pub(crate) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Makes a new key sign from the next segment on, which announces it.
    pub(crate) fn rotate(&mut self) {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let key = verifier_key(&pair, self.key.origin());
        let pair = std::mem::replace(&mut self.pair, pair);
        self.previous = Some((pair, std::mem::replace(&mut self.key, key)));
    }

    /// Forges a past of so many segments and lines, the last of them sealed at this time. Nobody can check its hashes.
    pub(crate) fn claim(&mut self, segments: u64, size: u64, sealed: Timestamp) {
        let forged = |number: u32| leaf_hash(&number.to_be_bytes());
        let roots = (0..size.count_ones()).map(forged).collect();
        self.head = Head {
            next_segment: segments,
            range: CompactRange::from_roots(size, roots).expect("a range"),
            last_leaf: leaf_hash(b"forged"),
            sealed: Some(sealed),
            ..self.head.clone()
        };
        self.segments = segments;
    }

    /// The object of the next segment, with these entries, made and sealed at one time. Segment 0 announces the key.
    pub(crate) fn segment(
        &mut self,
        source: Option<&Source>,
        entries: &[StoredPayload],
        time: Timestamp,
    ) -> Vec<u8> {
        let previous = self.previous.take();
        let announced = KeyChange {
            verifier_key: self.key.clone(),
            previous: previous.as_ref().map(|(_, key)| key.clone()),
        };
        let change = (self.segments == 0 || previous.is_some()).then_some(announced);
        let head = self.head.clone();
        let mut builder = SegmentBuilder::open(head, time, change).expect("a segment");
        for payload in entries {
            builder
                .append(&Provenance::of(source), payload, time)
                .expect("room");
        }
        let closed = builder.close(time).expect("a close line");
        let mut signatures = vec![signed(&closed, &self.pair, &self.key)];
        signatures.extend(previous.map(|(pair, key)| signed(&closed, &pair, &key)));
        self.head = closed.head().clone();
        self.segments += 1;
        closed.finish(signatures).expect("an object")
    }
}

fn signed(closed: &ClosedSegment, pair: &Ed25519KeyPair, key: &VerifierKey) -> NoteSignature {
    let message = key.message(&closed.checkpoint(), closed.sealed());
    let signature = pair.sign(&message);
    key.note_signature(signature.as_ref(), closed.sealed())
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
