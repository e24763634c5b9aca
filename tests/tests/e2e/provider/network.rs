//! Answers that mislead, and ways that fail: nothing is taken for gone, and nothing goes on for ever.

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Run, Terraform};

use crate::provider::stack::{assert_no_changes, values};
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
  spec = "ECC_NIST_P256"
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

/// It failed, and says all of this; Terraform wraps its lines.
#[track_caller]
fn said(run: &Run, wanted: &[&str]) {
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not said: {run}");
    }
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
