//! `auditlog-seal` with a policy, a bucket or a key that are not those of the log: refused with a hint, and nothing written.

use std::fs;

use auditlog_tests::{Endpoint, Engine, REGION, Run, command};
use aws_sdk_s3::types::{
    BucketVersioningStatus, CreateBucketConfiguration, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRetentionMode, VersioningConfiguration,
};
use serde_json::{Value, json};

use crate::seal::bench::{BUCKET, Bench, ORIGIN, locked_bucket, wait};

struct Setup {
    endpoint: Endpoint,
    bench: Bench,
    policy: Value,
}

impl Setup {
    fn new() -> Self {
        let endpoint = Engine::Ministack.start();
        locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
        let bench = Bench::new();
        let policy = fs::read_to_string(bench.path("policy.json")).unwrap();
        let mut policy: Value = serde_json::from_str(&policy).unwrap();
        policy["store"] =
            json!({ "s3": { "bucket": BUCKET, "region": REGION, "account": "000000000000" } });
        Self {
            endpoint,
            bench,
            policy,
        }
    }

    /// A policy's list of logs with one log of this key.
    fn log(&self, origin: &str, prefix: &str) -> Value {
        let run = command("auditlog-seal").args(["policy", "--origin", origin]);
        let run = run.args(["--prefix", prefix, "--key-file"]);
        run.arg(self.bench.path("key.pem")).run().ok().json()["logs"].clone()
    }

    /// Runs with the policy as it is now.
    fn append(&self, options: &[&str]) -> Run {
        let policy = self.bench.path("policy.json");
        fs::write(&policy, self.policy.to_string()).unwrap();
        self.append_with(&["--policy", policy.to_str().unwrap()], options)
    }

    fn append_with(&self, which: &[&str], options: &[&str]) -> Run {
        let run = command("auditlog-seal").envs(self.endpoint.env());
        let run = run.arg("append").args(which).args(options);
        let run = if options.contains(&"--kms-key") {
            run
        } else {
            run.arg("--key-file").arg(self.bench.path("key.pem"))
        };
        let run = run.arg("--spool").arg(self.bench.path("spool"));
        run.input("1\n").run()
    }
}

/// The command ends with this status, this error and this hint, and has sealed nothing.
#[track_caller]
fn refused(run: &Run, status: i32, error: &str, hint: &str) {
    assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{run}");
    assert!(run.stderr.starts_with(&format!("error: {error}")), "{run}");
    assert!(run.stderr.contains(&format!("\nhint: {hint}")), "{run}");
    assert_eq!(run.stderr.lines().count(), 2, "{run}");
}

#[test]
fn a_policy_of_another_bucket_or_log_is_refused() {
    let mut setup = Setup::new();
    let whole = setup.policy.clone();
    setup.policy["store"]["s3"]["bucket"] = "elsewhere".into();
    refused(
        &setup.append(&[]),
        1,
        "S3 GetBucketVersioning s3://elsewhere: NoSuchBucket (HTTP 404): ",
        "make the bucket with the resource auditlog_bucket, or correct --to\n",
    );
    refused(
        &setup.append(&["--to", "s3://audit"]),
        2,
        "--to names the bucket audit, but the trust policy names elsewhere\n",
        "omit --to, or give the trust policy that was made for that destination\n",
    );
    setup.policy = whole;
    refused(
        &setup.append(&["--to", "s3://audit/orders"]),
        2,
        "--to names the prefix orders, but the trust policy names payments\n",
        "omit --to, or give the trust policy that was made for that destination\n",
    );
    refused(
        &setup.append(&["--log", "acme.example/audit/orders"]),
        2,
        "the trust policy has no log acme.example/audit/orders; its logs: acme.example/audit/payments\n",
        "name one of them with --log ORIGIN\n",
    );

    // The log is there, and then the policy says another one in its place.
    assert_eq!(setup.append(&[]).status, 0);
    setup.policy["logs"] = setup.log("acme.example/audit/other", "payments");
    refused(
        &setup.append(&[]),
        2,
        &format!(
            "the spool {} belongs to {ORIGIN} in s3://audit/payments, not to acme.example/audit/other in s3://audit/payments\n",
            setup.bench.path("spool").display()
        ),
        "give each log and destination its own --spool\n",
    );
    fs::remove_dir_all(setup.bench.path("spool")).unwrap();
    refused(
        &setup.append(&[]),
        1,
        "payments/000000000001.jsonl.zst, the newest segment, is not valid: ",
        "auditlog-verify shows all that is wrong\n",
    );
}

#[test]
fn a_policy_without_a_lock_for_now_is_refused() {
    let mut setup = Setup::new();
    let whole = setup.policy.clone();
    setup.policy["lock"][0]["from"] = "2900-01-01T00:00:00Z".into();
    refused(
        &setup.append(&[]),
        2,
        "the trust policy declares no lock for ",
        "set this machine's clock, or give the trust policy of today\n",
    );
    setup.policy = whole.clone();
    setup.policy["logs"][0]["format"] = 2.into();
    refused(
        &setup.append(&[]),
        2,
        "the trust policy names format 2 for the log, but this program writes format 1\n",
        "use a newer auditlog-seal\n",
    );
    setup.policy = whole;
    let second = setup.log("acme.example/audit/orders", "orders");
    let logs = setup.policy["logs"].as_array_mut().unwrap();
    logs.push(second[0].clone());
    refused(
        &setup.append(&[]),
        2,
        "the trust policy has 2 logs, and --log is absent: ",
        "name one of them with --log ORIGIN\n",
    );
}

#[test]
fn a_bucket_that_does_not_keep_what_it_is_given_is_refused() {
    let mut setup = Setup::new();
    let s3 = setup.endpoint.s3();
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let create = s3.create_bucket().bucket("weak");
    wait(create.create_bucket_configuration(place.build()).send()).unwrap();
    setup.policy["store"]["s3"]["bucket"] = "weak".into();
    refused(
        &setup.append(&[]),
        1,
        "versioning of the bucket weak is not enabled\n",
        "aws s3api put-bucket-versioning ",
    );
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let put = s3.put_bucket_versioning().bucket("weak");
    wait(put.versioning_configuration(enabled.build()).send()).unwrap();
    refused(
        &setup.append(&[]),
        1,
        "Object Lock of the bucket weak is not enabled\n",
        "make the bucket with the resource auditlog_bucket, ",
    );
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let put = s3.put_object_lock_configuration().bucket("weak");
    wait(put.object_lock_configuration(lock.build()).send()).unwrap();
    let which = ["--origin", ORIGIN, "--to", "s3://weak"];
    refused(
        &setup.append_with(&which, &[]),
        2,
        "the owner of the bucket weak is unknown: without a trust policy, --account names it\n",
        "add --account with the twelve digits of the AWS account that owns the bucket; ",
    );
    let account = ["--account", "000000000000"];
    let which = [which.as_slice(), account.as_slice()].concat();
    refused(
        &setup.append_with(&which, &[]),
        2,
        "no retention is declared for the bucket weak: neither by options nor by the bucket's default\n",
        "give --policy, or --lock-mode and --retention-days, ",
    );
    let listed = s3.list_object_versions().bucket("weak").send();
    assert!(wait(listed).unwrap().versions().is_empty());
}

#[test]
fn a_key_that_is_missing_or_foreign_is_refused() {
    let setup = Setup::new();
    let missing = "arn:aws:kms:eu-central-1:000000000000:key/12345678-1234-1234-1234-123456789012";
    let foreign = "arn:aws:kms:eu-central-1:999999999999:key/12345678-1234-1234-1234-123456789012";
    for key in [missing, foreign, "alias/none"] {
        refused(
            &setup.append(&["--kms-key", key]),
            1,
            &format!("KMS DescribeKey {key}: NotFoundException (HTTP 400): "),
            "no such key in this account and region: aws kms list-aliases\n",
        );
    }
    refused(
        &setup.append(&["--kms-key", "acme-audit"]),
        1,
        "KMS DescribeKey acme-audit: NotFoundException (HTTP 400): ",
        "an alias is written with its prefix: --kms-key alias/acme-audit; ",
    );
    let listed = setup
        .endpoint
        .s3()
        .list_object_versions()
        .bucket(BUCKET)
        .send();
    assert!(wait(listed).unwrap().versions().is_empty());
}

#[test]
fn a_destination_that_is_not_the_policys_bucket_is_refused_and_nothing_is_written() {
    let mut setup = Setup::new();
    refused(
        &setup.append(&["--to", BUCKET]),
        2,
        "expected a folder that begins with . or / (such as ./audit), or s3://BUCKET[/PREFIX], found \"audit\"\n",
        "to seal into a bucket: --to s3://audit; into a folder: --to ./audit\n",
    );
    refused(
        &setup.append(&["--to", "~/audit"]),
        2,
        "expected a folder that begins with . or / (such as ./audit), or s3://BUCKET[/PREFIX], found \"~/audit\"\n",
        "the shell expands ~ only without quotes and at the beginning of a word: --to \"$HOME/audit\"\n",
    );
    let folder = setup.bench.path("audit");
    let to = folder.to_str().unwrap();
    refused(
        &setup.append(&["--to", to]),
        2,
        &format!("--to names the folder {to}, but the trust policy names the bucket audit\n"),
        "omit --to to seal into the bucket; ",
    );
    assert!(!folder.exists());
    setup.policy.as_object_mut().unwrap().remove("store");
    refused(
        &setup.append(&["--to", "s3://audit"]),
        2,
        "--to names the bucket audit, but the trust policy has no store: its logs are in folders\n",
        "give the trust policy that was made for the bucket ",
    );
    let s3 = setup.endpoint.s3();
    let listed = wait(s3.list_object_versions().bucket(BUCKET).send()).unwrap();
    assert!(listed.versions().is_empty());
}

#[test]
fn the_summary_names_the_destination() {
    let setup = Setup::new();
    let run = setup.append(&[]);
    assert!(
        run.stdout.contains("\nstored in s3://audit/payments\n"),
        "{run}"
    );
    let run = setup.append(&["--output", "json"]).ok();
    assert_eq!(run.json()["destination"], "s3://audit/payments");
    let bench = Bench::new();
    let run = bench.append().args(["--output", "json"]).run().ok();
    let folder = bench.path("audit/payments").display().to_string();
    assert_eq!(run.json()["destination"], folder);
}
