//! The verification, step by step in the order of the rules in `docs/guides/verification.md` (V1 to V30).

use auditlog_chain::segment::FORMAT;

use crate::conclude::{Found, conclude};
use crate::declared::check_declared;
use crate::explained::Explained;
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
    let survey = survey(source, request, &chosen, pins, &explained, &mut record);
    let mut logs = Vec::new();
    let mut begun = request.now;
    if let Some(survey) = &survey {
        begun = survey.moments.begun;
        // V6 to V19, V21 to V23, A1 to A8: the logs, and beside them how the bucket is configured.
        let (state, looked_at) = State::beside(source, || {
            look_at_logs(source, request, survey, pins, &explained, progress)
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
        run: Run::Whole,
    };
    Ok(conclude(&Target::of(source), request, &chosen, found))
}

/// Each log as one range, from its beginning.
fn look_at_logs(
    source: &dyn Source,
    request: &Request<'_>,
    survey: &Survey<'_>,
    pins: &Pins,
    explained: &Explained<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Merged> {
    let (has_storage, moments) = (source.has_storage(), survey.moments);
    let plans = survey.plans.iter();
    let logs = plans.map(|plan| Log::new(request, moments, has_storage, plan.log, pins, explained));
    let logs: Vec<Log<'_>> = logs.collect();
    let nothing = std::collections::BTreeMap::new();
    let stretches = logs.iter().zip(&survey.plans).map(|(log, plan)| Stretch {
        range: RangeResult::at_beginning(log),
        // Nobody can read a format that this program does not know.
        slots: if plan.log.format == FORMAT {
            &plan.slots
        } else {
            &nothing
        },
    });
    let ranges = look_at(source, request.workers, stretches.collect(), progress);
    let all = ranges.into_iter().zip(&survey.plans);
    all.map(|(range, plan)| finish(range, &plan.left_out))
        .collect()
}
