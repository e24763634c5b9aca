//! Proofs, evidence and exports of the command, checked by other code than its own.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog_chain::builder::StoredPayload;
use auditlog_tests::{Command, Engine, Run, command, python, readers, root};
use serde_json::Value;

use crate::support::log::{Log, ORIGIN, now};
use crate::verify::folder::{Folder, no_verdict};
use crate::verify::s3::World;

/// A vector, and a folder for what is written.
pub(super) struct Case {
    vector: PathBuf,
    out: tempfile::TempDir,
}

impl Case {
    pub(super) fn of(vector: &str) -> Self {
        Self {
            vector: root().join("tests/vectors").join(vector),
            out: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    fn policy(&self) -> PathBuf {
        self.vector.join("policy.json")
    }

    /// A subcommand with the policy, its arguments, and the log's folder.
    pub(super) fn run(&self, subcommand: &str, arguments: &[&str]) -> Run {
        let command = command("auditlog-verify")
            .arg(subcommand)
            .arg("--policy")
            .arg(self.policy());
        let command = command.current_dir(self.out.path()).args(arguments);
        command.arg(self.vector.join("bucket/")).run()
    }

    pub(super) fn check(&self, name: &str) -> Run {
        check(&self.policy(), &self.path(name))
    }

    /// The files of `pack.zip`, in a folder of this name.
    pub(super) fn unpack(&self, to: &str) -> PathBuf {
        let unzip = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
        let command = Command::new(python()).args(["-c", unzip]);
        command
            .arg(self.path("pack.zip"))
            .arg(self.path(to))
            .run()
            .ok();
        self.path(to)
    }

    fn verifier_key(&self) -> String {
        let policy: Value =
            serde_json::from_slice(&fs::read(self.policy()).expect("a policy")).expect("JSON");
        policy["logs"][0]["verifier_keys"][0]
            .as_str()
            .expect("a key")
            .to_owned()
    }

    /// What the second implementation says.
    fn second_opinion(&self, what: &str, files: &[&str]) -> Run {
        let script = root().join("tests/second-opinion/proofs.py");
        let command = Command::new(python())
            .arg(script)
            .arg(what)
            .arg(self.verifier_key());
        command.args(files.iter().map(|file| self.path(file))).run()
    }
}

fn check(policy: &Path, file: &Path) -> Run {
    check_command(policy, file).run()
}

fn check_command(policy: &Path, file: &Path) -> Command {
    command("auditlog-verify")
        .args(["check", "--policy"])
        .arg(policy)
        .arg(file)
}

pub(super) fn change_first_byte_of(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{from} in {text}");
    fs::write(path, text.replacen(from, to, 1)).expect("a file");
}

fn refused(run: &Run) {
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stdout.starts_with("not proved: "), "{run}");
}

#[test]
fn entries_under_each_kind_of_key_are_proved_and_c2sp_tools_agree() {
    let ours = [
        "ecc-nist-p384",
        "rsa-2048",
        "rsa-3072",
        "rsa-4096",
        "ml-dsa-65",
        "ml-dsa-87",
    ];
    for kind in ["ecc-nist-edwards25519", "ecc-nist-p256", "ml-dsa-44"]
        .iter()
        .chain(&ours)
    {
        let case = Case::of(&format!("good--key-{kind}"));
        let run = case.run("prove", &["--index", "4"]).ok();
        assert!(
            run.stdout
                .contains("limit:   does not show that the entry was stored, or when"),
            "{run}"
        );
        case.run("consistency", &["--first", "0"]).ok();
        let checked = case.check("payments-4.tlog-proof").ok();
        assert!(run.stdout.starts_with(&checked.stdout), "{run}");
        case.check("payments-0-1.consistency.json").ok();
        let is_own = ours.contains(kind);
        assert_eq!(
            checked.stdout.contains("form:    our own"),
            is_own,
            "{checked}"
        );
        let expected = i32::from(is_own);
        let proof = ["payments-4.tlog-proof", "payments-4.json"];
        assert_eq!(
            case.second_opinion("proof", &proof).status,
            expected,
            "{kind}"
        );
        let consistency = case.second_opinion("consistency", &["payments-0-1.consistency.json"]);
        assert_eq!(consistency.status, expected, "{consistency}");
        change_first_byte_of(&case.path("payments-4.json"), "ada", "eve");
        refused(&case.check("payments-4.tlog-proof"));
        assert_eq!(case.second_opinion("proof", &proof).status, 1, "{kind}");
    }
}

/// The package proofbundle knows tlog-proofs of Ed25519 logs, and has proofs of RFC 6962 of its own.
#[test]
fn a_third_party_accepts_the_proofs_of_every_entry_and_of_every_two_heads() {
    let case = Case::of("good--several-segments");
    for index in [4, 5, 8, 9, 12, 13, 16, 17] {
        case.run("prove", &["--index", &index.to_string()]).ok();
        let entry = case.path(&format!("payments-{index}.json"));
        let run = Command::new(readers().with_file_name("proofbundle"))
            .arg("verify-proof")
            .arg(case.path(&format!("payments-{index}.tlog-proof")))
            .arg("--payload-file")
            .arg(&entry)
            .args([
                "--expected-origin",
                ORIGIN,
                "--log-vkey",
                &case.verifier_key(),
            ])
            .run()
            .ok();
        assert!(run.stdout.ends_with("=> OK\n"), "{run}");
    }
    for second in 1..5 {
        for first in 0..second {
            let (first, second) = (first.to_string(), second.to_string());
            case.run("consistency", &["--first", &first, "--second", &second])
                .ok();
        }
    }
    let run = Command::new(readers())
        .arg("-c")
        .arg(THEIR_CONSISTENCY)
        .arg(case.out.path())
        .run()
        .ok();
    assert_eq!(run.stdout, "10\n");
}

const THEIR_CONSISTENCY: &str = r"
import json, pathlib, sys
from proofbundle.merkle import verify_consistency
count = 0
for path in pathlib.Path(sys.argv[1]).glob('*.consistency.json'):
    case = json.loads(path.read_text())['case']
    proof = [bytes.fromhex(one) for one in case['proof']]
    roots = bytes.fromhex(case['root1']), bytes.fromhex(case['root2'])
    assert verify_consistency(case['size1'], case['size2'], proof, *roots), path
    assert not verify_consistency(case['size1'], case['size2'], proof, roots[1], roots[0]), path
    count += 1
print(count)
";

#[test]
fn an_entry_is_chosen_by_time_or_by_value_and_nothing_is_overwritten() {
    let case = Case::of("good--several-segments");
    let run = case.run("prove", &["--time", "2024-01-01T02:00:02Z"]).ok();
    assert!(run.stdout.starts_with("proved:  entry 9 of "), "{run}");
    let run = case.run("prove", &["--where", "/user=ada"]);
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stderr
            .contains("name one with --index; the first are 4, 8, 12, 16"),
        "{run}"
    );
    let run = case.run("prove", &["--where", "/user=nobody"]);
    assert!(
        run.status == 2 && run.stderr.contains("no entry that is there has this value"),
        "{run}"
    );
    let run = case.run("prove", &["--index", "19"]);
    assert!(
        run.status == 2
            && run
                .stderr
                .contains("no segment that is there has an entry with index 19"),
        "{run}"
    );
    let proof = case.path("payments-9.tlog-proof");
    case.run("prove", &["--index", "9"]).ok();
    fs::write(&proof, "mine").expect("a file");
    let run = case.run("prove", &["--index", "9"]);
    assert!(
        run.status == 2 && run.stderr.contains("File exists"),
        "{run}"
    );
    assert_eq!(fs::read_to_string(&proof).expect("a file"), "mine");
    let run = case.check("payments-9.tlog-proof");
    refused(&run);
    assert!(
        run.stdout
            .contains("the file is not a proof or an evidence pack"),
        "{run}"
    );
    // A file that is there, and a pipe, are not what was asked for.
    let evidence = ["--index", "9", "--out", "payments-9.tlog-proof"];
    let run = case.run("evidence", &evidence);
    assert!(run.stderr.contains("name another file"), "{run}");
    Command::new("mkfifo").arg(case.path("pipe")).run().ok();
    no_verdict(
        check_command(&case.policy(), &case.path("pipe")),
        "it is a device, pipe or socket",
        "name a file",
    );
    // Standard input is a pipe, and open already.
    case.run("prove", &["--index", "8"]).ok();
    let proof = fs::read_to_string(case.path("payments-8.tlog-proof")).expect("a proof");
    let from_input = check_command(&case.policy(), Path::new("/dev/stdin"));
    let from_input = from_input.arg(case.path("payments-8.json"));
    from_input.input(proof).run().ok();
}

/// What comes behind a case must not be passed over, however far behind it is.
#[test]
fn a_case_is_one_document_of_at_most_a_megabyte() {
    let root = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let good = format!(r#"{{"index":0,"size":1,"root":"{root}","leaf":"{root}","proof":[]}}"#);
    let check = |input: String| {
        let command = command("auditlog-verify").args(["check", "inclusion"]);
        command.input(input).run()
    };
    assert_eq!(check(good.clone()).ok().stdout, "the proof holds\n");
    let wrong = good.replacen(root, &root.replace('6', "7"), 1);
    assert_eq!(check(wrong).status, 1);
    let padding = " ".repeat((1 << 20) - good.len());
    check(format!("{good}{padding}")).ok();
    for behind in ["{}", " "] {
        let run = check(format!("{good}{padding}{behind}"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
        assert!(run.stderr.contains("more than 1048576 bytes"), "{run}");
    }
}

#[test]
fn a_fault_in_what_is_read_is_a_fault_and_nothing_is_written() {
    let folder = Folder::new();
    let path = folder.segment(2);
    let mut bytes = fs::read(&path).expect("a segment");
    bytes[70] ^= 1;
    fs::write(&path, bytes).expect("a segment");
    let run = |arguments: &[&str]| {
        let command = command("auditlog-verify").args(arguments).arg("--policy");
        command
            .arg(folder.path("policy.json"))
            .arg(folder.bucket())
            .run()
    };
    let out = folder.path("out");
    fs::create_dir(&out).expect("a folder");
    let into = out.to_str().expect("a path");
    let tiles = folder.path("tiles");
    let pack = folder.path("pack.zip");
    let pack = pack.to_str().expect("a path");
    for arguments in [
        &["prove", "--index", "8", "--out", into][..],
        &["consistency", "--first", "1", "--out", into],
        &["export", "--out", tiles.to_str().expect("a path")],
        &["show", "--segment", "2"],
        &["find"],
        // Nothing to pack or prove is there, which the fault may be the reason for.
        &["evidence", "--where", "/user=nobody", "--out", pack],
        &["prove", "--where", "/user=nobody", "--out", into],
    ] {
        let run = run(arguments);
        assert_eq!(run.status, 1, "{arguments:?}: {run}");
        assert!(run.stdout.contains("fault "), "{run}");
    }
    assert_eq!(fs::read_dir(&out).expect("a folder").count(), 0);
    assert!(!tiles.exists() && !folder.path("tiles.unfinished").exists());
    run(&["prove", "--index", "4", "--out", into]).ok();
}

/// V10: who has the key of a log that was declared ended can still write to it.
#[test]
fn what_is_after_the_declared_end_is_disowned_by_each_subcommand() {
    for (vector, end, disowned) in [
        ("good--disowned-after-end", 2, 1),
        ("good--garbage-after-the-end", 3, 2),
    ] {
        let case = Case::of(vector);
        let found = case.run("find", &["--output", "json"]).ok().json();
        assert_eq!(
            found["segments_read"],
            serde_json::json!([0, end]),
            "{found}"
        );
        assert_eq!(found["disowned"], disowned, "{found}");
        let text = case.run("find", &[]).ok();
        let words = format!("after the declared end of the log, segment {end}, ");
        assert!(text.stdout.contains(&words), "{text}");
        let after = (end + 1).to_string();
        let shown = case.run("show", &["--segment", &after]);
        assert_eq!(shown.status, 2, "{shown}");
        let why =
            format!("segment {after} is after the declared end of the log, which is segment {end}");
        assert!(shown.stderr.contains(&why), "{shown}");
        let exported = case.run("export", &["--out", "tiles"]).ok();
        assert!(
            exported.stdout.contains(&format!(" up to segment {end}, ")),
            "{exported}"
        );
        assert!(
            exported
                .stdout
                .contains(&format!("note:     {disowned} version")),
            "{exported}"
        );
        let proved = case.run("consistency", &["--first", "1"]).ok();
        assert!(
            proved
                .stdout
                .contains(&format!("-1-{end}.consistency.json")),
            "{proved}"
        );
        let from = ["--from", "2000-01-01T00:00:00Z", "--out", "pack.zip"];
        case.run("evidence", &from).ok();
        case.check("pack.zip").ok();
    }
}

/// What is absent was not searched, so the entry that was chosen may not be the one that was meant.
#[test]
fn a_search_and_a_proof_name_the_absent_segments_that_may_have_had_an_entry() {
    let folder = Folder::new();
    for number in [1, 2] {
        fs::remove_file(folder.segment(number)).expect("a segment");
    }
    let run = |arguments: &[&str]| {
        let command = command("auditlog-verify").args(arguments).arg("--policy");
        let command = command.arg(folder.path("policy.json"));
        command.arg(folder.bucket()).run()
    };
    let out = |name: &str| folder.path(name).display().to_string();
    for name in ["time", "where", "index"] {
        fs::create_dir(out(name)).expect("a folder");
    }
    let early = "2000-01-01T00:00:00Z";
    let by_time = run(&["prove", "--time", early, "--out", &out("time")]).ok();
    let limit = "limit:   absent: segments 1 to 2; an earlier entry of this time or later may have been there\n";
    assert!(by_time.stdout.contains(limit), "{by_time}");
    let by_value = run(&["prove", "--where", "/user=ada", "--out", &out("where")]).ok();
    let limit =
        "limit:   absent: segments 1 to 2; another entry with this value may have been there\n";
    assert!(by_value.stdout.contains(limit), "{by_value}");
    let by_index = run(&["prove", "--index", "12", "--out", &out("index")]).ok();
    assert!(!by_index.stdout.contains("absent"), "{by_index}");

    let found = run(&["find", "--where", "/user=ada"]);
    assert_eq!(found.status, 2, "{found}");
    let absent = "absent: segments 1 to 2; not searched\n";
    assert!(found.stdout.contains(absent), "{found}");
    assert!(found.stdout.contains("found: 1 entry of "), "{found}");
    let pack = run(&[
        "evidence",
        "--where",
        "/user=ada",
        "--out",
        &out("pack.zip"),
    ]);
    assert_eq!(pack.status, 1, "{pack}");
    assert!(pack.stdout.contains("\nreport: fault\ncheck: "), "{pack}");
    let nothing = run(&["find", "--to", early]);
    assert_eq!(nothing.status, 2, "{nothing}");
    let why = "not searched: segment 0, the first one that is there, was opened at ";
    assert!(nothing.stdout.contains(why), "{nothing}");
    let nothing = run(&["find", "--from", "2100-01-01T00:00:00Z", "--output", "json"]);
    assert_eq!(
        nothing.json()["not_searched"],
        "all segments were sealed before --from",
        "{nothing}"
    );
    let reversed = run(&["find", "--from", "2100-01-01T00:00:00Z", "--to", early]);
    assert_eq!((reversed.status, reversed.stdout.as_str()), (2, ""));
    assert!(reversed.stderr.contains("is not before --to"), "{reversed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_bucket_are_found_shown_proved_and_exported() {
    let world = World::of(Engine::Ministack.start(), 4).await;
    let run = |arguments: &[&str]| {
        let command = command("auditlog-verify")
            .args(arguments)
            .envs(world.endpoint.env());
        let command = command.current_dir(world.folder.path());
        command.args(["--policy", "policy.json"]).run().ok()
    };
    let found = run(&["find", "--where", "/user=ada", "--output", "json"]).json();
    assert_eq!(
        (&found["count"], &found["absent"]),
        (&3.into(), &Value::Array(vec![]))
    );
    assert_eq!(found["matches"][1]["index"], 8);
    assert!(
        run(&["show", "--index", "8"])
            .stdout
            .starts_with("entry 8 of ")
    );
    run(&["prove", "--index", "8"]);
    run(&["consistency", "--first", "1"]);
    run(&["export", "--out", "tiles"]);
    run(&["evidence", "--index", "8", "--out", "evidence.zip"]);
    let policy = world.folder.path().join("policy.json");
    for file in [
        "payments-8.tlog-proof",
        "payments-1-3.consistency.json",
        "evidence.zip",
    ] {
        check(&policy, &world.folder.path().join(file)).ok();
    }
}

#[test]
fn an_export_has_every_tile_and_a_log_with_a_line_too_long_for_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = |length: usize| format!(r#"{{"pad":"{}"}}"#, "x".repeat(length));
    let [short, near, too_long] = [10, 65_300, 65_535].map(event);
    let mut log = Log::new(0);
    for (event, count) in [(&short, 0), (&short, 700), (&near, 300), (&too_long, 1)] {
        let event = StoredPayload::event(event.as_bytes()).expect("an event");
        log.seal_events(&vec![event; count], now());
    }
    log.write(&folder.path().join("bucket"));
    log.write_policy(&folder.path().join("policy.json"));
    let export = |arguments: &[&str]| {
        let command = command("auditlog-verify").args(["export", "--policy", "policy.json"]);
        command
            .args(arguments)
            .arg("./bucket")
            .current_dir(folder.path())
            .run()
    };
    let run = export(&["--out", "tiles", "--to-segment", "2"]).ok();
    // 3, 702 and 302 lines.
    assert!(
        run.stdout.contains("up to segment 2, size 1007, root "),
        "{run}"
    );
    let script = root().join("tests/second-opinion/proofs.py");
    let fsck = Command::new(python())
        .arg(script)
        .args(["tiles", &log.key().to_string()]);
    fsck.arg(folder.path().join("tiles")).run().ok();
    let run = export(&["--out", "all"]);
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stderr
            .starts_with("error: the line with index 1008 has "),
        "{run}"
    );
    assert!(!folder.path().join("all").exists() && !folder.path().join("all.unfinished").exists());
    let run = export(&["--out", "tiles"]);
    assert!(
        run.status == 2 && run.stderr.contains("tiles is there already"),
        "{run}"
    );
}

#[test]
fn the_guide_works_as_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::new(4);
    log.write(&folder.path().join("audit"));
    log.write_policy(&folder.path().join("trust-policy.json"));
    let guide = fs::read_to_string(root().join("docs/guides/proofs.md")).expect("the guide");
    let blocks = guide
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next());
    let script: String = blocks.collect();
    assert!(script.lines().count() >= 11, "{script}");
    let commands = auditlog_tests::binary("auditlog-verify");
    let commands = commands.parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").expect("PATH");
    let run = Command::new("bash").args(["-euo", "pipefail", "-c", &script]);
    let run = run
        .current_dir(folder.path())
        .env("PATH", format!("{commands}:{path}"))
        .run()
        .ok();
    assert!(run.stdout.contains("found: 3 entries of "), "{run}");
    assert!(run.stdout.contains("the proof holds\n"), "{run}");
    assert!(folder.path().join("tiles/checkpoint").is_file());
}
