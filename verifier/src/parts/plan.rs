//! The plan: what one listing shows, and everything else that no worker may see in its own way.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::MAX_RANGES;
use super::document::{read, write};
use super::error::PartsError;
use super::split::{Slice, split};
use crate::absence::moments::Moments;
use crate::declared::check_declared;
use crate::explained::Explained;
use crate::log_plan::{LeftOut, LogPlan, Slot};
use crate::pin::Pin;
use crate::pins::Pins;
use crate::record::Record;
use crate::report::{LogReport, Report};
use crate::request::Request;
use crate::rules::RULES;
use crate::source::{ReadError, Source};
use crate::state::State;
use crate::survey::{Survey, choose_logs, survey};
use crate::target::Target;
use crate::undecided::Undecided;

/// The one version of the document that this program knows.
const PLAN_VERSION: u64 = 1;

/// A plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub(super) document: Document,
    pub(super) digest: Hash,
}

/// A plan as it is written: the document itself, and the list of each range.
#[derive(Debug, PartialEq, Eq)]
pub struct Planned {
    /// The plan.
    pub plan: Vec<u8>,
    /// What the listing shows of each range.
    pub lists: Vec<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    plan: u64,
    rules: u64,
    pub(super) policy: Hash,
    pub(super) target: Target,
    pub(super) now: Timestamp,
    pub(super) at: Option<Timestamp>,
    pub(super) max_skew_seconds: u32,
    pub(super) moments: Moments,
    pub(super) pins: BTreeMap<Origin, Pin>,
    pub(super) found: Record,
    pub(super) state: State,
    pub(super) logs: Vec<PlannedLog>,
    pub(super) ranges: Vec<PlannedRange>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedLog {
    pub(super) log: Origin,
    pub(super) left_out: LeftOut,
}

/// What a range is: digest of its list, and what is in it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedRange {
    pub(super) list: Hash,
    pub(super) slices: Vec<PlannedSlice>,
}

/// Keys of one log in one range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedSlice {
    pub(super) log: Origin,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// The list of a range: what the listing shows of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct List {
    range: u64,
    pub(super) slices: Vec<ListedSlice>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListedSlice {
    pub(super) log: Origin,
    pub(super) slots: BTreeMap<u64, Box<Slot>>,
}

/// Makes a plan of one listing, in so many ranges.
///
/// # Errors
///
/// Where the request does not fit, or the listing is not complete.
pub fn plan(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    ranges: u64,
) -> Result<Planned, PartsError> {
    let mut lists = Vec::new();
    let plan = plan_into(source, request, pins, ranges, &mut |_, list| {
        lists.push(list);
        Ok::<(), PartsError>(())
    })?;
    Ok(Planned { plan, lists })
}

/// Makes the same plan, and hands over the list of each range as it is made: all of them together may take more memory than there is. The bytes
/// of the plan.
///
/// # Errors
///
/// Where the request does not fit, the listing is not complete, or a list is not taken.
pub fn plan_into<E: From<PartsError>>(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    ranges: u64,
    each: &mut dyn FnMut(u64, Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    if !(1..=MAX_RANGES).contains(&ranges) {
        let (found, limit) = (ranges, MAX_RANGES);
        return Err(PartsError::Ranges { found, limit }.into());
    }
    plan_cut(source, request, pins, &|plans| split(plans, ranges), each)
}

/// Makes a plan of one listing, divided in this way.
pub(crate) fn plan_cut<E: From<PartsError>>(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    cut: &dyn Fn(&mut [LogPlan<'_>]) -> Vec<Vec<Slice>>,
    each: &mut dyn FnMut(u64, Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let (mut survey, found) = listed(source, request, pins)?;
    let slices = cut(&mut survey.plans);
    let mut ranges = Vec::new();
    for (range, slices) in (0..).zip(slices) {
        let (planned, list) = planned_range(range, slices, &survey.plans);
        ranges.push(planned);
        each(range, list)?;
    }
    Ok(write(&document(
        source, request, pins, survey, found, ranges,
    )))
}

/// The listing, and what it shows at once.
fn listed<'p>(
    source: &dyn Source,
    request: &Request<'p>,
    pins: &Pins,
) -> Result<(Survey<'p>, Record), PartsError> {
    let chosen = choose_logs(source, request)?;
    let declared = check_declared(request, &chosen, &mut Record::default());
    declared.map_err(|error| PartsError::Request(error.into()))?;
    let (explained, mut found) = (Explained::new(request.policy), Record::default());
    let survey = survey(source, request, &chosen, pins, &explained, &mut found);
    let survey = survey.ok_or_else(|| unlisted(&found))?;
    Ok((survey, found))
}

fn document(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    survey: Survey<'_>,
    found: Record,
    ranges: Vec<PlannedRange>,
) -> Document {
    // The state comes first: each answer has a reading of the clock.
    let state = State::of(source);
    let pin = |plan: &LogPlan<'_>| {
        let origin = &plan.log.origin;
        pins.of(origin).map(|pin| (origin.clone(), *pin))
    };
    let pins = survey.plans.iter().filter_map(pin).collect();
    let planned = |plan: LogPlan<'_>| PlannedLog {
        log: plan.log.origin.clone(),
        left_out: plan.left_out,
    };
    Document {
        plan: PLAN_VERSION,
        rules: RULES,
        policy: request.policy_digest,
        target: Target::of(source),
        now: request.now,
        at: request.at,
        max_skew_seconds: request.max_skew_seconds,
        moments: survey.moments,
        pins,
        found,
        state,
        logs: survey.plans.into_iter().map(planned).collect(),
        ranges,
    }
}

/// Why there is no listing.
fn unlisted(found: &Record) -> PartsError {
    let error = found.undecided.listed().iter().find_map(|one| {
        if let Undecided::Unreadable { error, .. } = &one.what {
            return Some(error.clone());
        }
        None
    });
    PartsError::Unlisted(error.unwrap_or_else(|| ReadError::new("the listing is not complete")))
}

/// What the plan says of a range, and the list of it.
fn planned_range(range: u64, slices: Vec<Slice>, logs: &[LogPlan<'_>]) -> (PlannedRange, Vec<u8>) {
    let slices = slices.into_iter().filter_map(|slice| {
        let log = logs.get(slice.log_at)?.log.origin.clone();
        let slots = slice.slots;
        Some(ListedSlice { log, slots })
    });
    let list = List {
        range,
        slices: slices.collect(),
    };
    let bytes = write(&list);
    let planned = PlannedRange {
        list: Hash::of(&bytes),
        slices: list.slices.iter().filter_map(planned_slice).collect(),
    };
    (planned, bytes)
}

fn planned_slice(slice: &ListedSlice) -> Option<PlannedSlice> {
    Some(PlannedSlice {
        log: slice.log.clone(),
        first: *slice.slots.first_key_value()?.0,
        last: *slice.slots.last_key_value()?.0,
    })
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// Where the bytes are not a plan, or of a version that this program does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, PartsError> {
        let name = "the plan";
        let versions: Versions = peek(name, bytes)?;
        known(name, versions.plan, PLAN_VERSION)?;
        known("the rules of the plan", versions.rules, RULES)?;
        let document: Document = read(name, bytes)?;
        let digest = Hash::of(bytes);
        Ok(Self { document, digest })
    }

    /// What the plan was made of: a folder, or `s3://BUCKET/PREFIX`.
    pub fn target(&self) -> &str {
        &self.document.target.name
    }

    /// When its listing began.
    pub const fn made(&self) -> Timestamp {
        self.document.moments.begun
    }

    /// Its SHA-256, which each partial result names.
    pub const fn digest(&self) -> Hash {
        self.digest
    }

    /// Number of its ranges.
    pub fn ranges(&self) -> u64 {
        u64::try_from(self.document.ranges.len()).unwrap_or(u64::MAX)
    }

    /// Whether the plan has a range.
    ///
    /// # Errors
    ///
    /// Where it does not.
    pub fn check_range(&self, range: u64) -> Result<(), PartsError> {
        self.range(range).map(|_| ())
    }

    /// The request that the plan was made for.
    pub(super) fn request<'p>(
        &'p self,
        policy: &'p TrustPolicy,
        digest: Hash,
        workers: usize,
    ) -> Result<Request<'p>, PartsError> {
        let expected = self.document.policy;
        if digest != expected {
            let found = digest;
            return Err(PartsError::OtherPolicy { expected, found });
        }
        Ok(Request {
            policy,
            policy_digest: digest,
            logs: &[],
            now: self.document.now,
            at: self.document.at,
            max_skew_seconds: self.document.max_skew_seconds,
            workers,
        })
    }

    /// The logs that the plan is of, as the policy has them.
    pub(super) fn logs<'p>(
        &self,
        policy: &'p TrustPolicy,
    ) -> Result<Vec<&'p LogPolicy>, PartsError> {
        let logs = self.document.logs.iter().map(|one| policy.log(&one.log));
        logs.collect::<Option<_>>()
            .ok_or_else(|| malformed("it names a log that the policy does not declare"))
    }

    /// The pins that the plan was made with.
    pub fn pins(&self) -> Pins {
        self.document.pins.clone().into_iter().collect()
    }

    /// Whether these pins are those that the plan was made with, as far as they are of its logs, or those that its merge has left: the heads
    /// of its report. Other ones were not compared with anything (A5).
    ///
    /// # Errors
    ///
    /// Where they are not.
    pub fn check_pins(&self, pins: &Pins, report: &Report) -> Result<(), PartsError> {
        let is_head = |log: &Origin, pin: &Pin| {
            let mut heads = report.logs().iter().filter_map(LogReport::verified);
            heads.any(|head| head.origin() == log && head.pin() == pin)
        };
        let is_other = |log: &&Origin| {
            let pin = pins.of(log);
            pin != self.document.pins.get(*log) && !pin.is_some_and(|pin| is_head(log, pin))
        };
        let mut logs = self.document.logs.iter().map(|planned| &planned.log);
        let other = logs.find(is_other);
        other.map_or(Ok(()), |log| {
            let log = log.clone();
            Err(PartsError::OtherPins { log })
        })
    }

    /// What the plan says of a range.
    pub(super) fn range(&self, range: u64) -> Result<&PlannedRange, PartsError> {
        let found = usize::try_from(range).ok();
        let planned = found.and_then(|range| self.document.ranges.get(range));
        planned.ok_or_else(|| PartsError::NoSuchRange {
            last: self.ranges().saturating_sub(1),
            found: range,
        })
    }

    /// Reads the list of a range.
    pub(super) fn list(&self, range: u64, bytes: &[u8]) -> Result<List, PartsError> {
        if self.range(range)?.list != Hash::of(bytes) {
            return Err(PartsError::OtherList { range });
        }
        let list: List = read("the list of the range", bytes)?;
        if list.range != range {
            return Err(PartsError::OtherList { range });
        }
        Ok(list)
    }
}

fn malformed(reason: &str) -> PartsError {
    PartsError::Malformed {
        name: "the plan".to_owned(),
        reason: reason.to_owned(),
    }
}

#[derive(Deserialize)]
struct Versions {
    plan: u64,
    rules: u64,
}

/// The versions in a document, whatever else is in it.
pub(super) fn peek<'d, T: Deserialize<'d>>(name: &str, bytes: &'d [u8]) -> Result<T, PartsError> {
    serde_json::from_slice(bytes).map_err(|error| PartsError::Malformed {
        name: name.to_owned(),
        reason: error.to_string(),
    })
}

pub(super) fn known(name: &str, found: u64, known: u64) -> Result<(), PartsError> {
    if found == known {
        return Ok(());
    }
    Err(PartsError::Unsupported {
        name: name.to_owned(),
        found,
        known,
    })
}
