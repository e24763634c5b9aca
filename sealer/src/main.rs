//! `auditlog-seal`: chains, signs and writes audit events once.
//!
//! Exit status: 0 sealed; 1 could not seal, or not all; 2 the command cannot be carried out as it was called: options, or the
//! trust policy, the pins, the key or the spool that they name.

use std::process::ExitCode;
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use clap::Parser as _;

mod command;

/// The clock of this machine. One that is before 1970 reads as 1970, and every head is then in the future.
fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now()).unwrap_or(Timestamp::EPOCH)
}

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    match command::run(arguments, now) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            let error = (*failed).shown();
            if error.is_of_the_call() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
