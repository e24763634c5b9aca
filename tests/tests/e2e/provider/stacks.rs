//! The complete stacks of `examples/stacks`, each applied on one endpoint, and planned again without a change.

use std::fs;

use auditlog_tests::{Command, Endpoint, Engine, REGION, Terraform, python, root};
use aws_sdk_s3::types::CreateBucketConfiguration;
use serde_json::Value;

use crate::provider::stack::{assert_no_changes, values};

const ACCOUNT: &str = "000000000000";

struct Stacks {
    endpoint: Endpoint,
    seen: Vec<String>,
}

impl Stacks {
    /// Applies a stack with these variables.
    fn applied(&mut self, name: &str, variables: &Value) -> Terraform {
        let path = root().join("examples/stacks").join(name).join("main.tf");
        let text = fs::read_to_string(&path).expect("a stack");
        let terraform = Terraform::in_empty_folder(&self.endpoint.env());
        let copy = Command::new("cp").arg("-R").arg(root().join("terraform"));
        copy.arg(terraform.path()).run().ok();
        terraform.write(
            "main.tf",
            &text.replace("\"../../../terraform/", "\"./terraform/"),
        );
        terraform.write("terraform.tfvars.json", &variables.to_string());
        terraform.init();
        terraform.apply().ok();
        assert_no_changes(&terraform);
        terraform.run(&["fmt", "-check", "-diff", "main.tf"]).ok();
        self.seen.push(name.to_owned());
        terraform
    }

    fn policy(terraform: &Terraform) -> Value {
        let policy = terraform.output("trust_policy");
        serde_json::from_str(policy.as_str().expect("a text")).expect("a trust policy")
    }
}

/// The command of a unit, with the paths of this machine.
fn nightly(terraform: &Terraform) -> String {
    let unit = &terraform.output("nightly")["auditlog-verify.service"];
    let unit = unit.as_str().expect("a text");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let line = line.expect("a command");
    for path in [
        "/usr/local/bin/",
        "/etc/auditlog/",
        "/var/lib/auditlog-verify/",
    ] {
        assert!(line.contains(path), "{line}");
    }
    line.replace("/usr/local/bin/", "")
        .replace("/etc/auditlog/", "")
        .replace("/var/lib/auditlog-verify/", "")
}

/// Each of the three ways passes while the log is as it should be, and notices an object that does not belong to it.
fn verification(terraform: &Terraform) {
    for (name, text) in terraform.output("nightly").as_object().expect("files") {
        // the program is not installed here
        let here = text.as_str().expect("a text");
        let here = here.replace("/usr/local/bin/auditlog-verify", "/bin/true");
        terraform.write(name, &here);
    }
    let verify = Command::new("systemd-analyze").install_with("apt-get install systemd");
    let verify = verify
        .args(["verify", "--man=no"])
        .current_dir(terraform.path());
    let verify = verify.args(["auditlog-verify.service", "auditlog-verify.timer"]);
    let verified = verify.run().ok();
    assert_eq!(
        (verified.stdout.as_str(), verified.stderr.as_str()),
        ("", "")
    );

    let night = nightly(terraform);
    let apply = "terraform apply -no-color -var sealing=true -var release=";
    let seal = "echo '{\"paid\":1}' | auditlog-seal append --policy trust-policy.json";
    let passed = terraform.shell(&format!("{seal}\n{night}\n{apply}2")).ok();
    let warning = "Check block assertion failed";
    assert!(!passed.stdout.contains(warning), "{passed}");
    assert_eq!(terraform.output("release"), "2");
    assert!(terraform.path().join("report.html").exists());

    let put =
        "from boto3 import client; client('s3').put_object(Bucket='acme-verified', Key='stranger')";
    terraform
        .shell(&format!("{} -c \"{put}\"", python().display()))
        .ok();
    let stopped = terraform.shell(&format!("{apply}3"));
    assert_eq!(stopped.status, 1, "{stopped}");
    assert!(
        stopped.stderr.contains("Resource postcondition failed"),
        "{stopped}"
    );
    assert!(stopped.stdout.contains(warning), "{stopped}");
    assert_eq!(terraform.output("release"), "2");
    assert_eq!(terraform.shell(&night).status, 1);
}

#[tokio::test]
async fn every_stack_applies_and_needs_no_change_then() {
    let mut stacks = Stacks {
        endpoint: Engine::Ministack.start(),
        seen: Vec::new(),
    };
    let none = Value::Object(serde_json::Map::new());
    let policy = Stacks::policy(&stacks.applied("quickstart", &none));
    assert_eq!(policy["logs"][0]["origin"], "acme-quickstart/payments");

    let administrator =
        serde_json::json!({ "administrator": format!("arn:aws:iam::{ACCOUNT}:root") });
    let policy = Stacks::policy(&stacks.applied("records", &administrator));
    assert_eq!(policy["lock"][0]["mode"], "COMPLIANCE");
    assert_eq!(policy["lock"][0]["retention_days"], 2192);

    let teams = stacks.applied("teams", &none);
    assert_eq!(
        Stacks::policy(&teams)["logs"].as_array().map(Vec::len),
        Some(2)
    );
    let bucket = values(&teams, "auditlog_bucket.teams");
    assert!(
        bucket["policy"]
            .as_str()
            .expect("a text")
            .contains("111122223333"),
        "{bucket}"
    );

    let s3 = stacks.endpoint.s3();
    let place = CreateBucketConfiguration::builder().location_constraint(REGION.into());
    s3.create_bucket()
        .bucket("acme-existing")
        .create_bucket_configuration(place.build())
        .send()
        .await
        .expect("a bucket");
    s3.put_object()
        .bucket("acme-existing")
        .key("old/report")
        .send()
        .await
        .expect("an object");
    let imported = values(&stacks.applied("import", &none), "auditlog_bucket.audit");
    assert_eq!(imported["object_lock_enabled"], true, "{imported}");
    assert_eq!(imported["versioning"], "Enabled", "{imported}");

    let rotation = stacks.applied("rotation", &none);
    rotation
        .run(&[
            "apply",
            "-auto-approve",
            "-no-color",
            "-var",
            "rotate=second",
        ])
        .ok();
    let versions = rotation.output("versions");
    assert_eq!(
        versions.as_object().map(serde_json::Map::len),
        Some(2),
        "{versions}"
    );
    assert!(versions["1"]["retired_at"].is_string(), "{versions}");

    let pipelines = stacks.applied("pipelines", &none);
    let limits = pipelines.output("limits");
    for (sender, file) in pipelines.output("senders").as_object().expect("files") {
        assert!(
            file.as_str()
                .expect("a text")
                .contains("acme-pipelines/payments"),
            "{sender}"
        );
    }
    assert_eq!(
        limits.as_object().map(serde_json::Map::len),
        Some(11),
        "{limits}"
    );

    verification(&stacks.applied("verification", &none));

    let folders = fs::read_dir(root().join("examples/stacks")).expect("the stacks");
    let mut all: Vec<String> = folders
        .map(|one| {
            one.expect("a folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    all.sort();
    stacks.seen.sort();
    assert_eq!(stacks.seen, all);
}
