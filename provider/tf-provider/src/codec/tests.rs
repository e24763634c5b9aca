//! The codecs against themselves, against other encodings of the same, and against garbage.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Number, Set};

/// A type, and a value of it.
pub(crate) fn typed() -> impl Strategy<Value = (Type, Value)> {
    types().prop_flat_map(|ty| {
        let values = values(&ty);
        (Just(ty), values)
    })
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::String),
        Just(Type::Number),
        Just(Type::Bool),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(Type::Object),
        ]
    })
}

fn values(ty: &Type) -> BoxedStrategy<Value> {
    let known = match ty {
        Type::String => "\\PC{0,40}".prop_map(Value::String).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => "-?[0-9]{1,30}(\\.[0-9]{1,10})?"
            .prop_map(|text| Value::Number(text.parse().unwrap()))
            .boxed(),
        Type::Dynamic => "[a-z]{0,3}"
            .prop_map(|text| Value::Dynamic(Box::new((Type::String, text.as_str().into()))))
            .boxed(),
        Type::List(of) => prop::collection::vec(values(of), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(of) => prop::collection::vec(values(of), 0..4)
            .prop_map(|row| Value::Set(row.into_iter().collect()))
            .boxed(),
        Type::Map(of) => prop::collection::btree_map("[a-z]{1,3}", values(of), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        Type::Object(of) => {
            let attributes: Vec<_> = of
                .iter()
                .map(|(name, ty)| (Just(name.clone()), values(ty)))
                .collect();
            attributes
                .prop_map(|attributes| Value::Object(attributes.into_iter().collect()))
                .boxed()
        }
        Type::Tuple(of) => of
            .iter()
            .map(values)
            .collect::<Vec<_>>()
            .prop_map(Value::Tuple)
            .boxed(),
    };
    prop_oneof![8 => known, 1 => Just(Value::Null), 1 => Just(Value::Unknown)].boxed()
}

proptest! {
    #[test]
    fn a_value_survives_msgpack((ty, value) in typed()) {
        let bytes = encode(&value, &ty).unwrap();
        prop_assert_eq!(decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn a_value_that_fits_is_left_as_it_is((ty, value) in typed()) {
        prop_assert_eq!(conform(value.clone(), &ty, &AttributePath::root()).unwrap(), value);
    }

    #[test]
    fn garbage_is_refused_without_panic((ty, _) in typed(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = decode(&bytes, &ty);
        let _ = decode_json(&bytes, &ty);
        let _ = decode_json_untyped(&bytes);
    }

    #[test]
    fn a_cut_value_is_refused((ty, value) in typed(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&value, &ty).unwrap();
        let cut = at.index(bytes.len());
        prop_assert!(decode(&bytes[..cut], &ty).is_err());
    }

    #[test]
    fn a_changed_byte_never_panics((ty, value) in typed(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = encode(&value, &ty).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes, &ty);
    }
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn numbers_are_read_from_every_encoding() {
    let cases: [(&[u8], &str); 14] = [
        (b"\x07", "7"),
        (b"\xcc\x07", "7"),
        (b"\xcd\x00\x07", "7"),
        (b"\xce\x00\x00\x00\x07", "7"),
        (b"\xcf\x00\x00\x00\x00\x00\x00\x00\x07", "7"),
        (
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
        ),
        (b"\xe0", "-32"),
        (b"\xd0\xff", "-1"),
        (b"\xd1\xff\xff", "-1"),
        (b"\xd2\xff\xff\xff\xff", "-1"),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", "-1"),
        (b"\xca\x3f\x00\x00\x00", "0.5"),
        (b"\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", "0.5"),
        (b"\xa50.100", "0.1"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            decode(bytes, &Type::Number).unwrap(),
            number(expected),
            "{bytes:x?}"
        );
    }
}

#[test]
fn text_is_read_from_every_encoding() {
    let cases: [&[u8]; 7] = [
        b"\xa2hi",
        b"\xd9\x02hi",
        b"\xda\x00\x02hi",
        b"\xdb\x00\x00\x00\x02hi",
        b"\xc4\x02hi",
        b"\xc5\x00\x02hi",
        b"\xc6\x00\x00\x00\x02hi",
    ];
    for bytes in cases {
        assert_eq!(
            decode(bytes, &Type::String).unwrap(),
            Value::from("hi"),
            "{bytes:x?}"
        );
    }
}

#[test]
fn any_extension_is_an_unknown_and_ours_is_type_0() {
    let cases: [&[u8]; 8] = [
        b"\xd4\x00\x00",
        b"\xd4\x0c\x00",
        b"\xd5\x00\x00\x00",
        b"\xd6\x0c\x81\x01\xc2\x00",
        b"\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xc7\x03\x0c\x81\x01\xc2",
        b"\xc8\x00\x01\x0c\x80",
        b"\xc9\x00\x00\x00\x01\x0c\x80",
    ];
    for bytes in cases {
        for ty in [Type::String, Type::list(Type::Number), Type::Dynamic] {
            assert_eq!(decode(bytes, &ty).unwrap(), Value::Unknown, "{bytes:x?}");
        }
    }
    assert_eq!(
        encode(&Value::Unknown, &Type::String).unwrap(),
        b"\xd4\x00\x00"
    );
}

#[test]
fn rows_and_maps_are_read_from_every_width() {
    let ty = Type::map(Type::list(Type::Bool));
    let expected = Value::Map(BTreeMap::from([(
        "a".to_owned(),
        Value::List(vec![Value::Bool(true)]),
    )]));
    let cases: [&[u8]; 3] = [
        b"\x81\xa1a\x91\xc3",
        b"\xde\x00\x01\xa1a\xdc\x00\x01\xc3",
        b"\xdf\x00\x00\x00\x01\xa1a\xdd\x00\x00\x00\x01\xc3",
    ];
    for bytes in cases {
        assert_eq!(decode(bytes, &ty).unwrap(), expected, "{bytes:x?}");
    }
}

#[test]
fn an_error_says_where() {
    let ty = Type::object([(
        "rule",
        Type::list(Type::object([("tags", Type::map(Type::Number))])),
    )]);
    let bytes = b"\x81\xa4rule\x91\x81\xa4tags\x81\xa1k\xc3";
    assert_eq!(
        decode(bytes, &ty).unwrap_err().to_string(),
        r#"rule[0].tags["k"]: expected number, found a bool"#
    );
    let json = br#"{"rule":[{"tags":{"k":true}}]}"#;
    assert_eq!(
        decode_json(json, &ty).unwrap_err().to_string(),
        r#"rule[0].tags["k"]: expected number, found a bool"#
    );
}

#[test]
fn what_is_not_of_the_type_is_refused() {
    let object = Type::object([("a", Type::String)]);
    let cases: [(&[u8], Type, &str); 8] = [
        (
            b"",
            Type::String,
            "expected msgpack, found other bytes, or too few",
        ),
        (
            b"\xc1",
            Type::String,
            "expected msgpack, found other bytes, or too few",
        ),
        (
            b"\xa1a\xa1b",
            Type::String,
            "expected one value, found more bytes after it",
        ),
        (
            b"\xa1\xff",
            Type::String,
            "expected text in UTF-8, found other bytes",
        ),
        (
            b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
            Type::Number,
            "expected number, found not a decimal number of sensible size",
        ),
        (
            b"\x81\xa1b\xc0",
            object,
            "b: expected no such attribute, found a value",
        ),
        (
            b"\xdd\xff\xff\xff\xff",
            Type::list(Type::Bool),
            "[0]: expected msgpack, found other bytes, or too few",
        ),
        (
            b"\x92\xa3\"x\"\xc0",
            Type::Dynamic,
            "expected a type, found other JSON",
        ),
    ];
    for (bytes, ty, message) in cases {
        assert_eq!(
            decode(bytes, &ty).unwrap_err().to_string(),
            message,
            "{bytes:x?}"
        );
    }
}

#[test]
fn endless_nesting_is_refused() {
    let bytes: Vec<u8> = std::iter::repeat_n(*b"\x92\xa9\"dynamic\"", 10_000)
        .flatten()
        .collect();
    assert!(
        decode(&bytes, &Type::Dynamic)
            .unwrap_err()
            .to_string()
            .contains("at most 100 levels")
    );
    let json = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(decode_json_untyped(json.as_bytes()).is_err());
}

#[test]
fn stored_state_is_read_by_todays_schema() {
    let ty = Type::object([
        ("kept", Type::Number),
        ("new", Type::String),
        ("open", Type::Dynamic),
    ]);
    let json = br#"{"kept": 12345678901234567890.25, "removed": [1], "open": {"type": "bool", "value": true}}"#;
    let expected = Object::new()
        .with("kept", "12345678901234567890.25".parse::<Number>().unwrap())
        .with("new", Value::Null)
        .with(
            "open",
            Value::Dynamic(Box::new((Type::Bool, Value::Bool(true)))),
        );
    assert_eq!(decode_json(json, &ty).unwrap(), Value::Object(expected));
}

#[test]
fn what_code_returns_is_fitted_to_the_schema() {
    let set = Type::set(Type::String);
    let row = Value::List(vec!["b".into(), "a".into(), "b".into()]);
    let fitted = conform(row, &set, &AttributePath::root()).unwrap();
    assert_eq!(
        fitted,
        Value::Set(["a".into(), "b".into()].into_iter().collect::<Set>())
    );
    let object = Type::object([("a", Type::String)]);
    let error = conform(
        Value::Object(Object::new().with("b", 1)),
        &object,
        &"x".into(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.b: expected no such attribute, found a value"
    );
    let upgraded = conform_upgraded(
        Value::Object(Object::new().with("b", 1)),
        &object,
        &"x".into(),
    );
    assert_eq!(
        upgraded.unwrap(),
        Value::Object(Object::new().with("a", Value::Null))
    );
}
