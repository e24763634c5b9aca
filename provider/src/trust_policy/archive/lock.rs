//! For how long an archived policy is locked.

use auditlog_chain::policy::{LockMode, LockSpan, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use tf_provider::AttributePath;

use super::model::ArchiveModel;
use crate::aws::{Archived, Retention};
use crate::trust::spans::Lock;
use crate::trust::values::Misfit;

/// The most days that S3 accepts.
const MAX_DAYS: u32 = 36_500;

/// The lock that the configuration asks for: its own, or the strongest that the policy declares.
///
/// # Errors
///
/// Where a value is not of the right form.
pub(super) fn declared_lock(planned: &ArchiveModel) -> Result<Lock, Misfit> {
    if let Some(lock) = &planned.object_lock {
        let path = AttributePath::from("object_lock").attribute("mode");
        let refused = || Misfit::invalid(path, format!("{:?} is not a lock mode.", lock.mode));
        let mode = LockMode::parse(&lock.mode).ok_or_else(refused)?;
        return Ok(Lock {
            mode,
            days: lock.days,
        });
    }
    let policy = TrustPolicy::parse(planned.trust_policy.as_bytes());
    let policy = policy.map_err(|error| {
        Misfit::invalid(AttributePath::from("trust_policy"), format!("{error}."))
    })?;
    Ok(strongest(&policy))
}

/// The strongest mode and the longest retention of all spans: the policy has to be there as long as what it is about.
fn strongest(policy: &TrustPolicy) -> Lock {
    let document = policy.document();
    let own = document.logs.iter().filter_map(|log| log.lock.as_ref());
    let spans: Vec<&LockSpan> = document.lock.iter().chain(own.flatten()).collect();
    let modes = spans.iter().map(|span| span.mode);
    let days = spans.iter().map(|span| span.retention_days);
    Lock {
        mode: modes.max().unwrap_or(LockMode::Compliance),
        days: days.max().unwrap_or(MAX_DAYS),
    }
}

/// The lock of an object that is written now. A day more than declared: the clocks of this machine and of S3 may differ.
pub(super) fn retention(lock: Lock, now: Timestamp) -> Retention {
    let days = lock.days.saturating_add(1).min(MAX_DAYS);
    Retention {
        mode: lock.mode,
        until: now.saturating_add_days(days),
    }
}

/// Whether an object has at least the declared lock, counted from when it was stored.
pub(super) fn is_locked(found: &Archived, lock: Lock) -> bool {
    let mode = found.mode.as_deref().and_then(LockMode::parse);
    let (Some(stored), Some(until)) = (found.stored, found.retain_until) else {
        return false;
    };
    mode.is_some_and(|mode| mode >= lock.mode) && until >= kept_until(stored, lock)
}

fn kept_until(stored: Timestamp, lock: Lock) -> Timestamp {
    // an hour less, where the day more would be beyond what S3 accepts
    let slack = if lock.days < MAX_DAYS { 0 } else { -3_600 };
    stored
        .saturating_add_days(lock.days)
        .saturating_add_seconds(slack)
}

#[cfg(test)]
mod tests {
    use auditlog_chain::hash::Hash;

    use super::*;

    fn found(mode: &str, days: u32) -> Archived {
        let stored = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        Archived {
            version_id: None,
            sha256: Hash::from_bytes([0; 32]),
            stored: Some(stored),
            mode: Some(mode.to_owned()),
            retain_until: Some(stored.saturating_add_days(days)),
            is_held: false,
        }
    }

    #[test]
    fn lock_is_enough_where_mode_and_time_are_at_least_as_declared() {
        let lock = Lock {
            mode: LockMode::Governance,
            days: 30,
        };
        assert!(is_locked(&found("GOVERNANCE", 30), lock));
        assert!(is_locked(&found("COMPLIANCE", 31), lock));
        assert!(!is_locked(&found("GOVERNANCE", 29), lock));
        let compliance = Lock {
            mode: LockMode::Compliance,
            ..lock
        };
        assert!(!is_locked(&found("GOVERNANCE", 30), compliance));
        let unlocked = Archived {
            retain_until: None,
            ..found("GOVERNANCE", 30)
        };
        assert!(!is_locked(&unlocked, lock));
    }

    #[test]
    fn object_written_now_has_the_declared_lock_whatever_the_clocks_say() {
        for days in [1, 2_192, MAX_DAYS] {
            let lock = Lock {
                mode: LockMode::Compliance,
                days,
            };
            let stored = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
            let Retention { mode, until } = retention(lock, stored.saturating_add_seconds(-300));
            let written = Archived {
                mode: Some(mode.as_str().to_owned()),
                retain_until: Some(until),
                ..found("COMPLIANCE", days)
            };
            assert!(is_locked(&written, lock), "{days}");
        }
    }
}
