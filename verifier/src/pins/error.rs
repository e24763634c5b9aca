//! Why pins cannot be read or kept.

use std::io;
use std::path::PathBuf;

use super::document::PINS_VERSION;
use crate::source::ReadError;

/// What a person can do where the store gives no better hint.
const OF_OBJECT: &str = "check that the bucket that --pins names exists, and verify again";

/// Why pins cannot be read or kept. The file is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The file cannot be read.
    #[error("cannot read the pins file {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of ours, or is damaged.
    #[error("the pins file {path} does not hold pins: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file has a version that this program does not know.
    #[error("the pins file {path} has version {found}, this program knows {PINS_VERSION}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file cannot be written.
    #[error("cannot write the pins file {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file beside it, which is to take its place, is not a file of ours.
    #[error("cannot write the pins file through {path}: it is {what}", path = path.display())]
    Beside {
        /// The file beside it.
        path: PathBuf,
        /// What it is, in words.
        what: &'static str,
    },
    /// Somebody else has locked the file beside it.
    #[error("cannot write the pins file: {path} has been locked for {seconds} seconds", path = path.display())]
    Locked {
        /// The file beside it.
        path: PathBuf,
        /// For how long this run has waited.
        seconds: u64,
    },
    /// The object with the pins cannot be read.
    #[error("{}", .0.reason)]
    ReadObject(ReadError),
    /// The object with the pins cannot be written.
    #[error("{}", .0.reason)]
    WriteObject(ReadError),
    /// Other runs have written the object each time before this one could.
    #[error("cannot write the pins {address}: other runs changed them {tries} times in a row")]
    Contended {
        /// The object.
        address: String,
        /// How often this run has tried.
        tries: usize,
    },
}

impl PinsError {
    /// What a person can do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::ReadObject(error) | Self::WriteObject(error) => {
                error.hint.as_deref().unwrap_or(OF_OBJECT)
            }
            Self::Contended { .. } => {
                "the heads of this run are not pinned; verify again when fewer runs use these pins"
            }
            Self::Unsupported { .. } => "use a newer auditlog-verify",
            Self::Read { .. } | Self::Malformed { .. } => {
                "the file was not changed; name another with --pins, or restore it from a backup"
            }
            Self::Write { .. } => {
                "the heads of this run are not pinned; name a file in a folder that can be written"
            }
            Self::Beside { .. } => {
                "the heads of this run are not pinned; remove it, and verify again"
            }
            Self::Locked { .. } => {
                "the heads of this run are not pinned; `fuser` shows who holds the file, end that and verify again"
            }
        }
    }
}
