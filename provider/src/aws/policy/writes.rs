//! Statements about how: what a segment must be written with, whoever writes it.
//!
//! Sources: "Enforce conditional writes on Amazon S3 buckets", "Object Lock considerations" and "Bucket policy examples using
//! condition keys" in the Amazon S3 User Guide, and S3's page of the Service Authorization Reference.

use auditlog_chain::policy::LockMode;

use super::access::Logs;
use super::model::{BucketPolicy, ObjectEncryption};
use super::statement::Statement;
use crate::trust::spans::LockBounds;

const PUT: &[&str] = &["s3:PutObject"];
/// A lock is named by the PUT itself, or later. Later, only the mode and the maximum are limited: lengthening a lock that
/// is too short is a repair.
pub(super) const LOCK: &[&str] = &["s3:PutObject", "s3:PutObjectRetention"];
pub(super) const REPLICATE: &[&str] = &["s3:ReplicateDelete", "s3:ReplicateObject"];

const CONDITION: &str = "s3:if-none-match";
const CREATES: &str = "s3:ObjectCreationOperation";
const MODE: &str = "s3:object-lock-mode";
const REMAINING_DAYS: &str = "s3:object-lock-remaining-retention-days";
const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
const KMS_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
const CUSTOMER_KEY: &str = "s3:x-amz-server-side-encryption-customer-algorithm";

/// A segment is created once, by one PUT.
///
/// S3 accepts no value of `If-None-Match` on a PUT but `*`, so it is enough that the header is there. The requests that make
/// a multipart upload have `s3:ObjectCreationOperation` false. Replicas are written by another action.
pub(super) fn once(logs: &Logs<'_>) -> Vec<Statement> {
    let objects = logs.all();
    vec![
        is_absent(Statement::deny("AuditlogOverwrite", PUT), CONDITION).on(objects.clone()),
        Statement::deny("AuditlogMultipart", PUT)
            .on(objects.clone())
            .when("Bool", CREATES, text("false")),
        Statement::deny("AuditlogReplica", REPLICATE).on(objects),
    ]
}

/// A segment is locked by its own PUT, in a declared mode and for a declared time.
///
/// A numeric condition does not hold for a key that is absent, so that both bounds share a statement that denies a PUT
/// without a retention; S3's default for the bucket is not counted on. `StringNotEquals` holds for an absent mode by itself.
pub(super) fn locked(logs: &Logs<'_>) -> Vec<Statement> {
    let mut found =
        vec![is_absent(Statement::deny("AuditlogUnlocked", PUT), REMAINING_DAYS).on(logs.all())];
    for (number, (lock, objects)) in (1..).zip(logs.by(|log| Some(&log.lock))) {
        found.extend(within(lock, number, &objects));
    }
    found
}

fn within(lock: &LockBounds, number: usize, objects: &[String]) -> [Statement; 3] {
    let modes: Vec<_> = lock.modes.iter().copied().map(LockMode::as_str).collect();
    let deny = |what, actions| {
        Statement::deny(format!("Auditlog{what}{number}"), actions).on(objects.to_vec())
    };
    [
        deny("Mode", LOCK).when(
            "StringNotEquals",
            MODE,
            modes.into_iter().map(str::to_owned),
        ),
        deny("Minimum", PUT).when(
            "NumericLessThan",
            REMAINING_DAYS,
            [lock.min_days.to_string()],
        ),
        deny("Maximum", LOCK).when(
            "NumericGreaterThan",
            REMAINING_DAYS,
            [lock.max_days.to_string()],
        ),
    ]
}

/// A PUT may name no encryption, and then has the bucket's; it must not name another.
pub(super) fn encrypted(policy: &BucketPolicy, logs: &Logs<'_>) -> Vec<Statement> {
    let objects = logs.all();
    let deny = |what| Statement::deny(format!("Auditlog{what}"), PUT).on(objects.clone());
    let (algorithm, key) = match &policy.encryption {
        ObjectEncryption::SseS3 => ("AES256", None),
        ObjectEncryption::SseKms { key_arn } => ("aws:kms", key_arn.clone()),
    };
    let mut found = vec![
        is_present(deny("Encryption"), ALGORITHM).when(
            "StringNotEquals",
            ALGORITHM,
            text(algorithm),
        ),
        is_present(deny("CustomerKey"), CUSTOMER_KEY),
    ];
    if let Some(key) = key {
        found.push(is_present(deny("OtherKey"), KMS_KEY).when("ArnNotEquals", KMS_KEY, [key]));
        // with an algorithm and no key, S3 takes the account's own key instead of the bucket's
        found.push(is_absent(
            is_present(deny("DefaultKey"), ALGORITHM),
            KMS_KEY,
        ));
    }
    found
}

fn is_absent(statement: Statement, key: &'static str) -> Statement {
    statement.when("Null", key, text("true"))
}

fn is_present(statement: Statement, key: &'static str) -> Statement {
    statement.when("Null", key, text("false"))
}

fn text(value: impl Into<String>) -> [String; 1] {
    [value.into()]
}
