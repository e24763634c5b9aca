//! The configuration of the service: one TOML file.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auditlog_sealer::error::{Error, UsageError};
use auditlog_sealer::follow::Own;
use auditlog_sealer::listen::Access;
use auditlog_sealer::service::Route;
use serde::Deserialize;

use super::arguments::{AppendArguments, Now};
use super::faults::{Faults, Keys};
use super::journal::LogFormat;

mod access;
mod file;
mod forward;
mod http;
mod inputs;
mod lines;
mod log;
mod logs;
mod lumberjack;
mod message;
mod mistake;
mod nearest;
mod paths;
mod route;
mod shape;
mod stdin;
mod syslog;

pub(super) use log::Log;
pub(super) use mistake::Mistakes;

use super::input::{Input, Tags, Wrong};
use forward::Forward;
use http::Http;
use inputs::{Inputs, shared};
use logs::{Count, Logs};
use lumberjack::Lumberjack;
use paths::{Files, Paths};
use shape::{Shaped, shape};
use syslog::Syslog;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// How lines on standard error are written.
    #[serde(default)]
    pub(super) log_format: LogFormat,
    /// The logs, in their order.
    #[serde(default)]
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
    path: PathBuf,
}

impl Config {
    /// Reads the file, and the secrets and certificates that it names.
    ///
    /// # Errors
    ///
    /// Shows all mistakes but the last one, which it returns.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let (config, mistakes) = Self::checked(path)?;
        mistakes.into_result()?;
        // Where nothing is wrong, all was read.
        config.ok_or_else(|| unreadable(path, "it cannot be used".to_owned()))
    }

    /// The file, as far as it can be read, and all that is wrong with it.
    ///
    /// # Errors
    ///
    /// Where there is nothing to read.
    pub(super) fn checked(path: &Path) -> Result<(Option<Self>, Mistakes), Error> {
        let Shaped {
            value,
            lines,
            amended,
            mistakes,
        } = Self::shaped(path)?;
        let mut mistakes = Mistakes::new(path.to_owned(), lines, amended, mistakes);
        if let Some(config) = &value {
            config.check(&mut mistakes);
        }
        Ok((value, mistakes))
    }

    /// Where the service listens, whether or not this user may read what else the file names.
    pub(super) fn plain_listener(path: &Path) -> Result<SocketAddr, Error> {
        let shaped = Self::shaped(path)?;
        let mistakes = Mistakes::new(
            path.to_owned(),
            shaped.lines,
            shaped.amended,
            shaped.mistakes,
        );
        mistakes.into_result()?;
        let listeners = shaped.value.map(|config| config.http).unwrap_or_default();
        let plain = listeners.iter().find(|http| !http.has_tls());
        let (what, remedy) = match plain {
            Some(http) => return Ok(http.listen),
            None if listeners.is_empty() => ("the service has no HTTP listener", "add [[http]]"),
            None => (
                "each [[http]] has TLS, and status asks a listener without it",
                "add [[http]] with listen = \"127.0.0.1:PORT\"",
            ),
        };
        Err(UsageError::Configuration {
            path: path.to_owned(),
            line: None,
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        }
        .into())
    }

    fn shaped(path: &Path) -> Result<Shaped<Self>, Error> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, error.to_string()))?;
        let mut shaped: Shaped<Self> = shape(&text);
        if let Some(config) = &mut shaped.value {
            path.clone_into(&mut config.path);
        }
        Ok(shaped)
    }

    fn check(&self, mistakes: &mut Mistakes) {
        if self.logs.is_empty() {
            mistakes.add_of_file("a log is missing", "add [[logs]]".to_owned());
        }
        let kinds = self.kinds();
        if kinds.iter().all(|(_, inputs)| inputs.is_empty()) {
            let headers = kinds.iter().map(|(name, _)| format!("[[{name}]]"));
            let headers: Vec<String> = headers.collect();
            let remedy = format!("add {}", headers.join(" or "));
            mistakes.add_of_file("an input is missing", remedy);
        }
        self.check_logs(mistakes);
        let inputs = self.check_inputs(mistakes);
        self.check_paths(mistakes);
        let logs: Vec<&str> = self.logs.iter().map(Log::name).collect();
        let mut are_known = true;
        for (number, table) in self.routes.iter().enumerate() {
            let wrong = table.mistakes(&logs, &inputs);
            are_known &= wrong.is_empty();
            mistakes.extend(&format!("routes.{number}"), wrong);
        }
        if are_known {
            self.check_reached(mistakes);
        }
    }

    /// Each input leads to a log, whatever it sends. Where senders give tags, that is found out when they do.
    fn check_reached(&self, mistakes: &mut Mistakes) {
        let routes = self.routes();
        for (table, input) in self.inputs() {
            let Tags::Always(tag) = input.tags() else {
                continue;
            };
            let name = input.name();
            if routes.iter().any(|route| route.is_for(name, tag)) || self.logs.is_empty() {
                continue;
            }
            let what = format!("no route leads to a log from the input {name}");
            let remedy = format!("add [[routes]] with input = {name:?} and log = \"NAME\"");
            mistakes.add(&table, Wrong::new("", what, remedy));
        }
    }

    fn check_logs(&self, mistakes: &mut Mistakes) {
        let count = if self.logs.len() > 1 {
            Count::Several
        } else {
            Count::Only
        };
        let mut logs = Logs::default();
        for (number, log) in self.logs.iter().enumerate() {
            mistakes.extend(&format!("logs.{number}"), logs.add(log, count));
        }
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

    /// All inputs, with the way to their tables.
    fn inputs(&self) -> impl Iterator<Item = (String, &dyn Input)> {
        let kinds = self.kinds().into_iter();
        kinds.flat_map(|(header, of_kind)| {
            let of_kind = of_kind.into_iter().enumerate();
            of_kind.map(move |(number, input)| (format!("{header}.{number}"), input))
        })
    }

    /// The inputs whose secrets are in files, by their names.
    pub(super) fn with_secret_files(&self) -> impl Iterator<Item = &dyn Input> {
        let inputs = self.inputs().map(|(_, input)| input);
        inputs.filter(|input| !input.secret_files().is_empty())
    }

    /// How many inputs listen.
    pub(super) fn listeners(&self) -> usize {
        let inputs = self.inputs();
        inputs.filter(|(_, input)| input.listen().is_some()).count()
    }

    /// Returns the names of the inputs.
    fn check_inputs(&self, mistakes: &mut Mistakes) -> BTreeSet<&str> {
        let mut inputs = Inputs::default();
        for (table, input) in self.inputs() {
            mistakes.extend(&table, input.mistakes());
            mistakes.extend(&table, inputs.add(input.name(), input.listen()));
            let of_senders = apart(input.access()).err().unwrap_or_default();
            mistakes.extend(&table, of_senders);
        }
        if self.stdin.len() > 1 {
            let what = "standard input can be read once";
            mistakes.add(
                "stdin.1",
                Wrong::new("", what, "remove one of the [[stdin]]"),
            );
        }
        inputs.names
    }

    /// No path is under two inputs, in a spool, or where segments go.
    fn check_paths(&self, mistakes: &mut Mistakes) {
        let (mut paths, own) = (Paths::default(), self.own());
        for (number, file) in self.file.iter().enumerate() {
            let wrong = paths.add(file.name(), file.paths(), &own);
            mistakes.extend(&format!("file.{number}"), wrong);
        }
    }

    /// What the service itself writes.
    pub(super) fn own(&self) -> Own {
        Own {
            spools: self.logs.iter().map(Log::absolute_spool).collect(),
            stores: self.logs.iter().filter_map(Log::absolute_folder).collect(),
        }
    }

    /// Looks at what the logs name. Returns what has failed for a reason that is not in the configuration.
    pub(super) fn look_at_logs(&self, mistakes: &mut Mistakes, now: Now) -> Vec<Error> {
        let mut failed = Vec::new();
        for (number, log) in self.logs.iter().enumerate() {
            // What is wrong with its table was found before.
            if let (Some(arguments), wrong) = log.without_mistakes() {
                let keys = if wrong.is_empty() {
                    Keys::Known
                } else {
                    Keys::Unknown
                };
                let faults = Faults::of(&arguments, keys, now);
                mistakes.extend(&format!("logs.{number}"), faults.wrong);
                failed.extend(faults.failed);
            }
        }
        failed
    }

    /// Looks at what the inputs are to read. Returns what a person should know.
    pub(super) fn look(&self, mistakes: &mut Mistakes) -> Vec<String> {
        let (mut warnings, own) = (Vec::new(), self.own());
        let mut files = Files::default();
        for (table, input) in self.inputs() {
            let mut looked = input.look();
            mistakes.extend(&table, files.add(input.name(), &looked, &own));
            mistakes.extend(&table, std::mem::take(&mut looked.wrong));
            warnings.extend(looked.warnings);
        }
        warnings
    }

    /// How many inputs follow files.
    pub(super) fn file_inputs(&self) -> usize {
        self.file.len()
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A log as the options of `append` name it.
    pub(super) fn append(&self, log: &Log) -> Result<AppendArguments, Error> {
        log.append().map_err(|Wrong { what, remedy, .. }| {
            let (path, line) = (self.path.clone(), None);
            UsageError::Configuration {
                path,
                line,
                what,
                remedy,
            }
            .into()
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

/// Who may send to an input, where its senders can be told apart.
pub(in crate::command) fn apart(access: Result<Access, Vec<Wrong>>) -> Result<Access, Vec<Wrong>> {
    let access = access?;
    let wrong = shared(&access);
    if wrong.is_empty() {
        Ok(access)
    } else {
        Err(wrong)
    }
}

fn unreadable(path: &Path, what: String) -> Error {
    let remedy = "name the file with --config FILE; docs/guides/service.md describes it".to_owned();
    let path = path.to_owned();
    UsageError::Configuration {
        path,
        line: None,
        what,
        remedy,
    }
    .into()
}

fn each<I: Input>(inputs: &[I]) -> Vec<&dyn Input> {
    inputs.iter().map(|input| input as &dyn Input).collect()
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
