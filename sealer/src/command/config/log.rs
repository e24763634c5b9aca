//! `[[logs]]`: a log, by the names that the options of `append` have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_sealer::service::{Ack, Route, TagPattern};
use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::Deserialize;

use crate::command::arguments::{AppendArguments, Arguments, Command};
use crate::command::input::Wrong;

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
    max_event_bytes: Option<u64>,
    compression_level: Option<u8>,
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

    /// The same, however it is written.
    pub(super) fn absolute_spool(&self) -> PathBuf {
        std::path::absolute(&self.spool).unwrap_or_else(|_| self.spool.clone())
    }

    /// Where its segments go, if that is a folder.
    pub(super) fn absolute_folder(&self) -> Option<PathBuf> {
        let to = self.to.as_deref();
        let folder = to.filter(|to| to.starts_with(['.', '/']))?;
        std::path::absolute(folder).ok()
    }

    /// Bytes of an event, at most. A number that is wrong is named with the other mistakes.
    pub(in crate::command) fn max_event_bytes(&self) -> usize {
        let most = self.max_event_bytes.map(usize::try_from);
        most.and_then(Result::ok).unwrap_or(MAX_EVENT_BYTES)
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

    /// The log as the options of `append` name it, so that both mean the same.
    ///
    /// # Errors
    ///
    /// A key that is wrong.
    pub(super) fn append(&self) -> Result<AppendArguments, Wrong> {
        self.append_without(&BTreeSet::new())
    }

    fn append_without(&self, keys: &BTreeSet<String>) -> Result<AppendArguments, Wrong> {
        let parsed = Arguments::try_parse_from(self.words(keys));
        match parsed.map(|arguments| arguments.command) {
            Ok(Command::Append(arguments)) => Ok(*arguments),
            Ok(_) => Err(Wrong::new("", "this is not a log", "")),
            Err(error) => Err(wrong_option(&error)),
        }
    }

    /// What is wrong with the table alone.
    pub(super) fn mistakes(&self) -> Vec<Wrong> {
        let (_, mut wrong) = self.without_mistakes();
        if self.spool_max_bytes == 0 {
            let what = "nothing is accepted with spool_max_bytes = 0";
            let remedy = "write a number of bytes, or leave it out";
            wrong.push(Wrong::new("spool_max_bytes", what, remedy));
        }
        wrong
    }

    /// The log without the keys that are wrong, and what is wrong with them.
    pub(super) fn without_mistakes(&self) -> (Option<AppendArguments>, Vec<Wrong>) {
        let (mut wrong, mut without) = (Vec::new(), BTreeSet::new());
        loop {
            match self.append_without(&without) {
                Ok(arguments) => return (Some(arguments), wrong),
                Err(fault) => {
                    let is_new = without.insert(fault.at.clone());
                    wrong.push(fault);
                    if !is_new {
                        return (None, wrong);
                    }
                }
            }
        }
    }

    fn words(&self, without: &BTreeSet<String>) -> Vec<String> {
        let path = |path: &PathBuf| Some(path.display().to_string());
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let seconds = self.max_segment_seconds.map(u64::from);
        let level = self.compression_level.map(u64::from);
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
            ("--max-event-bytes", number(self.max_event_bytes)),
            ("--compression-level", number(level)),
            ("--endpoint-url", self.endpoint_url.clone()),
            ("--region", self.region.clone()),
            ("--profile", self.profile.clone()),
            ("--timeout", number(self.timeout)),
        ] {
            let value = value.filter(|_| !without.contains(&key_of(name)));
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

/// The key of an option.
fn key_of(option: &str) -> String {
    let name = option.trim_start_matches("--").split([' ', '=']).next();
    match name.unwrap_or_default() {
        "log" => "origin".to_owned(),
        name => name.replace('-', "_"),
    }
}

/// A value that the option of `append` does not accept.
fn wrong_option(error: &clap::Error) -> Wrong {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.as_str(),
        Some(ContextValue::Strings(options)) => options.first().map_or("", String::as_str),
        _ => "",
    };
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let what = first.strip_prefix("error: ").unwrap_or(first);
    let remedy = match error.kind() {
        ErrorKind::ArgumentConflict => "leave one of them out",
        _ => "auditlog-seal append --help says what it may be",
    };
    Wrong::new(key_of(option), what, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_that_is_wrong_is_named_at_once() {
        let log: Log = toml::from_str(
            "policy = \"p\"\nspool = \"s\"\nkey_file = \"k\"\nkms_key = \"k\"\nmax_segment_events = 0\nmax_event_bytes = 1023\ntimeout = 0\nspool_max_bytes = 0\n",
        )
        .unwrap();
        let keys: BTreeSet<String> = log.mistakes().into_iter().map(|wrong| wrong.at).collect();
        let expected = [
            "key_file",
            "max_event_bytes",
            "max_segment_events",
            "spool_max_bytes",
            "timeout",
        ];
        assert_eq!(keys, expected.map(str::to_owned).into());
        let (arguments, _) = log.without_mistakes();
        assert_eq!(arguments.unwrap().key.kms_key.as_deref(), Some("k"));
    }
}
