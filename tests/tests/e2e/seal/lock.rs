//! Which lock a segment gets in a bucket whose default retention is another one than the trust policy declares.

use std::fs;

use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::{Endpoint, Engine, REGION, Run, command};
use aws_sdk_s3::types::ObjectLockRetentionMode::{Compliance, Governance};
use aws_sdk_s3::types::{
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode, ObjectLockRetentionMode,
};
use serde_json::{Value, json};

use crate::seal::bench::{BUCKET, Bench, locked_bucket, wait};

const DAY: i64 = 86_400;
const INSTEAD: &str = "Segments are locked as the trust policy declares. If the retention was weakened on purpose, give the new \
                       trust policy (terraform output -raw trust_policy); otherwise apply the Terraform configuration again\n";

/// A bucket that locks by itself, and a policy that declares GOVERNANCE for 3 days.
struct Setup {
    endpoint: Endpoint,
    bench: Bench,
    policy: Value,
}

impl Setup {
    fn new(mode: ObjectLockRetentionMode, days: i32) -> Self {
        let endpoint = Engine::Ministack.start();
        locked_bucket(&endpoint, BUCKET, mode, days);
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

    fn run(&self, program: &str, arguments: &[&str]) -> Run {
        let policy = self.bench.path("policy.json");
        fs::write(&policy, self.policy.to_string()).unwrap();
        let run = command(program).envs(self.endpoint.env()).args(arguments);
        run.arg("--policy").arg(policy).input("1\n").run()
    }

    fn seal(&self) -> Run {
        let (key, spool) = (self.bench.path("key.pem"), self.bench.path("spool"));
        let files = ["--key-file", key.to_str().unwrap()];
        let spool = ["--spool", spool.to_str().unwrap()];
        let arguments = [&["append"], files.as_slice(), &spool].concat();
        self.run("auditlog-seal", &arguments).ok()
    }

    /// Mode and days of a segment's lock, without the day that the sealer adds.
    fn locked(&self, segment: u64) -> (ObjectLockMode, i64) {
        let head = self.endpoint.s3().head_object().bucket(BUCKET);
        let head = head.key(format!("payments/{segment:012}.jsonl.zst"));
        let head = wait(head.send()).unwrap();
        let stored = head.last_modified().unwrap().secs();
        let until = head.object_lock_retain_until_date().unwrap().secs();
        let mode = head.object_lock_mode().unwrap().clone();
        (mode, (until - stored + 60) / DAY - 1)
    }

    fn remove_default(&self) {
        let lock = ObjectLockConfiguration::builder();
        let lock = lock.object_lock_enabled(ObjectLockEnabled::Enabled);
        let put = self.endpoint.s3().put_object_lock_configuration();
        let put = put.bucket(BUCKET).object_lock_configuration(lock.build());
        wait(put.send()).unwrap();
    }
}

fn span(from: Timestamp, days: u32) -> Value {
    json!({ "from": from.to_rfc3339(), "mode": "GOVERNANCE", "retention_days": days })
}

#[test]
fn weaker_default_is_announced_and_segments_are_locked_as_declared() {
    let mut setup = Setup::new(Governance, 3);
    setup.policy["lock"][0]["retention_days"] = 5.into();
    assert_eq!(
        setup.seal().stderr,
        format!(
            "warning: the default retention of the bucket audit is GOVERNANCE for 3 days, but the trust policy declares GOVERNANCE \
             for 5 days. {INSTEAD}"
        )
    );
    setup.remove_default();
    assert_eq!(
        setup.seal().stderr,
        format!(
            "warning: the default retention of the bucket audit is absent, but the trust policy declares GOVERNANCE for 5 days. \
             {INSTEAD}"
        )
    );
    for segment in 0..3 {
        assert_eq!(setup.locked(segment), (ObjectLockMode::Governance, 5));
    }
    // The verifier blames the bucket, and no segment.
    let report = setup.run("auditlog-verify", &["--output", "json"]).json();
    let faults = report["faults"].as_array().unwrap();
    let codes: Vec<_> = faults.iter().map(|fault| &fault["code"]).collect();
    assert_eq!(codes, ["bucket-lock"]);
}

#[test]
fn stronger_default_is_used_and_named_in_each_put() {
    let setup = Setup::new(Compliance, 7);
    assert_eq!(setup.seal().stderr, "");
    for segment in 0..2 {
        assert_eq!(setup.locked(segment), (ObjectLockMode::Compliance, 7));
    }
    setup.run("auditlog-verify", &[]).ok();
}

#[test]
fn lock_of_a_log_counts_for_it_instead_of_the_default() {
    for (own, default) in [(4, 3), (4, 30)] {
        let mut setup = Setup::new(Governance, default);
        let from = setup.policy["lock"][0]["from"].clone();
        setup.policy["logs"][0]["lock"] =
            json!([{ "from": from, "mode": "GOVERNANCE", "retention_days": own }]);
        assert_eq!(setup.seal().stderr, "");
        assert_eq!(setup.locked(1), (ObjectLockMode::Governance, own));
    }
}

#[test]
fn longer_lock_is_used_a_day_before_it_begins() {
    let mut setup = Setup::new(Governance, 3);
    let now = Timestamp::from_system_time(std::time::SystemTime::now()).unwrap();
    let first = setup.policy["lock"][0].clone();
    let in_hours = |hours: i64| span(now.saturating_add_seconds(hours * 3_600), 9);
    setup.policy["lock"] = json!([first, in_hours(25)]);
    assert_eq!(setup.seal().stderr, "");
    assert_eq!(setup.locked(1), (ObjectLockMode::Governance, 3));
    setup.policy["lock"] = json!([first, in_hours(23)]);
    setup.seal();
    assert_eq!(setup.locked(2), (ObjectLockMode::Governance, 9));
}
