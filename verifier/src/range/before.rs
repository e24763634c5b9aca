//! What is before a segment: its predecessor (V8), or absent segments (A3, A4, A6).

use auditlog_chain::fault::Fault as ChainFault;
use auditlog_chain::policy::{AfterMissing, BeforeMissing, FoundMissing, Position};
use auditlog_chain::timestamp::Timestamp;

use super::judge::Judge;
use crate::absence::border::{Range, Right};
use crate::absence::gap::{self, Discontinuity};
use crate::absence::holes::{Gap, Why, judge};
use crate::facts::{End, Facts, Sound};
use crate::fault::Fault;
use crate::holes::{Hole, WhyAbsent};
use crate::note::{Note, Unproven};
use crate::place::Place;
use crate::undecided::Undecided;

impl Judge<'_> {
    /// V8: `left`, `prev`, index and `sealed_before` are those of the predecessor. Where it is absent, A3 to A6.
    pub(super) fn check_before(&mut self, facts: &Facts, place: &Place) {
        let first = self.context.next_number();
        if facts.number > first {
            let last = facts.number.saturating_sub(1);
            self.check_gap(Range { first, last }, facts, place);
            return;
        }
        let (Some(sound), Some(previous)) = (facts.sound(), &self.context.previous) else {
            return;
        };
        let Some(head) = &previous.head else {
            self.left_unproven(facts.number, Unproven::NotSound);
            return;
        };
        if let Some(fault) = neighbour_fault(head, &sound.before) {
            let place = first_line(sound, place);
            self.tally.record.fault(fault.into(), place);
        }
    }

    fn left_unproven(&mut self, segment: u64, why: Unproven) {
        let place = self.log.place(segment);
        let note = Note::LeftUnproven { segment, why };
        self.tally.record.note(note, place);
    }

    fn check_gap(&mut self, range: Range, facts: &Facts, place: &Place) {
        // After a gap any authorised key may be the active one: the rotation may have been in it.
        self.context.active = None;
        let Some(sound) = facts.sound() else {
            let Range { first, last } = range;
            let place = self.log.place(first);
            let unknown = Undecided::AbsenceUnknown { first, last };
            self.tally.record.undecided(unknown, place);
            return;
        };
        let right = right_of(sound, facts.stored);
        let why = self.judge_absent(range, Some(&right));
        self.left_unproven(sound.number, why.unwrap_or(Unproven::Missing));
        self.check_growth(range, &right, sound, place);
    }

    /// A3, A6: each part of a range has expired, is acknowledged, or is missing. Returns which the last part is.
    pub(crate) fn judge_absent(&mut self, range: Range, right: Option<&Right>) -> Option<Unproven> {
        let pin = self.log.pin.filter(|pin| range.has(pin.segment));
        let parts = judge(
            &Gap {
                range,
                left: self.context.left.as_ref(),
                right,
                end: self.log.declared.end.filter(|_| right.is_none()),
                pin: pin.as_ref(),
                gone: &self.context.gone,
            },
            &self.log.declared.for_expiry(),
            &self.log.declared.losses,
            self.log.moments.ended,
        );
        let mut last = None;
        for (part, why) in parts {
            last = Some(self.take_part(range, part, why, right));
        }
        last
    }

    fn take_part(
        &mut self,
        range: Range,
        part: Range,
        why: Why,
        right: Option<&Right>,
    ) -> Unproven {
        let Range { first, last } = part;
        let mut hole = |why| self.tally.holes.add(Hole { first, last, why });
        let fault = |kept_until, loss| Fault::SegmentMissing {
            first,
            last,
            kept_until,
            loss,
        };
        match why {
            Why::Expired => {
                hole(WhyAbsent::Expired);
                Unproven::Expired
            }
            Why::Acknowledged { loss } => {
                hole(WhyAbsent::Acknowledged);
                let borders = self.loss_of(range, part, right);
                self.acknowledge_loss(loss, fault(None, borders), first);
                Unproven::Acknowledged
            }
            Why::Missing { kept_until } => {
                let borders = self.loss_of(range, part, right);
                let place = self.log.place(first);
                self.tally.record.fault(fault(kept_until, borders), place);
                Unproven::Missing
            }
        }
    }

    /// A part of a range as an entry of the policy has to name it, as far as its borders are known.
    fn loss_of(&self, range: Range, part: Range, right: Option<&Right>) -> Box<FoundMissing> {
        let left = self.context.left.filter(|_| part.first == range.first);
        let right = right.filter(|_| part.last == range.last);
        let pin = self.log.pin.filter(|pin| part.has(pin.segment));
        Box::new(FoundMissing {
            first: part.first,
            last: part.last,
            before: left.map(|left| BeforeMissing {
                size: left.size,
                root: left.root,
                stored: left.stored,
            }),
            after: right.map(|right| AfterMissing {
                size: right.first_index,
                root: right.root_before,
            }),
            pin: pin.map(|pin| Position {
                segment: pin.segment,
                size: pin.size,
                root: pin.root,
            }),
        })
    }

    /// A4: what comes after a gap continues from what came before it.
    fn check_growth(&mut self, range: Range, right: &Right, sound: &Sound, place: &Place) {
        let pin = self.log.pin.filter(|pin| range.has(pin.segment));
        let Some(found) = gap::check(self.context.left.as_ref(), right, pin.as_ref()) else {
            return;
        };
        let fault = match found {
            Discontinuity::Size { expected, found } => {
                ChainFault::IndexMismatch { expected, found }.into()
            }
            Discontinuity::SealedBefore { expected, found } => {
                ChainFault::SealedBeforeMismatch { expected, found }.into()
            }
            Discontinuity::Forked => {
                let Some(expected) = self.log.pinned_position() else {
                    return;
                };
                let found = Position {
                    segment: range.last,
                    size: right.first_index,
                    root: right.root_before,
                };
                Fault::HeadForked { expected, found }
            }
        };
        self.tally.record.fault(fault, first_line(sound, place));
    }
}

fn right_of(sound: &Sound, stored: Option<Timestamp>) -> Right {
    Right {
        number: sound.number,
        first_index: sound.first_index(),
        root_before: sound.before.range.root(),
        sealed_before: sound.sealed_before(),
        stored,
    }
}

fn first_line(sound: &Sound, place: &Place) -> Place {
    Place {
        line: Some(1),
        index: Some(sound.first_index()),
        ..place.clone()
    }
}

/// V8: the first difference between what a segment says came before it and what did.
pub(crate) fn neighbour_fault(head: &End, before: &End) -> Option<ChainFault> {
    if before.range.size() != head.range.size() {
        return Some(ChainFault::IndexMismatch {
            expected: head.range.size(),
            found: before.range.size(),
        });
    }
    if before.last_leaf != head.last_leaf {
        return Some(ChainFault::PrevMismatch {
            expected: head.last_leaf,
            found: before.last_leaf,
        });
    }
    if before.range != head.range {
        let (expected, found) = (head.range.roots().to_vec(), before.range.roots().to_vec());
        return Some(ChainFault::LeftMismatch { expected, found });
    }
    let (expected, found) = head.sealed.zip(before.sealed)?;
    (expected != found).then_some(ChainFault::SealedBeforeMismatch { expected, found })
}
