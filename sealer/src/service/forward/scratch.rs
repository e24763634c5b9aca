//! A large message on the disk while it arrives. Where one folder takes nothing, as that of a log whose disk is full, another one may.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Bytes that are moved at a time.
const MOVED_BYTES: usize = 64 << 10;

/// What has arrived, in a file without a name.
pub(super) struct Scratch {
    file: File,
    length: u64,
    /// Folders that were not tried yet.
    others: Vec<PathBuf>,
}

impl Scratch {
    /// Makes an empty one in the first of these folders that takes it.
    pub(super) fn begin(folders: &[PathBuf]) -> io::Result<Self> {
        let mut failed = None;
        for (place, folder) in (1..).zip(folders) {
            match tempfile::tempfile_in(folder) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        length: 0,
                        others: folders.get(place..).unwrap_or_default().to_vec(),
                    });
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }

    /// Adds bytes, in another folder where this one takes no more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.file.write_all_at(bytes, self.length);
        while let Err(error) = written {
            if self.others.is_empty() {
                return Err(error);
            }
            let other = self.others.remove(0);
            let moved = self.moved_to(&other);
            written = moved.and_then(|file| {
                file.write_all_at(bytes, self.length)?;
                self.file = file;
                Ok(())
            });
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        Ok(())
    }

    fn moved_to(&self, folder: &PathBuf) -> io::Result<File> {
        let (file, mut at) = (tempfile::tempfile_in(folder)?, 0u64);
        let mut buffer = vec![0; MOVED_BYTES];
        while at < self.length {
            let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
            let most = left.min(buffer.len());
            let part = buffer.get_mut(..most).unwrap_or_default();
            self.file.read_exact_at(part, at)?;
            file.write_all_at(part, at)?;
            at = at.saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
        }
        Ok(file)
    }

    /// The file, once all has arrived.
    pub(super) fn into_file(self) -> File {
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_made_in_the_first_folder_that_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let mut made = Scratch::begin(&[missing.clone(), folder.path().to_owned()]).unwrap();
        assert_eq!(made.others, Vec::<PathBuf>::new());
        made.write(b"abc").unwrap();
        for folders in [vec![], vec![missing.clone(), missing]] {
            let failed = Scratch::begin(&folders).map(|_| ()).unwrap_err();
            assert_eq!(failed.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn what_has_arrived_is_moved_where_its_folder_takes_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let before = b"abc".repeat(50_000);
        std::fs::write(&path, &before).unwrap();
        // It cannot be written any more.
        let stuck = |others: &[PathBuf]| Scratch {
            file: File::open(&path).unwrap(),
            length: 150_000,
            others: others.to_vec(),
        };
        let missing = folder.path().join("missing");
        stuck(&[]).write(b"def").unwrap_err();
        stuck(std::slice::from_ref(&missing))
            .write(b"def")
            .unwrap_err();
        let mut moved = stuck(&[missing, folder.path().to_owned()]);
        moved.write(b"def").unwrap();
        moved.write(b"ghi").unwrap();
        let mut found = vec![0; 150_006];
        moved.into_file().read_exact_at(&mut found, 0).unwrap();
        assert_eq!(found, [before.as_slice(), b"defghi"].concat());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
