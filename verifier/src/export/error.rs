//! Why a log could not be exported.

use std::io;
use std::path::{Path, PathBuf};

use crate::trail::TrailError;

/// Longest line that a bundle has room for: its length has 16 bits.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Why a log could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log was not accepted.
    #[error(transparent)]
    Trail(#[from] TrailError),
    /// No segment is there.
    #[error("the log has no segment that is there")]
    Empty,
    /// Segments are not there. Tiles hold the hash of every line from the first.
    #[error(
        "segments {first} to {last} are not there, and tiles need every line of the log from its beginning"
    )]
    Absent {
        /// Number of the first.
        first: u64,
        /// Number of the last.
        last: u64,
    },
    /// A line is longer than a bundle has room for.
    #[error(
        "the line with index {index} has {found} bytes, and C2SP tlog-tiles has room for {MAX_ENTRY_BYTES}"
    )]
    TooLong {
        /// Its index.
        index: u64,
        /// Its length.
        found: usize,
    },
    /// There is already something where the folder should be.
    #[error("{} is there already", path.display())]
    FolderExists {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl ExportError {
    pub(super) fn write(path: &Path, error: &io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        Some(match self {
            Self::Trail(error) => return error.hint(),
            Self::Empty | Self::Absent { .. } => {
                "verify the log: what is absent has expired or is missing"
            }
            Self::TooLong { .. } => {
                "export the log up to an earlier segment with --to-segment, or prove entries with `auditlog-verify prove`"
            }
            Self::FolderExists { .. } => "name a new folder with --out",
            Self::Write { .. } => "name another folder with --out",
        })
    }
}
