//! Checks of one attribute's value.

use std::fmt;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::sync::Arc;

use crate::{AttributePath, FromValue, Number, Reads, Value};

type Check = dyn Fn(&Value, &AttributePath) -> Result<(), String> + Send + Sync;

/// A check, and what it is made for.
#[derive(Clone)]
pub(crate) struct Validator {
    /// The values that it can read: compared with the attribute's type when the provider starts.
    pub(crate) reads: Reads,
    pub(crate) sees: Sees,
    pub(crate) check: Arc<Check>,
}

/// Which values are shown to a validator. None of them sees null, or what is unknown as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    WhollyKnown,
    /// Also those with something unknown inside.
    PartlyKnown,
}

impl Validator {
    /// A check of values as a Rust type.
    pub(crate) fn typed<T: FromValue>(
        check: impl Fn(T) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            reads: T::reads(),
            sees: Sees::WhollyKnown,
            check: Arc::new(move |value, path| {
                let value = T::from_value(value.clone(), path).map_err(|error| {
                    format!("Expected {}, found {}.", error.expected, error.found)
                })?;
                check(value)
            }),
        }
    }

    /// The message shows the number that was written, which may be beyond any machine word.
    pub(crate) fn range(unit: String, range: RangeInclusive<i64>) -> Self {
        Self::typed(move |number: Number| match number.as_i64() {
            Some(whole) if range.contains(&whole) => Ok(()),
            Some(_) | None => Err(format!(
                "{number} is not a whole number of {unit} between {} and {}.",
                range.start(),
                range.end()
            )),
        })
    }

    pub(crate) fn length(lengths: Lengths) -> Self {
        Self {
            reads: Reads::Any,
            sees: Sees::PartlyKnown,
            check: Arc::new(move |value, _| lengths.check(value)),
        }
    }

    pub(crate) fn one_of(choices: Vec<String>) -> Self {
        Self::typed(move |text: String| {
            if choices.contains(&text) {
                return Ok(());
            }
            let quoted: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            Err(format!("{text:?} is not one of {}.", quoted.join(", ")))
        })
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("reads", &self.reads)
            .finish_non_exhaustive()
    }
}

/// How long a text or how large a collection may be, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lengths {
    least: usize,
    most: Option<usize>,
}

impl Lengths {
    pub(crate) fn of(range: &impl RangeBounds<usize>) -> Self {
        let least = match range.start_bound() {
            Bound::Included(least) => *least,
            Bound::Excluded(below) => below.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let most = match range.end_bound() {
            Bound::Included(most) => Some(*most),
            Bound::Excluded(above) => Some(above.saturating_sub(1)),
            Bound::Unbounded => None,
        };
        Self { least, most }
    }

    fn check(self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => self.exactly(text.chars().count(), "character"),
            Value::List(elements) | Value::Tuple(elements) => {
                self.exactly(elements.len(), "element")
            }
            Value::Map(elements) => self.exactly(elements.len(), "entry"),
            Value::Set(elements) => {
                // Elements that are not known yet may turn out to be equal to others.
                let known = elements.iter().filter(|one| one.is_wholly_known());
                self.between(known.count(), elements.len(), "element")
            }
            Value::Dynamic(typed) => self.check(&typed.1),
            Value::Null | Value::Unknown | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                Err(format!(
                    "Expected a string or a collection, found {}.",
                    value.kind()
                ))
            }
        }
    }

    fn exactly(self, length: usize, unit: &str) -> Result<(), String> {
        self.between(length, length, unit)
    }

    /// What is known of the length: `fewest` to `greatest`.
    fn between(self, fewest: usize, greatest: usize, unit: &str) -> Result<(), String> {
        let found = if greatest < self.least {
            greatest
        } else if self.most.is_some_and(|most| most < fewest) {
            fewest
        } else {
            return Ok(());
        };
        let expected = match (self.least, self.most) {
            (least, None) => format!("at least {}", counted(least, unit)),
            (0, Some(most)) => format!("at most {}", counted(most, unit)),
            (least, Some(most)) if least == most => counted(most, unit),
            (least, Some(most)) => format!("{least} to {}", counted(most, unit)),
        };
        Err(format!("Expected {expected}, found {found}."))
    }
}

fn counted(number: usize, unit: &str) -> String {
    match (number, unit) {
        (1, unit) => format!("1 {unit}"),
        (number, "entry") => format!("{number} entries"),
        (number, unit) => format!("{number} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Object, ToValue};

    fn refused(validator: &Validator, value: impl ToValue) -> Option<String> {
        (validator.check)(&value.to_value(), &AttributePath::root()).err()
    }

    fn length(range: impl RangeBounds<usize>) -> Validator {
        Validator::length(Lengths::of(&range))
    }

    #[test]
    fn number_outside_of_a_range_is_refused_as_it_was_written() {
        let range = Validator::range("days".to_owned(), 1..=36_500);
        let number = |text: &str| text.parse::<Number>().unwrap();
        for inside in ["1", "36500", "1e2"] {
            assert_eq!(refused(&range, number(inside)), None);
        }
        for outside in ["-1", "0", "36501", "1.5", "100000000000000000000"] {
            let text = format!("{outside} is not a whole number of days between 1 and 36500.");
            assert_eq!(refused(&range, number(outside)), Some(text));
        }
    }

    #[test]
    fn length_counts_characters_elements_and_entries() {
        let words = |n: usize| vec!["ä"; n];
        let map = |n: usize| {
            let entries = (0..n).map(|at| (at.to_string(), Value::Null));
            Value::Map(entries.collect())
        };
        for inside in [1, 2] {
            assert_eq!(refused(&length(1..=2), "ä".repeat(inside)), None);
            assert_eq!(refused(&length(1..=2), words(inside)), None);
            assert_eq!(refused(&length(1..=2), map(inside)), None);
        }
        let texts = [
            refused(&length(1..=2), ""),
            refused(&length(1..=2), words(3)),
            refused(&length(1..), words(0)),
            refused(&length(..=1), map(2)),
            refused(&length(..3), map(3)),
            refused(&length(12..=12), "x"),
        ];
        let expected = [
            "Expected 1 to 2 characters, found 0.",
            "Expected 1 to 2 elements, found 3.",
            "Expected at least 1 element, found 0.",
            "Expected at most 1 entry, found 2.",
            "Expected at most 2 entries, found 3.",
            "Expected 12 characters, found 1.",
        ];
        assert_eq!(texts.map(Option::unwrap), expected);
        let object = refused(&length(1..), Object::new());
        let text = "Expected a string or a collection, found an object.";
        assert_eq!(object.as_deref(), Some(text));
    }

    #[test]
    fn unknown_elements_of_a_set_may_turn_out_to_be_equal() {
        let set = |known: &[&str], unknown: usize| {
            let known = known.iter().map(|text| Value::from(*text));
            let unknown = std::iter::repeat_n(Value::Unknown, unknown);
            Value::Set(known.chain(unknown).collect())
        };
        assert_eq!(refused(&length(..=1), set(&["a"], 2)), None);
        assert_eq!(refused(&length(3..), set(&["a"], 2)), None);
        assert!(refused(&length(..=1), set(&["a", "b"], 1)).is_some());
        assert!(refused(&length(4..), set(&["a"], 2)).is_some());
    }
}
