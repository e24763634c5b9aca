//! A7 *Holds*: until when a lock keeps a version.

use auditlog_chain::timestamp::Timestamp;

/// Until when a version is retained, where it is.
///
/// An event hold counts from `begun` for its own duration: a hold of one day must not count as six years, although nobody
/// knows when it ends. A legal hold does not count: whoever set it can lift it.
pub(crate) fn retained_until(
    retain_until: Option<Timestamp>,
    held_for_seconds: Option<i64>,
    begun: Timestamp,
) -> Option<Timestamp> {
    let held = held_for_seconds.map(|seconds| begun.saturating_add_seconds(seconds));
    retain_until.max(held)
}

#[cfg(test)]
mod tests {
    use super::super::world::day;
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a_hold_of_one_day_does_not_count_as_six_years() {
        assert_eq!(retained_until(None, Some(DAY), day(9)), Some(day(10)));
        assert_eq!(retained_until(None, None, day(9)), None);
    }

    #[test]
    fn a_retain_until_that_is_later_than_the_hold_counts() {
        assert_eq!(
            retained_until(Some(day(30)), Some(DAY), day(9)),
            Some(day(30))
        );
        assert_eq!(
            retained_until(Some(day(3)), Some(DAY), day(9)),
            Some(day(10))
        );
        assert_eq!(retained_until(Some(day(3)), None, day(9)), Some(day(3)));
    }
}
