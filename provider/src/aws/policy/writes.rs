//! Statements about how: what a segment must be written with, whoever writes it.
//!
//! Sources: "Enforce conditional writes on Amazon S3 buckets", "Object Lock considerations" and "Bucket policy examples using
//! condition keys" in the Amazon S3 User Guide, and S3's page of the Service Authorization Reference.

use auditlog_chain::policy::LockMode;

use super::logs::Logs;
use super::model::{BucketPolicy, ObjectEncryption};
use super::statement::{Place, Statement};

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
    let place = logs.everywhere();
    vec![
        is_absent(Statement::deny("AuditlogOverwrite", PUT), CONDITION).at(place.clone()),
        Statement::deny("AuditlogMultipart", PUT)
            .at(place.clone())
            .when("Bool", CREATES, text("false")),
        Statement::deny("AuditlogReplica", REPLICATE).at(place),
    ]
}

/// A segment is locked by its own PUT, in a declared mode and for a declared time.
///
/// A numeric condition does not hold for a key that is absent, so that both bounds share a statement that denies a PUT
/// without a retention; S3's default for the bucket is not counted on. `StringNotEquals` holds for an absent mode by itself.
pub(super) fn locked(logs: &Logs<'_>) -> Vec<Statement> {
    let unlocked = is_absent(Statement::deny("AuditlogUnlocked", PUT), REMAINING_DAYS);
    let mut found = vec![unlocked.at(logs.everywhere())];
    found.extend(numbered(
        "Mode",
        LOCK,
        logs.places(|log| &log.lock.modes),
        |deny, modes| {
            let modes = modes.iter().copied().map(LockMode::as_str);
            deny.when("StringNotEquals", MODE, modes.map(str::to_owned))
        },
    ));
    found.extend(numbered(
        "Minimum",
        PUT,
        logs.places(|log| log.lock.min_days),
        |deny, days| deny.when("NumericLessThan", REMAINING_DAYS, [days.to_string()]),
    ));
    found.extend(numbered(
        "Maximum",
        LOCK,
        logs.places(|log| log.lock.max_days),
        |deny, days| deny.when("NumericGreaterThan", REMAINING_DAYS, [days.to_string()]),
    ));
    found
}

/// A statement for each group of logs.
fn numbered<K>(
    what: &str,
    actions: &'static [&'static str],
    groups: Vec<(K, Place)>,
    condition: impl Fn(Statement, K) -> Statement,
) -> Vec<Statement> {
    let deny = |(number, (key, place)): (usize, (K, Place))| {
        condition(
            Statement::deny(format!("Auditlog{what}{number}"), actions),
            key,
        )
        .at(place)
    };
    (1..).zip(groups).map(deny).collect()
}

/// A PUT may name no encryption, and then has the bucket's; it must not name another.
pub(super) fn encrypted(policy: &BucketPolicy, logs: &Logs<'_>) -> Vec<Statement> {
    let place = logs.everywhere();
    let deny = |what| Statement::deny(format!("Auditlog{what}"), PUT).at(place.clone());
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
