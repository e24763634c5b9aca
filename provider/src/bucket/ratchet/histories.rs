//! Small random histories of one bucket: its declaration changes, others change the bucket, it leaves the state and is imported, and
//! people acknowledge some weakenings and not others.
//!
//! The model knows what is in the bucket and compares values itself. It calls no rule of the ratchet.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::policy::{LockMode, LockSpan};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::{Object, Value};

use super::{ALLOW, Before, Judged, Reading, judge};
use crate::aws::{BucketPolicy, LogAccess, ObjectEncryption, Principal};
use crate::bucket::history::{History, LogHistory};
use crate::bucket::identity::Identity;
use crate::bucket::model::{SSE_KMS, SSE_S3};
use crate::random::Random;
use crate::trust::spans::LockBounds;

const HISTORIES: u64 = 40;
const STEPS: u32 = 30;

/// What the histories draw.
trait Draw {
    fn list(&mut self) -> Option<BTreeSet<&'static str>>;
    fn lock(&mut self) -> (LockMode, u32);
}

impl Draw for Random {
    fn list(&mut self) -> Option<BTreeSet<&'static str>> {
        let names = ["a", "b", "c"];
        let chosen: BTreeSet<_> = names.into_iter().filter(|_| self.below(2) == 0).collect();
        (self.below(4) > 0).then_some(chosen)
    }

    fn lock(&mut self) -> (LockMode, u32) {
        let modes = [LockMode::Governance, LockMode::Compliance];
        let mode = modes[usize::from(self.below(3) == 0)];
        (mode, [3, 4, 5, 6][usize::try_from(self.below(4)).unwrap()])
    }
}

type List = Option<BTreeSet<&'static str>>;

/// What a configuration says, or a bucket has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    lock: (LockMode, u32),
    kms: bool,
    administrators: List,
    break_glass: List,
    writers: List,
    readers: List,
    /// The log's own lock.
    own: Option<(LockMode, u32)>,
}

impl Facts {
    fn draw(random: &mut Random) -> Self {
        Self {
            lock: random.lock(),
            kms: random.below(2) == 0,
            administrators: random.list(),
            break_glass: random.list(),
            writers: random.list(),
            readers: random.list(),
            own: (random.below(3) == 0).then(|| random.lock()),
        }
    }

    /// One thing of it becomes that of another.
    fn become_in_part(&mut self, other: Self, random: &mut Random) {
        match random.below(7) {
            0 => self.lock = other.lock,
            1 => self.kms = other.kms,
            2 => self.administrators = other.administrators,
            3 => self.break_glass = other.break_glass,
            4 => self.writers = other.writers,
            5 => self.readers = other.readers,
            _ => self.own = other.own,
        }
    }

    fn object(&self) -> Object {
        let lock = |(mode, days): (LockMode, u32)| {
            Object::new().with("mode", mode.as_str()).with("days", days)
        };
        let log = Object::new()
            .with("prefix", "logs/log")
            .with("writers", arns(&self.writers))
            .with("readers", arns(&self.readers))
            .with("object_lock", self.own.map(lock));
        let kms = self
            .kms
            .then(|| Object::new().with("kms_key_arn", "arn:aws:kms:x:1:key/1"));
        let logs = BTreeMap::from([("log".to_owned(), Value::Object(log))]);
        Object::new()
            .with("bucket", "audit")
            .with("object_lock", lock(self.lock))
            .with("encryption", kms)
            .with("administrators", arns(&self.administrators))
            .with("break_glass", arns(&self.break_glass))
            .with("logs", Value::Map(logs))
    }

    fn policy(&self) -> String {
        let principals = |list: &List| {
            let list = list.as_ref()?;
            Some(
                list.iter()
                    .map(|name| Principal::parse(&arn(name)).unwrap())
                    .collect(),
            )
        };
        let policy = BucketPolicy {
            partition: "aws".to_owned(),
            account: "123456789012".to_owned(),
            bucket: "audit".to_owned(),
            logs: vec![LogAccess {
                prefix: "logs/log".to_owned(),
                writers: principals(&self.writers),
                readers: principals(&self.readers),
                lock: LockBounds {
                    modes: vec![LockMode::Governance],
                    min_days: 1,
                    max_days: 3,
                },
            }],
            declared_prefixes: Vec::new(),
            administrators: principals(&self.administrators),
            break_glass: principals(&self.break_glass),
            encryption: ObjectEncryption::SseS3,
            deliveries: Vec::new(),
            extra: None,
        };
        policy.render().unwrap()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

fn arns(list: &List) -> Option<BTreeSet<String>> {
    Some(list.as_ref()?.iter().map(|name| arn(name)).collect())
}

/// The bucket, and what the provider remembers of it.
struct World {
    bucket: Facts,
    /// What was applied last; nothing after an import. The lock is in the tags.
    applied: Option<Facts>,
    declared: (LockMode, u32),
    /// The lock that the log was declared to have, in the tags too.
    own: Option<(LockMode, u32)>,
}

impl World {
    fn state(&self) -> Object {
        let seen = Facts {
            lock: self.bucket.lock,
            kms: self.bucket.kms,
            ..self.applied.clone().unwrap_or(Facts {
                administrators: None,
                break_glass: None,
                writers: None,
                readers: None,
                own: None,
                ..self.bucket.clone()
            })
        };
        let state = seen.object().with("policy", self.bucket.policy());
        match self.applied {
            Some(_) => state,
            None => state.with("logs", Value::Null),
        }
    }

    fn judge(&self, planned: &Facts, allowed: &[String]) -> Judged {
        let state = self.state();
        let span = |(mode, retention_days)| LockSpan {
            from: Timestamp::EPOCH,
            mode,
            retention_days,
        };
        let log = LogHistory {
            began: Timestamp::EPOCH,
            lock: self.own.map(|own| vec![span(own)]),
            max_silence: Vec::new(),
            identity: Identity::default(),
        };
        let history = History {
            lock: vec![span(self.declared)],
            logs: [("log".to_owned(), log)].into(),
        };
        let encryption = self
            .applied
            .as_ref()
            .map(|applied| if applied.kms { SSE_KMS } else { SSE_S3 });
        let before = Before {
            state: &state,
            history: &history,
            encryption,
            reading: Reading::Kept,
        };
        judge(&before, &planned.object().with(ALLOW, allowed.to_vec()))
    }

    /// The entries that a change needs, by comparing values.
    fn needed(&self, after: &Facts) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let longest = self.bucket.lock.1.max(self.declared.1);
        let strictest = self.bucket.lock.0.max(self.declared.0);
        let mut lock = |of: &str, (mode, days): (LockMode, u32), (to_mode, to_days)| {
            if to_days < days {
                found.insert(format!("{of}retention {days}d -> {to_days}d"));
            }
            if to_mode < mode {
                found.insert(format!("{of}mode {mode} -> {to_mode}"));
            }
        };
        lock("", (strictest, longest), after.lock);
        // after an import, a lock that is the bucket's own counts as that
        let own = self
            .own
            .filter(|own| self.applied.is_some() || *own != self.declared);
        if own.is_some() || after.own.is_some() {
            let before = own.unwrap_or((strictest, longest));
            lock("logs[\"log\"] ", before, after.own.unwrap_or(after.lock));
        }
        let had_kms = self.applied.as_ref().is_some_and(|applied| applied.kms);
        if (self.bucket.kms || had_kms) && !after.kms {
            found.insert("encryption aws:kms -> AES256".to_owned());
        }
        for (argument, before, after) in [
            (
                "administrators",
                &self.bucket.administrators,
                &after.administrators,
            ),
            ("break_glass", &self.bucket.break_glass, &after.break_glass),
        ] {
            let Some(before) = before else { continue };
            let Some(after) = after else {
                found.insert(format!("policy {argument} -> not enforced"));
                continue;
            };
            let new = after.difference(before);
            found.extend(new.map(|name| format!("policy {argument} + {}", arn(name))));
        }
        // readers alone are not enforced: a writer reads, too
        let reads = |facts: &Facts| facts.readers.is_some() && facts.writers.is_some();
        let declared = |list: fn(&Facts) -> &List, enforced: bool| match &self.applied {
            Some(applied) => list(applied).is_some(),
            None => enforced,
        };
        if declared(|facts| &facts.writers, self.bucket.writers.is_some())
            && after.writers.is_none()
        {
            found.insert("policy logs[\"log\"].writers -> not enforced".to_owned());
        }
        if declared(|facts| &facts.readers, reads(&self.bucket)) && after.readers.is_none() {
            found.insert("policy logs[\"log\"].readers -> not enforced".to_owned());
        }
        found
    }

    fn apply(&mut self, planned: &Facts) {
        self.bucket = planned.clone();
        (self.declared, self.own) = (planned.lock, planned.own);
        self.applied = Some(planned.clone());
    }
}

/// The entries that a refusal prints to paste.
fn printed(detail: &str) -> Vec<String> {
    let (_, list) = detail.rsplit_once(&format!("{ALLOW} = ")).unwrap();
    serde_json::from_str(list).unwrap()
}

/// Some of the entries, and sometimes one that fits nothing.
fn chosen(needed: &BTreeSet<String>, random: &mut Random) -> Vec<String> {
    let some = needed.iter().filter(|_| random.below(3) > 0).cloned();
    let mut entries: Vec<String> = some.collect();
    if random.below(5) == 0 {
        entries.push("retention 99d -> 1d".to_owned());
    }
    entries
}

fn step(world: &mut World, config: &mut Facts, random: &mut Random) {
    match random.below(6) {
        0 => world.bucket.lock = random.lock(),
        1 => world.bucket.kms = random.below(2) == 0,
        2 => world.applied = None,
        _ => {
            let other = Facts::draw(random);
            config.become_in_part(other, random);
        }
    }
    let needed = world.needed(config);
    let entries = chosen(&needed, random);
    let judged = world.judge(config, &entries);
    let named = needed.iter().all(|one| entries.contains(one));
    let context = || {
        format!(
            "{needed:?} {entries:?} {judged:?}\n{:?} -> {config:?}",
            world.bucket
        )
    };
    assert_eq!(
        judged.refused.is_none(),
        named,
        "nothing weaker unnamed: {}",
        context()
    );
    let stale = entries.iter().any(|one| !needed.contains(one));
    assert_eq!(judged.stale.is_some(), stale, "{}", context());
    let Some(refused) = &judged.refused else {
        world.apply(config);
        return;
    };
    // a plan that is not applied, or one that is with what the refusal prints
    if random.below(2) == 0 {
        let pasted = printed(&refused.detail);
        assert_eq!(pasted.iter().cloned().collect::<BTreeSet<_>>(), needed);
        let judged = world.judge(config, &pasted);
        assert_eq!(judged, Judged::default(), "nothing is stuck");
        world.apply(config);
    }
}

#[test]
fn nothing_becomes_weaker_unnamed_and_nothing_is_stuck() {
    for seed in 0..HISTORIES {
        let mut random = Random::new(seed);
        let mut config = Facts::draw(&mut random);
        let mut world = World {
            bucket: config.clone(),
            applied: Some(config.clone()),
            declared: config.lock,
            own: config.own,
        };
        for _ in 0..STEPS {
            step(&mut world, &mut config, &mut random);
        }
    }
}

#[test]
fn return_to_the_declaration_is_told_apart_from_a_change_of_it() {
    for seed in 0..HISTORIES {
        let mut random = Random::new(seed);
        let config = Facts::draw(&mut random);
        let mut world = World {
            bucket: config.clone(),
            applied: Some(config.clone()),
            declared: config.lock,
            own: config.own,
        };
        assert_eq!(world.judge(&config, &[]), Judged::default());
        (world.bucket.lock, world.bucket.kms) = (random.lock(), random.below(2) == 0);
        let refused = world.judge(&config, &[]).refused;
        let stronger = !world.needed(&config).is_empty();
        let says = |text: &str| refused.as_ref().map(|one| one.detail.contains(text));
        assert_eq!(
            says("The bucket is not as it was applied last"),
            stronger.then_some(true)
        );
        assert_eq!(says("This change weakens"), stronger.then_some(false));
    }
}
