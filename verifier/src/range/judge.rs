//! Segments of one log in their order, each judged against what came before it: V7 to V19, V21 to V23, A2 to A8.

use auditlog_chain::timestamp::Timestamp;

use super::context::{Context, left, previous};
use super::log::Log;
use super::tally::Tally;
use crate::acknowledged::Acknowledged;
use crate::explained::covering;
use crate::facts::{Facts, Seen, Sound};
use crate::fault::Fault;
use crate::place::Place;
use crate::settle::end_fault;
use crate::undecided::Unreadable;

/// Judges the segments of one log in their order, from a known context.
#[derive(Clone)]
pub(crate) struct Judge<'p> {
    pub(crate) log: &'p Log<'p>,
    pub(crate) context: Context,
    pub(crate) tally: Tally,
}

impl<'p> Judge<'p> {
    /// From what came before on.
    pub(crate) fn from(log: &'p Log<'p>, context: Context) -> Self {
        Self {
            log,
            context,
            tally: Tally::default(),
        }
    }

    /// Whether both found the same, and judge what comes next in the same way.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        (&self.context, &self.tally) == (&other.context, &other.tally)
    }

    /// Takes in what was found of the segments that come next. They were judged from the context that this one ends with.
    pub(crate) fn append(&mut self, next: Self) {
        self.tally.append(next.tally, self.log.most_remembered);
        self.context = next.context;
    }

    /// A fault, or an acknowledged one where an entry of the policy covers it.
    pub(crate) fn fault_or_explained(&mut self, fault: Fault, place: Place) {
        let record = &mut self.tally.record;
        match covering(self.log.declared.entries, &fault, &place) {
            Some(entry) => record.acknowledged(Acknowledged::by(entry, fault), place),
            None => record.fault(fault, place),
        }
    }

    /// A loss that an entry explains.
    pub(crate) fn acknowledge_loss(&mut self, loss: usize, fault: Fault, first: u64) {
        let place = self.log.place(first);
        let record = &mut self.tally.record;
        match self.log.declared.loss_entry(loss) {
            Some(entry) => record.acknowledged(Acknowledged::by(entry, fault), place),
            None => record.fault(fault, place),
        }
    }

    /// What is at the key of the next segment, and what is between it and the one before.
    pub(crate) fn take(&mut self, facts: &Facts) {
        let number = facts.number;
        match &facts.seen {
            Seen::Marked(markers) => {
                let markers = markers.iter().map(|id| (number, id.clone()));
                self.context.markers.extend(markers);
            }
            Seen::Gone => self.count_as_absent(number, facts.stored),
            Seen::Listed => self.listed(facts),
            Seen::Unread(_) | Seen::Unsound(_) | Seen::Sound(_) => self.segment(facts),
        }
    }

    /// A segment that was listed and gone when it was read counts as absent (A1).
    fn count_as_absent(&mut self, number: u64, stored: Option<Timestamp>) {
        let known = stored.map(|stored| self.log.gone(number, stored));
        self.context.gone.extend(known);
    }

    fn segment(&mut self, facts: &Facts) {
        let place = self.place_of(facts);
        // V7: the segment by itself.
        self.take_fault(&facts.seen, &place);
        let sound = facts.sound();
        // V8 to V10, A3, A4, A6: its neighbours, what is absent before it, and the end of the log.
        self.check_before(facts, &place);
        if let Some(sound) = sound {
            self.check_end(sound, &place);
        }
        // V11 to V16: keys.
        match sound {
            Some(sound) => self.check_keys(sound, facts.stored, &place),
            None => self.context.active = None,
        }
        // V17 to V19, A7, A8: storage.
        self.take_kept(facts, &place);
        // V21 to V23, A2: time.
        self.check_time(facts, &place);
        // A5: the pinned head.
        if let Some(sound) = sound {
            self.check_pin(sound, &place);
            self.count(sound, facts.stored);
        }
        self.tally.see(facts);
        self.go_on(facts);
    }

    /// A segment that was not to be read: what is absent before it, how many versions and markers it has, and when it was stored.
    fn listed(&mut self, facts: &Facts) {
        let place = self.place_of(facts);
        self.check_before(facts, &place);
        self.context.active = None;
        self.take_kept(facts, &place);
        self.check_time(facts, &place);
        self.go_on(facts);
    }

    fn place_of(&self, facts: &Facts) -> Place {
        Place {
            version_id: facts.version_id.clone(),
            ..self.log.place(facts.number)
        }
    }

    fn take_fault(&mut self, seen: &Seen, place: &Place) {
        match seen {
            Seen::Unsound(found) => {
                let at = Place {
                    line: found.line,
                    index: found.index,
                    ..place.clone()
                };
                self.tally.record.fault(found.fault.clone(), at);
            }
            Seen::Unread(error) => {
                let (what, error) = (Unreadable::Segment, error.clone());
                self.tally.record.unreadable(what, error, place.clone());
            }
            Seen::Sound(_) | Seen::Gone | Seen::Listed | Seen::Marked(_) => {}
        }
    }

    /// V10: an ended log ends where the policy says.
    fn check_end(&mut self, sound: &Sound, place: &Place) {
        if let Some(fault) = end_fault(self.log.policy_of, sound.position()) {
            self.tally.record.fault(fault, place.clone());
        }
    }

    /// V17 to V19, A7, A8: what the store says of it.
    fn take_kept(&mut self, facts: &Facts, place: &Place) {
        let kept = &facts.kept;
        for fault in &kept.faults {
            self.fault_or_explained(fault.what.clone(), fault.place.clone());
        }
        if let Some(error) = &kept.lock_unread {
            let (what, error) = (Unreadable::Lock, error.clone());
            self.tally.record.unreadable(what, error, place.clone());
        }
        self.add_idle_markers(kept.idle_markers);
    }

    pub(crate) fn add_idle_markers(&mut self, count: u64) {
        self.tally.idle_markers = self.tally.idle_markers.saturating_add(count);
    }

    /// A5: the segment that an earlier run pinned is still what it was.
    fn check_pin(&mut self, sound: &Sound, place: &Place) {
        let Some(expected) = self.log.pinned_position() else {
            return;
        };
        let found = sound.position();
        if found.segment == expected.segment && found != expected {
            let fault = Fault::HeadForked { expected, found };
            self.tally.record.fault(fault, place.clone());
        }
    }

    fn count(&mut self, sound: &Sound, stored: Option<Timestamp>) {
        self.tally.count(sound, stored);
        let position = sound.position();
        self.context.left = Some(left(sound, stored));
        if self
            .log
            .pin
            .is_none_or(|pin| position.segment > pin.segment)
        {
            let at = (position.size, position.root);
            let most = self.log.most_remembered;
            self.tally.remember(position.segment, at, most);
        }
    }

    /// The segment becomes the one before the next. Delete markers below it are over segments whose absence is judged
    /// elsewhere (A8).
    fn go_on(&mut self, facts: &Facts) {
        self.context.previous = Some(previous(facts));
        self.context.gone.clear();
        let markers = std::mem::take(&mut self.context.markers).len();
        self.add_idle_markers(u64::try_from(markers).unwrap_or(u64::MAX));
    }
}
