//! The JSON form in which Terraform stores state, and in which it comes for upgrading.
//!
//! Numbers are read from their text, so that none loses digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::MAX_DEPTH;
use crate::{AttributePath, Object, Set, Type, Value, ValueError};

/// Reads a value of type `ty`. Attributes that the type does not have are dropped, those that are absent are null: a
/// provider that removes or adds an attribute need not raise its schema version.
pub(crate) fn decode_json(bytes: &[u8], ty: &Type) -> Result<Value, ValueError> {
    let root = AttributePath::root();
    typed(parse(bytes, &root)?, ty, &root, 0)
}

/// Reads a value as what it is by itself: arrays as tuples, objects as objects.
pub(crate) fn decode_json_untyped(bytes: &[u8]) -> Result<Value, ValueError> {
    let root = AttributePath::root();
    untyped(parse(bytes, &root)?, &root, 0)
}

/// Any JSON, whose inside is not read yet.
type Raw<'a> = &'a RawValue;

fn parse<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    path: &AttributePath,
) -> Result<T, ValueError> {
    serde_json::from_slice(bytes).map_err(|_| ValueError::new(path, "JSON", "other bytes"))
}

fn inside<'a, T: serde::Deserialize<'a>>(
    raw: Raw<'a>,
    path: &AttributePath,
) -> Result<T, ValueError> {
    parse(raw.get().as_bytes(), path)
}

fn kind(raw: Raw<'_>) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "a bool",
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

fn deeper(depth: usize, path: &AttributePath) -> Result<usize, ValueError> {
    let depth = depth.saturating_add(1);
    if depth <= MAX_DEPTH {
        Ok(depth)
    } else {
        Err(ValueError::new(
            path,
            format!("at most {MAX_DEPTH} levels"),
            "more",
        ))
    }
}

fn number(text: &str, path: &AttributePath) -> Result<Value, ValueError> {
    let number = text
        .parse()
        .map_err(|_| ValueError::new(path, "number", format!("{:?}", format!("{text:.40}"))))?;
    Ok(Value::Number(number))
}

fn typed(raw: Raw<'_>, ty: &Type, path: &AttributePath, depth: usize) -> Result<Value, ValueError> {
    let depth = deeper(depth, path)?;
    match (kind(raw), ty) {
        ("null", _) => Ok(Value::Null),
        ("a bool", Type::Bool) => inside(raw, path).map(Value::Bool),
        ("a string", Type::String) => inside(raw, path).map(Value::String),
        ("a number", Type::Number) => number(raw.get(), path),
        // Terraform stores what a float does not hold as text.
        ("a string", Type::Number) => number(&inside::<String>(raw, path)?, path),
        ("an array", Type::List(ty)) => Ok(Value::List(row(raw, |_| Some(ty), path, depth)?)),
        ("an array", Type::Set(ty)) => {
            let elements: Vec<Raw<'_>> = inside(raw, path)?;
            let elements = elements.into_iter().map(|raw| typed(raw, ty, path, depth));
            Ok(Value::Set(elements.collect::<Result<Set, _>>()?))
        }
        ("an array", Type::Tuple(types)) => {
            let elements = row(raw, |at| types.get(at), path, depth)?;
            if elements.len() < types.len() {
                let expected = format!("a tuple of {}", types.len());
                return Err(ValueError::new(path, expected, elements.len().to_string()));
            }
            Ok(Value::Tuple(elements))
        }
        ("an object", Type::Map(ty)) => {
            let elements: BTreeMap<String, Raw<'_>> = inside(raw, path)?;
            let elements = elements.into_iter().map(|(key, raw)| {
                let value = typed(raw, ty, &path.clone().key(&key), depth)?;
                Ok((key, value))
            });
            Ok(Value::Map(elements.collect::<Result<_, _>>()?))
        }
        ("an object", Type::Object(types)) => {
            let attributes: BTreeMap<String, Raw<'_>> = inside(raw, path)?;
            let mut object = Object::new();
            for (name, ty) in types {
                let path = path.clone().attribute(name);
                let value = attributes.get(name).map(|raw| typed(raw, ty, &path, depth));
                object.set(name, value.transpose()?.unwrap_or_default());
            }
            Ok(Value::Object(object))
        }
        ("an object", Type::Dynamic) => dynamic(raw, path, depth),
        (found, ty) => Err(ValueError::new(path, ty.to_string(), found)),
    }
}

fn row<'t>(
    raw: Raw<'_>,
    ty: impl Fn(usize) -> Option<&'t Type>,
    path: &AttributePath,
    depth: usize,
) -> Result<Vec<Value>, ValueError> {
    let elements: Vec<Raw<'_>> = inside(raw, path)?;
    let elements = elements.into_iter().enumerate();
    let read = |(at, raw): (usize, Raw<'_>)| {
        let path = path.clone().index(at);
        let ty = ty(at).ok_or_else(|| ValueError::new(&path, "no such element", kind(raw)))?;
        typed(raw, ty, &path, depth)
    };
    elements.map(read).collect()
}

/// An object of the type and the value.
fn dynamic(raw: Raw<'_>, path: &AttributePath, depth: usize) -> Result<Value, ValueError> {
    #[derive(serde::Deserialize)]
    struct Typed<'a> {
        r#type: Type,
        #[serde(borrow)]
        value: Raw<'a>,
    }
    let pair: Typed<'_> = inside(raw, path)
        .map_err(|_| ValueError::new(path, "a type and a value", "another object"))?;
    let value = typed(pair.value, &pair.r#type, path, depth)?;
    Ok(Value::Dynamic(Box::new((pair.r#type, value))))
}

fn untyped(raw: Raw<'_>, path: &AttributePath, depth: usize) -> Result<Value, ValueError> {
    let depth = deeper(depth, path)?;
    match kind(raw) {
        "null" => Ok(Value::Null),
        "a bool" => inside(raw, path).map(Value::Bool),
        "a string" => inside(raw, path).map(Value::String),
        "an array" => {
            let elements: Vec<Raw<'_>> = inside(raw, path)?;
            let elements = elements.into_iter().enumerate();
            let elements = elements.map(|(at, raw)| untyped(raw, &path.clone().index(at), depth));
            Ok(Value::Tuple(elements.collect::<Result<_, _>>()?))
        }
        "an object" => {
            let attributes: BTreeMap<String, Raw<'_>> = inside(raw, path)?;
            let attributes = attributes.into_iter().map(|(name, raw)| {
                let value = untyped(raw, &path.clone().attribute(&name), depth)?;
                Ok((name, value))
            });
            Ok(Value::Object(attributes.collect::<Result<_, _>>()?))
        }
        _ => number(raw.get(), path),
    }
}
