//! The commands of the operations guide, run as it prints them.

use std::fs;
use std::path::Path;

use auditlog_tests::{Command, Endpoint, Engine, Run, Terraform, binary, readers, root};

use crate::readme::main_tf;
use crate::support::log::{Log, now};

/// The fenced blocks of a language under a heading of the guide.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let guide = fs::read_to_string(root().join("docs/guides/operations.md")).expect("the guide");
    let section = guide
        .split("\n## ")
        .find(|section| section.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let fenced = section.split("\n```").skip(1).step_by(2);
    let named = fenced.filter_map(|block| block.split_once('\n'));
    let wanted = named.filter(|(name, _)| *name == language);
    wanted.map(|(_, text)| format!("{text}\n")).collect()
}

/// The README's declaration, applied and exported.
fn applied() -> (Endpoint, Terraform) {
    let endpoint = Engine::Ministack.start();
    let terraform = Terraform::in_empty_folder(&endpoint.env());
    terraform.write("main.tf", &main_tf());
    terraform.write("events.jsonl", "{\"paid\":1}\n");
    let export = "terraform output -raw trust_policy > trust-policy.json";
    terraform
        .shell(&format!("terraform init\nterraform apply\n{export}"))
        .ok();
    (endpoint, terraform)
}

#[track_caller]
fn verified_tonight(terraform: &Terraform) {
    let [night] = blocks("Every night", "sh").try_into().expect("one block");
    let run = terraform.shell(&night).ok();
    assert_eq!(run.stdout, "verified\n", "{run}");
}

/// The configuration with the key as the guide changes it.
fn with_rotation() -> String {
    let [rotated] = blocks("Rotate a key", "hcl").try_into().expect("one block");
    let main_tf = main_tf();
    let begin = "resource \"auditlog_signing_key\" \"audit\" {\n";
    let (before, rest) = main_tf.split_once(begin).expect("the key");
    let (_, after) = rest.split_once("\n}\n").expect("its end");
    format!("{before}{rotated}{after}")
}

#[test]
fn nights_a_rotation_and_the_end_of_a_first_try_work_as_written() {
    let (_endpoint, terraform) = applied();
    let [alive] = blocks("Keep a silent log alive", "sh")
        .try_into()
        .expect("one block");
    terraform.shell(&alive).ok();
    verified_tonight(&terraform);
    let [rotate, afterwards] = blocks("Rotate a key", "sh").try_into().expect("two blocks");
    terraform.write("main.tf", &with_rotation());
    terraform.shell(&rotate).ok();
    terraform.shell(&afterwards).ok();
    verified_tonight(&terraform);
    let [replace] = blocks("Move the sealer", "sh")
        .try_into()
        .expect("one block");
    terraform
        .shell(&format!("rm -r ~/.local/state/auditlog\n{replace}"))
        .ok();
    verified_tonight(&terraform);
    let [_, undo] = blocks("Undo a first try", "sh")
        .try_into()
        .expect("two blocks");
    let aws = readers().with_file_name("");
    terraform
        .shell(&format!("PATH=$PATH:{}\n{undo}", aws.display()))
        .ok();
    assert_eq!(terraform.shell("terraform state list").ok().stdout, "");
}

/// A folder with a log that was silent for longer than declared, its policy, and the report about it.
fn silent(folder: &Path) {
    let hours_ago = |hours: i64| now().saturating_add_seconds(-3600 * hours);
    let log = Log::sealed_at(&[hours_ago(70), hours_ago(20)]);
    log.write(&folder.join("audit"));
    log.write_policy(&folder.join("trust-policy.json"));
}

fn shell(folder: &Path, lines: &str) -> Run {
    let commands = binary("auditlog-verify").with_file_name("");
    let lines = format!("PATH={}:$PATH\n{lines}", commands.display());
    let shell = Command::new("bash").args(["-euo", "pipefail", "-c", &lines]);
    shell.current_dir(folder).run()
}

#[test]
fn a_finding_is_acknowledged_and_a_folder_is_removed_as_written() {
    let folder = tempfile::tempdir().expect("a folder");
    silent(folder.path());
    let verify = "auditlog-verify --policy trust-policy.json --output json ./audit > report.json";
    assert_eq!(shell(folder.path(), verify).status, 1);
    let [show, add] = blocks("Acknowledge a finding", "sh")
        .try_into()
        .expect("two blocks");
    shell(folder.path(), &show).ok();
    let run = shell(folder.path(), &add).ok();
    let last = run.stdout.trim_end().lines().last().unwrap_or_default();
    assert!(
        last.starts_with("verified: ") && last.contains("1 acknowledged"),
        "{run}"
    );
    fs::create_dir(folder.path().join("spool")).expect("a folder");
    let undo = blocks("Undo a first try", "sh").swap_remove(0);
    shell(folder.path(), &undo).ok();
    assert!(!folder.path().join("audit").exists());
}
