//! Wrong configuration is found before anything is made, and Terraform points at its line.

use auditlog_tests::{Engine, Terraform};

use crate::provider::stack::{Stack, diagnostics, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    profile_of_the_shared_files_gives_region_and_credentials,
    unknown_provider_configuration_plans_what_is_new,
}

/// All of it wrong, as [`WRONG_RESOURCES`].
const WRONG_PROVIDER: &str = r#"
provider "auditlog" {
  region     = "Frankfurt" # "Frankfurt" is not an AWS region
  access_key = "AKIA"      # "access_key" also needs "secret_key"

  forbidden_account_ids = ["111111111111", "12345"] # "12345" is not an AWS account: twelve digits

  endpoints {
    kms = "localhost:4566" # "localhost:4566" is not an http:// or https:// URL
  }
}

resource "auditlog_signing_key" "x" {
  alias = "alias/x"
}
"#;

/// Accounts without their number.
const UNKNOWN_ACCOUNT: &str = r#"
provider "auditlog" {
  skip_requesting_account_id = true
  allowed_account_ids        = ["111111111111"] # "allowed_account_ids" needs the account
  forbidden_account_ids      = ["111111111111"] # "forbidden_account_ids" needs the account
}

resource "auditlog_signing_key" "x" {
  alias = "alias/x"
}
"#;

/// All of it wrong. Each `#` names the text that must be said about its line. Terraform finds the line of an attribute, but not
/// of anything inside it.
const WRONG_RESOURCES: &str = r#"
resource "auditlog_bucket" "name" {
  bucket      = "Trail" # "Trail" contains 'T'
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_bucket" "mode" {
  bucket      = "trail"
  object_lock = { mode = "LOCKED", days = 1 } # object_lock.mode: "LOCKED" is not one of "GOVERNANCE", "COMPLIANCE"
}

resource "auditlog_bucket" "days" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 40000 } # object_lock.days: 40000 is not a whole number of days between 1 and 36500
}

resource "auditlog_bucket" "negative" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = -1 } # object_lock.days: -1 is not a whole number of days between 1 and 36500
}

resource "auditlog_bucket" "null" { # Set exactly one of "bucket" and "bucket_prefix". None of them is set
  bucket      = null
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_bucket" "null_mode" {
  bucket      = "trail"
  object_lock = { mode = null, days = 1 } # No value for object_lock.mode
}

resource "auditlog_bucket" "both" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1, years = 1 } # Set days or years, not both
}

resource "auditlog_bucket" "none" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE" } # Set days, years or preset: a lock without a period protects nothing
}

resource "auditlog_bucket" "tags" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
  tags        = { "aws:x" = "y" } # The key "aws:x" begins with "aws:", which AWS reserves
}

resource "auditlog_bucket" "encryption" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
  encryption  = { kms_key_arn = "alias/x" } # encryption.kms_key_arn: "alias/x" is not the ARN of a KMS key
}

resource "auditlog_signing_key" "spec" {
  alias    = "alias/x"
  key_spec = "ECC_NIST_P521" # "ECC_NIST_P521" is not one of "ECC_NIST_EDWARDS25519"
}

resource "auditlog_signing_key" "alias" {
  alias = "audit" # "audit" does not begin with "alias/": write "alias/audit"
}

resource "auditlog_signing_key" "window" {
  alias                   = "alias/x"
  deletion_window_in_days = 6 # 6 is not a whole number of days between 7 and 30
}

data "auditlog_trust_policy" "origin" {
  lock_spans  = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 1 }]
  max_silence = "1m"
  logs        = [{ origin = "a b" }] # logs[0].origin: "a b" is not an origin
}

data "auditlog_trust_policy" "account" {
  bucket      = "trail"
  region      = "eu-central-1"
  account_id  = "12345" # "12345" is not an AWS account: twelve digits
  lock_spans  = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 1 }]
  max_silence = "1m"
  logs        = [{ origin = "acme.example/audit" }]
}

data "auditlog_trust_policy" "silence" {
  lock_spans  = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 1 }]
  max_silence = "43201s" # max_silence: 43201s of silence need a retention of at least 86402s
  logs        = [{ origin = "acme.example/audit" }]
}

data "auditlog_trust_policy" "log_silence" {
  lock_spans  = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 365 }]
  max_silence = "1m"
  logs        = [{ origin = "acme.example/audit", max_silence = "15768001s" }] # logs[0].max_silence: 15768001s of silence
}

data "auditlog_trust_policy" "spans" {
  lock_spans = [{ from = "yesterday", mode = "GOVERNANCE", days = 3 }] # "yesterday" is not an RFC 3339 time
  logs       = [{ origin = "acme.example/audit", max_silence_spans = [{ from = "2026-01-01T00:00:00Z", max_silence = "1d1h" }] }] # "1d1h" is not a duration
}

data "auditlog_trust_policy" "duration" {
  lock_spans  = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 2 }]
  max_silence = "25" # "25" is not a duration: a whole number and one unit of s, m, h and d
  logs        = [{ origin = "acme.example/audit" }]
}

data "auditlog_trust_policy" "place" {
  bucket     = "trail" # Set "bucket", "region" and "account_id" together or not at all. Now "region" is not set
  account_id = "123456789012"
  lock_spans = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 3 }]
  logs       = [{ origin = "acme.example/audit" }]
}

data "auditlog_trust_policy" "ended" {
  lock_spans = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 3 }]
  logs       = [{ origin = "acme.example/audit", ended = { segment = 1, size = 4, root = "x", sealed = "2026-01-01T00:00:00Z" } }] # "x" is not a root
}
"#;

const PROVIDER_NULLS: &str = r#"
provider "auditlog" {
  user_agent = [null] # No value for user_agent[0]
  ignore_tags {
    keys = ["a", null] # No value for an element of ignore_tags.keys
  }
  assume_role {
    role_arn    = ""
    policy_arns = [null] # No value for an element of assume_role[0].policy_arns
  }
}

resource "auditlog_signing_key" "x" {
  alias = "alias/x"
}
"#;

const NULLS: &str = r#"
resource "auditlog_signing_key" "right" {
  alias = "alias/right"
}

resource "auditlog_signing_key" "null" {
  alias   = "alias/x"
  signers = [null] # No value for an element of signers
  disarm  = ["1234abcd-12ab-34cd-56ef-1234567890ab", null] # No value for disarm[1]
  tags    = { a = null } # No value for tags["a"]
}

resource "auditlog_signing_key" "nonsense" {
  alias  = "alias/y"
  disarm = ["nonsense"] # At [0]: "nonsense" is neither the id of a KMS key
}

resource "auditlog_bucket" "null" {
  bucket            = "trail"
  object_lock       = { mode = "GOVERNANCE", days = 3 }
  administrators    = [null] # No value for an element of administrators
  break_glass       = [null] # No value for an element of break_glass
  allow_weakening   = [null] # No value for allow_weakening[0]
  acknowledged      = [null] # No value for acknowledged[0]
  declared_prefixes = ["archive/", null] # No value for declared_prefixes[1]
  logs              = { p = { signing_key = auditlog_signing_key.right.trust, writers = [null] } } # No value for an element of logs["p"].writers
}

data "auditlog_trust_policy" "null" {
  lock_spans        = [{ from = "2026-01-01T00:00:00Z", mode = "GOVERNANCE", days = 3 }, null] # No value for lock_spans[1]
  max_silence       = "1m"
  declared_prefixes = [null] # No value for declared_prefixes[0]
  logs              = [{ origin = "acme.example/audit" }]
}
"#;

/// A variable has a value at the plan, the output of another resource at its apply.
#[test]
fn null_among_elements_is_refused_as_soon_as_it_is_known() {
    let config = "variable \"none\" {\n  type    = list(string)\n  default = [\"archive/\", null]\n}\n\nresource \"terraform_data\" \"none\" {\n  input = var.none\n}\n\nresource \"auditlog_bucket\" \"x\" {\n  bucket            = \"trail\"\n  object_lock       = { mode = \"GOVERNANCE\", days = 1 }\n  declared_prefixes = var.none\n}\n";
    let stack = Stack::new(Engine::Ministack, config);
    assert_eq!(stack.terraform.validate().status, 0);
    let said = "No value for declared_prefixes[1]";
    let planned = stack.terraform.plan();
    assert!(
        planned.status == 1 && planned.stderr.contains(said),
        "{planned}"
    );
    let known = "declared_prefixes = var.none";
    let later = config.replace(known, "declared_prefixes = terraform_data.none.output");
    stack.configure(&later);
    assert_eq!(stack.terraform.plan().status, 2);
    let applied = stack.terraform.apply();
    assert!(
        applied.status == 1 && applied.stderr.contains(said),
        "{applied}"
    );
}

#[test]
fn wrong_configuration_is_found_at_its_line() {
    let terraform = Terraform::with_config(&[], "");
    terraform.init();
    for config in [
        WRONG_PROVIDER,
        UNKNOWN_ACCOUNT,
        WRONG_RESOURCES,
        PROVIDER_NULLS,
        NULLS,
    ] {
        terraform.write("main.tf", config);
        let run = terraform.validate();
        assert_eq!(run.status, 1, "{run}");
        assert_each_is_reported(config, &diagnostics(&run));
    }
}

#[track_caller]
pub(crate) fn assert_each_is_reported(config: &str, found: &[(String, String)]) {
    let wanted: Vec<(&str, &str)> = config
        .lines()
        .filter_map(|line| line.split_once(" # "))
        .collect();
    for (line, said) in &wanted {
        let hit = found
            .iter()
            .any(|(text, code)| text.contains(said) && code.starts_with(line.trim()));
        assert!(hit, "{said:?} is not said at {line:?}: {found:#?}");
    }
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
}

#[test]
fn missing_region_is_reported_at_plan_time() {
    let stack = Stack::new(
        Engine::Ministack,
        "resource \"auditlog_signing_key\" \"x\" {\n  alias = \"alias/x\"\n}\n",
    );
    let run = stack
        .terraform
        .command(&["plan", "-no-color"])
        .env("AWS_REGION", "")
        .run();
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("No AWS region"), "{run}");
}

#[test]
fn endpoint_that_does_not_answer_ends_in_an_error_within_its_time_out() {
    let config = "provider \"auditlog\" {\n  endpoints {\n    sts = \"http://127.0.0.1:9\"\n  }\n  max_retries = 0\n}\nresource \"auditlog_signing_key\" \"x\" {\n  alias = \"alias/x\"\n}\n";
    let stack = Stack::new(Engine::Ministack, config);
    let run = stack.terraform.plan();
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "AWS STS cannot be reached",
        "GetCallerIdentity at http://127.0.0.1:9 was not answered: ",
        "Connection refused (os error 111).",
        "skip_requesting_account_id = true",
    ] {
        assert!(text.contains(said), "{said:?} is not said: {run}");
    }
    // and without STS, the same endpoint serves a bucket
    let config = config.replace("max_retries = 0", "skip_requesting_account_id = true");
    let bucket = "resource \"auditlog_bucket\" \"x\" {\n  bucket      = \"trail\"\n  object_lock = { mode = \"GOVERNANCE\", days = 1 }\n}\n";
    let (provider, _) = config.split_once("resource").unwrap();
    stack.configure(&format!("{provider}{bucket}"));
    assert_eq!(stack.terraform.plan().status, 2);
}

fn profile_of_the_shared_files_gives_region_and_credentials(engine: Engine) {
    let stack = Stack::new(engine, "");
    let terraform = Terraform::with_config(
        &[(
            "AWS_ENDPOINT_URL".to_owned(),
            stack.endpoint.url().to_owned(),
        )],
        "provider \"auditlog\" {\n  profile                  = \"audit\"\n  shared_config_files      = [\"config\"]\n  shared_credentials_files = [\"credentials\"]\n}\n\nresource \"auditlog_bucket\" \"x\" {\n  bucket      = \"trail\"\n  object_lock = { mode = \"GOVERNANCE\", days = 1 }\n}\n",
    );
    terraform.init();
    terraform.write("config", "[profile audit]\nregion = eu-north-1\n");
    terraform.write(
        "credentials",
        "[audit]\naws_access_key_id = test\naws_secret_access_key = test\n",
    );
    terraform.apply().ok();
    assert_eq!(
        values(&terraform, "auditlog_bucket.x")["region"],
        "eu-north-1"
    );

    terraform.write(
        "credentials",
        "[other]\naws_access_key_id = test\naws_secret_access_key = test\n",
    );
    let run = terraform.plan();
    assert_eq!(run.status, 1, "{run}");
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let none = "No AWS credentials";
    let said =
        "There are no credentials: neither the profile \"audit\" nor the machine's role has any.";
    assert!(text.contains(none) && text.contains(said), "{run}");
}

fn unknown_provider_configuration_plans_what_is_new(engine: Engine) {
    let config = "resource \"terraform_data\" \"region\" {\n  input = \"eu-central-1\"\n}\n\nprovider \"auditlog\" {\n  region = terraform_data.region.output\n}\n\nresource \"auditlog_bucket\" \"x\" {\n  bucket      = \"trail\"\n  object_lock = { mode = \"GOVERNANCE\", days = 1 }\n}\n";
    let stack = Stack::applied(engine, config);
    stack.assert_no_changes();
}
