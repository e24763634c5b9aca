//! The lines on standard error: one place writes them, as text or, with `log_format = "json"`, each as one object.

use std::io::{self, Write as _};
use std::sync::OnceLock;

use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::Cause;
use auditlog_sealer::level::{Level, Line};
use auditlog_sealer::seal::Notice;
use serde::{Deserialize, Serialize};

use super::arguments::Now;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// As people read them.
    #[default]
    Text,
    /// Each as one JSON object.
    Json,
}

/// Set once, before anything else of the service runs.
static FORMAT: OnceLock<(LogFormat, Now)> = OnceLock::new();

/// From now on, lines are written so.
pub(super) fn write_as(format: LogFormat, now: Now) {
    // Whoever was first has decided.
    _ = FORMAT.set((format, now));
}

/// A log, as text and as metrics call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfLog<'e> {
    /// Its name, where there are several.
    pub(super) label: Option<&'e str>,
    pub(super) origin: &'e str,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'e> {
    pub(super) level: Level,
    pub(super) log: Option<OfLog<'e>>,
    /// The message has it as well.
    pub(super) input: Option<&'e str>,
    pub(super) cause: Option<Cause>,
    pub(super) message: &'e str,
    /// What to do about it.
    pub(super) hint: Option<&'e str>,
}

impl<'e> Entry<'e> {
    pub(super) const fn new(level: Level, message: &'e str) -> Self {
        Self {
            level,
            log: None,
            input: None,
            cause: None,
            message,
            hint: None,
        }
    }

    /// What a sealer has noticed, in these words.
    pub(super) const fn of_notice(notice: &Notice, message: &'e str) -> Self {
        Self {
            cause: notice.cause(),
            ..Self::new(notice.level(), message)
        }
    }

    pub(super) const fn of_line(line: &Line<'e>) -> Self {
        Self {
            input: line.input,
            ..Self::new(line.level, line.text)
        }
    }

    /// With its line break.
    fn text(&self) -> String {
        let level = self.level.as_str();
        let label = self.log.and_then(|log| log.label);
        let of = label.map_or_else(String::new, |label| format!("log {label}: "));
        let hint = self.hint.map(|hint| format!("hint: {hint}\n"));
        let (message, hint) = (self.message, hint.unwrap_or_default());
        format!("{level}: {of}{message}\n{hint}")
    }

    fn json(&self, time: Timestamp) -> String {
        let line = Json {
            time: time.to_string(),
            level: self.level.as_str(),
            log: self.log.map(|log| log.origin),
            input: self.input,
            cause: self.cause.map(Cause::as_str),
            message: self.message,
            hint: self.hint,
        };
        // Strings can always be written.
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }
}

#[derive(Serialize)]
struct Json<'e> {
    time: String,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    message: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'e str>,
}

/// Writes a line. Whoever closed standard error does not want to read it.
pub(super) fn say(entry: &Entry<'_>) {
    let line = match FORMAT.get() {
        Some((LogFormat::Json, now)) => entry.json(now()),
        Some((LogFormat::Text, _)) | None => entry.text(),
    };
    // In one piece: threads do not mix their lines.
    _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Something of one input.
pub(super) fn say_of_input(level: Level, input: &str, message: &str) {
    say(&Entry {
        input: Some(input),
        ..Entry::new(level, message)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_text_for_people_and_an_object_for_machines() {
        let notice = Notice::Waits {
            segment: 7,
            reason: "it does \"not\" answer".to_owned(),
            cause: Cause::Kms,
        };
        let message = "line 1\nline 2";
        let log = OfLog {
            label: Some("payments"),
            origin: "acme.example/payments",
        };
        let entry = Entry {
            log: Some(log),
            ..Entry::of_notice(&notice, message)
        };
        let text = "warning: log payments: line 1\nline 2\n";
        assert_eq!(entry.text(), text);
        let json = "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"warning\",\"log\":\"acme.example/payments\",\"cause\":\"kms\",\"message\":\"line 1\\nline 2\"}\n";
        assert_eq!(entry.json(Timestamp::EPOCH), json);
        let only = OfLog { label: None, ..log };
        let entry = Entry {
            log: Some(only),
            ..Entry::of_notice(&Notice::AcceptsAgain, "well")
        };
        assert_eq!(entry.text(), "info: well\n");
        let error = Entry {
            input: Some("http"),
            hint: Some("do this"),
            ..Entry::new(Level::Error, "it has ended")
        };
        assert_eq!(error.text(), "error: it has ended\nhint: do this\n");
        let json = "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"error\",\"input\":\"http\",\"message\":\"it has ended\",\"hint\":\"do this\"}\n";
        assert_eq!(error.json(Timestamp::EPOCH), json);
    }
}
