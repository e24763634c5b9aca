//! What a verification came to: one value, written as text for people and as JSON for programs.

use std::fmt::{self, Write as _};

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;
use serde::Serialize;

use crate::finding::{Finding, Unread};
use crate::record::Record;
use crate::verify::VerifiedHead;

/// Version of the JSON report's shape.
const REPORT_VERSION: u64 = 1;

/// The page that describes every fault, a section a code.
const HELP: &str = "docs/guides/faults.md";

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was looked at is as declared and written.
    Verified,
    /// The evidence is wrong.
    Fault,
    /// Something could not be looked at, or not be judged.
    NoVerdict,
}

impl Verdict {
    /// The exit code of the command.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Fault => 1,
            Self::NoVerdict => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified",
            Self::Fault => "fault",
            Self::NoVerdict => "no verdict",
        })
    }
}

/// What was seen of one log. Sizes, times and keys are those of its segments that are in order by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReport {
    /// The log.
    pub origin: Origin,
    /// Where it lies.
    pub prefix: String,
    /// The verdict on this log alone.
    pub verdict: Verdict,
    /// Number of segments in order.
    pub segments: u64,
    /// Number of entries in them.
    pub entries: u64,
    /// Number of lines up to the end of the last one.
    pub size: Option<u64>,
    /// Root over them.
    pub root: Option<Hash>,
    /// Number of the first one.
    pub first_segment: Option<u64>,
    /// Number of the last one.
    pub last_segment: Option<u64>,
    /// When the first one was opened.
    pub opened: Option<Timestamp>,
    /// When the last one was sealed.
    pub sealed: Option<Timestamp>,
    /// Ids of the keys that signed, in hex, in the order in which they first did.
    pub keys: Vec<String>,
    pub(crate) verified: Option<VerifiedHead>,
}

impl LogReport {
    /// The head, where the log verified.
    pub const fn verified(&self) -> Option<&VerifiedHead> {
        self.verified.as_ref()
    }
}

/// What a verification came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub(crate) policy_digest: Hash,
    pub(crate) target: String,
    pub(crate) at: Timestamp,
    pub(crate) logs: Vec<LogReport>,
    pub(crate) record: Record,
    pub(crate) not_checked: Vec<String>,
}

impl Report {
    /// The verdict on everything.
    pub fn verdict(&self) -> Verdict {
        self.record.verdict()
    }

    /// The logs, in the order of the policy.
    pub fn logs(&self) -> &[LogReport] {
        &self.logs
    }

    /// The faults; [`Report::fault_count`] counts those too that are not listed.
    pub fn faults(&self) -> &[Finding] {
        &self.record.faults
    }

    /// How many faults there are.
    pub fn fault_count(&self) -> u64 {
        count(self.record.faults.len(), self.record.more_faults)
    }

    /// How many things could not be looked at, those too that are not listed.
    pub fn unread_count(&self) -> u64 {
        count(self.record.unread.len(), self.record.more_unread)
    }

    /// What could not be looked at, or not be judged.
    pub fn unread(&self) -> &[Unread] {
        &self.record.unread
    }

    /// What was not looked at, and was not meant to be.
    pub fn not_checked(&self) -> &[String] {
        &self.not_checked
    }

    /// What is worth saying and no reason to fail.
    pub fn notes(&self) -> &[String] {
        &self.record.notes
    }

    /// Adds something that could not be done, such as keeping the pinned heads: a report of success becomes one of no
    /// verdict.
    pub fn add_unread(&mut self, what: &str, error: crate::source::ReadError) {
        self.record.unread(what, None, error);
    }

    /// The report as one JSON document, ended by LF. `docs/guides/verification.md` describes its shape.
    pub fn to_json(&self) -> String {
        // The document has no map with keys that are not strings and no value that cannot be written.
        let mut text = serde_json::to_string_pretty(&Json::of(self)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report for people. Its last line says what was verified, from where to where, under which key, and what was
    /// not checked.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write_text(&mut out).unwrap_or_default();
        out
    }

    fn write_text(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "policy   sha256 {}", self.policy_digest)?;
        writeln!(out, "target   {}", plain(&self.target))?;
        writeln!(out, "at       {}", self.at.to_rfc3339())?;
        for log in &self.logs {
            writeln!(out, "\nlog {}: {}", log.origin, log.verdict)?;
            write_log(out, log)?;
        }
        for finding in &self.record.faults {
            write_finding(out, finding)?;
        }
        if self.record.more_faults > 0 {
            writeln!(
                out,
                "\nfault: {} more are not listed",
                self.record.more_faults
            )?;
        }
        for unread in &self.record.unread {
            writeln!(
                out,
                "\nnot read: {}: {}",
                plain(&unread.what),
                plain(&unread.reason)
            )?;
            if let Some(hint) = &unread.hint {
                writeln!(out, "  hint:     {}", plain(hint))?;
            }
        }
        if self.record.more_unread > 0 {
            writeln!(
                out,
                "\nnot read: {} more are not listed",
                self.record.more_unread
            )?;
        }
        if !self.record.notes.is_empty() {
            writeln!(out)?;
        }
        for note in &self.record.notes {
            writeln!(out, "note: {}", plain(note))?;
        }
        writeln!(out, "\n{}", self.last_line())
    }

    /// The one line that says it all.
    pub fn last_line(&self) -> String {
        let mut parts = Vec::new();
        if self.fault_count() > 0 {
            parts.push(format!(
                "{} {}",
                self.fault_count(),
                plural(self.fault_count(), "fault")
            ));
        }
        let unread = self.unread_count();
        if unread > 0 {
            parts.push(format!("{unread} {} not read", plural(unread, "thing")));
        }
        for log in &self.logs {
            parts.push(summary(log));
        }
        if self.logs.is_empty() {
            parts.push("nothing was verified".to_owned());
        }
        let not_checked = self
            .not_checked
            .iter()
            .map(|what| format!("{} not checked", plain(what)));
        parts.extend(not_checked);
        format!("{}: {}", self.verdict(), parts.join("; "))
    }
}

fn count(listed: usize, more: u64) -> u64 {
    u64::try_from(listed)
        .unwrap_or(u64::MAX)
        .saturating_add(more)
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

fn write_log(out: &mut String, log: &LogReport) -> fmt::Result {
    if let (Some(first), Some(last)) = (log.first_segment, log.last_segment) {
        writeln!(out, "  segments {}, from {first} to {last}", log.segments)?;
        writeln!(out, "  entries  {}", log.entries)?;
    }
    if let (Some(opened), Some(sealed)) = (log.opened, log.sealed) {
        writeln!(out, "  time     {opened} to {sealed}")?;
    }
    if let (Some(size), Some(root)) = (log.size, log.root) {
        writeln!(out, "  head     size {size}, root {}", root.to_base64())?;
    }
    if !log.keys.is_empty() {
        writeln!(out, "  keys     {}", log.keys.join(", "))?;
    }
    Ok(())
}

fn write_finding(out: &mut String, finding: &Finding) -> fmt::Result {
    let (code, place) = (finding.fault.code(), &finding.place);
    let (expected, found) = finding.fault.sides();
    writeln!(out, "\nfault {code}: {}", plain(&finding.fault.to_string()))?;
    let log = place.log.as_ref().map(|log| format!("log {log}"));
    let object = place.object.as_ref().map(|object| name(object));
    let version = place
        .version_id
        .as_ref()
        .map(|version| format!("version {}", name(version)));
    let line = place.line.map(|line| format!("line {line}"));
    let index = place.index.map(|index| format!("index {index}"));
    let place: Vec<String> = [object, version, line, index, log]
        .into_iter()
        .flatten()
        .collect();
    if !place.is_empty() {
        writeln!(out, "  at:       {}", place.join(", "))?;
    }
    writeln!(out, "  expected: {}", plain(&expected))?;
    writeln!(out, "  found:    {}", plain(&found))?;
    writeln!(out, "  help:     {HELP}#{code}")
}

fn summary(log: &LogReport) -> String {
    let origin = &log.origin;
    let (Some(first), Some(last), Some(opened), Some(sealed)) =
        (log.first_segment, log.last_segment, log.opened, log.sealed)
    else {
        return format!("{origin}: nothing was verified");
    };
    let verdict = match log.verdict {
        Verdict::Verified => String::new(),
        Verdict::Fault | Verdict::NoVerdict => format!("{}, ", log.verdict),
    };
    let keys = if log.keys.is_empty() {
        "no key".to_owned()
    } else {
        format!("key {}", log.keys.join(", "))
    };
    let (from, to) = (opened.to_rfc3339(), sealed.to_rfc3339());
    format!(
        "{origin}: {verdict}{} entries in segments {first} to {last}, {from} to {to}, under {keys}",
        log.entries
    )
}

/// What stands in a bucket can be named anything: nothing of it may move the cursor, begin a line of the report, or turn
/// around the direction in which a line is read. Letters of any script stay as they are.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\'' | '\\') {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    out
}

/// A name that somebody else chose, in quotes unless it is made of what names are usually made of: it must not look like the
/// next part of the line.
fn name(text: &str) -> String {
    let usual = |c: char| c.is_ascii_alphanumeric() || "-_.=@~/+:".contains(c);
    if !text.is_empty() && text.chars().all(usual) {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}

#[derive(Serialize)]
struct Json<'r> {
    report: u64,
    verdict: Verdict,
    exit: u8,
    policy: JsonPolicy,
    target: &'r str,
    at: Timestamp,
    logs: Vec<JsonLog<'r>>,
    fault_count: u64,
    faults: Vec<JsonFault<'r>>,
    unread_count: u64,
    unread: Vec<JsonUnread<'r>>,
    not_checked: &'r [String],
    notes: &'r [String],
}

#[derive(Serialize)]
struct JsonPolicy {
    digest: String,
}

#[derive(Serialize)]
struct JsonLog<'r> {
    origin: &'r Origin,
    prefix: &'r str,
    verdict: Verdict,
    segments: u64,
    entries: u64,
    size: Option<u64>,
    root: Option<Hash>,
    first_segment: Option<u64>,
    last_segment: Option<u64>,
    opened: Option<Timestamp>,
    sealed: Option<Timestamp>,
    keys: &'r [String],
}

#[derive(Serialize)]
struct JsonFault<'r> {
    code: &'static str,
    message: String,
    log: Option<&'r Origin>,
    object: Option<&'r str>,
    version_id: Option<&'r str>,
    line: Option<u64>,
    index: Option<u64>,
    expected: String,
    found: String,
    help: String,
}

#[derive(Serialize)]
struct JsonUnread<'r> {
    what: &'r str,
    log: Option<&'r Origin>,
    reason: &'r str,
    hint: Option<&'r str>,
}

impl<'r> Json<'r> {
    fn of(report: &'r Report) -> Self {
        Self {
            report: REPORT_VERSION,
            verdict: report.verdict(),
            exit: report.verdict().exit_code(),
            policy: JsonPolicy {
                digest: format!("sha256:{}", report.policy_digest),
            },
            target: &report.target,
            at: report.at,
            logs: report.logs.iter().map(JsonLog::of).collect(),
            fault_count: report.fault_count(),
            faults: report.record.faults.iter().map(JsonFault::of).collect(),
            unread_count: report.unread_count(),
            unread: report.record.unread.iter().map(JsonUnread::of).collect(),
            not_checked: &report.not_checked,
            notes: &report.record.notes,
        }
    }
}

impl<'r> JsonLog<'r> {
    fn of(log: &'r LogReport) -> Self {
        Self {
            origin: &log.origin,
            prefix: &log.prefix,
            verdict: log.verdict,
            segments: log.segments,
            entries: log.entries,
            size: log.size,
            root: log.root,
            first_segment: log.first_segment,
            last_segment: log.last_segment,
            opened: log.opened,
            sealed: log.sealed,
            keys: &log.keys,
        }
    }
}

impl<'r> JsonFault<'r> {
    fn of(finding: &'r Finding) -> Self {
        let (expected, found) = finding.fault.sides();
        Self {
            code: finding.fault.code(),
            message: finding.fault.to_string(),
            log: finding.place.log.as_ref(),
            object: finding.place.object.as_deref(),
            version_id: finding.place.version_id.as_deref(),
            line: finding.place.line,
            index: finding.place.index,
            expected,
            found,
            help: format!("{HELP}#{}", finding.fault.code()),
        }
    }
}

impl<'r> JsonUnread<'r> {
    fn of(unread: &'r Unread) -> Self {
        Self {
            what: &unread.what,
            log: unread.log.as_ref(),
            reason: &unread.reason,
            hint: unread.hint.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_move_the_cursor_nor_begin_a_line_nor_turn_one_around() {
        for (text, shown) in [
            ("caf\u{e9} \u{65e5}\u{672c}", "caf\u{e9} \u{65e5}\u{672c}"),
            ("it's \"so\" \\ C:\\x", "it's \"so\" \\ C:\\x"),
            ("\x1b[2J\n\r\t\0\u{7f}", "\\u{1b}[2J\\n\\r\\t\\0\\u{7f}"),
            ("\u{9b}1m\u{85}", "\\u{9b}1m\\u{85}"),
            (
                "a\u{202e}b\u{2066}c\u{2028}d",
                "a\\u{202e}b\\u{2066}c\\u{2028}d",
            ),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn a_name_that_is_not_a_usual_one_stands_in_quotes() {
        assert_eq!(name("logs/a=b/0.jsonl.zst"), "logs/a=b/0.jsonl.zst");
        assert_eq!(name("a, version x, line 3"), "\"a, version x, line 3\"");
        assert_eq!(name("a\n\"\\n"), "\"a\\n\\\"\\\\n\"");
        assert_eq!(name(""), "\"\"");
    }
}
