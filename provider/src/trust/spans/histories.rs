//! Small random histories: locks and silences change, sealers follow with the old file for up to a notice, a lifecycle removes
//! what the longest retention lets go, and the real verifier judges what is left.
//!
//! The model is honest by construction and calls no rule of the verifier. Its sealer is the weakest one that is allowed: it
//! locks with what its own file declares for the moment, without looking ahead, and one day more.

use std::collections::BTreeMap;

use auditlog_chain::builder::SegmentBuilder;
use auditlog_chain::keys::PublicKey;
use auditlog_chain::line::KeyChange;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, S3Store, SilenceSpan, Store,
    TrustPolicy, span_at,
};
use auditlog_chain::segment::Head;
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_verifier::pins::Pins;
use auditlog_verifier::request::Request;
use auditlog_verifier::source::{
    Bucket, ClockReading, Listed, Listing, Lock as FoundLock, NewObjects, Object, ReadError,
    Source, Storage, Strength, Version,
};
use auditlog_verifier::verdict::Verdict;
use auditlog_verifier::verify::verify;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::{Lock, bounds, declare, declare_silence, longest};
use crate::random::Random;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const NOTICE: i64 = DAY;
const HISTORIES: u64 = 16;

fn origin() -> Origin {
    Origin::parse("acme.example/audit/payments").unwrap()
}

fn time(seconds: i64) -> Timestamp {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    begin.saturating_add_seconds(seconds)
}

fn below(random: &mut Random, limit: i64) -> i64 {
    let limit = u64::try_from(limit).unwrap();
    i64::try_from(random.below(limit)).unwrap()
}

/// What the histories draw.
trait Draw {
    fn lock(&mut self) -> Lock;
    fn silence(&mut self) -> u64;
}

impl Draw for Random {
    fn lock(&mut self) -> Lock {
        let modes = [LockMode::Governance, LockMode::Compliance];
        Lock {
            mode: modes[usize::try_from(below(self, 2)).unwrap()],
            days: u32::try_from(5 + below(self, 25)).unwrap(),
        }
    }

    fn silence(&mut self) -> u64 {
        [13, 25, 49][usize::try_from(below(self, 3)).unwrap()] * 3_600
    }
}

/// What one apply declared.
#[derive(Clone, Debug)]
struct Declared {
    at: i64,
    /// When the last sealer has the file of this apply.
    adopted: i64,
    lock: Lock,
    spans: Vec<LockSpan>,
    silence: Vec<SilenceSpan>,
}

/// One segment.
struct Made {
    stored: i64,
    mode: LockMode,
    until: i64,
    bytes: Vec<u8>,
}

struct History {
    applies: Vec<Declared>,
    made: Vec<Made>,
    key: Ed25519KeyPair,
    public: PublicKey,
}

impl History {
    fn new(seed: u64, pace: Pace) -> Self {
        let mut random = Random::new(seed);
        let key = Ed25519KeyPair::generate().unwrap();
        let der = key.public_key().as_der().unwrap();
        let public = PublicKey::from_spki_der(der.as_ref()).unwrap();
        let mut history = Self {
            applies: applies(&mut random, pace),
            made: Vec::new(),
            key,
            public,
        };
        history.seal(&mut random);
        history
    }

    /// Seals hour by hour, as late as the file of the sealer allows, or sooner.
    fn seal(&mut self, random: &mut Random) {
        let end = self.applies.last().unwrap().at + 45 * DAY;
        let mut head = Head::of_new_log(origin());
        let mut last = -1_000 * DAY;
        for now in (0..end).step_by(3_600) {
            let file = self.file_at(now);
            let silence = span_at(&file.silence, time(now)).unwrap().seconds;
            let silence = i64::try_from(silence).unwrap();
            if (now - last) * 10 < silence * 8 && below(random, 12) > 0 {
                continue;
            }
            let lock = Lock::from(*span_at(&file.spans, time(now)).unwrap());
            let change = (last < 0).then(|| KeyChange {
                verifier_key: self.verifier_key(),
                previous: None,
            });
            let builder = SegmentBuilder::open(head.clone(), time(now), change).unwrap();
            let closed = builder.close(time(now)).unwrap();
            let message = self
                .verifier_key()
                .message(&closed.checkpoint(), closed.sealed());
            let signature = self.key.sign(&message);
            let note = self
                .verifier_key()
                .note_signature(signature.as_ref(), closed.sealed());
            head = closed.head().clone();
            let stored = now + 2;
            self.made.push(Made {
                stored,
                mode: lock.mode,
                until: stored + (i64::from(lock.days) + 1) * DAY,
                bytes: closed.finish(vec![note]).unwrap(),
            });
            last = now;
        }
    }

    fn verifier_key(&self) -> VerifierKey {
        VerifierKey::new(origin(), self.public.clone())
    }

    /// The newest apply at a time.
    fn applied_at(&self, now: i64) -> &Declared {
        let applied = self.applies.iter().rev().find(|one| one.at <= now);
        applied.unwrap_or(&self.applies[0])
    }

    /// The file that the sealer has at a time.
    fn file_at(&self, now: i64) -> &Declared {
        let adopted = self.applies.iter().rev().find(|one| one.adopted <= now);
        adopted.unwrap_or(&self.applies[0])
    }

    /// Whether the lifecycle has removed a segment by then. It may be put again at any time, so at each moment the shortest
    /// days that are allowed then count.
    fn is_expired(&self, made: &Made, now: i64) -> bool {
        (made.stored..=now).step_by(12 * 3_600).any(|moment| {
            let days = i64::from(longest(&self.applied_at(moment).spans, time(moment))) + 2;
            made.stored + days * DAY <= moment
        })
    }

    fn policy(&self, now: i64) -> TrustPolicy {
        let applied = self.applied_at(now);
        let document = PolicyDocument {
            trust_policy: 1,
            store: Some(Store::S3(S3Store {
                bucket: "audit".to_owned(),
                region: "eu-central-1".to_owned(),
                account: "000000000000".to_owned(),
            })),
            lock: applied.spans.clone(),
            logs: vec![LogPolicy {
                origin: origin(),
                prefix: "payments".to_owned(),
                format: 1,
                began: time(0),
                max_silence: applied.silence.clone(),
                lock: None,
                verifier_keys: vec![self.verifier_key()],
                ended: None,
            }],
            keys: vec![KeyPolicy {
                spec: self.public.spec(),
                spki: self.public.clone(),
                arn: None,
                valid_from: time(0),
                retired_at: None,
                lost_at: None,
                compromised: None,
            }],
            acknowledged: Vec::new(),
            declared_prefixes: Vec::new(),
        };
        TrustPolicy::check(document).unwrap()
    }

    fn place(&self, now: i64) -> Place {
        let lock = self.applied_at(now).lock;
        let mut place = Place {
            bucket: Bucket {
                unversioned: None,
                new_objects: NewObjects::Locked {
                    strength: Strength::As(lock.mode),
                    days: lock.days,
                },
            },
            now: time(now),
            objects: BTreeMap::new(),
        };
        for (number, made) in self.made.iter().enumerate() {
            if made.stored <= now && !self.is_expired(made, now) {
                let key = format!("payments/{number:012}.jsonl.zst");
                place.objects.insert(key, (time(made.stored), object(made)));
            }
        }
        place
    }
}

fn object(made: &Made) -> Object {
    let lock = FoundLock {
        strength: Strength::As(made.mode),
        until: Some(time(made.until)),
        held_for_seconds: None,
    };
    Object {
        bytes: Ok(made.bytes.clone()),
        storage: Some(Storage {
            lock: Ok(Some(lock)),
            undated: None,
        }),
    }
}

/// How soon one change may follow another.
#[derive(Clone, Copy)]
enum Pace {
    /// At least two notices later.
    Slow,
    /// Within the notice, too.
    Fast,
}

impl Pace {
    fn later(self, random: &mut Random) -> i64 {
        match self {
            Self::Slow => 2 * DAY + below(random, 20 * DAY),
            Self::Fast => HOUR + below(random, 3 * NOTICE),
        }
    }
}

/// Up to four changes.
fn applies(random: &mut Random, pace: Pace) -> Vec<Declared> {
    let mut found: Vec<Declared> = Vec::new();
    let mut now = 0;
    for _ in 0..=below(random, 5) {
        let lock = random.lock();
        let (spans, silence) = found.last().map_or_else(Default::default, |last| {
            (last.spans.clone(), last.silence.clone())
        });
        let notice = NOTICE.unsigned_abs();
        let declared = declare(&spans, lock, time(now), notice);
        found.push(Declared {
            at: now,
            adopted: now + below(random, NOTICE),
            lock,
            silence: declare_silence(&silence, random.silence(), &declared, time(now), notice),
            spans: declared,
        });
        now += pace.later(random);
    }
    found[0].adopted = 0;
    found
}

/// A bucket at a moment.
struct Place {
    bucket: Bucket,
    now: Timestamp,
    objects: BTreeMap<String, (Timestamp, Object)>,
}

impl Source for Place {
    fn name(&self) -> String {
        "a bucket of the model".to_owned()
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
        Ok(Some(self.bucket.clone()))
    }
    fn list(&self, _: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        for (key, (stored, object)) in &self.objects {
            each(Listed::Version {
                key: key.clone(),
                version: Version {
                    id: Some("1".to_owned()),
                    stored: Some(*stored),
                    bytes: u64::try_from(object.bytes.as_ref().unwrap().len()).unwrap(),
                    undated: None,
                    is_latest: true,
                },
            });
        }
        Ok(Listing {
            begun: Some(self.now),
            ended: Some(self.now),
        })
    }
    fn read(&self, key: &str, _: &Version) -> Result<Object, ReadError> {
        let found = self.objects.get(key).map(|(_, object)| object.clone());
        found.ok_or_else(|| ReadError::new("not there"))
    }
    fn clock(&self) -> Option<ClockReading> {
        Some(ClockReading {
            store: self.now,
            ours: self.now,
            apart_seconds: 0,
        })
    }
}

fn faults(history: &History, now: i64) -> Vec<String> {
    let policy = history.policy(now);
    let request = Request {
        policy: &policy,
        policy_digest: TrustPolicy::digest(policy.format().as_bytes()),
        logs: &[],
        now: time(now),
        at: None,
        max_skew_seconds: 300,
        workers: 1,
    };
    let place = history.place(now);
    let report = verify(&place, &request, &Pins::default(), &mut |_| {}).unwrap();
    let found = report.faults().iter().map(|fault| format!("{fault:?}"));
    let found: Vec<_> = found.collect();
    assert_eq!(
        found.is_empty(),
        report.verdict() == Verdict::Verified,
        "{:?}",
        report.verdict()
    );
    found
}

/// Verifies around each change, and counts the segments that have expired at the end.
fn assert_green(seed: u64, history: &History) -> usize {
    let last = history.made.last().unwrap().stored;
    let around =
        history.applies.iter().skip(1).flat_map(|one| {
            [1, NOTICE - 1, NOTICE + 1, NOTICE + 2 * HOUR].map(|later| one.at + later)
        });
    let moments = around.chain([DAY, last]).filter(|now| *now <= last);
    for now in moments {
        let found = faults(history, now);
        assert!(
            found.is_empty(),
            "history {seed} at {now}: {found:?} {:#?}",
            history.applies
        );
    }
    let gone = |made: &&Made| history.is_expired(made, last);
    history.made.iter().filter(gone).count()
}

#[test]
fn verifier_stays_green_across_changes_while_sealers_follow_with_the_old_file() {
    let expired = (0..HISTORIES).map(|seed| assert_green(seed, &History::new(seed, Pace::Slow)));
    let expired: usize = expired.sum();
    assert!(expired > 100, "{expired} expired segments");
}

#[test]
fn verifier_stays_green_where_a_change_follows_before_the_last_one_is_over() {
    for seed in 0..HISTORIES {
        assert_green(seed, &History::new(seed, Pace::Fast));
    }
}

#[test]
fn bounds_admit_what_sealers_write_and_a_lifecycle_meets_nothing_that_is_locked() {
    for seed in 0..HISTORIES {
        let history = History::new(seed, Pace::Slow);
        for made in &history.made {
            // as of the apply, and as of a read that puts them again
            let applied = history.applied_at(made.stored);
            for read in [applied.at, made.stored] {
                let allowed = bounds(&applied.spans, time(read), NOTICE.unsigned_abs());
                let days = (made.until - made.stored) / DAY;
                assert!(
                    allowed.modes.contains(&made.mode),
                    "history {seed} at {}",
                    made.stored
                );
                assert!(
                    i64::from(allowed.min_days) <= days,
                    "history {seed} at {}",
                    made.stored
                );
                assert!(
                    days <= i64::from(allowed.max_days),
                    "history {seed} at {}",
                    made.stored
                );
            }
            assert!(
                !history.is_expired(made, made.until - 1),
                "history {seed} at {}",
                made.stored
            );
        }
    }
}

/// What the rules are for: without a notice, an honest sealer makes faults.
#[test]
fn strengthening_without_a_notice_makes_faults_of_honest_segments() {
    let red = (0..HISTORIES).filter(|seed| {
        let mut history = History::new(*seed, Pace::Slow);
        let mut spans = Vec::new();
        for one in &mut history.applies {
            spans = declare(&spans, one.lock, time(one.at), 0);
            one.spans.clone_from(&spans);
        }
        let last = history.applies.last().unwrap().at;
        !faults(&history, last + 2 * NOTICE).is_empty()
    });
    assert!(red.count() > 1);
}
