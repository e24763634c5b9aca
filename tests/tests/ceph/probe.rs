//! What `auditlog-verify probe` says of this engine: the lock is real, the condition is ignored.

use aws_sdk_s3::types::ObjectLockRetentionMode::{Compliance, Governance};

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_finds_that_the_condition_is_ignored_and_that_the_lock_holds() {
    for (bucket, mode) in [
        ("probe-governance", Governance),
        ("probe-compliance", Compliance),
    ] {
        let world = World::new(bucket, mode.clone()).await;
        let mut policy = world.policy();
        policy["declared_prefixes"] = serde_json::json!(["probe/"]);
        world.write_policy(&policy);
        let run = auditlog_tests::command("auditlog-verify")
            .envs(super::node().env("owner"))
            .args([
                "probe",
                "--output",
                "json",
                "--mode",
                mode.as_str(),
                "--policy",
            ])
            .arg(world.folder.path().join("policy.json"))
            .run();
        assert_eq!(run.status, 1, "{run}");
        let promises = run.json()["promises"].clone();
        let outcomes: Vec<_> = promises
            .as_array()
            .expect("promises")
            .iter()
            .map(|one| (one["code"].clone(), one["outcome"].clone()))
            .collect();
        for (code, outcome) in outcomes {
            let expected = if code == "create-once" {
                "broken"
            } else {
                "held"
            };
            assert_eq!(outcome, expected, "{code}: {run}");
        }
    }
}
