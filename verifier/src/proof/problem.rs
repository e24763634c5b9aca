//! Why a proof was not accepted.

use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::tree::ProofFault;

/// What is wrong with a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofProblem {
    /// The file is not a proof.
    #[error("the file is not a C2SP tlog-proof of version 1")]
    NotAProof,
    /// The file is not a consistency proof.
    #[error("the file is not a consistency proof of version 1: {reason}")]
    NotAConsistencyProof {
        /// Why.
        reason: String,
    },
    /// The entry is not a line of a log.
    #[error("the entry is not a line of a log: {reason}")]
    NotALine {
        /// Why.
        reason: String,
    },
    /// The entry is another than the one that the proof is for.
    #[error("the entry has index {found}, but the proof is for index {expected}")]
    OtherEntry {
        /// The index in the proof.
        expected: u64,
        /// The index in the line.
        found: u64,
    },
    /// The policy does not declare the log.
    #[error("the trust policy does not declare a log {found}")]
    LogUnknown {
        /// The logs that it declares.
        expected: Vec<Origin>,
        /// The log in the checkpoint.
        found: Origin,
    },
    /// The checkpoints of a consistency proof are of two logs.
    #[error("the second checkpoint is of log {found}, but the first is of {expected}")]
    TwoLogs {
        /// The log of the first.
        expected: Origin,
        /// The log of the second.
        found: Origin,
    },
    /// No signature is of a key that the policy authorises.
    #[error(
        "the checkpoint does not have a signature of a key that the trust policy authorises for this log"
    )]
    KeyUnknown {
        /// Ids of the keys that it authorises.
        expected: Vec<String>,
    },
    /// The signature of an authorised key is not valid.
    #[error("the signature of key {key_id} is not valid")]
    SignatureInvalid {
        /// Id of the key.
        key_id: String,
    },
    /// The key was compromised, and the checkpoint is not one that it signed before.
    #[error(
        "key {key_id} was compromised and counts up to size {expected} only, but the checkpoint has size {found}"
    )]
    KeyCompromised {
        /// Id of the key.
        key_id: String,
        /// Size of the log at the last good segment.
        expected: u64,
        /// Size in the checkpoint.
        found: u64,
    },
    /// The line was made when its key could no longer sign.
    #[error("the entry was made at {found}, when key {key_id} could no longer sign")]
    KeyOutsideSpan {
        /// Id of the key.
        key_id: String,
        /// Time of the line.
        found: Timestamp,
    },
    /// The log was declared ended before, or with another root.
    #[error(
        "the log was declared ended at size {expected}, and this checkpoint of size {found} is not part of it"
    )]
    AfterEnd {
        /// Size at the declared end.
        expected: u64,
        /// Size in the checkpoint.
        found: u64,
    },
    /// The hashes do not lead to the signed root.
    #[error(transparent)]
    Proof(#[from] ProofFault),
}

/// Why the trust policy alone cannot decide a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecidable {
    /// The key was compromised, and nobody declared up to where it counts (V16).
    #[error(
        "key {key_id} was compromised, and the trust policy does not name its last good segment"
    )]
    NoLastGood {
        /// Id of the key.
        key_id: String,
    },
    /// The key was compromised later. A thief can sign a smaller tree, so the checkpoint alone shows nothing.
    #[error(
        "key {key_id} was compromised after this checkpoint's size, so that a thief could have signed it"
    )]
    Compromised {
        /// Id of the key.
        key_id: String,
    },
}

impl Undecidable {
    /// What a person can do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoLastGood { .. } => "declare the last good segment of the key, and check again",
            Self::Compromised { .. } => {
                "verify the log, and prove the entry in the last good segment of the key or later"
            }
        }
    }
}

/// Why a checkpoint, or what is proved under it, was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The evidence is wrong.
    Wrong(ProofProblem),
    /// The policy alone cannot decide it.
    Undecided(Undecidable),
}

impl From<ProofProblem> for Refused {
    fn from(problem: ProofProblem) -> Self {
        Self::Wrong(problem)
    }
}
