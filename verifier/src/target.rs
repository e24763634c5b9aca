//! What was verified, as a report names it.

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// What a report calls it.
    pub(crate) name: String,
    /// The prefix that the listing was confined to.
    pub(crate) scope: String,
    /// Whether versions, locks and times count as evidence.
    pub(crate) has_storage: bool,
    /// Whether it said what time it is.
    pub(crate) has_clock: bool,
}

impl Target {
    /// The target that a source is.
    pub(crate) fn of(source: &dyn Source) -> Self {
        Self {
            name: source.name(),
            scope: source.scope().to_owned(),
            has_storage: source.has_storage(),
            has_clock: source.clock().is_some(),
        }
    }
}
