//! One inclusion or consistency proof as JSON, so that anybody's probes can be run against ours.
//!
//! A case has exactly its keys, each once. What has this form and does not hold, is wrong, also where a hash has another length than 32 bytes;
//! anything else is not a case.

use std::fmt;

use auditlog_chain::hash::Hash;
use auditlog_chain::tree::{ProofFault, TreeHead, check_consistency, check_inclusion};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a case was not found to hold.
#[derive(Debug)]
pub enum CaseError {
    /// It does not hold.
    Wrong(CaseFault),
    /// It is not a case, for this reason.
    Unreadable(String),
}

/// What is wrong with a case.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseFault {
    /// The proof.
    #[error(transparent)]
    Proof(#[from] ProofFault),
    /// A hash is not of 64 hex digits.
    #[error("{key} is not a hash of 32 bytes in hexadecimal")]
    Hash {
        /// The key that it is under.
        key: &'static str,
    },
    /// An integer is below 0, or needs more than 64 bits.
    #[error("{key} is not between 0 and 2^64 - 1")]
    Integer {
        /// The key that it is under.
        key: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inclusion<'a> {
    #[serde(borrow)]
    index: &'a RawValue,
    #[serde(borrow)]
    size: &'a RawValue,
    root: Text,
    leaf: Text,
    #[serde(deserialize_with = "null_is_empty")]
    proof: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consistency<'a> {
    #[serde(borrow)]
    size1: &'a RawValue,
    #[serde(borrow)]
    size2: &'a RawValue,
    root1: Text,
    root2: Text,
    #[serde(deserialize_with = "null_is_empty")]
    proof: Vec<Text>,
}

/// Go writes an empty list as `null`.
fn null_is_empty<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A JSON string, whatever it says.
#[derive(Deserialize)]
struct Text(String);

/// Checks one inclusion proof: `{"index", "size", "root", "leaf", "proof": […]}`.
///
/// # Errors
///
/// Where it does not hold, or is not a case.
pub fn check_inclusion_case(json: &[u8]) -> Result<(), CaseError> {
    let case: Inclusion<'_> = parse(json)?;
    let index = integer("index", case.index)?;
    let size = integer("size", case.size)?;
    let root = hash("root", &case.root)?;
    let leaf = hash("leaf", &case.leaf)?;
    let proof = hashes(&case.proof)?;
    check_inclusion(leaf, index, &proof, TreeHead { size, root }).map_err(wrong)
}

/// Checks one consistency proof: `{"size1", "size2", "root1", "root2", "proof": […]}`.
///
/// # Errors
///
/// Where it does not hold, or is not a case.
pub fn check_consistency_case(json: &[u8]) -> Result<(), CaseError> {
    let case: Consistency<'_> = parse(json)?;
    let first = TreeHead {
        size: integer("size1", case.size1)?,
        root: hash("root1", &case.root1)?,
    };
    let second = TreeHead {
        size: integer("size2", case.size2)?,
        root: hash("root2", &case.root2)?,
    };
    check_consistency(first, second, &hashes(&case.proof)?).map_err(wrong)
}

fn wrong(fault: impl Into<CaseFault>) -> CaseError {
    CaseError::Wrong(fault.into())
}

fn unreadable(reason: impl fmt::Display) -> CaseError {
    CaseError::Unreadable(reason.to_string())
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, CaseError> {
    // A sequence of the values without their keys would be taken too.
    let is_object = json.trim_ascii_start().starts_with(b"{");
    if !is_object {
        return Err(unreadable("expected a JSON object"));
    }
    serde_json::from_slice(json).map_err(unreadable)
}

/// A number without fraction and exponent. One that no size can have is wrong; anything but a number is not a case.
fn integer(key: &'static str, value: &RawValue) -> Result<u64, CaseError> {
    let text = value.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable(format_args!("{key} is not an integer")));
    }
    text.parse().map_err(|_| wrong(CaseFault::Integer { key }))
}

fn hash(key: &'static str, text: &Text) -> Result<Hash, CaseError> {
    let digits = text.0.to_ascii_lowercase();
    Hash::parse_hex(digits.as_bytes()).ok_or_else(|| wrong(CaseFault::Hash { key }))
}

fn hashes(texts: &[Text]) -> Result<Vec<Hash>, CaseError> {
    texts
        .iter()
        .map(|text| hash("an element of proof", text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published roots of trees with one, two and three of the leaves that Certificate Transparency implementations share.
    const ROOTS: [&str; 3] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ];
    /// The leaf hashes of the second and the third.
    const SECOND: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const THIRD: &str = "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7";

    fn inclusion() -> String {
        let [root, size] = [ROOTS[1], "2"];
        format!(
            r#"{{"index":1,"size":{size},"root":"{root}","leaf":"{SECOND}","proof":["{}"]}}"#,
            ROOTS[0]
        )
    }

    fn consistency() -> String {
        let [_, first, second] = ROOTS;
        format!(
            r#"{{"size1":2,"size2":3,"root1":"{first}","root2":"{second}","proof":["{THIRD}"]}}"#
        )
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Came {
        Holds,
        Wrong,
        Unreadable,
    }

    fn came(result: &Result<(), CaseError>) -> Came {
        match result {
            Ok(()) => Came::Holds,
            Err(CaseError::Wrong(_)) => Came::Wrong,
            Err(CaseError::Unreadable(_)) => Came::Unreadable,
        }
    }

    #[track_caller]
    fn case(json: &str, expected: Came) {
        let check = if json.contains("size2") {
            check_consistency_case
        } else {
            check_inclusion_case
        };
        assert_eq!(came(&check(json.as_bytes())), expected, "{json}");
    }

    #[test]
    fn good_cases_hold_in_any_order_of_keys_and_either_case_of_digits() {
        case(&inclusion(), Came::Holds);
        case(&consistency(), Came::Holds);
        case(
            &inclusion().replace(SECOND, &SECOND.to_uppercase()),
            Came::Holds,
        );
        let turned = inclusion()
            .replace("\"index\":1,", "")
            .replace("]}", "], \"index\" : 1}\n");
        case(&turned, Came::Holds);
    }

    #[test]
    fn what_is_a_case_and_does_not_hold_is_wrong() {
        for (from, to) in [
            ("\"index\":1", "\"index\":0"),
            ("\"index\":1", "\"index\":2"),
            ("\"index\":1", "\"index\":-1"),
            ("\"index\":1", "\"index\":18446744073709551615"),
            ("\"index\":1", "\"index\":18446744073709551616"),
            ("\"size\":2", "\"size\":0"),
            ("\"size\":2", "\"size\":3"),
            (SECOND, THIRD),
            (SECOND, ""),
            (SECOND, "zz"),
            (ROOTS[1], ROOTS[2]),
            ("[", "[\"\","),
            ("]", ",\"\"]"),
            (ROOTS[0], &format!("{}00", ROOTS[0])),
        ] {
            case(&inclusion().replacen(from, to, 1), Came::Wrong);
        }
        for without in ["[]", "null"] {
            let changed = inclusion().replace(&format!("[\"{}\"]", ROOTS[0]), without);
            case(&changed, Came::Wrong);
        }
        for (from, to) in [
            ("\"size1\":2", "\"size1\":3"),
            ("\"size1\":2", "\"size1\":4"),
            ("\"size1\":2", "\"size1\":0"),
            ("\"size2\":3", "\"size2\":2"),
            (ROOTS[1], ROOTS[2]),
            (ROOTS[2], ROOTS[1]),
            (THIRD, SECOND),
        ] {
            case(&consistency().replacen(from, to, 1), Came::Wrong);
        }
    }

    /// As other people's probes have it.
    #[test]
    fn an_empty_proof_may_be_null() {
        let of_one = format!(
            r#"{{"index":0,"size":1,"root":"{}","leaf":"{}","proof":null}}"#,
            ROOTS[0], ROOTS[0]
        );
        case(&of_one, Came::Holds);
        let equal = format!(
            r#"{{"size1":2,"size2":2,"root1":"{}","root2":"{}","proof":null}}"#,
            ROOTS[1], ROOTS[1]
        );
        case(&equal, Came::Holds);
    }

    #[test]
    fn what_has_another_form_is_not_a_case() {
        for (from, to) in [
            ("\"index\":1,", ""),
            ("\"index\":1", "\"index\":1,\"index\":1"),
            ("\"index\":1", "\"index\":1,\"more\":1"),
            ("\"index\":1", "\"index\":\"1\""),
            ("\"index\":1", "\"index\":1.0"),
            ("\"index\":1", "\"index\":1e0"),
            ("\"index\":1", "\"index\":null"),
            ("\"index\":1", "\"Index\":1"),
            ("\"index\"", "\"leafIndex\""),
            ("[", "[1,"),
            ("[", "[null,"),
            ("[", "{"),
            ("}", "}{}"),
            ("{", "[{"),
            ("}", ""),
        ] {
            let changed = inclusion().replacen(from, to, 1);
            assert_eq!(
                came(&check_inclusion_case(changed.as_bytes())),
                Came::Unreadable,
                "{changed}"
            );
        }
        let values = format!(r#"[1,2,"{}","{SECOND}",["{}"]]"#, ROOTS[1], ROOTS[0]);
        for other in ["", "null", "{}", &values, &consistency()] {
            assert_eq!(
                came(&check_inclusion_case(other.as_bytes())),
                Came::Unreadable,
                "{other}"
            );
        }
        let without = inclusion().replace(&format!(",\"proof\":[\"{}\"]", ROOTS[0]), "");
        case(&without, Came::Unreadable);
    }
}
