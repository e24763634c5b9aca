//! Checking an inclusion proof with the trust policy alone: no log, no network, no clock.

use auditlog_chain::hash::{Hash, leaf_hash};
use auditlog_chain::line::{Body, parse_line};
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::tree::{TreeHead, check_inclusion};
use auditlog_chain::verifier_key::VerifierKey;

use super::heads::{accept, within_spans};
pub use super::problem::{ProofProblem, Refused, Undecidable};
use super::tlog::TlogProof;

/// Which tools can check a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any that know C2SP: the signature is of type 0x01, 0x02 or 0x06.
    C2sp,
    /// This program: the signature type is our own (0xff).
    Own,
}

impl Form {
    /// The form of a proof that these keys signed.
    pub fn of(signers: &[&VerifierKey]) -> Self {
        let is_c2sp = |key: &&VerifierKey| {
            let signature_type = key.public_key().spec().signature_type();
            !signature_type.starts_with(&[0xff])
        };
        if signers.iter().any(is_c2sp) {
            Self::C2sp
        } else {
            Self::Own
        }
    }
}

/// An entry that is in a signed tree. Made by [`check_proof`] alone.
#[derive(Clone, Debug)]
pub struct Proven {
    origin: Origin,
    index: u64,
    time: Timestamp,
    kind: &'static str,
    head: TreeHead,
    signers: Vec<VerifierKey>,
}

impl Proven {
    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Index of the line.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Time of the line, by the writer's clock.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What kind of line it is, in words.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The signed tree.
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The keys that signed, and count.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }

    /// Which tools can check the proof.
    pub fn form(&self) -> Form {
        Form::of(&self.signers.iter().collect::<Vec<_>>())
    }
}

/// Whether a file has the form of an inclusion proof.
pub fn is_proof(bytes: &[u8]) -> bool {
    TlogProof::parse(bytes).is_some()
}

/// Checks that a line is in a tree that a key of the policy signed. `line` is its bytes; a newline at its end is passed over.
///
/// # Errors
///
/// Where the proof does not show it, or the policy alone cannot decide it.
pub fn check_proof(policy: &TrustPolicy, proof: &[u8], line: &[u8]) -> Result<Proven, Refused> {
    let proof = TlogProof::parse(proof).ok_or(ProofProblem::NotAProof)?;
    let accepted = match accept(policy, &proof.signed) {
        Err(wrong @ Refused::Wrong(_)) => return Err(wrong),
        // An entry that is not in the tree is wrong whoever signed it.
        accepted => accepted,
    };
    let bytes = line.strip_suffix(b"\n").unwrap_or(line);
    let line = parse_line(bytes).map_err(|error| ProofProblem::NotALine {
        reason: error.to_string(),
    })?;
    if line.index != proof.index {
        let (expected, found) = (proof.index, line.index);
        return Err(ProofProblem::OtherEntry { expected, found }.into());
    }
    let head = head_of(&proof);
    in_tree(leaf_hash(bytes), &proof, head)?;
    let accepted = accepted?;
    within_spans(policy, &accepted.signers, line.time)?;
    Ok(Proven {
        origin: accepted.log.origin.clone(),
        index: line.index,
        time: line.time,
        kind: kind(&line.body),
        head,
        signers: accepted.signers.into_iter().cloned().collect(),
    })
}

fn head_of(proof: &TlogProof) -> TreeHead {
    TreeHead {
        size: proof.signed.checkpoint.size,
        root: proof.signed.checkpoint.root,
    }
}

fn in_tree(leaf: Hash, proof: &TlogProof, head: TreeHead) -> Result<(), ProofProblem> {
    Ok(check_inclusion(leaf, proof.index, &proof.hashes, head)?)
}

const fn kind(body: &Body<'_>) -> &'static str {
    match body {
        Body::Entry(_) => "entry",
        Body::Open(_) => "open line",
        Body::Key(_) => "key line",
        Body::Close(_) => "close line",
    }
}
