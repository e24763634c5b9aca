//! The report for programs: one JSON document. Fields may be added, and none changes its meaning while `report` is 1.

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy;
use auditlog_chain::timestamp::Timestamp;
use serde::Serialize;

use super::stanza::stanza;
use super::{LogReport, Report, help};
use crate::acknowledged::Acknowledged;
use crate::fault::Fault;
use crate::holes::Hole;
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::place::{Place, Placed};
use crate::record::Found;
use crate::run::Run;
use crate::undecided::Undecided;
use crate::verdict::Verdict;

/// Version of the document's shape.
const REPORT_VERSION: u64 = 1;

impl Report {
    /// The report as one JSON document, ended by LF. `docs/guides/verification.md` describes its shape.
    pub fn to_json(&self) -> String {
        // The document has no map with keys that are not strings and no value that cannot be written.
        let mut text = serde_json::to_string_pretty(&JsonReport::of(self)).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct JsonReport<'r> {
    report: u64,
    verdict: Verdict,
    exit: u8,
    policy: JsonPolicy,
    target: &'r str,
    at: Timestamp,
    run: JsonRun,
    logs: Vec<JsonLog<'r>>,
    fault_count: u64,
    faults: Vec<JsonFinding<'r>>,
    acknowledged_count: u64,
    acknowledged: Vec<JsonAcknowledged<'r>>,
    undecided_count: u64,
    undecided: Vec<JsonUndecided<'r>>,
    note_count: u64,
    notes: Vec<JsonNote<'r>>,
    not_checked: Vec<JsonNotChecked<'r>>,
}

#[derive(Serialize)]
struct JsonPolicy {
    digest: String,
}

/// How the verifier was run.
#[derive(Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
enum JsonRun {
    Whole {
        #[serde(skip_serializing_if = "Option::is_none")]
        cached_segments: Option<u64>,
    },
    Merged {
        ranges: u64,
        plan: String,
    },
    Head {
        segments: u64,
    },
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
    stored: Option<Timestamp>,
    keys: &'r [String],
    hole_count: u64,
    holes: &'r [Hole],
    shadowed: u64,
}

#[derive(Serialize)]
struct JsonPlace<'r> {
    log: Option<&'r Origin>,
    object: Option<&'r str>,
    version_id: Option<&'r str>,
    line: Option<u64>,
    index: Option<u64>,
}

#[derive(Serialize)]
struct JsonFault<'r> {
    code: &'static str,
    message: String,
    #[serde(flatten)]
    place: JsonPlace<'r>,
    expected: String,
    found: String,
    help: String,
}

#[derive(Serialize)]
struct JsonFinding<'r> {
    #[serde(flatten)]
    fault: JsonFault<'r>,
    /// The entry that covers it, to paste.
    acknowledge: Option<policy::Acknowledged>,
}

#[derive(Serialize)]
struct JsonAcknowledged<'r> {
    #[serde(flatten)]
    fault: JsonFault<'r>,
    reason: &'r str,
    date: Timestamp,
}

#[derive(Serialize)]
struct JsonUndecided<'r> {
    code: &'static str,
    message: String,
    #[serde(flatten)]
    place: JsonPlace<'r>,
    hint: Option<&'r str>,
    help: String,
}

#[derive(Serialize)]
struct JsonNote<'r> {
    code: &'static str,
    message: String,
    #[serde(flatten)]
    place: JsonPlace<'r>,
    help: String,
}

#[derive(Serialize)]
struct JsonNotChecked<'r> {
    code: &'static str,
    message: String,
    log: Option<&'r Origin>,
}

impl<'r> JsonReport<'r> {
    fn of(report: &'r Report) -> Self {
        let record = &report.record;
        Self {
            report: REPORT_VERSION,
            verdict: report.verdict(),
            exit: report.verdict().exit_code(),
            policy: JsonPolicy {
                digest: format!("sha256:{}", report.policy_digest),
            },
            target: &report.target,
            at: report.at,
            run: JsonRun::of(&report.run),
            logs: report.logs.iter().map(JsonLog::of).collect(),
            fault_count: record.faults.count(),
            faults: all(&record.faults, |one| JsonFinding::of(one, report.at)),
            acknowledged_count: record.acknowledged.count(),
            acknowledged: all(&record.acknowledged, JsonAcknowledged::of),
            undecided_count: record.undecided.count(),
            undecided: all(&record.undecided, JsonUndecided::of),
            note_count: record.notes.count(),
            notes: all(&record.notes, JsonNote::of),
            not_checked: report.not_checked.iter().map(JsonNotChecked::of).collect(),
        }
    }
}

fn all<'r, T, J>(found: &'r Found<T>, json: impl Fn(&'r Placed<T>) -> J) -> Vec<J> {
    found.listed().iter().map(json).collect()
}

impl JsonRun {
    fn of(run: &Run) -> Self {
        match *run {
            Run::Whole { cached_segments } => Self::Whole { cached_segments },
            Run::Head { segments } => Self::Head { segments },
            Run::Merged { ranges, plan } => Self::Merged {
                ranges,
                plan: format!("sha256:{plan}"),
            },
        }
    }
}

impl<'r> JsonLog<'r> {
    fn of(log: &'r LogReport) -> Self {
        let position = log.head.map(|head| head.position);
        Self {
            origin: &log.origin,
            prefix: &log.prefix,
            verdict: log.verdict,
            segments: log.segments,
            entries: log.entries,
            size: position.map(|position| position.size),
            root: position.map(|position| position.root),
            first_segment: log.first_segment,
            last_segment: position.map(|position| position.segment),
            opened: log.opened,
            sealed: log.head.map(|head| head.sealed),
            stored: log.head.and_then(|head| head.stored),
            keys: &log.keys,
            hole_count: log.holes.count(),
            holes: log.holes.listed(),
            shadowed: log.shadowed,
        }
    }
}

impl<'r> JsonPlace<'r> {
    fn of(place: &'r Place) -> Self {
        Self {
            log: place.log.as_ref(),
            object: place.object.as_deref(),
            version_id: place.version_id.as_deref(),
            line: place.line,
            index: place.index,
        }
    }
}

impl<'r> JsonFault<'r> {
    fn of(fault: &'r Fault, place: &'r Place) -> Self {
        let (expected, found) = fault.sides();
        Self {
            code: fault.code(),
            message: fault.to_string(),
            place: JsonPlace::of(place),
            expected,
            found,
            help: help(fault.code()),
        }
    }
}

impl<'r> JsonFinding<'r> {
    fn of(found: &'r Placed<Fault>, at: Timestamp) -> Self {
        Self {
            fault: JsonFault::of(&found.what, &found.place),
            acknowledge: stanza(found, at),
        }
    }
}

impl<'r> JsonAcknowledged<'r> {
    fn of(found: &'r Placed<Acknowledged>) -> Self {
        Self {
            fault: JsonFault::of(&found.what.fault, &found.place),
            reason: &found.what.reason,
            date: found.what.date,
        }
    }
}

impl<'r> JsonUndecided<'r> {
    fn of(found: &'r Placed<Undecided>) -> Self {
        Self {
            code: found.what.code(),
            message: found.what.to_string(),
            place: JsonPlace::of(&found.place),
            hint: found.what.hint(),
            help: help(found.what.code()),
        }
    }
}

impl<'r> JsonNote<'r> {
    fn of(found: &'r Placed<Note>) -> Self {
        Self {
            code: found.what.code(),
            message: found.what.to_string(),
            place: JsonPlace::of(&found.place),
            help: help(found.what.code()),
        }
    }
}

impl<'r> JsonNotChecked<'r> {
    fn of(what: &'r NotChecked) -> Self {
        Self {
            code: what.code(),
            message: what.to_string(),
            log: match what {
                NotChecked::Log { origin }
                | NotChecked::Before { origin, .. }
                | NotChecked::Behind { origin, .. } => Some(origin),
                NotChecked::Outside { .. }
                | NotChecked::Storage
                | NotChecked::Clock
                | NotChecked::Parts { .. } => None,
            },
        }
    }
}
