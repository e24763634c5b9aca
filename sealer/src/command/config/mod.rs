//! The configuration of the service: one TOML file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::service::Route;
use serde::Deserialize;

use super::arguments::AppendArguments;

mod access;
mod file;
mod forward;
mod http;
mod inputs;
mod log;
mod lumberjack;
mod mistake;
mod route;
mod stdin;
mod syslog;

pub(super) use log::Log;

use super::input::{Input, Mistake};
use forward::Forward;
use http::Http;
use inputs::Inputs;
use lumberjack::Lumberjack;
use syslog::Syslog;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The logs, in their order.
    pub(super) logs: Vec<Log>,
    /// The HTTP listeners.
    #[serde(default)]
    http: Vec<Http>,
    /// The listeners for Forward.
    #[serde(default)]
    forward: Vec<Forward>,
    /// The listeners for Beats and Logstash.
    #[serde(default)]
    lumberjack: Vec<Lumberjack>,
    /// The inputs of files.
    #[serde(default)]
    file: Vec<file::File>,
    /// Standard input, at most once.
    #[serde(default)]
    stdin: Vec<stdin::Stdin>,
    /// The listeners for syslog.
    #[serde(default)]
    syslog: Vec<Syslog>,
    #[serde(default)]
    routes: Vec<route::Table>,
    #[serde(skip)]
    text: File,
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
    pub(super) fn plain_listener(path: &Path) -> Result<SocketAddr, Error> {
        let config = Self::parse(path)?;
        let plain = config.http.iter().find(|http| !http.has_tls());
        let reason = match plain {
            Some(http) => return Ok(http.listen),
            None if config.http.is_empty() => "the service has no HTTP listener: add [[http]]",
            None => {
                "each [[http]] has TLS, and status asks a listener without it: add [[http]] with listen = \"127.0.0.1:PORT\""
            }
        };
        Err(config.text.wrong(reason).into())
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
            let at = error.span().map_or(0, |span| span.start);
            let reason = mistake::of(&file.text, at, error.message());
            file.wrong(format!("{line}{reason}"))
        })?;
        config.text = file;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        if self.logs.is_empty() {
            return Err(self.text.wrong("a log is missing: add [[logs]]").into());
        }
        let kinds = self.kinds();
        if kinds.iter().all(|(_, inputs)| inputs.is_empty()) {
            let headers: Vec<String> = kinds
                .iter()
                .map(|(name, _)| format!("[[{name}]]"))
                .collect();
            let reason = format!("an input is missing: add {}", headers.join(" or "));
            return Err(self.text.wrong(reason).into());
        }
        self.check_logs()?;
        let inputs = self.check_inputs()?;
        for (number, table) in self.routes.iter().enumerate() {
            let mistake = table.mistake(&self.logs, &inputs);
            if let Some((key, reason)) = mistake {
                return Err(self.text.wrong_at("routes", number, key, &reason).into());
            }
        }
        Ok(())
    }

    /// The inputs of each kind, with the header of their tables.
    pub(super) fn kinds(&self) -> Vec<(&'static str, Vec<&dyn Input>)> {
        vec![
            ("http", each(&self.http)),
            ("forward", each(&self.forward)),
            ("lumberjack", each(&self.lumberjack)),
            ("file", each(&self.file)),
            ("stdin", each(&self.stdin)),
            ("syslog", each(&self.syslog)),
        ]
    }

    /// Returns the names of the inputs.
    fn check_inputs(&self) -> Result<BTreeSet<&str>, Error> {
        let mut inputs = Inputs::default();
        for (header, of_kind) in self.kinds() {
            for (number, input) in of_kind.into_iter().enumerate() {
                let wrong =
                    |(key, reason): Mistake| self.text.wrong_at(header, number, key, &reason);
                input
                    .mistake()
                    .map_or(Ok(()), |mistake| Err(wrong(mistake)))?;
                let access = input.access(&self.text.path)?;
                let added = inputs.add(input.name(), input.listen(), &access);
                added.map_or(Ok(()), |mistake| Err(wrong(mistake)))?;
            }
        }
        self.check_paths()?;
        Ok(inputs.names)
    }

    /// No path is under two inputs, and standard input is read once.
    fn check_paths(&self) -> Result<(), Error> {
        let mut paths = BTreeMap::new();
        for (number, file) in self.file.iter().enumerate() {
            for path in file.paths() {
                if let Some(other) = paths.insert(path, file.name()) {
                    let reason = twice(path, other);
                    return Err(self.text.wrong_at("file", number, "paths", &reason).into());
                }
            }
        }
        if self.stdin.len() > 1 {
            let reason = "standard input can be read once: remove one of the [[stdin]]";
            return Err(self.text.wrong_at("stdin", 1, "name", reason).into());
        }
        Ok(())
    }

    /// Looks at what the inputs are to read. Returns what a person should know.
    ///
    /// # Errors
    ///
    /// Where something cannot be read, or would be read twice.
    pub(super) fn look(&self) -> Result<Vec<String>, Error> {
        let (mut warnings, mut files) = (Vec::new(), BTreeMap::new());
        for (header, of_kind) in self.kinds() {
            for (number, input) in of_kind.into_iter().enumerate() {
                let wrong =
                    |(key, reason): Mistake| self.text.wrong_at(header, number, key, &reason);
                let looked = input.look().map_err(wrong)?;
                warnings.extend(looked.warnings);
                for (path, found) in looked.files {
                    let place = (found.dev(), found.ino());
                    let other = files.insert(place, input.name());
                    if let Some(other) = other.filter(|other| *other != input.name()) {
                        let path = path.display().to_string();
                        return Err(wrong(("paths", twice(&path, other))).into());
                    }
                }
            }
        }
        Ok(warnings)
    }

    /// How many inputs follow files.
    pub(super) fn file_inputs(&self) -> usize {
        self.file.len()
    }

    fn check_logs(&self) -> Result<(), Error> {
        let (mut names, mut spools, mut logs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (number, log) in self.logs.iter().enumerate() {
            let wrong =
                |key, reason: String| Err(self.text.wrong_at("logs", number, key, &reason).into());
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
        &self.text.path
    }

    /// A log as the options of `append` name it.
    pub(super) fn append(&self, log: &Log) -> Result<AppendArguments, Error> {
        log.append().map_err(|(key, reason)| {
            let is_it = |other: &Log| std::ptr::eq(other, log);
            let number = self.logs.iter().position(is_it).unwrap_or_default();
            self.text.wrong_at("logs", number, &key, &reason).into()
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

fn twice(path: &str, other: &str) -> String {
    format!("{path} is also under the input {other}: its events would be in a log twice")
}

fn each<I: Input>(inputs: &[I]) -> Vec<&dyn Input> {
    inputs.iter().map(|input| input as &dyn Input).collect()
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_asks_a_listener_without_tls() {
        let tls = |port| {
            format!(
                "[[http]]\nlisten = \"127.0.0.1:{port}\"\n[http.tls]\ncertificate = \"a\"\nkey = \"b\"\n"
            )
        };
        let plain = "[[http]]\nlisten = \"127.0.0.1:2\"\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealer.toml");
        let listener = |http: String| {
            fs::write(&path, format!("logs = []\n{http}")).unwrap();
            let found = Config::plain_listener(&path);
            found.map_err(|error| error.to_string())
        };
        let found = listener(format!("{}{plain}", tls(1))).unwrap();
        assert_eq!(found.port(), 2);
        let of_tls = listener(tls(1)).unwrap_err();
        assert!(of_tls.contains("each [[http]] has TLS"), "{of_tls}");
        let none = listener(String::new()).unwrap_err();
        assert!(none.contains("has no HTTP listener"), "{none}");
    }
}
