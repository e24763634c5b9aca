//! `auditlog-verify` on a folder in which something is not a file, or changes during the run.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use auditlog_tests::{Command, Run, after_mounting};

use crate::verify::folder::{Folder, faults, no_verdict};

#[track_caller]
fn not_read(run: &Run, what: &str, reason: &str) {
    assert_eq!(run.status, 2, "{run}");
    let mut lines = run.stdout.lines();
    let line = lines.find(|line| line.starts_with("undecided "));
    let place = lines.next().unwrap_or_default();
    let said = format!("{}\n{place}", line.unwrap_or_default());
    assert!(said.contains(what) && said.contains(reason), "{run}");
    assert!(run.stdout.contains("  hint:     "), "{run}");
}

#[test]
fn a_pipe_or_device_in_place_of_a_segment_is_not_waited_for() {
    let folder = Folder::new();
    let segment = folder.segment(2);
    let kept = fs::read(&segment).expect("a segment");
    let no_file = "expected a file, found a device, pipe or socket";
    fs::remove_file(&segment).expect("a removed file");
    Command::new("mkfifo").arg(&segment).run().ok();
    not_read(&folder.verify(), "000000000002", no_file);
    fs::remove_file(&segment).expect("a removed pipe");
    let listener = UnixListener::bind(&segment).expect("a socket");
    not_read(&folder.verify(), "000000000002", no_file);
    drop(listener);
    fs::remove_file(&segment).expect("a removed socket");
    fs::write(&segment, kept).expect("a segment");
    let device = format!(
        "mount --bind /dev/zero '{}'\nexec \"$@\"",
        segment.display()
    );
    let run = after_mounting(&device, folder.command().arg(folder.bucket())).run();
    not_read(&run, "000000000002", no_file);
    folder.verify().ok();
}

#[test]
fn a_file_that_nobody_can_read_gives_no_verdict_and_faults_elsewhere_count() {
    let folder = Folder::new();
    // Not even root reads what a process has at address 0.
    let lines = format!(
        "mount --bind /proc/$$/mem '{}'\nexec \"$@\"",
        folder.segment(2).display()
    );
    let verify = || after_mounting(&lines, folder.command().arg(folder.bucket())).run();
    let run = verify();
    not_read(
        &run,
        "logs/payments/000000000002.jsonl.zst",
        "Input/output error",
    );
    assert!(run.stdout.contains("segments 3, from 0 to 3"), "{run}");
    fs::write(folder.segment(1), b"").expect("an empty file");
    faults(&verify(), &["segment-truncated"]);
}

#[test]
fn an_enormous_file_in_place_of_a_segment_is_not_read() {
    let folder = Folder::new();
    let file = File::options()
        .write(true)
        .open(folder.segment(2))
        .expect("a segment");
    file.set_len(1 << 40).expect("a large file");
    let begun = Instant::now();
    faults(&folder.verify(), &["size-limit"]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn links_that_lead_in_a_circle_are_named() {
    let folder = Folder::new();
    symlink("circle", folder.path("circle")).expect("a link");
    no_verdict(
        folder.command().arg(folder.path("circle")),
        "circle: Too many levels",
        "s3://BUCKET",
    );
    let log = folder.bucket().join("logs/payments");
    fs::rename(&log, folder.path("kept")).expect("a moved folder");
    symlink("payments", &log).expect("a link");
    not_read(
        &folder.verify(),
        "listing-unreadable",
        "expected a folder, found a symbolic link: ",
    );
    fs::remove_file(&log).expect("a removed link");
    fs::rename(folder.path("kept"), &log).expect("a moved folder");
    fs::remove_file(folder.segment(2)).expect("a removed file");
    symlink("000000000002.jsonl.zst", folder.segment(2)).expect("a link");
    not_read(
        &folder.verify(),
        "000000000002",
        "expected a file, found a symbolic link",
    );
}

#[test]
fn a_pipe_in_place_of_the_folder_is_not_waited_for() {
    let folder = Folder::new();
    Command::new("mkfifo").arg(folder.path("pipe")).run().ok();
    no_verdict(
        folder.command().arg(folder.path("pipe")),
        "pipe: Not a directory",
        "not a file in it",
    );
}

#[test]
fn names_that_are_not_utf_8_are_verified_and_found() {
    let folder = Folder::new();
    let odd = folder.path("").join(OsStr::from_bytes(b"b\xff"));
    fs::rename(folder.bucket(), &odd).expect("a moved folder");
    let verify = || folder.command().args(["--output", "json"]).arg(&odd).run();
    let json = verify().ok().json();
    assert!(
        json["target"]
            .as_str()
            .is_some_and(|target| target.ends_with("b\u{fffd}"))
    );
    let stranger = odd
        .join("logs/payments")
        .join(OsStr::from_bytes(b"\xff.jsonl.zst"));
    fs::write(stranger, "").expect("a file");
    let run = verify();
    assert_eq!(run.status, 1, "{run}");
    let fault = &run.json()["faults"][0];
    assert_eq!(fault["code"], "object-unaccounted");
    assert_eq!(fault["object"], "logs/payments/\u{fffd}.jsonl.zst");
}
