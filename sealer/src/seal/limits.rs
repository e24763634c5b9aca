//! When a segment is full.

/// When an open segment is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a segment.
    pub events: u64,
    /// Bytes of its lines, before compression.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 16 << 20,
        }
    }
}
