//! What a verification leaves out.

use auditlog_chain::origin::Origin;

/// Something that was not checked. Each has a stable [code](NotChecked::code).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotChecked {
    /// A log that the policy declares and the caller did not choose (V2).
    Log {
        /// The log.
        origin: Origin,
    },
    /// The segments before the last ones of a log, where only these are read.
    Before {
        /// The log.
        origin: Origin,
        /// Number of the first segment that was read.
        segment: u64,
    },
    /// The segments of a log that are passed over behind one that is absent (A1).
    Behind {
        /// The log.
        origin: Origin,
        /// Number of the absent segment.
        segment: u64,
    },
    /// What is stored outside the prefix of the target (V5).
    Outside {
        /// The prefix.
        scope: String,
    },
    /// Versions, locks and times: a folder has none (V3).
    Storage,
    /// The clock of this machine: the store did not send its own (V29).
    Clock,
    /// What a plan and the partial results of its ranges leave out: whoever can write to the plan decides what is verified, and whoever can
    /// write to the results can leave out a finding.
    Parts {
        /// Number of ranges.
        ranges: u64,
    },
}

impl NotChecked {
    /// The stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Log { .. } => "log",
            Self::Before { .. } => "before",
            Self::Behind { .. } => "behind",
            Self::Outside { .. } => "outside",
            Self::Storage => "storage",
            Self::Clock => "clock",
            Self::Parts { .. } => "parts",
        }
    }
}
