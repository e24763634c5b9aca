//! A log of a million segments is verified in bounded memory. A process of its own: the peak is that of everything that ran in it.
//!
//! `AUDITLOG_MEMORY_SEGMENTS` makes the sound logs longer than the few seconds of a usual run allow (a million takes two minutes in a release build).

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use auditlog_chain::builder::SegmentBuilder;
use auditlog_chain::hash::Hash;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::cache::{Cache, NoCache};
use auditlog_verifier::pins::Pins;
use auditlog_verifier::report::Report;
use auditlog_verifier::request::Request;
use auditlog_verifier::source::{
    Bucket, ClockReading, Listed, Listing, Lock, NewObjects, Object, ReadError, Source, Storage,
    Strength, Version,
};
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::{verify, verify_with_cache};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

const MOST_RESIDENT_KIB: u64 = 256 << 10;

/// Bytes of the largest object of a sound log here.
const ROOM: u64 = 4 << 10;

const DAY: i64 = 86_400;

/// A log of a bucket.
struct Stored {
    segments: u64,
    /// Its objects, one behind the other, and how long they are; `None` where all are in an archive class.
    objects: Option<(File, Vec<u16>)>,
}

/// A bucket with logs, in GOVERNANCE mode: each lock is looked at in each run.
struct Place(Vec<Stored>);

impl Place {
    fn all(&self) -> impl Iterator<Item = (usize, u64)> {
        let logs = self.0.iter().enumerate();
        logs.flat_map(|(at, log)| (0..log.segments).map(move |number| (at, number)))
    }

    fn find(&self, key: &str) -> Option<(&Stored, u64)> {
        let (log, name) = key.strip_prefix("log-")?.split_once('/')?;
        let number = name.strip_suffix(".jsonl.zst")?.parse().ok()?;
        Some((self.0.get(log.parse::<usize>().ok()?)?, number))
    }
}

impl Source for Place {
    fn name(&self) -> String {
        "s3://large/".to_owned()
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
                strength: Strength::As(LockMode::Governance),
                days: 365,
            },
        }))
    }
    fn list(&self, _: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        for (at, number) in self.all() {
            let lengths = self.0[at].objects.as_ref().map(|(_, lengths)| lengths);
            let length = lengths.map_or(9_000, |all| all[usize::try_from(number).unwrap()]);
            each(Listed::Version {
                key: format!("log-{at}/{number:012}.jsonl.zst"),
                version: Version {
                    // As long as the ids of S3.
                    id: Some(format!("{number:032}")),
                    stored: Some(stored(number)),
                    bytes: length.into(),
                    undated: None,
                    is_latest: true,
                },
            });
        }
        Ok(Listing::default())
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let (log, number) = self.find(key).unwrap();
        let Some((file, _)) = &log.objects else {
            return Err(ReadError::new(format!("{key} is archived")));
        };
        let mut bytes = vec![0; usize::try_from(version.bytes).unwrap()];
        file.read_exact_at(&mut bytes, number * ROOM).unwrap();
        Ok(Object {
            bytes: Ok(bytes),
            storage: Some(self.look(key, version)?),
        })
    }
    fn look(&self, _: &str, version: &Version) -> Result<Storage, ReadError> {
        let lock = Lock {
            strength: Strength::As(LockMode::Governance),
            until: version
                .stored
                .map(|stored| stored.saturating_add_seconds(366 * DAY)),
            held_for_seconds: None,
        };
        Ok(Storage {
            lock: Ok(Some(lock)),
            undated: None,
        })
    }
    fn clock(&self) -> Option<ClockReading> {
        None
    }
}

fn begun() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

fn stored(number: u64) -> Timestamp {
    begun().saturating_add_seconds(i64::try_from(number).unwrap() + 1)
}

/// The key of all logs here.
struct Key {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Key {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let spki = pair.public_key().as_der().unwrap();
        let public = PublicKey::from_spki_der(spki.as_ref()).unwrap();
        Self { pair, public }
    }

    fn of(&self, log: usize) -> VerifierKey {
        VerifierKey::new(origin(log), self.public.clone())
    }

    fn policy(&self, logs: usize) -> String {
        let from = begun().to_rfc3339();
        let log = |at: usize| {
            let (origin, key) = (origin(at), self.of(at));
            format!(
                r#"{{ "origin": "{origin}", "prefix": "log-{at}", "format": 1, "began": "{from}",
                "max_silence": [{{ "from": "{from}", "seconds": 90000 }}], "verifier_keys": ["{key}"] }}"#
            )
        };
        let logs: Vec<String> = (0..logs).map(log).collect();
        let spki = serde_json::to_string(&self.public).unwrap();
        format!(
            r#"{{ "trust_policy": 1, "logs": [{}],
            "lock": [{{ "from": "{from}", "mode": "GOVERNANCE", "retention_days": 365 }}],
            "keys": [{{ "spec": "ECC_NIST_EDWARDS25519", "spki": {spki}, "valid_from": "{from}" }}] }}"#,
            logs.join(", ")
        )
    }

    /// A sound log of segments without entries.
    fn log(&self, log: usize, segments: u64) -> Stored {
        let (file, mut lengths) = (tempfile::tempfile().unwrap(), Vec::new());
        let mut head = Head::of_new_log(origin(log));
        for number in 0..segments {
            let change = (number == 0).then(|| KeyChange {
                verifier_key: self.of(log),
                previous: None,
            });
            let opened = begun().saturating_add_seconds(i64::try_from(number).unwrap());
            let builder = SegmentBuilder::open(head, opened, change).unwrap();
            let closed = builder.close(opened).unwrap();
            head = closed.head().clone();
            let message = self.of(log).message(&closed.checkpoint(), opened);
            let signature = self.pair.sign(&message);
            let signature = self.of(log).note_signature(signature.as_ref(), opened);
            let object = closed.finish(vec![signature]).unwrap();
            file.write_all_at(&object, number * ROOM).unwrap();
            lengths.push(u16::try_from(object.len()).unwrap());
            assert!(u64::try_from(object.len()).unwrap() <= ROOM);
        }
        let objects = Some((file, lengths));
        Stored { segments, objects }
    }
}

fn origin(log: usize) -> Origin {
    Origin::parse(&format!("acme.example/audit/log-{log}")).unwrap()
}

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
    let last = place.all().map(|(_, number)| number).max().unwrap();
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(json.as_bytes()),
        logs: &[],
        now: stored(last),
        at: None,
        max_skew_seconds: 300,
        workers: 2,
    };
    let began = Instant::now();
    let report = match cache {
        Some(cache) => verify_with_cache(place, &request, pins, cache, &mut |_| {}),
        None => verify(place, &request, pins, &mut |_| {}),
    };
    (report.unwrap(), began.elapsed())
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

fn say(what: &str, took: Duration) -> u64 {
    let peak = peak_kib();
    println!("{what}: {took:.2?}, {} MiB", peak >> 10);
    peak
}

/// Sound logs: all is read, and what is read is remembered. Then again with a cache, where each lock is looked at.
fn sound(key: &Key, logs: usize, segments: u64) -> u64 {
    let each = segments / u64::try_from(logs).unwrap();
    let place = Place((0..logs).map(|at| key.log(at, each)).collect());
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
