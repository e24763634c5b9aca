//! The value at a JSON Pointer (RFC 6901), as it is written. No tree of the event is built, so an event may be nested as deep as the log
//! takes it.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::member::Key;

/// The value at a pointer. Of a key that is there several times, the last one counts, as for everyday readers.
pub(super) fn value_at<'e>(event: &'e str, pointer: &str) -> Option<&'e str> {
    if pointer.is_empty() {
        return Some(event);
    }
    let mut at = event;
    for token in pointer.strip_prefix('/')?.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        let mut json = serde_json::Deserializer::from_str(at);
        at = json.deserialize_any(Step(&token)).ok()??;
    }
    Some(at)
}

/// One step into an object or an array.
struct Step<'t>(&'t str);

impl Step<'_> {
    /// The number of an element, without a sign and without zeros before it.
    fn index(&self) -> Option<usize> {
        let is_plain = self.0 == "0" || !self.0.starts_with(['0', '+']);
        self.0.parse().ok().filter(|_| is_plain)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = members.next_key::<Key<'de>>()? {
            let value = members.next_value::<&RawValue>()?;
            if key.0 == self.0 {
                found = Some(value.get());
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let wanted = self.index();
        let (mut found, mut number) = (None, 0usize);
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if Some(number) == wanted {
                found = Some(element.get());
            }
            number = number.saturating_add(1);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn pointer_leads_where_it_leads_in_a_tree() {
        let event = r#"{"a":{"b":[1,{"c":"x"},[]],"":null},"a/b":2,"m~n":3,"0":4,"e":5e2,"twice":1,"twice":"last","é":true}"#;
        let tree: Value = serde_json::from_str(event).unwrap();
        for pointer in [
            "",
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/a/b/0",
            "/a/b/1/c",
            "/a/b/01",
            "/a/b/+1",
            "/a/b/-",
            "/a/b/3",
            "/a/b/2/0",
            "/a~1b",
            "/m~0n",
            "/0",
            "/e",
            "/e/x",
            "/twice",
            "/\u{e9}",
            "a",
            "/a/b/1/c/0",
            "/none",
        ] {
            let found = value_at(event, pointer);
            let found = found.map(|text| serde_json::from_str::<Value>(text).unwrap());
            assert_eq!(found.as_ref(), tree.pointer(pointer), "{pointer}");
        }
    }
}
