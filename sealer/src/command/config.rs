//! The configuration of the service: one TOML file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auditlog_chain::builder::Source;
use auditlog_sealer::error::{Error, FileFault, UsageError};
use auditlog_sealer::service::{Ack, Token};
use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use serde::Deserialize;

use super::arguments::{AppendArguments, Arguments, Command};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where it is.
    #[serde(skip)]
    path: PathBuf,
    /// What it says.
    #[serde(skip)]
    text: String,
    log: Log,
    pub(super) http: Http,
}

/// The log, by the names that the options of `append` have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    policy: PathBuf,
    origin: Option<String>,
    to: Option<String>,
    spool: PathBuf,
    key_file: Option<PathBuf>,
    kms_key: Option<String>,
    previous_key_file: Option<PathBuf>,
    previous_kms_key: Option<String>,
    pins: Option<PathBuf>,
    #[serde(default)]
    head_unknown: bool,
    #[serde(default)]
    fenced: bool,
    max_segment_events: Option<u64>,
    max_segment_bytes: Option<u64>,
    max_segment_seconds: Option<u32>,
    endpoint_url: Option<String>,
    #[serde(default)]
    path_style: bool,
    region: Option<String>,
    profile: Option<String>,
    timeout: Option<u64>,
    #[serde(default)]
    ack: Ack,
    #[serde(default = "usual_spool_max")]
    spool_max_bytes: u64,
}

const fn usual_spool_max() -> u64 {
    10 << 30
}

/// The listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) listen: SocketAddr,
    #[serde(default)]
    token: Vec<TokenFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    source: String,
    file: PathBuf,
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| UsageError::Configuration {
            path: path.to_owned(),
            reason,
        };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            wrong(format!("{line}{}", error.message()))
        })?;
        (config.path, config.text) = (path.to_owned(), text);
        if config.http.token.is_empty() && !config.http.listen.ip().is_loopback() {
            let listen = config.http.listen.to_string();
            return Err(UsageError::OpenListener { listen }.into());
        }
        config.append()?;
        config.tokens()?;
        Ok(config)
    }

    pub(super) const fn ack(&self) -> Ack {
        self.log.ack
    }

    pub(super) const fn spool_max(&self) -> u64 {
        self.log.spool_max_bytes
    }

    /// The log as the options of `append` name it, so that both mean the same.
    pub(super) fn append(&self) -> Result<AppendArguments, Error> {
        let log = &self.log;
        let path = |path: &PathBuf| Some(path.display().to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let seconds = log.max_segment_seconds.map(u64::from);
        let mut words = vec!["auditlog-seal".to_owned(), "append".to_owned()];
        for (name, value) in [
            ("--policy", path(&log.policy)),
            ("--log", log.origin.clone()),
            ("--to", log.to.clone()),
            ("--spool", path(&log.spool)),
            ("--key-file", log.key_file.as_ref().and_then(path)),
            ("--kms-key", log.kms_key.clone()),
            (
                "--previous-key-file",
                log.previous_key_file.as_ref().and_then(path),
            ),
            ("--previous-kms-key", log.previous_kms_key.clone()),
            ("--pins", log.pins.as_ref().and_then(path)),
            ("--max-segment-events", number(log.max_segment_events)),
            ("--max-segment-bytes", number(log.max_segment_bytes)),
            ("--max-segment-seconds", number(seconds)),
            ("--endpoint-url", log.endpoint_url.clone()),
            ("--region", log.region.clone()),
            ("--profile", log.profile.clone()),
            ("--timeout", number(log.timeout)),
        ] {
            words.extend(value.map(|value| format!("{name}={value}")));
        }
        for (name, is_set) in [
            ("--head-unknown", log.head_unknown),
            ("--fenced", log.fenced),
            ("--path-style", log.path_style),
        ] {
            words.extend(is_set.then(|| name.to_owned()));
        }
        let parsed = Arguments::try_parse_from(words).map(|arguments| arguments.command);
        match parsed {
            Ok(Command::Append(arguments)) => Ok(*arguments),
            Ok(_) => Err(UsageError::NoDestination.into()),
            Err(error) => Err(self.wrong_option(&error).into()),
        }
    }

    /// A value that the option of `append` does not accept.
    fn wrong_option(&self, error: &clap::Error) -> UsageError {
        let option = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(option)) => option.as_str(),
            Some(ContextValue::Strings(options)) => options.first().map_or("", String::as_str),
            _ => "",
        };
        let name = option.trim_start_matches("--").split([' ', '=']).next();
        let key = match name.unwrap_or_default() {
            "log" => "origin".to_owned(),
            name => name.replace('-', "_"),
        };
        let is_it = |line: &str| {
            let rest = line.trim_start().strip_prefix(&key);
            rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let line = self.text.lines().position(is_it);
        let line = line.map(|line| format!("line {}: ", line.saturating_add(1)));
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let reason = first.strip_prefix("error: ").unwrap_or(first);
        UsageError::Configuration {
            path: self.path.clone(),
            reason: format!("{}{reason}", line.unwrap_or_default()),
        }
    }

    /// Who may send. A secret is the content of its file, without white space around it.
    pub(super) fn tokens(&self) -> Result<Vec<Token>, Error> {
        let token = |token: &TokenFile| {
            let fault = FileFault::of("the token cannot be read", &token.file);
            let wrong = |reason: String| UsageError::Configuration {
                path: token.file.clone(),
                reason,
            };
            let secret =
                fs::read(&token.file).map_err(|error| wrong(fault(error).source.to_string()))?;
            let secret = secret.trim_ascii().to_vec();
            if secret.len() < 16 {
                return Err(wrong("a token has at least 16 characters".to_owned()).into());
            }
            let source = Source::parse(&token.source).ok_or_else(|| UsageError::Malformed {
                expected: "a source of 1 to 255 characters of printable ASCII without quote and backslash",
                found: token.source.clone(),
            })?;
            Ok(Token { source, secret })
        };
        self.http.token.iter().map(token).collect()
    }
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}
