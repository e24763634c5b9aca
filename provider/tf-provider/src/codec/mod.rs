//! Values from and to bytes, by the types of the schema.

mod json;
mod msgpack;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

pub(crate) use json::{decode_json, decode_json_untyped};
pub(crate) use msgpack::{decode, encode};

use crate::{AttributePath, Object, Type, Value, ValueError};

/// Nothing that a person writes nests deeper. Deeper nesting is an attack on the stack.
const MAX_DEPTH: usize = 100;

/// Fits a value that a provider made to the type of the schema: lists into sets, tuples into lists, objects into maps
/// and back. Attributes that are absent become null; any that the type does not have are refused.
pub(crate) fn conform(value: Value, ty: &Type, path: &AttributePath) -> Result<Value, ValueError> {
    Conform {
        drop_unknown_attributes: false,
    }
    .value(value, ty, path)
}

/// The same for state of an earlier schema: attributes that the type does not have are dropped.
pub(crate) fn conform_upgraded(
    value: Value,
    ty: &Type,
    path: &AttributePath,
) -> Result<Value, ValueError> {
    Conform {
        drop_unknown_attributes: true,
    }
    .value(value, ty, path)
}

struct Conform {
    drop_unknown_attributes: bool,
}

impl Conform {
    fn value(&self, value: Value, ty: &Type, path: &AttributePath) -> Result<Value, ValueError> {
        let is_dynamic = *ty == Type::Dynamic;
        match (value, ty) {
            (Value::Null, _) => Ok(Value::Null),
            (Value::Unknown, _) => Ok(Value::Unknown),
            (Value::Dynamic(typed), _) if is_dynamic => {
                let (own, value) = *typed;
                let value = self.value(value, &own, path)?;
                Ok(Value::Dynamic(Box::new((own, value))))
            }
            (Value::Dynamic(typed), _) => self.value(typed.1, ty, path),
            (value, Type::Dynamic) => {
                let own = implied_type(&value);
                Ok(Value::Dynamic(Box::new((own, value))))
            }
            (value @ Value::Bool(_), Type::Bool)
            | (value @ Value::Number(_), Type::Number)
            | (value @ Value::String(_), Type::String) => Ok(value),
            (Value::List(elements) | Value::Tuple(elements), Type::List(element)) => {
                Ok(Value::List(self.row(elements, element, path)?))
            }
            (Value::Set(elements), Type::List(element)) => Ok(Value::List(self.row(
                elements.into_iter().collect(),
                element,
                path,
            )?)),
            (Value::List(elements) | Value::Tuple(elements), Type::Set(element)) => Ok(Value::Set(
                self.row(elements, element, path)?.into_iter().collect(),
            )),
            (Value::Set(elements), Type::Set(element)) => {
                let elements = elements
                    .into_iter()
                    .map(|value| self.value(value, element, path));
                Ok(Value::Set(elements.collect::<Result<_, _>>()?))
            }
            (Value::Map(elements), Type::Map(element)) => self.map(elements, element, path),
            (Value::Object(object), Type::Map(element)) => {
                self.map(object.into_iter().collect(), element, path)
            }
            (Value::Object(object), Type::Object(types)) => self.object(object, types, path),
            (Value::Map(elements), Type::Object(types)) => {
                self.object(elements.into_iter().collect(), types, path)
            }
            (Value::Tuple(elements) | Value::List(elements), Type::Tuple(types))
                if elements.len() == types.len() =>
            {
                let pairs = elements.into_iter().zip(types).enumerate();
                let fitted =
                    pairs.map(|(at, (value, ty))| self.value(value, ty, &path.clone().index(at)));
                Ok(Value::Tuple(fitted.collect::<Result<_, _>>()?))
            }
            (value, ty) => Err(ValueError::new(path, ty.to_string(), value.kind())),
        }
    }

    fn row(
        &self,
        elements: Vec<Value>,
        ty: &Type,
        path: &AttributePath,
    ) -> Result<Vec<Value>, ValueError> {
        let elements = elements.into_iter().enumerate();
        elements
            .map(|(at, value)| self.value(value, ty, &path.clone().index(at)))
            .collect()
    }

    fn map(
        &self,
        elements: BTreeMap<String, Value>,
        ty: &Type,
        path: &AttributePath,
    ) -> Result<Value, ValueError> {
        let fitted = elements.into_iter().map(|(key, value)| {
            let value = self.value(value, ty, &path.clone().key(&key))?;
            Ok((key, value))
        });
        Ok(Value::Map(fitted.collect::<Result<_, _>>()?))
    }

    fn object(
        &self,
        mut object: Object,
        types: &BTreeMap<String, Type>,
        path: &AttributePath,
    ) -> Result<Value, ValueError> {
        let mut fitted = Object::new();
        for (name, ty) in types {
            let value = object.remove(name).unwrap_or_default();
            fitted.set(name, self.value(value, ty, &path.clone().attribute(name))?);
        }
        match object.into_iter().next() {
            Some((name, _)) if !self.drop_unknown_attributes => {
                let path = path.clone().attribute(&name);
                Err(ValueError::new(&path, "no such attribute", "a value"))
            }
            _ => Ok(Value::Object(fitted)),
        }
    }
}

/// The type that a value has by itself.
pub(crate) fn implied_type(value: &Value) -> Type {
    match value {
        Value::Null | Value::Unknown => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(elements) => Type::list(implied_element(elements.iter())),
        Value::Set(elements) => Type::set(implied_element(elements.iter())),
        Value::Map(elements) => Type::map(implied_element(elements.values())),
        Value::Object(object) => Type::object(
            object
                .iter()
                .map(|(name, value)| (name.clone(), implied_type(value))),
        ),
        Value::Tuple(elements) => Type::Tuple(elements.iter().map(implied_type).collect()),
        Value::Dynamic(typed) => typed.0.clone(),
    }
}

fn implied_element<'a>(mut elements: impl Iterator<Item = &'a Value>) -> Type {
    elements
        .find(|value| !value.is_null() && !value.is_unknown())
        .map_or(Type::Dynamic, implied_type)
}
