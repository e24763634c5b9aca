//! One log, segment by segment in order: rules V7 to V19, V21 to V23 and A1 to A8, step by step.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::Position;
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::absence::border::{Known, Left};
use crate::absence::holds::retained_until;
use crate::absence::moments::Moments;
use crate::absence::pin;
use crate::absence::span::end_of;
use crate::acknowledged::Acknowledged;
use crate::examine::{Examination, Examined, Job};
use crate::explained::{Explained, covering};
use crate::fault::Fault;
use crate::holes::Holes;
use crate::log_plan::LogPlan;
use crate::pin::Pin;
use crate::pins::Pins;
use crate::place::Place;
use crate::record::Record;
use crate::request::Request;
use crate::source::Source;
use crate::timeline::{Glimpse, Timeline};
use crate::undecided::Unreadable;

mod before;
mod declared;
mod keys;
mod storage;
mod tail;
mod time;

use declared::Declared;
pub(crate) use tail::Walked;

/// The segments of a log that are there.
pub(crate) fn jobs_of<'p>(
    at: usize,
    plan: &'p LogPlan<'p>,
) -> impl Iterator<Item = Job<'p>> + Send + 'p {
    plan.slots
        .iter()
        .filter(|(_, slot)| slot.is_present())
        .map(move |(&number, slot)| Job {
            log_at: at,
            log: plan.log,
            number,
            slot,
        })
}

/// The present segment before the one in hand, as far as it is known.
struct Previous {
    number: u64,
    stored: Option<Timestamp>,
    /// `None` where it could not be read, or is wrong in itself.
    head: Option<Head>,
}

/// One log, segment by segment in order.
pub(crate) struct Walk<'p> {
    request: &'p Request<'p>,
    moments: Moments,
    has_storage: bool,
    plan: &'p LogPlan<'p>,
    declared: Declared<'p>,
    /// The pin, unless it is disowned.
    pin: Option<pin::Pin>,
    /// Number of a pinned segment above the declared end.
    pin_disowned: Option<u64>,
    record: Record,
    previous: Option<Previous>,
    /// The last sound segment.
    left: Option<Left>,
    /// Segments since then that were listed, and gone when they were read.
    gone: Vec<Known>,
    idle_markers: u64,
    active: Option<VerifierKey>,
    signed_by: Vec<String>,
    /// Compromised keys for which the missing last good segment was already reported.
    undecided: BTreeSet<String>,
    segments: u64,
    entries: u64,
    first: Option<(u64, Timestamp)>,
    last: Option<Pin>,
    holes: Holes,
    /// Size and root at the end of each segment above the pin, which another run may pin in the meantime.
    trail: BTreeMap<u64, (u64, Hash)>,
    timeline: Timeline,
}

impl<'p> Walk<'p> {
    pub(crate) fn new(
        request: &'p Request<'p>,
        moments: Moments,
        source: &dyn Source,
        plan: &'p LogPlan<'p>,
        pins: &Pins,
        explained: &'p Explained<'p>,
    ) -> Self {
        let (log, has_storage) = (plan.log, source.has_storage());
        let entries = explained.of(Some(&log.origin));
        let end = log.ended.as_ref().map(|ended| ended.segment);
        let pin = pins.of(&log.origin).map(Pin::for_rules);
        let is_owned = |pin: &pin::Pin| end.is_none_or(|end| pin.segment <= end);
        Self {
            request,
            moments,
            has_storage,
            plan,
            declared: Declared::new(
                request.policy,
                log,
                entries,
                moments.skew_seconds,
                has_storage,
            ),
            pin: pin.filter(is_owned),
            pin_disowned: pin.filter(|pin| !is_owned(pin)).map(|pin| pin.segment),
            record: Record::default(),
            previous: None,
            left: None,
            gone: Vec::new(),
            idle_markers: 0,
            active: None,
            signed_by: Vec::new(),
            undecided: BTreeSet::new(),
            segments: 0,
            entries: 0,
            first: None,
            last: None,
            holes: Holes::default(),
            trail: BTreeMap::new(),
            timeline: Timeline::default(),
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

    fn pinned_position(&self) -> Option<Position> {
        self.pin.map(|pin| Position {
            segment: pin.segment,
            size: pin.size,
            root: pin.root,
        })
    }

    /// A fault, or an acknowledged one where an entry of the policy covers it.
    fn fault_or_explained(&mut self, fault: Fault, place: Place) {
        match covering(self.declared.entries, &fault, &place) {
            Some(entry) => self
                .record
                .acknowledged(Acknowledged::by(entry, fault), place),
            None => self.record.fault(fault, place),
        }
    }

    /// Of several ways to see one thing, the first that nobody has explained is the fault; else all are acknowledged.
    fn fault_unless_all_explained(&mut self, faults: Vec<Fault>, place: &Place) {
        let explained = |fault: &Fault| covering(self.declared.entries, fault, place).is_some();
        if let Some(fault) = faults.iter().find(|fault| !explained(fault)).cloned() {
            self.record.fault(fault, place.clone());
            return;
        }
        for fault in faults.into_iter().take(1) {
            self.fault_or_explained(fault, place.clone());
        }
    }

    /// A loss that an entry explains.
    fn acknowledge_loss(&mut self, loss: usize, fault: Fault, first: u64) {
        let place = self.place(first);
        match self.declared.loss_entry(loss) {
            Some(entry) => self
                .record
                .acknowledged(Acknowledged::by(entry, fault), place),
            None => self.record.fault(fault, place),
        }
    }

    /// A segment that was listed and gone when it was read counts as absent (A1).
    fn count_as_absent(&mut self, number: u64, stored: Option<Timestamp>) {
        let kept_until = stored.map(|stored| end_of(&self.declared.lock, stored));
        self.gone
            .extend(kept_until.map(|kept_until| Known { number, kept_until }));
    }

    /// One segment that is there, and what is between it and the one before.
    pub(crate) fn segment(&mut self, examined: &Examined) {
        let number = examined.number;
        let stored = examined.version.stored;
        if matches!(examined.examination, Examination::Gone) {
            self.count_as_absent(number, stored);
            return;
        }
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
            Examination::Gone => None,
        };
        // V8 to V10, A3, A4, A6: its neighbours, what is absent before it, and the end of the log.
        self.check_before(number, segment, stored, &place);
        if let Some(segment) = segment {
            self.check_end(segment, &place);
        }
        // V11 to V16: keys.
        match &examined.examination {
            Examination::Checked { segment, signers } => {
                self.check_keys(segment, signers.as_deref(), stored, &place);
            }
            Examination::Fault(_) | Examination::Gone | Examination::Unread(_) => {
                self.active = None;
            }
        }
        // V17 to V19, A7, A8: storage.
        self.check_storage(examined, &place);
        // V21 to V23, A2: time.
        self.check_time(number, segment, stored, &place);
        // A5: the pinned head.
        if let Some(segment) = segment {
            self.check_pin(segment, &place);
            self.count(segment, stored);
        }
        self.timeline.see(&glimpse(examined, segment, self.moments));
        self.previous = Some(Previous {
            number,
            stored,
            head: segment.map(|segment| segment.head().clone()),
        });
        self.gone.clear();
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

    /// A5: the segment that an earlier run pinned is still what it was.
    fn check_pin(&mut self, segment: &CheckedSegment, place: &Place) {
        let Some(expected) = self.pinned_position() else {
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
        let (number, size, root) = (segment.number(), segment.size(), segment.root());
        self.left = Some(Left {
            number,
            size,
            root,
            sealed: segment.sealed(),
            stored,
        });
        if self.pin.is_none_or(|pin| number > pin.segment) {
            self.trail.insert(number, (size, root));
        }
    }
}

/// What a report draws of a segment.
fn glimpse(examined: &Examined, segment: Option<&CheckedSegment>, moments: Moments) -> Glimpse {
    let storage = examined.storage.as_ref();
    let lock = storage.and_then(|storage| storage.lock.as_ref().ok()?.as_ref());
    Glimpse {
        number: examined.number,
        written: segment.map(|segment| (segment.opened(), segment.sealed())),
        stored: examined.version.stored,
        entries: segment.map_or(0, CheckedSegment::events),
        kept_until: lock
            .and_then(|lock| retained_until(lock.until, lock.held_for_seconds, moments.begun)),
    }
}

fn position(segment: &CheckedSegment) -> Position {
    Position {
        segment: segment.number(),
        size: segment.size(),
        root: segment.root(),
    }
}
