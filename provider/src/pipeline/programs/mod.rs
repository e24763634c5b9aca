//! The programs that are rendered, a file each. To add one, write its file and name it here.

mod fluent_bit;
mod fluentd;
mod logstash;
mod syslog_ng;
mod vector;

use super::program::Program;

/// Every program.
pub(super) const PROGRAMS: [&Program; 5] = [
    &fluent_bit::PROGRAM,
    &fluentd::PROGRAM,
    &logstash::PROGRAM,
    &syslog_ng::PROGRAM,
    &vector::PROGRAM,
];

/// The program of a name.
pub(super) fn program(name: &str) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.name == name)
}
