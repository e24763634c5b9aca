//! What is left when AWS says no in the middle: on a way to it that answers some requests itself.

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Terraform};
use serde_json::Value;

use crate::provider::stack::{Change, assert_no_changes, values};
use crate::seal::bench as seal;
use crate::support::engines::on_each_engine;

on_each_engine! {
    settings_that_race_with_others_are_tried_again,
    half_made_bucket_is_kept_tainted_and_replaced,
    interrupted_create_leaves_the_bucket_in_the_state,
    update_that_fails_half_way_leaves_the_truth_in_the_state,
    bucket_of_another_region_or_account_is_not_taken_for_one_that_is_gone,
}

const ADDRESS: &str = "auditlog_bucket.audit";

fn bucket(days: u32, tag: &str) -> String {
    format!(
        "resource \"auditlog_bucket\" \"audit\" {{\n  bucket      = \"trail\"\n  object_lock = {{ mode = \"GOVERNANCE\", days = {days} }}\n  tags        = {{ a = \"{tag}\" }}\n}}\n"
    )
}

fn start(engine: Engine) -> (Endpoint, Proxy, Terraform) {
    let endpoint = engine.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, &bucket(1, "x"));
    terraform.init();
    (endpoint, way, terraform)
}

fn refusal(status: &'static str, code: &'static str) -> Fault {
    Fault::Answer(Answer::refusal(status, code))
}

fn settings_that_race_with_others_are_tried_again(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine);
    let aborted = refusal("409 Conflict", "OperationAborted");
    way.times(2, "PUT", "?policy", aborted);
    let unknown = refusal("404 Not Found", "NoSuchBucket");
    way.once("PUT", "?object-lock", unknown);
    terraform.apply().ok();
    assert_eq!(way.faults(), 3);
    assert_no_changes(&terraform);
}

fn half_made_bucket_is_kept_tainted_and_replaced(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine);
    way.once("PUT", "?policy", refusal("403 Forbidden", "AccessDenied"));
    let failed = terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let text = failed
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("The bucket was created, but not finished"),
        "{failed}"
    );
    assert!(
        text.contains("PutBucketPolicy on trail failed: AccessDenied"),
        "{failed}"
    );

    let half_made = values(&terraform, ADDRESS);
    assert_eq!(half_made["bucket"], "trail");
    assert_eq!(half_made["public_access_block"]["block_public_acls"], true);
    assert_eq!(half_made["policy"], Value::Null);
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.actions, ["delete", "create"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

fn interrupted_create_leaves_the_bucket_in_the_state(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine);
    let aborted = refusal("409 Conflict", "OperationAborted");
    way.from_now_on("PUT", "?policy", aborted);
    let apply = terraform.command(&["apply", "-no-color", "-auto-approve"]);
    let apply = seal::start(apply);
    way.wait_for_faults(1);
    // the provider waits for the bucket to settle, which it never will; this is what Ctrl-C sends
    seal::signal(&apply.0, "INT");
    let interrupted = seal::ended(apply);
    assert_eq!(interrupted.status, 1, "{interrupted}");
    let text = interrupted
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains(
            "PutBucketPolicy on trail was not done: Terraform asked the provider to stop"
        ),
        "{interrupted}"
    );
    assert_eq!(values(&terraform, ADDRESS)["bucket"], "trail");

    way.heal();
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

fn update_that_fails_half_way_leaves_the_truth_in_the_state(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine);
    terraform.apply().ok();
    terraform.write("main.tf", &bucket(2, "y"));
    way.once("PUT", "?tagging", refusal("403 Forbidden", "AccessDenied"));
    let failed = terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let state = values(&terraform, ADDRESS);
    assert_eq!(
        (&state["object_lock"]["days"], &state["tags"]["a"]),
        (&Value::from(2), &Value::from("x"))
    );
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    // What was declared is in the tags too.
    assert_eq!(change.attributes, ["lock_spans", "tags", "tags_all"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

/// S3 answers a HEAD without a body, so without a code; these endpoints answer for every region and account.
fn bucket_of_another_region_or_account_is_not_taken_for_one_that_is_gone(engine: Engine) {
    let (_endpoint, way, terraform) = start(engine);
    terraform.apply().ok();
    let forbidden = Answer::refusal("403 Forbidden", "AccessDenied");
    let region =
        "The bucket is in \"eu-west-1\", not in the provider's `region`. Use a provider block";
    let permission = "need the permission s3:ListBucket, and no policy may deny it.";
    for (answer, said) in [
        (Answer::PERMANENT_REDIRECT, &[region][..]),
        (
            forbidden,
            &[permission, "Or the bucket belongs to another account."],
        ),
    ] {
        way.once("HEAD", "/trail", Fault::Answer(answer));
        let plan = terraform.plan();
        assert_eq!(plan.status, 1, "{plan}");
        let text = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in said {
            assert!(text.contains(said), "{said:?} is not said: {plan}");
        }
    }
}
