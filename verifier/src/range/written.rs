//! A range as documents have it, and what such a document cannot claim.
//!
//! Whoever writes a document can leave out what was found. Then nothing shows that its last segments were looked at, so each claim
//! about the end of the range needs a signature of an authorised key, or a finding that says why there is none. What the listing shows is not
//! taken from the document: the merge has the listing too.

use auditlog_chain::policy::{Ended, Position, Trusted};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use super::context::{Context, Previous};
use super::log::Log;
use super::tally::Tally;
use crate::absence::border::Left;
use crate::acknowledged::Acknowledged;
use crate::facts::{End, Facts};
use crate::holes::{Hole, WhyAbsent};
use crate::keys::key_id;
use crate::log_plan::Slot;
use crate::note::Note;
use crate::timeline::Timeline;

/// A range as documents have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(super) lead: Vec<Facts>,
    pub(super) rest: Vec<Rest>,
}

/// What follows the lead of a range, in one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// The key that is the active one after the lead then.
    pub(super) active: Option<VerifierKey>,
    pub(super) context: Context,
    pub(super) tally: Tally,
}

/// Keys of a log, and what the listing has under them.
type Slots<'s> = [(u64, &'s Slot)];

/// What is known of a range without its document.
pub(super) struct Known<'k> {
    pub(super) log: &'k Log<'k>,
    /// What the listing has after the lead.
    pub(super) listed: &'k Slots<'k>,
    /// What the lead ends with.
    pub(super) lead: &'k Context,
}

impl Rest {
    /// Whether it can be what follows this lead.
    ///
    /// # Errors
    ///
    /// How it contradicts itself, the listing or the policy.
    pub(super) fn check(&self, known: &Known<'_>) -> Result<(), &'static str> {
        let (log, lead) = (known.log, known.lead);
        let previous = self.context.previous.as_ref();
        let previous = previous.ok_or("it has no last segment")?;
        let (looked_at, after) = known.divided(previous)?;
        self.check_after(log, after)?;
        if !self.tally.has_ending_of(log.policy_of, &self.context) {
            return Err("its last checkpoint is not that of its lines");
        }
        if self.context.left != lead.left && !self.context.left.is_some_and(is_one_of(looked_at)) {
            return Err("its last sound segment is not one that was listed");
        }
        if self.tally.last.is_none() && self.context.left != lead.left {
            return Err("its last sound segment is not that of its lead");
        }
        self.check_counts(known, looked_at, previous.number)?;
        self.check_words(log)?;
        self.check_drawing(looked_at)?;
        match &previous.head {
            Some(end) => self.check_end(log, previous, end, lead),
            None => self.check_broken_end(),
        }
    }

    /// What the listing has after its last segment is not present: only delete markers, or gone when it was read. The document has all of it.
    fn check_after(&self, log: &Log<'_>, after: &Slots<'_>) -> Result<(), &'static str> {
        let (mut gone, mut markers) = (Vec::new(), Vec::new());
        for (number, slot) in after {
            if slot.is_present() {
                let stored = stored(slot).ok_or("it leaves out its last segment")?;
                gone.push(log.gone(*number, stored));
            } else {
                markers.extend(slot.markers.iter().map(|marker| (*number, &marker.id)));
            }
        }
        let said = self.context.markers.iter();
        let is_said =
            gone == self.context.gone && said.map(|(number, id)| (*number, id)).eq(markers);
        is_said
            .then_some(())
            .ok_or("it leaves out its last segment")
    }

    /// It counts the segments that were listed, and as many lines as the log grew by: of each segment the entries, the open line,
    /// the close line and at most one key line. Where something was found, sizes prove nothing.
    fn check_counts(
        &self,
        known: &Known<'_>,
        looked_at: &Slots<'_>,
        last: u64,
    ) -> Result<(), &'static str> {
        let (tally, lead) = (&self.tally, known.lead);
        let is_clean = tally.record.faults.count() == 0 && tally.record.undecided.count() == 0;
        let present: Vec<_> = looked_at
            .iter()
            .filter(|(_, slot)| slot.is_present())
            .copied()
            .collect();
        let (absent, gone) = self.check_holes(known.log, &present, lead.next_number()..last)?;
        let listed = u64::try_from(present.len()).unwrap_or(u64::MAX);
        let numbers = last.saturating_sub(lead.head().unwrap_or(0));
        let has_all_holes = tally.holes.are_all_listed();
        let is_each_counted = tally.segments.checked_add(gone) == Some(listed)
            && tally.segments.checked_add(absent) == Some(numbers);
        let are_segments_right =
            tally.segments <= listed && (!is_clean || !has_all_holes || is_each_counted);
        let markers: usize = looked_at.iter().map(|(_, slot)| slot.markers.len()).sum();
        let are_markers_right = tally.idle_markers <= u64::try_from(markers).unwrap_or(u64::MAX);
        if is_clean && has_all_holes {
            self.check_expired(known.log, &present)?;
        }
        let are_entries_right =
            !is_clean || self.has_room_for_entries(lead.left.map_or(0, |left| left.size));
        (are_segments_right && are_markers_right && are_entries_right)
            .then_some(())
            .ok_or("it counts other segments or entries than it has")
    }

    fn has_room_for_entries(&self, before: u64) -> bool {
        let tally = &self.tally;
        let grown = tally
            .last
            .map_or(0, |last| last.position.size.saturating_sub(before));
        let lines = |others: u64| {
            let others = tally.segments.saturating_mul(others);
            tally.entries.saturating_add(others)
        };
        lines(2) <= grown && (tally.holes.count() > 0 || grown <= lines(3))
    }

    /// How many numbers its holes have, and under how many of them something was listed. That was gone when it was read, which takes a lock that
    /// has run out, or an entry of the policy.
    fn check_holes(
        &self,
        log: &Log<'_>,
        present: &Slots<'_>,
        within: std::ops::Range<u64>,
    ) -> Result<(u64, u64), &'static str> {
        if !self.tally.holes.are_full_or_all_listed() {
            return Err("it counts other absent segments than it has");
        }
        let (mut absent, mut gone, mut next) = (0_u64, 0_u64, within.start);
        for hole in self.tally.holes.listed() {
            if hole.first < next || hole.last < hole.first || hole.last >= within.end {
                return Err("its absent segments are out of order");
            }
            next = hole.last.saturating_add(1);
            let from = present.partition_point(|(number, _)| *number < hole.first);
            let to = present.partition_point(|(number, _)| *number < next);
            let listed = present.get(from..to).unwrap_or_default();
            if !may_be_absent(log, hole, listed) {
                return Err("segments that were listed, and must be kept, are absent in it");
            }
            let numbers = next.saturating_sub(hole.first);
            absent = absent.saturating_add(numbers);
            gone = gone.saturating_add(u64::try_from(listed.len()).unwrap_or(u64::MAX));
        }
        Ok((absent, gone))
    }

    /// A3, as far as the listing shows it. Where nothing was found, the first listed segment above a hole was read, and the store's clock has
    /// a moment for it. What was absent before it cannot have been stored long before that.
    fn check_expired(&self, log: &Log<'_>, present: &Slots<'_>) -> Result<(), &'static str> {
        let declared = log.declared.for_expiry();
        let mut above: Option<(u64, Option<Timestamp>)> = None;
        for hole in self.tally.holes.listed().iter().rev() {
            let next = hole.last.saturating_add(1);
            let heard = match above {
                Some((first, heard)) if first == next => heard,
                _ => first_stored(present, next),
            };
            // An entry of the policy may say when the last segment before a loss was stored.
            let heard = heard.filter(|_| hole.why == WhyAbsent::Expired);
            if heard.is_some_and(|heard| log.moments.ended <= declared.least_kept_until(heard)) {
                return Err("segments that must be kept are absent in it");
            }
            above = Some((hole.first, heard));
        }
        Ok(())
    }

    /// What comes from the policy is the policy's: keys, and the reasons of acknowledged findings. What keeps a later range from reporting
    /// something was reported here.
    fn check_words(&self, log: &Log<'_>) -> Result<(), &'static str> {
        let tally = &self.tally;
        if !tally.record.is_full_or_all_listed() {
            return Err("it counts other findings than it has");
        }
        let keys = log.policy_of.verifier_keys.iter();
        let ids: Vec<String> = keys.map(key_id).collect();
        let named = tally.signed_by.iter().map(String::as_str);
        let mut named = named
            .chain(tally.no_last_good.iter().map(String::as_str))
            .chain(tally.timeline.keys().map(|(id, _)| id));
        if !named.all(|id| ids.iter().any(|known| known == id)) {
            return Err("it names a key that the policy does not have");
        }
        let signer = self
            .context
            .active
            .as_ref()
            .filter(|_| tally.last.is_some());
        if signer.is_some_and(|key| !tally.signed_by.contains(&key_id(key))) {
            return Err("it does not name the key that signed its last checkpoint");
        }
        let is_reported =
            |id: &String| tally.record.undecided.more() > 0 || tally.lists_no_last_good(id);
        if !tally.no_last_good.iter().all(is_reported) {
            return Err("it keeps back that a last good segment is missing");
        }
        let mut acknowledged = tally.record.acknowledged.listed().iter();
        if !acknowledged.all(|one| is_of_policy(log, &one.what)) {
            return Err("it acknowledges what the policy does not");
        }
        let mut notes = tally.record.notes.listed().iter();
        let is_of_range = notes.all(|one| matches!(one.what, Note::LeftUnproven { .. }));
        is_of_range
            .then_some(())
            .ok_or("it has a note that is not about a segment")
    }

    /// What is drawn is drawn within the range.
    fn check_drawing(&self, looked_at: &Slots<'_>) -> Result<(), &'static str> {
        let is_within = match (looked_at.first(), looked_at.last()) {
            (Some((first, _)), Some((last, _))) => self.tally.timeline.is_within(*first, *last),
            _ => self.tally.timeline == Timeline::default(),
        };
        is_within.then_some(()).ok_or("it draws other segments")
    }

    /// After a sound segment: it is the one with the last checkpoint, or the last one of the lead.
    fn check_end(
        &self,
        log: &Log<'_>,
        previous: &Previous,
        end: &End,
        lead: &Context,
    ) -> Result<(), &'static str> {
        if self.tally.last.is_none() {
            let is_of_lead =
                (&self.context.previous, &self.context.active) == (&lead.previous, &lead.active);
            return is_of_lead
                .then_some(())
                .ok_or("it ends with another segment than its lead");
        }
        if !self.tally.ends_with(log.policy_of, end)
            || self.context.left.map(|left| (left.number, left.stored))
                != Some((previous.number, previous.stored))
        {
            return Err("its last checkpoint is not that of its lines");
        }
        self.check_known_positions(log)?;
        match &self.context.active {
            Some(active) => self.check_active(log, previous.number, active),
            None if self.tally.record.faults.count() > 0 => Ok(()),
            None => Err("its last checkpoint has no valid signature, and it has no fault"),
        }
    }

    /// Where the pin or the policy says what the log is at the end of its last segment, it is that.
    fn check_known_positions(&self, log: &Log<'_>) -> Result<(), &'static str> {
        let Some(found) = self.tally.last.map(|last| last.position) else {
            return Ok(());
        };
        let end = log.policy_of.ended.as_ref().map(Ended::last);
        let mut known = log.last_good_positions();
        known.extend(log.pinned_position().into_iter().chain(end));
        let is_other = |known: &Position| known.segment == found.segment && *known != found;
        let is_other = known.iter().any(is_other);
        (!is_other || self.tally.record.faults.count() > 0)
            .then_some(())
            .ok_or("its last segment is not the one that the pin or the policy has, and it has no fault")
    }

    /// The active key signed the last checkpoint, and could.
    fn check_active(
        &self,
        log: &Log<'_>,
        number: u64,
        active: &VerifierKey,
    ) -> Result<(), &'static str> {
        if self.tally.last_signer(log.policy_of).as_ref() != Some(active) {
            return Err("its last checkpoint is not signed by the key that it names");
        }
        let record = &self.tally.record;
        let may_count = match log.trusted(active) {
            Trusted::Throughout => true,
            Trusted::UpTo(last) => number <= last.segment || record.faults.count() > 0,
            Trusted::Unknown => record.undecided.count() > 0,
        };
        may_count
            .then_some(())
            .ok_or("its last checkpoint is signed by a key that does not count there")
    }

    /// After a segment that is not sound, no key is known, and something says what is wrong with it.
    fn check_broken_end(&self) -> Result<(), &'static str> {
        let record = &self.tally.record;
        let is_found = record.faults.count() > 0 || record.undecided.count() > 0;
        if is_found && self.context.active.is_none() {
            Ok(())
        } else {
            Err("its last segment is not sound, and it does not say why")
        }
    }
}

impl<'k> Known<'k> {
    /// What the listing has up to the last present segment, and after it.
    fn divided(&self, previous: &Previous) -> Result<(&'k Slots<'k>, &'k Slots<'k>), &'static str> {
        if self.lead.previous.as_ref() == Some(previous) {
            return Ok((&[], self.listed));
        }
        let numbers = self
            .listed
            .binary_search_by_key(&previous.number, |(number, _)| *number);
        let at = numbers
            .ok()
            .and_then(|at| self.listed.split_at_checked(at.saturating_add(1)));
        let is_last =
            |(_, slot): &(u64, &Slot)| slot.is_present() && stored(slot) == previous.stored;
        at.filter(|(looked_at, _)| looked_at.last().is_some_and(is_last))
            .ok_or("its last segment is not one that was listed")
    }
}

/// `LastModified` of the version that is looked at.
fn stored(slot: &Slot) -> Option<Timestamp> {
    slot.versions.last().and_then(|version| version.stored)
}

/// When the first of these segments from a number on was stored.
fn first_stored(present: &Slots<'_>, from: u64) -> Option<Timestamp> {
    let at = present.partition_point(|(number, _)| *number < from);
    present.get(at).and_then(|(_, slot)| stored(slot))
}

fn is_one_of(slots: &Slots<'_>) -> impl Fn(Left) -> bool {
    move |left| {
        let mut slots = slots.iter();
        slots.any(|(number, slot)| {
            (*number, stored(slot)) == (left.number, left.stored) && slot.is_present()
        })
    }
}

/// Whether these segments, which were listed, may have been gone when they were read.
fn may_be_absent(log: &Log<'_>, hole: &Hole, listed: &Slots<'_>) -> bool {
    match hole.why {
        WhyAbsent::Expired => listed.iter().all(|(number, slot)| {
            let kept_until = stored(slot).map(|stored| log.gone(*number, stored).kept_until);
            kept_until.is_some_and(|kept_until| kept_until < log.moments.ended)
        }),
        WhyAbsent::Acknowledged => log
            .declared
            .losses
            .iter()
            .any(|loss| loss.range.first <= hole.first && hole.last <= loss.range.last),
    }
}

/// Whether an entry of the policy acknowledges it with these words.
fn is_of_policy(log: &Log<'_>, found: &Acknowledged) -> bool {
    log.declared.entries.iter().any(|entry| {
        Some(entry.code) == found.fault.acknowledged_code()
            && (&entry.reason, entry.date) == (&found.reason, found.date)
    })
}
