//! Times of entries as text (RFC 3339, UTC), to the nanosecond where the sender has it.

use std::fmt::Write as _;

/// Seconds of the year 0 and of the year 10000: between them, a year has four digits.
const FIRST: i64 = -62_167_219_200;
const END: i64 = 253_402_300_800;

const DAY: i64 = 86_400;

/// Writes seconds since 1970, with nine digits of a fraction where there is one; `false` where the year does not have four digits.
pub(super) fn push_time(to: &mut String, seconds: i64, nanos: Option<u32>) -> bool {
    if !(FIRST..END).contains(&seconds) || nanos.is_some_and(|nanos| nanos > 999_999_999) {
        return false;
    }
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let part = |by: i64, of: i64| {
        second
            .checked_div(by)
            .unwrap_or(0)
            .checked_rem(of)
            .unwrap_or(0)
    };
    let (hour, minute, second) = (part(3600, 24), part(60, 60), part(1, 60));
    // Writing into a string cannot fail.
    _ = write!(
        to,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    );
    if let Some(nanos) = nanos {
        _ = write!(to, ".{nanos:09}");
    }
    to.push('Z');
    true
}

/// The date of a day since 1970, counted in years that begin with March, so that the leap day is the last of its year.
fn date(days: i64) -> (i64, i64, i64) {
    let div = |a: i64, b: i64| a.checked_div_euclid(b).unwrap_or(0);
    let times = |a: i64, b: i64| a.saturating_mul(b);
    let days = days.saturating_add(719_468);
    let era = div(days, 146_097);
    let of_era = days.saturating_sub(times(era, 146_097));
    let leaps = div(of_era, 1460).saturating_sub(div(of_era, 36_524));
    let leaps = leaps.saturating_add(div(of_era, 146_096));
    let year = div(of_era.saturating_sub(leaps), 365);
    let before = times(year, 365)
        .saturating_add(div(year, 4))
        .saturating_sub(div(year, 100));
    let of_year = of_era.saturating_sub(before);
    let from_march = div(times(of_year, 5).saturating_add(2), 153);
    let before = div(times(from_march, 153).saturating_add(2), 5);
    let day = of_year.saturating_sub(before).saturating_add(1);
    let (month, later) = match from_march {
        0..10 => (from_march.saturating_add(3), 0),
        _ => (from_march.saturating_sub(9), 1),
    };
    let year = year.saturating_add(times(era, 400)).saturating_add(later);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use auditlog_chain::timestamp::Timestamp;

    use super::*;

    fn text(seconds: i64, nanos: Option<u32>) -> Option<String> {
        let mut text = String::new();
        push_time(&mut text, seconds, nanos).then_some(text)
    }

    #[test]
    fn dates_are_those_of_the_chain() {
        let mut seconds = 0;
        while seconds < 253_000_000_000 {
            let micros = seconds * 1_000_000;
            let expected = Timestamp::from_micros(micros).map(|time| time.to_string());
            let found = text(seconds, Some(0)).map(|text| text.replace(".000000000Z", ".000000Z"));
            assert_eq!(found, expected, "{seconds}");
            seconds += 53 * DAY + 12_345;
        }
    }

    #[test]
    fn fractions_have_nine_digits_and_years_four() {
        for (seconds, nanos, expected) in [
            (0, None, Some("1970-01-01T00:00:00Z")),
            (
                1_709_164_799,
                Some(1),
                Some("2024-02-28T23:59:59.000000001Z"),
            ),
            (
                -1,
                Some(999_999_999),
                Some("1969-12-31T23:59:59.999999999Z"),
            ),
            (FIRST, None, Some("0000-01-01T00:00:00Z")),
            (END - 1, None, Some("9999-12-31T23:59:59Z")),
            (END, None, None),
            (FIRST - 1, None, None),
            (0, Some(1_000_000_000), None),
        ] {
            assert_eq!(text(seconds, nanos).as_deref(), expected, "{seconds}");
        }
    }
}
