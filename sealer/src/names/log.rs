//! `names.log`: chunks of names, each appended with one write and one sync.
//!
//! A chunk is: number of names (4 bytes), CRC-32C of all that follows (4), seconds since 1970 (8), and 16 bytes for each name. Numbers are
//! little-endian.
//!
//! A crash leaves the last chunk torn, and nothing behind it: a chunk is appended once the one before it is synced. So a chunk that is not
//! whole and has a whole one behind it was changed, which is an error. What is not whole at the end was never relied on.

use std::io::{self, ErrorKind, Read as _};

use auditlog_chain::timestamp::Timestamp;

use super::fingerprint::Fingerprint;
use crate::disk::{Disk, DiskFile};

const NAME: &str = "names.log";
const NEW_NAME: &str = "names.log.new";
const HEADER_BYTES: usize = 16;

/// Later than any time of a log. A look for a chunk among other bytes need not sum up what cannot be one.
const MAX_SECONDS: i64 = 1 << 38;

/// Largest log that is read. Stops a file that is not one from filling the memory.
const MAX_BYTES: u64 = 64 << 20;

pub(super) struct Log {
    /// Each with the time when it was added.
    names: Vec<(Fingerprint, Timestamp)>,
    newest: Timestamp,
    file: Option<Box<dyn DiskFile>>,
    /// Whether its name is durable.
    is_named: bool,
    /// Bytes of whole chunks.
    at: u64,
}

impl Log {
    pub(super) fn open(disk: &dyn Disk) -> io::Result<Self> {
        let mut log = Self {
            names: Vec::new(),
            newest: Timestamp::EPOCH,
            file: None,
            is_named: false,
            at: 0,
        };
        let mut file = match disk.open(NAME) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(log),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        (&mut file).take(MAX_BYTES).read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        while let Some(chunk) = Chunk::first(rest) {
            log.take(&chunk);
            rest = rest.get(chunk.bytes()..).unwrap_or_default();
        }
        if has_chunk_behind(rest) {
            let why = format!(
                "{NAME} was changed: the names at byte {} are not what was written",
                log.at
            );
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        file.set_length(log.at)?;
        log.file = Some(file);
        Ok(log)
    }

    fn take(&mut self, chunk: &Chunk<'_>) {
        self.add(chunk.body, chunk.seconds);
        let length = u64::try_from(chunk.bytes()).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(length);
    }

    fn add(&mut self, body: &[u8], seconds: i64) {
        let (names, _) = body.as_chunks();
        let added = Timestamp::EPOCH.saturating_add_seconds(seconds);
        let names = names.iter().map(|bytes| Fingerprint::from_bytes(*bytes));
        self.names.extend(names.map(|name| (name, added)));
        self.newest = added;
    }

    /// Each with the time when it was added, in this order.
    pub(super) fn names(&self) -> &[(Fingerprint, Timestamp)] {
        &self.names
    }

    /// When the last names were added.
    pub(super) const fn newest(&self) -> Timestamp {
        self.newest
    }

    pub(super) fn append(
        &mut self,
        disk: &dyn Disk,
        names: &[Fingerprint],
        now: Timestamp,
    ) -> io::Result<()> {
        let seconds = now.as_seconds().to_le_bytes();
        let body: Vec<u8> = names.iter().flat_map(|name| *name.as_bytes()).collect();
        let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let mut chunk = count.to_le_bytes().to_vec();
        chunk.extend(sum_of(&seconds, &body).to_le_bytes());
        chunk.extend(seconds);
        chunk.extend(&body);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(disk.create(NAME)?),
        };
        file.write_at(self.at, &chunk)?;
        file.sync()?;
        if !self.is_named {
            disk.sync_names()?;
            self.is_named = true;
        }
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(length);
        self.add(
            &body,
            i64::try_from(u64::from_le_bytes(seconds)).unwrap_or(0),
        );
        Ok(())
    }

    /// Puts an empty file in its place: one that is emptied as it is might keep some of its chunks when the power fails, and be taken for a
    /// file that was changed.
    pub(super) fn clear(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let mut file = disk.create(NEW_NAME)?;
        file.sync()?;
        disk.rename(NEW_NAME, NAME)?;
        self.file = Some(file);
        self.is_named = false;
        self.at = 0;
        self.names.clear();
        disk.sync_names()?;
        self.is_named = true;
        Ok(())
    }
}

/// A whole chunk.
struct Chunk<'b> {
    seconds: i64,
    body: &'b [u8],
}

impl<'b> Chunk<'b> {
    /// The first one; `None` where it is not whole.
    fn first(bytes: &'b [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (count, header) = header.split_first_chunk::<4>()?;
        let (sum, seconds) = header.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let body = rest.get(..count.checked_mul(Fingerprint::BYTES)?)?;
        let at = i64::try_from(u64::from_le_bytes(*seconds.first_chunk()?)).ok()?;
        if count == 0 || at > MAX_SECONDS || sum_of(seconds, body) != u32::from_le_bytes(*sum) {
            return None;
        }
        Some(Self { seconds: at, body })
    }

    const fn bytes(&self) -> usize {
        HEADER_BYTES.saturating_add(self.body.len())
    }
}

/// Whether a whole chunk follows somewhere. Each begins at a multiple of its header's length, and so of a name's.
fn has_chunk_behind(bytes: &[u8]) -> bool {
    let places = (0..bytes.len()).step_by(HEADER_BYTES).skip(1);
    let mut behind = places.filter_map(|at| bytes.get(at..));
    behind.any(|rest| Chunk::first(rest).is_some())
}

fn sum_of(seconds: &[u8], body: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(seconds);
    digest.update(body);
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}
