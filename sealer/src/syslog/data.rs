//! Structured data (RFC 5424, section 6.3): elements with parameters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// Text, or what is not UTF-8 as base64, as events of Forward have it.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return to.serialize_str(text);
        }
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry("base64", &STANDARD.encode(self.0))?;
        map.end()
    }
}

/// Elements by their names. One that comes twice is one with the parameters of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Data<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Values<'a>>>);

/// The values of a parameter, which may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Values<'a>(Vec<Cow<'a, [u8]>>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [value] => Bytes(value).serialize(to),
            values => to.collect_seq(values.iter().map(|value| Bytes(value))),
        }
    }
}

impl<'a> Data<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, element: &str, name: &str) -> bool {
        let values = self.0.get(element).and_then(|element| element.get(name));
        values.is_some_and(|values| values.0.iter().any(|value| !value.is_empty()))
    }

    /// Reads it from the front, and returns what follows it.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut data = Self::default();
        if let Some(rest) = bytes.strip_prefix(b"-") {
            return Some((data, rest));
        }
        let mut rest = data.element(bytes)?;
        while rest.starts_with(b"[") {
            rest = data.element(rest)?;
        }
        Some((data, rest))
    }

    fn element(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (name, mut rest) = name(bytes.strip_prefix(b"[")?)?;
        let parameters = self.0.entry(name).or_default();
        loop {
            if let Some(after) = rest.strip_prefix(b"]") {
                return Some(after);
            }
            let (name, after) = self::name(rest.strip_prefix(b" ")?)?;
            let (value, after) = value(after.strip_prefix(b"=\"")?)?;
            parameters.entry(name).or_default().0.push(value);
            rest = after;
        }
    }
}

/// Printable ASCII without `=`, space, `]` and `"`.
fn name(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let is_of_name = |byte: &u8| byte.is_ascii_graphic() && !b"=]\"".contains(byte);
    let length = bytes.iter().take_while(|byte| is_of_name(byte)).count();
    let (name, rest) = bytes.split_at_checked(length)?;
    let name = std::str::from_utf8(name).ok()?;
    (!name.is_empty()).then_some((name, rest))
}

/// Up to the quote. A backslash before `"`, `\` and `]` is not part of the value, and any other is.
fn value(bytes: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut unescaped: Option<Vec<u8>> = None;
    let mut at = 0usize;
    loop {
        let rest = bytes.get(at..)?;
        let next = match rest {
            [b'"', after @ ..] => {
                let value = match unescaped {
                    Some(value) => Cow::Owned(value),
                    None => Cow::Borrowed(bytes.get(..at)?),
                };
                return Some((value, after));
            }
            [b'\\', escaped @ (b'"' | b'\\' | b']'), ..] => {
                let before = bytes.get(..at)?;
                unescaped
                    .get_or_insert_with(|| before.to_vec())
                    .push(*escaped);
                2
            }
            [byte, ..] => {
                if let Some(unescaped) = &mut unescaped {
                    unescaped.push(*byte);
                }
                1
            }
            [] => return None,
        };
        at = at.saturating_add(next);
    }
}
