//! Why a log could not be read segment by segment.

use crate::fault::Fault;
use crate::place::Placed;
use crate::source::ReadError;
use crate::verdict::Verdict;

/// Why a log, or a segment of it, was not accepted.
#[derive(Debug)]
pub enum TrailError {
    /// The evidence is wrong.
    Wrong(Box<Placed<Fault>>),
    /// Something could not be read.
    Unreadable(ReadError),
    /// The listing does not have this segment.
    NotThere {
        /// Its number.
        number: u64,
    },
    /// The policy declares that the log ended before.
    AfterEnd {
        /// Its number.
        number: u64,
        /// Number of the last segment.
        end: u64,
    },
    /// A compromised key signed, and the policy does not name its last good segment (V16).
    NoLastGood {
        /// Id of the key.
        key_id: String,
    },
    /// The policy names a format that this program does not know.
    UnknownFormat {
        /// The number.
        found: u64,
    },
}

impl TrailError {
    /// What it comes to: wrong evidence, or none.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Wrong(_) => Verdict::Fault,
            Self::Unreadable(_)
            | Self::NotThere { .. }
            | Self::AfterEnd { .. }
            | Self::NoLastGood { .. }
            | Self::UnknownFormat { .. } => Verdict::NoVerdict,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Wrong(_) => Some("verify the log with `auditlog-verify --policy FILE TARGET`"),
            Self::Unreadable(error) => error.hint.as_deref(),
            Self::NotThere { .. } => {
                Some("verify the log: what is absent has expired or is missing")
            }
            Self::AfterEnd { .. } => {
                Some("name a segment up to the end; the trust policy disowns what came later")
            }
            Self::NoLastGood { .. } => Some("declare the last good segment of the key"),
            Self::UnknownFormat { .. } => Some("use a newer auditlog-verify"),
        }
    }
}

impl From<ReadError> for TrailError {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error)
    }
}

impl std::fmt::Display for TrailError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrong(placed) => {
                write!(f, "{}: {}", placed.what.code(), placed.what)?;
                if let Some(object) = &placed.place.object {
                    write!(f, ", in {object}")?;
                }
                match placed.place.line {
                    Some(line) => write!(f, ", line {line}"),
                    None => Ok(()),
                }
            }
            Self::Unreadable(error) => f.write_str(&error.reason),
            Self::NotThere { number } => write!(f, "segment {number} is not there"),
            Self::AfterEnd { number, end } => write!(
                f,
                "segment {number} is after the declared end of the log, which is segment {end}"
            ),
            Self::NoLastGood { key_id } => {
                write!(
                    f,
                    "key {key_id} was compromised, and the trust policy does not name its last good segment"
                )
            }
            Self::UnknownFormat { found } => write!(
                f,
                "the log has format {found}, which this program does not know"
            ),
        }
    }
}

impl std::error::Error for TrailError {}
