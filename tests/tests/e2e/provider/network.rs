//! Answers that mislead, and ways that fail: nothing is taken for gone, and nothing goes on for ever.

use std::time::{Duration, Instant};

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Run, Terraform};

use crate::provider::stack::{assert_no_changes, said, values};
use crate::seal::bench as seal;
use crate::support::engines::on_each_engine;

on_each_engine! {
    one_answer_of_not_found_does_not_drop_anything_from_the_state,
}

const CONFIG: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_signing_key" "audit" {
  alias    = "alias/audit"
  key_spec = "ECC_NIST_P256"
}
"#;

const BUCKET: &str = "auditlog_bucket.audit";
const KEY: &str = "auditlog_signing_key.audit";

fn start(engine: Engine, config: &str) -> (Endpoint, Proxy, Terraform) {
    let endpoint = engine.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, config);
    terraform.init();
    (endpoint, way, terraform)
}

fn one_answer_of_not_found_does_not_drop_anything_from_the_state(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine, CONFIG);
    terraform.apply().ok();
    let absent = Answer::kms_refusal("404 Not Found", "NotFoundException");
    way.once(
        "HEAD",
        "/trail",
        Fault::Answer(Answer::empty("404 Not Found")),
    );
    way.once("POST", "DescribeKey", Fault::Answer(absent));
    assert_no_changes(&terraform);
    assert_eq!(way.faults(), 2);

    // what answers so to everything is not S3
    let empty = Answer::empty("404 Not Found");
    way.from_now_on("", "/trail", Fault::Answer(empty));
    let run = terraform.run(&["plan", "-no-color", "-target", BUCKET]);
    said(
        &run,
        &[
            "GetBucketVersioning on trail failed: NotFound",
            "Nothing was taken for deleted.",
        ],
    );
    way.heal();
    assert_no_changes(&terraform);
    assert_ne!(values(&terraform, KEY)["key_id"], serde_json::Value::Null);
}

/// Sends what Ctrl-C sends once something went wrong so often, and says how long the apply went on from there.
fn interrupted(terraform: &Terraform, way: &Proxy, faults: usize) -> (Run, Duration) {
    let apply = terraform.command(&["apply", "-no-color", "-auto-approve"]);
    let apply = seal::start(apply);
    way.wait_for_faults(faults);
    seal::signal(&apply.0, "INT");
    let started = Instant::now();
    (seal::ended(apply), started.elapsed())
}

#[test]
fn interrupt_ends_the_retries_of_a_call() {
    let patient = "provider \"auditlog\" {\n  max_retries               = 50\n  operation_timeout_seconds = 3600\n}\n";
    let (_endpoint, way, terraform) = start(Engine::Ministack, &format!("{patient}{CONFIG}"));
    way.from_now_on("PUT", "?policy", Fault::Answer(Answer::SLOW_DOWN));
    let (run, took) = interrupted(&terraform, &way, 2);
    let given_up =
        "PutBucketPolicy on trail was given up: Terraform asked the provider to stop, and of";
    said(&run, &[given_up, "The next plan reads what is there."]);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(values(&terraform, BUCKET)["bucket"], "trail");
    way.heal();
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

#[test]
fn interrupt_gives_a_call_without_an_answer_ten_seconds() {
    let patient = "provider \"auditlog\" {\n  attempt_timeout_seconds   = 600\n  operation_timeout_seconds = 3600\n}\n";
    let (_endpoint, way, terraform) = start(Engine::Ministack, &format!("{patient}{CONFIG}"));
    way.from_now_on("PUT", "?policy", Fault::Silence);
    let (run, took) = interrupted(&terraform, &way, 1);
    said(&run, &["PutBucketPolicy on trail"]);
    assert!(took < Duration::from_mins(1), "{took:?}");
    way.heal();
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

const MANY: &str = r#"
resource "auditlog_bucket" "audit" {
  count       = 50
  bucket      = "trail-${count.index}"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_signing_key" "audit" {
  count    = 50
  alias    = "alias/audit-${count.index}"
  key_spec = "ECC_NIST_P256"
}
"#;

#[test]
fn fifty_buckets_and_keys_at_once_need_few_open_files() {
    let (_endpoint, _way, terraform) = start(Engine::Ministack, MANY);
    let limited = "ulimit -n 256\nterraform apply -no-color -parallelism=100 >/dev/null\nterraform plan -no-color -parallelism=100 -detailed-exitcode\n";
    terraform.shell(limited).ok();
}
