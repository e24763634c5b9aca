//! Whether a checkpoint counts, from the trust policy alone.
//!
//! A checkpoint does not name its segment or when it was sealed, so less can be judged here than where the log is present: the policy's positions are
//! compared by size and root.

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, Position, TrustPolicy, Trusted};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::note::{Unsigned, signers};
use super::problem::{ProofProblem, Refused, Undecidable};
use crate::keys::key_id;

/// A checkpoint whose signatures count.
pub(super) struct Accepted<'p> {
    pub(super) log: &'p LogPolicy,
    pub(super) signers: Vec<&'p VerifierKey>,
}

/// Checks the signatures of a checkpoint against the policy.
pub(super) fn accept<'p>(
    policy: &'p TrustPolicy,
    signed: &SignedCheckpoint,
) -> Result<Accepted<'p>, Refused> {
    let origin = &signed.checkpoint.origin;
    let log = policy
        .log(origin)
        .ok_or_else(|| unknown_log(policy, origin))?;
    let keys = signers(signed, log).map_err(|unsigned| match unsigned {
        Unsigned::Unknown => ProofProblem::KeyUnknown {
            expected: log.verifier_keys.iter().map(key_id).collect(),
        },
        Unsigned::Invalid(id) => ProofProblem::SignatureInvalid {
            key_id: format!("{:08x}", u32::from_be_bytes(id)),
        },
    })?;
    within_end(log, signed)?;
    let counting = counting(policy, signed, &keys)?;
    Ok(Accepted {
        log,
        signers: counting,
    })
}

fn unknown_log(policy: &TrustPolicy, found: &Origin) -> ProofProblem {
    let logs = policy.document().logs.iter();
    ProofProblem::LogUnknown {
        expected: logs.map(|log| log.origin.clone()).collect(),
        found: found.clone(),
    }
}

/// V10: a log that was declared ended has no checkpoint after its end, and one at its end.
fn within_end(log: &LogPolicy, signed: &SignedCheckpoint) -> Result<(), ProofProblem> {
    let Some(ended) = &log.ended else {
        return Ok(());
    };
    let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
    if size > ended.size || (size == ended.size && root != ended.root) {
        return Err(ProofProblem::AfterEnd {
            expected: ended.size,
            found: size,
        });
    }
    Ok(())
}

/// The signers whose signatures count (V15, V16). A compromised key's counts under the last good head and, as far as a checkpoint alone shows, under
/// no other: a thief can sign a smaller tree.
fn counting<'p>(
    policy: &TrustPolicy,
    signed: &SignedCheckpoint,
    keys: &[&'p VerifierKey],
) -> Result<Vec<&'p VerifierKey>, Refused> {
    let mut counting = Vec::new();
    let mut refused = None;
    for key in keys {
        match doubt(policy.trusted(key), signed, key) {
            None => counting.push(*key),
            Some(doubt) => refused = Some(doubt),
        }
    }
    match refused {
        Some(refused) if counting.is_empty() => Err(refused),
        _ => Ok(counting),
    }
}

fn doubt(trusted: Trusted, signed: &SignedCheckpoint, key: &VerifierKey) -> Option<Refused> {
    let key_id = key_id(key);
    let found = signed.checkpoint.size;
    match trusted {
        Trusted::Throughout => None,
        Trusted::Unknown => Some(Refused::Undecided(Undecidable::NoLastGood { key_id })),
        Trusted::UpTo(last) if is_at(&last, signed) => None,
        Trusted::UpTo(last) if found < last.size => {
            Some(Refused::Undecided(Undecidable::Compromised { key_id }))
        }
        Trusted::UpTo(last) => Some(Refused::Wrong(ProofProblem::KeyCompromised {
            key_id,
            expected: last.size,
            found,
        })),
    }
}

fn is_at(position: &Position, signed: &SignedCheckpoint) -> bool {
    position.size == signed.checkpoint.size && position.root == signed.checkpoint.root
}

/// V14, as far as a line shows it: what was made after its key had retired, or was lost, is not signed by the right holder.
pub(super) fn within_spans(
    policy: &TrustPolicy,
    signers: &[&VerifierKey],
    made: Timestamp,
) -> Result<(), ProofProblem> {
    let late = |key: &&&VerifierKey| {
        let known = policy.key(key);
        let until = known.and_then(|known| {
            [known.retired_at, known.lost_at]
                .into_iter()
                .flatten()
                .min()
        });
        until.is_some_and(|until| made > until)
    };
    match signers.iter().find(late) {
        // One key that could sign is enough: the other may be that of a rotation.
        Some(key) if signers.iter().all(|key| late(&key)) => Err(ProofProblem::KeyOutsideSpan {
            key_id: key_id(key),
            found: made,
        }),
        _ => Ok(()),
    }
}
