//! The IAM policies of `auditlog_iam_policy` allow each call that provider, sealer and verifier make, and little else.
//!
//! The calls are recorded on their way to the local endpoint. What each needs of IAM is S3's page "Required permissions for
//! Amazon S3 API operations", by the request itself: its method, its sub-resource and its headers.

use std::fs;

use auditlog_tests::{Engine, Proxy, Terraform, command};
use serde_json::{Value, json};

use super::judge::Expected::{Allowed, NotAllowed};
use super::judge::{Caller, Expected, Request, check, unknown};

const STACK: &str = r#"
resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 3 }
  logs        = { payments = { signing_key = auditlog_signing_key.audit.trust } }
  tags        = { team = "one" }
}

resource "auditlog_signing_key" "audit" {
  alias    = "alias/acme-audit"
  key_spec = "ECC_NIST_P256"
  tags     = { team = "one" }
}

data "auditlog_iam_policy" "audit" {
  region           = "eu-central-1"
  account_id       = "000000000000"
  buckets          = ["trail"]
  log_prefixes     = ["logs/payments"]
  aliases          = ["alias/acme-audit"]
  signing_key_arns = [auditlog_signing_key.audit.arn]
}

output "policy" { value = auditlog_bucket.audit.trust_policy }
output "key" { value = auditlog_signing_key.audit.arn }
output "provider" { value = data.auditlog_iam_policy.audit.provider_json }
output "sealer" { value = data.auditlog_iam_policy.audit.sealer_json }
output "auditor" { value = data.auditlog_iam_policy.audit.auditor_json }
"#;

/// The account of the endpoint. Its calls are judged as those of a role in that account.
const OWNER: &str = "000000000000";
const ROLE: Caller = Caller::Role(OWNER, "", "program");

/// What was recorded, and the policies.
struct Recorded {
    provider: Vec<String>,
    sealer: Vec<String>,
    verifier: Vec<String>,
    terraform: Terraform,
}

impl Recorded {
    fn policy(&self, name: &str) -> Value {
        let text = self.terraform.output(name);
        serde_json::from_str(text.as_str().expect("a text")).expect("a policy")
    }

    fn key(&self) -> String {
        self.terraform
            .output("key")
            .as_str()
            .expect("an ARN")
            .to_owned()
    }
}

/// Applies, seals, verifies, changes, and is refused a destroy because of what was sealed.
fn recorded() -> Recorded {
    let endpoint = Engine::Ministack.start();
    let ways = [(); 3].map(|()| Proxy::to(endpoint.url()));
    let env = |way: &Proxy| {
        let mut env = endpoint.env();
        env.push(("AWS_ENDPOINT_URL".to_owned(), way.url().to_owned()));
        env
    };
    let terraform = Terraform::with_config(&env(&ways[0]), STACK);
    terraform.init();
    terraform.apply().ok();
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.json");
    fs::write(
        &policy,
        terraform.output("policy").as_str().expect("a text"),
    )
    .expect("the policy");
    let seal = || {
        let seal = command("auditlog-seal")
            .envs(env(&ways[1]))
            .arg("append")
            .arg("--policy");
        let seal = seal
            .arg(&policy)
            .arg("--kms-key")
            .arg(terraform.output("key").as_str().expect("an ARN"));
        seal.arg("--spool")
            .arg(folder.path().join("spool"))
            .input("1\n")
            .run()
            .ok()
    };
    seal();
    seal();
    let verify = command("auditlog-verify")
        .envs(env(&ways[2]))
        .arg("--policy");
    let run = verify.arg(&policy).run();
    assert_eq!(run.status, 0, "{run}");
    terraform.write("main.tf", &STACK.replace("\"one\"", "\"two\""));
    terraform.apply().ok();
    let destroy = terraform.run(&["destroy", "-auto-approve", "-target=auditlog_bucket.audit"]);
    assert_ne!(destroy.status, 0, "{destroy}");
    let [provider, sealer, verifier] = ways.map(|way| way.heads());
    Recorded {
        provider,
        sealer,
        verifier,
        terraform,
    }
}

/// The resources of a call: the bucket and the key are those of the stack, whatever ids it has.
struct Needs<'a> {
    key: &'a str,
}

impl Needs<'_> {
    /// What a request needs of IAM: each action, and what it is about.
    fn of(&self, head: &str) -> Vec<Request> {
        let mut words = head.split_whitespace();
        let (method, target) = (
            words.next().expect("a method"),
            words.next().expect("a target"),
        );
        if let Some(call) = header(head, "x-amz-target") {
            return self.of_kms(call.trim_start_matches("TrentService."));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: Vec<&str> = query
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .collect();
        match path.trim_matches('/').split_once('/') {
            // STS: whoever signs may ask who that is
            None if method == "POST" => Vec::new(),
            None if path == "/" => vec![request("s3:ListAllMyBuckets", "*")],
            None => of_bucket(method, &query, head),
            Some((_, key)) => of_object(method, &query, head, key),
        }
    }

    fn of_kms(&self, call: &str) -> Vec<Request> {
        let on_key = |action| request(action, self.key).with("kms:KeyUsage", "SIGN_VERIFY");
        let alias =
            self.key.split(":key/").next().expect("a prefix").to_owned() + ":alias/acme-audit";
        let of_alias = |action| vec![request(action, &alias), on_key(action)];
        let only = |action| vec![on_key(action)];
        match call {
            "CreateKey" => vec![request("kms:CreateKey", "*").with("kms:KeyUsage", "SIGN_VERIFY")],
            "ListAliases" => vec![request("kms:ListAliases", "*")],
            "ListKeys" => vec![request("kms:ListKeys", "*")],
            "CreateAlias" => of_alias("kms:CreateAlias"),
            "UpdateAlias" => of_alias("kms:UpdateAlias"),
            "DeleteAlias" => of_alias("kms:DeleteAlias"),
            "DescribeKey" => only("kms:DescribeKey"),
            "GetPublicKey" => only("kms:GetPublicKey"),
            "Sign" => vec![request("kms:Sign", self.key)],
            "ListResourceTags" => only("kms:ListResourceTags"),
            "TagResource" => only("kms:TagResource"),
            "UntagResource" => only("kms:UntagResource"),
            "GetKeyPolicy" => only("kms:GetKeyPolicy"),
            "PutKeyPolicy" => only("kms:PutKeyPolicy"),
            "ListGrants" => only("kms:ListGrants"),
            "EnableKey" => only("kms:EnableKey"),
            "DisableKey" => only("kms:DisableKey"),
            "UpdateKeyDescription" => only("kms:UpdateKeyDescription"),
            "ScheduleKeyDeletion" => only("kms:ScheduleKeyDeletion"),
            other => panic!("say what {other} needs of IAM"),
        }
    }
}

fn request(action: &'static str, resource: &str) -> Request {
    Request::new(ROLE, action, resource)
}

fn of_bucket(method: &str, query: &[&str], head: &str) -> Vec<Request> {
    let sub = query.iter().find_map(|name| sub_resource(method, name));
    let actions = match (method, sub) {
        (_, Some(action)) => vec![action],
        ("HEAD", None) => vec!["s3:ListBucket"],
        ("DELETE", None) => vec!["s3:DeleteBucket"],
        ("PUT", None) => created(head),
        _ => panic!("say what this needs of IAM: {head}"),
    };
    actions
        .into_iter()
        .map(|action| request(action, "arn:aws:s3:::trail"))
        .collect()
}

/// A bucket that is made with a lock is also configured.
fn created(head: &str) -> Vec<&'static str> {
    let mut actions = vec!["s3:CreateBucket", "s3:TagResource"];
    if header(head, "x-amz-bucket-object-lock-enabled").is_some() {
        actions.extend([
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketVersioning",
        ]);
    }
    if header(head, "x-amz-object-ownership").is_some() {
        actions.push("s3:PutBucketOwnershipControls");
    }
    actions
}

fn sub_resource(method: &str, name: &str) -> Option<&'static str> {
    Some(match (method, name) {
        ("GET", "encryption") => "s3:GetEncryptionConfiguration",
        ("GET", "inventory") => "s3:GetInventoryConfiguration",
        ("GET", "lifecycle") => "s3:GetLifecycleConfiguration",
        ("GET", "logging") => "s3:GetBucketLogging",
        ("GET", "notification") => "s3:GetBucketNotification",
        ("GET", "object-lock") => "s3:GetBucketObjectLockConfiguration",
        ("GET", "ownershipControls") => "s3:GetBucketOwnershipControls",
        ("GET", "policy") => "s3:GetBucketPolicy",
        ("GET", "publicAccessBlock") => "s3:GetBucketPublicAccessBlock",
        ("GET", "replication") => "s3:GetReplicationConfiguration",
        ("GET", "tagging") => "s3:GetBucketTagging",
        ("GET", "versioning") => "s3:GetBucketVersioning",
        ("GET", "versions") => "s3:ListBucketVersions",
        // a DELETE of these is permitted by the same action as a PUT
        ("PUT" | "DELETE", "encryption") => "s3:PutEncryptionConfiguration",
        ("PUT" | "DELETE", "lifecycle") => "s3:PutLifecycleConfiguration",
        ("PUT", "logging") => "s3:PutBucketLogging",
        ("PUT", "object-lock") => "s3:PutBucketObjectLockConfiguration",
        ("PUT" | "DELETE", "ownershipControls") => "s3:PutBucketOwnershipControls",
        ("PUT", "policy") => "s3:PutBucketPolicy",
        ("DELETE", "policy") => "s3:DeleteBucketPolicy",
        ("PUT" | "DELETE", "publicAccessBlock") => "s3:PutBucketPublicAccessBlock",
        ("PUT" | "DELETE", "tagging") => "s3:PutBucketTagging",
        ("PUT", "versioning") => "s3:PutBucketVersioning",
        _ => return None,
    })
}

fn of_object(method: &str, query: &[&str], head: &str, key: &str) -> Vec<Request> {
    let has = |name| query.contains(&name);
    let mut actions = match method {
        "GET" if has("retention") => vec!["s3:GetObjectRetention"],
        "GET" | "HEAD" if has("versionId") => vec!["s3:GetObjectVersion"],
        "GET" | "HEAD" => vec!["s3:GetObject"],
        "PUT" if !has("uploadId") => vec!["s3:PutObject"],
        _ => panic!("say what this needs of IAM: {head}"),
    };
    if header(head, "x-amz-object-lock-mode").is_some() {
        actions.push("s3:PutObjectRetention");
    }
    let object = format!("arn:aws:s3:::trail/{key}");
    actions
        .into_iter()
        .map(|action| request(action, &object))
        .collect()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim())
}

/// A key that lets its account decide, and a bucket without a policy.
fn judge(identity: &Value, cases: impl Iterator<Item = (Request, Expected)>) {
    let everything = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": OWNER }, "Action": "kms:*", "Resource": "*",
    }] });
    let of_owner =
        |(request, expected): (Request, Expected)| (request.by(identity).owned_by(OWNER), expected);
    let (kms, s3): (Vec<_>, Vec<_>) = cases
        .map(of_owner)
        .partition(|(request, _)| request.is_of("kms"));
    check(&everything.to_string(), &kms);
    check("null", &s3);
}

#[test]
fn each_recorded_call_is_allowed_to_its_program_and_nothing_beyond() {
    let recorded = recorded();
    let key = recorded.key();
    let needs = Needs { key: &key };
    for (name, heads, at_least) in [
        ("provider", &recorded.provider, 40),
        ("sealer", &recorded.sealer, 8),
        ("auditor", &recorded.verifier, 4),
    ] {
        assert!(heads.len() >= at_least, "{name}: {heads:#?}");
        let identity = recorded.policy(name);
        assert_eq!(unknown(&identity.to_string()), json!([]), "{name}");
        let recorded = heads.iter().flat_map(|head| needs.of(head));
        let unrecorded = if name == "provider" { ABAC } else { &[] };
        let unrecorded = unrecorded
            .iter()
            .map(|action| request(action, "arn:aws:s3:::trail"));
        let allowed = recorded.chain(unrecorded);
        let allowed = allowed.map(|request| (request, Allowed));
        let beyond = beyond(name, &key)
            .into_iter()
            .map(|request| (request, NotAllowed));
        judge(&identity, allowed.chain(beyond));
    }
}

/// What the provider calls to change the tags of a bucket with ABAC, which the local endpoint does not have.
const ABAC: &[&str] = &[
    "s3:GetBucketABAC",
    "s3:ListTagsForResource",
    "s3:TagResource",
    "s3:UntagResource",
];

/// What a program must not do by its policy.
fn beyond(name: &str, key: &str) -> Vec<Request> {
    let segment = "arn:aws:s3:::trail/logs/payments/000000000000.jsonl.zst";
    let (bucket, outside) = ("arn:aws:s3:::trail", "arn:aws:s3:::trail/archive/x");
    let mut found = vec![
        request("s3:DeleteObject", segment),
        request("s3:DeleteObjectVersion", segment),
        request("s3:BypassGovernanceRetention", segment),
        request("s3:PutObject", "arn:aws:s3:::other/logs/payments/x"),
        request("s3:PutObject", outside),
        request("kms:CreateGrant", key),
    ];
    if name != "provider" {
        found.extend([
            request("s3:PutBucketPolicy", bucket),
            request("s3:PutBucketVersioning", bucket),
            request("s3:PutLifecycleConfiguration", bucket),
            request("s3:GetObject", outside),
            request("kms:PutKeyPolicy", key),
            request("kms:ScheduleKeyDeletion", key),
        ]);
    }
    if name == "sealer" {
        let other =
            format!("arn:aws:kms:eu-central-1:{OWNER}:key/00000000-0000-0000-0000-000000000000");
        found.push(request("kms:Sign", &other));
    } else {
        found.extend([
            request("s3:PutObject", segment),
            request("s3:PutObjectRetention", segment),
            request("kms:Sign", key),
        ]);
    }
    found
}
