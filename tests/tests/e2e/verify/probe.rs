//! `auditlog-verify probe`: which promises of a store hold, on real endpoints and behind one that breaks them.

use auditlog_tests::{Answer, Command, Engine, Fault, Proxy, Run};
use serde_json::{Value, json};

use crate::support::log::BUCKET;
use crate::verify::folder::{Folder, no_verdict};
use crate::verify::s3::{World, faults};

fn probe(world: &World, arguments: &[&str]) -> Command {
    auditlog_tests::command("auditlog-verify")
        .envs(world.endpoint.env())
        .args(["probe", "--policy"])
        .arg(world.folder.path().join("policy.json"))
        .args(arguments)
}

/// The promises with this outcome.
fn promises(run: &Run, outcome: &str) -> Vec<String> {
    let json = run.json();
    let all = json["promises"].as_array().expect("promises");
    assert_eq!(all.len(), 5, "{run}");
    let of = all.iter().filter(|one| one["outcome"] == outcome);
    of.filter_map(|one| one["code"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_its_promises_passes_and_its_canary_is_not_a_finding() {
    let world = World::of(Engine::Ministack.start(), 2).await;
    let run = probe(&world, &[]).run().ok();
    assert_eq!(run.stderr, "", "{run}");
    assert_eq!(run.stdout.matches("\nheld      ").count(), 5, "{run}");
    assert!(
        run.stdout.contains("canary   archive/auditlog-probe-"),
        "{run}"
    );
    let run = probe(
        &world,
        &[
            "--mode",
            "COMPLIANCE",
            "--output",
            "json",
            "s3://acme-audit/archive/",
        ],
    );
    let run = run.run().ok();
    assert_eq!(run.json()["mode"], "COMPLIANCE");
    assert_eq!(promises(&run, "held").len(), 5, "{run}");
    faults(&world.command().args(["--output", "json"]).run(), &[]);
}

/// moto shortens any lock.
#[tokio::test(flavor = "multi_thread")]
async fn the_known_gap_of_another_engine_is_found() {
    let world = World::of(Engine::Moto.start(), 1).await;
    let run = probe(&world, &["--output", "json"]).run();
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(promises(&run, "broken"), ["shorten-refused"], "{run}");
    assert_eq!(promises(&run, "not-shown"), Vec::<String>::new(), "{run}");
}

/// Behind the proxy is a store that enforces locks; in front of it is one that takes them and does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_accepts_a_lock_and_does_not_enforce_it_is_found() {
    let world = World::of(Engine::Ministack.start(), 1).await;
    let way = Proxy::to(world.endpoint.url());
    let bypass = Fault::SetHeader("x-amz-bypass-governance-retention", "true");
    let run = |method: &str, text: &str, fault: Fault| {
        way.once(method, text, fault);
        let run = probe(&world, &["--output", "json", "--endpoint-url", way.url()]).run();
        assert_eq!(run.status, 1, "{run}");
        promises(&run, "broken")
    };
    assert_eq!(
        run("DELETE", "versionId", bypass.clone()),
        ["delete-refused"]
    );
    assert_eq!(run("PUT", "retention", bypass), ["shorten-refused"]);
    let done = Fault::Answer(Answer::empty("204 No Content"));
    assert_eq!(run("DELETE", "versionId", done), ["delete-refused"]);
    // A store that takes the request and forgets the lock.
    let forgotten = Fault::DropHeader("x-amz-object-lock-mode");
    let broken = run("PUT", "auditlog-probe", forgotten);
    assert_eq!(broken, ["lock-kept", "delete-refused"]);
    assert_eq!(way.faults(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_ignored_is_found_and_a_store_that_is_silent_gives_no_verdict() {
    let world = World::of(Engine::Ministack.start(), 1).await;
    let way = Proxy::to(world.endpoint.url());
    let run = || probe(&world, &["--output", "json", "--endpoint-url", way.url()]).run();
    way.times(
        2,
        "PUT",
        "auditlog-probe",
        Fault::DropHeader("if-none-match"),
    );
    let ignored = run();
    assert_eq!(promises(&ignored, "broken"), ["create-once"], "{ignored}");
    assert_eq!(ignored.status, 1, "{ignored}");
    way.times(9, "DELETE", "versionId", Fault::HangUp);
    let silent = run();
    assert_eq!(
        promises(&silent, "not-shown"),
        ["delete-refused"],
        "{silent}"
    );
    assert_eq!(silent.status, 2, "{silent}");
}

/// The permissions that the help names are enough, and each is needed: a refusal that a missing permission explains is not a promise that was kept.
#[tokio::test(flavor = "multi_thread")]
async fn the_permissions_of_the_help_are_enough() {
    let world = World::of(Engine::Ministack.start_guarded(), 1).await;
    let help = auditlog_tests::command("auditlog-verify")
        .args(["probe", "--help"])
        .run()
        .ok();
    let named: Vec<&str> = help
        .stdout
        .split([' ', ',', '\n'])
        .filter(|word| word.starts_with("s3:") && !word.contains('/'))
        .collect();
    assert_eq!(named.len(), 6, "{help}");
    let user = |actions: &[&str]| {
        let allow = json!({ "Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:s3:::{BUCKET}/archive/*") });
        let (id, secret) = world
            .endpoint
            .user(&json!({ "Version": "2012-10-17", "Statement": [allow] }));
        probe(&world, &["--output", "json"])
            .envs(world.endpoint.env_with(&id, &secret))
            .run()
    };
    let run = user(&named).ok();
    assert_eq!(promises(&run, "held").len(), 5, "{run}");
    let run = user(&named[2..]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
    assert!(run.stderr.contains("hint: allow s3:PutObject"), "{run}");
    for missing in ["s3:DeleteObject", "s3:DeleteObjectVersion"] {
        let others: Vec<&str> = named
            .iter()
            .copied()
            .filter(|one| *one != missing)
            .collect();
        let run = user(&others);
        assert_eq!(promises(&run, "not-shown"), ["delete-refused"], "{run}");
        assert_eq!(run.status, 2, "{run}");
        let hint = format!("allow {missing} under this prefix");
        assert!(run.stdout.contains(&hint), "{run}");
    }
}

#[test]
fn a_canary_is_put_under_a_declared_prefix_of_the_policys_bucket_only() {
    let folder = Folder::new();
    let probe = |target: &str| {
        auditlog_tests::command("auditlog-verify")
            .args(["probe", "--policy"])
            .arg(folder.path("policy.json"))
            .arg(target)
    };
    no_verdict(
        probe("s3://acme-audit/logs/payments"),
        "does not declare the prefix logs/payments/",
        "archive/",
    );
    no_verdict(
        probe("s3://another/archive"),
        "the trust policy names bucket acme-audit",
        "policy of this bucket",
    );
    no_verdict(
        probe("./archive"),
        "expected s3://BUCKET[/PREFIX]",
        "a folder has no locks",
    );
    let mut policy: Value =
        serde_json::from_slice(&std::fs::read(folder.path("policy.json")).expect("the policy"))
            .expect("JSON");
    policy
        .as_object_mut()
        .expect("an object")
        .remove("declared_prefixes");
    std::fs::write(folder.path("policy.json"), policy.to_string()).expect("a file");
    no_verdict(
        probe("s3://acme-audit"),
        "does not declare a prefix for a canary",
        "declared_prefixes",
    );
}
