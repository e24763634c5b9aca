//! Times and durations of the store.

use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::primitives::DateTime;

/// S3 has no retention in months; a year of it has 365 days.
pub(super) const YEAR_DAYS: i32 = 365;

/// S3 keeps whole seconds. The time of a store that keeps more is cut off to them.
pub(super) fn whole_seconds(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_micros(time?.secs().checked_mul(1_000_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_off_to_whole_seconds() {
        let time = DateTime::from_secs_and_nanos(1_000, 999_000_000);
        assert_eq!(
            whole_seconds(Some(&time)),
            Timestamp::from_micros(1_000_000_000)
        );
        assert_eq!(whole_seconds(Some(&DateTime::from_secs(-1))), None);
    }
}
