//! An event without the order of its members: Beats write them in another order each time that they send an event.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Bytes that are equal for two texts of JSON that differ in white space, escapes and the order of members alone. What is not
/// JSON is as it came.
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
            all.extend(value);
        }
        all.push(b']');
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<u8>, A::Error> {
        let mut all = Vec::new();
        while let Some((name, Canonical(value))) = members.next_entry::<String, _>()? {
            all.push((name, value));
        }
        // Members of the same name keep their order.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut object = b"{".to_vec();
        for (name, value) in all {
            object.extend(text(&name));
            object.extend(value);
        }
        object.push(b'}');
        Ok(object)
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
        assert_eq!(canonical(b"{"), b"?{");
    }
}
