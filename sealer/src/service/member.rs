//! Whether an event has a member that says which event it is.

use std::fmt;

use auditlog_chain::builder::StoredPayload;
use auditlog_chain::line::Payload;
use serde::Deserializer as _;
use serde::de::{Deserialize, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Whether an event is an object with this member, and its value is a string with text or a number.
pub(super) fn has_member(payload: &StoredPayload<'_>, name: &str) -> bool {
    match payload.as_payload() {
        Payload::Event(text) => {
            let mut json = serde_json::Deserializer::from_str(text);
            json.deserialize_map(Member(name)).unwrap_or(false)
        }
        Payload::Text(_) | Payload::Base64(_) => false,
    }
}

struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = bool;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut has = false;
        while let Some(key) = members.next_key::<Key<'de>>()? {
            if key.0 == self.0 {
                has = is_id(members.next_value::<&RawValue>()?.get());
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(has)
    }
}

fn is_id(value: &str) -> bool {
    let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    is_number || value.len() > 2 && value.starts_with('"')
}

/// A key without a copy of it where it has no escape.
struct Key<'de>(std::borrow::Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        from.deserialize_str(Text)
    }
}
