//! What the tests of policies share.

use auditlog_chain::policy::LockMode;

use super::model::{BucketPolicy, LogAccess, ObjectEncryption};
use super::principal::Principal;
use crate::trust::spans::LockBounds;

pub(super) const ACCOUNT: &str = "123456789012";

pub(super) fn role(name: &str) -> Principal {
    Principal::parse(&format!("arn:aws:iam::{ACCOUNT}:role/{name}")).unwrap()
}

pub(super) fn log(prefix: &str, writer: &str, reader: &str) -> LogAccess {
    LogAccess {
        prefix: prefix.to_owned(),
        writers: Some(vec![role(writer)]),
        readers: Some(vec![role(reader)]),
        lock: LockBounds {
            modes: vec![LockMode::Governance],
            min_days: 30,
            max_days: 33,
        },
    }
}

pub(super) fn policy(bucket: &str, logs: Vec<LogAccess>) -> BucketPolicy {
    BucketPolicy {
        partition: "aws".to_owned(),
        account: ACCOUNT.to_owned(),
        bucket: bucket.to_owned(),
        logs,
        declared_prefixes: vec!["archive/".to_owned()],
        administrators: Some(vec![role("terraform")]),
        break_glass: Some(vec![role("break-glass")]),
        encryption: ObjectEncryption::SseS3,
        deliveries: Vec::new(),
        extra: None,
    }
}

/// The policy of the bucket `trail` with these logs.
pub(super) fn policy_of(prefixes: &[&str]) -> BucketPolicy {
    policy(
        "trail",
        prefixes
            .iter()
            .map(|prefix| log(prefix, "sealer", "auditor"))
            .collect(),
    )
}
