//! Consistency proofs between two signed heads of a log, as one JSON document.
//!
//! C2SP has no file for them, so this form is our own: the two checkpoints as C2SP notes, and a case that
//! `auditlog-verify check consistency` and anybody's Merkle library can check.

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::tree::{TreeHead, check_consistency};
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use super::heads::accept;
use super::note;
use super::problem::{ProofProblem, Refused};
use super::tlog::MAX_PROOF_BYTES;

/// The version of the document.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    consistency_proof: u64,
    checkpoint1: String,
    checkpoint2: String,
    case: Case,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Vec<String>,
}

/// Two heads of a log, of which the second continues the first. Made by [`check_consistency_proof`] alone.
#[derive(Clone, Debug)]
pub struct Continued {
    origin: Origin,
    heads: [TreeHead; 2],
    signers: [Vec<VerifierKey>; 2],
}

impl Continued {
    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The two trees, the smaller one first.
    pub const fn heads(&self) -> [TreeHead; 2] {
        self.heads
    }

    /// The keys that signed each, and count.
    pub const fn signers(&self) -> &[Vec<VerifierKey>; 2] {
        &self.signers
    }
}

/// Writes the document, ended by LF.
pub fn format(first: &SignedCheckpoint, second: &SignedCheckpoint, proof: &[Hash]) -> String {
    let document = Document {
        consistency_proof: VERSION,
        checkpoint1: first.note(),
        checkpoint2: second.note(),
        case: Case {
            size1: first.checkpoint.size,
            size2: second.checkpoint.size,
            root1: first.checkpoint.root.to_hex(),
            root2: second.checkpoint.root.to_hex(),
            proof: proof.iter().map(|hash| hash.to_hex()).collect(),
        },
    };
    // A document holds no map and no value that cannot be written.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Whether a file is meant to be a consistency proof and not an inclusion proof.
pub fn is_document(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Whether the document has its form, with two checkpoints.
#[cfg(any(fuzzing, test))]
pub(crate) fn is_readable(json: &[u8]) -> bool {
    let notes = |document: Document| [document.checkpoint1, document.checkpoint2];
    parse(json).is_ok_and(|document| {
        notes(document)
            .iter()
            .all(|note| note::parse(note).is_some())
    })
}

/// Checks that the keys of the policy signed both trees, and that the second begins with the first.
///
/// # Errors
///
/// Where the proof does not show it, or the policy alone cannot decide it.
pub fn check_consistency_proof(policy: &TrustPolicy, json: &[u8]) -> Result<Continued, Refused> {
    let document = parse(json)?;
    let [first, second] = [document.checkpoint1, document.checkpoint2].map(|note| {
        note::parse(&note).ok_or_else(|| not_one("a checkpoint is not a C2SP checkpoint"))
    });
    let (first, second) = (first?, second?);
    let origins = [&first.checkpoint.origin, &second.checkpoint.origin].map(Clone::clone);
    let [expected, found] = origins;
    if expected != found {
        return Err(ProofProblem::TwoLogs { expected, found }.into());
    }
    let accepted = [accept(policy, &first), accept(policy, &second)];
    for one in &accepted {
        if let Err(wrong @ Refused::Wrong(_)) = one {
            return Err(wrong.clone());
        }
    }
    // Heads that do not continue each other are wrong whoever signed them, so what is undecided comes last.
    let heads = [head_of(&first), head_of(&second)];
    if heads != document.case.heads()? {
        return Err(not_one("its sizes and roots are not those of its checkpoints").into());
    }
    let [first, second] = heads;
    check_consistency(first, second, &document.case.hashes()?).map_err(ProofProblem::from)?;
    let [first, second] = accepted;
    let signers = [first?.signers, second?.signers];
    Ok(Continued {
        origin: expected,
        heads,
        signers: signers.map(|all| all.into_iter().cloned().collect()),
    })
}

fn parse(json: &[u8]) -> Result<Document, ProofProblem> {
    if json.len() > MAX_PROOF_BYTES {
        return Err(not_one(&format!(
            "it has more than {MAX_PROOF_BYTES} bytes"
        )));
    }
    let document: Document =
        serde_json::from_slice(json).map_err(|error| not_one(&error.to_string()))?;
    if document.consistency_proof == VERSION {
        Ok(document)
    } else {
        Err(not_one("it has another version"))
    }
}

fn not_one(reason: &str) -> ProofProblem {
    ProofProblem::NotAConsistencyProof {
        reason: reason.to_owned(),
    }
}

fn head_of(signed: &SignedCheckpoint) -> TreeHead {
    TreeHead {
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
    }
}

impl Case {
    fn heads(&self) -> Result<[TreeHead; 2], ProofProblem> {
        Ok([
            TreeHead {
                size: self.size1,
                root: hash(&self.root1)?,
            },
            TreeHead {
                size: self.size2,
                root: hash(&self.root2)?,
            },
        ])
    }

    fn hashes(&self) -> Result<Vec<Hash>, ProofProblem> {
        self.proof.iter().map(|text| hash(text)).collect()
    }
}

fn hash(text: &str) -> Result<Hash, ProofProblem> {
    Hash::parse_hex(text.as_bytes())
        .ok_or_else(|| not_one("a hash is not 64 lower-case hex digits"))
}
