//! The forms of a report.

use clap::ValueEnum;

/// The form of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Output {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
    /// JUnit XML for pipelines
    Junit,
    /// One page for auditors
    Html,
}
