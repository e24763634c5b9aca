//! The merge: the only step that gives a verdict.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;

use super::error::PartsError;
use super::part::{Part, Slice};
use super::plan::{List, ListedSlice, Plan};
use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::Slot;
use crate::merge::{Merged, finish};
use crate::place::Place;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::report::Report;
use crate::run::Run;
use crate::source::ClockReading;
use crate::undecided::Undecided;

/// What a merge reads of a range.
#[derive(Clone, Debug)]
pub struct OfRange {
    /// Its list, which the plan made.
    pub list: Vec<u8>,
    /// Its partial result.
    pub part: Vec<u8>,
}

/// Merges the partial results of all ranges of a plan. `read` gives the bytes of each, in the order of the ranges, so that one of
/// them at a time is in memory. `now` is this machine's clock.
///
/// # Errors
///
/// Where the policy or a list is not the plan's, or a partial result is missing, of another plan, or contradicts itself, its list or the policy.
pub fn merge(
    plan: &Plan,
    (policy, digest): (&TrustPolicy, Hash),
    read: &mut dyn FnMut(u64) -> Result<OfRange, PartsError>,
    now: Timestamp,
) -> Result<Report, PartsError> {
    let request = plan.request(policy, digest, 0)?;
    let (document, chosen) = (&plan.document, plan.logs(policy)?);
    let mut record = Record::default();
    let declared = check_declared(&request, &chosen, &mut record);
    declared.map_err(|error| PartsError::Request(error.into()))?;
    record.append(document.found.clone(), |_| true);
    let (explained, pins) = (Explained::new(policy), plan.pins());
    let (has_storage, moments) = (document.target.has_storage, document.moments);
    let log = |log| Log::new(&request, moments, has_storage, log, &pins, &explained);
    let logs: Vec<Log<'_>> = chosen.iter().copied().map(log).collect();
    let mut whole = Whole::of(&logs);
    for range in 0..plan.ranges() {
        let found = read(range)?;
        let part = Part::parse(plan, range, &found.part)?;
        whole.take(part, &plan.list(range, &found.list)?)?;
    }
    let clock = whole.clock;
    let merged = whole.finish(plan);
    let mut state = document.state.clone();
    state.see(clock);
    state.judge(&request, moments.ended, &mut record);
    check_age(plan, &chosen, now, &mut record);
    let found = Found {
        record,
        logs: merged,
        begun: moments.begun,
        run: Run::Merged {
            ranges: plan.ranges(),
            plan: plan.digest,
        },
    };
    Ok(conclude(&document.target, &request, &chosen, found))
}

/// The whole logs so far.
struct Whole<'p> {
    logs: Vec<RangeResult<'p>>,
    clock: Option<ClockReading>,
}

impl<'p> Whole<'p> {
    fn of(logs: &'p [Log<'p>]) -> Self {
        Self {
            logs: logs.iter().map(RangeResult::at_beginning).collect(),
            clock: None,
        }
    }

    fn take(&mut self, part: Part, list: &List) -> Result<(), PartsError> {
        let range = part.range;
        self.clock = self
            .clock
            .into_iter()
            .chain(part.clock)
            .max_by_key(|one| one.apart_seconds);
        // The plan has the same slices for both.
        for (slice, listed) in part.slices.into_iter().zip(&list.slices) {
            self.append(slice, listed)
                .map_err(|why| PartsError::Contradicts { range, why })?;
        }
        Ok(())
    }

    fn append(&mut self, slice: Slice, listed: &ListedSlice) -> Result<(), &'static str> {
        let mut logs = self.logs.iter_mut();
        let whole = logs.find(|one| one.log().policy_of.origin == slice.log);
        let whole = whole.ok_or("it is of a log that the plan does not have")?;
        let listed = listed.slots.iter().map(|(number, slot)| (*number, &**slot));
        let listed: Vec<(u64, &Slot)> = listed.collect();
        whole.append(RangeResult::of_written(whole.log(), slice.result, &listed)?);
        Ok(())
    }

    fn finish(self, plan: &Plan) -> Vec<Merged> {
        let all = self.logs.into_iter().zip(&plan.document.logs);
        all.map(|(whole, log)| finish(whole, &log.left_out))
            .collect()
    }
}

/// A plan says what there was when it was made. Beyond the shortest silence, it says nothing about now.
fn check_age(plan: &Plan, chosen: &[&LogPolicy], now: Timestamp, record: &mut Record) {
    let made = plan.made();
    let limits = chosen.iter().filter_map(|log| shortest_silence(log, made));
    let Some(limit) = limits.min() else { return };
    let apart = now.seconds_since(made).max(made.seconds_since(now));
    if apart > i64::try_from(limit).unwrap_or(i64::MAX) {
        let outdated = Undecided::PlanOutdated {
            made,
            now,
            limit_seconds: limit,
        };
        record.undecided(outdated, Place::default());
    }
}

/// The shortest `max_silence` that is in force at a time or later.
fn shortest_silence(log: &LogPolicy, time: Timestamp) -> Option<u64> {
    let ends = log.max_silence.iter().skip(1).map(|next| Some(next.from));
    let spans = log.max_silence.iter().zip(ends.chain([None]));
    let in_force = spans.filter(|(_, end)| end.is_none_or(|end| end > time));
    in_force.map(|(span, _)| span.seconds).min()
}
