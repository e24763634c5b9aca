//! `terraform/audit-trail`: its own tests, and its README as written.

use std::fs;

use auditlog_tests::{Command, Engine, Terraform, root};

use crate::provider::stack::assert_no_changes;

const MODULE: &str = "terraform/audit-trail";

fn copy_into(terraform: &Terraform, folder: &str) {
    let to = terraform.path().join(folder);
    fs::create_dir_all(&to).expect("a folder");
    let copy = Command::new("cp")
        .arg("-R")
        .arg(root().join(MODULE).join("."));
    copy.arg(to).run().ok();
}

/// The first block of its README.
fn first_use() -> String {
    let readme = fs::read_to_string(root().join(MODULE).join("README.md")).expect("a README");
    let (_, rest) = readme.split_once("```hcl\n").expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

#[test]
fn it_passes_its_tests_without_aws_and_without_credentials() {
    let terraform = Terraform::in_empty_folder(&[]);
    copy_into(&terraform, ".");
    terraform.init();
    let run = terraform.run(&["test", "-no-color"]).ok();
    assert!(run.stdout.contains("Success! 4 passed, 0 failed."), "{run}");
    terraform
        .run(&["fmt", "-check", "-recursive", "-diff"])
        .ok();
}

#[test]
fn it_makes_a_trail_in_fewer_than_fifteen_lines() {
    let block = first_use();
    assert!(block.lines().count() < 15, "{block}");
    let endpoint = Engine::Ministack.start();
    let terraform = Terraform::with_config(&endpoint.env(), &block);
    copy_into(&terraform, MODULE);
    terraform.init();
    let pipelines = |log: &str| {
        let senders =
            "senders = { api = { program = \"vector\", paths = [\"/var/log/audit.log\"] } }";
        format!(
            "  pipelines = {{ {log} = {{ url = \"https://sealer.example\", {senders} }} }}\n}}\n\noutput"
        )
    };
    let with_pipeline = block.replacen("}\n\noutput", &pipelines("payments"), 1);
    assert_ne!(with_pipeline, block);
    terraform.write("main.tf", &with_pipeline);
    terraform.apply().ok();
    assert_no_changes(&terraform);
    let policy = terraform.output("trust_policy");
    let policy = policy.as_str().expect("a text");
    assert!(
        policy.contains("\"origin\": \"acme-audit-8f3a/payments\""),
        "{policy}"
    );
}
