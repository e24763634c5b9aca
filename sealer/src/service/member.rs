//! The member of an event that says which event it is.

use std::fmt;

use auditlog_chain::builder::StoredPayload;
use auditlog_chain::line::Payload;
use serde::Deserializer as _;
use serde::de::{Deserialize, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Whether an event is an object with this member, and its value is a string with text or a number.
pub(super) fn has_member(payload: &StoredPayload<'_>, name: &str) -> bool {
    id(payload, name).is_some()
}

/// The value of this member as it was written, where the event is an object with it, and the value is a string with text or a number.
pub(super) fn id<'p>(payload: &'p StoredPayload<'_>, name: &str) -> Option<&'p str> {
    event(payload).and_then(|text| id_in(text, name))
}

/// The same of a member of an object that is a member of it.
pub(super) fn id_within<'p>(
    payload: &'p StoredPayload<'_>,
    outer: &str,
    name: &str,
) -> Option<&'p str> {
    let outer = event(payload).and_then(|text| member(text, outer))?;
    id_in(outer.get(), name)
}

/// Whether an event is a log record of OpenTelemetry with this attribute, and its value is a string with text or a whole number.
pub(super) fn has_attribute(payload: &StoredPayload<'_>, name: &str) -> bool {
    let record = event(payload).and_then(|text| member(text, "logRecord"));
    let attributes = record.and_then(|record| member(record.get(), "attributes"));
    let attributes: Option<Vec<Attribute<'_>>> =
        attributes.and_then(|attributes| serde_json::from_str(attributes.get()).ok());
    attributes.into_iter().flatten().any(|one| one.names(name))
}

/// An attribute of OpenTelemetry. Its value names its type.
#[derive(serde::Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

impl Attribute<'_> {
    fn names(&self, name: &str) -> bool {
        let value = self.value.filter(|_| self.key == name);
        value.is_some_and(|value| {
            let of_type = |name| id_in(value.get(), name);
            of_type("stringValue").or(of_type("intValue")).is_some()
        })
    }
}

fn event<'p>(payload: &'p StoredPayload<'_>) -> Option<&'p str> {
    match payload.as_payload() {
        Payload::Event(text) => Some(text),
        Payload::Text(_) | Payload::Base64(_) => None,
    }
}

fn id_in<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = member(text, name)?.get();
    is_id(value).then_some(value)
}

/// The value of a member. Of several, the last one counts.
fn member<'t>(text: &'t str, name: &str) -> Option<&'t RawValue> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(Member(name)).ok().flatten()
}

struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = members.next_key::<Key<'de>>()? {
            if key.0 == self.0 {
                found = Some(members.next_value::<&RawValue>()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

fn is_id(value: &str) -> bool {
    let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    is_number || value.len() > 2 && value.starts_with('"')
}

/// A key without a copy of it where it has no escape.
pub(super) struct Key<'de>(pub(super) std::borrow::Cow<'de, str>);

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
