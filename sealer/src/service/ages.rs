//! When a segment is closed though it is not full.

/// When a segment is closed though it is not full.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// How old an open segment may become, in seconds.
    pub open_seconds: i64,
    /// How long the log may be silent, in seconds.
    pub silent_seconds: Option<i64>,
}
