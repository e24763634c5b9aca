//! The lines of a segment, each with one form (F4, F6 to F10).
//!
//! [`parse_line`] accepts exactly the bytes that [`format_line`] writes; everything a line says is then typed.

use crate::event::{EventError, check_base64, check_event, check_text};
use crate::hash::Hash;
use crate::keys::VerifierKey;
use crate::limits::{MAX_INDEX, MAX_LINE_BYTES, MAX_SEGMENT, MAX_SOURCE_BYTES};
use crate::origin::Origin;
use crate::timestamp::Timestamp;

/// One leaf line: where it stands, what came before it, when, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Position in the log, from 0, below 2^53.
    pub index: u64,
    /// Leaf hash of the line before, over segment borders too; in the first line of a log the leaf hash of the origin.
    pub prev: Hash,
    /// When the line was made, by the writer's clock.
    pub time: Timestamp,
    /// What the line says.
    pub body: Body<'a>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Opens a segment: its first line.
    Open(Open),
    /// Announces the signing key: the second line of segment 0 and of each segment where the key changed.
    Key(Box<KeyChange>),
    /// An entry: one event.
    Entry(Entry<'a>),
    /// Closes a segment: its last line but the checkpoint.
    Close(Close),
}

/// What the open line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Format number of the segment.
    pub format: u64,
    /// The log that the segment belongs to.
    pub origin: Origin,
    /// Number of the segment, from 0.
    pub segment: u64,
    /// Roots of the full subtrees over all lines before this one.
    pub left: Vec<Hash>,
    /// `sealed` of the segment before; in segment 0 the line's own time.
    pub sealed_before: Timestamp,
}

/// What a key line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that signs this segment and those after it.
    pub verifier_key: VerifierKey,
    /// The key that signed until now; absent in segment 0.
    pub previous: Option<VerifierKey>,
}

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Who sent the event, as the sealer established it.
    pub source: Option<&'a str>,
    /// The event.
    pub payload: Payload<'a>,
}

/// The event of an entry, as it stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// One JSON value, byte for byte as it came but for line breaks.
    Event(&'a str),
    /// A text that is no JSON, as a JSON string with its quotes.
    Text(&'a str),
    /// Bytes that are no text, as base64 with its quotes.
    Base64(&'a str),
}

/// What the close line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Number of the segment, as in its open line.
    pub segment: u64,
    /// Number of entries in the segment.
    pub events: u64,
    /// When the segment was sealed, by the writer's clock.
    pub sealed: Timestamp,
    /// Roots of the full subtrees over all lines before this one.
    pub left: Vec<Hash>,
    /// SHA-256 of the object's bytes before the frame that begins with this line.
    pub frames: Hash,
}

/// Why bytes are no line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Something else stands where the form has one thing only.
    #[error("at byte {at} the line has `{found}` where {expected} belongs")]
    Form {
        /// Offset in the line.
        at: usize,
        /// What belongs there.
        expected: &'static str,
        /// What stands there, at most 24 bytes of it.
        found: String,
    },
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error("the line has {found} bytes, the limit is {MAX_LINE_BYTES}")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// The payload is not what an entry may carry.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// Writes a line, without its newline.
pub fn format_line(line: &Line<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    format_line_into(&mut out, line);
    out
}

/// Writes a line, without its newline, behind what `out` holds.
pub fn format_line_into(out: &mut Vec<u8>, line: &Line<'_>) {
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
    put("{");
    if let Body::Open(open) = &line.body {
        put("\"format\":");
        put(&open.format.to_string());
        put(",");
    }
    put("\"index\":");
    put(&line.index.to_string());
    put(",\"prev\":\"");
    put(&line.prev.to_hex());
    put("\",\"time\":\"");
    put(&line.time.to_string());
    put("\",");
    match &line.body {
        Body::Open(open) => {
            put("\"open\":{\"origin\":\"");
            put(open.origin.as_str());
            put("\",\"segment\":");
            put(&open.segment.to_string());
            put(",\"left\":");
            put(&format_hashes(&open.left));
            put(",\"sealed_before\":\"");
            put(&open.sealed_before.to_string());
            put("\"}");
        }
        Body::Key(change) => {
            put("\"key\":{\"verifier_key\":\"");
            put(&change.verifier_key.to_string());
            if let Some(previous) = &change.previous {
                put("\",\"previous\":\"");
                put(&previous.to_string());
            }
            put("\"}");
        }
        Body::Entry(entry) => {
            if let Some(source) = entry.source {
                put("\"source\":\"");
                put(source);
                put("\",");
            }
            let (name, value) = match entry.payload {
                Payload::Event(value) => ("\"event\":", value),
                Payload::Text(value) => ("\"text\":", value),
                Payload::Base64(value) => ("\"base64\":", value),
            };
            put(name);
            put(value);
        }
        Body::Close(close) => {
            put("\"close\":{\"segment\":");
            put(&close.segment.to_string());
            put(",\"events\":");
            put(&close.events.to_string());
            put(",\"sealed\":\"");
            put(&close.sealed.to_string());
            put("\",\"left\":");
            put(&format_hashes(&close.left));
            put(",\"frames\":\"");
            put(&close.frames.to_hex());
            put("\"}");
        }
    }
    put("}");
}

fn format_hashes(hashes: &[Hash]) -> String {
    let quoted: Vec<String> = hashes.iter().map(|hash| format!("\"{hash}\"")).collect();
    format!("[{}]", quoted.join(","))
}

/// Whether a text can stand in the envelope: printable ASCII without `"` and `\`, at most [`MAX_SOURCE_BYTES`].
pub fn is_source(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SOURCE_BYTES
        && text
            .bytes()
            .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'))
}

/// Parses a line, given without its newline.
///
/// # Errors
///
/// Where the bytes are not exactly what [`format_line`] writes for some line.
pub fn parse_line(bytes: &[u8]) -> Result<Line<'_>, LineError> {
    if bytes.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong { found: bytes.len() });
    }
    let mut cursor = Cursor::new(bytes);
    cursor.token("{")?;
    let format = if cursor.skip("\"format\":") {
        let format = cursor.number(MAX_INDEX, "a format number")?;
        cursor.token(",")?;
        Some(format)
    } else {
        None
    };
    cursor.token("\"index\":")?;
    let index = cursor.number(MAX_INDEX, "an index below 2^53")?;
    cursor.token(",\"prev\":")?;
    let prev = cursor.hash()?;
    cursor.token(",\"time\":")?;
    let time = cursor.time()?;
    cursor.token(",")?;
    let body = match format {
        Some(format) => Body::Open(parse_open(&mut cursor, format)?),
        None if cursor.skip("\"key\":{") => Body::Key(Box::new(parse_key(&mut cursor)?)),
        None if cursor.skip("\"close\":{") => Body::Close(parse_close(&mut cursor)?),
        None => Body::Entry(parse_entry(&mut cursor)?),
    };
    cursor.token("}")?;
    cursor.end()?;
    Ok(Line {
        index,
        prev,
        time,
        body,
    })
}

/// The format number that a line begins with; `None` where it begins with none.
pub(crate) fn format_of(bytes: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(bytes);
    cursor.token("{\"format\":").ok()?;
    let format = cursor.number(MAX_INDEX, "a format number").ok()?;
    cursor.skip(",").then_some(format)
}

fn parse_open(cursor: &mut Cursor<'_>, format: u64) -> Result<Open, LineError> {
    cursor.token("\"open\":{\"origin\":")?;
    let origin = cursor.parsed("an origin", Origin::parse)?;
    cursor.token(",\"segment\":")?;
    let segment = cursor.number(MAX_SEGMENT, "a segment number of at most twelve digits")?;
    cursor.token(",\"left\":")?;
    let left = cursor.hashes()?;
    cursor.token(",\"sealed_before\":")?;
    let sealed_before = cursor.time()?;
    cursor.token("}")?;
    Ok(Open {
        format,
        origin,
        segment,
        left,
        sealed_before,
    })
}

fn parse_key(cursor: &mut Cursor<'_>) -> Result<KeyChange, LineError> {
    cursor.token("\"verifier_key\":")?;
    let verifier_key = cursor.parsed("a verifier key", VerifierKey::parse)?;
    let previous = if cursor.skip(",\"previous\":") {
        Some(cursor.parsed("a verifier key", VerifierKey::parse)?)
    } else {
        None
    };
    cursor.token("}")?;
    Ok(KeyChange {
        verifier_key,
        previous,
    })
}

fn parse_close(cursor: &mut Cursor<'_>) -> Result<Close, LineError> {
    cursor.token("\"segment\":")?;
    let segment = cursor.number(MAX_SEGMENT, "a segment number of at most twelve digits")?;
    cursor.token(",\"events\":")?;
    let events = cursor.number(MAX_INDEX, "a number of events below 2^53")?;
    cursor.token(",\"sealed\":")?;
    let sealed = cursor.time()?;
    cursor.token(",\"left\":")?;
    let left = cursor.hashes()?;
    cursor.token(",\"frames\":")?;
    let frames = cursor.hash()?;
    cursor.token("}")?;
    Ok(Close {
        segment,
        events,
        sealed,
        left,
        frames,
    })
}

fn parse_entry<'a>(cursor: &mut Cursor<'a>) -> Result<Entry<'a>, LineError> {
    let source = if cursor.skip("\"source\":") {
        let expected = "a source of at most 255 printable ASCII characters";
        let source = cursor.parsed(expected, |text| is_source(text).then_some(text))?;
        cursor.token(",")?;
        Some(source)
    } else {
        None
    };
    let payload = if cursor.skip("\"event\":") {
        let value = cursor.all_but_last()?;
        check_event(value)?;
        Payload::Event(value)
    } else if cursor.skip("\"text\":") {
        let value = cursor.all_but_last()?;
        check_text(value)?;
        Payload::Text(value)
    } else if cursor.skip("\"base64\":") {
        let value = cursor.all_but_last()?;
        check_base64(value)?;
        Payload::Base64(value)
    } else {
        return Err(cursor.unexpected("`event`, `text`, `base64`, `key`, `open` or `close`"));
    };
    Ok(Entry { source, payload })
}

/// Reads a line from left to right; each step takes what it names or says what stands there instead.
pub(crate) struct Cursor<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            whole: bytes,
            rest: bytes,
        }
    }

    pub(crate) fn unexpected(&self, expected: &'static str) -> LineError {
        let at = self.whole.len().saturating_sub(self.rest.len());
        let shown: Vec<u8> = self.rest.iter().copied().take(24).collect();
        let found = if shown.is_empty() {
            "the end".to_owned()
        } else {
            shown.escape_ascii().to_string()
        };
        LineError::Form {
            at,
            expected,
            found,
        }
    }

    fn skip(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token.as_bytes()) else {
            return false;
        };
        self.rest = rest;
        true
    }

    pub(crate) fn token(&mut self, token: &'static str) -> Result<(), LineError> {
        if self.skip(token) {
            Ok(())
        } else {
            Err(self.unexpected(token))
        }
    }

    /// A decimal number below `bound`, without leading zeros.
    fn number(&mut self, bound: u64, expected: &'static str) -> Result<u64, LineError> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self
            .rest
            .split_at_checked(digits)
            .unwrap_or((&[], self.rest));
        let canonical = number == b"0" || number.first().is_some_and(|first| *first != b'0');
        let value = std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse().ok());
        let value = value.filter(|value| canonical && *value < bound);
        let Some(value) = value else {
            return Err(self.unexpected(expected));
        };
        self.rest = rest;
        Ok(value)
    }

    /// A quoted string of `len` bytes.
    fn fixed(&mut self, len: usize) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.strip_prefix(b"\"")?.split_at_checked(len)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// What `read` takes, or the cursor where it was and the word for what stands there.
    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, LineError> {
        let before = self.rest;
        if let Some(value) = read(self) {
            return Ok(value);
        }
        self.rest = before;
        Err(self.unexpected(expected))
    }

    fn hash(&mut self) -> Result<Hash, LineError> {
        self.take("a hash of 64 lower-case hex digits", |c| {
            c.fixed(64).and_then(Hash::parse_hex)
        })
    }

    fn time(&mut self) -> Result<Timestamp, LineError> {
        self.take("a UTC time with six decimals", |c| {
            c.fixed(Timestamp::LEN).and_then(Timestamp::parse)
        })
    }

    fn hashes(&mut self) -> Result<Vec<Hash>, LineError> {
        self.token("[")?;
        let mut hashes = Vec::new();
        while !self.skip("]") {
            // 2^53 leaves have at most 53 full subtrees; the range checks the exact number.
            if hashes.len() >= 53 {
                return Err(self.unexpected("at most 53 hashes"));
            }
            if !hashes.is_empty() {
                self.token(",")?;
            }
            hashes.push(self.hash()?);
        }
        Ok(hashes)
    }

    /// What `parse` makes of a quoted string without escapes.
    pub(crate) fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, LineError> {
        self.take(expected, |c| {
            let inner = c.rest.strip_prefix(b"\"")?;
            let (text, rest) = inner.split_at_checked(inner.iter().position(|b| *b == b'"')?)?;
            c.rest = rest.strip_prefix(b"\"")?;
            parse(std::str::from_utf8(text).ok()?)
        })
    }

    /// All up to the last byte of the line, which stays.
    fn all_but_last(&mut self) -> Result<&'a str, LineError> {
        let end = self.rest.len().checked_sub(1);
        let Some((value, last)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            return Err(self.unexpected("a payload"));
        };
        let value = std::str::from_utf8(value).map_err(|e| EventError::NotUtf8 {
            at: e.valid_up_to(),
        })?;
        self.rest = last;
        Ok(value)
    }

    pub(crate) fn end(&self) -> Result<(), LineError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the line"))
        }
    }
}
