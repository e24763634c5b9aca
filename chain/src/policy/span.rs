//! Dated spans: a value that holds from a time until the next span begins, and the first one also before it.

use crate::timestamp::Timestamp;

/// A value with the time from which it holds.
pub trait Span: Copy {
    /// From when on it holds.
    fn from(&self) -> Timestamp;
}

/// A span with the time at which it ends: the beginning of the next one, `None` for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval<'s, S> {
    /// The span.
    pub span: &'s S,
    /// From when on it holds; the first one always did.
    pub from: Timestamp,
    /// Until when it holds; `None` for the last span.
    pub until: Option<Timestamp>,
}

/// The span that holds at a time. Before the first span, the first one holds; `None` only where there is no span at all.
pub fn span_at<S: Span>(spans: &[S], time: Timestamp) -> Option<&S> {
    let begun = spans.partition_point(|span| span.from() <= time);
    spans.get(begun.saturating_sub(1))
}

/// Every span with its beginning and its end.
pub fn intervals<S: Span>(spans: &[S]) -> impl Iterator<Item = Interval<'_, S>> {
    let ends = spans.iter().skip(1).map(|span| Some(span.from()));
    let begins = std::iter::once(Timestamp::EPOCH).chain(spans.iter().skip(1).map(Span::from));
    let bounds = begins.zip(ends.chain(std::iter::once(None)));
    spans
        .iter()
        .zip(bounds)
        .map(|(span, (from, until))| Interval { span, from, until })
}

/// Every pair of two kinds of spans that hold at the same time, with the time at which the shorter one ends. Each step ends
/// one span, so that two lists cost the sum of their lengths.
pub(super) fn overlaps<'s, A: Span, B: Span>(
    one: &'s [A],
    other: &'s [B],
) -> impl Iterator<Item = (&'s A, &'s B, Option<Timestamp>)> {
    let (mut ones, mut others) = (intervals(one).peekable(), intervals(other).peekable());
    std::iter::from_fn(move || {
        let (a, b) = (*ones.peek()?, *others.peek()?);
        let a_end = a.until.unwrap_or(Timestamp::MAX);
        let b_end = b.until.unwrap_or(Timestamp::MAX);
        if a_end <= b_end {
            ones.next();
        }
        if b_end <= a_end {
            others.next();
        }
        let until = a.until.into_iter().chain(b.until).min();
        Some((a.span, b.span, until))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct At(i64);

    impl Span for At {
        fn from(&self) -> Timestamp {
            Timestamp::from_micros(self.0).unwrap()
        }
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    #[test]
    fn a_span_holds_until_the_next_one_and_the_first_one_also_before_it() {
        let spans = [At(10), At(20), At(30)];
        for (time, expected) in [(0, 10), (10, 10), (19, 10), (20, 20), (29, 20), (99, 30)] {
            assert_eq!(span_at(&spans, at(time)).unwrap().0, expected, "{time}");
        }
        assert!(span_at::<At>(&[], at(0)).is_none());
        let bounds: Vec<_> = intervals(&spans).map(|one| (one.from, one.until)).collect();
        let expected = [
            (Timestamp::EPOCH, Some(at(20))),
            (at(20), Some(at(30))),
            (at(30), None),
        ];
        assert_eq!(bounds, expected);
    }

    #[test]
    fn spans_that_hold_at_the_same_time_are_paired_once() {
        let (one, other) = ([At(10), At(20), At(30)], [At(0), At(25), At(30), At(40)]);
        let pairs: Vec<_> = overlaps(&one, &other)
            .map(|(a, b, until)| (a.0, b.0, until.map(Timestamp::as_micros)))
            .collect();
        let expected = [
            (10, 0, Some(20)),
            (20, 0, Some(25)),
            (20, 25, Some(30)),
            (30, 30, Some(40)),
            (30, 40, None),
        ];
        assert_eq!(pairs, expected);
    }
}
