//! One version: its bytes, and what the store says of it.

use std::time::Duration;

use auditlog_chain::policy::LockMode;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    EventHoldDuration, ObjectLockEventHold, ObjectLockMode, ObjectLockRetentionMode,
    ReplicationStatus,
};

use super::bound::{Bound, MAX_ANSWER_BYTES};
use super::causes::causes;
use super::client::ATTEMPTS;
use super::error::{AGAIN, UNLIKE_S3, no_answer};
use super::seconds::{YEAR_DAYS, whole_seconds};
use super::store::S3;
use super::turns::{FAILURES_IN_A_ROW, Turns};
use crate::source::{Lock, Object, ReadError, Storage, Strength, Undated, Version};

/// Bytes of a body that must arrive in a second. Stops a body that trickles for days.
pub(super) const SLOWEST: u64 = 64 << 10;

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// Why a body is not there.
enum BodyError {
    /// It arrived too slowly: another attempt would take as long.
    Slow(Duration),
    /// It broke off, or is not the one that was listed.
    Broken(String),
}

impl S3 {
    /// Reads a version, unless the store has stopped answering.
    pub(super) async fn read_if_answered(
        &self,
        key: &str,
        version: &Version,
    ) -> Result<Object, ReadError> {
        let asked = self.read_version(key, version);
        self.if_answered(&self.turns, key, asked).await
    }

    /// What the store says of the lock of a version now, unless it has stopped answering. That a version is a replica never changes.
    pub(super) async fn look_if_answered(
        &self,
        key: &str,
        version: &Version,
    ) -> Result<Storage, ReadError> {
        let asked = async {
            let (lock, answered) = self.retention(key, version).await;
            let undated = None;
            (Ok(Storage { lock, undated }), answered)
        };
        self.if_answered(&self.looks, key, asked).await
    }

    /// Asks about an object when it is its turn, unless the store has stopped answering. `asked` also says whether the store answered, if only with an
    /// error.
    async fn if_answered<T>(
        &self,
        turns: &Turns,
        key: &str,
        asked: impl Future<Output = (Result<T, ReadError>, bool)>,
    ) -> Result<T, ReadError> {
        let _turn = turns.take().await;
        if turns.are_given_up() {
            let reason = format!(
                "{key} was not requested, because the {FAILURES_IN_A_ROW} objects before it got no answer"
            );
            return Err(ReadError::new(reason).with_hint(AGAIN));
        }
        let (result, answered) = asked.await;
        if answered {
            turns.answered();
        } else {
            turns.unanswered();
        }
        result
    }

    /// The version, and whether the store answered, if only with an error.
    async fn read_version(
        &self,
        key: &str,
        version: &Version,
    ) -> (Result<Object, ReadError>, bool) {
        let mut left = ATTEMPTS;
        loop {
            left = left.saturating_sub(1);
            let sent = self
                .patiently(|| {
                    self.client
                        .get_object()
                        .bucket(&self.options.bucket)
                        .expected_bucket_owner(&self.options.account)
                        .set_request_payer(self.payer())
                        .key(key)
                        .set_version_id(version.id.clone())
                        .customize()
                        .interceptor(self.clock.watch())
                        .interceptor(Bound::of(most_bytes(version)))
                        .send()
                })
                .await;
            let mut output = match sent {
                Ok(output) => output,
                Err(error) if is_archived(&error) => {
                    return (Ok(self.archived(key, version).await), true);
                }
                Err(error) => {
                    let doing = format!("read {key}");
                    let mut reason = self.failed(&doing, "s3:GetObjectVersion", &error);
                    if is_gone(&error) {
                        reason = reason.of_gone();
                    }
                    return (Err(reason), !no_answer(&error));
                }
            };
            if let Some(other) = other_version(&output, version) {
                return (Err(other), true);
            }
            match self.body(&mut output, version.bytes).await {
                Ok(bytes) => {
                    let storage = Some(self.storage(key, version, &output).await);
                    let bytes = Ok(bytes);
                    return (Ok(Object { bytes, storage }), true);
                }
                Err(BodyError::Broken(_)) if left > 0 => {}
                Err(error) => return (Err(self.no_body(key, &error)), false),
            }
        }
    }

    /// The body, as long as the listing said, in the time that such a body may take.
    async fn body(
        &self,
        output: &mut GetObjectOutput,
        expected: u64,
    ) -> Result<Vec<u8>, BodyError> {
        let more = Duration::from_secs(expected.div_euclid(SLOWEST));
        let within = self.options.timeout.saturating_add(more);
        match tokio::time::timeout(within, collect(output, expected)).await {
            Ok(collected) => collected.map_err(BodyError::Broken),
            Err(_) => Err(BodyError::Slow(within)),
        }
    }

    fn no_body(&self, key: &str, error: &BodyError) -> ReadError {
        let bucket = &self.options.bucket;
        let why = match error {
            BodyError::Slow(within) => {
                format!(
                    "the body did not arrive within {} seconds",
                    within.as_secs()
                )
            }
            BodyError::Broken(why) => why.clone(),
        };
        ReadError::new(format!("cannot read {key} of bucket {bucket}: {why}")).with_hint(AGAIN)
    }

    async fn storage(&self, key: &str, version: &Version, output: &GetObjectOutput) -> Storage {
        let undated = undated(output.replication_status());
        let hold = Hold {
            event: output.object_lock_event_hold(),
            days: output.object_lock_event_hold_duration_days(),
            years: output.object_lock_event_hold_duration_years(),
        };
        let mode = output.object_lock_mode().map(ObjectLockMode::as_str);
        let lock = lock_of(mode, output.object_lock_retain_until_date(), &hold);
        self.storage_of(key, version, lock, undated).await
    }

    /// What the store says of a version by the headers of an answer.
    pub(super) async fn storage_of(
        &self,
        key: &str,
        version: &Version,
        lock: Option<Lock>,
        undated: Option<Undated>,
    ) -> Storage {
        let lock = match lock {
            Some(lock) => Ok(Some(lock)),
            // Without the permission to read its retention, the answer lacks these headers, as if the object had no lock.
            None => self.retention(key, version).await.0,
        };
        Storage { lock, undated }
    }

    /// The lock of a version, and whether the store answered, if only with an error.
    async fn retention(
        &self,
        key: &str,
        version: &Version,
    ) -> (Result<Option<Lock>, ReadError>, bool) {
        let asked = self
            .patiently(|| {
                self.client
                    .get_object_retention()
                    .bucket(&self.options.bucket)
                    .expected_bucket_owner(&self.options.account)
                    .set_request_payer(self.payer())
                    .key(key)
                    .set_version_id(version.id.clone())
                    .customize()
                    .interceptor(self.clock.watch())
                    .interceptor(Bound::of(MAX_ANSWER_BYTES))
                    .send()
            })
            .await;
        let answered = !asked.as_ref().err().is_some_and(no_answer);
        let lock = match asked {
            Ok(answer) => Ok(answer.retention().and_then(|retention| {
                let duration = retention.event_hold_duration();
                let hold = Hold {
                    event: retention.event_hold(),
                    days: duration.and_then(EventHoldDuration::days),
                    years: duration.and_then(EventHoldDuration::years),
                };
                let mode = retention.mode().map(ObjectLockRetentionMode::as_str);
                lock_of(mode, retention.retain_until_date(), &hold)
            })),
            Err(error) if is_unlocked(&error) => Ok(None),
            Err(error) => Err(self.failed(
                &format!("read the retention of {key}"),
                "s3:GetObjectRetention",
                &error,
            )),
        };
        (lock, answered)
    }
}

/// That the store answered with another version than the one that was asked for, where it says so.
fn other_version(output: &GetObjectOutput, version: &Version) -> Option<ReadError> {
    let (found, expected) = output.version_id().zip(version.id.as_deref())?;
    let reason = || format!("the store answered with version {found} in place of {expected}");
    (found != expected).then(|| ReadError::new(reason()).with_hint(UNLIKE_S3))
}

/// Bytes of the largest answer: the object, or an error. One more than was listed shows that there are more.
fn most_bytes(version: &Version) -> usize {
    let object = usize::try_from(version.bytes.saturating_add(1)).unwrap_or(usize::MAX);
    object.max(MAX_ANSWER_BYTES)
}

async fn collect(output: &mut GetObjectOutput, expected: u64) -> Result<Vec<u8>, String> {
    let limit = usize::try_from(expected).map_err(|error| error.to_string())?;
    let mut bytes = Vec::with_capacity(limit);
    while let Some(part) = output.body.next().await {
        bytes.extend_from_slice(&part.map_err(|error| causes(&error))?);
        if bytes.len() > limit {
            return Err(format!(
                "it was listed with {limit} bytes, but the store sent more"
            ));
        }
    }
    if bytes.len() == limit {
        Ok(bytes)
    } else {
        let sent = bytes.len();
        Err(format!(
            "it was listed with {limit} bytes, but the store sent {sent}"
        ))
    }
}

/// An event hold: for how long the version is kept once it is lifted.
pub(super) struct Hold<'a> {
    pub(super) event: Option<&'a ObjectLockEventHold>,
    pub(super) days: Option<i32>,
    pub(super) years: Option<i32>,
}

impl Hold<'_> {
    fn seconds(&self) -> Option<i64> {
        let in_days = |count: Option<i32>, days: i32| count.map(|count| count.saturating_mul(days));
        let days = in_days(self.days, 1).max(in_days(self.years, YEAR_DAYS))?;
        let held = self.event == Some(&ObjectLockEventHold::On);
        held.then(|| i64::from(days).saturating_mul(DAY_SECONDS))
    }
}

/// That a version is a replica: its time is that of the original.
pub(super) fn undated(status: Option<&ReplicationStatus>) -> Option<Undated> {
    (status == Some(&ReplicationStatus::Replica)).then_some(Undated::Replica)
}

/// How strongly a mode keeps what is locked in it.
pub(super) fn strength_of(mode: &str) -> Strength {
    LockMode::parse(mode).map_or_else(|| Strength::Unknown(mode.to_owned()), Strength::As)
}

/// A lock has a mode, and a date or a hold.
pub(super) fn lock_of(
    mode: Option<&str>,
    until: Option<&DateTime>,
    hold: &Hold<'_>,
) -> Option<Lock> {
    let (until, held_for_seconds) = (whole_seconds(until), hold.seconds());
    let mode = mode.filter(|_| until.is_some() || held_for_seconds.is_some())?;
    Some(Lock {
        strength: strength_of(mode),
        until,
        held_for_seconds,
    })
}

/// Whether the store says that this version is not there.
fn is_gone<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error
        .code()
        .is_some_and(|code| ["NoSuchVersion", "NoSuchKey"].contains(&code))
}

/// Whether the store refused to hand out a version because it is in an archive.
fn is_archived<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("InvalidObjectState")
}

fn is_unlocked<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    // InvalidRequest: "Bucket is missing Object Lock Configuration".
    let codes = [
        "NoSuchObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "InvalidRequest",
    ];
    error.code().is_some_and(|code| codes.contains(&code))
}
