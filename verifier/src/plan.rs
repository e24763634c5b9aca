//! The plan (V4 to V6): one listing, sorted into the segments of the logs. Anything that is not a segment must be declared.

use std::collections::{BTreeMap, HashMap};

use auditlog_chain::policy::{LogPolicy, TrustPolicy};

use crate::fault::Fault;
use crate::log_plan::{LeftOut, LogPlan, Slot};
use crate::place::{Place, Placed};
use crate::source::{Listed, ReadError};

/// Sorts a listing.
pub(crate) struct Planner<'p> {
    policy: &'p TrustPolicy,
    chosen: HashMap<&'p str, usize>,
    logs: Vec<LogPlan<'p>>,
    unfinished: u64,
}

impl<'p> Planner<'p> {
    /// For a verification of the chosen logs.
    pub(crate) fn new(policy: &'p TrustPolicy, chosen: &[&'p LogPolicy]) -> Self {
        let plan = |log: &&'p LogPolicy| LogPlan {
            log,
            slots: BTreeMap::new(),
            left_out: LeftOut::default(),
        };
        Self {
            policy,
            chosen: chosen
                .iter()
                .enumerate()
                .map(|(at, log)| (log.prefix.as_str(), at))
                .collect(),
            logs: chosen.iter().map(plan).collect(),
            unfinished: 0,
        }
    }

    /// Number of files so far that a sealer has not finished.
    pub(crate) const fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Takes one thing of the listing. Returns the fault if the policy does not account for it.
    pub(crate) fn take(&mut self, listed: Listed) -> Option<Placed<Fault>> {
        let (key, version_id, what) = match &listed {
            Listed::Version { key, version } => (key, version.id.clone(), "an object"),
            Listed::Marker { key, marker } => (key, marker.id.clone(), "a delete marker"),
            Listed::Foreign { key, what } => (key, None, *what),
            Listed::PassedOver { key } => (key, None, "a file"),
            Listed::Unfinished => {
                self.unfinished = self.unfinished.saturating_add(1);
                return None;
            }
        };
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let log = self.policy.log_at(folder);
        if let Some((log, number)) = log.and_then(|log| Some((log, log.segment_of_key(key)?))) {
            self.fill(log, number, listed);
            return None;
        }
        if self.policy.declares(key) {
            return None;
        }
        let within = self.policy.log_above(key);
        let place = Place {
            log: within.map(|log| log.origin.clone()),
            object: Some(key.clone()),
            version_id,
            ..Place::default()
        };
        Some(Placed {
            what: Fault::ObjectUnaccounted { what },
            place,
        })
    }

    /// The plans, versions of one key from the newest to the oldest, whatever order the store has for them.
    ///
    /// # Errors
    ///
    /// Where a version of a key is listed twice: it would look like two versions.
    pub(crate) fn finish(mut self) -> Result<Vec<LogPlan<'p>>, ReadError> {
        for plan in &mut self.logs {
            for (number, slot) in &mut plan.slots {
                if is_listed_twice(slot) {
                    return Err(listed_twice(&plan.log.segment_key(*number)));
                }
                slot.versions.sort();
            }
            // A map that grew at its end is half empty: one that is made at once is full.
            plan.slots = std::mem::take(&mut plan.slots).into_iter().collect();
        }
        Ok(self.logs)
    }

    fn fill(&mut self, log: &LogPolicy, number: u64, listed: Listed) {
        let at = self.chosen.get(log.prefix.as_str());
        let Some(plan) = at.and_then(|at| self.logs.get_mut(*at)) else {
            return;
        };
        if matches!(listed, Listed::PassedOver { .. }) {
            let out = &mut plan.left_out;
            out.passed_over = out.passed_over.saturating_add(1);
            return;
        }
        let slot = plan.slots.entry(number).or_default();
        match listed {
            Listed::Version { version, .. } => slot.versions.push(version),
            Listed::Marker { marker, .. } => slot.markers.push(marker),
            Listed::Foreign { what, .. } => slot.foreign = Some(Box::new(what)),
            Listed::PassedOver { .. } | Listed::Unfinished => {}
        }
    }
}

fn listed_twice(key: &str) -> ReadError {
    let reason = format!("the store's listing has one version of {key} twice");
    ReadError::new(reason)
        .with_hint("run it again; a store that lists a version twice cannot be verified")
}

/// Whether two versions or markers of a key have one id.
fn is_listed_twice(slot: &Slot) -> bool {
    if slot.versions.len().saturating_add(slot.markers.len()) < 2 {
        return false;
    }
    let versions = slot.versions.iter().filter_map(|one| one.id.as_deref());
    let markers = slot.markers.iter().filter_map(|one| one.id.as_deref());
    let mut ids: Vec<&str> = versions.chain(markers).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    ids.len() < count
}
