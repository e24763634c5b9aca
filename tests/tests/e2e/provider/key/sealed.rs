//! A key is rotated over a log that is sealed all the time: the verifier stays green throughout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Endpoint, Engine, Run, command};
use serde_json::Value;

use super::{ADDRESS, states};
use crate::provider::logs::{declaration, log};
use crate::provider::stack::{Stack, values};

/// Longer than a few segments take, even on a machine under load.
const PATIENCE: Duration = Duration::from_mins(2);

/// Seals one segment after the other, each under the policy that its file holds just then.
struct Sealer<'a> {
    endpoint: &'a Endpoint,
    folder: PathBuf,
    sealed: AtomicUsize,
    stop: AtomicBool,
}

impl Sealer<'_> {
    fn run(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            self.seal().ok();
            self.sealed.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// It has the old key at hand, to announce the new one.
    fn seal(&self) -> Run {
        let policy = self.folder.join("policy.json");
        let read: Value = serde_json::from_slice(&fs::read(&policy).unwrap()).unwrap();
        let keys = read["keys"].as_array().unwrap();
        let old = keys.iter().rev().nth(1);
        let old = old.map(|key| key["arn"].as_str().unwrap());
        let run = command("auditlog-seal").envs(self.endpoint.env());
        let run = run.args(["append", "--policy"]).arg(&policy);
        let run = run.arg("--spool").arg(self.folder.join("spool"));
        let previous = old.map(|old| ["--previous-kms-key", old]);
        let run = run.args(previous.into_iter().flatten());
        run.input("{\"paid\":1}\n").run()
    }

    fn await_two_more(&self) {
        let wanted = self.sealed.load(Ordering::SeqCst) + 2;
        let begun = Instant::now();
        while self.sealed.load(Ordering::SeqCst) < wanted {
            assert!(begun.elapsed() < PATIENCE, "nothing is sealed any more");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn rotated(spec: &str, trigger: &str) -> String {
    let alias = "alias = \"alias/acme-audit\"";
    let key = format!("{alias}\n  key_spec = {spec:?}\n  rotation = {{ trigger = {trigger:?} }}");
    let lock = "mode = \"GOVERNANCE\", days = 3";
    declaration(lock, &log("payments", ""), "").replacen(alias, &key, 1)
}

fn export(stack: &Stack, name: &str) -> PathBuf {
    let policy = stack.terraform.output("trust_policy");
    let path = stack.terraform.path().join(name);
    fs::write(&path, policy.as_str().expect("a text")).unwrap();
    path
}

#[track_caller]
fn verify(endpoint: &Endpoint, policy: &Path) {
    let run = command("auditlog-verify").envs(endpoint.env());
    run.arg("--policy").arg(policy).run().ok();
}

#[test]
fn key_is_rotated_over_a_log_that_is_being_sealed_and_the_verifier_stays_green() {
    let (ed25519, p256) = ("ECC_NIST_EDWARDS25519", "ECC_NIST_P256");
    let stack = Stack::applied(Engine::Ministack, &rotated(ed25519, "a"));
    let policy = export(&stack, "policy.json");
    let sealer = Sealer {
        endpoint: &stack.endpoint,
        folder: stack.terraform.path(),
        sealed: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let running = scope.spawn(|| sealer.run());
        sealer.await_two_more();
        verify(&stack.endpoint, &policy);
        // by a trigger, and by another spec
        for config in [rotated(ed25519, "b"), rotated(p256, "b")] {
            stack.configure(&config);
            stack.terraform.apply().ok();
            // the sealer has the old policy, and the old key may sign for some days more
            verify(&stack.endpoint, &policy);
            let next = export(&stack, "next.json");
            sealer.await_two_more();
            verify(&stack.endpoint, &next);
            fs::rename(&next, &policy).unwrap();
            sealer.await_two_more();
            verify(&stack.endpoint, &policy);
        }
        sealer.stop.store(true, Ordering::SeqCst);
        running.join().unwrap();
    });
    verify(&stack.endpoint, &policy);
    stack.assert_no_changes();
    let key = values(&stack.terraform, ADDRESS);
    assert_eq!(states(&key), ["grace", "grace", "current"]);
}
