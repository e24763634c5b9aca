//! Passing over what was accepted of an input before.

use auditlog_sealer::error::InputError;
use auditlog_sealer::input::{Lines, Position};

/// An input that is read from its beginning, up to where it was accepted.
pub(super) struct Resume {
    accepted: Option<Position>,
    left: Option<Position>,
    seen: u64,
}

impl Resume {
    /// `accepted` is what was accepted from it before, if anything was.
    pub(super) const fn new(accepted: Option<Position>) -> Self {
        Self {
            accepted,
            left: accepted,
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
    pub(super) fn first_new(&mut self, input: &str, lines: &Lines) -> Result<usize, InputError> {
        let bytes = lines.as_bytes();
        let Some(accepted) = self.left else {
            return Ok(0);
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.seen = lines.start().saturating_add(length);
        if self.seen < accepted.bytes {
            return Ok(bytes.len());
        }
        let end = accepted.bytes.saturating_sub(lines.start());
        let end = usize::try_from(end).unwrap_or(bytes.len());
        if lines.hash_at(end) != accepted.hash {
            return Err(changed(input, accepted));
        }
        let rest = rest_of_line(bytes, end);
        if !rest.iter().all(u8::is_ascii_whitespace) {
            let (input, line) = (input.to_owned(), accepted.lines);
            return Err(InputError::LastLineGrew { input, line });
        }
        self.left = None;
        Ok(end.saturating_add(rest.len()))
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
