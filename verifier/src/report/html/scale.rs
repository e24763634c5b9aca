//! Where a moment is drawn: whole units of a drawing, no fractions.

use auditlog_chain::timestamp::Timestamp;

/// A stretch of time, and the units on which it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: Timestamp,
    until: Timestamp,
    first: i64,
    last: i64,
}

impl Scale {
    /// `from` is drawn at `first`, `until` at `last`, and everything else between them or at the nearer end.
    pub(super) fn new(from: Timestamp, until: Timestamp, first: i64, last: i64) -> Self {
        Self {
            from,
            until: until.max(from),
            first,
            last,
        }
    }

    /// The first moment.
    pub(super) const fn from(&self) -> Timestamp {
        self.from
    }

    /// The last one.
    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    /// Where a moment is.
    pub(super) fn at(&self, time: Timestamp) -> i64 {
        let micros = |time: Timestamp| i128::from(time.as_micros());
        let (from, until) = (micros(self.from), micros(self.until));
        let time = micros(time).clamp(from, until);
        let width = i128::from(self.last.saturating_sub(self.first));
        let offset = time
            .saturating_sub(from)
            .saturating_mul(width)
            .checked_div(until.saturating_sub(from))
            .unwrap_or(0);
        let offset = i64::try_from(offset).unwrap_or(0);
        self.first.saturating_add(offset)
    }

    /// `count` moments at equal distances, the ends among them.
    pub(super) fn ticks(&self, count: i64) -> Vec<Timestamp> {
        let (from, until) = (self.from.as_micros(), self.until.as_micros());
        let step = until
            .saturating_sub(from)
            .checked_div(count.saturating_sub(1))
            .unwrap_or(0);
        if step == 0 {
            return vec![self.from];
        }
        let moments = (0..count).map(|at| from.saturating_add(step.saturating_mul(at)));
        moments.filter_map(Timestamp::from_micros).collect()
    }

    /// A moment as a label: the day, and where the whole scale is short, the time of day.
    pub(super) fn label(&self, time: Timestamp) -> String {
        const DAYS_10: i64 = 864_000;
        let full = time.to_rfc3339();
        let (day, clock) = full.split_once('T').unwrap_or((full.as_str(), ""));
        if self.until.seconds_since(self.from) > DAYS_10 {
            return day.to_owned();
        }
        format!("{day} {}", clock.get(..8).unwrap_or(clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn moments_are_drawn_in_proportion_and_never_outside() {
        let (from, until) = (at("2026-01-01T00:00:00Z"), at("2026-01-11T00:00:00Z"));
        let scale = Scale::new(from, until, 100, 1100);
        for (time, place) in [
            ("2025-01-01T00:00:00Z", 100),
            ("2026-01-01T00:00:00Z", 100),
            ("2026-01-02T12:00:00Z", 250),
            ("2026-01-11T00:00:00Z", 1100),
            ("9998-01-01T00:00:00Z", 1100),
        ] {
            assert_eq!(scale.at(at(time)), place, "{time}");
        }
        assert_eq!(scale.ticks(3), [from, at("2026-01-06T00:00:00Z"), until]);
        assert_eq!(scale.label(from), "2026-01-01 00:00:00");
        let upside_down = Scale::new(from, until, 500, 0);
        assert_eq!(upside_down.at(at("2026-01-06T00:00:00Z")), 250);
    }

    #[test]
    fn one_moment_alone_and_all_of_time_can_be_drawn() {
        let now = at("2026-01-01T00:00:00Z");
        let scale = Scale::new(now, now, 7, 9);
        assert_eq!((scale.at(now), scale.ticks(5)), (7, vec![now]));
        let all = Scale::new(Timestamp::EPOCH, Timestamp::MAX, 0, 2000);
        assert_eq!(all.at(Timestamp::MAX), 2000);
        assert_eq!(all.label(now), "2026-01-01");
        assert_eq!(all.ticks(4).len(), 4);
    }
}
