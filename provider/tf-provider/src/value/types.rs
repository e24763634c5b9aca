//! Types, and their JSON form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

/// The type of a [`Value`](crate::Value).
///
/// On the wire it is JSON: `"string"`, `["list","string"]`, `["object",{"name":"string"}]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Text.
    String,
    /// A decimal number of any size.
    Number,
    /// True or false.
    Bool,
    /// Any type, which then travels with the value.
    Dynamic,
    /// Elements of one type in order.
    List(Box<Type>),
    /// Distinct elements of one type without order.
    Set(Box<Type>),
    /// Elements of one type by name.
    Map(Box<Type>),
    /// Elements each of its own type by name.
    Object(BTreeMap<String, Type>),
    /// Elements each of its own type in order.
    Tuple(Vec<Type>),
}

impl Type {
    /// A list of elements of this type.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of elements of this type.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map to elements of this type.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    fn to_json(&self) -> Json {
        match self {
            Self::String => "string".into(),
            Self::Number => "number".into(),
            Self::Bool => "bool".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(element) => Json::Array(vec!["list".into(), element.to_json()]),
            Self::Set(element) => Json::Array(vec!["set".into(), element.to_json()]),
            Self::Map(element) => Json::Array(vec!["map".into(), element.to_json()]),
            Self::Object(attributes) => {
                let attributes = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect();
                Json::Array(vec!["object".into(), Json::Object(attributes)])
            }
            Self::Tuple(elements) => Json::Array(vec![
                "tuple".into(),
                elements.iter().map(Self::to_json).collect(),
            ]),
        }
    }

    fn from_json(json: &Json) -> Option<Self> {
        if let Some(name) = json.as_str() {
            return match name {
                "string" => Some(Self::String),
                "number" => Some(Self::Number),
                "bool" => Some(Self::Bool),
                "dynamic" => Some(Self::Dynamic),
                _ => None,
            };
        }
        let (kind, rest) = json.as_array()?.split_first()?;
        // An object may name its optional attributes third: a matter of configuration, not of values.
        let (of, more) = rest.split_first()?;
        let kind = kind.as_str()?;
        if more.len() > usize::from(kind == "object") {
            return None;
        }
        match kind {
            "list" => Self::from_json(of).map(Self::list),
            "set" => Self::from_json(of).map(Self::set),
            "map" => Self::from_json(of).map(Self::map),
            "object" => {
                let attributes = of.as_object()?.iter();
                attributes
                    .map(|(name, ty)| Some((name.clone(), Self::from_json(ty)?)))
                    .collect::<Option<_>>()
                    .map(Self::Object)
            }
            "tuple" => of
                .as_array()?
                .iter()
                .map(Self::from_json)
                .collect::<Option<_>>()
                .map(Self::Tuple),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    /// As in Terraform's language: `list(string)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("number"),
            Self::Bool => f.write_str("bool"),
            Self::Dynamic => f.write_str("any"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Object(_) => f.write_str("object"),
            Self::Tuple(_) => f.write_str("tuple"),
        }
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::from_json(&json).ok_or_else(|| D::Error::custom("not a type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_terraforms_json() {
        let cases = [
            (Type::String, r#""string""#),
            (Type::list(Type::Number), r#"["list","number"]"#),
            (
                Type::map(Type::set(Type::Bool)),
                r#"["map",["set","bool"]]"#,
            ),
            (
                Type::object([("a", Type::Dynamic)]),
                r#"["object",{"a":"dynamic"}]"#,
            ),
            (
                Type::Tuple(vec![Type::String, Type::Bool]),
                r#"["tuple",["string","bool"]]"#,
            ),
        ];
        for (ty, json) in cases {
            assert_eq!(serde_json::to_string(&ty).unwrap(), json);
            assert_eq!(serde_json::from_str::<Type>(json).unwrap(), ty);
        }
    }

    #[test]
    fn optional_attributes_of_an_object_type_are_read_over() {
        let ty: Type = serde_json::from_str(r#"["object",{"a":"string"},["a"]]"#).unwrap();
        assert_eq!(ty, Type::object([("a", Type::String)]));
    }

    #[test]
    fn json_that_is_not_a_type_is_refused() {
        for json in [
            r#""text""#,
            "[]",
            r#"["list"]"#,
            r#"["list","string","x"]"#,
            r#"["object",["a"]]"#,
            "3",
            "null",
        ] {
            assert!(serde_json::from_str::<Type>(json).is_err(), "{json}");
        }
    }
}
