//! One log, segment by segment in order: rules V7 to V19 and V21 to V25, step by step.

use std::collections::BTreeSet;

use auditlog_chain::policy::{LockSpan, Position, span_at};
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::examine::{Examination, Examined, Job};
use crate::fault::{Fault, Silence};
use crate::holes::Holes;
use crate::keys::{Rules, Signed, key_id};
use crate::pin::Pin;
use crate::pins::Pins;
use crate::place::Place;
use crate::plan::LogPlan;
use crate::record::Record;
use crate::request::Request;
use crate::source::Source;
use crate::storage::{check_version, check_versions};
use crate::time::{Clock, check_sealed, check_silence, check_stored_order};
use crate::undecided::{Undecided, Unreadable};

mod before;
mod tail;

pub(crate) use tail::Walked;

/// The segments of a log that are there, up to its declared end.
pub(crate) fn jobs_of<'p>(
    at: usize,
    plan: &'p LogPlan<'p>,
) -> impl Iterator<Item = Job<'p>> + Send + 'p {
    let end = plan
        .log
        .ended
        .as_ref()
        .map_or(u64::MAX, |ended| ended.segment);
    plan.slots
        .range(..=end)
        .filter(|(_, slot)| slot.is_present())
        .map(move |(&number, slot)| Job {
            log_at: at,
            log: plan.log,
            number,
            slot,
        })
}

/// The segment before the one in hand, as far as it is known.
struct Previous {
    number: u64,
    stored: Option<Timestamp>,
    /// `None` where it could not be read, or is wrong in itself.
    head: Option<Head>,
}

/// One log, segment by segment in order.
pub(crate) struct Walk<'p> {
    request: &'p Request<'p>,
    clock: Clock,
    has_storage: bool,
    plan: &'p LogPlan<'p>,
    pin: Option<Pin>,
    /// When the declared last segment was stored: later versions are disowned.
    ended_at: Option<Timestamp>,
    record: Record,
    previous: Option<Previous>,
    active: Option<VerifierKey>,
    signed_by: Vec<String>,
    /// Compromised keys for which the missing last good segment was already reported.
    undecided: BTreeSet<String>,
    segments: u64,
    entries: u64,
    first: Option<(u64, Timestamp)>,
    last: Option<Pin>,
    holes: Holes,
}

impl<'p> Walk<'p> {
    pub(crate) fn new(
        request: &'p Request<'p>,
        source: &dyn Source,
        plan: &'p LogPlan<'p>,
        pins: &Pins,
    ) -> Self {
        let skew_seconds = i64::from(request.max_skew_seconds);
        let ended = plan
            .log
            .ended
            .as_ref()
            .and_then(|ended| plan.slots.get(&ended.segment));
        Self {
            request,
            clock: Clock {
                now: request.now,
                skew_seconds,
            },
            has_storage: source.has_storage(),
            plan,
            pin: pins.of(&plan.log.origin).copied(),
            ended_at: ended.and_then(|slot| slot.versions.last()?.stored),
            record: Record::default(),
            previous: None,
            active: None,
            signed_by: Vec::new(),
            undecided: BTreeSet::new(),
            segments: 0,
            entries: 0,
            first: None,
            last: None,
            holes: Holes::default(),
        }
    }

    pub(crate) fn segments_to_look_at(&self) -> u64 {
        u64::try_from(jobs_of(0, self.plan).count()).unwrap_or(u64::MAX)
    }

    fn place(&self, number: u64) -> Place {
        Place {
            log: Some(self.plan.log.origin.clone()),
            object: Some(self.plan.log.segment_key(number)),
            ..Place::default()
        }
    }

    /// One segment that is there, and what lies between it and the one before.
    pub(crate) fn segment(&mut self, examined: &Examined) {
        let number = examined.number;
        let stored = examined.version.stored;
        let place = Place {
            version_id: examined.version.id.clone(),
            ..self.place(number)
        };
        // V7: the segment by itself.
        let segment = match &examined.examination {
            Examination::Checked { segment, .. } => Some(&**segment),
            Examination::Fault(found) => {
                let at = Place {
                    line: found.line,
                    index: found.index,
                    ..place.clone()
                };
                self.record.fault(found.fault.clone().into(), at);
                None
            }
            Examination::Unread(error) => {
                self.record
                    .unreadable(Unreadable::Segment, error.clone(), place.clone());
                None
            }
        };
        // V8 to V10: its neighbours, and the end of the log.
        self.check_before(number, segment, &examined.examination, &place);
        if let Some(segment) = segment {
            self.check_end(segment, &place);
        }
        // V11 to V16: keys.
        match &examined.examination {
            Examination::Checked { segment, signers } => {
                self.check_keys(segment, signers.as_deref(), stored, &place);
            }
            Examination::Fault(_) | Examination::Unread(_) => self.active = None,
        }
        // V17 to V19: storage.
        self.check_storage(examined, &place);
        // V21 to V24: time.
        self.check_time(number, segment, stored, &place);
        // V25: the pinned head.
        if let Some(segment) = segment {
            self.check_pin(segment, &place);
            self.count(segment, stored);
        }
        self.previous = Some(Previous {
            number,
            stored,
            head: segment.map(|segment| segment.head().clone()),
        });
    }

    /// V10: an ended log ends where the policy says.
    fn check_end(&mut self, segment: &CheckedSegment, place: &Place) {
        let Some(ended) = &self.plan.log.ended else {
            return;
        };
        let (expected, found) = (ended.last(), position(segment));
        if found.segment == expected.segment && found != expected {
            self.record
                .fault(Fault::EndMismatch { expected, found }, place.clone());
        }
    }

    /// V11 to V16.
    fn check_keys(
        &mut self,
        segment: &CheckedSegment,
        signers: Option<&[VerifierKey]>,
        stored: Option<Timestamp>,
        place: &Place,
    ) {
        let rules = Rules {
            policy: self.request.policy,
            log: self.plan.log,
            skew_seconds: self.clock.skew_seconds,
        };
        let outcome = rules.check(
            self.active.as_ref(),
            &Signed {
                segment,
                signers,
                stored,
            },
        );
        for (line, fault) in outcome.faults {
            self.record.fault(
                fault,
                Place {
                    line,
                    ..place.clone()
                },
            );
        }
        if let Some(key) = outcome.undecided {
            self.no_last_good(&key);
        }
        if let Some(id) = outcome
            .active
            .as_ref()
            .map(key_id)
            .filter(|id| !self.signed_by.contains(id))
        {
            self.signed_by.push(id);
        }
        self.active = outcome.active;
        // V15: the last good segment of a compromised key is what the policy says.
        for expected in self.last_good_positions() {
            let found = position(segment);
            if found.segment == expected.segment && found != expected {
                self.record.fault(
                    Fault::LastGoodMismatch {
                        expected,
                        found: Some(found),
                    },
                    place.clone(),
                );
            }
        }
    }

    fn no_last_good(&mut self, key: &VerifierKey) {
        let id = key_id(key);
        if self.undecided.insert(id.clone()) {
            let place = Place::of_log(&self.plan.log.origin);
            self.record
                .undecided(Undecided::NoLastGood { key_id: id }, place);
        }
    }

    fn last_good_positions(&self) -> Vec<Position> {
        let log = self.plan.log;
        let of_key = |key| self.request.policy.key(key)?.last_good(&log.origin)?;
        log.verifier_keys.iter().filter_map(of_key).collect()
    }

    /// The lock spans of the log.
    fn lock(&self) -> &[LockSpan] {
        self.request.policy.lock_of(self.plan.log)
    }

    /// V17 to V19.
    fn check_storage(&mut self, examined: &Examined, place: &Place) {
        if !self.has_storage {
            return;
        }
        if let Some(slot) = self.plan.slots.get(&examined.number) {
            for (version_id, fault) in check_versions(self.lock(), slot, self.ended_at) {
                self.record.fault(
                    fault,
                    Place {
                        version_id,
                        ..place.clone()
                    },
                );
            }
        }
        let Some(storage) = &examined.storage else {
            return;
        };
        for fault in check_version(self.lock(), &examined.version, storage, self.clock.now) {
            self.record.fault(fault, place.clone());
        }
        if let Err(error) = &storage.lock {
            self.record
                .unreadable(Unreadable::Lock, error.clone(), place.clone());
        }
    }

    /// V21 to V24.
    fn check_time(
        &mut self,
        number: u64,
        segment: Option<&CheckedSegment>,
        stored: Option<Timestamp>,
        place: &Place,
    ) {
        let spans = &self.plan.log.max_silence;
        let before = self.previous.as_ref().and_then(|previous| previous.stored);
        let mut faults = Vec::new();
        faults.extend(segment.and_then(|segment| check_sealed(self.clock, segment, stored)));
        faults.extend(check_stored_order(before, stored));
        if let Some(until) = stored.or(segment.map(CheckedSegment::sealed)) {
            if number == 0 {
                faults.extend(check_silence(
                    spans,
                    self.plan.log.began,
                    until,
                    Silence::First,
                ));
            } else if let Some(since) = self.silent_since(number, segment) {
                faults.extend(check_silence(spans, since, until, Silence::Between));
            }
        }
        for fault in faults {
            self.record.fault(fault, place.clone());
        }
    }

    /// When the log was last heard of before this segment, by the clock that counts.
    fn silent_since(&self, number: u64, segment: Option<&CheckedSegment>) -> Option<Timestamp> {
        if let Some(previous) = self
            .previous
            .as_ref()
            .filter(|previous| previous.number.checked_add(1) == Some(number))
        {
            let sealed = previous.head.as_ref().and_then(|head| head.sealed);
            let known = if self.has_storage {
                previous.stored
            } else {
                sealed
            };
            return known.or(segment.map(CheckedSegment::sealed_before));
        }
        let sealed_before = segment?.sealed_before();
        if !self.has_storage {
            return Some(sealed_before);
        }
        // The absent predecessor was stored some time after it was sealed, within `max_silence` of the one before it.
        let delay =
            span_at(&self.plan.log.max_silence, sealed_before).map_or(0, |span| span.seconds);
        Some(sealed_before.saturating_add_seconds(i64::try_from(delay).unwrap_or(i64::MAX)))
    }

    /// V25: the segment that an earlier run pinned is still what it was.
    fn check_pin(&mut self, segment: &CheckedSegment, place: &Place) {
        let Some(Pin {
            position: expected, ..
        }) = self.pin
        else {
            return;
        };
        let found = position(segment);
        if found.segment == expected.segment && found != expected {
            self.record
                .fault(Fault::HeadForked { expected, found }, place.clone());
        }
    }

    fn count(&mut self, segment: &CheckedSegment, stored: Option<Timestamp>) {
        self.segments = self.segments.saturating_add(1);
        self.entries = self.entries.saturating_add(segment.events());
        self.first
            .get_or_insert((segment.number(), segment.opened()));
        self.last = Some(Pin {
            position: position(segment),
            sealed: segment.sealed(),
            stored,
        });
    }
}

fn position(segment: &CheckedSegment) -> Position {
    Position {
        segment: segment.number(),
        size: segment.size(),
        root: segment.root(),
    }
}
