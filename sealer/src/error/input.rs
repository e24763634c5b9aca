//! The events cannot be taken as they come: their sender can put it right. What came before is sealed.

use auditlog_chain::event::EventError;

use super::FileFault;

/// Why the reading of the input ended early.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The input cannot be read.
    #[error(transparent)]
    Unreadable(FileFault),
    /// A line of the input is not an event.
    #[error("line {line}: {source}")]
    Refused {
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        source: EventError,
    },
    /// A line of the input is longer than a line may be.
    #[error("line {line}: longer than {limit} bytes")]
    LineTooLong {
        /// Number of the line, from 1.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// The input has fewer events than the interrupted runs had accepted.
    #[error("the input has {found} events, the interrupted run had accepted {expected}")]
    TooShort {
        /// How many were to be skipped.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The person asked to stop.
    #[error("interrupted: reading stopped after line {line}")]
    Interrupted {
        /// Number of the last line that was taken.
        line: u64,
    },
    /// The person asked to stop before all was passed over that interrupted runs had accepted.
    #[error("interrupted: {found} of {expected} events of an interrupted run were passed over")]
    InterruptedEarly {
        /// How many were to be skipped.
        expected: u64,
        /// How many were.
        found: u64,
    },
}

impl InputError {
    /// Whether the input broke off, or a person stopped it: the same input may be given again.
    pub const fn is_interruption(&self) -> bool {
        match self {
            Self::Interrupted { .. } | Self::InterruptedEarly { .. } | Self::Unreadable(_) => true,
            Self::Refused { .. } | Self::LineTooLong { .. } | Self::TooShort { .. } => false,
        }
    }

    pub(super) fn hint(&self) -> String {
        let hint = match self {
            Self::Unreadable(_) => {
                "give a file of JSON Lines that can be read, or - for standard input; what was read of it before is sealed, so begin it again with --skip-recovered"
            }
            Self::Refused { line, .. } | Self::LineTooLong { line, .. } => {
                return of_line(*line);
            }
            Self::TooShort { .. } => {
                "give the input of the interrupted run from its beginning, or leave --skip-recovered out"
            }
            Self::Interrupted { .. } => {
                "every event up to that line is sealed: go on with the next, or give the same input again from its beginning with --skip-recovered"
            }
            Self::InterruptedEarly { .. } => {
                "nothing new was taken: give the same input again from its beginning, with --skip-recovered"
            }
        };
        hint.to_owned()
    }
}

fn of_line(line: u64) -> String {
    format!(
        "every event before line {line} is sealed, nothing from line {line} on: correct it, and go on with it"
    )
}
