//! Updates of every argument, and arguments that a plan does not know yet.

use serde_json::{Value, json};

use super::{ADDRESS, Trail, declaration, flat, log};

/// A silence that a person has explained.
const ACKNOWLEDGED: &str = "jsonencode({ code = \"silence-exceeded\", log = \"acme-audit/payments\", reason = \"an outage\", date = \
                            \"2026-03-03T00:00:00Z\", silence = { from = \"2026-03-01T00:00:00Z\", until = \"2026-03-02T12:00:00Z\" } })";

#[tokio::test]
async fn every_argument_can_be_changed_and_the_next_plan_is_empty() {
    let governance = "mode = \"GOVERNANCE\", days = 3";
    let balancers = "  log_delivery = { load_balancers = { prefix = \"balancers\", accounts = [\"111122223333\"] } }";
    let trail = Trail::of(&declaration(governance, &log("payments", ""), balancers));
    let role = |name: &str| format!("[\"arn:aws:iam::111122223333:role/{name}\"]");
    let key = trail.stack.endpoint.kms().create_key().send().await;
    let key = key.expect("a key").key_metadata.expect("metadata");
    let key = key.arn.expect("an ARN");
    let changed_log = format!(
        "writers = {}, readers = {}, max_silence = \"30h\", object_lock = {{ mode = \"GOVERNANCE\", days = 9 }}",
        role("sealer"),
        role("auditor")
    );
    let lists = format!(
        "  administrators = [\"arn:aws:iam::000000000000:root\"]\n  acknowledged = [{ACKNOWLEDGED}]\n  encryption = {{ kms_key_arn = \
         \"{key}\", bucket_key_enabled = false }}\n"
    );
    let more = format!(
        "{lists}  break_glass = {}\n  declared_prefixes = [\"archive/\"]\n  on_destroy = \"forget\"\n  tags = {{ a = \"b\" }}\n  log_delivery = {{ \
         cloudtrail = {{ prefix = \"trails\", trails = [\"arn:aws:cloudtrail:eu-central-1:000000000000:trail/audit\"] }} }}\n  storage = {{ expiration = \"after_retention\" }}\n  extra_policy_json = jsonencode({{ \
         Version = \"2012-10-17\", Statement = [{{ Sid = \"Read\", Effect = \"Allow\", Principal = {{ AWS = \
         \"arn:aws:iam::111122223333:root\" }}, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::acme-audit/archive/*\" }}] }})",
        role("break-glass")
    );
    let lock = "mode = \"GOVERNANCE\", preset = \"pci-dss-10\", notice = \"2d\"";
    let changed = declaration(lock, &log("payments", &changed_log), &more);
    trail.stack.configure(&changed);
    let attributes = trail.stack.planned(ADDRESS).attributes;
    for name in [
        "acknowledged",
        "administrators",
        "break_glass",
        "declared_prefixes",
        "encryption",
        "extra_policy_json",
        "lifecycle_rules",
        "lock_spans",
        "log_delivery",
        "log_spans",
        "logs",
        "object_lock",
        "on_destroy",
        "policy",
        "sse_algorithm",
        "storage",
        "tags",
        "tags_all",
        "trust_policy",
        "trust_policy_sha256",
    ] {
        assert!(
            attributes.iter().any(|found| found == name),
            "{name}: {attributes:?}"
        );
    }
    trail.stack.terraform.apply().ok();
    trail.stack.assert_no_changes();
    let policy: Value = trail.stack.terraform.output("trust_policy");
    let policy: Value = serde_json::from_str(policy.as_str().expect("a text")).expect("JSON");
    assert_eq!(
        policy["declared_prefixes"],
        json!(["archive/", "trails/AWSLogs/"])
    );
    assert_eq!(policy["logs"][0]["lock"][1]["retention_days"], 9);
    assert_eq!(policy["logs"][0]["max_silence"][1]["seconds"], 108_000);
    assert_eq!(policy["acknowledged"][0]["code"], "silence-exceeded");
    // and back, each weakening by its name
    let first = declaration(governance, &log("payments", ""), balancers);
    trail.stack.configure(&first);
    let plan = trail.stack.terraform.run(&["plan", "-json"]);
    let lines = plan.json_lines();
    let mut details = lines
        .iter()
        .filter_map(|line| line["diagnostic"]["detail"].as_str());
    let entries = details.find_map(|detail| Some(detail.split_once("allow_weakening = ")?.1));
    let entries = entries.unwrap_or_else(|| panic!("no entries in {plan}"));
    assert_eq!(entries.matches("\", \"").count(), 6, "{entries}");
    let allow = format!("{balancers}\n  allow_weakening = {entries}");
    trail.becomes(&declaration(governance, &log("payments", ""), &allow));
    trail.becomes(&first);
    trail.stack.assert_no_changes();
}

#[test]
fn checks_that_met_an_unknown_value_are_made_again_before_the_first_write() {
    let with = |days: u32| {
        let lock = "mode = \"GOVERNANCE\", days = terraform_data.days.output";
        let config = declaration(lock, &log("payments", ""), "");
        format!("resource \"terraform_data\" \"days\" {{\n  input = {days}\n}}\n{config}")
    };
    let trail = Trail::of(&with(5));
    trail.stack.assert_no_changes();
    let before = trail.spans();
    trail.stack.configure(&with(3));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let refused = trail.stack.terraform.apply();
    assert_eq!(refused.status, 1, "{refused}");
    assert!(
        flat(&refused.stderr).contains("allow_weakening = [\"retention 5d -> 3d\"]"),
        "{refused}"
    );
    assert_eq!(trail.spans(), before);
}
