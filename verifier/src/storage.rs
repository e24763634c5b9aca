//! Storage (V18 to V20): what the store says of each version and of the bucket, compared with what was declared when the
//! version was made.

use auditlog_chain::policy::{self, LockMode, LockSpan};
use auditlog_chain::timestamp::Timestamp;

use crate::absence::holds::retained_until;
use crate::fault::Fault;
use crate::source::{Bucket, Lock, NewObjects, Storage, Undated, Version};

const DAY_SECONDS: i64 = 86_400;

/// Fails closed: a policy without spans cannot be made, and would ask for everything.
const STRICTEST: LockSpan = LockSpan {
    from: Timestamp::EPOCH,
    mode: LockMode::Compliance,
    retention_days: 36_500,
};

/// What was declared at a point in time; before the first span the first one holds.
pub(crate) fn span_at(spans: &[LockSpan], time: Timestamp) -> LockSpan {
    policy::span_at(spans, time).copied().unwrap_or(STRICTEST)
}

/// Until when what was made at `time` has to be kept, at least.
pub(crate) fn kept_until(spans: &[LockSpan], time: Timestamp) -> Timestamp {
    let days = i64::from(span_at(spans, time).retention_days);
    time.saturating_add_seconds(days.saturating_mul(DAY_SECONDS))
}

/// V18, V19, A7: a version is locked as was declared when it was made, and its `LastModified` is when it was written here.
pub(crate) fn check_version(
    spans: &[LockSpan],
    version: &Version,
    storage: &Storage,
    begun: Timestamp,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let undated = version
        .undated
        .as_deref()
        .into_iter()
        .chain(&storage.undated);
    faults.extend(undated.map(|undated| match undated {
        Undated::InParts { shown_by } => Fault::ObjectMultipart {
            found: shown_by.to_string(),
        },
        Undated::Replica => Fault::ObjectReplica,
    }));
    if let (Some(stored), Ok(lock)) = (version.stored, &storage.lock) {
        check_lock(spans, stored, lock.as_ref(), begun, &mut faults);
    }
    faults
}

fn check_lock(
    spans: &[LockSpan],
    stored: Timestamp,
    lock: Option<&Lock>,
    begun: Timestamp,
    faults: &mut Vec<Fault>,
) {
    let (mode, until) = (span_at(spans, stored).mode, kept_until(spans, stored));
    let Some(lock) = lock else {
        faults.push(Fault::LockMissing {
            expected: mode,
            until,
        });
        return;
    };
    let found =
        retained_until(lock.until, lock.held_for_seconds, begun).unwrap_or(Timestamp::EPOCH);
    if !lock.strength.is_at_least(mode) {
        faults.push(Fault::LockModeWeaker {
            expected: mode,
            found: lock.strength.to_string(),
            until: found,
        });
    }
    if found < until {
        faults.push(Fault::LockTooShort {
            expected: until,
            found,
        });
    }
}

/// V20: the bucket keeps versions, and locks new objects at least as is declared now.
pub(crate) fn check_bucket(spans: &[LockSpan], bucket: &Bucket, now: Timestamp) -> Vec<Fault> {
    let mut faults = Vec::new();
    let unversioned = bucket.unversioned.clone();
    faults.extend(unversioned.map(|found| Fault::BucketVersioning { found }));
    let span = span_at(spans, now);
    let expected = format!("enabled, {} for {} days", span.mode, span.retention_days);
    let found = match &bucket.new_objects {
        NewObjects::NeverLocked => Some("not enabled".to_owned()),
        NewObjects::NotLocked => Some("enabled, without a default retention".to_owned()),
        NewObjects::Locked { strength, days } => {
            let is_enough = strength.is_at_least(span.mode) && *days >= span.retention_days;
            (!is_enough).then(|| format!("enabled, {strength} for {days} days"))
        }
    };
    faults.extend(found.map(|found| Fault::BucketLock { expected, found }));
    faults
}
