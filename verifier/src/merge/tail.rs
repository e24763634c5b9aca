//! What only the whole log shows: its end, its silence since, its pin, and what is over nothing (V6, V10, V15, A1, A2, A5, A8).

use auditlog_chain::policy::{BeforeMissing, FoundMissing, Position};
use auditlog_chain::segment::FORMAT;

use crate::absence::border::{Left, Range};
use crate::absence::markers::Marker;
use crate::absence::pins::{AboveHead, above_head};
use crate::absence::silence::{Period, tail};
use crate::explained::covering;
use crate::fault::{Fault, Silence};
use crate::holes::{Hole, WhyAbsent};
use crate::log_plan::LeftOut;
use crate::note::{Note, Unproven};
use crate::place::Place;
use crate::range::judge::Judge;
use crate::range::log::Log;
use crate::range::tally::Tally;
use crate::undecided::Undecided;

/// The end of a log, after the last of its segments.
pub(super) struct Tail<'p> {
    log: &'p Log<'p>,
    left_out: &'p LeftOut,
    judge: Judge<'p>,
}

impl<'p> Tail<'p> {
    pub(super) fn new(judge: Judge<'p>, left_out: &'p LeftOut) -> Self {
        let log = judge.log;
        Self {
            log,
            left_out,
            judge,
        }
    }

    /// What only the whole log shows.
    pub(super) fn check(mut self) -> Tally {
        let found = self.log.policy_of.format;
        if found != FORMAT {
            self.undecided(Undecided::Unsupported { found });
            return self.judge.tally;
        }
        self.check_future();
        match self.judge.context.head() {
            None => self.check_empty(),
            Some(last) => self.check_tail(last),
        }
        self.check_pin_above();
        self.check_markers_over_nothing();
        self.note_left_out();
        self.judge.tally
    }

    fn fault(&mut self, fault: Fault, place: Place) {
        self.judge.tally.record.fault(fault, place);
    }

    fn undecided(&mut self, undecided: Undecided) {
        let place = self.log.whole();
        self.judge.tally.record.undecided(undecided, place);
    }

    fn note(&mut self, note: Note) {
        let place = self.log.whole();
        self.judge.tally.record.note(note, place);
    }

    /// V23: nothing is dated in the future, whether it is looked at or not.
    fn check_future(&mut self) {
        let expected = self.log.moments.latest();
        for (number, version_id, found) in &self.left_out.future {
            let (found, version_id) = (*found, version_id.clone());
            let place = Place {
                version_id,
                ..self.log.place(*number)
            };
            self.fault(Fault::StoredInFuture { expected, found }, place);
        }
    }

    /// V6, A1, A3: a log without a present segment.
    fn check_empty(&mut self) {
        let log = self.log;
        if let Some(last) = log.declared.end_number() {
            self.judge.judge_absent(Range { first: 0, last }, None);
            return;
        }
        self.check_gone();
        let bound = log
            .pin
            .is_some_and(|pin| pin.kept_until(&log.declared.lock) >= log.moments.ended);
        if self.left_out.passed_over > 0 && !bound {
            self.undecided(Undecided::OnlyPassedOver);
            return;
        }
        let since_began = Period {
            from: log.policy_of.began,
            until: log.moments.begun,
        };
        let young = log.pin.is_none()
            && self.left_out.nothing_is_left
            && !since_began.exceeds(&log.declared.silence);
        if young {
            self.undecided(Undecided::JustBegun);
        } else {
            let prefix = log.policy_of.prefix.clone();
            self.fault(Fault::LogEmpty { prefix }, log.whole());
        }
    }

    fn check_tail(&mut self, last: u64) {
        let end = self.log.declared.end_number();
        let mut may_be_gone = false;
        match end {
            // A3: what is absent before the declared end.
            Some(end) if end > last => {
                let first = last.saturating_add(1);
                let why = self.judge.judge_absent(Range { first, last: end }, None);
                may_be_gone = why.is_some_and(|why| why != Unproven::Missing);
            }
            Some(_) => {}
            None => {
                self.check_gone();
                self.check_tail_silence(last);
            }
        }
        // V15: a log that ends before its last good segment has lost it.
        for expected in self.log.last_good_positions() {
            let is_beyond = expected.segment > last && !may_be_gone;
            if is_beyond && end.is_none_or(|end| expected.segment <= end) {
                let place = self.log.place(expected.segment);
                let found = None;
                self.fault(Fault::LastGoodMismatch { expected, found }, place);
            }
        }
    }

    /// A1: what was listed above the last present segment, and was gone when it was read.
    fn check_gone(&mut self) {
        for known in std::mem::take(&mut self.judge.context.gone) {
            if known.kept_until >= self.log.moments.ended {
                let (first, place) = (known.number, self.log.place(known.number));
                let fault = Fault::SegmentMissing {
                    first,
                    last: first,
                    kept_until: Some(known.kept_until),
                    loss: loss_at_tail(first, first),
                };
                self.fault(fault, place);
            }
        }
    }

    /// A2: silence after the last present segment, by `stored` and by `sealed`.
    fn check_tail_silence(&mut self, last: u64) {
        let (log, context) = (self.log, &self.judge.context);
        let stored = context.previous.as_ref().and_then(|one| one.stored);
        let left = context.left.filter(|left| left.number == last);
        let silences = tail(
            &log.declared.silence,
            stored,
            left.map(|left| left.sealed),
            log.moments.skew_seconds,
            log.at.unwrap_or(log.moments.begun),
        );
        let faults = silences
            .into_iter()
            .map(|period| log.silence_fault(period, Silence::Last));
        self.fault_unless_all_explained(faults.collect(), &log.place(last));
    }

    /// Of several ways to see one thing, the first that nobody has explained is the fault; else all are acknowledged.
    fn fault_unless_all_explained(&mut self, faults: Vec<Fault>, place: &Place) {
        let entries = self.log.declared.entries;
        let is_explained = |fault: &Fault| covering(entries, fault, place).is_some();
        if let Some(fault) = faults.iter().find(|fault| !is_explained(fault)).cloned() {
            self.fault(fault, place.clone());
            return;
        }
        for fault in faults.into_iter().take(1) {
            self.judge.fault_or_explained(fault, place.clone());
        }
    }

    /// A5: the head has not gone back behind the pinned one.
    fn check_pin_above(&mut self) {
        let Some(pin) = self.log.pin else {
            let disowned = self.log.pin_disowned;
            self.note(disowned.map_or(Note::NoPin, |segment| Note::PinDisowned { segment }));
            return;
        };
        // Up to the declared end, the pinned segment is one of those that are absent, and was judged with them.
        if self.log.declared.end.is_some() {
            return;
        }
        let context = &self.judge.context;
        let Some(last) = context.head().filter(|last| pin.segment > *last) else {
            return;
        };
        let left = context.left.filter(|left| left.number == last);
        let judged = above_head(
            &pin,
            left.as_ref(),
            &self.log.declared.losses,
            &self.log.declared.lock,
            self.log.moments.ended,
        );
        match judged {
            AboveHead::Expired => {}
            AboveHead::Acknowledged { loss } => self.acknowledge_tail(loss, last, pin.segment),
            AboveHead::RolledBack => self.rolled_back(last, left.as_ref()),
        }
    }

    fn rolled_back(&mut self, found: u64, left: Option<&Left>) {
        let Some(expected) = self.log.pinned_position() else {
            return;
        };
        let loss = left.map(|left| loss_up_to(expected, left));
        let fault = Fault::HeadRolledBack {
            expected,
            found,
            loss,
        };
        self.fault(fault, self.log.place(found));
    }

    fn acknowledge_tail(&mut self, loss: usize, head: u64, last: u64) {
        let first = head.saturating_add(1);
        let why = WhyAbsent::Acknowledged;
        self.judge.tally.holes.add(Hole { first, last, why });
        let fault = Fault::SegmentMissing {
            first,
            last,
            kept_until: None,
            loss: loss_at_tail(first, last),
        };
        self.judge.acknowledge_loss(loss, fault, first);
    }

    /// A8: delete markers above the last present segment, where no segment is present.
    fn check_markers_over_nothing(&mut self) {
        let reach = self.log.reach(self.judge.context.head());
        for (number, version_id) in std::mem::take(&mut self.judge.context.markers) {
            match reach.judge(number, None) {
                Marker::NeverThere => {
                    let place = Place {
                        version_id,
                        ..self.log.place(number)
                    };
                    let what = "a delete marker";
                    let fault = Fault::ObjectUnaccounted { what };
                    self.judge.fault_or_explained(fault, place);
                }
                Marker::Disowned | Marker::Idle | Marker::Hides { .. } => {
                    self.judge.add_idle_markers(1);
                }
            }
        }
    }

    /// V10, A1, A8: what is worth knowing about what was not looked at.
    fn note_left_out(&mut self) {
        let out = self.left_out;
        if let Some(end) = self.log.declared.end_number()
            && (out.disowned_versions > 0 || out.disowned_markers > 0)
        {
            self.note(Note::VersionsDisowned {
                end,
                count: out.disowned_versions,
                markers: out.disowned_markers,
            });
        }
        let count = out.passed_over;
        if count > 0 {
            let absent = out.absent;
            self.note(Note::PassedOver { count, absent });
        }
        let count = self.judge.tally.idle_markers;
        if count > 0 {
            self.note(Note::MarkersOverExpired { count });
        }
    }
}

/// What is absent from the last present segment up to the pinned one.
fn loss_up_to(pin: Position, left: &Left) -> Box<FoundMissing> {
    Box::new(FoundMissing {
        first: left.number.saturating_add(1),
        last: pin.segment,
        before: Some(BeforeMissing {
            size: left.size,
            root: left.root,
            stored: left.stored,
        }),
        after: None,
        pin: Some(pin),
    })
}

/// Absent segments with nothing after them.
fn loss_at_tail(first: u64, last: u64) -> Box<FoundMissing> {
    Box::new(FoundMissing {
        first,
        last,
        before: None,
        after: None,
        pin: None,
    })
}
