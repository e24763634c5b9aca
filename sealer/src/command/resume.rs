//! Passing over what was accepted of an input before.

use auditlog_sealer::error::InputError;
use auditlog_sealer::input::{Lines, Position};

use super::events::Change;

/// An input that is read from its beginning, up to where it was accepted.
pub(super) struct Resume {
    accepted: Option<Position>,
    left: Option<Position>,
    change: Change,
    seen: u64,
}

/// Where the new lines of an input begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstNew {
    /// Bytes of these lines before it.
    pub(super) at: usize,
    /// Whether it was accepted before, without what it has now.
    pub(super) line: FirstLine,
}

/// What is known of the first new line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstLine {
    /// It was never accepted.
    New,
    /// It was accepted as the last line of the input, without its newline, and has grown since.
    Grown,
}

impl FirstNew {
    const fn new(at: usize) -> Self {
        let line = FirstLine::New;
        Self { at, line }
    }
}

impl Resume {
    /// `accepted` is what was accepted from it before, if anything was.
    pub(super) const fn new(accepted: Option<Position>, change: Change) -> Self {
        Self {
            accepted,
            left: accepted,
            change,
            seen: 0,
        }
    }

    /// What was accepted before, while it is not passed over yet.
    pub(super) const fn left(&self) -> Option<Position> {
        self.left
    }

    /// Events that were passed over.
    pub(super) fn skipped(&self) -> u64 {
        match (self.accepted, self.left) {
            (Some(accepted), None) => accepted.events,
            (None, _) | (_, Some(_)) => 0,
        }
    }

    /// Where in these lines the first new one begins, in bytes. What comes before must be what was accepted.
    pub(super) fn first_new(&mut self, input: &str, lines: &Lines) -> Result<FirstNew, InputError> {
        let bytes = lines.as_bytes();
        let Some(accepted) = self.left else {
            return Ok(FirstNew::new(0));
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.seen = lines.start().saturating_add(length);
        if self.seen < accepted.bytes {
            return Ok(FirstNew::new(bytes.len()));
        }
        let end = accepted.bytes.saturating_sub(lines.start());
        let end = usize::try_from(end).unwrap_or(bytes.len());
        if lines.hash_at(end) != accepted.hash {
            return Err(changed(input, accepted));
        }
        let rest = rest_of_line(bytes, end);
        if is_blank(rest) {
            self.left = None;
            return Ok(FirstNew::new(end.saturating_add(rest.len())));
        }
        if self.change == Change::Refused {
            let (input, line) = (input.to_owned(), accepted.lines);
            return Err(InputError::LastLineGrew { input, line });
        }
        self.left = None;
        Ok(FirstNew {
            at: begin_of_line(bytes, end),
            line: FirstLine::Grown,
        })
    }

    /// The input has ended: all that was accepted must have been there.
    pub(super) fn end(&self, input: &str) -> Result<(), InputError> {
        self.left.map_or(Ok(()), |accepted| {
            Err(InputError::TooShort {
                input: input.to_owned(),
                expected: accepted.bytes,
                found: self.seen,
            })
        })
    }
}

/// The input does not begin with what was accepted from it.
pub(super) fn changed(input: &str, accepted: Position) -> InputError {
    InputError::Changed {
        input: input.to_owned(),
        events: accepted.events,
        bytes: accepted.bytes,
    }
}

/// Whether a line is passed over: it has nothing but the white space of JSON.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Where the line begins that has this place in it. Lines come whole.
fn begin_of_line(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or_default();
    let newline = before.iter().rposition(|byte| *byte == b'\n');
    newline.map_or(0, |newline| newline.saturating_add(1))
}

/// What follows on the same line, with its newline. Nothing does, unless the line was the last one of the input and had no
/// newline.
fn rest_of_line(bytes: &[u8], end: usize) -> &[u8] {
    let (before, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    if before.ends_with(b"\n") {
        return &[];
    }
    let newline = after.iter().position(|byte| *byte == b'\n');
    let length = newline.map_or(after.len(), |newline| newline.saturating_add(1));
    after.get(..length).unwrap_or_default()
}
