//! Small random histories of a bucket with logs: locks and silences change while earlier changes are still pending, and logs come, get
//! a lock of their own and give it up.
//!
//! The model looks at what holds at each moment. It calls no rule of the spans, and the trust policy is checked as a verifier does it.

use auditlog_chain::keys::PublicKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{
    KeyPolicy, LockMode, LogPolicy, PolicyDocument, TrustPolicy, span_at,
};
use auditlog_chain::verifier_key::VerifierKey;

use super::*;
use crate::random::Random;

const HOUR: i64 = 3_600;
const HISTORIES: u64 = 60;
const STEPS: u32 = 12;
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAWGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=\n-----END PUBLIC KEY-----\n";

/// What the histories draw.
trait Draw {
    fn lock(&mut self) -> Lock;
    fn next(&mut self, last: Lock) -> Lock;
    fn change(&mut self, wanted: &mut Wanted);
}

impl Draw for Random {
    fn lock(&mut self) -> Lock {
        let modes = [LockMode::Governance, LockMode::Compliance];
        Lock {
            mode: modes[usize::try_from(self.below(2)).unwrap()],
            days: u32::try_from(3 + self.below(12)).unwrap(),
        }
    }

    /// A lock that takes nothing back, or any.
    fn next(&mut self, last: Lock) -> Lock {
        let drawn = self.lock();
        if self.below(4) == 0 {
            return drawn;
        }
        Lock {
            mode: drawn.mode.max(last.mode),
            days: drawn.days.max(last.days),
        }
    }

    fn change(&mut self, wanted: &mut Wanted) {
        wanted.notice = [0, 3_600, 86_400, 29 * 86_400][usize::try_from(self.below(4)).unwrap()];
        wanted.lock = self.next(wanted.lock);
        for name in ["a", "b"] {
            let bucket = wanted.lock;
            let before = wanted.logs.get(name);
            if before.is_none() && self.below(3) > 0 {
                continue;
            }
            let own = before.and_then(|log| log.lock);
            let lock = match self.below(4) {
                0 => None,
                1 => Some(self.next(own.unwrap_or(bucket))),
                _ => own,
            };
            let longest = u64::from(lock.unwrap_or(bucket).days) * 43_200;
            let silence_seconds = match before {
                Some(log) if self.below(2) == 0 => log.silence_seconds.min(longest),
                _ => 3_600 * (1 + self.below(longest / 3_600)),
            };
            let log = WantedLog {
                began: None,
                lock,
                silence_seconds,
                identity: None,
            };
            wanted.logs.insert(name.to_owned(), log);
        }
    }
}

fn policy(history: &History) -> TrustPolicy {
    let key = PublicKey::from_pem(KEY).unwrap();
    let logs = history.logs.iter().map(|(name, log)| {
        let origin = Origin::parse(name).unwrap();
        LogPolicy {
            prefix: name.clone(),
            format: 1,
            began: log.began,
            max_silence: log.max_silence.clone(),
            lock: log.lock.clone(),
            verifier_keys: vec![VerifierKey::new(origin.clone(), key.clone())],
            ended: None,
            origin,
        }
    });
    let document = PolicyDocument {
        trust_policy: 1,
        store: None,
        lock: history.lock.clone(),
        logs: logs.collect(),
        keys: vec![KeyPolicy {
            spec: key.spec(),
            spki: key.clone(),
            arn: None,
            valid_from: Timestamp::EPOCH,
            retired_at: None,
            lost_at: None,
            compromised: None,
        }],
        acknowledged: Vec::new(),
        declared_prefixes: Vec::new(),
    };
    TrustPolicy::check(document).unwrap()
}

/// What is declared at a moment for the bucket, or for a log.
fn lock_at(spans: &[LockSpan], at: Timestamp) -> Lock {
    Lock::from(*span_at(spans, at).unwrap())
}

fn check_lock([before, after]: [&[LockSpan]; 2], wanted: Lock, now: Timestamp) {
    let weakens = !wanted.is_at_least(Lock::from(before[before.len() - 1]));
    let begin = before[0].from;
    let hours = |at: Timestamp| at.seconds_since(begin) / HOUR;
    for hour in 0..=hours(now) + 31 * 24 {
        let at = begin.saturating_add_seconds(hour * HOUR);
        let [was, is] = [before, after].map(|spans| lock_at(spans, at));
        let context = || format!("{at:?}: {before:?} -> {after:?}");
        if at < now {
            assert_eq!(was, is, "{}", context());
        } else if weakens {
            assert!(is.is_at_least(was.weaker_of(wanted)), "{}", context());
        } else {
            assert!(is.is_at_least(was), "{}", context());
        }
    }
    assert_eq!(Lock::from(after[after.len() - 1]), wanted);
}

fn check_silence([before, after]: [&[SilenceSpan]; 2], wanted: u64, now: Timestamp) {
    for hour in 0..31 * 24 {
        let at = now.saturating_add_seconds(hour * HOUR);
        let [was, is] = [before, after].map(|spans| span_at(spans, at).unwrap().seconds);
        assert!(is <= was.max(wanted), "{at:?}: {before:?} -> {after:?}");
    }
    assert_eq!(after[after.len() - 1].seconds, wanted);
}

fn check(before: &History, after: &History, wanted: &Wanted, now: Timestamp) {
    check_lock([&before.lock, &after.lock], wanted.lock, now);
    for (name, log) in &before.logs {
        let asked = &wanted.logs[name];
        let locks = [before.lock_of(name), after.lock_of(name)];
        check_lock(locks, asked.lock.unwrap_or(wanted.lock), now);
        let silences = [log, &after.logs[name]].map(|log| log.max_silence.as_slice());
        check_silence(silences, asked.silence_seconds, now);
    }
    if !after.logs.is_empty() {
        let checked = policy(after).check_spans_at(now);
        assert!(checked.is_ok(), "{checked:?} {before:?} -> {after:?}");
    }
    let again = now.saturating_add_seconds(1);
    assert_eq!(
        after.declare(wanted, again),
        *after,
        "the same adds nothing"
    );
}

#[test]
fn no_change_takes_back_what_is_pending_and_each_policy_is_consistent() {
    let mut pending = 0;
    for seed in 0..HISTORIES {
        let mut random = Random::new(seed);
        let mut now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let mut wanted = Wanted {
            lock: random.lock(),
            notice: 86_400,
            logs: BTreeMap::new(),
        };
        let mut history = History::default().declare(&wanted, now);
        for _ in 0..STEPS {
            let later = HOUR * i64::try_from(1 + random.below(30)).unwrap();
            now = now.saturating_add_seconds(later);
            random.change(&mut wanted);
            let after = history.declare(&wanted, now);
            pending += usize::from(history.lock.iter().any(|span| span.from > now));
            check(&history, &after, &wanted, now);
            history = after;
        }
    }
    assert!(pending > 100, "{pending} changes of a pending lock");
}
