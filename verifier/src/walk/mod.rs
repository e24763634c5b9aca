//! One log, segment by segment in order: rules V7 to V19, V21 to V23 and A1 to A8, step by step.

use std::collections::{BTreeMap, BTreeSet};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{Position, Trusted};
use auditlog_chain::segment::{CheckedSegment, Head};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use crate::absence::border::{Known, Left};
use crate::absence::markers::Marker;
use crate::absence::moments::Moments;
use crate::absence::pin;
use crate::absence::silence::Period;
use crate::absence::span::end_of;
use crate::acknowledged::Acknowledged;
use crate::examine::{Examination, Examined, Job};
use crate::explained::{Explained, covering};
use crate::fault::{Fault, Silence};
use crate::holes::Holes;
use crate::keys::{Rules, Signed, key_id};
use crate::log_plan::{LogPlan, Slot};
use crate::pin::Pin;
use crate::pins::Pins;
use crate::place::Place;
use crate::record::Record;
use crate::request::Request;
use crate::source::{Source, Version};
use crate::storage::check_version;
use crate::time::{check_sealed, check_stored_order};
use crate::undecided::{Undecided, Unreadable};

mod before;
mod declared;
mod tail;

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
            skew_seconds: self.moments.skew_seconds,
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
            let place = Place {
                line,
                ..place.clone()
            };
            self.fault_or_explained(fault, place);
        }
        for key in &outcome.undecided {
            self.no_last_good(key);
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
        let policy = self.request.policy;
        let last_good = |key| match policy.trusted(key) {
            Trusted::UpTo(last) => Some(last),
            Trusted::Throughout | Trusted::Unknown => None,
        };
        let keys = self.plan.log.verifier_keys.iter();
        keys.filter_map(last_good).collect()
    }

    /// V17 to V19, A7, A8.
    fn check_storage(&mut self, examined: &Examined, place: &Place) {
        if !self.has_storage {
            return;
        }
        let plan = self.plan;
        if let Some(slot) = plan.slots.get(&examined.number) {
            self.check_versions(examined.number, slot);
        }
        let Some(storage) = &examined.storage else {
            return;
        };
        let spans = self.request.policy.lock_of(plan.log);
        for fault in check_version(spans, &examined.version, storage, self.moments.begun) {
            self.fault_or_explained(fault, place.clone());
        }
        if let Err(error) = &storage.lock {
            self.record
                .unreadable(Unreadable::Lock, error.clone(), place.clone());
        }
    }

    /// V17, A8: one version, and no marker over what must still be retained.
    fn check_versions(&mut self, number: u64, slot: &Slot) {
        let later = slot
            .versions
            .split_last()
            .map_or(&[][..], |(_, later)| later);
        let found = slot.versions.len();
        let of_version = |version: &Version| (version.id.clone(), Fault::SecondVersion { found });
        let mut faults: Vec<_> = later.iter().map(of_version).collect();
        let stored = slot.versions.last().and_then(|first| first.stored);
        for marker in &slot.markers {
            match self.reach().judge(number, stored) {
                Marker::Hides { kept_until } => {
                    let (expected, found) = (kept_until, marker.set);
                    faults.push((
                        marker.id.clone(),
                        Fault::HiddenByDeleteMarker { expected, found },
                    ));
                }
                Marker::Idle | Marker::Disowned | Marker::NeverThere => {
                    self.idle_markers = self.idle_markers.saturating_add(1);
                }
            }
        }
        for (version_id, fault) in faults {
            let place = Place {
                version_id,
                ..self.place(number)
            };
            self.fault_or_explained(fault, place);
        }
    }

    /// V21 to V23, A2.
    fn check_time(
        &mut self,
        number: u64,
        segment: Option<&CheckedSegment>,
        stored: Option<Timestamp>,
        place: &Place,
    ) {
        let before = self.previous.as_ref().and_then(|previous| previous.stored);
        let sealed = segment.map(CheckedSegment::sealed);
        let mut faults = Vec::new();
        faults.extend(segment.and_then(|segment| check_sealed(self.moments, segment, stored)));
        let order = check_stored_order(before, stored, self.moments.skew_seconds);
        faults.extend(order.map(|(expected, found)| Fault::StoredOrder {
            segment: number,
            sealed,
            expected,
            found,
        }));
        let (heard, silence) = (stored.or(sealed), self.silent_since(number));
        if let Some((until, (from, kind))) = heard.zip(silence) {
            let period = Period { from, until };
            faults.extend(
                period
                    .exceeds(&self.declared.silence)
                    .then(|| self.silence_fault(period, kind)),
            );
        }
        for fault in faults {
            self.fault_or_explained(fault, place.clone());
        }
    }

    /// When the log was last heard of before this segment, unless segments before it are absent: A3 bounds those.
    fn silent_since(&self, number: u64) -> Option<(Timestamp, Silence)> {
        if number == 0 {
            return Some((self.plan.log.began, Silence::First));
        }
        let previous = self.previous.as_ref()?;
        let sealed = previous.head.as_ref().and_then(|head| head.sealed);
        let heard = if self.has_storage {
            previous.stored
        } else {
            sealed
        };
        let is_neighbour = previous.number.checked_add(1) == Some(number);
        heard
            .filter(|_| is_neighbour)
            .map(|heard| (heard, Silence::Between))
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

fn position(segment: &CheckedSegment) -> Position {
    Position {
        segment: segment.number(),
        size: segment.size(),
        root: segment.root(),
    }
}
