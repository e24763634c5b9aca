//! The files of a pack: their names, and those that follow from others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use auditlog_chain::checkpoint::{NoteSignature, SignedCheckpoint};
use auditlog_chain::keys::KeySpec;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::page::{PackedKey, page};
use crate::keys::key_id;

pub(super) const DIGESTS: &str = "SHA256SUMS";
pub(super) const PAGE: &str = "README.md";

pub(super) fn entry_name(index: u64) -> String {
    format!("entries/{index:016}.json")
}

pub(super) fn proof_name(index: u64) -> String {
    format!("proofs/{index:016}.tlog-proof")
}

pub(super) fn segment_name(number: u64) -> String {
    format!("segments/{number:012}.jsonl.zst")
}

pub(super) fn checkpoint_name(number: u64) -> String {
    format!("checkpoints/{number:012}.note")
}

/// Files by name.
#[derive(Default)]
pub(super) struct Files {
    all: BTreeMap<String, Vec<u8>>,
    /// The keys among them, for the page.
    keys: Vec<PackedKey>,
}

impl Files {
    pub(super) const fn all(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.all
    }

    pub(super) fn put(&mut self, name: String, bytes: Vec<u8>) {
        self.all.insert(name, bytes);
    }

    /// Adds a checkpoint, and for each signature of a key of the log what openssl needs: the key, the message and the signature.
    pub(super) fn add_checkpoint(
        &mut self,
        number: u64,
        signed: &SignedCheckpoint,
        log: &LogPolicy,
    ) {
        self.put(checkpoint_name(number), signed.note().into_bytes());
        for note in &signed.signatures {
            let of = |key: &&VerifierKey| key.verify(&signed.checkpoint, sealed(key, note), note);
            let Some(key) = log.verifier_keys.iter().find(of) else {
                continue;
            };
            let id = key_id(key);
            let message = key.message(&signed.checkpoint, sealed(key, note));
            self.put(format!("checkpoints/{number:012}.{id}.message"), message);
            self.put(
                format!("checkpoints/{number:012}.{id}.sig"),
                bare(key, note).to_vec(),
            );
            self.put(format!("keys/{id}.pem"), pem(key).into_bytes());
            let packed = PackedKey {
                id,
                spec: key.public_key().spec(),
            };
            if !self.keys.contains(&packed) {
                self.keys.push(packed);
            }
        }
    }

    pub(super) fn put_page(&mut self, log: &LogPolicy) {
        let has_segments = self.all.keys().any(|name| name.starts_with("segments/"));
        let page = page(log, &self.keys, has_segments);
        self.put(PAGE.to_owned(), page.into_bytes());
    }

    /// Digests of all other files, as `sha256sum` writes and reads them.
    pub(super) fn put_digests(&mut self) {
        self.all.remove(DIGESTS);
        let mut text = String::new();
        for (name, bytes) in &self.all {
            // The digest of a policy is the SHA-256 of its bytes, and so is this one.
            _ = writeln!(text, "{}  {name}", TrustPolicy::digest(bytes).to_hex());
        }
        self.put(DIGESTS.to_owned(), text.into_bytes());
    }
}

/// The time that ML-DSA-44 signs is before its signature.
fn sealed(key: &VerifierKey, note: &NoteSignature) -> Timestamp {
    if key.public_key().spec() != KeySpec::MlDsa44 {
        return Timestamp::EPOCH;
    }
    let seconds = note
        .signature
        .first_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes));
    let seconds = seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .unwrap_or(0);
    Timestamp::EPOCH.saturating_add_seconds(seconds)
}

/// The signature without that time.
fn bare<'n>(key: &VerifierKey, note: &'n NoteSignature) -> &'n [u8] {
    let after = (key.public_key().spec() == KeySpec::MlDsa44)
        .then(|| note.signature.get(8..))
        .flatten();
    after.unwrap_or(&note.signature)
}

fn pem(key: &VerifierKey) -> String {
    let text = STANDARD.encode(key.public_key().spki_der());
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}
