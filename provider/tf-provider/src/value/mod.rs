//! Values as Terraform has them, and plain Rust types made of them.

mod convert;
mod elements;
mod model;
mod number;
mod object;
mod plannable;
mod reads;
mod types;
mod unknown;

use std::collections::BTreeMap;

pub use convert::{Field, FromValue, ToValue};
pub use number::{NotANumber, Number};
pub use object::Object;
pub use plannable::Plannable;
pub use reads::Reads;
pub use types::Type;

use crate::AttributePath;

/// A value of Terraform's language.
///
/// A value does not carry its type: null and unknown are the same for all of them, and everything is read and
/// written by a schema. The order of a [`Set`] does not matter for equality.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Value {
    /// Left out.
    #[default]
    Null,
    /// Known only after apply.
    Unknown,
    /// True or false.
    Bool(bool),
    /// A number without loss.
    Number(Number),
    /// Text.
    String(String),
    /// Elements of one type in order.
    List(Vec<Value>),
    /// Distinct elements of one type without order.
    Set(Set),
    /// Elements of one type by name.
    Map(BTreeMap<String, Value>),
    /// Attributes by name, as an object, a block or a whole resource has them.
    Object(Object),
    /// Elements each of its own type.
    Tuple(Vec<Value>),
    /// A value where the schema leaves the type open, with its type.
    Dynamic(Box<(Type, Value)>),
}

impl Value {
    /// Whether it is left out. A null of open type is null too.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Dynamic(typed) if typed.1.is_null())
    }

    /// Whether the whole is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
            || matches!(self, Self::Dynamic(typed) if typed.1.is_unknown())
    }

    /// Whether nothing in it, at any depth, is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) | Self::Tuple(elements) => {
                elements.iter().all(Self::is_wholly_known)
            }
            Self::Set(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(elements) => elements.values().all(Self::is_wholly_known),
            Self::Object(object) => object.iter().all(|(_, value)| value.is_wholly_known()),
            Self::Dynamic(typed) => typed.1.is_wholly_known(),
        }
    }

    /// What is in it, if it is a bool.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self {
            Some(*flag)
        } else {
            None
        }
    }

    /// What is in it, if it is a number.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self {
            Some(number)
        } else {
            None
        }
    }

    /// What is in it, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// What is in it, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// What is in it, if it is a set.
    pub fn as_set(&self) -> Option<&Set> {
        if let Self::Set(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// What is in it, if it is a map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Self::Map(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// What is in it, if it is an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// What kind of thing it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown => "a value known only after apply",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Tuple(_) => "a tuple",
            Self::Dynamic(typed) => typed.1.kind(),
        }
    }
}

/// The elements of a set: sorted, and none twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Set(Vec<Value>);

impl Set {
    /// The elements in an order that depends on nothing but themselves.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Self {
        let mut elements: Vec<_> = elements.into_iter().collect();
        elements.sort();
        // Two elements that are not known yet may turn out to differ, so both stay.
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self(elements)
    }
}

impl IntoIterator for Set {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Set {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A value is not what its schema or the type that it is read into asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}expected {expected}, found {found}", .path, if .path.is_root() { "" } else { ": " })]
pub struct ValueError {
    /// Where.
    pub path: AttributePath,
    /// What was asked for, in words.
    pub expected: String,
    /// What is there, in words.
    pub found: String,
}

impl ValueError {
    /// Both sides, at a place.
    pub fn new(
        path: &AttributePath,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            path: path.clone(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_equal_in_any_order() {
        let set = |names: &[&str]| names.iter().map(|name| Value::from(*name)).collect::<Set>();
        assert_eq!(set(&["b", "a", "a"]), set(&["a", "b"]));
        assert_eq!(set(&["b", "a", "a"]).len(), 2);
    }

    #[test]
    fn unknown_elements_of_a_set_are_not_taken_for_the_same() {
        assert_eq!(
            [Value::Unknown, Value::Unknown]
                .into_iter()
                .collect::<Set>()
                .len(),
            2
        );
    }

    #[test]
    fn an_error_names_place_and_both_sides() {
        let error = ValueError::new(&"mode".into(), "a string", "a bool");
        assert_eq!(error.to_string(), "mode: expected a string, found a bool");
    }
}
