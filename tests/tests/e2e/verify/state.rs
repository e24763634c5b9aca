//! The pinned heads of `auditlog-verify` where they cannot be read or kept: the file is whole at any time, old or new.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use auditlog_tests::{Command, after_mounting};
use serde_json::{Value, json};

use crate::support::log::ORIGIN;
use crate::verify::folder::{Folder, no_verdict};

const ROOT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn command(folder: &Folder, state: impl AsRef<Path>) -> Command {
    let command = folder.command().arg("--state").arg(state.as_ref());
    command.arg(folder.bucket())
}

fn state_of(folder: &Folder) -> Value {
    let text = fs::read(folder.path("state.json")).expect("the state");
    serde_json::from_slice(&text).expect("JSON")
}

/// What lies in the test's folder, apart from what it was made with.
fn beside(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
    let mut names: Vec<_> = names
        .filter(|name| !["bucket", "policy.json"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[test]
fn a_state_that_is_no_file_of_ours_is_named_with_the_remedy_and_left_alone() {
    let folder = Folder::new();
    let remedy = "name another with --state";
    no_verdict(
        command(&folder, folder.bucket()),
        "bucket cannot be read: is a directory",
        remedy,
    );
    for device in ["/dev/zero", "/dev/null"] {
        no_verdict(
            command(&folder, device),
            "cannot be read: it is a device, pipe or socket",
            remedy,
        );
    }
    Command::new("mkfifo").arg(folder.path("pipe")).run().ok();
    no_verdict(
        command(&folder, folder.path("pipe")),
        "it is a device, pipe or socket",
        remedy,
    );
    symlink("circle", folder.path("circle")).expect("a link");
    no_verdict(
        command(&folder, folder.path("circle")),
        "circle cannot be read: Too many levels",
        remedy,
    );
    let huge = File::create(folder.path("huge")).expect("a file");
    huge.set_len(1 << 40).expect("a large file");
    no_verdict(
        command(&folder, folder.path("huge")),
        "it has more than 16777216 bytes",
        remedy,
    );
    let pin = format!(r#""{ORIGIN}":{{"segment":0,"size":3,"root":"{ROOT}"}}"#);
    for (text, error) in [
        (
            format!(r#"{{"state":1,"logs":{{{pin},{pin}}}}}"#),
            "stands twice",
        ),
        (
            format!(r#"{{"state":1,"logs":{{{pin}}},"logs":{{}}}}"#),
            "duplicate field `logs`",
        ),
        (
            format!(r#"{{"state":1,"logs":{{{pin}"#),
            "EOF while parsing",
        ),
        (
            r#"{"state":9,"logs":[]}"#.to_owned(),
            "version 9, this program knows 1",
        ),
        (
            r#"{"state":1,"logs":{"\u001b[2J":{}}}"#.to_owned(),
            "is not an origin",
        ),
    ] {
        fs::write(folder.path("state.json"), &text).expect("a file");
        let hint = if error.contains("version") {
            "newer"
        } else {
            remedy
        };
        no_verdict(command(&folder, folder.path("state.json")), error, hint);
        assert_eq!(
            fs::read_to_string(folder.path("state.json")).expect("a file"),
            text
        );
    }
}

#[test]
fn heads_of_other_policies_stay_in_the_file() {
    let folder = Folder::new();
    let other = json!({ "segment": 7, "size": 99, "root": ROOT });
    let state = json!({ "state": 1, "logs": { "other.example/log": other } });
    fs::write(folder.path("state.json"), state.to_string()).expect("a file");
    let run = folder.pinned().ok();
    assert!(
        run.stdout.contains("nothing is claimed about rollback"),
        "{run}"
    );
    let kept = state_of(&folder);
    assert_eq!(kept["logs"]["other.example/log"], other);
    assert_eq!(kept["logs"][ORIGIN]["segment"], 3);
    assert_eq!(beside(&folder), ["state.json"]);
}

/// Runs in a small file system that only the verifier and the shell around it see; what is left there comes on standard error.
fn in_a_small_place(folder: &Folder, spoil: &str) -> auditlog_tests::Run {
    let place = folder.path("place");
    fs::create_dir(&place).expect("a folder");
    let at = place.display();
    let lines = format!(
        "mount -t tmpfs -o size=16k tmpfs '{at}'\necho '{{\"state\":1,\"logs\":{{}}}}' > '{at}/state.json'\n{spoil}\n\
         code=0; \"$@\" || code=$?\ncd '{at}'; ls >&2; cat state.json >&2; exit $code"
    );
    after_mounting(&lines, command(folder, place.join("state.json"))).run()
}

#[test]
fn a_full_disk_and_a_place_that_is_read_only_are_no_success_and_leave_the_old_file() {
    for (spoil, error, left) in [
        (
            "cat /dev/zero > \"${at:=PLACE}/filler\" 2>/dev/null || true",
            "cannot be written: No space left on device",
            "filler\nstate.json\n{\"state\":1,\"logs\":{}}\n",
        ),
        (
            "mount -o remount,bind,ro PLACE",
            "cannot be written: Read-only file system",
            "state.json\n{\"state\":1,\"logs\":{}}\n",
        ),
    ] {
        let folder = Folder::new();
        let place = folder.path("place").display().to_string();
        let run = in_a_small_place(&folder, &spoil.replace("PLACE", &place));
        assert_eq!(run.status, 2, "{run}");
        assert!(
            run.stdout.contains("not read: the state file") && run.stdout.contains(error),
            "{run}"
        );
        assert!(
            run.stdout
                .contains("name a file in a folder that can be written"),
            "{run}"
        );
        assert_eq!(run.stderr, left, "{run}");
    }
}

/// So many pins of other logs that it takes a moment to write them.
fn large_state(folder: &Folder) -> Value {
    let pin = json!({ "segment": 7, "size": 99, "root": ROOT });
    let logs: serde_json::Map<_, _> = (0..40_000)
        .map(|log| (format!("other.example/{log}"), pin.clone()))
        .collect();
    let state = json!({ "state": 1, "logs": logs });
    fs::write(folder.path("state.json"), state.to_string()).expect("a file");
    state
}

#[test]
fn a_verifier_that_is_killed_while_it_pins_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new();
    let old = large_state(&folder);
    let beside_it = folder.path("state.json.tmp");
    let mut caught = 0;
    for signal in ["-KILL", "-TERM", "-KILL", "-TERM"] {
        let (mut verify, _home) = command(&folder, folder.path("state.json")).into_inner();
        let verify = verify
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = verify.spawn().expect("the verifier");
        let ended = loop {
            if let Some(status) = child.try_wait().expect("its state") {
                break status;
            }
            if fs::metadata(&beside_it).is_ok_and(|beside| beside.len() > 0) {
                Command::new("kill")
                    .arg(signal)
                    .arg(child.id().to_string())
                    .run();
                break child.wait().expect("its end");
            }
            thread::yield_now();
        };
        if ended.signal().is_some() {
            caught += 1;
            assert_eq!(ended.code(), None);
        }
        let mut found = state_of(&folder);
        let head = found["logs"].as_object_mut().expect("logs").remove(ORIGIN);
        assert!(head.is_none_or(|head| head["segment"] == 3));
        assert_eq!(found, old);
        // What was left behind is no hindrance, and gone after the next run.
        folder.pinned().ok();
        assert_eq!(beside(&folder), ["state.json"]);
        large_state(&folder);
    }
    assert!(caught > 0, "no run was caught while it wrote");
}
