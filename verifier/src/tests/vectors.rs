//! Every vector of `tests/vectors`, whole and in ranges.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;
use serde_json::Value;

use super::ranges::assert_same_in_ranges;
use crate::pins;
use crate::request::Request;
use crate::source::Folder;
use crate::verify::verify;

#[test]
fn every_vector_has_the_same_findings_whole_and_in_ranges() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let folders = fs::read_dir(vectors)
        .unwrap()
        .map(|one| one.unwrap().path());
    let compared = folders.filter(|path| path.join("vector.json").exists());
    let compared = compared.filter(|path| is_compared(path)).count();
    // Some have a policy, pins or a folder that nobody can use.
    assert!(compared > 500, "only {compared} vectors were compared");
}

/// Whether the vector gives a report.
fn is_compared(vector: &Path) -> bool {
    let json = fs::read(vector.join("policy.json")).unwrap();
    let Ok(policy) = TrustPolicy::parse(&json) else {
        return false;
    };
    let pins = pins::load(&vector.join("pins.json"));
    let (Ok(pins), Ok(source)) = (pins, Folder::open(vector.join("bucket"))) else {
        return false;
    };
    let expected = fs::read(vector.join("vector.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let at = expected["at"].as_str();
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(&json),
        logs: &[],
        now: Timestamp::from_system_time(SystemTime::now()).unwrap(),
        at: at.map(|at| Timestamp::parse_rfc3339(at).unwrap()),
        max_skew_seconds: 300,
        workers: 1,
    };
    let Ok(report) = verify(&source, &request, &pins, &mut |_| {}) else {
        return false;
    };
    assert_same_in_ranges(&source, &request, &pins, &report);
    true
}
