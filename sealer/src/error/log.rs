//! What the store holds is not a log that can be continued: a person must look at it first.

use std::path::PathBuf;

use auditlog_chain::fault::SegmentFault;
use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

/// Why a log cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A delete marker hides something under the log's prefix.
    #[error("{key} is hidden by a delete marker")]
    Hidden {
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
    /// A segment is missing between others.
    #[error("{key} is missing, though later segments are present")]
    Gap {
        /// The missing object.
        key: String,
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

fn text(root: Option<Hash>) -> String {
    root.map_or_else(|| "none".to_owned(), Hash::to_base64)
}

impl LogError {
    pub(super) fn hint(&self) -> String {
        let hint = match self {
            Self::Hidden { .. } => {
                "find out who deleted it; aws s3api delete-object --version-id MARKER restores it"
            }
            Self::SecondVersion { .. } | Self::Gap { .. } | Self::Foreign { .. } => {
                "nothing was written; check the log with auditlog-verify"
            }
            Self::BadHead { .. } => "auditlog-verify shows all that is wrong",
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

fn of_another_writer(spool: &str) -> String {
    format!(
        "stop one of the two writers. Our events stay in {spool}: move that folder away, read them with zstdcat (or cat open.jsonl), and append those that the log does not have"
    )
}
