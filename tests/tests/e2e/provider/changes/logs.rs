//! Logs with segments are not removed or renamed, and keep the keys that signed them.

use auditlog_tests::{Answer, Engine, Fault, Proxy, Run};

use super::{ADDRESS, Trail, declaration, flat, log, refused};
use crate::provider::stack::Stack;

#[test]
fn log_is_not_removed_or_renamed_while_its_segments_are_there() {
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
            "At logs[\"payments\"]: There are objects under \"logs/payments/\"",
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
    trail.verify(&trail.export("one.json"));
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
            "At logs[\"payments\"].signing_key: There are objects under \"logs/payments/\". The key arn:aws:kms:",
            "(version 1 of alias/acme-audit) is missing.",
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

const ROLE: &str = "arn:aws:iam::000000000000:role/acme-audit-%s-payments-%02d";

/// So many logs, each with a writer and a reader, by what these expressions are.
fn readers_of_each(number: usize, role: fn(&str) -> String, more: &str) -> String {
    let (writers, readers) = (role("sealer"), role("reader"));
    let logs = format!(
        "merge([for n in range({number}) : {{ (format(\"payments-eu-%02d\", n)) = {{ {TRUST}, writers = {writers}, readers = {readers} }} \
         }}]...)"
    );
    let config = declaration("mode = \"GOVERNANCE\", days = 3", "", more);
    config.replace("logs = {\n\n  }", &format!("logs = {logs}"))
}

fn known(role: &str) -> String {
    format!("[format(\"{ROLE}\", {role:?}, n)]")
}

/// Roles that a plan does not know yet.
fn known_later(role: &str) -> String {
    format!("slice(terraform_data.roles.output.{role}, n, n + 1)")
}

#[test]
fn readers_of_each_log_are_not_let_into_all_unnamed() {
    let (few, many) = (20, 30);
    let trail = Trail::of(&readers_of_each(few, known, ""));
    let entry = "allow_weakening = [\"policy readers of each log -> of any log\"]";
    refused(&trail.stack, &readers_of_each(many, known, ""), entry);
    // what the plan does not know, the apply refuses
    let roles =
        |role: &str| format!("{role} = [for n in range({many}) : format(\"{ROLE}\", {role:?}, n)]");
    let data = format!(
        "resource \"terraform_data\" \"roles\" {{\n  input = {{ {}, {} }}\n}}\n",
        roles("sealer"),
        roles("reader")
    );
    let later = readers_of_each(many, known_later, "");
    trail.stack.configure(&(later + &data));
    let plan = trail.stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let apply = trail.stack.terraform.apply();
    assert_eq!(apply.status, 1, "{apply}");
    assert!(flat(&apply.stderr).contains(entry), "{apply}");

    trail.becomes(&readers_of_each(many, known, &format!("  {entry}")));
    // the reading stays as it is, so that the entry is stale
    trail.stack.configure(&readers_of_each(many, known, ""));
    assert_eq!(trail.stack.planned(ADDRESS).attributes, ["allow_weakening"]);
}

/// A new bucket takes nothing away from anybody.
#[test]
fn new_bucket_of_many_logs_is_warned_of_readers_that_are_not_told_apart() {
    let config = readers_of_each(30, known, "");
    let stack = Stack::new(Engine::Ministack, &config);
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let text = flat(&plan.stdout.replace(['│', '╷', '╵'], " "));
    let said = "a reader or writer of one log may read the other logs too";
    assert!(text.contains(said), "{plan}");
}

/// What is there and what cannot be looked at are two reasons, each with its own words.
#[test]
fn log_and_bucket_that_cannot_be_listed_are_kept_for_that_reason() {
    let lock = "mode = \"GOVERNANCE\", days = 3";
    let trail = Trail::of(&declaration(lock, &log("payments", ""), ""));
    let way = Proxy::to(trail.stack.endpoint.url());
    let denied = Fault::Answer(Answer::refusal("403 Forbidden", "AccessDenied"));
    way.from_now_on("GET", "?versions", denied);
    let none = declaration(lock, "", "");
    let other = declaration(lock, &log("payments", ""), "").replace("acme-audit\"", "acme-other\"");
    for (config, said) in [
        (
            none,
            "Whether there are objects under \"logs/payments/\" is not known, because they could not be listed: ListObjectVersions on \
             acme-audit failed: AccessDenied",
        ),
        (other, "A bucket that cannot be listed is not replaced"),
    ] {
        trail.stack.configure(&config);
        let plan = trail.stack.terraform.command(&["plan", "-no-color"]);
        let plan = plan.env("AWS_ENDPOINT_URL", way.url()).run();
        assert_eq!(plan.status, 1, "{plan}");
        let text = flat(&plan.stderr.replace(['│', '╷', '╵'], " "));
        assert!(text.contains(said), "{said:?} is not in {plan}");
    }
    // what may be true is a warning
    let began = log("payments", "began = \"2026-01-01T00:00:00Z\"");
    trail.stack.configure(&declaration(lock, &began, ""));
    let plan = trail.stack.terraform.command(&["plan", "-no-color"]);
    let plan = plan.env("AWS_ENDPOINT_URL", way.url()).run().ok();
    let text = flat(&plan.stdout.replace(['│', '╷', '╵'], " "));
    for said in [
        "The beginning of a log was not checked",
        "At logs[\"payments\"].began: ListObjectVersions on acme-audit failed: AccessDenied",
    ] {
        assert!(text.contains(said), "{said:?} is not in {plan}");
    }
}
