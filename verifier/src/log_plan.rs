//! What the listing shows of one log (V4).

use std::collections::BTreeMap;

use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::source::{Marker, Version};
use crate::word::{self, Word};

/// What the listing shows under the key of one segment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// Its versions, from the newest to the oldest.
    pub(crate) versions: Vec<Version>,
    /// Its delete markers.
    pub(crate) markers: Vec<Marker>,
    /// What is there in place of an object, such as a symbolic link.
    #[serde(with = "word::optional")]
    pub(crate) foreign: Option<Word>,
    /// Whether a plain reader gets a version that is disowned.
    pub(crate) disowned_is_current: bool,
}

impl Slot {
    /// Whether there is anything but delete markers.
    pub(crate) fn is_present(&self) -> bool {
        !self.versions.is_empty() || self.foreign.is_some()
    }
}

/// The segments of one log, as listed.
#[derive(Debug)]
pub(crate) struct LogPlan<'p> {
    pub(crate) log: &'p LogPolicy,
    pub(crate) slots: BTreeMap<u64, Slot>,
    pub(crate) left_out: LeftOut,
}

/// What was listed and is left out, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// Versions and delete markers that came after the listing had begun.
    pub(crate) passed_over: u64,
    /// Versions after the declared end.
    pub(crate) disowned_versions: u64,
    /// Delete markers behind it.
    pub(crate) disowned_markers: u64,
    /// Keys under which a plain reader gets something other than what was verified.
    pub(crate) shadowed: u64,
    /// Whether nothing of the log remains to be looked at, not even a delete marker.
    pub(crate) nothing_is_left: bool,
    /// What is dated in the future: segment, version id and date.
    pub(crate) future: Vec<(u64, Option<String>, Timestamp)>,
}
