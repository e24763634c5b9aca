//! A8 *Markers*: what a delete marker at the key of a segment means.

use auditlog_chain::timestamp::Timestamp;

use super::span::{Span, end_of};

/// What a delete marker comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// It is behind the declared end of the log.
    Disowned,
    /// It hides a segment that must still be retained.
    Hides {
        /// Until when.
        kept_until: Timestamp,
    },
    /// It is over a segment that may be gone, or whose absence is judged elsewhere.
    Idle,
    /// It is over a segment that never was, and declares nothing missing: a single stray marker on the last possible number
    /// would declare 10^12 segments missing.
    NeverThere,
}

/// What is known of the log that the marker is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach<'a> {
    /// Number of the last present segment.
    pub(crate) head: Option<u64>,
    /// Number of the pinned one.
    pub(crate) pin: Option<u64>,
    /// Number of the last one of a log that has ended.
    pub(crate) end: Option<u64>,
    /// Retentions.
    pub(crate) lock: &'a [Span],
    /// The moment at which expiry is judged.
    pub(crate) ended: Timestamp,
}

impl Reach<'_> {
    /// Judges a marker over a segment; `stored` is when that was stored, where it is present.
    pub(crate) fn judge(&self, number: u64, stored: Option<Timestamp>) -> Marker {
        if self.end.is_some_and(|end| number > end) {
            return Marker::Disowned;
        }
        if let Some(stored) = stored {
            let kept_until = end_of(self.lock, stored);
            return if kept_until < self.ended {
                Marker::Idle
            } else {
                Marker::Hides { kept_until }
            };
        }
        let reached = self.head.max(self.pin).max(self.end);
        if reached.is_some_and(|reached| number <= reached) {
            Marker::Idle
        } else {
            Marker::NeverThere
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{day, span};
    use super::*;

    fn judge(reach: Reach<'_>, number: u64, stored: Option<i64>) -> Marker {
        Reach {
            lock: &[span(0, 30)],
            ..reach
        }
        .judge(number, stored.map(day))
    }

    const REACH: Reach<'_> = Reach {
        head: Some(9),
        pin: None,
        end: None,
        lock: &[],
        ended: Timestamp::EPOCH,
    };

    #[test]
    fn a_marker_over_what_must_still_be_retained_hides_it_and_one_over_what_has_expired_is_a_note()
    {
        let at = |ended| Reach {
            ended: day(ended),
            ..REACH
        };
        assert_eq!(
            judge(at(40), 5, Some(10)),
            Marker::Hides {
                kept_until: day(40)
            }
        );
        assert_eq!(judge(at(41), 5, Some(10)), Marker::Idle);
    }

    #[test]
    fn a_stray_marker_on_a_number_that_never_was_declares_nothing_missing() {
        assert_eq!(judge(REACH, 999_999_999_999, None), Marker::NeverThere);
        assert_eq!(judge(REACH, 10, None), Marker::NeverThere);
        assert_eq!(
            judge(
                Reach {
                    head: None,
                    ..REACH
                },
                0,
                None
            ),
            Marker::NeverThere
        );
    }

    #[test]
    fn a_marker_where_something_was_leaves_the_judgement_to_the_rules_of_absence() {
        assert_eq!(judge(REACH, 9, None), Marker::Idle);
        assert_eq!(
            judge(
                Reach {
                    pin: Some(12),
                    ..REACH
                },
                12,
                None
            ),
            Marker::Idle
        );
        assert_eq!(
            judge(
                Reach {
                    pin: Some(12),
                    ..REACH
                },
                13,
                None
            ),
            Marker::NeverThere
        );
        assert_eq!(
            judge(
                Reach {
                    end: Some(12),
                    ..REACH
                },
                12,
                None
            ),
            Marker::Idle
        );
    }

    #[test]
    fn a_marker_behind_the_declared_end_is_disowned() {
        assert_eq!(
            judge(
                Reach {
                    end: Some(12),
                    ..REACH
                },
                13,
                None
            ),
            Marker::Disowned
        );
        assert_eq!(
            judge(
                Reach {
                    end: Some(12),
                    ..REACH
                },
                13,
                Some(10)
            ),
            Marker::Disowned
        );
    }
}
