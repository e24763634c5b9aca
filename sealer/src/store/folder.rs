//! A folder in place of a bucket: for a first try, for copies, and for file systems that are write-once themselves.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use auditlog_chain::limits::MAX_OBJECT_BYTES;
use aws_lc_rs::rand;

use crate::error::{Error, FileFault, MachineError, StoreError, StoreKind};
use crate::folder::{create_folders, sync_folder};
use crate::store::{Created, Store, Version, VersionKind};

/// Ends the names of files that are being written. They begin with a dot.
const UNFINISHED: &str = ".unfinished";

/// How the name of the first segment of a log begins.
const FIRST: &str = "000000000000.";

/// A folder as a store. It has no versions and no lock: its files are only as safe as the folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    place: String,
    writer: String,
    /// The segment that was written last.
    last: Mutex<Option<Written>>,
}

/// A segment, and which folder was at the path of its folder then.
#[derive(Debug)]
struct Written {
    path: PathBuf,
    folder: (u64, u64),
}

impl Folder {
    /// The folder in place of the root of a bucket. `writer` is in the names of unfinished files, and differs for
    /// each spool.
    pub fn new(root: &Path, writer: &str) -> Self {
        Self {
            root: root.to_owned(),
            place: root.display().to_string(),
            writer: writer.to_owned(),
            last: Mutex::new(None),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// The name of an unfinished file. It differs for each file: where a spool was copied, two processes have one name of a
    /// writer, and the one would link what the other has only begun to write.
    fn unfinished(&self, name: &str) -> Result<String, Error> {
        let mut random = [0; 8];
        rand::fill(&mut random).map_err(|_| MachineError::NoRandomness)?;
        let (random, writer) = (u64::from_be_bytes(random), &self.writer);
        Ok(format!(".{name}.{random:016x}.{writer}{UNFINISHED}"))
    }

    /// Syncs a folder of ours and those above it, up to the root. A process that was killed may have linked a segment and not
    /// come to this, and our spool forgets a segment once we have seen it here.
    fn sync_up(&self, folder: &Path) -> Result<(), Error> {
        let ours = |above: &&Path| above.starts_with(&self.root);
        folder
            .ancestors()
            .take_while(ours)
            .try_for_each(sync_folder)
            .map_err(unusable)
    }

    /// Where the disk under a log is unmounted or its folder moved, and another folder is at the path, a segment in that one would be
    /// missing in the log. So what was written last must be there too. In the folder that it was written into it need not: whoever
    /// removes old segments may have removed it. Returns which folder it is.
    fn check_same(&self, folder: &Path) -> Result<(u64, u64), Error> {
        let now = identity(folder)?;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = last.as_ref() else {
            return Ok(now);
        };
        let is_moved = last.path.parent() == Some(folder) && now != last.folder;
        if !is_moved || is_there(&last.path)? {
            return Ok(now);
        }
        let name = last.path.file_name().unwrap_or_default().display();
        let reason = format!("it does not have {name}, the segment that was written last");
        let reason = io::Error::new(ErrorKind::NotFound, reason);
        Err(store_file("the folder is another one than before", folder)(
            reason,
        ))
    }

    /// If we crash between the link and the removal, the unfinished file stays beside the finished one under its second
    /// name. Its name has our spool in it, and the spool is ours alone, so whoever wrote it has ended.
    fn remove_unfinished(&self, folder: &Path) -> Result<(), Error> {
        let ending = format!(".{}{UNFINISHED}", self.writer);
        for name in names(folder)? {
            if name.to_str().is_some_and(|name| name.ends_with(&ending)) {
                let path = folder.join(name);
                fs::remove_file(&path)
                    .map_err(store_file("the unfinished file cannot be removed", &path))?;
            }
        }
        Ok(())
    }
}

fn is_there(path: &Path) -> Result<bool, Error> {
    path.try_exists()
        .map_err(store_file("the segment cannot be looked up", path))
}

/// Which folder is at a path.
fn identity(folder: &Path) -> Result<(u64, u64), Error> {
    let found = fs::metadata(folder).map_err(store_file("the folder cannot be used", folder))?;
    Ok((found.dev(), found.ino()))
}

/// The names in a folder, in order; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(store_file("the folder cannot be listed", folder))?,
    };
    let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let mut names = names.map_err(store_file("the folder cannot be listed", folder))?;
    names.sort_unstable();
    Ok(names)
}

/// The names in a folder to which another writer may be writing. A folder is listed in no order: a segment may show of which
/// the predecessor does not, since it was made after its place in the listing had passed. So it is listed twice: all that
/// come before the last of the first listing show in the second one. Names of segments begin with a digit, and sort as they
/// follow each other.
fn names_up_to_now(folder: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    let is_numbered = |name: &OsStr| matches!(name.as_encoded_bytes().first(), Some(b'0'..=b'9'));
    let last = names(folder)?.into_iter().rfind(|name| is_numbered(name));
    let mut names = names(folder)?;
    names.retain(|name| !is_numbered(name) || Some(name) <= last.as_ref());
    Ok(names)
}

fn is_unfinished(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with('.') && name.ends_with(UNFINISHED))
}

impl Store for Folder {
    fn place(&self) -> &str {
        &self.place
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Folder
    }

    fn check(&self) -> Result<(), Error> {
        match fs::metadata(&self.root) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(io::Error::from(ErrorKind::NotADirectory)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(store_file("the folder cannot be used", &self.root))
    }

    fn list(
        &self,
        folder: &str,
        visit: &mut dyn FnMut(Version<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = self.path(folder);
        self.remove_unfinished(&path)?;
        let names = names_up_to_now(&path)?;
        if !names.is_empty() {
            self.sync_up(&path)?;
        }
        for name in names {
            // Another writer may be at work: its unfinished files are not segments yet.
            if is_unfinished(&name) {
                continue;
            }
            let key = format!("{folder}/{}", name.to_string_lossy());
            visit(Version {
                key: &key,
                kind: VersionKind::Object,
                // Whoever copies a folder makes its times.
                modified: None,
            })?;
        }
        Ok(())
    }

    fn versions(&self, key: &str) -> Result<usize, Error> {
        is_there(&self.path(key)).map(usize::from)
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(key);
        match crate::read_at_most("the segment cannot be read", &path, MAX_OBJECT_BYTES) {
            Err(FileFault { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(unusable),
        }
    }

    /// A temporary file, synced, then linked to its name: the link fails where the name is taken, and a reader never sees
    /// half a segment. If we crash before the link, the segment is not there; after it, it is whole.
    fn create(&self, key: &str, bytes: &[u8]) -> Result<Created, Error> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        // A log has its folder from its first segment on. Where that is gone, because the disk under it was unmounted or somebody
        // moved it, a new one would split the log.
        if name.starts_with(FIRST) {
            create_folders(folder).map_err(unusable)?;
        }
        let same = self.check_same(folder)?;
        let unfinished = folder.join(self.unfinished(name)?);
        write_new(&unfinished, bytes)
            .map_err(store_file("the segment cannot be written", &path))?;
        let created = match fs::hard_link(&unfinished, &path) {
            Ok(()) => Ok(Created::New),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::Exists),
            Err(error) if has_no_links(&error) => create_in_place(&path, bytes),
            Err(error) => Err(error),
        };
        let removed = fs::remove_file(&unfinished);
        let created = created.map_err(store_file("the segment cannot be created", &path))?;
        removed.map_err(store_file(
            "the unfinished file cannot be removed",
            &unfinished,
        ))?;
        // Only now is the name itself on the disk.
        sync_folder(folder).map_err(unusable)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Written { path, folder: same });
        Ok(created)
    }
}

/// A file or folder of the store that cannot be used.
fn unusable(fault: FileFault) -> Error {
    StoreError::File(fault).into()
}

fn store_file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let fault = FileFault::of(operation, path);
    |source| unusable(fault(source))
}

fn has_no_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::PermissionDenied
    )
}

/// For file systems without hard links. If we crash in here, a torn file has the segment's name; the next run says that
/// the newest segment is not valid, and the whole one is in the spool.
fn create_in_place(path: &Path, bytes: &[u8]) -> io::Result<Created> {
    match write_new(path, bytes) {
        Ok(()) => Ok(Created::New),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::Exists),
        Err(error) => Err(error),
    }
}

/// Writes a file that must be new, synced. Where only half of it can be written, it is removed again: on a full disk it would
/// take the room that others need, and under a segment's own name nobody could write that segment any more.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_where_the_folder_should_be_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "").unwrap();
        let error = Folder::new(&path, "w").check().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{}: the folder cannot be used: not a directory",
                path.display()
            )
        );
    }

    #[test]
    fn segment_waits_while_another_folder_is_in_place_of_that_of_its_log() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Folder::new(scratch.path(), "w");
        let create = |number: u32| store.create(&format!("log/{number:012}.jsonl.zst"), b"whole");
        create(0).unwrap();
        create(1).unwrap();
        let (log, away) = (scratch.path().join("log"), scratch.path().join("away"));
        fs::rename(&log, &away).unwrap();
        fs::create_dir(&log).unwrap();
        fs::copy(
            away.join("000000000000.jsonl.zst"),
            log.join("000000000000.jsonl.zst"),
        )
        .unwrap();
        let expected = format!(
            "{}: the folder is another one than before: it does not have 000000000001.jsonl.zst, the segment that was written last",
            log.display()
        );
        assert_eq!(create(2).unwrap_err().to_string(), expected);
        assert_eq!(names(&log).unwrap().len(), 1);
        // A copy that has all of it is as good.
        fs::copy(
            away.join("000000000001.jsonl.zst"),
            log.join("000000000001.jsonl.zst"),
        )
        .unwrap();
        create(2).unwrap();
        // The first one has no longer all of it.
        fs::rename(&log, scratch.path().join("copy")).unwrap();
        fs::rename(&away, &log).unwrap();
        assert!(create(3).is_err());
        fs::rename(&log, &away).unwrap();
        fs::rename(scratch.path().join("copy"), &log).unwrap();
        // Old segments may be removed.
        fs::remove_file(log.join("000000000002.jsonl.zst")).unwrap();
        create(3).unwrap();
    }

    #[test]
    fn what_a_crash_left_beside_a_segment_is_removed_and_that_of_another_writer_passed_over() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Folder::new(scratch.path(), "mine");
        store
            .create("log/000000000000.jsonl.zst", b"whole")
            .unwrap();
        let folder = scratch.path().join("log");
        for writer in ["mine", "other"] {
            let name = format!(".000000000001.jsonl.zst.{writer}{UNFINISHED}");
            fs::write(folder.join(name), "ha").unwrap();
        }
        let mut seen = Vec::new();
        store
            .list("log", &mut |version| {
                seen.push(version.key.to_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, ["log/000000000000.jsonl.zst"]);
        assert_eq!(names(&folder).unwrap().len(), 2);
    }

    #[test]
    fn two_processes_with_copies_of_one_spool_never_mix_their_segments() {
        let scratch = tempfile::tempdir().unwrap();
        let whole = [vec![b'a'; 1 << 20], vec![b'b'; 1 << 20]];
        for number in 0..20 {
            let key = format!("log/{number:012}.jsonl.zst");
            std::thread::scope(|scope| {
                for bytes in &whole {
                    let store = Folder::new(scratch.path(), "the same");
                    let key = &key;
                    scope.spawn(move || store.create(key, bytes).unwrap());
                }
            });
            let stored = fs::read(scratch.path().join(&key)).unwrap();
            assert!(whole.contains(&stored), "{key} is neither");
        }
        assert_eq!(names(&scratch.path().join("log")).unwrap().len(), 20);
    }

    #[test]
    fn without_links_a_name_is_still_taken_once() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("segment");
        assert_eq!(create_in_place(&path, b"one").unwrap(), Created::New);
        assert_eq!(create_in_place(&path, b"two").unwrap(), Created::Exists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}
