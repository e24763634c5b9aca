//! What waits in a spool that this process has not opened. Nothing is changed.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use super::file::{Files, wal_number};
use super::found::{Kept, look_through};
use super::identity::is_readable_as;
use super::{LOCK, RealDisk};

/// What a look into a spool has found.
#[derive(Clone, Debug)]
pub struct Peek {
    /// Its write-ahead files with their lengths.
    lengths: Vec<(String, u64)>,
    kept: Vec<Kept>,
}

impl Peek {
    /// Looks into the spool of a log. The files are read only where they are not those that the look before has found: all of a long
    /// queue is read otherwise. `None` where another process uses the spool, it is not one of this log, or it cannot be read.
    pub fn into_spool(folder: &Path, log: &str, before: Option<Self>) -> Option<Self> {
        // Whoever opens the spool meanwhile tries again.
        let lock = File::open(folder.join(LOCK)).ok()?;
        lock.try_lock_shared().ok()?;
        let files = Files {
            folder: folder.to_owned(),
            disk: Arc::new(RealDisk::new(folder)),
        };
        if !is_readable_as(&files, log) {
            return None;
        }
        let names = files.names().ok()?;
        let lengths = lengths(folder, &names)?;
        if let Some(before) = before.filter(|before| before.lengths == lengths) {
            return Some(before);
        }
        // The names of a long queue would fill the memory.
        let kept = look_through(&files, &names, &mut |_| {}, &mut |kept| {
            kept.names = Vec::new();
        });
        let kept = kept.ok()?;
        Some(Self { lengths, kept })
    }

    /// The write-ahead files, the oldest first, without the names of their batches.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }
}

fn lengths(folder: &Path, names: &[String]) -> Option<Vec<(String, u64)>> {
    let files = names.iter().filter(|name| wal_number(name).is_some());
    files
        .map(|name| {
            let found = fs::metadata(folder.join(name)).ok()?;
            Some((name.clone(), found.len()))
        })
        .collect()
}
