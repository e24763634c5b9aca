//! `auditlog-seal`: chains, signs and writes audit events once.
//!
//! Exit status: 0 sealed; 1 could not seal, or not all; 2 the command was called for something that cannot be.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, Family};
use clap::Parser as _;

mod command;

/// The clock of this machine. One that stands before 1970 reads as 1970, and every head then lies in the future.
fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now()).unwrap_or(Timestamp::EPOCH)
}

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    match command::run(arguments, now) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            match error.family() {
                Family::Usage => ExitCode::from(2),
                Family::Event | Family::Setup | Family::Evidence | Family::Io => ExitCode::FAILURE,
            }
        }
    }
}

fn complain(error: &Error) {
    let mut stderr = io::stderr().lock();
    // Whoever closed standard error does not want to hear it.
    _ = writeln!(stderr, "error: {error}");
    if let Some(hint) = error.hint() {
        _ = writeln!(stderr, "hint: {hint}");
    }
}
