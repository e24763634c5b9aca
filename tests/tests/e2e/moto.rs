//! In what moto differs from S3 and KMS, and that provider, sealer and verifier are not misled by it.
//!
//! That it has no Ed25519 is asserted where keys are made, that it hashes digests again where its signatures are checked.

use auditlog_tests::{Command, Engine, Run, command};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::SigningAlgorithmSpec;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ObjectLockRetention, ObjectLockRetentionMode};

use crate::provider::stack::{Stack, values};

const BUCKET: &str = "trail";
const NEWEST: &str = "payments/000000000001.jsonl.zst";

const CONFIG: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "COMPLIANCE", days = 3, acknowledge_irreversible = "COMPLIANCE 3 days" }
}

resource "auditlog_signing_key" "audit" {
  key_spec = "ECC_NIST_P256"
  alias    = "alias/audit"
}

data "auditlog_trust_policy" "audit" {
  bucket     = auditlog_bucket.audit.bucket
  region     = auditlog_bucket.audit.region
  account_id = auditlog_bucket.audit.account_id
  lock_spans = [{
    from = auditlog_bucket.audit.creation_date
    mode = auditlog_bucket.audit.object_lock.mode
    days = auditlog_bucket.audit.object_lock.days
  }]
  logs = [{ origin = "acme.example/audit/payments" }]
  keys = [{
    public_key = auditlog_signing_key.audit.public_key_pem
    arn        = auditlog_signing_key.audit.arn
    valid_from = auditlog_signing_key.audit.creation_date
  }]
}

output "policy" {
  value = data.auditlog_trust_policy.audit.json
}
"#;

/// In base64, of what [`World::put`] puts.
const SHA256_OF_AN_EVENT: &str = "8u6QagNqKzoO7xCbGyBFTFeVNjWO86HkIC9ursrvxbQ=";

/// All of it, applied, with the trust policy in a file.
struct World {
    stack: Stack,
    s3: Client,
}

impl World {
    fn new() -> Self {
        let stack = Stack::applied(Engine::Moto, CONFIG);
        stack.assert_no_changes();
        let policy = stack.terraform.output("policy");
        stack
            .terraform
            .write("policy.json", policy.as_str().expect("a document"));
        Self {
            s3: stack.endpoint.s3(),
            stack,
        }
    }

    fn command(&self, name: &str) -> Command {
        let run = command(name).envs(self.stack.endpoint.env());
        let run = run.current_dir(self.stack.terraform.path());
        run.env("XDG_STATE_HOME", self.stack.terraform.path())
    }

    fn seal(&self, events: &str) -> Run {
        let run = self
            .command("auditlog-seal")
            .args(["append", "--policy", "policy.json"]);
        run.args(["--kms-key", "alias/audit"]).input(events).run()
    }

    /// The verifier finds these faults and nothing else.
    #[track_caller]
    fn found(&self, expected: &[&str]) {
        let run = self
            .command("auditlog-verify")
            .args(["--policy", "policy.json"]);
        let run = run.args(["--output", "json"]).run();
        let report = run.json();
        let faults = report["faults"].as_array().expect("faults").iter();
        let codes: Vec<_> = faults.filter_map(|fault| fault["code"].as_str()).collect();
        assert_eq!(codes, expected, "{run}");
        assert_eq!(run.status, i32::from(!expected.is_empty()), "{run}");
    }

    async fn open(&self) {
        let delete = self.s3.delete_bucket_policy().bucket(BUCKET);
        delete.send().await.expect("no policy");
    }

    /// An object under the bucket's default lock, its SHA-256 as given.
    async fn put(&self, key: &str, sha256: &str) {
        let put = self.s3.put_object().bucket(BUCKET).key(key);
        put.checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(sha256)
            .body(ByteStream::from_static(b"an event"))
            .send()
            .await
            .expect("an object");
    }
}

/// S3 keeps plain text out by our policy and lets the rest in; this engine applies the Deny to everything that is done to
/// an object. And S3 takes the SHA-256 of a PUT under a lock for what it is; this engine wants its algorithm named.
#[tokio::test(flavor = "multi_thread")]
async fn declared_sealed_and_verified_without_the_policy_of_the_bucket() {
    let world = World::new();
    let refused = world.seal("1\n");
    assert_eq!(refused.status, 1, "{refused}");
    let (what, object) = ("S3 PutObject", "s3://trail/payments/000000000000.jsonl.zst");
    let expected = format!("error: {what} {object}: refused (HTTP 403)\n");
    assert!(refused.stderr.starts_with(&expected), "{refused}");

    world.open().await;
    world.seal("2\n").ok();
    world.seal("3\n").ok();
    world.found(&[]);
    // The apply that puts the policy back changes nothing of what was declared.
    assert_eq!(
        world.stack.planned("auditlog_bucket.audit").attributes,
        ["policy"]
    );
    world.stack.terraform.apply().ok();
    world.stack.assert_no_changes();
}

/// Nobody shortens a retention under COMPLIANCE; this engine does, and the verifier sees it.
#[tokio::test(flavor = "multi_thread")]
async fn retention_can_be_shortened() {
    let world = World::new();
    world.open().await;
    world.seal("1\n").ok();
    let soon = DateTime::from(std::time::SystemTime::now()).secs() + 3600;
    let retention = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .retain_until_date(DateTime::from_secs(soon));
    let put = world.s3.put_object_retention().bucket(BUCKET).key(NEWEST);
    put.retention(retention.build())
        .send()
        .await
        .expect("it is shortened");
    world.found(&["lock-too-short"]);
}

/// S3 changes the default for what comes; this engine only where nothing is yet.
#[tokio::test(flavor = "multi_thread")]
async fn default_retention_of_a_bucket_with_objects_cannot_be_changed() {
    let world = World::new();
    world.open().await;
    world.put("a", SHA256_OF_AN_EVENT).await;
    let longer = CONFIG
        .replace("days = 3", "days = 4")
        .replace("3 days", "4 days");
    world.stack.configure(&longer);
    let failed = world.stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let text = failed
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let said = "The bucket was not changed, or only in part";
    let call = "PutObjectLockConfiguration on trail failed: InvalidBucket";
    assert!(text.contains(said) && text.contains(call), "{failed}");
    let state = values(&world.stack.terraform, "auditlog_bucket.audit");
    assert_eq!(state["object_lock"]["days"], 3);
}

/// S3 says days or years. Both are read as they are meant, or the second plan of every other test would differ.
#[tokio::test(flavor = "multi_thread")]
async fn zero_years_appear_beside_the_days() {
    let world = World::new();
    let answer = world.s3.get_object_lock_configuration().bucket(BUCKET);
    let answer = answer.send().await.expect("a lock");
    let rule = answer.object_lock_configuration.and_then(|lock| lock.rule);
    let default = rule
        .and_then(|rule| rule.default_retention)
        .expect("a default");
    assert_eq!((default.days, default.years), (Some(3), Some(0)));
    world.stack.assert_no_changes();
}

/// S3 refuses bytes that do not match, and marks a key as deleted that was never there.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_upload_is_stored_and_nothing_leaves_no_marker() {
    let world = World::new();
    world.open().await;
    let wrong = SHA256_OF_AN_EVENT.replace('a', "b");
    world.put("damaged", &wrong).await;
    let delete = world.s3.delete_object().bucket(BUCKET).key("never-there");
    delete.send().await.expect("an answer");
    let listed = world.s3.list_object_versions().bucket(BUCKET);
    let listed = listed.send().await.expect("a listing");
    assert_eq!(
        (listed.versions().len(), listed.delete_markers().len()),
        (1, 0)
    );
}

/// KMS refuses; the sealer does not ask, since it reads the key's state first.
#[tokio::test(flavor = "multi_thread")]
async fn disabled_key_still_signs() {
    let world = World::new();
    let key = values(&world.stack.terraform, "auditlog_signing_key.audit");
    let kms = world.stack.endpoint.kms();
    let disable = kms.disable_key().key_id(key["key_id"].as_str().unwrap());
    disable.send().await.expect("a disabled key");
    let sign = kms.sign().key_id("alias/audit");
    sign.signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .message(Blob::new("a checkpoint"))
        .send()
        .await
        .expect("a signature");
    let refused = world.seal("1\n");
    assert_eq!(refused.status, 1, "{refused}");
    let expected = "its state is Disabled, not Enabled";
    assert!(refused.stderr.contains(expected), "{refused}");
}

/// The verifier reads locks from the answer to a HEAD, which is as S3's.
#[tokio::test(flavor = "multi_thread")]
async fn retention_is_returned_in_a_form_of_its_own() {
    let world = World::new();
    world.open().await;
    world.put("a", SHA256_OF_AN_EVENT).await;
    let head = world.s3.head_object().bucket(BUCKET).key("a");
    let head = head.send().await.expect("a head");
    assert!(head.object_lock_retain_until_date.is_some(), "{head:?}");
    let get = world.s3.get_object_retention().bucket(BUCKET).key("a");
    let error = get.send().await.expect_err("an answer that cannot be read");
    assert_eq!(error.code(), None, "{error:?}");
}

/// So no alias moves here, and a rotation cannot be tried: the tests of both use the other engine.
#[tokio::test(flavor = "multi_thread")]
async fn alias_cannot_be_moved() {
    let world = World::new();
    let key = values(&world.stack.terraform, "auditlog_signing_key.audit")["key_id"].clone();
    let key = key.as_str().expect("a key");
    let kms = world.stack.endpoint.kms();
    let moved = kms
        .update_alias()
        .alias_name("alias/audit")
        .target_key_id(key);
    let refused = moved.send().await.expect_err("not implemented");
    assert_eq!(
        refused
            .raw_response()
            .map(|answer| answer.status().as_u16()),
        Some(500)
    );
}
