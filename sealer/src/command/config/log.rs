//! `[[logs]]`: a log, by the names that the options of `append` have.

use std::path::{Path, PathBuf};

use auditlog_sealer::service::{Ack, Route, TagPattern};
use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use serde::Deserialize;

use crate::command::arguments::{AppendArguments, Arguments, Command};

/// A log, by the names that the options of `append` have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Log {
    name: Option<String>,
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
    /// When a batch is acknowledged.
    #[serde(default)]
    pub(in crate::command) ack: Ack,
    /// Lines of segments that may wait for the store, in bytes.
    #[serde(default = "usual_spool_max")]
    pub(in crate::command) spool_max_bytes: u64,
    /// How far names of batches are read back from a log that the spool has not seen.
    #[serde(default = "usual_names_hours")]
    pub(in crate::command) names_hours: u32,
}

const fn usual_names_hours() -> u32 {
    72
}

const fn usual_spool_max() -> u64 {
    10 << 30
}

/// Whether routes and paths can have it as it is.
pub(super) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

impl Log {
    /// What routes call it. The only log needs no name.
    pub(in crate::command) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("log")
    }

    pub(super) const fn has_name(&self) -> bool {
        self.name.is_some()
    }

    pub(in crate::command) fn spool(&self) -> &Path {
        &self.spool
    }

    /// What two tables of the same log have in common.
    pub(super) fn identity(&self) -> (&Path, Option<&str>, Option<&str>) {
        (&self.policy, self.origin.as_deref(), self.to.as_deref())
    }

    /// The route to it where no route is configured.
    pub(super) fn own_route(&self, is_only: bool) -> Route {
        let tag = (!is_only).then(|| TagPattern::parse(self.name())).flatten();
        Route {
            log: self.name().to_owned(),
            input: None,
            tag,
            field: None,
        }
    }

    /// The log as the options of `append` name it, so that both mean the same; otherwise the key that is wrong, and why.
    pub(super) fn append(&self) -> Result<AppendArguments, (String, String)> {
        let parsed = Arguments::try_parse_from(self.words());
        match parsed.map(|arguments| arguments.command) {
            Ok(Command::Append(arguments)) => Ok(*arguments),
            Ok(_) => Err((String::new(), "this is not a log".to_owned())),
            Err(error) => Err(wrong_option(&error)),
        }
    }

    fn words(&self) -> Vec<String> {
        let path = |path: &PathBuf| Some(path.display().to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let seconds = self.max_segment_seconds.map(u64::from);
        let mut words = vec!["auditlog-seal".to_owned(), "append".to_owned()];
        for (name, value) in [
            ("--policy", path(&self.policy)),
            ("--log", self.origin.clone()),
            ("--to", self.to.clone()),
            ("--spool", path(&self.spool)),
            ("--key-file", self.key_file.as_ref().and_then(path)),
            ("--kms-key", self.kms_key.clone()),
            (
                "--previous-key-file",
                self.previous_key_file.as_ref().and_then(path),
            ),
            ("--previous-kms-key", self.previous_kms_key.clone()),
            ("--pins", self.pins.as_ref().and_then(path)),
            ("--max-segment-events", number(self.max_segment_events)),
            ("--max-segment-bytes", number(self.max_segment_bytes)),
            ("--max-segment-seconds", number(seconds)),
            ("--endpoint-url", self.endpoint_url.clone()),
            ("--region", self.region.clone()),
            ("--profile", self.profile.clone()),
            ("--timeout", number(self.timeout)),
        ] {
            words.extend(value.map(|value| format!("{name}={value}")));
        }
        for (name, is_set) in [
            ("--head-unknown", self.head_unknown),
            ("--fenced", self.fenced),
            ("--path-style", self.path_style),
        ] {
            words.extend(is_set.then(|| name.to_owned()));
        }
        words
    }
}

/// A value that the option of `append` does not accept: its key here, and what is wrong.
fn wrong_option(error: &clap::Error) -> (String, String) {
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
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let reason = first.strip_prefix("error: ").unwrap_or(first);
    (key, reason.to_owned())
}
