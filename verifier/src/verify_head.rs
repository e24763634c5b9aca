//! The head of each log alone: the configuration, the listing, and the last segments with their locks. The same rules in the same
//! order as a [whole verification](fn@crate::verify::verify), over less.

use std::num::NonZeroU64;

use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::{LogPlan, Slot};
use crate::look::{Stretch, look_at};
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

/// Verifies the configuration, the listing, and the last `segments` of each chosen log with their locks. The report names what it
/// did not read; the head of a log that was not read whole cannot be pinned, since not every rule was judged.
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
        tails = plans.map(|plan| Tail::of(plan, segments)).collect();
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
        if let (Some(_), Some((first, _))) = (tail.after, tail.slots.first()) {
            report.leave_out_before(&log.origin, *first);
        }
    }
    Ok(report)
}

/// The segments of a log that are read.
struct Tail<'p> {
    slots: Vec<(u64, &'p Slot)>,
    /// The segment before them, which is there: its number, and when it was stored. `None` where they are all.
    after: Option<(u64, Option<Timestamp>)>,
}

impl<'p> Tail<'p> {
    fn of(plan: &'p LogPlan<'_>, segments: NonZeroU64) -> Self {
        let segments = usize::try_from(segments.get()).unwrap_or(usize::MAX);
        let mut present = plan.slots.iter().rev();
        let mut present = present.by_ref().filter(|(_, slot)| slot.is_present());
        let first = present.by_ref().take(segments).last();
        let before = present.next().map(|(number, slot)| {
            let stored = slot.versions.last().and_then(|version| version.stored);
            (*number, stored)
        });
        let from = match (first, before) {
            (Some((first, _)), Some(_)) => *first,
            _ => 0,
        };
        let slots = plan.slots.range(from..);
        Self {
            slots: slots.map(|(number, slot)| (*number, &**slot)).collect(),
            after: before,
        }
    }
}

fn look_at_tails(
    source: &dyn Source,
    request: &Request<'_>,
    survey: &Survey<'_>,
    (pins, explained): (&Pins, &Explained<'_>),
    tails: &[Tail<'_>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<Merged> {
    let (has_storage, moments) = (source.has_storage(), survey.moments);
    let plans = survey.plans.iter();
    let logs = plans.map(|plan| Log::new(request, moments, has_storage, plan.log, pins, explained));
    let logs: Vec<Log<'_>> = logs.collect();
    let stretches = logs.iter().zip(tails).map(|(log, tail)| Stretch {
        range: match tail.after {
            Some((number, stored)) => RangeResult::after_unread(log, number, stored),
            None => RangeResult::at_beginning(log),
        },
        slots: match log.policy_of.format {
            FORMAT => tail.slots.clone(),
            // Nobody can read a format that this program does not know.
            _ => Vec::new(),
        },
    });
    let ranges = look_at(source, request.workers, stretches.collect(), progress);
    let all = ranges.into_iter().zip(&survey.plans);
    all.map(|(range, plan)| finish(range, &plan.left_out))
        .collect()
}
