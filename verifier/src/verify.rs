//! The verification, step by step in the order of the rules in `docs/guides/verification.md` (V1 to V29).

use auditlog_chain::policy::LogPolicy;
use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use crate::absence::moments::Moments;
use crate::acknowledged::Acknowledged;
use crate::budget::Budget;
use crate::conclude::conclude;
use crate::declared::check_declared;
use crate::examine::{Examined, Job, examine};
use crate::explained::{Explained, covering};
use crate::facts::Seen;
use crate::log_plan::LogPlan;
use crate::merge::{Merged, merge};
use crate::note::Note;
use crate::parallel;
use crate::pins::Pins;
use crate::place::{Place, Placed};
use crate::plan::Planner;
use crate::progress::Progress;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::report::Report;
use crate::request::{Request, RequestError};
use crate::settle::settle;
use crate::source::{Listing, ReadError, Source};
use crate::storage::check_bucket;
use crate::time::check_clock;
use crate::undecided::Unreadable;

/// Verifies the chosen logs. Whatever is found is in the report; progress goes to `progress`.
///
/// # Errors
///
/// Where the request does not fit the policy or the source. Nothing has been read then.
pub fn verify(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    // V2: the logs to verify.
    let chosen = choose_logs(source, request)?;
    let mut record = Record::default();
    // V1: the declaration, at this time.
    check_declared(request, &chosen, &mut record)?;
    // V4, V5: the plan; every object is accounted for. A store that does not list gets no other request.
    let explained = Explained::new(request.policy);
    let planned = plan(source, request, &chosen, pins, &explained, &mut record);
    let mut logs = Vec::new();
    let mut begun = request.now;
    if let Some((plans, moments)) = &planned {
        begun = moments.begun;
        // V6 to V19, V21 to V23, A1 to A8: the logs.
        let known = Known {
            moments: *moments,
            pins,
            explained: &explained,
        };
        logs = look_at_logs(source, request, &known, plans, progress);
        // V20: the bucket.
        look_at_bucket(source, request, moments.ended, &mut record);
        // V29: the clock.
        look_at_clock(source, request, &mut record);
    }
    // V27, V28: the verdict.
    Ok(conclude(source, request, &chosen, record, logs, begun))
}

/// What the logs have in common.
struct Known<'k> {
    moments: Moments,
    pins: &'k Pins,
    explained: &'k Explained<'k>,
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

fn look_at_bucket(
    source: &dyn Source,
    request: &Request<'_>,
    ended: Timestamp,
    record: &mut Record,
) {
    match source.bucket() {
        Ok(None) => {}
        Ok(Some(bucket)) => {
            for fault in check_bucket(&request.policy.document().lock, &bucket, ended) {
                record.fault(fault, Place::default());
            }
        }
        Err(error) => record.unreadable(Unreadable::Bucket, error, Place::default()),
    }
}

fn look_at_clock(source: &dyn Source, request: &Request<'_>, record: &mut Record) {
    let skew_seconds = i64::from(request.max_skew_seconds);
    let differs = source
        .clock()
        .and_then(|reading| check_clock(skew_seconds, reading));
    if let Some(undecided) = differs {
        record.undecided(undecided, Place::default());
    }
}

/// V4, V5, A1: the plans, and the moments of the listing that they were made from.
fn plan<'p>(
    source: &dyn Source,
    request: &Request<'p>,
    chosen: &[&'p LogPolicy],
    pins: &Pins,
    explained: &Explained<'_>,
    record: &mut Record,
) -> Option<(Vec<LogPlan<'p>>, Moments)> {
    let mut planner = Planner::new(request.policy, chosen);
    let prefixes: Vec<&str> = chosen.iter().map(|log| log.prefix.as_str()).collect();
    let listed = source.list(&prefixes, &mut |listed| {
        if let Some(Placed { what, place }) = planner.take(listed) {
            match covering(explained.of(place.log.as_ref()), &what, &place) {
                Some(entry) => record.acknowledged(Acknowledged::by(entry, what), place),
                None => record.fault(what, place),
            }
        }
    });
    let count = planner.unfinished();
    if count > 0 {
        record.note(Note::UnfinishedFiles { count }, Place::default());
    }
    match listed {
        Ok(listing) => {
            let count = listing.passed_over;
            if count > 0 {
                record.note(Note::PassedOver { count }, Place::default());
            }
            let moments = moments(request, listing);
            let mut plans = match planner.finish() {
                Ok(plans) => plans,
                Err(key) => {
                    record.unreadable(Unreadable::Listing, listed_twice(&key), Place::default());
                    return None;
                }
            };
            for plan in &mut plans {
                let pin = pins.of(&plan.log.origin).map(|pin| pin.position.segment);
                let end = plan
                    .log
                    .ended
                    .as_ref()
                    .map_or(u64::MAX, |ended| ended.segment);
                let pin = pin.filter(|pin| *pin <= end);
                settle(plan, Some(moments).filter(|_| source.has_storage()), pin);
            }
            Some((plans, moments))
        }
        Err(error) => {
            record.unreadable(Unreadable::Listing, error, Place::default());
            None
        }
    }
}

fn listed_twice(key: &str) -> ReadError {
    let reason = format!("the store's listing has one version of {key} twice");
    ReadError::new(reason)
        .with_hint("run it again; a store that lists a version twice cannot be verified")
}

/// A1: the moments of the listing by the store's clock, or else ours.
fn moments(request: &Request<'_>, listing: Listing) -> Moments {
    let begun = listing.begun.unwrap_or(request.now);
    Moments {
        begun,
        ended: listing.ended.unwrap_or(request.now).max(begun),
        skew_seconds: i64::from(request.max_skew_seconds),
    }
}

fn look_at_logs(
    source: &dyn Source,
    request: &Request<'_>,
    known: &Known<'_>,
    plans: &[LogPlan<'_>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<Merged> {
    let has_storage = source.has_storage();
    let log = |plan| log_of(request, known, has_storage, plan);
    let logs: Vec<Log<'_>> = plans.iter().map(log).collect();
    let ranges = look_at_ranges(source, request.workers, plans, &logs, progress);
    let all = logs.iter().zip(plans).zip(ranges);
    all.map(|((log, plan), range)| merge(log, [range], &plan.left_out))
        .collect()
}

fn log_of<'p>(
    request: &Request<'p>,
    known: &'p Known<'p>,
    has_storage: bool,
    plan: &LogPlan<'p>,
) -> Log<'p> {
    let (moments, pins, explained) = (known.moments, known.pins, known.explained);
    Log::new(request, moments, has_storage, plan.log, pins, explained)
}

/// Reads every segment of the plans, on all cores. The range of each log is its whole.
fn look_at_ranges<'p>(
    source: &dyn Source,
    workers: usize,
    plans: &'p [LogPlan<'p>],
    logs: &'p [Log<'p>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<RangeResult<'p>> {
    let mut ranges: Vec<_> = logs.iter().map(RangeResult::at_beginning).collect();
    let mut done = Progress {
        of: present(plans),
        ..Progress::default()
    };
    progress(done);
    let workers = if source.readers() == 0 {
        workers
    } else {
        source.readers()
    };
    let budget = Budget::for_readers(workers);
    parallel::in_order(
        workers,
        jobs(plans, logs),
        |job| examine(source, &budget, &job),
        |examined: Examined| {
            if !matches!(examined.facts.seen, Seen::Marked(_)) {
                done.segments = done.segments.saturating_add(1);
                done.entries = done.entries.saturating_add(examined.facts.events());
                done.bytes = done.bytes.saturating_add(examined.bytes);
            }
            if let Some(range) = ranges.get_mut(examined.log_at) {
                range.push(examined.facts);
            }
            progress(done);
        },
    );
    ranges
}

/// The keys to look at: those of the logs whose format this program knows.
fn jobs<'p>(
    plans: &'p [LogPlan<'p>],
    logs: &'p [Log<'p>],
) -> impl Iterator<Item = Job<'p>> + Send + 'p {
    let all = plans.iter().zip(logs).enumerate();
    let supported = all.filter(|(_, (plan, _))| plan.log.format == FORMAT);
    supported.flat_map(|(log_at, (plan, log))| {
        plan.slots.iter().map(move |(&number, slot)| Job {
            log_at,
            log,
            number,
            slot,
        })
    })
}

/// Number of segments to read.
fn present(plans: &[LogPlan<'_>]) -> u64 {
    let slots = plans.iter().flat_map(|plan| plan.slots.values());
    let present = slots.filter(|slot| slot.is_present());
    u64::try_from(present.count()).unwrap_or(u64::MAX)
}
