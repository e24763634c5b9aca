//! A2 *Silence*: until when a log has to be heard of again.
//!
//! The largest `max_silence` that was in force meanwhile is not the answer: where it was a year and has been 25 hours for ten
//! months, it let a log be cut back to its last segment before the change (348 of 372 segments). Nor may a span that begins
//! after the deadline excuse anything: a policy that was loosened later would excuse every silence before.

use auditlog_chain::timestamp::Timestamp;

use super::span::{Span, split_at};

/// When a log was last heard of, and until when it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// The last sign of life.
    pub(crate) from: Timestamp,
    /// The next one, or the moment at which silence is judged.
    pub(crate) until: Timestamp,
}

impl Period {
    /// Whether it is all within another one.
    pub(crate) fn is_within(self, other: Self) -> bool {
        other.from <= self.from && self.until <= other.until
    }

    /// The silence, if it was longer than declared.
    pub(crate) fn exceeds(self, spans: &[Span]) -> bool {
        deadline(spans, self.from) < self.until
    }
}

/// Until when a log has to be heard of again after its last sign of life.
///
/// It never falls while the last sign grows: [`earliest_sign`] rests on that.
pub(crate) fn deadline(spans: &[Span], last_sign: Timestamp) -> Timestamp {
    let (span, later) = split_at(spans, last_sign);
    let mut seconds = span.map_or(0, |span| span.seconds);
    let mut deadline = last_sign.saturating_add_seconds(seconds);
    for next in later {
        if next.from >= deadline {
            break;
        }
        deadline = if next.seconds >= seconds {
            deadline.max(last_sign.saturating_add_seconds(next.seconds))
        } else {
            deadline.min(next.from.saturating_add_seconds(next.seconds))
        };
        seconds = next.seconds;
    }
    deadline
}

/// The earliest last sign of life after which the log was heard of in time at `heard`.
pub(crate) fn earliest_sign(spans: &[Span], heard: Timestamp) -> Timestamp {
    // The earliest is in (low, high]: `low` is too early, and a sign at the moment itself is always in time.
    let in_time =
        |micros| Timestamp::from_micros(micros).is_none_or(|time| deadline(spans, time) >= heard);
    let (mut low, mut high) = (-1, heard.as_micros());
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if in_time(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Timestamp::from_micros(high).unwrap_or(Timestamp::EPOCH)
}

/// The silences after the last segment, those that were too long: by the head's `stored`, and by its `sealed` plus the skew.
/// By `stored` alone, an administrator who put old segments back slowly, one each day, would never be noticed.
pub(crate) fn tail(
    spans: &[Span],
    stored: Option<Timestamp>,
    sealed: Option<Timestamp>,
    skew_seconds: i64,
    until: Timestamp,
) -> Vec<Period> {
    let allowed = if stored.is_some() { skew_seconds } else { 0 };
    let sealed = sealed.map(|sealed| sealed.saturating_add_seconds(allowed));
    let periods = stored
        .into_iter()
        .chain(sealed)
        .map(|from| Period { from, until });
    periods.filter(|period| period.exceeds(spans)).collect()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use super::super::world::{HOUR, day, hour};
    use super::*;

    fn hours(from_day: i64, hours: i64) -> Span {
        Span {
            from: day(from_day),
            seconds: hours * HOUR,
        }
    }

    const YEAR: i64 = 365 * 24;

    #[test]
    fn a_log_cut_back_to_its_last_segment_before_silence_was_shortened_is_found() {
        let spans = [hours(0, YEAR), hours(75, 25)];
        // The last segment before the change; 290 days later the old year would still excuse it.
        assert_eq!(deadline(&spans, hour(75 * 24 - 1)), hour(75 * 24 + 25));
        assert_eq!(deadline(&spans, day(40)), hour(75 * 24 + 25));
        assert_eq!(deadline(&spans, day(75)), hour(75 * 24 + 25));
    }

    #[test]
    fn a_silence_is_not_excused_because_the_policy_was_loosened_later() {
        let spans = [hours(0, 25), hours(290, YEAR)];
        assert_eq!(deadline(&spans, day(0)), hour(25));
        // Loosened while the log could still be silent: it may be silent as the new span says, from its last sign on.
        assert_eq!(
            deadline(&spans, hour(290 * 24 - 1)),
            hour(290 * 24 - 1 + YEAR)
        );
        // A span that begins at the deadline itself comes too late.
        assert_eq!(deadline(&spans, hour(290 * 24 - 25)), day(290));
        assert_eq!(
            deadline(&spans, hour(290 * 24 - 24)),
            hour(290 * 24 - 24 + YEAR)
        );
    }

    #[test]
    fn loosening_never_brings_a_deadline_forward_and_shortening_never_puts_it_off() {
        // Shortened at day 10 to 24 h, then loosened at once to 48 h: less than what is left of the first span counts for nothing.
        let spans = [hours(0, 1000), hours(10, 24), hours(11, 12)];
        assert_eq!(deadline(&spans, day(9)), day(11));
        let spans = [hours(0, 100), hours(1, 24), hours(2, 48)];
        // 25 h after the change at day 1 would be day 2, when the third span begins: too late to move it.
        assert_eq!(deadline(&spans, day(0)), day(2));
        let spans = [hours(0, 100), hours(1, 30), hours(2, 30)];
        assert_eq!(deadline(&spans, day(0)), hour(24 + 30));
    }

    #[test]
    fn two_changes_in_a_row_move_the_deadline_twice() {
        let spans = [
            hours(0, 10),
            Span {
                from: hour(5),
                seconds: 20 * HOUR,
            },
            Span {
                from: hour(8),
                seconds: 3 * HOUR,
            },
        ];
        assert_eq!(deadline(&spans, hour(0)), hour(11));
        assert_eq!(deadline(&spans, hour(4)), hour(11));
        assert_eq!(deadline(&spans, hour(9)), hour(12));
    }

    #[test]
    fn the_deadline_never_falls_while_the_last_sign_grows() {
        let spans = [
            hours(0, 70),
            hours(3, 2),
            hours(4, 200),
            hours(5, 30),
            hours(6, 31),
            hours(20, 1),
        ];
        let all: Vec<_> = (0..800).map(|at| deadline(&spans, hour(at))).collect();
        assert!(all.is_sorted());
        for heard in 0..800 {
            let earliest = earliest_sign(&spans, hour(heard));
            assert!(deadline(&spans, earliest) >= hour(heard), "{heard}");
            let before = Timestamp::from_micros(earliest.as_micros() - 1);
            assert!(
                before.is_none_or(|at| deadline(&spans, at) < hour(heard)),
                "{heard}"
            );
        }
    }

    #[test]
    fn the_earliest_sign_is_max_silence_back_or_at_a_change() {
        assert_eq!(
            earliest_sign(&[hours(0, 25)], day(100)),
            hour(100 * 24 - 25)
        );
        // Shortened at day 75: whatever was heard within 25 h of the change may follow a year of silence.
        let spans = [hours(0, YEAR), hours(75, 25)];
        assert_eq!(
            earliest_sign(&spans, hour(75 * 24 + 25)),
            hour(75 * 24 + 25 - YEAR)
        );
        assert_eq!(earliest_sign(&spans, hour(75 * 24 + 26)), hour(75 * 24 + 1));
    }

    #[test]
    fn old_segments_put_back_slowly_are_noticed_by_what_they_say_themselves() {
        let spans = [hours(0, 25)];
        let (skew, until) = (300, day(100));
        let recent = hour(100 * 24 - 20);
        assert_eq!(tail(&spans, Some(recent), Some(recent), skew, until), []);
        let replayed = tail(&spans, Some(recent), Some(day(60)), skew, until);
        assert_eq!(
            replayed,
            [Period {
                from: day(60).saturating_add_seconds(300),
                until
            }]
        );
        // At the very deadline, the skew included.
        let sealed = hour(100 * 24 - 25).saturating_add_seconds(-300);
        assert_eq!(tail(&spans, Some(recent), Some(sealed), skew, until), []);
        // In a folder `sealed` is the only witness, without the skew.
        assert_eq!(tail(&spans, None, Some(sealed), skew, until).len(), 1);
        // A head that is not sound has no `sealed`.
        assert_eq!(tail(&spans, Some(day(60)), None, skew, until).len(), 1);
    }
}
