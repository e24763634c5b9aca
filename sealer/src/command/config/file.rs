//! `[[file]]`: files that are followed.

use std::fs::{self, File as OpenFile, Metadata};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auditlog_chain::builder::Source;
use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::follow::{Own, Pattern, Settings};
use auditlog_sealer::input::GivenName;
use auditlog_sealer::level::Level;
use auditlog_sealer::listen::Access;
use auditlog_sealer::service::{FilesInput, serve_files};
use serde::Deserialize;

use super::access::SOURCE;
use crate::command::input::{Around, Input, Looked, Serving, Tags, Wrong};
use crate::command::journal::say_of_input;

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

    /// Those that are patterns, with their numbers.
    fn patterns(&self) -> impl Iterator<Item = (usize, Pattern)> {
        let paths = self.paths.iter().enumerate();
        paths.filter_map(|(number, path)| Some((number, Pattern::parse(path)?)))
    }

    fn settings(&self, most_files: usize, own: &Own) -> Result<Settings, Error> {
        let malformed = |found: &str| UsageError::Malformed {
            expected: "a name of 1 to 200 characters of printable ASCII without quote and backslash",
            found: found.to_owned(),
        };
        Ok(Settings {
            input: GivenName::parse(&self.name).ok_or_else(|| malformed(&self.name))?,
            paths: self.patterns().map(|(_, pattern)| pattern).collect(),
            own: own.clone(),
            source: self.source.as_deref().and_then(Source::parse),
            linger: Duration::from_secs(self.linger_seconds),
            most_files,
            max_event_bytes: MAX_EVENT_BYTES,
        })
    }
}

/// What the name of an input may be that logs remember.
pub(super) const GIVEN_NAME: &str =
    "write 1 to 200 characters of printable ASCII without quote and backslash";

/// What is wrong with a path as it is written.
fn of_path(number: usize, path: &str) -> Option<Wrong> {
    let (what, remedy) = if Pattern::parse(path).is_none() {
        (
            format!("{path} is not the absolute path of a file"),
            "begin it with /, and name a file, with * and ? in names where there are several",
        )
    } else if path.split('/').any(|part| part.contains("**")) {
        (
            format!("{path}: ** does not lead through folders here"),
            "write a path for each depth, such as /var/log/*.log and /var/log/*/*.log",
        )
    } else if path.contains('[') {
        (
            format!("{path}: [ begins no list of characters here"),
            "write ? for one character, also for a [ in a name, or a path for each name",
        )
    } else {
        return None;
    };
    Some(Wrong::new(format!("paths.{number}"), what, remedy))
}

/// Looks at what is at a path.
fn look_at(at: &str, pattern: &Pattern, looked: &mut Looked) {
    let found = match pattern.find() {
        Ok(found) => found,
        Err(fault) => return looked.wrong.push(unread(at, fault)),
    };
    if found.is_empty() {
        let shown = pattern.as_path().display();
        looked.warnings.push(format!("{shown} is not there yet"));
    }
    for path in found {
        match metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                looked.files.push((at.to_owned(), path, metadata));
            }
            Ok(_) if pattern.path().is_some() => {
                let what = format!("{} is not a file", path.display());
                let remedy = format!("for the files of a folder, write {}/*.log", path.display());
                looked.wrong.push(Wrong::new(at, what, remedy));
            }
            Ok(_) => {}
            // It was removed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => looked.wrong.push(unread(at, (path, error))),
        }
    }
}

/// The opening of a named pipe would wait for whoever writes into it.
fn metadata(path: &Path) -> io::Result<Metadata> {
    let found = fs::metadata(path)?;
    if found.is_file() {
        return OpenFile::open(path)?.metadata();
    }
    Ok(found)
}

fn unread(at: &str, (path, error): (PathBuf, io::Error)) -> Wrong {
    let what = format!("{} cannot be read: {error}", path.display());
    Wrong::new(at, what, "let the user of the service read it")
}

impl Input for File {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self) -> Option<SocketAddr> {
        None
    }

    fn mistakes(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if GivenName::parse(&self.name).is_none() {
            let what = format!("{:?} cannot be the name of an input of files", self.name);
            wrong.push(Wrong::new("name", what, GIVEN_NAME));
        }
        let source = self.source.as_deref();
        if let Some(text) = source.filter(|text| Source::parse(text).is_none()) {
            let what = format!("{text:?} cannot be a source in the log");
            wrong.push(Wrong::new("source", what, SOURCE));
        }
        if self.paths.is_empty() {
            let remedy = "add one: paths = [\"/var/log/app/*.log\"]";
            wrong.push(Wrong::new("paths", "a path is missing", remedy));
        }
        let paths = self.paths.iter().enumerate();
        wrong.extend(paths.filter_map(|(number, path)| of_path(number, path)));
        if !POLL.contains(&self.poll_milliseconds) {
            let (least, most) = (POLL.start(), POLL.end());
            let what = format!("{} is not in {least} to {most}", self.poll_milliseconds);
            wrong.push(Wrong::new(
                "poll_milliseconds",
                what,
                "write 250, or leave it out",
            ));
        }
        wrong
    }

    fn tags(&self) -> Tags<'_> {
        Tags::Always(self.tag.as_deref())
    }

    fn access(&self) -> Result<Access, Vec<Wrong>> {
        Ok(Access::default())
    }

    fn look(&self) -> Looked {
        let mut looked = Looked::default();
        for (number, pattern) in self.patterns() {
            look_at(&format!("paths.{number}"), &pattern, &mut looked);
        }
        looked
    }

    fn bind(&self, around: &Around) -> Result<Vec<Serving>, Error> {
        let most = MOST_FILES
            .checked_div(around.file_inputs)
            .unwrap_or(MOST_FILES);
        let name = self.name.clone();
        let notify = move |what: &str| {
            say_of_input(Level::Warning, &name, &format!("the input {name}: {what}"));
        };
        let input = Arc::new(FilesInput {
            name: self.name.clone(),
            tag: self.tag.clone(),
            settings: self.settings(most.max(1), &around.own)?,
            poll: Duration::from_millis(self.poll_milliseconds),
            patience: PATIENCE,
            router: Arc::clone(&around.router),
            notify: Arc::new(notify),
        });
        let serve = move |ending| serve_files(input, ending);
        Ok(vec![Serving::that_may_fail(self.name.clone(), serve)])
    }
}
