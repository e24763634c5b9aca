//! The lock of new objects while a process runs: what is declared may change, and so may the bucket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use auditlog_chain::timestamp::Timestamp;

use super::lock::{Choice, Lock, LockSource, choose};
use crate::error::Error;

/// How long what the bucket locks by itself is relied on, in seconds.
const FRESH_SECONDS: i64 = 900;

/// What is declared, and what the bucket said last.
pub(super) struct Locking {
    state: Mutex<State>,
}

struct State {
    declared: LockSource,
    default: Option<Lock>,
    /// When the bucket was asked; `None` where it must be asked again.
    read: Option<Timestamp>,
}

impl Locking {
    pub(super) fn new(declared: LockSource, default: Option<Lock>, read: Timestamp) -> Self {
        let state = State {
            declared,
            default,
            read: Some(read),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, this is declared.
    pub(super) fn declare(&self, declared: LockSource) {
        self.state().declared = declared;
    }

    /// What the bucket said last is in doubt.
    pub(super) fn doubt(&self) {
        self.state().read = None;
    }

    /// Whether the bucket need not be asked.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let read = self.state().read;
        read.is_some_and(|read| (0..FRESH_SECONDS).contains(&now.seconds_since(read)))
    }

    /// What the bucket says now. Where it does not lock what it is given, it is asked again before the next object.
    pub(super) fn learn(
        &self,
        default: Result<Option<Lock>, Error>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut state = self.state();
        state.read = None;
        state.default = default?;
        state.read = Some(now);
        Ok(())
    }

    /// The lock for an object that is stored now.
    pub(super) fn choose(&self, bucket: &str, now: Timestamp) -> Result<Choice, Error> {
        let state = self.state();
        choose(bucket, &state.declared, state.default, now)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use auditlog_chain::policy::{LockMode, LockSpan};

    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::EPOCH.saturating_add_seconds(day * 86_400)
    }

    const fn lock(retention_days: u32) -> Lock {
        Lock {
            mode: LockMode::Governance,
            retention_days,
        }
    }

    fn declared(spans: &[(i64, u32)]) -> LockSource {
        let span = |(from, days): &(i64, u32)| LockSpan {
            from: day(*from),
            mode: LockMode::Governance,
            retention_days: *days,
        };
        LockSource::Policy {
            bucket: spans.iter().map(span).collect(),
            log: None,
        }
    }

    #[test]
    fn spans_are_followed_while_the_process_runs_and_a_new_declaration_counts_at_once() {
        let locking = Locking::new(declared(&[(1, 30), (10, 60)]), None, day(1));
        let at = |now| locking.choose("b", day(now)).unwrap().lock;
        assert_eq!(
            (at(1), at(8), at(9), at(10)),
            (lock(30), lock(30), lock(60), lock(60))
        );
        locking.declare(declared(&[(1, 30), (10, 90)]));
        assert_eq!((at(8), at(10)), (lock(30), lock(90)));
    }

    #[test]
    fn bucket_is_asked_every_quarter_of_an_hour_and_before_each_object_while_it_is_in_doubt() {
        let locking = Locking::new(declared(&[(1, 30)]), Some(lock(30)), day(2));
        let later = |seconds| day(2).saturating_add_seconds(seconds);
        assert!(locking.is_fresh(later(899)));
        assert!(!locking.is_fresh(later(900)) && !locking.is_fresh(later(-1)));
        locking.doubt();
        assert!(!locking.is_fresh(later(1)));
        let away = || crate::error::StoreError::NotLocked {
            bucket: "b".to_owned(),
        };
        assert!(locking.learn(Err(away().into()), later(1)).is_err());
        assert!(!locking.is_fresh(later(2)));
        locking.learn(Ok(Some(lock(60))), later(3)).unwrap();
        assert!(locking.is_fresh(later(4)));
        assert_eq!(locking.choose("b", later(4)).unwrap().lock, lock(60));
    }
}
