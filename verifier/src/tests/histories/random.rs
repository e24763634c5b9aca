//! Random numbers from a seed (splitmix64), so that a history can be made again.

/// A stream of random numbers.
pub(in crate::tests) struct Random(u64);

impl Random {
    pub(in crate::tests) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` up to `high`, both included.
    pub(in crate::tests) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from((high - low).max(0)).unwrap() + 1;
        low + i64::try_from(self.next() % width).unwrap()
    }

    pub(in crate::tests) fn number(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// Whether something happens that happens in so many of a hundred cases.
    pub(in crate::tests) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(in crate::tests) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.next()).unwrap() % all.len()]
    }
}
