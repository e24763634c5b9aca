//! The words for notes, and for what was not checked.

use std::fmt;

use super::words::plural;
use crate::not_checked::NotChecked;
use crate::note::{Note, Unproven};

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetentionWasShort {
                retention_days,
                silence_seconds,
                until,
            } => write!(
                f,
                "until {until}, {retention_days} days of retention were shorter than twice {silence_seconds} seconds of max_silence"
            ),
            Self::SilenceNearSkew {
                silence_seconds,
                skew_seconds,
            } => write!(
                f,
                "max_silence of {silence_seconds} seconds is below four times the skew of {skew_seconds} seconds"
            ),
            Self::UnfinishedFiles { count } => write!(
                f,
                "passed over {count} unfinished {} of a sealer",
                plural(*count, "file")
            ),
            Self::LeftUnproven { segment, why } => {
                write!(f, "`left` of segment {segment} is unproven: {why}")
            }
            Self::NoPin => f.write_str("no pin, so nothing is claimed about rollback"),
            Self::PinDisowned { segment } => write!(
                f,
                "the pinned segment {segment} is above the declared end and is disowned"
            ),
            Self::VersionsDisowned {
                end,
                count,
                markers,
            } => write!(
                f,
                "the log ended with segment {end}: {count} later {} and {markers} delete {} disowned",
                plural(*count, "version"),
                plural(*markers, "marker"),
            ),
            Self::PassedOver {
                count,
                absent: Some(absent),
            } => write!(
                f,
                "passed over {count} {} behind segment {absent}, which is absent: they may have come before it while the listing was made; \
                 a run a few minutes later judges them",
                plural(*count, "object")
            ),
            Self::PassedOver {
                count,
                absent: None,
            } => write!(
                f,
                "passed over {count} {} stored after the listing had begun",
                plural(*count, "object")
            ),
            Self::MarkersOverExpired { count } => write!(
                f,
                "{count} delete {} over segments that may be gone",
                plural(*count, "marker")
            ),
            Self::UpToHead { pinned } => write!(
                f,
                "another run has pinned segment {pinned}: this verdict holds up to the head that was seen here"
            ),
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSound => "the segment before it is not sound",
            Self::Missing => "the segment before it is missing",
            Self::Expired => "the segment before it has expired",
            Self::Acknowledged => "the segment before it is lost, as the policy acknowledges",
        })
    }
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log { origin } => write!(f, "log {origin}"),
            Self::Before { origin, segment } => {
                write!(f, "segments before {segment} of log {origin}")
            }
            Self::Behind { origin, segment } => {
                write!(
                    f,
                    "segments after {segment}, which is absent, of log {origin}"
                )
            }
            Self::Outside { scope } => write!(f, "objects outside {scope}"),
            Self::Storage => f.write_str("storage"),
            Self::Clock => f.write_str("the clock of this machine"),
            Self::Parts { ranges } => {
                write!(
                    f,
                    "what the plan and the partial results of {ranges} ranges leave out"
                )
            }
        }
    }
}
