//! What one sealer has written.

/// What one sealer has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Number of segments.
    pub segments: u64,
    /// The first of them.
    pub first_segment: Option<u64>,
    /// The last of them.
    pub last_segment: Option<u64>,
    /// Entries, without those that an earlier run had accepted.
    pub events: u64,
}
