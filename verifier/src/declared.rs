//! What the policy declares, at the time of the run (V1).

use auditlog_chain::policy::{LogPolicy, PolicyError, ShortRetention};

use crate::note::Note;
use crate::place::Place;
use crate::record::Record;
use crate::request::Request;

/// How many times the skew `max_silence` should be: every silence is judged within the skew on both sides.
const SKEWS: u64 = 4;

/// V1: in all spans that still have an effect, retention is at least twice the silence. Notes what is odd and not wrong.
pub(crate) fn check_declared(
    request: &Request<'_>,
    chosen: &[&LogPolicy],
    record: &mut Record,
) -> Result<(), PolicyError> {
    for past in request.policy.check_spans_at(request.now)? {
        let ShortRetention {
            origin,
            retention_days,
            silence_seconds,
            until,
        } = past;
        let note = Note::RetentionWasShort {
            retention_days,
            silence_seconds,
            until,
        };
        record.note(note, Place::of_log(&origin));
    }
    for log in chosen {
        if let Some(note) = silence_near_skew(log, request.max_skew_seconds) {
            record.note(note, Place::of_log(&log.origin));
        }
    }
    Ok(())
}

fn silence_near_skew(log: &LogPolicy, skew_seconds: u32) -> Option<Note> {
    let shortest = log.max_silence.iter().map(|span| span.seconds).min()?;
    let enough = u64::from(skew_seconds).saturating_mul(SKEWS);
    (shortest < enough).then_some(Note::SilenceNearSkew {
        silence_seconds: shortest,
        skew_seconds,
    })
}
