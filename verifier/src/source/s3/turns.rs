//! How many objects or locks are requested at once: few as long as nobody knows that the store answers, and one more for each answer. Half as many
//! where the store asks for fewer requests, and from then on slowly more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests in a row that may get no answer; then no more are sent. Stops a store that no longer answers in the middle of a large bucket from costing a
/// minute for each segment.
pub(super) const FAILURES_IN_A_ROW: usize = 8;

/// Requests under way before there is any answer. Fewer than the failures in a row after which a store is given up on, so that a store
/// that does not answer gets few requests.
const FIRST: usize = 4;

/// Most objects that are read at once.
pub(super) const MOST_READS: usize = 64;

/// Most locks that are looked at once: an answer has next to no bytes.
pub(super) const MOST_LOOKS: usize = 256;

/// How long one halving counts for all refusals: those of requests that were under way at the time say nothing new.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Turns to request an object.
#[derive(Debug)]
pub(super) struct Turns {
    free: Semaphore,
    /// Requests in a row that got no answer.
    failures: AtomicUsize,
    pace: Mutex<Pace>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    permit: Option<SemaphorePermit<'t>>,
}

impl Turns {
    /// Few turns at first, and at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            free: Semaphore::new(FIRST),
            failures: AtomicUsize::new(0),
            pace: Mutex::new(Pace::new(most)),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. Nobody closes the semaphore, so there is always one.
    pub(super) async fn take(&self) -> Turn<'_> {
        let permit = self.free.acquire().await.ok();
        Turn {
            turns: self,
            permit,
        }
    }

    /// Whether the store has stopped answering.
    pub(super) fn are_given_up(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= FAILURES_IN_A_ROW
    }

    /// The store did not answer.
    pub(super) fn unanswered(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The store answered.
    pub(super) fn answered(&self) {
        self.failures.store(0, Ordering::Relaxed);
        if self.pace().answered() {
            self.free.add_permits(1);
        }
    }

    /// The store asked for fewer requests.
    pub(super) fn refused(&self, now: Instant) {
        let mut pace = self.pace();
        pace.refused(now);
        // Turns that nobody has are given up at once: otherwise, all of them could be taken before the first one ends.
        let given_up = self.free.forget_permits(pace.owed);
        pace.owed = pace.owed.saturating_sub(given_up);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.turns.pace().is_owed()
        {
            permit.forget();
        }
    }
}

/// How many turns there may be.
#[derive(Debug)]
struct Pace {
    most: usize,
    allowed: usize,
    /// Turns that are still there above those that are allowed.
    owed: usize,
    /// Answers since the last turn was added.
    answers: usize,
    /// When the turns were halved last.
    halved: Option<Instant>,
}

impl Pace {
    const fn new(most: usize) -> Self {
        Self {
            most,
            allowed: FIRST,
            owed: 0,
            answers: 0,
            halved: None,
        }
    }

    /// Whether a turn is to be added.
    fn answered(&mut self) -> bool {
        self.answers = self.answers.saturating_add(1);
        // Where the store has refused before: one more after each turn was used once.
        let enough = self.halved.map_or(1, |_| self.allowed);
        if self.answers < enough || self.allowed >= self.most {
            return false;
        }
        self.answers = 0;
        self.allowed = self.allowed.saturating_add(1);
        !self.is_owed()
    }

    fn refused(&mut self, now: Instant) {
        let is_new = |halved: Instant| now.saturating_duration_since(halved) >= AT_ONCE;
        if !self.halved.is_none_or(is_new) {
            return;
        }
        let fewer = self.allowed / 2;
        self.halved = Some(now);
        self.answers = 0;
        self.allowed = self.allowed.saturating_sub(fewer);
        self.owed = self.owed.saturating_add(fewer);
    }

    /// Whether a turn that ends is not to be used again.
    fn is_owed(&mut self) -> bool {
        let is_owed = self.owed > 0;
        self.owed = self.owed.saturating_sub(1);
        is_owed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(turns: &Turns) -> usize {
        turns.free.available_permits()
    }

    #[test]
    fn turns_begin_few_and_become_one_more_with_each_answer() {
        for most in [MOST_READS, MOST_LOOKS] {
            let turns = Turns::new(most);
            assert_eq!(free(&turns), 4);
            for answer in 1..=300 {
                turns.answered();
                assert_eq!(free(&turns), (4 + answer).min(most));
            }
        }
    }

    #[test]
    fn eight_requests_in_a_row_without_an_answer_are_enough() {
        let turns = Turns::new(MOST_LOOKS);
        for _ in 0..3 {
            (1..FAILURES_IN_A_ROW).for_each(|_| turns.unanswered());
            assert!(!turns.are_given_up());
            turns.answered();
        }
        (0..FAILURES_IN_A_ROW).for_each(|_| turns.unanswered());
        assert!(turns.are_given_up());
    }

    #[test]
    fn refusals_halve_the_turns_once_a_second_and_leave_one() {
        let (mut pace, start) = (Pace::new(MOST_READS), Instant::now());
        for _ in 0..100 {
            pace.answered();
        }
        for (second, allowed) in (0..).zip([32, 16, 8, 4, 2, 1, 1]) {
            let now = start + Duration::from_secs(second);
            for _ in 0..10 {
                pace.refused(now);
            }
            assert_eq!(pace.allowed, allowed);
        }
        assert_eq!(pace.owed, 63);
    }

    #[tokio::test]
    async fn refusal_gives_up_turns_that_nobody_has_at_once() {
        let (turns, start) = (Turns::new(MOST_READS), Instant::now());
        for _ in 0..60 {
            turns.answered();
        }
        let mut taken = Vec::new();
        for _ in 0..50 {
            taken.push(turns.take().await);
        }
        turns.refused(start);
        assert_eq!((free(&turns), turns.pace().owed), (0, 18));
        taken.clear();
        assert_eq!((free(&turns), turns.pace().owed), (32, 0));
        turns.refused(start + AT_ONCE);
        assert_eq!((free(&turns), turns.pace().owed), (16, 0));
    }

    #[test]
    fn after_a_refusal_a_turn_is_added_once_each_of_them_was_answered() {
        let mut pace = Pace::new(MOST_READS);
        pace.refused(Instant::now());
        let mut added = Vec::new();
        for answer in 1..=14 {
            let before = pace.allowed;
            pace.answered();
            if pace.allowed > before {
                added.push(answer);
            }
        }
        assert_eq!(added, [2, 5, 9, 14]);
    }

    /// Whatever the store says in whatever order, there are never more turns than are allowed and owed, and always one.
    #[tokio::test]
    async fn turns_that_end_are_given_up_until_no_more_are_there_than_are_allowed() {
        let (turns, start) = (Turns::new(MOST_READS), Instant::now());
        let mut taken = std::collections::VecDeque::new();
        for step in 0..5000_u64 {
            match (step * step + step / 7) % 5 {
                0 | 1 if free(&turns) > 0 => taken.push_back(turns.take().await),
                2 => turns.answered(),
                3 => drop(taken.pop_front()),
                _ if step % 11 == 0 => turns.refused(start + Duration::from_millis(step * 300)),
                _ => {}
            }
            let pace = turns.pace();
            let there = turns.free.available_permits() + taken.len();
            assert_eq!(there, pace.allowed + pace.owed, "{step}");
            assert!((1..=MOST_READS).contains(&pace.allowed), "{step}");
        }
        taken.clear();
        turns.refused(start + Duration::from_hours(1));
        while turns.pace().owed > 0 {
            drop(turns.take().await);
        }
        assert_eq!(free(&turns), turns.pace().allowed);
    }
}
