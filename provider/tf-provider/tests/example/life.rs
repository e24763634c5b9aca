//! The operations of Terraform, each with the real one.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::terraform::{Terraform, unframed};

const LIFE: &str = r#"
variable "text" { default = "hello" }
variable "mode" { default = "0644" }
variable "name" { default = "a.txt" }
resource "fs_file" "a" {
  path    = var.name
  content = var.text
  mode    = var.mode
  tags    = ["b", "a"]
  owner   = { team = "x" }
  note    = "written once, never stored"
}
resource "fs_file" "b" {
  path    = "b.txt"
  content = "a is ${fs_file.a.id}"
}
data "fs_tree" "all" {
  path       = "."
  depends_on = [fs_file.a, fs_file.b]
}
output "names" { value = join(",", data.fs_tree.all.files[*].name) }
"#;

#[test]
fn a_file_is_created_changed_replaced_repaired_imported_and_destroyed() {
    let terraform = Terraform::new(LIFE);
    let apply = terraform.apply();
    assert!(
        apply.contains("+ size    = 5"),
        "what follows from the configuration is planned:\n{apply}"
    );
    assert!(
        apply.contains("+ contact = \"nobody\""),
        "a default inside a nested attribute is planned:\n{apply}"
    );
    assert!(apply.contains("names = \"a.note,a.txt,b.txt\""), "{apply}");
    terraform.is_settled();
    assert!(
        !terraform.state().to_string().contains("never stored"),
        "a write-only attribute is not in the state"
    );

    let change = terraform.succeeds(&["apply", "-auto-approve", "-var=text=longer"]);
    assert!(
        change.contains("0 added, 1 changed, 0 destroyed"),
        "{change}"
    );
    let private = terraform.instance("fs_file.a").unwrap()["private"].clone();
    let private = STANDARD.decode(private.as_str().unwrap()).unwrap();
    assert_eq!(
        private,
        format!(
            r#"{{"created_by":"{}"}}"#,
            STANDARD.encode(env!("CARGO_PKG_VERSION"))
        )
        .as_bytes(),
        "private data outlives an update"
    );
    let replacement = terraform.succeeds(&["plan", "-var=text=longer", "-var=name=c.txt"]);
    assert!(
        replacement.contains("# forces replacement"),
        "{replacement}"
    );

    fs::write(terraform.data("a.txt"), "edited behind its back").unwrap();
    fs::remove_file(terraform.data("b.txt")).unwrap();
    let drift = terraform.succeeds(&["plan", "-var=text=longer"]);
    assert!(
        drift.contains("1 to add, 1 to change, 0 to destroy"),
        "{drift}"
    );

    let wrong = terraform.fails(&["plan", "-var=mode=99"]);
    assert!(
        wrong.contains("\"99\" is not octal, such as 0644."),
        "{wrong}"
    );
    assert!(
        wrong.contains("mode    = var.mode"),
        "the error points at the attribute:\n{wrong}"
    );

    terraform.apply();
    terraform.succeeds(&["state", "rm", "fs_file.b"]);
    let taken = terraform.fails(&["apply", "-auto-approve"]);
    assert!(taken.contains("File exists"), "{taken}");
    terraform.succeeds(&["import", "fs_file.b", "b.txt"]);
    terraform.is_settled();

    terraform.succeeds(&["destroy", "-auto-approve"]);
    assert!(!terraform.data("a.txt").exists() && !terraform.data("b.txt").exists());
}

const SHAPES: &str = r#"
resource "fs_folder" "first" {
  path  = "first"
  quota = 12345678901234567890.125
  extra = { list = [1, "two", true], empty = null }
}
resource "fs_folder" "second" {
  path   = "second"
  labels = { b = "2", a = "ä \"quoted\"" }
  files = {
    "secret"   = { content = fs_folder.first.token }
    "öffentlich" = {}
  }
  rules = [
    { contains = "e", action = "drop" },
    { contains = "ö", unless = [{ contains = "x" }, { contains = "y" }] },
    { contains = "t", unless = [{ contains = "secret" }] },
  ]
  ignore { contains = "z" }
  ignore { contains = "q" }
}
output "matches" { value = sum([for rule in fs_folder.second.rules : rule.matches]) }
"#;

/// The same, with every set and map in another order.
const SHAPES_REORDERED: &str = r#"
resource "fs_folder" "first" {
  path  = "first"
  quota = "12345678901234567890.1250"
  extra = { empty = null, list = [1, "two", true] }
}
resource "fs_folder" "second" {
  path = "second"
  ignore { contains = "q" }
  ignore { contains = "z" }
  rules = [
    { contains = "t", unless = [{ contains = "secret" }] },
    { contains = "ö", unless = [{ contains = "x" }, { contains = "y" }] },
    { contains = "e", action = "drop" },
    { contains = "e", action = "drop" },
  ]
  files = {
    "öffentlich" = { content = "" }
    "secret"   = { content = fs_folder.first.token }
  }
  labels = { a = "ä \"quoted\"", b = "2" }
}
output "matches" { value = sum([for rule in fs_folder.second.rules : rule.matches]) }
"#;

#[test]
fn every_shape_of_value_goes_through_plan_and_apply_and_comes_back() {
    let terraform = Terraform::new(SHAPES);
    let apply = terraform.apply();
    assert!(
        apply.contains("+ token = (sensitive value)"),
        "a computed sensitive value:\n{apply}"
    );
    assert!(
        apply.contains("+ matches  = (known after apply)"),
        "an unknown inside an element of a set:\n{apply}"
    );
    // "e": secret, öffentlich; "ö": öffentlich; "t": öffentlich.
    assert!(apply.contains("matches = 4"), "{apply}");

    let first = terraform.instance("fs_folder.first").unwrap();
    let token = first["attributes"]["token"].as_str().unwrap();
    assert_eq!(
        fs::read_to_string(terraform.data("second/secret")).unwrap(),
        token,
        "what was unknown at plan time arrives at apply"
    );
    assert!(!apply.contains(token), "a sensitive value is not printed");
    let state = fs::read_to_string(terraform.path("terraform.tfstate")).unwrap();
    assert!(
        state.contains("12345678901234567890.125"),
        "a number keeps its digits: {state}"
    );
    let extra = json!({
        "type": ["object", {"empty": "dynamic", "list": ["tuple", ["number", "string", "bool"]]}],
        "value": {"empty": null, "list": [1, "two", true]},
    });
    assert_eq!(first["attributes"]["extra"], extra);

    terraform.configure(SHAPES_REORDERED);
    terraform.is_settled();

    // One element of a set changes, one entry of a map goes and one comes.
    terraform.configure(
        &SHAPES
            .replace("action = \"drop\"", "action = \"hide\"")
            .replace("\"öffentlich\" = {}", "\"open\" = { content = \"1\" }"),
    );
    let change = terraform.apply();
    assert!(
        change.contains("0 added, 1 changed, 0 destroyed"),
        "{change}"
    );
    assert!(!terraform.data("second/öffentlich").exists());
    // "e": secret, open; "ö": none; "t": none but secret, which is excepted.
    assert!(change.contains("matches = 2"), "{change}");
    terraform.is_settled();
}

#[test]
fn what_a_failed_create_has_made_is_in_the_state_and_replaced_by_the_next() {
    let folder = |second: &str| {
        format!(
            r#"resource "fs_folder" "half" {{
                path  = "half"
                files = {{ "a" = {{ content = "made" }}, "{second}" = {{}}, "z" = {{}} }}
            }}"#
        )
    };
    let terraform = Terraform::new(&folder("no/such/folder"));
    let error = terraform.fails(&["apply", "-auto-approve"]);
    assert!(
        error.contains("Folder cannot be written") && error.contains("with fs_folder.half"),
        "{error}"
    );
    let half = terraform.instance("fs_folder.half").unwrap();
    assert_eq!(half["status"], "tainted");
    assert_eq!(
        half["attributes"]["files"],
        json!({"a": {"content": "made", "size": 4}}),
        "the state has what exists, and no more"
    );

    terraform.configure(&folder("b"));
    let apply = terraform.apply();
    assert!(apply.contains("is tainted, so must be replaced"), "{apply}");
    assert!(apply.contains("1 added, 0 changed, 1 destroyed"), "{apply}");
    assert!(terraform.data("half/z").exists());

    // A folder with a stranger's file is not removed.
    fs::write(terraform.data("half/foreign"), "").unwrap();
    let error = terraform.fails(&["destroy", "-auto-approve"]);
    assert!(error.contains("Folder cannot be removed"), "{error}");
    let kept = terraform.instance("fs_folder.half").unwrap();
    assert_eq!(
        kept["attributes"]["path"], "half",
        "after a failed destroy it is in the state still"
    );
    fs::remove_file(terraform.data("half/foreign")).unwrap();
    terraform.succeeds(&["destroy", "-auto-approve"]);
    assert!(!terraform.data("half").exists());
}

#[test]
fn a_panic_is_an_error_that_names_the_resource_and_harms_no_other() {
    let terraform = Terraform::new(
        r#"
        variable "at" { default = "create" }
        resource "fs_fault" "bug" { at = var.at }
        resource "fs_file" "bystander" { path = "a.txt" }
        "#,
    );
    let error = terraform.fails(&["apply", "-auto-approve", "-parallelism=1"]);
    for part in [
        "fs_fault failed to create: bug in the provider",
        "with fs_fault.bug",
        "The provider panicked: told to fail at create.",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(terraform.instance("fs_fault.bug").is_none());
    assert!(terraform.instance("fs_file.bystander").is_some());

    let error = terraform.fails(&["plan", "-var=at=plan"]);
    assert!(
        error.contains("fs_fault failed to plan: bug in the provider"),
        "{error}"
    );
    terraform.succeeds(&["apply", "-auto-approve", "-var=at=delete"]);
    let error = terraform.fails(&["destroy", "-auto-approve", "-target=fs_fault.bug"]);
    assert!(
        error.contains("fs_fault failed to delete: bug in the provider"),
        "{error}"
    );
    assert!(terraform.instance("fs_fault.bug").is_some());
}

#[test]
fn moved_replaced_refreshed_and_checked() {
    let terraform = Terraform::new(r#"resource "fs_file" "old" { path = "a.txt" }"#);
    terraform.apply();
    terraform.configure(
        r#"
        moved {
          from = fs_file.old
          to   = fs_file.new["x"]
        }
        resource "fs_file" "new" {
          for_each = toset(["x"])
          path     = "a.txt"
        }
        check "size" {
          data "fs_tree" "now" { path = "." }
          assert {
            condition     = alltrue([for file in data.fs_tree.now.files : file.size < 5])
            error_message = "A file has outgrown its limit."
          }
        }
        "#,
    );
    let moved = terraform.apply();
    assert!(moved.contains("fs_file.old has moved to"), "{moved}");
    assert!(moved.contains("0 added, 0 changed, 0 destroyed"), "{moved}");

    let replaced = terraform.succeeds(&["apply", "-auto-approve", "-replace=fs_file.new[\"x\"]"]);
    assert!(
        replaced.contains("will be replaced, as requested"),
        "{replaced}"
    );
    assert!(
        replaced.contains("1 added, 0 changed, 1 destroyed"),
        "{replaced}"
    );

    fs::write(terraform.data("a.txt"), "too long").unwrap();
    let refreshed = terraform.succeeds(&["apply", "-auto-approve", "-refresh-only"]);
    assert!(
        refreshed.contains("has changed") && refreshed.contains("too long"),
        "{refreshed}"
    );
    assert!(
        refreshed.contains("A file has outgrown its limit."),
        "a check that fails is a warning:\n{refreshed}"
    );
    let new = terraform.instance("fs_file.new").unwrap();
    assert_eq!(new["attributes"]["content"], "too long");
    assert_eq!(
        fs::read_to_string(terraform.data("a.txt")).unwrap(),
        "too long",
        "a refresh changes nothing but the state"
    );
    let repaired = terraform.apply();
    assert!(
        repaired.contains("0 added, 1 changed, 0 destroyed"),
        "{repaired}"
    );
}

#[test]
fn what_exists_is_imported_with_a_configuration_that_terraform_writes() {
    let terraform = Terraform::new(
        r#"
        import {
          to = fs_folder.found
          id = "found"
        }
        import {
          to = fs_file.found
          id = "b.txt"
        }
        "#,
    );
    fs::create_dir(terraform.data("found")).unwrap();
    fs::write(terraform.data("found/a"), "1").unwrap();
    fs::write(terraform.data("b.txt"), "two\nlines\n").unwrap();
    terraform.succeeds(&["plan", "-generate-config-out=generated.tf"]);
    let generated = fs::read_to_string(terraform.path("generated.tf")).unwrap();
    assert!(
        !generated.contains("token") && !generated.contains("size"),
        "what is computed is not configured:\n{generated}"
    );
    let apply = terraform.apply();
    assert!(
        apply.contains("2 imported, 0 added, 0 changed, 0 destroyed"),
        "{apply}\n{generated}"
    );
    terraform.is_settled();

    // The provider's private data says that the folder was not made here.
    terraform.succeeds(&["destroy", "-auto-approve"]);
    assert!(terraform.data("found/a").exists());
    assert!(!terraform.data("b.txt").exists());

    let none = terraform.fails(&["import", "fs_file.found", "none.txt"]);
    assert!(none.contains("No such file"), "{none}");
}

#[test]
fn terraform_test_runs_against_the_provider() {
    let terraform = Terraform::new(
        r#"
        variable "text" { type = string }
        resource "fs_file" "a" {
          path    = "a.txt"
          content = var.text
        }
        "#,
    );
    terraform.write(
        "a.tftest.hcl",
        r#"
        variables { text = "hello" }
        run "planned" {
          command = plan
          assert {
            condition     = fs_file.a.size == 5
            error_message = "The size is planned."
          }
        }
        run "made" {
          assert {
            condition     = fs_file.a.id == "a.txt"
            error_message = "The id is the path."
          }
        }
        run "changed" {
          variables { text = "longer" }
          assert {
            condition     = fs_file.a.size == 6
            error_message = "The size follows."
          }
        }
        "#,
    );
    let output = terraform.succeeds(&["test"]);
    assert!(output.contains("Success! 3 passed, 0 failed."), "{output}");
    assert!(
        !terraform.data("a.txt").exists(),
        "what a test makes it removes"
    );
}

#[test]
fn terraforms_log_has_the_providers_lines_with_their_fields() {
    let terraform = Terraform::new(r#"resource "fs_file" "a" { path = "a.txt" }"#);
    let output = terraform
        .command(&["apply", "-auto-approve"])
        .env("TF_LOG", "debug")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let line = log
        .lines()
        .find(|line| line.contains("file created"))
        .unwrap_or_else(|| panic!("{log}"));
    for part in [
        "[DEBUG]",
        "terraform-provider-fs",
        "bytes=0",
        "path=a.txt",
        "@module=fs.file",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let quiet = terraform.run(&["apply", "-auto-approve", "-replace=fs_file.a"]);
    assert_eq!(unframed(&quiet.stderr), "");
}

#[test]
fn stored_state_of_an_older_shape_is_read() {
    let terraform = Terraform::new(
        r#"
        resource "fs_folder" "old" {
          path   = "old"
          files  = { "a" = {} }
          labels = { team = "x=y" }
        }
        resource "fs_file" "same" { path = "a.txt" }
        "#,
    );
    terraform.apply();
    terraform.edit_instance("fs_folder.old", |instance| {
        instance["schema_version"] = 0.into();
        let attributes = instance["attributes"].as_object_mut().unwrap();
        let path = attributes.remove("path").unwrap();
        attributes.insert("name".into(), path);
        attributes.insert("labels".into(), json!(["team=x=y"]));
        attributes.insert("removed".into(), json!({"long": "ago"}));
        attributes.remove("quota");
    });
    terraform.edit_instance("fs_file.same", |instance| {
        instance["attributes"]["removed"] = json!([1, {"two": null}]);
    });
    terraform.is_settled();
    terraform.configure(r#"resource "fs_file" "same" { path = "a.txt" }"#);
    let apply = terraform.apply();
    assert!(apply.contains("0 added, 0 changed, 1 destroyed"), "{apply}");
    assert!(!terraform.data("old").exists());
    assert!(
        !terraform.state().to_string().contains("removed"),
        "what the schema does not have is gone from the state"
    );

    terraform.edit_instance("fs_file.same", |instance| {
        instance["attributes"]["mode"] = json!(["not", "a", "mode"]);
    });
    let error = terraform.fails(&["plan"]);
    assert!(
        error.contains("Expected string, found an array.") && error.contains("fs_file.same"),
        "{error}"
    );
}
