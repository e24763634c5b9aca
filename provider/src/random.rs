//! Numbers for random histories.

/// xorshift64*: the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    /// From a seed. The state is never 0, which would stay 0.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below the limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        drawn.checked_rem(limit).unwrap_or(0)
    }
}
