//! The events of a message, in parts that fit into a batch.

use std::io::{self, Read as _};
use std::sync::Arc;

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::event::EventError;
use aws_lc_rs::digest::{Context, SHA256, digest};

use super::wire::{Body, Message};
use crate::forward::{
    ChunkName, Entries, Malformed, Options, Rendering, SECOND_BYTES, Shape, ValueError, Values,
    tag_of,
};
use crate::listen::{Encoding, Unpacked};

/// Events of a part, in bytes and in number.
const PART_BYTES: usize = 4 << 20;
const PART_EVENTS: usize = 1 << 15;

/// Events of a message that every connection may have in memory, in bytes.
const SMALL_BYTES: usize = 64 << 10;

/// Entries of a chunk after decompression, in bytes. Stops the decompression bomb.
const MAX_ENTRIES_BYTES: u64 = 256 << 20;
/// The same as JSON. Each event has the tag as well, which one small entry after the other would multiply.
const MAX_RENDERED_BYTES: u64 = 4 * MAX_ENTRIES_BYTES;

/// Longest tag, and longest options, in bytes.
const MAX_ASIDE_BYTES: u64 = 64 << 10;

/// Why a message is refused. Nothing of it is accepted then.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("the message cannot be read: {0}")]
    Malformed(#[from] Malformed),
    #[error("entry {entry}: {source}")]
    Value { entry: u64, source: ValueError },
    #[error("entry {entry}: {source}")]
    Rendered { entry: u64, source: Malformed },
    #[error("entry {entry}: {source}")]
    Event { entry: u64, source: EventError },
    #[error("the entries have more than {MAX_ENTRIES_BYTES} bytes after decompression")]
    TooLarge,
    #[error("the entries have more than {MAX_RENDERED_BYTES} bytes as JSON")]
    Expands,
    #[error("tag or options have more than {MAX_ASIDE_BYTES} bytes")]
    LongAside,
    #[error("entries that are compressed as {0:?} are not supported: use gzip or zstd")]
    Compression(String),
    #[error("the message cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// A message whose parts are known.
#[derive(Clone)]
pub(super) struct Chunk {
    body: Arc<Body>,
    tag: Vec<u8>,
    entries: Entries,
    options: Options,
    encoding: Encoding,
}

/// What a message holds.
pub(super) enum Read {
    /// Nothing at all.
    Nothing,
    /// One part.
    One(StoredBatch),
    /// More than that: they are read again, one at a time.
    Many,
}

impl Read {
    /// Whether its events take so much memory that others must wait.
    pub(super) fn is_large(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(events) => events.bytes() > SMALL_BYTES,
            Self::Many => true,
        }
    }
}

impl Chunk {
    pub(super) fn of(message: Message) -> Result<Self, ChunkError> {
        let Message { scan, body } = message;
        let read = |at: u64, end: u64| {
            if end.saturating_sub(at) > MAX_ASIDE_BYTES {
                return Err(ChunkError::LongAside);
            }
            let length = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
            let mut bytes = vec![0; length];
            let read = body.read_at(&mut bytes, at)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        let second = scan.second().unwrap_or(scan.at());
        let second = read(second, scan.at().min(second.saturating_add(SECOND_BYTES)))?;
        let shape = Shape::of(&scan, &second)?;
        let tag = tag_of(&read(shape.tag.start, shape.tag.end)?)?.to_vec();
        let options = match &shape.options {
            Some(range) => Options::parse(&read(range.start, range.end)?)?,
            None => Options::default(),
        };
        let encoding = match shape.entries {
            Entries::One { .. } => Encoding::Identity,
            Entries::Row(ref range) => {
                let mark = read(range.start, range.end.min(range.start.saturating_add(4)))?;
                encoding(&options, &mark)?
            }
        };
        Ok(Self {
            body: Arc::new(body),
            tag,
            entries: shape.entries,
            options,
            encoding,
        })
    }

    /// Whether it takes room that all connections share.
    pub(super) fn takes_room(&self) -> bool {
        self.body.takes_room()
    }

    /// The name of the chunk in the log. Its sender knows it by its id.
    pub(super) fn name(&self, sum: &[u8]) -> ChunkName {
        let of_id = |id: &[u8]| digest(&SHA256, id).as_ref().to_vec();
        match self.options.chunk_id() {
            Some(id) => ChunkName::new(id, sum, of_id),
            None => ChunkName::without_id(sum),
        }
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// What the sender waits for.
    pub(super) fn ack(&self) -> Option<Vec<u8>> {
        self.options.ack()
    }

    /// Reads all of it, and returns the SHA-256 of tag and entries: nothing is offered before all is known to be good.
    pub(super) fn read(&self) -> Result<(Read, Vec<u8>), ChunkError> {
        let mut parts = self.parts();
        let Some(first) = parts.next_part()? else {
            return Ok((Read::Nothing, parts.sum()));
        };
        if parts.is_at_end() {
            return Ok((Read::One(first), parts.sum()));
        }
        // One part is in memory at a time.
        drop(first);
        if parts.next_part()?.is_none() {
            let again = self.parts().next_part()?;
            return Ok((again.map_or(Read::Nothing, Read::One), parts.sum()));
        }
        while parts.next_part()?.is_some() {}
        Ok((Read::Many, parts.sum()))
    }

    /// Goes through it part by part.
    pub(super) fn parts(&self) -> Parts {
        let mut sum = Context::new(&SHA256);
        sum.update(&self.tag);
        sum.update(&[0]);
        Parts {
            chunk: self.clone(),
            from: From::Begin,
            rendering: Rendering::new(&self.tag),
            sum,
            entries: 0,
            bytes: 0,
            rendered: 0,
        }
    }

    fn region(&self, range: std::ops::Range<u64>) -> Region {
        Region {
            body: Arc::clone(&self.body),
            at: range.start,
            end: range.end,
        }
    }
}

/// Senders of the old npm logger and others leave out how they compress, so the mark decides. An entry begins with an array, which no mark does.
fn encoding(options: &Options, mark: &[u8]) -> Result<Encoding, ChunkError> {
    let found = Encoding::of_mark(mark);
    match options.compressed.as_deref() {
        None | Some(b"" | b"text" | b"gzip" | b"zstd") => Ok(found),
        Some(other) => {
            let other = other.get(..other.len().min(32)).unwrap_or_default();
            let name = String::from_utf8_lossy(other).into_owned();
            Err(ChunkError::Compression(name))
        }
    }
}

/// A range of a message.
struct Region {
    body: Arc<Body>,
    at: u64,
    end: u64,
}

impl io::Read for Region {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        let read = self.body.read_at(into, self.at)?;
        self.at = self
            .at
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

enum From {
    Begin,
    Row(Box<Values<Unpacked<Region>>>),
    End,
}

/// The parts of a chunk, in order.
pub(super) struct Parts {
    chunk: Chunk,
    from: From,
    rendering: Rendering,
    sum: Context,
    entries: u64,
    bytes: u64,
    rendered: u64,
}

impl Parts {
    /// The SHA-256 of what was read.
    pub(super) fn sum(&self) -> Vec<u8> {
        self.sum.clone().finish().as_ref().to_vec()
    }

    /// Whether it is known that no part follows.
    const fn is_at_end(&self) -> bool {
        matches!(self.from, From::End)
    }

    /// The next part; `None` at the end.
    pub(super) fn next_part(&mut self) -> Result<Option<StoredBatch>, ChunkError> {
        let mut part = StoredBatch::default();
        if matches!(self.from, From::Begin) {
            match self.chunk.entries.clone() {
                Entries::One { time, record } => {
                    self.from = From::End;
                    self.push_one(&mut part, time, record)?;
                    return Ok(Some(part));
                }
                Entries::Row(range) => {
                    let region = self.chunk.region(range);
                    let unpacked = Unpacked::new(self.chunk.encoding, region)?;
                    self.from = From::Row(Box::new(Values::new(unpacked)));
                }
            }
        }
        while part.bytes() < PART_BYTES && part.len() < PART_EVENTS {
            if !self.push_next(&mut part)? {
                self.from = From::End;
                break;
            }
        }
        Ok((!part.is_empty()).then_some(part))
    }

    fn push_one(
        &mut self,
        part: &mut StoredBatch,
        time: std::ops::Range<u64>,
        record: std::ops::Range<u64>,
    ) -> Result<(), ChunkError> {
        let entry = 1;
        let read = |range| {
            let mut bytes = Vec::new();
            // A record that is longer is not an event.
            let most = u64::try_from(PART_BYTES).unwrap_or(u64::MAX);
            self.chunk
                .region(range)
                .take(most)
                .read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let (time, record) = (read(time)?, read(record)?);
        self.sum.update(&time);
        self.sum.update(&record);
        let json = self.rendering.pair(&time, &record);
        let json = json.map_err(|source| ChunkError::Rendered { entry, source })?;
        part.push_rendered(json)
            .map_err(|source| ChunkError::Event { entry, source })
    }

    fn push_next(&mut self, part: &mut StoredBatch) -> Result<bool, ChunkError> {
        let From::Row(values) = &mut self.from else {
            return Ok(false);
        };
        self.entries = self.entries.saturating_add(1);
        let entry = self.entries;
        let value = values.next_value();
        let Some(value) = value.map_err(|source| ChunkError::Value { entry, source })? else {
            return Ok(false);
        };
        let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > MAX_ENTRIES_BYTES {
            return Err(ChunkError::TooLarge);
        }
        self.sum.update(value);
        let json = self.rendering.entry(value);
        let json = json.map_err(|source| ChunkError::Rendered { entry, source })?;
        let length = u64::try_from(json.len()).unwrap_or(u64::MAX);
        self.rendered = self.rendered.saturating_add(length);
        if self.rendered > MAX_RENDERED_BYTES {
            return Err(ChunkError::Expands);
        }
        part.push_rendered(json)
            .map_err(|source| ChunkError::Event { entry, source })?;
        Ok(true)
    }
}
