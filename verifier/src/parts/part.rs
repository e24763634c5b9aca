//! The partial result of one range.

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::TrustPolicy;
use serde::{Deserialize, Serialize};

use super::document::{read, write};
use super::error::PartsError;
use super::plan::{ListedSlice, Plan, known, peek};
use crate::explained::Explained;
use crate::log_plan::Slots;
use crate::look::{Read, Stretch, look_at};
use crate::progress::Progress;
use crate::range::log::Log;
use crate::range::result::RangeResult;
use crate::range::written::Written;
use crate::request::Request;
use crate::rules::RULES;
use crate::source::{ClockReading, Source};
use crate::state::clock_beyond;
use crate::target::Target;

/// The one version of the document that this program knows.
const PART_VERSION: u64 = 1;

/// Largest partial result that is read, in bytes. One where nothing is wrong has a few kilobytes; one where no segment is sound has less than three
/// times the size of its list.
pub const MAX_PART_BYTES: usize = 256 << 20;

/// Most stretches of a log that all ranges of a plan draw together.
const STRETCHES: u64 = 1024;

/// The partial result of one range.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    #[serde(rename = "part")]
    version: u64,
    rules: u64,
    plan: Hash,
    policy: Hash,
    pub(super) range: u64,
    list: Hash,
    /// The reading of the store's clock that differs by more than the skew.
    pub(super) clock: Option<ClockReading>,
    pub(super) slices: Vec<Slice>,
}

/// What was found in one log.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slice {
    pub(super) log: Origin,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) result: Written,
}

/// Which range of which plan a partial result is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Digest of the plan.
    pub plan: Hash,
    /// The range.
    pub range: u64,
}

/// Looks at one range: everything that it can decide alone. The bytes of its partial result.
///
/// # Errors
///
/// Where the policy, the list or the source is not the plan's.
pub fn part(
    plan: &Plan,
    policy: (&TrustPolicy, Hash),
    (range, list): (u64, &[u8]),
    source: &dyn Source,
    workers: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, PartsError> {
    let (policy, digest) = policy;
    let request = plan.request(policy, digest, workers)?;
    check_source(plan, source)?;
    let listed = plan.list(range, list)?;
    let explained = Explained::new(policy);
    let logs = logs_of(plan, &request, &explained, &listed.slices)?;
    let stretches = logs.iter().zip(&listed.slices).map(|(log, slice)| Stretch {
        range: RangeResult::anywhere(log),
        slots: Slots::All(&slice.slots),
        read: Read::All,
    });
    let results = look_at(source, workers, stretches.collect(), progress);
    let most = STRETCHES.checked_div(plan.ranges()).unwrap_or(1).max(4);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let planned = plan.range(range)?.slices.iter().zip(results);
    let slices = planned.map(|(slice, result)| Slice {
        log: slice.log.clone(),
        first: slice.first,
        last: slice.last,
        result: result.into_written(most),
    });
    Ok(write(&Part {
        version: PART_VERSION,
        rules: RULES,
        plan: plan.digest,
        policy: digest,
        range,
        list: plan.range(range)?.list,
        slices: slices.collect(),
        clock: clock_beyond(source, &request),
    }))
}

fn check_source(plan: &Plan, source: &dyn Source) -> Result<(), PartsError> {
    let (expected, found) = (&plan.document.target, Target::of(source));
    if (&expected.name, &expected.scope) == (&found.name, &found.scope) {
        return Ok(());
    }
    Err(PartsError::OtherSource {
        expected: expected.name.clone(),
        found: found.name,
    })
}

/// What the rules about the log of each slice take.
fn logs_of<'p>(
    plan: &'p Plan,
    request: &Request<'p>,
    explained: &'p Explained<'p>,
    slices: &[ListedSlice],
) -> Result<Vec<Log<'p>>, PartsError> {
    let (has_storage, moments) = (plan.document.target.has_storage, plan.document.moments);
    let pins = plan.pins();
    let log = |slice: &ListedSlice| {
        let log = request.policy.log(&slice.log)?;
        Some(Log::new(
            request,
            moments,
            has_storage,
            log,
            &pins,
            explained,
        ))
    };
    let logs: Option<Vec<_>> = slices.iter().map(log).collect();
    logs.ok_or_else(|| PartsError::Malformed {
        name: "the list of the range".to_owned(),
        reason: "it names a log that the policy does not declare".to_owned(),
    })
}

impl Part {
    /// Which range of which plan it is of.
    ///
    /// # Errors
    ///
    /// Where the bytes are not a partial result, or of a version that this program does not know.
    pub fn header(name: &str, bytes: &[u8]) -> Result<Header, PartsError> {
        let versions: Versions = peek(name, bytes)?;
        known(name, versions.part, PART_VERSION)?;
        known(&format!("the rules of {name}"), versions.rules, RULES)?;
        Ok(Header {
            plan: versions.plan,
            range: versions.range,
        })
    }

    /// Reads the partial result of a range of this plan.
    ///
    /// # Errors
    ///
    /// Where it is not one, is of another plan or range, or contradicts its plan.
    pub(super) fn parse(plan: &Plan, range: u64, bytes: &[u8]) -> Result<Self, PartsError> {
        let name = format!("the partial result of range {range}");
        let header = Self::header(&name, bytes)?;
        let part: Self = read(&name, bytes)?;
        if header.plan != plan.digest {
            let (expected, found) = (plan.digest, header.plan);
            return Err(PartsError::Foreign {
                name,
                expected,
                found,
            });
        }
        let planned = plan.range(range)?;
        let is_planned = part.range == range
            && part.policy == plan.document.policy
            && part.list == planned.list
            && part.slices.len() == planned.slices.len()
            && part
                .slices
                .iter()
                .zip(&planned.slices)
                .all(|(slice, planned)| {
                    (&slice.log, slice.first, slice.last)
                        == (&planned.log, planned.first, planned.last)
                });
        if !is_planned {
            let why = "it is of other segments than its plan has in that range";
            return Err(PartsError::Contradicts { range, why });
        }
        Ok(part)
    }
}

#[derive(Deserialize)]
struct Versions {
    part: u64,
    rules: u64,
    plan: Hash,
    range: u64,
}

/// Whether these bytes are a partial result in its one form.
#[cfg(any(fuzzing, test))]
pub(crate) fn is_part(bytes: &[u8]) -> bool {
    Part::header("it", bytes).is_ok() && read::<Part>("it", bytes).is_ok()
}
