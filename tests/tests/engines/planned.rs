//! A log of 1,000 segments in a folder, and a plan of it.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_tests::{Command, Run, command};
use serde_json::Value;

use crate::support::log::Log;

const SEGMENTS: usize = 1_000;

pub(crate) struct Planned {
    folder: tempfile::TempDir,
}

impl Planned {
    /// A log that is as it should be.
    pub(crate) fn good() -> Self {
        Self::of(&Log::new(SEGMENTS))
    }

    /// A log with one changed bit, and one segment that is absent.
    pub(crate) fn bad() -> Self {
        let mut log = Log::new(SEGMENTS);
        let bytes = &mut log.segments[700].1;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        log.segments.remove(300);
        Self::of(&log)
    }

    fn of(log: &Log) -> Self {
        let planned = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        log.write(&planned.path("bucket"));
        fs::create_dir(planned.path("policy")).expect("a folder");
        log.write_policy(&planned.path("policy/trust-policy.json"));
        planned
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn plan(&self, name: &str, ranges: u64) {
        self.verifier(&["plan"])
            .args(["--ranges", &ranges.to_string(), "--out"])
            .arg(self.path(name))
            .arg(self.path("bucket"))
            .run()
            .ok();
    }

    pub(crate) fn merge(&self, plan: &str, parts: &str) -> Run {
        let merge = self.verifier(&["merge", "--output", "json"]);
        let merge = merge.arg("--plan").arg(self.path(plan));
        merge.arg(self.path(parts)).run()
    }

    /// The partial results give the report of one machine.
    #[track_caller]
    pub(crate) fn assert_merges_to_the_report_of_one_machine(&self, parts: &str, status: i32) {
        let merged = self.merge("plan", parts);
        let whole = self.verifier(&["--output", "json"]);
        let whole = whole.arg(self.path("bucket")).run();
        assert_eq!((merged.status, whole.status), (status, status), "{merged}");
        assert_eq!(found(&merged), found(&whole));
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, plan: &str, parts: &str, why: &str) {
        let run = self.merge(plan, parts);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
        assert!(run.stderr.contains(why), "{run}");
    }

    fn verifier(&self, first: &[&str]) -> Command {
        let run = command("auditlog-verify").args(first).arg("--policy");
        run.arg(self.path("policy/trust-policy.json"))
    }
}

/// What was found, whatever ran and when.
fn found(run: &Run) -> Value {
    let mut report = run.json();
    for of_the_run in ["run", "not_checked", "target", "at"] {
        let object = report.as_object_mut().expect("an object");
        object.remove(of_the_run);
    }
    // The entry to paste has the time of the run.
    for fault in report["faults"].as_array_mut().expect("an array") {
        if let Some(entry) = fault.get_mut("acknowledge") {
            entry["date"] = Value::Null;
        }
    }
    report
}
