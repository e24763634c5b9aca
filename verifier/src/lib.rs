//! Proves that an audit bucket contains what was declared and written.
//!
//! [`verify`](fn@verify::verify) compares the segments that a [`Source`] lists with a
//! [`TrustPolicy`] and gives a [`Report`](report::Report) with one of three verdicts: a
//! fault was found, no verdict, verified. Its steps are the numbered rules of `docs/guides/verification.md`.
//!
//! A [`Folder`](source::Folder) is a copy of a bucket; only the chain of its logs can be checked. With the feature `s3` (on
//! by default), the source is the bucket itself, whose versions, locks and times are evidence too.
//!
//! It reads no clock and no environment: `main.rs` does, and passes them in. It writes pins, caches and exports where the caller asks
//! for them, and never where the logs are stored. It does not know the sealer.
//!
//! ```
//! use auditlog_chain::policy::TrustPolicy;
//! use auditlog_chain::timestamp::Timestamp;
//! use auditlog_verifier::pins::Pins;
//! use auditlog_verifier::request::Request;
//! use auditlog_verifier::source::Folder;
//! use auditlog_verifier::verdict::Verdict;
//! use auditlog_verifier::verify::verify;
//!
//! let json = br#"{
//!   "trust_policy": 1,
//!   "lock": [{ "from": "2026-01-01T00:00:00Z", "mode": "COMPLIANCE", "retention_days": 365 }],
//!   "logs": [{
//!     "origin": "acme.example/audit/payments", "prefix": "payments", "format": 1, "began": "2026-01-01T00:00:00Z",
//!     "max_silence": [{ "from": "2026-01-01T00:00:00Z", "seconds": 90000 }],
//!     "verifier_keys": ["acme.example/audit/payments+KEY_ID"]
//!   }],
//!   "keys": [{ "spec": "ECC_NIST_EDWARDS25519", "spki": "SPKI", "valid_from": "2026-01-01T00:00:00Z" }]
//! }"#;
//! # let key = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
//! # let public: auditlog_chain::keys::PublicKey = serde_json::from_str(&format!("{key:?}"))?;
//! # let origin = auditlog_chain::origin::Origin::parse("acme.example/audit/payments").unwrap();
//! # let vkey = auditlog_chain::verifier_key::VerifierKey::new(origin, public).to_string();
//! # let json = String::from_utf8(json.to_vec())?.replace("acme.example/audit/payments+KEY_ID", &vkey).replace("SPKI", key);
//! # let json = json.as_bytes();
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let policy = TrustPolicy::parse(json)?;
//! let now = Timestamp::parse_rfc3339("2026-11-22T20:00:00Z").unwrap();
//! let request = Request {
//!     policy: &policy,
//!     policy_digest: TrustPolicy::digest(json),
//!     logs: &[],
//!     now,
//!     at: None,
//!     max_skew_seconds: 300,
//!     workers: 2,
//! };
//! let source = Folder::open(folder).unwrap();
//! let report = verify(&source, &request, &Pins::default(), &mut |_| {})?;
//! // The folder is empty, and finding nothing is never success.
//! assert_eq!(report.verdict(), Verdict::Fault);
//! assert_eq!(report.faults()[0].what.code(), "log-empty");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason
)]

mod absence;
pub mod acknowledged;
mod budget;
pub mod cache;
mod canonical;
mod conclude;
mod declared;
mod ending;
pub mod evidence;
mod examine;
mod explained;
pub mod export;
mod facts;
pub mod fault;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz;
pub mod head;
pub mod holes;
mod keys;
pub mod latest;
mod log_plan;
mod look;
mod looks;
mod merge;
pub mod not_checked;
pub mod note;
pub mod page;
mod parallel;
pub mod parts;
pub mod pin;
pub mod pins;
pub mod place;
mod plan;
pub mod probe;
pub mod progress;
pub mod proof;
mod range;
mod record;
pub mod regular;
pub mod report;
pub mod request;
mod rules;
pub mod run;
mod same;
pub mod search;
mod settle;
pub mod source;
mod state;
mod storage;
mod survey;
mod target;
#[cfg(test)]
mod tests;
mod time;
pub mod timeline;
pub mod told;
pub mod trail;
pub mod undecided;
pub mod verdict;
pub mod verify;
pub mod verify_head;
mod word;

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;

use crate::pins::Pins;
use crate::request::{Request, RequestError};
use crate::source::Source;
use crate::verdict::Verdict;

/// The verdict on all logs of a trust policy, at this time. [`verify::verify`](fn@crate::verify::verify) takes pins, chooses logs, and
/// gives the whole report.
///
/// ```
/// use auditlog_chain::policy::TrustPolicy;
/// use auditlog_chain::timestamp::Timestamp;
/// use auditlog_verifier::source::Folder;
/// use auditlog_verifier::verdict::Verdict;
///
/// # let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors");
/// let vector = format!("{vectors}/good--json-values");
/// let policy = TrustPolicy::parse(&std::fs::read(format!("{vector}/policy.json"))?)?;
/// let copy = Folder::open(format!("{vector}/bucket")).unwrap();
/// # let says: serde_json::Value = serde_json::from_slice(&std::fs::read(format!("{vector}/vector.json"))?)?;
/// # let now = says["at"].as_str().unwrap();
/// let now = Timestamp::parse_rfc3339(now).unwrap();
/// assert_eq!(auditlog_verifier::verify(&copy, &policy, now)?, Verdict::Verified);
/// // A week later, the silence after its last segment is a fault.
/// let later = now.saturating_add_days(7);
/// assert_eq!(auditlog_verifier::verify(&copy, &policy, later)?, Verdict::Fault);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Where the policy cannot be judged by. Nothing has been read then.
pub fn verify(
    source: &dyn Source,
    trust_policy: &TrustPolicy,
    now: Timestamp,
) -> Result<Verdict, RequestError> {
    /// Where the source leaves it open.
    const WORKERS: usize = 2;
    let request = Request {
        policy: trust_policy,
        policy_digest: TrustPolicy::digest(trust_policy.format().as_bytes()),
        logs: &[],
        now,
        at: None,
        max_skew_seconds: 300,
        workers: WORKERS,
    };
    let report = crate::verify::verify(source, &request, &Pins::default(), &mut |_| {})?;
    Ok(report.verdict())
}
