//! Deleting a bucket, and why it cannot be deleted.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object_legal_hold::{
    GetObjectLegalHoldError, GetObjectLegalHoldOutput,
};
use aws_sdk_s3::operation::get_object_retention::{
    GetObjectRetentionError, GetObjectRetentionOutput,
};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    ObjectLockEventHold, ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetention,
    ObjectVersion,
};
use tokio::task::JoinSet;

use super::answer::format_seconds;
use super::read::bucket_head;
use crate::aws::clients::Clients;
use crate::error::{Contents, Error};

/// How many versions are asked for their lock before the counts become lower bounds. A trail can hold millions, one
/// call each; an error message must not take an hour.
const MAX_INSPECTED: u64 = 5_000;
/// How many are asked at the same time.
const IN_FLIGHT: usize = 32;

pub(super) const LIST: &str = "ListObjectVersions";
/// What [`Error::code`] says of a bucket that is still shown.
const STILL_THERE: &str = "BucketStillThere";

/// Deletes the bucket if it holds nothing at all; one that is gone already is well.
///
/// # Errors
/// [`Error::BucketNotEmpty`] with what is in it; else what S3 said.
pub async fn delete_bucket(clients: &Clients, bucket: &str, now: SystemTime) -> Result<(), Error> {
    // Looked at first and not left to DeleteBucket's own refusal: not every endpoint refuses.
    match inspect(clients, bucket, now, MAX_INSPECTED).await {
        Ok(Some(contents)) => return Err(Error::BucketNotEmpty(Box::new(contents))),
        Ok(None) => {}
        Err(error) if error.code() == Some("NoSuchBucket") => return Ok(()),
        Err(error) => return Err(error),
    }
    let deleted = clients
        .settle("DeleteBucket", bucket, &["OperationAborted"], || async {
            clients
                .s3
                .delete_bucket()
                .bucket(bucket)
                .send()
                .await
                .map_err(|error| Error::call("DeleteBucket", bucket, &error))
        })
        .await;
    match deleted {
        Ok(_) => wait_until_gone(clients, bucket).await,
        Err(error) if error.code() == Some("NoSuchBucket") => {
            clients.release(bucket);
            Ok(())
        }
        // something was written in between
        Err(error) if error.code() == Some("BucketNotEmpty") => {
            match inspect(clients, bucket, now, MAX_INSPECTED).await? {
                Some(contents) => Err(Error::BucketNotEmpty(Box::new(contents))),
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// S3 shows a bucket for a while after it was deleted; a create of the same name would find it.
async fn wait_until_gone(clients: &Clients, bucket: &str) -> Result<(), Error> {
    let still_there = || Error::BucketStillThere {
        bucket: bucket.to_owned(),
    };
    clients
        .settle("HeadBucket", bucket, &[STILL_THERE], || async {
            match bucket_head(clients, bucket).await {
                Ok(Some(_)) => Err(still_there()),
                // whoever has the name now, it is not this bucket
                Ok(None) => Ok(()),
                Err(error) if error.status() == Some(403) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await?;
    clients.release(bucket);
    Ok(())
}

/// Whether the bucket holds any version or delete marker.
pub(super) async fn holds_anything(clients: &Clients, bucket: &str) -> Result<bool, Error> {
    holds_versions(clients, bucket, "").await
}

/// Whether there is any version or delete marker whose key begins with `prefix`.
///
/// # Errors
/// The bucket cannot be listed.
pub async fn holds_versions(clients: &Clients, bucket: &str, prefix: &str) -> Result<bool, Error> {
    let page = clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .prefix(prefix)
        .max_keys(1)
        .send()
        .await
        .map_err(|error| Error::call(LIST, bucket, &error))?;
    Ok(!page.versions().is_empty()
        || !page.delete_markers().is_empty()
        || page.is_truncated == Some(true))
}

/// Counts what the bucket holds, and looks at whole pages until `most` versions were seen; `None` if nothing.
pub(super) async fn inspect(
    clients: &Clients,
    bucket: &str,
    now: SystemTime,
    most: u64,
) -> Result<Option<Contents>, Error> {
    let mut tally = Tally::new(now);
    let mut next = (None, None);
    loop {
        let page = clients
            .s3
            .list_object_versions()
            .bucket(bucket)
            .set_key_marker(next.0)
            .set_version_id_marker(next.1)
            .send()
            .await
            .map_err(|error| Error::call(LIST, bucket, &error))?;
        let more = page.is_truncated == Some(true);
        next = (
            page.next_key_marker.clone(),
            page.next_version_id_marker.clone(),
        );
        inspect_page(clients, bucket, page, &mut tally).await?;
        if !more {
            break;
        }
        if tally.versions >= most {
            tally.complete = false;
            break;
        }
    }
    Ok(tally.into_contents(bucket))
}

async fn inspect_page(
    clients: &Clients,
    bucket: &str,
    page: ListObjectVersionsOutput,
    tally: &mut Tally,
) -> Result<(), Error> {
    tally.delete_markers = tally
        .delete_markers
        .saturating_add(count(page.delete_markers.as_ref()));
    tally.versions = tally.versions.saturating_add(count(page.versions.as_ref()));
    let mut waiting = page.versions.unwrap_or_default().into_iter();
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < IN_FLIGHT {
            let Some(version) = waiting.next() else { break };
            asked.spawn(look(clients.s3.clone(), bucket.to_owned(), version));
        }
        match asked.join_next().await {
            None => return Ok(()),
            Some(Ok(seen)) => match seen? {
                Seen::Version(head) => tally.add(&head),
                Seen::Gone => {}
                Seen::InPart(head) => {
                    tally.add(&head);
                    tally.unreadable = tally.unreadable.saturating_add(1);
                }
                Seen::Unreadable => tally.unreadable = tally.unreadable.saturating_add(1),
            },
            Some(Err(_)) => {
                return Err(Error::Cancelled {
                    operation: "HeadObject",
                    target: bucket.to_owned(),
                });
            }
        }
    }
}

/// One version, looked at.
enum Seen {
    Version(Box<HeadObjectOutput>),
    /// The same, and part of its lock could not be read.
    InPart(Box<HeadObjectOutput>),
    /// Expired by a lifecycle rule while we count.
    Gone,
    /// A permission is missing, so it may be locked.
    Unreadable,
}

/// Looks at a version. S3 leaves retention or legal hold out of the answer where the permission to see it is missing, and where there is
/// none: what is left out is asked for alone.
async fn look(
    s3: aws_sdk_s3::Client,
    bucket: String,
    version: ObjectVersion,
) -> Result<Seen, Error> {
    let ask = s3
        .head_object()
        .bucket(&bucket)
        .set_key(version.key.clone())
        .set_version_id(version.version_id.clone());
    match ask.send().await {
        Ok(head) => Ok(look_again(&s3, &bucket, &version, head).await),
        Err(error) => {
            let error = Error::call("HeadObject", &bucket, &error);
            match error.status() {
                Some(404) => Ok(Seen::Gone),
                // the bucket policy denies it to all but writers and readers
                Some(403) => Ok(lock_alone(&s3, &bucket, &version).await),
                _ => Err(error),
            }
        }
    }
}

/// Completes what HEAD has shown.
async fn look_again(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    version: &ObjectVersion,
    mut head: HeadObjectOutput,
) -> Seen {
    let shows_retention = head.object_lock_mode.is_some();
    let shows_hold = head.object_lock_legal_hold_status.is_some();
    let mut is_hidden = false;
    if !shows_retention {
        match ask_retention(s3, bucket, version).await {
            Ok(answer) => add_retention(&mut head, answer.retention),
            Err(error) => is_hidden = is_unknown(&error),
        }
    }
    if !shows_hold {
        match ask_hold(s3, bucket, version).await {
            Ok(answer) => {
                head.object_lock_legal_hold_status = answer.legal_hold.and_then(|one| one.status);
            }
            Err(error) => is_hidden |= is_unknown(&error),
        }
    }
    match (is_hidden, shows_retention || shows_hold) {
        (false, _) => Seen::Version(Box::new(head)),
        (true, true) => Seen::InPart(Box::new(head)),
        (true, false) => Seen::Unreadable,
    }
}

fn add_retention(head: &mut HeadObjectOutput, retention: Option<ObjectLockRetention>) {
    let Some(found) = retention else { return };
    let mode = found.mode.map(|mode| ObjectLockMode::from(mode.as_str()));
    head.object_lock_mode = mode;
    head.object_lock_retain_until_date = found.retain_until_date;
    head.object_lock_event_hold = head.object_lock_event_hold.take().or(found.event_hold);
}

/// The lock of a version whose HEAD is denied.
async fn lock_alone(s3: &aws_sdk_s3::Client, bucket: &str, version: &ObjectVersion) -> Seen {
    let (retention, hold) = tokio::join!(
        ask_retention(s3, bucket, version),
        ask_hold(s3, bucket, version)
    );
    // without a lock, S3 answers 404 to either
    let is_none = |status: Option<u16>| status == Some(404);
    let mut head = HeadObjectOutput::builder().build();
    match retention {
        Ok(answer) => add_retention(&mut head, answer.retention),
        Err(error) if is_none(status_of(&error)) => {}
        Err(_) => return Seen::Unreadable,
    }
    match hold {
        Ok(answer) => {
            head.object_lock_legal_hold_status = answer.legal_hold.and_then(|one| one.status);
        }
        Err(error) if is_none(status_of(&error)) => {}
        Err(_) => return Seen::Unreadable,
    }
    Seen::Version(Box::new(head))
}

fn status_of<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// A denial, or no answer. Without a lock, S3 answers 404, or 400 where the bucket has no Object Lock.
fn is_unknown<E>(error: &SdkError<E>) -> bool {
    !matches!(status_of(error), Some(400 | 404))
}

async fn ask_retention(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    version: &ObjectVersion,
) -> Result<GetObjectRetentionOutput, SdkError<GetObjectRetentionError>> {
    s3.get_object_retention()
        .bucket(bucket)
        .set_key(version.key.clone())
        .set_version_id(version.version_id.clone())
        .send()
        .await
}

async fn ask_hold(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    version: &ObjectVersion,
) -> Result<GetObjectLegalHoldOutput, SdkError<GetObjectLegalHoldError>> {
    s3.get_object_legal_hold()
        .bucket(bucket)
        .set_key(version.key.clone())
        .set_version_id(version.version_id.clone())
        .send()
        .await
}

fn count<T>(items: Option<&Vec<T>>) -> u64 {
    items.map_or(0, |items| u64::try_from(items.len()).unwrap_or(u64::MAX))
}

/// The counts of a [`Contents`], while they grow.
struct Tally {
    now_secs: i64,
    versions: u64,
    delete_markers: u64,
    locked: u64,
    compliance: u64,
    legal_holds: u64,
    event_holds: u64,
    unreadable: u64,
    last_until: Option<DateTime>,
    complete: bool,
}

impl Tally {
    fn new(now: SystemTime) -> Self {
        let since = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self {
            now_secs: i64::try_from(since).unwrap_or(i64::MAX),
            versions: 0,
            delete_markers: 0,
            locked: 0,
            compliance: 0,
            legal_holds: 0,
            event_holds: 0,
            unreadable: 0,
            last_until: None,
            complete: true,
        }
    }

    fn add(&mut self, head: &HeadObjectOutput) {
        let on_hold = head.object_lock_legal_hold_status == Some(ObjectLockLegalHoldStatus::On);
        let on_event_hold = head.object_lock_event_hold == Some(ObjectLockEventHold::On);
        let until = head
            .object_lock_retain_until_date
            .filter(|until| until.secs() >= self.now_secs);
        if on_hold {
            self.legal_holds = self.legal_holds.saturating_add(1);
        }
        if on_event_hold {
            self.event_holds = self.event_holds.saturating_add(1);
        }
        if on_hold || on_event_hold || until.is_some() {
            self.locked = self.locked.saturating_add(1);
        }
        if until.is_some() && head.object_lock_mode == Some(ObjectLockMode::Compliance) {
            self.compliance = self.compliance.saturating_add(1);
        }
        self.last_until = self.last_until.max(until);
    }

    fn into_contents(self, bucket: &str) -> Option<Contents> {
        (self.versions > 0 || self.delete_markers > 0).then(|| Contents {
            bucket: bucket.to_owned(),
            versions: self.versions,
            delete_markers: self.delete_markers,
            locked: self.locked,
            compliance: self.compliance,
            legal_holds: self.legal_holds,
            event_holds: self.event_holds,
            unreadable: self.unreadable,
            last_until: self.last_until.and_then(format_seconds),
            complete: self.complete,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: u64 = 1_700_000_000;

    fn tally() -> Tally {
        Tally::new(UNIX_EPOCH.checked_add(Duration::from_secs(NOW)).unwrap())
    }

    fn head(mode: ObjectLockMode, until: u64) -> HeadObjectOutput {
        HeadObjectOutput::builder()
            .object_lock_mode(mode)
            .object_lock_retain_until_date(DateTime::from_secs(i64::try_from(until).unwrap()))
            .build()
    }

    #[test]
    fn retention_that_has_ended_does_not_count() {
        let mut tally = tally();
        tally.add(&head(ObjectLockMode::Compliance, NOW - 1));
        assert_eq!(
            (tally.locked, tally.compliance, tally.last_until),
            (0, 0, None)
        );
    }

    #[test]
    fn last_retention_is_the_latest() {
        let mut tally = tally();
        for until in [NOW + 50, NOW + 100, NOW + 70] {
            tally.add(&head(ObjectLockMode::Governance, until));
        }
        assert_eq!((tally.locked, tally.compliance), (3, 0));
        assert_eq!(
            tally.last_until.map(|t| t.secs()),
            i64::try_from(NOW + 100).ok()
        );
    }

    #[test]
    fn legal_hold_locks_without_a_date() {
        let mut tally = tally();
        tally.add(
            &HeadObjectOutput::builder()
                .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On)
                .build(),
        );
        assert_eq!(
            (tally.locked, tally.legal_holds, tally.last_until),
            (1, 1, None)
        );
    }

    #[test]
    fn event_hold_locks_too() {
        let mut tally = tally();
        tally.add(
            &HeadObjectOutput::builder()
                .object_lock_event_hold(ObjectLockEventHold::On)
                .build(),
        );
        assert_eq!((tally.locked, tally.event_holds), (1, 1));
    }

    #[test]
    fn bucket_of_markers_alone_is_not_empty() {
        let mut tally = tally();
        tally.delete_markers = 1;
        assert!(tally.into_contents("trail").is_some());
    }
}
