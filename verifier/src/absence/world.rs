//! What the unit tests of these rules share: days after the beginning of 2026, and spans of whole days.

use auditlog_chain::hash::{Hash, leaf_hash};
use auditlog_chain::timestamp::Timestamp;

use super::border::{Left, Right};
use super::span::Span;

pub(super) const HOUR: i64 = 3600;

/// A day of 2026, from 0.
pub(super) fn day(number: i64) -> Timestamp {
    hour(number * 24)
}

pub(super) fn hour(number: i64) -> Timestamp {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    begin.saturating_add_seconds(number * HOUR)
}

/// From a day on, for so many days.
pub(super) fn span(from: i64, days: i64) -> Span {
    Span {
        from: day(from),
        seconds: days * 24 * HOUR,
    }
}

pub(super) fn root(name: &str) -> Hash {
    leaf_hash(name.as_bytes())
}

/// A segment that was sealed and stored on a day.
pub(super) fn left(number: u64, size: u64, at: i64) -> Left {
    Left {
        number,
        size,
        root: root(&format!("{size}")),
        sealed: day(at),
        stored: Some(day(at)),
    }
}

/// A segment whose predecessor was sealed on one day, and which was stored on another.
pub(super) fn right(number: u64, first_index: u64, sealed_before: i64, stored: i64) -> Right {
    Right {
        number,
        first_index,
        root_before: root(&format!("{first_index}")),
        sealed_before: day(sealed_before),
        stored: Some(day(stored)),
    }
}
