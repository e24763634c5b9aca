//! `names.log`: chunks of names, each appended with one write and one sync.

use std::io::{self, ErrorKind, Read as _};
use std::mem;

use auditlog_chain::timestamp::Timestamp;

use super::chunk::{Changed, Chunk, chunks, format_chunk};
use super::fingerprint::{Fingerprint, last_of_each, names_in};
use crate::disk::{Disk, DiskFile};

const NAME: &str = "names.log";
const NEW_NAME: &str = "names.log.new";

/// Largest log that is read. Stops a file that is not one from filling the memory.
const MAX_BYTES: u64 = 64 << 20;

pub(super) struct Log {
    names: Vec<Fingerprint>,
    newest: Timestamp,
    file: Option<Box<dyn DiskFile>>,
    /// Whether its name is durable.
    is_named: bool,
    /// Bytes of whole chunks.
    at: u64,
}

impl Log {
    /// Reads it, and hands over each name with the time when it was added, in this order.
    pub(super) fn open(
        disk: &dyn Disk,
        each: &mut dyn FnMut(Fingerprint, Timestamp),
    ) -> io::Result<Self> {
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
        let chunks = chunks(&bytes).map_err(|Changed { at }| {
            let why =
                format!("{NAME} was changed: the names at byte {at} are not what was written");
            io::Error::new(ErrorKind::InvalidData, why)
        })?;
        for chunk in &chunks {
            log.take(chunk);
            for name in names_in(chunk.body) {
                each(name, log.newest);
            }
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
        self.names.extend(names_in(body));
        self.newest = Timestamp::EPOCH.saturating_add_seconds(seconds);
    }

    pub(super) const fn len(&self) -> usize {
        self.names.len()
    }

    /// Its names, sorted, with the last batch of each. It needs no other names from now on, so they are sorted where they are.
    pub(super) fn sorted(&mut self) -> &[Fingerprint] {
        self.names = last_of_each(mem::take(&mut self.names));
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
        let seconds = now.as_seconds();
        let body: Vec<u8> = names.iter().flat_map(Fingerprint::bytes).collect();
        let chunk = format_chunk(seconds, &body);
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
        self.add(&body, i64::try_from(seconds).unwrap_or(0));
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
