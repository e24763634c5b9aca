//! Findings that a person has explained (section 4 of the trust policy): what an entry covers. The same or less than what it
//! names, never more: an entry must not hide the next real fault.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

use super::border::{Left, Range, Right};
use super::gap::Border;
use super::pin::Pin;

/// The log at one side of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Lines of the log there.
    pub(crate) size: u64,
    /// Root over them.
    pub(crate) root: Hash,
    /// When the segment there was stored; `None` in a folder, and on the right.
    pub(crate) stored: Option<Timestamp>,
}

/// Segments that a person knows to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// Which.
    pub(crate) range: Range,
    /// The log before them; `None` where segment 0 is among them.
    pub(crate) before: Option<Edge>,
    /// The log after them, as the next segment claims; `None` where none came after them.
    pub(crate) after: Option<Edge>,
    /// Segment, size and root of the pinned head that was lost with them.
    pub(crate) pin: Option<(u64, u64, Hash)>,
}

impl Loss {
    /// Whether the absence of the pinned segment is part of what was explained.
    pub(crate) fn excuses(&self, pin: &Pin) -> bool {
        self.pin == Some((pin.segment, pin.size, pin.root))
    }

    /// Whether absent segments between two borders can hold this loss. `end` is the declared end of a log that has ended,
    /// where nothing is present after the range.
    pub(crate) fn fits(
        &self,
        absent: Range,
        left: Option<&Left>,
        right: Option<&Right>,
        end: Option<Border>,
    ) -> bool {
        let meets = self.range.first <= absent.last && absent.first <= self.range.last;
        meets
            && self.fits_itself()
            && self.fits_left(absent, left)
            && self.fits_right(absent, right, end)
    }

    /// The border on its left: that of segment 0, whose size is fixed, where nothing came before.
    fn left_border(&self) -> Border {
        match &self.before {
            Some(before) => Border {
                number: self.range.first.saturating_sub(1),
                size: before.size,
                sealed: None,
            },
            None => Border::after(None),
        }
    }

    fn right_border(&self) -> Option<Border> {
        let after = self.after.as_ref()?;
        Some(Border {
            number: self.range.last,
            size: after.size,
            sealed: None,
        })
    }

    fn fits_itself(&self) -> bool {
        let beginning = self.before.is_none() == (self.range.first == 0);
        let grown = self
            .right_border()
            .is_none_or(|right| self.left_border().reaches(right.number, right.size));
        self.range.first <= self.range.last && beginning && grown
    }

    fn fits_left(&self, absent: Range, left: Option<&Left>) -> bool {
        let (first, before) = (self.range.first, self.before.as_ref());
        if absent.first > first {
            return true;
        }
        if absent.first < first {
            let there = self.left_border();
            return Border::after(left).reaches(there.number, there.size);
        }
        // The segment before it may not be sound, or not the last one before the range: then nobody can compare it.
        match (left, before) {
            (None, None) => first == 0,
            (Some(left), Some(before)) => {
                left.number.saturating_add(1) == first
                    && (left.size, left.root) == (before.size, before.root)
            }
            _ => false,
        }
    }

    fn fits_right(&self, absent: Range, right: Option<&Right>, end: Option<Border>) -> bool {
        if absent.last < self.range.last {
            return true;
        }
        match (right, &self.after) {
            (Some(right), Some(after)) if absent.last == self.range.last => {
                (right.first_index, right.root_before) == (after.size, after.root)
            }
            (Some(right), Some(_)) => self.right_border().is_some_and(|there| {
                there.reaches(right.number.saturating_sub(1), right.first_index)
            }),
            (Some(_), None) => false,
            (None, None) => absent.last == self.range.last,
            (None, Some(_)) => self.right_border().zip(end).is_some_and(|(there, end)| {
                there.number < end.number && there.reaches(end.number, end.size)
            }),
        }
    }
}

/// What a finding knows of the lock of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoundLock {
    /// Nothing: it was not read.
    Unread,
    /// That there is none.
    Absent,
    /// Until when it lasts.
    Until(Timestamp),
}

impl FoundLock {
    /// Whether an entry that knew a lock until `known`, or none, covers it. A lock that has become shorter since is more than
    /// what was explained; where the finding does not know the lock, the version is enough.
    pub(crate) fn is_covered_by(self, known: Option<Timestamp>) -> bool {
        match self {
            Self::Unread => true,
            Self::Absent => known.is_none(),
            Self::Until(found) => known.is_none_or(|known| known <= found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{day, left, right, root};
    use super::*;

    fn size(size: u64) -> Edge {
        Edge {
            size,
            root: root(&format!("{size}")),
            stored: Some(day(5)),
        }
    }

    fn range(first: u64, last: u64) -> Range {
        Range { first, last }
    }

    /// Segments 5 to 7 are lost, between sizes 20 and 30.
    fn loss() -> Loss {
        Loss {
            range: range(5, 7),
            before: Some(size(20)),
            after: Some(size(30)),
            pin: None,
        }
    }

    #[test]
    fn a_loss_fits_where_size_and_root_are_equal_on_both_sides() {
        let fits =
            |left: Left, right: Right| loss().fits(range(5, 7), Some(&left), Some(&right), None);
        let (good_left, good_right) = (left(4, 20, 5), right(8, 30, 6, 9));
        assert!(fits(good_left, good_right));
        assert!(!fits(
            Left {
                size: 21,
                ..good_left
            },
            good_right
        ));
        assert!(!fits(
            Left {
                root: root("other"),
                ..good_left
            },
            good_right
        ));
        assert!(!fits(
            good_left,
            Right {
                first_index: 31,
                ..good_right
            }
        ));
        assert!(!fits(
            good_left,
            Right {
                root_before: root("other"),
                ..good_right
            }
        ));
        // A border that is not the segment before the loss proves nothing about it.
        assert!(!fits(left(3, 20, 5), good_right));
        assert!(!loss().fits(range(5, 7), None, Some(&good_right), None));
    }

    #[test]
    fn a_loss_of_which_a_part_is_back_still_covers_the_rest_and_nothing_more() {
        let (left, right) = (left(4, 20, 5), right(7, 28, 6, 9));
        assert!(loss().fits(range(5, 6), Some(&left), Some(&right), None));
        assert!(loss().fits(
            range(6, 7),
            Some(&super::super::world::left(5, 22, 5)),
            Some(&super::super::world::right(8, 30, 6, 9)),
            None
        ));
        // Segments beyond it: their borders must fit, and the caller covers the loss alone.
        assert!(!loss().fits(range(8, 9), Some(&left), Some(&right), None));
        assert!(!loss().fits(range(2, 4), Some(&left), Some(&right), None));
    }

    #[test]
    fn inside_a_larger_hole_the_log_must_have_grown_up_to_the_loss_and_from_it() {
        let fits = |size, index| {
            loss().fits(
                range(3, 9),
                Some(&left(2, size, 5)),
                Some(&right(10, index, 6, 9)),
                None,
            )
        };
        assert!(fits(16, 34));
        assert!(!fits(17, 34));
        assert!(!fits(16, 33));
        let wrong = Loss {
            after: Some(size(25)),
            ..loss()
        };
        assert!(!wrong.fits(
            range(3, 9),
            Some(&left(2, 16, 5)),
            Some(&right(10, 34, 6, 9)),
            None
        ));
    }

    #[test]
    fn a_loss_from_segment_0_on_has_nothing_before_it() {
        let first = Loss {
            range: range(0, 2),
            before: None,
            after: Some(size(7)),
            pin: None,
        };
        assert!(first.fits(range(0, 2), None, Some(&right(3, 7, 1, 2)), None));
        assert!(
            !Loss {
                before: Some(size(3)),
                ..first
            }
            .fits(range(0, 2), None, Some(&right(3, 7, 1, 2)), None)
        );
        assert!(
            !Loss {
                before: None,
                ..loss()
            }
            .fits(range(5, 7), None, Some(&right(8, 30, 1, 2)), None)
        );
        // Three segments have at least 7 lines.
        assert!(
            !Loss {
                after: Some(size(6)),
                ..first
            }
            .fits(range(0, 2), None, Some(&right(3, 6, 1, 2)), None)
        );
    }

    #[test]
    fn a_loss_at_the_tail_covers_nothing_once_a_segment_follows() {
        let tail = Loss {
            after: None,
            ..loss()
        };
        assert!(tail.fits(range(5, 7), Some(&left(4, 20, 5)), None, None));
        assert!(!tail.fits(range(5, 8), Some(&left(4, 20, 5)), None, None));
        assert!(!tail.fits(
            range(5, 7),
            Some(&left(4, 20, 5)),
            Some(&right(8, 30, 6, 9)),
            None
        ));
        // In a log that ended later, what came after the loss has expired.
        let end = |number, size| {
            Some(Border {
                number,
                size,
                sealed: None,
            })
        };
        assert!(loss().fits(range(5, 9), Some(&left(4, 20, 5)), None, end(9, 34)));
        assert!(!loss().fits(range(5, 9), Some(&left(4, 20, 5)), None, end(9, 33)));
        assert!(!loss().fits(range(5, 7), Some(&left(4, 20, 5)), None, None));
    }

    #[test]
    fn a_lock_that_became_shorter_since_is_not_covered() {
        let known = Some(day(9));
        assert!(FoundLock::Until(day(9)).is_covered_by(known));
        assert!(FoundLock::Until(day(10)).is_covered_by(known));
        assert!(!FoundLock::Until(day(8)).is_covered_by(known));
        assert!(!FoundLock::Absent.is_covered_by(known));
        assert!(FoundLock::Absent.is_covered_by(None));
        assert!(FoundLock::Until(day(8)).is_covered_by(None));
        assert!(FoundLock::Unread.is_covered_by(known));
    }
}
