//! JSON pointers (RFC 6901) into a text, without a value in between that would forget repeated keys.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A pointer, as its unescaped parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let parts = text.strip_prefix('/')?.split('/');
        parts.map(unescape).collect::<Option<_>>().map(Self)
    }

    /// Whether a value at this place of `json` is one that `is` accepts.
    pub(crate) fn any_at(&self, json: &str, is: &dyn Fn(&RawValue) -> bool) -> bool {
        serde_json::from_str(json).is_ok_and(|value| any_at(&self.0, value, is))
    }

    /// The first value at this place.
    pub(crate) fn first_at(&self, json: &str) -> Option<String> {
        let found = std::cell::RefCell::new(None);
        self.any_at(json, &|value| {
            *found.borrow_mut() = Some(value.get().to_owned());
            true
        });
        found.into_inner()
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        out.push(match c {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(out)
}

fn any_at(parts: &[String], value: &RawValue, is: &dyn Fn(&RawValue) -> bool) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return is(value);
    };
    let members = Members { part };
    let mut reader = serde_json::Deserializer::from_str(value.get());
    // A value that has no members is not an error here: nothing is at this place.
    let members: Vec<&RawValue> = reader.deserialize_any(members).unwrap_or_default();
    members.into_iter().any(|member| any_at(rest, member, is))
}

/// Takes the members with one name, or the element with one number.
struct Members<'p> {
    part: &'p str,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if key == self.part {
                members.push(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let number = self.part.parse::<usize>().ok();
        let number = number.filter(|number| number.to_string() == self.part);
        let mut members = Vec::new();
        let mut at = 0usize;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if Some(at) == number {
                members.push(element);
            }
            at = at.saturating_add(1);
        }
        Ok(members)
    }
}
