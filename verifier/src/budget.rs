//! How many bytes of objects may be in memory at once: a log of the largest segments must not take a machine with many
//! readers down.

use std::sync::{Condvar, Mutex, PoisonError};

use auditlog_chain::limits::{MAX_FRAME_BYTES, MAX_OBJECT_BYTES};

/// Bytes that readers share. A reader waits until as many as it needs are free.
pub(crate) struct Budget {
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
    pub(crate) fn for_readers(readers: usize) -> Self {
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

    /// Waits for so many bytes. More than the total count as the total: one reader at a time continues with them.
    pub(crate) fn take(&self, bytes: usize) -> Share<'_> {
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
    fn it_grows_with_the_readers_and_holds_two_of_the_largest_objects() {
        assert_eq!(Budget::for_readers(1).total, 2 * MAX_OBJECT_BYTES);
        assert_eq!(Budget::for_readers(100).total, 100 * MAX_FRAME_BYTES);
    }
}
