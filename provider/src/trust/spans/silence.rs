//! How long a log may be silent, in dated spans beside those of its lock.
//!
//! A sealer with the old file can be as silent as that file allows. A shorter silence therefore begins one notice later, and a longer one
//! at once. The retention must be at least twice the silence at each moment, otherwise no cut could be distinguished from expiry. Where
//! the lock that holds at a moment is too short for the longer of both silences, the shorter one holds.

use auditlog_chain::policy::{LockSpan, SilenceSpan, Span, intervals, span_at};
use auditlog_chain::timestamp::Timestamp;

use super::{begun, is_in_force, whole_seconds};

/// Half a day of silence for each day of retention.
const SECONDS_PER_DAY_LOCKED: u64 = 43_200;

/// Declares at a time how long a log may be silent, beside the lock that is declared at the same time.
///
/// Where the spans so far fit the lock that was declared before, and the silence fits the lock that is declared now, the result fits at
/// each moment from now on. Otherwise the caller finds the moment at which it does not.
pub fn declare_silence(
    spans: &[SilenceSpan],
    wanted_seconds: u64,
    lock: &[LockSpan],
    now: Timestamp,
    notice_seconds: u64,
) -> Vec<SilenceSpan> {
    let now = whole_seconds(now);
    let Some(first) = spans.first() else {
        return first_silence(wanted_seconds, lock, now);
    };
    let now = now.max(first.from);
    let is_wanted = spans
        .last()
        .is_some_and(|last| last.seconds == wanted_seconds);
    let mut moments = moments(spans, lock, now);
    let mut at_all = moments.iter().map(|time| (span_at(spans, *time), *time));
    if is_wanted
        && at_all.all(|(span, time)| span.is_none_or(|span| fits(span.seconds, lock, time)))
    {
        return spans.to_vec();
    }
    let notice = i64::try_from(notice_seconds).unwrap_or(i64::MAX);
    let known = now.saturating_add_seconds(notice);
    let settled = lock.last().map_or(known, |last| known.max(last.from));
    moments.push(known);
    moments.sort_unstable();
    let mut declared = begun(spans, now).to_vec();
    for time in moments.into_iter().filter(|time| *time < settled) {
        let before = span_at(spans, time).map_or(wanted_seconds, |span| span.seconds);
        let longer = before.max(wanted_seconds);
        let best = if time < known { longer } else { wanted_seconds };
        let shorter = before.min(wanted_seconds);
        let seconds = if fits(best, lock, time) {
            best
        } else {
            shorter
        };
        put(&mut declared, seconds, time);
    }
    put(&mut declared, wanted_seconds, settled);
    declared
}

/// The silence of a log that is new: what is wanted, and less in each span in force whose lock is too short for it. The first silence
/// holds before its beginning too, so spans that are over count while something that was stored in them may be there.
fn first_silence(wanted: u64, lock: &[LockSpan], now: Timestamp) -> Vec<SilenceSpan> {
    let from = |from| SilenceSpan {
        from,
        seconds: wanted,
    };
    let in_force = intervals(lock).filter(|one| is_in_force(one, now));
    let in_force: Vec<_> = in_force.collect();
    if in_force
        .iter()
        .all(|one| longest_beside(*one.span) >= wanted)
    {
        return vec![from(now)];
    }
    let mut declared = Vec::new();
    for one in in_force {
        let seconds = one
            .until
            .map_or(wanted, |_| wanted.min(longest_beside(*one.span)));
        put(&mut declared, seconds, one.span.from);
    }
    declared
}

/// Now, and each time at which a span begins later.
fn moments(spans: &[SilenceSpan], lock: &[LockSpan], now: Timestamp) -> Vec<Timestamp> {
    let of_lock = lock.iter().map(Span::from);
    let later = spans.iter().map(Span::from).chain(of_lock);
    let later = later.filter(|from| *from > now);
    std::iter::once(now).chain(later).collect()
}

fn fits(seconds: u64, lock: &[LockSpan], time: Timestamp) -> bool {
    span_at(lock, time).is_none_or(|lock| longest_beside(*lock) >= seconds)
}

/// The longest silence that a retention is twice as long as.
fn longest_beside(lock: LockSpan) -> u64 {
    u64::from(lock.retention_days).saturating_mul(SECONDS_PER_DAY_LOCKED)
}

fn put(spans: &mut Vec<SilenceSpan>, seconds: u64, from: Timestamp) {
    spans.pop_if(|last| last.from >= from);
    if spans.last().is_none_or(|last| last.seconds != seconds) {
        spans.push(SilenceSpan { from, seconds });
    }
}

#[cfg(test)]
mod tests {
    use auditlog_chain::policy::LockMode;

    use super::*;
    use crate::trust::spans::DEFAULT_NOTICE_SECONDS;

    const HOUR: u64 = 3_600;

    fn hour(hours: i64) -> Timestamp {
        let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        begin.saturating_add_seconds(hours.saturating_mul(3_600))
    }

    /// Spans of locks, by hour and days.
    fn locks(spans: &[(i64, u32)]) -> Vec<LockSpan> {
        let span = |(from, days): &(i64, u32)| LockSpan {
            from: hour(*from),
            mode: LockMode::Governance,
            retention_days: *days,
        };
        spans.iter().map(span).collect()
    }

    /// Silences that are declared one after the other, by hour and in hours, beside a lock.
    fn beside(lock: &[(i64, u32)], changes: &[(i64, u64)]) -> Vec<(i64, u64)> {
        let lock = locks(lock);
        let spans = changes.iter().fold(Vec::new(), |spans, (at, hours)| {
            let wanted = hours.saturating_mul(HOUR);
            declare_silence(&spans, wanted, &lock, hour(*at), DEFAULT_NOTICE_SECONDS)
        });
        shown(&spans)
    }

    fn shown(spans: &[SilenceSpan]) -> Vec<(i64, u64)> {
        let shown = |span: &SilenceSpan| {
            let hours = span.from.seconds_since(hour(0)).checked_div(3_600);
            (hours.unwrap(), span.seconds.checked_div(HOUR).unwrap())
        };
        spans.iter().map(shown).collect()
    }

    #[test]
    fn shorter_silence_begins_one_notice_later_and_a_longer_one_at_once() {
        let declared = |changes: &[(i64, u64)]| beside(&[(0, 30)], changes);
        assert_eq!(declared(&[(0, 25), (100, 7)]), [(0, 25), (124, 7)]);
        assert_eq!(declared(&[(0, 25), (100, 48)]), [(0, 25), (100, 48)]);
        assert_eq!(declared(&[(0, 25), (100, 7), (110, 25)]), [(0, 25)]);
        assert_eq!(
            declared(&[(0, 25), (100, 7), (110, 48)]),
            [(0, 25), (110, 48)]
        );
        let twice = declared(&[(0, 25), (100, 7), (110, 6), (120, 6)]);
        assert_eq!(twice, [(0, 25), (124, 7), (134, 6)]);
    }

    #[test]
    fn silence_that_is_too_long_for_the_lock_of_a_moment_waits_for_the_next_one() {
        let pending = [(0, 3), (124, 4), (150, 10)];
        let longer = beside(&pending, &[(0, 25), (100, 48)]);
        assert_eq!(longer, [(0, 25), (124, 48)]);
        let longest = beside(&pending, &[(0, 25), (100, 120)]);
        assert_eq!(longest, [(0, 25), (150, 120)]);
        // the silence of the last span is what is wanted, whether it fits or not
        assert_eq!(
            beside(&pending, &[(0, 25), (100, 500)]),
            [(0, 25), (150, 500)]
        );
    }

    #[test]
    fn silence_that_is_too_long_for_a_weakened_lock_becomes_shorter_at_once() {
        let weakened = beside(&[(0, 30), (100, 3)], &[(0, 240), (100, 25)]);
        assert_eq!(weakened, [(0, 240), (100, 25)]);
        // also where nothing but the lock changed
        let before = [(0, 240), (124, 25)].map(|(at, hours)| SilenceSpan {
            from: hour(at),
            seconds: HOUR.saturating_mul(hours),
        });
        let lock = locks(&[(0, 30), (110, 3)]);
        let now = declare_silence(&before, 25 * HOUR, &lock, hour(110), DEFAULT_NOTICE_SECONDS);
        assert_eq!(shown(&now), [(0, 240), (110, 25)]);
        let same = declare_silence(&before, 25 * HOUR, &locks(&[(0, 30)]), hour(110), 0);
        assert_eq!(shown(&same), [(0, 240), (124, 25)]);
    }

    #[test]
    fn silence_of_a_new_log_is_shorter_while_a_lock_is_in_force_that_is_too_short_for_it() {
        let first = |lock: &[(i64, u32)], hours| beside(lock, &[(100, hours)]);
        assert_eq!(first(&[(0, 3), (124, 4)], 36), [(100, 36)]);
        assert_eq!(first(&[(0, 3), (124, 4)], 48), [(0, 36), (124, 48)]);
        assert_eq!(first(&[(0, 3), (90, 4)], 48), [(0, 36), (90, 48)]);
        assert_eq!(first(&[(0, 1), (10, 4)], 48), [(100, 48)], "expired");
        assert_eq!(first(&[(0, 3)], 48), [(0, 48)], "it never fits");
        assert_eq!(first(&[], 48), [(100, 48)]);
    }
}
