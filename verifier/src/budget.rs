//! How many bytes of objects may be in memory at once, and how many checks may run: a log of the largest segments must not take a machine
//! with many readers down.

use std::sync::{Condvar, Mutex, PoisonError};

use auditlog_chain::limits::{MAX_FRAME_BYTES, MAX_OBJECT_BYTES};

/// Most readers of a store. Each waits for one answer at a time; beyond as many, the link is the limit.
const MOST_READERS: usize = 64;

/// What readers share: bytes of objects, and turns to check one.
pub(crate) struct Budgets {
    readers: usize,
    bytes: Budget,
    checks: Budget,
}

impl Budgets {
    /// For as many checks at once as there are workers. `read_ahead` is the number of bytes that may be read ahead of them; `None` where each
    /// worker reads what it checks.
    pub(crate) fn new(workers: usize, read_ahead: Option<usize>) -> Self {
        let (readers, bytes) = match read_ahead {
            Some(bytes) => (workers.max(MOST_READERS), Budget::of(bytes)),
            None => (workers, Budget::for_readers(workers)),
        };
        let checks = Budget::of(workers.max(1));
        Self {
            readers,
            bytes,
            checks,
        }
    }

    /// How many threads are to read and check.
    pub(crate) const fn readers(&self) -> usize {
        self.readers
    }

    /// Waits until an object of so many bytes may be read.
    pub(crate) fn read(&self, bytes: usize) -> Share<'_> {
        self.bytes.take(bytes)
    }

    /// Waits for a turn to check. A check needs memory of its own, and a core.
    pub(crate) fn check(&self) -> Share<'_> {
        self.checks.take(1)
    }
}

/// Something that readers share. A reader waits until as much as it needs is free.
struct Budget {
    left: Mutex<usize>,
    total: usize,
    more: Condvar,
}

/// A part of a [`Budget`], given back when it is dropped.
pub(crate) struct Share<'b> {
    budget: &'b Budget,
    bytes: usize,
}

impl Budget {
    /// For this many readers: two of the largest objects, and where there are many readers, one of the usual size for each.
    fn for_readers(readers: usize) -> Self {
        let usual = readers.saturating_mul(MAX_FRAME_BYTES);
        Self::of(usual.max(MAX_OBJECT_BYTES.saturating_mul(2)))
    }

    fn of(total: usize) -> Self {
        Self {
            left: Mutex::new(total),
            total,
            more: Condvar::new(),
        }
    }

    /// Waits for so much. More than the total count as the total: one reader at a time continues with them.
    fn take(&self, bytes: usize) -> Share<'_> {
        let bytes = bytes.min(self.total);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self
            .more
            .wait_while(left, |left| *left < bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(bytes);
        Share {
            budget: self,
            bytes,
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut left = self
            .budget
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_add(self.bytes);
        self.budget.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn never_more_than_the_budget_is_taken_and_everybody_has_a_turn() {
        let budget = Budget::of(10);
        let (taken, most, turns) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        thread::scope(|scope| {
            for reader in 0..8usize {
                let (budget, taken, most, turns) = (&budget, &taken, &most, &turns);
                scope.spawn(move || {
                    for turn in 0..200 {
                        // From nothing to more than there is.
                        let bytes = (reader + turn) % 13;
                        let share = budget.take(bytes);
                        let now = taken.fetch_add(share.bytes, Ordering::SeqCst) + share.bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        taken.fetch_sub(share.bytes, Ordering::SeqCst);
                        turns.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(turns.into_inner(), 8 * 200);
        assert_eq!(*budget.left.lock().unwrap(), 10);
    }

    #[test]
    fn a_store_has_many_readers_and_no_more_checks_than_workers() {
        let folder = Budgets::new(2, None);
        assert_eq!((folder.readers(), folder.checks.total), (2, 2));
        assert_eq!(folder.bytes.total, 2 * MAX_OBJECT_BYTES);
        let store = Budgets::new(2, Some(1 << 20));
        assert_eq!((store.readers(), store.checks.total), (64, 2));
        // An object that is larger than what may be read ahead is read alone.
        assert_eq!(store.read(usize::MAX).bytes, 1 << 20);
        let (checking, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..store.readers() {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = store.check();
                        most.fetch_max(
                            checking.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        thread::yield_now();
                        checking.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
    }

    #[test]
    fn it_grows_with_the_readers_and_holds_two_of_the_largest_objects() {
        assert_eq!(Budget::for_readers(1).total, 2 * MAX_OBJECT_BYTES);
        assert_eq!(Budget::for_readers(100).total, 100 * MAX_FRAME_BYTES);
    }
}
