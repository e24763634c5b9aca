//! What an entry may carry: exactly one JSON value, a text, or bytes (F9).
//!
//! The check that an event is exactly one JSON value keeps an event such as `1},"index":99,"close":{…` from showing other
//! readers of the line something else than it shows us. Two kinds of JSON are not accepted as an event, because everyday
//! readers stop at them: one line with such a value hides the rest of a segment from them.

mod plain;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use crate::limits::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH};

/// Why bytes are not an event. The variants name what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// There is nothing but white space.
    #[error("the event is empty")]
    Empty,
    /// It is longer than [`MAX_EVENT_BYTES`].
    #[error("the event has {found} bytes, the limit is {MAX_EVENT_BYTES}")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// It is stored as text or base64, and is longer than [`MAX_EVENT_BYTES`] in this form.
    #[error(
        "the event must be stored as {form}, and has {found} bytes so, the limit is {MAX_EVENT_BYTES}"
    )]
    TooLongAs {
        /// The form, such as "text".
        form: &'static str,
        /// Its length in bytes in this form.
        found: usize,
    },
    /// It is nested deeper than [`MAX_EVENT_DEPTH`].
    #[error("the event is nested deeper than {MAX_EVENT_DEPTH} levels")]
    TooDeep,
    /// It is not UTF-8.
    #[error("the event is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Offset of the first byte that is not.
        at: usize,
    },
    /// It begins with a byte order mark, which cannot be seen.
    #[error("the event begins with a byte order mark (U+FEFF), which is not part of JSON")]
    ByteOrderMark,
    /// It is not exactly one JSON value.
    #[error("the event is not exactly one JSON value: {reason} at byte {at}")]
    NotJson {
        /// The parser's word for it.
        reason: String,
        /// Offset of the byte where the parser stopped, from 1 on.
        at: usize,
    },
    /// A string has an escape of half a surrogate pair, such as `\ud800`, which is not a character.
    #[error("the event has an escape of half a surrogate pair")]
    HalfSurrogate,
    /// A number is so large that it rounds to infinity as a double, such as `1e400`.
    #[error("the event has a number that rounds to infinity as a double")]
    InfiniteNumber,
    /// There is white space before or after the value, or a line break between its tokens.
    #[error("the event is not in its stored form: white space around it, or a line break in it")]
    NotStoredForm,
    /// A text or base64 payload is written in another way than the one way it can be written.
    #[error("the payload is not written in its one form")]
    NotCanonical,
}

const fn is_json_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Checks that `text` is an event as it appears in a line: exactly one JSON value, within the limits, nothing around it, no
/// line break in it, and nothing in it that everyday readers stop at.
///
/// Repeated keys and long integers are *not* refused: the bytes are hashed, and stay what they were.
///
/// # Errors
///
/// Says what is wrong with the bytes.
pub fn check_event(text: &str) -> Result<(), EventError> {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return Err(EventError::Empty);
    };
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLong { found: bytes.len() });
    }
    if plain::is_plain(bytes) {
        return Ok(());
    }
    check_slowly(text, first, last)
}

/// The same of text that is known to be one JSON value on one line, and has nothing in it that everyday readers stop at: it is looked at
/// only where it may be too long or nested too deep.
pub(crate) fn check_rendered(text: &str) -> Result<(), EventError> {
    let bytes = text.as_bytes();
    let is_flat = bytes.len() <= MAX_EVENT_DEPTH || opening_brackets(bytes) < MAX_EVENT_DEPTH;
    if is_flat && bytes.len() <= MAX_EVENT_BYTES {
        debug_assert_eq!(check_event(text), Ok(()), "{text}");
        return Ok(());
    }
    check_event(text)
}

/// Checks what is not an event at first sight, part by part, and says what is wrong with it.
fn check_slowly(text: &str, first: u8, last: u8) -> Result<(), EventError> {
    let bytes = text.as_bytes();
    if is_json_space(first) || is_json_space(last) || memchr::memchr2(b'\n', b'\r', bytes).is_some()
    {
        return Err(EventError::NotStoredForm);
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(|e| not_json(text, &e))?;
    check_depth(bytes)?;
    check_readable(text)
}

/// Brings bytes that came as JSON into their stored form: trimmed, each line break between tokens one space, every other
/// byte as it came.
///
/// # Errors
///
/// Says why the bytes are not an event.
pub fn normalize_event(bytes: &[u8]) -> Result<Cow<'_, str>, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|e| EventError::NotUtf8 {
        at: e.valid_up_to(),
    })?;
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.starts_with('\u{feff}') {
        return Err(EventError::ByteOrderMark);
    }
    let text = if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some() {
        // Check first: in a valid value a raw line break can only be between tokens, never inside a string.
        serde_json::from_str::<IgnoredAny>(text).map_err(|e| not_json(text, &e))?;
        Cow::Owned(text.replace("\r\n", " ").replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(text)
    };
    check_event(&text)?;
    Ok(text)
}

fn not_json(text: &str, error: &serde_json::Error) -> EventError {
    let before: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let message = error.to_string();
    let reason = message
        .split(" at line ")
        .next()
        .unwrap_or(&message)
        .to_owned();
    EventError::NotJson {
        reason,
        at: before.saturating_add(error.column()),
    }
}

/// Checks the nesting of a valid JSON text.
fn check_depth(bytes: &[u8]) -> Result<(), EventError> {
    // Each level has two brackets of its own, and most events are too short or have too few to be deep.
    let brackets = MAX_EVENT_DEPTH.saturating_mul(2);
    if bytes.len() <= brackets || opening_brackets(bytes) <= MAX_EVENT_DEPTH {
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth = depth.saturating_add(1),
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_EVENT_DEPTH {
            return Err(EventError::TooDeep);
        }
    }
    Ok(())
}

/// Checks a valid JSON text for the two values that everyday readers stop at. The list is closed: a writer that asked a
/// reader of its own what it can read would make another log.
fn check_readable(text: &str) -> Result<(), EventError> {
    let bytes = text.as_bytes();
    if may_hold_half_surrogate(bytes) || may_hold_infinite_number(bytes) {
        check_tokens(text)
    } else {
        Ok(())
    }
}

/// Whether there is an escape of a surrogate. Most events have none, so that most are not looked at token by token.
fn may_hold_half_surrogate(bytes: &[u8]) -> bool {
    let surrogate = |at: usize| {
        let escape = bytes.get(at..).unwrap_or_default();
        matches!(
            escape,
            [
                b'\\',
                b'u',
                b'd' | b'D',
                b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F',
                ..,
            ]
        )
    };
    memchr::memchr_iter(b'\\', bytes).any(surrogate)
}

/// Whether there is a digit before an `e`, or a run of 309 digits: a number below 10^308 is not infinite.
fn may_hold_infinite_number(bytes: &[u8]) -> bool {
    // Without a branch, many are looked at at once.
    let exponent = |found: u8, (digit, letter): (&u8, &u8)| {
        found | u8::from(digit.is_ascii_digit()) & u8::from(letter | 0x20 == b'e')
    };
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    if pairs.fold(0, exponent) != 0 {
        return true;
    }
    // A run of 309 digits has one at four steps of 64 in a row, at least.
    let mut in_a_row = 0u8;
    bytes.iter().step_by(64).any(|byte| {
        in_a_row = if byte.is_ascii_digit() {
            in_a_row.saturating_add(1)
        } else {
            0
        };
        in_a_row >= 4
    })
}

/// Goes through the strings and the numbers of a valid JSON text.
fn check_tokens(text: &str) -> Result<(), EventError> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let token = rest.get(at..).unwrap_or_default();
        let length = if token.starts_with('"') {
            string_length(token)
        } else {
            number_length(token)
        };
        let (token, after) = token.split_at_checked(length).unwrap_or((token, ""));
        if token.starts_with('"') {
            // The one thing that a valid string can hold and a Rust string cannot.
            serde_json::from_str::<Cow<'_, str>>(token).map_err(|_| EventError::HalfSurrogate)?;
        } else if token.parse::<f64>().is_ok_and(f64::is_infinite) {
            return Err(EventError::InfiniteNumber);
        }
        rest = after;
    }
    Ok(())
}

/// Bytes of the string that begins here, with both of its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let closes = |byte: u8| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    };
    let inner = text.bytes().skip(1).position(closes);
    inner.map_or(text.len(), |inner| inner.saturating_add(2))
}

/// Bytes of the number that begins here.
fn number_length(text: &str) -> usize {
    let of_number =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    text.bytes().take_while(|byte| of_number(*byte)).count()
}

/// Counts `{` and `[`, in strings too.
fn opening_brackets(bytes: &[u8]) -> usize {
    // The two differ in one bit. Counted in bytes, which a chunk of this size cannot overflow, many are looked at at once.
    let in_chunk = |chunk: &[u8]| {
        let opening = |count: u8, byte: &u8| count.wrapping_add(u8::from(byte | 0x20 == b'{'));
        usize::from(chunk.iter().fold(0, opening))
    };
    bytes.chunks(128).map(in_chunk).sum()
}

/// Writes a text payload as the JSON string of the line, quotes included.
///
/// Exactly `"`, `\` and the characters below U+0020 are escaped; `\b \t \n \f \r` have their short form, the others
/// `\u00xx` with lower-case digits.
pub fn format_text(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Checks a text payload as it is in the line: a JSON string in its one form.
///
/// # Errors
///
/// Says what is wrong with the bytes.
pub fn check_text(quoted: &str) -> Result<(), EventError> {
    if quoted.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLong {
            found: quoted.len(),
        });
    }
    let text: Cow<'_, str> = serde_json::from_str(quoted).map_err(|e| not_json(quoted, &e))?;
    if format_text(&text) == quoted {
        Ok(())
    } else {
        Err(EventError::NotCanonical)
    }
}

/// Writes a bytes payload as the JSON string of its standard base64, quotes included.
pub fn format_base64(bytes: &[u8]) -> String {
    format!("\"{}\"", STANDARD.encode(bytes))
}

/// Checks a bytes payload as it is in the line: canonical standard base64 in quotes.
///
/// # Errors
///
/// Says what is wrong with the bytes.
pub fn check_base64(quoted: &str) -> Result<(), EventError> {
    if quoted.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLong {
            found: quoted.len(),
        });
    }
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    match inner.map(|text| STANDARD.decode(text)) {
        Some(Ok(_)) => Ok(()),
        _ => Err(EventError::NotCanonical),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict without the first sight.
    fn slowly(text: &str) -> Result<(), EventError> {
        match (text.as_bytes().first(), text.as_bytes().last()) {
            (Some(first), Some(last)) => check_slowly(text, *first, *last),
            _ => Err(EventError::Empty),
        }
    }

    /// Values as senders write them, and whatever is at the edge of the rules.
    const SEEDS: &[&str] = &[
        r#"{"id":17,"user":"ada","tags":["a","b",[]],"ok":true,"no":null,"x":{},"f":-1.5e+30}"#,
        r#"{ "a" : [ 1 , 2.50, -0, 0.1E-7 ] , "b\n\u00e9\ud834\udd1e" : "\\\"\/é𝄞" , "c":false}"#,
        r#"[[[{"":[{}]}]],false,"0123456789abcdef0123456789abcdef"]"#,
        r#""\ud834x\udd1e\uDFFF""#,
        "[1e308,1e309,12e99,1e100,-9e999,0e5,00,1.,.5,-,1e,1e+]",
        "1234567890123456789012345678901234567890",
        r#"{"a":1}},"b":[1,],"c":{"d"},tru,nul,[}"#,
        "\"\u{1}\u{7f}\u{80}\t\"",
    ];

    #[test]
    fn first_sight_and_the_slow_way_agree_on_seeds_cut_and_changed_at_every_byte() {
        let bytes = b"\"\\{}[]:,0e.-+ u\td/\x1fz\x7f";
        let (mut plain, mut all) = (0usize, 0usize);
        for seed in SEEDS {
            for at in 0..=seed.len() {
                let (before, after) = seed.as_bytes().split_at(at);
                let skipped = after.get(1..).unwrap_or_default();
                let inserted = bytes.iter().map(|byte| [before, &[*byte], after].concat());
                let replaced = bytes
                    .iter()
                    .map(|byte| [before, &[*byte], skipped].concat());
                let others = [
                    before.to_vec(),
                    after.to_vec(),
                    [before, skipped].concat(),
                    [before, before, after].concat(),
                ];
                for changed in inserted.chain(replaced).chain(others) {
                    let Ok(text) = String::from_utf8(changed) else {
                        continue;
                    };
                    all += 1;
                    plain += usize::from(plain::is_plain(text.as_bytes()));
                    assert_eq!(check_event(&text), slowly(&text), "{text}");
                }
            }
        }
        // Neither way is idle.
        assert!(plain > 1000 && all - plain > 1000, "{plain} of {all}");
    }

    #[test]
    fn first_sight_and_the_slow_way_agree_on_ends_at_each_place_of_long_events() {
        let ends = [
            "", "\"", "\"}", "\\", "\\\"}", "\\n\"}", "\t\"}", "\":1}", "\"}x", "é\"}",
        ];
        for before in
            (0..200).map(|length| format!(r#"{{"a":[-1.5e3,"b"],"c":"{}"#, "d".repeat(length)))
        {
            for text in ends.map(|end| format!("{before}{end}")) {
                assert_eq!(check_event(&text), slowly(&text), "{text}");
            }
            assert!(
                plain::is_plain(format!("{before}\"}}").as_bytes()),
                "{before}"
            );
        }
    }

    #[test]
    fn what_senders_write_is_seen_at_first_sight() {
        for (n, seed) in SEEDS.iter().enumerate() {
            assert_eq!(
                plain::is_plain(seed.as_bytes()),
                [0, 1, 2, 5].contains(&n),
                "{seed}"
            );
        }
    }

    const TOKENS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"a\"",
        "\"key\":",
        "\\",
        "\\u",
        "\\ud800",
        "\\udc00",
        "12ab",
        "0",
        "-1",
        "1.5",
        "e9",
        "E-12",
        "e400",
        "true",
        "false",
        "null",
        " ",
        "\t",
        "\n",
        "é",
        "long enough for eight bytes",
        "\"\\\"\"",
        "[[",
        "]]",
        "{\"a\":",
        "},",
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]

        #[test]
        fn first_sight_and_the_slow_way_agree_on_random_tokens(
            tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..14),
        ) {
            let text = tokens.concat();
            proptest::prop_assert_eq!(check_event(&text), slowly(&text), "{}", text);
        }
    }

    #[test]
    fn an_event_that_would_close_the_line_early_is_refused() {
        for bad in [
            "1},\"index\":99,\"close\":{",
            "{} {}",
            "{}1",
            "1,2",
            "\"a\"\"b\"",
            "{\"a\":1}}",
        ] {
            assert!(
                matches!(check_event(bad), Err(EventError::NotJson { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn each_kind_of_json_value_is_an_event() {
        for good in [
            "{}",
            "[]",
            "\"x\"",
            "0",
            "-1e300",
            "1e-400",
            "true",
            "null",
            "{ \"a\" : [1,2] }",
            "{\"a\":1,\"a\":2}",
        ] {
            assert_eq!(check_event(good), Ok(()), "{good}");
            assert_eq!(normalize_event(good.as_bytes()).unwrap(), good);
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_is_not_an_event() {
        for bad in [
            r#""\ud800""#,
            r#""\uDC00\ud800""#,
            r#""\uD834\uD834\uDD1E""#,
            r#""\ud834x\udd1e""#,
            r#""\\\udfff""#,
            r#"{"\ud800":1}"#,
            r#"["é","a\"\uDbFf"]"#,
        ] {
            assert_eq!(check_event(bad), Err(EventError::HalfSurrogate), "{bad}");
        }
        for good in [
            r#""\ud834\udd1e""#,
            r#""\uD834\uDD1E\ud834\udd1e""#,
            r#""\\ud800""#,
            r#""\\\\ud800""#,
            r#""\ud7ff\ue000\uffff""#,
        ] {
            assert_eq!(check_event(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_number_that_rounds_to_infinity_is_not_an_event() {
        let digits = |n: usize| "9".repeat(n);
        // 2^1024 - 2^970.
        let half = concat!(
            "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070",
            "9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447",
            "5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904",
            "174497792",
        );
        for bad in [
            "1e400",
            "-1E+309",
            "[0,1.8e308]",
            r#"{"a":"x","b":179769313486231570814527423731704356798071e268}"#,
            // Half way between the largest double and 2^1024: it rounds to even, which is infinity.
            half,
            &digits(309),
            &format!("[\"{}\",-{}.5]", digits(77), digits(400)),
        ] {
            assert_eq!(check_event(bad), Err(EventError::InfiniteNumber), "{bad}");
        }
        for good in [
            "1.7976931348623157e308",
            "-1.7976931348623158E+308",
            "0e999",
            "0.0000E400",
            "1e-999",
            r#""1e400""#,
            r#"{"1e400":"-9e9999"}"#,
            &digits(308),
            &format!("\"{}\"", digits(1000)),
        ] {
            assert_eq!(check_event(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_line_break_between_tokens_becomes_one_space_and_nothing_else_changes() {
        let came = b" {\r\n  \"a\": \"b\\n\",\n\t\"c\": 1.50\r}\n";
        assert_eq!(
            normalize_event(came).unwrap(),
            "{   \"a\": \"b\\n\", \t\"c\": 1.50 }"
        );
        assert_eq!(check_event("{\n}"), Err(EventError::NotStoredForm));
        assert_eq!(check_event(" {}"), Err(EventError::NotStoredForm));
        assert!(matches!(
            normalize_event(b"\"a\nb\""),
            Err(EventError::NotJson { .. })
        ));
    }

    #[test]
    fn what_is_not_utf8_or_empty_or_too_long_is_named() {
        assert_eq!(
            normalize_event(b"\"\xff\""),
            Err(EventError::NotUtf8 { at: 1 })
        );
        assert_eq!(normalize_event(b" \n"), Err(EventError::Empty));
        let long = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES));
        assert_eq!(
            check_event(&long),
            Err(EventError::TooLong {
                found: MAX_EVENT_BYTES + 2
            })
        );
        let fits = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES - 2));
        assert_eq!(check_event(&fits), Ok(()));
    }

    #[test]
    fn depth_is_counted_outside_of_strings_only() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check_event(&nested(MAX_EVENT_DEPTH)), Ok(()));
        assert_eq!(
            check_event(&nested(MAX_EVENT_DEPTH + 1)),
            Err(EventError::TooDeep)
        );
        assert_eq!(check_event(&nested(100_000)), Err(EventError::TooDeep));
        assert_eq!(check_event(&format!("\"\\\"{}\"", "[".repeat(500))), Ok(()));
        assert_eq!(
            check_event(&format!("[{}]", vec!["[]"; 500].join(","))),
            Ok(())
        );
    }

    #[test]
    fn text_and_base64_have_one_form() {
        let text = "a\"\\\n\u{1}\u{7f}é/";
        assert_eq!(format_text(text), "\"a\\\"\\\\\\n\\u0001\u{7f}é/\"");
        assert_eq!(check_text(&format_text(text)), Ok(()));
        for bad in ["\"\\/\"", "\"\\u0041\"", "\"\\u000a\"", "\"a\" "] {
            assert_eq!(check_text(bad), Err(EventError::NotCanonical), "{bad}");
        }
        assert_eq!(check_base64(&format_base64(b"\0\xff")), Ok(()));
        for bad in [
            "\"AB==\"",
            "\"AA\"",
            "\"AA==",
            "AA==",
            "\"-_==\"",
            "\"A\\u0041==\"",
        ] {
            assert_eq!(check_base64(bad), Err(EventError::NotCanonical), "{bad}");
        }
    }
}
