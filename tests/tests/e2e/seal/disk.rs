//! `auditlog-seal` on disks that are full or cannot be written: what was accepted is there when there is room again.

use std::fs;
use std::path::PathBuf;

use auditlog_tests::{Command, Disk, binary, on_disks};

use crate::seal::bench::{Bench, each_once, numbered};

/// More than the smallest disks here can hold, in several segments.
const EVENTS: u32 = 300;

struct Disks {
    bench: Bench,
}

impl Disks {
    fn new() -> Self {
        let bench = Bench::new();
        for folder in ["spool", "audit"] {
            fs::create_dir(bench.path(folder)).unwrap();
        }
        fs::write(bench.path("events.jsonl"), numbered(EVENTS).join("\n")).unwrap();
        Self { bench }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.path(name)
    }

    /// The command on these disks. The segments are small, so that each of its steps meets the end of some disk.
    fn append(&self, disks: &[Disk]) -> Command {
        let run = on_disks(disks, binary("auditlog-seal"));
        let run = run.args(["append", "--key-file"]).arg(self.path("key.pem"));
        let run = run.arg("--policy").arg(self.path("policy.json"));
        let run = run.arg("--to").arg(self.path("audit"));
        let run = run.arg("--spool").arg(self.path("spool"));
        run.args(["--max-segment-events", "70"])
            .arg(self.path("events.jsonl"))
    }

    /// Half a file takes room from the next run, and in the folder it is a fault.
    #[track_caller]
    fn holds_nothing_half(&self) {
        for folder in ["spool", "audit/payments"] {
            let Ok(entries) = fs::read_dir(self.path(folder)) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                let half = ["new", "unfinished"].map(|ending| Some(ending.as_ref()));
                assert!(
                    !half.contains(&path.extension()),
                    "{} is left",
                    path.display()
                );
            }
        }
    }

    /// Runs on small disks, which may fail for want of room only, and then with room. Says how the first run ended.
    fn fills(&self, folders: &[&str], kib: usize) -> i32 {
        let small = |name: &&str| Disk::small(self.path(name), kib);
        let disks: Vec<Disk> = folders.iter().map(small).collect();
        let full = self.append(&disks).run();
        if full.status != 0 {
            assert_eq!(full.status, 1, "{full}");
            assert!(
                full.stderr
                    .contains(": No space left on device (os error 28)\n"),
                "{full}"
            );
            let hint = "hint: make sure that the disk has room and can be written; what was accepted before is in the spool, and the next append seals it\n";
            assert!(full.stderr.ends_with(hint), "{full}");
            self.holds_nothing_half();
            self.append(&[]).run().ok();
        }
        each_once(&self.bench.verified(), EVENTS);
        full.status
    }
}

/// Each size of a disk from one page to more than is needed, so that it is full at every step there is.
fn each_size(folders: &[&str], sizes: impl Iterator<Item = usize>) {
    let mut ends = Vec::new();
    for kib in sizes {
        ends.push(Disks::new().fills(folders, kib));
    }
    assert_eq!(ends.first(), Some(&1), "the smallest disk was full");
    assert_eq!(ends.last(), Some(&0), "the largest had room");
}

#[test]
fn a_full_disk_under_the_spool_loses_and_doubles_nothing() {
    each_size(&["spool"], (4..=100).step_by(4));
}

#[test]
fn a_full_disk_under_the_log_loses_and_doubles_nothing() {
    each_size(&["audit"], (4..=68).step_by(8));
}

#[test]
fn full_disks_under_spool_and_log_lose_and_double_nothing() {
    each_size(&["spool", "audit"], (8..=104).step_by(16));
}

#[test]
fn events_are_sealed_after_a_full_disk_grows() {
    let disks = Disks::new();
    let mut ends = Vec::new();
    // Each disk begins with what the one before it held.
    for kib in (12..=120).step_by(12) {
        let run = disks.append(&[Disk::small(disks.path("spool"), kib)]).run();
        assert!(
            run.status == 0 || run.stderr.contains("No space left on device"),
            "{run}"
        );
        ends.push(run.status);
        if run.status == 0 {
            break;
        }
    }
    assert!(ends.len() > 2, "{ends:?}");
    assert_eq!(ends.last(), Some(&0), "{ends:?}");
    each_once(&disks.bench.verified(), EVENTS);
}

#[test]
fn a_disk_that_cannot_be_written_is_named_and_nothing_is_accepted() {
    let disks = Disks::new();
    disks.bench.append().input("1\n").run().ok();
    for (folder, file, operation) in [
        ("spool", "spool/lock", "the spool cannot be written"),
        (
            "audit",
            "audit/payments/000000000002.jsonl.zst",
            "the segment cannot be written",
        ),
    ] {
        let run = disks.append(&[Disk::read_only(disks.path(folder))]).run();
        assert_eq!(run.status, 1, "{run}");
        assert_eq!(
            run.stderr,
            format!(
                "error: {}: {operation}: Read-only file system (os error 30)\n\
                 hint: make sure that the disk has room and can be written; what was accepted before is in the spool, and the next append seals it\n",
                disks.path(file).display()
            )
        );
    }
    // What the second run has accepted is in the spool.
    let run = disks.append(&[]).run().ok();
    assert!(
        run.stdout.contains(&format!("skipped {EVENTS} events of ")),
        "{run}"
    );
    let sealed = disks.bench.verified();
    assert_eq!(sealed[0], "1");
    each_once(&sealed[1..], EVENTS);
}

#[test]
fn a_disk_that_is_still_full_has_a_summary_of_what_waits() {
    let disks = Disks::new();
    disks.bench.append().input("").run().ok();
    // Segments wait that the disk has no room for.
    let full = || disks.append(&[Disk::read_only(disks.path("audit"))]).run();
    let first = full();
    let kept = format!(
        "\nkept {EVENTS} events in the spool: accepted and not sealed, the next append seals them\n"
    );
    assert!(first.stdout.ends_with(&kept), "{first}");
    let second = full();
    assert_eq!(second.status, 1, "{second}");
    assert!(second.stdout.starts_with("sealed 0 events of "), "{second}");
    assert!(second.stdout.ends_with(&kept), "{second}");
    disks.append(&[]).run().ok();
    each_once(&disks.bench.verified(), EVENTS);
}
