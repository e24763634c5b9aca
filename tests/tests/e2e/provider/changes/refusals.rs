//! Every refusal of a declaration that needs no bucket, with its text and the attribute that it points at.
//!
//! Each case is a resource of one configuration, so two runs of Terraform are enough: what a validation refuses, and what a plan does.

use auditlog_tests::{Engine, Run};

use crate::provider::stack::Stack;

/// Arguments, one to a line; what the error says; the argument that it points at.
type Case = (&'static str, &'static str, &'static str);

const KEY: &str = "signing_key = auditlog_signing_key.audit.trust";

/// `LOG` is one log with these further arguments, `POLICY` a document with one statement, `LOCK` a lock in GOVERNANCE.
const VALIDATED: &[Case] = &[
    (
        "LOG max_silence = \"0s\"",
        "\"0s\" is not a silence that a log could keep",
        "logs",
    ),
    (
        "acknowledged = [\"x\"]",
        "At [0]: expected value at line 1 column 1. An entry is the whole JSON object",
        "acknowledged",
    ),
    (
        "bucket = \"Acme_audit\"",
        "contains 'A'; a bucket's name has lower-case letters",
        "bucket",
    ),
    (
        "bucket = null\nbucket_prefix = \"Acme-\"",
        "contains 'A'",
        "bucket_prefix",
    ),
    (
        "bucket_prefix = \"acme-\"",
        "Set exactly one of \"bucket\" and \"bucket_prefix\"",
        "",
    ),
    (
        "object_lock = { LOCK }",
        "At object_lock: Set days, years or preset",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, days = 1, years = 1 }",
        "At object_lock: Set days or years, not both",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, days = 0 }",
        "0 is not a whole number of days between 1 and 36500",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, years = 101 }",
        "101 is not a whole number of years between 1 and 100",
        "object_lock",
    ),
    (
        "object_lock = { mode = \"LEGAL\", days = 1 }",
        "\"LEGAL\" is not one of",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, days = 365, preset = \"sec-17a-4\" }",
        "365 days are shorter than the 2192 days of the preset",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, preset = \"sox\" }",
        "\"sox\" is not one of",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, days = 3, notice = \"1w\" }",
        "\"1w\" is not a duration",
        "object_lock",
    ),
    (
        "object_lock = { LOCK, days = 3, notice = \"30d\" }",
        "\"30d\" is longer than 29 days",
        "object_lock",
    ),
    (
        "object_lock = { mode = \"COMPLIANCE\", preset = \"hipaa\" }",
        "acknowledge_irreversible = \"COMPLIANCE 2192 days\"",
        "object_lock",
    ),
    (
        "encryption = { kms_key_arn = \"alias/audit\" }",
        "\"alias/audit\" is not the ARN of a KMS key",
        "encryption",
    ),
    (
        "on_destroy = \"delete\"",
        "\"delete\" is not one of",
        "on_destroy",
    ),
    (
        "tags = { \"aws:x\" = \"y\" }",
        "begins with \"aws:\", which AWS reserves",
        "tags",
    ),
    (
        "tags = { \"auditlog:x\" = \"y\" }",
        "begins with \"auditlog:\", which this provider reserves",
        "tags",
    ),
    (
        "tags = { for n in range(51) : n => \"x\" }",
        "51 tags are more than the 50 that AWS allows",
        "tags",
    ),
    (
        "tags = { (join(\"\", [for i in range(129) : \"k\"])) = \"x\" }",
        "does not have 1 to 128 characters",
        "tags",
    ),
    (
        "tags = { a = join(\"\", [for i in range(257) : \"v\"]) }",
        "The value of \"a\" has more than 256 characters",
        "tags",
    ),
    (
        "logging = { target_bucket = \"BUCKET\" }",
        "S3 does not deliver access logs to a bucket that has Object Lock",
        "logging",
    ),
    (
        "log_delivery = { config = {} }",
        "At log_delivery.config: AWS Config does not deliver to a bucket",
        "log_delivery",
    ),
    (
        "storage = { expiration = \"soon\" }",
        "\"soon\" is neither \"after_retention\" nor a number of days",
        "storage",
    ),
    (
        "storage = { transitions = [{ days = 90, storage_class = \"COLD\" }] }",
        "\"COLD\" is not one of",
        "storage",
    ),
    (
        "storage = { segment_bytes = 0 }",
        "segment_bytes",
        "storage",
    ),
    (
        "declared_prefixes = [\"archive\"]",
        "At declared_prefixes[0]: \"archive\" is not a declared prefix",
        "declared_prefixes",
    ),
    (
        "declared_prefixes = [\"logs/\"]\nLOG",
        "\"logs/payments/\" overlaps \"logs/\" of declared_prefixes[0]",
        "logs",
    ),
    (
        "declared_prefixes = [\"logs/payments/\"]\nLOG",
        "\"logs/payments/\" overlaps \"logs/payments/\" of declared_prefixes[0]",
        "logs",
    ),
    (
        "declared_prefixes = [\"logs/payments/old/\"]\nLOG",
        "\"logs/payments/\" overlaps \"logs/payments/old/\" of declared_prefixes[0]",
        "logs",
    ),
    (
        "declared_prefixes = [\"AWSLogs/policies/\"]\nlog_delivery = { cloudtrail = {} }",
        "At log_delivery.cloudtrail.prefix: \"AWSLogs/\" overlaps \"AWSLogs/policies/\" of declared_prefixes[0]",
        "log_delivery",
    ),
    (
        "declared_prefixes = [\"alb/\"]\nlog_delivery = { load_balancers = { prefix = \"alb\" } }",
        "At log_delivery.load_balancers.prefix: \"alb/AWSLogs/\" overlaps \"alb/\" of declared_prefixes[0]",
        "log_delivery",
    ),
    (
        "LOG lock_spans = [{ from = \"yesterday\", mode = \"GOVERNANCE\", days = 30 }]",
        "\"yesterday\" is not an RFC 3339 time",
        "logs",
    ),
    (
        "LOG max_silence_spans = [{ from = \"2026-01-01T00:00:00Z\", max_silence = \"0s\" }]",
        "\"0s\" is not a silence that a log could keep",
        "logs",
    ),
    (
        "lock_spans = [{ from = \"yesterday\", mode = \"GOVERNANCE\", days = 30 }]",
        "\"yesterday\" is not an RFC 3339 time",
        "lock_spans",
    ),
    (
        "lock_spans = [{ from = \"2026-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 0 }]",
        "0 is not a whole number of days between 1 and 36500",
        "lock_spans",
    ),
    (
        "logs = { \"a b\" = { KEY } }",
        "At logs[\"a b\"]: \"a b\" is not the name of a log",
        "logs",
    ),
    (
        "LOG prefix = \"/payments\"",
        "At logs[\"payments\"].prefix: \"/payments\" is not a prefix",
        "logs",
    ),
    (
        "LOG prefix = \"logs/other\"",
        "\"logs/other\" must end with the name of its log",
        "logs",
    ),
    ("LOG origin = \"a b\"", "\"a b\" is not an origin", "logs"),
    (
        "LOG max_silence = \"1w\"",
        "\"1w\" is not a duration",
        "logs",
    ),
    (
        "LOG began = \"yesterday\"",
        "\"yesterday\" is not an RFC 3339 time",
        "logs",
    ),
    (
        "LOG object_lock = { mode = \"COMPLIANCE\", days = 9 }",
        "acknowledge_irreversible = \"COMPLIANCE 9 days\"",
        "object_lock",
    ),
    (
        "LOG object_lock = { LOCK }",
        "At logs[\"payments\"].object_lock: Set days, years or preset",
        "logs",
    ),
    ("LOG ended = { END, root = \"x\" }", "\"x\" is not", "logs"),
    (
        "LOG ended = { END, root = \"ROOT\", successor = \"a b\" }",
        "\"a b\" is not an origin",
        "logs",
    ),
    (
        "logs = { payments = { KEY }, b = { KEY, prefix = \"logs/payments/b\" } }",
        "overlaps \"logs/payments/b/\"",
        "logs",
    ),
    (
        "logs = { payments = { KEY }, b = { KEY, origin = \"BUCKET/payments\" } }",
        "is the origin of the log",
        "logs",
    ),
];

const PLANNED: &[Case] = &[
    (
        "LOG\nacknowledged = [ACKNOWLEDGED]",
        "At acknowledged[0]: is not a log of this policy",
        "acknowledged",
    ),
    (
        "LOG max_silence = \"400h\"",
        "At logs[\"payments\"].max_silence: 400h of silence need a retention of at least 800h",
        "logs",
    ),
    (
        "LOG began = \"2099-01-01T00:00:00Z\"",
        "At logs[\"payments\"].began: It is in the future",
        "logs",
    ),
    (
        "LOG ended = { END, root = \"ROOT\" }",
        "At logs[\"payments\"].ended: A new bucket has no segments to end",
        "logs",
    ),
    (
        "LOG writers = [\"SESSION\"]",
        "At logs[\"payments\"].writers:",
        "logs",
    ),
    (
        "LOG readers = [\"*\"]",
        "has a wildcard, and would match principals that nobody stated",
        "logs",
    ),
    (
        "administrators = [\"SESSION\"]",
        "Name the role: \"arn:aws:iam::000000000000:role/terraform\"",
        "administrators",
    ),
    (
        "administrators = [\"AROAIDPPEZS35WEXAMPLE\"]",
        "is the id of a principal that may have been deleted",
        "administrators",
    ),
    (
        "administrators = [\"arn:aws-cn:iam::000000000000:role/a\"]",
        "belongs to the partition \"aws-cn\"",
        "administrators",
    ),
    (
        "break_glass = [\"arn:aws-cn:iam::000000000000:role/a\"]",
        "belongs to the partition \"aws-cn\"",
        "break_glass",
    ),
    (
        "LOG writers = [\"arn:aws-cn:iam::000000000000:role/a\"]",
        "At logs[\"payments\"].writers: \"arn:aws-cn:iam::000000000000:role/a\" belongs to the partition \"aws-cn\"",
        "logs",
    ),
    (
        "LOG readers = [\"arn:aws-us-gov:iam::000000000000:role/a\"]",
        "At logs[\"payments\"].readers: \"arn:aws-us-gov:iam::000000000000:role/a\" belongs to the partition \"aws-us-gov\"",
        "logs",
    ),
    (
        "break_glass = [\"sealer\"]",
        "\"sealer\" is not the ARN of an IAM role",
        "break_glass",
    ),
    (
        "storage = { expiration = \"31d\" }",
        "expire after 31 days, but the longest retention is 30 days",
        "storage",
    ),
    (
        "storage = { transitions = [{ days = 1, storage_class = \"STANDARD_IA\" }] }",
        "after 30 days at the earliest, not after 1",
        "storage",
    ),
    (
        "storage = { transitions = [{ days = 0, storage_class = \"GLACIER_IR\" }], expiration = \"60d\" }",
        "but AWS charges for 90",
        "storage",
    ),
    (
        "storage = { transitions = [{ days = 30, storage_class = \"GLACIER\" }, { days = 200, storage_class = \"STANDARD_IA\" }] }",
        "S3 does not move objects from GLACIER to STANDARD_IA",
        "storage",
    ),
    (
        "storage = { transitions = [{ days = 90, storage_class = \"GLACIER_IR\" }], segment_bytes = 50000 }",
        "Segments of 50000 bytes are never moved",
        "storage",
    ),
    (
        "encryption = { kms_key_arn = \"arn:aws:kms:us-east-1:000000000000:key/1\" }",
        "the key is in the region us-east-1",
        "encryption",
    ),
    (
        "encryption = { kms_key_arn = \"arn:aws:kms:eu-central-1:000000000000:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789\" }",
        "DescribeKey on arn:aws:kms:",
        "encryption",
    ),
    (
        "lock_spans = [{ from = \"2026-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 9 }]",
        "The last span is GOVERNANCE for 9 days, but object_lock is GOVERNANCE for 30 days",
        "lock_spans",
    ),
    ("lock_spans = []", "Give at least one span", "lock_spans"),
    (
        "object_lock = { LOCK, days = 36500 }\nlock_spans = [for n in range(15) : { from = timeadd(\"2026-01-01T00:00:00Z\", \"${n}h\"), mode = \"GOVERNANCE\", days = 36500 - n % 2 }]",
        "Too many changes of the lock 15 spans in force do not fit into the 256 characters of a tag. Wait until the earliest have ended",
        "object_lock",
    ),
    (
        "lock_spans = [{ from = \"2026-02-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 9 }, { from = \"2026-01-01T00:00:00Z\", mode = \"GOVERNANCE\", days = 30 }]",
        "Give each span a later `from`",
        "lock_spans",
    ),
    (
        "log_delivery = { cloudtrail = { trails = [\"audit\"] } }",
        "\"audit\" is not the ARN of a trail",
        "log_delivery",
    ),
    (
        "log_delivery = { cloudtrail = { prefix = \"logs/payments\" } }\nLOG",
        "overlaps the log under \"logs/payments\"",
        "log_delivery",
    ),
    (
        "log_delivery = { load_balancers = { accounts = [\"12\"] } }",
        "\"12\" is not an account of twelve digits",
        "log_delivery",
    ),
    (
        "log_delivery = { load_balancers = {} }\nencryption = { kms_key_arn = \"arn:aws:kms:eu-central-1:000000000000:key/1\" }",
        "Application Load Balancers write access logs with SSE-S3 alone",
        "log_delivery",
    ),
    (
        "extra_policy_json = STATEMENT(Sid = \"AuditlogRead\", Effect = \"Deny\", Principal = \"*\", Action = \"s3:*\", Resource = \"arn:aws:s3:::BUCKET/x\")",
        "The name \"AuditlogRead\" of a statement is taken",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = STATEMENT(Effect = \"Allow\", NotPrincipal = { AWS = \"111122223333\" }, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::BUCKET/*\")",
        "allows something by NotPrincipal",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = STATEMENT(Effect = \"Allow\", Principal = { AWS = \"111122223333\" }, NotAction = \"s3:PutObject\", Resource = \"arn:aws:s3:::BUCKET/*\")",
        "allows something by NotAction",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = STATEMENT(Effect = \"Allow\", Principal = { AWS = \"111122223333\" }, Action = \"s3:GetObject\", NotResource = \"arn:aws:s3:::BUCKET/*\")",
        "allows something by NotResource",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = STATEMENT(Effect = \"Allow\", Principal = { Service = \"config.amazonaws.com\" }, Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::BUCKET/archive/*\")",
        "lets AWS Config deliver, which fails on a bucket with Object Lock",
        "extra_policy_json",
    ),
    ("extra_policy_json = \"x\"", "Not JSON", "extra_policy_json"),
    (
        "extra_policy_json = \"{}\"",
        "Not a policy",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Allow|*|s3:GetObject|BUCKET/*)",
        "allows something to everybody",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Allow|111122223333|s3:PutBucketPolicy|BUCKET)",
        "allows s3:PutBucketPolicy, which the policy protects",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Allow|111122223333|s3:GetObject|other/*)",
        "which is not in the bucket",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Deny|*|s3:*|BUCKET)",
        "denies everybody the bucket's policy",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Deny|000000000000|s3:*|BUCKET)",
        "denies everybody the bucket's policy",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = STATEMENT(Effect = \"Deny\", NotPrincipal = { AWS = \"arn:aws:iam::000000000000:role/x\" }, Action = \"s3:*\", Resource = \"arn:aws:s3:::BUCKET\")",
        "denies everybody the bucket's policy",
        "extra_policy_json",
    ),
    (
        "extra_policy_json = POLICY(Allow|AROAIDPPEZS35WEXAMPLE|s3:GetObject|BUCKET/*)",
        "the id of a principal that may have been deleted",
        "extra_policy_json",
    ),
    (
        "logs = { for n in range(49) : \"log${n}\" => { KEY } }",
        "The bucket would have 51 tags, and S3 allows 50",
        "logs",
    ),
    (
        "logs = { for n in range(47) : format(\"%s-%02d\", join(\"\", [for i in range(50) : \"l\"]), n) => { KEY, writers = [format(\"arn:aws:iam::000000000000:role/%s-%02d\", join(\"\", [for i in range(50) : \"w\"]), n)], readers = [format(\"arn:aws:iam::000000000000:role/%s-%02d\", join(\"\", [for i in range(50) : \"r\"]), n)] } }",
        "of the 47 logs fit, in the order of their names",
        "logs",
    ),
];

/// What the verifier prints for a silence of another log.
const ACKNOWLEDGED: &str = "jsonencode({ code = \"silence-exceeded\", log = \"acme.example/other\", reason = \"outage\", \
                            date = \"2026-01-03T00:00:00Z\", silence = { from = \"2026-01-02T04:00:00Z\", until = \"2026-01-02T09:00:00Z\" } })";

/// The resource of a case, with the arguments that it leaves out.
fn resource(number: usize, (arguments, ..): &Case) -> String {
    let bucket = format!("acme-audit-{number:02}");
    let has = |name: &str| {
        arguments
            .lines()
            .any(|line| line.trim_start().starts_with(name))
    };
    let mut lines = Vec::new();
    if !has("bucket =") {
        lines.push("bucket = \"BUCKET\"".to_owned());
    }
    if !has("object_lock") {
        lines.push("object_lock = { LOCK, days = 30 }".to_owned());
    }
    lines.extend(arguments.lines().map(argument));
    let text = lines.join("\n  ");
    let text = text
        .replace("LOCK", "mode = \"GOVERNANCE\"")
        .replace("KEY", KEY);
    let text = text.replace(
        "SESSION",
        "arn:aws:sts::000000000000:assumed-role/terraform/run",
    );
    let end = "segment = 1, size = 6, sealed = \"2026-01-01T00:00:00Z\", stored = \"2026-01-01T00:00:00Z\"";
    let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let text = text
        .replace("END", end)
        .replace("ACKNOWLEDGED", ACKNOWLEDGED)
        .replace("ROOT", root)
        .replace("BUCKET", &bucket);
    format!("resource \"auditlog_bucket\" \"case_{number:02}\" {{\n  {text}\n}}\n")
}

fn argument(line: &str) -> String {
    if let Some(more) = line.strip_prefix("LOG") {
        return format!("logs = {{ payments = {{ KEY, {} }} }}", more.trim());
    }
    if let Some((name, statement)) = line.split_once("STATEMENT(") {
        let statement = statement.strip_suffix(')').expect("its end");
        return format!(
            "{name}jsonencode({{ Version = \"2012-10-17\", Statement = [{{ {statement} }}] }})"
        );
    }
    let Some((name, statement)) = line.split_once("POLICY(") else {
        return line.to_owned();
    };
    let parts: Vec<&str> = statement.trim_end_matches(')').split('|').collect();
    format!(
        "{name}jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"{}\", Principal = {{ AWS = \"{}\" }}, Action = \"{}\", \
         Resource = \"arn:aws:s3:::{}\" }}] }})",
        parts[0], parts[1], parts[2], parts[3]
    )
}

fn configuration(cases: &[Case]) -> String {
    let resources = (0..)
        .zip(cases)
        .map(|(number, case)| resource(number, case));
    let key = "resource \"auditlog_signing_key\" \"audit\" {\n  alias = \"alias/acme-audit\"\n}\n";
    key.to_owned() + &resources.collect::<String>()
}

/// The errors as their text, the resource and the line of the configuration that they point at.
fn errors(run: &Run) -> Vec<[String; 3]> {
    let lines = run.json_lines();
    let all = lines.iter().map(|line| &line["diagnostic"]);
    let all = all.filter(|one| one["severity"] == "error");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().trim().to_owned();
    all.map(|one| {
        let said = format!("{} {}", text(&one["summary"]), text(&one["detail"]));
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        [
            said,
            text(&one["snippet"]["context"]),
            text(&one["snippet"]["code"]),
        ]
    })
    .collect()
}

fn check(cases: &[Case]) {
    let stack = Stack::new(Engine::Ministack, &configuration(cases));
    let plan = stack.terraform.run(&["plan", "-json"]);
    let errors = errors(&plan);
    let mut wrong = Vec::new();
    for (number, (arguments, said, attribute)) in (0..).zip(cases) {
        let name = format!("\"case_{number:02}\"");
        let found: Vec<_> = errors
            .iter()
            .filter(|[_, context, _]| context.contains(&name))
            .collect();
        let fits =
            |[text, _, code]: &&&[String; 3]| text.contains(said) && code.starts_with(attribute);
        if found.iter().find(fits).is_none() {
            wrong.push(format!(
                "{arguments}\n  {said:?} at {attribute}\n  {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), plan.stderr);
    assert_eq!(plan.status, 1);
}

#[test]
fn validation_refuses_what_cannot_be_with_text_and_path() {
    check(VALIDATED);
}

#[test]
fn plan_refuses_what_cannot_be_with_text_and_path() {
    check(PLANNED);
}
