//! A6 *Holes*: a range of absent segments, divided by the losses that a person has explained, each part judged by itself. What
//! has expired and what is acknowledged is named in the report, never folded into "segments 0 to 299".

use auditlog_chain::timestamp::Timestamp;

use super::acknowledged::Loss;
use super::border::{Known, Left, Range, Right};
use super::expiry::{Declared, Window};
use super::gap::Border;
use super::pin::Pin;

/// A range of absent segments and all that is known about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap<'a> {
    /// The absent segments.
    pub(crate) range: Range,
    /// The last sound segment before them.
    pub(crate) left: Option<&'a Left>,
    /// The next segment after them.
    pub(crate) right: Option<&'a Right>,
    /// Where nothing is present after them: the declared end of the log, and when that was stored, in a folder sealed.
    pub(crate) end: Option<(Border, Timestamp)>,
    /// The pinned head, where it is among them.
    pub(crate) pin: Option<&'a Pin>,
    /// Those that were listed and were gone when they were read.
    pub(crate) gone: &'a [Known],
}

/// Why a part of a range is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its retention has run out.
    Expired,
    /// A person has explained it.
    Acknowledged {
        /// Which of the losses.
        loss: usize,
    },
    /// Nothing explains it.
    Missing {
        /// Until when it had to be kept, at least; `None` where nothing shows it.
        kept_until: Option<Timestamp>,
    },
}

/// Judges a range, part by part.
pub(crate) fn judge(
    gap: &Gap<'_>,
    declared: &Declared<'_>,
    losses: &[Loss],
    ended: Timestamp,
) -> Vec<(Range, Why)> {
    let end = gap.end.map(|(border, _)| border);
    let mut applied: Vec<(usize, &Loss)> = losses
        .iter()
        .enumerate()
        .filter(|(_, loss)| loss.fits(gap.range, gap.left, gap.right, end))
        .collect();
    applied.sort_by_key(|(_, loss)| loss.range.first);
    let mut parts = Vec::new();
    let mut since = declared.since(gap.left);
    let mut next = gap.range.first;
    for (nr, loss) in applied {
        let (first, last) = (
            loss.range.first.max(next),
            loss.range.last.min(gap.range.last),
        );
        if first > last {
            continue;
        }
        let stored = loss.before.and_then(|before| before.stored);
        if next < first {
            let part = Range {
                first: next,
                last: first.saturating_sub(1),
            };
            let window = until(gap, declared, since, stored);
            parts.push((part, why(gap, declared, part, window, ended)));
        }
        let part = Range { first, last };
        let why = of_loss(gap, declared, loss, part, ended);
        parts.push((part, why.unwrap_or(Why::Acknowledged { loss: nr })));
        since = stored.unwrap_or(since);
        next = last.saturating_add(1);
    }
    if next <= gap.range.last {
        let part = Range {
            first: next,
            last: gap.range.last,
        };
        parts.push((
            part,
            why(gap, declared, part, window(gap, declared, since), ended),
        ));
    }
    parts
}

/// The window of the part that reaches up to the next segment, or to the declared end.
fn window(gap: &Gap<'_>, declared: &Declared<'_>, since: Timestamp) -> Option<Window> {
    let before = gap.right.map(|right| declared.before(since, right));
    let at_end = || {
        let (_, stored) = gap.end?;
        Some(Window {
            since,
            until: since.max(stored),
            heard: None,
        })
    };
    before.or_else(at_end)
}

/// The window of a part before a loss: the loss knows when the last segment of the part was stored.
fn until(
    gap: &Gap<'_>,
    declared: &Declared<'_>,
    since: Timestamp,
    stored: Option<Timestamp>,
) -> Option<Window> {
    match stored {
        Some(stored) => Some(Window {
            since,
            until: since.max(stored),
            heard: None,
        }),
        None => window(gap, declared, since),
    }
}

fn why(
    gap: &Gap<'_>,
    declared: &Declared<'_>,
    part: Range,
    window: Option<Window>,
    ended: Timestamp,
) -> Why {
    let borders = window.map(|window| declared.kept_until(window));
    let pin = gap
        .pin
        .filter(|pin| part.has(pin.segment))
        .map(|pin| pin.kept_until(declared.lock));
    let known = pin.max(gone(gap, part));
    match borders {
        Some(borders) if borders.max(known.unwrap_or(borders)) < ended => Why::Expired,
        _ => Why::Missing {
            kept_until: borders.max(known),
        },
    }
}

/// A loss explains what it names. A pinned head that it does not name, and what was there when it was listed, it does not.
fn of_loss(
    gap: &Gap<'_>,
    declared: &Declared<'_>,
    loss: &Loss,
    part: Range,
    ended: Timestamp,
) -> Option<Why> {
    let pin = gap
        .pin
        .filter(|pin| part.has(pin.segment) && !loss.excuses(pin));
    let kept_until = pin
        .map(|pin| pin.kept_until(declared.lock))
        .max(gone(gap, part));
    kept_until
        .is_some_and(|until| until >= ended)
        .then_some(Why::Missing { kept_until })
}

fn gone(gap: &Gap<'_>, part: Range) -> Option<Timestamp> {
    let within = gap.gone.iter().filter(|known| part.has(known.number));
    within.map(|known| known.kept_until).max()
}

#[cfg(test)]
mod tests {
    use super::super::acknowledged::Edge;
    use super::super::span::Span;
    use super::super::world::{day, left, right, root, span};
    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range { first, last }
    }

    fn size(size: u64, stored: Option<i64>) -> Edge {
        Edge {
            size,
            root: root(&format!("{size}")),
            stored: stored.map(day),
        }
    }

    /// Retention is 30 days and `max_silence` one; segment 4 was stored on day 4 and segment 20 on day 20.
    fn judge(losses: &[Loss], pin: Option<&Pin>, gone: &[Known], ended: i64) -> Vec<(Range, Why)> {
        judge_under(&[span(0, 30)], losses, pin, gone, ended)
    }

    fn judge_under(
        lock: &[Span],
        losses: &[Loss],
        pin: Option<&Pin>,
        gone: &[Known],
        ended: i64,
    ) -> Vec<(Range, Why)> {
        let (left, right) = (left(4, 20, 4), right(20, 100, 19, 20));
        let gap = Gap {
            range: range(5, 19),
            left: Some(&left),
            right: Some(&right),
            end: None,
            pin,
            gone,
        };
        let declared = Declared {
            began: day(0),
            skew_seconds: 300,
            lock,
            silence: &[span(0, 1)],
            silences: &[],
        };
        super::judge(&gap, &declared, losses, day(ended))
    }

    fn missing(until: i64) -> Why {
        Why::Missing {
            kept_until: Some(day(until)),
        }
    }

    #[test]
    fn a_range_without_a_loss_is_one_part() {
        assert_eq!(judge(&[], None, &[], 50), [(range(5, 19), Why::Expired)]);
        assert_eq!(judge(&[], None, &[], 49), [(range(5, 19), missing(49))]);
    }

    /// Segments 8 to 10 were lost on day 8.
    fn loss() -> Loss {
        Loss {
            range: range(8, 10),
            before: Some(size(30, Some(8))),
            after: Some(size(40, None)),
            pin: None,
        }
    }

    #[test]
    fn a_loss_inside_a_larger_hole_divides_it_and_bounds_the_part_before_it() {
        let all = |ended| judge(&[loss()], None, &[], ended);
        let lost = (range(8, 10), Why::Acknowledged { loss: 0 });
        assert_eq!(
            all(38),
            [
                (range(5, 7), missing(38)),
                lost,
                (range(11, 19), missing(49))
            ]
        );
        assert_eq!(
            all(39),
            [
                (range(5, 7), Why::Expired),
                lost,
                (range(11, 19), missing(49))
            ]
        );
        assert_eq!(
            all(50),
            [
                (range(5, 7), Why::Expired),
                lost,
                (range(11, 19), Why::Expired)
            ]
        );
    }

    #[test]
    fn without_the_time_of_its_left_border_the_part_before_a_loss_is_bounded_by_the_whole() {
        let folder = Loss {
            before: Some(size(30, None)),
            ..loss()
        };
        assert_eq!(
            judge(&[folder], None, &[], 49)[0],
            (range(5, 7), missing(49))
        );
        assert_eq!(
            judge(&[folder], None, &[], 50)[0],
            (range(5, 7), Why::Expired)
        );
        // Sealed on day 19 at the earliest, it may have been stored under the retention that began on day 20.
        let lock = [span(0, 30), span(20, 300)];
        let parts = judge_under(&lock, &[folder], None, &[], 60);
        assert_eq!(parts[0], (range(5, 7), missing(319)));
    }

    #[test]
    fn the_part_after_a_loss_begins_where_the_loss_did() {
        let lock = [span(0, 300), span(6, 30)];
        let parts = judge_under(&lock, &[loss()], None, &[], 60);
        assert_eq!(parts[0], (range(5, 7), missing(306)));
        assert_eq!(parts[2], (range(11, 19), Why::Expired));
    }

    #[test]
    fn a_loss_that_does_not_fit_explains_nothing() {
        let other = Loss {
            before: Some(size(19, Some(8))),
            ..loss()
        };
        assert_eq!(
            judge(&[other], None, &[], 40),
            [(range(5, 19), missing(49))]
        );
    }

    #[test]
    fn losses_that_overlap_are_taken_once_each() {
        let second = Loss {
            range: range(10, 12),
            before: Some(size(38, Some(10))),
            after: Some(size(44, None)),
            pin: None,
        };
        let parts = judge(&[second, loss()], None, &[], 50);
        let ranges: Vec<_> = parts.iter().map(|(range, _)| *range).collect();
        assert_eq!(
            ranges,
            [range(5, 7), range(8, 10), range(11, 12), range(13, 19)]
        );
    }

    fn pin(at: i64) -> Pin {
        Pin {
            segment: 9,
            size: 36,
            root: root("36"),
            sealed: day(at),
            stored: Some(day(at)),
        }
    }

    #[test]
    fn a_pinned_segment_is_missing_until_its_own_retention_is_over_whatever_a_forger_claims() {
        assert_eq!(
            judge(&[], Some(&pin(30)), &[], 60),
            [(range(5, 19), missing(60))]
        );
        assert_eq!(
            judge(&[], Some(&pin(30)), &[], 61),
            [(range(5, 19), Why::Expired)]
        );
        // Outside the range it has no say.
        assert_eq!(
            judge(
                &[],
                Some(&Pin {
                    segment: 20,
                    ..pin(30)
                }),
                &[],
                50
            ),
            [(range(5, 19), Why::Expired)]
        );
    }

    #[test]
    fn a_loss_excuses_the_pin_that_it_names_and_no_other() {
        let named = Loss {
            pin: Some((9, 36, root("36"))),
            ..loss()
        };
        assert_eq!(
            judge(&[named], Some(&pin(30)), &[], 50)[1],
            (range(8, 10), Why::Acknowledged { loss: 0 })
        );
        assert_eq!(
            judge(&[loss()], Some(&pin(30)), &[], 50)[1],
            (range(8, 10), missing(60))
        );
        assert_eq!(
            judge(&[loss()], Some(&pin(30)), &[], 61)[1],
            (range(8, 10), Why::Acknowledged { loss: 0 })
        );
    }

    #[test]
    fn a_version_that_was_gone_when_it_was_read_is_missing_while_its_lock_lasts() {
        let gone = [Known {
            number: 19,
            kept_until: day(70),
        }];
        assert_eq!(judge(&[], None, &gone, 60), [(range(5, 19), missing(70))]);
        assert_eq!(judge(&[], None, &gone, 71), [(range(5, 19), Why::Expired)]);
        let gone = [Known {
            number: 9,
            kept_until: day(70),
        }];
        assert_eq!(
            judge(&[loss()], None, &gone, 60)[1],
            (range(8, 10), missing(70))
        );
    }

    #[test]
    fn an_ended_log_may_become_empty() {
        let end = Border {
            number: 9,
            size: 40,
            sealed: None,
        };
        let gap = Gap {
            range: range(0, 9),
            left: None,
            right: None,
            end: Some((end, day(20))),
            pin: None,
            gone: &[],
        };
        let lock = [span(0, 30)];
        let declared = Declared {
            began: day(0),
            skew_seconds: 300,
            lock: &lock,
            silence: &[],
            silences: &[],
        };
        assert_eq!(
            super::judge(&gap, &declared, &[], day(50)),
            [(range(0, 9), missing(50))]
        );
        assert_eq!(
            super::judge(&gap, &declared, &[], day(51)),
            [(range(0, 9), Why::Expired)]
        );
        // A log that has not ended has no such bound.
        let gap = Gap { end: None, ..gap };
        assert_eq!(
            super::judge(&gap, &declared, &[], day(500)),
            [(range(0, 9), Why::Missing { kept_until: None })]
        );
    }
}
