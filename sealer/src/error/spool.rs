//! The spool cannot be used: this machine's disk, or whoever moved or copied the folder.

use std::path::{Path, PathBuf};

use auditlog_chain::fault::SegmentFault;
use auditlog_chain::timestamp::Timestamp;

use super::{FileFault, Then};
use crate::wal::WalFault;

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file or folder of it cannot be used.
    #[error(transparent)]
    File(FileFault),
    /// A folder has nothing of a spool.
    #[error("{} is not a spool: {reason}", path.display())]
    NotASpool {
        /// The folder.
        path: PathBuf,
        /// What shows it.
        reason: String,
    },
    /// The spool goes on behind the end of the log.
    #[error("the spool {} holds segment {found}, the log in the store ends before {expected}", path.display())]
    Ahead {
        /// The spool.
        path: PathBuf,
        /// The next segment of the log.
        expected: u64,
        /// The segment in the spool.
        found: u64,
    },
    /// What the spool holds does not continue the log.
    #[error("the spool {} does not continue the log: {source}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<SegmentFault>,
    },
    /// What the spool holds was accepted under a clock that was wrong.
    #[error("the spool {} holds segment {segment}, sealed at {sealed}; it is now {now}", path.display())]
    InFuture {
        /// The spool.
        path: PathBuf,
        /// The segment.
        segment: u64,
        /// Its time.
        sealed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// A write-ahead file is not as it was written.
    #[error("{}: {source}", path.display())]
    Wal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: WalFault,
    },
    /// A write-ahead file is absent between two others.
    #[error("{}: the file is missing, although later ones are there", path.display())]
    Absent {
        /// The missing file.
        path: PathBuf,
    },
    /// A write-ahead file has no end, although a later one is there.
    #[error("{}: the file has no close record, although a later file is there", path.display())]
    NotClosed {
        /// The file.
        path: PathBuf,
    },
    /// A write-ahead file has the name of another segment.
    #[error("{}: the file is that of segment {found}", path.display())]
    OtherSegment {
        /// The file.
        path: PathBuf,
        /// The segment that it holds.
        found: u64,
    },
    /// The spool was made by an older version of this program. It holds no events, and what it remembers cannot be read.
    #[error("the spool {} has version {found} and holds no events; this program cannot read the rest of it", path.display())]
    Finished {
        /// The spool.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The spool was made by another version of this program, and holds something.
    #[error("the spool {} has version {found}, this program reads version {expected}", path.display())]
    Version {
        /// The spool.
        path: PathBuf,
        /// What this program reads.
        expected: u64,
        /// What the spool has.
        found: u64,
        /// Version of the program that made it, where it says so.
        program: Option<String>,
    },
    /// The spool was removed while it was used.
    #[error("the spool {} was removed during the run", path.display())]
    Gone {
        /// The spool.
        path: PathBuf,
    },
    /// The spool holds something, and nothing says whose it is.
    #[error("{}: the record of the spool is missing", path.display())]
    NoIdentity {
        /// The missing file.
        path: PathBuf,
    },
    /// The record of the inputs was there from the beginning, and is not there now.
    #[error("{}: the record of the spool is missing", path.display())]
    NoInputs {
        /// The missing file.
        path: PathBuf,
    },
    /// A file of names of batches was changed.
    #[error("the spool {}: {source}", path.display())]
    Names {
        /// The spool.
        path: PathBuf,
        /// Which file, and what is wrong.
        source: std::io::Error,
    },
    /// A record in the spool is not one.
    #[error("{}: the record of the spool is not whole: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What it records.
        record: SpoolRecord,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The spool is another log's.
    #[error("the spool {} belongs to {found}, not to {expected}", path.display())]
    OfAnother {
        /// The spool.
        path: PathBuf,
        /// What was asked for.
        expected: String,
        /// What it says.
        found: String,
    },
    /// Another process has the spool.
    #[error("another process is using the spool {}", path.display())]
    Busy {
        /// The spool.
        path: PathBuf,
    },
}

const CHANGED: &str = "the disk or somebody has changed it: move the spool away, and append those of its events that the log does not have; auditlog-seal spool --events DIR prints them";

/// What a record of the spool is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolRecord {
    /// Which log the spool belongs to.
    Identity,
    /// How much of each input was accepted.
    Inputs,
    /// Where the log ended.
    Head,
    /// A part of what was accepted.
    Accepted,
}

impl SpoolRecord {
    /// What to do about one that is not whole or not there.
    const fn hint(self, then: Then) -> &'static str {
        match self {
            Self::Identity => {
                "nothing was written: it says which log the spool belongs to: put back the one that it had, or give an empty folder with --spool and append what the log does not have"
            }
            Self::Inputs if matches!(then, Then::ByItself) => {
                "nothing was written: it says how much of each file was accepted: put it back, or move the spool away and start the service with pins = \"FILE\" or head_unknown = true, which takes the files again and marks their events; auditlog-seal spool --events DIR prints what the spool holds"
            }
            Self::Inputs => {
                "nothing was written: it says how much of each input was accepted: put it back, or go on without it with --inputs-unknown, and append only what the log does not have"
            }
            Self::Head => {
                "nothing was written: it says where the log ended: put it back, or remove it and give --pins FILE or --head-unknown"
            }
            Self::Accepted => CHANGED,
        }
    }
}

impl SpoolError {
    pub(super) fn hint(&self, then: Then) -> String {
        let hint = match self {
            Self::File(_) => then.of_disk(),
            Self::NotASpool { .. } => {
                "name the folder that the log has: spool in the configuration of the service, --spool of append"
            }
            Self::Ahead { .. } | Self::Mismatch { .. } => {
                "check that --to names the right place, and that the spool is not an old copy; otherwise move it away, and append those of its events that the log does not have"
            }
            Self::InFuture { .. } if then == Then::ByItself => {
                "a time in the future would stay a fault for as long as the object is locked: set this machine's clock (timedatectl status), or wait until that time; nothing in the spool is lost"
            }
            Self::InFuture { .. } => {
                "a time in the future would stay a fault for as long as the object is locked: set this machine's clock (timedatectl status), or run it again after that time; nothing in the spool is lost"
            }
            Self::Wal {
                source: WalFault::Version { .. },
                ..
            } => "use the auditlog-seal that wrote it, or a newer one",
            Self::Wal { .. }
            | Self::Absent { .. }
            | Self::NotClosed { .. }
            | Self::Names { .. }
            | Self::OtherSegment { .. } => CHANGED,
            Self::Finished { path, .. } => {
                let again = match then {
                    Then::Again => "run the command again with --pins FILE or --head-unknown",
                    Then::ByItself => {
                        "start the service with pins = \"FILE\" or head_unknown = true"
                    }
                };
                return format!("remove it (rm -r {}), and {again}", path.display());
            }
            Self::Version { path, program, .. } => return of_version(path, program.as_deref()),
            Self::Gone { .. } => {
                "what was accepted and is not sealed went with it: give these events again, and keep the spool on a disk that outlives the process"
            }
            Self::NoIdentity { .. } => SpoolRecord::Identity.hint(then),
            Self::NoInputs { .. } => SpoolRecord::Inputs.hint(then),
            Self::Record { record, .. } => record.hint(then),
            Self::OfAnother { .. } => "give each log and destination its own --spool",
            Self::Busy { .. } => "wait for the other auditlog-seal to end, or stop it",
        };
        hint.to_owned()
    }
}

/// The command that finishes a spool: no events, and all else as before.
fn of_version(path: &Path, program: Option<&str>) -> String {
    let program = program.map_or_else(
        || "the auditlog-seal that made it".to_owned(),
        |version| format!("auditlog-seal {version}"),
    );
    format!(
        "finish it with {program}, with the options that it was used with: auditlog-seal append … --spool {} < /dev/null",
        path.display()
    )
}
