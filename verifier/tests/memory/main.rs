//! A log of a million segments is verified in bounded memory. A process of its own: the peak is that of everything that ran in it.
//!
//! `AUDITLOG_MEMORY_SEGMENTS` makes the sound logs longer than the few seconds of a usual run allow (a million takes two minutes in a release build).

mod find;
mod measure;
mod parts;
mod store;

use std::time::{Duration, Instant};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::TrustPolicy;
use auditlog_verifier::cache::{Cache, NoCache};
use auditlog_verifier::pins::Pins;
use auditlog_verifier::report::Report;
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::{verify, verify_with_cache};

use measure::{MOST_RESIDENT_KIB, peak_kib, request, say};
use store::{Key, Place, Stored};

/// The cache that an earlier run kept.
struct Kept(Vec<(Hash, Vec<u8>)>);

impl Cache for Kept {
    fn load(&self, digest: Hash) -> Option<Vec<u8>> {
        let mut all = self.0.iter();
        all.find_map(|(of, bytes)| (*of == digest).then(|| bytes.clone()))
    }
}

/// Verifies a place, and says how long it took.
fn run(place: &Place, json: &str, pins: &Pins, cache: Option<&dyn Cache>) -> (Report, Duration) {
    let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
    let request = request(place, &policy, json);
    let began = Instant::now();
    let report = match cache {
        Some(cache) => verify_with_cache(place, &request, pins, cache, &mut |_| {}),
        None => verify(place, &request, pins, &mut |_| {}),
    };
    (report.unwrap(), began.elapsed())
}

/// Sound logs: all is read, and what is read is remembered. Then again with a cache, where each lock is looked at.
fn sound(key: &Key, logs: usize, segments: u64) -> u64 {
    let each = segments / u64::try_from(logs).unwrap();
    let place = Place((0..logs).map(|at| key.log(at, each, &[])).collect());
    let json = key.policy(logs);
    println!("made: {} MiB", peak_kib() >> 10);
    let (report, took) = run(&place, &json, &Pins::default(), Some(&NoCache));
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
    say(&format!("{logs} logs, {segments} segments"), took);
    let (mut pins, mut kept) = (Pins::default(), Vec::new());
    for head in report.logs().iter().filter_map(|log| log.verified()) {
        let file = head.cache().unwrap();
        kept.push((file.digest(), file.bytes().to_vec()));
        _ = pins.take(head, &Pins::default());
    }
    drop(report);
    let (report, took) = run(&place, &json, &pins, Some(&Kept(kept)));
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_text());
    say(&format!("{logs} logs, {segments} segments, cached"), took)
}

/// All are in an archive class that must be restored before it can be read.
fn archived(key: &Key, segments: u64) -> (Duration, u64) {
    let objects = None;
    let place = Place(vec![Stored { segments, objects }]);
    let (report, took) = run(&place, &key.policy(1), &Pins::default(), None);
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert!(report.to_text().contains("is archived"));
    (took, say(&format!("{segments} archived segments"), took))
}

#[test]
fn a_million_versions_fit_into_256_mib_and_take_time_in_proportion() {
    let key = Key::new();
    // What memory was once taken is not given back: first what needs little.
    parts::divided(&key, 200_000);
    find::waits(&key);
    let segments = std::env::var("AUDITLOG_MEMORY_SEGMENTS");
    let segments = segments.map_or(20_000, |text| text.parse().unwrap());
    for logs in [1, 4] {
        let peak = sound(&key, logs, segments);
        assert!(peak < MOST_RESIDENT_KIB, "{peak} KiB");
    }
    let (tenth, _) = archived(&key, 100_000);
    let (whole, large) = archived(&key, 1_000_000);
    assert!(large < MOST_RESIDENT_KIB, "{large} KiB");
    // Twice what is in proportion: the machine may be busy. What grows with the square would take ten times as long.
    assert!(whole < tenth * 20, "{tenth:?} and {whole:?}");
}
