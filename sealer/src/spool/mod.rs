//! The spool: what was accepted and is not yet in the store (the crash story of the sealer).
//!
//! One folder for one log and one destination, used by one process at a time. It holds
//!
//! | file | what |
//! | --- | --- |
//! | `lock` | locked by the process that has the spool |
//! | `spool.json` | which log and destination it belongs to, and a name of its own |
//! | `open.jsonl` | the lines of the open segment, as they are hashed; the close line, once it is closed |
//! | `open.frames` | what the lines of a segment that is about to be closed were compressed to: the close line has its hash |
//! | `000000000042.jsonl.zst` | a finished object, signed, not yet known to be in the store |
//! | `run.json` | how many events were accepted and sealed since the last summary that a person was shown, and since the last whole input |
//!
//! An event is accepted once its line is synced. In order, for each segment:
//!
//! 1. Lines are appended to `open.jsonl` and synced. If we crash before the sync, the last lines may be missing or torn:
//!    they were never accepted, and a torn one is cut off.
//! 2. `open.frames` is synced, then the close line, before anything is signed. If we crash after it, the same checkpoint is
//!    signed again, so no two signed checkpoints of one size ever disagree. If we crash between the two, the frames are
//!    those of no close line, and nobody looks at them.
//! 3. The finished object is synced under its own name before the PUT. If we crash during the PUT, the same bytes are put
//!    again: a signature may differ each time it is made, and two objects of one segment would look like two writers.
//! 4. `open.jsonl` is emptied. If we crash before that, the finished object of the same number wins.
//! 5. The object is put; `run.json` counts it; the finished object is removed. If we crash in between, the stored object
//!    is found to be ours, and `run.json` says up to which segment it has counted.
//!
//! A disk that fills up between any two steps stops the run as a crash would, and half a file is taken away again, so that a
//! little more room is enough to go on. A run ends once its summary was written: only then `run.json` is reset. If we crash
//! in between, the next run tells again what was sealed, and does not lose count.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use auditlog_chain::limits::{MAX_OBJECT_BYTES, MAX_SEGMENT, MAX_SEGMENT_BYTES};

use crate::error::{Error, FileFault, SpoolError};
use crate::store::{create_folders, sync_folder};

use record::{identity, run_record};

mod record;

pub use record::RunRecord;

const OPEN: &str = "open.jsonl";
const FRAMES: &str = "open.frames";
const RUN: &str = "run.json";
const IDENTITY: &str = "spool.json";
const OBJECT_ENDING: &str = ".jsonl.zst";

/// Lines that wait for a sync; more are synced at once, so that a flood of tiny events has bounded memory.
const MAX_PENDING_BYTES: usize = 4 << 20;

/// A spool that this process has to itself.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    writer: String,
    open: File,
    frames: File,
    pending: Vec<u8>,
    synced: u64,
    run: RunRecord,
    _lock: File,
}

/// What an earlier process left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Finished objects by segment number, in order. There is at most one, unless somebody copied files here.
    pub finished: Vec<u64>,
    /// The whole lines of the open segment; empty where there is none.
    pub open: Vec<u8>,
    /// The frames of the last segment that was closed.
    pub frames: Vec<u8>,
}

impl Spool {
    /// Opens a spool, and makes it where there is none. `log` names the log and its destination, `new_name` a new spool.
    ///
    /// # Errors
    ///
    /// Where it cannot be used, another process has it, or it belongs to another log.
    pub fn open(folder: &Path, log: &str, new_name: &str) -> Result<Self, Error> {
        create_folders(folder).map_err(unusable)?;
        // A process that crashed after it had made the folder may not have come to this; where we may not, it is not ours.
        _ = folder.parent().map(sync_folder);
        let lock = lock(folder)?;
        let identity = identity(folder, log, new_name)?;
        let open = keep_or_make(&folder.join(OPEN))?;
        let frames = keep_or_make(&folder.join(FRAMES))?;
        // The name must be on the disk before the first event is accepted; from here on the file is never replaced.
        sync_folder(folder).map_err(unusable)?;
        Ok(Self {
            folder: folder.to_owned(),
            writer: identity.writer,
            open,
            frames,
            pending: Vec::new(),
            synced: 0,
            run: run_record(folder)?,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of its own that it got when it was made.
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// What was sealed since the last summary.
    pub const fn run(&self) -> RunRecord {
        self.run
    }

    /// Looks for what an earlier process left behind. A last line without its end was never accepted and is left out.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is larger than a segment may be.
    pub fn leftover(&self) -> Result<Leftover, Error> {
        let mut finished = Vec::new();
        let entries = fs::read_dir(&self.folder)
            .map_err(spool_file("the spool cannot be listed", &self.folder))?;
        for entry in entries {
            let entry = entry.map_err(spool_file("the spool cannot be listed", &self.folder))?;
            finished.extend(entry.file_name().to_str().and_then(segment_number));
        }
        finished.sort_unstable();
        // A segment may grow by one line of each kind beyond the limit before it is closed.
        let unread = "the spool cannot be read";
        let open = self.folder.join(OPEN);
        let mut open = crate::read_at_most(unread, &open, MAX_SEGMENT_BYTES).map_err(unusable)?;
        let whole = open.iter().rposition(|byte| *byte == b'\n');
        open.truncate(whole.map_or(0, |end| end.saturating_add(1)));
        let frames = self.folder.join(FRAMES);
        let frames = crate::read_at_most(unread, &frames, MAX_OBJECT_BYTES).map_err(unusable)?;
        Ok(Leftover {
            finished,
            open,
            frames,
        })
    }

    /// Empties the open segment. What it held must be in a finished object, or never have been accepted.
    ///
    /// # Errors
    ///
    /// Where the file cannot be changed.
    pub fn clear_open(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.truncate(0)
    }

    fn truncate(&mut self, length: u64) -> Result<(), Error> {
        let path = self.folder.join(OPEN);
        let done = self
            .open
            .set_len(length)
            .and_then(|()| self.open.seek(SeekFrom::Start(length)))
            .and_then(|_| self.open.sync_data());
        self.synced = length;
        done.map_err(spool_file("the spool cannot be cut", &path))
    }

    /// Keeps the whole lines of a segment that is taken up again; what stands behind them was never accepted.
    ///
    /// # Errors
    ///
    /// Where the file cannot be changed.
    pub fn keep_open(&mut self, whole_lines: &[u8]) -> Result<(), Error> {
        self.truncate(u64::try_from(whole_lines.len()).unwrap_or(u64::MAX))
    }

    /// Adds lines; they are accepted only after [`Spool::sync`].
    ///
    /// # Errors
    ///
    /// Where so much is waiting that it had to be written, and could not be.
    pub fn push(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(lines);
        if self.pending.len() >= MAX_PENDING_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    /// Writes and syncs all lines so far: one write and one sync for a whole batch.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails. What was accepted before stays as it is, what was not is cut off again.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self
            .open
            .write_all(&self.pending)
            .and_then(|()| self.open.sync_data());
        if let Err(source) = written {
            let path = self.folder.join(OPEN);
            // Whole lines of the failed batch would be counted as accepted by the next run; the caller is told they were not.
            let synced = self.synced;
            self.pending.clear();
            self.truncate(synced)?;
            return Err(spool_file("the spool cannot be written", &path)(source));
        }
        let length = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.synced = self.synced.saturating_add(length);
        self.pending.clear();
        Ok(())
    }

    /// Keeps the frames of the segment that is about to be closed, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn keep_frames(&mut self, frames: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(FRAMES);
        let kept = self
            .frames
            .set_len(0)
            .and_then(|()| self.frames.rewind())
            .and_then(|()| self.frames.write_all(frames))
            .and_then(|()| self.frames.sync_data());
        kept.map_err(spool_file("the spool cannot be written", &path))
    }

    /// Whether every line so far is synced.
    pub const fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    fn object_path(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{segment:012}{OBJECT_ENDING}"))
    }

    /// Keeps a finished object, synced, and empties the open segment.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails; the open segment is then still there.
    pub fn keep_finished(&mut self, segment: u64, object: &[u8]) -> Result<(), Error> {
        replace(&self.object_path(segment), object)?;
        self.clear_open()
    }

    /// Reads a finished object.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn finished(&self, segment: u64) -> Result<Vec<u8>, Error> {
        let path = self.object_path(segment);
        crate::read_at_most("the spool cannot be read", &path, MAX_OBJECT_BYTES).map_err(unusable)
    }

    /// Counts a segment that is in the store, and removes its finished object.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn count_sealed(&mut self, segment: u64, events: u64) -> Result<(), Error> {
        if segment >= self.run.next_segment {
            self.run.events = self.run.events.saturating_add(events);
            self.run.next_segment = segment.saturating_add(1);
            self.write_run()?;
        }
        let path = self.object_path(segment);
        fs::remove_file(&path).map_err(spool_file("the sent segment cannot be removed", &path))?;
        sync_folder(&self.folder).map_err(unusable)
    }

    fn write_run(&self) -> Result<(), Error> {
        // Two numbers can always be written.
        let text = serde_json::to_vec(&self.run).unwrap_or_default();
        replace(&self.folder.join(RUN), &text)
    }

    /// Begins to count anew: the person has seen the summary, and knows what was sealed.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn forget_run(&mut self) -> Result<(), Error> {
        self.run = RunRecord::default();
        self.write_run()
    }

    /// The person has seen the summary, and may give the same input again from its beginning.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn tell_run(&mut self) -> Result<(), Error> {
        self.run.told = self.run.told.saturating_add(self.run.events);
        self.run.events = 0;
        self.write_run()
    }

    /// Another input begins: what summaries have told is none of it.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn begin_input(&mut self) -> Result<(), Error> {
        if self.run.told == 0 {
            return Ok(());
        }
        self.run.told = 0;
        self.write_run()
    }
}

/// A file of the spool that cannot be used.
fn unusable(fault: FileFault) -> Error {
    SpoolError::File(fault).into()
}

fn spool_file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let fault = FileFault::of(operation, path);
    |source| unusable(fault(source))
}

fn keep_or_make(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
        .open(path)
        .map_err(spool_file("the spool cannot be written", path))
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = keep_or_make(&path)?;
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

fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(OBJECT_ENDING)?;
    let number = digits.parse().ok().filter(|n| *n < MAX_SEGMENT)?;
    (format!("{number:012}") == digits).then_some(number)
}

/// Replaces a file as a whole: if we crash, it is the old one or the new one.
fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&new, path));
    if let Err(source) = replaced {
        // On a full disk, half a file would take the room that the next run needs.
        _ = fs::remove_file(&new);
        return Err(spool_file("the spool cannot be written", path)(source));
    }
    path.parent()
        .map_or(Ok(()), |folder| sync_folder(folder).map_err(unusable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(folder: &Path) -> Spool {
        Spool::open(folder, "log", "w").unwrap()
    }

    #[test]
    fn a_second_process_and_another_log_are_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        // Made by mistake, and never used.
        drop(Spool::open(folder.path(), "mistaken", "m").unwrap());
        let mut first = spool(folder.path());
        first.push(b"{1}\n").unwrap();
        first.sync().unwrap();
        let busy = Spool::open(folder.path(), "log", "w").unwrap_err();
        assert!(
            matches!(busy, Error::Spool(SpoolError::Busy { .. })),
            "{busy}"
        );
        drop(first);
        let other = Spool::open(folder.path(), "other", "w").unwrap_err();
        assert_eq!(
            other.to_string(),
            format!(
                "the spool {} belongs to log, not to other",
                folder.path().display()
            )
        );
        assert_eq!(
            Spool::open(folder.path(), "log", "new").unwrap().writer(),
            "w"
        );
    }

    #[test]
    fn lines_that_were_synced_stay_and_a_torn_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = spool(folder.path());
        one.push(b"{1}\n").unwrap();
        one.sync().unwrap();
        one.push(b"{2}\n").unwrap();
        drop(one);
        let path = folder.path().join(OPEN);
        let mut torn = fs::read(&path).unwrap();
        assert_eq!(torn, b"{1}\n");
        torn.extend_from_slice(b"{2");
        fs::write(&path, torn).unwrap();
        let mut two = spool(folder.path());
        let left = two.leftover().unwrap();
        assert_eq!(left.open, b"{1}\n");
        two.keep_open(&left.open).unwrap();
        two.push(b"{3}\n").unwrap();
        two.sync().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{1}\n{3}\n");
    }

    #[test]
    fn a_finished_object_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = spool(folder.path());
        one.push(b"{1}\n").unwrap();
        one.sync().unwrap();
        one.keep_finished(7, b"object").unwrap();
        drop(one);
        let mut two = spool(folder.path());
        assert_eq!(
            two.leftover().unwrap(),
            Leftover {
                finished: vec![7],
                open: vec![],
                frames: vec![],
            }
        );
        assert_eq!(two.finished(7).unwrap(), b"object");
        two.count_sealed(7, 3).unwrap();
        // As if the removal had been lost in a crash.
        fs::write(folder.path().join("000000000007.jsonl.zst"), "object").unwrap();
        drop(two);
        let mut three = spool(folder.path());
        three.count_sealed(7, 3).unwrap();
        assert_eq!(
            three.run(),
            RunRecord {
                events: 3,
                next_segment: 8,
                told: 0,
            }
        );
        assert_eq!(three.leftover().unwrap(), Leftover::default());
    }
}
