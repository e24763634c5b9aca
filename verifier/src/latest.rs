//! The last entries of a log, for people who read its report. Nothing of them is judged.

use auditlog_chain::timestamp::Timestamp;

/// The last entries of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// The entries, from the newest.
    pub entries: Vec<LatestEntry>,
    /// Why earlier entries were not read, where the log has some.
    pub unread: Option<String>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestEntry {
    /// Index in the log.
    pub index: u64,
    /// When it was written, by the writer's clock.
    pub written: Timestamp,
    /// Who sent it.
    pub source: Option<String>,
    /// What it says.
    pub event: LatestEvent,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LatestEvent {
    /// An event in a shape that is widely used: its name, and what was found of time, actor, action, resource and outcome.
    Known {
        /// The name of the shape.
        shape: &'static str,
        /// The label and the value of each part.
        parts: Vec<(&'static str, String)>,
    },
    /// Another event as it is.
    Other(String),
}

impl LatestEvent {
    /// The value of a part.
    pub fn part(&self, label: &str) -> Option<&str> {
        let Self::Known { parts, .. } = self else {
            return None;
        };
        let found = parts.iter().find(|(name, _)| *name == label);
        found.map(|(_, value)| value.as_str())
    }
}
