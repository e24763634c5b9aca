//! An event without the order of its members: Beats write them in another order each time that they send an event.

use aws_lc_rs::digest::{SHA256, digest};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Bytes of a value that are written where it is in another one. Of more, there is the hash: otherwise, each level around a value would
/// copy it once more.
const MAX_NESTED_BYTES: usize = 64;

/// Bytes that are equal for two texts of JSON that differ in white space, escapes and the order of members alone, and in numbers that are
/// equal as a double, where they have a fraction, an exponent or more than 64 bits. What is not JSON is as it came.
pub fn canonical(json: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Canonical>(json) {
        Ok(canonical) => canonical.0,
        Err(_) => [b"?", json].concat(),
    }
}

struct Canonical(Vec<u8>);

impl<'de> Deserialize<'de> for Canonical {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Value).map(Self)
    }
}

/// Each value begins with a letter for its type. What has a length has it before it, so that no two values run into one another.
struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = Vec<u8>;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Vec<u8>, E> {
        Ok(b"n".to_vec())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Vec<u8>, E> {
        Ok(vec![b'b', value.into()])
    }

    fn visit_u64<E>(self, value: u64) -> Result<Vec<u8>, E> {
        Ok([b"i".as_slice(), &i128::from(value).to_be_bytes()].concat())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Vec<u8>, E> {
        Ok([b"i".as_slice(), &i128::from(value).to_be_bytes()].concat())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Vec<u8>, E> {
        Ok([b"f".as_slice(), &value.to_bits().to_be_bytes()].concat())
    }

    fn visit_str<E>(self, value: &str) -> Result<Vec<u8>, E> {
        Ok(text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<u8>, A::Error> {
        let mut all = b"[".to_vec();
        while let Some(Canonical(value)) = values.next_element()? {
            push(&mut all, value);
        }
        all.push(b']');
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<u8>, A::Error> {
        let mut all = Vec::new();
        while let Some((name, Canonical(value))) = members.next_entry::<String, _>()? {
            let mut short = Vec::new();
            push(&mut short, value);
            all.push((name, short));
        }
        // Members of the same name keep their order.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut object = b"{".to_vec();
        for (name, value) in all {
            push(&mut object, text(&name));
            object.extend(value);
        }
        object.push(b'}');
        Ok(object)
    }
}

/// Appends a value that is in another one.
fn push(to: &mut Vec<u8>, value: Vec<u8>) {
    if value.len() <= MAX_NESTED_BYTES {
        to.extend(value);
    } else {
        to.push(b'h');
        to.extend(digest(&SHA256, &value).as_ref());
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes();
    [b"s", length.as_slice(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_members_does_not_count_and_everything_else_does() {
        let event = br#"{"a":{"x":1,"y":[true,null,"\u0041"]},"b":-2.5}"#;
        let same = br#" {"b": -2.5, "a": {"y":[true,null,"A"], "x":1}}"#;
        assert_eq!(canonical(event), canonical(same));
        for other in [
            r#"{"a":{"x":1,"y":[true,null,"A"]},"b":2.5}"#,
            r#"{"a":{"x":1,"y":[null,true,"A"]},"b":-2.5}"#,
            r#"{"a":{"x":1.0,"y":[true,null,"A"]},"b":-2.5}"#,
            r#"{"a":{"x":"1","y":[true,null,"A"]},"b":-2.5}"#,
            r#"{"a":{"x":1,"y":[true,null],"z":"A"},"b":-2.5}"#,
            r#"{"a":{"x":1,"y":[true,null,"A"]},"b":-2.5,"b":-2.5}"#,
        ] {
            assert_ne!(canonical(event), canonical(other.as_bytes()), "{other}");
        }
        assert_ne!(
            canonical(br#"{"a":1,"a":2}"#),
            canonical(br#"{"a":2,"a":1}"#)
        );
        assert_ne!(canonical(b"18446744073709551615"), canonical(b"-1"));
        assert_eq!(canonical(b"0.1"), canonical(b"0.10000000000000000001"));
        assert_eq!(canonical(b"{"), b"?{");
    }

    #[test]
    fn large_value_is_not_copied_at_each_level_around_it_and_counts_with_each_byte() {
        let nested = |text: &str| format!("{}\"{text}\"{}", "[{\"a\":".repeat(60), "}]".repeat(60));
        let large = nested(&"x".repeat(1 << 20));
        let found = canonical(large.as_bytes());
        assert!(found.starts_with(b"[") && found.len() < 2 * MAX_NESTED_BYTES);
        assert_eq!(found, canonical(large.replace(':', " : ").as_bytes()));
        let other = nested(&("x".repeat((1 << 20) - 1) + "y"));
        assert_ne!(found, canonical(other.as_bytes()));
        // A hash is not the text of it.
        let long = "x".repeat(100);
        let hash = digest(&SHA256, &text(&long));
        let written = [b"[h".as_slice(), hash.as_ref(), b"]"].concat();
        assert_eq!(canonical(format!("[\"{long}\"]").as_bytes()), written);
    }
}
