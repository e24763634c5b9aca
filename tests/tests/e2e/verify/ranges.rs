//! `auditlog-verify plan`, `part` and `merge`: the same verdict from many tasks, and none from parts that do not belong together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use auditlog_tests::{Command, Run, command};
use serde_json::Value;
use serde_json::value::RawValue;

use super::folder::{Folder, no_verdict};

/// A plan of a folder with a log, in 3 ranges.
struct Planned {
    folder: Folder,
}

impl Planned {
    fn new() -> Self {
        Self::of(Folder::new())
    }

    fn of(folder: Folder) -> Self {
        let planned = Self { folder };
        planned.plan("plan", 3);
        planned
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    fn plan(&self, name: &str, ranges: u64) {
        let run = self.plan_command(name, ranges).run();
        assert_eq!(run.status, 0, "{}", run.stderr);
    }

    fn plan_command(&self, name: &str, ranges: u64) -> Command {
        command("auditlog-verify")
            .arg("plan")
            .arg("--policy")
            .arg(self.path("policy.json"))
            .args(["--ranges", &ranges.to_string()])
            .arg("--pins")
            .arg(self.path("pins.json"))
            .arg("--out")
            .arg(self.path(name))
            .arg(self.folder.bucket())
    }

    fn part(&self, range: &str, out: &str) {
        let run = self.part_command(out).args(["--range", range]).run();
        assert_eq!(run.status, 0, "{}", run.stderr);
    }

    fn part_command(&self, out: &str) -> Command {
        let (plan, out) = (self.path("plan"), self.path(out));
        let part = command("auditlog-verify").arg("part");
        part.arg("--plan").arg(plan).arg("--out").arg(out)
    }

    fn all_parts(&self) {
        for range in ["2", "0", "1"] {
            self.part(range, "parts");
        }
    }

    fn merge(&self, plan: &str, folders: &[&str]) -> Run {
        let merge = command("auditlog-verify").arg("merge").arg("--plan");
        let merge = merge.arg(self.path(plan)).args(["--output", "json"]);
        let merge = merge.arg("--pins").arg(self.path("pins.json"));
        folders
            .iter()
            .fold(merge, |merge, name| merge.arg(self.path(name)))
            .run()
    }

    #[track_caller]
    fn refused(&self, folders: &[&str], why: &str) {
        let run = self.merge("plan", folders);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    }
}

/// What is found, whatever ran.
fn found(run: &Run) -> Value {
    let mut report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    for of_the_run in ["run", "not_checked", "target", "at", "notes"] {
        report
            .as_object_mut()
            .expect("an object")
            .remove(of_the_run);
    }
    report
}

/// What must be the same bytes however the verifier was run.
fn written(run: &Run) -> Vec<(String, String)> {
    let fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&run.stdout).expect(&run.stderr);
    ["logs", "faults", "undecided", "notes", "acknowledged"]
        .map(|name| (name.to_owned(), fields[name].get().to_owned()))
        .to_vec()
}

#[test]
fn a_merge_writes_the_findings_of_one_machine_byte_for_byte() {
    let folder = Folder::new();
    fs::remove_file(folder.segment(2)).expect("a segment");
    let at = ["--at", "2026-11-24T00:00:00Z"];
    let planned = Planned { folder };
    planned.plan_command("plan", 3).args(at).run().ok();
    planned.all_parts();
    let merged = planned.merge("plan", &["parts"]);
    // The entry to paste is dated, and not by the clock of each run.
    thread::sleep(Duration::from_secs(2));
    let whole = planned.folder.command().args(["--output", "json"]).args(at);
    let pins = planned.path("pins.json");
    let whole = whole.arg("--pins").arg(pins).arg(planned.folder.bucket());
    let whole = whole.run();
    assert_eq!((merged.status, whole.status), (1, 1), "{merged}{whole}");
    assert!(merged.stdout.contains("\"acknowledge\""), "{merged}");
    assert_eq!(written(&merged), written(&whole));
}

fn name_of(range: u64) -> String {
    format!("parts/part-{range:06}.json")
}

fn rewrite(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a part");
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).expect("the folder can be written");
}

#[test]
fn tasks_in_any_order_give_the_verdict_of_one_machine_and_pin_the_same_head() {
    let planned = Planned::new();
    planned.all_parts();
    let merged = planned.merge("plan", &["parts"]);
    assert_eq!(merged.status, 0, "{}", merged.stderr);
    let report: Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!(report["run"]["how"], "merged");
    assert_eq!(report["run"]["ranges"], 3);
    let not_checked = report["not_checked"].as_array().expect("an array");
    assert!(not_checked.iter().any(|one| one["code"] == "parts"));
    let pins = fs::read(planned.path("pins.json")).expect("pins");
    let whole = planned
        .folder
        .command()
        .args(["--output", "json"])
        .arg(planned.folder.bucket())
        .run();
    assert_eq!(found(&merged), found(&whole));
    planned.folder.pinned();
    assert_eq!(fs::read(planned.path("pins.json")).expect("pins"), pins);
    // An engine may run the last step twice.
    let again = planned.merge("plan", &["parts"]).ok();
    assert_eq!(found(&again), found(&merged));
    assert_eq!(fs::read(planned.path("pins.json")).expect("pins"), pins);
    rewrite(
        &planned.path("pins.json"),
        "\"segment\": 3",
        "\"segment\": 4",
    );
    planned.refused(
        &["parts"],
        "the plan was made without the present pin of log",
    );
}

#[test]
fn a_task_that_finds_a_fault_succeeds_and_the_merge_reports_it_once() {
    let folder = Folder::new();
    let path = folder.segment(2);
    let mut bytes = fs::read(&path).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("the folder can be written");
    let planned = Planned::of(folder);
    planned.all_parts();
    // An engine may run a task twice, and leave both results.
    planned.part("1", "again");
    let merged = planned.merge("plan", &["parts", "again"]);
    assert_eq!(merged.status, 1, "{}", merged.stderr);
    let whole = planned
        .folder
        .command()
        .args(["--output", "json"])
        .arg(planned.folder.bucket())
        .run();
    assert_eq!(found(&merged), found(&whole));
}

#[test]
fn parts_that_are_missing_differ_or_are_foreign_give_no_verdict() {
    let planned = Planned::new();
    planned.part("0", "parts");
    planned.part("2", "parts");
    planned.refused(&["parts"], "range 1 has no partial result");
    planned.part("1", "parts");
    fs::create_dir(planned.path("other")).expect("a folder");
    let other = planned.path("other/part-000001.json");
    fs::copy(planned.path(&name_of(1)), &other).expect("a copy");
    rewrite(&other, "\"entries\":", "\"entries\":1");
    planned.refused(
        &["parts", "other"],
        "are partial results of one range, and differ",
    );
    fs::remove_file(&other).expect("it is there");
    planned.plan("later", 2);
    let foreign = planned.merge("later", &["parts"]);
    assert_eq!(foreign.status, 2);
    assert!(
        foreign.stderr.contains("is of another plan"),
        "{}",
        foreign.stderr
    );
    let pipe = planned.path("parts/pipe.json");
    Command::new("mkfifo").arg(&pipe).run().ok();
    planned.refused(&["parts"], "it is a device, pipe or socket");
    fs::remove_file(&pipe).expect("it is there");
    rewrite(&planned.path(&name_of(0)), "\"range\":0", "\"range\": 0");
    planned.refused(&["parts"], "it is not in its one form");
}

#[test]
fn a_part_whose_last_checkpoint_is_not_signed_is_refused() {
    let planned = Planned::new();
    planned.all_parts();
    for range in 0..3 {
        let path = planned.path(&name_of(range));
        let text = fs::read_to_string(&path).expect("a part");
        let Some((before, signature)) = text.rsplit_once("\u{2014} ") else {
            continue;
        };
        let (name, blob) = signature.split_once(' ').expect("a signature");
        // Another character in the middle of the signature: still base64.
        let other = if &blob[60..61] == "A" { "B" } else { "A" };
        let forged = format!(
            "{before}\u{2014} {name} {}{other}{}",
            &blob[..60],
            &blob[61..]
        );
        fs::write(&path, &forged).expect("the folder can be written");
        let run = planned.merge("plan", &["parts"]);
        assert_ne!(run.status, 0, "{}", run.stdout);
        fs::write(&path, &text).expect("the folder can be written");
    }
    assert_eq!(planned.merge("plan", &["parts"]).status, 0);
}

#[test]
fn the_number_of_the_range_comes_from_the_engine() {
    for name in [
        "JOB_COMPLETION_INDEX",
        "AWS_BATCH_JOB_ARRAY_INDEX",
        "SLURM_ARRAY_TASK_ID",
    ] {
        let planned = Planned::new();
        let run = planned.part_command("parts").env(name, "2").run();
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(planned.path(&name_of(2)).exists());
        let run = planned.part_command("parts").env(name, "3").run();
        assert_eq!(run.status, 2);
        assert!(
            run.stderr.contains("the plan has ranges 0 to 2, not 3"),
            "{}",
            run.stderr
        );
    }
    let planned = Planned::new();
    let both = |second: &str| {
        let part = planned.part_command("parts");
        let part = part.env("JOB_COMPLETION_INDEX", "1");
        part.env("SLURM_ARRAY_TASK_ID", second).run()
    };
    let run = both("2");
    assert_eq!(run.status, 2);
    let expected =
        "JOB_COMPLETION_INDEX is 1, and SLURM_ARRAY_TASK_ID is 2\nhint: give --range NUMBER";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert_eq!(both("1").status, 0);
    let run = planned.part_command("parts").run();
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("hint: give --range NUMBER"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_plan_is_not_written_over_and_needs_its_own_policy() {
    let planned = Planned::new();
    let again = planned.plan_command("plan", 3).run();
    assert_eq!(again.status, 2);
    assert!(
        again.stderr.contains("holds a plan already"),
        "{}",
        again.stderr
    );
    let mine = planned.path("mine");
    fs::create_dir(&mine).expect("a folder");
    fs::write(mine.join("policy.json"), "mine").expect("a file");
    no_verdict(
        planned.plan_command("mine", 3),
        "/mine holds policy.json already",
        "another folder",
    );
    planned.all_parts();
    let policy = planned.path("plan/policy.json");
    rewrite(&policy, "\n", "\n\n");
    planned.refused(&["parts"], "the plan was made with");
}
