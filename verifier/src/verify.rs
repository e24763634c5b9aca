//! The verification, step by step in the order of the rules in `docs/guides/verification.md` (V1 to V29).

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use crate::budget::Budget;
use crate::examine::{Examined, examine};
use crate::finding::Place;
use crate::parallel;
use crate::plan::{LogPlan, Planner};
use crate::record::Record;
use crate::report::{LogReport, Report, Verdict};
use crate::source::Source;
use crate::state::Pins;
use crate::storage::check_bucket;
use crate::time::{Clock, check_clock};
pub use crate::walk::VerifiedHead;
use crate::walk::{Walk, jobs_of};

/// What to verify, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What was declared.
    pub policy: &'a TrustPolicy,
    /// Digest of the policy's bytes, for the report.
    pub policy_digest: Hash,
    /// The logs to verify; empty for all that the policy declares.
    pub logs: &'a [Origin],
    /// The verifier's clock.
    pub now: Timestamp,
    /// The time up to which the logs must reach: `now`, unless a person says otherwise.
    pub at: Timestamp,
    /// Seconds by which clocks may differ.
    pub max_skew_seconds: u32,
    /// Number of workers, at least 1, where the source leaves it open.
    pub workers: usize,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments looked at.
    pub segments: u64,
    /// Segments to look at.
    pub of: u64,
    /// Entries in them.
    pub entries: u64,
}

/// Why a request makes no sense against this policy and source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The policy has no such log.
    #[error("the trust policy declares no log {origin}")]
    UnknownLog {
        /// The log.
        origin: Origin,
        /// The logs that it declares.
        known: Vec<Origin>,
    },
    /// No chosen log lies under the prefix that the source is confined to.
    #[error("the trust policy declares no log under {scope}")]
    NothingInScope {
        /// The prefix.
        scope: String,
    },
}

/// Verifies the chosen logs. Whatever is found is in the report; progress goes to `progress`.
///
/// # Errors
///
/// Where the request makes no sense: nothing has been looked at then.
pub fn verify(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    // V2: the logs to look at.
    let chosen = choose_logs(source, request)?;
    let mut record = Record::default();
    // V4, V5: the plan; every object is accounted for. A store that does not even list is asked for nothing more.
    let plans = plan(source, request, &chosen, &mut record);
    let mut logs = Vec::new();
    if let Some(plans) = &plans {
        // V6 to V25, but for V20: the logs.
        logs = look_at_logs(source, request, pins, plans, progress);
        // V20: the bucket.
        look_at_bucket(source, request, &mut record);
        // V29: the clock.
        look_at_clock(source, request, &mut record, &mut logs);
    }
    // V27, V28: the verdict.
    Ok(report(source, request, &chosen, record, logs))
}

fn choose_logs<'a>(
    source: &dyn Source,
    request: &Request<'a>,
) -> Result<Vec<&'a LogPolicy>, RequestError> {
    let all = &request.policy.document().logs;
    if let Some(origin) = request
        .logs
        .iter()
        .find(|origin| request.policy.log(origin).is_none())
    {
        let known = all.iter().map(|log| log.origin.clone()).collect();
        return Err(RequestError::UnknownLog {
            origin: origin.clone(),
            known,
        });
    }
    let wanted = |log: &&LogPolicy| request.logs.is_empty() || request.logs.contains(&log.origin);
    let in_scope = |log: &&LogPolicy| format!("{}/", log.prefix).starts_with(source.scope());
    let chosen: Vec<_> = all.iter().filter(wanted).filter(in_scope).collect();
    if chosen.is_empty() {
        return Err(RequestError::NothingInScope {
            scope: source.scope().to_owned(),
        });
    }
    Ok(chosen)
}

fn look_at_bucket(source: &dyn Source, request: &Request<'_>, record: &mut Record) {
    match source.bucket() {
        Ok(None) => {}
        Ok(Some(bucket)) => {
            for fault in check_bucket(request.policy, &bucket, request.now) {
                record.fault(fault, Place::default());
            }
        }
        Err(error) => record.unread("the bucket's configuration", None, error),
    }
}

/// Where the clock is wrong, so may be what was judged by it: no log keeps its "verified", and no head is pinned.
fn look_at_clock(
    source: &dyn Source,
    request: &Request<'_>,
    record: &mut Record,
    logs: &mut [(LogReport, Record)],
) {
    let clock = Clock {
        now: request.now,
        skew_seconds: i64::from(request.max_skew_seconds),
    };
    let differs = |reading| check_clock(clock, reading);
    if let Some(error) = source.clock().and_then(differs) {
        record.unread("the time", None, error);
        for (log, _) in logs {
            if log.verdict == Verdict::Verified {
                log.verdict = Verdict::NoVerdict;
            }
            log.verified = None;
        }
    }
}

fn plan<'p>(
    source: &dyn Source,
    request: &Request<'p>,
    chosen: &[&'p LogPolicy],
    record: &mut Record,
) -> Option<Vec<LogPlan<'p>>> {
    let mut planner = Planner::new(request.policy, chosen);
    let prefixes: Vec<&str> = chosen.iter().map(|log| log.prefix.as_str()).collect();
    let listed = source.list(&prefixes, &mut |listed| {
        if let Some(finding) = planner.take(listed) {
            record.fault(finding.fault, finding.place);
        }
    });
    let unfinished = planner.unfinished();
    if unfinished > 0 {
        record.note(format!(
            "{unfinished} unfinished {} of a sealer passed over",
            if unfinished == 1 { "file" } else { "files" }
        ));
    }
    match listed {
        Ok(()) => Some(planner.finish()),
        Err(error) => {
            record.unread("the listing", None, error);
            None
        }
    }
}

fn look_at_logs(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    plans: &[LogPlan<'_>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<(LogReport, Record)> {
    let mut walks: Vec<Walk<'_>> = plans
        .iter()
        .map(|plan| Walk::new(request, source, plan, pins))
        .collect();
    let known = plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| plan.log.format == FORMAT);
    let jobs = known.flat_map(|(at, plan)| jobs_of(at, plan));
    let of = walks
        .iter()
        .map(Walk::segments_to_look_at)
        .fold(0, u64::saturating_add);
    let mut done = Progress {
        of,
        ..Progress::default()
    };
    progress(done);
    let workers = if source.readers() == 0 {
        request.workers
    } else {
        source.readers()
    };
    let budget = Budget::for_readers(workers);
    parallel::in_order(
        workers,
        jobs,
        |job| examine(source, &budget, &job),
        |examined: Examined| {
            done.segments = done.segments.saturating_add(1);
            done.entries = done.entries.saturating_add(examined.events());
            if let Some(walk) = walks.get_mut(examined.log) {
                walk.segment(&examined);
            }
            progress(done);
        },
    );
    walks.into_iter().map(Walk::finish).collect()
}

/// V27, V28: everything in one report, with what was not looked at.
fn report(
    source: &dyn Source,
    request: &Request<'_>,
    chosen: &[&LogPolicy],
    mut record: Record,
    logs: Vec<(LogReport, Record)>,
) -> Report {
    let mut not_checked = Vec::new();
    for log in &request.policy.document().logs {
        if !chosen.iter().any(|one| one.origin == log.origin) {
            not_checked.push(format!("log {}", log.origin));
        }
    }
    if !source.scope().is_empty() {
        not_checked.push(format!("what lies outside {}", source.scope()));
    }
    if !source.has_storage() {
        not_checked.push("storage".to_owned());
    } else if !logs.is_empty() && source.clock().is_none() {
        not_checked.push("the clock of this machine".to_owned());
    }
    let mut reports = Vec::new();
    for (mut log, of_log) in logs {
        if record
            .faults
            .iter()
            .any(|finding| finding.place.log.as_ref() == Some(&log.origin))
        {
            log.verdict = Verdict::Fault;
            log.verified = None;
        }
        reports.push(log);
        record.merge(of_log);
    }
    Report {
        policy_digest: request.policy_digest,
        target: source.name(),
        at: request.at,
        logs: reports,
        record,
        not_checked,
    }
}
