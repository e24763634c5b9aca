//! The three answers of a verification.

use serde::Serialize;

/// The three answers. They never mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was checked is as declared and written.
    Verified,
    /// The evidence is wrong.
    Fault,
    /// Something could not be read or decided.
    NoVerdict,
}

impl Verdict {
    /// The exit code of the command.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Fault => 1,
            Self::NoVerdict => 2,
        }
    }

    /// The one of two verdicts that counts for both: a fault is found whatever else is not known.
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fault, _) | (_, Self::Fault) => Self::Fault,
            (Self::NoVerdict, _) | (_, Self::NoVerdict) => Self::NoVerdict,
            (Self::Verified, Self::Verified) => Self::Verified,
        }
    }

    /// The verdict where its report could not be written: a report that nobody could read is not a success, and a fault stays a
    /// fault.
    #[must_use]
    pub const fn unread(self) -> Self {
        match self {
            Self::Fault => Self::Fault,
            Self::Verified | Self::NoVerdict => Self::NoVerdict,
        }
    }
}
