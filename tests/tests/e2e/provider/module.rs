//! The modules of `terraform/`: their own tests, and the README of `audit-trail` as written.

use std::fs;

use auditlog_tests::{Command, Engine, Run, Terraform, root};

use crate::provider::stack::assert_no_changes;

/// The modules, in the places that they have to each other.
fn copy_modules(terraform: &Terraform) {
    let copy = Command::new("cp").arg("-R").arg(root().join("terraform"));
    copy.arg(terraform.path()).run().ok();
}

/// The first block of its README.
fn first_use() -> String {
    let readme =
        fs::read_to_string(root().join("terraform/audit-trail/README.md")).expect("a README");
    let (_, rest) = readme.split_once("```hcl\n").expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

#[test]
fn each_passes_its_tests_without_aws_and_without_credentials() {
    let terraform = Terraform::in_empty_folder(&[]);
    copy_modules(&terraform);
    let modules = [("audit-trail", 6), ("sealer", 6)];
    for (module, tests) in modules {
        let run = |arguments: &[&str]| -> Run {
            let folder = format!("-chdir=terraform/{module}");
            let arguments = [&[folder.as_str()], arguments].concat();
            terraform.run(&arguments).ok()
        };
        run(&["init", "-no-color"]);
        let run = run(&["test", "-no-color"]);
        let passed = format!("Success! {tests} passed, 0 failed.");
        assert!(run.stdout.contains(&passed), "{run}");
    }
    let all = fs::read_dir(root().join("terraform")).expect("the modules");
    assert_eq!(all.count(), modules.len());
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
    copy_modules(&terraform);
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
