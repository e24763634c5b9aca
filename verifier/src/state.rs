//! Pinned heads (V25, V26): what an earlier run saw, kept by the verifier's owner, so that a log cannot go back.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::verify::VerifiedHead;

/// The one version of the file that this program knows.
const STATE_VERSION: u64 = 1;

/// Largest file that is read, in bytes. Stops a file that is no list of pins from filling the memory.
const MAX_STATE_BYTES: usize = 16 << 20;

/// The heads that earlier runs saw, a log each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<Origin, Position>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    state: u64,
    #[serde(deserialize_with = "each_log_once")]
    logs: BTreeMap<Origin, Pin>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    segment: u64,
    size: u64,
    root: Hash,
}

/// Why pins cannot be read or kept. The file is never overwritten where it could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("the state file {path} cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of ours, or damaged.
    #[error("the state file {path} does not hold pinned heads: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is of a version that this program does not know.
    #[error("the state file {path} has version {found}, this program knows {STATE_VERSION}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file cannot be written.
    #[error("the state file {path} cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Pins {
    /// Reads a file; no file holds no pins.
    ///
    /// # Errors
    ///
    /// Where there is a file and it does not hold pins.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Read {
            path: path.to_owned(),
            source,
        };
        let file = match open_regular(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let limit = u64::try_from(MAX_STATE_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        Self::parse(path, &bytes)
    }

    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Version {
            state: u64,
        }
        let malformed = |reason: String| StateError::Malformed {
            path: path.to_owned(),
            reason,
        };
        if bytes.len() > MAX_STATE_BYTES {
            return Err(malformed(format!(
                "it has more than {MAX_STATE_BYTES} bytes"
            )));
        }
        let json = |error: serde_json::Error| malformed(error.to_string());
        let Version { state: found } = serde_json::from_slice(bytes).map_err(json)?;
        if found != STATE_VERSION {
            return Err(StateError::Unsupported {
                path: path.to_owned(),
                found,
            });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(json)?;
        let position = |Pin {
                            segment,
                            size,
                            root,
                        }| Position {
            segment,
            size,
            root,
        };
        Ok(Self(
            document
                .logs
                .into_iter()
                .map(|(origin, pin)| (origin, position(pin)))
                .collect(),
        ))
    }

    /// The pinned head of a log.
    pub fn pin(&self, origin: &Origin) -> Option<&Position> {
        self.0.get(origin)
    }

    /// Takes a verified head. Nothing else can be pinned.
    ///
    /// `seen` are the pins that the verification was held against. Where another run has meanwhile pinned a later head, that
    /// one stays: two runs at once never take a pin back.
    pub fn take(&mut self, head: &VerifiedHead, seen: &Self) {
        let kept = self.pin(head.origin());
        let raised = kept != seen.pin(head.origin())
            && kept.is_some_and(|kept| kept.segment > head.position().segment);
        if !raised {
            self.0.insert(head.origin().clone(), head.position());
        }
    }

    #[cfg(test)]
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0
            .extend(other.0.iter().map(|(origin, at)| (origin.clone(), *at)));
    }

    /// Changes a file. What is new is written beside it and then put in its place: after a crash there is the old file or the
    /// new one. Runs that change one file at the same time do so one after the other, and none undoes what another did.
    ///
    /// # Errors
    ///
    /// Where it does not hold pins, or cannot be written; the file is then as it was.
    pub fn update(path: &Path, change: impl FnOnce(&mut Self)) -> Result<(), StateError> {
        let failed = |source| StateError::Write {
            path: path.to_owned(),
            source,
        };
        let real = followed(path);
        let mut name = real
            .file_name()
            .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?
            .to_owned();
        name.push(".tmp");
        let beside = real.with_file_name(name);
        let mut file = lock_beside(&beside).map_err(failed)?;
        let changed = Self::load(path).and_then(|mut pins| {
            change(&mut pins);
            let text = pins.format().map_err(failed)?;
            write_synced(&mut file, &text)
                .and_then(|()| fs::rename(&beside, &real))
                .map_err(failed)
        });
        if changed.is_err() {
            // What could not be put in place is of no use to anybody; that it stays behind would be the lesser evil.
            _ = fs::remove_file(&beside);
        }
        changed?;
        let folder = real
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }

    pub(crate) fn format(&self) -> io::Result<Vec<u8>> {
        let pin = |at: &Position| Pin {
            segment: at.segment,
            size: at.size,
            root: at.root,
        };
        let logs = self
            .0
            .iter()
            .map(|(origin, at)| (origin.clone(), pin(at)))
            .collect();
        let mut text = serde_json::to_vec_pretty(&Document {
            state: STATE_VERSION,
            logs,
        })?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Opens a file, and nothing but a file: a pipe would make the reader wait, a device need not end.
fn open_regular(path: &Path) -> io::Result<fs::File> {
    let file = fs::OpenOptions::new()
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

/// Where a path leads: the file behind a link is replaced, and the link stays. The file itself need not be there yet.
fn followed(path: &Path) -> PathBuf {
    let mut real = path.to_owned();
    // As many links as Linux follows; a circle fails when it is opened.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&real) else {
            break;
        };
        real = real.parent().unwrap_or(Path::new("")).join(next);
    }
    real
}

/// Opens the file that is to take the place of another, and waits until this run alone has it. Its name is always the same, so
/// that a run that was killed leaves nothing that the next one does not clear away.
fn lock_beside(beside: &Path) -> io::Result<fs::File> {
    loop {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(beside)?;
        file.lock()?;
        // Who held it before us has put it in place: then what we hold is the state file itself, and is not to be touched.
        let held = file.metadata()?;
        match fs::symlink_metadata(beside) {
            Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_synced(file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A log that stands twice would hide one of its heads: which one, only the reader knows.
fn each_log_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Origin, Pin>, D::Error> {
    struct Logs;
    impl<'de> Visitor<'de> for Logs {
        type Value = BTreeMap<Origin, Pin>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the heads of logs by their origins")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut logs = BTreeMap::new();
            while let Some((origin, pin)) = map.next_entry::<Origin, Pin>()? {
                if logs.contains_key(&origin) {
                    return Err(A::Error::custom(format_args!("log {origin} stands twice")));
                }
                logs.insert(origin, pin);
            }
            Ok(logs)
        }
    }
    deserializer.deserialize_map(Logs)
}
