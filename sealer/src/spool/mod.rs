//! The spool: what was accepted and is not yet in the store (the crash story of the sealer).
//!
//! One folder for one log and one destination, used by one process at a time. It holds
//!
//! | file | what |
//! | --- | --- |
//! | `lock` | locked by the process that has the spool |
//! | `spool.json` | the version of the spool, which log and destination it belongs to, and a name of its own |
//! | `000000000042.wal` | the write-ahead file of a segment: its lines as they are hashed, batch by batch, with how much of which input each batch is |
//! | `000000000042.frames` | what the lines of a segment that is about to be signed were compressed to |
//! | `000000000042.jsonl.zst` | a finished object, signed, not yet known to be in the store |
//! | `000000000042.wal.again`, `again.json` | segments that are being chained again, and which ones they replace |
//! | `head.json` | segment, size and root of the last stored head, for the life of the log |
//! | `names.log`, `00000007.names` | the names of batches that were accepted before the oldest write-ahead file |
//! | `reserve` | room for storing the oldest segments on a full disk, while a queue waits |
//! | `inputs.json` | how much of each input was accepted before the oldest write-ahead file, and how much of that a summary has reported; there from the beginning, with a sum over it |
//!
//! A batch is accepted once its record is synced. Any number of closed files may wait. In order, for each segment:
//!
//! 1. The file is made, with its opening record, and synced under its name. If we crash before that, it is removed.
//! 2. Batches are appended, several with one write and one sync. If we crash before the sync, the last ones may be missing or
//!    torn: they were never accepted, and are cut off. The events and the position in their input are in one record, so they
//!    cannot disagree.
//! 3. The close record is appended and synced. The next segment begins behind it, and needs nothing of the store or the key.
//! 4. The frames are synced, before anything is signed. If we crash after the signing, the same checkpoint is signed again, so
//!    no two signed checkpoints of one size ever disagree, even where the next run compresses otherwise. A segment that is closed
//!    and has no frames was never signed.
//! 5. The finished object is synced under its own name before the PUT. If we crash during the PUT, the same bytes are put
//!    again: a signature may differ each time it is made, and two objects of one segment would look like two writers.
//! 6. The object is put. `head.json` is replaced, and `inputs.json` takes over the positions of the file. They are absolute: if
//!    we crash here, they are taken over again.
//! 7. The write-ahead file is removed, then the frames and the object. If we crash before that, `head.json` says that the
//!    segment is stored.
//!
//! A disk that fills up between any two steps stops the run as a crash would. Half a file is removed again, so that a little
//! more room is enough to go on. While a queue waits, `reserve` keeps the room that storing its first segment takes. Once the summary of a run was written, `inputs.json` records what it has reported. If we
//! crash in between, the next summary reports the same events again, and loses no count.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::timestamp::Timestamp;
use aws_lc_rs::rand;

use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::{Error, MachineError, SpoolError};
use crate::folder::{create_folders, sync_folder};
use crate::input::InputName;
use crate::names::{Fingerprint, Known, Names, Remembered, Window};
use crate::wal::{Opening, Reader};

use file::{
    Files, UNWRITABLE, frames_name, is_left_over, object_name, object_number, spool_file, unusable,
    wal_name,
};
use found::look_through;
use identity::{identity, inputs, keep_inputs};
use reserve::Reserve;

mod file;
mod found;
mod head;
mod identity;
mod inputs;
mod lost;
mod peek;
mod reserve;
mod series;
mod summed;
mod writer;

pub use found::{Kept, KeptEnd};
pub use inputs::{Accepted, Inputs, KnownInput, Reading};
pub use lost::LostInputs;
pub use peek::Peek;
pub(crate) use series::Series;
pub(crate) use writer::WalWriter;

/// Names of closed files from which those of further ones are not kept in memory when the spool is opened.
const MAX_WAITING_NAMES: usize = 1 << 17;

/// A spool that this process has to itself. Several of its threads may use it: each file is written by one of them.
pub struct Spool {
    files: Files,
    writer: String,
    inputs: Mutex<Counted>,
    names: Mutex<Names>,
    /// What was there when it was opened, the oldest first.
    kept: Vec<Kept>,
    reserve: Reserve,
    lock: Option<File>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

#[derive(Debug)]
struct Counted {
    inputs: Inputs,
    /// Whether `inputs.json` says less.
    unsaved: bool,
}

impl Spool {
    /// Opens a spool, or makes a new one with the name `new_name`. `log` names the log and its destination.
    ///
    /// # Errors
    ///
    /// Where it cannot be used, another process has it, or it belongs to another log.
    pub fn open(folder: &Path, log: &str, new_name: &str) -> Result<Self, Error> {
        Self::open_with(folder, log, new_name, LostInputs::Refuse)
    }

    /// The same, where a person has said what to do about lost records.
    ///
    /// # Errors
    ///
    /// As [`Spool::open`].
    pub fn open_with(
        folder: &Path,
        log: &str,
        new_name: &str,
        lost: LostInputs,
    ) -> Result<Self, Error> {
        create_folders(folder).map_err(unusable)?;
        // A process that crashed after it had made the folder may not have done this. Where we may not do it, the folder is
        // not ours.
        _ = folder.parent().map(sync_folder);
        let lock = lock(folder)?;
        let disk = Arc::new(RealDisk::new(folder));
        let spool = Self::open_on(disk, folder, log, new_name, lost)?;
        Ok(Self {
            lock: Some(lock),
            ..spool
        })
    }

    /// The same on any disk. `folder` is for messages; nobody else may use the disk.
    ///
    /// # Errors
    ///
    /// As [`Spool::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        log: &str,
        new_name: &str,
        lost: LostInputs,
    ) -> Result<Self, Error> {
        let folder = folder.to_owned();
        let files = Files { folder, disk };
        let identity = identity(&files, log, new_name)?;
        let mut inputs = inputs(&files, lost)?;
        series::finish_or_drop(&files)?;
        let names = files.names()?;
        for left_over in names.iter().filter(|name| is_left_over(name)) {
            files.remove(left_over)?;
        }
        let opened = Names::open(Arc::clone(&files.disk), Window::default());
        let mut known = opened.map_err(|error| names_fault(&files, error))?;
        let mut unsaved = false;
        let before = inputs.clone();
        let mut accept = |accepted: Accepted| {
            unsaved = true;
            inputs.accept(accepted);
        };
        let mut waiting = 0usize;
        let kept = look_through(&files, &names, &mut accept, &mut |kept| {
            waiting = waiting.saturating_add(kept.names.len());
            let is_long = waiting > MAX_WAITING_NAMES && kept.end == KeptEnd::Closed;
            // On a full disk they stay in memory.
            if is_long
                && known
                    .take_over_earlier(&kept.names, kept.last_named)
                    .is_ok()
            {
                kept.names = Vec::new();
            }
            for name in &kept.names {
                known.insert(*name, kept.last_named);
            }
        })?;
        inputs.finish_as(&before);
        let reserve = Reserve::found(&files);
        Ok(Self {
            files,
            writer: identity.writer,
            inputs: Mutex::new(Counted { inputs, unsaved }),
            names: Mutex::new(known),
            kept,
            reserve,
            lock: None,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }

    /// The name of its own that it got when it was made.
    pub fn writer(&self) -> &str {
        &self.writer
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of each input was accepted.
    pub fn inputs(&self) -> Inputs {
        self.counted().inputs.clone()
    }

    /// The write-ahead files that an earlier process left behind, the oldest first.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The write-ahead files that are there now, the oldest first, without the names of their batches.
    ///
    /// # Errors
    ///
    /// Where they cannot be read, or were changed.
    pub fn look_again(&self) -> Result<Vec<Kept>, Error> {
        let names = self.files.names()?;
        // The names of a long queue would fill the memory.
        look_through(&self.files, &names, &mut |_| {}, &mut |kept| {
            kept.names = Vec::new();
        })
    }

    /// The numbers of finished objects, in order.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn finished_numbers(&self) -> Result<Vec<u64>, Error> {
        let names = self.files.names()?;
        Ok(names
            .iter()
            .filter_map(|name| object_number(name))
            .collect())
    }

    /// Whether it has a finished object: the log is this spool's own then, though it may not have recorded its head yet.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn has_finished(&self) -> Result<bool, Error> {
        Ok(!self.finished_numbers()?.is_empty())
    }

    /// Makes the write-ahead file of a new segment.
    pub(crate) fn create_wal(
        &self,
        opening: &Opening<'_>,
        series: Series,
    ) -> Result<WalWriter, Error> {
        let mut random = [0; 8];
        rand::fill(&mut random).map_err(|_| MachineError::NoRandomness)?;
        let name = series.name(opening.segment);
        WalWriter::create(&self.files, name, opening, u64::from_le_bytes(random))
    }

    /// Puts the other series in the place of the files from `first` on. If we crash or fail in here, whoever opens the spool next
    /// finishes it, or finds the files as they were. Nothing may be accepted before that.
    pub(crate) fn replace_from(&self, first: u64, last: u64) -> Result<(), Error> {
        series::replace_from(&self.files, first, last)
    }

    /// Removes what was written of the other series.
    pub(crate) fn drop_other_series(&self) -> Result<(), Error> {
        series::drop_files(&self.files)
    }

    /// Goes on with the write-ahead file that an earlier process left behind.
    pub(crate) fn reopen_wal(&self, kept: &Kept) -> Result<WalWriter, Error> {
        WalWriter::reopen(&self.files, kept.segment, kept.tail)
    }

    /// Reads a write-ahead file from its beginning.
    pub(crate) fn read_wal(&self, segment: u64) -> Result<Reader<Box<dyn DiskFile>>, Error> {
        let name = wal_name(segment);
        let reader = Reader::new(self.files.open(&name)?);
        reader.map_err(self.files.fault(file::UNREADABLE, &name))
    }

    /// What went wrong while a write-ahead file was read.
    pub(crate) fn read_fault(&self, segment: u64, error: crate::wal::ReadError) -> Error {
        found::fault_of(&self.files, &wal_name(segment), error)
    }

    /// Remembers how far an input was accepted: its record is synced.
    pub(crate) fn accept(&self, accepted: Accepted) {
        let mut counted = self.counted();
        counted.inputs.accept(accepted);
        counted.unsaved = true;
    }

    /// Whether all of an input up to this place was accepted: its record is synced.
    pub(crate) fn has_accepted(&self, accepted: &Accepted) -> bool {
        self.counted().inputs.has(accepted)
    }

    /// Inputs were read to their end, and are not there any more. Where that cannot be kept, it is kept with what comes next.
    pub(crate) fn finish_inputs(&self, names: &[InputName]) {
        let mut counted = self.counted();
        for name in names {
            counted.inputs.finish(name);
            counted.unsaved = true;
        }
        drop(counted);
        _ = self.save_inputs();
    }

    /// The log is older than the spool: what was accepted before is not known, now and after any crash. Names of batches are known
    /// since then.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn lose_memory(&self, now: Timestamp, names_since: Option<Timestamp>) -> Result<(), Error> {
        let mut counted = self.counted();
        counted.unsaved |= counted.inputs.lose(now, names_since);
        drop(counted);
        self.save_inputs()
    }

    /// Since when the names of all batches are known; `None` where none was lost.
    pub fn names_since(&self) -> Option<Timestamp> {
        self.counted().inputs.names_since()
    }

    /// Removes the write-ahead file of a segment that was never accepted, or that is stored. How much of each input was
    /// accepted is taken over first.
    ///
    /// # Errors
    ///
    /// Where a file cannot be changed.
    pub(crate) fn remove_wal(&self, segment: u64) -> Result<(), Error> {
        self.save_inputs()?;
        self.files.remove(&wal_name(segment))?;
        self.files.sync_names()
    }

    /// Keeps the frames of a segment that is about to be signed, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub(crate) fn keep_frames(&self, segment: u64, frames: &[u8]) -> Result<(), Error> {
        self.files.replace(&frames_name(segment), frames)
    }

    /// The frames of a segment, if they were kept.
    pub(crate) fn frames(&self, segment: u64) -> Result<Option<Vec<u8>>, Error> {
        self.files.read(&frames_name(segment), MAX_OBJECT_BYTES)
    }

    /// Whether the frames of a segment were kept: it may have been signed.
    pub(crate) fn has_frames(&self, segment: u64) -> Result<bool, Error> {
        let name = frames_name(segment);
        Ok(self.files.names()?.contains(&name))
    }

    /// Removes the frames of a segment that was not signed.
    pub(crate) fn forget_frames(&self, segment: u64) -> Result<(), Error> {
        self.files.remove(&frames_name(segment))
    }

    /// Keeps a finished object, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails; what was there before is still there.
    pub(crate) fn keep_finished(&self, segment: u64, object: &[u8]) -> Result<(), Error> {
        self.files.replace(&object_name(segment), object)
    }

    /// Reads a finished object; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub(crate) fn finished(&self, segment: u64) -> Result<Option<Vec<u8>>, Error> {
        self.files.read(&object_name(segment), MAX_OBJECT_BYTES)
    }

    /// Keeps room for storing a segment, as long as segments wait. Says whether there is any. Where the disk is too full for it, nothing may
    /// be accepted until there is, or nothing waits.
    pub(crate) fn take_reserve(&self, bytes: u64) -> bool {
        self.reserve.take(&self.files, bytes)
    }

    /// The disk is full: gives the room that is kept to whoever stores segments. Says whether there was any.
    pub(crate) fn give_reserve(&self) -> bool {
        self.reserve.give(&self.files)
    }

    /// Whether the room that is kept is in use: nothing else may be written.
    pub(crate) fn reserve_is_given(&self) -> bool {
        self.reserve.is_given()
    }

    /// Nothing waits any more.
    ///
    /// # Errors
    ///
    /// Where the disk fails: the room stays as it is.
    pub(crate) fn end_reserve(&self) -> Result<(), Error> {
        self.reserve.end(&self.files)
    }

    /// Whether a batch of this name was accepted, and how long before this time.
    pub(crate) fn knows(&self, name: &Fingerprint, now: Timestamp) -> Result<Known, Error> {
        let known = self.names().look_up(name, now);
        known.map_err(self.files.fault(file::UNREADABLE, NAMES))
    }

    /// Remembers the name of a batch that is about to be synced.
    pub(crate) fn remember(&self, name: Fingerprint, now: Timestamp) {
        self.names().insert(name, now);
    }

    /// Remembers the names of batches of a closed segment, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub(crate) fn remember_all(&self, names: &[Fingerprint], now: Timestamp) -> Result<(), Error> {
        let taken_over = self.names().take_over(names, now);
        taken_over.map_err(self.files.fault(UNWRITABLE, NAMES))
    }

    /// The same for a segment that was read from the log, and was sealed at this time.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub(crate) fn remember_read(
        &self,
        names: &[Fingerprint],
        sealed: Timestamp,
    ) -> Result<(), Error> {
        let taken_over = self.names().take_over_earlier(names, sealed);
        taken_over.map_err(self.files.fault(UNWRITABLE, NAMES))
    }

    /// What is remembered of the names of batches.
    pub fn remembered(&self) -> Remembered {
        self.names().remembered()
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes all that is kept of a segment that is in the store, as `head.json` says. How much of each input was accepted and the
    /// names of its batches are taken over first. If we crash in here, what is left is removed by the next run.
    ///
    /// # Errors
    ///
    /// Where the disk fails.
    pub(crate) fn forget(
        &self,
        segment: u64,
        names: &[Fingerprint],
        now: Timestamp,
    ) -> Result<(), Error> {
        self.save_inputs()?;
        let taken_over = self.names().take_over(names, now);
        taken_over.map_err(self.files.fault(UNWRITABLE, NAMES))?;
        for name in [
            wal_name(segment),
            frames_name(segment),
            object_name(segment),
        ] {
            self.files.remove(&name)?;
        }
        self.files.sync_names()
    }

    /// A summary has reported all that was accepted, except for the newest `kept` events of one input.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: the next run then reports the same events again.
    pub fn reported_all_but(&self, kept: u64, of: Option<&InputName>) -> Result<(), Error> {
        let mut counted = self.counted();
        let before = counted.inputs.clone();
        counted.inputs.report_all_but(kept, of);
        counted.unsaved |= counted.inputs != before;
        drop(counted);
        self.save_inputs()
    }

    /// Whether the folder is still there. A process holds on to files that somebody has removed.
    pub fn is_there(&self) -> bool {
        let Some(lock) = &self.lock else {
            return true;
        };
        let ours = lock.metadata().map(|file| (file.dev(), file.ino()));
        let found = fs::metadata(self.files.path(LOCK)).map(|file| (file.dev(), file.ino()));
        ours.is_ok() && ours.ok() == found.ok()
    }

    /// A file that was written again is the same input, so it gets a new name, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn rename_input(&self, old: &InputName, new: Accepted) -> Result<(), Error> {
        let mut counted = self.counted();
        counted.inputs.rename(old, new);
        counted.unsaved = true;
        drop(counted);
        self.save_inputs()
    }

    /// An input was read to its end, and all of it is sealed.
    pub fn finish_input(&self, name: &InputName) {
        let mut counted = self.counted();
        counted.inputs.finish(name);
        counted.unsaved = true;
    }

    fn save_inputs(&self) -> Result<(), Error> {
        let mut counted = self.counted();
        if counted.unsaved {
            keep_inputs(&self.files, &counted.inputs)?;
            counted.unsaved = false;
        }
        Ok(())
    }
}

fn names_fault(files: &Files, error: io::Error) -> Error {
    if error.kind() == ErrorKind::InvalidData {
        let path = files.folder.clone();
        return SpoolError::Names {
            path,
            source: error,
        }
        .into();
    }
    files.fault(file::UNREADABLE, NAMES)(error)
}

const LOCK: &str = "lock";

/// What messages call the files of names.
const NAMES: &str = "names.log";

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(spool_file(UNWRITABLE, &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Busy {
            path: folder.to_owned(),
        }
        .into()),
        Err(TryLockError::Error(error)) => {
            Err(spool_file("the spool cannot be locked", &path)(error))
        }
    }
}

#[cfg(test)]
mod tests;
