//! Parts of a request as the JSON of OTLP: names in lower camel case, 64-bit numbers as strings, ids in hexadecimal, bytes in base64, and
//! what has its usual value left out.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::wire::{Fields, Value};

/// Deepest nesting of a value: an event has at most 128 levels, and each of these takes three.
const MAX_LEVELS: usize = 40;

/// An object that is being written.
struct Object<'t> {
    to: &'t mut String,
    is_empty: bool,
}

impl<'t> Object<'t> {
    fn begin(to: &'t mut String) -> Self {
        to.push('{');
        Self { to, is_empty: true }
    }

    /// Begins a member, and returns where its value goes.
    fn member(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.to.push(',');
        }
        self.is_empty = false;
        // Writing into a string cannot fail.
        _ = write!(self.to, "\"{name}\":");
        self.to
    }

    fn text(&mut self, name: &str, bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.is_empty() {
            return Ok(());
        }
        push_text(self.member(name), bytes)
    }

    fn number(&mut self, name: &str, number: u64) {
        if number != 0 {
            _ = write!(self.member(name), "{number}");
        }
    }

    fn long(&mut self, name: &str, number: u64) {
        if number != 0 {
            _ = write!(self.member(name), "\"{number}\"");
        }
    }

    fn hex(&mut self, name: &str, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let to = self.member(name);
        to.push('"');
        for byte in bytes {
            _ = write!(to, "{byte:02x}");
        }
        to.push('"');
    }

    /// Pairs of key and value: all fields of this number.
    fn attributes(
        &mut self,
        message: &[u8],
        wanted: u64,
        levels: usize,
    ) -> Result<(), &'static str> {
        let mut fields = Fields(message);
        let mut any = false;
        while let Some((number, pair)) = fields.next_field()? {
            if number != wanted {
                continue;
            }
            if any {
                self.to.push(',');
            } else {
                self.member("attributes").push('[');
            }
            any = true;
            push_pair(self.to, pair.bytes(), levels)?;
        }
        if any {
            self.to.push(']');
        }
        Ok(())
    }

    fn end(self) {
        self.to.push('}');
    }
}

/// The resource that records come from.
pub(super) fn resource(message: &[u8]) -> Result<String, &'static str> {
    let mut text = String::new();
    let mut object = Object::begin(&mut text);
    object.attributes(message, 1, MAX_LEVELS)?;
    object.number("droppedAttributesCount", last(message, 2)?.number());
    object.end();
    Ok(text)
}

/// The scope that records come from.
pub(super) fn scope(message: &[u8]) -> Result<String, &'static str> {
    let mut text = String::new();
    let mut object = Object::begin(&mut text);
    object.text("name", last(message, 1)?.bytes())?;
    object.text("version", last(message, 2)?.bytes())?;
    object.attributes(message, 3, MAX_LEVELS)?;
    object.number("droppedAttributesCount", last(message, 4)?.number());
    object.end();
    Ok(text)
}

/// The fields of a record but its attributes, each as it came last.
#[derive(Default)]
struct Record<'a> {
    time: u64,
    observed: u64,
    severity: u64,
    severity_text: &'a [u8],
    body: Option<&'a [u8]>,
    dropped: u64,
    flags: u64,
    trace: &'a [u8],
    span: &'a [u8],
    event: &'a [u8],
}

/// Writes a record.
pub(super) fn log_record(to: &mut String, message: &[u8]) -> Result<(), &'static str> {
    let mut record = Record::default();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field()? {
        match number {
            1 => record.time = value.number(),
            2 => record.severity = value.number(),
            3 => record.severity_text = value.bytes(),
            5 => record.body = Some(value.bytes()),
            7 => record.dropped = value.number(),
            8 => record.flags = value.number(),
            9 => record.trace = value.bytes(),
            10 => record.span = value.bytes(),
            11 => record.observed = value.number(),
            12 => record.event = value.bytes(),
            // Attributes are read below; others are of a later version.
            _ => {}
        }
    }
    let mut object = Object::begin(to);
    object.long("timeUnixNano", record.time);
    object.long("observedTimeUnixNano", record.observed);
    object.number("severityNumber", record.severity);
    object.text("severityText", record.severity_text)?;
    object.text("eventName", record.event)?;
    if let Some(body) = record.body {
        push_any(object.member("body"), body, MAX_LEVELS)?;
    }
    object.attributes(message, 6, MAX_LEVELS)?;
    object.number("droppedAttributesCount", record.dropped);
    object.number("flags", record.flags);
    object.hex("traceId", record.trace);
    object.hex("spanId", record.span);
    object.end();
    Ok(())
}

fn last(message: &[u8], wanted: u64) -> Result<Value<'_>, &'static str> {
    let mut fields = Fields(message);
    let mut found = Value::Bytes(&[]);
    while let Some((number, value)) = fields.next_field()? {
        if number == wanted {
            found = value;
        }
    }
    Ok(found)
}

fn push_pair(to: &mut String, pair: &[u8], levels: usize) -> Result<(), &'static str> {
    let mut fields = Fields(pair);
    let (mut key, mut value) = (&[][..], None);
    while let Some((number, found)) = fields.next_field()? {
        match number {
            1 => key = found.bytes(),
            2 => value = Some(found.bytes()),
            _ => {}
        }
    }
    to.push_str("{\"key\":");
    push_text(to, key)?;
    if let Some(value) = value {
        to.push_str(",\"value\":");
        push_any(to, value, levels)?;
    }
    to.push('}');
    Ok(())
}

/// A value of any type. `levels` bounds the stack.
fn push_any(to: &mut String, any: &[u8], levels: usize) -> Result<(), &'static str> {
    let levels = levels.checked_sub(1).ok_or("a value is nested too deep")?;
    let mut fields = Fields(any);
    let mut found = None;
    while let Some((number, value)) = fields.next_field()? {
        if (1..=7).contains(&number) {
            found = Some((number, value));
        }
    }
    let mut object = Object::begin(to);
    match found {
        Some((1, value)) => push_text(object.member("stringValue"), value.bytes())?,
        Some((2, value)) => {
            let text = if value.number() == 0 { "false" } else { "true" };
            object.member("boolValue").push_str(text);
        }
        Some((3, value)) => {
            let number = i64::from_le_bytes(value.number().to_le_bytes());
            _ = write!(object.member("intValue"), "\"{number}\"");
        }
        Some((4, value)) => {
            push_double(object.member("doubleValue"), f64::from_bits(value.number()));
        }
        Some((5, value)) => {
            let to = object.member("arrayValue");
            to.push_str("{\"values\":[");
            push_row(to, value.bytes(), levels, push_any)?;
            to.push_str("]}");
        }
        Some((6, value)) => {
            let to = object.member("kvlistValue");
            to.push_str("{\"values\":[");
            push_row(to, value.bytes(), levels, push_pair)?;
            to.push_str("]}");
        }
        Some((_, value)) => {
            let to = object.member("bytesValue");
            to.push('"');
            STANDARD.encode_string(value.bytes(), to);
            to.push('"');
        }
        None => {}
    }
    object.end();
    Ok(())
}

type Push = fn(&mut String, &[u8], usize) -> Result<(), &'static str>;

fn push_row(to: &mut String, row: &[u8], levels: usize, push: Push) -> Result<(), &'static str> {
    let mut fields = Fields(row);
    let mut any = false;
    while let Some((number, value)) = fields.next_field()? {
        if number == 1 {
            if any {
                to.push(',');
            }
            any = true;
            push(to, value.bytes(), levels)?;
        }
    }
    Ok(())
}

/// What JSON has no number for is text, as in all JSON of protobuf.
fn push_double(to: &mut String, number: f64) {
    match serde_json::Number::from_f64(number) {
        Some(number) => _ = write!(to, "{number}"),
        None if number.is_nan() => to.push_str("\"NaN\""),
        None if number > 0.0 => to.push_str("\"Infinity\""),
        None => to.push_str("\"-Infinity\""),
    }
}

/// Text of protobuf is UTF-8.
pub(super) fn push_text(to: &mut String, bytes: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")?;
    let quoted = serde_json::to_string(text).map_err(|_| "a text cannot be written")?;
    to.push_str(&quoted);
    Ok(())
}
