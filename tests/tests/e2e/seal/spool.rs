//! The spool of `auditlog-seal` as a careless person or a bad disk leaves it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use auditlog_tests::Run;

use crate::seal::bench::{Bench, accepted, each_once, numbered, start};

/// The events are accepted, and the process is killed.
fn accept_and_die(bench: &Bench, input: &[String]) {
    let (mut child, _home) = start(bench.append());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.join("\n").as_bytes()).unwrap();
    stdin.write_all(b"\n").unwrap();
    accepted(&bench.path("spool"), input.last().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn a_record_that_is_torn_or_empty_is_not_guessed_at() {
    let bench = Bench::new();
    accept_and_die(&bench, &numbered(3));
    // The segment is sealed and nobody was told: the record counts it.
    let (mut command, _home) = bench.append().into_inner();
    let full = fs::File::create("/dev/full").unwrap();
    let untold = command.stdout(full).stderr(Stdio::null());
    assert!(!untold.status().unwrap().success());
    for (name, hint) in [
        (
            "run.json",
            "it counts what interrupted runs have sealed: remove it, and append without --skip-recovered what the log does not have",
        ),
        (
            "spool.json",
            "it says which log the spool belongs to: put back the one that it had, or give an empty folder with --spool and append what the log does not have",
        ),
    ] {
        let path = bench.path("spool").join(name);
        let whole = fs::read(&path).unwrap();
        for torn in [&b""[..], &whole[..whole.len() / 2], b"\x00\x00\x00"] {
            fs::write(&path, torn).unwrap();
            let run = bench.append().input("1\n").run();
            assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
            let error = format!(
                "error: {}: the record of the spool is not whole: ",
                path.display()
            );
            assert!(run.stderr.starts_with(&error), "{run}");
            let hint = format!("\nhint: nothing was written. {hint}\n");
            assert!(run.stderr.ends_with(&hint), "{run}");
        }
        fs::write(&path, &whole).unwrap();
    }
    let run = bench.append().arg("--skip-recovered");
    let run = run.input(numbered(4).join("\n")).run().ok();
    assert!(run.stdout.contains("recovered 3 events of "), "{run}");
    each_once(&bench.verified(), 4);
}

#[test]
fn a_copy_of_a_spool_seals_nothing_twice() {
    let bench = Bench::new();
    bench.append().run().ok();
    accept_and_die(&bench, &numbered(3));
    copy(&bench.path("spool"), &bench.path("older"));
    let append = |spool: &str| -> Run {
        let run = auditlog_tests::command("auditlog-seal").args(["append", "--key-file"]);
        let run = run.arg(bench.path("key.pem"));
        let run = run.arg("--policy").arg(bench.path("policy.json"));
        let run = run.arg("--to").arg(bench.path("audit"));
        run.arg("--spool").arg(bench.path(spool)).run()
    };
    // The segment is finished, and the store cannot take it.
    fs::create_dir(bench.path("away")).unwrap();
    fs::rename(bench.path("audit/payments"), bench.path("away/payments")).unwrap();
    fs::write(bench.path("audit/payments"), "").unwrap();
    let run = append("spool");
    assert_eq!(run.status, 1, "{run}");
    assert!(
        run.stderr
            .contains("audit/payments: the folder cannot be listed: Not a directory"),
        "{run}"
    );
    fs::remove_file(bench.path("audit/payments")).unwrap();
    fs::rename(bench.path("away/payments"), bench.path("audit/payments")).unwrap();

    append("spool").ok();
    let old = append("older");
    assert_eq!((old.status, old.stdout.as_str()), (1, ""), "{old}");
    let error = format!(
        "error: the spool {} does not continue the log: ",
        bench.path("older").display()
    );
    assert!(old.stderr.starts_with(&error), "{old}");
    assert!(
        old.stderr.ends_with("\nhint: check that --to names the right place, and that the spool is not an old copy; otherwise move it away, and append those of its events that the log does not have\n"),
        "{old}"
    );
    each_once(&bench.verified(), 3);
}

#[test]
fn after_a_signal_the_same_input_seals_each_event_once_and_another_one_is_taken_whole() {
    let bench = Bench::new();
    let interrupt = |input: &[String], option: Option<&str>| {
        let (mut child, home) = start(bench.append().args(option));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.join("\n").as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
        accepted(&bench.path("spool"), input.last().unwrap());
        crate::seal::bench::signal(&child, "TERM");
        let run = crate::seal::bench::ended((child, home));
        assert_eq!(run.status, 1, "{run}");
        assert!(
            run.stderr
                .starts_with("error: interrupted: reading stopped after line "),
            "{run}"
        );
    };
    interrupt(&numbered(3), None);
    interrupt(&numbered(5), Some("--skip-recovered"));
    let run = bench.append().arg("--skip-recovered");
    let run = run.input(numbered(6).join("\n")).run().ok();
    assert!(
        run.stdout.ends_with("skipped 5 events of the input\n"),
        "{run}"
    );
    each_once(&bench.verified(), 6);

    // Told once, and done: what comes next is another input.
    let run = bench.append().arg("--skip-recovered");
    run.input("\"next\"\n").run().ok();
    interrupt(&numbered(2), None);
    bench.append().input("\"another\"\n").run().ok();
    let run = bench.append().arg("--skip-recovered");
    run.input("\"last\"\n").run().ok();
    let sealed = bench.verified();
    assert_eq!(sealed[6], "\"next\"");
    each_once(&sealed[7..9], 2);
    assert_eq!(sealed[9..], ["\"another\"", "\"last\""]);
}

#[test]
fn an_interruption_while_events_are_passed_over_says_how_to_go_on() {
    let bench = Bench::new();
    accept_and_die(&bench, &numbered(3));
    let (mut child, home) = start(bench.append().arg("--skip-recovered"));
    // It has one of three, and waits: segment 1 shows that the three are sealed.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(numbered(1)[0].as_bytes()).unwrap();
    stdin.write_all(b"\n").unwrap();
    while !bench.path("audit/payments/000000000001.jsonl.zst").exists() {
        std::thread::yield_now();
    }
    crate::seal::bench::signal(&child, "INT");
    let run = crate::seal::bench::ended((child, home));
    assert_eq!(run.status, 1, "{run}");
    let error = "error: interrupted: ";
    assert!(run.stderr.starts_with(error), "{run}");
    assert!(
        run.stderr
            .contains(" of 3 events of an interrupted run were passed over\n"),
        "{run}"
    );
    assert!(run.stderr.ends_with("hint: nothing new was taken: give the same input again from its beginning, with --skip-recovered\n"), "{run}");
    let run = bench.append().arg("--skip-recovered");
    run.input(numbered(4).join("\n")).run().ok();
    each_once(&bench.verified(), 4);
}
