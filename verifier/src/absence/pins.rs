//! A5 *Pins*: what an earlier run saw binds this one, and no run takes back what another one pinned.

use auditlog_chain::hash::Hash;
use auditlog_chain::timestamp::Timestamp;

use super::acknowledged::Loss;
use super::border::{Left, Range};
use super::pin::Pin;
use super::span::Span;

/// What a pin above the last present segment comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AboveHead {
    /// A person has explained the loss, and it names this pin.
    Acknowledged {
        /// Which of the losses.
        loss: usize,
    },
    /// Its own retention has run out: it binds no further.
    Expired,
    /// The log has gone back.
    RolledBack,
}

/// Judges a pin above the last present segment, which is at `left`.
pub(crate) fn above_head(
    pin: &Pin,
    left: Option<&Left>,
    losses: &[Loss],
    lock: &[Span],
    ended: Timestamp,
) -> AboveHead {
    let first = left.map_or(0, |left| left.number.saturating_add(1));
    let lost = Range {
        first,
        last: pin.segment,
    };
    let explains = |loss: &Loss| loss.excuses(pin) && loss.fits(lost, left, None, None);
    if let Some(loss) = losses.iter().position(explains) {
        AboveHead::Acknowledged { loss }
    } else if pin.kept_until(lock) < ended {
        AboveHead::Expired
    } else {
        AboveHead::RolledBack
    }
}

/// What becomes of the pin of a log when a run keeps its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Our head is pinned.
    Ours,
    /// The pin that is there stays, and nothing needs to be said.
    Theirs,
    /// Another run pinned a segment that came after ours: our verdict holds up to our head.
    UpToOurs,
    /// Another run pinned a segment that we should have seen: no verdict.
    ShouldHaveSeen,
    /// Another run saw another segment in the place of one of ours.
    Forked {
        /// What we saw there.
        found: (u64, Hash),
    },
}

/// What a run knows when it keeps the head of a log.
pub(crate) struct Run<'a> {
    /// Its head.
    pub(crate) ours: Pin,
    /// The pin that the run had read.
    pub(crate) seen: Option<Pin>,
    /// Size and root at the end of a segment that it saw.
    pub(crate) saw: &'a dyn Fn(u64) -> Option<(u64, Hash)>,
    /// Retentions of the log.
    pub(crate) lock: &'a [Span],
    /// Number of the last segment of a log that has ended.
    pub(crate) end: Option<u64>,
    /// A1's moments, and the skew.
    pub(crate) begun: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) skew_seconds: i64,
}

impl Run<'_> {
    /// Decides about the pin that is there now.
    pub(crate) fn keep(&self, kept: Option<&Pin>) -> Keep {
        let Some(kept) = kept else {
            return Keep::Ours;
        };
        if self.seen.as_ref() == Some(kept) || self.end.is_some_and(|end| kept.segment > end) {
            return self.unless_behind(kept);
        }
        // Another run has moved it since we began.
        match (self.saw)(kept.segment) {
            Some(found) if !kept.is_at(found) => Keep::Forked { found },
            Some(_) => self.unless_behind(kept),
            None if kept.segment > self.ours.segment => self.above_ours(kept),
            None if kept.kept_until(self.lock) < self.ended => Keep::Ours,
            None => Keep::ShouldHaveSeen,
        }
    }

    /// A pin never moves back, nor does it forget when its segment was stored.
    fn unless_behind(&self, kept: &Pin) -> Keep {
        let forgets = kept.segment == self.ours.segment
            && kept.stored.is_some()
            && self.ours.stored.is_none();
        if kept.segment > self.ours.segment || forgets {
            Keep::Theirs
        } else {
            Keep::Ours
        }
    }

    fn above_ours(&self, kept: &Pin) -> Keep {
        let latest = self
            .begun
            .saturating_add_seconds(self.skew_seconds.saturating_neg());
        if kept.stored.is_some_and(|stored| stored < latest) {
            Keep::ShouldHaveSeen
        } else {
            Keep::UpToOurs
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "numbers of a test")]
mod tests {
    use super::super::acknowledged::Edge;
    use super::super::world::{day, left, root, span};
    use super::*;

    fn pin(segment: u64, size: u64, at: i64) -> Pin {
        Pin {
            segment,
            size,
            root: root(&format!("{size}")),
            sealed: day(at),
            stored: Some(day(at)),
        }
    }

    const LOCK: fn() -> [Span; 2] = || [span(0, 10), span(50, 100)];

    #[test]
    fn a_log_cut_back_behind_its_pin_is_rolled_back_until_the_pin_itself_expires() {
        let judge =
            |at, ended| above_head(&pin(9, 90, at), Some(&left(4, 20, 3)), &[], &LOCK(), ended);
        assert_eq!(judge(40, day(50)), AboveHead::RolledBack);
        assert_eq!(
            judge(40, day(50).saturating_add_seconds(1)),
            AboveHead::Expired
        );
        // The retention of its own time counts.
        assert_eq!(judge(50, day(149)), AboveHead::RolledBack);
        assert_eq!(judge(50, day(151)), AboveHead::Expired);
        // Where the store's word is not known, the signer's counts.
        let folder = Pin {
            stored: None,
            ..pin(9, 90, 40)
        };
        assert_eq!(
            above_head(&folder, None, &[], &LOCK(), day(51)),
            AboveHead::Expired
        );
        let late = Pin {
            stored: Some(day(50)),
            ..pin(9, 90, 40)
        };
        assert_eq!(
            above_head(&late, None, &[], &LOCK(), day(51)),
            AboveHead::RolledBack
        );
    }

    #[test]
    fn only_a_loss_that_names_the_pin_explains_that_the_log_went_back() {
        let loss = |named: Option<Pin>| Loss {
            range: Range { first: 5, last: 9 },
            before: Some(Edge {
                size: 20,
                root: root("20"),
                stored: Some(day(3)),
            }),
            after: None,
            pin: named.map(|pin| (pin.segment, pin.size, pin.root)),
        };
        let judge = |loss| {
            above_head(
                &pin(9, 90, 40),
                Some(&left(4, 20, 3)),
                &[loss],
                &LOCK(),
                day(45),
            )
        };
        assert_eq!(
            judge(loss(Some(pin(9, 90, 40)))),
            AboveHead::Acknowledged { loss: 0 }
        );
        assert_eq!(judge(loss(None)), AboveHead::RolledBack);
        assert_eq!(judge(loss(Some(pin(9, 91, 40)))), AboveHead::RolledBack);
        let elsewhere = Loss {
            before: Some(Edge {
                size: 21,
                root: root("21"),
                stored: None,
            }),
            ..loss(Some(pin(9, 90, 40)))
        };
        assert_eq!(judge(elsewhere), AboveHead::RolledBack);
    }

    fn run<'a>(
        seen: Option<Pin>,
        saw: &'a dyn Fn(u64) -> Option<(u64, Hash)>,
        lock: &'a [Span],
    ) -> Run<'a> {
        Run {
            ours: pin(6, 60, 6),
            seen,
            saw,
            lock,
            end: None,
            begun: day(7),
            ended: day(7),
            skew_seconds: 300,
        }
    }

    fn saw(number: u64) -> Option<(u64, Hash)> {
        (4..=6)
            .contains(&number)
            .then(|| (number * 10, root(&format!("{}", number * 10))))
    }

    #[test]
    fn the_pin_of_a_run_that_saw_a_fork_does_not_replace_the_others() {
        let lock = LOCK();
        let run = run(None, &saw, &lock);
        assert_eq!(run.keep(None), Keep::Ours);
        assert_eq!(run.keep(Some(&pin(5, 50, 5))), Keep::Ours);
        assert_eq!(run.keep(Some(&pin(6, 60, 6))), Keep::Ours);
        for fork in [
            pin(5, 51, 5),
            pin(6, 61, 6),
            Pin {
                root: root("other"),
                ..pin(5, 50, 5)
            },
        ] {
            assert!(
                matches!(run.keep(Some(&fork)), Keep::Forked { .. }),
                "{fork:?}"
            );
        }
    }

    #[test]
    fn a_pin_above_our_head_stays_and_one_that_we_should_have_seen_gives_no_verdict() {
        let lock = LOCK();
        let run = run(Some(pin(4, 40, 4)), &saw, &lock);
        let stored = |seconds| Pin {
            stored: Some(day(7).saturating_add_seconds(seconds)),
            ..pin(7, 70, 7)
        };
        assert_eq!(run.keep(Some(&stored(0))), Keep::UpToOurs);
        assert_eq!(run.keep(Some(&stored(-300))), Keep::UpToOurs);
        assert_eq!(run.keep(Some(&stored(-301))), Keep::ShouldHaveSeen);
        // In a folder nobody knows when it came.
        assert_eq!(
            run.keep(Some(&Pin {
                stored: None,
                ..pin(7, 70, 1)
            })),
            Keep::UpToOurs
        );
        // Behind the declared end it is disowned.
        let ended = Run {
            end: Some(6),
            ..run
        };
        assert_eq!(ended.keep(Some(&stored(-301))), Keep::Theirs);
    }

    #[test]
    fn a_pin_never_moves_back() {
        let lock = LOCK();
        let run = run(Some(pin(9, 90, 9)), &saw, &lock);
        assert_eq!(run.keep(Some(&pin(9, 90, 9))), Keep::Theirs);
    }

    #[test]
    fn a_pin_does_not_forget_when_its_segment_was_stored() {
        let lock = LOCK();
        let mut run = run(Some(pin(6, 60, 6)), &saw, &lock);
        run.ours.stored = None;
        assert_eq!(run.keep(Some(&pin(6, 60, 6))), Keep::Theirs);
        assert_eq!(
            run.keep(Some(&Pin {
                stored: None,
                ..pin(6, 60, 6)
            })),
            Keep::Ours
        );
        assert_eq!(run.keep(Some(&pin(5, 50, 5))), Keep::Ours);
    }

    #[test]
    fn a_pinned_segment_that_another_run_saw_and_ours_did_not_must_have_expired() {
        let lock = LOCK();
        let mut run = run(None, &saw, &lock);
        assert_eq!(run.keep(Some(&pin(2, 20, 2))), Keep::ShouldHaveSeen);
        run.ended = day(13);
        assert_eq!(run.keep(Some(&pin(2, 20, 2))), Keep::Ours);
    }
}
