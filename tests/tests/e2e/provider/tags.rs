//! Tags: of the resource, of the provider block, and of others.

use std::collections::BTreeMap;

use auditlog_tests::{Answer, Endpoint, Engine, Fault, Proxy, Terraform};
use aws_sdk_s3::types::{Tag, Tagging};

use crate::provider::stack::{Stack, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    ignored_tags_are_neither_shown_nor_removed.await,
}

const CONFIG: &str = r#"
provider "auditlog" {
  default_tags {
    tags = { team = "audit", LastScanned = "never" }
  }
  ignore_tags {
    keys         = ["LastScanned"]
    key_prefixes = ["kubernetes.io/"]
  }
}

resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
  tags        = { stage = "one" }
}

resource "auditlog_signing_key" "audit" {
  alias    = "alias/audit"
  key_spec = "ECC_NIST_P256"
  tags     = { stage = "one" }
}
"#;

const RESOURCES: [&str; 2] = ["auditlog_bucket.audit", "auditlog_signing_key.audit"];

type Tags = BTreeMap<String, String>;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(pair).collect()
}

async fn of_bucket(endpoint: &Endpoint) -> Tags {
    let all = all_of_bucket(endpoint).await;
    all.into_iter().filter(of_people).collect()
}

async fn all_of_bucket(endpoint: &Endpoint) -> Tags {
    let answer = endpoint.s3().get_bucket_tagging().bucket("trail");
    let found = answer.send().await.expect("tags").tag_set;
    found.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

async fn of_key(endpoint: &Endpoint, key: &str) -> Tags {
    let answer = endpoint.kms().list_resource_tags().key_id(key);
    let found = answer.send().await.expect("tags").tags.unwrap_or_default();
    let pair = |tag: aws_sdk_kms::types::Tag| (tag.tag_key, tag.tag_value);
    found.into_iter().map(pair).filter(of_people).collect()
}

/// Whether the tag is not one that the provider keeps for itself.
fn of_people((key, _): &(String, String)) -> bool {
    !key.starts_with("auditlog:")
}

/// What somebody else does.
async fn add(endpoint: &Endpoint, key: &str, more: &Tags) {
    let mut all = all_of_bucket(endpoint).await;
    all.extend(more.clone());
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let set: Result<Vec<_>, _> = all.iter().map(tag).collect();
    let tagging = Tagging::builder().set_tag_set(set.ok()).build();
    let put = endpoint.s3().put_bucket_tagging().bucket("trail");
    let put = put.tagging(tagging.expect("tags")).send().await;
    put.expect("a tagged bucket");
    for (name, value) in more {
        let tag = aws_sdk_kms::types::Tag::builder().tag_key(name);
        let tag = tag.tag_value(value).build().expect("a tag");
        let put = endpoint.kms().tag_resource().key_id(key).tags(tag);
        put.send().await.expect("a tagged key");
    }
}

async fn ignored_tags_are_neither_shown_nor_removed(engine: Engine) {
    let stack = Stack::applied(engine, CONFIG);
    let endpoint = &stack.endpoint;
    let key = values(&stack.terraform, RESOURCES[1])["key_id"].clone();
    let key = key.as_str().expect("a key");
    let ours = tags(&[("team", "audit"), ("stage", "one")]);
    assert_eq!(of_bucket(endpoint).await, ours);
    assert_eq!(of_key(endpoint, key).await, ours);

    let others = tags(&[("LastScanned", "today"), ("kubernetes.io/cluster", "x")]);
    add(endpoint, key, &others).await;
    stack.assert_no_changes();
    stack.configure(&CONFIG.replace("\"one\"", "\"two\""));
    stack.terraform.apply().ok();
    let mut all = tags(&[("team", "audit"), ("stage", "two")]);
    for resource in RESOURCES {
        let shown = &values(&stack.terraform, resource)["tags_all"];
        assert_eq!(*shown, serde_json::json!(all), "{resource}");
    }
    all.extend(others);
    assert_eq!(of_bucket(endpoint).await, all);
    assert_eq!(of_key(endpoint, key).await, all);

    // without the block they are drift again
    let block = CONFIG.find("  ignore_tags").expect("the block");
    let end = block + CONFIG[block..].find("\n  }\n").expect("its end") + 5;
    stack.configure(&CONFIG.replace(&CONFIG[block..end], ""));
    assert_eq!(stack.planned(RESOURCES[0]).actions, ["update"]);
}

#[tokio::test]
async fn ignored_tags_count_for_the_limits_of_bucket_and_key() {
    let stack = Stack::applied(Engine::Ministack, CONFIG);
    let key = values(&stack.terraform, RESOURCES[1])["key_id"].clone();
    let others = |number: u32| {
        (
            "kubernetes.io/".to_owned() + &number.to_string(),
            "x".to_owned(),
        )
    };
    add(
        &stack.endpoint,
        key.as_str().expect("a key"),
        &(0..45).map(others).collect(),
    )
    .await;
    stack.assert_no_changes();
    stack.configure(&CONFIG.replace(
        "stage = \"one\"",
        "stage = \"one\", more = \"two\", third = \"three\"",
    ));
    let run = stack.terraform.plan();
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("The bucket would have 51 tags, and S3 allows 50."),
        "{run}"
    );
    assert!(
        text.contains("45 are tags of others that `ignore_tags` leaves in place"),
        "{run}"
    );
    // the key needs room for its history; the tags of others alone give a warning
    let wanted = "The key would have 4 tags of `tags` and `default_tags`. KMS allows 50, of which the provider needs up to 18 for the history \
                  of the key. 45 are tags of others";
    assert!(text.contains(wanted), "{run}");
}

#[test]
fn tag_that_the_provider_ignores_or_keeps_for_itself_is_refused() {
    let stack = Stack::new(
        Engine::Ministack,
        &CONFIG.replace("stage = \"one\"", "LastScanned = \"x\""),
    );
    let refused = |said: &str| {
        let run = stack.terraform.plan();
        assert_eq!(run.status, 1, "{run}");
        let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(said), "{said:?} is not said: {run}");
    };
    refused("The tag \"LastScanned\" is set here, but `ignore_tags` of the provider block says");
    stack.configure(&CONFIG.replace("stage = \"one\"", "\"auditlog:lock\" = \"x\""));
    refused("The key \"auditlog:lock\" begins with \"auditlog:\", which this provider reserves");
    stack.configure(&CONFIG.replace("team = \"audit\"", "\"auditlog:x\" = \"x\""));
    refused("The key \"auditlog:x\" begins with \"auditlog:\", which this provider reserves");
}

/// With access by attributes, S3 refuses `PutBucketTagging`.
#[tokio::test]
async fn tags_that_decide_about_access_are_put_through_s3_control() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, CONFIG);
    terraform.init();
    terraform.apply().ok();

    let refused = Answer::refusal("400 Bad Request", "InvalidRequest");
    way.from_now_on("PUT", "?tagging", Fault::Answer(refused));
    let enabled = "<AbacStatus><Status>Enabled</Status></AbacStatus>";
    let abac = Fault::change(move |reply| reply.body = enabled.into());
    way.from_now_on("GET", "?abac", abac);
    let changed = CONFIG.replace("stage = \"one\"", "\"a & b\" = \"two\"");
    terraform.write("main.tf", &changed);
    terraform.apply().ok();
    assert_eq!(terraform.plan().status, 0);
    let wanted = tags(&[("team", "audit"), ("a & b", "two")]);
    assert_eq!(of_bucket(&endpoint).await, wanted);
    let path = "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Atrail";
    let heads = way.heads();
    let control = heads.iter().filter(|head| head.contains(path));
    let control: Vec<_> = control.collect();
    assert_eq!(control.len(), 2, "{control:#?}");
    // a bucket with 50 tags has no room for the new name beside the old one
    let methods: Vec<_> = control
        .iter()
        .filter_map(|head| head.split(' ').next())
        .collect();
    assert_eq!(methods, ["DELETE", "POST"]);
    for head in control {
        assert!(head.contains("x-amz-account-id: 000000000000"), "{head}");
        assert!(!head.contains("x-amz-expected-bucket-owner"), "{head}");
    }
}
