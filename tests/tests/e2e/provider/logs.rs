//! The logs of a bucket: what is declared here is what the sealer writes by and the verifier compares with.

use std::fs;

use auditlog_tests::{Endpoint, Engine, Run, Terraform, command, root};
use serde_json::{Value, json};

use crate::provider::stack::{Stack, said, values};

const ADDRESS: &str = "auditlog_bucket.audit";
const KEY: &str =
    "resource \"auditlog_signing_key\" \"audit\" {\n  alias = \"alias/acme-audit\"\n}\n";

/// A bucket with this lock, these logs and these further arguments, the key that signs, and the trust policy as an output.
pub(crate) fn declaration(lock: &str, logs: &str, more: &str) -> String {
    format!(
        "{KEY}resource \"auditlog_bucket\" \"audit\" {{\n  bucket = \"acme-audit\"\n  object_lock = {{ {lock} }}\n  logs = {{\n{logs}\n  }}\n\
         {more}\n}}\noutput \"trust_policy\" {{\n  value = auditlog_bucket.audit.trust_policy\n}}\n"
    )
}

/// A log with these arguments.
pub(crate) fn log(name: &str, more: &str) -> String {
    format!("    {name} = {{ signing_key = auditlog_signing_key.audit.trust, {more} }}\n")
}

const GOVERNANCE: &str = "mode = \"GOVERNANCE\", days = 3";

/// Stores the policy that Terraform exports, and returns its path.
fn export(stack: &Stack) -> String {
    let policy = stack.terraform.output("trust_policy");
    let path = stack.terraform.path().join("trust-policy.json");
    fs::write(&path, policy.as_str().expect("a text")).expect("the policy");
    path.to_str().expect("a path").to_owned()
}

fn append(stack: &Stack, policy: &str, origin: &str) -> Run {
    let spool = stack.terraform.path().join("spool");
    let run = command("auditlog-seal").envs(stack.endpoint.env());
    let run = run.args(["append", "--policy", policy, "--log", origin]);
    let run = run.args(["--kms-key", "alias/acme-audit", "--spool"]);
    run.arg(spool).input("{\"paid\":1}\n").run()
}

fn verify(stack: &Stack, policy: &str) -> Run {
    let run = command("auditlog-verify").envs(stack.endpoint.env());
    run.args(["--policy", policy]).run()
}

#[test]
fn smallest_declaration_is_sealed_by_and_verified() {
    let stack = Stack::applied(
        Engine::Ministack,
        &declaration(GOVERNANCE, &log("payments", ""), ""),
    );
    stack.assert_no_changes();
    let policy = export(&stack);
    append(&stack, &policy, "acme-audit/payments").ok();
    let verified = verify(&stack, &policy).ok();
    assert!(verified.stdout.contains("\nverified: "), "{verified}");
    stack.assert_no_changes();

    let state = values(&stack.terraform, ADDRESS);
    let log = &state["logs"]["payments"];
    assert_eq!(log["origin"], "acme-audit/payments");
    assert_eq!(log["prefix"], "logs/payments");
    assert_eq!(log["max_silence"], "25h");
    assert_eq!(log["began"], state["creation_date"]);
    assert_eq!(
        state["lock_spans"],
        json!([{ "from": state["creation_date"], "mode": "GOVERNANCE", "days": 3 }])
    );
}

#[tokio::test]
async fn state_of_version_0_is_upgraded_and_its_lock_is_one_span_since_the_creation() {
    let endpoint = Engine::Ministack.start();
    let config = |bucket: &str, more: &str| {
        format!(
            "resource \"auditlog_bucket\" \"{bucket}\" {{\n  bucket = \"acme-{bucket}-v0\"\n{more}\n}}\n"
        )
    };
    let audit = config(
        "audit",
        "  object_lock = { mode = \"GOVERNANCE\", years = 1 }\n  tags = { team = \"audit\" }",
    );
    let plain = config(
        "plain",
        "  object_lock = { mode = \"GOVERNANCE\", days = 3 }",
    );
    let env = endpoint.env();
    for bucket in ["acme-audit-v0", "acme-plain-v0"] {
        locked_bucket(&endpoint, bucket).await;
    }
    let terraform = Terraform::with_config(&env, &(audit + &plain));
    let state = root().join("tests/tests/e2e/provider/states/bucket_0.json");
    terraform.write(
        "terraform.tfstate",
        &fs::read_to_string(state).expect("a state"),
    );
    terraform.init();
    terraform.apply().ok();
    assert_eq!(terraform.plan().status, 0);
    let span = |address: &str| values(&terraform, address)["lock_spans"].clone();
    let at = "2026-11-26T02:43:31Z";
    let declared = |days: u32| json!([{ "from": at, "mode": "GOVERNANCE", "days": days }]);
    assert_eq!(span("auditlog_bucket.audit"), declared(365));
    assert_eq!(span("auditlog_bucket.plain"), declared(3));
    assert_eq!(
        tag(&endpoint, "acme-plain-v0", "auditlog:lock").await,
        "20261126T024331Z=G3"
    );
}

async fn locked_bucket(endpoint: &Endpoint, bucket: &str) {
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(auditlog_tests::REGION.into())
        .build();
    let s3 = endpoint.s3();
    let create = s3.create_bucket().bucket(bucket);
    let create = create.object_lock_enabled_for_bucket(true);
    let create = create.create_bucket_configuration(place);
    create.send().await.expect("a locked bucket");
}

async fn tag(endpoint: &Endpoint, bucket: &str, key: &str) -> String {
    let tags = endpoint.s3().get_bucket_tagging().bucket(bucket).send();
    let tags = tags.await.expect("tags").tag_set;
    let tag = tags.into_iter().find(|tag| tag.key == key);
    tag.map(|tag| tag.value).unwrap_or_default()
}

#[tokio::test]
async fn spans_changed_in_the_tags_are_found_and_put_back() {
    let stack = Stack::applied(
        Engine::Ministack,
        &declaration(GOVERNANCE, &log("payments", ""), ""),
    );
    let before = values(&stack.terraform, ADDRESS)["lock_spans"].clone();
    let forged = aws_sdk_s3::types::Tag::builder()
        .key("auditlog:lock")
        .value("20200101T000000Z=G1")
        .build()
        .expect("a tag");
    let forged = aws_sdk_s3::types::Tagging::builder().tag_set(forged);
    let s3 = stack.endpoint.s3();
    let put = s3.put_bucket_tagging().bucket("acme-audit");
    put.tagging(forged.build().expect("tags"))
        .send()
        .await
        .expect("put");
    let change = stack.planned(ADDRESS);
    assert_eq!(change.actions, ["update"]);
    assert_eq!(change.attributes, ["drift", "lock_spans", "log_spans"]);
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    assert_eq!(values(&stack.terraform, ADDRESS)["lock_spans"], before);
    assert!(
        tag(&stack.endpoint, "acme-audit", "auditlog:lock")
            .await
            .ends_with("=G3")
    );
}

#[test]
fn history_is_found_again_by_an_import() {
    let config = declaration(GOVERNANCE, &log("payments", "max_silence = \"2h\""), "");
    let stack = Stack::applied(Engine::Ministack, &config);
    let original = values(&stack.terraform, ADDRESS);
    stack.terraform.run(&["state", "rm", ADDRESS]).ok();
    stack.terraform.import(ADDRESS, "acme-audit").ok();
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let found = values(&stack.terraform, ADDRESS);
    for name in ["lock_spans", "log_spans", "logs", "trust_policy"] {
        assert_eq!(found[name], original[name], "{name}");
    }
}

#[test]
fn log_that_is_added_later_begins_then_and_the_others_keep_their_beginning() {
    let one = log("payments", "");
    let stack = Stack::applied(Engine::Ministack, &declaration(GOVERNANCE, &one, ""));
    let before = values(&stack.terraform, ADDRESS);
    let two = one + &log("orders", "began = \"2026-01-01T00:00:00Z\"") + &log("refunds", "");
    stack.configure(&declaration(GOVERNANCE, &two, ""));
    assert_eq!(
        stack.planned(ADDRESS).attributes,
        [
            "log_spans",
            "logs",
            "policy",
            "trust_policy",
            "trust_policy_sha256"
        ]
    );
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let state = values(&stack.terraform, ADDRESS);
    let began = |state: &Value, log: &str| state["logs"][log]["began"].clone();
    assert_eq!(began(&state, "payments"), began(&before, "payments"));
    assert_eq!(began(&state, "orders"), "2026-01-01T00:00:00Z");
    assert!(began(&state, "refunds").as_str() >= began(&before, "payments").as_str());
}

/// Text of a run, without the line breaks that Terraform puts into it.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn principals_become_the_policy_and_the_caller_must_stay_among_the_administrators() {
    let role = |name: &str| format!("[\"arn:aws:iam::000000000000:role/{name}\"]");
    let log = log(
        "payments",
        &format!(
            "writers = {}, readers = {}",
            role("sealer"),
            role("auditor")
        ),
    );
    let with = |administrators: &str| {
        let more = format!("  break_glass = []\n  administrators = {administrators}");
        declaration(GOVERNANCE, &log, &more)
    };
    let stack = Stack::new(Engine::Ministack, &with(&role("terraform")));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    assert!(
        plan.stdout
            .contains("An apply by this caller will be refused"),
        "{plan}"
    );
    let refused = stack.terraform.apply();
    assert_eq!(refused.status, 1, "{refused}");
    assert!(
        refused.stderr.contains("Terraform would lock itself out"),
        "{refused}"
    );
    let text = flat(&refused.stderr);
    let caller = text.split("Terraform runs as ").nth(1).expect("the caller");
    let caller = caller.split(',').next().expect("an ARN");
    assert!(
        stack
            .endpoint
            .s3()
            .head_bucket()
            .bucket("acme-audit")
            .send()
            .await
            .is_err()
    );

    stack.configure(&with(&format!("[{caller:?}]")));
    let plan = stack.terraform.plan();
    for warning in ["will be refused", "Not enforced by the bucket policy"] {
        assert!(!plan.stdout.contains(warning), "{plan}");
    }
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let policy = stack.endpoint.s3().get_bucket_policy().bucket("acme-audit");
    let policy = policy
        .send()
        .await
        .expect("a policy")
        .policy
        .expect("a text");
    for role in [
        "role*/sealer",
        "role*/auditor",
        "s3:BypassGovernanceRetention",
    ] {
        assert!(policy.contains(role), "{role} is not in {policy}");
    }
    let document = export(&stack);
    append(&stack, &document, "acme-audit/payments").ok();
    verify(&stack, &document).ok();
}

#[tokio::test]
async fn statement_that_denies_the_caller_the_policy_is_refused_before_the_first_write() {
    let endpoint = Engine::Ministack.start_guarded();
    let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let all = json!({ "Version": "2012-10-17", "Statement": [all] });
    let (access_key, secret_key) = endpoint.user_named("terraform", &all);
    let env = endpoint.env_with(&access_key, &secret_key);
    let deny = |user: &str| {
        let extra = format!(
            "  extra_policy_json = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Sid = \"Own\", Effect = \"Deny\", Principal = {{ AWS = \
             \"arn:aws:iam::000000000000:user/{user}\" }}, Action = \"s3:DeleteBucketPolicy\", Resource = \"arn:aws:s3:::acme-audit\" }}] }})"
        );
        format!(
            "resource \"auditlog_bucket\" \"audit\" {{\n  bucket = \"acme-audit\"\n  object_lock = {{ {GOVERNANCE} }}\n{extra}\n}}\n"
        )
    };
    let stack = Stack::with_env(endpoint, &env, &deny("terraform"));
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 2, "{plan}");
    let text = flat(&plan.stdout.replace(['│', '╷', '╵'], " "));
    let caller = "Terraform runs as arn:aws:iam::000000000000:user/terraform, and the statement \"Own\" denies it";
    assert!(
        text.contains("An apply by this caller will be refused"),
        "{plan}"
    );
    assert!(text.contains(caller), "{plan}");
    let refused = stack.terraform.apply();
    said(
        &refused,
        &["Terraform would lock itself out", "on main.tf line 4"],
    );
    let s3 = stack.endpoint.s3();
    let found = s3.head_bucket().bucket("acme-audit").send().await;
    assert!(found.is_err(), "{refused}");

    stack.configure(&deny("somebody"));
    let plan = stack.terraform.plan();
    assert!(!plan.stdout.contains("will be refused"), "{plan}");
}

#[test]
fn plan_says_what_the_policy_does_not_enforce() {
    let config = declaration(GOVERNANCE, &log("payments", ""), "");
    let plan = Stack::new(Engine::Ministack, &config).terraform.plan();
    let text = flat(&plan.stdout);
    for said in [
        "Warning: Not enforced by the bucket policy",
        "- administrators: everybody with the permission in IAM may change the bucket's lock",
        "- writers: everybody with the permission in IAM may write segments under \"logs/payments\"",
    ] {
        assert!(text.contains(said), "{said:?} is not in {plan}");
    }
}
