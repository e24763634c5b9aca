//! One object under a lock of its own: written once, read back, never written over.

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{LockMode, TrustPolicy};
use auditlog_chain::timestamp::Timestamp;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetention,
    ObjectLockRetentionMode,
};

use super::clients::Clients;
use crate::error::Error;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePlace {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

/// An object as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Id of the version that a reader gets.
    pub version_id: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// When it was stored, in whole seconds.
    pub stored: Option<Timestamp>,
    /// Its mode, by the name of S3; `None` where it has no lock, or where the caller may not see it.
    pub mode: Option<String>,
    /// Until when it is locked.
    pub retain_until: Option<Timestamp>,
    /// Whether it has a legal hold, as far as the caller may see it.
    pub is_held: bool,
}

/// A lock of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Its mode.
    pub mode: LockMode,
    /// Until when.
    pub until: Timestamp,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is there now.
    New,
    /// The key was taken, and nothing was written.
    Taken,
}

/// Writes the object, if its key is not taken.
///
/// # Errors
/// What S3 said.
pub async fn put_archived(
    clients: &Clients,
    place: &ArchivePlace,
    bytes: &[u8],
    lock: Retention,
) -> Result<Put, Error> {
    let passing = ["ConditionalRequestConflict", "OperationAborted"];
    let put = clients.settle(PUT, &place.key, &passing, || async {
        let sent = clients
            .s3
            .put_object()
            .bucket(&place.bucket)
            .key(&place.key)
            .if_none_match("*")
            .content_type("application/json")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(TrustPolicy::digest(bytes).to_base64())
            .object_lock_mode(match lock.mode {
                LockMode::Governance => ObjectLockMode::Governance,
                LockMode::Compliance => ObjectLockMode::Compliance,
            })
            .object_lock_retain_until_date(date(lock.until))
            .body(ByteStream::from(bytes.to_vec()))
            .send();
        let sent = sent.await;
        sent.map_err(|error| Error::call(PUT, &place.key, &error))
    });
    match put.await {
        Ok(_) => Ok(Put::New),
        Err(error) if error.status() == Some(412) => Ok(Put::Taken),
        Err(error) => Err(error),
    }
}

const PUT: &str = "PutObject";

/// Reads the object; `None` where S3 says by its code that it, or its bucket, is not there.
///
/// # Errors
/// What S3 said.
pub async fn read_archived(
    clients: &Clients,
    place: &ArchivePlace,
) -> Result<Option<Archived>, Error> {
    let found = read_archived_bytes(clients, place).await?;
    Ok(found.map(|(found, _)| found))
}

/// The same with its bytes.
///
/// # Errors
/// What S3 said.
pub async fn read_archived_bytes(
    clients: &Clients,
    place: &ArchivePlace,
) -> Result<Option<(Archived, Vec<u8>)>, Error> {
    let sent = clients
        .s3
        .get_object()
        .bucket(&place.bucket)
        .key(&place.key);
    match sent.send().await {
        Ok(answer) => archived(place, answer).await.map(Some),
        Err(error) => {
            let error = Error::call(GET, &place.key, &error);
            match error.code() {
                Some("NoSuchKey" | "NoSuchBucket") => Ok(None),
                _ => Err(error),
            }
        }
    }
}

const GET: &str = "GetObject";

async fn archived(
    place: &ArchivePlace,
    answer: GetObjectOutput,
) -> Result<(Archived, Vec<u8>), Error> {
    let time = |time: DateTime| Timestamp::from_micros(time.secs().saturating_mul(1_000_000));
    let incomplete = |_| Error::Incomplete {
        operation: GET,
        target: place.key.clone(),
        missing: "the rest of the object",
    };
    let bytes = answer.body.collect().await.map_err(incomplete)?;
    let bytes = bytes.to_vec();
    let found = Archived {
        version_id: answer.version_id,
        stored: answer.last_modified.and_then(time),
        mode: answer.object_lock_mode.map(|mode| mode.as_str().to_owned()),
        retain_until: answer.object_lock_retain_until_date.and_then(time),
        is_held: answer.object_lock_legal_hold_status == Some(ObjectLockLegalHoldStatus::On),
        sha256: TrustPolicy::digest(&bytes),
    };
    Ok((found, bytes))
}

/// Gives a version a longer lock, or one of a stronger mode. S3 refuses anything weaker of a COMPLIANCE lock.
///
/// # Errors
/// What S3 said.
pub async fn lengthen(
    clients: &Clients,
    place: &ArchivePlace,
    version_id: Option<&str>,
    lock: Retention,
) -> Result<(), Error> {
    let retention = ObjectLockRetention::builder()
        .mode(match lock.mode {
            LockMode::Governance => ObjectLockRetentionMode::Governance,
            LockMode::Compliance => ObjectLockRetentionMode::Compliance,
        })
        .retain_until_date(date(lock.until))
        .build();
    clients
        .s3
        .put_object_retention()
        .bucket(&place.bucket)
        .key(&place.key)
        .set_version_id(version_id.map(str::to_owned))
        .retention(retention)
        .send()
        .await
        .map(drop)
        .map_err(|error| Error::call("PutObjectRetention", &place.key, &error))
}

fn date(time: Timestamp) -> DateTime {
    DateTime::from_secs(i64::try_from(time.as_seconds()).unwrap_or(i64::MAX))
}
