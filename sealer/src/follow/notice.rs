//! What a person should look at.

use std::path::{Path, PathBuf};

/// What a person should look at though other files go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowNotice {
    /// A file is not read, or not further.
    #[error("{} is not read now: {reason}", shown(path))]
    NotRead {
        /// The file, or the folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A file that was not read is read again.
    #[error("{} is read again", shown(path))]
    ReadAgain {
        /// The file.
        path: PathBuf,
    },
    /// A file was truncated, and what it has now is taken from its beginning.
    #[error(
        "{} was truncated, and is read from its beginning; lines that were written into it after byte {bytes} and before that are lost, unless they were found in a copy: rotate it by renaming",
        shown(path)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that were accepted.
        bytes: u64,
    },
    /// The rest of a truncated file was found in a copy.
    #[error(
        "{} was truncated; what was not read of it is read from its copy {}",
        shown(path),
        shown(copy)
    )]
    CopyFound {
        /// The file.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
    /// A file that was empty is still so, and was changed.
    #[error(
        "{} was changed while it was not looked at, and is empty as before; lines that were written into it meanwhile, if there were any, are lost: rotate it by renaming",
        shown(path)
    )]
    Emptied {
        /// The file.
        path: PathBuf,
    },
    /// The paths lead to files that the service itself writes.
    #[error(
        "files of {} are not followed, because the service itself writes them: narrow the paths",
        shown(folder)
    )]
    Own {
        /// Their folder.
        folder: PathBuf,
    },
    /// A file from before is not there any more.
    #[error(
        "{} is gone; lines after byte {bytes}, if there were any, are lost",
        shown(path)
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
        shown(path)
    )]
    Doubtful {
        /// The file.
        path: PathBuf,
        /// Bytes of which that is not known.
        bytes: u64,
    },
    /// A line is too long for one event.
    #[error(
        "a line of {} near byte {bytes} is too long for one event; it is kept as several texts",
        shown(path)
    )]
    LongLine {
        /// The file.
        path: PathBuf,
        /// A place behind the beginning of the line.
        bytes: u64,
    },
}

/// A path in one line. Whoever may make a file may give it any name, and must not write lines of their own into a journal with it.
pub(super) fn shown(path: &Path) -> String {
    let shown = path.display().to_string();
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    shown.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_file_does_not_end_a_line() {
        let path =
            PathBuf::from("/logs/x\nerror: log payments: it has stopped\u{1b}[2K \u{fc}.log");
        let said = FollowNotice::ReadAgain { path }.to_string();
        let expected =
            "/logs/x\\nerror: log payments: it has stopped\\u{1b}[2K \u{fc}.log is read again";
        assert_eq!(said, expected);
    }
}
