//! The real Terraform attaches to the example as a running process. A client of our own calls what this version of Terraform
//! does not call yet.

#[path = "../example/built.rs"]
mod built;
mod grpc;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use built::example;
use grpc::{Client, Saying};

/// The example under `--debug`, and a folder in which Terraform uses it.
struct Attached {
    child: Child,
    environment: String,
    folder: tempfile::TempDir,
}

impl Drop for Attached {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Attached {
    fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let mut child = Command::new(example())
            .args(["--debug", "example/fs"])
            .current_dir(folder.path())
            .env("TMPDIR", folder.path().join("tmp"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let environment = lines
            .find_map(|line| {
                let line = line.unwrap();
                let line = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='")?;
                Some(line.strip_suffix('\'')?.to_owned())
            })
            .expect("the environment");
        let attached = Self {
            child,
            environment,
            folder,
        };
        attached.configure(configuration);
        attached.succeeds(&["init"]);
        attached
    }

    fn configure(&self, configuration: &str) {
        let head = r#"
            terraform {
              required_providers {
                fs = { source = "example/fs" }
              }
            }
            provider "fs" { root = "data" }
        "#;
        std::fs::write(self.path("main.tf"), format!("{head}{configuration}")).unwrap();
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("terraform")
            .args(arguments)
            .arg("-no-color")
            .current_dir(self.folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_REATTACH_PROVIDERS", &self.environment)
            .env("TF_IN_AUTOMATION", "1")
            .env_remove("TF_LOG")
            .output()
            .expect("terraform on PATH: install it from https://developer.hashicorp.com/terraform/install")
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{text}\n{errors}");
        text
    }

    /// What it says as it fails, without the lines' breaks.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stderr).replace('│', "");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn output(&self, name: &str) -> String {
        self.succeeds(&["output", "-raw", name])
    }
}

#[test]
fn a_provider_under_a_debugger_serves_run_after_run_and_ends_when_interrupted() {
    let mut attached = Attached::new(r#"resource "fs_directory" "a" { path = "a" }"#);
    let socket = std::fs::read_dir(attached.path("tmp")).unwrap().count();
    assert_eq!(socket, 1);
    attached.succeeds(&["apply", "-auto-approve"]);
    attached.succeeds(&["plan", "-detailed-exitcode"]);
    attached.succeeds(&["destroy", "-auto-approve"]);
    assert!(!attached.path("data/a").exists());
    assert_eq!(attached.child.try_wait().unwrap(), None, "it lives on");
    let kill = Command::new("kill")
        .args(["-INT", &attached.child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert!(attached.child.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(attached.path("tmp")).unwrap().count(), 0);
}

#[test]
fn a_wrong_flag_prints_the_usage() {
    let output = Command::new(example()).arg("--debug").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: --debug <address>"));
    let mut stdout = String::new();
    output
        .stdout
        .as_slice()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(stdout, "");
}

#[test]
fn functions_are_called_by_the_real_terraform() {
    let attached = Attached::new(
        r#"
        variable "part" { default = "c/d" }
        output "one" { value = provider::fs::relative("a") }
        output "more" { value = provider::fs::relative("a", "b", var.part) }
        "#,
    );
    attached.succeeds(&["apply", "-auto-approve"]);
    assert_eq!(attached.output("one"), "a");
    assert_eq!(attached.output("more"), "a/b/c/d");
    let wrong = attached.fails(&["plan", "-var=part=../x"]);
    assert!(
        wrong.contains("Invalid value for \"more\" parameter: \"../x\" leads out of the root."),
        "{wrong}"
    );
}

#[test]
fn values_of_open_type_and_numbers_of_any_size_survive_plan_and_state() {
    let label = |label: &str| {
        format!(
            r#"
            resource "fs_directory" "a" {{
              path  = "a"
              label = {label}
            }}
            output "label" {{ value = jsonencode(fs_directory.a.label) }}
            "#
        )
    };
    let attached = Attached::new(&label("null"));
    let tiny = format!("0.{}1", "0".repeat(399));
    let cases = [
        ("18446744073709551617", "18446744073709551617"),
        ("1e-400", &tiny),
        ("0.1", "0.1"),
        (
            r#"{ n = [18446744073709551617, 0.1], t = "x" }"#,
            r#"{"n":[18446744073709551617,0.1],"t":"x"}"#,
        ),
        (r#"toset(["b", "a"])"#, r#"["a","b"]"#),
        ("null", "null"),
    ];
    for (written, expected) in cases {
        attached.configure(&label(written));
        attached.succeeds(&["apply", "-auto-approve"]);
        assert_eq!(attached.output("label"), expected, "{written}");
        attached.succeeds(&["plan", "-detailed-exitcode"]);
    }
    attached.succeeds(&["destroy", "-auto-approve"]);
}

#[test]
fn an_ephemeral_resource_is_held_during_a_run_and_given_back() {
    let attached = Attached::new(
        r#"
        ephemeral "fs_lock" "all" {
          path = "lock"
          lifecycle {
            postcondition {
              condition     = self.holder > 0
              error_message = "held by nobody"
            }
          }
        }
        "#,
    );
    attached.succeeds(&["apply", "-auto-approve"]);
    assert!(!attached.path("data/lock").exists(), "it is closed");
    std::fs::write(attached.path("data/lock"), "").unwrap();
    let taken = attached.fails(&["apply", "-auto-approve"]);
    assert!(taken.contains("Lock cannot be taken"), "{taken}");
    assert!(attached.path("data/lock").exists(), "it was another's");
}

#[test]
fn a_resource_of_another_provider_is_moved() {
    let attached = Attached::new(r#"resource "terraform_data" "old" { input = "kept" }"#);
    attached.succeeds(&["apply", "-auto-approve"]);
    std::fs::create_dir(attached.path("data/kept")).unwrap();
    attached.configure(
        r#"
        resource "fs_directory" "new" { path = "kept" }
        moved {
          from = terraform_data.old
          to   = fs_directory.new
        }
        "#,
    );
    let moved = attached.succeeds(&["apply", "-auto-approve"]);
    assert!(
        moved.contains("terraform_data.old has moved to fs_directory.new")
            && moved.contains("0 added, 0 changed, 0 destroyed"),
        "{moved}"
    );
    attached.succeeds(&["plan", "-detailed-exitcode"]);

    attached.configure(
        r#"
        resource "fs_file" "new" { path = "kept" }
        moved {
          from = fs_directory.new
          to   = fs_file.new
        }
        "#,
    );
    let refused = attached.fails(&["plan"]);
    assert!(
        refused.contains("The state of a fs_directory of registry.terraform.io/example/fs cannot become a fs_file"),
        "{refused}"
    );
}

#[test]
fn a_planned_destroy_warns() {
    let attached = Attached::new(r#"resource "fs_directory" "a" { path = "a" }"#);
    attached.succeeds(&["apply", "-auto-approve"]);
    std::fs::write(attached.path("data/a/inside"), "").unwrap();
    let plan = attached.succeeds(&["plan", "-destroy"]);
    assert!(plan.contains("Warning: Directory is not empty"), "{plan}");
    attached.configure(r#"resource "fs_directory" "a" { path = "b" }"#);
    let replacement = attached.succeeds(&["plan"]);
    assert!(
        replacement.contains("must be replaced")
            && replacement.contains("Warning: Directory is not empty"),
        "{replacement}"
    );
    let failed = attached.fails(&["destroy", "-auto-approve"]);
    assert!(failed.contains("Directory cannot be removed"), "{failed}");
    std::fs::remove_file(attached.path("data/a/inside")).unwrap();
    attached.succeeds(&["destroy", "-auto-approve"]);
}

/// The example, attached to and configured by a client of our own.
async fn client() -> (Attached, Client) {
    let attached = Attached::new("");
    let mut sockets = std::fs::read_dir(attached.path("tmp")).unwrap();
    let folder = sockets.next().unwrap().unwrap().path();
    let client = Client::connect(folder.join("socket")).await;
    client.configure(b"\x81\xa4root\xa4data").await;
    (attached, client)
}

#[tokio::test]
async fn directories_are_listed() {
    let (attached, client) = client().await;
    std::fs::create_dir_all(attached.path("data/a/b")).unwrap();
    std::fs::write(attached.path("data/a/file"), "").unwrap();
    let found = client.list("fs_directory", b"\x81\xa6within\xa1a").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].display_name, "b");
    assert_eq!(found[0].identity(), b"\x81\xa4path\xa3a/b");
    let failed = client.list("fs_directory", b"\x81\xa6within\xa1c").await;
    assert_eq!(failed[0].diagnostics[0].summary, "Directory cannot be read");
}

#[tokio::test]
async fn files_are_touched_with_a_word_for_each() {
    let (attached, client) = client().await;
    let file = attached.path("data/a");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let made = std::fs::File::create(&file).unwrap();
    made.set_modified(long_ago).unwrap();
    let said = client
        .invoke("fs_touch", b"\x81\xa5paths\x92\xa1a\xa1b")
        .await;
    assert_ne!(
        std::fs::metadata(&file).unwrap().modified().unwrap(),
        long_ago
    );
    let said: Vec<_> = said.into_iter().map(|said| said.saying.unwrap()).collect();
    let [Saying::Progress(first), Saying::Completed(end)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(first.message, "data/a touched");
    assert_eq!(end.diagnostics[0].summary, "File cannot be touched");
    assert!(!attached.path("data/b").exists());
}
