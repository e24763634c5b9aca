//! `auditlog-seal` killed, stopped and raced: nothing that was accepted is lost, nothing is sealed twice.

use std::fs;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Run, accepted};

use crate::seal::bench::{Bench, ended, events, numbered, signal, start};

#[test]
fn killed_at_any_moment_each_event_is_sealed_once() {
    let bench = Bench::new();
    let count = 20_000;
    fs::write(bench.path("events.jsonl"), numbered(count).join("\n")).unwrap();
    let append = || {
        bench
            .append()
            .args(["--max-segment-events", "700"])
            .arg(bench.path("events.jsonl"))
    };
    // Later each time, so that the kills fall on all kinds of steps, until one run is quick enough.
    let mut patience = Duration::from_millis(3);
    let mut killed = 0;
    let finished = loop {
        let (mut child, home) = start(append());
        thread::sleep(patience);
        _ = child.kill();
        let output = child.wait_with_output().unwrap();
        drop(home);
        if output.status.code().is_some() {
            break Run::from_output(&output).ok();
        }
        killed += 1;
        patience += Duration::from_millis(4);
    };
    assert!(killed > 3, "the first runs were killed");
    let sealed = events(&bench.objects(), &bench.verifier_key("key.pem"));
    assert_eq!(sealed, numbered(count), "{finished}");
    // The last kill may have come after the summary, and before the process had ended.
    let reports = [
        "events.jsonl): sealed, do not send them again\n",
        "events.jsonl: accepted before, and it has no new ones\n",
    ];
    assert!(
        reports
            .iter()
            .any(|report| finished.stdout.contains(report)),
        "{finished}"
    );
    // The summary was written: the next one does not report these events again.
    let next = bench.append().input("1\n").run().ok();
    assert!(!next.stdout.contains("recovered"), "{next}");
}

#[test]
fn what_was_accepted_before_a_kill_is_sealed_by_the_next_run() {
    let bench = Bench::new();
    let (mut child, _home) = start(bench.append());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"1\n2\n").unwrap();
    accepted(&bench.path("spool"), "\"event\":2}");
    child.kill().unwrap();
    child.wait().unwrap();
    // As if the last write had been cut in the middle.
    let open = bench.path("spool/000000000001.wal");
    let mut torn = fs::read(&open).unwrap();
    let end = torn.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let begun = b"\x90\x01\0\0\x12\x34\x56\x78\x02\0\0";
    torn.resize(torn.len().max(end + 4096), 0);
    torn[end..end + begun.len()].copy_from_slice(begun);
    fs::write(&open, torn).unwrap();

    let next = bench.append().run().ok();
    assert!(
        next.stdout
            .starts_with("sealed 0 events in 1 segment (1) of "),
        "{next}"
    );
    assert!(
        next.stdout
            .contains("\nrecovered 2 events of an interrupted run (standard input of 20")
            && next
                .stdout
                .ends_with("Z): sealed, do not send them again\n"),
        "{next}"
    );
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["1", "2"]
    );
}

#[test]
fn asked_to_stop_it_seals_what_it_has_accepted() {
    for name in ["INT", "TERM"] {
        let bench = Bench::new();
        let (mut child, _home) = start(bench.append());
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"1\n2\n").unwrap();
        accepted(&bench.path("spool"), "\"event\":2}");
        signal(&child, name);
        let run = Run::from_output(&child.wait_with_output().unwrap());
        assert_eq!(run.status, 1, "{run}");
        assert!(
            run.stdout
                .starts_with("sealed 2 events in 2 segments (0 to 1) of "),
            "{run}"
        );
        assert_eq!(
            run.stderr,
            "error: interrupted: reading stopped after line 2\n\
             hint: every event up to that line is sealed: go on with the next line\n"
        );
        assert_eq!(
            events(&bench.objects(), &bench.verifier_key("key.pem")),
            ["1", "2"]
        );
    }
}

#[test]
fn of_two_writers_one_wins_and_the_other_keeps_its_events() {
    let bench = Bench::new();
    bench.append().run().ok();
    let (mut slow, _home) = start(bench.append());
    let mut stdin = slow.stdin.take().unwrap();
    stdin.write_all(b"1\n").unwrap();
    accepted(&bench.path("spool"), "\"event\":1}");

    let busy = bench.append().input("2\n").run();
    assert_eq!(busy.status, 1);
    assert!(
        busy.stderr
            .starts_with("error: another process is using the spool "),
        "{busy}"
    );

    fs::create_dir(bench.path("other")).unwrap();
    let other = auditlog_tests::command("auditlog-seal").args(["append", "--key-file"]);
    let other = other
        .arg(bench.path("key.pem"))
        .arg("--policy")
        .arg(bench.path("policy.json"));
    let other = other
        .arg("--to")
        .arg(bench.path("audit"))
        .arg("--spool")
        .arg(bench.path("other"))
        .arg("--head-unknown");
    other.input("2\n").run().ok();

    drop(stdin);
    let lost = Run::from_output(&slow.wait_with_output().unwrap());
    assert_eq!(lost.status, 1, "{lost}");
    assert!(
        lost.stderr.starts_with(
            "error: another writer has the log: payments/000000000001.jsonl.zst has the root "
        ),
        "{lost}"
    );
    assert!(lost.stdout.contains("kept 1 event in the spool"), "{lost}");
    let again = bench.append().input("3\n").run();
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains("another writer has the log"),
        "{again}"
    );
    let kept = fs::read(bench.path("spool/000000000001.jsonl.zst")).unwrap();
    let kept = String::from_utf8(zstd::stream::decode_all(kept.as_slice()).unwrap()).unwrap();
    assert!(kept.contains("\"event\":1}"));
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["2"]
    );
}

#[test]
fn many_writers_at_once_make_one_log() {
    let bench = Bench::new();
    bench.append().run().ok();
    let runs: Vec<Run> = thread::scope(|scope| {
        let writer = |n: u32| {
            let bench = &bench;
            scope.spawn(move || {
                let run = auditlog_tests::command("auditlog-seal").args(["append", "--key-file"]);
                let run = run
                    .arg(bench.path("key.pem"))
                    .arg("--policy")
                    .arg(bench.path("policy.json"));
                let run = run.arg("--to").arg(bench.path("audit"));
                let run = run.arg("--spool").arg(bench.path(&format!("spool-{n}")));
                let run = run.arg("--head-unknown");
                run.input(format!("{n}\n")).run()
            })
        };
        let writers: Vec<_> = (0..6).map(writer).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let mut won = Vec::new();
    for (n, run) in runs.iter().enumerate() {
        if run.status == 0 {
            won.push(n.to_string());
        } else {
            assert!(run.stderr.contains("another writer has the log"), "{run}");
        }
    }
    assert!(!won.is_empty());
    let mut sealed = events(&bench.objects(), &bench.verifier_key("key.pem"));
    sealed.sort();
    assert_eq!(sealed, won);
}

#[test]
fn an_open_input_is_sealed_by_age_and_gets_empty_segments() {
    let bench = Bench::new();
    let policy = fs::read_to_string(bench.path("policy.json")).unwrap();
    let policy = policy.replace("\"seconds\": 90000", "\"seconds\": 2");
    fs::write(bench.path("policy.json"), policy).unwrap();
    let (mut child, _home) = start(bench.append());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"1\n").unwrap();
    let begun = Instant::now();
    let fourth = bench.path("audit/payments/000000000003.jsonl.zst");
    while !fourth.exists() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "nothing is sealed"
        );
        thread::yield_now();
    }
    stdin.write_all(b"2\n").unwrap();
    drop(stdin);
    let run = Run::from_output(&child.wait_with_output().unwrap()).ok();
    assert!(run.stdout.starts_with("sealed 2 events in "), "{run}");
    assert_eq!(
        events(&bench.objects(), &bench.verifier_key("key.pem")),
        ["1", "2"]
    );
}

#[test]
fn a_folder_to_which_a_sealer_writes_verifies_at_every_moment() {
    let bench = Bench::new();
    bench.append().run().ok();
    let (mut child, home) = start(bench.append().args(["--max-segment-events", "1"]));
    let mut stdin = child.stdin.take().unwrap();
    let events = numbered(300).join("\n");
    let feeder = thread::spawn(move || stdin.write_all(events.as_bytes()));
    let mut moments = 0;
    while child.try_wait().unwrap().is_none() {
        let verify = auditlog_tests::command("auditlog-verify").arg("--policy");
        let verify = verify.arg(bench.path("policy.json"));
        verify.arg(bench.path("audit")).run().ok();
        moments += 1;
    }
    feeder.join().unwrap().unwrap();
    ended((child, home)).ok();
    assert!(moments > 1, "the sealer was too quick to be watched");
    assert_eq!(bench.verified(), numbered(300));
}
