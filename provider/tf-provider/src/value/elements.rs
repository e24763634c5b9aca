//! Lists, sets and maps from values and back.

use std::collections::{BTreeMap, BTreeSet};

use super::convert::{expected, open};
use super::{FromValue, Reads, Set, ToValue, Value, ValueError};
use crate::AttributePath;

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

    fn reads() -> Reads {
        Reads::Elements(Box::new(T::reads()))
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

    fn reads() -> Reads {
        Reads::Elements(Box::new(T::reads()))
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

    fn reads() -> Reads {
        Reads::Map(Box::new(T::reads()))
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
