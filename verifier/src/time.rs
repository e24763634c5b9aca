//! Time (V21 to V23, V29): what the writer's clock says is bounded by what the store's clock says.

use auditlog_chain::timestamp::Timestamp;

use crate::absence::moments::Moments;
use crate::facts::Sound;
use crate::fault::Fault;
use crate::source::ClockReading;
use crate::undecided::Undecided;

/// V29: the clock that everything is judged by differs from the store's by at most the skew.
pub(crate) fn check_clock(skew_seconds: i64, reading: ClockReading) -> Option<Undecided> {
    (reading.apart_seconds > skew_seconds).then_some(Undecided::ClockDiffers {
        store: reading.store,
        ours: reading.ours,
        skew_seconds,
    })
}

/// V21, V23: a segment was sealed before it was stored, and not in the future.
pub(crate) fn check_sealed(
    moments: Moments,
    sound: &Sound,
    stored: Option<Timestamp>,
) -> Option<Fault> {
    let found = sound.sealed;
    if let Some(stored) = stored {
        let expected = stored.saturating_add_seconds(moments.skew_seconds);
        if found > expected {
            return Some(Fault::SealedAfterStored {
                segment: sound.number,
                stored,
                expected,
                found,
            });
        }
    }
    let expected = moments.latest();
    (found > expected).then_some(Fault::SealedInFuture { expected, found })
}

/// V22: no segment was stored before its predecessor, by more than two clocks of the store may differ.
pub(crate) fn check_stored_order(
    before: Option<Timestamp>,
    stored: Option<Timestamp>,
    skew_seconds: i64,
) -> Option<(Timestamp, Timestamp)> {
    let (before, found) = before.zip(stored)?;
    let expected = before.saturating_add_seconds(skew_seconds.saturating_neg());
    (found < expected).then_some((expected, found))
}
