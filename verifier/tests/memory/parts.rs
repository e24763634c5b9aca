//! The steps beyond one machine, each of which may be a small one.

use std::fs;
use std::path::Path;
use std::time::Instant;

use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::parts::{OfRange, PartsError, Plan, merge, part, plan_into};
use auditlog_verifier::pins::Pins;
use auditlog_verifier::verdict::Verdict;

use crate::measure::{MOST_RESIDENT_KIB, request, say};
use crate::store::{Key, Place, Stored};

const RANGES: u64 = 16;

/// As much as a million versions may take, in proportion, and what a program takes that does nothing.
const fn most_kib(versions: u64) -> u64 {
    MOST_RESIDENT_KIB * versions / 1_000_000 + (16 << 10)
}

/// All are in an archive class: each has a finding.
pub(crate) fn divided(key: &Key, segments: u64) {
    let within = |what: &str, began: Instant| {
        let (peak, most) = (say(what, began.elapsed()), most_kib(segments));
        assert!(peak < most, "{what}: {peak} KiB of {most}");
    };

    let objects = None;
    let place = Place(vec![Stored { segments, objects }]);
    let json = key.policy(1);
    let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
    let request = request(&place, &policy, &json);
    let folder = tempfile::tempdir().unwrap();
    let file = |kind: &str, range: u64| folder.path().join(format!("{kind}-{range}"));
    let read = |path: &Path| fs::read(path).unwrap();
    let began = Instant::now();
    let mut keep = |range, list: Vec<u8>| {
        fs::write(file("list", range), list).unwrap();
        Ok::<(), PartsError>(())
    };
    let plan = plan_into(&place, &request, &Pins::default(), RANGES, &mut keep).unwrap();
    let plan = Plan::parse(&plan).unwrap();
    within(&format!("plan of {segments} archived segments"), began);
    let policy = (&policy, request.policy_digest);
    let began = Instant::now();
    for range in 0..plan.ranges() {
        let list = read(&file("list", range));
        let made = part(&plan, policy, (range, &list), &place, 2, &mut |_| {}).unwrap();
        fs::write(file("part", range), made).unwrap();
    }
    within(&format!("the parts of its {RANGES} ranges"), began);
    let began = Instant::now();
    let mut of = |range| {
        let (list, part) = (read(&file("list", range)), read(&file("part", range)));
        Ok(OfRange { list, part })
    };
    let report = merge(&plan, policy, &mut of, plan.made()).unwrap();
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert!(report.to_text().contains("is archived"));
    within("their merge", began);
}
