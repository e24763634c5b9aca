//! The service while its key, its bucket or its policy changes: it says what is wrong, and goes on by itself.

use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::{Answer, Fault, command, root};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use aws_sdk_s3::types::{ObjectLockConfiguration, ObjectLockEnabled};
use serde_json::Value;

use crate::seal::bench::{BUCKET, ORIGIN, Remote, signal, wait};
use crate::seal::service::Service;

/// A bucket with a service, whose keys are in KMS.
pub(super) struct World {
    pub(super) remote: Remote,
    pub(super) environment: Vec<(String, String)>,
    /// The bucket, as a policy names it.
    store: Value,
}

impl World {
    pub(super) fn new() -> Self {
        let remote = Remote::new();
        let mut environment = remote.endpoint.env();
        let way = remote.way.url().to_string();
        environment.push(("AWS_ENDPOINT_URL".to_owned(), way));
        let declared = fs::read(remote.bench.path("policy.json")).unwrap();
        let declared: Value = serde_json::from_slice(&declared).unwrap();
        Self {
            remote,
            environment,
            store: declared["store"].clone(),
        }
    }

    pub(super) fn key(&self) -> String {
        let create = self.remote.endpoint.kms().create_key();
        let create = create.key_usage(KeyUsageType::SignVerify);
        let create = create.key_spec(KeySpec::EccNistP256);
        let key = wait(create.send()).unwrap().key_metadata.unwrap();
        key.arn.unwrap()
    }

    /// A policy for the bucket, which names one key.
    pub(super) fn policy(&self, key: &str) -> Value {
        let policy = command("auditlog-seal").envs(self.remote.endpoint.env());
        let policy = policy.args(["policy", "--origin", ORIGIN, "--kms-key", key]);
        let mut policy: Value = serde_json::from_str(&policy.run().ok().stdout).unwrap();
        policy["store"] = self.store.clone();
        policy
    }

    fn remove_default(&self) {
        let lock = ObjectLockConfiguration::builder();
        let lock = lock.object_lock_enabled(ObjectLockEnabled::Enabled);
        let put = self.remote.endpoint.s3().put_object_lock_configuration();
        let put = put.bucket(BUCKET).object_lock_configuration(lock.build());
        wait(put.send()).unwrap();
    }

    pub(super) fn give(&self, policy: &str) {
        let path = self.remote.bench.path("policy.json");
        let new = self.remote.bench.path("policy.new");
        fs::write(&new, policy).unwrap();
        fs::rename(new, path).unwrap();
    }

    pub(super) fn events(&self) -> Vec<String> {
        let mut events = Vec::new();
        for object in self.remote.objects() {
            let text = zstd::stream::decode_all(object.as_slice()).unwrap();
            for line in String::from_utf8(text).unwrap().lines() {
                let event = line.split_once("\"event\":");
                events.extend(event.map(|(_, event)| event.strip_suffix('}').unwrap().to_owned()));
            }
        }
        events
    }
}

/// The value of a metric.
fn metric(service: &Service, name: &str) -> u64 {
    let metrics = service.get("/metrics").unwrap().body;
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name} is missing in {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[track_caller]
pub(super) fn until(service: &Service, cause: &str, expected: u64) {
    let name = format!("auditlog_sealer_problem{{log=\"{ORIGIN}\",cause=\"{cause}\"}}");
    let begun = Instant::now();
    while metric(service, &name) != expected {
        assert!(begun.elapsed() < Duration::from_mins(1), "{cause}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The clock of a machine that has just started may be behind, and the policy may name a key from a minute on.
#[test]
fn log_whose_key_is_not_valid_yet_waits_until_it_is() {
    let world = World::new();
    let mut policy = world.policy(&world.key());
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(15);
    let soon = i64::try_from(soon.as_micros()).unwrap();
    policy["keys"][0]["valid_from"] =
        Value::String(Timestamp::from_micros(soon).unwrap().to_string());
    world.give(&policy.to_string());
    let bench = &world.remote.bench;
    let log = format!(
        "[[logs]]\npolicy = \"{}\"\nspool = \"{}\"\n",
        bench.path("policy.json").display(),
        bench.path("spool").display()
    );
    let mut service = Service::of_logs(bench, &log, &world.environment);
    let begun = Instant::now();
    let says_why = |ready: Option<crate::seal::service::Answer>| {
        ready.is_some_and(|ready| ready.body.contains(" is valid only from "))
    };
    while !says_why(service.get("/readyz")) {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(20));
    }
    // The metrics have the origin from the beginning.
    until(&service, "key", 1);
    assert_eq!(service.post("1", "").unwrap().status, 503);
    service.until_ready();
    assert_eq!(service.post("2", "").unwrap().status, 200);
    let ended = service.end().ok();
    assert!(ended.stderr.contains(" is valid only from "), "{ended}");
    let again = "info: events are accepted again\n";
    assert!(ended.stderr.contains(again), "{ended}");
    assert_eq!(world.events(), ["2"]);
}

#[test]
fn trouble_with_key_lock_and_policy_is_shown_and_passes_and_another_key_is_taken() {
    let world = World::new();
    let way = &world.remote.way;
    let old = world.key();
    let policy = world.policy(&old);
    world.give(&policy.to_string());
    let bench = &world.remote.bench;
    let path = |name: &str| bench.path(name).display().to_string();
    let log = format!(
        "[[logs]]\npolicy = \"{}\"\nspool = \"{}\"\nmax_segment_events = 1\n",
        path("policy.json"),
        path("spool")
    );
    let mut service = Service::of_logs(bench, &log, &world.environment);
    service.until_ready();
    let post = |service: &Service, event: &str| {
        let accepted = service.post(event, "").unwrap();
        assert_eq!(accepted.status, 200, "{}", accepted.body);
    };
    post(&service, "1");

    // The key is disabled, and KMS asks to slow down.
    let kms = world.remote.endpoint.kms();
    wait(kms.disable_key().key_id(&old).send()).unwrap();
    post(&service, "2");
    until(&service, "key", 1);
    // The third attempt begins after the second one was reported.
    let (signs, begun) = (way.requests("POST", "Sign"), Instant::now());
    while way.requests("POST", "Sign") < signs + 2 {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(service.get("/readyz").unwrap().status, 200);
    wait(kms.enable_key().key_id(&old).send()).unwrap();
    until(&service, "key", 0);

    // The bucket has lost its lock.
    let no_lock = Answer::refusal("404 Not Found", "ObjectLockConfigurationNotFoundError");
    way.from_now_on("GET", "object-lock", Fault::Answer(no_lock));
    let refused = Answer::refusal("403 Forbidden", "AccessDenied");
    way.from_now_on("PUT", "/payments/", Fault::Answer(refused));
    post(&service, "3");
    until(&service, "lock", 1);
    way.heal();
    until(&service, "lock", 0);

    // A policy that cannot be used is not.
    world.give("{");
    until(&service, "policy", 1);
    post(&service, "4");
    // Another bucket, region or owner is that of another store.
    for (name, other) in [
        ("bucket", "audit-2"),
        ("region", "eu-north-1"),
        ("account", "999999999999"),
    ] {
        world.give(&policy.to_string());
        until(&service, "policy", 0);
        let mut moved = policy.clone();
        moved["store"]["s3"][name] = other.into();
        world.give(&moved.to_string());
        until(&service, "policy", 1);
    }
    post(&service, "44");
    // The next one declares another key, while the store is away.
    way.from_now_on("", "/payments/", Fault::HangUp);
    post(&service, "5");
    let new = world.key();
    let mut rotated = world.policy(&new);
    rotated["logs"][0]["began"] = policy["logs"][0]["began"].clone();
    rotated["logs"][0]["max_silence"] = policy["logs"][0]["max_silence"].clone();
    rotated["lock"] = policy["lock"].clone();
    let both = |name: &str| {
        let list = |policy: &Value| policy.pointer(name).unwrap().as_array().unwrap().clone();
        Value::Array([list(&policy), list(&rotated)].concat())
    };
    let (keys, verifier_keys) = (both("/keys"), both("/logs/0/verifier_keys"));
    rotated["keys"] = keys;
    rotated["logs"][0]["verifier_keys"] = verifier_keys;
    world.give(&rotated.to_string());
    until(&service, "policy", 0);
    post(&service, "6");
    signal(&service.child, "HUP");
    way.heal();
    let ended = service.end().ok();
    for text in [
        " cannot be stored now and waits in the spool; storing it is tried again and again: KMS Sign ",
        "; aws kms enable-key",
        "Object Lock of the bucket audit is not enabled; make the bucket with the resource auditlog_bucket",
        "segments are stored again",
        "the trust policy or the keys have changed and cannot be used; those from before count until that is corrected: ",
        "info: the trust policy and the keys were read again",
        "count until that is corrected: the trust policy names s3://audit-2 of 000000000000 in eu-central-1, but segments are stored in s3://audit of 000000000000 in eu-central-1; ",
        " in eu-north-1, but segments",
        "s3://audit of 999999999999 in ",
        "info: from now on, segments are signed by acme.example/audit/payments+",
    ] {
        assert!(ended.stderr.contains(text), "{text}: {ended}");
    }
    // Whatever could not be stored, nobody was refused.
    assert!(
        !ended.stderr.contains("no events are accepted now"),
        "{ended}"
    );
    let verify = command("auditlog-verify").envs(world.remote.endpoint.env());
    let verify = verify.arg("--policy").arg(bench.path("policy.json"));
    verify.run().ok();
    assert_eq!(world.events(), ["1", "2", "3", "4", "44", "5", "6"]);
    removed_default_is_shown(&world, &log);
}

/// S3 allows to remove the default retention. Each segment names its lock still. The lines are for machines here.
fn removed_default_is_shown(world: &World, log: &str) {
    let bench = &world.remote.bench;
    world.remove_default();
    let log = format!("log_format = \"json\"\n{log}");
    let mut service = Service::of_logs(bench, &log, &world.environment);
    service.until_ready();
    until(&service, "lock", 1);
    let accepted = service.post("7", "").unwrap();
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    // The two clocks are compared when the service starts, once the store has answered.
    let clocks = format!("auditlog_sealer_clock_difference_seconds{{log=\"{ORIGIN}\"}} ");
    let since = Instant::now();
    while !service.get("/metrics").unwrap().body.contains(&clocks) {
        assert!(since.elapsed() < Duration::from_secs(20), "no {clocks}");
        thread::sleep(Duration::from_millis(20));
    }
    let ended = service.end().ok();
    let lines = ended.stderr.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.map(Result::unwrap).collect();
    let [weak] = &lines[..] else {
        panic!("{ended}");
    };
    for (name, expected) in [("level", "warning"), ("log", ORIGIN), ("cause", "lock")] {
        assert_eq!(weak[name], expected, "{ended}");
    }
    let guide = fs::read_to_string(root().join("docs/guides/service.md")).unwrap();
    let (_, shown) = guide.split_once("```json\n").unwrap();
    let shown: Value = serde_json::from_str(shown.split("```").next().unwrap()).unwrap();
    let keys = |line: &Value| {
        line.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&shown), keys(weak), "{ended}");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let begin = text(&shown, "message").replace('…', "");
    assert!(text(weak, "message").starts_with(&begin), "{ended}");
    let shape = |time: String| time.replace(|digit: char| digit.is_ascii_digit(), "0");
    assert_eq!(shape(text(weak, "time")), shape(text(&shown, "time")));
}
