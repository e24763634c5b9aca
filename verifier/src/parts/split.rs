//! Divides what was listed into ranges that take about as long.

use std::collections::BTreeMap;

use auditlog_chain::segment::FORMAT;

use crate::log_plan::{LogPlan, Slot};

/// What a request costs, in bytes that could be read in its time.
const REQUEST_BYTES: u64 = 256 << 10;

/// The keys of one log in one range.
pub(crate) struct Slice {
    /// Which of the logs.
    pub(crate) log_at: usize,
    /// What the listing shows of them.
    pub(crate) slots: BTreeMap<u64, Box<Slot>>,
}

/// The slices of each range, in the order of the logs and their segments. Some ranges may be empty.
pub(crate) fn split(plans: &mut [LogPlan<'_>], ranges: u64) -> Vec<Vec<Slice>> {
    let supported = |plan: &&LogPlan<'_>| plan.log.format == FORMAT;
    let slots = plans
        .iter()
        .filter(supported)
        .flat_map(|plan| plan.slots.values());
    let total = slots
        .map(|slot| weight(slot))
        .fold(0, u128::saturating_add)
        .max(1);
    let mut all: Vec<Vec<Slice>> = Vec::new();
    all.resize_with(usize::try_from(ranges).unwrap_or(0), Vec::new);
    let mut before: u128 = 0;
    for (log_at, plan) in plans.iter_mut().enumerate() {
        let slots = std::mem::take(&mut plan.slots);
        if plan.log.format != FORMAT {
            continue;
        }
        for (number, slot) in slots {
            let range = before.saturating_mul(ranges.into()).checked_div(total);
            before = before.saturating_add(weight(&slot));
            let range = range.and_then(|range| usize::try_from(range).ok());
            if let Some(slices) = range.and_then(|range| all.get_mut(range)) {
                put(slices, log_at, number, slot);
            }
        }
    }
    all
}

fn put(slices: &mut Vec<Slice>, log_at: usize, number: u64, slot: Box<Slot>) {
    match slices.last_mut().filter(|last| last.log_at == log_at) {
        Some(last) => _ = last.slots.insert(number, slot),
        None => slices.push(Slice {
            log_at,
            slots: BTreeMap::from([(number, slot)]),
        }),
    }
}

/// At least 1, so that the last range is within bounds: what comes before the last slot is less than all.
fn weight(slot: &Slot) -> u128 {
    let bytes = slot.versions.last().map_or(0, |version| version.bytes);
    u128::from(bytes.saturating_add(REQUEST_BYTES))
}
