//! Dated spans: a retention or a `max_silence`, in seconds, from a moment until the next span begins.

use auditlog_chain::timestamp::Timestamp;

/// A number of seconds that was declared from a moment on. The first span of a list holds before its own beginning too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// From when on.
    pub(crate) from: Timestamp,
    /// The retention or the `max_silence`.
    pub(crate) seconds: i64,
}

/// Fails closed: a policy without spans cannot be made. Everything must be kept for ever, and no silence is allowed.
const UNDECLARED: i64 = 0;

/// The span of a time, and those that begin after it.
pub(crate) fn split_at(spans: &[Span], time: Timestamp) -> (Option<&Span>, &[Span]) {
    let begun = spans.partition_point(|span| span.from <= time);
    let later = spans.get(begun.max(1)..).unwrap_or_default();
    (spans.get(begun.saturating_sub(1)), later)
}

/// The seconds that were declared at a time.
pub(crate) fn seconds_at(spans: &[Span], time: Timestamp) -> i64 {
    let (span, _) = split_at(spans, time);
    span.map_or(UNDECLARED, |span| span.seconds)
}

/// A time plus the seconds that were declared at that time: until when something that was stored then is retained.
pub(crate) fn end_of(spans: &[Span], time: Timestamp) -> Timestamp {
    time.saturating_add_seconds(seconds_at(spans, time))
}

/// Each span with its end: that of the first one reaches back to the beginning of time, the last one has no end.
pub(crate) fn with_ends(
    spans: &[Span],
) -> impl Iterator<Item = (Timestamp, Span, Option<Timestamp>)> {
    let ends = spans.iter().skip(1).map(|next| Some(next.from));
    spans
        .iter()
        .zip(ends.chain(std::iter::once(None)))
        .enumerate()
        .map(|(at, (span, end))| {
            let from = if at == 0 { Timestamp::EPOCH } else { span.from };
            (from, *span, end)
        })
}

#[cfg(test)]
mod tests {
    use super::super::world::{day, span};
    use super::*;

    #[test]
    fn the_first_span_holds_before_its_own_beginning_and_each_other_one_from_it() {
        let spans = [span(10, 1), span(20, 2), span(30, 3)];
        for (time, days, later) in [(0, 1, 2), (10, 1, 2), (19, 1, 2), (20, 2, 1), (30, 3, 0)] {
            let (found, after) = split_at(&spans, day(time));
            assert_eq!(found.unwrap().seconds, days * 86_400, "{time}");
            assert_eq!(after.len(), later, "{time}");
        }
        assert_eq!(end_of(&spans, day(20)), day(22));
    }

    #[test]
    fn spans_last_until_the_next_one_begins() {
        let all: Vec<_> = with_ends(&[span(10, 1), span(20, 2)]).collect();
        assert_eq!(all[0], (Timestamp::EPOCH, span(10, 1), Some(day(20))));
        assert_eq!(all[1], (day(20), span(20, 2), None));
    }
}
