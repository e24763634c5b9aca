//! `auditlog-seal` without valid credentials, or without one of its rights, at an endpoint that enforces both.

use std::collections::BTreeSet;

use auditlog_tests::{Endpoint, Engine, Run, command, root, written_ahead};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use aws_sdk_s3::types::ObjectLockRetentionMode::Governance;
use serde_json::json;

use crate::seal::bench::{BUCKET, INTO_THE_BUCKET, locked_bucket, wait};

/// All that docs/guides/sealing.md asks for, for a bucket that no KMS key encrypts.
const RIGHTS: [&str; 9] = [
    "s3:PutObject",
    "s3:PutObjectRetention",
    "s3:GetObject",
    "s3:ListBucketVersions",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
    "kms:Sign",
    "kms:GetPublicKey",
    "kms:DescribeKey",
];

#[test]
fn the_guide_names_each_right_and_those_of_an_encrypted_bucket() {
    let guide = std::fs::read_to_string(root().join("docs/guides/sealing.md")).unwrap();
    let (_, permissions) = guide.split_once("\n## Permissions\n").unwrap();
    let (permissions, _) = permissions.split_once("\n## ").unwrap();
    let named = permissions.split('`').filter(|word| word.contains(':'));
    let of_encryption = ["kms:GenerateDataKey", "kms:Decrypt"];
    let rights: BTreeSet<&str> = RIGHTS.into_iter().chain(of_encryption).collect();
    assert_eq!(named.collect::<BTreeSet<&str>>(), rights);
}

struct Guarded {
    endpoint: Endpoint,
    key: String,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn new() -> Self {
        let endpoint = Engine::Ministack.start_guarded();
        locked_bucket(&endpoint, BUCKET, Governance, 30);
        let create = endpoint.kms().create_key();
        let create = create.key_usage(KeyUsageType::SignVerify);
        let key = wait(create.key_spec(KeySpec::EccNistP256).send()).unwrap();
        Self {
            endpoint,
            key: key.key_metadata.unwrap().arn.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A user with all rights but one; returns both parts of its access key.
    fn user_without(&self, right: &str) -> [String; 2] {
        let rights: Vec<&str> = RIGHTS.into_iter().filter(|one| *one != right).collect();
        let statement = json!({ "Effect": "Allow", "Action": rights, "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        self.endpoint.user(&policy).into()
    }

    fn append(&self, [access, secret]: &[String; 2]) -> Run {
        let run = command("auditlog-seal").envs(self.endpoint.env());
        let run = run.env("AWS_ACCESS_KEY_ID", access);
        let run = run.env("AWS_SECRET_ACCESS_KEY", secret);
        let run = run.args(INTO_THE_BUCKET);
        let run = run.args(["--kms-key", &self.key, "--spool"]);
        run.arg(self.folder.path().join("spool")).input("1\n").run()
    }
}

#[test]
fn credentials_that_are_not_valid_are_named() {
    let guarded = Guarded::new();
    let [access, secret] = guarded.user_without("nothing");
    let unknown = ["AKIAUNKNOWN".to_owned(), secret];
    let wrong = [access, "wrong".to_owned()];
    let hint =
        "\nhint: the credentials are not valid: aws sts get-caller-identity shows who you are\n";
    for (pair, of_kms, of_s3) in [
        (
            unknown,
            "UnrecognizedClientException (HTTP 400): ",
            "InvalidAccessKeyId (HTTP 403): ",
        ),
        (
            wrong,
            "InvalidSignatureException (HTTP 400): ",
            "SignatureDoesNotMatch (HTTP 403): ",
        ),
    ] {
        let run = guarded.append(&pair);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let error = format!("error: KMS DescribeKey {}: {of_kms}", guarded.key);
        assert!(run.stderr.starts_with(&error), "{run}");
        assert!(run.stderr.ends_with(hint), "{run}");

        let run = command("auditlog-seal").envs(guarded.endpoint.env());
        let run = run.env("AWS_ACCESS_KEY_ID", &pair[0]);
        let run = run.env("AWS_SECRET_ACCESS_KEY", &pair[1]);
        let key = guarded.folder.path().join("key.pem");
        if !key.exists() {
            let keygen = command("auditlog-seal").args(["keygen", "--out"]);
            keygen.arg(&key).run().ok();
        }
        let run = run.args(INTO_THE_BUCKET).args(["--key-file"]);
        let run = run.arg(&key).run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let error = format!("error: S3 GetBucketVersioning s3://audit: {of_s3}");
        assert!(run.stderr.starts_with(&error), "{run}");
        assert!(run.stderr.ends_with(hint), "{run}");
    }
}

#[test]
fn a_right_that_is_missing_is_named_and_what_was_accepted_is_sealed_once_it_is_given() {
    let guarded = Guarded::new();
    let all = guarded.user_without("nothing");
    guarded.append(&all).ok();
    let mut kept = 0;
    for (right, call) in [
        (
            "s3:GetBucketVersioning",
            "S3 GetBucketVersioning s3://audit: ",
        ),
        (
            "s3:GetBucketObjectLockConfiguration",
            "S3 GetObjectLockConfiguration s3://audit: ",
        ),
        (
            "s3:ListBucketVersions",
            "S3 ListObjectVersions s3://audit/payments/: ",
        ),
        (
            "s3:GetObject",
            "S3 GetObject s3://audit/payments/000000000001.jsonl.zst: ",
        ),
        ("kms:GetPublicKey", "KMS GetPublicKey "),
        ("kms:Sign", "KMS Sign "),
        ("s3:PutObject", "S3 PutObject s3://audit/payments/"),
    ] {
        let run = guarded.append(&guarded.user_without(right));
        assert_eq!(run.status, 1, "{run}");
        assert!(run.stderr.starts_with(&format!("error: {call}")), "{run}");
        assert!(run.stderr.contains("AccessDenied"), "{run}");
        let (error, hint) = run.stderr.split_once("\nhint: ").expect("a hint");
        let named = hint
            .split_once(" missing; the sealer needs ")
            .expect("the rights");
        assert!(named.0.contains(right), "{run}");
        assert!(!error.is_empty());
        kept += u32::from(run.stdout.contains("kept 1 event in the spool"));
    }
    // Without kms:Sign the event was accepted; from then on it waited before all others, and the next summary says so too.
    assert_eq!(kept, 2);
    let run = guarded.append(&all).ok();
    assert!(run.stdout.contains("recovered 1 event of "), "{run}");
    // It can do without the one: whether the key is enabled then shows when it signs. S3 asks for the other one where a PUT
    // has a lock, and this endpoint does not.
    for right in ["kms:DescribeKey", "s3:PutObjectRetention"] {
        guarded.append(&guarded.user_without(right)).ok();
    }
    assert_eq!(written_ahead(&guarded.folder.path().join("spool")), "");
}
