//! The part of the work that needs no predecessor, done on all cores: read one version, check it by itself (V7), and find
//! out whose signatures it has (V12).

use auditlog_chain::fault::{Fault as ChainFault, SegmentFault};
use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::policy::LogPolicy;
use auditlog_chain::segment::{CheckedSegment, Expected, check_segment};
use auditlog_chain::verifier_key::VerifierKey;

use crate::budget::Budget;
use crate::keys::signers;
use crate::log_plan::Slot;
use crate::source::{ReadError, Source, Storage, Version};

/// One segment to read.
pub(crate) struct Job<'p> {
    pub(crate) log_at: usize,
    pub(crate) log: &'p LogPolicy,
    pub(crate) number: u64,
    pub(crate) slot: &'p Slot,
}

/// What was seen. Small: the object itself is gone.
pub(crate) struct Examined {
    pub(crate) log: usize,
    pub(crate) number: u64,
    /// The oldest version: under a lock it is the one that cannot have been replaced.
    pub(crate) version: Version,
    pub(crate) storage: Option<Storage>,
    pub(crate) examination: Examination,
}

pub(crate) enum Examination {
    Unread(ReadError),
    /// It was listed, and the store says that it is not there.
    Gone,
    Fault(Box<SegmentFault>),
    Checked {
        segment: Box<CheckedSegment>,
        signers: Option<Vec<VerifierKey>>,
    },
}

impl Examined {
    pub(crate) fn events(&self) -> u64 {
        match &self.examination {
            Examination::Checked { segment, .. } => segment.events(),
            Examination::Unread(_) | Examination::Gone | Examination::Fault(_) => 0,
        }
    }
}

pub(crate) fn examine(source: &dyn Source, budget: &Budget, job: &Job<'_>) -> Examined {
    let version = job.slot.versions.last().cloned().unwrap_or_default();
    let mut storage = None;
    let examination = match job.slot.foreign {
        Some(what) => {
            let error = ReadError::new(format!("expected a file, found {what}"));
            Examination::Unread(
                error.with_hint("copy the bucket with `aws s3 sync` and verify the copy"),
            )
        }
        None => read_and_check(source, budget, job, &version, &mut storage),
    };
    Examined {
        log: job.log_at,
        number: job.number,
        version,
        storage,
        examination,
    }
}

fn read_and_check(
    source: &dyn Source,
    budget: &Budget,
    job: &Job<'_>,
    version: &Version,
    storage: &mut Option<Storage>,
) -> Examination {
    let found = usize::try_from(version.bytes).unwrap_or(usize::MAX);
    if found > MAX_OBJECT_BYTES {
        let fault = ChainFault::Limit {
            what: "bytes in a segment object",
            limit: MAX_OBJECT_BYTES,
            found,
        };
        return Examination::Fault(Box::new(SegmentFault {
            line: None,
            index: None,
            fault,
        }));
    }
    let _share = budget.take(found);
    let object = match source.read(&job.log.segment_key(job.number), version) {
        Ok(object) => object,
        Err(error) if error.is_gone => return Examination::Gone,
        Err(error) => return Examination::Unread(error),
    };
    *storage = object.storage;
    let expected = Expected {
        origin: &job.log.origin,
        segment: job.number,
        format: job.log.format,
    };
    match check_segment(&object.bytes, expected) {
        Ok(segment) => {
            let signers = signers(&segment, job.log);
            Examination::Checked {
                segment: Box::new(segment),
                signers,
            }
        }
        Err(fault) => Examination::Fault(Box::new(fault)),
    }
}
