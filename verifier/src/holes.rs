//! Segments that are absent for a reason that is not a fault.

use serde::{Deserialize, Serialize};

/// Most holes of a log that a report lists; what goes beyond is counted. Stops a log with every second segment gone from
/// filling the memory.
const MAX_LISTED: usize = 10_000;

/// Segments that are absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Number of the first that is absent.
    pub first: u64,
    /// Number of the last that is absent.
    pub last: u64,
    /// Why they may be absent.
    pub why: WhyAbsent,
}

/// Why segments may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyAbsent {
    /// Their retention has passed.
    Expired,
    /// The policy acknowledges that they are missing.
    Acknowledged,
}

/// The holes of a log, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holes {
    listed: Vec<Hole>,
    count: u64,
}

impl Holes {
    /// Adds the next hole.
    pub(crate) fn add(&mut self, hole: Hole) {
        self.count = self.count.saturating_add(1);
        if self.listed.len() < MAX_LISTED {
            self.listed.push(hole);
        }
    }

    /// Adds those that come next.
    pub(crate) fn append(&mut self, next: Self) {
        self.count = self.count.saturating_add(next.count);
        let room = MAX_LISTED.saturating_sub(self.listed.len());
        self.listed.extend(next.listed.into_iter().take(room));
    }

    /// The first of them.
    pub fn listed(&self) -> &[Hole] {
        &self.listed
    }

    /// Whether all of them are listed.
    pub(crate) fn are_all_listed(&self) -> bool {
        u64::try_from(self.listed.len()) == Ok(self.count)
    }

    /// Whether as many are listed as have room.
    pub(crate) fn are_full_or_all_listed(&self) -> bool {
        let listed = u64::try_from(self.listed.len()).unwrap_or(u64::MAX);
        self.count == listed || (self.listed.len() == MAX_LISTED && self.count > listed)
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }
}
