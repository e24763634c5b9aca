//! The configuration of the service: one TOML file.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::service::Route;
use serde::Deserialize;

use super::arguments::AppendArguments;

mod access;
mod forward;
mod http;
mod log;
mod route;

pub(super) use forward::Forward;
pub(super) use forward::Opened;
pub(super) use http::Http;
pub(super) use log::Log;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The logs, in their order.
    pub(super) logs: Vec<Log>,
    /// The HTTP listeners.
    #[serde(default)]
    pub(super) http: Vec<Http>,
    /// The listeners for Forward.
    #[serde(default)]
    pub(super) forward: Vec<Forward>,
    #[serde(default)]
    routes: Vec<route::Table>,
    #[serde(skip)]
    file: File,
}

/// The text of the file, for messages.
#[derive(Debug, Default)]
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn wrong(&self, reason: impl Into<String>) -> UsageError {
        UsageError::Configuration {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    /// A mistake of the table with this header and number, at a key of it where the key is there.
    fn wrong_at(&self, header: &str, number: usize, key: &str, reason: &str) -> UsageError {
        let lines = self.text.lines().zip(1_usize..);
        let mut before = 0_usize;
        let mut found = None;
        for (line, at) in lines {
            let line = line.trim();
            if line.starts_with('[') {
                let is_it = line
                    .strip_prefix("[[")
                    .and_then(|rest| rest.split("]]").next());
                let is_it = is_it.map(str::trim) == Some(header);
                if is_it && before == number {
                    found = Some(at);
                } else if found.is_some() {
                    break;
                }
                before = before.saturating_add(usize::from(is_it));
            }
            let rest = line.strip_prefix(key).filter(|_| found.is_some());
            if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                found = Some(at);
                break;
            }
        }
        let line = found.map_or_else(String::new, |line| format!("line {line}: "));
        self.wrong(format!("{line}{reason}"))
    }
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let config = Self::parse(path)?;
        config.check()?;
        Ok(config)
    }

    /// Where the service listens, whether or not this user may read what else the file names.
    pub(super) fn first_listener(path: &Path) -> Result<SocketAddr, Error> {
        let config = Self::parse(path)?;
        let first = config.http.first().map(|http| http.listen);
        first.ok_or_else(|| {
            config
                .file
                .wrong("the service has no HTTP listener: add [[http]]")
                .into()
        })
    }

    fn parse(path: &Path) -> Result<Self, Error> {
        let mut file = File {
            path: path.to_owned(),
            text: String::new(),
        };
        file.text = fs::read_to_string(path).map_err(|error| file.wrong(error.to_string()))?;
        let mut config: Self = toml::from_str(&file.text).map_err(|error| {
            let line = error.span().map(|span| line_of(&file.text, span.start));
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            file.wrong(format!("{line}{}", error.message()))
        })?;
        config.file = file;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        if self.logs.is_empty() {
            return Err(self.file.wrong("there is no log: add [[logs]]").into());
        }
        if self.http.is_empty() && self.forward.is_empty() {
            let reason = "there is no input: add [[http]] or [[forward]]";
            return Err(self.file.wrong(reason).into());
        }
        self.check_logs()?;
        let mut inputs = BTreeSet::new();
        for (number, http) in self.http.iter().enumerate() {
            http.open(&self.file.path)?;
            if !inputs.insert(http.name()) {
                let reason = format!("two inputs have the name {}", http.name());
                return Err(self.file.wrong_at("http", number, "name", &reason).into());
            }
        }
        for (number, forward) in self.forward.iter().enumerate() {
            if let Some(reason) = forward.mistake() {
                return Err(self.file.wrong_at("forward", number, "user", reason).into());
            }
            forward.open(&self.file.path)?;
            if !inputs.insert(forward.name()) {
                let reason = format!("two inputs have the name {}", forward.name());
                return Err(self
                    .file
                    .wrong_at("forward", number, "name", &reason)
                    .into());
            }
        }
        for (number, table) in self.routes.iter().enumerate() {
            let mistake = table.mistake(&self.logs, &inputs);
            if let Some((key, reason)) = mistake {
                return Err(self.file.wrong_at("routes", number, key, &reason).into());
            }
        }
        Ok(())
    }

    fn check_logs(&self) -> Result<(), Error> {
        let (mut names, mut spools, mut logs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (number, log) in self.logs.iter().enumerate() {
            let wrong =
                |key, reason: String| Err(self.file.wrong_at("logs", number, key, &reason).into());
            if self.logs.len() > 1 && !log.has_name() {
                return wrong("name", "each of several logs needs a name".to_owned());
            }
            if !log::is_name(log.name()) {
                let expected = "a name of a log has 1 to 64 letters, digits, - and _";
                return wrong("name", expected.to_owned());
            }
            if !names.insert(log.name()) {
                return wrong("name", format!("two logs have the name {}", log.name()));
            }
            if !spools.insert(log.spool()) {
                let spool = log.spool().display();
                return wrong("spool", format!("two logs have the spool {spool}"));
            }
            if !logs.insert(log.identity()) {
                let reason = "another of the [[logs]] is the same log: a log has one writer";
                return wrong("origin", reason.to_owned());
            }
            self.append(log)?;
        }
        Ok(())
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// A log as the options of `append` name it.
    pub(super) fn append(&self, log: &Log) -> Result<AppendArguments, Error> {
        log.append().map_err(|(key, reason)| {
            let is_it = |other: &Log| std::ptr::eq(other, log);
            let number = self.logs.iter().position(is_it).unwrap_or_default();
            self.file.wrong_at("logs", number, &key, &reason).into()
        })
    }

    /// Where batches go. Without a route, all go to the only log, or each to the log whose name is its tag.
    pub(super) fn routes(&self) -> Vec<Route> {
        if self.routes.is_empty() {
            let is_only = self.logs.len() == 1;
            return self.logs.iter().map(|log| log.own_route(is_only)).collect();
        }
        self.routes.iter().map(route::Table::route).collect()
    }
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}
