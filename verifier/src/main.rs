//! The command `auditlog-verify`: arguments, clock and environment are read here and passed in.

mod command;

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use auditlog_verifier::verdict::Verdict;
use clap::Parser as _;

use command::{Arguments, ArrayIndex, HASH_KIND, Outcome, Usage, VARIABLES, choose_hash_kind, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let now = Timestamp::from_system_time(SystemTime::now());
    let chosen = choose_hash_kind(env::var_os(HASH_KIND));
    match chosen.and_then(|()| run(&arguments, now, &array_index())) {
        Ok(outcome) => ExitCode::from(write(&outcome)),
        Err(usage) => {
            usage.complain();
            ExitCode::from(Verdict::NoVerdict.exit_code())
        }
    }
}

/// The number that an engine gave this task, where one did.
fn array_index() -> ArrayIndex {
    let set = |name| Some((name, env::var(name).ok()?));
    ArrayIndex(VARIABLES.into_iter().filter_map(set).collect())
}

/// Writes what the command has to say; the exit code. A reader that closed the pipe has read what it wanted, and the exit code says the rest.
fn write(outcome: &Outcome) -> u8 {
    let verdict = outcome.verdict;
    let mut stdout = io::stdout();
    let written = stdout.write_all(outcome.output.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write the report: {error}");
            let hint = format!("the verdict was {verdict}; verify again");
            Usage::new(message, &hint).complain();
            verdict.unread().exit_code()
        }
        _ => verdict.exit_code(),
    }
}
