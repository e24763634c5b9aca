//! A create whose end Terraform never saw is finished by the next apply, and nothing else is ever taken over.

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, REGION, Run, Terraform};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, CreateBucketConfiguration,
    EventBridgeConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, NotificationConfiguration, Tag,
};

use crate::provider::stack::{Change, Stack, assert_no_changes, values};
use crate::seal::bench as seal;

const ADDRESS: &str = "auditlog_bucket.audit";

fn resource(label: &str, bucket: &str) -> String {
    format!(
        "resource \"auditlog_bucket\" \"{label}\" {{\n  bucket      = \"{bucket}\"\n  object_lock = {{ mode = \"GOVERNANCE\", days = 1 }}\n}}\n"
    )
}

fn start(main_tf: &str) -> (Endpoint, Proxy, Terraform) {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, main_tf);
    terraform.init();
    (endpoint, way, terraform)
}

fn text(run: &Run) -> String {
    let all = format!("{} {}", run.stdout, run.stderr).replace(['│', '╷', '╵'], " ");
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn said(run: &Run, status: i32, wanted: &[&str]) {
    assert_eq!(run.status, status, "{run}");
    let text = text(run);
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not said: {run}");
    }
}

/// A bucket as a create leaves it that was killed at once.
async fn half_made(s3: &aws_sdk_s3::Client, bucket: &str, tag: Option<&str>) {
    let tag = tag.map(|value| {
        let tag = Tag::builder().key("auditlog:created").value(value);
        vec![tag.build().unwrap()]
    });
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .set_tags(tag);
    s3.create_bucket()
        .bucket(bucket)
        .object_lock_enabled_for_bucket(true)
        .create_bucket_configuration(place.build())
        .send()
        .await
        .unwrap();
}

/// Outside of us-east-1, S3 answers the repetition with `BucketAlreadyOwnedByYou`.
#[test]
fn create_whose_answer_was_lost_goes_on() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    way.once("PUT", "/trail", Fault::LoseAnswer);
    terraform.apply().ok();
    assert_eq!(way.faults(), 1);
    assert_no_changes(&terraform);
    assert!(way.requests("PUT", "/trail") > 1);
}

#[test]
fn create_without_an_answer_and_without_repetitions_goes_on() {
    let config = format!(
        "provider \"auditlog\" {{ max_retries = 0 }}\n{}",
        resource("audit", "trail")
    );
    let (_endpoint, way, terraform) = start(&config);
    way.once("PUT", "/trail", Fault::LoseAnswer);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

#[test]
fn create_that_was_killed_is_finished_by_the_next_apply() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    for part in ["?publicAccessBlock", "?lifecycle", "?policy"] {
        let before = way.faults();
        way.from_now_on("PUT", part, Fault::Silence);
        let apply = terraform.command(&["apply", "-no-color", "-auto-approve"]);
        let apply = seal::start(apply);
        way.wait_for_faults(before + 1);
        seal::signal(&apply.0, "KILL");
        seal::ended(apply);
        way.heal();
        assert_eq!(values(&terraform, ADDRESS), serde_json::Value::Null);
        // a killed Terraform leaves its lock of the state, which belongs to its process
    }
    let run = terraform.apply();
    said(&run, 0, &["A bucket of an interrupted run was taken over"]);
    assert_no_changes(&terraform);
    let state = values(&terraform, ADDRESS);
    assert_ne!(state["creation_date"], serde_json::Value::Null);
}

#[tokio::test]
async fn bucket_that_may_be_of_another_hand_needs_an_import() {
    let names = ["untagged", "other-tag", "events", "expiring", "open"];
    let config: String = names.iter().map(|name| resource(name, name)).collect();
    let stack = Stack::new(Engine::Ministack, &config);
    let s3 = stack.endpoint.s3();
    half_made(&s3, "untagged", None).await;
    half_made(
        &s3,
        "other-tag",
        Some("auditlog_bucket/trail 2026-01-01T00:00:00Z"),
    )
    .await;
    for name in &names[2..] {
        let tag = format!("auditlog_bucket/{name} 2026-01-01T00:00:00Z");
        half_made(&s3, name, Some(&tag)).await;
    }
    let events = NotificationConfiguration::builder()
        .event_bridge_configuration(EventBridgeConfiguration::builder().build());
    let put = s3.put_bucket_notification_configuration().bucket("events");
    let put = put.notification_configuration(events.build());
    put.send().await.unwrap();
    let rule = LifecycleRule::builder()
        .id("auditlog-storage")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
        .expiration(LifecycleExpiration::builder().days(1).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap());
    let put = s3.put_bucket_lifecycle_configuration().bucket("expiring");
    let put = put.lifecycle_configuration(rules.build().unwrap());
    put.send().await.unwrap();
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::open/*"}]}"#;
    let put = s3.put_bucket_policy().bucket("open").policy(open);
    put.send().await.unwrap();

    let run = stack.terraform.apply();
    said(
        &run,
        1,
        &[
            "it has no tag `auditlog:created`",
            "its tag `auditlog:created` says \"auditlog_bucket/trail",
            "others have set up on it: notification to EventBridge",
            "it has lifecycle rules of others: auditlog-storage for prefix logs/: expires after 1 day",
            "its policy is not the one of this configuration",
            "import { to = auditlog_bucket.NAME id = \"untagged\" }",
        ],
    );
    // nothing was changed
    for name in names {
        let found = s3.get_public_access_block().bucket(name).send().await;
        let block = found
            .ok()
            .and_then(|found| found.public_access_block_configuration);
        let restricts = block.and_then(|block| block.restrict_public_buckets);
        assert_ne!(restricts, Some(true), "{name}");
    }
    // the plan says already that one is not empty
    let put = s3.put_object().bucket("events").key("a");
    let put = put.body(ByteStream::from_static(b"x")).send().await;
    put.unwrap();
    said(
        &stack.terraform.plan(),
        1,
        &[
            "The bucket exists already",
            "it holds object versions or delete markers",
        ],
    );
    // and the advice works
    let import = "import {\n  to = auditlog_bucket.untagged\n  id = \"untagged\"\n}\n";
    stack.configure(&format!("{}{import}", resource("untagged", "untagged")));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

#[test]
fn name_that_is_in_use_elsewhere_is_refused() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    let wrong_region = Answer::WRONG_REGION;
    for (answer, wanted) in [
        (
            Answer::refusal("403 Forbidden", "AccessDenied"),
            "The bucket name \"trail\" is taken, and this account has no access to it. Bucket names are shared by all AWS \
             accounts: choose another one. Where the bucket is yours, the credentials need the permission s3:ListBucket.",
        ),
        (
            Answer::PERMANENT_REDIRECT,
            "A bucket with the name \"trail\" already exists in the region eu-west-1.",
        ),
        (
            wrong_region,
            "A bucket with the name \"trail\" already exists in the region eu-west-1.",
        ),
    ] {
        way.from_now_on("HEAD", "/trail", Fault::Answer(answer));
        said(
            &terraform.apply(),
            1,
            &["The bucket was not created", wanted],
        );
        way.heal();
    }
    assert_eq!(way.requests("PUT", "/trail"), 0);
}

/// The answer to the create was lost, and the look at the bucket afterwards says who has the name now.
#[test]
fn name_that_somebody_else_took_meanwhile_is_not_taken_over() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    for (code, answer, wanted) in [
        (
            "BucketAlreadyOwnedByYou",
            Answer::PERMANENT_REDIRECT,
            "A bucket with the name \"trail\" already exists in the region eu-west-1.",
        ),
        (
            "BucketAlreadyExists",
            Answer::refusal("403 Forbidden", "AccessDenied"),
            "The bucket name \"trail\" is taken, and this account has no access to it.",
        ),
    ] {
        let mut was_put = false;
        way.decide(move |method, _| {
            was_put |= method == "PUT";
            match method {
                "PUT" => Some(Fault::Answer(Answer::refusal("409 Conflict", code))),
                "HEAD" if was_put => Some(Fault::Answer(answer.clone())),
                _ => None,
            }
        });
        said(&terraform.apply(), 1, &[wanted]);
    }
}

/// S3 may have made the bucket although it says that something went wrong inside of it.
#[test]
fn create_that_was_carried_out_and_answered_with_an_error_goes_on() {
    let config = format!(
        "provider \"auditlog\" {{ max_retries = 0 }}\n{}",
        resource("audit", "trail")
    );
    let (_endpoint, way, terraform) = start(&config);
    let failed = Fault::change(|reply| reply.set_status("500 Internal Server Error"));
    way.once("PUT", "/trail", failed);
    terraform.apply().ok();
    assert_eq!(way.faults(), 1);
    assert_no_changes(&terraform);
}

/// A name made from a prefix is in no configuration, so the next run cannot finish the bucket; it finds it.
#[tokio::test]
async fn bucket_that_was_made_for_a_prefix_and_left_is_found_and_can_be_finished() {
    let prefixed =
        resource("audit", "trail").replace("bucket      = \"trail\"", "bucket_prefix = \"trail-\"");
    let stack = Stack::new(Engine::Ministack, &prefixed);
    let s3 = stack.endpoint.s3();
    let left = "trail-00061a2b3c4d5e6f0123456789";
    let tag = format!("auditlog_bucket/{left} 2026-01-01T00:00:00Z");
    half_made(&s3, left, Some(&tag)).await;
    half_made(&s3, "trail-of-others-6789abcdef01234", None).await;
    let run = stack.terraform.apply();
    said(
        &run,
        0,
        &[
            "An unfinished bucket was found",
            &format!("aws s3api delete-bucket --bucket {left}"),
            &format!("apply once with `bucket = \"{left}\"` in place of `bucket_prefix`"),
        ],
    );
    assert!(!text(&run).contains("trail-of-others"), "{run}");
    let named = resource("found", left);
    let found = prefixed.replace("\"audit\"", "\"found\"");
    stack.configure(&(prefixed.clone() + &named));
    said(
        &stack.terraform.apply(),
        0,
        &["A bucket of an interrupted run was taken over"],
    );
    stack.configure(&(prefixed + &found));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(
        values(&stack.terraform, "auditlog_bucket.found")["bucket"],
        left
    );
}

/// In us-east-1, S3 answers a create of one's own bucket with success.
#[tokio::test]
async fn bucket_of_the_account_is_not_taken_over_in_us_east_1() {
    let endpoint = Engine::Ministack.start();
    let mut env = endpoint.env();
    env.push(("AWS_REGION".to_owned(), "us-east-1".to_owned()));
    let stack = Stack::with_env(endpoint, &env, &resource("audit", "trail"));
    let s3 = stack.endpoint.s3().config().to_builder();
    let s3 = s3.region(aws_sdk_s3::config::Region::new("us-east-1"));
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    for _ in 0..2 {
        s3.create_bucket().bucket("trail").send().await.unwrap();
    }
    said(
        &stack.terraform.apply(),
        1,
        &[
            "The bucket was not created",
            "it has no tag `auditlog:created`",
        ],
    );
    s3.delete_bucket().bucket("trail").send().await.unwrap();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

/// There, S3 answers a create of one's own bucket with success, so one false 404 would take it over.
#[tokio::test]
async fn bucket_that_a_false_404_hides_is_not_taken_over_in_us_east_1() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_REGION".to_owned(), "us-east-1".to_owned()));
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let stack = Stack::with_env(endpoint, &env, &resource("audit", "trail"));
    let s3 = stack.endpoint.s3().config().to_builder();
    let s3 = s3.region(aws_sdk_s3::config::Region::new("us-east-1"));
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    s3.create_bucket().bucket("trail").send().await.unwrap();
    let hidden = Fault::Answer(Answer::empty("404 Not Found"));
    way.from_now_on("HEAD", "/trail", hidden);
    let run = stack.terraform.apply();
    said(
        &run,
        1,
        &[
            "The bucket was not created",
            "it has no tag `auditlog:created`",
        ],
    );
    let policy = s3.get_bucket_policy().bucket("trail").send().await;
    assert!(policy.is_err(), "nothing was put");
}

/// ACLs from before let others in; S3 does not turn ACLs off over them.
#[tokio::test]
async fn bucket_with_grants_to_others_is_hardened_once_they_are_gone() {
    let stack = Stack::new(Engine::Ministack, &resource("audit", "trail"));
    let s3 = stack.endpoint.s3();
    half_made(&s3, "trail", None).await;
    let controls = s3.delete_bucket_ownership_controls().bucket("trail");
    controls.send().await.unwrap();
    stack.terraform.import(ADDRESS, "trail").ok();
    let way = Proxy::to(stack.endpoint.url());
    let refused = Answer::refusal("400 Bad Request", "InvalidBucketAclWithObjectOwnership");
    way.from_now_on("PUT", "?ownershipControls", Fault::Answer(refused));
    let apply = stack
        .terraform
        .command(&["apply", "-no-color", "-auto-approve"]);
    let run = apply.env("AWS_ENDPOINT_URL", way.url()).run();
    said(
        &run,
        1,
        &["`aws s3api put-bucket-acl --bucket trail --acl private`"],
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}

#[test]
fn two_resources_do_not_share_a_bucket() {
    let config = format!("{}{}", resource("one", "trail"), resource("two", "trail"));
    let (_endpoint, _way, terraform) = start(&config);
    said(
        &terraform.apply(),
        1,
        &["Another resource of this configuration has created the bucket \"trail\""],
    );
}

/// S3 shows a bucket for a while after it has deleted it.
#[test]
fn replacement_waits_until_the_deleted_bucket_is_gone() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    terraform.apply().ok();
    let there = || Fault::Answer(Answer::refusal("200 OK", "None"));
    let (mut deleted, mut shown) = (false, 0);
    way.decide(move |method, _| {
        deleted |= method == "DELETE";
        let show = deleted && method == "HEAD" && shown < 2;
        shown += usize::from(show);
        show.then(there)
    });
    let replace = ["apply", "-no-color", "-auto-approve", "-refresh=false"];
    let target = format!("-replace={ADDRESS}");
    terraform.run(&[&replace[..], &[&target]].concat()).ok();
    assert_eq!(way.faults(), 2);
    assert_no_changes(&terraform);
}

#[test]
fn half_made_bucket_is_finished_in_place_after_untaint() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    let denied = Fault::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    way.once("PUT", "?policy", denied);
    let run = terraform.apply();
    said(
        &run,
        1,
        &[
            "PutBucketPolicy on trail failed: AccessDenied",
            "Still to be done: bucket policy.",
            "run `terraform untaint` with the resource's address",
        ],
    );
    terraform.run(&["untaint", ADDRESS]).ok();
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.actions, ["update"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
    assert_eq!(way.requests("DELETE", "/trail"), 0);
}

#[tokio::test]
async fn creation_date_follows_a_bucket_that_was_created_again() {
    let stack = Stack::applied(Engine::Ministack, &resource("audit", "trail"));
    let before = values(&stack.terraform, ADDRESS)["creation_date"].clone();
    let s3 = stack.endpoint.s3();
    loop {
        s3.delete_bucket().bucket("trail").send().await.unwrap();
        half_made(&s3, "trail", None).await;
        let list = s3.list_buckets().send().await.unwrap();
        let date = list.buckets()[0].creation_date.unwrap();
        let date = aws_sdk_s3::primitives::DateTime::from_secs(date.secs());
        if date.to_string() != before.as_str().unwrap() {
            break;
        }
    }
    stack.terraform.apply().ok();
    assert_ne!(values(&stack.terraform, ADDRESS)["creation_date"], before);
    stack.assert_no_changes();
}

/// The apply looks again, and nothing is created where its look fails.
#[test]
fn plan_that_cannot_look_at_the_name_warns_once_and_does_not_wait() {
    let (_endpoint, way, terraform) = start(&resource("audit", "trail"));
    for (answer, attempts, wanted) in [
        (Answer::SLOW_DOWN, 2, "HeadBucket on trail failed: "),
        (
            Answer::empty("403 Forbidden"),
            1,
            "The bucket name \"trail\" is taken, and this account has no access to it",
        ),
    ] {
        way.from_now_on("HEAD", "/trail", Fault::Answer(answer));
        let before = way.requests("HEAD", "/trail");
        let plan = terraform.plan();
        let warning = "The name of the bucket was not checked";
        said(&plan, 2, &[warning, wanted]);
        assert_eq!(text(&plan).matches(warning).count(), 1, "{plan}");
        assert_eq!(way.requests("HEAD", "/trail") - before, attempts, "{plan}");
        way.heal();
    }
    assert!(!text(&terraform.plan()).contains("was not checked"));
}
