//! Where something was found.

use auditlog_chain::origin::Origin;
use serde::{Deserialize, Serialize};

/// Where something was found: as much as is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The log.
    pub log: Option<Origin>,
    /// The object's key.
    pub object: Option<String>,
    /// The version of the object.
    pub version_id: Option<String>,
    /// Number of the line in the segment, from 1.
    pub line: Option<u64>,
    /// Index of the line in the log.
    pub index: Option<u64>,
}

impl Place {
    /// A log as a whole.
    pub fn of_log(origin: &Origin) -> Self {
        Self {
            log: Some(origin.clone()),
            ..Self::default()
        }
    }
}

/// Something that was found, and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed<T> {
    /// What was found.
    pub what: T,
    /// Where.
    pub place: Place,
}
