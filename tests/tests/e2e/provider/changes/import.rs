//! What an import finds of a bucket, and what the first apply after it may not drop.

use auditlog_tests::Engine;

use super::{ADDRESS, Stack, Trail, days, declaration, flat, log, refused};
use crate::provider::stack::values;

const IMPORT: &str = "import {\n  to = auditlog_bucket.audit\n  id = \"acme-audit\"\n}\n";

#[test]
fn lock_spans_given_to_a_managed_bucket_are_refused() {
    let soft = "{ from = \"2020-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 3 }";
    let late = "{ from = \"2099-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 10 }";
    let given = days(10, &format!("  lock_spans = [{soft}, {late}]"));
    let trail = Trail::of(&days(10, ""));
    let before = trail.spans();
    refused(&trail.stack, &given, "`lock_spans` is for the import");

    let terraform = &trail.stack.terraform;
    terraform.write("main.tf", &days(10, ""));
    terraform.run(&["state", "rm", ADDRESS]).ok();
    let imported = terraform.import(ADDRESS, "acme-audit").ok();
    for said in [
        "Earlier declarations were imported",
        "- object_lock: GOVERNANCE for 10 days from ",
        "- logs[\"payments\"]: began ",
    ] {
        assert!(imported.stdout.contains(said), "{imported}");
    }
    refused(&trail.stack, &given, "`lock_spans` is for the import");
    trail.becomes(&days(10, ""));
    assert_eq!(trail.spans(), before);
}

#[tokio::test]
async fn history_is_given_on_import_without_spans_that_have_not_begun() {
    let trail = Trail::of(&days(10, ""));
    let s3 = trail.stack.endpoint.s3();
    let gone = s3.delete_bucket_tagging().bucket("acme-audit").send();
    gone.await.expect("tags are removed");
    trail.stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    trail.stack.terraform.import(ADDRESS, "acme-audit").ok();
    let given = |from: &str| {
        let soft = "{ from = \"2020-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 3 }";
        let lock = format!("{{ from = \"{from}\", mode = \"GOVERNANCE\", days = 10 }}");
        days(10, &format!("  lock_spans = [{soft}, {lock}]"))
    };
    refused(
        &trail.stack,
        &given("2099-01-01T00:00:00Z"),
        "Give only spans that have begun",
    );
    trail.becomes(&given("2021-01-01T00:00:00Z"));
    trail.stack.assert_no_changes();
    refused(
        &trail.stack,
        &given("2022-01-01T00:00:00Z"),
        "`lock_spans` is for the import",
    );
    trail.stack.configure(&days(10, ""));
    trail.stack.assert_no_changes();
    assert_eq!(trail.spans()[1]["from"], "2021-01-01T00:00:00Z");
}

/// The tags of the bucket, with these in place of the provider's own.
async fn tag_as(trail: &Trail, tags: &[(&str, &str)]) {
    let tag = |(key, value): &(&str, &str)| {
        let tag = aws_sdk_s3::types::Tag::builder().key(*key).value(*value);
        tag.build().expect("a tag")
    };
    let set = tags.iter().map(tag).collect();
    let tagging = aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(set));
    let s3 = trail.stack.endpoint.s3();
    let put = s3.put_bucket_tagging().bucket("acme-audit");
    let put = put.tagging(tagging.build().expect("tags")).send();
    put.await.expect("other tags");
}

/// Spans of a state as a configuration gives them.
fn given(spans: &serde_json::Value) -> String {
    let span = |span: &serde_json::Value| match span.get("seconds") {
        Some(seconds) => format!(
            "{{ from = {}, max_silence = \"{seconds}s\" }}",
            span["from"]
        ),
        None => format!(
            "{{ from = {}, mode = {}, days = {} }}",
            span["from"], span["mode"], span["days"]
        ),
    };
    let spans: Vec<String> = spans.as_array().expect("spans").iter().map(span).collect();
    format!("[{}]", spans.join(", "))
}

/// The way out that the messages name: somebody changed the tags, and the state is lost.
#[tokio::test]
async fn history_is_given_on_import_where_somebody_changed_the_tags() {
    let of_log = |days: u32, silence: &str, more: &str| {
        let lock = format!("object_lock = {{ mode = \"GOVERNANCE\", days = {days} }}");
        log(
            "payments",
            &format!("{lock}, max_silence = \"{silence}\"{more}"),
        )
    };
    let governance = |days: u32| format!("mode = \"GOVERNANCE\", days = {days}, notice = \"5s\"");
    let trail = Trail::of(&declaration(&governance(3), &of_log(4, "3h", ""), ""));
    let whole = declaration(&governance(9), &of_log(8, "2h", ""), "");
    trail.becomes(&whole);
    trail.await_last_span();
    trail.seal(&trail.export("first.json"));
    trail.stack.terraform.apply().ok();
    let before = values(&trail.stack.terraform, ADDRESS);
    let original = trail.stack.terraform.output("trust_policy");

    let log_tag = "2020-01-01T00:00:00Z 900000@2020-01-01T00:00:00Z lock:20200101T000000Z=G1";
    let forged = [
        ("auditlog:lock", "20200101T000000Z=G1"),
        ("auditlog:log:payments", log_tag),
    ];
    tag_as(&trail, &forged).await;
    let plan = trail.stack.terraform.plan();
    let said = "do not hold what was declared: `auditlog:lock`, `auditlog:log:payments`.";
    assert!(flat(&plan.stdout).contains(said), "{plan}");

    let terraform = &trail.stack.terraform;
    terraform.run(&["state", "rm", ADDRESS]).ok();
    let imported = terraform.import(ADDRESS, "acme-audit").ok();
    for said in [
        "- object_lock: GOVERNANCE for 1 day from 2020-01-01T00:00:00Z",
        "remove that tag from the bucket (`auditlog:lock` holds the locks",
        "run `terraform state rm` for this resource",
    ] {
        assert!(flat(&imported.stdout).contains(said), "{imported}");
    }
    let spans = &before["log_spans"]["payments"];
    let more = format!(
        ", began = {}, lock_spans = {}, max_silence_spans = {}",
        before["logs"]["payments"]["began"],
        given(&spans["lock"]),
        given(&spans["max_silence"])
    );
    assert_eq!(spans["lock"].as_array().map(Vec::len), Some(2), "{spans}");
    assert_eq!(
        spans["max_silence"].as_array().map(Vec::len),
        Some(2),
        "{spans}"
    );
    let locks = format!("  lock_spans = {}", given(&before["lock_spans"]));
    let with_spans = declaration(&governance(9), &of_log(8, "2h", &more), &locks);
    for said in [
        "At logs[\"payments\"].lock_spans: The spans of this log are declared already",
        "At logs[\"payments\"].max_silence_spans: The spans of this log are declared already",
        "The spans of this bucket are declared already",
        "import the bucket again with the values of the last trust policy",
    ] {
        refused(&trail.stack, &with_spans, said);
    }

    tag_as(&trail, &[]).await;
    terraform.run(&["state", "rm", ADDRESS]).ok();
    terraform.import(ADDRESS, "acme-audit").ok();
    let other = with_spans.replace("max_silence = \"2h\"", "max_silence = \"90m\"");
    refused(
        &trail.stack,
        &other,
        "The last span is 2h, but max_silence is 90m.",
    );
    let other = with_spans.replace("GOVERNANCE\", days = 8 },", "GOVERNANCE\", days = 7 },");
    refused(
        &trail.stack,
        &other,
        "is GOVERNANCE for 8 days, but object_lock is GOVERNANCE for 7 days",
    );
    trail.becomes(&with_spans);
    trail.stack.assert_no_changes();
    let after = values(&trail.stack.terraform, ADDRESS);
    for name in ["lock_spans", "log_spans"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(trail.stack.terraform.output("trust_policy"), original);
    trail.becomes(&whole);
    trail.stack.assert_no_changes();
    assert_eq!(trail.stack.terraform.output("trust_policy"), original);
    trail.verify(&trail.export("again.json"));
}

#[tokio::test]
async fn bucket_is_not_created_with_a_lock_that_begins_later() {
    let late = "{ from = \"2099-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 10 }";
    let given = days(10, &format!("  lock_spans = [{late}]"));
    let stack = Stack::new(Engine::Ministack, &given);
    let failed = stack.terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let said = "Give only spans that have begun";
    assert!(flat(&failed.stderr).contains(said), "{failed}");
    let found = stack.endpoint.s3().list_buckets().send().await;
    assert!(found.expect("a list").buckets().is_empty(), "none was made");
}

const CALLER: &str = "arn:aws:iam::000000000000:root";

/// The first apply after an import knows only what is in S3: the policy says the lists, and the tags say the logs and their keys.
#[test]
fn first_apply_after_an_import_drops_neither_lists_nor_logs_nor_keys_unnamed() {
    let role = |name: &str| format!("[\"arn:aws:iam::000000000000:role/{name}\", \"{CALLER}\"]");
    let governance = "mode = \"GOVERNANCE\", days = 3";
    let lists = format!("  administrators = [\"{CALLER}\"]\n  break_glass = []\n");
    let of_log = format!(
        "writers = {}, readers = {}",
        role("sealer"),
        role("auditor")
    );
    let whole = declaration(governance, &log("payments", &of_log), &lists);
    let trail = Trail::of(&whole);
    trail.seal(&trail.export("first.json"));
    let original = trail.stack.terraform.output("trust_policy");
    trail.stack.terraform.run(&["state", "rm", ADDRESS]).ok();

    let bare = declaration(governance, &log("payments", ""), "") + IMPORT;
    refused(
        &trail.stack,
        &bare,
        "allow_weakening = [\"policy administrators -> not enforced\", \"policy break_glass -> not enforced\", \"policy \
         logs[\\\"payments\\\"].readers -> not enforced\", \"policy logs[\\\"payments\\\"].writers -> not enforced\"]",
    );
    let more = format!("  administrators = [\"{CALLER}\"]\n  break_glass = [\"{CALLER}\"]\n");
    refused(
        &trail.stack,
        &(declaration(governance, &log("payments", &of_log), &more) + IMPORT),
        &format!("allow_weakening = [\"policy break_glass + {CALLER}\"]"),
    );
    let without = declaration(governance, "", &lists) + IMPORT;
    refused(&trail.stack, &without, "A log with segments is not removed");
    let moved = format!("{of_log}, origin = \"acme.example/payments\"");
    let moved = declaration(governance, &log("payments", &moved), &lists) + IMPORT;
    refused(
        &trail.stack,
        &moved,
        "At logs[\"payments\"].origin: There are objects",
    );
    let other =
        "resource \"auditlog_signing_key\" \"other\" {\n  alias = \"alias/acme-other\"\n}\n";
    trail
        .stack
        .configure(&(whole.replace("resource \"auditlog_bucket\"", "# ") + other));
    let other_key = whole.replace(
        "signing_key = auditlog_signing_key.audit",
        "signing_key = auditlog_signing_key.other",
    );
    trail.stack.configure(&(other_key.clone() + other));
    let target = [
        "apply",
        "-no-color",
        "-auto-approve",
        "-target=auditlog_signing_key.other",
    ];
    trail.stack.terraform.run(&target).ok();
    refused(
        &trail.stack,
        &(other_key + other + IMPORT),
        "The bucket's tags name 1 key of the log that is missing.",
    );

    trail.becomes(&(whole.clone() + other + IMPORT));
    trail.stack.assert_no_changes();
    assert_eq!(trail.stack.terraform.output("trust_policy"), original);
    trail.stack.configure(&(whole + other));
    trail.verify(&trail.export("imported.json"));
}

/// What was drifted before the import is drift after it.
#[tokio::test]
async fn import_block_shows_what_others_have_changed_and_puts_it_back() {
    let document = "extra_policy_json = jsonencode({ Version = \"2012-10-17\", Statement = [{ Sid = \"Read\", Effect = \"Allow\", Principal = \
                    { AWS = \"arn:aws:iam::111122223333:root\" }, Action = \"s3:GetObject\", Resource = \
                    \"arn:aws:s3:::acme-audit/archive/*\" }] })";
    let config = declaration(
        "mode = \"GOVERNANCE\", days = 3",
        &log("payments", ""),
        &format!("  declared_prefixes = [\"archive/\"]\n  {document}"),
    );
    let trail = Trail::of(&config);
    let s3 = trail.stack.endpoint.s3();
    let put = s3.get_bucket_policy().bucket("acme-audit").send().await;
    let ours = put.expect("a policy").policy.expect("a text");
    let theirs = ours.replace("111122223333", "444455556666");
    let drift = s3.put_bucket_policy().bucket("acme-audit").policy(&theirs);
    drift.send().await.expect("another policy");
    assert_eq!(trail.stack.planned(ADDRESS).attributes, ["policy"]);
    trail.stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    trail.stack.configure(&(config + IMPORT));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    assert!(flat(&plan.stdout).contains("1 to import"), "{plan}");
    trail.stack.terraform.apply().ok();
    trail.stack.assert_no_changes();
    let put = s3.get_bucket_policy().bucket("acme-audit").send().await;
    let back = put.expect("a policy").policy.expect("a text");
    assert!(
        back.contains("111122223333") && !back.contains("444455556666"),
        "{back}"
    );
}
