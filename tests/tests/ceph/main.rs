//! What rests on the lock, on a storage engine whose Object Lock is real: Ceph 16 as Debian packs it, one node for all tests.
//!
//! Where this engine differs from S3, a test says in what and asserts it; nothing is passed over.

use std::sync::OnceLock;

use auditlog_tests::{Ceph, Command, REGION, Run, command};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode,
    ObjectLockRetention, ObjectLockRetentionMode, ObjectLockRule,
};
use serde_json::{Value, json};

mod engine;
mod listing;
mod lock;
mod probe;
mod writers;

const ORIGIN: &str = "acme.example/audit/payments";
const RETENTION_DAYS: i32 = 30;
const DAY: i64 = 86_400;

/// The node. It ends with the process.
fn node() -> &'static Ceph {
    static NODE: OnceLock<Ceph> = OnceLock::new();
    NODE.get_or_init(Ceph::start)
}

/// The key of a segment.
fn key(segment: u64) -> String {
    format!("payments/{segment:012}.jsonl.zst")
}

/// A time that many days from now, in whole seconds.
fn in_days(days: i64) -> DateTime {
    let now = DateTime::from(std::time::SystemTime::now());
    DateTime::from_secs(now.secs() + days * DAY)
}

/// A bucket, a key to sign with, and a policy that declares both.
struct World {
    s3: Client,
    bucket: String,
    folder: tempfile::TempDir,
}

impl World {
    /// A bucket with Object Lock and a default retention.
    async fn new(bucket: &str, mode: ObjectLockRetentionMode) -> Self {
        let world = Self {
            s3: node().s3("owner"),
            bucket: bucket.to_owned(),
            folder: tempfile::tempdir().unwrap(),
        };
        let create = world.s3.create_bucket().bucket(bucket);
        create
            .object_lock_enabled_for_bucket(true)
            .send()
            .await
            .unwrap();
        world
            .set_default(Some((mode.clone(), RETENTION_DAYS)))
            .await
            .unwrap();
        world.make_policy(mode.as_str());
        world
    }

    /// The same, with segments 0 to 2 sealed into it: four events.
    async fn sealed(bucket: &str, mode: ObjectLockRetentionMode) -> Self {
        let world = Self::new(bucket, mode).await;
        world.append().input("1\n2\n").run().ok();
        world.append().input("3\n4\n").run().ok();
        world.found(&[]);
        world
    }

    fn make_policy(&self, mode: &str) {
        let key = self.folder.path().join("key.pem");
        let keygen = command("auditlog-seal").args(["keygen", "--out"]);
        keygen.arg(&key).run().ok();
        let run = command("auditlog-seal").args(["policy", "--origin", ORIGIN, "--key-file"]);
        let mut policy = run.arg(&key).run().ok().json();
        policy["store"] =
            json!({ "s3": { "bucket": self.bucket, "region": REGION, "account": "000000000000" } });
        policy["lock"][0]["mode"] = mode.into();
        policy["lock"][0]["retention_days"] = RETENTION_DAYS.into();
        self.write_policy(&policy);
    }

    fn write_policy(&self, policy: &Value) {
        std::fs::write(self.folder.path().join("policy.json"), policy.to_string()).unwrap();
    }

    fn policy(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("policy.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// `auditlog-seal append`, fenced, which is what this engine needs.
    fn append(&self) -> Command {
        self.append_unfenced("spool").arg("--fenced")
    }

    fn append_unfenced(&self, spool: &str) -> Command {
        let run = command("auditlog-seal").envs(node().env("owner"));
        let run = run.args(["append", "--key-file"]);
        run.arg(self.folder.path().join("key.pem"))
            .arg("--policy")
            .arg(self.folder.path().join("policy.json"))
            .arg("--spool")
            .arg(self.folder.path().join(spool))
    }

    fn verify(&self) -> Command {
        let run = command("auditlog-verify").envs(node().env("owner"));
        run.arg("--policy")
            .arg(self.folder.path().join("policy.json"))
    }

    /// The verifier finds these faults, by their codes, and nothing is unread. Returns its report.
    #[track_caller]
    fn found(&self, expected: &[&str]) -> Value {
        let pins = self.folder.path().join("pins.json");
        let mut verify = self.verify().args(["--output", "json"]);
        if pins.exists() {
            verify = verify.arg("--pins").arg(pins);
        }
        let run = verify.run();
        let report = run.json();
        let faults = report["faults"].as_array().expect("faults");
        let codes: Vec<_> = faults
            .iter()
            .filter_map(|fault| fault["code"].as_str())
            .collect();
        assert_eq!(codes, expected, "{run}");
        assert_eq!(run.status, i32::from(!expected.is_empty()), "{run}");
        report
    }

    /// Pins the head: what is removed from a log that is younger than the skew is found below a pin only.
    #[track_caller]
    fn pin(&self) {
        let pins = self.folder.path().join("pins.json");
        self.verify().arg("--pins").arg(pins).run().ok();
    }

    /// The sealer stops before it takes anything, and says this.
    #[track_caller]
    fn sealer_stops(&self, expected: &str) {
        let run: Run = self.append().input("5\n").run();
        assert_eq!(run.stderr, expected);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    }

    async fn set_default(
        &self,
        lock: Option<(ObjectLockRetentionMode, i32)>,
    ) -> Result<(), (u16, String)> {
        let rule = lock.map(|(mode, days)| {
            let retention = DefaultRetention::builder().mode(mode).days(days).build();
            ObjectLockRule::builder()
                .default_retention(retention)
                .build()
        });
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .set_rule(rule)
            .build();
        let put = self.s3.put_object_lock_configuration();
        let put = put.bucket(&self.bucket).object_lock_configuration(lock);
        answered(put.send().await).map(|_| ())
    }

    async fn head(&self, segment: u64) -> HeadObjectOutput {
        let head = self.s3.head_object().bucket(&self.bucket);
        head.key(key(segment)).send().await.unwrap()
    }

    async fn bytes(&self, segment: u64) -> Vec<u8> {
        let object = self.s3.get_object().bucket(&self.bucket).key(key(segment));
        let object = object.send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// The version ids of a segment, newest first.
    async fn versions(&self, segment: u64) -> Vec<String> {
        let listed = self.s3.list_object_versions().bucket(&self.bucket);
        let listed = listed.prefix(key(segment)).send().await.unwrap();
        let id =
            |version: &aws_sdk_s3::types::ObjectVersion| version.version_id().unwrap().to_owned();
        listed.versions().iter().map(id).collect()
    }

    /// Deletes a version, or where none is named, sets a marker. Returns the version id of the answer.
    async fn delete(
        &self,
        segment: u64,
        version: Option<&str>,
        bypass: bool,
    ) -> Result<Option<String>, (u16, String)> {
        let delete = self
            .s3
            .delete_object()
            .bucket(&self.bucket)
            .key(key(segment));
        let delete = delete.set_version_id(version.map(str::to_owned));
        let delete = delete.set_bypass_governance_retention(bypass.then_some(true));
        answered(delete.send().await).map(|deleted| deleted.version_id)
    }

    async fn retain(
        &self,
        segment: u64,
        mode: ObjectLockRetentionMode,
        until: DateTime,
        bypass: bool,
    ) -> Result<(), (u16, String)> {
        let retention = ObjectLockRetention::builder()
            .mode(mode)
            .retain_until_date(until);
        let put = self.s3.put_object_retention().bucket(&self.bucket);
        let put = put.key(key(segment)).retention(retention.build());
        let put = put.set_bypass_governance_retention(bypass.then_some(true));
        answered(put.send().await).map(|_| ())
    }

    /// Writes a segment's key again.
    async fn put(&self, segment: u64, bytes: Vec<u8>, lock: Option<(ObjectLockMode, DateTime)>) {
        let (mode, until) = lock.unzip();
        let put = self.s3.put_object().bucket(&self.bucket).key(key(segment));
        put.body(ByteStream::from(bytes))
            .set_object_lock_mode(mode)
            .set_object_lock_retain_until_date(until)
            .send()
            .await
            .unwrap();
    }
}

/// A refusal as status and error code.
fn answered<T, E>(
    result: Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>,
) -> Result<T, (u16, String)>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    result.map_err(|error| {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        (
            status.unwrap_or_else(|| panic!("no answer: {error:?}")),
            code,
        )
    })
}
