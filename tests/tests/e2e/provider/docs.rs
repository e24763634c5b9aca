//! The provider's documentation says what its schema says, and its examples are valid.

use std::fs;
use std::path::Path;

use auditlog_tests::{Command, Terraform, root};
use serde_json::Value;

const PAGES: &[(&str, &str, &str)] = &[
    ("resource_schemas", "auditlog_bucket", "resources/bucket.md"),
    (
        "resource_schemas",
        "auditlog_signing_key",
        "resources/signing_key.md",
    ),
    (
        "data_source_schemas",
        "auditlog_trust_policy",
        "data-sources/trust_policy.md",
    ),
];

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn terraform() -> Terraform {
    let terraform = Terraform::with_config(&[], "");
    terraform.init();
    terraform
}

/// One line of text, so that line breaks of the page do not matter.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_attribute_is_documented_in_the_words_of_the_schema() {
    let schemas = terraform()
        .run(&["providers", "schema", "-json"])
        .ok()
        .json();
    let provider = &schemas["provider_schemas"]["registry.terraform.io/auditlog/auditlog"];
    let pages = PAGES
        .iter()
        .map(|(kind, name, page)| (&provider[kind][name], *page));
    let offered = |kind: &str| provider[kind].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(
        offered("resource_schemas") + offered("data_source_schemas"),
        PAGES.len()
    );
    for (schema, page) in pages.chain([(&provider["provider"], "index.md")]) {
        let text = flat(&read(&root().join("docs").join(page)));
        assert_documented(&schema["block"], &text, page);
    }
}

fn assert_documented(block: &Value, page: &str, name: &str) {
    let empty = serde_json::Map::new();
    for (attribute, schema) in block["attributes"].as_object().unwrap_or(&empty) {
        assert!(
            page.contains(&format!("`{attribute}`")),
            "{name} does not name `{attribute}`"
        );
        let description = flat(schema["description"].as_str().unwrap_or_default());
        assert!(
            page.contains(&description),
            "{name} does not say of `{attribute}`: {description}"
        );
        assert_documented(&schema["nested_type"], page, name);
    }
    for (block, schema) in block["block_types"].as_object().unwrap_or(&empty) {
        assert!(
            page.contains(&format!("`{block}` (Block)")),
            "{name} does not name the block `{block}`"
        );
        assert_documented(&schema["block"], page, name);
    }
}

#[test]
fn every_example_is_valid_and_appears_in_its_page() {
    let terraform = terraform();
    let examples = [
        ("provider/provider.tf", "index.md"),
        (
            "resources/auditlog_bucket/resource.tf",
            "resources/bucket.md",
        ),
        (
            "resources/auditlog_signing_key/resource.tf",
            "resources/signing_key.md",
        ),
        (
            "data-sources/auditlog_trust_policy/data-source.tf",
            "data-sources/trust_policy.md",
        ),
    ];
    for (example, page) in examples {
        let text = read(&root().join("examples").join(example));
        let page = read(&root().join("docs").join(page));
        assert!(
            page.contains(&format!("```terraform\n{text}```")),
            "{example} is not what its page shows"
        );
        if example.starts_with("provider/") {
            terraform.write("versions.tf", &text);
        } else {
            terraform.write("main.tf", &text);
        }
        terraform.validate().ok();
        terraform.run(&["fmt", "-check", "-diff"]).ok();
    }
    for resource in ["bucket", "signing_key"] {
        let import = root().join(format!("examples/resources/auditlog_{resource}/import.sh"));
        let page = read(&root().join(format!("docs/resources/{resource}.md")));
        assert!(
            page.contains(&format!("```shell\n{}```", read(&import))),
            "the import of {resource}"
        );
    }
}

#[test]
fn tested_module_passes_its_tests_without_aws_and_without_credentials() {
    let module = root().join("examples/tested-module");
    let terraform = Terraform::in_empty_folder(&[]);
    let copy = Command::new("cp").arg("-R").arg(module.join("."));
    copy.arg(terraform.path()).run().ok();
    terraform.init();
    let run = terraform.run(&["test", "-no-color"]).ok();
    assert!(run.stdout.contains("Success! 3 passed, 0 failed."), "{run}");
    terraform
        .run(&["fmt", "-check", "-recursive", "-diff"])
        .ok();

    let shown = read(&module.join("tests/trail.tftest.hcl"));
    let page = read(&root().join("docs/index.md"));
    assert!(
        page.contains(&format!("```terraform\n{shown}```")),
        "the page shows another test"
    );
}
