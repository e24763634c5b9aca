//! `[[file]]`: files that are followed.

use std::fs::{self, File as OpenFile};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::Source;
use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::follow::{Pattern, Settings};
use auditlog_sealer::input::GivenName;
use auditlog_sealer::listen::Access;
use auditlog_sealer::service::{FilesInput, serve_files};
use serde::Deserialize;

use crate::command::input::{Around, Input, Looked, Mistake, Serving};

/// Files that are followed at a time by all inputs, at most: a spool remembers a thousand inputs, and rotated files for a time.
const MOST_FILES: usize = 800;

/// How long the logs have to answer what is offered together.
const PATIENCE: Duration = Duration::from_secs(5);

/// Milliseconds between two looks.
const POLL: std::ops::RangeInclusive<u64> = 10..=60_000;

/// An input of files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default = "usual_name")]
    name: String,
    paths: Vec<String>,
    source: Option<String>,
    tag: Option<String>,
    #[serde(default = "usual_poll")]
    poll_milliseconds: u64,
    #[serde(default = "usual_linger")]
    linger_seconds: u64,
}

fn usual_name() -> String {
    "file".to_owned()
}

const fn usual_poll() -> u64 {
    250
}

const fn usual_linger() -> u64 {
    60
}

impl File {
    /// The paths as they are written.
    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    fn patterns(&self) -> Vec<Pattern> {
        let paths = self.paths.iter();
        paths.filter_map(|path| Pattern::parse(path)).collect()
    }

    fn settings(&self, most_files: usize) -> Result<Settings, Error> {
        let malformed = |found: &str| UsageError::Malformed {
            expected: "a name of 1 to 200 characters of printable ASCII without quote and backslash",
            found: found.to_owned(),
        };
        Ok(Settings {
            input: GivenName::parse(&self.name).ok_or_else(|| malformed(&self.name))?,
            paths: self.patterns(),
            source: self.source.as_deref().and_then(Source::parse),
            linger: Duration::from_secs(self.linger_seconds),
            most_files,
        })
    }
}

impl Input for File {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        None
    }

    fn mistake(&self) -> Option<Mistake> {
        let is_source = |text: &String| Source::parse(text).is_some();
        let wrong = |path: &&String| Pattern::parse(path).is_none();
        let names = "1 to 200 characters of printable ASCII without quote and backslash";
        if GivenName::parse(&self.name).is_none() {
            return Some(("name", format!("the name of an input of files has {names}")));
        }
        if self.source.as_ref().is_some_and(|text| !is_source(text)) {
            return Some((
                "source",
                "a source has 1 to 255 characters of printable ASCII without quote and backslash"
                    .to_owned(),
            ));
        }
        if self.paths.is_empty() {
            return Some((
                "paths",
                "a path is missing: paths = [\"/var/log/app/*.log\"]".to_owned(),
            ));
        }
        if let Some(path) = self.paths.iter().find(wrong) {
            let reason = format!(
                "{path} is not the absolute path of a file: begin it with /, and name a file, with * and ? in names where there are several"
            );
            return Some(("paths", reason));
        }
        if !POLL.contains(&self.poll_milliseconds) {
            let (least, most) = (POLL.start(), POLL.end());
            return Some(("poll_milliseconds", format!("expected {least} to {most}")));
        }
        None
    }

    fn access(&self, _: &Path) -> Result<Access, Error> {
        Ok(Access::default())
    }

    fn look(&self) -> Result<Looked, Mistake> {
        let mut looked = Looked::default();
        for pattern in self.patterns() {
            let shown = pattern.as_path().display();
            let cannot = |(path, error): (PathBuf, std::io::Error)| {
                let path = path.display();
                (
                    "paths",
                    format!("{path} cannot be read: {error}; let the user of the service read it"),
                )
            };
            let found = pattern.find().map_err(cannot)?;
            if found.is_empty() {
                looked.warnings.push(format!("{shown} is not there yet"));
            }
            for path in found {
                // The opening of a named pipe would wait for whoever writes into it.
                let metadata = fs::metadata(&path).and_then(|found| {
                    if found.is_file() {
                        return OpenFile::open(&path)?.metadata();
                    }
                    Ok(found)
                });
                let metadata = match metadata {
                    Ok(metadata) => metadata,
                    // It was removed meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(cannot((path, error))),
                };
                if metadata.is_file() {
                    looked.files.push((path, metadata));
                } else if pattern.path().is_some() {
                    return Err((
                        "paths",
                        format!("{shown} is not a file: for the files of a folder, add /*.log"),
                    ));
                }
            }
        }
        Ok(looked)
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let most = MOST_FILES
            .checked_div(around.file_inputs)
            .unwrap_or(MOST_FILES);
        let name = self.name.clone();
        let notify = move |what: &str| eprintln!("warning: the input {name}: {what}");
        let input = Arc::new(FilesInput {
            name: self.name.clone(),
            tag: self.tag.clone(),
            settings: self.settings(most.max(1))?,
            poll: Duration::from_millis(self.poll_milliseconds),
            patience: PATIENCE,
            router: Arc::clone(&around.router),
            notify: Arc::new(notify),
        });
        let serve = move |ending| serve_files(input, ending);
        Ok(vec![Serving::that_may_fail(self.name.clone(), serve)])
    }
}
