//! What is worth saying, and is not a reason to fail.

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that is true, and is not a reason to fail. Each has a stable [code](Note::code).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// In spans whose time is over, retention was shorter than twice the silence: a cut may look like expiry there (V1).
    RetentionWasShort {
        /// Days of retention.
        retention_days: u32,
        /// Seconds of silence.
        silence_seconds: u64,
        /// When the spans ended.
        until: Timestamp,
    },
    /// `max_silence` is below four times the skew, so that clocks alone can make up much of a silence (V1).
    SilenceNearSkew {
        /// The shortest `max_silence` of the log, in seconds.
        silence_seconds: u64,
        /// The skew, in seconds.
        skew_seconds: u32,
    },
    /// Files that a sealer has not finished were passed over (V5).
    UnfinishedFiles {
        /// How many.
        count: u64,
    },
    /// `left` of a segment could not be compared with what came before it (V8).
    LeftUnproven {
        /// Number of the segment.
        segment: u64,
        /// Why.
        why: Unproven,
    },
    /// No earlier run left a pin, so nothing is claimed about rollback (V25).
    NoPin,
    /// The pin is above the declared end of the log (V25).
    PinDisowned {
        /// Number of the pinned segment.
        segment: u64,
    },
    /// Versions were stored, or delete markers set, after the declared end of the log (V10).
    VersionsDisowned {
        /// Number of the last segment.
        end: u64,
        /// How many versions.
        count: u64,
        /// How many delete markers.
        markers: u64,
    },
    /// Versions and delete markers came after the listing had begun, or are behind an absent segment and came shortly before. They are
    /// for the next run (A1).
    PassedOver {
        /// How many.
        count: u64,
        /// The absent segment before them.
        absent: Option<u64>,
    },
    /// Delete markers are over segments that may be gone (A8).
    MarkersOverExpired {
        /// How many.
        count: u64,
    },
    /// Another run has pinned a later segment: the verdict holds up to the head of this one (A5).
    UpToHead {
        /// Number of the segment that the other run pinned.
        pinned: u64,
    },
}

/// Why the segment before another cannot be compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// It is faulty, or could not be read.
    NotSound,
    /// It is missing.
    Missing,
    /// It has expired.
    Expired,
    /// It is lost, and the policy acknowledges it.
    Acknowledged,
}

impl Note {
    /// The stable name. `docs/guides/verification.md` describes each.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RetentionWasShort { .. } => "retention-was-short",
            Self::SilenceNearSkew { .. } => "silence-near-skew",
            Self::UnfinishedFiles { .. } => "unfinished-files",
            Self::LeftUnproven { .. } => "left-unproven",
            Self::NoPin => "no-pin",
            Self::PinDisowned { .. } => "pin-disowned",
            Self::VersionsDisowned { .. } => "versions-disowned",
            Self::PassedOver { .. } => "passed-over",
            Self::MarkersOverExpired { .. } => "markers-over-expired",
            Self::UpToHead { .. } => "up-to-head",
        }
    }
}
