//! A3 *Expired, not missing*: until when segments that are absent had to be kept, at least.
//!
//! A key holder chooses what a segment claims: `sealed_before` can be as early as it likes. So the claim is bounded from below
//! by what was there before (`A`), by the beginning of the log, and in a bucket by the store's own clock: no honest
//! predecessor was stored earlier than `max_silence` before the segment that follows it (`B`).

use auditlog_chain::timestamp::Timestamp;

use super::border::{Left, Right};
use super::silence::{Period, earliest_sign};
use super::span::{Span, with_ends};

/// What was declared of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'a> {
    /// When it began.
    pub(crate) began: Timestamp,
    /// The skew, in seconds.
    pub(crate) skew_seconds: i64,
    /// Retentions.
    pub(crate) lock: &'a [Span],
    /// `max_silence`.
    pub(crate) silence: &'a [Span],
    /// Silences that a person has explained.
    pub(crate) silences: &'a [Period],
}

/// Between which moments absent segments were stored, as far as anybody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// A: none of them was stored before.
    pub(crate) since: Timestamp,
    /// B: the last one was not stored before.
    pub(crate) until: Timestamp,
    /// When the segment after them was stored: the last one may have been stored up to then. `None` where `until` is exact.
    pub(crate) heard: Option<Timestamp>,
}

impl Declared<'_> {
    /// A: nothing after the left border was stored before. An administrator who puts the border itself back has a later
    /// `stored` for it, a key holder a later `sealed`: the earlier one counts.
    pub(crate) fn since(&self, left: Option<&Left>) -> Timestamp {
        let earlier = |left: &Left| {
            left.stored
                .map_or(left.sealed, |stored| stored.min(left.sealed))
        };
        let beginning = || {
            self.began
                .saturating_add_seconds(self.skew_seconds.saturating_neg())
        };
        left.map_or_else(beginning, earlier)
    }

    /// The window of what is absent before a segment.
    pub(crate) fn before(&self, since: Timestamp, right: &Right) -> Window {
        let by_store = right.stored.map(|stored| self.taken_back(stored));
        Window {
            since,
            until: since
                .max(right.sealed_before)
                .max(by_store.unwrap_or(since)),
            heard: right.stored,
        }
    }

    /// The earliest moment at which the predecessor of what was stored then can have been stored.
    fn taken_back(&self, stored: Timestamp) -> Timestamp {
        let acknowledged = self
            .silences
            .iter()
            .filter(|silence| silence.from < stored && stored <= silence.until)
            .map(|silence| silence.from);
        acknowledged.fold(earliest_sign(self.silence, stored), Timestamp::min)
    }

    /// Until when the predecessor of what was stored at this moment had to be kept, whatever else is known of it. No window before that segment
    /// ends earlier than this allows, so [`Self::kept_until`] is never less.
    pub(crate) fn least_kept_until(&self, heard: Timestamp) -> Timestamp {
        let until = self.taken_back(heard);
        let later = with_ends(self.lock).filter(|(.., end)| end.is_none_or(|end| end > until));
        let kept =
            later.map(|(from, span, _)| until.max(from).saturating_add_seconds(span.seconds));
        kept.min().unwrap_or(until)
    }

    /// Until when what was stored in a window had to be kept, at least. Each span asks for what it could hold: a retention
    /// that was shortened meanwhile must not let go what was stored before.
    pub(crate) fn kept_until(&self, window: Window) -> Timestamp {
        let meets = with_ends(self.lock)
            .filter(|(from, _, end)| {
                *from <= window.until && end.is_none_or(|end| end > window.since)
            })
            .map(|(_, span, end)| {
                end.map_or(window.until, |end| end.min(window.until))
                    .saturating_add_seconds(span.seconds)
            });
        let later = with_ends(self.lock)
            .filter(|(from, ..)| window.until < *from && self.may_be_stored_by(window, *from))
            .map(|(_, span, _)| window.until.saturating_add_seconds(span.seconds));
        meets.chain(later).fold(window.until, Timestamp::max)
    }

    /// Whether the last absent segment may have been stored at a moment after `until`: sealed before a retention was
    /// lengthened, stored after it.
    fn may_be_stored_by(&self, window: Window, moment: Timestamp) -> bool {
        window.heard.is_some_and(|heard| {
            let silent = Period {
                from: window.until,
                until: heard,
            };
            moment <= heard && !self.silences.iter().any(|known| silent.is_within(*known))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{HOUR, day, hour, left, right, span};
    use super::*;

    const LOCK: &[(i64, i64)] = &[(0, 30)];
    const SILENCE: i64 = 25 * HOUR;

    fn kept(lock: &[(i64, i64)], left: Option<Left>, right: Right) -> Timestamp {
        let lock: Vec<_> = lock.iter().map(|(from, days)| span(*from, *days)).collect();
        let silence = [Span {
            from: day(0),
            seconds: SILENCE,
        }];
        let declared = Declared {
            began: day(0),
            skew_seconds: 300,
            lock: &lock,
            silence: &silence,
            silences: &[],
        };
        declared.kept_until(declared.before(declared.since(left.as_ref()), &right))
    }

    #[test]
    fn the_least_that_had_to_be_kept_is_never_more_than_what_had_to_be() {
        let silence = [span(0, 20), span(50, 2)];
        let silences = [Period {
            from: day(60),
            until: day(80),
        }];
        for lock in [[span(0, 30), span(65, 300)], [span(0, 300), span(65, 30)]] {
            let declared = Declared {
                began: day(0),
                skew_seconds: 300,
                lock: &lock,
                silence: &silence,
                silences: &silences,
            };
            for heard in 1..120 {
                let least = declared.least_kept_until(day(heard));
                for sealed_before in 0..=heard {
                    let right = right(9, 100, sealed_before, heard);
                    for since in [day(0), day(sealed_before)] {
                        let kept = declared.kept_until(declared.before(since, &right));
                        assert!(least <= kept, "{heard} {sealed_before} {since}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_least_that_had_to_be_kept_follows_the_stores_clock() {
        let silence = [span(0, 1)];
        let least = |lock: &[Span], heard| {
            let declared = Declared {
                began: day(0),
                skew_seconds: 300,
                lock,
                silence: &silence,
                silences: &[],
            };
            declared.least_kept_until(day(heard))
        };
        assert_eq!(least(&[span(0, 30)], 50), day(79));
        let shortened = [span(0, 300), span(60, 30)];
        assert_eq!(least(&shortened, 50), day(90));
        assert_eq!(least(&shortened, 90), day(119));
        assert_eq!(least(&[], 50), day(49));
    }

    /// The worked example of the guide.
    #[test]
    fn expiry_is_as_the_guide_works_it_out() {
        let at = |text: &str| Timestamp::parse_rfc3339(&format!("2026-{text}:00Z")).unwrap();
        let row = |sealed_before: &str, stored: &str| Right {
            sealed_before: at(sealed_before),
            stored: Some(at(stored)),
            ..right(58, 400, 0, 0)
        };
        let lock = [(0, 30), (59, 60)];
        assert_eq!(day(59), at("03-01T00:00"));
        for (sealed_before, stored, until) in [
            ("02-28T00:00", "02-28T12:00", "03-30T00:00"),
            ("02-28T12:00", "03-01T00:10", "04-29T12:00"),
            ("03-01T12:00", "03-02T00:00", "04-30T12:00"),
            ("01-02T00:00", "06-01T00:00", "07-29T23:00"),
        ] {
            assert_eq!(
                kept(&lock, None, row(sealed_before, stored)),
                at(until),
                "{stored}"
            );
        }
    }

    #[test]
    fn a_forged_claim_that_all_expired_long_ago_is_bounded_by_the_stores_clock() {
        // Everything was removed, and a new segment claims a predecessor of day 1.
        assert_eq!(
            kept(LOCK, None, right(9, 100, 1, 200)),
            hour(200 * 24 - 25 + 30 * 24)
        );
    }

    #[test]
    fn a_forged_claim_before_the_log_began_counts_from_its_beginning() {
        let mut forged = right(9, 100, 0, 10);
        forged.sealed_before = Timestamp::EPOCH;
        forged.stored = None;
        assert_eq!(
            kept(LOCK, None, forged),
            day(30).saturating_add_seconds(-300)
        );
    }

    #[test]
    fn a_forged_claim_before_what_is_still_there_counts_from_that() {
        let mut forged = right(9, 100, 1, 50);
        forged.stored = None;
        assert_eq!(kept(LOCK, Some(left(4, 20, 50)), forged), day(80));
    }

    #[test]
    fn a_forged_claim_that_the_store_cannot_refute_still_counts_from_what_is_there() {
        // Stored six hours after the left border: by the store's clock alone, what is absent could be older than that.
        let forged = Right {
            stored: Some(hour(50 * 24 + 6)),
            ..right(9, 100, 1, 0)
        };
        assert_eq!(kept(LOCK, Some(left(4, 20, 50)), forged), day(80));
    }

    #[test]
    fn a_border_that_was_put_back_later_does_not_move_what_came_after_it() {
        // The lock was 300 days until day 10. Segment 4, sealed on day 5, is put back on day 20.
        let lock = [(0, 300), (10, 30)];
        let back = Left {
            stored: Some(day(20)),
            ..left(4, 20, 5)
        };
        assert_eq!(kept(&lock, Some(back), right(6, 30, 20, 21)), day(310));
        // And a key holder who seals it again claims a later `sealed`: the store knows when it was stored.
        let sealed_later = Left {
            sealed: day(20),
            ..left(4, 20, 5)
        };
        assert_eq!(
            kept(&lock, Some(sealed_later), right(6, 30, 20, 21)),
            day(310)
        );
    }

    #[test]
    fn a_retention_that_was_shortened_does_not_let_go_what_was_stored_before() {
        let lock = [(0, 300), (10, 30)];
        assert_eq!(
            kept(&lock, Some(left(4, 20, 9)), right(6, 30, 12, 13)),
            day(310)
        );
        // The span that ends exactly where the window begins is not met.
        assert_eq!(
            kept(&lock, Some(left(4, 20, 10)), right(6, 30, 12, 13)),
            day(42)
        );
    }

    #[test]
    fn a_segment_sealed_before_retention_was_lengthened_and_stored_after_it_is_kept_by_the_new_one()
    {
        let lock = [(0, 30), (10, 300)];
        // Sealed on day 9; its successor was stored on day 10, and so may it have been.
        assert_eq!(
            kept(&lock, Some(left(4, 20, 8)), right(6, 30, 9, 10)),
            day(309)
        );
        // Its successor was stored before the change: so was it.
        let mut sooner = right(6, 30, 9, 10);
        sooner.stored = Some(hour(10 * 24 - 1));
        assert_eq!(kept(&lock, Some(left(4, 20, 8)), sooner), day(39));
        // In a folder nobody knows when anything was stored.
        sooner.stored = None;
        assert_eq!(kept(&lock, Some(left(4, 20, 8)), sooner), day(39));
    }

    #[test]
    fn an_old_span_with_a_long_silence_does_not_take_a_claim_back_further_than_it_may() {
        let declared = |silence| Declared {
            began: day(0),
            skew_seconds: 300,
            lock: &[],
            silence,
            silences: &[],
        };
        let silence = [span(0, 100), span(50, 2)];
        let declared = declared(&silence);
        let window = declared.before(declared.since(None), &right(9, 100, 1, 200));
        assert_eq!(window.until, day(198));
    }

    fn with_silences(
        silences: &[Period],
        sealed_before: i64,
        stored: i64,
    ) -> (Timestamp, Timestamp) {
        let (lock, silence) = ([span(0, 30), span(65, 300)], [span(0, 1)]);
        let declared = Declared {
            began: day(0),
            skew_seconds: 300,
            lock: &lock,
            silence: &silence,
            silences,
        };
        let window = declared.before(declared.since(None), &right(9, 100, sealed_before, stored));
        (window.until, declared.kept_until(window))
    }

    #[test]
    fn an_acknowledged_silence_lets_the_predecessor_be_as_old_as_it_says() {
        let outage = [Period {
            from: day(40),
            until: day(60),
        }];
        assert_eq!(with_silences(&[], 1, 60).0, day(59));
        assert_eq!(with_silences(&outage, 1, 60).0, day(40));
        // What was stored after the outage, or when it began, has nothing to do with it.
        assert_eq!(with_silences(&outage, 1, 61).0, day(60));
        assert_eq!(with_silences(&outage, 1, 40).0, day(39));
    }

    #[test]
    fn nothing_was_stored_under_a_span_that_began_within_an_acknowledged_silence() {
        let kept = |from, until| with_silences(&[Period { from, until }], 50, 70).1;
        assert_eq!(kept(day(50), day(70)), day(80));
        assert_eq!(kept(day(50), day(69)), day(369));
    }

    #[test]
    fn a_silence_that_was_acknowledged_from_a_later_moment_on_excuses_nothing() {
        let (lock, silence) = ([span(0, 30), span(65, 300)], [span(0, 20)]);
        let kept = |from| {
            let silences = [Period {
                from,
                until: day(70),
            }];
            let declared = Declared {
                began: day(0),
                skew_seconds: 300,
                lock: &lock,
                silence: &silence,
                silences: &silences,
            };
            declared.kept_until(declared.before(declared.since(None), &right(9, 100, 50, 70)))
        };
        assert_eq!(kept(day(50)), day(80));
        assert_eq!(kept(hour(50 * 24 + 1)), day(350));
    }
}
