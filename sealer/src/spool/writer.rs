//! Writing the file of one segment: one write and one sync for each group of records.

use super::file::{Files, UNWRITABLE, wal_name};
use crate::disk::DiskFile;
use crate::error::Error;
use crate::wal::{Batch, Close, Encoder, Opening, Tail};

/// Room that is taken on the disk at a time.
const RESERVED_BYTES: u64 = 4 << 20;

/// The write-ahead file of one segment.
pub(crate) struct WalWriter {
    files: Files,
    name: String,
    file: Box<dyn DiskFile>,
    encoder: Encoder,
    /// Bytes that are synced.
    at: u64,
    /// Room that was taken; `None` where the disk gives none ahead.
    reserved: Option<u64>,
}

impl WalWriter {
    /// Makes the file of a new segment, with its opening record, synced under its name. `random` differs for each file.
    pub(super) fn create(
        files: &Files,
        name: String,
        opening: &Opening<'_>,
        random: u64,
    ) -> Result<Self, Error> {
        let file = files.disk.create(&name);
        let mut writer = Self {
            file: file.map_err(files.fault(UNWRITABLE, &name))?,
            files: files.clone(),
            name,
            encoder: Encoder::new(random),
            at: 0,
            reserved: Some(0),
        };
        writer.encoder.opening(opening);
        writer.sync()?;
        writer.files.sync_names()?;
        Ok(writer)
    }

    /// Goes on with a file that a crash has left: what is behind its whole records was never accepted.
    pub(super) fn reopen(files: &Files, segment: u64, tail: Tail) -> Result<Self, Error> {
        let name = wal_name(segment);
        let mut file = files.open(&name)?;
        let cut = file.set_length(tail.whole).and_then(|()| file.sync());
        cut.map_err(files.fault("the spool cannot be cut", &name))?;
        Ok(Self {
            files: files.clone(),
            name,
            file,
            encoder: Encoder::after(tail.file, tail.next_group),
            at: tail.whole,
            reserved: Some(tail.whole),
        })
    }

    /// Adds a batch to the group.
    pub(crate) fn push(&mut self, batch: &Batch<'_>) {
        self.encoder.batch(batch);
    }

    /// Whether the group must be synced before more is added.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.encoder.is_full() || self.encoder.pending() >= limit
    }

    /// Bytes of the file that are synced.
    pub(crate) const fn synced(&self) -> u64 {
        self.at
    }

    /// Writes and syncs the group.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails. What was synced before stays as it is, and the group stays to be tried again.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.encoder.pending() == 0 {
            return Ok(());
        }
        let length = u64::try_from(self.encoder.pending()).unwrap_or(u64::MAX);
        let end = self.at.saturating_add(length);
        self.reserve(end);
        let group = self.encoder.group();
        let written = self
            .file
            .write_at(self.at, group)
            .and_then(|()| self.file.sync());
        if let Err(source) = written {
            let fault = self.files.fault(UNWRITABLE, &self.name)(source);
            // A whole record would be taken for accepted by the next run; but the caller gets an error.
            self.cut()?;
            return Err(fault);
        }
        self.encoder.synced();
        self.at = end;
        Ok(())
    }

    /// Takes room ahead, so that a sync need not write where the file ends. Where there is little room, it goes without.
    fn reserve(&mut self, end: u64) {
        let Some(reserved) = self.reserved.filter(|reserved| *reserved < end) else {
            return;
        };
        let more = reserved.max(end).saturating_add(RESERVED_BYTES);
        self.reserved = self.file.reserve(more).ok().map(|()| more);
    }

    fn cut(&mut self) -> Result<(), Error> {
        let cut = self.file.set_length(self.at);
        let cut = cut.and_then(|()| self.file.sync());
        self.reserved = self.reserved.map(|_| self.at);
        cut.map_err(self.files.fault("the spool cannot be cut", &self.name))
    }

    /// Writes and syncs the close record, and gives back the room that was taken ahead.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub(crate) fn close(&mut self, line: &[u8]) -> Result<(), Error> {
        self.encoder.close(&Close { line });
        if let Err(error) = self.sync() {
            self.encoder.discard();
            return Err(error);
        }
        // If we crash before this, there are zeros behind the close record.
        if self.reserved.is_some_and(|reserved| reserved > self.at) {
            let cut = self.file.set_length(self.at);
            cut.map_err(self.files.fault("the spool cannot be cut", &self.name))?;
        }
        Ok(())
    }
}
