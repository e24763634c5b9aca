//! Files that are read, and nothing but files: a pipe would make the reader wait, a device need not end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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

#[cfg(test)]
mod tests {
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
}
