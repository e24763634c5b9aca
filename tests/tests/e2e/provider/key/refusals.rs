//! What is refused before anything is done, with its text and its place.

use auditlog_tests::{Engine, Terraform};

use super::{ALIAS, key_of, said};
use crate::provider::config::assert_each_is_reported;
use crate::provider::stack::{Stack, diagnostics};

/// All of it wrong. Each `#` names the text that must be said about its line.
const WRONG: &str = r#"
resource "auditlog_signing_key" "alias" {
  alias = "alias/a b" # "alias/a b" is not an alias: "alias/" and a name of letters, digits, slashes
}

resource "auditlog_signing_key" "aws" {
  alias = "alias/aws/audit" # "alias/aws/audit" begins with "alias/aws/", which AWS reserves
}

resource "auditlog_signing_key" "region" {
  alias  = "alias/x"
  region = "Frankfurt" # "Frankfurt" is not an AWS region
}

resource "auditlog_signing_key" "period" {
  alias    = "alias/x"
  rotation = { period_in_days = 0 } # rotation.period_in_days: 0 is not a whole number of days between 1 and 36500
}

resource "auditlog_signing_key" "grace" {
  alias    = "alias/x"
  rotation = { grace_in_days = 366 } # rotation.grace_in_days: 366 is not a whole number of days between 0 and 365
}

resource "auditlog_signing_key" "trigger" {
  alias    = "alias/x"
  rotation = { trigger = "2027!" } # rotation.trigger: "2027!" does not fit into a tag: 1 to 256 letters, digits, spaces and
}

resource "auditlog_signing_key" "no_trigger" {
  alias    = "alias/x"
  rotation = { trigger = "" } # rotation.trigger: "" does not fit into a tag
}

resource "auditlog_signing_key" "session" {
  alias   = "alias/x"
  signers = ["arn:aws:sts::123456789012:assumed-role/sealer/i-1"] # role/sealer
}

resource "auditlog_signing_key" "name" {
  alias          = "alias/x"
  administrators = ["terraform"] # "terraform"
}

resource "auditlog_signing_key" "lost" {
  alias = "alias/x"
  lost  = { "1" = { at = "yesterday" } } # lost["1"].at: "yesterday" is not an RFC 3339 time
}

resource "auditlog_signing_key" "compromised" {
  alias       = "alias/x"
  compromised = { "1" = { at = "today" } } # compromised["1"].at: "today" is not an RFC 3339 time
}

resource "auditlog_signing_key" "root" {
  alias       = "alias/x"
  compromised = { "1" = { at = "2027-01-01T00:00:00Z", last_good = { "acme.example/a" = { segment = 1, size = 4, root = "x" } } } } # compromised["1"].last_good["acme.example/a"].root: "x" is not a root
}

resource "auditlog_signing_key" "description" {
  alias       = "alias/x"
  description = join("", [for i in range(1000) : "ninechars"]) # It has 9000 characters; KMS takes 8192 at most
}

resource "auditlog_signing_key" "on_destroy" {
  alias      = "alias/x"
  on_destroy = "delete" # "delete" is not one of "retain", "schedule_deletion"
}

resource "auditlog_signing_key" "tags" {
  alias = "alias/x"
  tags  = { "auditlog:version" = "2" } # "auditlog:version"
}
"#;

#[test]
fn wrong_argument_of_a_key_is_found_at_its_line() {
    let terraform = Terraform::with_config(&[], WRONG);
    terraform.init();
    let run = terraform.validate();
    assert_eq!(run.status, 1, "{run}");
    assert_each_is_reported(WRONG, &diagnostics(&run));
}

#[test]
fn what_only_a_plan_can_know_is_refused_there() {
    let stack = Stack::new(Engine::Ministack, "");
    let at = "at = \"2027-01-01T00:00:00Z\"";
    let lost = |number: &str| format!("lost = {{ \"{number}\" = {{ {at} }} }}");
    let refused = |more: &str, texts: &[&str]| {
        stack.configure(&key_of("", &format!("{ALIAS}\n{more}")));
        let plan = stack.terraform.plan();
        assert_eq!(plan.status, 1, "{plan}");
        said(&plan, texts);
    };
    refused(
        "tags = { for n in range(33) : \"t${n}\" => \"x\" }",
        &[
            "The key would have 33 tags of `tags` and `default_tags`",
            "Remove tags until at most 32 are left",
        ],
    );
    refused(
        &lost("1"),
        &[
            "Invalid value for lost[\"1\"]",
            "Version 1 does not exist: the key is not made yet.",
            "in resource \"auditlog_signing_key\" \"audit\"",
        ],
    );
    stack.configure(&key_of("", ALIAS));
    stack.terraform.apply().ok();
    refused(
        &lost("01"),
        &[
            "Invalid value for lost[\"01\"]",
            "\"01\" is not the number of a version, such as \"1\".",
        ],
    );
    let good = "{ segment = 1, size = 4, root = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }";
    refused(
        &format!("compromised = {{ \"1\" = {{ {at}, last_good = {{ \"a b\" = {good} }} }} }}"),
        &[
            "Invalid value for compromised[\"1\"].last_good[\"a b\"]",
            "\"a b\" is not an origin",
        ],
    );
    for argument in ["lost", "compromised"] {
        let later = format!("{argument} = {{ \"1\" = {{ at = \"2099-01-01T00:00:00Z\" }} }}");
        let path = format!("Invalid value for {argument}[\"1\"].at");
        refused(&later, &[&path, "2099-01-01T00:00:00Z is in the future"]);
    }
    let many = (0..800).map(|at| format!("\"arn:aws:iam::123456789012:role/sealer-{at}\""));
    let many = many.collect::<Vec<_>>().join(", ");
    for list in ["signers", "verifiers", "administrators"] {
        refused(
            &format!("{list} = [{many}]"),
            &[
                "Impossible key policy",
                &format!(": {list} = ["),
                "AWS accepts at most 32768",
                "Name fewer principals",
            ],
        );
        refused(
            &format!("{list} = [\"arn:aws-cn:iam::123456789012:role/a\"]"),
            &[
                &format!("Invalid value for {list}"),
                &format!(": {list} = ["),
                "belongs to the partition \"aws-cn\", and the policy to \"aws\"",
            ],
        );
    }
}

/// KMS's default policy would let every IAM administrator sign.
#[test]
fn key_is_not_made_where_its_account_is_not_known() {
    let provider = "provider \"auditlog\" {\n  skip_requesting_account_id = true\n}\n";
    let config = provider.to_owned() + &key_of("", ALIAS);
    let stack = Stack::new(Engine::Ministack, &config);
    let plan = stack.terraform.plan();
    assert_eq!(plan.status, 1, "{plan}");
    said(
        &plan,
        &[
            "The account of the key is not known",
            "Remove `skip_requesting_account_id` from the provider block",
        ],
    );

    // a key that is there has it in its ARN, and its successor too
    let rotated = |trigger: &str| {
        key_of(
            "",
            &format!("{ALIAS}\nrotation = {{ trigger = {trigger:?} }}"),
        )
    };
    stack.configure(&rotated("a"));
    stack.terraform.apply().ok();
    stack.configure(&(provider.to_owned() + &rotated("b")));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
}
