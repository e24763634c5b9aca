//! Changes of a declaration over a log that is being sealed: the verifier stays green, whichever file the sealer has.

use std::fs;
use std::thread;
use std::time::Duration;

use auditlog_tests::{Engine, Run, command};
use serde_json::{Value, json};

use crate::provider::logs::{declaration, flat, log};
use crate::provider::stack::{Stack, values};

const ADDRESS: &str = "auditlog_bucket.audit";
const ORIGIN: &str = "acme-audit/payments";

/// A log that is sealed while its declaration changes.
struct Trail {
    stack: Stack,
}

impl Trail {
    fn of(config: &str) -> Self {
        Self {
            stack: Stack::applied(Engine::Ministack, config),
        }
    }

    /// Applies another declaration.
    fn becomes(&self, config: &str) {
        self.stack.configure(config);
        self.stack.terraform.apply().ok();
    }

    /// Stores the policy that is exported now under this name, for a sealer or a verifier.
    fn export(&self, name: &str) -> String {
        let policy = self.stack.terraform.output("trust_policy");
        let path = self.stack.terraform.path().join(name);
        fs::write(&path, policy.as_str().expect("a text")).expect("the policy");
        path.to_str().expect("a path").to_owned()
    }

    #[track_caller]
    fn seal(&self, policy: &str) -> Run {
        let spool = self.stack.terraform.path().join("spool");
        let run = command("auditlog-seal").envs(self.stack.endpoint.env());
        let run = run.args(["append", "--policy", policy, "--log", ORIGIN]);
        let run = run.args(["--kms-key", "alias/acme-audit", "--spool"]);
        run.arg(spool).input("{\"paid\":1}\n").run().ok()
    }

    #[track_caller]
    fn verify(&self, policy: &str) -> Run {
        let run = command("auditlog-verify").envs(self.stack.endpoint.env());
        run.args(["--policy", policy]).run().ok()
    }

    fn spans(&self) -> Value {
        values(&self.stack.terraform, ADDRESS)["lock_spans"].clone()
    }

    /// Waits until the last span has begun.
    fn await_last_span(&self) {
        let spans = self.spans();
        let last = spans
            .as_array()
            .and_then(|spans| spans.last())
            .expect("a span");
        let from = last["from"].as_str().expect("a time").to_owned();
        while auditlog_chain::timestamp::Timestamp::from_system_time(std::time::SystemTime::now())
            .expect("a time")
            .to_rfc3339()
            <= from
        {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn days(days: u32, more: &str) -> String {
    let lock = format!("mode = \"GOVERNANCE\", days = {days}, notice = \"5s\"");
    declaration(&lock, &log("payments", ""), more)
}

#[test]
fn retention_is_lengthened_and_shortened_while_the_log_is_sealed_with_either_file() {
    let trail = Trail::of(&days(3, ""));
    let first = trail.export("first.json");
    trail.seal(&first);
    trail.verify(&first);

    trail.stack.configure(&days(5, ""));
    assert_eq!(
        trail.stack.planned(ADDRESS).attributes,
        [
            "lock_spans",
            "object_lock",
            "policy",
            "trust_policy",
            "trust_policy_sha256"
        ]
    );
    trail.stack.terraform.apply().ok();
    let longer = trail.export("longer.json");
    let spans = trail.spans();
    assert_eq!(
        (&spans[0]["days"], &spans[1]["days"]),
        (&json!(3), &json!(5))
    );
    trail.seal(&first);
    trail.verify(&longer);
    trail.await_last_span();
    // The bucket's longer default counts, so a sealer that is too late locks long enough.
    assert_eq!(trail.seal(&first).stderr, "");
    trail.verify(&longer);
    trail.seal(&longer);
    trail.verify(&longer);
    // The change is over, so the policy becomes narrower.
    trail.stack.terraform.apply().ok();
    trail.stack.assert_no_changes();

    trail.becomes(&days(3, "  allow_weakening = [\"retention 5d -> 3d\"]"));
    let shorter = trail.export("shorter.json");
    assert_eq!(trail.spans().as_array().map(Vec::len), Some(3));
    trail.verify(&shorter);
    assert_eq!(
        trail.seal(&longer).stderr,
        "warning: the default retention of the bucket acme-audit is GOVERNANCE for 3 days, but the trust policy declares \
         GOVERNANCE for 5 days. Segments are locked as the trust policy declares. If the retention was weakened on purpose, \
         give the new trust policy (terraform output -raw trust_policy); otherwise apply the Terraform configuration again\n"
    );
    trail.verify(&shorter);
    trail.seal(&shorter);
    trail.verify(&shorter);
}

#[test]
fn log_gets_a_lock_of_its_own_and_a_shorter_silence_while_it_is_sealed() {
    let lock = "mode = \"GOVERNANCE\", days = 3, notice = \"5s\"";
    let with = |more: &str| declaration(lock, &log("payments", more), "");
    let trail = Trail::of(&with(""));
    let first = trail.export("first.json");
    trail.seal(&first);
    trail.becomes(&with(
        "max_silence = \"12h\", object_lock = { mode = \"GOVERNANCE\", days = 4 }",
    ));
    let second = trail.export("second.json");
    trail.seal(&first);
    trail.verify(&second);
    // The bucket's default is shorter than the log's own lock, as it may be.
    assert_eq!(trail.seal(&second).stderr, "");
    trail.verify(&second);
    let spans = values(&trail.stack.terraform, ADDRESS)["log_spans"]["payments"].clone();
    assert_eq!(spans["lock"][1]["days"], 4);
    assert_eq!(spans["max_silence"][1]["seconds"], 43_200);
    assert_eq!(spans["lock"][1]["from"], spans["max_silence"][1]["from"]);
}

#[tokio::test]
async fn log_is_not_removed_renamed_or_resumed_while_its_segments_are_there() {
    let lock = "mode = \"GOVERNANCE\", days = 3";
    let two = |first: &str| declaration(lock, &(log("payments", first) + &log("orders", "")), "");
    let trail = Trail::of(&two(""));
    let policy = trail.export("policy.json");
    trail.seal(&policy);
    let refused = |config: &str, said: &[&str]| {
        trail.stack.configure(config);
        let plan = trail.stack.terraform.plan();
        assert_eq!(plan.status, 1, "{plan}");
        for said in said {
            assert!(
                flat(&plan.stderr).contains(said),
                "{said:?} is not in {plan}"
            );
        }
    };
    let only = declaration(lock, &log("orders", ""), "");
    refused(
        &only,
        &[
            "A log with segments is not removed",
            "At logs[\"payments\"]: There are objects under \"logs/payments\"",
            "ended = {",
        ],
    );
    refused(
        &two("origin = \"acme.example/payments\""),
        &[
            "A log with segments is not renamed",
            "At logs[\"payments\"].origin",
        ],
    );
    refused(
        &two("").replace("acme-audit\"", "acme-other\""),
        &["A bucket that holds anything is not replaced"],
    );

    // Nothing was written to this one.
    let payments = declaration(lock, &log("payments", ""), "");
    trail.becomes(&payments);
    let head = trail.verify(&trail.export("one.json"));
    let end = "ended = { segment = 1, size = 6, root = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", sealed = \
               \"2026-01-01T00:00:00Z\", stored = \"2026-01-01T00:00:00Z\" }";
    trail.becomes(&declaration(lock, &log("payments", end), ""));
    let ended: Value = trail.stack.terraform.output("trust_policy");
    let ended: Value = serde_json::from_str(ended.as_str().expect("a text")).expect("JSON");
    assert_eq!(ended["logs"][0]["ended"]["segment"], 1, "{head}");
    let s3 = trail.stack.endpoint.s3();
    let put = s3.get_bucket_policy().bucket("acme-audit").send().await;
    let put = put.expect("a policy").policy.expect("a text");
    assert!(put.contains("AuditlogWrite1"), "nobody may write: {put}");
    refused(
        &payments,
        &["An ended log does not go on", "At logs[\"payments\"].ended"],
    );
}

const TRUST: &str = "signing_key = auditlog_signing_key.audit.trust";
const OTHER_KEY: &str =
    "resource \"auditlog_signing_key\" \"other\" {\n  alias = \"alias/acme-other\"\n}\n";

/// The log is signed by what this expression is.
fn signed_by(trust: &str, more: &str) -> String {
    let config = declaration("mode = \"GOVERNANCE\", days = 3", &log("payments", ""), "");
    config.replace(TRUST, &format!("signing_key = {trust}")) + OTHER_KEY + more
}

#[test]
fn keys_that_may_have_signed_are_not_dropped_from_a_log_with_segments() {
    let (audit, other) = (
        "auditlog_signing_key.audit.trust",
        "auditlog_signing_key.other.trust",
    );
    let trail = Trail::of(&signed_by(audit, ""));
    trail.stack.configure(&signed_by(other, ""));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "nothing is there yet: {plan}");
    let before = trail.export("before.json");
    trail.seal(&before);

    let refused = |run: &Run| {
        assert_eq!(run.status, 1, "{run}");
        for said in [
            "A key of a log with segments is not dropped",
            "At logs[\"payments\"].signing_key: The key arn:aws:kms:",
            "(version 1 of alias/acme-audit) is missing, and there are objects under \"logs/payments\"",
            "concat(auditlog_signing_key.OLD.trust.keys,",
        ] {
            assert!(flat(&run.stderr).contains(said), "{said:?} is not in {run}");
        }
    };
    refused(&trail.stack.terraform.plan());
    // what the plan does not know, the apply refuses
    let later = format!("resource \"terraform_data\" \"trust\" {{\n  input = {other}\n}}\n");
    trail
        .stack
        .configure(&signed_by("terraform_data.trust.output", &later));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    refused(&trail.stack.terraform.apply());

    let both = format!("{{ alias = {other}.alias, keys = concat({audit}.keys, {other}.keys) }}");
    trail.becomes(&signed_by(&both, ""));
    trail.stack.assert_no_changes();
    trail.verify(&trail.export("both.json"));
}

/// Each with what the plan says, the path among it.
#[test]
fn declarations_that_cannot_be_are_refused_by_the_plan_with_text_and_path() {
    let payments = log("payments", "");
    let governance = "mode = \"GOVERNANCE\", days = 3";
    let with_lock = |lock: &str| declaration(lock, &payments, "");
    let with_log = |more: &str| declaration(governance, &log("payments", more), "");
    let with = |more: &str| declaration(governance, &payments, more);
    let role = "arn:aws:sts::000000000000:assumed-role/terraform/session";
    let cases: Vec<(String, &str)> = vec![
        (
            with_lock("mode = \"GOVERNANCE\""),
            "At object_lock: Set days, years or preset",
        ),
        (
            with_lock("mode = \"GOVERNANCE\", days = 1, years = 1"),
            "At object_lock: Set days or years, not both",
        ),
        (
            with_lock("mode = \"GOVERNANCE\", days = 365, preset = \"sec-17a-4\""),
            "At object_lock: 365 days are shorter than the 2192 days of the preset \"sec-17a-4\"",
        ),
        (
            with_lock("mode = \"COMPLIANCE\", preset = \"sec-17a-4\""),
            "acknowledge_irreversible = \"COMPLIANCE 2192 days\"",
        ),
        (
            with_lock("mode = \"GOVERNANCE\", days = 3, notice = \"1w\""),
            "\"1w\" is not a duration",
        ),
        (
            with_lock("mode = \"GOVERNANCE\", days = 3, preset = \"sox\""),
            "\"sox\" is not one of",
        ),
        (
            with_log("max_silence = \"37h\""),
            "At logs[\"payments\"].max_silence: 37h of silence need a retention of at least 74h",
        ),
        (
            with_log("prefix = \"logs/other\""),
            "At logs[\"payments\"].prefix: \"logs/other\" must end with the name of its log",
        ),
        (with_log("origin = \"a b\""), "\"a b\" is not an origin"),
        (
            with_log("object_lock = { mode = \"COMPLIANCE\", days = 9 }"),
            "acknowledge_irreversible = \"COMPLIANCE 9 days\"",
        ),
        (
            declaration(
                governance,
                &(payments.clone() + &log("b", "prefix = \"logs/payments/b\"")),
                "",
            ),
            "overlaps \"logs/payments/b/\"",
        ),
        (
            declaration(
                governance,
                &(payments.clone() + &log("b", "origin = \"acme-audit/payments\"")),
                "",
            ),
            "is the origin of the log",
        ),
        (
            with("  declared_prefixes = [\"archive\"]"),
            "At declared_prefixes[0]: \"archive\" is not a declared prefix",
        ),
        (
            with("  declared_prefixes = [\"logs/\"]"),
            "overlaps \"logs/\" of declared_prefixes[0]",
        ),
        (
            with(&format!("  administrators = [{role:?}]")),
            "Name the role: \"arn:aws:iam::000000000000:role/terraform\"",
        ),
        (
            with_log(&format!("writers = [{role:?}]")),
            "At logs[\"payments\"].writers:",
        ),
        (
            with("  storage = { expiration = \"4d\" }"),
            "Storage is refused",
        ),
        (
            with("  logging = { target_bucket = \"acme-audit\" }"),
            "Locked target of access logs",
        ),
        (
            with(
                "  extra_policy_json = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = \"*\", \
                  Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::acme-audit/*\" }] })",
            ),
            "allows something to everybody",
        ),
        (
            with(
                "  lock_spans = [{ from = \"2026-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 9 }]",
            ),
            "The last span is GOVERNANCE for 9 days, but object_lock is GOVERNANCE for 3 days",
        ),
        (with("  bucket_prefix = \"acme-\""), "bucket_prefix"),
        (
            with("  on_destroy = \"delete\""),
            "\"delete\" is not one of",
        ),
    ];
    let stack = Stack::new(Engine::Ministack, &with(""));
    for (config, said) in cases {
        stack.configure(&config);
        let plan = stack.terraform.plan();
        assert_eq!(plan.status, 1, "{said}: {plan}");
        assert!(
            flat(&plan.stderr).contains(said),
            "{said:?} is not in {plan}"
        );
    }
}

#[test]
fn every_argument_can_be_changed_and_the_next_plan_is_empty() {
    let governance = "mode = \"GOVERNANCE\", days = 3";
    let trail = Trail::of(&declaration(governance, &log("payments", ""), ""));
    let role = |name: &str| format!("[\"arn:aws:iam::111122223333:role/{name}\"]");
    let changed_log = format!(
        "writers = {}, readers = {}, max_silence = \"30h\", object_lock = {{ mode = \"GOVERNANCE\", days = 9 }}",
        role("sealer"),
        role("auditor")
    );
    let more = format!(
        "  break_glass = {}\n  declared_prefixes = [\"archive/\"]\n  on_destroy = \"forget\"\n  tags = {{ a = \"b\" }}\n  log_delivery = {{ \
         cloudtrail = {{ prefix = \"trails\" }} }}\n  storage = {{ expiration = \"after_retention\" }}\n  extra_policy_json = jsonencode({{ \
         Version = \"2012-10-17\", Statement = [{{ Sid = \"Read\", Effect = \"Allow\", Principal = {{ AWS = \
         \"arn:aws:iam::111122223333:root\" }}, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::acme-audit/archive/*\" }}] }})",
        role("break-glass")
    );
    let lock = "mode = \"GOVERNANCE\", years = 1, notice = \"2d\"";
    let changed = declaration(lock, &log("payments", &changed_log), &more);
    trail.stack.configure(&changed);
    let attributes = trail.stack.planned(ADDRESS).attributes;
    for name in [
        "break_glass",
        "declared_prefixes",
        "extra_policy_json",
        "lifecycle_rules",
        "lock_spans",
        "log_delivery",
        "log_spans",
        "logs",
        "object_lock",
        "on_destroy",
        "policy",
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
}

#[test]
fn bucket_prefix_gives_a_name_that_stays() {
    let config = declaration("mode = \"GOVERNANCE\", days = 3", &log("payments", ""), "")
        .replace("bucket = \"acme-audit\"", "bucket_prefix = \"acme-\"");
    let stack = Stack::applied(Engine::Ministack, &config);
    stack.assert_no_changes();
    let state = values(&stack.terraform, ADDRESS);
    let name = state["bucket"].as_str().expect("a name");
    assert!(name.starts_with("acme-") && name.len() == 31, "{name}");
    assert_eq!(
        state["logs"]["payments"]["origin"],
        format!("{name}/payments")
    );
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

fn refused(stack: &Stack, config: &str, said: &str) {
    stack.configure(config);
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    assert!(
        flat(&plan.stderr).contains(said),
        "{said:?} is not in {plan}"
    );
}

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
    terraform.import(ADDRESS, "acme-audit").ok();
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

#[tokio::test]
async fn default_weakened_by_another_hand_is_not_declared_unnoticed() {
    use aws_sdk_s3::types::{
        DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
        ObjectLockRule,
    };
    let trail = Trail::of(&days(10, ""));
    let weak = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .days(5)
        .build();
    let weak = ObjectLockRule::builder().default_retention(weak).build();
    for rule in [Some(weak), None] {
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .set_rule(rule)
            .build();
        let s3 = trail.stack.endpoint.s3();
        let put = s3.put_object_lock_configuration().bucket("acme-audit");
        let put = put.object_lock_configuration(lock).send();
        put.await.expect("a weaker default");
        let allow = "allow_weakening = [\"retention 10d -> 5d\"]";
        refused(&trail.stack, &days(5, ""), allow);
    }
    trail.becomes(&days(10, ""));
    trail.stack.assert_no_changes();
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
