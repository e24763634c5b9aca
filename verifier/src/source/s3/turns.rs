//! How many objects are requested at once: few as long as nobody knows that the store answers, and one more for each answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests under way before there is any answer. Fewer than the failures in a row after which a store is given up on, so that a store
/// that does not answer gets few requests.
const FIRST: usize = 4;

/// Most requests under way.
const MOST: usize = 64;

/// Turns to request an object.
#[derive(Debug)]
pub(super) struct Turns {
    turns: Semaphore,
    /// How many turns may still be added.
    more: AtomicUsize,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(FIRST),
            more: AtomicUsize::new(MOST.saturating_sub(FIRST)),
        }
    }

    /// Waits for a turn. Nobody closes the semaphore, so there is always one.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// The store answered: one more at once.
    pub(super) fn answered(&self) {
        let fewer = |more: usize| more.checked_sub(1);
        let added = self
            .more
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        if added.is_ok() {
            self.turns.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_begin_few_and_become_one_more_with_each_answer() {
        let turns = Turns::new();
        assert_eq!(turns.turns.available_permits(), 4);
        for answer in 1..=100 {
            turns.answered();
            assert_eq!(turns.turns.available_permits(), (4 + answer).min(64));
        }
    }
}
