//! A1 *Moments*: at which time each thing is judged, and what came too late for this run.
//!
//! A listing of a million versions takes longer than the skew, and an honest sealer stores segments meanwhile. What was stored
//! after the listing had begun may show without its predecessor, so it is left to the next run; but nothing that an earlier
//! run pinned can come too late.

use auditlog_chain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The two moments of a run, and by how much clocks may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moments {
    /// When the store first answered to the listing.
    pub(crate) begun: Timestamp,
    /// When it last did.
    pub(crate) ended: Timestamp,
    /// The skew, in seconds.
    pub(crate) skew_seconds: i64,
}

impl Moments {
    /// The latest moment that anything may be dated with.
    pub(crate) fn latest(self) -> Timestamp {
        self.ended.saturating_add_seconds(self.skew_seconds)
    }

    /// Whether one version or marker is passed over, wherever the cut is.
    pub(crate) fn is_late(self, number: u64, stored: Timestamp, pin: Option<u64>) -> bool {
        stored > self.begun && is_above(number, pin)
    }

    /// The cut. `present` are the numbers that have a version, in order, each with when its first version was stored.
    pub(crate) fn cut(
        self,
        present: impl IntoIterator<Item = (u64, Timestamp)>,
        pin: Option<u64>,
    ) -> Option<Cut> {
        let mut next = 0;
        for (number, stored) in present {
            if number > next
                && stored
                    > self
                        .begun
                        .saturating_add_seconds(self.skew_seconds.saturating_neg())
            {
                return Some(Cut::Absent(next));
            }
            if self.is_late(number, stored, pin) {
                return Some(Cut::Late(number));
            }
            next = number.saturating_add(1);
        }
        None
    }
}

/// Where a log is cut: above it, everything is passed over that is above the pin too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// At a segment that came after the listing had begun.
    Late(u64),
    /// At one that is absent, before one that came after the listing had begun or shortly before.
    Absent(u64),
}

impl Cut {
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Late(number) | Self::Absent(number) => number,
        }
    }
}

/// Whether a segment is above the pin; without a pin, every one is.
pub(crate) fn is_above(number: u64, pin: Option<u64>) -> bool {
    pin.is_none_or(|pin| number > pin)
}

#[cfg(test)]
mod tests {
    use super::super::world::day;
    use super::Cut::{Absent, Late};
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        day(10).saturating_add_seconds(seconds)
    }

    /// A listing that took an hour.
    fn moments() -> Moments {
        Moments {
            begun: at(0),
            ended: at(3600),
            skew_seconds: 300,
        }
    }

    fn cut(present: &[(u64, i64)], pin: Option<u64>) -> Option<Cut> {
        moments().cut(
            present
                .iter()
                .map(|(number, stored)| (*number, at(*stored))),
            pin,
        )
    }

    #[test]
    fn what_was_stored_while_the_listing_ran_is_passed_over() {
        assert_eq!(cut(&[(0, -900), (1, -600), (2, 0)], None), None);
        assert_eq!(
            cut(&[(0, -900), (1, -600), (2, 1), (3, 60)], None),
            Some(Late(2))
        );
    }

    #[test]
    fn a_predecessor_that_the_listing_had_passed_before_it_was_stored_is_not_missing() {
        // Segment 2 was stored after its page had been read, by a clock that is a little behind.
        assert_eq!(
            cut(&[(0, -900), (1, -600), (3, -299)], None),
            Some(Absent(2))
        );
        assert_eq!(cut(&[(0, -900), (1, -600), (3, -300)], None), None);
        assert_eq!(
            cut(&[(0, -900), (1, -600), (5, 60), (6, 70)], None),
            Some(Absent(2))
        );
    }

    #[test]
    fn an_old_gap_is_not_excused_by_what_was_stored_just_now() {
        assert_eq!(cut(&[(5, -90_000), (6, -80_000), (7, -10)], None), None);
        assert_eq!(cut(&[(0, -90_000), (5, -80_000), (6, -10)], None), None);
    }

    #[test]
    fn nothing_at_or_below_the_pin_comes_too_late() {
        assert_eq!(cut(&[(0, -900), (1, 60), (2, 70)], Some(1)), Some(Late(2)));
        assert_eq!(cut(&[(0, -900), (1, 60), (2, 70)], Some(2)), None);
        assert!(!moments().is_late(2, at(60), Some(2)));
        assert!(moments().is_late(3, at(60), Some(2)));
        assert!(!moments().is_late(3, at(0), Some(2)));
    }

    #[test]
    fn nothing_is_dated_after_the_end_of_the_listing_and_the_skew() {
        assert_eq!(moments().latest(), at(3900));
    }
}
