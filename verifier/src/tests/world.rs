//! A small world: a log of a few segments, its policy, a place where it is stored, and a clock.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::builder::{ClosedSegment, Provenance, SegmentBuilder, StoredPayload};
use auditlog_chain::checkpoint::NoteSignature;
use auditlog_chain::hash::Hash;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    Ended, KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, Position, S3Store,
    SilenceSpan, Store, TrustPolicy,
};
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};

use super::incremental::assert_same_with_cache;
use super::ranges::assert_same_in_ranges;
use crate::pins::Pins;
use crate::report::Report;
use crate::request::Request;
use crate::source::{
    Bucket, ClockReading, Listed, Listing, Lock, Marker, NewObjects, Object, ReadError, Source,
    Storage, Strength, Version,
};
use crate::verify::verify;

pub(super) const PREFIX: &str = "logs/payments";

pub(super) fn origin() -> Origin {
    Origin::parse("acme.example/audit/payments").unwrap()
}

/// Seconds after noon of the day on which all tests play.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T12:00:00Z")
        .unwrap()
        .saturating_add_seconds(seconds)
}

pub(super) const DAY: i64 = 86_400;

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A signing key of the test.
pub(super) struct Key {
    pair: Pair,
    public: PublicKey,
}

impl Key {
    pub(super) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public =
            PublicKey::from_spki_der(pair.public_key().as_der().unwrap().as_ref()).unwrap();
        Self {
            pair: Pair::Ed25519(pair),
            public,
        }
    }

    pub(super) fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let public =
            PublicKey::from_spki_der(pair.public_key().as_der().unwrap().as_ref()).unwrap();
        Self {
            pair: Pair::P256(pair),
            public,
        }
    }

    pub(super) fn of(&self, origin: Origin) -> VerifierKey {
        VerifierKey::new(origin, self.public.clone())
    }

    pub(super) fn sign(&self, closed: &ClosedSegment) -> NoteSignature {
        let checkpoint = closed.checkpoint();
        let key = self.of(checkpoint.origin.clone());
        let message = key.message(&checkpoint, closed.sealed());
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), &message)
                .unwrap()
                .as_ref()
                .to_vec(),
        };
        key.note_signature(&signature, closed.sealed())
    }

    pub(super) fn policy(&self) -> KeyPolicy {
        KeyPolicy {
            spec: self.public.spec(),
            spki: self.public.clone(),
            arn: None,
            valid_from: at(-3600),
            retired_at: None,
            lost_at: None,
            compromised: None,
        }
    }

    /// The key line that goes over to this key.
    pub(super) fn change(&self, previous: Option<&Self>) -> KeyChange {
        KeyChange {
            verifier_key: self.of(origin()),
            previous: previous.map(|key| key.of(origin())),
        }
    }
}

/// Closes a segment after `head`, opened and sealed at these seconds.
pub(super) fn closed(
    head: &Head,
    change: Option<KeyChange>,
    events: &[&str],
    opened: i64,
    sealed: i64,
) -> ClosedSegment {
    closed_at(head, change, events, at(opened), at(sealed))
}

/// Closes a segment after `head`, opened and sealed at these times.
pub(super) fn closed_at(
    head: &Head,
    change: Option<KeyChange>,
    events: &[&str],
    opened: Timestamp,
    sealed: Timestamp,
) -> ClosedSegment {
    let mut builder = SegmentBuilder::open(head.clone(), opened, change).unwrap();
    for event in events {
        let payload = StoredPayload::event(event.as_bytes()).unwrap();
        builder
            .append(&Provenance::default(), &payload, opened)
            .unwrap();
    }
    builder.close(sealed).unwrap()
}

/// A place for objects, with or without what a store knows of them.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub(super) bucket: Option<Bucket>,
    pub(super) listed: Vec<Listed>,
    pub(super) objects: BTreeMap<(String, Option<String>), Object>,
    pub(super) unreadable: Option<String>,
    pub(super) clock: Option<ClockReading>,
    pub(super) listing: Listing,
    /// Segments that are gone when they are read.
    pub(super) gone: BTreeSet<u64>,
}

impl Source for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn has_storage(&self) -> bool {
        self.bucket.is_some()
    }
    fn scope(&self) -> &'static str {
        ""
    }
    fn read_ahead(&self) -> Option<usize> {
        None
    }
    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        Ok(self.bucket.clone())
    }
    fn list(&self, _: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        self.listed.iter().cloned().for_each(each);
        Ok(self.listing)
    }
    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        if self.unreadable.as_deref() == Some(key) {
            return Err(ReadError::new("the disk is broken"));
        }
        if self.gone.iter().any(|gone| World::key_of(*gone) == key) {
            return Err(ReadError::new("no such version").of_gone());
        }
        let at = (key.to_owned(), version.id.clone());
        self.objects
            .get(&at)
            .cloned()
            .ok_or_else(|| ReadError::new("not there"))
    }
    fn clock(&self) -> Option<ClockReading> {
        self.clock
    }
}

/// Everything that a verification takes.
pub(super) struct World {
    pub(super) policy: PolicyDocument,
    pub(super) key: Key,
    /// The objects by segment number; absent ones are missing.
    pub(super) segments: BTreeMap<u64, Vec<u8>>,
    /// The log's head before each segment, and after the last.
    pub(super) heads: Vec<Head>,
    pub(super) pins: Pins,
    pub(super) now: i64,
    pub(super) at: Option<i64>,
}

/// When segment `number` is opened; it is sealed 30 seconds later, and stored 2 seconds after that.
pub(super) fn opened(number: u64) -> i64 {
    i64::try_from(number).unwrap() * 60
}

impl World {
    /// A log of segment 0 and `segments - 1` segments with entries, a minute apart.
    pub(super) fn new(key: Key, segments: u64) -> Self {
        let mut world = Self::empty(key);
        for number in 0..segments {
            let name = format!("{{\"user\":\"ada\",\"number\":{number}}}");
            let events = ["[1, 2.50, null]", name.as_str()];
            let change = (number == 0).then(|| world.key.change(None));
            let events = if number == 0 { &[][..] } else { &events };
            let segment = closed(
                world.head(),
                change,
                events,
                opened(number),
                opened(number) + 30,
            );
            let signature = world.key.sign(&segment);
            world.add(segment, vec![signature]);
        }
        world
    }

    pub(super) fn empty(key: Key) -> Self {
        let log = LogPolicy {
            origin: origin(),
            prefix: PREFIX.to_owned(),
            format: 1,
            began: at(0),
            max_silence: vec![SilenceSpan {
                from: at(-3600),
                seconds: 600,
            }],
            lock: None,
            verifier_keys: vec![key.of(origin())],
            ended: None,
        };
        let policy = PolicyDocument {
            trust_policy: 1,
            store: Some(Store::S3(S3Store {
                bucket: "audit".to_owned(),
                region: "eu-central-1".to_owned(),
                account: "000000000000".to_owned(),
            })),
            lock: vec![LockSpan {
                from: at(-3600),
                mode: LockMode::Governance,
                retention_days: 30,
            }],
            logs: vec![log],
            keys: vec![key.policy()],
            acknowledged: Vec::new(),
            declared_prefixes: vec!["archive/".to_owned()],
        };
        Self {
            policy,
            key,
            segments: BTreeMap::new(),
            heads: vec![Head::of_new_log(origin())],
            pins: Pins::default(),
            now: 500,
            at: None,
        }
    }

    /// Authorises another key.
    pub(super) fn authorise(&mut self, key: &Key) {
        self.policy.keys.push(key.policy());
        self.policy.logs[0].verifier_keys.push(key.of(origin()));
    }

    /// The log's head.
    pub(super) fn head(&self) -> &Head {
        self.heads.last().unwrap()
    }

    pub(super) fn add(&mut self, segment: ClosedSegment, signatures: Vec<NoteSignature>) {
        self.heads.push(segment.head().clone());
        self.segments
            .insert(segment.number(), segment.finish(signatures).unwrap());
    }

    /// Where the log is after a segment.
    pub(super) fn position(&self, segment: u64) -> Position {
        let head = &self.heads[usize::try_from(segment).unwrap() + 1];
        Position {
            segment,
            size: head.range.size(),
            root: head.range.root(),
        }
    }

    /// Declares the log ended with a segment.
    pub(super) fn end_at(&mut self, segment: u64) {
        let last = self.position(segment);
        self.policy.logs[0].ended = Some(Ended {
            segment,
            size: last.size,
            root: last.root,
            sealed: at(opened(segment) + 30),
            stored: Some(at(opened(segment) + 32)),
            successor: None,
        });
    }

    fn key_of(segment: u64) -> String {
        format!("{PREFIX}/{segment:012}.jsonl.zst")
    }

    /// The log in a folder: no times, versions and locks.
    pub(super) fn folder(&self) -> Memory {
        let mut memory = Memory::default();
        for (number, bytes) in &self.segments {
            let key = Self::key_of(*number);
            let length = u64::try_from(bytes.len()).unwrap();
            let version = Version {
                bytes: length,
                ..Version::default()
            };
            memory.listed.push(Listed::Version {
                key: key.clone(),
                version,
            });
            memory.objects.insert(
                (key, None),
                Object {
                    bytes: Ok(bytes.clone()),
                    storage: None,
                },
            );
        }
        memory
    }

    /// The log in a bucket, each segment stored and locked as it should be.
    pub(super) fn bucket(&self) -> Memory {
        self.bucket_with_ids(&|number, _| format!("v{number}"))
    }

    /// The same, and other bytes are another version.
    pub(super) fn bucket_by_content(&self) -> Memory {
        self.bucket_with_ids(&|_, bytes| Hash::of(bytes).to_string())
    }

    fn bucket_with_ids(&self, id: &dyn Fn(u64, &[u8]) -> String) -> Memory {
        let mut memory = Memory {
            bucket: Some(Bucket {
                unversioned: None,
                new_objects: NewObjects::Locked {
                    strength: Strength::As(LockMode::Governance),
                    days: 30,
                },
            }),
            clock: Some(ClockReading::between(
                at(self.now),
                at(self.now),
                at(self.now),
            )),
            ..Memory::default()
        };
        for (number, bytes) in &self.segments {
            memory.put(
                *number,
                &id(*number, bytes),
                opened(*number) + 32,
                bytes.clone(),
            );
        }
        memory
    }

    pub(super) fn policy(&self) -> TrustPolicy {
        TrustPolicy::check(self.policy.clone()).unwrap()
    }

    pub(super) fn request<'p>(&self, policy: &'p TrustPolicy) -> Request<'p> {
        Request {
            policy,
            policy_digest: TrustPolicy::digest(b""),
            logs: &[],
            now: at(self.now),
            at: self.at.map(at),
            max_skew_seconds: 5,
            workers: 1,
        }
    }

    /// Whole, and in ranges: what is found is the same.
    pub(super) fn verify(&self, memory: &Memory) -> Report {
        self.verify_in(memory, &|source, request, pins, whole| {
            assert_same_in_ranges(source, request, pins, whole);
            assert_same_with_cache(source, request, pins, whole);
        })
    }

    fn verify_in(
        &self,
        memory: &Memory,
        also: &dyn Fn(&dyn Source, &Request<'_>, &Pins, &Report),
    ) -> Report {
        let policy = self.policy();
        let request = self.request(&policy);
        let report = verify(memory, &request, &self.pins, &mut |_| {}).unwrap();
        also(memory, &request, &self.pins, &report);
        report
    }

    /// Codes of the faults that a folder shows, without comparing with ranges: for tests of many thousand logs.
    pub(super) fn codes_alone(&self) -> Vec<&'static str> {
        codes(&self.verify_in(&self.folder(), &|_, _, _, _| {}))
    }

    /// Codes of the faults that a folder shows; exit code 1 or 0 accordingly.
    pub(super) fn codes(&self) -> Vec<&'static str> {
        codes(&self.verify(&self.folder()))
    }
}

pub(super) fn codes(report: &Report) -> Vec<&'static str> {
    let codes: Vec<_> = report
        .faults()
        .iter()
        .map(|finding| finding.what.code())
        .collect();
    assert_eq!(report.verdict().exit_code() == 1, !codes.is_empty());
    codes
}

impl Memory {
    /// Configures the default retention of the bucket.
    pub(super) fn default_retention(&mut self, mode: LockMode, days: u32) {
        self.bucket.as_mut().unwrap().new_objects = NewObjects::Locked {
            strength: Strength::As(mode),
            days,
        };
    }

    /// Puts a version before those that are there, stored at this second and locked for 31 days.
    pub(super) fn put(&mut self, segment: u64, id: &str, stored: i64, bytes: Vec<u8>) {
        let key = World::key_of(segment);
        let version = Version {
            id: Some(id.to_owned()),
            stored: Some(at(stored)),
            bytes: u64::try_from(bytes.len()).unwrap(),
            undated: None,
            is_latest: false,
        };
        let lock = Lock {
            strength: Strength::As(LockMode::Governance),
            until: Some(at(stored + 31 * DAY)),
            held_for_seconds: None,
        };
        let storage = Storage {
            lock: Ok(Some(lock)),
            undated: None,
        };
        self.listed.insert(
            0,
            Listed::Version {
                key: key.clone(),
                version,
            },
        );
        self.objects.insert(
            (key, Some(id.to_owned())),
            Object {
                bytes: Ok(bytes),
                storage: Some(storage),
            },
        );
    }

    pub(super) fn mark(&mut self, segment: u64, set: i64) {
        let marker = Marker {
            id: Some("marker".to_owned()),
            set: at(set),
            is_latest: false,
        };
        self.listed.insert(
            0,
            Listed::Marker {
                key: World::key_of(segment),
                marker,
            },
        );
    }

    /// What the store says of a segment.
    pub(super) fn storage(&mut self, segment: u64) -> &mut Storage {
        let id = Some(format!("v{segment}"));
        self.objects
            .get_mut(&(World::key_of(segment), id))
            .unwrap()
            .storage
            .as_mut()
            .unwrap()
    }

    /// Moves a segment to an archive: its bytes are not handed out.
    pub(super) fn archive(&mut self, segment: u64) {
        let id = Some(format!("v{segment}"));
        let object = self.objects.get_mut(&(World::key_of(segment), id));
        let error = ReadError::new("it is archived").with_hint("restore it");
        object.unwrap().bytes = Err(error);
    }

    /// What the listing says of a segment.
    pub(super) fn version(&mut self, segment: u64) -> &mut Version {
        let wanted = World::key_of(segment);
        let found = self.listed.iter_mut().find_map(|listed| match listed {
            Listed::Version { key, version } if *key == wanted => Some(version),
            _ => None,
        });
        found.unwrap()
    }

    /// The bytes of a segment.
    pub(super) fn bytes_of(&self, segment: u64) -> Vec<u8> {
        let at = (World::key_of(segment), Some(format!("v{segment}")));
        self.objects[&at].bytes.clone().unwrap()
    }

    pub(super) fn remove(&mut self, segment: u64) {
        let gone = World::key_of(segment);
        self.listed
            .retain(|listed| !matches!(listed, Listed::Version { key, .. } if *key == gone));
    }
}
