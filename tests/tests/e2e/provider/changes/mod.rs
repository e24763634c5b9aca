//! Changes of a declaration over a log that is being sealed: the verifier stays green, whichever file the sealer has.

mod arguments;
mod drift;
mod end;
mod import;
mod logs;
mod others;
mod prefix;
mod refusals;
mod retention;

use std::fs;
use std::thread;
use std::time::Duration;

use auditlog_tests::{Engine, Run, command};
use serde_json::Value;

use crate::provider::logs::{declaration, flat, log};
use crate::provider::stack::{Stack, values};

const ADDRESS: &str = "auditlog_bucket.audit";
const ORIGIN: &str = "acme-audit/payments";

/// A log that is sealed while its declaration changes.
struct Trail {
    stack: Stack,
}

impl Trail {
    fn of(config: &str) -> Self {
        Self {
            stack: Stack::applied(Engine::Ministack, config),
        }
    }

    /// Applies another declaration.
    fn becomes(&self, config: &str) {
        self.stack.configure(config);
        self.stack.terraform.apply().ok();
    }

    /// Stores the policy that is exported now under this name, for a sealer or a verifier.
    fn export(&self, name: &str) -> String {
        let policy = self.stack.terraform.output("trust_policy");
        let path = self.stack.terraform.path().join(name);
        fs::write(&path, policy.as_str().expect("a text")).expect("the policy");
        path.to_str().expect("a path").to_owned()
    }

    #[track_caller]
    fn seal(&self, policy: &str) -> Run {
        self.append(policy).ok()
    }

    fn append(&self, policy: &str) -> Run {
        let spool = self.stack.terraform.path().join("spool");
        let run = command("auditlog-seal").envs(self.stack.endpoint.env());
        let run = run.args(["append", "--policy", policy, "--log", ORIGIN]);
        let run = run.args(["--kms-key", "alias/acme-audit", "--spool"]);
        run.arg(spool).input("{\"paid\":1}\n").run()
    }

    #[track_caller]
    fn verify(&self, policy: &str) -> Run {
        let run = command("auditlog-verify").envs(self.stack.endpoint.env());
        run.args(["--policy", policy]).run().ok()
    }

    fn spans(&self) -> Value {
        values(&self.stack.terraform, ADDRESS)["lock_spans"].clone()
    }

    /// Waits until the last span has begun.
    fn await_last_span(&self) {
        let spans = self.spans();
        let last = spans
            .as_array()
            .and_then(|spans| spans.last())
            .expect("a span");
        let from = last["from"].as_str().expect("a time").to_owned();
        while auditlog_chain::timestamp::Timestamp::from_system_time(std::time::SystemTime::now())
            .expect("a time")
            .to_rfc3339()
            <= from
        {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A bucket with one log and a lock of so many days.
fn days(days: u32, more: &str) -> String {
    let lock = format!("mode = \"GOVERNANCE\", days = {days}, notice = \"5s\"");
    declaration(&lock, &log("payments", ""), more)
}

/// A plan of this configuration is refused in these words.
#[track_caller]
fn refused(stack: &Stack, config: &str, said: &str) {
    stack.configure(config);
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    assert!(
        flat(&plan.stderr).contains(said),
        "{said:?} is not in {plan}"
    );
}
