//! What a person should look at.

use std::path::PathBuf;

/// What a person should look at though other files go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowNotice {
    /// A file is not read, or not further.
    #[error("{} is not read now: {reason}", path.display())]
    NotRead {
        /// The file, or the folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A file that was not read is read again.
    #[error("{} is read again", path.display())]
    ReadAgain {
        /// The file.
        path: PathBuf,
    },
    /// A file was truncated, and what it has now is taken from its beginning.
    #[error(
        "{} was truncated, and is read from its beginning; lines that were written into it after byte {bytes} and before that are lost, unless they were found in a copy: rotate it by renaming",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that were accepted.
        bytes: u64,
    },
    /// The rest of a truncated file was found in a copy.
    #[error("{} was truncated; what was not read of it is read from its copy {}", path.display(), copy.display())]
    CopyFound {
        /// The file.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
    /// A file from before is not there any more.
    #[error(
        "the file that was {} is gone; what was written into it after byte {bytes} is lost, if anything was",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
        /// Bytes that were accepted.
        bytes: u64,
    },
    /// Events of a file may be in the log already.
    #[error(
        "{} may have events that are in the log already; its first {bytes} bytes are taken, and marked as possible repeats",
        path.display()
    )]
    Doubtful {
        /// The file.
        path: PathBuf,
        /// Bytes of which that is not known.
        bytes: u64,
    },
    /// A line is too long for one event.
    #[error("a line of {} near byte {bytes} is too long for one event; it is kept as several texts", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// A place behind the beginning of the line.
        bytes: u64,
    },
}
