//! What an input is called: the spool keeps under this name how much of it was accepted.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use auditlog_chain::builder::Batch;
use auditlog_chain::hash::Hash;
use auditlog_chain::line::is_name;
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::position::Running;

/// Bytes at the beginning of a file that are part of its name.
const MAX_HEAD_BYTES: usize = 1024;

/// Bytes that are hashed at a time.
const READ_BYTES: usize = 1 << 20;

/// The name of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputName {
    /// A name that the caller gave.
    Given(GivenName),
    /// A file without such a name.
    File(FileName),
    /// Something that is not a file and has no name: it cannot be resumed. The time is that of its first event.
    Unnamed(Timestamp),
    /// A file that an input of the service follows.
    Followed(FollowedName),
}

impl InputName {
    /// The name of the batch that begins at this byte of the input (F8): it is the same when the input is given again, so a repeat
    /// can be recognised from the log alone. An input without a name has none.
    pub fn batch_at(&self, offset: u64) -> Option<Batch> {
        let name = match self {
            Self::Given(name) => name.to_string(),
            Self::File(name) => name.to_string(),
            Self::Followed(name) => name.to_string(),
            Self::Unnamed(_) => return None,
        };
        Batch::parse(&format!("{name}@{offset}"))
    }
}

/// Longest name that a caller may give, in characters: `batch` has room for it and a position.
const MAX_GIVEN_CHARS: usize = 200;

/// A name of 1 to 200 characters of printable ASCII without `"` and `\`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GivenName(String);

impl GivenName {
    /// Checks and wraps a name.
    pub fn parse(name: &str) -> Option<Self> {
        (is_name(name) && name.len() <= MAX_GIVEN_CHARS).then(|| Self(name.to_owned()))
    }
}

impl TryFrom<String> for GivenName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or("not the name of an input")
    }
}

impl From<GivenName> for String {
    fn from(name: GivenName) -> Self {
        name.0
    }
}

impl fmt::Display for GivenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a file is recognised by: where it is on the disk, and how it begins. A file that takes the place of another one is
/// another input, unless it begins in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileName {
    device: u64,
    inode: u64,
    head_bytes: u64,
    head: Hash,
}

impl FileName {
    /// Whether the beginning is as long as it may be. A shorter one may be a line that all files of a program begin with.
    pub fn has_long_head(&self) -> bool {
        usize::try_from(self.head_bytes).is_ok_and(|bytes| bytes >= MAX_HEAD_BYTES)
    }

    /// Whether both files are at the same place of the same disk.
    pub fn is_where(&self, other: &Self) -> bool {
        other.is_at((self.device, self.inode))
    }

    /// Whether the file is at this device and inode.
    pub fn is_at(&self, (device, inode): (u64, u64)) -> bool {
        (self.device, self.inode) == (device, inode)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head.to_hex();
        let (short, _) = head.split_at_checked(16).unwrap_or((&head, ""));
        write!(f, "file:{}:{}:{short}", self.device, self.inode)
    }
}

/// A file that an input of the service follows. What was written into it after it had been truncated is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedName {
    /// Name of the input.
    pub input: GivenName,
    /// What the file is recognised by.
    pub file: FileName,
    /// How often the file was found truncated before.
    pub truncated: u64,
}

impl fmt::Display for FollowedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)?;
        match self.truncated {
            0 => Ok(()),
            truncated => write!(f, ":{truncated}"),
        }
    }
}

/// The beginning of a file, as it is now.
#[derive(Clone, Debug)]
pub struct FileHead {
    device: u64,
    inode: u64,
    bytes: Vec<u8>,
}

impl FileHead {
    /// Reads the beginning of a file, and leaves the file's own position as it is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn read(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        let mut bytes = vec![0; MAX_HEAD_BYTES];
        let filled = read_full_at(file, &mut bytes, 0)?;
        bytes.truncate(filled);
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            bytes,
        })
    }

    /// The name that the file gets when the first event of it is accepted.
    pub fn name(&self) -> FileName {
        FileName {
            device: self.device,
            inode: self.inode,
            head_bytes: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
            head: Running::of(&self.bytes),
        }
    }

    /// Whether the file is where the one with that name was.
    pub fn is_at_the_place_of(&self, name: &FileName) -> bool {
        self.device == name.device && self.inode == name.inode
    }

    /// Whether the file with this beginning is the one that got that name. It may have grown since.
    pub fn has(&self, name: &FileName) -> bool {
        self.is_at_the_place_of(name) && self.begins_as(name)
    }

    /// Whether the file begins as the one that got that name, wherever it is.
    pub fn begins_as(&self, name: &FileName) -> bool {
        let head = usize::try_from(name.head_bytes).ok();
        let head = head.and_then(|length| self.bytes.get(..length));
        head.is_some_and(|head| Running::of(head) == name.head)
    }
}

/// The hash of the first `length` bytes of a file, which keeps its own position; `None` where it is shorter.
///
/// # Errors
///
/// What the system says.
pub fn hash_of_beginning(file: &File, length: u64) -> io::Result<Option<Hash>> {
    if file.metadata()?.len() < length {
        return Ok(None);
    }
    let (mut running, mut at) = (Running::new(), 0u64);
    let mut buffer = vec![0; READ_BYTES];
    while at < length {
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(READ_BYTES);
        let room = buffer.get_mut(..left.min(READ_BYTES)).unwrap_or_default();
        let filled = read_full_at(file, room, at)?;
        if filled == 0 {
            return Ok(None);
        }
        running.update(room.get(..filled).unwrap_or_default());
        at = at.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
    }
    Ok(Some(running.hash()))
}

/// Fills a buffer from a place in a file, as far as the file goes.
fn read_full_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled: usize = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let at = at.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(room, at) {
            Ok(0) => return Ok(filled),
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> FileHead {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        FileHead {
            device: 1,
            inode: 2,
            ..FileHead::read(file.as_file()).unwrap()
        }
    }

    #[test]
    fn a_file_that_grew_keeps_its_name_and_one_that_begins_otherwise_has_another() {
        let name = head(b"{1}\n").name();
        assert!(head(b"{1}\n").has(&name));
        assert!(head(b"{1}\n{2}\n").has(&name));
        assert!(!head(b"{2}\n{1}\n").has(&name));
        assert!(!head(b"{1}").has(&name));
        let elsewhere = FileHead {
            inode: 3,
            ..head(b"{1}\n")
        };
        assert!(!elsewhere.has(&name));
        // No more than the first 1,024 bytes are part of the name.
        let long = head(&[b'1'; 5000]).name();
        assert_eq!(long.head_bytes, 1024);
        assert!(head(&[b'1'; 1024]).has(&long));
    }

    #[test]
    fn a_beginning_is_hashed_at_each_length_that_the_file_has() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(READ_BYTES + 5).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        for length in [0, 1, READ_BYTES, READ_BYTES + 5] {
            let found = hash_of_beginning(file.as_file(), length.try_into().unwrap());
            assert_eq!(found.unwrap(), Some(Running::of(&bytes[..length])));
        }
        let more = (READ_BYTES + 6).try_into().unwrap();
        assert_eq!(hash_of_beginning(file.as_file(), more).unwrap(), None);
    }

    #[test]
    fn a_batch_is_named_by_its_input_and_its_place_in_it() {
        let given = |name: &str| InputName::Given(GivenName::parse(name).unwrap());
        let batch = |name: &InputName, at| Some(name.batch_at(at)?.as_str().to_owned());
        assert_eq!(batch(&given("daily"), 17).unwrap(), "daily@17");
        assert!(batch(&given(&"x".repeat(200)), u64::MAX).is_some());
        let file = InputName::File(head(b"{1}\n").name());
        let hash = Running::of(b"{1}\n").to_hex();
        assert_eq!(
            batch(&file, 0).unwrap(),
            format!("file:1:2:{}@0", &hash[..16])
        );
        assert_eq!(batch(&InputName::Unnamed(Timestamp::EPOCH), 0), None);
        let followed = |truncated| FollowedName {
            input: GivenName::parse("audit").unwrap(),
            file: head(b"{1}\n").name(),
            truncated,
        };
        for (truncated, after) in [(0, ""), (2, ":2")] {
            let expected = format!("file:1:2:{}{after}@7", &hash[..16]);
            let found = batch(&InputName::Followed(followed(truncated)), 7);
            assert_eq!(found.unwrap(), expected);
        }
    }

    #[test]
    fn a_name_is_printable_and_short() {
        for name in ["payments", "payments, 25 November"] {
            assert_eq!(GivenName::parse(name).unwrap().to_string(), name);
        }
        for name in ["", "a\nb", "\"", "\\", "ä", &"x".repeat(201)] {
            assert_eq!(GivenName::parse(name), None, "{name:?}");
        }
    }
}
