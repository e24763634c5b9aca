//! What one listing shows (V2, V4, V5, A1): the segments of each log, and the moments by which everything is judged.

use auditlog_chain::policy::LogPolicy;

use crate::absence::moments::Moments;
use crate::acknowledged::Acknowledged;
use crate::explained::{Explained, covering};
use crate::log_plan::LogPlan;
use crate::note::Note;
use crate::pins::Pins;
use crate::place::{Place, Placed};
use crate::plan::Planner;
use crate::record::Record;
use crate::request::{Request, RequestError};
use crate::settle::settle;
use crate::source::{Listing, Source};
use crate::undecided::Unreadable;

/// What one listing shows.
pub(crate) struct Survey<'p> {
    /// The segments of each chosen log, in the order of the policy.
    pub(crate) plans: Vec<LogPlan<'p>>,
    /// When it was made.
    pub(crate) moments: Moments,
}

/// V2: the logs to verify.
pub(crate) fn choose_logs<'a>(
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

/// V4, V5, A1: one listing of everything. `None` where it is not complete; the record says why.
pub(crate) fn survey<'p>(
    source: &dyn Source,
    request: &Request<'p>,
    chosen: &[&'p LogPolicy],
    pins: &Pins,
    explained: &Explained<'_>,
    record: &mut Record,
) -> Option<Survey<'p>> {
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
            let moments = moments(request, listing);
            let mut plans = match planner.finish() {
                Ok(plans) => plans,
                Err(error) => {
                    record.unreadable(Unreadable::Listing, error, Place::default());
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
            Some(Survey { plans, moments })
        }
        Err(error) => {
            record.unreadable(Unreadable::Listing, error, Place::default());
            None
        }
    }
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
