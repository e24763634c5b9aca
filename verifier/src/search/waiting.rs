//! Matches that wait for a slower segment before theirs: many segments may be ahead of it, and a match may be as long as a line.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of matches that may wait. Those of a segment that would be more are dropped, and looked for again once it is their turn.
pub(super) const MOST_WAITING_BYTES: usize = 16 << 20;

/// How much waits.
pub(super) struct Waiting {
    bytes: AtomicUsize,
    most: usize,
}

/// What waits of one segment, given back when it is dropped.
pub(super) struct Held<'w> {
    waiting: &'w Waiting,
    bytes: usize,
}

impl Waiting {
    /// For at most so many bytes.
    pub(super) const fn up_to(most: usize) -> Self {
        let bytes = AtomicUsize::new(0);
        Self { bytes, most }
    }

    pub(super) const fn nothing(&self) -> Held<'_> {
        Held {
            waiting: self,
            bytes: 0,
        }
    }
}

impl Held<'_> {
    /// Whether so many bytes more may wait. If not, nothing of this segment does.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        let Waiting { bytes: sum, most } = self.waiting;
        let before = sum.fetch_add(bytes, Ordering::Relaxed);
        self.bytes = self.bytes.saturating_add(bytes);
        if before.saturating_add(bytes) <= *most {
            return true;
        }
        self.give_back();
        false
    }

    fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_waits_no_more_and_leaves_the_others() {
        let waiting = Waiting::up_to(10);
        let (mut one, mut other) = (waiting.nothing(), waiting.nothing());
        assert!(one.add(4) && other.add(3) && other.add(3));
        assert!(!other.add(1));
        assert_eq!(waiting.bytes.load(Ordering::Relaxed), 4);
        assert!(one.add(6));
        drop(one);
        assert_eq!(waiting.bytes.load(Ordering::Relaxed), 0);
    }
}
