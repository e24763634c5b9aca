//! The pages in a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

use super::DocsError;

/// A page that is not in the folder as it should be; the path is below the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing(String),
    /// It has another text.
    Outdated(String),
    /// It is there, but nothing is offered that it could be about.
    Stale(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path} is missing"),
            Self::Outdated(path) => write!(f, "{path} is outdated"),
            Self::Stale(path) => write!(f, "{path} is about nothing that is offered"),
        }
    }
}

/// The folders that hold nothing but pages.
const FOLDERS: [&str; 6] = [
    "actions",
    "data-sources",
    "ephemeral-resources",
    "functions",
    "list-resources",
    "resources",
];

pub(super) fn differences(
    pages: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<Vec<Difference>, DocsError> {
    let mut found = Vec::new();
    for (path, text) in pages {
        match read(&folder.join(path))? {
            None => found.push(Difference::Missing(path.clone())),
            Some(there) if there != *text => found.push(Difference::Outdated(path.clone())),
            Some(_) => {}
        }
    }
    let there = there(folder)?;
    let stale = there.into_iter().filter(|path| !pages.contains_key(path));
    found.extend(stale.map(Difference::Stale));
    Ok(found)
}

/// Makes the folder as it should be in one place.
pub(super) fn settle(
    difference: &Difference,
    pages: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<(), DocsError> {
    match difference {
        Difference::Missing(path) | Difference::Outdated(path) => {
            let text = pages.get(path).map(String::as_str).unwrap_or_default();
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(DocsError::io(parent))?;
            }
            fs::write(&path, text).map_err(DocsError::io(path))
        }
        Difference::Stale(path) => {
            let path = folder.join(path);
            fs::remove_file(&path).map_err(DocsError::io(path))
        }
    }
}

/// The text of a file, if it exists.
pub(super) fn read(path: &Path) -> Result<Option<String>, DocsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DocsError::io(path)(error)),
    }
}

/// The Markdown files in the folders of the pages, in order.
fn there(folder: &Path) -> Result<Vec<String>, DocsError> {
    let mut found = Vec::new();
    for name in FOLDERS {
        let path = folder.join(name);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(DocsError::io(path)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(DocsError::io(&path))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if Path::new(&file).extension().is_some_and(|is| is == "md") {
                found.push(format!("{name}/{file}"));
            }
        }
    }
    found.sort();
    Ok(found)
}
