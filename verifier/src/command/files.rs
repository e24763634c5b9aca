//! Reports in files, beside the one on standard output. A file is written beside its place and put there once it is whole, so that
//! nobody reads half a report.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use auditlog_verifier::regular;

use super::form::Output;
use super::usage::Usage;

/// A report that is to be written: its path, and the form that the end of its name says.
#[derive(Clone, Debug)]
pub(super) struct ReportPath {
    path: PathBuf,
    pub(super) form: Output,
}

impl ReportPath {
    /// Parses an argument.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => Output::Html,
            Some("json") => Output::Json,
            Some("xml") => Output::Junit,
            Some("txt") => Output::Text,
            _ => return Err("its name must end in .html, .json, .xml (JUnit) or .txt".to_owned()),
        };
        Ok(Self { path, form })
    }

    /// Where the report is to be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file beside it: a report that cannot be written is noticed before hours of work.
    pub(super) fn open(&self) -> Result<OpenReport, Usage> {
        if self.path.is_dir() {
            return Err(self.failed(&io::ErrorKind::IsADirectory.into()));
        }
        let beside = regular::beside(&self.path);
        let file = File::create_new(&beside).map_err(|error| self.failed(&error))?;
        Ok(OpenReport {
            of: self.clone(),
            beside,
            file,
        })
    }

    fn failed(&self, error: &io::Error) -> Usage {
        let message = format!("cannot write the report {}: {error}", self.path.display());
        Usage::new(
            message,
            "name a file in a folder that exists and is writable",
        )
    }
}

/// A report whose place is known to be writable. Dropped before it is written, it leaves nothing behind.
pub(super) struct OpenReport {
    pub(super) of: ReportPath,
    beside: PathBuf,
    file: File,
}

impl OpenReport {
    /// Writes it and puts it in its place.
    pub(super) fn write(mut self, text: &str) -> Result<(), Usage> {
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.beside, &self.of.path))
            .map_err(|error| self.of.failed(&error))
    }
}

impl Drop for OpenReport {
    fn drop(&mut self) {
        // It is gone where it was put in its place.
        _ = fs::remove_file(&self.beside);
    }
}
