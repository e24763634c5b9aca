//! A checkpoint as others may hand it out: beside the log's own signatures, it may carry signatures of keys that we do not know, such as those of
//! witnesses. [C2SP signed-note](https://c2sp.org/signed-note) says to pass over them.

use auditlog_chain::checkpoint::{Checkpoint, NoteSignature, SignedCheckpoint};
use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most signatures of a note. Stops a note that is all signatures; a log with many witnesses has a dozen.
const MAX_SIGNATURES: usize = 100;

/// An empty line divides the text from the signatures. There is one alone: a checkpoint without extension lines has none.
const DIVIDER: &str = "\n\n";

/// The checkpoint in a note, with the signatures under the log's own name; `None` where it is not a checkpoint without extension lines.
pub(super) fn parse(note: &str) -> Option<SignedCheckpoint> {
    let (text, signatures) = note.split_once(DIVIDER)?;
    let origin = text.split('\n').next()?;
    let lines = signatures.strip_suffix('\n')?.split('\n');
    let ours = format!("\u{2014} {origin} ");
    let mut own = String::new();
    for (count, line) in lines.enumerate() {
        let (name, blob) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        if count >= MAX_SIGNATURES || !is_signature(name, blob) {
            return None;
        }
        if line.starts_with(&ours) {
            own.push_str(line);
            own.push('\n');
        }
    }
    SignedCheckpoint::parse_note(&format!("{text}{DIVIDER}{own}"))
}

/// Whether a line of somebody else is a signature at all: a name, a key id and bytes after it. What others read as another note must not be passed over.
fn is_signature(name: &str, blob: &str) -> bool {
    let is_of_a_name = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    let decoded = STANDARD.decode(blob);
    !name.is_empty() && name.chars().all(is_of_a_name) && decoded.is_ok_and(|blob| blob.len() > 4)
}

/// Why no signature of a checkpoint counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// None is of a key that the policy authorises for the log.
    Unknown,
    /// The one with this key id is of an authorised key and not valid.
    Invalid([u8; 4]),
}

/// The authorised keys that signed. A signature with the id of such a key must be valid; others are passed over.
pub(super) fn signers<'p>(
    note: &SignedCheckpoint,
    log: &'p LogPolicy,
) -> Result<Vec<&'p VerifierKey>, Unsigned> {
    let mut signers = Vec::new();
    for one in &note.signatures {
        let mut known = log
            .verifier_keys
            .iter()
            .filter(|key| key.key_id() == one.key_id);
        if known.clone().next().is_none() {
            continue;
        }
        let by = known.find(|key| is_valid(key, &note.checkpoint, one));
        let by = by.ok_or(Unsigned::Invalid(one.key_id))?;
        if !signers.contains(&by) {
            signers.push(by);
        }
    }
    if signers.is_empty() {
        Err(Unsigned::Unknown)
    } else {
        Ok(signers)
    }
}

/// ML-DSA-44 signs the time that is before its signature; a proof has no other place for it.
fn is_valid(key: &VerifierKey, checkpoint: &Checkpoint, note: &NoteSignature) -> bool {
    let seconds = note
        .signature
        .first_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes));
    let seconds = seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .unwrap_or(0);
    let sealed = Timestamp::EPOCH.saturating_add_seconds(seconds);
    key.verify(checkpoint, sealed, note)
}
