//! Takes bytes as they arrive, and gives what is in them.

use flate2::{Decompress, FlushDecompress, Status};

use super::fields::object_of;
use super::frame::{Frame, Version, frame};
use super::limits::MAX_UNPACKED_BYTES;
use super::malformed::Malformed;

/// Bytes that are decompressed at a time.
const UNPACK_BYTES: usize = 16 << 10;

/// Bytes of a buffer that it keeps, once what needed more was given.
const KEPT_BYTES: usize = 64 << 10;

/// Something that a sender has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'r> {
    /// The sender waits for an acknowledgement after so many events.
    Window {
        /// Which version it speaks.
        version: Version,
        /// Events that it announces.
        events: u32,
    },
    /// An event.
    Event {
        /// The sender's number for it, which acknowledges it.
        sequence: u32,
        /// It as JSON, as it came.
        json: std::borrow::Cow<'r, [u8]>,
        /// Whether it came in a compressed frame, in which more may follow.
        place: Place,
    },
    /// A compressed frame has ended.
    End,
    /// To go on, more bytes must be kept than the caller allows.
    Full,
}

/// Where an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a frame of its own.
    Alone,
    /// In a compressed frame.
    Compressed,
}

/// The bytes of one connection, as far as they were not given.
#[derive(Default)]
pub struct Reader {
    arrived: Buffer,
    compressed: Option<Compressed>,
}

impl Reader {
    /// Adds bytes. Whoever adds must first take all items that are there.
    pub fn push(&mut self, bytes: &[u8]) {
        self.arrived.push(bytes);
    }

    /// Whether nothing has arrived that was not given.
    pub fn is_empty(&self) -> bool {
        self.compressed.is_none() && self.arrived.unread().is_empty()
    }

    /// Gives its memory back, where nothing is in it.
    pub fn release(&mut self) {
        if self.is_empty() {
            self.arrived = Buffer::default();
        }
    }

    /// Bytes that it keeps.
    pub fn kept_bytes(&self) -> usize {
        let unpacked = self.compressed.as_ref();
        let unpacked = unpacked.map_or(0, |frame| frame.unpacked.bytes.capacity());
        self.arrived.bytes.capacity().saturating_add(unpacked)
    }

    /// The next item; `None` until more has arrived.
    ///
    /// # Errors
    ///
    /// Where the bytes are not the protocol, or too large. Nothing can be read from here on.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, Malformed> {
        self.next_item_within(usize::MAX)
    }

    /// The same, where nothing is decompressed that takes more than so many bytes with what is kept already: [`Item::Full`] says so.
    ///
    /// # Errors
    ///
    /// As [`Reader::next_item`].
    pub fn next_item_within(&mut self, most: usize) -> Result<Option<Item<'_>>, Malformed> {
        let (found, whole, place) = loop {
            let Some(compressed) = &mut self.compressed else {
                let Some((found, whole)) = frame(self.arrived.unread())? else {
                    return Ok(None);
                };
                if let Frame::Compressed { bytes } = found {
                    self.arrived.skip(whole);
                    self.compressed = Some(Compressed::new(bytes));
                    continue;
                }
                break (found, whole, Place::Alone);
            };
            match frame(compressed.unpacked.unread())? {
                Some((Frame::Compressed { .. }, _)) => return Err(Malformed::Nested),
                Some((found, whole)) => break (found, whole, Place::Compressed),
                None if compressed.needs_more_than(most, &self.arrived) => {
                    return Ok(Some(Item::Full));
                }
                None => match compressed.unpack(&mut self.arrived)? {
                    Unpacked::Some => {}
                    Unpacked::Nothing => return Ok(None),
                    Unpacked::Ended if compressed.unpacked.unread().is_empty() => {
                        self.compressed = None;
                        return Ok(Some(Item::End));
                    }
                    Unpacked::Ended => return Err(Malformed::CutOff),
                },
            }
        };
        let buffer = match &mut self.compressed {
            Some(compressed) => &mut compressed.unpacked,
            None => &mut self.arrived,
        };
        Ok(Some(item(found, buffer.take(whole), place)))
    }
}

fn item(found: Frame, bytes: &[u8], place: Place) -> Item<'_> {
    let behind = |head: usize| bytes.get(head..).unwrap_or_default();
    match found {
        Frame::Window { version, events } => Item::Window { version, events },
        Frame::Json { sequence, head } => Item::Event {
            sequence,
            json: behind(head).into(),
            place,
        },
        Frame::Fields { sequence, head } => Item::Event {
            sequence,
            json: object_of(behind(head)).into(),
            place,
        },
        // It was opened above.
        Frame::Compressed { .. } => Item::End,
    }
}

/// Bytes of which the first were given.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    begin: usize,
}

impl Buffer {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.begin..).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) {
        self.begin = self.begin.saturating_add(count).min(self.bytes.len());
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let begin = self.begin;
        self.skip(count);
        self.bytes.get(begin..self.begin).unwrap_or_default()
    }

    /// Adds bytes. Those that were given make room.
    fn push(&mut self, bytes: &[u8]) {
        self.make_room();
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// What it would keep with room for so many more bytes.
    fn bytes_with(&self, more: usize) -> usize {
        let unread = self.unread().len();
        let grown = unread.saturating_add(more.max(unread.div_euclid(4)));
        let is_there = unread.saturating_add(more) <= self.bytes.capacity();
        if is_there {
            self.bytes.capacity()
        } else {
            grown
        }
    }

    /// Makes room for so many bytes, and for little more: what is kept has a limit.
    fn reserve(&mut self, more: usize) {
        let whole = self.bytes_with(more);
        self.bytes
            .reserve_exact(whole.saturating_sub(self.bytes.len()));
    }

    fn make_room(&mut self) {
        self.bytes.drain(..self.begin);
        self.begin = 0;
        if self.bytes.len() < KEPT_BYTES && self.bytes.capacity() > KEPT_BYTES {
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }
}

/// A compressed frame that is open.
struct Compressed {
    zlib: Decompress,
    /// Compressed bytes of it that were not read.
    left: usize,
    has_ended: bool,
    unpacked: Buffer,
}

/// What came out of a compressed frame.
enum Unpacked {
    Some,
    /// More must arrive first.
    Nothing,
    /// There is nothing more in it.
    Ended,
}

impl Compressed {
    fn new(bytes: u32) -> Self {
        Self {
            zlib: Decompress::new(true),
            left: usize::try_from(bytes).unwrap_or(usize::MAX),
            has_ended: false,
            unpacked: Buffer::default(),
        }
    }

    /// Whether more than so many bytes are kept once more is decompressed.
    fn needs_more_than(&self, most: usize, arrived: &Buffer) -> bool {
        let kept = self.unpacked.bytes_with(UNPACK_BYTES);
        !self.has_ended && kept.saturating_add(arrived.bytes.capacity()) > most
    }

    /// Decompresses some of what has arrived.
    fn unpack(&mut self, arrived: &mut Buffer) -> Result<Unpacked, Malformed> {
        if self.has_ended {
            return Ok(Unpacked::Ended);
        }
        let there = arrived.unread();
        let packed = there.get(..self.left.min(there.len())).unwrap_or_default();
        self.unpacked.make_room();
        self.unpacked.reserve(UNPACK_BYTES);
        let (read, written) = (self.zlib.total_in(), self.zlib.total_out());
        let (zlib, to) = (&mut self.zlib, &mut self.unpacked.bytes);
        let status = zlib.decompress_vec(packed, to, FlushDecompress::None);
        let status = status.map_err(|_| Malformed::Zlib)?;
        let read = usize::try_from(self.zlib.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
        arrived.skip(read);
        self.left = self.left.saturating_sub(read);
        if self.zlib.total_out() > MAX_UNPACKED_BYTES {
            return Err(Malformed::Bomb);
        }
        self.has_ended = status == Status::StreamEnd;
        if self.has_ended && self.left > 0 {
            return Err(Malformed::Behind);
        }
        if self.has_ended || read > 0 || self.zlib.total_out() > written {
            return Ok(Unpacked::Some);
        }
        // It waits for more.
        if self.left == 0 {
            return Err(Malformed::CutOff);
        }
        Ok(Unpacked::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn json(sequence: u32, json: &[u8]) -> Vec<u8> {
        let length = u32::try_from(json.len()).unwrap().to_be_bytes();
        [b"2J", sequence.to_be_bytes().as_slice(), &length, json].concat()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let packed = packed(bytes);
        let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
        [b"2C".as_slice(), &length, &packed].concat()
    }

    /// What is in the bytes, where so many arrive at a time.
    fn items(bytes: &[u8], step: usize) -> Result<Vec<String>, Malformed> {
        let (mut reader, mut items) = (Reader::default(), Vec::new());
        for part in bytes.chunks(step) {
            reader.push(part);
            while let Some(item) = reader.next_item()? {
                items.push(match item {
                    Item::Window { version, events } => format!("{version:?} {events}"),
                    Item::Event { sequence, json, .. } => {
                        format!("{sequence} {}", String::from_utf8_lossy(&json))
                    }
                    Item::End => "end".to_owned(),
                    Item::Full => "full".to_owned(),
                });
            }
        }
        assert!(reader.is_empty());
        Ok(items)
    }

    #[test]
    fn window_is_read_however_it_arrives() {
        let row = [json(1, b"{\"a\":1}"), json(2, b"{}")].concat();
        let old = b"1W\0\0\0\x011D\0\0\0\x03\0\0\0\x01\0\0\0\x01k\0\0\0\x01v";
        let all = [
            &b"2W\0\0\0\x03"[..],
            &json(1, b"[]"),
            &compressed(&row),
            &compressed(b""),
            old,
        ]
        .concat();
        let expected = [
            "Two 3",
            "1 []",
            "1 {\"a\":1}",
            "2 {}",
            "end",
            "end",
            "One 1",
            "3 {\"k\":\"v\"}",
        ];
        for step in [1, 2, 3, 7, all.len()] {
            assert_eq!(items(&all, step).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn bombs_and_nested_frames_are_refused() {
        // A gigabyte of zeros.
        let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let events = b"2W\0\0\0\x01".repeat(10_000);
        for _ in 0..1200 {
            bomb.write_all(&events).unwrap();
        }
        let bomb = bomb.finish().unwrap();
        let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
        let bomb = [b"2C".as_slice(), &length, &bomb].concat();
        assert!(bomb.len() < 1 << 20);
        assert_eq!(items(&bomb, bomb.len()), Err(Malformed::Bomb));
        let nested = compressed(&compressed(&json(1, b"1")));
        assert_eq!(items(&nested, 5), Err(Malformed::Nested));
        // A length of 4 GiB takes no memory.
        let mut reader = Reader::default();
        reader.push(b"2C\xff\xff\xff\xff");
        assert_eq!(reader.next_item(), Ok(None));
        assert!(reader.arrived.bytes.capacity() < 100);
    }

    #[test]
    fn nothing_is_decompressed_beyond_what_the_caller_allows() {
        let event = json(1, &vec![b'1'; 1 << 20]);
        let mut reader = Reader::default();
        reader.push(&compressed(&[json(0, b"1"), event.clone()].concat()));
        let small = 64 << 10;
        let first = reader.next_item_within(small);
        assert!(matches!(first, Ok(Some(Item::Event { sequence: 0, .. }))));
        for most in [0, small, 1 << 20] {
            assert_eq!(reader.next_item_within(most), Ok(Some(Item::Full)));
            assert!(reader.kept_bytes() <= most.max(small), "{most}");
        }
        let most = 3 << 19;
        let second = reader.next_item_within(most);
        assert!(matches!(second, Ok(Some(Item::Event { sequence: 1, .. }))));
        assert!(reader.kept_bytes() <= most);
        // The end takes nothing more.
        assert_eq!(reader.next_item_within(most), Ok(Some(Item::End)));
    }

    #[test]
    fn memory_of_what_was_given_is_given_back() {
        for bytes in [100 << 10, 200 << 10, 1 << 20] {
            let mut reader = Reader::default();
            reader.push(&json(1, &vec![b'1'; bytes]));
            assert!(matches!(reader.next_item(), Ok(Some(Item::Event { .. }))));
            // The next window begins.
            reader.push(b"2");
            assert!(reader.kept_bytes() <= KEPT_BYTES, "{bytes}");
            reader.release();
            assert!(!reader.is_empty(), "nothing that arrived is lost");
            reader.push(b"W\0\0\0\x01");
            assert!(matches!(reader.next_item(), Ok(Some(Item::Window { .. }))));
            reader.release();
            assert_eq!(reader.kept_bytes(), 0);
        }
    }

    #[test]
    fn compressed_frame_that_does_not_end_where_it_says_is_refused() {
        let whole = compressed(&json(1, b"{}"));
        let with_length = |length: usize, bytes: &[u8]| {
            let length = u32::try_from(length).unwrap().to_be_bytes();
            [b"2C".as_slice(), &length, bytes].concat()
        };
        let body = &whole[6..];
        let longer = with_length(body.len() + 1, &[body, b"2"].concat());
        let shorter = with_length(body.len() - 1, body);
        let half = compressed(&json(1, b"{}")[..9]);
        for (bytes, expected) in [
            (longer, Malformed::Behind),
            (shorter, Malformed::CutOff),
            (half, Malformed::CutOff),
            (with_length(4, b"2J2J"), Malformed::Zlib),
            (with_length(0, b""), Malformed::CutOff),
        ] {
            for step in [1, bytes.len()] {
                assert_eq!(items(&bytes, step), Err(expected), "{expected:?} {step}");
            }
        }
    }
}
