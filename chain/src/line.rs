//! The lines of a segment, each with one form (F4, F6 to F10).
//!
//! [`parse_line`] accepts exactly the bytes that [`format_line`] writes; everything a line says is then typed.

use crate::cursor::{Cursor, LineError};
use crate::event::{check_base64, check_event, check_text};
use crate::hash::Hash;

use crate::limits::{MAX_INDEX, MAX_LINE_BYTES, MAX_NAME_BYTES, MAX_SEGMENT};
use crate::origin::Origin;
use crate::timestamp::Timestamp;
use crate::verifier_key::VerifierKey;

/// One leaf line: its place, what came before it, when, and what it says.
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
    /// The sender's name for the batch that begins with this entry.
    pub batch: Option<&'a str>,
    /// That the event may be a repeat.
    pub repeat: Option<Repeat>,
    /// The event.
    pub payload: Payload<'a>,
}

/// What is known of an event as a repeat of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Its batch has the name of an earlier one, and that name does not prove a repeat.
    Suspected,
}

impl Repeat {
    /// The word in the line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspected => "suspected",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        (word == Self::Suspected.as_str()).then_some(Self::Suspected)
    }
}

/// The event of an entry, as it appears in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// One JSON value, byte for byte as it came except line breaks.
    Event(&'a str),
    /// A text that is not JSON, as a JSON string with its quotes.
    Text(&'a str),
    /// Bytes that are not text, as base64 with its quotes.
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
    line.prev.put_hex(out);
    out.extend_from_slice(b"\",\"time\":\"");
    out.extend_from_slice(&line.time.to_bytes());
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
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
            let words = [
                ("\"source\":\"", entry.source),
                ("\"batch\":\"", entry.batch),
                ("\"repeat\":\"", entry.repeat.map(Repeat::as_str)),
            ];
            for (name, word) in words {
                if let Some(word) = word {
                    put(name);
                    put(word);
                    put("\",");
                }
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

/// Whether a text can be the name of a sender or of a batch (F8): printable ASCII without `"` and `\`, 1 to
/// [`MAX_NAME_BYTES`] bytes.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_NAME_BYTES
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

#[inline]
fn parse_entry<'a>(cursor: &mut Cursor<'a>) -> Result<Entry<'a>, LineError> {
    let name = |word: &'a str| is_name(word).then_some(word);
    let (mut source, mut batch, mut repeat) = (None, None, None);
    if cursor.skip("\"source\":") {
        source = Some(parse_word(cursor, NAME, name)?);
    }
    if cursor.skip("\"batch\":") {
        batch = Some(parse_word(cursor, NAME, name)?);
    }
    if cursor.skip("\"repeat\":") {
        repeat = Some(parse_word(cursor, "`suspected`", Repeat::parse)?);
    }
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
    Ok(Entry {
        source,
        batch,
        repeat,
        payload,
    })
}

const NAME: &str = "a name of 1 to 255 printable ASCII characters";

/// The word behind its name, with the comma after it.
fn parse_word<'a, T>(
    cursor: &mut Cursor<'a>,
    expected: &'static str,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, LineError> {
    let word = cursor.parsed(expected, parse)?;
    cursor.token(",")?;
    Ok(word)
}
