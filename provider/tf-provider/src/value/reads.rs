//! What a Rust type reads from a value, so that models can be compared with schemas.

use std::fmt;

/// What a Rust type reads from a [`Value`](super::Value): see [`FromValue::reads`](super::FromValue::reads).
///
/// ```
/// use tf_provider::{Field, FromValue as _, Reads, model};
///
/// model! {
///     struct Rule { days: Field<u32>, tags: Vec<String> }
/// }
///
/// let days = Reads::Optional(Box::new(Reads::Number));
/// let tags = Reads::Elements(Box::new(Reads::String));
/// assert_eq!(Rule::reads(), Reads::Fields(vec![("days", days), ("tags", tags)]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reads {
    /// Any value.
    Any,
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// The elements of a list, a set or a tuple.
    Elements(Box<Reads>),
    /// The elements of a map, or the attributes of an object, by name.
    Map(Box<Reads>),
    /// An object with any attributes.
    Object,
    /// An object with these attributes.
    Fields(Vec<(&'static str, Reads)>),
    /// The same, or null.
    Optional(Box<Reads>),
}

impl Reads {
    /// Whether null can be read.
    pub fn takes_null(&self) -> bool {
        matches!(self, Self::Any | Self::Optional(_))
    }

    /// What a value is read into where it is not null.
    pub(crate) fn not_null(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner.not_null(),
            other @ (Self::Any
            | Self::String
            | Self::Number
            | Self::Bool
            | Self::Elements(_)
            | Self::Map(_)
            | Self::Object
            | Self::Fields(_)) => other,
        }
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any value",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a bool",
            Self::Elements(_) => "a list or set",
            Self::Map(_) => "a map",
            Self::Object | Self::Fields(_) => "an object",
            Self::Optional(inner) => return inner.fmt(f),
        })
    }
}
