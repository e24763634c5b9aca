//! How long a log may be silent (rule A2 of verification.md). The verifier has code of its own for it.

use auditlog_chain::policy::{SilenceSpan, span_at};
use auditlog_chain::timestamp::Timestamp;

/// Until when a log must show a sign of life after its last one: the last sign and the `max_silence` of then. A span that
/// begins before that moves it: a longer one puts it off to its own, counted from the last sign, and a shorter one brings it
/// forward to its own, counted from the beginning of the span.
pub(super) fn deadline(spans: &[SilenceSpan], last_sign: Timestamp) -> Timestamp {
    let mut seconds = span_at(spans, last_sign).map_or(i64::MAX, seconds_of);
    let mut deadline = last_sign.saturating_add_seconds(seconds);
    for next in spans.iter().filter(|span| span.from > last_sign) {
        if next.from >= deadline {
            break;
        }
        let found = seconds_of(next);
        deadline = if found >= seconds {
            deadline.max(last_sign.saturating_add_seconds(found))
        } else {
            deadline.min(next.from.saturating_add_seconds(found))
        };
        seconds = found;
    }
    deadline
}

/// The earliest last sign after which a sign at `heard` came in time. The deadline never falls while the last sign grows, so
/// it can be searched for by halves.
pub(super) fn earliest_sign(spans: &[SilenceSpan], heard: Timestamp) -> Timestamp {
    let (mut early, mut late) = (0, heard.as_micros());
    while early < late {
        let middle = early.midpoint(late);
        let time = Timestamp::from_micros(middle).unwrap_or(Timestamp::EPOCH);
        if deadline(spans, time) >= heard {
            late = middle;
        } else {
            early = middle.saturating_add(1);
        }
    }
    Timestamp::from_micros(late).unwrap_or(Timestamp::EPOCH)
}

fn seconds_of(span: &SilenceSpan) -> i64 {
    i64::try_from(span.seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use super::*;

    fn hour(hours: i64) -> Timestamp {
        Timestamp::EPOCH.saturating_add_seconds(hours * 3600)
    }

    fn spans(all: &[(i64, u64)]) -> Vec<SilenceSpan> {
        let span = |(from, hours): &(i64, u64)| SilenceSpan {
            from: hour(*from),
            seconds: hours * 3600,
        };
        all.iter().map(span).collect()
    }

    #[test]
    fn a_shorter_span_counts_from_its_beginning_and_a_longer_one_from_the_last_sign() {
        let year = 365 * 24;
        let shortened = spans(&[(0, year), (100, 25)]);
        assert_eq!(deadline(&shortened, hour(10)), hour(125));
        assert_eq!(deadline(&shortened, hour(100)), hour(125));
        assert_eq!(deadline(&shortened, hour(200)), hour(225));
        let loosened = spans(&[(0, 25), (100, year)]);
        assert_eq!(deadline(&loosened, hour(10)), hour(35));
        assert_eq!(deadline(&loosened, hour(90)), hour(90 + 8760));
        assert_eq!(deadline(&loosened, hour(75)), hour(100));
    }

    #[test]
    fn the_earliest_sign_is_the_first_that_came_in_time() {
        let spans = spans(&[(0, 70), (72, 2), (90, 200), (120, 30)]);
        for heard in 1..500 {
            let earliest = earliest_sign(&spans, hour(heard));
            assert!(deadline(&spans, earliest) >= hour(heard), "{heard}");
            let before = Timestamp::from_micros(earliest.as_micros() - 1);
            let too_early = before.is_none_or(|at| deadline(&spans, at) < hour(heard));
            assert!(too_early, "{heard}");
        }
    }
}
