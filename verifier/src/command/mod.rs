//! What the command does. Each subcommand has a file of its own, with its arguments and one function that runs it; without a
//! subcommand, the command verifies.

mod absent;
mod apart;
mod arguments;
mod array_index;
#[cfg(feature = "s3")]
mod bytes;
mod check;
mod consistency;
mod cores;
mod declaration;
mod evidence;
mod export;
mod files;
mod find;
mod form;
mod groups;
mod hashing;
mod heads;
mod kept;
mod kept_place;
mod log;
mod merge;
mod outcome;
mod pages;
mod part;
mod plan;
mod plan_folder;
#[cfg(feature = "s3")]
mod probe;
mod proof_files;
mod prove;
mod proven;
mod show;
mod target;
mod usage;
mod verify;
mod version;
mod written;

use auditlog_chain::timestamp::Timestamp;
use clap::CommandFactory as _;

pub(crate) use arguments::Arguments;
use arguments::Subcommand;
pub(crate) use array_index::{ArrayIndex, VARIABLES};
pub(crate) use hashing::{VARIABLE as HASH_KIND, choose as choose_hash_kind};
pub(crate) use outcome::Outcome;
pub(crate) use usage::Usage;

/// Does what was asked for. `now` is this machine's clock; `None` where it is out of range. `index` is the
/// number that an engine gave this task.
pub(crate) fn run(
    arguments: &Arguments,
    now: Option<Timestamp>,
    index: &ArrayIndex,
) -> Result<Outcome, Usage> {
    let now = now.ok_or_else(|| {
        let message = "the clock of this machine is not between 1970 and 9998";
        Usage::new(message, "set the clock: timedatectl")
    });
    match &arguments.subcommand {
        None => verify::run(&arguments.verify, now?),
        Some(Subcommand::Find(arguments)) => find::run(arguments),
        Some(Subcommand::Show(arguments)) => show::run(arguments),
        Some(Subcommand::Prove(arguments)) => prove::run(arguments),
        Some(Subcommand::Consistency(arguments)) => consistency::run(arguments),
        Some(Subcommand::Check(arguments)) => check::run(arguments),
        Some(Subcommand::Evidence(arguments)) => evidence::run(arguments, now?),
        Some(Subcommand::Export(arguments)) => export::run(arguments),
        Some(Subcommand::Plan(arguments)) => plan::run(arguments, now?),
        Some(Subcommand::Part(arguments)) => part::run(arguments, index),
        Some(Subcommand::Merge(arguments)) => merge::run(arguments, now?),
        #[cfg(feature = "s3")]
        Some(Subcommand::Probe(arguments)) => probe::run(arguments, now?),
        Some(Subcommand::Pages(arguments)) => pages::run(arguments, Arguments::command()),
    }
}
