//! Inputs of `auditlog-seal append` that are given again: each event is sealed once, whatever came in between.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use auditlog_tests::{Command, Run, accepted, written_ahead};

use crate::seal::bench::{Bench, each_once, ended, numbered, signal, start};

const CHANGED: &str = "hint: nothing new was taken: give the input as it was, from its beginning; if this is another input, give it another name with --input NAME\n";

/// Gives the lines to a pipe, and kills the command once it has accepted the last of them.
fn killed_after(bench: &Bench, append: Command, lines: &[String]) {
    let (mut child, _home) = start(append);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all((lines.join("\n") + "\n").as_bytes())
        .unwrap();
    accepted(&bench.path("spool"), lines.last().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn named(bench: &Bench, name: &str) -> Command {
    bench.append().args(["--input", name])
}

fn append_to(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[track_caller]
fn refused(run: &Run, error: &str) {
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(run.stderr, format!("error: {error}\n{CHANGED}"), "{run}");
    assert!(run.stdout.starts_with("sealed 0 events of "));
}

#[test]
fn two_inputs_that_are_killed_in_turn_lose_nothing() {
    let bench = Bench::new();
    let all = numbered(800);
    let (a, b) = all.split_at(100);
    killed_after(&bench, bench.append(), a);
    killed_after(&bench, named(&bench, "b"), &b[..300]);
    let run = named(&bench, "b").input(b.join("\n")).run().ok();
    let recovered = |events: u32, input: &str| {
        format!("\nrecovered {events} events of an interrupted run ({input}")
    };
    assert!(
        run.stdout.contains(&recovered(100, "standard input of 20")),
        "{run}"
    );
    assert!(run.stdout.contains(&recovered(300, "b): ")), "{run}");
    assert!(
        run.stdout
            .ends_with("\nskipped 300 events of b: accepted before\n"),
        "{run}"
    );
    each_once(&bench.verified(), 800);
}

#[test]
fn a_finished_input_goes_on_where_it_has_grown_and_else_does_nothing() {
    let bench = Bench::new();
    let path = bench.path("events.jsonl");
    fs::write(&path, "1\n2\n").unwrap();
    let file = || bench.append().arg(&path);
    let shown = path.display();
    file().run().ok();
    let before = bench.objects().len();
    for _ in 0..2 {
        let again = file().run().ok();
        let expected =
            format!("skipped 2 events of {shown}: accepted before, and it has no new ones\n");
        assert!(again.stdout.ends_with(&expected), "{again}");
        assert!(again.stdout.starts_with("sealed 0 events of "), "{again}");
    }
    assert_eq!(bench.objects().len(), before);
    append_to(&path, "3\n");
    let grown = file().run().ok();
    let expected = format!("skipped 2 events of {shown}: accepted before\n");
    assert!(grown.stdout.ends_with(&expected), "{grown}");

    // A pipe that is fed again from its beginning.
    named(&bench, "pipe").input("4\n").run().ok();
    named(&bench, "pipe").input("4\n").run().ok();
    named(&bench, "pipe").input("4\n5\n").run().ok();
    assert_eq!(bench.verified(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn an_input_that_has_not_grown_keeps_its_log_alive_where_it_would_be_silent_too_long() {
    let bench = Bench::new();
    named(&bench, "quiet").input("1\n").run().ok();
    let policy = fs::read_to_string(bench.path("policy.json")).unwrap();
    let mut policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    set_silence(&mut policy, 2);
    fs::write(bench.path("policy.json"), policy.to_string()).unwrap();
    // One second after the last segment, half of the silence has passed.
    let second = bench.path("audit/payments/000000000001.jsonl.zst");
    let sealed = fs::metadata(second).unwrap().modified().unwrap();
    while sealed.elapsed().unwrap().as_millis() < 1100 {
        std::thread::yield_now();
    }
    let run = named(&bench, "quiet").input("1\n").run().ok();
    assert!(
        run.stdout
            .starts_with("sealed 0 events in 1 segment (2) of "),
        "{run}"
    );
}

fn set_silence(policy: &mut serde_json::Value, seconds: u64) {
    match policy {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if name == "max_silence_seconds" || (name == "seconds" && value.is_u64()) {
                    *value = seconds.into();
                }
                set_silence(value, seconds);
            }
        }
        serde_json::Value::Array(values) => {
            for value in values {
                set_silence(value, seconds);
            }
        }
        _ => {}
    }
}

#[test]
fn a_last_line_without_its_newline_may_get_one_and_may_not_grow() {
    let bench = Bench::new();
    let path = bench.path("events.jsonl");
    let file = || bench.append().arg(&path);
    fs::write(&path, "1\n2").unwrap();
    file().run().ok();
    append_to(&path, " \r\n\n3");
    file().run().ok();
    append_to(&path, "4\n5\n");
    let before = bench.objects().len();
    let run = file().run();
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(
        run.stderr,
        format!(
            "error: {}: line 4 was accepted as the last one, and has grown since\n\
             hint: the line is sealed as it was: run the same command with --input-changed, which takes the whole line once more \
             and goes on; end each line with a newline before it is read\n",
            path.display()
        )
    );
    assert_eq!(bench.objects().len(), before);
    assert_eq!(bench.verified(), ["1", "2", "3"]);

    // Whoever does what the hint says, each time, has each line once as it is now, and the grown ones marked.
    let changed = || file().arg("--input-changed").run().ok();
    let run = changed();
    assert!(
        run.stdout.starts_with("sealed 2 events in 1 segment "),
        "{run}"
    );
    append_to(&path, "6");
    file().run().ok();
    append_to(&path, "7\n8\n");
    assert_eq!(file().run().status, 1);
    changed();
    changed();
    file().run().ok();
    let expected = ["1", "2", "3", "34", "5", "6", "67", "8"];
    assert_eq!(bench.verified(), expected);
    let marked = |event: &str| format!(",\"repeat\":\"suspected\",\"event\":{event}}}\n");
    let text = bench.text();
    assert!(
        text.contains(&marked("34")) && text.contains(&marked("67")),
        "{text}"
    );
    assert_eq!(text.matches("repeat").count(), 2, "{text}");
}

#[test]
fn each_batch_of_an_input_with_a_name_says_where_in_the_input_it_begins() {
    let bench = Bench::new();
    let pair = ["--max-segment-events", "2"];
    named(&bench, "daily")
        .args(pair)
        .input("1\n2\n3\n")
        .run()
        .ok();
    named(&bench, "daily").input("1\n2\n3\n4\n").run().ok();
    bench.append().input("5\n").run().ok();
    let path = bench.path("events.jsonl");
    fs::write(&path, "6\n").unwrap();
    bench.append().arg(&path).run().ok();
    let text = bench.text();
    for (batch, event) in [("daily@0", 1), ("daily@4", 3), ("daily@6", 4)] {
        let entry = format!(",\"batch\":\"{batch}\",\"event\":{event}}}\n");
        assert!(text.contains(&entry), "{text}");
    }
    let of_file = format!(",\"batch\":\"file:{}:", fs::metadata(&path).unwrap().dev());
    assert!(text.contains(&of_file), "{text}");
    // Nothing is known of a pipe without a name.
    assert_eq!(text.matches("\"batch\"").count(), 4, "{text}");
    assert_eq!(bench.verified(), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_file_whose_beginning_was_changed_or_cut_off_is_refused() {
    let bench = Bench::new();
    let path = bench.path("events.jsonl");
    let file = || bench.append().arg(&path);
    let events = numbered(100);
    let all = events.join("\n") + "\n";
    fs::write(&path, &all).unwrap();
    file().run().ok();
    let (inode, shown) = (fs::metadata(&path).unwrap().ino(), path.display());

    // The same file in the same place, with the same first 1,024 bytes.
    fs::write(&path, all.replace("\"n\":99", "\"n\":98")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    let bytes = all.len();
    let changed = format!(
        "{shown} does not begin with the 100 events ({bytes} bytes) that were accepted from it"
    );
    refused(&file().run(), &changed);
    fs::write(&path, &all[..2000]).unwrap();
    let short = format!("{shown} has 2000 bytes, but {bytes} bytes were accepted from it");
    refused(&file().run(), &short);
    // A line that is longer than any that was accepted.
    fs::write(&path, format!("{}{}", &all[..1500], "x".repeat(2 << 20))).unwrap();
    refused(&file().run(), &changed);

    // With the accepted beginning it goes on, and where it begins otherwise it is another file.
    fs::write(&path, all.clone() + "\"more\"\n").unwrap();
    file().run().ok();
    fs::write(&path, "\"new\"\n").unwrap();
    file().run().ok();
    let sealed = bench.verified();
    each_once(&sealed[..100], 100);
    assert_eq!(sealed[100..], ["\"more\"", "\"new\""]);
}

#[test]
fn a_file_that_is_rotated_goes_on_under_its_new_path() {
    let bench = Bench::new();
    let (path, old) = (bench.path("app.log"), bench.path("app.log.1"));
    fs::write(&path, "1\n2\n").unwrap();
    bench.append().arg(&path).run().ok();
    append_to(&path, "3\n");
    fs::rename(&path, &old).unwrap();
    fs::write(&path, "4\n").unwrap();
    bench.append().arg(&old).run().ok();
    bench.append().arg(&path).run().ok();
    assert_eq!(bench.verified(), ["1", "2", "3", "4"]);
}

#[test]
fn a_file_that_was_written_again_is_not_sealed_twice() {
    let bench = Bench::new();
    let path = bench.path("events.jsonl");
    let file = || bench.append().arg(&path);
    fs::write(&path, "1\noops\n").unwrap();
    assert_eq!(file().run().status, 1);
    // As `sed -i` and most editors do it.
    let new = bench.path("new");
    fs::write(&new, "1\n2\n").unwrap();
    fs::rename(&new, &path).unwrap();
    let run = file().run();
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(
        run.stderr,
        format!(
            "error: {} is another file than before, but begins with the 1 events (2 bytes) that were accepted from that one\n\
             hint: nothing new was taken: if it is the same input, run the same command with --input-changed, and it goes on where \
             it was accepted; if it is another one, give it a name with --input NAME\n",
            path.display()
        )
    );
    let changed = || file().arg("--input-changed").run().ok();
    changed();
    // The file itself goes on, and so it does when it is written again, and again.
    file().run().ok();
    for text in ["1\n2\n21\n", "1\n2\n21\n22\n"] {
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
        assert_eq!(file().run().status, 1);
        let run = changed();
        assert!(run.stdout.starts_with("sealed 1 event in "), "{run}");
        assert!(!run.stdout.contains("recovered"), "{run}");
    }
    // Under another path, or with another beginning, it is another input.
    fs::write(&new, "1\n").unwrap();
    bench.append().arg(&new).run().ok();
    fs::write(bench.path("newer"), "3\n1\n").unwrap();
    fs::rename(bench.path("newer"), &path).unwrap();
    file().run().ok();
    let expected = ["1", "2", "21", "22", "1", "3", "1"];
    assert_eq!(bench.verified(), expected);
}

#[test]
fn a_path_that_is_written_in_another_way_is_the_same_path() {
    let bench = Bench::new();
    let path = bench.path("events.jsonl");
    fs::create_dir(bench.path("sub")).unwrap();
    std::os::unix::fs::symlink(&path, bench.path("link.jsonl")).unwrap();
    fs::write(&path, "1\n").unwrap();
    bench.append().arg(&path).run().ok();
    // While it is open, no other file gets its inode number.
    let _first = fs::File::open(&path).unwrap();
    for other in ["sub/../events.jsonl", "link.jsonl", "./events.jsonl"] {
        // Another file in the same place.
        let new = bench.path("new");
        fs::write(&new, "1\n2\n").unwrap();
        fs::rename(&new, &path).unwrap();
        let run = bench.append().arg(bench.path(other)).run();
        assert_eq!(run.status, 1, "{other}: {run}");
        assert!(run.stderr.contains("is another file than before"), "{run}");
    }
    assert_eq!(bench.verified(), ["1"]);
}

#[test]
fn the_same_name_with_other_content_is_refused() {
    let bench = Bench::new();
    named(&bench, "daily").input("1\n2\n").run().ok();
    let changed = "daily does not begin with the 2 events (4 bytes) that were accepted from it";
    refused(&named(&bench, "daily").input("7\n8\n9\n").run(), changed);
    let short = "daily has 2 bytes, but 4 bytes were accepted from it";
    refused(&named(&bench, "daily").input("1\n").run(), short);
    named(&bench, "another day").input("7\n8\n9\n").run().ok();
    named(&bench, "daily").input("1\n2\n3\n").run().ok();
    assert_eq!(bench.verified(), ["1", "2", "7", "8", "9", "3"]);
}

#[test]
fn two_inputs_in_turn_each_go_on_where_they_were() {
    let bench = Bench::new();
    let events = |name: &str, count: u32| -> Vec<String> {
        (0..count).map(|n| format!("\"{name}{n}\"")).collect()
    };
    let mut expected = Vec::new();
    for round in 1..6 {
        for name in ["a", "b"] {
            let append = named(&bench, name).args(["--max-segment-events", "2"]);
            let lines = events(name, 3 * round);
            if round % 2 == 0 {
                killed_when_accepted(&bench, append, name, &lines);
            } else {
                append.input(lines.join("\n") + "\n").run().ok();
            }
            let new = usize::try_from(3 * (round - 1)).unwrap();
            expected.extend_from_slice(&lines[new..]);
        }
    }
    assert_eq!(bench.verified(), expected);
}

/// Gives the lines to a pipe with a name, and kills the command once all of them are accepted, sealed or not.
fn killed_when_accepted(bench: &Bench, append: Command, name: &str, lines: &[String]) {
    let (mut child, _home) = start(append);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all((lines.join("\n") + "\n").as_bytes())
        .unwrap();
    let count = lines.len();
    let last = format!("\"shown\":\"{name}\",\"position\":{{\"events\":{count},");
    let spool = bench.path("spool");
    loop {
        let taken_over = fs::read_to_string(spool.join("inputs.json")).unwrap_or_default();
        if written_ahead(&spool).contains(&last) || taken_over.contains(&last) {
            break;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_line_that_was_refused_is_corrected_and_the_input_goes_on_there() {
    let bench = Bench::new();
    let pipe = named(&bench, "pipe").input("1\n\n2\noops\n4\n").run();
    assert_eq!(pipe.status, 1, "{pipe}");
    assert!(pipe.stderr.starts_with("error: line 4: "), "{pipe}");
    let hint = "\nhint: every event before line 4 is sealed, nothing from line 4 on: correct it, and give the same input again\n";
    assert!(pipe.stderr.ends_with(hint), "{pipe}");
    // Still wrong, and named by the same line.
    let again = named(&bench, "pipe").input("1\n\n2\nwrong\n4\n").run();
    assert!(again.stderr.starts_with("error: line 4: "), "{again}");
    named(&bench, "pipe").input("1\n\n2\n3\n4\n").run().ok();

    // In a file, which an editor may replace.
    let path = bench.path("events.jsonl");
    fs::write(&path, "5\noops\n7\n").unwrap();
    let file = bench.append().arg(&path).run();
    let hint = "\nhint: every event before line 2 is sealed, nothing from line 2 on: correct it, and give the same file again, with --input-changed\n";
    assert!(file.stderr.ends_with(hint), "{file}");
    let again = || bench.append().arg(&path).arg("--input-changed");
    for written in ["5\n6\nwrong\n", "5\n6\n7\n"] {
        fs::write(bench.path("new"), written).unwrap();
        fs::rename(bench.path("new"), &path).unwrap();
        again().run();
    }
    again().run().ok();
    assert_eq!(bench.verified(), ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn an_input_without_a_name_cannot_be_resumed_and_the_summary_says_so() {
    let bench = Bench::new();
    let run = bench.append().input("1\n").run().ok();
    let unnamed =
        "\nstandard input has no name, so it cannot be resumed: --input NAME gives it one\n";
    assert!(run.stdout.ends_with(unnamed), "{run}");
    let run = named(&bench, "pipe").input("2\n").run().ok();
    assert!(!run.stdout.contains("cannot be resumed"), "{run}");
    let json = bench.append().args(["--output", "json"]).run().ok().json();
    assert_eq!(json["resumable"], false);
    assert_eq!(json["input"], "standard input");
    // A file that is not a regular one is a pipe.
    let run = bench.append().arg("/dev/stdin").input("3\n").run().ok();
    assert!(run.stdout.contains("\n/dev/stdin has no name, "), "{run}");
    let run = bench.append().args(["--input", "a\nb"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert_eq!(bench.verified(), ["1", "2", "3"]);
}

/// Stops a pipe with SIGTERM once the last line is accepted.
fn interrupted(bench: &Bench, append: Command, lines: &[String]) -> Run {
    let (mut child, home) = start(append);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all((lines.join("\n") + "\n").as_bytes())
        .unwrap();
    accepted(&bench.path("spool"), lines.last().unwrap());
    signal(&child, "TERM");
    ended((child, home))
}

#[test]
fn after_a_signal_the_same_input_goes_on_and_another_one_is_taken_whole() {
    let bench = Bench::new();
    for count in [3, 5] {
        let run = interrupted(&bench, named(&bench, "numbers"), &numbered(count));
        assert_eq!(run.status, 1, "{run}");
        assert_eq!(
            run.stderr,
            format!(
                "error: interrupted: reading stopped after line {count}\n\
                 hint: every event up to that line is sealed: give the same input again, and it goes on there\n"
            )
        );
    }
    let run = named(&bench, "numbers").input(numbered(6).join("\n")).run();
    let skipped = "\nskipped 5 events of numbers: accepted before\n";
    assert!(run.ok().stdout.ends_with(skipped));
    let run = interrupted(&bench, bench.append(), &numbered(2));
    let hint = "\nhint: every event up to that line is sealed: go on with the next line\n";
    assert!(run.stderr.ends_with(hint), "{run}");
    bench.append().input("\"another\"\n").run().ok();
    let sealed = bench.verified();
    each_once(&sealed[..6], 6);
    each_once(&sealed[6..8], 2);
    assert_eq!(sealed[8..], ["\"another\""]);
}

#[test]
fn an_interruption_while_events_are_passed_over_says_how_to_go_on() {
    let bench = Bench::new();
    killed_after(&bench, named(&bench, "numbers"), &numbered(3));
    let (mut child, home) = start(named(&bench, "numbers"));
    // It has one of three, and waits: segment 1 shows that the three are sealed.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(numbered(1)[0].as_bytes()).unwrap();
    stdin.write_all(b"\n").unwrap();
    while !bench.path("audit/payments/000000000001.jsonl.zst").exists() {
        std::thread::yield_now();
    }
    signal(&child, "INT");
    let run = ended((child, home));
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(
        run.stderr,
        "error: interrupted: the 3 events that were accepted before were not all passed over\n\
         hint: nothing new was taken: give the same input again from its beginning\n"
    );
    named(&bench, "numbers")
        .input(numbered(4).join("\n"))
        .run()
        .ok();
    each_once(&bench.verified(), 4);
}
