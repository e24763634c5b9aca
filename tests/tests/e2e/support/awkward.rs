//! Events that are hard to read.

/// What readers trip over, each a line of JSON.
pub(crate) const AWKWARD: &[&str] = &[
    r#"{"n":9007199254740993}"#,
    r#"{"n":18446744073709551616,"m":-123456789012345678901234567890}"#,
    r#"{"f":0.1000000000000000055511151231257827,"g":1E5,"z":-0,"o":1.0}"#,
    r#"{"a":1,"a":2}"#,
    r#"{"s":"\u0000\u001f\/\u00e9é\ud83d\ude00😀","t":"a\tb\nc"}"#,
    "{\"separators\":\"\u{2028}\u{2029}\u{85}\u{7f}\"}",
    "null",
    "true",
    "[]",
    "{}",
    r#""""#,
    "0",
    r#""12""#,
    "12",
    r#""2026-01-01""#,
    r#""a\tb""#,
    r#"{ "a" : [ 1 , 2 ] }"#,
    r#"[1,"a",null,{"b":[]}]"#,
    r#"{"index":1,"event":2,"text":"x","open":{"origin":"x"},"close":null,"":3}"#,
    r#"{"d":"\"},\"index\":99,\"close\":{"}"#,
];

/// What is kept as text, and how: half of a surrogate pair, a number that rounds to infinity, and no JSON at all.
pub(crate) const TEXTS: &[(&str, &str)] = &[
    (r#"{"half":"\ud800"}"#, r#""{\"half\":\"\\ud800\"}""#),
    (r#"{"large":1e400}"#, r#""{\"large\":1e400}""#),
    (
        "plain \"text\"\t\u{1}\u{2028}é",
        "\"plain \\\"text\\\"\\t\\u0001\u{2028}é\"",
    ),
];

/// Arrays as deep as allowed.
pub(crate) fn deep_arrays() -> String {
    format!("{}{}", "[".repeat(128), "]".repeat(128))
}

/// Objects as deep as allowed.
pub(crate) fn deep_objects() -> String {
    format!("{}{{}}{}", r#"{"deep":"#.repeat(127), "}".repeat(127))
}
