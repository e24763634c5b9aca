//! Checking a pack with the auditor's own copy of the trust policy.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::checkpoint::SignedCheckpoint;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::segment::{Expected, check_segment};

use super::archive;
use super::files::{DIGESTS, Files, PAGE, checkpoint_name, entry_name, proof_name, segment_name};
use crate::proof::check::{Proven, Refused, check_proof};
use crate::proof::tlog::TlogProof;

/// Files that nothing proves: they are the word of whoever made the pack.
const UNPROVED: [&str; 3] = ["policy.json", "report.json", "report.txt"];

/// What a pack shows. Made by [`check_pack`] alone.
#[derive(Debug)]
pub struct CheckedPack {
    /// The entries, each proved.
    pub proven: Vec<Proven>,
    /// Whether the trust policy in the pack is the one that it was checked with.
    pub same_policy: bool,
    /// Whether it has the segments. Without them, nothing proves the number of a segment that the name of a checkpoint has.
    pub has_segments: bool,
    /// Number of files.
    pub files: usize,
}

/// Why a pack was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is not a pack.
    #[error("the file is not an evidence pack: {reason}")]
    NotAPack {
        /// Why.
        reason: String,
    },
    /// A file is missing.
    #[error("the pack does not have {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file is not one of a pack.
    #[error("the pack has {name}, which does not belong to it")]
    Stranger {
        /// Its name.
        name: String,
    },
    /// A file is not what it must be, given the others.
    #[error("{name} was changed")]
    Changed {
        /// Its name.
        name: String,
    },
    /// A proof was not accepted.
    #[error("{name}: {}", words(why))]
    Proof {
        /// Its name.
        name: String,
        /// Why.
        why: Refused,
    },
}

fn words(why: &Refused) -> String {
    match why {
        Refused::Wrong(problem) => problem.to_string(),
        Refused::Undecided(why) => why.to_string(),
    }
}

/// Checks a pack: every proof, every file that follows from a proof, and that there is no other file.
///
/// # Errors
///
/// The first thing that is wrong; where nothing is, the first proof that could not be decided.
pub fn check_pack(
    policy: &TrustPolicy,
    policy_json: &[u8],
    pack: &[u8],
) -> Result<CheckedPack, PackError> {
    let files = archive::read(pack).map_err(|reason| PackError::NotAPack { reason })?;
    let proofs = proofs(&files)?;
    let origin = only_origin(&proofs)?;
    let (mut proven, mut undecided) = (Vec::new(), None);
    let mut heads = BTreeSet::new();
    for (name, proof) in &proofs {
        let entry = entry_name(proof.index);
        let line = get(&files, &entry)?;
        if line.ends_with(b"\n") || *name != proof_name(proof.index) {
            return Err(PackError::Changed { name: entry });
        }
        let refused = |why| PackError::Proof {
            name: name.clone(),
            why,
        };
        match check_proof(policy, get(&files, name)?, line) {
            Ok(shown) => proven.push(shown),
            // A later file may be wrong.
            Err(why @ Refused::Undecided(_)) => {
                undecided.get_or_insert(refused(why));
            }
            Err(why @ Refused::Wrong(_)) => return Err(refused(why)),
        }
        if proof.format().as_bytes() != get(&files, name)? {
            return Err(PackError::Changed { name: name.clone() });
        }
        heads.insert(proof.signed.note());
    }
    if let Some(log) = policy.log(origin) {
        compare(&expected(&files, log, &proofs, &heads)?, &files)?;
    }
    match undecided {
        Some(undecided) => Err(undecided),
        None => Ok(CheckedPack {
            proven,
            same_policy: get(&files, "policy.json")? == policy_json,
            has_segments: files.keys().any(|name| name.starts_with("segments/")),
            files: files.len(),
        }),
    }
}

/// The log that all proofs are of. A pack describes one: its keys and its page are of that log.
fn only_origin(proofs: &[(String, TlogProof)]) -> Result<&Origin, PackError> {
    let mut origins = proofs
        .iter()
        .map(|(_, proof)| &proof.signed.checkpoint.origin);
    let not_a_pack = |reason: &str| PackError::NotAPack {
        reason: reason.to_owned(),
    };
    let first = origins
        .next()
        .ok_or_else(|| not_a_pack("it has no entry"))?;
    if origins.all(|other| other == first) {
        Ok(first)
    } else {
        Err(not_a_pack("it has entries of more than one log"))
    }
}

fn get<'f>(files: &'f BTreeMap<String, Vec<u8>>, name: &str) -> Result<&'f [u8], PackError> {
    let missing = || PackError::Missing {
        name: name.to_owned(),
    };
    files.get(name).map(Vec::as_slice).ok_or_else(missing)
}

fn proofs(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, TlogProof)>, PackError> {
    let named = files.iter().filter(|(name, _)| name.starts_with("proofs/"));
    let parse = |(name, bytes): (&String, &Vec<u8>)| {
        let proof =
            TlogProof::parse(bytes).ok_or_else(|| PackError::Changed { name: name.clone() })?;
        Ok((name.clone(), proof))
    };
    named.map(parse).collect()
}

/// The files that a pack with these entries has.
fn expected(
    files: &BTreeMap<String, Vec<u8>>,
    log: &LogPolicy,
    proofs: &[(String, TlogProof)],
    heads: &BTreeSet<String>,
) -> Result<Files, PackError> {
    let mut expected = Files::default();
    for name in UNPROVED {
        expected.put(name.to_owned(), get(files, name)?.to_vec());
    }
    for (name, proof) in proofs {
        let entry = entry_name(proof.index);
        expected.put(name.clone(), get(files, name)?.to_vec());
        expected.put(entry.clone(), get(files, &entry)?.to_vec());
    }
    let (mut checkpoints, mut segments) = (BTreeSet::new(), BTreeSet::new());
    let mut left: BTreeSet<&String> = heads.iter().collect();
    for (name, bytes) in files {
        if let Some(number) = number_of(name, "checkpoints/", ".note") {
            let note = std::str::from_utf8(bytes)
                .ok()
                .filter(|note| heads.contains(*note));
            let signed = note.and_then(SignedCheckpoint::parse_note);
            let changed = || PackError::Changed { name: name.clone() };
            expected.add_checkpoint(number, &signed.ok_or_else(changed)?, log);
            checkpoints.insert(number);
            left.retain(|head| head.as_bytes() != bytes.as_slice());
        }
        if let Some(number) = number_of(name, "segments/", ".jsonl.zst") {
            same_segment(files, log, number, bytes)?;
            segments.insert(number);
            expected.put(segment_name(number), bytes.clone());
        }
    }
    if !left.is_empty() {
        return Err(PackError::Missing {
            name: "the checkpoint of a proof".to_owned(),
        });
    }
    // All segments, or none of them.
    if let Some(number) = checkpoints
        .difference(&segments)
        .next()
        .filter(|_| !segments.is_empty())
    {
        let name = segment_name(*number);
        return Err(PackError::Missing { name });
    }
    expected.put_page(log);
    expected.put_digests();
    Ok(expected)
}

fn number_of(name: &str, folder: &str, extension: &str) -> Option<u64> {
    name.strip_prefix(folder)?
        .strip_suffix(extension)?
        .parse()
        .ok()
}

/// A segment in the pack must be the one of the checkpoint with its number.
fn same_segment(
    files: &BTreeMap<String, Vec<u8>>,
    log: &LogPolicy,
    segment: u64,
    object: &[u8],
) -> Result<(), PackError> {
    let expected = Expected {
        origin: &log.origin,
        segment,
        format: log.format,
    };
    let note = get(files, &checkpoint_name(segment))?;
    let checked = check_segment(object, expected).ok();
    let is_same = checked.is_some_and(|one| one.signed_checkpoint().note().as_bytes() == note);
    if is_same {
        Ok(())
    } else {
        Err(PackError::Changed {
            name: segment_name(segment),
        })
    }
}

fn compare(expected: &Files, found: &BTreeMap<String, Vec<u8>>) -> Result<(), PackError> {
    if let Some(name) = found
        .keys()
        .find(|name| !expected.all().contains_key(*name))
    {
        return Err(PackError::Stranger { name: name.clone() });
    }
    // What others follow from comes first: the list of digests and the page are the last to be named.
    let order = |name: &&String| (*name == DIGESTS, *name == PAGE);
    let mut names: Vec<&String> = expected.all().keys().collect();
    names.sort_by_key(order);
    for name in names {
        let expected = expected.all().get(name).map(Vec::as_slice);
        if Some(get(found, name)?) != expected {
            return Err(PackError::Changed { name: name.clone() });
        }
    }
    Ok(())
}
