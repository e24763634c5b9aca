//! What of a listing counts (A1, V10): what was stored after the listing had begun is for the next run, and what is after the
//! declared end of a log is disowned. The rules see what remains of the plan.

use auditlog_chain::policy::{LogPolicy, Position};
use auditlog_chain::timestamp::Timestamp;

use crate::absence::moments::{Cut, Moments, is_above};
use crate::fault::Fault;
use crate::log_plan::{LeftOut, LogPlan, Slot};
use crate::source::{Marker, Version};

/// Leaves out what does not count. `pin` is the pinned segment; `None` for the moments in a folder, where nothing is stored.
pub(crate) fn settle(plan: &mut LogPlan<'_>, moments: Option<Moments>, pin: Option<u64>) {
    let mut out = disown(plan, moments.map(|moments| moments.skew_seconds));
    if let Some(moments) = moments {
        plan.slots
            .iter()
            .for_each(|(number, slot)| note_future(*number, slot, moments, &mut out));
        pass_over(plan, moments, pin, &mut out);
    }
    keep_the_rest(plan, out);
}

/// Leaves out what is after the declared end alone, for those who read single segments. `skew_seconds` is `None` in a folder.
pub(crate) fn settle_end(plan: &mut LogPlan<'_>, skew_seconds: Option<i64>) {
    let out = disown(plan, skew_seconds);
    keep_the_rest(plan, out);
}

/// V10: an ended log ends where the policy says.
pub(crate) fn end_fault(log: &LogPolicy, found: Position) -> Option<Fault> {
    let expected = log.ended.as_ref()?.last();
    let is_other = found.segment == expected.segment && found != expected;
    is_other.then_some(Fault::EndMismatch { expected, found })
}

fn keep_the_rest(plan: &mut LogPlan<'_>, mut out: LeftOut) {
    out.shadowed = out.shadowed.saturating_add(count(
        plan.slots.values().filter(|slot| slot.shows_another()),
    ));
    plan.slots.retain(|_, slot| !slot.is_empty());
    out.nothing_is_left = plan.slots.is_empty();
    plan.left_out = out;
}

/// V10: takes out what is after the declared end, by its number or, where it was stored, by its time.
fn disown(plan: &mut LogPlan<'_>, skew_seconds: Option<i64>) -> LeftOut {
    // A folder passes over files by itself.
    let mut out = std::mem::take(&mut plan.left_out);
    let Some(ended) = &plan.log.ended else {
        return out;
    };
    // Two clocks of the store may differ: a segment before the last one can be dated a little later.
    let last_stored = ended.stored.zip(skew_seconds);
    let last_stored = last_stored.map(|(stored, skew)| stored.saturating_add_seconds(skew));
    for (number, slot) in &mut plan.slots {
        if *number > ended.segment {
            disown_slot(slot, &mut out);
        } else {
            disown_later(slot, last_stored, &mut out);
        }
    }
    out
}

fn count<T>(all: impl Iterator<Item = T>) -> u64 {
    u64::try_from(all.count()).unwrap_or(u64::MAX)
}

fn add<T>(sum: &mut u64, gone: &[T]) {
    *sum = sum.saturating_add(u64::try_from(gone.len()).unwrap_or(u64::MAX));
}

fn disown_slot(slot: &mut Slot, out: &mut LeftOut) {
    let versions = std::mem::take(&mut slot.versions);
    let markers = std::mem::take(&mut slot.markers);
    slot.foreign = None;
    add(&mut out.disowned_versions, &versions);
    add(&mut out.disowned_markers, &markers);
    if newest_is_a_version(&versions, &markers) {
        out.shadowed = out.shadowed.saturating_add(1);
    }
}

/// V10: versions that were stored after the end are as if they were not there, wherever they are.
fn disown_later(slot: &mut Slot, last_stored: Option<Timestamp>, out: &mut LeftOut) {
    let Some(last) = last_stored else { return };
    let is_later = |version: &Version| version.stored.is_some_and(|stored| stored > last);
    let later = slot.versions.take_out(is_later);
    add(&mut out.disowned_versions, &later);
    slot.disowned_is_current = newest_is_a_version(&later, &slot.markers);
}

/// Whether the newest thing is one of the versions and not one of the markers.
fn newest_is_a_version(versions: &[Version], markers: &[Marker]) -> bool {
    if versions.iter().any(|version| version.is_latest) {
        return true;
    }
    let newest = versions.iter().map(|version| version.stored).max();
    let marked = markers.iter().map(|marker| marker.set).max();
    let marked_latest = markers.iter().any(|marker| marker.is_latest);
    newest.is_some_and(|newest| !marked_latest && newest > marked)
}

fn note_future(number: u64, slot: &Slot, moments: Moments, out: &mut LeftOut) {
    let versions = slot
        .versions
        .iter()
        .map(|version| (&version.id, version.stored));
    let markers = slot
        .markers
        .iter()
        .map(|marker| (&marker.id, Some(marker.set)));
    for (id, stored) in versions.chain(markers) {
        if let Some(stored) = stored.filter(|stored| *stored > moments.latest()) {
            out.future.push((number, id.clone(), stored));
        }
    }
}

/// A1: passes over what came after the listing had begun, and what may show without its predecessor.
fn pass_over(plan: &mut LogPlan<'_>, moments: Moments, pin: Option<u64>, out: &mut LeftOut) {
    let first = |slot: &Slot| slot.versions.last().and_then(|version| version.stored);
    let present = plan
        .slots
        .iter()
        .filter_map(|(number, slot)| Some((*number, first(slot)?)));
    let cut = moments.cut(present, pin);
    out.absent = match cut {
        Some(Cut::Absent(number)) => Some(number),
        Some(Cut::Late(_)) | None => None,
    };
    for (number, slot) in &mut plan.slots {
        let number = *number;
        let beyond = cut.is_some_and(|cut| number > cut.number()) && is_above(number, pin);
        let is_kept = |stored: Timestamp| !beyond && !moments.is_late(number, stored, pin);
        let before = slot.versions.len().saturating_add(slot.markers.len());
        slot.versions
            .take_out(|version| !version.stored.is_none_or(is_kept));
        slot.markers.retain(|marker| is_kept(marker.set));
        let after = slot.versions.len().saturating_add(slot.markers.len());
        let passed = u64::try_from(before.saturating_sub(after)).unwrap_or(u64::MAX);
        out.passed_over = out.passed_over.saturating_add(passed);
    }
}

impl Slot {
    fn is_empty(&self) -> bool {
        !self.is_present() && self.markers.is_empty()
    }

    /// Whether a plain reader gets something other than the version that is verified.
    fn shows_another(&self) -> bool {
        if self.disowned_is_current {
            return true;
        }
        let Some(verified) = self.versions.last() else {
            return false;
        };
        let marked =
            !self.markers.is_empty() && !newest_is_a_version(&self.versions, &self.markers);
        marked || (self.versions.len() > 1 && !verified.is_latest)
    }
}
