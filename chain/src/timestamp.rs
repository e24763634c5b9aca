//! Points in time with one written form: RFC 3339 in UTC with six decimals, 27 bytes (F15).

use std::fmt;

use jiff::tz::Offset;

/// A point in time, in whole microseconds, from 1970 to the end of 9998.
///
/// Parsed from and written as `2026-11-22T19:46:24.000000Z` and in no other way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9998-12-31T23:59:59.999999Z.
const MAX_MICROS: i64 = 253_370_764_799_999_999;

impl Timestamp {
    /// Bytes of the written form.
    pub const LEN: usize = 27;

    /// The start of 1970.
    pub const EPOCH: Self = Self(0);

    /// The end of 9998.
    pub const MAX: Self = Self(MAX_MICROS);

    /// From microseconds since the start of 1970; `None` before it and after the year 9998.
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros >= 0 && micros <= MAX_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// From a system clock's reading, cut off to the microsecond; `None` outside the years 1970 to 9998.
    pub fn from_system_time(time: std::time::SystemTime) -> Option<Self> {
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Self::from_micros(i64::try_from(since.as_micros()).ok()?)
    }

    /// Microseconds since the start of 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the start of 1970, cut off.
    pub fn as_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000_000)).unwrap_or(0)
    }

    /// This time moved by `seconds`, kept within the years that can be written.
    #[must_use]
    pub fn saturating_add_seconds(self, seconds: i64) -> Self {
        let micros = self.0.saturating_add(seconds.saturating_mul(1_000_000));
        Self(micros.clamp(0, MAX_MICROS))
    }

    /// This time moved by `days` of 86,400 seconds, kept within the years that can be written.
    #[must_use]
    pub fn saturating_add_days(self, days: u32) -> Self {
        self.saturating_add_seconds(i64::from(days).saturating_mul(86_400))
    }

    /// Seconds from `earlier` to `self`, cut off towards zero; negative where `earlier` is the later one.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }

    /// Parses the one written form; anything else is `None`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; Self::LEN] = text.try_into().ok()?;
        let [
            y1,
            y2,
            y3,
            y4,
            b'-',
            o1,
            o2,
            b'-',
            d1,
            d2,
            b'T',
            h1,
            h2,
            b':',
            m1,
            m2,
            b':',
            s1,
            s2,
            b'.',
            f1,
            f2,
            f3,
            f4,
            f5,
            f6,
            b'Z',
        ] = *text
        else {
            return None;
        };
        let days = days_since_1970(
            number(&[y1, y2, y3, y4])?,
            number(&[o1, o2])?,
            number(&[d1, d2])?,
        )?;
        let (hours, minutes, seconds) =
            (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let hours = i64::from(days).checked_mul(24)?.checked_add(hours.into())?;
        let minutes = hours.checked_mul(60)?.checked_add(minutes.into())?;
        let seconds = minutes.checked_mul(60)?.checked_add(seconds.into())?;
        let fraction = number(&[f1, f2, f3, f4, f5, f6])?;
        Self::from_micros(
            seconds
                .checked_mul(1_000_000)?
                .checked_add(fraction.into())?,
        )
    }

    /// Parses any RFC 3339 time, of any offset and up to nine decimals, cut off to the microsecond; no leap second. For people
    /// and policies, not for lines.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        // jiff reads more than RFC 3339: times without seconds, without separators, with a named zone.
        if !is_rfc3339(text.as_bytes()) {
            return None;
        }
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Self::from_micros(parsed.as_microsecond())
    }

    /// The written form.
    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        // Within the years that the constructors let through, jiff knows every microsecond.
        let at = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        let t = Offset::UTC.to_datetime(at);
        let [_, _, y1, y2, y3, y4] = digits(t.year().into());
        let [.., o1, o2] = digits(t.month().into());
        let [.., d1, d2] = digits(t.day().into());
        let [.., h1, h2] = digits(t.hour().into());
        let [.., m1, m2] = digits(t.minute().into());
        let [.., s1, s2] = digits(t.second().into());
        let [f1, f2, f3, f4, f5, f6] = digits(t.subsec_nanosecond() / 1000);
        [
            y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2,
            b'.', f1, f2, f3, f4, f5, f6, b'Z',
        ]
    }

    /// The written form without its decimals where they are zero, as policies and reports have it.
    pub fn to_rfc3339(self) -> String {
        let full = self.to_string();
        full.strip_suffix(".000000Z")
            .map_or_else(|| full.clone(), |whole| format!("{whole}Z"))
    }
}

/// Days from the start of 1970 to a date of the Gregorian calendar in or after it; `None` where there is no such date.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days_of_month {
        return None;
    }
    // A year that begins in March has its leap day at its end, and 153 days in each five months.
    let (year, month) = if month > 2 {
        (year, month.checked_sub(3)?)
    } else {
        (year.checked_sub(1)?, month.checked_add(9)?)
    };
    let leap_days = (year / 4)
        .checked_sub(year / 100)?
        .checked_add(year / 400)?;
    let in_years = year.checked_mul(365)?.checked_add(leap_days)?;
    let in_months = month.checked_mul(153)?.checked_add(2)? / 5;
    // From the day before the first of March of the year 0 to the start of 1970.
    in_years
        .checked_add(in_months)?
        .checked_add(day)?
        .checked_sub(719_469)
}

/// Whether bytes have the form of an RFC 3339 time (section 5.6) with at most nine decimals; its numbers are not looked at, except
/// a leap second and the offset.
fn is_rfc3339(text: &[u8]) -> bool {
    const DATE_TIME: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let Some((date_time, rest)) = text.split_at_checked(DATE_TIME.len()) else {
        return false;
    };
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        _ => byte == form,
    };
    let offset = match rest.split_first() {
        Some((b'.', rest)) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let Some((_, offset)) = rest.split_at_checked(digits).filter(|_| digits > 0) else {
                return false;
            };
            offset
        }
        _ => rest,
    };
    let offset_fits = match offset {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            number(&[*h1, *h2]).is_some_and(|hours| hours < 24)
                && number(&[*m1, *m2]).is_some_and(|minutes| minutes < 60)
        }
        _ => false,
    };
    date_time.iter().zip(DATE_TIME).all(fits) && !date_time.ends_with(b":60") && offset_fits
}

/// The decimal number that at most nine digits write; `None` where one of them is not a digit.
fn number(digits: &[u8]) -> Option<u32> {
    // One look at all of them: this is done for each line.
    let (value, largest) = digits.iter().fold((0u32, 0), |(value, largest), byte| {
        let digit = byte.wrapping_sub(b'0');
        let value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
        (value, digit.max(largest))
    });
    (largest <= 9).then_some(value)
}

/// The last six decimal digits of a number that is not negative.
fn digits(mut number: i32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        let ones = u8::try_from(number.rem_euclid(10)).unwrap_or(0);
        *digit = digit.saturating_add(ones);
        number /= 10;
    }
    digits
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "`{text}` is not an RFC 3339 time between 1970 and 9998"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_one_form_is_accepted() {
        for good in [
            "1970-01-01T00:00:00.000000Z",
            "2024-02-29T23:59:59.999999Z",
            "9998-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(Timestamp::parse(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in [
            "2023-02-29T00:00:00.000000Z",
            "2024-13-01T00:00:00.000000Z",
            "2024-01-01T24:00:00.000000Z",
            "2024-01-01T00:00:60.000000Z",
            "2024-01-01 00:00:00.000000Z",
            "2024-01-01T00:00:00.000000z",
            "2024-01-01T00:00:00.00000Z",
            "2024-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "9999-01-01T00:00:00.000000Z",
            "+024-01-01T00:00:00.000000Z",
        ] {
            assert_eq!(Timestamp::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn people_may_write_other_offsets() {
        let t = Timestamp::parse_rfc3339("2026-11-22T20:00:00+01:00").unwrap();
        assert_eq!(t.to_rfc3339(), "2026-11-22T19:00:00Z");
        let half = Timestamp::parse_rfc3339("2026-11-22 19:00:00.123456789z").unwrap();
        assert_eq!(half.to_rfc3339(), "2026-11-22T19:00:00.123456Z");
        for bad in [
            "yesterday",
            "2026-11-22",
            "2026-11-22T19Z",
            "2026-11-22T19:00Z",
            "20261122T190000Z",
            "2026-11-22T19:00:00",
            "2026-11-22T19:00:00,5Z",
            "2026-11-22T19:00:00.Z",
            "2026-11-22T19:00:60Z",
            "2026-11-22T19:00:00Z[UTC]",
            "2026-11-22T19:00:00+01",
            "2026-11-22T19:00:00+0100",
            "2026-11-22T19:00:00+24:00",
            "2026-11-22T19:00:00+01:60",
            "2026-11-22T19:00:00+01:00:30",
            "+002026-11-22T19:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_date_is_the_day_that_jiff_counts() {
        let first = jiff::civil::date(1970, 1, 1);
        for year in 1900..=9999i16 {
            for month in 0..=13i8 {
                for day in [0, 1, 2, 15, 27, 28, 29, 30, 31, 32i8] {
                    let found = days_since_1970(
                        u32::try_from(year).unwrap(),
                        u32::try_from(month).unwrap(),
                        u32::try_from(day).unwrap(),
                    );
                    let date = jiff::civil::Date::new(year, month, day).ok();
                    let days = date.map(|date| first.until(date).unwrap().get_days());
                    let expected = days.and_then(|days| u32::try_from(days).ok());
                    assert_eq!(found, expected, "{year}-{month}-{day}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn every_time_reads_back(micros in 0..=MAX_MICROS) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse(time.to_string().as_bytes()), Some(time));
        }
    }
}
