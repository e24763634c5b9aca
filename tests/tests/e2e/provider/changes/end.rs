//! The end and the beginning of a log, as they are declared, must be those of its segments.

use auditlog_tests::{Answer, Fault, Proxy, Run};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, DeletedObject, ObjectIdentifier};
use serde_json::Value;

use super::{ADDRESS, Trail, declaration, flat, log, refused, values};

const LOCK: &str = "mode = \"GOVERNANCE\", days = 3";
const ROOT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn ended(values: &str) -> String {
    declaration(
        LOCK,
        &log("payments", &format!("ended = {{ {values} }}")),
        "",
    )
}

fn wrong(segment: u32) -> String {
    ended(&format!(
        "segment = {segment}, size = 6, root = \"{ROOT}\", sealed = \"2026-01-01T00:00:00Z\", stored = \"2026-01-01T00:00:00Z\""
    ))
}

/// The values that the refusal says to set.
fn suggested(plan: &Run) -> String {
    let lines = plan.json_lines();
    let mut details = lines
        .iter()
        .filter_map(|line| line["diagnostic"]["detail"].as_str());
    let detail = details.find_map(|detail| detail.split_once("ended = {"));
    let (_, values) = detail.unwrap_or_else(|| panic!("no end in {plan}"));
    let values = values.split_once('}').expect("the end of it").0;
    values.trim().replace('\n', ",")
}

/// Sets so many delete markers before the first segment.
async fn mark(s3: &Client, count: usize) -> Vec<ObjectIdentifier> {
    let key = |n| format!("logs/payments/000000000000.a{n:06}");
    let named = (0..count).map(|n| ObjectIdentifier::builder().key(key(n)).build());
    let set = delete(s3, named.collect::<Result<_, _>>().expect("a key")).await;
    let marker = |set: DeletedObject| {
        let marker = ObjectIdentifier::builder().set_key(set.key);
        marker.set_version_id(set.delete_marker_version_id).build()
    };
    let markers = set.into_iter().map(marker);
    markers.collect::<Result<_, _>>().expect("a marker")
}

/// Deletes by as few requests as there can be.
async fn delete(s3: &Client, mut objects: Vec<ObjectIdentifier>) -> Vec<DeletedObject> {
    let mut deleted = Vec::new();
    while !objects.is_empty() {
        let some = objects.split_off(objects.len().saturating_sub(1_000));
        let some = Delete::builder().set_objects(Some(some)).build();
        let request = s3.delete_objects().bucket("acme-audit");
        let answer = request.delete(some.expect("objects")).send().await;
        deleted.extend(answer.expect("an answer").deleted.unwrap_or_default());
    }
    deleted
}

#[tokio::test]
async fn end_is_that_of_a_segment_and_is_not_taken_back() {
    let trail = Trail::of(&declaration(LOCK, &log("payments", ""), ""));
    trail.seal(&trail.export("first.json"));
    refused(
        &trail.stack,
        &wrong(9),
        "Segment 9 does not exist under \"logs/payments/\"",
    );
    // delete markers hide a segment from a listing of objects, and not from this one, also where they fill its first page
    let s3 = trail.stack.endpoint.s3();
    let markers = mark(&s3, 1_200).await;
    refused(
        &trail.stack,
        &wrong(9),
        "Segment 9 does not exist under \"logs/payments/\"",
    );
    delete(&s3, markers).await;
    refused(
        &trail.stack,
        &wrong(1),
        "At logs[\"payments\"].ended: Segment 1 has another `root` and `sealed` and `stored`.",
    );
    let plan = trail.stack.terraform.run(&["plan", "-json"]);
    let right = ended(&suggested(&plan));
    trail.becomes(&right);
    trail.stack.assert_no_changes();
    let policy = trail.stack.terraform.output("trust_policy");
    let policy: Value = serde_json::from_str(policy.as_str().expect("a text")).expect("JSON");
    assert_eq!(policy["logs"][0]["ended"]["segment"], 1);
    trail.verify(&trail.export("ended.json"));
    let put = s3.get_bucket_policy().bucket("acme-audit").send().await;
    let put = put.expect("a policy").policy.expect("a text");
    assert!(put.contains("AuditlogWrite1"), "nobody may write: {put}");

    refused(&trail.stack, &wrong(1), "Segment 1 has another `root`");
    let open = declaration(LOCK, &log("payments", ""), "");
    refused(&trail.stack, &open, "An ended log does not go on");
    // the tags of the bucket say it, too
    trail.stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    let import = "import {\n  to = auditlog_bucket.audit\n  id = \"acme-audit\"\n}\n";
    refused(
        &trail.stack,
        &(open + import),
        "An ended log does not go on",
    );
    trail.becomes(&(right + import));
    trail.stack.assert_no_changes();
}

/// Where the segment cannot be read, only its time is compared. What was wrong all the same can be corrected, or taken back.
#[test]
fn end_that_could_not_be_checked_is_corrected_later() {
    let trail = Trail::of(&declaration(LOCK, &log("payments", ""), ""));
    trail.seal(&trail.export("first.json"));
    trail.stack.configure(&wrong(1));
    let right = suggested(&trail.stack.terraform.run(&["plan", "-json"]));
    let root = right.split("root    = ").nth(1).expect("a root");
    let root = root.split(',').next().expect("its text");
    let unread = ended(&right.replace(root, &format!("\"{ROOT}\"")));
    trail.stack.configure(&unread);
    let way = Proxy::to(trail.stack.endpoint.url());
    let denied = Fault::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    way.from_now_on("GET", "/acme-audit/logs/payments/", denied);
    let apply = trail
        .stack
        .terraform
        .command(&["apply", "-no-color", "-auto-approve"]);
    let apply = apply.env("AWS_ENDPOINT_URL", way.url()).run().ok();
    let text = flat(&apply.stdout.replace(['│', '╷', '╵'], " "));
    for said in [
        "The declared end was not checked",
        "At logs[\"payments\"].ended: GetObject on acme-audit failed: AccessDenied",
    ] {
        assert!(text.contains(said), "{said:?} is not in {apply}");
    }
    trail.stack.configure(&ended(&right));
    assert_eq!(trail.stack.planned(ADDRESS).actions, ["update"]);
    trail
        .stack
        .configure(&declaration(LOCK, &log("payments", ""), ""));
    let apply = trail.stack.terraform.apply().ok();
    assert!(
        apply
            .stdout
            .contains("The declared end of a log is taken back"),
        "{apply}"
    );
    trail.seal(&trail.export("again.json"));
    trail.verify(&trail.export("again.json"));
}

#[test]
fn log_that_goes_on_after_its_declared_end_is_pointed_out() {
    let trail = Trail::of(&declaration(LOCK, &log("payments", ""), ""));
    for _ in 0..2 {
        trail.seal(&trail.export("first.json"));
    }
    trail.stack.configure(&wrong(1));
    let right = suggested(&trail.stack.terraform.run(&["plan", "-json"]));
    trail.stack.configure(&ended(&right));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let said = "There are segments after segment 1. The verifier will report them as disowned.";
    let text = flat(&plan.stdout.replace(['│', '╷', '╵'], " "));
    assert!(text.contains(said), "{plan}");
}

#[test]
fn beginning_is_not_after_the_first_segment_and_can_be_corrected() {
    let began = |time: &str| {
        let began = format!("began = \"{time}\"");
        declaration(LOCK, &log("payments", &began), "")
    };
    let trail = Trail::of(&declaration(LOCK, &log("payments", ""), ""));
    trail.seal(&trail.export("first.json"));
    let said = "At logs[\"payments\"].began:";
    refused(
        &trail.stack,
        &began("2099-01-01T00:00:00Z"),
        &format!("{said} It is in the future"),
    );
    let now = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
    let now = auditlog_chain::timestamp::Timestamp::from_system_time(now).expect("a time");
    while std::time::SystemTime::now()
        < std::time::UNIX_EPOCH + std::time::Duration::from_micros(now.as_micros().unsigned_abs())
    {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    refused(
        &trail.stack,
        &began(&now.to_rfc3339()),
        &format!("{said} The first segment was stored at "),
    );
    trail.stack.configure(&began("2026-01-01T00:00:00Z"));
    let plan = trail.stack.terraform.plan();
    let warning = "the verifier will report silence";
    assert!(flat(&plan.stdout).contains(warning), "{plan}");
    trail.stack.terraform.apply().ok();
    // to leave it out keeps it; to set it corrects it
    let first = declaration(LOCK, &log("payments", ""), "");
    trail.stack.configure(&first);
    trail.stack.assert_no_changes();
    let created = values(&trail.stack.terraform, ADDRESS)["creation_date"].clone();
    let created = created.as_str().expect("a time");
    trail.becomes(&began(created));
    trail.verify(&trail.export("corrected.json"));
}
