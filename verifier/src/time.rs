//! Time (V21 to V24, V29): what the writer's clock says is bounded by what the store's clock says, and no log is silent for
//! longer than declared.

use auditlog_chain::policy::{SilenceSpan, span_at};
use auditlog_chain::segment::CheckedSegment;
use auditlog_chain::timestamp::Timestamp;

use crate::fault::{Fault, Silence};
use crate::source::ClockReading;
use crate::undecided::Undecided;

/// The clocks and what they are allowed to differ by.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// The verifier's own.
    pub(crate) now: Timestamp,
    pub(crate) skew_seconds: i64,
}

/// V29: the clock that everything is judged by is the store's too, give or take the skew.
pub(crate) fn check_clock(clock: Clock, reading: ClockReading) -> Option<Undecided> {
    (reading.apart_seconds > clock.skew_seconds).then_some(Undecided::ClockDiffers {
        store: reading.store,
        ours: reading.ours,
        skew_seconds: clock.skew_seconds,
    })
}

/// V21, V23: a segment was sealed before it was stored, and not in the future.
pub(crate) fn check_sealed(
    clock: Clock,
    segment: &CheckedSegment,
    stored: Option<Timestamp>,
) -> Option<Fault> {
    let found = segment.sealed();
    if let Some(stored) = stored {
        let expected = stored.saturating_add_seconds(clock.skew_seconds);
        if found > expected {
            return Some(Fault::SealedAfterStored {
                stored,
                expected,
                found,
            });
        }
    }
    let expected = clock.now.saturating_add_seconds(clock.skew_seconds);
    (found > expected).then_some(Fault::SealedInFuture { expected, found })
}

/// V22: no segment was stored before its predecessor.
pub(crate) fn check_stored_order(
    before: Option<Timestamp>,
    stored: Option<Timestamp>,
) -> Option<Fault> {
    let (expected, found) = before.zip(stored)?;
    (found < expected).then_some(Fault::StoredOrder { expected, found })
}

/// V24: the log was not silent from `since` to `until` for longer than the largest `max_silence` in force meanwhile.
pub(crate) fn check_silence(
    spans: &[SilenceSpan],
    since: Timestamp,
    until: Timestamp,
    place: Silence,
) -> Option<Fault> {
    let within = spans
        .iter()
        .filter(|span| span.from > since && span.from <= until);
    let at_first = span_at(spans, since).map_or(0, |span| span.seconds);
    let declared = within.map(|span| span.seconds).fold(at_first, u64::max);
    let latest = since.saturating_add_seconds(i64::try_from(declared).unwrap_or(i64::MAX));
    let found = u64::try_from(until.seconds_since(since)).unwrap_or(0);
    (until > latest).then_some(Fault::SilenceExceeded {
        place,
        expected: declared,
        found,
    })
}
