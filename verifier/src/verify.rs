//! The verification, step by step in the order of the rules in `docs/guides/verification.md` (V1 to V28).

use std::collections::BTreeSet;

use auditlog_chain::fault::Fault as ChainFault;
use auditlog_chain::hash::Hash;
use auditlog_chain::keys::VerifierKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, Position, TrustPolicy};
use auditlog_chain::segment::{CheckedSegment, FORMAT, Head};
use auditlog_chain::timestamp::Timestamp;

use crate::examine::{Examination, Examined, Job, examine};
use crate::finding::{Fault, Place, Silence};
use crate::keys::{Rules, Signed, key_id};
use crate::parallel;
use crate::plan::{LogPlan, Planner};
use crate::record::Record;
use crate::report::{LogReport, Report, Verdict};
use crate::source::{ReadError, Source, Version};
use crate::state::Pins;
use crate::storage::{all_kept_until, check_bucket, check_version, check_versions, span_at};
use crate::time::{Clock, check_sealed, check_silence, check_stored_order};

/// What to verify, and by which clock.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What was declared.
    pub policy: &'a TrustPolicy,
    /// Digest of the policy's bytes, for the report.
    pub policy_digest: Hash,
    /// The logs to verify; empty for all that the policy declares.
    pub logs: &'a [Origin],
    /// The verifier's clock.
    pub now: Timestamp,
    /// The time up to which the logs must reach: `now`, unless a person says otherwise.
    pub at: Timestamp,
    /// Seconds by which clocks may differ.
    pub max_skew_seconds: u32,
    /// Number of workers, at least 1, where the source leaves it open.
    pub workers: usize,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments looked at.
    pub segments: u64,
    /// Segments to look at.
    pub of: u64,
    /// Entries in them.
    pub entries: u64,
}

/// Why a request makes no sense against this policy and source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The policy has no such log.
    #[error("the trust policy declares no log {origin}")]
    UnknownLog {
        /// The log.
        origin: Origin,
        /// The logs that it declares.
        known: Vec<Origin>,
    },
    /// No chosen log lies under the prefix that the source is confined to.
    #[error("the trust policy declares no log under {scope}")]
    NothingInScope {
        /// The prefix.
        scope: String,
    },
}

/// The head of a log in which nothing wrong was found and nothing was left unread. Made by [`verify`] alone, and all that
/// can be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHead {
    origin: Origin,
    position: Position,
}

impl VerifiedHead {
    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its last segment, size and root.
    pub const fn position(&self) -> Position {
        self.position
    }
}

/// Verifies the chosen logs. Whatever is found is in the report; progress goes to `progress`.
///
/// # Errors
///
/// Where the request makes no sense: nothing has been looked at then.
pub fn verify(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, RequestError> {
    // V2: the logs to look at.
    let chosen = choose_logs(source, request)?;
    let mut record = Record::default();
    // V4, V5: the plan; every object is accounted for. A store that does not even list is asked for nothing more.
    let plans = plan(source, request, &chosen, &mut record);
    let mut logs = Vec::new();
    if let Some(plans) = &plans {
        // V6 to V25, but for V20: the logs.
        logs = look_at_logs(source, request, pins, plans, progress);
        // V20: the bucket.
        look_at_bucket(source, request, &mut record);
    }
    // V27, V28: the verdict.
    Ok(report(source, request, &chosen, record, logs))
}

fn choose_logs<'a>(
    source: &dyn Source,
    request: &Request<'a>,
) -> Result<Vec<&'a LogPolicy>, RequestError> {
    let all = &request.policy.document().logs;
    if let Some(origin) = request
        .logs
        .iter()
        .find(|origin| request.policy.log(origin).is_none())
    {
        let known = all.iter().map(|log| log.origin.clone()).collect();
        return Err(RequestError::UnknownLog {
            origin: origin.clone(),
            known,
        });
    }
    let wanted = |log: &&LogPolicy| request.logs.is_empty() || request.logs.contains(&log.origin);
    let in_scope = |log: &&LogPolicy| format!("{}/", log.prefix).starts_with(source.scope());
    let chosen: Vec<_> = all.iter().filter(wanted).filter(in_scope).collect();
    if chosen.is_empty() {
        return Err(RequestError::NothingInScope {
            scope: source.scope().to_owned(),
        });
    }
    Ok(chosen)
}

fn look_at_bucket(source: &dyn Source, request: &Request<'_>, record: &mut Record) {
    match source.bucket() {
        Ok(None) => {}
        Ok(Some(bucket)) => {
            for fault in check_bucket(request.policy, &bucket, request.now) {
                record.fault(fault, Place::default());
            }
        }
        Err(error) => record.unread("the bucket's configuration", None, error),
    }
}

fn plan<'p>(
    source: &dyn Source,
    request: &Request<'p>,
    chosen: &[&'p LogPolicy],
    record: &mut Record,
) -> Option<Vec<LogPlan<'p>>> {
    let mut planner = Planner::new(request.policy, chosen);
    let prefixes: Vec<&str> = chosen.iter().map(|log| log.prefix.as_str()).collect();
    let listed = source.list(&prefixes, &mut |listed| {
        if let Some(finding) = planner.take(listed) {
            record.fault(finding.fault, finding.place);
        }
    });
    match listed {
        Ok(()) => Some(planner.finish()),
        Err(error) => {
            record.unread("the listing", None, error);
            None
        }
    }
}

fn look_at_logs(
    source: &dyn Source,
    request: &Request<'_>,
    pins: &Pins,
    plans: &[LogPlan<'_>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<(LogReport, Record)> {
    let mut walks: Vec<Walk<'_>> = plans
        .iter()
        .map(|plan| Walk::new(request, source, plan, pins))
        .collect();
    let known = plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| plan.log.format == FORMAT);
    let jobs = known.flat_map(|(at, plan)| jobs_of(at, plan));
    let of = walks
        .iter()
        .map(Walk::segments_to_look_at)
        .fold(0, u64::saturating_add);
    let mut done = Progress {
        of,
        ..Progress::default()
    };
    progress(done);
    let workers = if source.readers() == 0 {
        request.workers
    } else {
        source.readers()
    };
    parallel::in_order(
        workers,
        jobs,
        |job| examine(source, &job),
        |examined: Examined| {
            done.segments = done.segments.saturating_add(1);
            done.entries = done.entries.saturating_add(examined.events());
            if let Some(walk) = walks.get_mut(examined.log) {
                walk.segment(&examined);
            }
            progress(done);
        },
    );
    walks.into_iter().map(Walk::finish).collect()
}

/// The segments of a log that are there, up to its declared end.
fn jobs_of<'p>(at: usize, plan: &'p LogPlan<'p>) -> impl Iterator<Item = Job<'p>> + Send + 'p {
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
struct Walk<'p> {
    request: &'p Request<'p>,
    clock: Clock,
    has_storage: bool,
    plan: &'p LogPlan<'p>,
    pin: Option<Position>,
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
    last: Option<(Position, Timestamp)>,
}

impl<'p> Walk<'p> {
    fn new(
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
            pin: pins.pin(&plan.log.origin).copied(),
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
        }
    }

    fn segments_to_look_at(&self) -> u64 {
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
    fn segment(&mut self, examined: &Examined) {
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
                let what = self.plan.log.segment_key(number);
                self.record
                    .unread(&what, Some(&self.plan.log.origin), error.clone());
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
            self.count(segment);
        }
        self.previous = Some(Previous {
            number,
            stored,
            head: segment.map(|segment| segment.head().clone()),
        });
    }

    fn next_number(&self) -> u64 {
        self.previous
            .as_ref()
            .map_or(0, |previous| previous.number.saturating_add(1))
    }

    /// V8: `left`, `prev`, index and `sealed_before` are those of the predecessor. V9: an absent one has expired.
    fn check_before(
        &mut self,
        number: u64,
        segment: Option<&CheckedSegment>,
        examination: &Examination,
        place: &Place,
    ) {
        let expected = self.next_number();
        if number > expected {
            self.check_gap(
                expected,
                number.saturating_sub(1),
                segment,
                matches!(examination, Examination::Unread(_)),
            );
            return;
        }
        let (Some(segment), Some(previous)) = (segment, &self.previous) else {
            return;
        };
        match &previous.head {
            Some(head) => {
                if let Some(fault) = neighbour_fault(head, segment.before()) {
                    let at = Place {
                        line: Some(1),
                        index: Some(segment.first_index()),
                        ..place.clone()
                    };
                    self.record.fault(fault.into(), at);
                }
            }
            None => self.left_unproven(number, "the segment before it is not in order"),
        }
    }

    fn left_unproven(&mut self, number: u64, why: &str) {
        let origin = &self.plan.log.origin;
        self.record.note(format!(
            "{origin}: `left` of segment {number} is unproven: {why}"
        ));
    }

    fn check_gap(
        &mut self,
        first: u64,
        last: u64,
        next: Option<&CheckedSegment>,
        next_unread: bool,
    ) {
        // After a gap any authorised key may be the active one: the rotation may have been in it.
        self.active = None;
        let next_number = last.saturating_add(1);
        if next_unread {
            let reason = format!(
                "whether segments {first} to {last} may be absent: segment {next_number} would show it"
            );
            let error = ReadError::new(reason);
            self.record.unread(
                &self.plan.log.segment_key(first),
                Some(&self.plan.log.origin),
                error,
            );
            return;
        }
        let since = self
            .previous
            .as_ref()
            .and_then(|previous| previous.head.as_ref()?.sealed)
            .unwrap_or(self.plan.log.began);
        let until =
            next.map(|segment| all_kept_until(self.request.policy, since, segment.sealed_before()));
        if until.is_some_and(|until| until < self.clock.now) {
            let why =
                format!("segments {first} to {last} are absent, and their retention has run out");
            self.left_unproven(next_number, &why);
            return;
        }
        let place = self.place(first);
        self.record.fault(
            Fault::SegmentMissing {
                first,
                last,
                kept_until: until,
            },
            place,
        );
        self.left_unproven(next_number, "the segment before it is missing");
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
            let origin = &self.plan.log.origin;
            let reason = format!(
                "key {id} is compromised, and the policy names no last good segment of this log"
            );
            let error = ReadError::new(reason)
                .with_hint("add the log to `compromised.last_good` of the key");
            self.record.unread(origin.as_str(), Some(origin), error);
        }
    }

    fn last_good_positions(&self) -> Vec<Position> {
        let log = self.plan.log;
        let of_key = |key| self.request.policy.key(key)?.last_good(&log.origin)?;
        log.verifier_keys.iter().filter_map(of_key).collect()
    }

    /// V17 to V19.
    fn check_storage(&mut self, examined: &Examined, place: &Place) {
        if !self.has_storage {
            return;
        }
        if let Some(slot) = self.plan.slots.get(&examined.number) {
            for (version_id, fault) in check_versions(self.request.policy, slot, self.ended_at) {
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
        for fault in check_version(self.request.policy, &examined.version, storage) {
            self.record.fault(fault, place.clone());
        }
        if let Err(error) = &storage.lock {
            let what = format!("the lock of {}", self.plan.log.segment_key(examined.number));
            self.record
                .unread(&what, Some(&self.plan.log.origin), error.clone());
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
        let policy = self.request.policy;
        let before = self.previous.as_ref().and_then(|previous| previous.stored);
        let mut faults = Vec::new();
        faults.extend(segment.and_then(|segment| check_sealed(self.clock, segment, stored)));
        faults.extend(check_stored_order(before, stored));
        if let Some(until) = stored.or(segment.map(CheckedSegment::sealed)) {
            if number == 0 {
                faults.extend(check_silence(
                    policy,
                    self.plan.log.began,
                    until,
                    Silence::First,
                ));
            } else if let Some(since) = self.silent_since(number, segment) {
                faults.extend(check_silence(policy, since, until, Silence::Between));
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
        let delay = span_at(self.request.policy, sealed_before).max_silence_seconds;
        Some(sealed_before.saturating_add_seconds(i64::try_from(delay).unwrap_or(i64::MAX)))
    }

    /// V25: the segment that an earlier run pinned is still what it was.
    fn check_pin(&mut self, segment: &CheckedSegment, place: &Place) {
        let Some(expected) = self.pin else { return };
        let found = position(segment);
        if found.segment == expected.segment && found != expected {
            self.record
                .fault(Fault::HeadForked { expected, found }, place.clone());
        }
    }

    fn count(&mut self, segment: &CheckedSegment) {
        self.segments = self.segments.saturating_add(1);
        self.entries = self.entries.saturating_add(segment.events());
        self.first
            .get_or_insert((segment.number(), segment.opened()));
        self.last = Some((position(segment), segment.sealed()));
    }

    /// What only the whole log shows, and the log's verdict.
    fn finish(mut self) -> (LogReport, Record) {
        let log = self.plan.log;
        if log.format == FORMAT {
            match &self.previous {
                // V6: nothing found is never success.
                None => {
                    let place = Place {
                        log: Some(log.origin.clone()),
                        ..Place::default()
                    };
                    self.record.fault(
                        Fault::LogEmpty {
                            prefix: log.prefix.clone(),
                        },
                        place,
                    );
                }
                Some(previous) => self.check_tail(previous.number, previous.stored),
            }
        } else {
            let reason = format!(
                "the log has format {}, this program knows {FORMAT}",
                log.format
            );
            let error = ReadError::new(reason).with_hint("use a newer auditlog-verify");
            self.record
                .unread(log.origin.as_str(), Some(&log.origin), error);
        }
        let verdict = self.record.verdict();
        let verified = match (verdict, self.last) {
            (Verdict::Verified, Some((position, _))) => Some(VerifiedHead {
                origin: log.origin.clone(),
                position,
            }),
            _ => None,
        };
        let report = LogReport {
            origin: log.origin.clone(),
            prefix: log.prefix.clone(),
            verdict,
            segments: self.segments,
            entries: self.entries,
            size: self.last.map(|(last, _)| last.size),
            root: self.last.map(|(last, _)| last.root),
            first_segment: self.first.map(|(number, _)| number),
            last_segment: self.last.map(|(last, _)| last.segment),
            opened: self.first.map(|(_, opened)| opened),
            sealed: self.last.map(|(_, sealed)| sealed),
            keys: self.signed_by,
            verified,
        };
        (report, self.record)
    }

    fn check_tail(&mut self, last: u64, stored: Option<Timestamp>) {
        let log = self.plan.log;
        let end = log.ended.as_ref().map(|ended| ended.segment);
        // V9, V10: what the declared end, or a delete marker, shows to have been there.
        let shown = self
            .plan
            .slots
            .range(..=end.unwrap_or(u64::MAX))
            .next_back()
            .map(|(number, _)| *number);
        if let Some(shown) = end.or(shown).filter(|shown| *shown > last) {
            let first = last.saturating_add(1);
            let place = self.place(first);
            self.record.fault(
                Fault::SegmentMissing {
                    first,
                    last: shown,
                    kept_until: None,
                },
                place,
            );
        }
        // V15: a log that ends before its last good segment has lost it.
        for expected in self.last_good_positions() {
            if expected.segment > last && end.is_none_or(|end| expected.segment <= end) {
                let place = self.place(expected.segment);
                self.record.fault(
                    Fault::LastGoodMismatch {
                        expected,
                        found: None,
                    },
                    place,
                );
            }
        }
        // V24: silence until now.
        let sealed = self
            .last
            .filter(|(at, _)| at.segment == last)
            .map(|(_, sealed)| sealed);
        let heard = if self.has_storage { stored } else { sealed };
        if let Some(since) = heard.filter(|_| end.is_none()) {
            let place = self.place(last);
            if let Some(fault) =
                check_silence(self.request.policy, since, self.request.at, Silence::Last)
            {
                self.record.fault(fault, place);
            }
        }
        self.check_head(last, end);
        self.note_disowned();
    }

    /// V25: the head has not gone back behind the pinned one.
    fn check_head(&mut self, last: u64, end: Option<u64>) {
        let origin = &self.plan.log.origin;
        match self.pin {
            None => self.record.note(format!(
                "{origin}: no pinned head, so nothing is claimed about rollback"
            )),
            Some(pin) if end.is_some_and(|end| pin.segment > end) => {
                let at = pin.segment;
                self.record.note(format!("{origin}: the pinned head, segment {at}, lies behind the declared end and is disowned"));
            }
            Some(expected) if expected.segment > last => {
                let place = self.place(last);
                self.record.fault(
                    Fault::HeadRolledBack {
                        expected,
                        found: last,
                    },
                    place,
                );
            }
            Some(_) => {}
        }
    }

    /// V10: what was written after the declared end is reported, and judged no further.
    fn note_disowned(&mut self) {
        let Some(ended) = &self.plan.log.ended else {
            return;
        };
        let later = |version: &&Version| {
            version
                .stored
                .zip(self.ended_at)
                .is_some_and(|(s, end)| s > end)
        };
        let slots = &self.plan.slots;
        let behind = slots
            .range(ended.segment.saturating_add(1)..)
            .map(|(_, slot)| slot.versions.len());
        let within = slots
            .range(..=ended.segment)
            .map(|(_, slot)| slot.versions.iter().filter(later).count());
        let disowned = behind.chain(within).fold(0usize, usize::saturating_add);
        if disowned > 0 {
            let origin = &self.plan.log.origin;
            let last = ended.segment;
            self.record.note(format!(
                "{origin}: ended with segment {last}; {disowned} later versions are disowned"
            ));
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

/// V8: the first difference between what a segment says came before it and what did.
fn neighbour_fault(head: &Head, before: &Head) -> Option<ChainFault> {
    if before.range.size() != head.range.size() {
        return Some(ChainFault::IndexMismatch {
            expected: head.range.size(),
            found: before.range.size(),
        });
    }
    if before.last_leaf != head.last_leaf {
        return Some(ChainFault::PrevMismatch {
            expected: head.last_leaf,
            found: before.last_leaf,
        });
    }
    if before.range != head.range {
        let (expected, found) = (head.range.roots().to_vec(), before.range.roots().to_vec());
        return Some(ChainFault::LeftMismatch { expected, found });
    }
    let (expected, found) = head.sealed.zip(before.sealed)?;
    (expected != found).then_some(ChainFault::SealedBeforeMismatch { expected, found })
}

/// V27, V28: everything in one report, with what was not looked at.
fn report(
    source: &dyn Source,
    request: &Request<'_>,
    chosen: &[&LogPolicy],
    mut record: Record,
    logs: Vec<(LogReport, Record)>,
) -> Report {
    let mut not_checked = Vec::new();
    for log in &request.policy.document().logs {
        if !chosen.iter().any(|one| one.origin == log.origin) {
            not_checked.push(format!("log {}", log.origin));
        }
    }
    if !source.scope().is_empty() {
        not_checked.push(format!("what lies outside {}", source.scope()));
    }
    if !source.has_storage() {
        not_checked.push("storage".to_owned());
    }
    let mut reports = Vec::new();
    for (mut log, of_log) in logs {
        if record
            .faults
            .iter()
            .any(|finding| finding.place.log.as_ref() == Some(&log.origin))
        {
            log.verdict = Verdict::Fault;
            log.verified = None;
        }
        reports.push(log);
        record.merge(of_log);
    }
    Report {
        policy_digest: request.policy_digest,
        target: source.name(),
        at: request.at,
        logs: reports,
        record,
        not_checked,
    }
}
