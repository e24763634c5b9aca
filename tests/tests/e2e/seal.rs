//! What the tests of `auditlog-seal` have in common: a key, a policy, and a reading of what was sealed.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::keys::VerifierKey;
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
use auditlog_tests::{Command, Endpoint, REGION, command};
use aws_sdk_s3::types::{
    CreateBucketConfiguration, DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRetentionMode, ObjectLockRule,
};

pub(crate) const ORIGIN: &str = "acme.example/audit/payments";

/// A folder with a key, a trust policy for it, and room for a log.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        bench.keygen("key.pem");
        let policy = command("auditlog-seal")
            .args(["policy", "--origin", ORIGIN, "--key-file"])
            .arg(bench.path("key.pem"))
            .run()
            .ok();
        fs::write(bench.path("policy.json"), policy.stdout).unwrap();
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn keygen(&self, name: &str) {
        let run = command("auditlog-seal").args(["keygen", "--out"]);
        run.arg(self.path(name)).run().ok();
    }

    pub(crate) fn verifier_key(&self, key: &str) -> VerifierKey {
        let run = command("auditlog-seal").args(["verifier-key", "--origin", ORIGIN, "--key-file"]);
        let run = run.arg(self.path(key)).run().ok();
        VerifierKey::parse(run.stdout.trim_end()).unwrap()
    }

    /// `auditlog-seal append` with the policy and the key, into the folder `audit`.
    pub(crate) fn append(&self) -> Command {
        self.append_with("key.pem")
            .arg("--policy")
            .arg(self.path("policy.json"))
    }

    /// The same without the policy: `--policy` or `--origin` must follow.
    pub(crate) fn append_with(&self, key: &str) -> Command {
        command("auditlog-seal")
            .args(["append", "--key-file"])
            .arg(self.path(key))
            .arg("--to")
            .arg(self.path("audit"))
            .arg("--spool")
            .arg(self.path("spool"))
    }

    /// The objects of the log, in order.
    pub(crate) fn objects(&self) -> Vec<Vec<u8>> {
        objects_in(&self.path("audit/payments"))
    }
}

pub(crate) fn objects_in(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for (number, path) in paths.iter().enumerate() {
        assert_eq!(*path, folder.join(format!("{number:012}.jsonl.zst")));
    }
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Checks a whole log from its first segment and returns its events.
pub(crate) fn events(objects: &[Vec<u8>], key: &VerifierKey) -> Vec<String> {
    events_under(objects, |_| vec![key])
}

/// The same, with the keys that each segment must be signed by.
pub(crate) fn events_under<'k>(
    objects: &[Vec<u8>],
    keys: impl Fn(usize) -> Vec<&'k VerifierKey>,
) -> Vec<String> {
    let origin = Origin::parse(ORIGIN).unwrap();
    let mut head = Head::of_new_log(origin.clone());
    let mut events = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        let expected = Expected {
            origin: &origin,
            segment: number.try_into().unwrap(),
            format: FORMAT,
        };
        let segment = check_segment(object, expected).unwrap();
        segment.check_signatures(&keys(number)).unwrap();
        assert_eq!(*segment.before(), head, "segment {number} follows");
        head = segment.head().clone();
        let text = String::from_utf8(zstd::stream::decode_all(object.as_slice()).unwrap()).unwrap();
        let event = |line: &str| {
            Some(
                line.split_once(",\"event\":")?
                    .1
                    .strip_suffix('}')?
                    .to_owned(),
            )
        };
        events.extend(text.lines().filter_map(event));
    }
    events
}

/// Makes a bucket with Object Lock and a default retention.
pub(crate) fn locked_bucket(
    endpoint: &Endpoint,
    name: &str,
    mode: ObjectLockRetentionMode,
    days: i32,
) {
    let s3 = endpoint.s3();
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let retention = DefaultRetention::builder().mode(mode).days(days).build();
    let rule = ObjectLockRule::builder()
        .default_retention(retention)
        .build();
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(rule);
    wait(async {
        s3.create_bucket()
            .bucket(name)
            .create_bucket_configuration(place.build())
            .object_lock_enabled_for_bucket(true)
            .send()
            .await
            .unwrap();
        s3.put_object_lock_configuration()
            .bucket(name)
            .object_lock_configuration(lock.build())
            .send()
            .await
            .unwrap();
    });
}

/// Runs a call of the SDK to its end.
pub(crate) fn wait<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(call)
}
