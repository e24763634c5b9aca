//! One record: how it is written, and how its body is read.

use super::fault::WalFault;
use super::{HEADER_BYTES, MAX_BODY_BYTES, VERSION};

/// The first bytes of the body of an opening record.
const MAGIC: &[u8; 12] = b"auditlog-wal";

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opening,
    Batch,
    Close,
}

impl Kind {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Opening),
            2 => Some(Self::Batch),
            3 => Some(Self::Close),
            _ => None,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Opening => 1,
            Self::Batch => 2,
            Self::Close => 3,
        }
    }
}

/// Opens a file: which segment of which log it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// Number of the segment.
    pub segment: u64,
    /// Origin of the log.
    pub origin: &'a str,
    /// The open line and the key line, if there is one, each with its newline.
    pub lines: &'a [u8],
}

/// One batch: the events that a sender has sent as one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The sender's name for it; empty where it has none.
    pub name: &'a [u8],
    /// Who sent it; empty where nobody says.
    pub source: &'a [u8],
    /// What the spool remembers with it, such as how far an input was read; empty where there is nothing.
    pub note: &'a [u8],
    /// Number of lines.
    pub count: u32,
    /// The lines, each with its newline.
    pub lines: &'a [u8],
}

/// Closes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// The close line, with its newline.
    pub line: &'a [u8],
}

/// A record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The first one.
    Opening(Opening<'a>),
    /// A batch.
    Batch(Batch<'a>),
    /// The last one.
    Close(Close<'a>),
}

/// What the header of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: u32,
    pub(super) sum: u32,
    pub(super) kind: Option<Kind>,
    pub(super) place: u16,
    pub(super) records: u16,
    pub(super) file: u64,
    pub(super) group: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Self {
        let mut cursor = Cursor(bytes);
        let (length, sum) = (cursor.u32(), cursor.u32());
        let kind = cursor.u8().and_then(Kind::of);
        let zero = cursor.u8();
        let (place, records) = (cursor.u16(), cursor.u16());
        let also_zero = cursor.u16();
        let (group, file) = (cursor.u64(), cursor.u64());
        let reserved = zero == Some(0) && also_zero == Some(0);
        Self {
            length: length.unwrap_or(0),
            sum: sum.unwrap_or(0),
            kind: kind.filter(|_| reserved),
            place: place.unwrap_or(0),
            records: records.unwrap_or(0),
            file: file.unwrap_or(0),
            group: group.unwrap_or(0),
        }
    }

    fn format(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let fields: [&[u8]; 9] = [
            &self.length.to_le_bytes(),
            &self.sum.to_le_bytes(),
            &[self.kind.map_or(0, Kind::byte)],
            &[0],
            &self.place.to_le_bytes(),
            &self.records.to_le_bytes(),
            &[0, 0],
            &self.group.to_le_bytes(),
            &self.file.to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Whether a body of this length can be one.
    pub(super) fn is_plausible(&self) -> bool {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        self.kind.is_some() && (1..=MAX_BODY_BYTES).contains(&length)
    }

    /// The sum over all of a record but its first eight bytes.
    pub(super) fn sum_of(header: &[u8; HEADER_BYTES], body: &[u8]) -> u32 {
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
        digest.update(header.get(8..).unwrap_or_default());
        digest.update(body);
        u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
    }
}

/// Writes the records of one file, group by group.
#[derive(Clone, Debug)]
pub struct Encoder {
    file: u64,
    group: u64,
    buffer: Vec<u8>,
    /// Where the headers of the group are.
    headers: Vec<usize>,
}

impl Encoder {
    /// For a new file. `file` is a random number, which no other file has.
    pub const fn new(file: u64) -> Self {
        // A header ends in a byte that is not zero: where it is zero, it was not written.
        Self::after(file | (1 << 63), 0)
    }

    /// For a file that goes on with this group.
    pub const fn after(file: u64, group: u64) -> Self {
        Self {
            file,
            group,
            buffer: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Bytes that wait to be written.
    pub const fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Whether the group takes no more records.
    pub fn is_full(&self) -> bool {
        self.headers.len() >= usize::from(u16::MAX)
    }

    /// Adds an opening record.
    pub fn opening(&mut self, opening: &Opening<'_>) {
        self.begin();
        self.buffer.extend_from_slice(MAGIC);
        self.buffer.extend(VERSION.to_le_bytes());
        self.buffer.extend(opening.segment.to_le_bytes());
        put_short(&mut self.buffer, opening.origin.as_bytes());
        self.buffer.extend_from_slice(opening.lines);
        self.end(Kind::Opening);
    }

    /// Adds a batch.
    pub fn batch(&mut self, batch: &Batch<'_>) {
        self.begin();
        put_short(&mut self.buffer, batch.name);
        put_short(&mut self.buffer, batch.source);
        put_short(&mut self.buffer, batch.note);
        self.buffer.extend(batch.count.to_le_bytes());
        self.buffer.extend_from_slice(batch.lines);
        self.end(Kind::Batch);
    }

    /// Adds the close record.
    pub fn close(&mut self, close: &Close<'_>) {
        self.begin();
        self.buffer.extend_from_slice(close.line);
        self.end(Kind::Close);
    }

    fn begin(&mut self) {
        self.headers.push(self.buffer.len());
        self.buffer.extend_from_slice(&[0; HEADER_BYTES]);
    }

    fn end(&mut self, kind: Kind) {
        let Some(begin) = self.headers.last().copied() else {
            return;
        };
        let body = self.buffer.len().saturating_sub(begin);
        let body = body.saturating_sub(HEADER_BYTES);
        let header = Header {
            length: u32::try_from(body).unwrap_or(u32::MAX),
            sum: 0,
            kind: Some(kind),
            place: 0,
            records: 0,
            file: self.file,
            group: self.group,
        };
        self.put_header(begin, &header.format());
    }

    fn put_header(&mut self, begin: usize, header: &[u8; HEADER_BYTES]) {
        let end = begin.saturating_add(HEADER_BYTES);
        if let Some(place) = self.buffer.get_mut(begin..end) {
            place.copy_from_slice(header);
        }
    }

    /// The bytes of the group, to be written with one write and synced with one sync. They stay until [`Encoder::synced`].
    pub fn group(&mut self) -> &[u8] {
        self.sum_up_all();
        &self.buffer
    }

    /// The same for a group that is on its way to the disk: the next records are in the next group, in the buffer `next`.
    pub fn hand_over(&mut self, next: Vec<u8>) -> Vec<u8> {
        self.sum_up_all();
        let group = std::mem::replace(&mut self.buffer, next);
        self.synced();
        group
    }

    fn sum_up_all(&mut self) {
        let records = u16::try_from(self.headers.len()).unwrap_or(u16::MAX);
        for (place, begin) in (0u16..).zip(self.headers.clone()) {
            self.sum_up(begin, place, records);
        }
    }

    fn sum_up(&mut self, begin: usize, place: u16, records: u16) {
        let record = self.buffer.get(begin..).unwrap_or_default();
        let Some((header, rest)) = record.split_first_chunk::<HEADER_BYTES>() else {
            return;
        };
        let unsummed = Header {
            place,
            records,
            ..Header::parse(header)
        };
        let length = usize::try_from(unsummed.length).unwrap_or(usize::MAX);
        let body = rest.get(..length).unwrap_or_default();
        let sum = Header::sum_of(&unsummed.format(), body);
        let header = Header { sum, ..unsummed }.format();
        self.put_header(begin, &header);
    }

    /// The group is on the disk: the next records are in the next group.
    pub fn synced(&mut self) {
        self.group = self.group.saturating_add(1);
        self.discard();
    }

    /// The group could not be written: its records are forgotten.
    pub fn discard(&mut self) {
        self.buffer.clear();
        self.headers.clear();
    }
}

fn put_short(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    let kept = bytes.get(..usize::from(length)).unwrap_or_default();
    out.extend_from_slice(kept);
}

impl<'a> Record<'a> {
    pub(super) fn parse(kind: Kind, body: &'a [u8], at: u64) -> Result<Self, WalFault> {
        let malformed = |what| WalFault::Malformed { at, what };
        let mut cursor = Cursor(body);
        let record = match kind {
            Kind::Opening => {
                if cursor.take(MAGIC.len()) != Some(MAGIC) {
                    return Err(WalFault::NotWal);
                }
                let found = cursor.u16().ok_or(malformed("no version"))?;
                if found != VERSION {
                    let expected = VERSION;
                    return Err(WalFault::Version { expected, found });
                }
                let segment = cursor.u64().ok_or(malformed("no segment"))?;
                let origin = cursor.short().ok_or(malformed("no origin"))?;
                Self::Opening(Opening {
                    segment,
                    origin: std::str::from_utf8(origin)
                        .map_err(|_| malformed("the origin is not text"))?,
                    lines: lines(cursor.0).ok_or(malformed("no lines"))?,
                })
            }
            Kind::Batch => {
                let name = cursor.short().ok_or(malformed("no name"))?;
                let source = cursor.short().ok_or(malformed("no source"))?;
                let note = cursor.short().ok_or(malformed("no note"))?;
                let count = cursor.u32().ok_or(malformed("no number of lines"))?;
                let lines = lines(cursor.0).ok_or(malformed("no lines"))?;
                let found = lines.split_inclusive(|byte| *byte == b'\n').count();
                if u32::try_from(found) != Ok(count) {
                    return Err(malformed("another number of lines"));
                }
                Self::Batch(Batch {
                    name,
                    source,
                    note,
                    count,
                    lines,
                })
            }
            Kind::Close => Self::Close(Close {
                line: lines(body).ok_or(malformed("no line"))?,
            }),
        };
        Ok(record)
    }
}

/// Whole lines, at least one. No line has a zero byte: where one is, the disk has not written it.
fn lines(bytes: &[u8]) -> Option<&[u8]> {
    bytes.ends_with(b"\n").then_some(bytes)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}
