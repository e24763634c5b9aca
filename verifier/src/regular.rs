//! Files that are read, and nothing but files: a pipe would make the reader wait, a device need not end. And files that are written at once.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Opens a file for reading.
///
/// # Errors
///
/// Where it cannot be opened, or is not a file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is a device, pipe or socket"));
    }
    Ok(file)
}

/// The bytes of what is open, at most so many and one more, which shows that there are more: somebody else may have made it larger than the memory.
///
/// # Errors
///
/// Where it cannot be read.
pub fn read_one_more(file: File, most: usize) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of a file, at most so many.
///
/// # Errors
///
/// Where it cannot be read, is not a file, or is larger.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let bytes = read_one_more(open(path)?, most)?;
    if bytes.len() > most {
        let why = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// The path of a file that is written beside another before it takes its place. Nobody can foresee it, and nobody else has it: in containers,
/// two processes with one id may write the same file at the same time, and somebody may have put a link there. Create it as a new file.
pub fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = RandomState::new().hash_one(std::process::id());
    path.with_file_name(format!(".{name}.{random:016x}.tmp"))
}

/// Writes a file at once or not at all.
///
/// # Errors
///
/// Where it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let mut file = File::create_new(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        let refused = read(&path, 3).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(refused.to_string(), "it has more than 3 bytes");
        // Longer than memory and disk: nothing but the limit stops it.
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert!(read(&path, 1000).is_err());
    }
    #[test]
    fn a_file_is_written_over_no_link_and_whole_when_two_write_it() {
        let place = tempfile::tempdir().unwrap();
        let (path, other) = (place.path().join("file"), place.path().join("other"));
        fs::write(&other, "mine").unwrap();
        let foreseen = [
            format!(".file.{}.tmp", std::process::id()),
            format!("file.{}.tmp", std::process::id()),
        ];
        for name in &foreseen {
            symlink(&other, place.path().join(name)).unwrap();
        }
        let texts = ["a".repeat(1 << 20), "b".repeat(1 << 20)];
        std::thread::scope(|scope| {
            for text in &texts {
                let path = &path;
                scope.spawn(move || (0..20).for_each(|_| write(path, text.as_bytes()).unwrap()));
            }
            for _ in 0..100 {
                let found = fs::read_to_string(&path).unwrap_or_else(|_| texts[0].clone());
                assert!(texts.contains(&found), "half a file");
            }
        });
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 4);
    }
}
