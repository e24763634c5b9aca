//! A4 *Over a gap*: what comes after absent segments must still be able to follow on what came before them.

use auditlog_chain::limits::MAX_SEGMENT_BYTES;
use auditlog_chain::timestamp::Timestamp;

use super::border::{Left, Right};
use super::pin::Pin;

/// Each segment has an open line and a close line.
const FEWEST_LINES: u64 = 2;

/// No line has fewer bytes than this, its newline included: an entry has 133.
const SHORTEST_LINE: u64 = 128;

/// Segment 0 has an open line, a key line and a close line, and no entry (F17).
const SIZE_OF_SEGMENT_0: u64 = 3;

/// How a segment after a gap contradicts what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discontinuity {
    /// The log did not grow enough, or grew too much.
    Size {
        /// The nearest size that it can have had.
        expected: u64,
        /// What the segment claims.
        found: u64,
    },
    /// What came before it was sealed before what came before that.
    SealedBefore {
        /// `sealed` of the last segment before the gap.
        expected: Timestamp,
        /// `sealed_before` of the segment.
        found: Timestamp,
    },
    /// It contradicts the pinned head, which is in the gap.
    Forked,
}

/// The size of a log at the end of a segment, and when that was sealed where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Border {
    /// Number of the segment.
    pub(crate) number: u64,
    /// Lines up to its end.
    pub(crate) size: u64,
    /// Its `sealed`.
    pub(crate) sealed: Option<Timestamp>,
}

impl Border {
    /// Where no segment is known before: the size of segment 0 is fixed.
    pub(crate) fn after(left: Option<&Left>) -> Self {
        left.map_or(
            Self {
                number: 0,
                size: SIZE_OF_SEGMENT_0,
                sealed: None,
            },
            |left| Self {
                number: left.number,
                size: left.size,
                sealed: Some(left.sealed),
            },
        )
    }

    /// The nearest size that the log can have at the end of segment `number`, which is not before this one.
    pub(crate) fn nearest_size(self, number: u64, size: u64) -> u64 {
        let segments = number.saturating_sub(self.number);
        let most = u64::try_from(MAX_SEGMENT_BYTES)
            .unwrap_or(u64::MAX)
            .div_euclid(SHORTEST_LINE);
        let fewest = self
            .size
            .saturating_add(segments.saturating_mul(FEWEST_LINES));
        let most = self.size.saturating_add(segments.saturating_mul(most));
        size.clamp(fewest, most)
    }

    /// Whether a log can have grown from here to that size.
    pub(crate) fn reaches(self, number: u64, size: u64) -> bool {
        self.number <= number && self.nearest_size(number, size) == size
    }
}

/// The first way in which `right` contradicts what came before the gap; `pin` is the pinned head where it is in the gap.
pub(crate) fn check(
    left: Option<&Left>,
    right: &Right,
    pin: Option<&Pin>,
) -> Option<Discontinuity> {
    let border = Border::after(left);
    if let Some(pin) = pin {
        return (!continues(border, right, pin)).then_some(Discontinuity::Forked);
    }
    let expected = border.nearest_size(right.number.saturating_sub(1), right.first_index);
    if expected != right.first_index {
        return Some(Discontinuity::Size {
            expected,
            found: right.first_index,
        });
    }
    let expected = border.sealed?;
    let found = right.sealed_before;
    (found < expected).then_some(Discontinuity::SealedBefore { expected, found })
}

/// Whether the log can have gone from the border to the pinned head, and from there to `right`.
fn continues(border: Border, right: &Right, pin: &Pin) -> bool {
    let here = Border {
        number: pin.segment,
        size: pin.size,
        sealed: Some(pin.sealed),
    };
    let to_pin = border.reaches(pin.segment, pin.size)
        && border.sealed.is_none_or(|sealed| sealed <= pin.sealed);
    let next = pin.segment.saturating_add(1) == right.number;
    let equal = right.first_index == pin.size
        && right.root_before == pin.root
        && right.sealed_before == pin.sealed;
    let grown = here.reaches(right.number.saturating_sub(1), right.first_index)
        && pin.sealed <= right.sealed_before;
    to_pin && if next { equal } else { grown }
}

#[cfg(test)]
mod tests {
    use super::super::world::{day, left, right, root};
    use super::*;

    fn pin(segment: u64, size: u64, sealed: i64) -> Pin {
        Pin {
            segment,
            size,
            root: root(&format!("{size}")),
            sealed: day(sealed),
            stored: None,
        }
    }

    #[test]
    fn the_index_grows_by_two_lines_for_each_absent_segment_at_least() {
        let left = left(4, 20, 1);
        let size = |index| check(Some(&left), &right(7, index, 2, 3), None);
        assert_eq!(size(24), None);
        assert_eq!(
            size(23),
            Some(Discontinuity::Size {
                expected: 24,
                found: 23
            })
        );
        // A forger with the key may even claim that the log shrank.
        assert_eq!(
            size(1),
            Some(Discontinuity::Size {
                expected: 24,
                found: 1
            })
        );
    }

    #[test]
    fn the_index_grows_by_what_fits_into_the_absent_segments_at_most() {
        let left = left(4, 20, 1);
        let size = |index| check(Some(&left), &right(7, index, 2, 3), None);
        let most = 20 + 2 * (1 << 21);
        assert_eq!(size(most), None);
        assert_eq!(
            size(most + 1),
            Some(Discontinuity::Size {
                expected: most,
                found: most + 1
            })
        );
    }

    #[test]
    fn no_entry_is_shorter_than_the_shortest_line() {
        let shortest = format!(
            "{{\"index\":3,\"prev\":\"{}\",\"time\":\"2026-01-01T00:00:00.000000Z\",\"event\":1}}\n",
            "0".repeat(64)
        );
        assert_eq!(shortest.len(), 133);
        assert!(u64::try_from(shortest.len()).unwrap() > SHORTEST_LINE);
    }

    #[test]
    fn segment_1_begins_at_3_and_what_follows_grows_from_there() {
        let size = |number, index| check(None, &right(number, index, 2, 3), None);
        assert_eq!(size(1, 3), None);
        assert_eq!(
            size(1, 2),
            Some(Discontinuity::Size {
                expected: 3,
                found: 2
            })
        );
        assert_eq!(
            size(1, 4),
            Some(Discontinuity::Size {
                expected: 3,
                found: 4
            })
        );
        assert_eq!(size(3, 7), None);
        assert_eq!(
            size(3, 6),
            Some(Discontinuity::Size {
                expected: 7,
                found: 6
            })
        );
    }

    #[test]
    fn sealed_before_is_not_before_the_last_sealed() {
        let left = left(4, 20, 5);
        assert_eq!(check(Some(&left), &right(7, 24, 5, 9), None), None);
        let fault = Discontinuity::SealedBefore {
            expected: day(5),
            found: day(4),
        };
        assert_eq!(check(Some(&left), &right(7, 24, 4, 9), None), Some(fault));
    }

    #[test]
    fn a_pinned_head_in_a_gap_is_a_border_on_both_sides() {
        let left = left(4, 20, 5);
        let forked = |index, sealed_before, pin: Pin| {
            check(Some(&left), &right(9, index, sealed_before, 30), Some(&pin)).is_some()
        };
        assert!(!forked(28, 7, pin(6, 24, 7)));
        // The log must have grown from the left border to the pin, in size and in time ...
        assert!(forked(28, 7, pin(6, 23, 7)));
        assert!(forked(28, 7, pin(6, 24, 4)));
        // ... and from the pin to the next segment.
        assert!(forked(27, 7, pin(6, 24, 7)));
        assert!(forked(28, 6, pin(6, 24, 7)));
        assert!(forked(24 + 2 * (1 << 21) + 1, 7, pin(6, 24, 7)));
    }

    #[test]
    fn the_direct_successor_of_a_pinned_head_continues_from_it_exactly() {
        let good = right(7, 24, 7, 30);
        let check = |right: Right| super::check(None, &right, Some(&pin(6, 24, 7)));
        assert_eq!(check(good), None);
        let forked = Some(Discontinuity::Forked);
        assert_eq!(
            check(Right {
                first_index: 26,
                ..good
            }),
            forked
        );
        assert_eq!(
            check(Right {
                root_before: root("other"),
                ..good
            }),
            forked
        );
        assert_eq!(
            check(Right {
                sealed_before: day(8),
                ..good
            }),
            forked
        );
    }
}
