//! The end of a verification (V27, V28): everything in one report. Only here, after the last rule, are verified heads minted.

use std::collections::{BTreeMap, HashSet};

use auditlog_chain::origin::Origin;
use auditlog_chain::policy::LogPolicy;
use auditlog_chain::timestamp::Timestamp;

use crate::head::VerifiedHead;
use crate::merge::Merged;
use crate::not_checked::NotChecked;
use crate::record::Record;
use crate::report::{LogReport, Report};
use crate::request::Request;
use crate::run::Run;
use crate::target::Target;
use crate::verdict::Verdict;

/// What was found.
pub(crate) struct Found {
    /// Outside the logs.
    pub(crate) record: Record,
    /// In the chosen logs; empty where there was no listing.
    pub(crate) logs: Vec<Merged>,
    /// When the listing began.
    pub(crate) begun: Timestamp,
    /// How the verifier was run.
    pub(crate) run: Run,
}

/// The report.
pub(crate) fn conclude(
    target: &Target,
    request: &Request<'_>,
    chosen: &[&LogPolicy],
    found: Found,
) -> Report {
    let Found {
        mut record,
        logs: merged,
        begun,
        run,
    } = found;
    let mut not_checked = not_checked(target, request, chosen, &merged);
    if let Run::Merged { ranges, .. } = run {
        not_checked.push(NotChecked::Parts { ranges });
    }
    let of_all = OfAll::new(&record);
    let mut logs = Vec::new();
    for (log, mut merged) in chosen.iter().zip(merged) {
        let of_log = std::mem::take(&mut merged.record);
        not_checked.extend(merged.cut.map(|segment| NotChecked::Behind {
            origin: log.origin.clone(),
            segment,
        }));
        let verdict = of_all.verdict_on(&log.origin, &of_log);
        logs.push(log_report(log, verdict, merged));
        record.merge(of_log);
    }
    Report {
        policy_digest: request.policy_digest,
        target: target.name.clone(),
        now: request.now,
        at: request.at.unwrap_or(begun),
        is_asked_for: request.at.is_some(),
        logs,
        record,
        not_checked,
        run,
    }
}

/// What was found outside the logs, as far as it decides about logs.
struct OfAll {
    /// Logs of which the listing shows a fault.
    faulty: HashSet<Origin>,
    /// Whether faults were counted and not listed: then they may be of any log.
    any_faulty: bool,
    /// Whether no log can have verified.
    none_verified: bool,
}

impl OfAll {
    fn new(record: &Record) -> Self {
        let faults = record.faults.listed().iter();
        let undecided = record.undecided.listed();
        Self {
            faulty: faults.filter_map(|fault| fault.place.log.clone()).collect(),
            any_faulty: record.faults.more() > 0,
            none_verified: undecided.iter().any(|one| one.what.concerns_all_logs()),
        }
    }

    /// V27 for one log, in which this was found.
    fn verdict_on(&self, origin: &Origin, of_log: &Record) -> Verdict {
        if self.any_faulty || self.faulty.contains(origin) {
            return Verdict::Fault;
        }
        let verdict = of_log.verdict();
        if verdict == Verdict::Verified && self.none_verified {
            return Verdict::NoVerdict;
        }
        verdict
    }
}

fn log_report(log: &LogPolicy, verdict: Verdict, merged: Merged) -> LogReport {
    LogReport {
        origin: log.origin.clone(),
        prefix: log.prefix.clone(),
        verdict,
        segments: merged.segments,
        entries: merged.entries,
        first_segment: merged.first.map(|(number, _)| number),
        opened: merged.first.map(|(_, opened)| opened),
        head: merged.last,
        holes: merged.holes,
        shadowed: merged.shadowed,
        keys: merged.keys,
        timeline: merged.timeline,
        verified: VerifiedHead::mint(
            verdict,
            &log.origin,
            merged.last,
            merged.witness,
            merged.cache,
        ),
        ends: BTreeMap::new(),
        latest: None,
    }
}

/// What was not checked, and was not meant to be.
fn not_checked(
    target: &Target,
    request: &Request<'_>,
    chosen: &[&LogPolicy],
    merged: &[Merged],
) -> Vec<NotChecked> {
    let all = request.policy.document().logs.iter();
    let chosen: HashSet<&Origin> = chosen.iter().map(|log| &log.origin).collect();
    let others = all.filter(|log| !chosen.contains(&log.origin));
    let mut not_checked: Vec<_> = others
        .map(|log| NotChecked::Log {
            origin: log.origin.clone(),
        })
        .collect();
    if !target.scope.is_empty() {
        let scope = target.scope.clone();
        not_checked.push(NotChecked::Outside { scope });
    }
    if !target.has_storage {
        not_checked.push(NotChecked::Storage);
    } else if !merged.is_empty() && !target.has_clock {
        not_checked.push(NotChecked::Clock);
    }
    not_checked
}
