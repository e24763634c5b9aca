//! Writing the file of one segment: one write and one sync for each group of records.
//!
//! A group is written by whoever calls [`WalWriter::sync`], or handed over to a thread of its own, and the next one is made meanwhile. There is
//! never more than one group on its way: the next one is written after the sync.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::file::{Files, UNWRITABLE, wal_name};
use crate::disk::DiskFile;
use crate::error::Error;
use crate::wal::{Batch, Close, Encoder, Opening, Tail};

/// Room that is taken on the disk at a time.
const RESERVED_BYTES: u64 = 4 << 20;

/// The write-ahead file of one segment.
pub(crate) struct WalWriter {
    file: Arc<Mutex<WalFile>>,
    encoder: Encoder,
    /// The group that is on its way.
    handed_over: Option<HandedOver>,
    /// The buffer of a group that is on the disk, for another one.
    spare: Vec<u8>,
    /// Bytes that are synced, or on their way.
    written: u64,
    /// Whether the close record is synced: no other follows it.
    is_closed: bool,
}

/// The file, as far as it is synced.
struct WalFile {
    files: Files,
    name: String,
    file: Box<dyn DiskFile>,
    /// Bytes that are synced.
    at: u64,
    /// Room that was taken; `None` where the disk gives none ahead.
    reserved: Option<u64>,
}

struct HandedOver {
    group: Arc<Vec<u8>>,
    /// Writes it. Without a thread, it is written by whoever waits for it.
    thread: Option<JoinHandle<Result<(), Error>>>,
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
        let file = WalFile {
            file: file.map_err(files.fault(UNWRITABLE, &name))?,
            files: files.clone(),
            name,
            at: 0,
            reserved: Some(0),
        };
        let mut writer = Self::of(file, Encoder::new(random));
        writer.encoder.opening(opening);
        writer.sync()?;
        files.sync_names()?;
        Ok(writer)
    }

    /// Goes on with a file that a crash has left: what is behind its whole records was never accepted.
    pub(super) fn reopen(files: &Files, segment: u64, tail: Tail) -> Result<Self, Error> {
        let name = wal_name(segment);
        let mut file = files.open(&name)?;
        let cut = file.set_length(tail.whole).and_then(|()| file.sync());
        cut.map_err(files.fault("the spool cannot be cut", &name))?;
        let file = WalFile {
            files: files.clone(),
            name,
            file,
            at: tail.whole,
            reserved: Some(tail.whole),
        };
        Ok(Self::of(file, Encoder::after(tail.file, tail.next_group)))
    }

    fn of(file: WalFile, encoder: Encoder) -> Self {
        Self {
            written: file.at,
            file: Arc::new(Mutex::new(file)),
            encoder,
            handed_over: None,
            spare: Vec::new(),
            is_closed: false,
        }
    }

    /// Adds a batch to the group.
    pub(crate) fn push(&mut self, batch: &Batch<'_>) {
        self.encoder.batch(batch);
    }

    /// Whether the group must be synced before more is added.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.encoder.is_full() || self.encoder.pending() >= limit
    }

    /// Bytes of the file that are synced, or on their way.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    /// Writes and syncs the group, once what was handed over is synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails. What was synced before stays as it is, and the group stays to be tried again.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.arrive()?;
        if self.encoder.pending() == 0 {
            return Ok(());
        }
        let bytes = self.encoder.pending();
        lock(&self.file).write(self.encoder.group())?;
        self.encoder.synced();
        self.count(bytes);
        Ok(())
    }

    /// Has the group written and synced while the next one is made, once what was handed over before is synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails, for what was handed over before. It stays to be tried again, and so does the group.
    pub(crate) fn hand_over(&mut self) -> Result<(), Error> {
        self.arrive()?;
        if self.encoder.pending() == 0 {
            return Ok(());
        }
        self.count(self.encoder.pending());
        let group = Arc::new(self.encoder.hand_over(std::mem::take(&mut self.spare)));
        let (file, bytes) = (Arc::clone(&self.file), Arc::clone(&group));
        let builder = thread::Builder::new().name("sync".to_owned());
        let thread = builder.spawn(move || lock(&file).write(&bytes)).ok();
        self.handed_over = Some(HandedOver { group, thread });
        Ok(())
    }

    /// Waits until what was handed over is synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails. The next call tries it again.
    pub(crate) fn arrive(&mut self) -> Result<(), Error> {
        let Some(handed_over) = &mut self.handed_over else {
            return Ok(());
        };
        match handed_over.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written?,
            Some(Err(panic)) => resume_unwind(panic),
            None => lock(&self.file).write(&handed_over.group)?,
        }
        let group = self.handed_over.take().map(|handed_over| handed_over.group);
        self.spare = group.and_then(Arc::into_inner).unwrap_or_default();
        Ok(())
    }

    fn count(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(bytes);
    }

    /// Writes and syncs the close record, and gives back the room that was taken ahead.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub(crate) fn close(&mut self, line: &[u8]) -> Result<(), Error> {
        if !self.is_closed {
            self.encoder.close(&Close { line });
            if let Err(error) = self.sync() {
                self.encoder.discard();
                return Err(error);
            }
            self.is_closed = true;
        }
        lock(&self.file).give_back()
    }
}

impl Drop for WalWriter {
    /// Whoever opens the spool next must not find a file that is still written.
    fn drop(&mut self) {
        let thread = self.handed_over.take().and_then(|group| group.thread);
        // What it says counts for nobody any more.
        _ = thread.map(JoinHandle::join);
    }
}

/// A thread that has panicked is heard where it is waited for.
fn lock(file: &Mutex<WalFile>) -> MutexGuard<'_, WalFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WalFile {
    /// Writes and syncs a group behind what is synced.
    fn write(&mut self, group: &[u8]) -> Result<(), Error> {
        let length = u64::try_from(group.len()).unwrap_or(u64::MAX);
        let end = self.at.saturating_add(length);
        self.reserve(end);
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

    fn give_back(&mut self) -> Result<(), Error> {
        // If we crash before this, there are zeros behind the close record.
        if self.reserved.is_some_and(|reserved| reserved > self.at) {
            let cut = self.file.set_length(self.at);
            cut.map_err(self.files.fault("the spool cannot be cut", &self.name))?;
        }
        Ok(())
    }
}
