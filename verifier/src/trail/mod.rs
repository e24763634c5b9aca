//! One log, read segment by segment, for those who look for entries and make proofs. Whatever is read is verified first.
//!
//! A segment proves itself, and the trust policy says who may sign it, and where a log that was declared ended has its end: what came later is disowned,
//! as in a verification. What takes the whole log is not judged here: what is absent, the locks, and whether a log that goes on reaches as far as it
//! should. [`verify`](fn@crate::verify::verify) judges that.

mod ahead;
mod error;
mod seek;
mod segment;

use std::collections::BTreeMap;

use auditlog_chain::fault::Fault as ChainFault;
use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::{LogPolicy, TrustPolicy};
use auditlog_chain::segment::{Expected, FORMAT, check_segment_lines};

pub use error::TrailError;
pub use segment::{Line, Segment};

use crate::facts::Sound;
use crate::fault::Fault;
use crate::keys::{Rules, Signed, key_id};
use crate::log_plan::{LogPlan, Slot};
use crate::place::{Place, Placed};
use crate::plan::Planner;
use crate::settle::{end_fault, settle_end};
use crate::source::{ReadError, Source, Version};
use crate::word::Word;

/// The object of a segment that was read, and not checked yet.
pub(crate) struct Fetched<'t> {
    number: u64,
    version: &'t Version,
    place: Place,
    object: Vec<u8>,
}

impl Fetched<'_> {
    /// Number of the segment.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }
}

/// The segments of one log, as listed.
pub struct Trail<'a> {
    source: &'a dyn Source,
    policy: &'a TrustPolicy,
    log: &'a LogPolicy,
    skew_seconds: i64,
    /// The oldest version of each: under a lock it is the one that cannot have been replaced.
    versions: BTreeMap<u64, Version>,
    disowned: u64,
}

impl<'a> Trail<'a> {
    /// Lists the segments of a log. What is after the declared end of a log is left out (V10).
    ///
    /// # Errors
    ///
    /// Where the listing is not complete, or something other than an object has the name of a segment.
    pub fn open(
        source: &'a dyn Source,
        policy: &'a TrustPolicy,
        log: &'a LogPolicy,
        max_skew_seconds: u32,
    ) -> Result<Self, TrailError> {
        if log.format != FORMAT {
            return Err(TrailError::UnknownFormat { found: log.format });
        }
        let mut plan = listed(source, policy, log)?;
        let skew_seconds = i64::from(max_skew_seconds);
        settle_end(
            &mut plan,
            Some(skew_seconds).filter(|_| source.has_storage()),
        );
        if let Some((number, what)) = foreign(&plan) {
            let reason = format!("expected a file, found {what}: {}", log.segment_key(number));
            let hint = "copy the bucket with `aws s3 sync` and read the copy";
            return Err(ReadError::new(reason).with_hint(hint).into());
        }
        let disowned = plan.left_out.disowned_versions;
        let oldest =
            |(number, slot): (u64, Box<Slot>)| Some((number, slot.versions.last()?.clone()));
        let versions = plan.slots.into_iter().filter_map(oldest).collect();
        Ok(Self {
            disowned,
            ..Self::of(source, policy, log, (max_skew_seconds, versions))
        })
    }

    /// Some segments of a log, by the version of each that counts.
    pub(crate) fn of(
        source: &'a dyn Source,
        policy: &'a TrustPolicy,
        log: &'a LogPolicy,
        (max_skew_seconds, versions): (u32, BTreeMap<u64, Version>),
    ) -> Self {
        Self {
            source,
            policy,
            log,
            skew_seconds: i64::from(max_skew_seconds),
            versions,
            disowned: 0,
        }
    }

    /// Number of versions that are after the declared end of the log, and are left out.
    pub const fn disowned(&self) -> u64 {
        self.disowned
    }

    /// Number of the last segment of the log, where the policy declares it ended.
    pub fn declared_end(&self) -> Option<u64> {
        self.log.ended.as_ref().map(|ended| ended.segment)
    }

    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.log.origin
    }

    /// The numbers of the segments that are there.
    pub fn numbers(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.versions.keys().copied()
    }

    /// The key of a segment's object.
    pub fn key_of(&self, number: u64) -> String {
        self.log.segment_key(number)
    }

    /// Bytes that may be read ahead of their checks.
    pub(crate) fn read_ahead(&self) -> Option<usize> {
        self.source.read_ahead()
    }

    /// Bytes of a segment's object, as listed.
    pub(crate) fn bytes_of(&self, number: u64) -> usize {
        let version = self.versions.get(&number);
        let bytes = version.map_or(0, |version| version.bytes);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The ranges of numbers below the newest segment that are not there.
    pub fn gaps(&self) -> Vec<(u64, u64)> {
        let mut next = 0;
        let mut gaps = Vec::new();
        for number in self.numbers() {
            if let Some(last) = number.checked_sub(1).filter(|last| *last >= next) {
                gaps.push((next, last));
            }
            next = number.saturating_add(1);
        }
        gaps
    }

    /// Reads and verifies one segment.
    ///
    /// # Errors
    ///
    /// Where it is not there, cannot be read, is wrong in itself, or is not signed by who may sign it.
    pub fn read(&self, number: u64) -> Result<Segment, TrailError> {
        self.check(self.fetch(number)?)
    }

    /// Reads one segment.
    pub(crate) fn fetch(&self, number: u64) -> Result<Fetched<'_>, TrailError> {
        let version = self.versions.get(&number);
        let version = version.ok_or_else(|| self.absent(number))?;
        let place = Place {
            log: Some(self.log.origin.clone()),
            object: Some(self.key_of(number)),
            version_id: version.id.clone(),
            ..Place::default()
        };
        let found = usize::try_from(version.bytes).unwrap_or(usize::MAX);
        if found > MAX_OBJECT_BYTES {
            let (what, limit) = ("bytes in a segment object", MAX_OBJECT_BYTES);
            return Err(wrong(
                ChainFault::Limit { what, limit, found }.into(),
                place,
            ));
        }
        let object = self.source.read(&self.key_of(number), version)?.bytes?;
        Ok(Fetched {
            number,
            version,
            place,
            object,
        })
    }

    fn absent(&self, number: u64) -> TrailError {
        match self.declared_end().filter(|end| number > *end) {
            Some(end) => TrailError::AfterEnd { number, end },
            None => TrailError::NotThere { number },
        }
    }

    /// Verifies one segment.
    pub(crate) fn check(&self, fetched: Fetched<'_>) -> Result<Segment, TrailError> {
        self.check_lines(fetched, &mut |_| {})
    }

    /// Verifies one segment, and hands over its lines on the way. They count only where the segment was accepted.
    pub(crate) fn check_lines(
        &self,
        fetched: Fetched<'_>,
        each: &mut dyn FnMut(Line<'_>),
    ) -> Result<Segment, TrailError> {
        let Fetched {
            number,
            version,
            place,
            object,
        } = fetched;
        let expected = Expected {
            origin: &self.log.origin,
            segment: number,
            format: self.log.format,
        };
        let mut number_of_line = 0u64;
        let mut numbered = |bytes: &[u8], line: &auditlog_chain::line::Line<'_>| {
            number_of_line = number_of_line.saturating_add(1);
            let number = number_of_line;
            each(Line {
                bytes,
                number,
                line,
            });
        };
        let checked = check_segment_lines(&object, expected, &mut numbered).map_err(|found| {
            let place = Place {
                line: found.line,
                index: found.index,
                ..place.clone()
            };
            wrong(found.fault.into(), place)
        })?;
        let sound = Sound::of(&checked, self.log);
        if let Some(fault) = end_fault(self.log, sound.position()) {
            return Err(wrong(fault, place));
        }
        self.check_keys(&sound, version, &place)?;
        Ok(Segment::new(
            object,
            checked,
            sound.signers.unwrap_or_default(),
        ))
    }

    /// V11 to V16, as far as one segment shows it.
    fn check_keys(
        &self,
        sound: &Sound,
        version: &Version,
        place: &Place,
    ) -> Result<(), TrailError> {
        let rules = Rules {
            policy: self.policy,
            log: self.log,
            skew_seconds: self.skew_seconds,
        };
        let outcome = rules.check(
            None,
            &Signed {
                segment: sound,
                stored: version.stored,
            },
        );
        if let Some((line, fault)) = outcome.faults.into_iter().next() {
            return Err(wrong(
                fault,
                Place {
                    line,
                    ..place.clone()
                },
            ));
        }
        match outcome.undecided.first() {
            Some(key) => Err(TrailError::NoLastGood {
                key_id: key_id(key),
            }),
            None => Ok(()),
        }
    }
}

/// The listing of one log. Whether everything else there is accounted for is not judged.
fn listed<'p>(
    source: &dyn Source,
    policy: &'p TrustPolicy,
    log: &'p LogPolicy,
) -> Result<LogPlan<'p>, ReadError> {
    let mut planner = Planner::new(policy, &[log]);
    source.list(&[log.prefix.as_str()], &mut |listed| {
        _ = planner.take(listed);
    })?;
    let plans = planner.finish()?;
    let plan = plans.into_iter().next();
    plan.ok_or_else(|| ReadError::new(format!("the listing does not have the log {}", log.origin)))
}

/// The first key under which there is something other than an object.
fn foreign(plan: &LogPlan<'_>) -> Option<(u64, Word)> {
    let mut all = plan.slots.iter();
    all.find_map(|(number, slot)| Some((*number, *slot.foreign.as_deref()?)))
}

fn wrong(what: Fault, place: Place) -> TrailError {
    TrailError::Wrong(Box::new(Placed { what, place }))
}
