//! `auditlog_trust_policy`: from the declaration to the document that a verifier reads.

use auditlog_chain::policy::TrustPolicy;

use auditlog_tests::Engine;

use crate::provider::stack::Stack;
use crate::support::engines::on_each_engine;

on_each_engine! {
    declaration_comes_out_as_the_document_that_a_verifier_reads,
}

const STACK: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 730 }
}

resource "auditlog_signing_key" "audit" {
  alias    = "alias/first"
  key_spec = "ECC_NIST_P384" # moto has no Ed25519
}

resource "auditlog_signing_key" "second" {
  alias    = "alias/second"
  key_spec = "ECC_NIST_P256"
}

data "auditlog_trust_policy" "audit" {
  bucket     = auditlog_bucket.audit.bucket
  region     = auditlog_bucket.audit.region
  account_id = auditlog_bucket.audit.account_id
  lock_spans = auditlog_bucket.audit.lock_spans
  max_silence = "1m"
  logs = [
    { origin = "acme.example/audit/payments" },
    { origin = "acme.example/audit/logins", prefix = "logs/logins" },
  ]
  signing_key = auditlog_signing_key.audit.trust
  keys = [{
    public_key = auditlog_signing_key.second.public_key_pem
    arn        = auditlog_signing_key.second.arn
    valid_from = auditlog_signing_key.second.creation_date
  }]
  declared_prefixes = ["archive/"]
}

output "policy" {
  value = data.auditlog_trust_policy.audit.json
}

output "sha256" {
  value = data.auditlog_trust_policy.audit.sha256
}
"#;

fn declaration_comes_out_as_the_document_that_a_verifier_reads(engine: Engine) {
    let stack = Stack::applied(engine, STACK);
    stack.assert_no_changes();
    let json = stack.terraform.output("policy");
    let json = json.as_str().unwrap();
    let policy = TrustPolicy::parse(json.as_bytes()).unwrap();
    assert_eq!(
        stack.terraform.output("sha256"),
        TrustPolicy::digest(json.as_bytes()).to_hex()
    );
    let document = policy.document();
    assert_eq!(document.lock[0].retention_days, 730);
    assert_eq!(
        document.store.as_ref().unwrap().s3().account,
        engine.account()
    );
    assert_eq!(document.declared_prefixes, ["archive/"]);
    let prefixes: Vec<_> = document
        .logs
        .iter()
        .map(|log| log.prefix.as_str())
        .collect();
    assert_eq!(prefixes, ["payments", "logs/logins"]);
    assert!(
        document
            .logs
            .iter()
            .all(|log| log.verifier_keys.len() == 2 && log.began == document.lock[0].from)
    );
}

#[test]
fn logs_that_overlap_are_refused_at_plan_time() {
    let stack = Stack::new(
        Engine::Ministack,
        &STACK.replace("logs/logins", "payments/logins"),
    );
    stack.terraform.apply();
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    let text = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("two logs have prefixes that overlap"),
        "{plan}"
    );
}

#[test]
fn functions_are_called_by_their_names_and_give_the_numbers_of_their_pages() {
    let config = r#"
output "days" {
  value = provider::auditlog::retention_days("sec-17a-4")
}

output "bill" {
  value = provider::auditlog::monthly_cost(2, 1, 10, "5m", 365, [{ days = 90, storage_class = "GLACIER_IR" }], null)
}

output "cheaper" {
  value = provider::auditlog::monthly_cost(2, 1, 10, "5m", 365, [], { storage_STANDARD = 0.01 }).cost.storage
}
"#;
    let stack = Stack::applied(Engine::Ministack, config);
    stack.assert_no_changes();
    assert_eq!(stack.terraform.output("days"), 2192);
    let bill = stack.terraform.output("bill");
    assert_eq!(bill["cost"]["total"], 33.39, "{bill}");
    assert_eq!(bill["gb_months"]["GLACIER_IR"], 2750, "{bill}");
    assert_eq!(stack.terraform.output("cheaper"), 36.5);
    stack
        .configure("output \"days\" {\n  value = provider::auditlog::retention_days(\"sox\")\n}\n");
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    assert!(plan.stderr.contains("is not one of the presets"), "{plan}");
    assert!(!plan.stderr.contains(".."), "{plan}");
}
