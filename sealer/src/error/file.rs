//! A file or folder that could not be used: below the errors of those to whom it belongs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was tried with a file, and what the system answered. The error around it names the owner of the file.
#[derive(Debug)]
pub struct FileFault {
    /// What was tried, such as "the spool cannot be written".
    pub operation: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The answer of the system.
    pub source: io::Error,
}

impl FileFault {
    /// Makes one from the answer of the system.
    pub fn of(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self {
            operation,
            path,
            source,
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, source) = (self.path.display(), &self.source);
        write!(f, "{path}: {}: {source}", self.operation)
    }
}

impl std::error::Error for FileFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
