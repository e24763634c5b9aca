//! The head of a frame: its type, and its length. All numbers are big-endian.

use auditlog_chain::limits::MAX_LINE_BYTES;

use super::fields::fields_length;
use super::malformed::Malformed;
use super::number::number_at;

/// Which version a sender speaks. An acknowledgement has the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Senders from before Beats.
    One,
    /// Beats and Logstash.
    Two,
}

impl Version {
    /// As it is in each frame.
    pub const fn byte(self) -> u8 {
        match self {
            Self::One => b'1',
            Self::Two => b'2',
        }
    }

    const fn of(byte: u8) -> Result<Self, Malformed> {
        match byte {
            b'1' => Ok(Self::One),
            b'2' => Ok(Self::Two),
            other => Err(Malformed::Version(other)),
        }
    }
}

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The sender waits after so many events.
    Window { version: Version, events: u32 },
    /// An event as JSON, behind a head of so many bytes.
    Json { sequence: u32, head: usize },
    /// An event as fields, behind a head of so many bytes.
    Fields { sequence: u32, head: usize },
    /// So many compressed bytes follow. They are not part of the length of the frame.
    Compressed { bytes: u32 },
}

/// What is before the number of a frame: version and type.
const BEGIN: usize = 2;
/// One number.
const NUMBER: usize = 4;
/// What is before the content of an event: version, type, its number, and the length or the number of its fields.
const HEAD: usize = BEGIN + NUMBER + NUMBER;

/// Reads the frame at the front, and how many bytes it has; `None` where there are too few. A length is refused before its bytes arrive.
pub(super) fn frame(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let version = Version::of(first)?;
    let Some(&kind) = rest.first() else {
        return Ok(None);
    };
    let first = number_at(bytes, BEGIN);
    let second = number_at(bytes, BEGIN + NUMBER);
    match kind {
        b'W' => Ok(first.map(|events| (Frame::Window { version, events }, BEGIN + NUMBER))),
        b'C' => Ok(first.map(|bytes| (Frame::Compressed { bytes }, BEGIN + NUMBER))),
        b'J' => json(bytes, first, second),
        b'D' => fields(bytes, first, second),
        other => Err(Malformed::Type(other)),
    }
}

fn json(
    bytes: &[u8],
    sequence: Option<u32>,
    length: Option<u32>,
) -> Result<Option<(Frame, usize)>, Malformed> {
    let (Some(sequence), Some(length)) = (sequence, length) else {
        return Ok(None);
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_LINE_BYTES {
        return Err(Malformed::TooLong);
    }
    let whole = HEAD.saturating_add(length);
    let head = HEAD;
    Ok((bytes.len() >= whole).then_some((Frame::Json { sequence, head }, whole)))
}

fn fields(
    bytes: &[u8],
    sequence: Option<u32>,
    count: Option<u32>,
) -> Result<Option<(Frame, usize)>, Malformed> {
    let (Some(sequence), Some(count)) = (sequence, count) else {
        return Ok(None);
    };
    let content = bytes.get(HEAD..).unwrap_or_default();
    let length = fields_length(content, count)?;
    let whole = length.map(|length| HEAD.saturating_add(length));
    let head = HEAD;
    Ok(whole.map(|whole| (Frame::Fields { sequence, head }, whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_read_once_it_is_whole() {
        let version = Version::Two;
        for (bytes, expected) in [
            (
                &b"2W\0\0\x08\0"[..],
                Frame::Window {
                    version,
                    events: 2048,
                },
            ),
            (
                b"2J\0\0\0\x07\0\0\0\x02{}",
                Frame::Json {
                    sequence: 7,
                    head: 10,
                },
            ),
            (
                b"1D\0\0\0\x01\0\0\0\x01\0\0\0\x01k\0\0\0\x02ab",
                Frame::Fields {
                    sequence: 1,
                    head: 10,
                },
            ),
            (b"2C\0\0\0\x09", Frame::Compressed { bytes: 9 }),
        ] {
            for length in 0..bytes.len() {
                assert_eq!(frame(&bytes[..length]), Ok(None), "{expected:?} {length}");
            }
            let more = [bytes, b"2W"].concat();
            assert_eq!(frame(&more), Ok(Some((expected, bytes.len()))));
        }
    }

    #[test]
    fn what_is_not_a_frame_is_refused_at_its_first_bytes() {
        for (bytes, expected) in [
            (&b"G"[..], Malformed::Version(b'G')),
            (b"3W", Malformed::Version(b'3')),
            (b"2X", Malformed::Type(b'X')),
            (b"2A\0\0\0\x01", Malformed::Type(b'A')),
            (b"2J\0\0\0\x01\xff\xff\xff\xff", Malformed::TooLong),
            (b"2J\0\0\0\x01\0\x10\x10\x01", Malformed::TooLong),
            (b"2D\0\0\0\x01\xff\xff\xff\xff", Malformed::TooManyFields),
            (
                b"2D\0\0\0\x01\0\0\0\x01\xff\xff\xff\xff",
                Malformed::TooLong,
            ),
        ] {
            assert_eq!(frame(bytes), Err(expected), "{bytes:?}");
        }
        assert_eq!(frame(b"2J\0\0\0\x01\0\x10\x10\0"), Ok(None));
    }
}
