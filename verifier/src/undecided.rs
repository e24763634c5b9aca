//! What could not be decided: the reasons for "no verdict".

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::source::ReadError;

/// Something that could not be read, or not be judged. Each has a stable [code](Undecided::code). It is never a
/// [fault](crate::fault::Fault): the evidence may be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// Something could not be read.
    Unreadable {
        /// What.
        what: Unreadable,
        /// Why.
        error: ReadError,
    },
    /// The policy names a format for the log that this program does not know (V2).
    Unsupported {
        /// The format number.
        found: u64,
    },
    /// Segments are absent, and the segment that would show whether they have expired could not be read (V9).
    AbsenceUnknown {
        /// Number of the first that is absent.
        first: u64,
        /// Number of the last that is absent.
        last: u64,
    },
    /// Everything that was listed of the log came after the listing had begun (A1).
    OnlyPassedOver,
    /// The log has no segment, and did not have to have one when the listing began (A1).
    JustBegun,
    /// Another run pinned a segment that this one should have seen (A5).
    PinNotSeen {
        /// Number of the pinned segment.
        segment: u64,
    },
    /// The policy names no last good segment of a compromised key that signed the log (V16).
    NoLastGood {
        /// Id of the key in hex.
        key_id: String,
    },
    /// The clock of this machine and the store's differ by more than the skew (V29).
    ClockDiffers {
        /// The store's clock.
        store: Timestamp,
        /// This machine's, when the answer was there.
        ours: Timestamp,
        /// Seconds by which they may differ.
        skew_seconds: i64,
    },
    /// A plan of many ranges is older than the shortest silence of its logs: it says nothing about now.
    PlanOutdated {
        /// When its listing began.
        made: Timestamp,
        /// When it was merged.
        now: Timestamp,
        /// The shortest `max_silence`, in seconds.
        limit_seconds: u64,
    },
    /// The heads of this run could not be pinned (V26).
    #[serde(skip)]
    PinsNotKept {
        /// Why.
        reason: String,
        /// What a person can do about it.
        hint: String,
    },
}

/// What could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// The listing of all versions (V4).
    Listing,
    /// The configuration of the bucket (V20).
    Bucket,
    /// A segment (V7).
    Segment,
    /// The retention of a version (V18).
    Lock,
}

impl Undecided {
    /// The stable name. `docs/guides/verification.md` describes each.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { what, .. } => match what {
                Unreadable::Listing => "listing-unreadable",
                Unreadable::Bucket => "bucket-unreadable",
                Unreadable::Segment => "segment-unreadable",
                Unreadable::Lock => "lock-unreadable",
            },
            Self::Unsupported { .. } => "format-unsupported",
            Self::AbsenceUnknown { .. } => "absence-unknown",
            Self::OnlyPassedOver => "only-passed-over",
            Self::JustBegun => "just-begun",
            Self::PinNotSeen { .. } => "pin-not-seen",
            Self::NoLastGood { .. } => "no-last-good",
            Self::ClockDiffers { .. } => "clock-differs",
            Self::PlanOutdated { .. } => "plan-outdated",
            Self::PinsNotKept { .. } => "pins-not-kept",
        }
    }

    /// Whether no log keeps its verdict "verified", whatever the place says.
    pub(crate) const fn concerns_all_logs(&self) -> bool {
        matches!(self, Self::ClockDiffers { .. } | Self::PlanOutdated { .. })
    }
}
