//! One block: which segments may be kept together, and under which name.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::log_plan::Slot;
use crate::parts::document::write;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::range::written::Written;

/// A block that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Number of its first segment.
    pub(super) first: u64,
    /// What its result is a function of.
    pub(super) name: Hash,
    /// Until when all locks in it hold, whatever anybody does.
    pub(super) firm_until: Timestamp,
    /// What was found: nothing, and what the next block is judged against.
    pub(super) result: Written,
}

/// The version id that S3 gives where it keeps no versions: another object can have it later.
const UNVERSIONED: &str = "null";

/// Whether what is listed may be the block of a size that begins with this number: every segment once, and nothing over it.
pub(super) fn is_whole(first: u64, size: u64, slots: &[(u64, &Slot)]) -> bool {
    let all = first..first.saturating_add(size);
    slots.len() == usize::try_from(size).unwrap_or(usize::MAX)
        && slots.iter().map(|(number, _)| *number).eq(all)
        && slots.iter().all(|(_, slot)| is_plain(slot))
}

fn is_plain(slot: &Slot) -> bool {
    let [version] = &*slot.versions else {
        return false;
    };
    let is_version = version.id.as_deref().is_some_and(|id| id != UNVERSIONED);
    is_version
        && version.stored.is_some()
        && slot.markers.is_empty()
        && slot.foreign.is_none()
        && !slot.disowned_is_current
}

/// The name of a block: everything that its result is a function of, except for the moments of the run. Those only ever let what is
/// clean stay so: nothing in a block is absent, and what was not in the future is not any more.
pub(super) fn name(log: &Log<'_>, slots: &[(u64, &Slot)]) -> Hash {
    let last = slots.last().map_or(u64::MAX, |(number, _)| *number);
    Hash::of(&write(&(log.fingerprint(last), slots)))
}

/// The range of a block as it is kept; `None` where anything was found in it, or where it cannot be judged alone.
pub(super) fn keep(range: &RangeResult<'_>, name: Hash, first: u64) -> Option<Block> {
    let firm_until = range.clean()?;
    Some(Block {
        first,
        name,
        firm_until,
        result: range.written_for_cache(),
    })
}
