//! Who may do what in a bucket with two logs: one of the owner's account, one that a partner writes.

use auditlog_chain::policy::LockMode;
use terraform_provider_auditlog::aws::{BucketPolicy, LogAccess, ObjectEncryption, Principal};
use terraform_provider_auditlog::trust::spans::LockBounds;

use super::judge::Expected::{Allowed, DeniedBy, NotAllowed};
use super::judge::{Caller, Expected, OWNER, PARTNER, Request, STRANGER, check, unknown};

const BUCKET: &str = "arn:aws:s3:::trail";
const PAYMENTS: &str = "arn:aws:s3:::trail/logs/payments/000000000000.jsonl.zst";
const LOGINS: &str = "arn:aws:s3:::trail/logs/logins/000000000000.jsonl.zst";
const OTHER: &str = "arn:aws:s3:::trail/archive/x";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const TERRAFORM: Caller = Caller::Role(OWNER, "ci/", "terraform");
const BREAK_GLASS: Caller = Caller::User(OWNER, "break-glass");
const SEALER: Caller = Caller::own("sealer");
const INTERN: Caller = Caller::own("intern");
const ROOT: Caller = Caller::Root(OWNER);
const SHIPPER: Caller = Caller::Role(PARTNER, "apps/audit/", "shipper");
const AUDITOR: Caller = Caller::Role(PARTNER, "", "auditor");
const COLLEAGUE: Caller = Caller::Role(PARTNER, "", "colleague");
const NAMESAKE: Caller = Caller::Role(STRANGER, "", "sealer");
const EVERYBODY: &[Caller] = &[
    TERRAFORM,
    BREAK_GLASS,
    SEALER,
    INTERN,
    ROOT,
    SHIPPER,
    AUDITOR,
    COLLEAGUE,
    NAMESAKE,
    Caller::Anonymous,
];

fn principals(arns: &[&str]) -> Vec<Principal> {
    arns.iter()
        .map(|arn| Principal::parse(arn).expect("a principal"))
        .collect()
}

fn policy() -> BucketPolicy {
    let lock = |mode, min_days, max_days| LockBounds {
        modes: vec![mode],
        min_days,
        max_days,
    };
    let log = |name: &str, writers: &[&str], lock| LogAccess {
        prefix: format!("logs/{name}"),
        writers: Some(principals(writers)),
        readers: Some(principals(&["arn:aws:iam::444455556666:role/auditor"])),
        lock,
    };
    BucketPolicy {
        partition: "aws".to_owned(),
        account: OWNER.to_owned(),
        bucket: "trail".to_owned(),
        logs: vec![
            log(
                "payments",
                &["arn:aws:iam::111122223333:role/sealer"],
                lock(LockMode::Governance, 30, 33),
            ),
            // the path is left out, as some programs leave it out
            log(
                "logins",
                &["arn:aws:iam::444455556666:role/shipper"],
                lock(LockMode::Compliance, 365, 368),
            ),
        ],
        declared_prefixes: vec!["archive/".to_owned()],
        administrators: Some(principals(&["arn:aws:iam::111122223333:role/terraform"])),
        break_glass: Some(principals(&["arn:aws:iam::111122223333:user/break-glass"])),
        encryption: ObjectEncryption::SseS3,
        deliveries: Vec::new(),
        extra: None,
    }
}

fn rendered(policy: &BucketPolicy) -> String {
    policy.render().expect("a policy")
}

/// A PUT as the sealer sends it.
fn put(caller: Caller, object: &str) -> Request {
    let (mode, days) = if object == LOGINS {
        ("COMPLIANCE", 366)
    } else {
        ("GOVERNANCE", 31)
    };
    Request::new(caller, "s3:PutObject", object)
        .with("s3:if-none-match", "*")
        .with("s3:ObjectCreationOperation", true)
        .with("s3:object-lock-mode", mode)
        .with("s3:object-lock-remaining-retention-days", days)
}

/// The request of each caller: allowed to these, and denied to all others by the statement.
fn only(
    allowed: &[Caller],
    sid: &'static str,
    request: impl Fn(Caller) -> Request,
) -> Vec<(Request, Expected)> {
    let expected = |caller| {
        if allowed.contains(caller) {
            Allowed
        } else {
            DeniedBy(sid)
        }
    };
    EVERYBODY
        .iter()
        .map(|caller| (request(*caller), expected(caller)))
        .collect()
}

#[test]
fn aws_knows_each_action_and_condition_of_a_bucket_policy() {
    let mut all = policy();
    for encryption in [
        ObjectEncryption::SseS3,
        ObjectEncryption::SseKms {
            key_arn: Some(KEY.to_owned()),
        },
    ] {
        all.encryption = encryption;
        assert_eq!(unknown(&rendered(&all)), serde_json::json!([]));
    }
}

#[test]
fn segments_are_written_by_the_writers_of_their_log_alone() {
    let policy = rendered(&policy());
    let writes = |object| move |caller| put(caller, object);
    check(
        &policy,
        &only(&[SEALER], "AuditlogWrite1", writes(PAYMENTS)),
    );
    check(&policy, &only(&[SHIPPER], "AuditlogWrite2", writes(LOGINS)));
    // everything else in the bucket is up to IAM
    check(
        &policy,
        &[
            (put(INTERN, OTHER), Allowed),
            (put(NAMESAKE, OTHER), NotAllowed),
        ],
    );
}

#[test]
fn segments_are_written_once_in_one_locked_put() {
    let good = || put(SEALER, PAYMENTS);
    let days = |days: &str| good().with("s3:object-lock-remaining-retention-days", days);
    check(
        &rendered(&policy()),
        &[
            (
                good().without("s3:if-none-match"),
                DeniedBy("AuditlogOverwrite"),
            ),
            (
                good().with("s3:ObjectCreationOperation", false),
                DeniedBy("AuditlogMultipart"),
            ),
            (
                good().without("s3:object-lock-mode"),
                DeniedBy("AuditlogMode1"),
            ),
            (
                good().with("s3:object-lock-mode", "COMPLIANCE"),
                DeniedBy("AuditlogMode1"),
            ),
            (
                good().without("s3:object-lock-remaining-retention-days"),
                DeniedBy("AuditlogUnlocked"),
            ),
            (days("29"), DeniedBy("AuditlogMinimum1")),
            (days("30"), Allowed),
            (days("33"), Allowed),
            (days("34"), DeniedBy("AuditlogMaximum1")),
            (days("36500"), DeniedBy("AuditlogMaximum1")),
            (
                put(SHIPPER, LOGINS).with("s3:object-lock-mode", "GOVERNANCE"),
                DeniedBy("AuditlogMode2"),
            ),
            (
                put(SHIPPER, LOGINS).with("s3:object-lock-remaining-retention-days", 31),
                DeniedBy("AuditlogMinimum2"),
            ),
        ],
    );
}

#[test]
fn segments_arrive_by_tls_1_2_or_later() {
    check(
        &rendered(&policy()),
        &[
            (put(SEALER, PAYMENTS).with("s3:TlsVersion", "1.2"), Allowed),
            (
                put(SEALER, PAYMENTS).with("s3:TlsVersion", "1.1"),
                DeniedBy("DenyOldTls"),
            ),
            (
                put(SEALER, PAYMENTS)
                    .without("s3:TlsVersion")
                    .with("aws:SecureTransport", false),
                DeniedBy("DenyPlainText"),
            ),
        ],
    );
}

#[test]
fn replicas_are_written_by_nobody() {
    let cases = ["s3:ReplicateObject", "s3:ReplicateDelete"].map(|action| {
        let replicate = |caller| Request::new(caller, action, PAYMENTS);
        only(&[], "AuditlogReplica", replicate)
    });
    check(&rendered(&policy()), &cases.concat());
}

#[test]
fn retention_is_changed_within_mode_and_maximum() {
    let retain = |mode, days: u32| {
        Request::new(INTERN, "s3:PutObjectRetention", PAYMENTS)
            .with("s3:object-lock-mode", mode)
            .with("s3:object-lock-remaining-retention-days", days)
    };
    check(
        &rendered(&policy()),
        &[
            (retain("GOVERNANCE", 33), Allowed),
            // a lock that is too short can be lengthened step by step
            (retain("GOVERNANCE", 1), Allowed),
            (retain("GOVERNANCE", 34), DeniedBy("AuditlogMaximum1")),
            (retain("COMPLIANCE", 33), DeniedBy("AuditlogMode1")),
            // an empty retention lifts a lock
            (
                Request::new(INTERN, "s3:PutObjectRetention", PAYMENTS),
                DeniedBy("AuditlogMode1"),
            ),
        ],
    );
}

#[test]
fn encryption_is_denied_only_where_it_is_named_and_differs() {
    const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
    const KMS_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    const CUSTOMER: &str = "s3:x-amz-server-side-encryption-customer-algorithm";
    let good = || put(SEALER, PAYMENTS);
    let mut wanted = policy();
    check(
        &rendered(&wanted),
        &[
            (good().with(ALGORITHM, "AES256"), Allowed),
            (
                good().with(ALGORITHM, "aws:kms"),
                DeniedBy("AuditlogEncryption"),
            ),
            (
                good().with(CUSTOMER, "AES256"),
                DeniedBy("AuditlogCustomerKey"),
            ),
        ],
    );
    wanted.encryption = ObjectEncryption::SseKms {
        key_arn: Some(KEY.to_owned()),
    };
    let other = KEY.replace("1234abcd", "00000000");
    check(
        &rendered(&wanted),
        &[
            (good(), Allowed),
            (
                good().with(ALGORITHM, "aws:kms").with(KMS_KEY, KEY),
                Allowed,
            ),
            (
                good().with(ALGORITHM, "aws:kms").with(KMS_KEY, other),
                DeniedBy("AuditlogOtherKey"),
            ),
            (
                good().with(ALGORITHM, "aws:kms"),
                DeniedBy("AuditlogDefaultKey"),
            ),
            (
                good().with(ALGORITHM, "AES256"),
                DeniedBy("AuditlogEncryption"),
            ),
        ],
    );
}

#[test]
fn segments_are_destroyed_by_break_glass_alone() {
    let actions = [
        "s3:BypassGovernanceRetention",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:UpdateObjectEncryption",
    ];
    let destroy = |action| move |caller| Request::new(caller, action, PAYMENTS);
    let mut cases = actions
        .map(|action| only(&[BREAK_GLASS], "AuditlogDestruction", destroy(action)))
        .concat();
    cases.push((Request::new(INTERN, "s3:DeleteObject", OTHER), Allowed));
    check(&rendered(&policy()), &cases);
}

#[test]
fn bucket_is_configured_by_administrators_alone() {
    let actions = [
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
    let configure = |action| move |caller| Request::new(caller, action, BUCKET);
    let mut cases = actions
        .map(|action| only(&[TERRAFORM], "AuditlogConfiguration", configure(action)))
        .concat();
    cases.push((Request::new(INTERN, "s3:GetBucketPolicy", BUCKET), Allowed));
    check(&rendered(&policy()), &cases);
}

#[test]
fn segments_are_read_by_readers_and_writers() {
    let read = |action| move |caller| Request::new(caller, action, PAYMENTS);
    let mut cases = ["s3:GetObject", "s3:GetObjectVersion"]
        .map(|action| only(&[SEALER, AUDITOR], "AuditlogRead1", read(action)))
        .concat();
    for action in [
        "s3:ListBucketVersions",
        "s3:GetBucketVersioning",
        "s3:GetBucketObjectLockConfiguration",
    ] {
        let call = |caller| Request::new(caller, action, BUCKET);
        cases.extend([
            (call(AUDITOR), Allowed),
            (call(SHIPPER), Allowed),
            (call(COLLEAGUE), NotAllowed),
        ]);
    }
    check(&rendered(&policy()), &cases);
}

/// IAM lets every principal of the bucket's account read all of it here, so that only the policy keeps one from the other's log.
#[test]
fn reader_or_writer_of_one_log_does_not_read_another() {
    let mut two = policy();
    let own = |name: &str| principals(&[&format!("arn:aws:iam::{OWNER}:role/{name}")]);
    two.logs[0].readers = Some(own("accountant"));
    two.logs[1].readers = Some(own("intern"));
    two.logs[1].writers = Some(own("gate"));
    let accountant = Caller::own("accountant");
    let gate = Caller::own("gate");
    let read = |caller, object: &str| Request::new(caller, "s3:GetObject", object);
    let policy = rendered(&two);
    let mut cases = Vec::new();
    for caller in [accountant, SEALER] {
        cases.push((read(caller, PAYMENTS), Allowed));
        cases.push((read(caller, LOGINS), DeniedBy("AuditlogRead2")));
    }
    for caller in [INTERN, gate] {
        cases.push((read(caller, LOGINS), Allowed));
        cases.push((read(caller, PAYMENTS), DeniedBy("AuditlogRead1")));
    }
    check(&policy, &cases);
}

#[test]
fn lists_that_were_left_out_leave_it_to_iam() {
    let mut open = policy();
    (open.administrators, open.break_glass) = (None, None);
    for log in &mut open.logs {
        (log.writers, log.readers) = (None, None);
    }
    check(
        &rendered(&open),
        &[
            (put(INTERN, PAYMENTS), Allowed),
            (
                put(INTERN, PAYMENTS).without("s3:if-none-match"),
                DeniedBy("AuditlogOverwrite"),
            ),
            (put(NAMESAKE, PAYMENTS), NotAllowed),
            (Request::new(INTERN, "s3:DeleteObject", PAYMENTS), Allowed),
            (Request::new(INTERN, "s3:GetObject", PAYMENTS), Allowed),
            (Request::new(INTERN, "s3:PutBucketPolicy", BUCKET), Allowed),
            (
                Request::new(Caller::Anonymous, "s3:GetObject", PAYMENTS),
                NotAllowed,
            ),
        ],
    );
}

#[test]
fn service_of_aws_is_not_denied_by_exclusion() {
    let mut open = policy();
    open.extra = Some(
        r#"{"Version":"2012-10-17","Statement":{"Sid":"Inventory","Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::trail/logs/*"}}"#.to_owned(),
    );
    let read = |name| Request::new(Caller::Service(name), "s3:GetObject", PAYMENTS);
    check(
        &rendered(&open),
        &[
            (read("logging.s3.amazonaws.com"), Allowed),
            (read("config.amazonaws.com"), NotAllowed),
        ],
    );
}

#[test]
fn empty_list_lets_nobody_in() {
    let mut ended = policy();
    ended.logs[0].writers = Some(principals(&[]));
    // the log without writers is the first of the groups
    let write = |caller| put(caller, PAYMENTS);
    check(&rendered(&ended), &only(&[], "AuditlogWrite1", write));
}

#[test]
fn logs_in_many_places_are_protected_as_one_in_a_folder() {
    let mut scattered = policy();
    for (name, mode) in [
        ("a/one", LockMode::Governance),
        ("b/two", LockMode::Governance),
        ("c/three", LockMode::Compliance),
    ] {
        let mut log = scattered.logs[0].clone();
        log.prefix = name.to_owned();
        log.lock.modes = vec![mode];
        scattered.logs.push(log);
    }
    let policy = rendered(&scattered);
    assert!(policy.contains("NotResource"), "{policy}");
    let at = |key: &str| put(SEALER, &format!("arn:aws:s3:::trail/{key}"));
    let (one, three) = (
        "a/one/000000000000.jsonl.zst",
        "c/three/000000000000.jsonl.zst",
    );
    let hide = |key: &str| {
        Request::new(
            INTERN,
            "s3:DeleteObject",
            format!("arn:aws:s3:::trail/{key}"),
        )
    };
    check(
        &policy,
        &[
            (at(one), Allowed),
            (
                at(one).without("s3:if-none-match"),
                DeniedBy("AuditlogOverwrite"),
            ),
            (
                at(one).with("s3:object-lock-remaining-retention-days", 34),
                DeniedBy("AuditlogMaximum1"),
            ),
            (at(three), DeniedBy("AuditlogMode2")),
            (at(three).with("s3:object-lock-mode", "COMPLIANCE"), Allowed),
            (hide(one), DeniedBy("AuditlogDestruction")),
            // what is declared for something else is left alone
            (at("archive/x").without("s3:if-none-match"), Allowed),
            (hide("archive/x"), Allowed),
            // and where nothing is declared, nothing is written unlocked
            (
                at("stray").without("s3:object-lock-remaining-retention-days"),
                DeniedBy("AuditlogUnlocked"),
            ),
        ],
    );
}
