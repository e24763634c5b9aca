//! How a bucket keeps what it is given: versioning, Object Lock and its default retention.

use auditlog_chain::policy::{LockMode, LockSpan, span_at};
use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled, ObjectLockRule};

use super::place::Place;
use crate::error::{AwsFault, Error, PolicyError, StoreError, UsageError};

/// How new objects are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Object Lock mode.
    pub mode: LockMode,
    /// Days for which an object is locked.
    pub retention_days: u32,
}

/// How long before it begins a stronger lock is used already: a PUT may arrive late, and what is stored just before a change
/// then outlasts it.
const AHEAD_SECONDS: i64 = 86_400;

impl Lock {
    /// The lock that spans declare at a time, or a stronger one that begins within a day. `None` before the first span.
    pub fn declared(spans: &[LockSpan], now: Timestamp) -> Option<Self> {
        let current = span_at(spans, now).filter(|span| span.from <= now)?;
        let soon = now.saturating_add_seconds(AHEAD_SECONDS);
        let pending = spans
            .iter()
            .filter(|span| span.from > now && span.from <= soon);
        Some(pending.fold(current.into(), |lock, next| lock.or_stronger(next.into())))
    }

    /// Another lock if it is at least as strong.
    fn or_stronger(self, other: Self) -> Self {
        if other.is_at_least(self) { other } else { self }
    }

    /// Whether it is at least as strong as another one in both mode and retention.
    fn is_at_least(self, other: Self) -> bool {
        self.mode >= other.mode && self.retention_days >= other.retention_days
    }
}

impl From<&LockSpan> for Lock {
    fn from(span: &LockSpan) -> Self {
        Self {
            mode: span.mode,
            retention_days: span.retention_days,
        }
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {} days", self.mode, self.retention_days)
    }
}

/// Where the lock of a log's new objects is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockSource {
    /// Nowhere, so the bucket's default counts.
    Default,
    /// In options, which are followed to the letter.
    Options(Lock),
    /// In a trust policy, which may be older than the bucket's default.
    Policy {
        /// The lock of the bucket, by when it holds.
        bucket: Vec<LockSpan>,
        /// The lock that the log has of its own. The bucket's default does not count for it.
        log: Option<Vec<LockSpan>>,
    },
}

/// A default retention that is weaker than the trust policy declares for the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeakDefault {
    /// The bucket.
    pub bucket: String,
    /// What is declared.
    pub declared: Lock,
    /// What the bucket has.
    pub found: Option<Lock>,
}

/// The lock that each PUT names, and what a person should know about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) lock: Lock,
    pub(super) weak_default: Option<WeakDefault>,
}

impl From<Lock> for Choice {
    fn from(lock: Lock) -> Self {
        Self {
            lock,
            weak_default: None,
        }
    }
}

pub(super) async fn versioning(
    client: &Client,
    place: &Place,
) -> Result<Option<BucketVersioningStatus>, AwsFault> {
    let request = client.get_bucket_versioning().bucket(&place.bucket);
    let answer = request.expected_bucket_owner(&place.account).send().await;
    answer
        .map(|answer| answer.status)
        .map_err(|error| place.fault("S3 GetBucketVersioning", &place.name, &error))
}

/// What the bucket locks by itself.
pub(super) async fn default_lock(client: &Client, place: &Place) -> Result<Option<Lock>, Error> {
    let bucket = || place.bucket.clone();
    if versioning(client, place).await? != Some(BucketVersioningStatus::Enabled) {
        return Err(StoreError::NotVersioned { bucket: bucket() }.into());
    }
    let request = client.get_object_lock_configuration();
    let request = request
        .bucket(&place.bucket)
        .expected_bucket_owner(&place.account);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fault = place.fault("S3 GetObjectLockConfiguration", &place.name, &error);
            return match fault.code() {
                "ObjectLockConfigurationNotFoundError" => {
                    Err(StoreError::NotLocked { bucket: bucket() }.into())
                }
                _ => Err(fault.into()),
            };
        }
    };
    let configuration = answer.object_lock_configuration;
    let enabled = configuration
        .as_ref()
        .and_then(|found| found.object_lock_enabled());
    if enabled != Some(&ObjectLockEnabled::Enabled) {
        return Err(StoreError::NotLocked { bucket: bucket() }.into());
    }
    Ok(configuration
        .as_ref()
        .and_then(|found| found.rule())
        .and_then(lock_of_rule))
}

/// S3 counts a year of retention as 365 days.
fn lock_of_rule(rule: &ObjectLockRule) -> Option<Lock> {
    let retention = rule.default_retention()?;
    let mode = LockMode::parse(retention.mode()?.as_str())?;
    let days = retention.days().filter(|days| *days > 0);
    let days = days.or_else(|| Some(retention.years()?.saturating_mul(365)))?;
    Some(Lock {
        mode,
        retention_days: u32::try_from(days).ok()?,
    })
}

/// The lock for new objects.
pub(super) fn choose(
    bucket: &str,
    source: &LockSource,
    default: Option<Lock>,
    now: Timestamp,
) -> Result<Choice, Error> {
    match (source, default) {
        (LockSource::Default, None) => Err(UsageError::LockNotDeclared {
            bucket: bucket.to_owned(),
        }
        .into()),
        (LockSource::Default, Some(default)) => Ok(default.into()),
        (LockSource::Options(wanted), Some(default)) if default.is_at_least(*wanted) => {
            Ok((*wanted).into())
        }
        (LockSource::Options(wanted), default) => Err(StoreError::LockTooWeak {
            bucket: bucket.to_owned(),
            expected: wanted.to_string(),
            found: shown(default),
        }
        .into()),
        (
            LockSource::Policy {
                bucket: declared,
                log,
            },
            default,
        ) => {
            let own = log.as_deref().map(|spans| declared_at(spans, now));
            let declared = declared_at(declared, now)?;
            Ok(of_policy(bucket, declared, own.transpose()?, default))
        }
    }
}

fn declared_at(spans: &[LockSpan], now: Timestamp) -> Result<Lock, Error> {
    let first = spans.first().map_or(now, |span| span.from);
    Lock::declared(spans, now).ok_or_else(|| PolicyError::NoSpan { now, first }.into())
}

/// The bucket's default is used where it is at least as strong as the declared lock in both mode and retention. Otherwise the
/// declared lock is used: it is never mixed with the default to something that nobody declared.
fn of_policy(bucket: &str, declared: Lock, log: Option<Lock>, default: Option<Lock>) -> Choice {
    let strong = default.filter(|default| default.is_at_least(declared));
    let weak_default = WeakDefault {
        bucket: bucket.to_owned(),
        declared,
        found: default,
    };
    Choice {
        lock: log.or(strong).unwrap_or(declared),
        weak_default: strong.is_none().then_some(weak_default),
    }
}

/// A default retention in words.
fn shown(default: Option<Lock>) -> String {
    default.map_or_else(|| "absent".to_owned(), |default| default.to_string())
}

impl std::fmt::Display for WeakDefault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the default retention of the bucket {} is {}, but the trust policy declares {}. Segments are locked as the trust policy declares. If the retention was weakened on purpose, give the new trust policy (terraform output -raw trust_policy); otherwise apply the Terraform configuration again",
            self.bucket,
            shown(self.found),
            self.declared
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const G30: Lock = lock(LockMode::Governance, 30);
    const G31: Lock = lock(LockMode::Governance, 31);
    const C30: Lock = lock(LockMode::Compliance, 30);
    const C31: Lock = lock(LockMode::Compliance, 31);

    const fn lock(mode: LockMode, retention_days: u32) -> Lock {
        Lock {
            mode,
            retention_days,
        }
    }

    fn of_policy(declared: Lock, log: Option<Lock>, default: Option<Lock>) -> (Lock, bool) {
        let span = |lock: Lock| LockSpan {
            from: Timestamp::EPOCH,
            mode: lock.mode,
            retention_days: lock.retention_days,
        };
        let source = LockSource::Policy {
            bucket: vec![span(declared)],
            log: log.map(|log| vec![span(log)]),
        };
        let choice = choose("b", &source, default, Timestamp::EPOCH).unwrap();
        (choice.lock, choice.weak_default.is_some())
    }

    #[test]
    fn stronger_lock_is_used_one_day_before_it_begins_and_a_weaker_one_when_it_begins() {
        let span = |day: i64, lock: Lock| LockSpan {
            from: Timestamp::EPOCH.saturating_add_seconds(day * 86_400),
            mode: lock.mode,
            retention_days: lock.retention_days,
        };
        let spans = [span(1, G30), span(10, C31), span(20, C30), span(30, G31)];
        let at = |seconds| {
            let now = Timestamp::EPOCH.saturating_add_seconds(seconds);
            Lock::declared(&spans, now)
        };
        let day = 86_400;
        assert_eq!(at(day - 1), None);
        for (seconds, lock) in [
            (day, G30),
            (9 * day - 1, G30),
            (9 * day, C31),
            (10 * day, C31),
            (20 * day - 1, C31),
            (20 * day, C30),
            (30 * day - 1, C30),
            (30 * day, G31),
        ] {
            assert_eq!(at(seconds), Some(lock), "{seconds}");
        }
    }

    #[test]
    fn stronger_default_is_used_and_a_weaker_one_is_announced() {
        assert_eq!(of_policy(G30, None, Some(G30)), (G30, false));
        for stronger in [G31, C30, C31] {
            assert_eq!(of_policy(G30, None, Some(stronger)), (stronger, false));
            assert_eq!(of_policy(stronger, None, Some(G30)), (stronger, true));
        }
        assert_eq!(of_policy(G30, None, None), (G30, true));
    }

    /// COMPLIANCE for 31 days was declared by nobody, and nobody could end it.
    #[test]
    fn declared_lock_and_default_are_not_mixed() {
        assert_eq!(of_policy(G31, None, Some(C30)), (G31, true));
        assert_eq!(of_policy(C30, None, Some(G31)), (C30, true));
    }

    #[test]
    fn lock_of_the_log_itself_is_used_whatever_the_default_is() {
        for own in [G30, C31] {
            assert_eq!(of_policy(G31, Some(own), Some(C31)), (own, false));
            assert_eq!(of_policy(G31, Some(own), Some(G30)), (own, true));
        }
    }

    #[test]
    fn options_are_followed_and_must_not_be_stronger_than_the_default() {
        let check =
            |wanted, default| choose("b", &LockSource::Options(wanted), default, Timestamp::EPOCH);
        assert_eq!(check(G30, Some(C31)).unwrap(), G30.into());
        for (weak, found) in [(None, "absent"), (Some(C30), "COMPLIANCE for 30 days")] {
            let error = check(G31, weak).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "the default retention of the bucket b is {found}, but GOVERNANCE for 31 days was declared"
                )
            );
        }
        assert!(check(C30, Some(G31)).is_err());
    }

    #[test]
    fn without_a_declaration_the_default_is_used() {
        let check = |default| choose("b", &LockSource::Default, default, Timestamp::EPOCH);
        assert_eq!(check(Some(C30)).unwrap(), C30.into());
        assert!(matches!(
            check(None),
            Err(Error::Usage(UsageError::LockNotDeclared { .. }))
        ));
    }
}
