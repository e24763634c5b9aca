//! The programs that are rendered, a file each. To add one, write its file and name it here.

mod filebeat;
mod fluent_bit;
mod fluentd;
mod hoop;
mod kubernetes;
mod logstash;
mod opentelemetry;
mod rsyslog;
mod syslog_ng;
mod vector;

use super::program::Program;

/// Every program.
pub(super) const PROGRAMS: [&Program; 11] = [
    &filebeat::PROGRAM,
    &fluent_bit::PROGRAM,
    &fluentd::PROGRAM,
    &hoop::PROGRAM,
    &kubernetes::PROGRAM,
    &logstash::PROGRAM,
    &opentelemetry::PROGRAM,
    &rsyslog::RELP,
    &rsyslog::TCP,
    &syslog_ng::PROGRAM,
    &vector::PROGRAM,
];

/// The program of a name.
pub(super) fn program(name: &str) -> Option<&'static Program> {
    PROGRAMS.into_iter().find(|program| program.name == name)
}
