//! What the tests of `auditlog-seal` have in common: a key, a policy, and a reading of what was sealed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, Head, check_segment};
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_tests::{Command, Endpoint, Engine, Proxy, REGION, Run, command};
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

    /// The lines of all segments, in order.
    pub(crate) fn text(&self) -> String {
        let text = |object: Vec<u8>| zstd::stream::decode_all(object.as_slice()).unwrap();
        let lines = self.objects().into_iter().flat_map(text).collect();
        String::from_utf8(lines).unwrap()
    }

    /// The events of the log, which both the tests' reading and `auditlog-verify` find in order.
    #[track_caller]
    pub(crate) fn verified(&self) -> Vec<String> {
        let verify = command("auditlog-verify").arg("--policy");
        let verify = verify.arg(self.path("policy.json"));
        verify.arg(self.path("audit")).run().ok();
        events(&self.objects(), &self.verifier_key("key.pem"))
    }
}

pub(crate) const BUCKET: &str = "audit";

/// `append` into the bucket without a trust policy.
pub(crate) const INTO_THE_BUCKET: [&str; 7] = [
    "append",
    "--origin",
    ORIGIN,
    "--to",
    "s3://audit",
    "--account",
    "000000000000",
];

/// A locked bucket with a way to it on which things can go wrong, and a bench whose policy declares the bucket.
pub(crate) struct Remote {
    pub(crate) endpoint: Endpoint,
    pub(crate) way: Proxy,
    pub(crate) bench: Bench,
}

impl Remote {
    pub(crate) fn new() -> Self {
        let endpoint = Engine::Ministack.start();
        locked_bucket(&endpoint, BUCKET, ObjectLockRetentionMode::Governance, 30);
        let bench = Bench::new();
        let policy = fs::read(bench.path("policy.json")).unwrap();
        let mut policy: serde_json::Value = serde_json::from_slice(&policy).unwrap();
        policy["store"] = serde_json::json!({
            "s3": { "bucket": BUCKET, "region": REGION, "account": "000000000000" },
        });
        fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
        Self {
            way: Proxy::to(endpoint.url()),
            endpoint,
            bench,
        }
    }

    /// `auditlog-seal append` over the way, with the policy and the key.
    pub(crate) fn append(&self) -> Command {
        self.append_with_spool("spool")
    }

    /// The same, of the writer that has this spool.
    pub(crate) fn append_from(&self, spool: &str) -> Command {
        self.append_with_spool(spool).arg("--head-unknown")
    }

    fn append_with_spool(&self, spool: &str) -> Command {
        command("auditlog-seal")
            .envs(self.endpoint.env())
            .env("AWS_ENDPOINT_URL", self.way.url())
            .args(["append", "--key-file"])
            .arg(self.bench.path("key.pem"))
            .arg("--policy")
            .arg(self.bench.path("policy.json"))
            .arg("--spool")
            .arg(self.bench.path(spool))
    }

    /// The objects of the log, in order; each has one version.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Vec<u8>> {
        let s3 = self.endpoint.s3();
        wait(async {
            let (mut objects, mut after) = (Vec::new(), None);
            loop {
                let listed = s3.list_object_versions().bucket(BUCKET);
                let listed = listed.set_key_marker(after).send().await.unwrap();
                assert!(listed.delete_markers().is_empty());
                for version in listed.versions() {
                    let key = format!("payments/{:012}.jsonl.zst", objects.len());
                    assert_eq!(version.key(), Some(key.as_str()));
                    let object = s3.get_object().bucket(BUCKET).key(key).send();
                    let object = object.await.unwrap();
                    objects.push(object.body.collect().await.unwrap().to_vec());
                }
                if listed.is_truncated() != Some(true) {
                    break objects;
                }
                after = listed.next_key_marker().map(str::to_owned);
            }
        })
    }

    /// The events of the log, which both the tests' reading and `auditlog-verify` find in order.
    #[track_caller]
    pub(crate) fn verified(&self) -> Vec<String> {
        let verify = command("auditlog-verify").envs(self.endpoint.env());
        let verify = verify.arg("--policy").arg(self.bench.path("policy.json"));
        verify.run().ok();
        events(&self.objects(), &self.bench.verifier_key("key.pem"))
    }
}

/// Starts a command with pipes, in its own empty home.
pub(crate) fn start(command: Command) -> (Child, tempfile::TempDir) {
    let (mut command, home) = command.into_inner();
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    (command.spawn().unwrap(), home)
}

/// Waits for a command to end.
pub(crate) fn ended((child, _home): (Child, tempfile::TempDir)) -> Run {
    Run::from_output(&child.wait_with_output().unwrap())
}

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// So many events with their numbers.
pub(crate) fn numbered(count: u32) -> Vec<String> {
    let event = |n| format!("{{\"n\":{n},\"text\":\"as long as an event is\"}}");
    (0..count).map(event).collect()
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

/// Checks that a log has the numbered events, each once and in order. A failure names the first place where it has not.
#[track_caller]
pub(crate) fn each_once(sealed: &[String], count: u32) {
    let expected = numbered(count);
    let differs = sealed
        .iter()
        .zip(&expected)
        .position(|(one, other)| one != other);
    if let Some(at) = differs {
        panic!("event {at} is {}, expected is {}", sealed[at], expected[at]);
    }
    assert_eq!(sealed.len(), expected.len());
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
