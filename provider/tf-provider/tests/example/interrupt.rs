//! Terraform interrupted in the middle of a create: what was made is in the state.

use std::fs;
use std::path::{Path, PathBuf};

use crate::patience::until;
use crate::terraform::{Running, Terraform, kill, unframed};

fn question(text: &str) -> String {
    format!(
        r#"resource "fs_request" "r" {{
            path     = "r"
            question = "{text}"
            # Longer than what a provider gets to end in, once Terraform is done with it.
            linger_ms = 1200
        }}
        output "answer" {{ value = fs_request.r.answer }}"#
    )
}

/// A Terraform whose provider waits, and has made something.
fn waiting(terraform: &Terraform) -> Running {
    let running = terraform.start(&["apply", "-auto-approve"]);
    let request = terraform.data("r.request");
    until("the request", || {
        fs::read(&request).is_ok_and(|text| text == b"first")
    });
    running
}

fn is_interrupted_by(interrupt: impl FnOnce(&Running)) {
    let terraform = Terraform::new(&question("first"));
    let running = waiting(&terraform);
    interrupt(&running);
    let output = running.wait();
    assert!(!output.status.success());
    let error = unframed(&output.stderr);
    assert!(
        error.contains("r.request has no answer yet"),
        "the provider's own code had its say: {error}"
    );
    let made = terraform
        .instance("fs_request.r")
        .expect("what was made is in the state");
    assert_eq!(made["status"], "tainted");
    assert_eq!(made["attributes"]["question"], "first");
    assert!(providers(&terraform).is_empty(), "no provider is left");

    // The next apply replaces it.
    terraform.configure(&question("second"));
    let running = terraform.start(&["apply", "-auto-approve"]);
    until("the second request", || {
        fs::read(terraform.data("r.request")).is_ok_and(|text| text == b"second")
    });
    // Put there whole, as the provider reads it as soon as it is there.
    terraform.write("answer", "42");
    fs::rename(terraform.path("answer"), terraform.data("r.answer")).unwrap();
    let output = running.wait();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 added, 0 changed, 1 destroyed"), "{text}");
    assert!(text.contains("answer = \"42\""), "{text}");
}

#[test]
fn ctrl_c_in_the_middle_of_a_create_loses_nothing() {
    is_interrupted_by(|running| running.signal_all("-INT"));
}

#[test]
fn sigterm_to_terraform_loses_nothing() {
    is_interrupted_by(|running| running.signal("-TERM"));
}

#[test]
fn sigterm_to_terraform_and_its_providers_loses_nothing() {
    is_interrupted_by(|running| running.signal_all("-TERM"));
}

#[test]
fn the_provider_ends_when_terraform_is_killed() {
    let terraform = Terraform::new(&question("first"));
    let running = waiting(&terraform);
    assert_eq!(providers(&terraform).len(), 1);
    running.signal("-KILL");
    assert!(!running.wait().status.success());
    until("the end of the provider", || {
        providers(&terraform).is_empty()
    });
}

#[test]
fn a_provider_that_is_killed_is_an_error_and_no_hang() {
    let terraform = Terraform::new(&question("first"));
    let running = waiting(&terraform);
    kill(
        "-KILL",
        &providers(&terraform)[0]
            .file_name()
            .unwrap()
            .to_string_lossy(),
    );
    let output = running.wait();
    assert!(!output.status.success());
    let error = unframed(&output.stderr);
    // Terraform's word depends on what it sees first: the connection that broke, or the process that ended.
    let said = ["Plugin did not respond", "Request cancelled"];
    assert!(said.iter().any(|word| error.contains(word)), "{error}");
    let call = "(*GRPCProvider).ApplyResourceChange";
    assert!(error.contains(call), "{error}");
}

/// The providers that Terraform runs in this folder, as folders of `/proc`.
fn providers(terraform: &Terraform) -> Vec<PathBuf> {
    let folder = fs::canonicalize(terraform.path(".")).unwrap();
    let is_ours = |process: &Path| {
        let link = |name: &str| fs::read_link(process.join(name)).ok();
        let exe = link("exe").and_then(|exe| exe.file_name().map(ToOwned::to_owned));
        link("cwd").is_some_and(|cwd| cwd == folder)
            && exe.is_some_and(|exe| exe.to_string_lossy().starts_with("terraform-provider-fs"))
    };
    let processes = fs::read_dir("/proc").unwrap();
    processes
        .map(|process| process.unwrap().path())
        .filter(|process| is_ours(process))
        .collect()
}
