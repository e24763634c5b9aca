//! A range of segments of one log: everything that it can decide alone, and, where what comes before it is not known, the facts
//! about its first segments.
//!
//! What comes before decides about little: the neighbour, what is absent in between, and the key that signs. After the first
//! sound segment, the neighbour is known; after a few more, usually one, the key is the same whatever it was before. From there
//! on, the range is *settled*: every rule about it can be judged without the rest of the log. The facts about the segments
//! before that point, the *lead*, are judged once what comes before is known.

use std::ops::RangeInclusive;

use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::context::{Context, Previous};
use super::judge::Judge;
use super::log::Log;
use super::written::{Rest, Written};
use crate::facts::{Facts, Sound};
use crate::keys::Signed;

/// What is known of one range of a log's segments. Neighbours can be put together, in any order: the result is that of one range
/// over all of them.
pub(crate) struct RangeResult<'p> {
    log: &'p Log<'p>,
    /// The first segments, as long as they cannot be judged.
    lead: Vec<Facts>,
    /// Which keys may be the active one after the lead.
    active: Vec<Option<VerifierKey>>,
    /// Number after the last present segment of the lead.
    next: Option<u64>,
    /// What follows the lead.
    rest: Option<Judge<'p>>,
}

impl<'p> RangeResult<'p> {
    /// A range at the beginning of a log: what comes before is known, since nothing does.
    pub(crate) fn at_beginning(log: &'p Log<'p>) -> Self {
        let mut range = Self::anywhere(log);
        range.rest = Some(Judge::from(log, Context::default()));
        range
    }

    /// A range after a segment that is there and is not read. What comes before that one is not judged.
    pub(crate) fn after_unread(log: &'p Log<'p>, number: u64, stored: Option<Timestamp>) -> Self {
        let mut range = Self::anywhere(log);
        let previous = Previous {
            number,
            stored,
            head: None,
        };
        let context = Context {
            previous: Some(previous),
            ..Context::default()
        };
        range.rest = Some(Judge::from(log, context));
        range
    }

    /// A range of which nobody knows what comes before.
    pub(crate) fn anywhere(log: &'p Log<'p>) -> Self {
        let keys = log.policy_of.verifier_keys.iter().cloned().map(Some);
        Self {
            log,
            lead: Vec::new(),
            active: std::iter::once(None).chain(keys).collect(),
            next: None,
            rest: None,
        }
    }

    /// The log.
    pub(crate) const fn log(&self) -> &'p Log<'p> {
        self.log
    }

    /// Adds the next segment.
    pub(crate) fn push(&mut self, facts: Facts) {
        match &mut self.rest {
            Some(rest) => rest.take(&facts),
            None => self.push_to_lead(facts),
        }
    }

    /// Adds the range that comes next.
    pub(crate) fn append(&mut self, next: Self) {
        next.lead.into_iter().for_each(|facts| self.push(facts));
        match (&mut self.rest, next.rest) {
            (Some(rest), Some(next)) => rest.append(next),
            // What settles a range settles what it is a part of, so there is always something to add it to.
            (_, None) => {}
            (rest, next) => *rest = next,
        }
    }

    /// What was found, from the beginning of the log.
    pub(crate) fn into_judge(self) -> Judge<'p> {
        let log = self.log;
        self.rest
            .unwrap_or_else(|| Judge::from(log, Context::default()))
    }

    fn push_to_lead(&mut self, facts: Facts) {
        if facts.is_present() {
            self.active = self.active_after(&facts);
            self.next = Some(facts.number.saturating_add(1));
        }
        let context = match (self.active.as_slice(), facts.sound()) {
            ([active], Some(sound)) => Some(Context::after(&facts, sound, active.clone())),
            _ => None,
        };
        self.lead.push(facts);
        self.rest = context.map(|context| Judge::from(self.log, context));
    }

    /// Which keys may be the active one after a segment, for each that may have been before.
    fn active_after(&self, facts: &Facts) -> Vec<Option<VerifierKey>> {
        let Some(sound) = facts.sound() else {
            return vec![None];
        };
        if self.next.is_some_and(|next| next != facts.number) {
            return vec![self.active_of(None, sound, facts)];
        }
        let mut all = Vec::new();
        for before in &self.active {
            let after = self.active_of(before.as_ref(), sound, facts);
            if !all.contains(&after) {
                all.push(after);
            }
        }
        all
    }

    fn active_of(
        &self,
        before: Option<&VerifierKey>,
        sound: &Sound,
        facts: &Facts,
    ) -> Option<VerifierKey> {
        let stored = facts.stored;
        let signed = Signed {
            segment: sound,
            stored,
        };
        self.log.key_rules().check(before, &signed).active
    }

    /// The range in its written form, drawn in at most so many stretches.
    pub(crate) fn into_written(self, stretches: usize) -> Written {
        let rest = self.rest.map(|rest| Rest {
            context: rest.context,
            tally: rest.tally.condensed(stretches),
        });
        let lead = self.lead;
        Written { lead, rest }
    }

    /// Until when all locks in the range hold, whatever anybody does; `None` where anything at all was found in it, or where it
    /// cannot be judged alone.
    pub(crate) fn clean(&self) -> Option<Timestamp> {
        let rest = self.rest.as_ref()?;
        let is_clean = |facts: &Facts| facts.sound().is_some() && facts.kept.is_clean();
        let is_open = rest.context.gone.is_empty() && rest.context.markers.is_empty();
        if !is_open || !self.lead.iter().all(is_clean) {
            return None;
        }
        let firm = |facts: &Facts| facts.kept.firm_until.unwrap_or(Timestamp::EPOCH);
        let lead = self.lead.iter().map(firm).min();
        lead.into_iter().chain([rest.tally.clean()?]).min()
    }

    /// The range in its written form, for the next run.
    pub(crate) fn written_for_cache(&self) -> Written {
        let rest = self.rest.as_ref().map(|rest| Rest {
            context: rest.context.clone(),
            tally: rest.tally.for_cache(),
        });
        let lead = self.lead.clone();
        Written { lead, rest }
    }

    /// A range that another machine looked at, of the segments with these numbers.
    ///
    /// # Errors
    ///
    /// How it contradicts itself. What a range leaves out does not show.
    pub(crate) fn of_written(
        log: &'p Log<'p>,
        written: Written,
        within: &RangeInclusive<u64>,
    ) -> Result<Self, &'static str> {
        let mut range = Self::anywhere(log);
        let mut next = *within.start();
        for mut facts in written.lead {
            if range.rest.is_some() {
                return Err("it leaves to the merge what it could judge");
            }
            if facts.number < next || !within.contains(&facts.number) {
                return Err("its segments are out of order");
            }
            next = facts.number.saturating_add(1);
            facts.complete(log.policy_of)?;
            range.push(facts);
        }
        match (&mut range.rest, written.rest) {
            (None, None) => {}
            (Some(rest), Some(written)) => {
                written.check(log, within, &rest.context)?;
                (rest.context, rest.tally) = (written.context, written.tally);
            }
            (None, Some(_)) => return Err("it judges what it could not judge"),
            (Some(_), None) => return Err("it leaves to the merge what it could judge"),
        }
        Ok(range)
    }
}
