//! The head of a msgpack value: its type, and its length or its number.
//!
//! Our own, and small: the scan needs to stop at any byte and to go on when more arrive, without a value in memory, and a length that a sender
//! gives must never be allocated for.

use auditlog_chain::limits::MAX_EVENT_BYTES;

/// Deepest nesting of a message: that of an event, and what is around it.
pub const MAX_DEPTH: usize = auditlog_chain::limits::MAX_EVENT_DEPTH + 4;

/// Bytes are not msgpack, or not a message of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The one byte that msgpack never uses.
    #[error("a byte is not msgpack (0xc1)")]
    Unused,
    /// More levels than an event may have.
    #[error("the message is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The bytes end in the middle of a value.
    #[error("the message ends in the middle of a value")]
    CutOff,
    /// There are bytes behind the last value.
    #[error("there are bytes behind the last entry")]
    Behind,
    /// As JSON, it is longer than an event may be.
    #[error("the entry has more than {MAX_EVENT_BYTES} bytes as JSON")]
    TooLong,
    /// A value has another type than the protocol says.
    #[error("expected {0}")]
    Expected(&'static str),
}

/// The head of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float32(f32),
    Float64(f64),
    /// So many bytes follow.
    Text(usize),
    Binary(usize),
    Extension(i8, usize),
    /// So many values follow.
    Array(u32),
    /// So many keys follow, and a value for each.
    Map(u32),
}

/// Reads a head, and how many bytes it has; `None` where there are too few.
pub(super) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let short = |head| Ok(Some((head, 1)));
    match first {
        0x00..=0x7f => short(Head::Unsigned(first.into())),
        0x80..=0x8f => short(Head::Map((first & 0x0f).into())),
        0x90..=0x9f => short(Head::Array((first & 0x0f).into())),
        0xa0..=0xbf => short(Head::Text((first & 0x1f).into())),
        0xc0 => short(Head::Nil),
        0xc1 => Err(Malformed::Unused),
        0xc2 => short(Head::Bool(false)),
        0xc3 => short(Head::Bool(true)),
        0xe0..=0xff => short(Head::Signed(i8::from_be_bytes([first]).into())),
        0xc4..=0xdf => Ok(long(first, rest)),
    }
}

/// A head of more than one byte.
fn long(first: u8, rest: &[u8]) -> Option<(Head, usize)> {
    Some(match first {
        0xc4 => (Head::Binary(length(&one(rest)?)), 2),
        0xc5 => (Head::Binary(length(&two(rest)?)), 3),
        0xc6 => (Head::Binary(length(&four(rest)?)), 5),
        0xc7 => extension(length(&one(rest)?), *rest.get(1)?, 3),
        0xc8 => extension(length(&two(rest)?), *rest.get(2)?, 4),
        0xc9 => extension(length(&four(rest)?), *rest.get(4)?, 6),
        0xca => (Head::Float32(f32::from_be_bytes(four(rest)?)), 5),
        0xcb => (Head::Float64(f64::from_be_bytes(eight(rest)?)), 9),
        0xcc => (Head::Unsigned(u8::from_be_bytes(one(rest)?).into()), 2),
        0xcd => (Head::Unsigned(u16::from_be_bytes(two(rest)?).into()), 3),
        0xce => (Head::Unsigned(u32::from_be_bytes(four(rest)?).into()), 5),
        0xcf => (Head::Unsigned(u64::from_be_bytes(eight(rest)?)), 9),
        0xd0 => (Head::Signed(i8::from_be_bytes(one(rest)?).into()), 2),
        0xd1 => (Head::Signed(i16::from_be_bytes(two(rest)?).into()), 3),
        0xd2 => (Head::Signed(i32::from_be_bytes(four(rest)?).into()), 5),
        0xd3 => (Head::Signed(i64::from_be_bytes(eight(rest)?)), 9),
        0xd4 => extension(1, *rest.first()?, 2),
        0xd5 => extension(2, *rest.first()?, 2),
        0xd6 => extension(4, *rest.first()?, 2),
        0xd7 => extension(8, *rest.first()?, 2),
        0xd8 => extension(16, *rest.first()?, 2),
        0xd9 => (Head::Text(length(&one(rest)?)), 2),
        0xda => (Head::Text(length(&two(rest)?)), 3),
        0xdb => (Head::Text(length(&four(rest)?)), 5),
        0xdc => (Head::Array(u16::from_be_bytes(two(rest)?).into()), 3),
        0xdd => (Head::Array(u32::from_be_bytes(four(rest)?)), 5),
        0xde => (Head::Map(u16::from_be_bytes(two(rest)?).into()), 3),
        _ => (Head::Map(u32::from_be_bytes(four(rest)?)), 5),
    })
}

fn extension(length: usize, kind: u8, bytes: usize) -> (Head, usize) {
    (Head::Extension(i8::from_be_bytes([kind]), length), bytes)
}

fn one(bytes: &[u8]) -> Option<[u8; 1]> {
    bytes.first_chunk().copied()
}

fn two(bytes: &[u8]) -> Option<[u8; 2]> {
    bytes.first_chunk().copied()
}

fn four(bytes: &[u8]) -> Option<[u8; 4]> {
    bytes.first_chunk().copied()
}

fn eight(bytes: &[u8]) -> Option<[u8; 8]> {
    bytes.first_chunk().copied()
}

/// Of at most four bytes.
fn length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |length: usize, byte| (length << 8) | usize::from(*byte))
}

/// Takes the head from the front of a whole value.
pub(super) fn take_head(bytes: &mut &[u8]) -> Result<Head, Malformed> {
    let (found, length) = head(bytes)?.ok_or(Malformed::CutOff)?;
    take(bytes, length)?;
    Ok(found)
}

/// Takes bytes from the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Malformed::CutOff)?;
    *bytes = rest;
    Ok(taken)
}

/// Takes a text or binary value.
pub(super) fn take_bytes<'a>(
    bytes: &mut &'a [u8],
    expected: &'static str,
) -> Result<&'a [u8], Malformed> {
    match take_head(bytes)? {
        Head::Text(length) | Head::Binary(length) => take(bytes, length),
        Head::Nil
        | Head::Bool(_)
        | Head::Unsigned(_)
        | Head::Signed(_)
        | Head::Float32(_)
        | Head::Float64(_)
        | Head::Extension(..)
        | Head::Array(_)
        | Head::Map(_) => Err(Malformed::Expected(expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_first_byte_has_a_head_that_is_read_only_when_it_is_whole() {
        for first in 0..=u8::MAX {
            let bytes = [first, 0, 0, 0, 1, 0, 0, 0, 2, 0];
            if first == 0xc1 {
                assert_eq!(head(&bytes), Err(Malformed::Unused));
                continue;
            }
            let (found, length) = head(&bytes).unwrap().unwrap();
            for short in 0..length {
                assert_eq!(head(&bytes[..short]), Ok(None), "{first:#x} {short}");
            }
            assert_eq!(
                head(&bytes[..length]),
                Ok(Some((found, length))),
                "{first:#x}"
            );
        }
    }

    #[test]
    fn numbers_and_lengths_are_those_of_the_specification() {
        for (bytes, expected) in [
            (&[0x7f][..], Head::Unsigned(127)),
            (&[0xe0], Head::Signed(-32)),
            (&[0xff], Head::Signed(-1)),
            (
                &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
                Head::Unsigned(u64::MAX),
            ),
            (&[0xd3, 128, 0, 0, 0, 0, 0, 0, 0], Head::Signed(i64::MIN)),
            (&[0xd1, 255, 254], Head::Signed(-2)),
            (&[0xca, 0x3f, 0x80, 0, 0], Head::Float32(1.0)),
            (&[0xdb, 0, 1, 0, 0], Head::Text(65536)),
            (&[0xc6, 255, 255, 255, 255], Head::Binary(0xffff_ffff)),
            (&[0xd7, 0], Head::Extension(0, 8)),
            (&[0xc7, 8, 0], Head::Extension(0, 8)),
            (&[0xc8, 1, 0, 0xff], Head::Extension(-1, 256)),
            (&[0xdd, 0, 0, 0, 9], Head::Array(9)),
            (&[0xdf, 255, 255, 255, 255], Head::Map(u32::MAX)),
        ] {
            assert_eq!(head(bytes), Ok(Some((expected, bytes.len()))), "{bytes:?}");
        }
    }
}
