//! The events cannot be taken as they come: their sender can put it right. What came before is sealed.

use auditlog_chain::event::EventError;

use super::{FileFault, Then};

/// How an input goes on after it was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// It has a name that the caller gave: it may be given again, whole.
    Given,
    /// A file that is recognised by itself: it may be given again, as long as it is the same file.
    File,
    /// It has no name: only what was not accepted may be given.
    Unnamed,
}

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
        /// How the input goes on.
        input: InputKind,
    },
    /// An event of the input is longer than the log takes.
    #[error("line {line}: the event has {found} bytes, the limit of the log is {limit}")]
    EventTooLong {
        /// Number of the line, from 1.
        line: u64,
        /// Its bytes in the log.
        found: usize,
        /// The limit.
        limit: usize,
        /// How the input goes on.
        input: InputKind,
    },
    /// A line of the input is longer than a line may be.
    #[error("line {line}: longer than {limit} bytes")]
    LineTooLong {
        /// Number of the line, from 1.
        line: u64,
        /// The limit.
        limit: usize,
        /// How the input goes on.
        input: InputKind,
    },
    /// The input does not begin with what was accepted from it.
    #[error(
        "{input} does not begin with the {events} events ({bytes} bytes) that were accepted from it"
    )]
    Changed {
        /// The input.
        input: String,
        /// Events that were accepted.
        events: u64,
        /// Bytes that were accepted.
        bytes: u64,
    },
    /// The input ends before what was accepted from it.
    #[error("{input} has {found} bytes, but {expected} bytes were accepted from it")]
    TooShort {
        /// The input.
        input: String,
        /// Bytes that were accepted.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Another file is in the place of an input, and begins with all that was accepted from that.
    #[error(
        "{input} is another file than before, but begins with the {events} events ({bytes} bytes) that were accepted from that one"
    )]
    WrittenAgain {
        /// The path.
        input: String,
        /// Events that were accepted.
        events: u64,
        /// Bytes that were accepted.
        bytes: u64,
    },
    /// The last line that was accepted had no newline, and now there is more of it.
    #[error("{input}: line {line} was accepted as the last one, and has grown since")]
    LastLineGrew {
        /// The input.
        input: String,
        /// Number of the line, from 1.
        line: u64,
    },
    /// No log takes an event of it.
    #[error("{input} cannot be taken further: {reason}")]
    NotTaken {
        /// The input.
        input: String,
        /// Why.
        reason: String,
    },
    /// The person asked to stop.
    #[error("interrupted: reading stopped after line {line}")]
    Interrupted {
        /// Number of the last line that was taken.
        line: u64,
        /// How the input goes on.
        input: InputKind,
    },
    /// The person asked to stop before all was passed over that was accepted earlier.
    #[error("interrupted: the {events} events that were accepted before were not all passed over")]
    InterruptedEarly {
        /// Events that were accepted before.
        events: u64,
    },
}

impl InputError {
    pub(super) fn hint(&self, then: Then) -> String {
        let hint = match self {
            Self::Unreadable(_) if then == Then::ByItself => {
                "what was read before is sealed: start the service again with an input that can be read"
            }
            Self::Changed { .. } | Self::TooShort { .. } if then == Then::ByItself => {
                "nothing new was taken: give the input as it was, from its beginning; if this is another input, give it another name: input = \"NAME\""
            }
            Self::Unreadable(_) => {
                "give a file of JSON Lines that can be read, or - for standard input; the summary says how much is sealed"
            }
            Self::Refused { line, input, .. }
            | Self::EventTooLong { line, input, .. }
            | Self::LineTooLong { line, input, .. } => {
                return of_line(*line, *input);
            }
            Self::Changed { .. } | Self::TooShort { .. } => {
                "nothing new was taken: give the input as it was, from its beginning; if this is another input, give it another name with --input NAME"
            }
            Self::WrittenAgain { .. } => {
                "nothing new was taken: if it is the same input, run the same command with --input-changed, and it goes on where it was accepted; if it is another one, give it a name with --input NAME"
            }
            Self::LastLineGrew { .. } => {
                "the line is sealed as it was: run the same command with --input-changed, which takes the whole line once more and goes on; end each line with a newline before it is read"
            }
            Self::Interrupted { input, .. } => match input {
                InputKind::Given | InputKind::File => {
                    "every event up to that line is sealed: give the same input again, and it goes on there"
                }
                InputKind::Unnamed => {
                    "every event up to that line is sealed: go on with the next line"
                }
            },
            Self::NotTaken { .. } => {
                "what came before is sealed: add a route that takes it, and give the same input again"
            }
            Self::InterruptedEarly { .. } => {
                "nothing new was taken: give the same input again from its beginning"
            }
        };
        hint.to_owned()
    }
}

fn of_line(line: u64, input: InputKind) -> String {
    let go_on = match input {
        InputKind::Given => "and give the same input again",
        InputKind::File => "and give the same file again, with --input-changed",
        InputKind::Unnamed => "and go on with it",
    };
    format!(
        "every event before line {line} is sealed, nothing from line {line} on: correct it, {go_on}"
    )
}
