//! What the ranges of a log come to, put together from its beginning: neighbours and keys across their borders, and what only the
//! whole log shows. A run on one machine has one range, and comes here too.

mod tail;

use auditlog_chain::timestamp::Timestamp;

use crate::head::Witness;
use crate::holes::Holes;
use crate::log_plan::LeftOut;
use crate::pin::Pin;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::timeline::Timeline;

use tail::Tail;

/// What was seen of one log, and what was found.
pub(crate) struct Merged {
    /// Number of sound segments, and of entries in them.
    pub(crate) segments: u64,
    pub(crate) entries: u64,
    /// Number of the first sound segment, and when it was opened.
    pub(crate) first: Option<(u64, Timestamp)>,
    /// The last one.
    pub(crate) last: Option<Pin>,
    pub(crate) holes: Holes,
    /// Number of keys where plain readers see something else than the version that was verified.
    pub(crate) shadowed: u64,
    pub(crate) keys: Vec<String>,
    pub(crate) timeline: Timeline,
    pub(crate) witness: Witness,
    pub(crate) record: Record,
}

/// Judges a log from its ranges, in their order. `left_out` is what the listing shows and no range has.
pub(crate) fn merge<'p>(
    log: &'p Log<'p>,
    ranges: impl IntoIterator<Item = RangeResult<'p>>,
    left_out: &'p LeftOut,
) -> Merged {
    let mut whole = RangeResult::at_beginning(log);
    for range in ranges {
        whole.append(range);
    }
    let tally = Tail::new(whole.into_judge(), left_out).check();
    Merged {
        segments: tally.segments,
        entries: tally.entries,
        first: tally.first,
        last: tally.last,
        holes: tally.holes,
        keys: tally.signed_by,
        timeline: tally.timeline,
        shadowed: left_out.shadowed,
        witness: Witness {
            trail: tally.trail,
            lock: log.declared.lock.clone(),
            end: log.declared.end_number(),
            moments: log.moments,
        },
        record: tally.record,
    }
}
