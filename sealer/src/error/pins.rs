//! The pins cannot be used: whoever chose the file can put it right.

use std::path::PathBuf;

use super::FileFault;

/// Why pins cannot be used. All of these end the command with the status 2, as they do the verifier.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(FileFault),
    /// The file does not hold pins.
    #[error("{}: the file does not hold pins: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The file is of a version that this program does not know.
    #[error("{}: the pins have version {found}, but this program knows version {expected}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The version that it knows.
        expected: u64,
        /// The version of the file.
        found: u64,
    },
}

impl PinsError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Malformed { .. } => {
                "give the file that auditlog-verify --pins FILE keeps"
            }
            Self::Unsupported { .. } => "use a newer auditlog-seal",
        }
    }
}
