//! A range as documents have it, and what such a document cannot claim.
//!
//! Whoever writes a document can leave out what was found. Then nothing shows that its last segments were looked at, so each claim
//! about the end of the range needs a signature of an authorised key, or a finding that says why there is none.

use std::ops::RangeInclusive;

use auditlog_chain::policy::Trusted;
use auditlog_chain::verifier_key::VerifierKey;
use serde::{Deserialize, Serialize};

use super::context::{Context, Previous};
use super::log::Log;
use super::tally::Tally;
use crate::facts::{End, Facts};

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

impl Rest {
    /// Whether it can be what follows a lead that ends with this context.
    ///
    /// # Errors
    ///
    /// How it contradicts itself.
    pub(super) fn check(
        &self,
        log: &Log<'_>,
        within: &RangeInclusive<u64>,
        lead: &Context,
    ) -> Result<(), &'static str> {
        let previous = self.context.previous.as_ref();
        let previous = previous.ok_or("it has no last segment")?;
        if !within.contains(&previous.number) {
            return Err("its last segment is of another range");
        }
        if !self.tally.has_checkpoint_of(log.policy_of, &self.context) {
            return Err("its last checkpoint is not that of its lines");
        }
        if self.tally.last.is_none() && self.context.left != lead.left {
            return Err("its last sound segment is not that of its lead");
        }
        self.check_counts(previous.number, lead)?;
        match &previous.head {
            Some(end) => self.check_end(log, previous, end, lead),
            None => self.check_broken_end(),
        }
    }

    /// It counts no more segments than it has numbers, and as many lines as the log grew by: of each segment the entries, the open line,
    /// the close line and at most one key line. Where something was found, sizes prove nothing.
    fn check_counts(&self, last: u64, lead: &Context) -> Result<(), &'static str> {
        let tally = &self.tally;
        let is_clean = tally.record.faults.count() == 0 && tally.record.undecided.count() == 0;
        let is_whole = is_clean && tally.holes.count() == 0;
        let numbers = last.saturating_sub(lead.head().unwrap_or(0));
        let before = lead.left.map_or(0, |left| left.size);
        let grown = tally
            .last
            .map_or(0, |last| last.position.size.saturating_sub(before));
        let lines = |others: u64| {
            let others = tally.segments.saturating_mul(others);
            tally.entries.saturating_add(others)
        };
        let are_segments_right =
            tally.segments <= numbers && (!is_whole || tally.segments == numbers);
        let are_entries_right = !is_clean || lines(2) <= grown && (!is_whole || grown <= lines(3));
        (are_segments_right && are_entries_right)
            .then_some(())
            .ok_or("it counts other segments or entries than it has")
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
        let left = self.context.left.as_ref();
        let is_last = left.is_some_and(|left| {
            (left.number, left.stored) == (previous.number, previous.stored)
                && (left.size, left.root) == (end.range.size(), end.range.root())
                && Some(left.sealed) == end.sealed
        });
        if !is_last {
            return Err("its last checkpoint is not that of its lines");
        }
        match &self.context.active {
            Some(active) => self.check_active(log, previous.number, active),
            None if self.tally.record.faults.count() > 0 => Ok(()),
            None => Err("its last checkpoint has no valid signature, and it has no fault"),
        }
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
