//! What becomes of a bucket that holds something when its resource is destroyed.

use std::time::{Duration, SystemTime};

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Run, Terraform};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockMode};

use crate::provider::stack::values;
use crate::seal::bench as seal;

const ADDRESS: &str = "auditlog_bucket.audit";

fn start(on_destroy: &str) -> (Endpoint, Proxy, Terraform) {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let config = format!(
        "resource \"auditlog_bucket\" \"audit\" {{\n  bucket      = \"trail\"\n  object_lock = {{ mode = \"GOVERNANCE\", days = 1 }}\n  on_destroy  = \"{on_destroy}\"\n}}\n"
    );
    let terraform = Terraform::with_config(&env, &config);
    terraform.init();
    terraform.apply().ok();
    (endpoint, way, terraform)
}

async fn put(s3: &aws_sdk_s3::Client, key: &str, mode: ObjectLockMode) {
    let until = SystemTime::now()
        .checked_add(Duration::from_hours(24))
        .unwrap();
    s3.put_object()
        .bucket("trail")
        .key(key)
        .body(ByteStream::from_static(b"x"))
        .object_lock_mode(mode)
        .object_lock_retain_until_date(until.into())
        .send()
        .await
        .unwrap();
}

async fn versions(s3: &aws_sdk_s3::Client) -> usize {
    let listed = s3.list_object_versions().bucket("trail").send().await;
    let listed = listed.unwrap();
    listed.versions().len() + listed.delete_markers().len()
}

#[track_caller]
fn said(run: &Run, status: i32, wanted: &[&str]) {
    assert_eq!(run.status, status, "{run}");
    let all = format!("{} {}", run.stdout, run.stderr).replace(['│', '╷', '╵'], " ");
    let text = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not said: {run}");
    }
}

/// The create would find the bucket, after Terraform has dropped it from the state.
#[tokio::test]
async fn replacement_of_a_bucket_that_stays_is_refused_by_the_plan() {
    let (endpoint, _way, terraform) = start("forget");
    put(&endpoint.s3(), "a", ObjectLockMode::Governance).await;
    let replace = format!("-replace={ADDRESS}");
    let plan = terraform.run(&["plan", "-no-color", &replace]);
    said(
        &plan,
        1,
        &[
            "The bucket exists already",
            "A replacement (`-replace`, or `terraform taint`) would fail after its first half, because `on_destroy` leaves the bucket in \
             place: plan without it.",
            "it holds object versions or delete markers",
        ],
    );
    assert_eq!(values(&terraform, ADDRESS)["bucket"], "trail");
}

/// Whole pages are deleted, or none; the next destroy goes on.
#[tokio::test]
async fn interrupted_emptying_ends_soon_and_goes_on_the_next_time() {
    let (endpoint, way, terraform) = start("empty");
    put(&endpoint.s3(), "a", ObjectLockMode::Governance).await;
    let slow = Fault::Answer(Answer::refusal("503 Slow Down", "SlowDown"));
    way.from_now_on("POST", "?delete", slow);
    let before = way.faults();
    let destroy = seal::start(terraform.command(&["destroy", "-no-color", "-auto-approve"]));
    way.wait_for_faults(before + 1);
    let asked = std::time::Instant::now();
    seal::signal(&destroy.0, "INT");
    let interrupted = seal::ended(destroy);
    assert_eq!(interrupted.status, 1, "{interrupted}");
    assert!(asked.elapsed() < Duration::from_secs(45), "{interrupted}");
    assert_eq!(values(&terraform, ADDRESS)["bucket"], "trail");
    assert_eq!(versions(&endpoint.s3()).await, 1);
    way.heal();
    terraform.destroy().ok();
    let gone = endpoint.s3().head_bucket().bucket("trail").send().await;
    assert!(gone.is_err());
}

#[tokio::test]
async fn forgotten_bucket_stays_with_all_that_it_holds() {
    let (endpoint, way, terraform) = start("forget");
    put(&endpoint.s3(), "a", ObjectLockMode::Governance).await;
    said(&terraform.destroy(), 0, &["The bucket will stay"]);
    assert_eq!(versions(&endpoint.s3()).await, 1);
    assert_eq!(way.requests("DELETE", "/trail"), 0);
}

#[tokio::test]
async fn bucket_is_emptied_of_locked_versions_and_markers() {
    let (endpoint, way, terraform) = start("empty");
    let s3 = endpoint.s3();
    for key in ["a", "a", "b"] {
        put(&s3, key, ObjectLockMode::Governance).await;
    }
    let hide = s3.delete_object().bucket("trail").key("b");
    hide.send().await.unwrap();
    // a destroy that fails in the middle is finished by the next one
    let denied = Fault::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    way.once("DELETE", "/trail", denied);
    said(
        &terraform.destroy(),
        1,
        &["All objects of the bucket will be deleted"],
    );
    assert_eq!(versions(&s3).await, 0);
    assert_eq!(values(&terraform, ADDRESS)["bucket"], "trail");
    terraform.destroy().ok();
    assert!(s3.head_bucket().bucket("trail").send().await.is_err());
    let bypass = way
        .heads()
        .into_iter()
        .find(|head| head.contains("delete&") || head.contains("?delete"));
    let bypass = bypass.unwrap().to_ascii_lowercase();
    assert!(
        bypass.contains("x-amz-bypass-governance-retention: true"),
        "{bypass}"
    );
}

#[tokio::test]
async fn bucket_with_a_compliance_lock_is_not_emptied() {
    let (endpoint, _way, terraform) = start("empty");
    let s3 = endpoint.s3();
    put(&s3, "a", ObjectLockMode::Governance).await;
    put(&s3, "b", ObjectLockMode::Compliance).await;
    let head = s3.head_object().bucket("trail").key("b").send().await;
    let until = head.unwrap().object_lock_retain_until_date.unwrap();
    let until = aws_sdk_s3::primitives::DateTime::from_secs(until.secs());
    said(
        &terraform.destroy(),
        1,
        &[
            "The bucket was not deleted",
            "Nothing was deleted. 1 of these versions are under COMPLIANCE",
            &format!("The last lock ends at {until}."),
        ],
    );
    assert_eq!(versions(&s3).await, 2);
}

/// Where a log has writers and readers, the bucket policy denies HEAD to everybody else, Terraform's role too.
#[tokio::test]
async fn lock_is_read_where_the_object_may_not_be() {
    let hidden = || Fault::Answer(Answer::empty("403 Forbidden"));
    for on_destroy in ["empty", "refuse"] {
        let (endpoint, way, terraform) = start(on_destroy);
        let s3 = endpoint.s3();
        put(&s3, "a", ObjectLockMode::Governance).await;
        put(&s3, "b", ObjectLockMode::Compliance).await;
        for key in ["/trail/a", "/trail/b"] {
            way.from_now_on("HEAD", key, hidden());
        }
        let policies = way.requests("PUT", "?policy");
        let wanted: &[&str] = match on_destroy {
            "empty" => &["Nothing was deleted. 1 of these versions are under COMPLIANCE"],
            _ => &["holds 2 locked object versions; the last is locked until"],
        };
        said(&terraform.destroy(), 1, wanted);
        assert_eq!(versions(&s3).await, 2);
        assert_eq!(way.requests("PUT", "?policy"), policies);
    }
}

#[tokio::test]
async fn version_whose_lock_may_not_be_read_is_not_deleted() {
    let (endpoint, way, terraform) = start("empty");
    let s3 = endpoint.s3();
    put(&s3, "a", ObjectLockMode::Governance).await;
    put(&s3, "b", ObjectLockMode::Governance).await;
    way.from_now_on(
        "HEAD",
        "/trail/b",
        Fault::Answer(Answer::empty("403 Forbidden")),
    );
    let denied = Answer::refusal("403 Forbidden", "AccessDenied");
    way.from_now_on("GET", "/trail/b", Fault::Answer(denied));
    let wanted =
        "Nothing was deleted, because a lock that cannot be read may be COMPLIANCE or a hold.";
    said(&terraform.destroy(), 1, &[wanted]);
    assert_eq!(versions(&s3).await, 2);
    way.heal();
    terraform.destroy().ok();
}

/// Of retention and legal hold, S3 shows the one that its caller may see.
#[tokio::test]
async fn legal_hold_that_head_does_not_show_keeps_all_versions() {
    let (endpoint, way, terraform) = start("empty");
    let s3 = endpoint.s3();
    put(&s3, "a", ObjectLockMode::Governance).await;
    put(&s3, "b", ObjectLockMode::Governance).await;
    let on = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::On);
    let hold = s3.put_object_legal_hold().bucket("trail").key("b");
    hold.legal_hold(on.build()).send().await.unwrap();
    let hide = Fault::change(|reply| reply.remove_headers("x-amz-object-lock-legal-hold"));
    way.from_now_on("HEAD", "/trail/b", hide);
    said(&terraform.destroy(), 1, &["Nothing was deleted."]);
    assert_eq!(versions(&s3).await, 2);

    // nor where it may not be asked for either
    let denied = Answer::refusal("403 Forbidden", "AccessDenied");
    way.from_now_on("GET", "legal-hold", Fault::Answer(denied));
    let wanted =
        "Nothing was deleted, because a lock that cannot be read may be COMPLIANCE or a hold.";
    said(&terraform.destroy(), 1, &[wanted]);
    assert_eq!(versions(&s3).await, 2);
}

/// S3 leaves the lock out of the answer to HEAD where the permission to see it is missing.
#[tokio::test]
async fn lock_that_may_not_be_read_is_not_taken_for_absent() {
    let (endpoint, way, terraform) = start("refuse");
    put(&endpoint.s3(), "a", ObjectLockMode::Governance).await;
    let hide = Fault::change(|reply| reply.remove_headers("x-amz-object-lock"));
    way.from_now_on("HEAD", "/trail/a", hide);
    let denied = Answer::refusal("403 Forbidden", "AccessDenied");
    way.from_now_on("GET", "/trail/a", Fault::Answer(denied));
    said(
        &terraform.destroy(),
        1,
        &[
            "it holds 1 object version and 0 delete markers; the locks of 1 object version could not be read",
            "s3:GetObjectRetention or s3:GetObjectLegalHold is missing",
        ],
    );
}
