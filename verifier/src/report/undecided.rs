//! The words for what could not be decided.

use std::fmt;

use auditlog_chain::segment::FORMAT;

use crate::undecided::Undecided;

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { error, .. } => f.write_str(&error.reason),
            Self::Unsupported { found } => {
                write!(f, "the log has format {found}, this program knows {FORMAT}")
            }
            Self::AbsenceUnknown { first, last } => write!(
                f,
                "segments {first} to {last} are absent, and the segment after them cannot show whether they have expired"
            ),
            Self::OnlyPassedOver => f.write_str(
                "everything that was listed of the log came after the listing had begun",
            ),
            Self::JustBegun => f.write_str("the log has just begun and has no segment yet"),
            Self::PinNotSeen { segment } => write!(
                f,
                "another run pinned segment {segment}, which this one should have seen"
            ),
            Self::NoLastGood { key_id } => write!(
                f,
                "key {key_id} is compromised, and the policy names no last good segment of this log"
            ),
            Self::ClockDiffers {
                store,
                ours,
                skew_seconds,
            } => write!(
                f,
                "this machine's clock is at {ours}, the store's at {store}: they differ by more than {skew_seconds} seconds"
            ),
            Self::PlanOutdated {
                made,
                now,
                limit_seconds,
            } => write!(
                f,
                "the plan was made at {made} and merged at {now}: more than the shortest max_silence of {limit_seconds} seconds apart"
            ),
            Self::PinsNotKept { reason, .. } => f.write_str(reason),
        }
    }
}

impl Undecided {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        Some(match self {
            Self::Unreadable { error, .. } => return error.hint.as_deref(),
            Self::Unsupported { .. } => "use a newer auditlog-verify",
            Self::AbsenceUnknown { .. } => "make the segment after them readable, and verify again",
            Self::OnlyPassedOver | Self::PinNotSeen { .. } => "verify again",
            Self::JustBegun => "start the sealer, and verify again",
            Self::NoLastGood { .. } => "add the log to `compromised.last_good` of the key",
            Self::ClockDiffers { .. } => {
                "set the clock of this machine: silence, expiry and the future are judged by it"
            }
            Self::PlanOutdated { .. } => "make a new plan with `auditlog-verify plan`",
            Self::PinsNotKept { hint, .. } => hint,
        })
    }
}
