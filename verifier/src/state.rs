//! Pinned heads (V25, V26): what an earlier run saw, kept by the verifier's owner, so that a log cannot go back.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;
use serde::{Deserialize, Serialize};

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
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(StateError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, StateError> {
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
                "it has {} bytes, the limit is {MAX_STATE_BYTES}",
                bytes.len()
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

    /// Writes the file beside itself and then puts it in place: after a crash there is the old file or the new one.
    ///
    /// # Errors
    ///
    /// Where it cannot be written; the file is then as it was.
    pub fn store(&self, path: &Path) -> Result<(), StateError> {
        self.replace(path).map_err(|source| StateError::Write {
            path: path.to_owned(),
            source,
        })
    }

    fn replace(&self, path: &Path) -> io::Result<()> {
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
        let mut name = path
            .file_name()
            .ok_or(io::ErrorKind::InvalidInput)?
            .to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(name);
        let written = write_synced(&beside, &text).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // What could not be put in place is of no use to anybody; that it stays behind would be the lesser evil.
            _ = fs::remove_file(&beside);
        }
        written?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
