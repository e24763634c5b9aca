//! The one form of a value as JSON, for digests and documents that are compared byte for byte.

use serde::Serialize;

/// The bytes of a value.
///
/// # Panics
///
/// Where it cannot be written: a map with keys that are not strings or numbers is our own mistake. Anything in its place, such as no bytes, would give all
/// such values one name, and names are what says that a kept result is of these segments.
#[expect(
    clippy::expect_used,
    reason = "a value without a form must not get the name of another"
)]
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("every value that has a digest can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    #[should_panic(expected = "every value that has a digest can be written as JSON")]
    fn a_value_that_cannot_be_written_does_not_get_a_name() {
        json(&BTreeMap::from([((1, 2), 3)]));
    }

    #[test]
    fn a_value_has_one_form() {
        assert_eq!(json(&(1, "a", [true])), br#"[1,"a",[true]]"#);
    }
}
