//! A retention that is lengthened and shortened, and a lock of a log's own, over a log that is being sealed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{ADDRESS, ORIGIN, Trail, days, declaration, log, values};
use auditlog_tests::command;

#[test]
fn retention_is_lengthened_and_shortened_while_the_log_is_sealed_with_either_file() {
    let trail = Trail::of(&days(3, ""));
    let first = trail.export("first.json");
    trail.seal(&first);
    trail.verify(&first);

    trail.stack.configure(&days(5, ""));
    assert_eq!(
        trail.stack.planned(ADDRESS).attributes,
        [
            "lock_spans",
            "object_lock",
            "policy",
            "trust_policy",
            "trust_policy_sha256"
        ]
    );
    trail.stack.terraform.apply().ok();
    let longer = trail.export("longer.json");
    let spans = trail.spans();
    assert_eq!(
        (&spans[0]["days"], &spans[1]["days"]),
        (&json!(3), &json!(5))
    );
    trail.seal(&first);
    trail.verify(&longer);
    trail.await_last_span();
    // The bucket's longer default counts, so a sealer that is too late locks long enough.
    assert_eq!(trail.seal(&first).stderr, "");
    trail.verify(&longer);
    trail.seal(&longer);
    trail.verify(&longer);
    // The change is over, so the policy becomes narrower.
    trail.stack.terraform.apply().ok();
    trail.stack.assert_no_changes();

    trail.becomes(&days(3, "  allow_weakening = [\"retention 5d -> 3d\"]"));
    let shorter = trail.export("shorter.json");
    assert_eq!(trail.spans().as_array().map(Vec::len), Some(3));
    trail.verify(&shorter);
    assert_eq!(
        trail.seal(&longer).stderr,
        "warning: the default retention of the bucket acme-audit is GOVERNANCE for 3 days, but the trust policy declares \
         GOVERNANCE for 5 days. Segments are locked as the trust policy declares. If the retention was weakened on purpose, \
         give the new trust policy (terraform output -raw trust_policy); otherwise apply the Terraform configuration again\n"
    );
    trail.verify(&shorter);
    trail.seal(&shorter);
    trail.verify(&shorter);
}

#[test]
fn log_gets_a_lock_of_its_own_and_a_shorter_silence_while_it_is_sealed() {
    let lock = "mode = \"GOVERNANCE\", days = 3, notice = \"5s\"";
    let with = |more: &str| declaration(lock, &log("payments", more), "");
    let trail = Trail::of(&with(""));
    let first = trail.export("first.json");
    trail.seal(&first);
    trail.becomes(&with(
        "max_silence = \"12h\", object_lock = { mode = \"GOVERNANCE\", days = 4 }",
    ));
    let second = trail.export("second.json");
    trail.seal(&first);
    trail.verify(&second);
    // The bucket's default is shorter than the log's own lock, as it may be.
    assert_eq!(trail.seal(&second).stderr, "");
    trail.verify(&second);
    let spans = values(&trail.stack.terraform, ADDRESS)["log_spans"]["payments"].clone();
    assert_eq!(spans["lock"][1]["days"], 4);
    assert_eq!(spans["max_silence"][1]["seconds"], 43_200);
    assert_eq!(spans["lock"][1]["from"], spans["max_silence"][1]["from"]);
}

/// With a notice of a day, so that no change is over during the test.
#[test]
fn changes_within_a_notice_keep_what_is_pending_and_stay_consistent() {
    let with = |lock: &str, logs: &str| declaration(&format!("mode = {lock}"), logs, "");
    let payments = |silence: &str| log("payments", &format!("max_silence = {silence:?}"));
    let trail = Trail::of(&with("\"GOVERNANCE\", days = 3", &payments("25h")));
    let first = trail.export("first.json");
    trail.seal(&first);

    // Spans begin at whole seconds: of two changes in one, the later one alone would be pending.
    let later = || thread::sleep(Duration::from_secs(1));
    trail.becomes(&with("\"GOVERNANCE\", days = 4", &payments("2d")));
    later();
    trail.becomes(&with("\"GOVERNANCE\", days = 10", &payments("2d")));
    later();
    let both = format!("{}{}", payments("2d"), log("audit", "max_silence = \"2d\""));
    trail.becomes(&with("\"GOVERNANCE\", days = 10", &both));
    trail.becomes(&with(
        "\"COMPLIANCE\", days = 10, notice = \"29d\", acknowledge_irreversible = \"COMPLIANCE 10 days\"",
        &both,
    ));
    let last = trail.export("last.json");
    let spans = trail.spans();
    let spans = spans.as_array().unwrap().iter();
    let spans: Vec<_> = spans
        .map(|span| {
            (
                span["mode"].as_str().unwrap(),
                span["days"].as_u64().unwrap(),
            )
        })
        .collect();
    let kept = [("GOVERNANCE", 3), ("GOVERNANCE", 4), ("GOVERNANCE", 10)];
    assert_eq!(spans, [&kept[..], &[("COMPLIANCE", 10)]].concat());
    let of_logs = values(&trail.stack.terraform, ADDRESS)["log_spans"].clone();
    let silences = |log: &str| {
        let spans = of_logs[log]["max_silence"].as_array().unwrap();
        let seconds = spans.iter().map(|span| span["seconds"].as_u64().unwrap());
        (seconds.collect::<Vec<_>>(), spans[1]["from"].clone())
    };
    let four_days = trail.spans()[1]["from"].clone();
    assert_eq!(
        silences("payments"),
        (vec![90_000, 172_800], four_days.clone())
    );
    assert_eq!(silences("audit"), (vec![129_600, 172_800], four_days));
    trail.seal(&first);
    let run = command("auditlog-verify").envs(trail.stack.endpoint.env());
    run.args(["--policy", &last, "--log", ORIGIN]).run().ok();
}

/// A sealer that never stops, and follows each new file late or at once.
struct Sealer<'a> {
    trail: &'a Trail,
    policy: Mutex<String>,
    done: AtomicBool,
}

impl Sealer<'_> {
    fn policy(&self) -> String {
        self.policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn follow(&self, policy: &str) {
        policy.clone_into(&mut self.policy.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How many segments it has sealed, without one that was refused.
    fn seal(&self) -> usize {
        let mut sealed = 0;
        while !self.done.load(Ordering::Relaxed) {
            self.trail.seal(&self.policy());
            sealed += 1;
        }
        sealed
    }
}

/// Ends the sealer, also where the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn verifier_is_green_at_every_moment_of_a_change_while_the_sealer_never_stops() {
    let trail = Trail::of(&days(3, ""));
    let first = trail.export("first.json");
    let sealer = Sealer {
        trail: &trail,
        policy: Mutex::new(first.clone()),
        done: AtomicBool::new(false),
    };
    let count = thread::scope(|scope| {
        let sealing = scope.spawn(|| sealer.seal());
        let end = End(&sealer.done);
        trail.becomes(&days(5, ""));
        let longer = trail.export("longer.json");
        trail.verify(&longer);
        trail.await_last_span();
        trail.verify(&longer);
        sealer.follow(&longer);
        trail.verify(&longer);
        trail.becomes(&days(3, "  allow_weakening = [\"retention 5d -> 3d\"]"));
        let shorter = trail.export("shorter.json");
        trail.verify(&shorter);
        sealer.follow(&shorter);
        trail.verify(&shorter);
        trail.verify(&shorter);
        drop(end);
        sealing.join().expect("no segment was refused")
    });
    assert!(count > 10, "{count} segments");
    let last = trail.verify(&trail.export("last.json"));
    let all = format!("segments 0 to {count}");
    assert!(last.stdout.contains(&all), "{all}: {last}");
}
