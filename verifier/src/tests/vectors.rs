//! Every vector of `tests/vectors`, whole, in ranges, and with what an earlier run kept: as the folder that it is, and as if its files were the
//! locked objects of a bucket, since only of a bucket anything is kept.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{
    AcknowledgedCode, Found, LockMode, LockSpan, PolicyDocument, S3Store, Store, TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use serde_json::Value;

use super::incremental::{assert_same_with_cache, cached_during, run_with_cache};
use super::ranges::assert_same_in_ranges;
use super::world::DAY;
use crate::pins::{self, Pins};
use crate::request::Request;
use crate::source::{
    Bucket, ClockReading, Folder, Listed, Listing, Lock, NewObjects, Object, ReadError, Source,
    Storage, Strength, Version,
};
use crate::verify::verify;

const LOCK: Strength = Strength::As(LockMode::Governance);

/// Segments that were there at an earlier run: a block.
const EARLIER: u64 = 2;

#[test]
fn every_vector_has_the_same_findings_whole_in_ranges_and_with_a_cache() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let folders = fs::read_dir(vectors)
        .unwrap()
        .map(|one| one.unwrap().path());
    let vectors = folders.filter(|path| path.join("vector.json").exists());
    let (mut compared, mut in_buckets) = (0, 0);
    let cached = cached_during(|| {
        for vector in vectors {
            let json = fs::read(vector.join("policy.json")).unwrap();
            let Ok(document) = serde_json::from_slice::<PolicyDocument>(&json) else {
                continue;
            };
            compared += u64::from(is_compared(&vector, document.clone(), false));
            in_buckets += u64::from(is_compared(&vector, of_bucket(document), true));
        }
    });
    // Some have a policy, pins or a folder that nobody can use.
    assert!(compared > 500, "only {compared} vectors were compared");
    assert!(in_buckets > 500, "only {in_buckets} as buckets");
    // Few: a block of most vectors has the fault.
    assert!(cached >= 200, "only {cached} segments were not read again");
}

/// Whether the vector gives a report.
fn is_compared(vector: &Path, document: PolicyDocument, in_bucket: bool) -> bool {
    let Ok(policy) = TrustPolicy::check(document) else {
        return false;
    };
    let pins = pins::load(&vector.join("pins.json"));
    let (Ok(pins), Ok(folder)) = (pins, Folder::open(vector.join("bucket"))) else {
        return false;
    };
    let expected = fs::read(vector.join("vector.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let at = expected["at"].as_str();
    let at = at.map(|at| Timestamp::parse_rfc3339(at).unwrap());
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(b""),
        logs: &[],
        now,
        at,
        max_skew_seconds: 300,
        workers: 1,
    };
    if in_bucket {
        let shown = AtomicU64::new(u64::MAX);
        let source = Locked { folder, now, shown };
        if !is_same(&source, &request, &pins) {
            return false;
        }
        let earlier = source.verified_earlier(&request, &pins);
        is_same(&source, &request, &earlier)
    } else {
        is_same(&folder, &request, &pins)
    }
}

fn is_same(source: &dyn Source, request: &Request<'_>, pins: &Pins) -> bool {
    let Ok(report) = verify(source, request, pins, &mut |_| {}) else {
        return false;
    };
    assert_same_in_ranges(source, request, pins, &report);
    assert_same_with_cache(source, request, pins, &report);
    true
}

/// The policy as it would be for a bucket.
fn of_bucket(mut document: PolicyDocument) -> PolicyDocument {
    document.store = Some(Store::S3(S3Store {
        bucket: "audit".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "000000000000".to_owned(),
    }));
    document.lock = vec![LockSpan {
        from: Timestamp::parse_rfc3339("2020-01-01T00:00:00Z").unwrap(),
        mode: LockMode::Governance,
        retention_days: 3650,
    }];
    for log in &mut document.logs {
        if let Some(ended) = &mut log.ended {
            ended.stored = Some(ended.sealed);
        }
    }
    for entry in &mut document.acknowledged {
        if entry.code == AcknowledgedCode::SegmentMissing
            && let Found::Missing(missing) = &mut entry.found
            && let Some(before) = &mut missing.before
        {
            before.stored = before.stored.or(Some(entry.date));
        }
    }
    document
}

/// The files of a folder as the locked objects of a bucket.
struct Locked {
    folder: Folder,
    now: Timestamp,
    /// Only what is before this segment is listed.
    shown: AtomicU64,
}

impl Locked {
    /// What a run before the log became what it is pins, and keeps.
    fn verified_earlier(&self, request: &Request<'_>, pins: &Pins) -> Pins {
        self.shown.store(EARLIER, Ordering::Relaxed);
        let report = run_with_cache(self, request, pins);
        self.shown.store(u64::MAX, Ordering::Relaxed);
        let mut earlier = pins.clone();
        for head in report.logs().iter().filter_map(|log| log.verified()) {
            _ = earlier.take(head, pins);
        }
        earlier
    }

    /// What a bucket says of a file. It was stored when it was sealed, as far as it says when.
    fn of_bucket(&self, key: &str, version: &Version) -> Version {
        let object = self.folder.read(key, version).ok();
        let bytes = object.and_then(|object| object.bytes.ok());
        let bytes = bytes.unwrap_or_default();
        Version {
            id: Some(Hash::of(&bytes).to_string()),
            stored: Some(sealed(&bytes).unwrap_or(self.now)),
            ..version.clone()
        }
    }
}

fn is_before(key: &str, segment: u64) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    let number = name.strip_suffix(".jsonl.zst");
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or(0) < segment
}

/// The last time of sealing that a segment names.
fn sealed(bytes: &[u8]) -> Option<Timestamp> {
    let text = zstd::decode_all(bytes).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (_, rest) = text.rsplit_once("\"sealed\":\"")?;
    let (time, _) = rest.split_once('"')?;
    Timestamp::parse_rfc3339(time)
}

impl Source for Locked {
    fn name(&self) -> String {
        self.folder.name()
    }
    fn has_storage(&self) -> bool {
        true
    }
    fn scope(&self) -> &'static str {
        ""
    }
    fn read_ahead(&self) -> Option<usize> {
        None
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        Ok(Some(Bucket {
            unversioned: None,
            new_objects: NewObjects::Locked {
                strength: LOCK,
                days: 3650,
            },
        }))
    }
    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        let shown = self.shown.load(Ordering::Relaxed);
        self.folder.list(prefixes, &mut |listed| match listed {
            Listed::Version { key, .. } if !is_before(&key, shown) => {}
            Listed::Version { key, version } => {
                let version = self.of_bucket(&key, &version);
                each(Listed::Version { key, version });
            }
            other => each(other),
        })
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let object = self.folder.read(key, version)?;
        let stored = version.stored.unwrap();
        let lock = Lock {
            strength: LOCK,
            until: Some(stored.saturating_add_seconds(3651 * DAY)),
            held_for_seconds: None,
        };
        let lock = Ok(Some(lock));
        let undated = None;
        let storage = Some(Storage { lock, undated });
        Ok(Object { storage, ..object })
    }
    fn clock(&self) -> Option<ClockReading> {
        Some(ClockReading::between(self.now, self.now, self.now))
    }
}
