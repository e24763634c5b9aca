//! The head of each log alone: the configuration, the listing, and the last segments with their locks. The same rules in the same
//! order as a [whole verification](fn@crate::verify::verify), over less. What the listing shows of the segments before is judged as
//! well, so that none of them can be removed, hidden or doubled without a fault.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use auditlog_chain::segment::FORMAT;

use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::{LogPlan, Slot, Slots};
use crate::look::{Read, Stretch, look_at};
use crate::merge::{Merged, finish};
use crate::pins::Pins;
use crate::progress::Progress;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::record::Record;
use crate::report::Report;
use crate::request::{Request, RequestError};
use crate::run::Run;
use crate::source::Source;
use crate::state::State;
use crate::survey::{Survey, choose_logs, survey};
use crate::target::Target;
use crate::time::check_stored_order;

/// Verifies the configuration, the listing, and the last `segments` of each chosen log with their locks. Of the segments before, it reads
/// those beside absent ones. The report names what it did not read; the head of a log that was not read whole cannot be pinned, since not every rule was judged.
///
/// # Errors
///
/// Where the request does not fit the policy or the source. Nothing has been read then.
pub fn verify_head(
    segments: NonZeroU64,
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
    let survey = survey(source, request, &chosen, pins, &explained, &mut record);
    let mut logs = Vec::new();
    let mut tails = Vec::new();
    let mut begun = request.now;
    if let Some(survey) = &survey {
        begun = survey.moments.begun;
        let plans = survey.plans.iter();
        let skew_seconds = survey.moments.skew_seconds;
        tails = plans
            .map(|plan| Tail::of(plan, segments, skew_seconds))
            .collect();
        // V6 to V19, V21 to V23, A1 to A8: the logs, and beside them how the bucket is configured.
        let known = (pins, &explained);
        let (state, looked_at) = State::beside(source, || {
            look_at_tails(source, request, survey, known, &tails, progress)
        });
        logs = looked_at;
        // V20, V29: the bucket and the clock.
        state.judge(request, survey.moments.ended, &mut record);
    }
    // V27, V28: the verdict.
    let found = Found {
        record,
        logs,
        begun,
        run: Run::Head {
            segments: segments.get(),
        },
    };
    let mut report = conclude(&Target::of(source), request, &chosen, found);
    for (log, tail) in chosen.iter().zip(&tails) {
        if let Some(first) = tail.first {
            report.leave_out_before(&log.origin, first);
        }
    }
    Ok(report)
}

/// The segments of a log that are read: the last ones, and those that are needed to judge what the listing shows of the others.
struct Tail {
    numbers: BTreeSet<u64>,
    /// Number of the first of the last ones; `None` where all segments are read.
    first: Option<u64>,
}

impl Tail {
    fn of(plan: &LogPlan<'_>, segments: NonZeroU64, skew_seconds: i64) -> Self {
        let present = || plan.slots.iter().filter(|(_, slot)| slot.is_present());
        let segments = usize::try_from(segments.get()).unwrap_or(usize::MAX);
        let last = present().rev().take(segments);
        let mut numbers: BTreeSet<u64> = last.map(|(number, _)| *number).collect();
        let first = numbers.first().copied();
        let mut before = None;
        for (number, slot) in present() {
            numbers.extend(needed(before, (*number, slot), skew_seconds));
            before = Some((*number, &**slot));
        }
        let is_whole = present().count() == numbers.len();
        Self {
            numbers,
            first: first.filter(|_| !is_whole),
        }
    }
}

/// Which of two present neighbours are read: the borders of absent segments say whether these may be absent (A3, A4), and a segment
/// that was stored before its predecessor says when it was sealed (V22).
fn needed(
    before: Option<(u64, &Slot)>,
    (number, slot): (u64, &Slot),
    skew_seconds: i64,
) -> impl Iterator<Item = u64> {
    let stored = |slot: &Slot| slot.versions.last().and_then(|version| version.stored);
    let next = before.map_or(0, |(before, _)| before.saturating_add(1));
    let is_gap = number > next;
    let is_late = check_stored_order(
        before.and_then(|(_, before)| stored(before)),
        stored(slot),
        skew_seconds,
    )
    .is_some();
    let left = before.map(|(before, _)| before).filter(|_| is_gap);
    let right = Some(number).filter(|_| is_gap || is_late);
    left.into_iter().chain(right)
}

fn look_at_tails(
    source: &dyn Source,
    request: &Request<'_>,
    survey: &Survey<'_>,
    (pins, explained): (&Pins, &Explained<'_>),
    tails: &[Tail],
    progress: &mut dyn FnMut(Progress),
) -> Vec<Merged> {
    let (has_storage, moments) = (source.has_storage(), survey.moments);
    let plans = survey.plans.iter();
    let logs = plans.map(|plan| Log::new(request, moments, has_storage, plan.log, pins, explained));
    let logs: Vec<Log<'_>> = logs.collect();
    let all = logs.iter().zip(&survey.plans).zip(tails);
    let stretches = all.map(|((log, plan), tail)| Stretch {
        range: RangeResult::at_beginning(log),
        slots: match log.policy_of.format {
            FORMAT => Slots::All(&plan.slots),
            // Nobody can read a format that this program does not know.
            _ => Slots::Some(Vec::new()),
        },
        read: Read::Only(tail.numbers.clone()),
    });
    let ranges = look_at(source, request.workers, stretches.collect(), progress);
    let all = ranges.into_iter().zip(&survey.plans);
    all.map(|(range, plan)| finish(range, &plan.left_out))
        .collect()
}
