//! What lies before a segment: its predecessor, or a gap (V8, V9).

use auditlog_chain::fault::Fault as ChainFault;
use auditlog_chain::segment::{CheckedSegment, Head};

use super::Walk;
use crate::examine::Examination;
use crate::fault::Fault;
use crate::holes::{Hole, WhyAbsent};
use crate::note::{Note, Unproven};
use crate::place::Place;
use crate::storage::all_kept_until;
use crate::undecided::Undecided;

impl Walk<'_> {
    fn next_number(&self) -> u64 {
        self.previous
            .as_ref()
            .map_or(0, |previous| previous.number.saturating_add(1))
    }

    /// V8: `left`, `prev`, index and `sealed_before` are those of the predecessor. V9: an absent one has expired.
    pub(super) fn check_before(
        &mut self,
        number: u64,
        segment: Option<&CheckedSegment>,
        examination: &Examination,
        place: &Place,
    ) {
        let expected = self.next_number();
        if number > expected {
            self.check_gap(
                expected,
                number.saturating_sub(1),
                segment,
                matches!(examination, Examination::Unread(_)),
            );
            return;
        }
        let (Some(segment), Some(previous)) = (segment, &self.previous) else {
            return;
        };
        match &previous.head {
            Some(head) => {
                if let Some(fault) = neighbour_fault(head, segment.before()) {
                    let at = Place {
                        line: Some(1),
                        index: Some(segment.first_index()),
                        ..place.clone()
                    };
                    self.record.fault(fault.into(), at);
                }
            }
            None => self.left_unproven(number, Unproven::NotSound),
        }
    }

    fn left_unproven(&mut self, segment: u64, why: Unproven) {
        let place = self.place(segment);
        self.record.note(Note::LeftUnproven { segment, why }, place);
    }

    fn check_gap(
        &mut self,
        first: u64,
        last: u64,
        next: Option<&CheckedSegment>,
        next_unread: bool,
    ) {
        // After a gap any authorised key may be the active one: the rotation may have been in it.
        self.active = None;
        let next_number = last.saturating_add(1);
        if next_unread {
            let place = self.place(first);
            self.record
                .undecided(Undecided::AbsenceUnknown { first, last }, place);
            return;
        }
        let since = self
            .previous
            .as_ref()
            .and_then(|previous| previous.head.as_ref()?.sealed)
            .unwrap_or(self.plan.log.began);
        let until = next.map(|segment| all_kept_until(self.lock(), since, segment.sealed_before()));
        if until.is_some_and(|until| until < self.clock.now) {
            self.holes.add(Hole {
                first,
                last,
                why: WhyAbsent::Expired,
            });
            self.left_unproven(next_number, Unproven::Expired);
            return;
        }
        let place = self.place(first);
        self.record.fault(
            Fault::SegmentMissing {
                first,
                last,
                kept_until: until,
            },
            place,
        );
        self.left_unproven(next_number, Unproven::Missing);
    }
}

/// V8: the first difference between what a segment says came before it and what did.
fn neighbour_fault(head: &Head, before: &Head) -> Option<ChainFault> {
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
