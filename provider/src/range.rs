//! Numbers that have a range.

use std::ops::RangeInclusive;

use tf_provider::Number;

/// Checks that a number of a configuration is whole and in the range. It may be any number that Terraform can write: the
/// message must show it, and not the limits of a machine word.
pub(crate) fn check_range(
    number: &Number,
    range: RangeInclusive<u32>,
    unit: &str,
) -> Result<(), String> {
    match number.as_i64().map(u32::try_from) {
        Some(Ok(whole)) if range.contains(&whole) => Ok(()),
        _ => Err(format!(
            "{number} is not a whole number of {unit} between {} and {}.",
            range.start(),
            range.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_outside_is_refused_with_the_range() {
        let check = |text: &str| check_range(&text.parse().unwrap(), 1..=36_500, "days");
        for inside in ["1", "36500", "1e2"] {
            assert_eq!(check(inside), Ok(()));
        }
        for outside in [
            "-1",
            "0",
            "36501",
            "1.5",
            "4294967297",
            "100000000000000000000",
        ] {
            let refused = format!("{outside} is not a whole number of days between 1 and 36500.");
            assert_eq!(check(outside), Err(refused));
        }
    }
}
