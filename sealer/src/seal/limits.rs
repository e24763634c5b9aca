//! When a segment is full, and how it is compressed.

use auditlog_chain::builder::Level;

/// When an open segment is closed, and how it is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a segment.
    pub events: u64,
    /// Bytes of its lines, before compression.
    pub bytes: usize,
    /// How hard zstd tries to make it small.
    pub level: Level,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 16 << 20,
            level: Level::default(),
        }
    }
}
