//! A folder that is a copy of a bucket, such as one made by `aws s3 sync`. Its times, versions and locks prove nothing, so
//! only the chain is checked. Symbolic links are not followed: they can point anywhere.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_OBJECT_BYTES;

use super::{Bucket, ClockReading, Listed, Listing, Object, ReadError, Source, Version};

/// A folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder that is the root of the copy.
    ///
    /// # Errors
    ///
    /// Where the folder does not exist, or cannot be read.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, ReadError> {
        let root = root.into();
        fs::read_dir(&root).map_err(|error| {
            let hint = if error.kind() == io::ErrorKind::NotADirectory {
                "name the folder that is a copy of the bucket, not a file in it"
            } else {
                "name a folder that holds a copy of the bucket and can be read, or s3://BUCKET"
            };
            failed(&root, &error).with_hint(hint)
        })?;
        Ok(Self { root })
    }

    /// The folder of a log; `None` where it is not there.
    fn log_folder(&self, prefix: &str) -> Result<Option<PathBuf>, ReadError> {
        let mut folder = self.root.clone();
        for part in prefix.split('/') {
            folder.push(part);
            match fs::symlink_metadata(&folder) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) => {
                    let what = kind(metadata.file_type());
                    let reason = format!("expected a folder, found {what}: {}", folder.display());
                    return Err(ReadError::new(reason)
                        .with_hint("copy the bucket with `aws s3 sync` and verify the copy"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(&folder, &error)),
            }
        }
        Ok(Some(folder))
    }
}

impl Source for Folder {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn has_storage(&self) -> bool {
        false
    }

    fn scope(&self) -> &'static str {
        ""
    }

    fn read_ahead(&self) -> Option<usize> {
        None
    }

    fn bucket(&self) -> Result<Option<Bucket>, ReadError> {
        Ok(None)
    }

    fn list(&self, prefixes: &[&str], each: &mut dyn FnMut(Listed)) -> Result<Listing, ReadError> {
        for prefix in prefixes {
            if let Some(folder) = self.log_folder(prefix)? {
                list_log(prefix, &folder, last_segment(&folder)?, each)?;
            }
        }
        Ok(Listing::default())
    }

    fn read(&self, key: &str, version: &Version) -> Result<Object, ReadError> {
        let path = self.root.join(key);
        let failed = |error: &io::Error| failed(&path, error);
        let mut file = open_segment(&path).map_err(|error| {
            let link = error.raw_os_error() == Some(libc::ELOOP);
            if link {
                changed(&path, "it is a symbolic link now")
            } else {
                failed(&error)
            }
        })?;
        let before = file.metadata().map_err(|error| failed(&error))?;
        if !before.is_file() {
            let what = kind(before.file_type());
            return Err(changed(&path, &format!("it is {what} now")));
        }
        let limit = u64::try_from(MAX_OBJECT_BYTES)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let capacity = usize::try_from(version.bytes.min(limit)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(capacity.saturating_add(1));
        io::Read::by_ref(&mut file)
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&error))?;
        let after = file.metadata().map_err(|error| failed(&error))?;
        // Half of a file that is still being copied is not evidence against the log.
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let rewritten = before.modified().ok() != after.modified().ok();
        if found != version.bytes {
            let listed = version.bytes;
            let what = format!("it was listed with {listed} bytes, but {found} were read");
            return Err(changed(&path, &what));
        }
        if rewritten {
            return Err(changed(&path, "somebody wrote to it while it was read"));
        }
        Ok(Object {
            bytes: Ok(bytes),
            storage: None,
        })
    }

    fn clock(&self) -> Option<ClockReading> {
        None
    }
}

/// Lists the folder of one log. `end` is the last segment that was there when the listing began.
fn list_log(
    prefix: &str,
    folder: &Path,
    end: Option<u64>,
    each: &mut dyn FnMut(Listed),
) -> Result<(), ReadError> {
    for entry in entries(folder)? {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        let name = entry.file_name();
        let key = format!("{prefix}/{}", name.to_string_lossy());
        if name.to_str().and_then(segment_number) > end {
            each(Listed::PassedOver { key });
            continue;
        }
        // First, since it may be gone before its metadata can be read.
        if is_unfinished(&entry) {
            each(Listed::Unfinished);
            continue;
        }
        // Not what the folder has noted of the file, but the file, or what was mounted over it.
        let metadata = entry
            .metadata()
            .map_err(|error| failed(&entry.path(), &error))?;
        each(if metadata.is_file() {
            Listed::Version {
                key,
                version: Version {
                    bytes: metadata.len(),
                    ..Version::default()
                },
            }
        } else {
            Listed::Foreign {
                key,
                what: kind(metadata.file_type()),
            }
        });
    }
    Ok(())
}

/// Opens what the listing called a file. By now it may be something else: a pipe must not make the reader wait for a writer, and
/// a link is not followed.
fn open_segment(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path)
}

fn changed(path: &Path, how: &str) -> ReadError {
    let reason = format!("{} changed during the verification: {how}", path.display());
    ReadError::new(reason).with_hint("verify a copy that nobody writes to")
}

fn failed(path: &Path, error: &io::Error) -> ReadError {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "verify as somebody who may read all of the copy"
    } else if error.kind() == io::ErrorKind::NotFound {
        "verify a copy that nobody writes to"
    } else {
        "copy the bucket again with `aws s3 sync` and verify the copy"
    };
    ReadError::new(format!("{}: {error}", path.display())).with_hint(hint)
}

fn entries(folder: &Path) -> Result<fs::ReadDir, ReadError> {
    fs::read_dir(folder).map_err(|error| failed(folder, &error))
}

/// The last segment that is there now (V4). A folder to which a sealer writes is listed in no order: a segment may appear
/// without its predecessor, which was written after the listing had passed its place. A listing that begins after this one shows
/// all segments up to here.
fn last_segment(folder: &Path) -> Result<Option<u64>, ReadError> {
    let mut last = None;
    for entry in entries(folder)? {
        let name = entry.map_err(|error| failed(folder, &error))?.file_name();
        last = last.max(name.to_str().and_then(segment_number));
    }
    Ok(last)
}

/// The number in the name of a segment.
fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".jsonl.zst")?;
    let twelve = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    twelve.then(|| digits.parse().ok())?
}

/// Whether it is what a sealer writes before it gives it the name of a segment (V5).
fn is_unfinished(entry: &fs::DirEntry) -> bool {
    const NAME_BYTES: usize = "000000000000.jsonl.zst".len();
    let printable = |byte| matches!(byte, b' '..=b'~');
    let name = entry.file_name();
    let parts = name
        .to_str()
        .and_then(|name| name.strip_prefix('.')?.strip_suffix(".unfinished"))
        .and_then(|rest| rest.split_at_checked(NAME_BYTES));
    let named = parts.is_some_and(|(segment, writer)| {
        let writer = writer.strip_prefix('.').unwrap_or_default();
        segment_number(segment).is_some() && !writer.is_empty() && writer.bytes().all(printable)
    });
    named && entry.file_type().is_ok_and(|kind| kind.is_file())
}

fn kind(file_type: fs::FileType) -> &'static str {
    if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_dir() {
        "a folder"
    } else if file_type.is_file() {
        "a file"
    } else {
        "a device, pipe or socket"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "log/000000000000.jsonl.zst";

    fn read(folder: &tempfile::TempDir, bytes: u64) -> Result<Vec<u8>, String> {
        let version = Version {
            bytes,
            ..Version::default()
        };
        let read = Folder::open(folder.path()).unwrap().read(KEY, &version);
        read.and_then(|object| object.bytes).map_err(|error| {
            assert!(
                error
                    .hint
                    .is_some_and(|hint| hint == "verify a copy that nobody writes to")
            );
            error.reason
        })
    }

    #[test]
    fn a_segment_that_came_after_the_listing_had_begun_is_listed_as_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("000000000000.jsonl.zst"), "content").unwrap();
        let listed_up_to = |end| {
            let mut listed = Vec::new();
            list_log("log", &path, end, &mut |one| listed.push(one)).unwrap();
            listed
        };
        let (key, bytes) = (KEY.to_owned(), 7);
        let version = Version {
            bytes,
            ..Version::default()
        };
        assert_eq!(
            listed_up_to(None),
            [Listed::PassedOver { key: key.clone() }]
        );
        assert_eq!(listed_up_to(Some(0)), [Listed::Version { key, version }]);
    }

    #[test]
    fn a_file_that_is_not_the_one_that_was_listed_is_not_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY);
        fs::create_dir(folder.path().join("log")).unwrap();
        fs::write(&path, "content").unwrap();
        assert_eq!(read(&folder, 7), Ok(b"content".to_vec()));
        for listed in [6, 8] {
            let error = read(&folder, listed).unwrap_err();
            let how = format!("it was listed with {listed} bytes, but 7 were read");
            assert!(error.ends_with(&how), "{error}");
        }
        fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../elsewhere", &path).unwrap();
        let error = read(&folder, 7).unwrap_err();
        assert!(error.ends_with("it is a symbolic link now"), "{error}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = read(&folder, 7).unwrap_err();
        assert!(error.ends_with("it is a folder now"), "{error}");
        fs::remove_dir(&path).unwrap();
        // Opening a pipe for reading waits for a writer, and there is none.
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let error = read(&folder, 7).unwrap_err();
        assert!(
            error.ends_with("it is a device, pipe or socket now"),
            "{error}"
        );
    }
}
