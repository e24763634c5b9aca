//! Plain Rust types from values and back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Number, Object, Set, Value, ValueError};
use crate::AttributePath;

/// A Rust type that a [`Value`] can be read into.
pub trait FromValue: Sized {
    /// Reads `value`, which lies at `path`.
    ///
    /// # Errors
    /// The value is not what this type asks for, there or further in.
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError>;

    /// The attributes that the type reads, if it is a struct: compared with the schema when the provider starts.
    fn fields() -> Option<Vec<&'static str>> {
        None
    }
}

/// A Rust type that gives a [`Value`].
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
fn expected<T>(path: &AttributePath, expected: &str, value: &Value) -> Result<T, ValueError> {
    Err(ValueError::new(path, expected, value.kind()))
}

/// A value of open type reads as what it is.
fn open(value: Value) -> Value {
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
}

impl ToValue for f64 {
    /// The number that the float prints as. An infinity or NaN, which Terraform does not have, becomes null.
    fn to_value(&self) -> Value {
        Number::try_from(*self).map_or(Value::Null, Value::Number)
    }
}

impl FromValue for Object {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let value = open(value);
        if let Value::Object(object) = value {
            Ok(object)
        } else {
            expected(path, "an object", &value)
        }
    }
}

impl ToValue for Object {
    fn to_value(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// The elements of anything that has elements in a row, with their paths.
fn elements(value: Value, path: &AttributePath) -> Result<Vec<(AttributePath, Value)>, ValueError> {
    let indexed = |elements: Vec<Value>| {
        let elements = elements.into_iter().enumerate();
        elements
            .map(|(at, element)| (path.clone().index(at), element))
            .collect()
    };
    match open(value) {
        Value::List(elements) | Value::Tuple(elements) => Ok(indexed(elements)),
        Value::Set(set) => Ok(set
            .into_iter()
            .map(|element| (path.clone(), element))
            .collect()),
        other @ (Value::Null
        | Value::Unknown
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Map(_)
        | Value::Object(_)
        | Value::Dynamic(_)) => expected(path, "a list or set", &other),
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        elements(value, path)?
            .into_iter()
            .map(|(path, element)| T::from_value(element, &path))
            .collect()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        Ok(Vec::from_value(value, path)?.into_iter().collect())
    }
}

impl<T: ToValue> ToValue for BTreeSet<T> {
    fn to_value(&self) -> Value {
        Value::Set(self.iter().map(T::to_value).collect::<Set>())
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: Value, path: &AttributePath) -> Result<Self, ValueError> {
        let read = |(key, element): (String, Value)| {
            let element = T::from_value(element, &path.clone().key(&key))?;
            Ok((key, element))
        };
        match open(value) {
            Value::Map(map) => map.into_iter().map(read).collect(),
            Value::Object(object) => object.into_iter().map(read).collect(),
            other @ (Value::Null
            | Value::Unknown
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Set(_)
            | Value::Tuple(_)
            | Value::Dynamic(_)) => expected(path, "a map", &other),
        }
    }
}

impl<T: ToValue> ToValue for BTreeMap<String, T> {
    fn to_value(&self) -> Value {
        Value::Map(
            self.iter()
                .map(|(key, element)| (key.clone(), element.to_value()))
                .collect(),
        )
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

    fn fields() -> Option<Vec<&'static str>> {
        T::fields()
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

    fn fields() -> Option<Vec<&'static str>> {
        Some(Vec::new())
    }
}

/// Defines plain structs that are read from and written to values, field by field under the same name.
///
/// A keyword as a name is written raw: `r#type`. A field may be any type that is [`FromValue`] and [`ToValue`], other
/// models included, and may say that it is absent ([`Option`]) or not known yet ([`Field`]).
///
/// ```
/// use tf_provider::{Field, Object, model};
///
/// model! {
///     /// A file.
///     #[derive(Clone, Debug, PartialEq)]
///     pub struct File {
///         path: String,
///         content: Option<String>,
///         /// Known once the file is written.
///         size: Field<u64>,
///     }
/// }
///
/// let object = Object::new().with("path", "/tmp/a");
/// let file: File = object.decode()?;
/// assert_eq!(file, File { path: "/tmp/a".into(), content: None, size: Field::Null });
///
/// let error = Object::new().decode::<File>().unwrap_err();
/// assert_eq!(error.to_string(), "path: expected a string, found null");
/// # Ok::<(), tf_provider::ValueError>(())
/// ```
#[macro_export]
macro_rules! model {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty ),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$field_meta])* $field_vis $field: $type ),*
        }

        impl $crate::FromValue for $name {
            fn from_value(
                value: $crate::Value,
                path: &$crate::AttributePath,
            ) -> ::core::result::Result<Self, $crate::ValueError> {
                let mut object = <$crate::Object as $crate::FromValue>::from_value(value, path)?;
                ::core::result::Result::Ok(Self {
                    $( $field: {
                        let name = stringify!($field).trim_start_matches("r#");
                        $crate::FromValue::from_value(
                            object.remove(name).unwrap_or_default(),
                            &path.clone().attribute(name),
                        )?
                    } ),*
                })
            }

            fn fields() -> ::core::option::Option<::std::vec::Vec<&'static str>> {
                ::core::option::Option::Some(
                    ::std::vec![$( stringify!($field).trim_start_matches("r#") ),*]
                )
            }
        }

        impl $crate::ToValue for $name {
            fn to_value(&self) -> $crate::Value {
                let mut object = $crate::Object::new();
                $( object.set(stringify!($field).trim_start_matches("r#"), &self.$field); )*
                $crate::Value::Object(object)
            }
        }
    )*};
}

#[cfg(test)]
mod tests {
    use super::*;

    model! {
        #[derive(Debug, PartialEq)]
        struct Inner { r#type: String }

        #[derive(Debug, PartialEq)]
        struct Outer { id: Field<String>, inner: Vec<Inner>, tags: Option<BTreeMap<String, String>>, ports: BTreeSet<u16> }
    }

    fn outer() -> Outer {
        Outer {
            id: Field::Unknown,
            inner: vec![Inner { r#type: "a".into() }],
            tags: None,
            ports: [80, 443].into(),
        }
    }

    #[test]
    fn models_read_back_what_they_wrote() {
        let value = outer().to_value();
        assert_eq!(
            Outer::from_value(value, &AttributePath::root()).unwrap(),
            outer()
        );
        assert_eq!(Inner::fields(), Some(vec!["type"]));
    }

    #[test]
    fn an_error_deep_inside_has_the_whole_path() {
        let inner = Object::new().with("type", 3);
        let object = Object::new()
            .with("inner", vec![inner])
            .with("ports", vec![1]);
        let error = object.decode::<Outer>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "inner[0].type: expected a string, found a number"
        );
    }

    #[test]
    fn a_number_out_of_range_names_the_range() {
        let error = Object::new()
            .with("port", 65536)
            .get::<u16>("port")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "port: expected a whole number from 0 to 65535, found 65536"
        );
    }

    #[test]
    fn an_unknown_is_refused_where_only_known_will_do() {
        let object = Object::new().with("name", Value::Unknown);
        assert!(object.get::<Option<String>>("name").is_err());
        assert_eq!(object.get::<Field<String>>("name").unwrap(), Field::Unknown);
    }

    #[test]
    fn a_value_of_open_type_reads_as_what_it_is() {
        let typed = Value::Dynamic(Box::new((super::super::Type::String, Value::from("x"))));
        assert_eq!(
            Object::new()
                .with("any", typed)
                .get::<String>("any")
                .unwrap(),
            "x"
        );
    }
}
