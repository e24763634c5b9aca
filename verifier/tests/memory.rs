//! A log of a million segments is verified in bounded memory. A process of its own: the peak is that of everything that ran in it.

use std::fs;
use std::time::{Duration, Instant};

use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::pins::Pins;
use auditlog_verifier::request::Request;
use auditlog_verifier::source::{
    Bucket, ClockReading, Listed, Listing, NewObjects, Object, ReadError, Source, Strength, Version,
};
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::verify;

const KEY: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const ORIGIN: &str = "acme.example/audit/payments";
const MOST_RESIDENT_KIB: u64 = 256 << 10;

/// A bucket with so many segments, each of which is in an archive class that must be restored before it can be read.
struct Archived {
    segments: u64,
}

impl Source for Archived {
    fn name(&self) -> String {
        "s3://archived/".to_owned()
    }
    fn has_storage(&self) -> bool {
        true
    }
    fn scope(&self) -> &'static str {
        ""
    }
    fn read_ahead(&self) -> Option<usize> {
        Some(64 << 20)
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        Ok(Some(Bucket {
            unversioned: None,
            new_objects: NewObjects::Locked {
                strength: Strength::As(LockMode::Compliance),
                days: 365,
            },
        }))
    }
    fn list(&self, _: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        for number in 0..self.segments {
            each(Listed::Version {
                key: format!("payments/{number:012}.jsonl.zst"),
                version: Version {
                    // As long as the ids of S3.
                    id: Some(format!("{number:032}")),
                    stored: Some(begun().saturating_add_seconds(i64::try_from(number).unwrap())),
                    bytes: 9_000,
                    undated: None,
                    is_latest: true,
                },
            });
        }
        Ok(Listing::default())
    }
    fn read(&self, key: &str, _: &Version) -> Result<Object, ReadError> {
        Err(ReadError::new(format!("{key} is archived")))
    }
    fn clock(&self) -> Option<ClockReading> {
        None
    }
}

fn begun() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn policy() -> String {
    let public: PublicKey = serde_json::from_str(&format!("{KEY:?}")).unwrap();
    let key = VerifierKey::new(Origin::parse(ORIGIN).unwrap(), public);
    let from = begun().to_rfc3339();
    format!(
        r#"{{
          "trust_policy": 1,
          "lock": [{{ "from": "{from}", "mode": "COMPLIANCE", "retention_days": 365 }}],
          "logs": [{{
            "origin": "{ORIGIN}", "prefix": "payments", "format": 1, "began": "{from}",
            "max_silence": [{{ "from": "{from}", "seconds": 90000 }}],
            "verifier_keys": ["{key}"]
          }}],
          "keys": [{{ "spec": "ECC_NIST_EDWARDS25519", "spki": "{KEY}", "valid_from": "{from}" }}]
        }}"#
    )
}

/// How long it took, and the largest resident size of the process so far.
fn run(segments: u64) -> (Duration, u64) {
    let json = policy();
    let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(json.as_bytes()),
        logs: &[],
        now: begun().saturating_add_seconds(i64::try_from(segments).unwrap()),
        at: None,
        max_skew_seconds: 300,
        workers: 2,
    };
    let began = Instant::now();
    let source = Archived { segments };
    let report = verify(&source, &request, &Pins::default(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert!(report.to_text().contains("is archived"));
    (began.elapsed(), peak_kib())
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[test]
fn a_million_versions_fit_into_256_mib_and_take_time_in_proportion() {
    let (tenth, small) = run(100_000);
    let (whole, large) = run(1_000_000);
    println!("100,000 versions: {tenth:.2?}, {} MiB", small >> 10);
    println!("1,000,000 versions: {whole:.2?}, {} MiB", large >> 10);
    assert!(large < MOST_RESIDENT_KIB, "{large} KiB");
    // Twice what is in proportion: the machine may be busy. What grows with the square would take ten times as long.
    assert!(whole < tenth * 20, "{tenth:?} and {whole:?}");
}
