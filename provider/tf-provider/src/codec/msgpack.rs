//! The msgpack form in which Terraform sends values.
//!
//! Everything is read by the schema's type, so that an error has a path, and no encoding of a value that msgpack allows
//! is refused: numbers come as integers of any width, floats or decimal texts, unknowns as any extension type.

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::encode as write;

use super::MAX_DEPTH;
use crate::{AttributePath, Number, Object, Set, Type, Value, ValueError};

/// Reads a value of type `ty` from exactly these bytes.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, ValueError> {
    let mut reader = Reader { rest: bytes };
    let root = AttributePath::root();
    let value = reader.value(ty, &root, 0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(ValueError::new(&root, "one value", "more bytes after it"))
    }
}

/// Writes a value of type `ty`. The value must [conform](super::conform) to it.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, ValueError> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, value, ty, &AttributePath::root())?;
    Ok(bytes)
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// What the bytes hold at one place, before the schema has its say. Of what has elements, only the number is read.
enum Token<'a> {
    Null,
    Unknown,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Bytes(&'a [u8]),
    Row(usize),
    Named(usize),
}

impl Token<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown => "a value known only after apply",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "a number",
            Self::Bytes(_) => "a string",
            Self::Row(_) => "a row of elements",
            Self::Named(_) => "a map",
        }
    }
}

/// The bytes end too early, or with a marker that msgpack does not have.
struct Broken;

impl<'a> Reader<'a> {
    fn value(
        &mut self,
        ty: &Type,
        path: &AttributePath,
        depth: usize,
    ) -> Result<Value, ValueError> {
        let depth = depth.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(ValueError::new(
                path,
                format!("at most {MAX_DEPTH} levels"),
                "more",
            ));
        }
        let token = self.token(path)?;
        let mismatch = |token: &Token<'_>| Err(ValueError::new(path, ty.to_string(), token.kind()));
        match (token, ty) {
            (Token::Null, _) => Ok(Value::Null),
            (Token::Unknown, _) => Ok(Value::Unknown),
            (Token::Bool(flag), Type::Bool) => Ok(Value::Bool(flag)),
            (Token::Bytes(text), Type::String) => Ok(Value::String(utf8(text, path)?.to_owned())),
            (token, Type::Number) => number(&token, path).map(Value::Number),
            (Token::Row(length), Type::List(element)) => {
                Ok(Value::List(self.row(length, element, path, depth)?))
            }
            (Token::Row(length), Type::Set(element)) => {
                let elements = (0..length).map(|_| self.value(element, path, depth));
                Ok(Value::Set(elements.collect::<Result<Set, _>>()?))
            }
            (Token::Row(length), Type::Tuple(types)) if length == types.len() => {
                let elements = types.iter().enumerate();
                let elements =
                    elements.map(|(at, ty)| self.value(ty, &path.clone().index(at), depth));
                Ok(Value::Tuple(elements.collect::<Result<_, _>>()?))
            }
            (Token::Named(length), Type::Map(element)) => {
                let mut map = BTreeMap::new();
                for _ in 0..length {
                    let key = self.key(path)?;
                    let value = self.value(element, &path.clone().key(&key), depth)?;
                    map.insert(key, value);
                }
                Ok(Value::Map(map))
            }
            (Token::Named(length), Type::Object(types)) => self.object(length, types, path, depth),
            (Token::Row(2), Type::Dynamic) => self.dynamic(path, depth),
            (token, _) => mismatch(&token),
        }
    }

    fn row(
        &mut self,
        length: usize,
        ty: &Type,
        path: &AttributePath,
        depth: usize,
    ) -> Result<Vec<Value>, ValueError> {
        (0..length)
            .map(|at| self.value(ty, &path.clone().index(at), depth))
            .collect()
    }

    fn object(
        &mut self,
        length: usize,
        types: &BTreeMap<String, Type>,
        path: &AttributePath,
        depth: usize,
    ) -> Result<Value, ValueError> {
        let mut object: Object = types
            .keys()
            .map(|name| (name.clone(), Value::Null))
            .collect();
        for _ in 0..length {
            let name = self.key(path)?;
            let path = path.clone().attribute(&name);
            let Some(ty) = types.get(&name) else {
                return Err(ValueError::new(&path, "no such attribute", "a value"));
            };
            let value = self.value(ty, &path, depth)?;
            object.set(name, value);
        }
        Ok(Value::Object(object))
    }

    /// A pair: the type as JSON, and the value of that type.
    fn dynamic(&mut self, path: &AttributePath, depth: usize) -> Result<Value, ValueError> {
        let token = self.token(path)?;
        let Token::Bytes(json) = token else {
            return Err(ValueError::new(path, "a type", token.kind()));
        };
        let ty: Type = serde_json::from_slice(json)
            .map_err(|_| ValueError::new(path, "a type", "other JSON"))?;
        let value = self.value(&ty, path, depth)?;
        Ok(Value::Dynamic(Box::new((ty, value))))
    }

    fn key(&mut self, path: &AttributePath) -> Result<String, ValueError> {
        let token = self.token(path)?;
        let Token::Bytes(text) = token else {
            return Err(ValueError::new(path, "a name", token.kind()));
        };
        utf8(text, path).map(str::to_owned)
    }

    fn token(&mut self, path: &AttributePath) -> Result<Token<'a>, ValueError> {
        self.next()
            .map_err(|Broken| ValueError::new(path, "msgpack", "other bytes, or too few"))
    }

    fn next(&mut self) -> Result<Token<'a>, Broken> {
        let [marker] = self.array()?;
        match Marker::from_u8(marker) {
            Marker::Null => Ok(Token::Null),
            Marker::False => Ok(Token::Bool(false)),
            Marker::True => Ok(Token::Bool(true)),
            Marker::FixPos(int) => Ok(Token::Uint(int.into())),
            Marker::FixNeg(int) => Ok(Token::Int(int.into())),
            Marker::U8 => Ok(Token::Uint(u8::from_be_bytes(self.array()?).into())),
            Marker::U16 => Ok(Token::Uint(u16::from_be_bytes(self.array()?).into())),
            Marker::U32 => Ok(Token::Uint(u32::from_be_bytes(self.array()?).into())),
            Marker::U64 => Ok(Token::Uint(u64::from_be_bytes(self.array()?))),
            Marker::I8 => Ok(Token::Int(i8::from_be_bytes(self.array()?).into())),
            Marker::I16 => Ok(Token::Int(i16::from_be_bytes(self.array()?).into())),
            Marker::I32 => Ok(Token::Int(i32::from_be_bytes(self.array()?).into())),
            Marker::I64 => Ok(Token::Int(i64::from_be_bytes(self.array()?))),
            Marker::F32 => Ok(Token::Float(f32::from_be_bytes(self.array()?).into())),
            Marker::F64 => Ok(Token::Float(f64::from_be_bytes(self.array()?))),
            Marker::FixStr(length) => Ok(Token::Bytes(self.take(length.into())?)),
            Marker::Str8 | Marker::Bin8 => self
                .length_u8()
                .and_then(|length| self.take(length))
                .map(Token::Bytes),
            Marker::Str16 | Marker::Bin16 => self
                .length_u16()
                .and_then(|length| self.take(length))
                .map(Token::Bytes),
            Marker::Str32 | Marker::Bin32 => self
                .length_u32()
                .and_then(|length| self.take(length))
                .map(Token::Bytes),
            Marker::FixArray(length) => Ok(Token::Row(length.into())),
            Marker::Array16 => self.length_u16().map(Token::Row),
            Marker::Array32 => self.length_u32().map(Token::Row),
            Marker::FixMap(length) => Ok(Token::Named(length.into())),
            Marker::Map16 => self.length_u16().map(Token::Named),
            Marker::Map32 => self.length_u32().map(Token::Named),
            Marker::FixExt1 => self.extension(1),
            Marker::FixExt2 => self.extension(2),
            Marker::FixExt4 => self.extension(4),
            Marker::FixExt8 => self.extension(8),
            Marker::FixExt16 => self.extension(16),
            Marker::Ext8 => self.length_u8().and_then(|length| self.extension(length)),
            Marker::Ext16 => self.length_u16().and_then(|length| self.extension(length)),
            Marker::Ext32 => self.length_u32().and_then(|length| self.extension(length)),
            Marker::Reserved => Err(Broken),
        }
    }

    /// Refinements of an unknown (a prefix, a range) only narrow it down, so they are ignored.
    fn extension(&mut self, length: usize) -> Result<Token<'a>, Broken> {
        self.take(1)?;
        self.take(length)?;
        Ok(Token::Unknown)
    }

    fn length_u8(&mut self) -> Result<usize, Broken> {
        self.array().map(u8::from_be_bytes).map(usize::from)
    }

    fn length_u16(&mut self) -> Result<usize, Broken> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }

    fn length_u32(&mut self) -> Result<usize, Broken> {
        self.array()
            .map(u32::from_be_bytes)
            .and_then(|length| usize::try_from(length).map_err(|_| Broken))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Broken)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Broken)?;
        self.rest = rest;
        Ok(*taken)
    }
}

fn utf8<'a>(text: &'a [u8], path: &AttributePath) -> Result<&'a str, ValueError> {
    std::str::from_utf8(text).map_err(|_| ValueError::new(path, "text in UTF-8", "other bytes"))
}

fn number(token: &Token<'_>, path: &AttributePath) -> Result<Number, ValueError> {
    let parsed = match token {
        Token::Int(int) => return Ok(Number::from(*int)),
        Token::Uint(int) => return Ok(Number::from(*int)),
        // Terraform sends a float only where it is exactly the number.
        Token::Float(float) => Number::from_exact_f64(*float),
        Token::Bytes(text) => utf8(text, path)?.parse(),
        Token::Null | Token::Unknown | Token::Bool(_) | Token::Row(_) | Token::Named(_) => {
            return Err(ValueError::new(path, "number", token.kind()));
        }
    };
    parsed.map_err(|error| ValueError::new(path, "number", error.to_string()))
}

fn write_value(
    out: &mut Vec<u8>,
    value: &Value,
    ty: &Type,
    path: &AttributePath,
) -> Result<(), ValueError> {
    // Writing to memory does not fail; what is too long for msgpack's 32-bit lengths does.
    let too_long = |_| ValueError::new(path, "at most 4 GiB", "more");
    let length = |length: usize| u32::try_from(length).map_err(too_long);
    match (value, ty) {
        (Value::Null, _) => push(out, &[Marker::Null.to_u8()]),
        // Extension type 0 with one byte, as Terraform writes it itself.
        (Value::Unknown, _) => push(out, &[Marker::FixExt1.to_u8(), 0, 0]),
        (Value::Dynamic(typed), Type::Dynamic) => {
            let json = serde_json::to_string(&typed.0).unwrap_or_default();
            write::write_array_len(out, 2).map_err(|_| ValueError::new(path, "memory", "none"))?;
            write_text(out, &json, path)?;
            write_value(out, &typed.1, &typed.0, path)?;
        }
        (Value::Bool(flag), Type::Bool) => {
            push(
                out,
                &[if *flag {
                    Marker::True.to_u8()
                } else {
                    Marker::False.to_u8()
                }],
            );
        }
        (Value::Number(number), Type::Number) => match number.as_i64() {
            Some(int) => drop(write::write_sint(out, int)),
            None => write_text(out, &number.to_string(), path)?,
        },
        (Value::String(text), Type::String) => write_text(out, text, path)?,
        (Value::List(elements), Type::List(ty)) => {
            drop(write::write_array_len(out, length(elements.len())?));
            for (at, element) in elements.iter().enumerate() {
                write_value(out, element, ty, &path.clone().index(at))?;
            }
        }
        (Value::Set(elements), Type::Set(ty)) => {
            drop(write::write_array_len(out, length(elements.len())?));
            for element in elements {
                write_value(out, element, ty, path)?;
            }
        }
        (Value::Tuple(elements), Type::Tuple(types)) if elements.len() == types.len() => {
            drop(write::write_array_len(out, length(elements.len())?));
            for (at, (element, ty)) in elements.iter().zip(types).enumerate() {
                write_value(out, element, ty, &path.clone().index(at))?;
            }
        }
        (Value::Map(elements), Type::Map(ty)) => {
            drop(write::write_map_len(out, length(elements.len())?));
            for (key, element) in elements {
                write_text(out, key, path)?;
                write_value(out, element, ty, &path.clone().key(key))?;
            }
        }
        (Value::Object(object), Type::Object(types)) => {
            drop(write::write_map_len(out, length(types.len())?));
            for (name, ty) in types {
                write_text(out, name, path)?;
                write_value(out, object.value(name), ty, &path.clone().attribute(name))?;
            }
        }
        (value, ty) => return Err(ValueError::new(path, ty.to_string(), value.kind())),
    }
    Ok(())
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn write_text(out: &mut Vec<u8>, text: &str, path: &AttributePath) -> Result<(), ValueError> {
    write::write_str(out, text)
        .map_err(|_| ValueError::new(path, "a shorter text", "one of over 4 GiB"))
}
