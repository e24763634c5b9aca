//! Who is not let in, or looks in the wrong place, is told so, and what to do; nothing is made or taken for gone.

use auditlog_tests::Engine;
use serde_json::{Value, json};

use crate::provider::stack::{Stack, said, values};
use crate::support::engines::on_each_engine;

on_each_engine! {
    credentials_that_are_wrong_are_named,
    denied_permission_is_named,
    account_that_may_not_be_worked_in_is_named,
    key_stays_in_its_region,
}

const CONFIG: &str = r#"
provider "auditlog" {
  # more
}

resource "auditlog_bucket" "audit" {
  bucket      = "trail"
  object_lock = { mode = "GOVERNANCE", days = 1 }
}

resource "auditlog_signing_key" "audit" {
  alias    = "alias/audit"
  key_spec = "ECC_NIST_P256"
}
"#;

fn config(provider: &str) -> String {
    CONFIG.replace("# more", provider)
}

fn policy(denied: &[&str]) -> Value {
    let statement = |effect: &str, actions: Value| json!({ "Effect": effect, "Action": actions, "Resource": "*" });
    let statements = [
        statement("Allow", json!("*")),
        statement("Deny", json!(denied)),
    ];
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn credentials_that_are_wrong_are_named(engine: Engine) {
    let endpoint = engine.start_guarded();
    let (access_key, _) = endpoint.user(&policy(&["sts:DecodeAuthorizationMessage"]));
    let wrong = endpoint.env_with(&access_key, "wrong");
    let stack = Stack::with_env(endpoint, &wrong, CONFIG);
    let plan = |access_key: &str| {
        let plan = stack.terraform.command(&["plan", "-no-color"]);
        plan.env("AWS_ACCESS_KEY_ID", access_key).run()
    };
    let unknown = plan("AKIAIOSFODNN7EXAMPLE");
    let wrong = plan(&access_key);
    for (run, access_key) in [(&unknown, "AKIAIOSFODNN7EXAMPLE"), (&wrong, &access_key)] {
        let call = format!("GetCallerIdentity on the access key {access_key} failed: ");
        said(run, &[&call]);
    }
    match engine {
        Engine::Ministack => {
            let summary = "AWS refused the credentials";
            said(
                &unknown,
                &[
                    summary,
                    "InvalidClientTokenId",
                    "AWS does not know the access key",
                ],
            );
            said(
                &wrong,
                &[
                    summary,
                    "SignatureDoesNotMatch",
                    "The secret key does not belong to the access key",
                ],
            );
        }
        // Its errors of STS have the form that EC2's have: the SDK finds no code in them.
        Engine::Moto => {
            let shown = "HTTP status 403: the answer is not one of AWS's: <?xml";
            said(&unknown, &[shown, "<Code>InvalidClientTokenId</Code>"]);
            said(&wrong, &[shown, "<Code>SignatureDoesNotMatch</Code>"]);
        }
    }
}

fn denied_permission_is_named(engine: Engine) {
    let endpoint = engine.start_guarded();
    let (access_key, secret_key) = endpoint.user(&policy(&["s3:PutBucketPolicy", "kms:CreateKey"]));
    let limited = endpoint.env_with(&access_key, &secret_key);
    let stack = Stack::with_env(endpoint, &limited, CONFIG);
    let failed = stack.terraform.apply();
    said(
        &failed,
        &[
            "The bucket was created, but not finished",
            "PutBucketPolicy on trail failed: AccessDenied: ",
            "The credentials need the permission s3:PutBucketPolicy,",
            "The key was not created",
            "CreateKey on a new signing key failed: ",
            "The credentials need the permission kms:CreateKey,",
        ],
    );
    let code = match engine {
        Engine::Ministack => "AccessDeniedException: User: ",
        // An answer of KMS is JSON; this one is XML, and the SDK finds no code in it.
        Engine::Moto => "HTTP status 403: the answer is not one of AWS's: <?xml",
    };
    said(&failed, &[code]);
    assert_eq!(
        values(&stack.terraform, "auditlog_bucket.audit")["policy"],
        Value::Null
    );
}

fn account_that_may_not_be_worked_in_is_named(engine: Engine) {
    let account = engine.account();
    let stack = Stack::new(engine, &config("allowed_account_ids = [\"111111111111\"]"));
    let belong = format!("The credentials belong to the account {account}, which ");
    let allowed = "is not one of allowed_account_ids. Use credentials of an allowed account";
    let summary = "Account not allowed";
    said(
        &stack.terraform.plan(),
        &[summary, &format!("{belong}{allowed}")],
    );
    stack.configure(&config(&format!("forbidden_account_ids = [\"{account}\"]")));
    let forbidden = "is one of forbidden_account_ids.";
    said(
        &stack.terraform.plan(),
        &[summary, &format!("{belong}{forbidden}")],
    );
    stack.configure(&config(&format!(
        "allowed_account_ids = [\"111111111111\", \"{account}\"]"
    )));
    assert_eq!(stack.terraform.plan().status, 2);
}

fn key_stays_in_its_region(engine: Engine) {
    let stack = Stack::applied(engine, CONFIG);
    let key = values(&stack.terraform, "auditlog_signing_key.audit");
    let arn = key["arn"].as_str().unwrap();
    assert_eq!(key["region"], "eu-central-1");
    let target = "-target=auditlog_signing_key.audit";
    let elsewhere = |arguments: &[&str]| {
        let command = stack.terraform.command(arguments);
        command.env("AWS_REGION", "us-east-1").run()
    };
    let plan = ["plan", "-no-color", "-detailed-exitcode", target];
    let run = elsewhere(&plan);
    assert_eq!(run.status, 0, "{run}");
    stack.configure(&CONFIG.replace("key_spec", "region   = \"us-east-1\"\n  key_spec"));
    said(
        &stack.terraform.plan(),
        &[
            "The region of a key does not change",
            "The key is in \"eu-central-1\", and a key of KMS cannot move to \"us-east-1\".",
            "region = \"us-east-1\"",
        ],
    );
    stack.configure(CONFIG);
    for name in [arn, "alias/audit@eu-central-1"] {
        let remove = ["state", "rm", "auditlog_signing_key.audit"];
        stack.terraform.run(&remove).ok();
        elsewhere(&["import", "-no-color", "auditlog_signing_key.audit", name]).ok();
        let run = elsewhere(&plan);
        assert_eq!(run.status, 0, "{run}");
    }

    // and a key of its own region beside it, under the same alias
    let other = "resource \"auditlog_signing_key\" \"other\" {\n  alias    = \"alias/audit\"\n  region   = \"us-east-1\"\n  key_spec = \"ECC_NIST_P256\"\n}\n";
    stack.configure(&format!("{CONFIG}{other}"));
    stack.terraform.apply().ok();
    stack.assert_no_changes();
    let other = values(&stack.terraform, "auditlog_signing_key.other");
    let arn = other["arn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:kms:us-east-1:"), "{arn}");
}

/// `MiniStack` takes an access key of twelve digits for an account; moto has one account until a role is assumed.
#[test]
fn what_belongs_to_another_account_is_not_taken_for_gone() {
    let stack = Stack::applied(Engine::Ministack, CONFIG);
    let belongs =
        "belongs to the account 000000000000, but the credentials belong to 111111111111.";
    for arguments in [
        &["plan", "-no-color"][..],
        &["destroy", "-no-color", "-auto-approve", "-refresh=false"],
    ] {
        let command = stack.terraform.command(arguments);
        let run = command.env("AWS_ACCESS_KEY_ID", "111111111111").run();
        said(
            &run,
            &[
                "The key is not where the provider looks",
                "The bucket is not in the provider's account",
                &format!("The bucket \"trail\" {belongs} The provider did not look for it here"),
                "Use credentials of the account 000000000000.",
            ],
        );
        assert!(!run.stdout.contains("will be created"), "{run}");
    }
    stack.assert_no_changes();
}
