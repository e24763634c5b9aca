//! The spool: what was accepted and is not yet in the store (the crash story of the sealer).
//!
//! One folder for one log and one destination, used by one process at a time. It holds
//!
//! | file | what |
//! | --- | --- |
//! | `lock` | locked by the process that has the spool |
//! | `spool.json` | the version of the spool, which log and destination it belongs to, and a name of its own |
//! | `open.jsonl` | records: the lines of the open segment as they are hashed, the close line once it is closed, and how much of which input they are |
//! | `open.frames` | what the lines of a segment that is about to be closed were compressed to: the close line has its hash |
//! | `000000000042.jsonl.zst` | a finished object, signed, not yet known to be in the store |
//! | `head.json` | segment, size and root of the last stored head, for the life of the log |
//! | `inputs.json` | how much of each input was accepted before the open segment, and how much of that a summary has reported; there from the beginning, with a sum over it |
//!
//! An event is accepted once its record is synced. In order, for each segment:
//!
//! 1. Records are appended to `open.jsonl` and synced. If we crash before the sync, the last one may be missing or torn: it
//!    was never accepted, and is cut off. Events and the position in their input are in one record, so they cannot disagree.
//! 2. `open.frames` is synced, then the close line, before anything is signed. If we crash after it, the same checkpoint is
//!    signed again, so no two signed checkpoints of one size ever disagree. If we crash between the two, the frames are
//!    not used: no close line has their hash.
//! 3. The finished object is synced under its own name before the PUT. If we crash during the PUT, the same bytes are put
//!    again: a signature may differ each time it is made, and two objects of one segment would look like two writers.
//! 4. `inputs.json` takes over the positions in the records of `open.jsonl`. They are absolute: if we crash here, they are
//!    taken over again.
//! 5. `open.jsonl` is emptied. If we crash before that, the finished object of the same number wins; the next run empties
//!    `open.jsonl` before it sends the object, since afterwards nothing would say that its lines are sealed.
//! 6. The object is put, then removed. If we crash in between, the stored object is found to be ours.
//!
//! A disk that fills up between any two steps stops the run as a crash would. Half a file is removed again, so that a little
//! more room is enough to go on. Once the summary of a run was written, `inputs.json` records what it has reported. If we
//! crash in between, the next summary reports the same events again, and loses no count.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_OBJECT_BYTES;

use crate::error::{Error, SpoolError};
use crate::folder::{create_folders, sync_folder};
use crate::input::InputName;
use crate::limits::{MAX_OPEN_BYTES, MAX_PENDING_BYTES, MAX_READ_BYTES};

use file::{
    FRAMES, OBJECT_ENDING, OPEN, UNREADABLE, replace, segment_number, spool_file, unusable,
};
use record::{identity, inputs, keep_inputs};
use write_ahead::WriteAhead;

mod file;
mod head;
mod inputs;
mod lost;
mod record;
mod write_ahead;

pub use inputs::{Accepted, Inputs, KnownInput, Reading};
pub use lost::LostInputs;

/// A spool that this process has to itself.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    writer: String,
    open: File,
    frames: File,
    pending: Vec<u8>,
    accepting: Option<Accepted>,
    synced: u64,
    inputs: Inputs,
    unsaved: bool,
    left: Vec<u8>,
    _lock: File,
}

/// What an earlier process left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Finished objects by segment number, in order. There is at most one, unless somebody copied files here.
    pub finished: Vec<u64>,
    /// The lines of the open segment, of whole records; empty where there are none.
    pub open: Vec<u8>,
    /// The frames of the last segment that was closed.
    pub frames: Vec<u8>,
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
        let identity = identity(folder, log, new_name)?;
        let open = keep_or_make(&folder.join(OPEN))?;
        let frames = keep_or_make(&folder.join(FRAMES))?;
        // The name must be on the disk before the first event is accepted; from here on the file is never replaced.
        sync_folder(folder).map_err(unusable)?;
        let found = read_ahead(folder)?;
        let mut inputs = inputs(folder, lost)?;
        let unsaved = !found.accepted.is_empty();
        for accepted in found.accepted {
            inputs.accept(accepted);
        }
        Ok(Self {
            folder: folder.to_owned(),
            writer: identity.writer,
            open,
            frames,
            pending: Vec::new(),
            accepting: None,
            synced: found.whole,
            inputs,
            unsaved,
            left: found.lines,
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

    /// How much of each input was accepted.
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Looks for what an earlier process left behind. A record without its end was never accepted and is left out.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is larger than a segment may be.
    pub fn leftover(&mut self) -> Result<Leftover, Error> {
        let finished = self.finished_numbers()?;
        let frames = self.folder.join(FRAMES);
        let frames =
            crate::read_at_most(UNREADABLE, &frames, MAX_OBJECT_BYTES).map_err(unusable)?;
        Ok(Leftover {
            finished,
            open: std::mem::take(&mut self.left),
            frames,
        })
    }

    /// The numbers of finished objects, in order.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn finished_numbers(&self) -> Result<Vec<u64>, Error> {
        let unlisted = || spool_file("the spool cannot be listed", &self.folder);
        let mut finished = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unlisted())? {
            let name = entry.map_err(unlisted())?.file_name();
            finished.extend(name.to_str().and_then(segment_number));
        }
        finished.sort_unstable();
        Ok(finished)
    }

    /// The lines of the open segment as they are on the disk now; none where they cannot be read.
    pub fn open_lines(&self) -> Vec<u8> {
        read_ahead(&self.folder).map_or_else(|_| Vec::new(), |found| found.lines)
    }

    /// Empties the open segment. What it held must be in a finished object, or never have been accepted. How much of each
    /// input that was is taken over first.
    ///
    /// # Errors
    ///
    /// Where a file cannot be changed.
    pub fn clear_open(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.accepting = None;
        self.save_inputs()?;
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

    /// Keeps the whole records of a segment that is taken up again; what is behind them was never accepted.
    ///
    /// # Errors
    ///
    /// Where the file cannot be changed.
    pub fn keep_open(&mut self) -> Result<(), Error> {
        self.truncate(self.synced)
    }

    /// Adds lines; they are accepted only after [`Spool::sync`].
    pub fn push(&mut self, lines: &[u8]) {
        self.pending.extend_from_slice(lines);
    }

    /// Records how far the input of the lines so far was read: the next [`Spool::sync`] accepts both together.
    pub fn accepting(&mut self, accepted: Accepted) {
        self.accepting = Some(accepted);
    }

    /// Whether so much is waiting, or the open segment is so large, that no more lines may be added before a
    /// [`Spool::sync`].
    pub fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING_BYTES || self.is_open_full()
    }

    /// Whether the open segment must be closed, since its records are as large as they may be.
    pub fn is_open_full(&self) -> bool {
        usize::try_from(self.synced).is_ok_and(|synced| synced >= MAX_OPEN_BYTES)
    }

    /// Writes and syncs all lines so far, and how far their input is, as one record: one write and one sync.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails. What was accepted before stays as it is, what was not is cut off again.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let accepted = self.accepting.take();
        // Names, numbers and hashes can always be written.
        let end = write_ahead::last_line(&self.pending, accepted.as_ref()).unwrap_or_default();
        self.pending.extend_from_slice(&end);
        let written = self
            .open
            .write_all(&self.pending)
            .and_then(|()| self.open.sync_data());
        let length = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.pending.clear();
        if let Err(source) = written {
            let path = self.folder.join(OPEN);
            // A whole record would be taken for accepted by the next run; but the caller gets an error.
            self.truncate(self.synced)?;
            return Err(spool_file("the spool cannot be written", &path)(source));
        }
        self.synced = self.synced.saturating_add(length);
        if let Some(accepted) = accepted {
            self.inputs.accept(accepted);
            self.unsaved = true;
        }
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
        crate::read_at_most(UNREADABLE, &path, MAX_OBJECT_BYTES).map_err(unusable)
    }

    /// Removes the finished object of a segment that is in the store.
    ///
    /// # Errors
    ///
    /// Where the disk fails.
    pub fn remove_finished(&mut self, segment: u64) -> Result<(), Error> {
        let path = self.object_path(segment);
        fs::remove_file(&path).map_err(spool_file("the sent segment cannot be removed", &path))?;
        sync_folder(&self.folder).map_err(unusable)
    }

    /// A summary has reported all that was accepted, except for the newest `kept` events of one input.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: the next run then reports the same events again.
    pub fn reported_all_but(&mut self, kept: u64, of: Option<&InputName>) -> Result<(), Error> {
        let before = self.inputs.clone();
        self.inputs.report_all_but(kept, of);
        self.unsaved |= self.inputs != before;
        self.save_inputs()
    }

    /// Whether the folder is still there. A process holds on to files that somebody has removed.
    pub fn is_there(&self) -> bool {
        let ours = self.open.metadata().map(|file| (file.dev(), file.ino()));
        let found = fs::metadata(self.folder.join(OPEN)).map(|file| (file.dev(), file.ino()));
        ours.is_ok() && ours.ok() == found.ok()
    }

    /// A file that was written again is the same input, so it gets a new name, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails.
    pub fn rename_input(&mut self, old: &InputName, new: Accepted) -> Result<(), Error> {
        self.inputs.rename(old, new);
        self.unsaved = true;
        self.save_inputs()
    }

    /// An input was read to its end, and all of it is sealed.
    pub fn finish_input(&mut self, name: &InputName) {
        self.inputs.finish(name);
        self.unsaved = true;
    }

    fn save_inputs(&mut self) -> Result<(), Error> {
        if self.unsaved {
            keep_inputs(&self.folder, &self.inputs)?;
            self.unsaved = false;
        }
        Ok(())
    }
}

/// Reads the records of the open segment.
fn read_ahead(folder: &Path) -> Result<WriteAhead, Error> {
    let path = folder.join(OPEN);
    let bytes = crate::read_at_most(UNREADABLE, &path, MAX_READ_BYTES).map_err(unusable)?;
    write_ahead::parse(&bytes).map_err(|line| SpoolError::Changed { path, line }.into())
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

#[cfg(test)]
mod tests {
    use super::file::IDENTITY;
    use super::*;
    use crate::input::{GivenName, Position, Running};

    fn spool(folder: &Path) -> Spool {
        Spool::open(folder, "log", "w").unwrap()
    }

    #[test]
    fn a_second_process_and_another_log_are_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        // Made by mistake, and never used.
        drop(Spool::open(folder.path(), "mistaken", "m").unwrap());
        let mut first = spool(folder.path());
        first.push(b"{1}\n");
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
    fn records_that_were_synced_stay_and_a_torn_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = spool(folder.path());
        one.push(b"{1}\n");
        one.sync().unwrap();
        one.push(b"{2}\n");
        drop(one);
        let path = folder.path().join(OPEN);
        let synced = fs::read(&path).unwrap();
        assert!(synced.starts_with(b"{1}\n{\"record\":"));
        fs::write(&path, [&synced, &b"{2}\n{2"[..]].concat()).unwrap();
        let mut two = spool(folder.path());
        let left = two.leftover().unwrap();
        assert_eq!(left.open, b"{1}\n");
        two.keep_open().unwrap();
        two.push(b"{3}\n");
        two.sync().unwrap();
        drop(two);
        assert_eq!(spool(folder.path()).leftover().unwrap().open, b"{1}\n{3}\n");
    }

    fn accepted(events: u64) -> Accepted {
        Accepted {
            place: None,
            name: InputName::Given(GivenName::parse("payments").unwrap()),
            shown: "payments".to_owned(),
            position: Position {
                events,
                lines: events,
                bytes: events,
                hash: Running::of(b"1"),
            },
        }
    }

    #[test]
    fn positions_outlive_their_segment() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = spool(folder.path());
        one.push(b"{1}\n");
        one.accepting(accepted(1));
        one.sync().unwrap();
        let known = |spool: &Spool| spool.inputs().iter().cloned().collect::<Vec<_>>();
        let before = known(&one);
        assert_eq!(before[0].accepted, accepted(1));
        drop(one);
        // From the record, and from the file that takes it over.
        let mut two = spool(folder.path());
        assert_eq!(known(&two), before);
        two.keep_finished(7, b"object").unwrap();
        drop(two);
        let mut three = spool(folder.path());
        assert_eq!(known(&three), before);
        let left = three.leftover().unwrap();
        assert_eq!((left.finished, left.open), (vec![7], vec![]));
        assert_eq!(three.finished(7).unwrap(), b"object");
        three.remove_finished(7).unwrap();
        assert_eq!(three.leftover().unwrap(), Leftover::default());
        assert_eq!(known(&three), before);
    }

    /// A spool as version 1 made it, with what it holds.
    fn old(folder: &Path, record: &str, file: &str, text: &str) {
        fs::write(folder.join(IDENTITY), record).unwrap();
        fs::write(folder.join(file), text).unwrap();
    }

    #[test]
    fn a_spool_of_another_version_that_holds_something_is_refused_with_the_command_that_finishes_it()
     {
        let one = r#"{"spool":1,"log":"log","writer":"w"}"#;
        let four = r#"{"spool":4,"program":"0.9.1","owner":"somebody"}"#;
        let unreported = r#"{"events":3,"next_segment":2,"told":0}"#;
        let maker = "the auditlog-seal that made it";
        for (record, file, text, version, program) in [
            (one, OPEN, "{1}\n", "version 1", maker),
            (one, "000000000001.jsonl.zst", "object", "version 1", maker),
            (one, "run.json", unreported, "version 1", maker),
            (one, "run.json", "{", "version 1", maker),
            (four, OPEN, "", "version 4", "auditlog-seal 0.9.1"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            old(folder.path(), record, file, text);
            let error = Spool::open(folder.path(), "log", "new").unwrap_err();
            let path = folder.path().display();
            assert_eq!(
                error.to_string(),
                format!("the spool {path} has {version}, this program reads version 3")
            );
            assert_eq!(
                error.hint().unwrap(),
                format!(
                    "finish it with {program}, with the options that it was used with: \
                     auditlog-seal append … --spool {path} < /dev/null"
                )
            );
        }
        // Nothing says what it is.
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OPEN), "{1}\n").unwrap();
        let error = Spool::open(folder.path(), "log", "new").unwrap_err();
        let expected = "spool.json: the record of the spool is missing";
        assert!(error.to_string().ends_with(expected), "{error}");
    }

    #[test]
    fn an_old_spool_that_holds_nothing_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        old(
            folder.path(),
            r#"{"spool":1,"log":"log","writer":"w"}"#,
            "run.json",
            r#"{"events":0,"next_segment":0,"told":0}"#,
        );
        fs::write(folder.path().join(OPEN), "").unwrap();
        assert_eq!(spool(folder.path()).writer(), "w");
        assert!(!folder.path().join("run.json").exists());
        let record = fs::read_to_string(folder.path().join(IDENTITY)).unwrap();
        assert!(record.starts_with("{\"spool\":3,\"program\":"), "{record}");
    }
}
