//! A cache in a folder. Each file has the name of its digest: a file that somebody changed is not the one that the pins name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auditlog_chain::hash::Hash;

use super::{Cache, CacheError, FirstReason, KeptCache, MAX_CACHE_BYTES};
use crate::head::CacheFile;
use crate::regular;

/// A folder with the caches of logs.
#[derive(Debug)]
pub struct CacheFolder {
    path: PathBuf,
    unread: FirstReason<io::Error>,
}

impl CacheFolder {
    /// Makes the folder where it does not exist.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        let folder = Self {
            path: path.to_owned(),
            unread: FirstReason::none(),
        };
        match fs::create_dir_all(path) {
            Ok(()) => Ok(folder),
            Err(error) => Err(folder.failed(error)),
        }
    }

    fn file(&self, digest: Hash) -> PathBuf {
        self.path.join(format!("{digest}.json"))
    }

    fn failed(&self, error: io::Error) -> CacheError {
        let path = self.path.clone();
        CacheError::Folder { path, error }
    }
}

impl Cache for CacheFolder {
    fn load(&self, digest: Hash) -> Option<Vec<u8>> {
        match regular::read(&self.file(digest), MAX_CACHE_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.unread.keep(error);
                }
                None
            }
        }
    }
}

impl KeptCache for CacheFolder {
    fn keep(&self, file: &CacheFile) -> Result<(), CacheError> {
        let written = regular::write(&self.file(file.digest()), file.bytes());
        written.map_err(|error| self.failed(error))
    }

    fn unread(&self) -> Option<CacheError> {
        self.unread.take().map(|error| self.failed(error))
    }

    fn remove(&self, digest: Hash) {
        _ = fs::remove_file(self.file(digest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that nobody writes to would make the run wait for ever.
    #[test]
    fn what_is_not_a_file_is_not_a_cache() {
        let place = tempfile::tempdir().unwrap();
        let folder = CacheFolder::open(place.path()).unwrap();
        let digest = Hash::of(b"cache");
        let path = folder.file(digest);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert_eq!(folder.load(digest), None);
        let why = folder.unread().unwrap().to_string();
        assert!(why.ends_with("it is a device, pipe or socket"), "{why}");
        assert!(folder.unread().is_none());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "cache").unwrap();
        assert_eq!(folder.load(digest), Some(b"cache".to_vec()));
        assert_eq!(folder.load(Hash::of(b"other")), None);
        // One that would fill the memory is as good as none.
        fs::File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(folder.load(digest), None);
        let why = folder.unread().unwrap().to_string();
        assert!(why.ends_with("it has more than 134217728 bytes"), "{why}");
        assert!(folder.unread().is_none());
    }
}
