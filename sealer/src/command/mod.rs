//! What the command does.

use auditlog_sealer::error::Error;
use auditlog_sealer::signer::LocalKey;
use auditlog_sealer::target::parse_origin;

use arguments::{Command, KeygenArguments, Now};
use clap::CommandFactory as _;
use output::print;

mod append;
mod arguments;
mod aws;
mod config;
mod events;
mod input;
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
mod serve;
mod signals;
mod spool;
mod status;
mod systemd;

pub(crate) use arguments::Arguments;
pub(crate) use output::complain;

/// Does what was asked for.
pub(crate) fn run(arguments: Arguments, now: Now) -> Result<(), Error> {
    match arguments.command {
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
