//! What is measured, and how.

use std::fs;
use std::time::Duration;

use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::request::Request;

use crate::store::{Place, stored};

pub(crate) const MOST_RESIDENT_KIB: u64 = 256 << 10;

pub(crate) fn request<'p>(place: &Place, policy: &'p TrustPolicy, json: &str) -> Request<'p> {
    let last = place.all().map(|(_, number)| number).max().unwrap();
    Request {
        policy,
        policy_digest: TrustPolicy::digest(json.as_bytes()),
        logs: &[],
        now: stored(last),
        at: None,
        max_skew_seconds: 300,
        workers: 2,
    }
}

pub(crate) fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// Says what the process took at most since the last time.
pub(crate) fn say(what: &str, took: Duration) -> u64 {
    let peak = peak_kib();
    println!("{what}: {took:.2?}, {} MiB", peak >> 10);
    // From now on.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak
}
