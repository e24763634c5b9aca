//! What the command writes: results to standard output, everything else to standard error.

use std::io::{self, ErrorKind, Write as _};

use auditlog_sealer::error::{Error, MachineError, Trouble};
use auditlog_sealer::level::Level;

use super::journal::{Entry, OfLog, say};
use super::words::in_keys;

pub(crate) fn print(text: &str) -> Result<(), Error> {
    write(text).map_err(|source| MachineError::NoOutput(source).into())
}

/// Writes to standard output; a reader that has gone away wants no more of it.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(source),
        _ => Ok(()),
    }
}

/// Shows an error, and what to do about it.
pub(crate) fn complain(error: &Error) {
    let hint = error.hint();
    say(&Entry {
        hint: hint.as_deref(),
        ..Entry::new(Level::Error, &error.to_string())
    });
}

/// The same in the words of the service.
pub(super) fn complain_in_keys(error: &Error) {
    complain_of(error, None, None);
}

/// The same of one log, or of one input.
pub(super) fn complain_of(error: &Error, log: Option<OfLog<'_>>, input: Option<&str>) {
    let hint = error.hint_of_service().map(|hint| in_keys(&hint));
    say(&Entry {
        log,
        input,
        cause: log.map(|_| Trouble::of(error).cause),
        hint: hint.as_deref(),
        ..Entry::new(Level::Error, &in_keys(&error.to_string()))
    });
}
