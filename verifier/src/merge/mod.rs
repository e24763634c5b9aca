//! What only the whole log shows, once its ranges are put together from its beginning. A run on one machine has one range, and
//! comes here too.

mod tail;

use auditlog_chain::timestamp::Timestamp;

use crate::head::{CacheFile, Witness};
use crate::holes::Holes;
use crate::log_plan::LeftOut;
use crate::pin::Pin;
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
    /// The absent segment behind which segments are passed over.
    pub(crate) cut: Option<u64>,
    /// Number of keys where plain readers see something else than the version that was verified.
    pub(crate) shadowed: u64,
    pub(crate) keys: Vec<String>,
    pub(crate) timeline: Timeline,
    pub(crate) witness: Witness,
    pub(crate) cache: Option<CacheFile>,
    pub(crate) record: Record,
}

/// Judges a whole log. `whole` is the range over all of its segments, which begins with the log; `left_out` is what the listing
/// shows and no range has.
pub(crate) fn finish<'p>(whole: RangeResult<'p>, left_out: &'p LeftOut) -> Merged {
    let log = whole.log();
    let tally = Tail::new(whole.into_judge(), left_out).check();
    Merged {
        segments: tally.segments,
        entries: tally.entries,
        first: tally.first,
        last: tally.last,
        holes: tally.holes,
        cut: left_out.absent.filter(|_| left_out.passed_over > 0),
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
        cache: None,
    }
}
