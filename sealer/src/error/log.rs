//! What the store holds is not a log that can be continued: a person must look at it first.

use std::path::PathBuf;

use auditlog_chain::fault::SegmentFault;
use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;

use super::Then;

/// Why a log cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A delete marker hides something under the log's prefix.
    #[error("{key} is hidden by a delete marker")]
    Hidden {
        /// The object.
        key: String,
    },
    /// A delete marker is at a key that nothing was stored at.
    #[error("a delete marker is at {key}, where the log has no segment")]
    StrayMarker {
        /// The object.
        key: String,
    },
    /// A segment has more than one version.
    #[error("{key} has {versions} versions or more")]
    SecondVersion {
        /// The object.
        key: String,
        /// How many were seen.
        versions: usize,
    },
    /// A segment is missing below the newest one, and neither expiry nor the policy explains it.
    #[error(
        "{key} is missing, though later segments are present, and neither expiry nor the trust policy explains it"
    )]
    Gap {
        /// The missing object.
        key: String,
    },
    /// So many segments are missing in so many places that they are not looked at one by one.
    #[error("segments are missing in more than 10,000 places under {prefix}/")]
    TooManyGaps {
        /// The log's prefix.
        prefix: String,
    },
    /// The log ends before the segment that this writer knows: its tail was removed or hidden.
    #[error("the log {origin} {}, but {known_from} segment {expected}", ends(*found))]
    CutOff {
        /// The log.
        origin: Origin,
        /// The segment that is known.
        expected: u64,
        /// Its newest segment now.
        found: Option<u64>,
        /// Who knows it.
        known_from: KnownFrom,
        /// What the store is.
        store: StoreKind,
    },
    /// A segment is not the one that this writer knows.
    #[error("{key} has the root {}, but {known_from} the root {}", text(*found), expected.to_base64())]
    OtherHead {
        /// The object.
        key: String,
        /// The root that is known.
        expected: Hash,
        /// Its root now.
        found: Option<Hash>,
        /// Who knows it.
        known_from: KnownFrom,
    },
    /// Nothing apart from the store knows where the log ends.
    #[error("the log {origin} ends with segment {segment} in the store, but the spool {} has never seen it{}: a tail that was removed would go unnoticed", spool.display(), pins.also())]
    HeadNotKnown {
        /// The log.
        origin: Origin,
        /// Its newest segment.
        segment: u64,
        /// The spool.
        spool: PathBuf,
        /// What is known from pins.
        pins: PinsGiven,
    },
    /// The log's prefix is inside that of another log.
    #[error("the prefix {prefix} is inside that of another log, which has {first}")]
    InsideAnother {
        /// The log's prefix.
        prefix: String,
        /// The first segment of the other log.
        first: String,
    },
    /// A segment at the border of a gap is not valid.
    #[error("{key} is not valid: {source}")]
    BadSegment {
        /// The object.
        key: String,
        /// What is wrong.
        source: Box<SegmentFault>,
    },
    /// An object under the log's prefix is not a segment of it.
    #[error("{key} is under the log's prefix, but is not a segment")]
    Foreign {
        /// The object.
        key: String,
    },
    /// The newest segment is not valid.
    #[error("{key}, the newest segment, is not valid: {source}")]
    BadHead {
        /// The object.
        key: String,
        /// What is wrong.
        source: Box<SegmentFault>,
    },
    /// The newest segment is signed by a key that was not named.
    #[error("{key}, the newest segment, is signed by an unknown key with the id {key_id:08x}")]
    UnknownSigner {
        /// The object.
        key: String,
        /// Its key id.
        key_id: u32,
    },
    /// The newest segment was sealed in the future.
    #[error("{key}, the newest segment, was sealed at {sealed}; it is now {now}")]
    HeadInFuture {
        /// The object.
        key: String,
        /// When.
        sealed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Another writer has written the segment that we were about to write.
    #[error("another writer has the log: {key} has the root {}, ours has {}", text(*found), expected.to_base64())]
    AnotherWriter {
        /// The object.
        key: String,
        /// Our root.
        expected: Hash,
        /// The other's, where the object is a segment at all.
        found: Option<Hash>,
        /// Where our events are kept.
        spool: PathBuf,
    },
}

/// Whether a store may be away without saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A bucket that is not there is an error of its own.
    Bucket,
    /// Where its disk is not mounted, a folder has nothing, or is another one.
    Folder,
}

/// Who knows the end of a log apart from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownFrom {
    /// The spool of this writer.
    Spool,
    /// The pins of the verifier.
    Pins,
}

impl std::fmt::Display for KnownFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Spool => "the spool remembers",
            Self::Pins => "the pins have",
        })
    }
}

/// Which pins were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinsGiven {
    /// None.
    None,
    /// A file that has no head of the log.
    WithoutTheLog,
}

impl PinsGiven {
    const fn also(self) -> &'static str {
        match self {
            Self::None => "",
            Self::WithoutTheLog => ", and the pins have no head of it",
        }
    }
}

fn ends(found: Option<u64>) -> String {
    found.map_or_else(
        || "has no segment".to_owned(),
        |found| format!("ends with segment {found}"),
    )
}

fn text(root: Option<Hash>) -> String {
    root.map_or_else(|| "none".to_owned(), Hash::to_base64)
}

impl LogError {
    pub(super) fn hint(&self, then: Then) -> String {
        let hint = match self {
            Self::Hidden { .. } => {
                "find out who deleted it; aws s3api delete-object --version-id MARKER restores it"
            }
            Self::StrayMarker { .. } => {
                "a segment may have been deleted with all its versions: check the log with auditlog-verify --pins; if there never was one, remove the marker: aws s3api delete-object --version-id MARKER"
            }
            Self::SecondVersion { .. } | Self::Foreign { .. } | Self::TooManyGaps { .. } => {
                "nothing was written; check the log with auditlog-verify"
            }
            Self::Gap { .. } => {
                "nothing was written; check the log with auditlog-verify, and acknowledge the loss in the trust policy once it is explained"
            }
            Self::CutOff {
                store: StoreKind::Folder,
                ..
            } => return not_in_folder(then).to_owned(),
            Self::CutOff { .. } | Self::OtherHead { .. } => {
                "nothing was written: somebody removed or replaced segments, or --to names another place; check the log with auditlog-verify --pins; if they are lost, declare the log ended and continue it with a successor"
            }
            Self::HeadNotKnown {
                pins: PinsGiven::WithoutTheLog,
                ..
            } => {
                "give the pins of a run of auditlog-verify that verified this log, or the spool that the log was written with, or accept what the store holds with --head-unknown"
            }
            Self::InsideAnother { .. } if then == Then::ByItself => {
                "nothing was written: give the log a prefix of its own in the trust policy"
            }
            Self::InsideAnother { .. } => {
                "nothing was written: give the log a prefix of its own with --prefix, or in the trust policy"
            }
            Self::HeadNotKnown { .. } => {
                "give the spool that this log was written with, or the pins of auditlog-verify with --pins FILE, or accept what the store holds with --head-unknown"
            }
            Self::BadHead { .. } | Self::BadSegment { .. } => {
                "auditlog-verify shows all that is wrong"
            }
            Self::UnknownSigner { .. } => {
                "give the trust policy, or the old key: --previous-key-file or --previous-kms-key"
            }
            Self::HeadInFuture { .. } => super::CLOCK,
            Self::AnotherWriter { spool, .. } => {
                return of_another_writer(&spool.display().to_string());
            }
        };
        hint.to_owned()
    }
}

/// The disk of the folder may not be mounted.
const fn not_in_folder(then: Then) -> &'static str {
    match then {
        Then::Again => {
            "nothing was written: mount the disk of the folder, or put the folder back; if --to names the right place and all of it is there, somebody removed segments: check the log with auditlog-verify --pins; if they are lost, declare the log ended and continue it with a successor"
        }
        Then::ByItself => {
            "mount the disk of the folder, or put the folder back, and the log goes on by itself; if all of it is there, somebody removed segments: check the log with auditlog-verify --pins; if they are lost, declare the log ended and continue it with a successor"
        }
    }
}

fn of_another_writer(spool: &str) -> String {
    format!(
        "stop one of the two writers. Our events stay in {spool}: move that folder away, print them with auditlog-seal spool --events FOLDER, and append those that the log does not have"
    )
}
