//! What the command does.

use auditlog_sealer::error::Error;
use auditlog_sealer::signer::LocalKey;
use auditlog_sealer::target::parse_origin;

use arguments::{Command, KeygenArguments, Now};
use clap::CommandFactory as _;
use output::{complain, complain_in_keys, print};

mod append;
mod arguments;
mod aws;
mod config;
mod events;
mod faults;
mod handles;
mod input;
mod journal;
mod keeper;
mod keys;
mod listeners;
mod one_log;
mod output;
mod pages;
mod policy;
mod report;
mod resume;
mod run;
mod secrets;
mod serve;
mod signals;
mod spool;
mod status;
mod systemd;
mod words;

pub(crate) use arguments::Arguments;

/// An error, and whom it is shown to.
pub(crate) struct Failed {
    error: Error,
    /// Whether it is of the service, whose configuration has keys where `append` has options.
    words: Words,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Options,
    Keys,
}

impl Failed {
    /// Shows it, and returns it.
    pub(crate) fn shown(self) -> Error {
        match self.words {
            Words::Options => complain(&self.error),
            Words::Keys => complain_in_keys(&self.error),
        }
        self.error
    }
}

/// Does what was asked for.
pub(crate) fn run(arguments: Arguments, now: Now) -> Result<(), Box<Failed>> {
    let words = match arguments.command {
        Command::Run(_) | Command::CheckConfig(_) | Command::Status(_) => Words::Keys,
        Command::Append(_)
        | Command::Keygen(_)
        | Command::Pages(_)
        | Command::Policy(_)
        | Command::Spool(_)
        | Command::VerifierKey(_) => Words::Options,
    };
    run_command(arguments.command, now).map_err(|error| Box::new(Failed { error, words }))
}

fn run_command(command: Command, now: Now) -> Result<(), Error> {
    match command {
        Command::Append(arguments) => append::run(&arguments, now),
        Command::Keygen(arguments) => keygen(&arguments),
        Command::Policy(arguments) => policy::run(&arguments, now),
        Command::Run(arguments) => serve::run(&arguments, now),
        Command::CheckConfig(arguments) => serve::check(&arguments, now),
        Command::Pages(arguments) => pages::run(&arguments, Arguments::command()),
        Command::Spool(arguments) => spool::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::VerifierKey(arguments) => {
            let origin = parse_origin(&arguments.origin)?;
            let signer = arguments.key.signer(&mut arguments.aws.lazy(None))?;
            print(&format!("{}\n", signer.verifier_key(&origin)))
        }
    }
}

fn keygen(arguments: &KeygenArguments) -> Result<(), Error> {
    let key = LocalKey::generate(arguments.spec)?;
    key.write(&arguments.out)?;
    print(&key.public_key().to_pem())
}
