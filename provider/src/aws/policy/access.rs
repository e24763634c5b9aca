//! Statements about who: denies by exclusion, and what lets another account in.
//!
//! In its own account, IAM grants and the bucket policy limits: a statement that names the account gives nobody there more
//! than IAM does. Only principals of other accounts need a statement that lets them in, beside a policy of their own account.

use std::collections::BTreeSet;

use super::logs::Logs;
use super::model::{BucketPolicy, LogAccess};
use super::principal::Principal;
use super::statement::Statement;

/// What changes the bucket as a whole. Its tags are part of it: they hold what was declared when, and an import reads it there.
pub(super) const CONFIGURATION: &[&str] = &[
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
];
/// What destroys, hides or unlocks a segment. `UpdateObjectEncryption` re-encrypts a locked version in place, under a key
/// whose deletion would make it unreadable.
pub(super) const DESTRUCTION: &[&str] = &[
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:UpdateObjectEncryption",
];
const WRITE: &[&str] = &["s3:PutObject"];
const READ: &[&str] = &["s3:GetObject", "s3:GetObjectVersion"];
/// What a sealer calls on segments: it also reads the head that it continues.
pub(super) const WRITER_OF_OBJECTS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:PutObjectRetention",
];
/// What a verifier calls on segments.
pub(super) const READER_OF_OBJECTS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectRetention",
    "s3:GetObjectVersion",
];
/// What a sealer and a verifier call on the bucket.
pub(super) const CALLS_ON_BUCKET: &[&str] = &[
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketVersioning",
    "s3:ListBucketVersions",
];

/// The names of the statements that deny to all but a list, as the policy of a bucket has them. Those for logs are followed by a number.
pub(super) mod sid {
    pub(in crate::aws::policy) const CONFIGURATION: &str = "AuditlogConfiguration";
    pub(in crate::aws::policy) const DESTRUCTION: &str = "AuditlogDestruction";
    pub(in crate::aws::policy) const WRITE: &str = "AuditlogWrite";
    pub(in crate::aws::policy) const READ: &str = "AuditlogRead";
}

/// Whom the statements about reading tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The readers and writers of each log.
    OfEachLog,
    /// Those of all logs, whichever of them they are for: one statement, where the others do not fit.
    OfAllLogs,
}

/// Everybody but these, and but AWS services that act for themselves.
///
/// A service has no `aws:PrincipalArn`, and would be denied with everybody else. An anonymous caller has neither key: it
/// is denied, because `ArnNotLike` and `BoolIfExists` both hold for a key that is absent.
pub(super) fn all_but<'a>(
    statement: Statement,
    principals: impl IntoIterator<Item = &'a Principal>,
) -> Statement {
    let patterns: BTreeSet<String> = principals.into_iter().map(Principal::pattern).collect();
    let statement = if patterns.is_empty() {
        statement
    } else {
        statement.when("ArnNotLike", "aws:PrincipalArn", patterns)
    };
    statement.when(
        "BoolIfExists",
        "aws:PrincipalIsAWSService",
        ["false".to_owned()],
    )
}

fn sorted(principals: &[Principal]) -> BTreeSet<&Principal> {
    principals.iter().collect()
}

/// Changes of the bucket's configuration, denied to all but the administrators.
pub(super) fn configuration(policy: &BucketPolicy, logs: &Logs<'_>) -> Vec<Statement> {
    let deny = |administrators| {
        all_but(
            Statement::deny(sid::CONFIGURATION, CONFIGURATION),
            administrators,
        )
        .on([logs.bucket().to_owned()])
    };
    policy.administrators.iter().map(deny).collect()
}

/// Deletes, markers and bypass, denied to all but the principals of `break_glass`.
pub(super) fn destruction(policy: &BucketPolicy, logs: &Logs<'_>) -> Vec<Statement> {
    let deny = |break_glass| {
        all_but(Statement::deny(sid::DESTRUCTION, DESTRUCTION), break_glass).at(logs.everywhere())
    };
    policy.break_glass.iter().map(deny).collect()
}

/// Writes, denied to all but the writers of each log.
pub(super) fn writes(logs: &Logs<'_>) -> Vec<Statement> {
    let groups = logs.objects_by(|log| log.writers.as_deref().map(sorted));
    let deny = |(number, (writers, objects)): (usize, (BTreeSet<&Principal>, Vec<String>))| {
        all_but(
            Statement::deny(format!("{}{number}", sid::WRITE), WRITE),
            writers,
        )
        .on(objects)
    };
    (1..).zip(groups).map(deny).collect()
}

/// Reads, denied to all but readers and writers, for each log that is closed.
pub(super) fn reads(policy: &BucketPolicy, logs: &Logs<'_>, reading: Reading) -> Vec<Statement> {
    let of = |log: &LogAccess| -> BTreeSet<Principal> {
        let both = log.readers.iter().chain(&log.writers);
        both.flatten().cloned().collect()
    };
    let closed = policy.logs.iter().filter(|log| log.is_closed());
    let all: BTreeSet<Principal> = closed.flat_map(of).collect();
    let groups = logs.objects_by(|log| {
        log.is_closed().then(|| match reading {
            Reading::OfEachLog => of(log),
            Reading::OfAllLogs => all.clone(),
        })
    });
    let is_only = groups.len() == 1;
    let deny = |(number, (allowed, objects)): (usize, (BTreeSet<Principal>, Vec<String>))| {
        let number = if is_only {
            String::new()
        } else {
            number.to_string()
        };
        let deny = Statement::deny(format!("{}{number}", sid::READ), READ);
        all_but(deny, &allowed).on(objects)
    };
    (1..).zip(groups).map(deny).collect()
}

/// What lets principals of other accounts in, as far as their own account allows it too.
pub(super) fn other_accounts(policy: &BucketPolicy, logs: &Logs<'_>) -> Vec<Statement> {
    let writers = logs.exactly_by(|log| foreign(policy, log.writers.as_deref()));
    let readers = logs.exactly_by(|log| foreign(policy, log.readers.as_deref()));
    let callers = writers.iter().chain(&readers);
    let callers: BTreeSet<&Principal> =
        callers.flat_map(|(them, _)| them.iter().copied()).collect();
    let mut found = Vec::new();
    let mut grant = |what: &str, actions, groups: Vec<(BTreeSet<&Principal>, Vec<String>)>| {
        for (number, (principals, objects)) in (1..).zip(groups) {
            found.push(admit(format!("Auditlog{what}{number}"), actions, &principals).on(objects));
        }
    };
    grant("Writer", WRITER_OF_OBJECTS, writers);
    grant("Reader", READER_OF_OBJECTS, readers);
    if !callers.is_empty() {
        let bucket = [logs.bucket().to_owned()];
        found.push(admit("AuditlogBucket".to_owned(), CALLS_ON_BUCKET, &callers).on(bucket));
    }
    found
}

fn foreign<'a>(
    policy: &BucketPolicy,
    stated: Option<&'a [Principal]>,
) -> Option<BTreeSet<&'a Principal>> {
    let found: BTreeSet<_> = stated
        .unwrap_or_default()
        .iter()
        .filter(|principal| principal.account() != policy.account)
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Allows what the accounts of these principals allow them too. The account is named, and narrowed to the principals: a
/// deleted role that was named itself would not come back.
pub(super) fn admit(
    sid: String,
    actions: &[&'static str],
    principals: &BTreeSet<&Principal>,
) -> Statement {
    let accounts: BTreeSet<String> = principals
        .iter()
        .map(|one| one.account().to_owned())
        .collect();
    let patterns: BTreeSet<String> = principals.iter().map(|one| one.pattern()).collect();
    Statement::allow_accounts(sid, accounts.into_iter().collect(), actions).when(
        "ArnLike",
        "aws:PrincipalArn",
        patterns,
    )
}
