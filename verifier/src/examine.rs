//! The part of the work that needs no predecessor, done on all cores: read one version, check it by itself (V7), find
//! out whose signatures it has (V12), and what the store says of it (V17 to V19).

use auditlog_chain::fault::{Fault as ChainFault, SegmentFault};
use auditlog_chain::limits::MAX_OBJECT_BYTES;
use auditlog_chain::segment::{Expected, check_segment};

use crate::budget::Budgets;
use crate::facts::{Facts, Kept, Seen, Sound, Unsound};
use crate::log_plan::Slot;
use crate::range::log::Log;
use crate::range::storage::kept;
use crate::source::{ReadError, Source, Storage, Version};

/// The key of one segment to look at.
pub(crate) struct Job<'p> {
    pub(crate) range_at: usize,
    pub(crate) log: &'p Log<'p>,
    pub(crate) number: u64,
    pub(crate) slot: &'p Slot,
    pub(crate) by: By,
}

/// How a segment is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// It is read.
    Reading,
    /// What the listing shows of it is enough.
    Listing,
}

/// What was seen, and in which range.
pub(crate) struct Examined {
    pub(crate) range_at: usize,
    pub(crate) facts: Facts,
    /// Bytes of the object, where it was read.
    pub(crate) bytes: u64,
}

pub(crate) fn examine(source: &dyn Source, budgets: &Budgets, job: &Job<'_>) -> Examined {
    let facts = if job.slot.is_present() {
        look_at(source, budgets, job)
    } else {
        marked(job)
    };
    let bytes = match facts.seen {
        Seen::Sound(_) | Seen::Unsound(_) => job.slot.versions.last().map_or(0, |one| one.bytes),
        Seen::Marked(_) | Seen::Gone | Seen::Listed | Seen::Unread(_) => 0,
    };
    Examined {
        range_at: job.range_at,
        facts,
        bytes,
    }
}

fn marked(job: &Job<'_>) -> Facts {
    let ids = job.slot.markers.iter().map(|marker| marker.id.clone());
    Facts {
        number: job.number,
        version_id: None,
        stored: None,
        seen: Seen::Marked(ids.collect()),
        kept: Kept::default(),
    }
}

fn look_at(source: &dyn Source, budgets: &Budgets, job: &Job<'_>) -> Facts {
    let version = job.slot.versions.last().cloned().unwrap_or_default();
    let mut storage = None;
    let seen = match job.slot.foreign.as_deref() {
        Some(what) => {
            let error = ReadError::new(format!("expected a file, found {what}"));
            Seen::Unread(error.with_hint("copy the bucket with `aws s3 sync` and verify the copy"))
        }
        None if job.by == By::Listing => Seen::Listed,
        None => read_and_check(source, budgets, job, &version, &mut storage),
    };
    Facts {
        number: job.number,
        stored: version.stored,
        seen,
        kept: kept(job.log, job.number, job.slot, &version, storage.as_ref()),
        version_id: version.id,
    }
}

fn read_and_check(
    source: &dyn Source,
    budgets: &Budgets,
    job: &Job<'_>,
    version: &Version,
    storage: &mut Option<Storage>,
) -> Seen {
    let found = usize::try_from(version.bytes).unwrap_or(usize::MAX);
    if found > MAX_OBJECT_BYTES {
        return too_large(found);
    }
    let log = job.log.policy_of;
    let _share = budgets.read(found);
    let object = match source.read(&log.segment_key(job.number), version) {
        Ok(object) => object,
        Err(error) if error.is_gone => return Seen::Gone,
        Err(error) => return Seen::Unread(error),
    };
    *storage = object.storage;
    let bytes = match object.bytes {
        Ok(bytes) => bytes,
        Err(error) => return Seen::Unread(error),
    };
    let expected = Expected {
        origin: &log.origin,
        segment: job.number,
        format: log.format,
    };
    let _turn = budgets.check();
    match check_segment(&bytes, expected) {
        Ok(segment) => Seen::Sound(Box::new(Sound::of(&segment, log))),
        Err(fault) => unsound(fault),
    }
}

fn too_large(found: usize) -> Seen {
    let fault = ChainFault::Limit {
        what: "bytes in a segment object",
        limit: MAX_OBJECT_BYTES,
        found,
    };
    unsound(SegmentFault {
        line: None,
        index: None,
        fault,
    })
}

fn unsound(found: SegmentFault) -> Seen {
    Seen::Unsound(Box::new(Unsound {
        line: found.line,
        index: found.index,
        fault: found.fault.into(),
    }))
}
