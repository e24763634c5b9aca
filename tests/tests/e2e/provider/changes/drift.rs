//! Drift of what has no argument of its own.

use std::collections::BTreeMap;

use auditlog_tests::{Engine, Fault, Proxy, Terraform};
use aws_sdk_s3::types::{Tag, Tagging};

use super::{ADDRESS, Trail, days, values};
use crate::provider::stack::{Change, assert_no_changes};

const MINIMUM: &str = "x-amz-transition-default-minimum-object-size";

/// No local endpoint keeps the setting, so the answer gets it on its way.
#[test]
fn minimum_size_of_transitions_is_shown_and_put_back() {
    let endpoint = Engine::Ministack.start();
    let way = Proxy::to(endpoint.url());
    let mut env = endpoint.env();
    env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
    let terraform = Terraform::with_config(&env, &days(3, ""));
    terraform.init();
    terraform.apply().ok();
    let changed = Fault::change(|reply| reply.set_header(MINIMUM, "varies_by_storage_class"));
    way.from_now_on("GET", "?lifecycle", changed);
    let plan = terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let line = "(objects below 128 KB): are moved as well (varies_by_storage_class)";
    assert!(plan.stdout.contains(line), "{plan}");
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.attributes, ["lifecycle_rules"]);
    let before = way.faults();
    way.once("PUT", "?lifecycle", Fault::DropHeader(MINIMUM));
    terraform.apply().ok();
    assert!(way.faults() > before, "the put names the minimum");
    way.heal();
    assert_no_changes(&terraform);
}

/// Somebody else changes the tags of the bucket.
async fn put_tags(trail: &Trail, change: impl Fn(&mut BTreeMap<String, String>)) {
    let s3 = trail.stack.endpoint.s3();
    let mut all = tags_of(trail).await;
    change(&mut all);
    let all = all.into_iter().map(|(key, value)| {
        let tag = Tag::builder().key(key).value(value);
        tag.build().expect("a tag")
    });
    let tags = Tagging::builder().set_tag_set(Some(all.collect()));
    let put = s3.put_bucket_tagging().bucket("acme-audit");
    let put = put.tagging(tags.build().expect("tags")).send().await;
    put.expect("other tags");
}

async fn tags_of(trail: &Trail) -> BTreeMap<String, String> {
    let s3 = trail.stack.endpoint.s3();
    let found = s3.get_bucket_tagging().bucket("acme-audit").send().await;
    let found = found.expect("tags").tag_set.into_iter();
    found.map(|tag| (tag.key, tag.value)).collect()
}

#[tokio::test]
async fn own_tags_that_hold_no_declaration_are_shown_and_put_back() {
    let trail = Trail::of(&days(3, ""));
    let (before, date) = (
        tags_of(&trail).await,
        values(&trail.stack.terraform, ADDRESS),
    );
    let created = "auditlog:created";
    for (said, value) in [("removed", None), ("changed", Some("somebody"))] {
        put_tags(&trail, |tags| {
            tags.remove(created);
            tags.extend(value.map(|value| (created.to_owned(), value.to_owned())));
            tags.insert("auditlog:x".to_owned(), "y".to_owned());
        })
        .await;
        let plan = trail.stack.terraform.plan();
        assert_eq!(plan.status, 2, "{plan}");
        for line in [
            format!("the tag \\\"{created}\\\" was {said}"),
            "the tag \\\"auditlog:x\\\" was added".to_owned(),
        ] {
            assert!(plan.stdout.contains(&line), "{line} is not in {plan}");
        }
        assert_eq!(trail.stack.planned(ADDRESS).attributes, ["drift"]);
        trail.stack.terraform.apply().ok();
        trail.stack.assert_no_changes();
        assert_eq!(tags_of(&trail).await, before);
    }
    let after = values(&trail.stack.terraform, ADDRESS);
    assert_eq!(after["creation_date"], date["creation_date"]);
}

#[tokio::test]
async fn what_the_tags_say_of_a_log_is_shown_and_put_back() {
    let trail = Trail::of(&days(3, ""));
    let before = values(&trail.stack.terraform, ADDRESS)["log_spans"].clone();
    let s3 = trail.stack.endpoint.s3();
    let found = s3.get_bucket_tagging().bucket("acme-audit").send().await;
    let tags = found.expect("tags").tag_set.into_iter().map(|tag| {
        let (value, _) = tag.value.split_once(" key:").unwrap_or((&tag.value, ""));
        Tag::builder()
            .key(tag.key)
            .value(value)
            .build()
            .expect("a tag")
    });
    let tags = Tagging::builder().set_tag_set(Some(tags.collect()));
    let put = s3.put_bucket_tagging().bucket("acme-audit");
    let put = put.tagging(tags.build().expect("tags")).send().await;
    put.expect("the log without its key");
    assert_eq!(trail.stack.planned(ADDRESS).attributes, ["log_spans"]);
    trail.stack.terraform.apply().ok();
    trail.stack.assert_no_changes();
    assert_eq!(values(&trail.stack.terraform, ADDRESS)["log_spans"], before);

    // a policy that is written in another way means the same
    let found = s3.get_bucket_policy().bucket("acme-audit").send().await;
    let policy = found.expect("a policy").policy.expect("a text");
    let written = policy.replace("\"Principal\":\"*\"", "\"Principal\": { \"AWS\": [\"*\"] }");
    assert_ne!(written, policy);
    let put = s3.put_bucket_policy().bucket("acme-audit").policy(written);
    put.send().await.expect("the policy in other words");
    trail.stack.assert_no_changes();
}
