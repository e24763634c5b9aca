//! The vectors of `tests/vectors`, each judged by `auditlog-verify` and by the second opinion in Python.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::hash::Hash;
use auditlog_chain::policy::{
    Acknowledged, AcknowledgedCode, AfterMissing, BeforeMissing, Compromised, Ended, Found,
    FoundMissing, FoundSegment, FoundSilence, FoundVersion, LastGood, Position, TrustPolicy,
};
use auditlog_tests::{Command, Run, binary, command, python, root};
use serde_json::{Value, json};

use crate::support::log::Log;

/// Codes that no folder can show, and the test that covers each.
const IN_A_BUCKET_ONLY: [(&str, &str, &str); 12] = [
    (
        "stored-in-future",
        "verifier/src/tests/time.rs",
        "nothing_is_dated_in_the_future_by_a_store_whose_clock_is_right",
    ),
    (
        "second-version",
        "tests/tests/e2e/verify/s3.rs",
        "what_the_store_alone_can_show_is_found",
    ),
    (
        "hidden-by-delete-marker",
        "tests/tests/e2e/verify/s3.rs",
        "what_the_store_alone_can_show_is_found",
    ),
    (
        "lock-missing",
        "tests/tests/e2e/verify/s3.rs",
        "locks_that_are_not_as_declared_are_found",
    ),
    (
        "lock-too-short",
        "tests/tests/e2e/verify/s3.rs",
        "locks_that_are_not_as_declared_are_found",
    ),
    (
        "lock-mode",
        "verifier/src/tests/storage.rs",
        "each_version_is_locked_as_declared_when_it_was_made",
    ),
    (
        "object-multipart",
        "tests/tests/e2e/verify/s3.rs",
        "an_upload_in_parts_and_suspended_versioning_are_found",
    ),
    (
        "object-replica",
        "verifier/src/tests/storage.rs",
        "objects_whose_last_modified_says_nothing_are_not_accepted",
    ),
    (
        "bucket-versioning",
        "tests/tests/e2e/verify/s3.rs",
        "an_upload_in_parts_and_suspended_versioning_are_found",
    ),
    (
        "bucket-lock",
        "tests/tests/e2e/verify/s3.rs",
        "locks_that_are_not_as_declared_are_found",
    ),
    (
        "sealed-after-stored",
        "verifier/src/tests/time.rs",
        "a_segment_is_sealed_before_it_is_stored",
    ),
    (
        "stored-order",
        "verifier/src/tests/time.rs",
        "no_segment_is_stored_before_its_predecessor",
    ),
];

/// One vector, and what a verifier must say to it.
struct Vector {
    name: String,
    folder: PathBuf,
    expected: Value,
}

impl Vector {
    fn pins(&self) -> Option<PathBuf> {
        Some(self.folder.join("pins.json")).filter(|path| path.exists())
    }

    fn bucket(&self) -> PathBuf {
        self.folder.join("bucket")
    }

    fn policy(&self) -> PathBuf {
        self.folder.join("policy.json")
    }

    /// How many faults a verifier must find.
    fn faults(&self) -> usize {
        let usual = usize::from(self.expected["exit"] == 1);
        let found = self.expected["faults"].as_u64();
        found.map_or(usual, |found| {
            usize::try_from(found).expect("a small number")
        })
    }

    /// What is wrong with an answer; nothing where it is the expected one.
    fn complaint(&self, status: i64, report: &Value) -> Option<String> {
        let first = &report["faults"][0];
        let wanted = &self.expected;
        let same = wanted["exit"] == status
            && ["code", "object", "line", "index"]
                .into_iter()
                .all(|part| wanted[part] == first[part])
            && self.faults() == report["faults"].as_array().map_or(0, Vec::len)
            && wanted["acknowledged"].as_u64().unwrap_or(0) == acknowledged(report);
        (!same).then(|| format!("{}: expected {wanted}, found {status} {first}", self.name))
    }
}

/// How many findings a report has that the policy acknowledges: auditlog-verify lists them, the second opinion counts them.
fn acknowledged(report: &Value) -> u64 {
    let counted = &report["acknowledged"];
    let listed = counted.as_array().map(|all| all.len() as u64);
    listed.or(counted.as_u64()).unwrap_or(0)
}

fn vectors() -> Vec<Vector> {
    let folder = root().join("tests/vectors");
    let mut all: Vec<_> = fs::read_dir(folder)
        .expect("the vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("vector.json").exists())
        .map(|folder| {
            let text = fs::read(folder.join("vector.json")).expect("vector.json");
            Vector {
                name: folder
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                expected: serde_json::from_slice(&text).expect("JSON"),
                folder,
            }
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(all.len() > 200, "only {} vectors", all.len());
    all
}

fn script(path: &str) -> Command {
    Command::new(python())
        .arg("-B")
        .arg(root().join("tests").join(path))
}

fn verify(vector: &Vector, scratch: &Path) -> Run {
    let mut command = command("auditlog-verify")
        .args(["--output", "json", "--at"])
        .arg(vector.expected["at"].as_str().expect("a time"))
        .arg("--policy")
        .arg(vector.policy());
    if let Some(pins) = vector.pins() {
        // A run keeps the heads it saw, and the vector stays as it is.
        let copy = scratch.join("pins.json");
        fs::copy(pins, &copy).expect("a copy of the pins");
        command = command.arg("--pins").arg(copy);
    }
    command.arg(vector.bucket()).run()
}

#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn each_vector_gets_its_verdict_and_a_report_as_the_schema_says() {
    let scratch = tempfile::tempdir().expect("a folder");
    let mut reports = String::new();
    let mut complaints = Vec::new();
    for vector in vectors() {
        let run = verify(&vector, scratch.path());
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        complaints.extend(vector.complaint(run.status.into(), &report));
        if !report.is_null() {
            reports.push_str(&report.to_string());
            reports.push('\n');
        }
    }
    none(&complaints);
    let run = script("vectors/report_schema.py").input(reports).run();
    assert_eq!(run.status, 0, "{run}");
}

/// And what the program writes, with every field that there is.
#[test]
fn the_schema_of_the_policy_says_what_the_verifiers_say_of_its_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.json");
    fs::write(&path, full_policy()).expect("a file");
    let run = script("vectors/schema.py").arg(&path).run();
    assert_eq!(run.status, 0, "{run}");
}

fn full_policy() -> String {
    let mut log = Log::new(1);
    let time = log.policy.logs[0].began;
    let root = Hash::from_bytes([1; 32]);
    let lock = log.policy.lock.clone();
    let (key, log_policy) = (&mut log.policy.keys[0], &mut log.policy.logs[0]);
    let origin = log_policy.origin.clone();
    log_policy.lock = Some(lock);
    log_policy.ended = Some(Ended {
        segment: 3,
        size: 9,
        root,
        sealed: time,
        stored: Some(time),
        successor: Some(origin.clone()),
    });
    (key.arn, key.retired_at, key.lost_at) = (Some("arn".to_owned()), Some(time), Some(time));
    let (segment, size) = (1, 5);
    key.compromised = Some(Compromised {
        at: time,
        last_good: vec![LastGood {
            origin: origin.clone(),
            segment,
            size,
            root,
        }],
    });
    let until = time.saturating_add_seconds(1);
    let stored = Some(time);
    let pin = Position {
        segment,
        size,
        root,
    };
    let (sealed, retain_until) = (time, Some(time));
    let (object, version_id) = ("x".to_owned(), "1".to_owned());
    for (code, found) in [
        (
            AcknowledgedCode::SilenceExceeded,
            Found::Silence(FoundSilence { from: time, until }),
        ),
        (
            AcknowledgedCode::SegmentMissing,
            Found::Missing(FoundMissing {
                first: 1,
                last: 2,
                before: Some(BeforeMissing { size, root, stored }),
                after: Some(AfterMissing { size, root }),
                pin: Some(pin),
            }),
        ),
        (
            AcknowledgedCode::LockTooShort,
            Found::Version(FoundVersion {
                object,
                version_id,
                retain_until,
            }),
        ),
        (
            AcknowledgedCode::StoredOrder,
            Found::Segment(FoundSegment {
                number: 7,
                sealed,
                stored: time,
            }),
        ),
    ] {
        log.policy.acknowledged.push(Acknowledged {
            code,
            log: Some(origin.clone()),
            reason: "outage".to_owned(),
            date: time,
            found,
        });
    }
    TrustPolicy::check(log.policy).expect("a policy").format()
}

#[test]
fn the_second_opinion_gives_each_vector_the_same_verdict() {
    let vectors = vectors();
    let mut asked = String::new();
    for vector in &vectors {
        let at = &vector.expected["at"];
        let one = json!({ "policy": vector.policy(), "folder": vector.bucket(), "at": at, "pins": vector.pins() });
        asked.push_str(&one.to_string());
        asked.push('\n');
    }
    let answers = script("second-opinion/verify.py")
        .arg("--each")
        .input(asked)
        .run()
        .ok()
        .json_lines();
    assert_eq!(answers.len(), vectors.len());
    let judge = |(vector, report): (&Vector, &Value)| {
        vector.complaint(report["exit"].as_i64().expect("a status"), report)
    };
    none(
        &vectors
            .iter()
            .zip(&answers)
            .filter_map(judge)
            .collect::<Vec<_>>(),
    );
}

/// The guides leave no room for the misreadings that are listed in `tests/second-opinion/misreadings`.
#[test]
fn each_misreading_of_a_rule_fails_at_a_vector() {
    let run = script("second-opinion/misread.py").run().ok();
    let (all, _) = run
        .stdout
        .split_once(" misreadings, 0 unnoticed")
        .expect("a count");
    let all: usize = all.trim().parse().expect("a number");
    assert!(all >= 447, "a misreading is gone: {run}");
}

#[test]
fn each_fault_has_a_vector_or_a_test_that_shows_it() {
    let shown: BTreeSet<String> = vectors()
        .iter()
        .filter_map(|vector| Some(vector.expected["code"].as_str()?.to_owned()))
        .collect();
    // A test of the verifier holds this guide against the codes in the source, in both directions.
    let guide = fs::read_to_string(root().join("docs/guides/faults.md")).expect("the guide");
    let faults = guide
        .split("\n## ")
        .find(|part| part.starts_with("Faults\n"));
    let codes: BTreeSet<&str> = faults
        .expect("the faults")
        .lines()
        .filter_map(|line| line.strip_prefix("| [`")?.split('`').next())
        .collect();
    assert!(codes.len() > 40, "{codes:?}");
    for (code, path, test) in IN_A_BUCKET_ONLY {
        let source = fs::read_to_string(root().join(path)).expect("a source file");
        let body = source.split_once(&format!("fn {test}()"));
        let body = body.and_then(|(_, rest)| rest.split("\n}\n").next());
        assert!(
            body.is_some_and(|body| body.contains(code)),
            "{path}: {test} does not show {code}"
        );
        assert!(
            !shown.contains(code),
            "{code} has a vector and need not be listed"
        );
    }
    let shown = shown.iter().map(String::as_str);
    let covered: BTreeSet<&str> = shown
        .chain(IN_A_BUCKET_ONLY.iter().map(|(code, _, _)| *code))
        .collect();
    assert_eq!(codes, covered, "left: the faults, right: what shows them");
}

#[test]
fn the_generator_makes_the_vectors_as_they_are() {
    let run = script("vectors/generate.py").arg("--check").run();
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
}

#[test]
fn the_second_opinion_verifies_what_the_builder_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (policy, bucket) = (folder.path().join("policy.json"), folder.path().join("b"));
    let log = Log::new(4);
    log.write(&bucket);
    log.write_policy(&policy);
    let opinion = |bucket: &Path| {
        let verify = script("second-opinion/verify.py")
            .arg("--policy")
            .arg(&policy);
        verify.arg(bucket).run()
    };
    assert_eq!(opinion(&bucket).ok().json()["verdict"], "verified");
    let last = bucket.join(&log.segments[3].0);
    let mut bytes = fs::read(&last).expect("a segment");
    bytes[40] ^= 1;
    fs::write(&last, bytes).expect("a changed segment");
    assert_eq!(opinion(&bucket).status, 1);
}

/// `AUDITLOG_MANGLE_CASES` and `AUDITLOG_MANGLE_SEED` ask for more than the sample that every run takes.
#[test]
fn both_verifiers_agree_on_mangled_logs() {
    let asked = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let run = script("second-opinion/mangle.py")
        .arg("--verifier")
        .arg(binary("auditlog-verify"))
        .arg("--keep")
        .arg(root().join("target/mangled"))
        .args(["--cases", &asked("AUDITLOG_MANGLE_CASES", "260")])
        .args(["--seed", &asked("AUDITLOG_MANGLE_SEED", "1")])
        .run();
    assert_eq!(run.status, 0, "{run}");
    println!("{}", run.stdout);
}
