//! The report for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use auditlog_chain::origin::Origin;
use auditlog_chain::timestamp::Timestamp;

use super::last_line::{last_line, log_line};
use super::plain::{name, plain};
use super::stanza::{stanza, to_ascii_json};
use super::words::shadowed;
use super::{LogReport, Report, help};
use crate::acknowledged::Acknowledged;
use crate::fault::Fault;
use crate::holes::{Hole, WhyAbsent};
use crate::note::Note;
use crate::place::{Place, Placed};
use crate::record::Found;
use crate::undecided::Undecided;
use crate::verdict::Verdict;

/// Most findings of one code and log that the text shows. A cause with thousands of findings must not hide another one.
const SHOWN: u64 = 20;

impl Report {
    /// The report for people. Its last line says what was verified, from where to where, under which key, and what was not
    /// checked.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write_report(&mut out, self).unwrap_or_default();
        out
    }

    /// The one line that says it all; where there are several logs, [`Report::log_lines`] say what was verified of each.
    pub fn last_line(&self) -> String {
        last_line(self)
    }

    /// One line for each log: its verdict, from where to where, and under which key.
    pub fn log_lines(&self) -> Vec<String> {
        self.logs().iter().map(log_line).collect()
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

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    let record = &report.record;
    writeln!(out, "policy   sha256 {}", report.policy_digest)?;
    writeln!(out, "target   {}", plain(&report.target))?;
    writeln!(out, "at       {}", report.at.to_rfc3339())?;
    if let Some(read) = report.not_read_again() {
        writeln!(out, "read     {read}")?;
    }
    for log in &report.logs {
        writeln!(out, "\nlog {}: {}", log.origin, log.verdict)?;
        write_log(out, log)?;
    }
    write_all(out, "fault", &record.faults, Fault::code, |out, fault| {
        write_fault(out, fault, report.at)
    })?;
    let code = |one: &Acknowledged| one.fault.code();
    let acknowledged = &record.acknowledged;
    write_all(out, "acknowledged", acknowledged, code, write_acknowledged)?;
    let code = Undecided::code;
    write_all(out, "undecided", &record.undecided, code, write_undecided)?;
    if record.notes.count() > 0 {
        writeln!(out)?;
    }
    write_first(out, "note", &record.notes, Note::code, write_note)?;
    if record.notes.more() > 0 {
        writeln!(out, "note: {} more not listed", record.notes.more())?;
    }
    writeln!(out)?;
    if let [_, _, ..] = report.logs() {
        for line in report.log_lines() {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out, "{}", last_line(report))
}

fn write_all<T>(
    out: &mut String,
    kind: &str,
    found: &Found<T>,
    code: impl Fn(&T) -> &'static str,
    write: impl Fn(&mut String, &Placed<T>) -> fmt::Result,
) -> fmt::Result {
    write_first(out, &format!("\n{kind}"), found, code, write)?;
    write_more(out, kind, found.more())
}

/// The first findings of each code and log, and the number of the others.
fn write_first<T>(
    out: &mut String,
    kind: &str,
    found: &Found<T>,
    code: impl Fn(&T) -> &'static str,
    write: impl Fn(&mut String, &Placed<T>) -> fmt::Result,
) -> fmt::Result {
    let mut counts = BTreeMap::<_, u64>::new();
    for one in found.listed() {
        let log = one.place.log.as_ref().map(Origin::as_str);
        let count = counts.entry((log, code(&one.what))).or_default();
        *count = count.saturating_add(1);
        if *count <= SHOWN {
            write(out, one)?;
        }
    }
    for ((log, code), count) in counts {
        let more = count.saturating_sub(SHOWN);
        if more > 0 {
            let of = log.map(|log| format!(" of log {log}")).unwrap_or_default();
            writeln!(
                out,
                "{kind} {code}: {more} more{of}, listed by `--output json`"
            )?;
        }
    }
    Ok(())
}

fn write_more(out: &mut String, kind: &str, more: u64) -> fmt::Result {
    if more > 0 {
        writeln!(out, "\n{kind}: {more} more not listed")?;
    }
    Ok(())
}

fn write_log(out: &mut String, log: &LogReport) -> fmt::Result {
    if let (Some(first), Some(head)) = (log.first_segment, log.head) {
        let last = head.position.segment;
        writeln!(out, "  segments {}, from {first} to {last}", log.segments)?;
    }
    for hole in log.holes.listed() {
        writeln!(out, "  absent   {hole}")?;
    }
    if let (Some(opened), Some(head)) = (log.opened, log.head) {
        let (size, root) = (head.position.size, head.position.root.to_base64());
        writeln!(out, "  entries  {}", log.entries)?;
        writeln!(out, "  time     {opened} to {}", head.sealed)?;
        writeln!(out, "  head     size {size}, root {root}")?;
    }
    if log.shadowed > 0 {
        writeln!(out, "  shadowed {}", shadowed(log.shadowed))?;
    }
    if !log.keys.is_empty() {
        writeln!(out, "  keys     {}", plain(&log.keys.join(", ")))?;
    }
    Ok(())
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, why } = self;
        if first == last {
            write!(f, "{first} ({why})")
        } else {
            write!(f, "{first} to {last} ({why})")
        }
    }
}

impl fmt::Display for WhyAbsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Acknowledged => "acknowledged",
        })
    }
}

fn write_fault(out: &mut String, found: &Placed<Fault>, now: Timestamp) -> fmt::Result {
    let (fault, code) = (&found.what, found.what.code());
    writeln!(out, "\nfault {code}: {}", plain(&fault.to_string()))?;
    write_place(out, &found.place)?;
    write_sides(out, fault)?;
    writeln!(out, "  help:     {}", help(code))?;
    if let Some(entry) = stanza(found, now) {
        writeln!(
            out,
            "  if this is explained, add it to `acknowledged` of the policy:"
        )?;
        writeln!(out, "  {}", to_ascii_json(&entry))?;
    }
    Ok(())
}

fn write_acknowledged(out: &mut String, found: &Placed<Acknowledged>) -> fmt::Result {
    let Acknowledged {
        fault,
        reason,
        date,
    } = &found.what;
    let message = plain(&fault.to_string());
    writeln!(out, "\nacknowledged {}: {message}", fault.code())?;
    write_place(out, &found.place)?;
    write_sides(out, fault)?;
    writeln!(out, "  reason:   {} ({date})", plain(reason))
}

fn write_undecided(out: &mut String, found: &Placed<Undecided>) -> fmt::Result {
    let (undecided, code) = (&found.what, found.what.code());
    let message = plain(&undecided.to_string());
    writeln!(out, "\nundecided {code}: {message}")?;
    write_place(out, &found.place)?;
    if let Some(hint) = undecided.hint() {
        writeln!(out, "  hint:     {}", plain(hint))?;
    }
    Ok(())
}

fn write_note(out: &mut String, found: &Placed<Note>) -> fmt::Result {
    let (note, code) = (&found.what, found.what.code());
    let log = found.place.log.as_ref().map(|log| format!("{log}: "));
    let message = plain(&note.to_string());
    writeln!(out, "note {code}: {}{message}", log.unwrap_or_default())
}

fn write_sides(out: &mut String, fault: &Fault) -> fmt::Result {
    let (expected, found) = fault.sides();
    writeln!(out, "  expected: {}", plain(&expected))?;
    writeln!(out, "  found:    {}", plain(&found))
}

fn write_place(out: &mut String, place: &Place) -> fmt::Result {
    place_text(place).map_or(Ok(()), |place| writeln!(out, "  at:       {place}"))
}

/// A place in words, names that somebody else chose in quotes; `None` where nothing is known of it.
pub(super) fn place_text(place: &Place) -> Option<String> {
    let parts = [
        place.object.as_ref().map(|object| name(object)),
        place
            .version_id
            .as_ref()
            .map(|id| format!("version {}", name(id))),
        place.line.map(|line| format!("line {line}")),
        place.index.map(|index| format!("index {index}")),
        place.log.as_ref().map(|log| format!("log {log}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn written<T>(write: impl Fn(&mut String, &T) -> fmt::Result, what: &T) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    write(&mut out, what).unwrap_or_default();
    out
}

/// A fault as the report for people shows it.
pub(super) fn fault_text(found: &Placed<Fault>, now: Timestamp) -> String {
    written(|out, found| write_fault(out, found, now), found)
}

/// An acknowledged fault.
pub(super) fn acknowledged_text(found: &Placed<Acknowledged>) -> String {
    written(write_acknowledged, found)
}

/// Something undecided.
pub(super) fn undecided_text(found: &Placed<Undecided>) -> String {
    written(write_undecided, found)
}

/// A note.
pub(super) fn note_text(found: &Placed<Note>) -> String {
    written(write_note, found)
}
