//! Numbers as Terraform has them: decimal, of any size, without loss.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Decimal exponents beyond this are refused: a short text such as `1e999999999` must not become gigabytes of zeros.
const MAX_EXPONENT: i64 = 10_000;

/// An exact decimal number.
///
/// Terraform's numbers are arbitrary-precision, and a plan fails when one changes on its way through a provider. So
/// `0.1` here is a tenth, and a float is what it prints as: `Number::try_from(0.1)` equals `"0.1".parse()`.
///
/// ```
/// use tf_provider::Number;
///
/// let big: Number = "12345678901234567890.5".parse().unwrap();
/// assert_eq!(big.to_string(), "12345678901234567890.5");
/// assert_eq!("1e2".parse::<Number>().unwrap(), Number::from(100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Form);

/// Every number has exactly one form, so that equality of forms is equality of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// All integers of 64 bits.
    Int(i64),
    /// All else: ±`digits` × 10^`exponent`, where `digits` begins and ends with another digit than 0.
    Decimal {
        negative: bool,
        digits: String,
        exponent: i64,
    },
}

/// The text or float is not a number that Terraform could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of sensible size")]
pub struct NotANumber;

impl Number {
    /// The number, if it is an integer within the bounds of `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Form::Int(int) => Some(int),
            Form::Decimal { .. } => None,
        }
    }

    /// The nearest float.
    pub fn to_f64(&self) -> f64 {
        // Our own output is always what the float parser accepts, if perhaps as infinity.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The number that a float is exactly: a tenth as a float is 0.1000000000000000055511151231257827…
    ///
    /// # Errors
    /// Infinities and NaN are not numbers.
    pub fn from_exact_f64(float: f64) -> Result<Self, NotANumber> {
        // 1074 places show every float in full.
        if float.is_finite() {
            format!("{float:.1074}").parse()
        } else {
            Err(NotANumber)
        }
    }

    fn new(negative: bool, digits: &str, exponent: i64) -> Result<Self, NotANumber> {
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Ok(Self(Form::Int(0)));
        }
        let zeros = i64::try_from(digits.len().saturating_sub(trimmed.len())).unwrap_or(i64::MAX);
        let exponent = exponent.saturating_add(zeros);
        if !(-MAX_EXPONENT..=MAX_EXPONENT).contains(&exponent) {
            return Err(NotANumber);
        }
        let form = Form::Decimal {
            negative,
            digits: trimmed.to_owned(),
            exponent,
        };
        let number = Self(form);
        // An integer of at most 19 digits may fit.
        if (0..=19).contains(&exponent)
            && let Ok(int) = number.to_string().parse()
        {
            return Ok(Self(Form::Int(int)));
        }
        Ok(number)
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    /// Reads a JSON number, with a leading `+`, leading zeros and a bare point allowed as well.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if let Ok(int) = text.parse() {
            return Ok(Self(Form::Int(int)));
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| NotANumber)?)
            }
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotANumber);
        }
        let places = i64::try_from(fraction.len()).map_err(|_| NotANumber)?;
        Self::new(
            negative,
            &digits,
            i64::from(exponent).saturating_sub(places),
        )
    }
}

impl fmt::Display for Number {
    /// Plain decimal notation, which Terraform, JSON and `FromStr` read back as the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (negative, digits, exponent) = match &self.0 {
            Form::Int(int) => return write!(f, "{int}"),
            Form::Decimal {
                negative,
                digits,
                exponent,
            } => (*negative, digits, *exponent),
        };
        if negative {
            f.write_str("-")?;
        }
        if let Ok(zeros) = usize::try_from(exponent) {
            return write!(f, "{digits}{}", "0".repeat(zeros));
        }
        let places = usize::try_from(exponent.unsigned_abs()).map_err(|_| fmt::Error)?;
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, fraction) = padded.split_at(padded.len().saturating_sub(places));
        write!(f, "{whole}.{fraction}")
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.parts(), other.parts());
        match (a.negative, b.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => a.magnitude(&b),
            (true, true) => b.magnitude(&a),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A number taken apart for comparing: 0.`digits` × 10^`point`.
struct Parts {
    negative: bool,
    digits: String,
    point: i64,
}

impl Parts {
    fn magnitude(&self, other: &Self) -> Ordering {
        self.point
            .cmp(&other.point)
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

impl Number {
    fn parts(&self) -> Parts {
        let (negative, digits, exponent) = match &self.0 {
            Form::Int(0) => {
                return Parts {
                    negative: false,
                    digits: String::new(),
                    point: i64::MIN,
                };
            }
            Form::Int(int) => (*int < 0, int.unsigned_abs().to_string(), 0),
            Form::Decimal {
                negative,
                digits,
                exponent,
            } => (*negative, digits.clone(), *exponent),
        };
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let digits = digits.trim_end_matches('0').to_owned();
        Parts {
            negative,
            digits,
            point: exponent.saturating_add(length),
        }
    }
}

macro_rules! from_integers {
    ($($small:ty),*) => {
        $(impl From<$small> for Number {
            fn from(int: $small) -> Self {
                Self(Form::Int(i64::from(int)))
            }
        })*
    };
}
from_integers!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        match i64::try_from(int) {
            Ok(int) => Self(Form::Int(int)),
            // Beyond i64 the canonical form is the decimal one; 20 digits are far from the limit.
            Err(_) => Self::new(false, &int.to_string(), 0).unwrap_or(Self(Form::Int(i64::MAX))),
        }
    }
}

impl TryFrom<f64> for Number {
    type Error = NotANumber;

    /// The number that the float prints as, which is what a person who wrote it meant.
    fn try_from(float: f64) -> Result<Self, NotANumber> {
        if float.is_finite() {
            float.to_string().parse()
        } else {
            Err(NotANumber)
        }
    }
}

macro_rules! to_integers {
    ($($int:ty),*) => {
        $(impl TryFrom<&Number> for $int {
            type Error = NotANumber;

            fn try_from(number: &Number) -> Result<Self, NotANumber> {
                match &number.0 {
                    Form::Int(int) => <$int>::try_from(*int).map_err(|_| NotANumber),
                    // Only integers beyond i64 remain that could fit; a fraction does not parse.
                    Form::Decimal { .. } => number.to_string().parse().map_err(|_| NotANumber),
                }
            }
        })*
    };
}
to_integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn one_number_has_one_form() {
        for same in [
            ["1", "1.0"],
            ["100", "1e2"],
            ["0.5", ".5"],
            ["-0", "0"],
            ["1e-2", "0.010"],
            ["+3", "03"],
        ] {
            assert_eq!(number(same[0]), number(same[1]));
        }
        assert_eq!(Number::from(u64::MAX), number("18446744073709551615"));
        assert_eq!(number("9223372036854775807.0").as_i64(), Some(i64::MAX));
        assert_eq!(number("9223372036854775808").as_i64(), None);
    }

    #[test]
    fn text_that_is_not_a_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "e1",
            "1e",
            "1x",
            "--1",
            "0x10",
            "NaN",
            "Infinity",
            "1e99999",
            "1e999999999999",
            "1 ",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn floats_are_read_as_printed_or_exactly() {
        assert_eq!(Number::try_from(0.1).unwrap(), number("0.1"));
        assert_ne!(Number::from_exact_f64(0.1).unwrap(), number("0.1"));
        assert_eq!(Number::from_exact_f64(0.5).unwrap(), number("0.5"));
        assert!(Number::from_exact_f64(f64::NAN).is_err());
        assert!(Number::try_from(f64::INFINITY).is_err());
    }

    #[test]
    fn the_order_is_that_of_the_numbers() {
        let sorted = [
            "-1e30", "-10", "-9.5", "-0.001", "0", "0.001", "0.5", "9", "10", "10.5", "1e30",
        ];
        for pair in sorted.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn text_of_a_number_reads_back(digits in "[0-9]{1,40}", fraction in "[0-9]{0,20}", exponent in -50i32..50) {
            let number = number(&format!("-{digits}.{fraction}e{exponent}"));
            prop_assert_eq!(number.to_string().parse::<Number>().unwrap(), number);
        }

        #[test]
        fn integers_survive(int: i64, wide: u64) {
            prop_assert_eq!(i64::try_from(&Number::from(int)).unwrap(), int);
            prop_assert_eq!(u64::try_from(&Number::from(wide)).unwrap(), wide);
        }

        #[test]
        fn floats_survive(float in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(Number::try_from(float).unwrap().to_f64().to_bits(), float.to_bits());
            prop_assert_eq!(Number::from_exact_f64(float).unwrap().to_f64().to_bits(), float.to_bits());
        }
    }
}
