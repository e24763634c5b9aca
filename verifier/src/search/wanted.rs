//! A value at a place of an event, as a person writes it: `POINTER=VALUE`.

use std::str::FromStr;

use serde_json::value::RawValue;

use super::pointer::Pointer;

/// A value at a JSON pointer (RFC 6901).
///
/// A string is compared by its characters, anything else by its JSON text. Where an object has a key more than once, one of its values is enough,
/// since readers differ in which one they take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pointer: Pointer,
    value: String,
}

/// Why a text is not `POINTER=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// The `=` is missing.
    #[error("expected POINTER=VALUE, such as /user/name=ada")]
    NoValue,
    /// The pointer does not begin with `/`, or has a `~` that is not `~0` or `~1`.
    #[error("expected a JSON pointer before the =, such as /user/name")]
    NotAPointer,
}

impl FromStr for Wanted {
    type Err = WantedError;

    fn from_str(text: &str) -> Result<Self, WantedError> {
        let (pointer, value) = text.split_once('=').ok_or(WantedError::NoValue)?;
        Ok(Self {
            pointer: Pointer::parse(pointer).ok_or(WantedError::NotAPointer)?,
            value: value.to_owned(),
        })
    }
}

impl Wanted {
    /// Whether a JSON value has it.
    pub(crate) fn is_in(&self, json: &str) -> bool {
        self.pointer.any_at(json, &|value| self.is(value))
    }

    fn is(&self, value: &RawValue) -> bool {
        let json = value.get();
        if json.starts_with('"') {
            return serde_json::from_str::<String>(json).is_ok_and(|text| text == self.value);
        }
        json == self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(wanted: &str, json: &str) -> bool {
        wanted.parse::<Wanted>().unwrap().is_in(json)
    }

    #[test]
    fn values_are_found_at_their_pointer_alone() {
        let json = r#"{"user":{"name":"ada","id":7,"tags":["a","b"],"x/y":{"m~n":true}},"name":"bob","n":null}"#;
        for wanted in [
            "/user/name=ada",
            "/user/id=7",
            "/user/tags/1=b",
            "/user/x~1y/m~0n=true",
            "/name=bob",
            "/n=null",
        ] {
            assert!(has(wanted, json), "{wanted}");
        }
        for wanted in [
            "/user/name=bob",
            "/user/name=ad",
            "/user/id=7.0",
            "/user/tags/2=b",
            "/user/tags/01=b",
            "/user/tags/-=b",
            "/user=ada",
            "/user/name/x=ada",
            "/nobody=",
            "=ada",
        ] {
            assert!(!has(wanted, json), "{wanted}");
        }
    }

    #[test]
    fn strings_are_compared_by_their_characters_and_numbers_by_their_text() {
        assert!(has(
            "/a=caf\u{e9} \u{1f600}=",
            r#"{"a":"caf\u00e9 \ud83d\ude00="}"#
        ));
        assert!(has(
            "/a=123456789012345678901234567890",
            r#"{"a":123456789012345678901234567890}"#
        ));
        assert!(has("/a=1.50", r#"{"a": 1.50}"#));
        assert!(has("=whole", "\"whole\""));
        assert!(has("/=empty", r#"{"":"empty"}"#));
        assert!(has("/a=", r#"{"a":""}"#));
    }

    #[test]
    fn a_repeated_key_cannot_hide_a_value() {
        let json = r#"{"user":"ada","user":"bob","user":{"x":"eve"}}"#;
        for wanted in ["/user=ada", "/user=bob", "/user/x=eve"] {
            assert!(has(wanted, json), "{wanted}");
        }
    }

    #[test]
    fn what_is_not_a_pointer_and_a_value_is_refused() {
        for (text, error) in [
            ("/user", WantedError::NoValue),
            ("user=ada", WantedError::NotAPointer),
            ("/a~2=ada", WantedError::NotAPointer),
            ("/a~=ada", WantedError::NotAPointer),
        ] {
            assert_eq!(text.parse::<Wanted>(), Err(error), "{text}");
        }
    }
}
