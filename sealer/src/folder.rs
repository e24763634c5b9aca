//! Folders that are on the disk with their names: what the spool and a log in a folder have in common.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::FileFault;

/// Makes a folder and those above it, each synced into the one that holds it.
pub(crate) fn create_folders(folder: &Path) -> Result<(), FileFault> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => already_there(folder, error),
        made => made,
    }
    .map_err(FileFault::of("the folder cannot be made", folder))?;
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Syncs the names in a folder.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileFault> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(FileFault::of("the folder cannot be synced", folder))
}

/// Another process may have made the folder meanwhile. What else is there is named.
fn already_there(folder: &Path, error: io::Error) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    match fs::read_link(folder) {
        Ok(target) if !folder.exists() => {
            let reason = format!(
                "it is a symbolic link to {}, which does not exist",
                target.display()
            );
            Err(io::Error::new(ErrorKind::NotFound, reason))
        }
        _ => Err(error),
    }
}
