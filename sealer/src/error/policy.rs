//! The trust policy cannot be used: whoever wrote it, or chose the file, can put it right.

use std::path::PathBuf;

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::PolicyError as DocumentError;
use auditlog_chain::timestamp::Timestamp;

use super::FileFault;

/// Why a trust policy cannot be used. All of these end the command with the status 2, as they do the verifier.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(FileFault),
    /// The file is not a trust policy.
    #[error("{}: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DocumentError,
    },
    /// A retention is too short for the silence of its log, and what was stored under it has not expired by now.
    #[error("{}: {source}", path.display())]
    ShortRetention {
        /// The file.
        path: PathBuf,
        /// Where.
        source: DocumentError,
    },
    /// The policy has no log of this origin.
    #[error("the trust policy has no log {origin}; its logs: {}", known.join(", "))]
    UnknownLog {
        /// The origin that was asked for.
        origin: String,
        /// The origins that the policy has.
        known: Vec<String>,
    },
    /// The policy has several logs and no option names one.
    #[error("the trust policy has {} logs, and --log is absent: {}", known.len(), known.join(", "))]
    LogNotNamed {
        /// The origins that the policy has.
        known: Vec<String>,
    },
    /// The policy declares that the log has ended.
    #[error("the log {origin} has ended with segment {segment}")]
    LogEnded {
        /// The log.
        origin: Origin,
        /// Its last segment.
        segment: u64,
        /// The log that continues it.
        successor: Option<Origin>,
    },
    /// The policy's first lock span begins later than now.
    #[error("the trust policy declares no lock for {now}: its first span begins at {first}")]
    NoSpan {
        /// Now.
        now: Timestamp,
        /// When it begins.
        first: Timestamp,
    },
    /// The policy names a format that this program does not write.
    #[error(
        "the trust policy names format {found} for the log, but this program writes format {expected}"
    )]
    UnsupportedFormat {
        /// What it writes.
        expected: u64,
        /// What is named.
        found: u64,
    },
}

const TERRAFORM: &str = "give the file that terraform output -raw trust_policy writes, or for a first try the one that auditlog-seal policy writes";

impl PolicyError {
    /// Whether the same policy can be used at another time: this machine's clock may be wrong.
    pub(super) const fn depends_on_the_time(&self) -> bool {
        match self {
            Self::NoSpan { .. } | Self::ShortRetention { .. } => true,
            Self::Unreadable(_)
            | Self::Invalid { .. }
            | Self::UnknownLog { .. }
            | Self::LogNotNamed { .. }
            | Self::LogEnded { .. }
            | Self::UnsupportedFormat { .. } => false,
        }
    }

    pub(super) fn hint(&self) -> String {
        let hint = match self {
            Self::Invalid {
                source: DocumentError::TerraformJson,
                ..
            } => "write the file with `terraform output -raw trust_policy`",
            Self::UnknownLog { .. } | Self::LogNotNamed { .. } => {
                "name one of them with --log ORIGIN"
            }
            Self::LogEnded {
                successor: Some(next),
                ..
            } => return format!("seal into its successor: --log {next}"),
            Self::LogEnded { .. } => "declare a successor log and seal into that",
            Self::NoSpan { .. } | Self::ShortRetention { .. } => {
                "set this machine's clock, or give the trust policy of today"
            }
            Self::Invalid {
                source: DocumentError::Unsupported { .. } | DocumentError::UnsupportedStore { .. },
                ..
            }
            | Self::UnsupportedFormat { .. } => "use a newer auditlog-seal",
            Self::Unreadable(_) | Self::Invalid { .. } => TERRAFORM,
        };
        hint.to_owned()
    }
}
