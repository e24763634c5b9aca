//! What only the whole log shows: its end, its silence since, its pin, and what is over nothing (V6, V10, V15, A1, A2, A5, A8).

use auditlog_chain::policy::{BeforeMissing, FoundMissing, Position};
use auditlog_chain::segment::FORMAT;
use auditlog_chain::timestamp::Timestamp;

use super::Walk;
use crate::absence::border::{Left, Range};
use crate::absence::markers::{Marker, Reach};
use crate::absence::pins::{AboveHead, above_head};
use crate::absence::silence::{Period, deadline, tail};
use crate::fault::{Fault, Silence};
use crate::head::Witness;
use crate::holes::{Hole, Holes, WhyAbsent};
use crate::note::{Note, Unproven};
use crate::pin::Pin;
use crate::place::Place;
use crate::record::Record;
use crate::timeline::Timeline;
use crate::undecided::Undecided;

/// What was seen of one log, and what was found.
pub(crate) struct Walked {
    /// Number of sound segments, and of entries in them.
    pub(crate) segments: u64,
    pub(crate) entries: u64,
    /// Number of the first sound segment, and when it was opened.
    pub(crate) first: Option<(u64, Timestamp)>,
    /// The last one.
    pub(crate) last: Option<Pin>,
    pub(crate) holes: Holes,
    /// Number of keys where plain readers see something else than the version that was verified.
    pub(crate) shadowed: u64,
    pub(crate) keys: Vec<String>,
    pub(crate) timeline: Timeline,
    pub(crate) witness: Witness,
    pub(crate) record: Record,
}

impl Walk<'_> {
    /// What only the whole log shows.
    pub(crate) fn finish(mut self) -> Walked {
        let log = self.plan.log;
        if log.format == FORMAT {
            self.check_future();
            match self.previous.as_ref().map(|previous| previous.number) {
                None => self.check_empty(),
                Some(last) => self.check_tail(last),
            }
            self.check_pin_above();
            self.check_markers_over_nothing();
            self.note_left_out();
        } else {
            let found = log.format;
            let place = Place::of_log(&log.origin);
            self.record
                .undecided(Undecided::Unsupported { found }, place);
        }
        Walked {
            segments: self.segments,
            entries: self.entries,
            first: self.first,
            last: self.last,
            holes: self.holes,
            keys: self.signed_by,
            shadowed: self.plan.left_out.shadowed,
            timeline: self.timeline,
            witness: Witness {
                trail: self.trail,
                lock: self.declared.lock,
                end: self.declared.end.map(|(border, _)| border.number),
                moments: self.moments,
            },
            record: self.record,
        }
    }

    /// V23: nothing is dated in the future, whether it is looked at or not.
    fn check_future(&mut self) {
        let expected = self.moments.latest();
        for (number, version_id, found) in &self.plan.left_out.future {
            let (found, version_id) = (*found, version_id.clone());
            let place = Place {
                version_id,
                ..self.place(*number)
            };
            self.record
                .fault(Fault::StoredInFuture { expected, found }, place);
        }
    }

    /// V6, A1, A3: a log without a present segment.
    fn check_empty(&mut self) {
        let place = Place::of_log(&self.plan.log.origin);
        if let Some(last) = self.declared.end_number() {
            self.judge_absent(Range { first: 0, last }, None);
            return;
        }
        self.check_gone();
        let bound = self
            .pin
            .is_some_and(|pin| pin.kept_until(&self.declared.lock) >= self.moments.ended);
        if self.plan.left_out.passed_over > 0 && !bound {
            self.record.undecided(Undecided::OnlyPassedOver, place);
            return;
        }
        let since_began = Period {
            from: self.plan.log.began,
            until: self.moments.begun,
        };
        let young = self.pin.is_none()
            && self.plan.slots.is_empty()
            && !since_began.exceeds(&self.declared.silence);
        if young {
            self.record.undecided(Undecided::JustBegun, place);
        } else {
            let prefix = self.plan.log.prefix.clone();
            self.record.fault(Fault::LogEmpty { prefix }, place);
        }
    }

    fn check_tail(&mut self, last: u64) {
        let first = last.saturating_add(1);
        let mut may_be_gone = false;
        match self.declared.end_number() {
            // A3: what is absent before the declared end.
            Some(end) if end > last => {
                let why = self.judge_absent(Range { first, last: end }, None);
                may_be_gone = why.is_some_and(|why| why != Unproven::Missing);
            }
            Some(_) => {}
            None => {
                self.check_gone();
                self.check_tail_silence(last);
            }
        }
        // V15: a log that ends before its last good segment has lost it.
        let end = self.declared.end_number();
        for expected in self.last_good_positions() {
            let is_beyond = expected.segment > last && !may_be_gone;
            if is_beyond && end.is_none_or(|end| expected.segment <= end) {
                let place = self.place(expected.segment);
                let found = None;
                self.record
                    .fault(Fault::LastGoodMismatch { expected, found }, place);
            }
        }
    }

    /// A1: what was listed above the last present segment, and was gone when it was read.
    fn check_gone(&mut self) {
        for known in std::mem::take(&mut self.gone) {
            if known.kept_until >= self.moments.ended {
                let (first, place) = (known.number, self.place(known.number));
                let loss = loss_at_tail(first, first);
                let kept_until = Some(known.kept_until);
                let last = first;
                self.record.fault(
                    Fault::SegmentMissing {
                        first,
                        last,
                        kept_until,
                        loss,
                    },
                    place,
                );
            }
        }
    }

    /// A2: silence after the last present segment, by `stored` and by `sealed`.
    fn check_tail_silence(&mut self, last: u64) {
        let until = self.request.at.unwrap_or(self.moments.begun);
        let stored = self.previous.as_ref().and_then(|previous| previous.stored);
        let sealed = self
            .left
            .filter(|left| left.number == last)
            .map(|left| left.sealed);
        let silences = tail(
            &self.declared.silence,
            stored,
            sealed,
            self.moments.skew_seconds,
            until,
        );
        let faults: Vec<_> = silences
            .into_iter()
            .map(|period| self.silence_fault(period, Silence::Last))
            .collect();
        let place = self.place(last);
        self.fault_unless_all_explained(faults, &place);
    }

    pub(super) fn silence_fault(&self, period: Period, place: Silence) -> Fault {
        Fault::SilenceExceeded {
            place,
            from: period.from,
            until: period.until,
            deadline: deadline(&self.declared.silence, period.from),
        }
    }

    /// A5: the head has not gone back behind the pinned one.
    fn check_pin_above(&mut self) {
        let log = Place::of_log(&self.plan.log.origin);
        let Some(pin) = self.pin else {
            let note = self
                .pin_disowned
                .map_or(Note::NoPin, |segment| Note::PinDisowned { segment });
            self.record.note(note, log);
            return;
        };
        // Up to the declared end, the pinned segment is one of those that are absent, and was judged with them.
        if self.declared.end.is_some() {
            return;
        }
        let last = self.previous.as_ref().map(|previous| previous.number);
        let Some(last) = last.filter(|last| pin.segment > *last) else {
            return;
        };
        let left = self.left.filter(|left| left.number == last);
        let judged = above_head(
            &pin,
            left.as_ref(),
            &self.declared.losses,
            &self.declared.lock,
            self.moments.ended,
        );
        match judged {
            AboveHead::Expired => {}
            AboveHead::Acknowledged { loss } => self.acknowledge_tail(loss, last, pin.segment),
            AboveHead::RolledBack => {
                let Some(expected) = self.pinned_position() else {
                    return;
                };
                let loss = left.map(|left| loss_up_to(expected, &left));
                let fault = Fault::HeadRolledBack {
                    expected,
                    found: last,
                    loss,
                };
                self.record.fault(fault, self.place(last));
            }
        }
    }

    fn acknowledge_tail(&mut self, loss: usize, head: u64, last: u64) {
        let first = head.saturating_add(1);
        let why = WhyAbsent::Acknowledged;
        self.holes.add(Hole { first, last, why });
        let fault = Fault::SegmentMissing {
            first,
            last,
            kept_until: None,
            loss: loss_at_tail(first, last),
        };
        self.acknowledge_loss(loss, fault, first);
    }

    /// A8: delete markers where no segment is present.
    fn check_markers_over_nothing(&mut self) {
        let plan = self.plan;
        for (number, slot) in plan.slots.iter().filter(|(_, slot)| !slot.is_present()) {
            let judged = self.reach().judge(*number, None);
            for marker in &slot.markers {
                match judged {
                    Marker::NeverThere => {
                        let place = Place {
                            version_id: marker.id.clone(),
                            ..self.place(*number)
                        };
                        let what = "a delete marker";
                        self.fault_or_explained(Fault::ObjectUnaccounted { what }, place);
                    }
                    Marker::Disowned | Marker::Idle | Marker::Hides { .. } => {
                        self.idle_markers = self.idle_markers.saturating_add(1);
                    }
                }
            }
        }
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        Reach {
            head: self.previous.as_ref().map(|previous| previous.number),
            pin: self.pin.map(|pin| pin.segment),
            end: self.declared.end_number(),
            lock: &self.declared.lock,
            ended: self.moments.ended,
        }
    }

    /// V10, A1, A8: what is worth knowing about what was not looked at.
    fn note_left_out(&mut self) {
        let out = &self.plan.left_out;
        let log = Place::of_log(&self.plan.log.origin);
        let mut notes = Vec::new();
        if let Some(end) = self.declared.end_number()
            && (out.disowned_versions > 0 || out.disowned_markers > 0)
        {
            notes.push(Note::VersionsDisowned {
                end,
                count: out.disowned_versions,
                markers: out.disowned_markers,
            });
        }
        let counted = [
            (
                out.passed_over,
                Note::PassedOver {
                    count: out.passed_over,
                },
            ),
            (
                self.idle_markers,
                Note::MarkersOverExpired {
                    count: self.idle_markers,
                },
            ),
        ];
        notes.extend(
            counted
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(_, note)| note),
        );
        for note in notes {
            self.record.note(note, log.clone());
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
