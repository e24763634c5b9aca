//! `auditlog-verify` on a folder: what it writes where, and how it ends.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use auditlog_tests::{Command, Run, command};

use crate::support::log::{Log, ORIGIN};

pub(crate) struct Folder {
    pub(crate) log: Log,
    root: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self {
            log: Log::new(4),
            root: tempfile::tempdir().expect("a folder"),
        };
        folder.log.write(&folder.bucket());
        folder.log.write_policy(&folder.path("policy.json"));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn bucket(&self) -> PathBuf {
        self.path("bucket")
    }

    pub(crate) fn segment(&self, number: usize) -> PathBuf {
        self.bucket().join(&self.log.segments[number].0)
    }

    pub(crate) fn command(&self) -> Command {
        command("auditlog-verify")
            .arg("--policy")
            .arg(self.path("policy.json"))
    }

    pub(crate) fn verify(&self) -> Run {
        self.command().arg(self.bucket()).run()
    }

    pub(crate) fn pinned(&self) -> Run {
        let pins = self.path("pins.json");
        self.command()
            .arg("--pins")
            .arg(pins)
            .arg(self.bucket())
            .run()
    }
}

#[track_caller]
pub(crate) fn no_verdict(command: Command, error: &str, hint: &str) {
    let run = command.run();
    assert_eq!(run.status, 2, "{run}");
    assert_eq!(run.stdout, "", "{run}");
    let (first, second) = run.stderr.split_once('\n').unwrap_or_default();
    assert!(
        first.starts_with("error: ") && first.contains(error),
        "{run}"
    );
    assert!(
        second.starts_with("hint: ") && second.contains(hint),
        "{run}"
    );
}

#[track_caller]
pub(crate) fn faults(run: &Run, expected: &[&str]) {
    let codes: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("fault ")?.split_once(':'))
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, expected, "{run}");
    assert_eq!(run.status, 1, "{run}");
}

#[test]
fn a_good_folder_verifies_and_the_last_line_says_what_was_not_checked() {
    let folder = Folder::new();
    let run = folder.verify().ok();
    assert_eq!(run.stderr, "");
    let last = run.stdout.lines().last().expect("a last line");
    assert!(
        last.starts_with(&format!(
            "verified: {ORIGIN}: 6 entries in segments 0 to 3, "
        )),
        "{last}"
    );
    assert!(
        last.contains(", under key ") && last.ends_with("; storage not checked"),
        "{last}"
    );
}

#[test]
fn the_json_report_has_the_documented_shape() {
    let folder = Folder::new();
    let json = folder
        .command()
        .args(["--output", "json"])
        .arg(folder.bucket())
        .run()
        .ok()
        .json();
    let keys: Vec<&str> = json
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = vec![
        "report",
        "verdict",
        "exit",
        "policy",
        "target",
        "at",
        "logs",
        "fault_count",
        "faults",
        "acknowledged_count",
        "acknowledged",
        "undecided_count",
        "undecided",
        "note_count",
        "notes",
        "not_checked",
        "run",
    ];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((&json["report"], &json["exit"]), (&1.into(), &0.into()));
    assert_eq!(json["verdict"], "verified");
    assert_eq!(
        json["not_checked"],
        serde_json::json!([{ "code": "storage", "message": "storage", "log": null }])
    );
    let log = &json["logs"][0];
    for (field, value) in [
        ("segments", 4),
        ("entries", 6),
        ("size", 15),
        ("first_segment", 0),
        ("last_segment", 3),
    ] {
        assert_eq!(log[field], value, "{field}");
    }
    assert_eq!(log["keys"].as_array().map(Vec::len), Some(1));
    fs::remove_file(folder.segment(1)).expect("a removed file");
    let run = folder
        .command()
        .args(["--output", "json"])
        .arg(folder.bucket())
        .run();
    assert_eq!(run.status, 1, "{run}");
    let fault = &run.json()["faults"][0];
    assert_eq!(fault["code"], "segment-missing");
    assert_eq!(fault["log"], ORIGIN);
    assert_eq!(fault["object"], "logs/payments/000000000001.jsonl.zst");
    assert_eq!(fault["help"], "docs/codes/segment-missing.md");
}

#[test]
fn the_entry_that_a_copy_of_a_bucket_prints_can_be_pasted() {
    let mut folder = Folder::new();
    assert!(folder.log.policy.store.is_some());
    fs::remove_file(folder.segment(1)).expect("a removed file");
    let report = folder.command().args(["--output", "json"]);
    let run = report.arg(folder.bucket()).run();
    let entry = run.json()["faults"][0]["acknowledge"].clone();
    let entry = serde_json::from_value(entry).expect("an entry");
    folder.log.policy.acknowledged = vec![entry];
    folder.log.write_policy(&folder.path("policy.json"));
    let run = folder.verify().ok();
    let last = run.stdout.lines().last().expect("a last line");
    assert!(last.contains("1 acknowledged"), "{last}");
}

#[test]
fn tampering_is_found() {
    let folder = Folder::new();
    let mut bytes = fs::read(folder.segment(2)).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.segment(2), &bytes).expect("a changed segment");
    assert_eq!(folder.verify().status, 1);
    fs::write(folder.segment(2), &folder.log.segments[1].1).expect("another segment");
    faults(&folder.verify(), &["segment-mismatch"]);
    fs::write(folder.segment(2), b"").expect("an empty file");
    faults(&folder.verify(), &["segment-truncated"]);
}

#[test]
fn a_tail_that_was_cut_off_is_found_by_the_pinned_head() {
    let folder = Folder::new();
    let first = folder.pinned().ok();
    assert!(
        first.stdout.contains("nothing is claimed about rollback"),
        "{first}"
    );
    let second = folder.pinned().ok();
    assert!(!second.stdout.contains("rollback"), "{second}");
    fs::remove_file(folder.segment(3)).expect("a removed file");
    folder.verify().ok();
    let pins = fs::read(folder.path("pins.json")).expect("the pins");
    faults(&folder.pinned(), &["head-rolled-back"]);
    assert_eq!(fs::read(folder.path("pins.json")).expect("the pins"), pins);
}

#[test]
fn a_pins_file_that_is_not_ours_is_left_alone() {
    let folder = Folder::new();
    for text in ["", "{}", "my notes\n", r#"{"pins":1,"logs":{"#] {
        fs::write(folder.path("pins.json"), text).expect("a file");
        let run = folder.pinned();
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
        assert!(run.stderr.contains("does not hold pins"), "{run}");
        assert_eq!(
            fs::read_to_string(folder.path("pins.json")).expect("a file"),
            text
        );
    }
}

#[test]
fn heads_that_cannot_be_pinned_give_no_verdict() {
    let folder = Folder::new();
    let pins = folder.path("no/such/folder/pins.json");
    let run = folder
        .command()
        .arg("--pins")
        .arg(pins)
        .arg(folder.bucket())
        .run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.stdout.contains("undecided pins-not-kept: "), "{run}");
}

#[test]
fn wrong_usage_names_the_thing_and_the_remedy() {
    let folder = Folder::new();
    let verify = |policy: &str| {
        command("auditlog-verify")
            .arg("--policy")
            .arg(folder.path(policy))
    };
    no_verdict(
        verify("absent.json").arg(folder.bucket()),
        "cannot read the trust policy ",
        "terraform output -raw trust_policy",
    );
    no_verdict(
        verify("bucket").arg(folder.bucket()),
        "/bucket: Is a directory",
        "terraform output -raw trust_policy",
    );
    fs::write(folder.path("broken.json"), "{").expect("a file");
    no_verdict(
        verify("broken.json").arg(folder.bucket()),
        "the trust policy cannot be read",
        "unchanged",
    );
    fs::write(folder.path("later.json"), r#"{"trust_policy":2}"#).expect("a file");
    no_verdict(
        verify("later.json").arg(folder.bucket()),
        "version 2",
        "newer",
    );
    no_verdict(
        folder.command().arg(folder.path("absent")),
        "absent",
        "s3://BUCKET",
    );
    no_verdict(
        folder.command().arg(folder.path("policy.json")),
        "policy.json",
        "not a file in it",
    );
    let other = folder
        .command()
        .args(["--log", "other.example/log"])
        .arg(folder.bucket());
    no_verdict(other, "does not declare a log other.example/log", ORIGIN);
    for word in ["audit", "plan"] {
        no_verdict(
            folder.command().arg(word),
            &format!("expected a folder such as ./audit or s3://BUCKET[/PREFIX], not {word}"),
            "./",
        );
    }
    let run = folder
        .command()
        .arg("--at")
        .arg("yesterday")
        .arg(folder.bucket())
        .run();
    assert_eq!(run.status, 2, "{run}");
    let run = command("auditlog-verify").run();
    assert_eq!(run.status, 2, "{run}");
}

#[test]
fn at_judges_the_silence_at_another_time() {
    let folder = Folder::new();
    let at = |time: &str| {
        folder
            .command()
            .args(["--at", time])
            .arg(folder.bucket())
            .run()
    };
    faults(&at("2100-01-01T00:00:00Z"), &["silence-exceeded"]);
    let run = at("2020-01-01T00:00:00Z").ok();
    let said = "; silence judged at 2020-01-01T00:00:00Z; storage not checked\n";
    assert!(run.stdout.ends_with(said), "{run}");
    assert!(!folder.verify().stdout.contains("silence judged"));
}

#[test]
fn what_no_bucket_can_hold_is_not_followed() {
    let folder = Folder::new();
    let kept = folder.path("kept");
    fs::rename(folder.segment(2), &kept).expect("a moved file");
    std::os::unix::fs::symlink(&kept, folder.segment(2)).expect("a link");
    let run = folder.verify();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stdout
            .contains("expected a file, found a symbolic link"),
        "{run}"
    );
    fs::remove_file(folder.segment(2)).expect("a removed link");
    fs::create_dir(folder.segment(2)).expect("a folder");
    let run = folder.verify();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stdout.contains("expected a file, found a folder"),
        "{run}"
    );
}

#[test]
fn strangers_beside_the_segments_are_found() {
    let folder = Folder::new();
    fs::write(folder.bucket().join("notes.txt"), "outside of any log").expect("a file");
    folder.verify().ok();
    fs::write(folder.bucket().join("logs/payments/.DS_Store"), "").expect("a file");
    faults(&folder.verify(), &["object-unaccounted"]);
}

#[test]
fn a_folder_in_place_of_a_log_and_a_file_in_place_of_its_folder() {
    let folder = Folder::new();
    // With a pin, the log has not just begun.
    folder.pinned().ok();
    fs::remove_dir_all(folder.bucket().join("logs")).expect("a removed log");
    faults(&folder.pinned(), &["log-empty"]);
    fs::write(folder.bucket().join("logs"), "").expect("a file");
    let run = folder.verify();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stdout.contains("expected a folder, found a file: "),
        "{run}"
    );
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let folder = Folder::new();
    let (mut command, _home) = folder.command().arg(folder.bucket()).into_inner();
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(write)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the verifier");
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("its standard error");
    pipe.read_to_string(&mut stderr).expect("text");
    let status = child.wait().expect("its end");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_help_names_each_option_with_its_effect_and_its_default() {
    let run = command("auditlog-verify").arg("--help").run().ok();
    assert_eq!(run.stdout, include_str!("help.txt"));
}
