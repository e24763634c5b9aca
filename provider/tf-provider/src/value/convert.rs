//! Plain Rust types from values and back.

use super::{Number, Reads, Value, ValueError};
use crate::AttributePath;

/// A Rust type that a [`Value`] can be read into.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a value of Terraform",
    label = "not a type that a model can hold",
    note = "a model holds strings, bools, integers, f64, `Number`, `Value`, `Object`, other models, and `Option`, `Field`, `Vec`, `BTreeSet` and `BTreeMap<String, _>` of these",
    note = "a plain struct becomes a model inside of `tf_provider::model! {{ … }}`"
)]
pub trait FromValue: Sized {
    /// Reads `value`, which is at `path`.
    ///
    /// # Errors
    /// The value is not what this type asks for, there or further in.
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError>;

    /// What the type reads: compared with the schema when the provider starts, at every depth.
    ///
    /// [`model!`](crate::model) gives it. A type with a reader of its own that does not say it is not compared. A type must
    /// not contain itself.
    fn reads() -> Reads {
        Reads::Any
    }
}

/// A Rust type that gives a [`Value`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot become a value of Terraform",
    label = "not a type that a model can hold",
    note = "a model holds strings, bools, integers, f64, `Number`, `Value`, `Object`, other models, and `Option`, `Field`, `Vec`, `BTreeSet` and `BTreeMap<String, _>` of these",
    note = "a plain struct becomes a model inside of `tf_provider::model! {{ … }}`"
)]
pub trait ToValue {
    /// The value. It is fitted to the schema afterwards, so that a list of a set's elements will do.
    fn to_value(&self) -> Value;
}

/// What an attribute may be besides known: left out, or known only after apply.
///
/// A model has `Field` where the attribute is computed, `Option` where it may be left out but is never computed, and
/// the bare type where it is required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field<T> {
    /// Left out.
    #[default]
    Null,
    /// Known only after apply.
    Unknown,
    /// The value.
    Known(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// The value, if there is one.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Whether it is left out.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// Reads `value` where it may not be null or unknown: one message for all types that take neither.
pub(super) fn expected<T>(
    path: &AttributePath,
    expected: &str,
    value: &Value,
) -> Result<T, ValueError> {
    Err(ValueError::new(path, expected, value.kind()))
}

/// A value of open type reads as what it is.
pub(super) fn open(value: Value) -> Value {
    if let Value::Dynamic(typed) = value {
        open(typed.1)
    } else {
        value
    }
}

impl FromValue for Value {
    fn from_value(value: Value, _: &AttributePath) -> Result<Self, ValueError> {
        Ok(value)
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl FromValue for String {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let value = open(value);
        if let Value::String(text) = value {
            Ok(text)
        } else {
            expected(path, "a string", &value)
        }
    }

    fn reads() -> Reads {
        Reads::String
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::String(self.to_owned())
    }
}

impl FromValue for bool {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let value = open(value);
        if let Value::Bool(flag) = value {
            Ok(flag)
        } else {
            expected(path, "a bool", &value)
        }
    }

    fn reads() -> Reads {
        Reads::Bool
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl FromValue for Number {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let value = open(value);
        if let Value::Number(number) = value {
            Ok(number)
        } else {
            expected(path, "a number", &value)
        }
    }

    fn reads() -> Reads {
        Reads::Number
    }
}

impl ToValue for Number {
    fn to_value(&self) -> Value {
        Value::Number(self.clone())
    }
}

macro_rules! integers {
    ($($int:ty),*) => {
        $(impl FromValue for $int {
            fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
                let number = Number::from_value(value, path)?;
                Self::try_from(&number).map_err(|_| {
                    let range = format!("a whole number from {} to {}", Self::MIN, Self::MAX);
                    ValueError::new(path, range, number.to_string())
                })
            }

            fn reads() -> Reads {
                Reads::Number
            }
        }

        impl ToValue for $int {
            fn to_value(&self) -> Value {
                Value::Number(Number::from(*self))
            }
        })*
    };
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl FromValue for f64 {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        Ok(Number::from_value(value, path)?.to_f64())
    }

    fn reads() -> Reads {
        Reads::Number
    }
}

impl ToValue for f64 {
    /// The number that the float prints as. An infinity or NaN, which Terraform does not have, becomes null.
    fn to_value(&self) -> Value {
        Number::try_from(*self).map_or(Value::Null, Value::Number)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        if value.is_null() {
            Ok(None)
        } else {
            T::from_value(value, path).map(Some)
        }
    }

    fn reads() -> Reads {
        Reads::Optional(Box::new(T::reads()))
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl<T: FromValue> FromValue for Field<T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        if value.is_unknown() {
            Ok(Self::Unknown)
        } else {
            Ok(Option::from_value(value, path)?.into())
        }
    }

    fn reads() -> Reads {
        Reads::Optional(Box::new(T::reads()))
    }
}

impl<T: ToValue> ToValue for Field<T> {
    fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(value) => value.to_value(),
        }
    }
}

impl<T: FromValue> FromValue for Box<T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        T::from_value(value, path).map(Self::new)
    }

    fn reads() -> Reads {
        T::reads()
    }
}

impl<T: ToValue + ?Sized> ToValue for Box<T> {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
}

impl<T: ToValue + ?Sized> From<&T> for Value {
    fn from(value: &T) -> Self {
        value.to_value()
    }
}

/// A provider or data source without configuration.
impl FromValue for () {
    fn from_value(_: Value, _: &AttributePath) -> Result<Self, ValueError> {
        Ok(())
    }

    fn reads() -> Reads {
        Reads::Fields(Vec::new())
    }
}
