//! A range of segments of one log: everything that it can decide alone, and, where what comes before it is not known, the facts
//! about its first segments.
//!
//! What comes before decides about little: the neighbour, what is absent in between, and the key that signs. After the first
//! sound segment, the neighbour is known. The facts about the segments up to it, the *lead*, are judged once what comes before is
//! known. The key may be one of two, one of which is that nobody knows it: what follows the lead is judged in both *cases*. Usually, the
//! next segment shows that the case makes no difference, and one is left. Where keys alternate without a key line, both are kept to the
//! end, so that a range takes no more memory however long that goes on.

use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::context::Context;
use super::judge::Judge;
use super::log::Log;
use super::written::{Known, Rest, Written};
use crate::facts::{Facts, Sound};
use crate::keys::Signed;
use crate::log_plan::Slot;

/// What is known of one range of a log's segments. Neighbours can be put together, in any order: the result is that of one range
/// over all of them.
pub(crate) struct RangeResult<'p> {
    log: &'p Log<'p>,
    /// The segments up to the first sound one.
    lead: Vec<Facts>,
    /// Which keys may be the active one after the lead.
    active: Vec<Option<VerifierKey>>,
    /// Number after the last present segment of the lead.
    next: Option<u64>,
    /// What follows the lead, in each case; empty before a sound segment.
    rest: Vec<Case<'p>>,
}

/// What follows a lead, if this key is the active one after it.
#[derive(Clone)]
struct Case<'p> {
    active: Option<VerifierKey>,
    judge: Judge<'p>,
}

impl<'p> RangeResult<'p> {
    /// A range at the beginning of a log: what comes before is known, since nothing does.
    pub(crate) fn at_beginning(log: &'p Log<'p>) -> Self {
        let mut range = Self::anywhere(log);
        range.rest = vec![Case::from(log, Context::default())];
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
            rest: Vec::new(),
        }
    }

    /// The log.
    pub(crate) const fn log(&self) -> &'p Log<'p> {
        self.log
    }

    /// Adds the next segment.
    pub(crate) fn push(&mut self, facts: Facts) {
        if self.rest.is_empty() {
            self.push_to_lead(facts);
            return;
        }
        for case in &mut self.rest {
            case.judge.take(&facts);
        }
        self.join_cases();
    }

    /// Adds the range that comes next.
    pub(crate) fn append(&mut self, next: Self) {
        next.lead.into_iter().for_each(|facts| self.push(facts));
        for case in &mut self.rest {
            let active = &case.judge.context.active;
            // What is active after a lead is one of its cases, unless they are one.
            let found = next.rest.iter().find(|case| case.active == *active);
            if let Some(found) = found.or(next.rest.first()) {
                case.judge.append(found.judge.clone());
            }
        }
        self.join_cases();
    }

    /// What was found, from the beginning of the log.
    pub(crate) fn into_judge(self) -> Judge<'p> {
        let known = self.rest.into_iter().next().map(|case| case.judge);
        known.unwrap_or_else(|| Judge::from(self.log, Context::default()))
    }

    fn push_to_lead(&mut self, facts: Facts) {
        if facts.is_present() {
            self.active = self.active_after(&facts);
            self.next = Some(facts.number.saturating_add(1));
        }
        if let Some(sound) = facts.sound() {
            let after = |active: &Option<_>| Context::after(&facts, sound, active.clone());
            let cases = self.active.iter().map(after);
            self.rest = cases.map(|context| Case::from(self.log, context)).collect();
        }
        self.lead.push(facts);
    }

    /// Where it made no difference which key was the active one, the cases are one.
    fn join_cases(&mut self) {
        if let [first, others @ ..] = self.rest.as_slice()
            && others.iter().all(|other| other.judge.agrees(&first.judge))
        {
            self.rest.truncate(1);
        }
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
        let rest = self.rest.into_iter().map(|case| Rest {
            active: case.active,
            context: case.judge.context,
            tally: case.judge.tally.condensed(stretches),
        });
        Written {
            rest: rest.collect(),
            lead: self.lead,
        }
    }

    /// Until when all locks in the range hold, whatever anybody does; `None` where anything at all was found in it, or where it
    /// cannot be judged alone.
    pub(crate) fn clean(&self) -> Option<Timestamp> {
        let [Case { judge: rest, .. }] = self.rest.as_slice() else {
            return None;
        };
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
        let rest = self.rest.iter().map(|case| Rest {
            active: case.active.clone(),
            context: case.judge.context.clone(),
            tally: case.judge.tally.for_cache(),
        });
        Written {
            rest: rest.collect(),
            lead: self.lead.clone(),
        }
    }

    /// A range that another machine, or another run, looked at; `listed` is what the listing has of it.
    ///
    /// # Errors
    ///
    /// How it contradicts itself, the listing or the policy. That a finding was left out does not show.
    pub(crate) fn of_written(
        log: &'p Log<'p>,
        written: Written,
        listed: &[(u64, &Slot)],
    ) -> Result<Self, &'static str> {
        let mut range = Self::anywhere(log);
        let mut listed = listed.iter();
        for mut facts in written.lead {
            if !range.rest.is_empty() {
                return Err("it leaves to the merge what it could judge");
            }
            let listed = listed.next();
            if !listed.is_some_and(|(number, slot)| facts.can_be_of(*number, slot)) {
                return Err("its segments are not those that were listed");
            }
            facts.complete(log.policy_of)?;
            range.push(facts);
        }
        let listed = listed.as_slice();
        if range.rest.is_empty() && !listed.is_empty() {
            return Err("it leaves out its last segment");
        }
        range.take_rest(written.rest, listed)?;
        Ok(range)
    }

    /// What a document says of what follows the lead, in place of what is not known.
    fn take_rest(
        &mut self,
        written: Vec<Rest>,
        listed: &[(u64, &Slot)],
    ) -> Result<(), &'static str> {
        match (self.rest.len(), written.len()) {
            (0, 1..) => return Err("it judges what it could not judge"),
            (1.., 0) => return Err("it leaves to the merge what it could judge"),
            // Cases that agree are one.
            (_, 0 | 1) => {}
            (found, said) if found != said => return Err("it has other cases than its lead"),
            _ => {}
        }
        self.rest.truncate(written.len());
        let log = self.log;
        for (case, written) in self.rest.iter_mut().zip(written) {
            if case.active != written.active {
                return Err("it has other cases than its lead");
            }
            let lead = &case.judge.context;
            written.check(&Known { log, listed, lead })?;
            let pin = log.pin.map(|pin| pin.segment);
            case.judge.tally = written.tally.with_trail_of_last(pin);
            case.judge.context = written.context;
        }
        Ok(())
    }
}

impl<'p> Case<'p> {
    fn from(log: &'p Log<'p>, context: Context) -> Self {
        Self {
            active: context.active.clone(),
            judge: Judge::from(log, context),
        }
    }
}
