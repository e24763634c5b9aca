//! Why a segment takes no more, or cannot be taken up again.

use crate::fault::{Fault, SegmentFault};

/// Why the builder takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The segment has reached a limit: close it and open the next one.
    #[error("the segment is full")]
    SegmentFull,
    /// The log has reached 2^53 lines: end it and open a successor.
    #[error("the log is full")]
    LogFull,
    /// Segment 0 takes no entries (F17): close it and open segment 1.
    #[error("segment 0 takes no entries")]
    FirstSegment,
    /// zstd has no memory left.
    #[error("compressing failed")]
    Compress,
}

/// Why lines that a crash left behind cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// They are not the beginning of the segment: the evidence is wrong.
    #[error(transparent)]
    Fault(#[from] SegmentFault),
    /// They are, and this machine could not go on with them.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The same, of one line.
pub(super) enum TakeError {
    Fault(Fault),
    Build(BuildError),
}

impl TakeError {
    pub(super) fn at(self, line: Option<u64>, index: Option<u64>) -> ResumeError {
        match self {
            Self::Fault(fault) => SegmentFault { line, index, fault }.into(),
            Self::Build(error) => error.into(),
        }
    }
}

impl From<Fault> for TakeError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<BuildError> for TakeError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}
