//! The spool of `auditlog-seal` as a careless person or a bad disk leaves it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Run, accepted};

use crate::seal::bench::{Bench, ORIGIN, each_once, ended, numbered, start};
use crate::seal::service::{Service, into_folder, table_of};

/// The events are accepted, and the process is killed.
fn accept_and_die(bench: &Bench, input: &[String]) {
    accept_parts_and_die(bench, &[input]);
}

/// Each part is in a record of its own.
fn accept_parts_and_die(bench: &Bench, parts: &[&[String]]) {
    let (mut child, _home) = start(bench.append().args(["--input", "numbers"]));
    let mut stdin = child.stdin.take().unwrap();
    for part in parts {
        stdin.write_all(part.join("\n").as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
        accepted(&bench.path("spool"), part.last().unwrap());
    }
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
    // The segment is sealed and no summary was written: the record counts it.
    let (mut command, _home) = bench.append().into_inner();
    let full = fs::File::create("/dev/full").unwrap();
    let untold = command.stdout(full).stderr(Stdio::null());
    assert!(!untold.status().unwrap().success());
    for (name, hint) in [
        (
            "inputs.json",
            "it says how much of each input was accepted: put it back, or go on without it with --inputs-unknown, and append only what the log does not have",
        ),
        (
            "head.json",
            "it says where the log ended: put it back, or remove it and give --pins FILE or --head-unknown",
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
            let hint = format!("\nhint: nothing was written: {hint}\n");
            assert!(run.stderr.ends_with(&hint), "{run}");
        }
        fs::write(&path, &whole).unwrap();
    }
    let run = bench.append().args(["--input", "numbers"]);
    let run = run.input(numbered(4).join("\n")).run().ok();
    assert!(run.stdout.contains("recovered 3 events of "), "{run}");
    each_once(&bench.verified(), 4);
}

#[test]
fn a_record_that_was_removed_or_changed_is_noticed() {
    let bench = Bench::new();
    let named = |input: &str| bench.append().args(["--input", "numbers"]).input(input);
    named("1\n2\n").run().ok();
    let path = bench.path("spool/inputs.json");
    let whole = fs::read_to_string(&path).unwrap();
    let refused = |run: &Run, error: &str| {
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let error = format!("error: {}: {error}", path.display());
        assert!(run.stderr.starts_with(&error), "{run}");
        assert!(run.stderr.contains("--inputs-unknown"), "{run}");
    };
    // One digit.
    let changed = whole.replacen("\"bytes\":4", "\"bytes\":2", 1);
    assert_ne!(changed, whole);
    fs::write(&path, changed).unwrap();
    refused(
        &named("1\n2\n").run(),
        "the record of the spool is not whole: ",
    );
    fs::remove_file(&path).unwrap();
    refused(
        &named("1\n2\n").run(),
        "the record of the spool is missing\n",
    );
    assert!(!path.exists());
    // A person who knows what the log has goes on.
    let lost = named("3\n").arg("--inputs-unknown").run().ok();
    assert!(lost.stdout.starts_with("sealed 1 event in "), "{lost}");
    named("3\n4\n").run().ok();
    assert_eq!(bench.verified(), ["1", "2", "3", "4"]);

    fs::remove_file(bench.path("spool/spool.json")).unwrap();
    let run = named("").run();
    let error = format!(
        "error: {}: the record of the spool is missing\nhint: nothing was written: it says which log the spool belongs to: ",
        bench.path("spool/spool.json").display()
    );
    assert!(run.stderr.starts_with(&error), "{run}");
}

#[test]
fn a_spool_that_vanishes_during_a_run_is_not_said_to_keep_anything() {
    let bench = Bench::new();
    bench.append().run().ok();
    let (mut child, home) = start(bench.append().args(["--input", "numbers"]));
    let mut stdin = child.stdin.take().unwrap();
    let all = numbered(2).join("\n");
    stdin.write_all(format!("{all}\n").as_bytes()).unwrap();
    accepted(&bench.path("spool"), &numbered(2)[1]);
    fs::remove_dir_all(bench.path("spool")).unwrap();
    drop(stdin);
    let run = ended((child, home));
    assert_eq!(run.status, 1, "{run}");
    let lost = "\nlost 2 events with the spool, which was removed: give them again\n";
    assert!(run.stdout.ends_with(lost), "{run}");
    let error = format!(
        "error: the spool {} was removed during the run\nhint: what was accepted and is not sealed went with it: give these events again, ",
        bench.path("spool").display()
    );
    assert!(run.stderr.starts_with(&error), "{run}");
    let again = bench
        .append()
        .args(["--input", "numbers", "--head-unknown"]);
    again.input(all).run().ok();
    each_once(&bench.verified(), 2);
}

#[test]
fn a_spool_behind_a_link_to_nothing_is_named() {
    let bench = Bench::new();
    std::os::unix::fs::symlink(bench.path("nothing"), bench.path("spool")).unwrap();
    let run = bench.append().run();
    assert_eq!(run.status, 1, "{run}");
    let error = format!(
        "error: {}: the folder cannot be made: it is a symbolic link to {}, which does not exist\n",
        bench.path("spool").display(),
        bench.path("nothing").display()
    );
    assert!(run.stderr.starts_with(&error), "{run}");
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
fn a_folder_that_vanishes_during_a_run_is_not_made_again() {
    let bench = Bench::new();
    bench.append().run().ok();
    let (mut child, home) = start(bench.append().args(["--input", "numbers"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{}\n", numbered(1)[0]).as_bytes())
        .unwrap();
    accepted(&bench.path("spool"), &numbered(1)[0]);
    fs::rename(bench.path("audit"), bench.path("away")).unwrap();
    drop(stdin);
    let run = ended((child, home));
    assert_eq!(run.status, 1, "{run}");
    assert!(!bench.path("audit").exists(), "{run}");

    fs::rename(bench.path("away"), bench.path("audit")).unwrap();
    let two = numbered(2).join("\n");
    let again = bench.append().args(["--input", "numbers"]).input(two);
    again.run().ok();
    each_once(&bench.verified(), 2);
}

/// The folder above the spools has nothing that waits, and they may have.
#[test]
fn folder_that_is_not_a_spool_is_refused() {
    let bench = Bench::new();
    bench.append().run().ok();
    let file = bench.path("policy.json");
    for (folder, reason) in [
        (bench.path(""), "it has no spool.json"),
        (bench.path("none"), "No such file or directory"),
        (file, "Not a directory"),
    ] {
        let run = auditlog_tests::command("auditlog-seal").arg("spool");
        let run = run.arg(&folder).run();
        assert_eq!(run.status, 1, "{run}");
        let shown = folder.display();
        assert!(
            run.stderr
                .starts_with(&format!("error: {shown} is not a spool: {reason}")),
            "{run}"
        );
        assert!(
            run.stderr
                .contains("\nhint: name the folder that the log has"),
            "{run}"
        );
    }
}

#[test]
fn waiting_segments_of_a_spool_are_listed_and_their_events_printed() {
    let bench = Bench::new();
    let shown = |options: &[&str]| {
        let run = auditlog_tests::command("auditlog-seal").arg("spool");
        run.args(options).arg(bench.path("spool")).run()
    };
    bench.append().run().ok();
    assert_eq!(shown(&[]).ok().stdout, "no segment waits\n");
    let all = numbered(3);
    accept_parts_and_die(&bench, &[&all[..1], &all[1..]]);
    let listed = shown(&[]).ok();
    assert!(
        listed
            .stdout
            .starts_with("000000000001.wal: open, 3 events in ")
            && listed
                .stdout
                .ends_with(" bytes, acme.example/audit/payments\n"),
        "{listed}"
    );
    assert_eq!(
        shown(&["--events"]).ok().stdout,
        numbered(3).join("\n") + "\n"
    );
    let entries = shown(&["--entries"]).ok().stdout;
    let parts = [r#""time":"#, r#""event":"#];
    let whole = entries
        .lines()
        .filter(|line| parts.iter().all(|part| line.contains(part)));
    assert_eq!(
        (whole.count(), entries.lines().count()),
        (3, 3),
        "{entries}"
    );
    let wal = bench.path("spool/000000000001.wal");
    let whole = fs::read(&wal).unwrap();
    let mut changed = whole.clone();
    let first = numbered(1).join("");
    let place = whole
        .windows(first.len())
        .position(|bytes| bytes == first.as_bytes());
    changed[place.unwrap()] ^= 1;
    fs::write(&wal, &changed).unwrap();
    let rest = shown(&["--events"]);
    assert_eq!(rest.status, 1, "{rest}");
    assert_eq!(rest.stdout, all[1..].join("\n") + "\n", "{rest}");
    assert!(
        rest.stderr.contains(" was changed after it was written\n"),
        "{rest}"
    );
    let mut changed = whole;
    changed[60] ^= 1;
    fs::write(&wal, changed).unwrap();
    for run in [shown(&[]), bench.append().run()] {
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let error = format!("error: {}: ", wal.display());
        assert!(run.stderr.starts_with(&error), "{run}");
        let hint = "\nhint: the disk or somebody has changed it: move the spool away, ";
        assert!(run.stderr.contains(hint), "{run}");
    }
}

/// A log that cannot start shows what waits in its spool, unless another process has that.
#[test]
fn service_that_cannot_start_shows_what_waits_under_the_origin_and_goes_on_by_itself() {
    let bench = Bench::new();
    accept_and_die(&bench, &numbered(3));
    let declared = fs::read_to_string(bench.path("policy.json")).unwrap();
    let mut policy: serde_json::Value = serde_json::from_str(&declared).unwrap();
    policy["keys"][0]["valid_from"] = "2999-01-01T00:00:00.000000Z".into();
    fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
    let log = format!(
        "{}{}\n",
        table_of(&bench, "name = \"short\"\n", "policy.json", "spool"),
        into_folder(&bench)
    );
    let mut service = Service::of_logs(&bench, &log, &[]);
    let unstored =
        |service: &Service| service.metric(&format!("unstored_bytes{{log=\"{ORIGIN}\"}}"));
    let until = |service: &Service, is_known: bool| {
        let begun = Instant::now();
        while service.get("/metrics").is_none() || unstored(service).is_some() != is_known {
            assert!(begun.elapsed() < Duration::from_mins(1), "{is_known}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let status = || {
        let status = auditlog_tests::command("auditlog-seal").args(["status", "--config"]);
        status.arg(bench.path("sealer.toml")).run().ok().stdout
    };
    until(&service, true);
    assert!(unstored(&service).is_some_and(|bytes| bytes > 300));
    let text = status();
    let begin = format!("short ({ORIGIN}): does not accept events\n  trouble    accepting (key): ");
    assert!(text.starts_with(&begin), "{text}");
    assert!(
        text.contains("  waiting    segments 0, bytes 0\n"),
        "{text}"
    );
    assert!(text.contains(" seconds\n"), "{text}");
    assert!(text.contains("  names      not known\n"), "{text}");
    let ends = ["last_sealed_seconds", "next_segment", "log_size"];
    let of_log = |name: &str| service.metric(&format!("{name}{{log=\"{ORIGIN}\"}}"));
    assert_eq!(ends.map(of_log), [None; 3]);

    let busy = fs::File::open(bench.path("spool/lock")).unwrap();
    busy.lock().unwrap();
    until(&service, false);
    let text = status();
    for line in ["  waiting    not known\n", "  unstored   not known\n"] {
        assert!(text.contains(line), "{text}");
    }
    drop(busy);
    fs::write(bench.path("policy.json"), declared).unwrap();
    service.until_ready();
    let ended = service.end().ok();
    let again = "info: events are accepted again\n";
    assert_eq!(ended.stderr.matches(again).count(), 1, "{ended}");
    assert_eq!(bench.verified(), numbered(3));
}

#[test]
fn an_old_spool_that_holds_events_is_refused_with_the_command_that_finishes_it() {
    let bench = Bench::new();
    accept_and_die(&bench, &numbered(3));
    let before = bench.objects().len();
    // As version 1 wrote it: lines in a file of its own, and a record of the spool without inputs.
    let spool = bench.path("spool");
    fs::rename(spool.join("000000000001.wal"), spool.join("open.jsonl")).unwrap();
    let record = fs::read_to_string(spool.join("spool.json")).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&record).unwrap();
    record["spool"] = 1.into();
    record.as_object_mut().unwrap().remove("program");
    fs::write(spool.join("spool.json"), record.to_string()).unwrap();
    let run = bench.append().input("1\n").run();
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
    let path = spool.display();
    assert_eq!(
        run.stderr,
        format!(
            "error: the spool {path} has version 1, this program reads version 8\n\
             hint: finish it with the auditlog-seal that made it, with the options that it was used with: \
             auditlog-seal append … --spool {path} < /dev/null\n"
        )
    );
    assert_eq!(bench.objects().len(), before);
}
