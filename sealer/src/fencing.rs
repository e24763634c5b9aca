//! What keeps two writers from extending one log (P5).

/// What keeps two writers from extending one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// The store creates a name once. When a log is created, this is tried.
    Condition,
    /// The store may create a name twice: the versions of each segment are listed after it was created.
    ListVersions,
}
