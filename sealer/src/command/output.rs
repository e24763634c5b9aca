//! What the command writes: results to standard output, everything else to standard error.

use std::io::{self, ErrorKind, Write as _};

use auditlog_sealer::error::{Error, MachineError};

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
    show(&error.to_string(), error.hint());
}

/// The same in the words of the service.
pub(super) fn complain_in_keys(error: &Error) {
    let hint = error.hint_of_service().map(|hint| in_keys(&hint));
    show(&in_keys(&error.to_string()), hint);
}

fn show(error: &str, hint: Option<String>) {
    let mut stderr = io::stderr().lock();
    // Whoever closed standard error does not want to read it.
    _ = writeln!(stderr, "error: {error}");
    if let Some(hint) = hint {
        _ = writeln!(stderr, "hint: {hint}");
    }
}
