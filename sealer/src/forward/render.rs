//! An entry as JSON, by the numbered rules of docs/guides/forward.md: M1 to M9.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use auditlog_chain::limits::MAX_EVENT_BYTES;

use super::msgpack::{Head, MAX_DEPTH, Malformed, take, take_head};
use super::scan::take_value;
use super::time::push_time;

/// The type of the extension that is a time to the nanosecond.
const EVENT_TIME: i8 = 0;

/// Writes the entries of one message as JSON, each in the same buffer.
pub struct Rendering {
    text: String,
    /// What each begins with: the tag, if there is one.
    begin: usize,
}

impl Rendering {
    /// For entries of this tag.
    pub fn new(tag: &[u8]) -> Self {
        let mut text = "{\"tag\":".to_owned();
        push_text(&mut text, tag);
        Self::begun(text + ",")
    }

    /// For entries without a tag.
    pub fn without_tag() -> Self {
        Self::begun("{".to_owned())
    }

    fn begun(mut text: String) -> Self {
        text.push_str("\"time\":");
        let begin = text.len();
        Self { text, begin }
    }

    /// Renders an entry: a time, or a time with metadata, and a record (M1).
    ///
    /// # Errors
    ///
    /// Where it is not an entry.
    pub fn entry(&mut self, entry: &[u8]) -> Result<&str, Malformed> {
        let mut rest = entry;
        if take_head(&mut rest)? != Head::Array(2) {
            return Err(Malformed::Expected("an entry: an array of time and record"));
        }
        let time = take_value(&mut rest)?;
        let record = take_value(&mut rest)?;
        self.pair(time, record)
    }

    /// The same of a time and a record that come apart.
    ///
    /// # Errors
    ///
    /// Where they are not.
    pub fn pair(&mut self, time: &[u8], record: &[u8]) -> Result<&str, Malformed> {
        self.text.truncate(self.begin);
        let (time, metadata) = with_metadata(time)?;
        push_entry_time(&mut self.text, time)?;
        if let Some(metadata) = metadata {
            self.text.push_str(",\"metadata\":");
            push_all(&mut self.text, metadata)?;
        }
        self.text.push_str(",\"record\":");
        push_all(&mut self.text, record)?;
        self.text.push('}');
        Ok(&self.text)
    }
}

/// Fluent Bit puts metadata beside the time. What is empty is left out.
fn with_metadata(time: &[u8]) -> Result<(&[u8], Option<&[u8]>), Malformed> {
    let mut rest = time;
    match take_head(&mut rest)? {
        Head::Array(2) => {
            let time = take_value(&mut rest)?;
            let is_empty = take_head(&mut &*rest)? == Head::Map(0);
            Ok((time, (!is_empty).then_some(rest)))
        }
        Head::Array(_) => Err(Malformed::Expected(
            "a time, or an array of time and metadata",
        )),
        Head::Nil
        | Head::Bool(_)
        | Head::Unsigned(_)
        | Head::Signed(_)
        | Head::Float32(_)
        | Head::Float64(_)
        | Head::Text(_)
        | Head::Binary(_)
        | Head::Extension(..)
        | Head::Map(_) => Ok((time, None)),
    }
}

/// Seconds are a time here, and a number everywhere else (M2).
fn push_entry_time(to: &mut String, time: &[u8]) -> Result<(), Malformed> {
    let seconds = match take_head(&mut &*time)? {
        Head::Unsigned(seconds) => i64::try_from(seconds).ok(),
        Head::Signed(seconds) => Some(seconds),
        Head::Nil
        | Head::Bool(_)
        | Head::Float32(_)
        | Head::Float64(_)
        | Head::Text(_)
        | Head::Binary(_)
        | Head::Extension(..)
        | Head::Array(_)
        | Head::Map(_) => None,
    };
    let Some(seconds) = seconds else {
        return push_all(to, time);
    };
    let before = to.len();
    to.push('"');
    if push_time(to, seconds, None) {
        to.push('"');
        return Ok(());
    }
    to.truncate(before);
    push_all(to, time)
}

fn push_all(to: &mut String, mut value: &[u8]) -> Result<(), Malformed> {
    push_value(to, &mut value, MAX_DEPTH)?;
    if value.is_empty() {
        return Ok(());
    }
    Err(Malformed::Behind)
}

/// Takes a value from the front. `levels` bounds the stack.
fn push_value(to: &mut String, bytes: &mut &[u8], levels: usize) -> Result<(), Malformed> {
    let levels = levels.checked_sub(1).ok_or(Malformed::TooDeep)?;
    match take_head(bytes)? {
        Head::Nil => to.push_str("null"),
        Head::Bool(true) => to.push_str("true"),
        Head::Bool(false) => to.push_str("false"),
        Head::Unsigned(number) => push_display(to, number),
        Head::Signed(number) => push_display(to, number),
        Head::Float32(number) => push_float(to, number.into()),
        Head::Float64(number) => push_float(to, number),
        Head::Text(length) => push_text(to, take(bytes, length)?),
        Head::Binary(length) => push_binary(to, take(bytes, length)?),
        Head::Extension(kind, length) => push_extension(to, kind, take(bytes, length)?),
        Head::Array(count) => {
            to.push('[');
            for at in 0..count {
                if at > 0 {
                    to.push(',');
                }
                push_value(to, bytes, levels)?;
            }
            to.push(']');
        }
        Head::Map(count) => {
            to.push('{');
            for at in 0..count {
                if at > 0 {
                    to.push(',');
                }
                push_key(to, bytes, levels)?;
                to.push(':');
                push_value(to, bytes, levels)?;
            }
            to.push('}');
        }
    }
    Ok(())
}

/// A key that is not text is the text of its value (M7).
fn push_key(to: &mut String, bytes: &mut &[u8], levels: usize) -> Result<(), Malformed> {
    let mut rest = *bytes;
    if let Head::Text(length) = take_head(&mut rest)?
        && let Ok(text) = std::str::from_utf8(take(&mut rest, length)?)
    {
        *bytes = rest;
        push_string(to, text);
        return Ok(());
    }
    let mut key = String::new();
    push_value(&mut key, bytes, levels)?;
    // A time is text already.
    let text: Cow<'_, str> = serde_json::from_str(&key).unwrap_or(Cow::Borrowed(&key));
    push_string(to, &text);
    // Each level of keys in keys doubles the escapes: without this, a hundred bytes fill the memory.
    if to.len() > MAX_EVENT_BYTES {
        return Err(Malformed::TooLong);
    }
    Ok(())
}

fn push_display(to: &mut String, number: impl std::fmt::Display) {
    use std::fmt::Write as _;
    // Writing into a string cannot fail.
    _ = write!(to, "{number}");
}

/// The shortest digits that give the same double; what JSON has no number for is text (M4).
fn push_float(to: &mut String, number: f64) {
    match serde_json::Number::from_f64(number) {
        Some(number) => push_display(to, number),
        None if number.is_nan() => to.push_str("\"NaN\""),
        None if number > 0.0 => to.push_str("\"Infinity\""),
        None => to.push_str("\"-Infinity\""),
    }
}

/// Text that is not UTF-8 is binary (M5, M6).
fn push_text(to: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => push_string(to, text),
        Err(_) => push_binary(to, bytes),
    }
}

fn push_binary(to: &mut String, bytes: &[u8]) {
    to.push_str("{\"base64\":\"");
    STANDARD.encode_string(bytes, to);
    to.push_str("\"}");
}

/// A time to the nanosecond, or bytes with their type (M3, M8).
fn push_extension(to: &mut String, kind: i8, bytes: &[u8]) {
    if kind == EVENT_TIME
        && let Some((seconds, nanos)) = bytes.split_first_chunk::<4>()
        && let Ok(nanos) = <[u8; 4]>::try_from(nanos)
    {
        let before = to.len();
        to.push('"');
        let seconds = u32::from_be_bytes(*seconds).into();
        if push_time(to, seconds, Some(u32::from_be_bytes(nanos))) {
            to.push('"');
            return;
        }
        to.truncate(before);
    }
    to.push_str("{\"extension\":");
    push_display(to, kind);
    to.push_str(",\"base64\":\"");
    STANDARD.encode_string(bytes, to);
    to.push_str("\"}");
}

/// Escapes `"`, `\` and the characters below U+0020, and nothing else.
fn push_string(to: &mut String, text: &str) {
    to.push('"');
    let mut rest = text;
    let must = |c: char| c < ' ' || c == '"' || c == '\\';
    while let Some(at) = rest.find(must) {
        let (plain, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        to.push_str(plain);
        let mut chars = after.chars();
        match chars.next() {
            Some('"') => to.push_str("\\\""),
            Some('\\') => to.push_str("\\\\"),
            Some('\n') => to.push_str("\\n"),
            Some('\r') => to.push_str("\\r"),
            Some('\t') => to.push_str("\\t"),
            Some('\u{8}') => to.push_str("\\b"),
            Some('\u{c}') => to.push_str("\\f"),
            Some(other) => {
                use std::fmt::Write as _;
                _ = write!(to, "\\u{:04x}", u32::from(other));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    to.push_str(rest);
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(time: &[u8], record: &[u8]) -> String {
        let mut rendering = Rendering::new(b"app");
        let entry = [&[0x92], time, record].concat();
        rendering.entry(&entry).unwrap().to_owned()
    }

    fn value(bytes: &[u8]) -> String {
        let text = rendered(&[0], bytes);
        let begin = "{\"tag\":\"app\",\"time\":\"1970-01-01T00:00:00Z\",\"record\":";
        let text = text.strip_prefix(begin).unwrap();
        text.strip_suffix('}').unwrap().to_owned()
    }

    /// Each key in a key doubles the escapes of those in it.
    #[test]
    fn keys_in_keys_are_refused_before_they_fill_the_memory() {
        let nested = |levels| {
            [
                &[0x92, 0][..],
                &vec![0x81; levels],
                &[1],
                &vec![0xc0; levels],
            ]
            .concat()
        };
        let mut rendering = Rendering::new(b"app");
        assert!(rendering.entry(&nested(10)).is_ok());
        for levels in [20, 40, 120] {
            let refused = Rendering::new(b"app").entry(&nested(levels)).map(str::len);
            assert_eq!(refused, Err(Malformed::TooLong), "{levels}");
        }
    }

    #[test]
    fn values_are_written_by_the_numbered_rules() {
        let f64 = |number: f64| [&[0xcb][..], &number.to_be_bytes()].concat();
        for (bytes, expected) in [
            (
                vec![0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
                "18446744073709551615",
            ),
            (vec![0xd3, 128, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
            (f64(0.1), "0.1"),
            (f64(1e300), "1e+300"),
            (f64(-0.0), "-0.0"),
            (f64(f64::NAN), "\"NaN\""),
            (f64(f64::INFINITY), "\"Infinity\""),
            (f64(f64::NEG_INFINITY), "\"-Infinity\""),
            (vec![0xca, 0x3d, 0xcc, 0xcc, 0xcd], "0.10000000149011612"),
            (b"\xa4\"\\\n\x01".to_vec(), r#""\"\\\n\u0001""#),
            (b"\xa2\xc3\xa9".to_vec(), "\"é\""),
            (b"\xa2\xff\xfe".to_vec(), "{\"base64\":\"//4=\"}"),
            (b"\xc4\x02hi".to_vec(), "{\"base64\":\"aGk=\"}"),
            (
                b"\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02".to_vec(),
                "\"1970-01-01T00:00:01.000000002Z\"",
            ),
            (
                b"\xd4\x05\x07".to_vec(),
                "{\"extension\":5,\"base64\":\"Bw==\"}",
            ),
            (
                b"\xd7\x00\x00\x00\x00\x01\xff\xff\xff\xff".to_vec(),
                "{\"extension\":0,\"base64\":\"AAAAAf////8=\"}",
            ),
            (b"\x92\xc0\x92\xc2\xc3".to_vec(), "[null,[false,true]]"),
            (
                b"\x85\x07\x01\xc0\x02\xc3\x03\xc4\x01a\x04\xa0\x05".to_vec(),
                r#"{"7":1,"null":2,"true":3,"{\"base64\":\"YQ==\"}":4,"":5}"#,
            ),
            (b"\x82\xa1a\x01\xa1a\x02".to_vec(), r#"{"a":1,"a":2}"#),
        ] {
            assert_eq!(value(&bytes), expected);
            auditlog_chain::event::check_event(&value(&bytes)).unwrap();
        }
    }

    #[test]
    fn times_and_metadata_come_before_the_record() {
        let time = b"\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15";
        let expected = r#"{"tag":"app","time":"2023-11-14T22:13:20.123456789Z","record":{}}"#;
        assert_eq!(rendered(time, &[0x80]), expected);
        let plain = [&[0x92], time.as_slice(), &[0x80]].concat();
        assert_eq!(rendered(&plain, &[0x80]), expected);
        let metadata = [&[0x92], time.as_slice(), b"\x81\xa1m\x01"].concat();
        let expected = r#"{"tag":"app","time":"2023-11-14T22:13:20.123456789Z","metadata":{"m":1},"record":{}}"#;
        assert_eq!(rendered(&metadata, &[0x80]), expected);
        let far = b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff";
        assert!(rendered(far, &[0x80]).contains("\"time\":18446744073709551615,"));
        assert!(rendered(b"\xcb\x3f\xf8\0\0\0\0\0\0", &[0x80]).contains("\"time\":1.5,"));
    }

    #[test]
    fn what_is_not_an_entry_is_refused() {
        let mut rendering = Rendering::new(b"app");
        for entry in [
            &b"\x01"[..],
            b"\x91\x00",
            b"\x93\x00\x80\x80",
            b"\x92\x00",
            b"\x92\x93\x00\x80\x80\x80",
            b"\x92\x00\x81\xa1a",
            b"",
        ] {
            assert!(rendering.entry(entry).is_err(), "{entry:?}");
        }
        let deep = [&[0x92, 0x00][..], &[0x91; 1000]].concat();
        assert_eq!(rendering.entry(&deep), Err(Malformed::TooDeep));
    }
}
