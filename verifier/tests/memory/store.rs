//! A bucket with very many objects.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use auditlog_chain::builder::{Provenance, SegmentBuilder, StoredPayload};
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::LockMode;
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::source::{
    Bucket, ClockReading, Listed, Listing, Lock, NewObjects, Object, ReadError, Source, Storage,
    Strength, Version,
};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

/// Bytes of the largest object of a sound log here.
const ROOM: u64 = 4 << 10;

const DAY: i64 = 86_400;

/// A log of a bucket.
pub(crate) struct Stored {
    pub(crate) segments: u64,
    /// Its objects, one behind the other, and how long they are; `None` where all are in an archive class.
    pub(crate) objects: Option<(File, Vec<u16>)>,
}

/// A bucket with logs, in GOVERNANCE mode: each lock is looked at in each run.
pub(crate) struct Place(pub(crate) Vec<Stored>);

impl Place {
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, u64)> {
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

pub(crate) fn begun() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
}

pub(crate) fn stored(number: u64) -> Timestamp {
    begun().saturating_add_seconds(i64::try_from(number).unwrap() + 1)
}

/// The key of all logs here.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let spki = pair.public_key().as_der().unwrap();
        let public = PublicKey::from_spki_der(spki.as_ref()).unwrap();
        Self { pair, public }
    }

    fn of(&self, log: usize) -> VerifierKey {
        VerifierKey::new(origin(log), self.public.clone())
    }

    pub(crate) fn policy(&self, logs: usize) -> String {
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

    /// A sound log of segments that have these events each, except for the first.
    pub(crate) fn log(&self, log: usize, segments: u64, events: &[String]) -> Stored {
        let (file, mut lengths) = (tempfile::tempfile().unwrap(), Vec::new());
        let mut head = Head::of_new_log(origin(log));
        for number in 0..segments {
            let change = (number == 0).then(|| KeyChange {
                verifier_key: self.of(log),
                previous: None,
            });
            let opened = begun().saturating_add_seconds(i64::try_from(number).unwrap());
            let mut builder = SegmentBuilder::open(head, opened, change).unwrap();
            // The first one announces the key, and has nothing else.
            for event in events.iter().filter(|_| number > 0) {
                let payload = StoredPayload::event(event.as_bytes()).unwrap();
                let from = Provenance::default();
                builder.append(&from, &payload, opened).unwrap();
            }
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
