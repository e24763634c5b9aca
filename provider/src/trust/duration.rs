//! Durations as configurations write them: a whole number and one unit, such as `25h`.

/// The units with their seconds, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Parses a whole number and one of the units `s`, `m`, `h` and `d`, in seconds.
///
/// ```
/// use terraform_provider_auditlog::trust::duration::parse_duration;
///
/// assert_eq!(parse_duration("25h"), Ok(90_000));
/// assert!(parse_duration("1d1h").is_err());
/// ```
///
/// # Errors
///
/// A sentence for the user, where the text has another form or is longer than 2^63 - 1 seconds.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let seconds = split(text).and_then(|(number, unit)| number.checked_mul(unit));
    seconds
        .filter(|seconds| i64::try_from(*seconds).is_ok())
        .ok_or_else(|| {
            format!("{text:?} is not a duration: a whole number and one unit of s, m, h and d, such as \"25h\".")
        })
}

/// Number and seconds of the unit. A number has no sign and no zeros before it, so that a duration has few forms.
fn split(text: &str) -> Option<(u64, u64)> {
    let unit = text.chars().next_back()?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let number = text.strip_suffix(unit)?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let padded = number.len() > 1 && number.starts_with('0');
    let number = (digits && !padded).then(|| number.parse().ok())??;
    Some((number, seconds))
}

/// Writes seconds in the largest unit that they are a multiple of.
///
/// ```
/// use terraform_provider_auditlog::trust::duration::format_duration;
///
/// assert_eq!(format_duration(90_000), "25h");
/// assert_eq!(format_duration(172_800), "2d");
/// ```
pub fn format_duration(seconds: u64) -> String {
    let whole = |(unit, size): (char, u64)| {
        let number = seconds.checked_div(size)?;
        (seconds > 0 && number.checked_mul(size)? == seconds).then(|| format!("{number}{unit}"))
    };
    let written = UNITS.into_iter().find_map(whole);
    written.unwrap_or_else(|| "0s".to_owned())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_whole_number_and_one_unit_is_a_duration() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("5m", 300),
            ("25h", 90_000),
            ("3d", 259_200),
            ("9223372036854775807s", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds));
        }
        for bad in [
            "",
            "h",
            "25",
            "25 h",
            " 25h",
            "25H",
            "025h",
            "00s",
            "+1h",
            "-1h",
            "1.5h",
            "1h30m",
            "1w",
            "٣h",
            "1ħ",
            "9223372036854775808s",
            "99999999999999999999d",
        ] {
            let refused = parse_duration(bad).unwrap_err();
            assert!(refused.contains("such as \"25h\""), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_duration_reads_back(seconds in 0..=i64::MAX.unsigned_abs()) {
            prop_assert_eq!(parse_duration(&format_duration(seconds)), Ok(seconds));
        }

        #[test]
        fn whole_units_read_back(number in 0..100_000_u64, unit in 0..4_usize) {
            let (name, size) = UNITS[unit];
            prop_assert_eq!(parse_duration(&format!("{number}{name}")), Ok(number * size));
            prop_assert_eq!(parse_duration(&format_duration(number * size)), Ok(number * size));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,12}") {
            let _ = parse_duration(&text);
        }
    }
}
