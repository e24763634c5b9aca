//! A payload in the form that a line has it in (F9).

use std::borrow::Cow;

use crate::event::{EventError, check_rendered, format_base64, format_text, normalize_event};
use crate::limits::MAX_EVENT_BYTES;
use crate::line::Payload;

/// A payload in its stored form, ready to be chained. Made by its constructors alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPayload<'a> {
    kind: Kind,
    value: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    Text,
    Base64,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Text => "text",
            Self::Base64 => "base64",
        }
    }
}

impl<'a> StoredPayload<'a> {
    /// An event that came as JSON: kept byte for byte, except white space around it and line breaks in it.
    ///
    /// # Errors
    ///
    /// Says why the bytes are not an event; nothing is repaired.
    pub fn event(json: &'a [u8]) -> Result<Self, EventError> {
        Ok(Self {
            kind: Kind::Event,
            value: normalize_event(json)?,
        })
    }

    /// JSON as it came: an event, or a text where everyday readers would stop at it (F9).
    ///
    /// # Errors
    ///
    /// Says why the bytes are not JSON, or are too large.
    pub fn json(json: &'a [u8]) -> Result<Self, EventError> {
        match Self::event(json) {
            Err(EventError::HalfSurrogate | EventError::InfiniteNumber) => {
                let text = String::from_utf8_lossy(json.trim_ascii());
                Self::text(&text)
            }
            stored => stored,
        }
    }

    /// A text that is not JSON.
    ///
    /// # Errors
    ///
    /// Where it is too long.
    pub fn text(text: &str) -> Result<StoredPayload<'static>, EventError> {
        StoredPayload::quoted(Kind::Text, format_text(text))
    }

    /// Bytes that are not UTF-8.
    ///
    /// # Errors
    ///
    /// Where they are too long.
    pub fn bytes(bytes: &[u8]) -> Result<StoredPayload<'static>, EventError> {
        StoredPayload::quoted(Kind::Base64, format_base64(bytes))
    }

    fn quoted(kind: Kind, value: String) -> Result<StoredPayload<'static>, EventError> {
        let (found, form) = (value.len(), kind.as_str());
        if found > MAX_EVENT_BYTES {
            return Err(EventError::TooLongAs { form, found });
        }
        Ok(StoredPayload {
            kind,
            value: Cow::Owned(value),
        })
    }

    /// Bytes that it has in the line.
    pub fn size(&self) -> usize {
        self.value.len()
    }

    /// The payload as it is in the line.
    pub fn as_payload(&self) -> Payload<'_> {
        match self.kind {
            Kind::Event => Payload::Event(&self.value),
            Kind::Text => Payload::Text(&self.value),
            Kind::Base64 => Payload::Base64(&self.value),
        }
    }
}

/// The payloads of one batch, in one buffer, so that they can wait for their place in the chain.
#[derive(Clone, Debug, Default)]
pub struct StoredBatch {
    buffer: String,
    payloads: Vec<(Kind, std::ops::Range<usize>)>,
}

impl StoredBatch {
    /// Adds JSON as it came, as [`StoredPayload::json`] takes it.
    ///
    /// # Errors
    ///
    /// Says why the bytes are not JSON, or are too large; the batch is as before.
    pub fn push_json(&mut self, json: &[u8]) -> Result<(), EventError> {
        self.push(&StoredPayload::json(json)?);
        Ok(())
    }

    /// Adds JSON that the caller has written itself, value by value: that it is exactly one value on one line is not checked again, in a
    /// release build. Where the text may be anything else, use [`Self::push_json`].
    ///
    /// # Errors
    ///
    /// Where it is too long or nested too deep for an event; the batch is as before.
    pub fn push_rendered(&mut self, json: &str) -> Result<(), EventError> {
        check_rendered(json)?;
        let begin = self.buffer.len();
        self.buffer.push_str(json);
        let range = begin..self.buffer.len();
        self.payloads.push((Kind::Event, range));
        Ok(())
    }

    /// Adds a payload.
    pub fn push(&mut self, payload: &StoredPayload<'_>) {
        let begin = self.buffer.len();
        self.buffer.push_str(&payload.value);
        self.payloads.push((payload.kind, begin..self.buffer.len()));
    }

    /// Number of payloads.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// Bytes of all payloads.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Each payload, in order.
    pub fn iter(&self) -> impl Iterator<Item = StoredPayload<'_>> {
        self.payloads.iter().map(|(kind, range)| StoredPayload {
            kind: *kind,
            // The ranges are those of what was pushed.
            value: Cow::Borrowed(self.buffer.get(range.clone()).unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_EVENT_DEPTH;

    /// Such numbers are left to the full check of an event by the fast one.
    #[test]
    fn rendered_json_is_taken_where_it_would_be_as_an_event() {
        let nested = |levels: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels))
        };
        let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        for (json, is_taken) in [
            (nested(MAX_EVENT_DEPTH - 1, "1e+300"), true),
            (nested(MAX_EVENT_DEPTH, "1e+300"), true),
            (nested(MAX_EVENT_DEPTH + 1, "1e+300"), false),
            (nested(MAX_EVENT_DEPTH, "1"), true),
            (nested(MAX_EVENT_DEPTH + 1, "1"), false),
            (format!("[\"{}\"]", "[".repeat(1000)), true),
            (long(MAX_EVENT_BYTES), true),
            (long(MAX_EVENT_BYTES + 1), false),
        ] {
            let (mut rendered, mut checked) = (StoredBatch::default(), StoredBatch::default());
            let taken = rendered.push_rendered(&json);
            assert_eq!(taken, checked.push_json(json.as_bytes()));
            assert_eq!(taken.is_ok(), is_taken, "{} bytes", json.len());
            assert!(rendered.iter().eq(checked.iter()));
            assert_eq!(rendered.len(), usize::from(is_taken));
        }
    }
}
