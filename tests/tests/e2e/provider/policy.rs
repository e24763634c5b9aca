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
  object_lock = { mode = "COMPLIANCE", days = 730 }
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
  lock_spans = [{
    from = auditlog_bucket.audit.creation_date
    mode = auditlog_bucket.audit.object_lock.mode
    days = auditlog_bucket.audit.object_lock.days
  }]
  max_silence = "1m"
  logs = [
    { origin = "acme.example/audit/payments" },
    { origin = "acme.example/audit/logins", prefix = "logs/logins" },
  ]
  keys = [for key in [auditlog_signing_key.audit, auditlog_signing_key.second] : {
    public_key = key.public_key_pem
    arn        = key.arn
    valid_from = key.creation_date
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
