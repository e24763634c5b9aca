//! Where the parts of a message are.

use std::ops::Range;

use super::msgpack::{Head, Malformed, head, take_bytes, take_head};
use super::scan::{Scan, take_value};

/// A whole message, by offsets of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The tag, with its head.
    pub tag: Range<u64>,
    /// Where its entries are.
    pub entries: Entries,
    /// The options, if there are any.
    pub options: Option<Range<u64>>,
}

/// Where the entries of a message are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entries {
    /// One: its time, and its record (Message).
    One {
        /// The time.
        time: Range<u64>,
        /// The record.
        record: Range<u64>,
    },
    /// Entries in a row, which may be compressed (Forward, `PackedForward`, `CompressedPackedForward`).
    Row(Range<u64>),
}

impl Entries {
    /// All bytes of them.
    pub fn range(&self) -> Range<u64> {
        match self {
            Self::One { time, record } => time.start..record.end,
            Self::Row(range) => range.clone(),
        }
    }
}

/// Bytes of the second element that say which form a message has.
pub const SECOND_BYTES: u64 = 32;

impl Shape {
    /// The shape of a message that was scanned to its end. `second` are the first bytes of its second element.
    ///
    /// # Errors
    ///
    /// Where it is not a message of the protocol.
    pub fn of(scan: &Scan, second: &[u8]) -> Result<Self, Malformed> {
        let [tag, second_at, rest @ ..] = scan.elements() else {
            return Err(not_a_message());
        };
        if !scan.is_array() {
            return Err(not_a_message());
        }
        let end = scan.at();
        let third = rest.first().copied();
        let after = third.unwrap_or(end);
        let (found, length) = head(second)?.ok_or(Malformed::CutOff)?;
        let begin = second_at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let (entries, options_at) = match (found, rest) {
            // Entries as an array, or as bytes.
            (Head::Array(count), [] | [_]) if !is_time(count, second) => {
                (Entries::Row(begin..after), third)
            }
            (Head::Text(_) | Head::Binary(_), [] | [_]) => (Entries::Row(begin..after), third),
            (_, [record, options @ ..]) if options.len() < 2 => {
                let options = options.first().copied();
                let record = *record..options.unwrap_or(end);
                let time = *second_at..record.start;
                (Entries::One { time, record }, options)
            }
            _ => return Err(not_a_message()),
        };
        Ok(Self {
            tag: *tag..*second_at,
            entries,
            options: options_at.map(|at| at..end),
        })
    }
}

/// Fluent Bit's pair of time and metadata is an array too. It begins with an extension, and no entry does.
fn is_time(count: u32, second: &[u8]) -> bool {
    let mut rest = second;
    let first = take_head(&mut rest).and_then(|_| take_head(&mut rest));
    count == 2 && matches!(first, Ok(Head::Extension(..)))
}

const fn not_a_message() -> Malformed {
    Malformed::Expected(
        "a message: an array of tag, entries and options, or of tag, time, record and options",
    )
}

/// What a message says beside its entries. What is not known is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The id of the chunk as it came, which the sender waits for.
    pub chunk: Option<Vec<u8>>,
    /// How the entries are compressed.
    pub compressed: Option<Vec<u8>>,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    ///
    /// Where they are not a map.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let mut options = Self::default();
        let count = match take_head(&mut bytes)? {
            // Some senders have nothing to say.
            Head::Nil => return Ok(options),
            Head::Map(count) => count,
            Head::Bool(_)
            | Head::Unsigned(_)
            | Head::Signed(_)
            | Head::Float32(_)
            | Head::Float64(_)
            | Head::Text(_)
            | Head::Binary(_)
            | Head::Extension(..)
            | Head::Array(_) => return Err(Malformed::Expected("options: a map")),
        };
        for _ in 0..count {
            let key = take_value(&mut bytes)?;
            let value = take_value(&mut bytes)?;
            match take_bytes(&mut &*key, "a key") {
                Ok(b"chunk") => {
                    take_bytes(&mut &*value, "a chunk id of text")?;
                    options.chunk = Some(value.to_vec());
                }
                Ok(b"compressed") => {
                    let name = take_bytes(&mut &*value, "the name of a compression")?;
                    options.compressed = Some(name.to_vec());
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(options)
    }

    /// The id of the chunk, without its head.
    pub fn chunk_id(&self) -> Option<&[u8]> {
        let mut value = self.chunk.as_deref()?;
        take_bytes(&mut value, "a chunk id of text").ok()
    }

    /// What the sender waits for: the id as it came.
    pub fn ack(&self) -> Option<Vec<u8>> {
        let chunk = self.chunk.as_deref()?;
        Some([b"\x81\xa3ack", chunk].concat())
    }
}

/// The tag of a message, without its head.
///
/// # Errors
///
/// Where it is not text.
pub fn tag_of(mut bytes: &[u8]) -> Result<&[u8], Malformed> {
    take_bytes(&mut bytes, "a tag of text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(message: &[u8]) -> Result<Shape, Malformed> {
        let mut scan = Scan::default();
        scan.advance(message)?;
        assert!(scan.is_whole());
        let at = usize::try_from(scan.elements().get(1).copied().unwrap_or_default()).unwrap();
        let second = &message[at..];
        Shape::of(&scan, second)
    }

    #[test]
    fn each_form_has_its_parts_where_they_are() {
        let row = |range| Entries::Row(range);
        let one = |time, record| Entries::One { time, record };
        for (message, entries, options) in [
            (&b"\x93\xa1t\x05\x80"[..], one(3..4, 4..5), None),
            (b"\x94\xa1t\x05\x80\x80", one(3..4, 4..5), Some(5..6)),
            (b"\x92\xa1t\x91\x92\x00\x80", row(4..7), None),
            (b"\x93\xa1t\x91\x92\x00\x80\x80", row(4..7), Some(7..8)),
            (b"\x93\xa1t\x90\x80", row(4..4), Some(4..5)),
            (b"\x92\xa1t\xc4\x03\x92\x00\x80", row(5..8), None),
            (
                b"\x93\xa1t\xdb\0\0\0\x03\x92\x00\x80\xc0",
                row(8..11),
                Some(11..12),
            ),
            // A time with metadata, as Fluent Bit has it.
            (
                b"\x93\xa1t\x92\xd7\0\0\0\0\0\0\0\0\0\x80\x80",
                one(3..15, 15..16),
                None,
            ),
            // Two entries in an array.
            (
                b"\x93\xa1t\x92\x92\x00\x80\x92\x00\x80\x80",
                row(4..10),
                Some(10..11),
            ),
        ] {
            let found = shape(message).unwrap();
            assert_eq!(
                (found.tag, found.entries, found.options),
                (1..3, entries, options)
            );
        }
    }

    #[test]
    fn what_has_no_form_is_refused() {
        for message in [
            &b"\xc0"[..],
            b"\x90",
            b"\x91\xa1t",
            b"\x92\xa1t\x05",
            b"\x95\xa1t\x05\x80\x80\x80",
            b"\x81\xa1t\x05",
            b"\x81\xa1t\x90",
            b"\x82\xa1t\x05\x80\x80",
        ] {
            assert_eq!(shape(message), Err(not_a_message()), "{message:?}");
        }
    }

    #[test]
    fn ack_has_the_id_as_it_came() {
        for chunk in [&b"\xdb\0\0\0\x03ab\n"[..], b"\xa3ab\n", b"\xc4\x03ab\n"] {
            let bytes = [
                b"\x83\xa4size\x01\xa5chunk",
                chunk,
                b"\xaacompressed\xa4gzip",
            ]
            .concat();
            let options = Options::parse(&bytes).unwrap();
            assert_eq!(options.chunk_id(), Some(b"ab\n".as_slice()));
            assert_eq!(options.compressed.as_deref(), Some(b"gzip".as_slice()));
            assert_eq!(options.ack(), Some([b"\x81\xa3ack", chunk].concat()));
        }
        assert_eq!(Options::parse(b"\xc0"), Ok(Options::default()));
        assert!(Options::parse(b"\x81\xa5chunk\x05").is_err());
        assert!(Options::parse(b"\x90").is_err());
    }
}
