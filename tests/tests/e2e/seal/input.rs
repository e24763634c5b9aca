//! `auditlog-seal` given what it should not be given, or what is at the edge of it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use auditlog_tests::{Command, Run, command};

use crate::seal::bench::{Bench, numbered};

#[test]
fn what_is_one_json_value_is_kept_byte_for_byte() {
    let bench = Bench::new();
    let odd = [
        r#"{"a":1,"a":2,"A":3}"#,
        r#"{ "b" : 1.0e+2,	"c":-0 }"#,
        "\"\\u0000\\ud7ff\"",
        r#""},\"index\":99,\"close\":{}""#,
        "\"\u{feff}\u{2028}\u{7f}\"",
        "1e308",
        "\"\"",
        "null",
        "[[[[]]]]",
    ];
    // Line ends of both kinds, white space around, and none at the end.
    let input = format!(
        "\r\n{}\r\n \t\r\n{}",
        odd[..5].join("\r\n"),
        odd[5..].join(" \n")
    );
    let run = bench.append().input(input).run().ok();
    assert!(run.stdout.starts_with("sealed 9 events in "), "{run}");
    assert_eq!(bench.verified(), odd);
}

/// jq, `DuckDB` and polars stop at such a line, and show nothing that comes after it.
#[test]
fn json_that_everyday_readers_stop_at_is_kept_as_text() {
    let bench = Bench::new();
    let awkward = [r#"{"a":"\ud800"}"#, "[1e400]", r#" "\uDFFF" "#];
    bench.append().input(awkward.join("\n")).run().ok();
    let newest = bench.objects().pop().unwrap();
    let text = String::from_utf8(zstd::stream::decode_all(newest.as_slice()).unwrap()).unwrap();
    for json in awkward {
        let stored = format!(",\"text\":{}}}\n", serde_json::json!(json.trim()));
        assert!(text.contains(&stored), "{text}");
    }
    assert_eq!(bench.verified(), [""; 0]);
}

#[test]
fn a_line_that_is_not_an_event_is_named_and_nothing_after_it_is_taken() {
    let bench = Bench::new();
    let mut expected = Vec::new();
    for (n, (bad, reason)) in [
        (&b"hello"[..], "the event is not exactly one JSON value: expected value at byte 1"),
        (b"{\"a\":1", "the event is not exactly one JSON value: EOF while parsing an object at byte 6"),
        (b"{\"a\":1}{\"b\":2}", "the event is not exactly one JSON value: trailing characters at byte 8"),
        (b"\xef\xbb\xbf{\"a\":1}", "the event begins with a byte order mark (U+FEFF), which is not part of JSON"),
        (b"{\"a\":\"\xff\"}", "the event is not UTF-8 from byte 6 on"),
        (b"\xff\xfe{\x00}\x00", "the event is not UTF-8 from byte 0 on"),
        (b"\x00\x00\x00", "the event is not exactly one JSON value: expected value at byte 1"),
        (b"{\"a\":\"b\x00c\"}", "the event is not exactly one JSON value: control character (\\u0000-\\u001F) found while parsing a string at byte 7"),
        (b"\x0c", "the event is not exactly one JSON value: expected value at byte 1"),
        (b"NaN", "the event is not exactly one JSON value: expected value at byte 1"),
    ]
    .into_iter()
    .enumerate()
    {
        let input = [format!("{n}\n").as_bytes(), bad, b"\n\"never\"\n"].concat();
        let run = bench.append().input(input).run();
        assert_eq!(run.status, 1, "{run}");
        assert_eq!(
            run.stderr,
            format!(
                "error: line 2: {reason}\n\
                 hint: every event before line 2 is sealed, nothing from line 2 on: correct it, and go on with it\n"
            )
        );
        assert!(run.stdout.starts_with("sealed 1 event in "), "{run}");
        expected.push(n.to_string());
    }
    assert_eq!(bench.verified(), expected);
}

#[test]
fn an_event_of_ten_mebibytes_is_refused_and_what_came_before_it_is_sealed() {
    let bench = Bench::new();
    let mut long = b"1\n\"".to_vec();
    long.resize(10 << 20, b'x');
    long.extend_from_slice(b"\"\n2\n");
    fs::write(bench.path("events.jsonl"), &long).unwrap();
    let file = bench.append().arg(bench.path("events.jsonl")).run();
    let pipe = bench.append().input(long).run();
    let rest = "give the same file again, with --input-changed";
    for (run, go_on) in [(file, rest), (pipe, "go on with it")] {
        assert_eq!(run.status, 1, "{run}");
        assert_eq!(
            run.stderr,
            format!(
                "error: line 2: longer than 1052672 bytes\n\
                 hint: every event before line 2 is sealed, nothing from line 2 on: correct it, and {go_on}\n"
            )
        );
    }
    // One byte more than an event may have, and exactly as many.
    let event = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let run = bench.append().input(event((1 << 20) + 1)).run();
    assert_eq!(run.status, 1, "{run}");
    let expected = "error: line 1: the event has 1048577 bytes, the limit is 1048576\n";
    assert!(run.stderr.starts_with(expected), "{run}");
    bench.append().input(event(1 << 20)).run().ok();
    // A log may take less, so that each line can be in a tile.
    let append = || bench.append().args(["--max-event-bytes", "65100"]);
    let run = append().input(format!("2\n{}\n3", event(65_101))).run();
    assert_eq!(run.status, 1, "{run}");
    let expected = "error: line 2: the event has 65101 bytes, the limit of the log is 65100\n\
                    hint: every event before line 2 is sealed, nothing from line 2 on: correct it,";
    assert!(run.stderr.starts_with(expected), "{run}");
    append().input(event(65_100)).run().ok();
    let expected = ["1".to_owned(), "1".to_owned(), event(1 << 20)];
    let limited = ["2".to_owned(), event(65_100)];
    assert_eq!(bench.verified(), [expected.as_slice(), &limited].concat());
}

#[test]
fn an_event_that_grows_beyond_the_limit_as_text_says_so() {
    let bench = Bench::new();
    // In 600,008 bytes, each of them escaped.
    let quotes = "\\\"".repeat(300_000);
    let run = bench.append().input(format!("\"\\ud800{quotes}\"")).run();
    assert_eq!(run.status, 1, "{run}");
    let expected = "error: line 1: the event must be stored as text, and has 1200013 bytes so, the limit is 1048576\n";
    assert!(run.stderr.starts_with(expected), "{run}");
}

/// Runs the command with its output and its complaints where the shell sends them.
fn redirected(bench: &Bench, redirection: &str, input: &str) -> Run {
    redirected_as(bench, redirection, &[], input)
}

/// The same, with options.
fn redirected_as(bench: &Bench, redirection: &str, options: &[&str], input: &str) -> Run {
    let script = format!("exec \"$@\" {redirection}");
    let run = Command::new("sh").args(["-c", &script, "sh"]);
    let run = run.arg(auditlog_tests::binary("auditlog-seal"));
    let run = run
        .args(["append", "--key-file"])
        .arg(bench.path("key.pem"));
    let run = run.arg("--policy").arg(bench.path("policy.json"));
    let run = run.arg("--to").arg(bench.path("audit"));
    let run = run.arg("--spool").arg(bench.path("spool"));
    run.args(options).input(input).run()
}

#[test]
fn the_next_summary_reports_what_an_unwritten_one_lost() {
    let bench = Bench::new();
    let unwritten = "error: standard output: the summary cannot be written: No space left on device (os error 28)\n";
    let named =
        |redirection, input| redirected_as(&bench, redirection, &["--input", "pipe"], input);
    let full = named(">/dev/full", "1\n2\n");
    assert_eq!(full.status, 1, "{full}");
    assert_eq!(
        full.stderr,
        format!(
            "{unwritten}hint: what was accepted is sealed, or in the spool: do not send it again; the next append reports it as recovered\n"
        )
    );
    // The same input again, with more behind it.
    let again = named("", "1\n2\n3\n").ok();
    let expected = "recovered 2 events of an interrupted run (pipe): sealed, do not send them again\nskipped 2 events of pipe: accepted before\n";
    assert!(again.stdout.ends_with(expected), "{again}");
    assert_eq!(bench.verified(), ["1", "2", "3"]);

    // The message says what stopped the run too, after what the summary would have said.
    let both = named(">/dev/full", "1\n2\n3\n4\nx\n");
    assert_eq!(both.status, 1, "{both}");
    assert!(both.stderr.starts_with(unwritten), "{both}");
    assert!(both.stderr.contains("\nerror: line 5: "), "{both}");
    let again = named("", "1\n2\n3\n4\n5\n").ok();
    assert!(again.stdout.contains("recovered 1 event of "), "{again}");
    assert_eq!(bench.verified(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_closed_output_changes_neither_the_status_nor_the_log() {
    let bench = Bench::new();
    let mut expected = Vec::new();
    for (n, redirection) in [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"]
        .iter()
        .enumerate()
    {
        let run = redirected(&bench, redirection, &format!("{n}\n")).ok();
        assert_eq!(run.stderr, "");
        expected.push(n.to_string());
        let stopped = redirected(&bench, redirection, "x\n");
        assert_eq!(stopped.status, 1, "{stopped}");
    }
    // A reader that has gone away.
    let (mut append, _home) = bench.append().into_inner();
    let append = append.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = append.spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"9\n").unwrap();
    assert!(child.wait().unwrap().success());
    expected.push("9".to_owned());
    let next = bench.append().run().ok();
    assert!(!next.stdout.contains("recovered"), "{next}");
    assert_eq!(bench.verified(), expected);
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    let bench = Bench::new();
    let hint = "hint: give a file of JSON Lines that can be read, or - for standard input; \
                the summary says how much is sealed\n";
    fs::create_dir(bench.path("folder")).unwrap();
    for (name, reason) in [
        ("folder", "is a directory"),
        ("none", "No such file or directory (os error 2)"),
    ] {
        let path = bench.path(name);
        let run = bench.append().arg(&path).run();
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
        let path = path.display();
        assert_eq!(
            run.stderr,
            format!("error: {path}: the events cannot be read: {reason}\n{hint}")
        );
    }
    // A folder as standard input is found only when it is read: the log is there by then.
    let folder = bench.path("folder");
    let run = redirected(&bench, &format!("<'{}'", folder.display()), "");
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(
        run.stderr,
        format!(
            "error: standard input: the events cannot be read: Is a directory (os error 21)\n{hint}"
        )
    );
    assert_eq!(bench.verified(), [""; 0]);
}

#[test]
fn an_input_that_is_wrong_does_not_make_the_sealer_forget_what_it_had_accepted() {
    let bench = Bench::new();
    fs::write(bench.path("events.jsonl"), numbered(9).join("\n")).unwrap();
    let append = || bench.append().args(["--input", "numbers"]);
    let full = ["--input", "numbers"];
    redirected_as(&bench, ">/dev/full", &full, &numbered(5).join("\n"));
    for _ in 0..2 {
        let wrong = append().input("1\n2\n3\n").run();
        assert_eq!(wrong.status, 1, "{wrong}");
        assert_eq!(
            wrong.stderr,
            "error: numbers has 6 bytes, but 199 bytes were accepted from it\n\
             hint: nothing new was taken: give the input as it was, from its beginning; if this is another input, give it another name with --input NAME\n"
        );
    }
    append().arg(bench.path("events.jsonl")).run().ok();
    assert_eq!(bench.verified(), numbered(9));
    // Without the name it is another input, and nothing of it is passed over.
    bench.append().input(numbered(1).join("\n")).run().ok();
    assert_eq!(bench.verified().len(), 10);
}

/// Files that are not what is asked for.
fn bad_files(bench: &Bench) -> Vec<(&'static str, &'static str)> {
    fs::create_dir(bench.path("folder")).unwrap();
    fs::write(bench.path("empty"), "").unwrap();
    fs::write(bench.path("garbage"), b"\x00\xff\xfe garbage").unwrap();
    let huge = File::create(bench.path("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    vec![
        ("folder", ": Is a directory (os error 21)\n"),
        ("none", ": No such file or directory (os error 2)\n"),
        ("empty", ""),
        ("garbage", ""),
        ("huge", " bytes\n"),
    ]
}

#[track_caller]
fn refused(run: &Run, status: i32, path: &Path, [what, reason, hint]: [&str; 3]) {
    assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{run}");
    let error = format!("error: {}: {what}", path.display());
    assert!(run.stderr.starts_with(&error), "{run}");
    assert!(run.stderr.contains(reason), "{run}");
    assert!(run.stderr.ends_with(&format!("\nhint: {hint}\n")), "{run}");
}

#[test]
fn a_file_that_is_not_a_key_is_named() {
    let bench = Bench::new();
    for (name, reason) in bad_files(&bench) {
        let run = bench.append_with(name).args(["--policy"]);
        let run = run.arg(bench.path("policy.json")).input("1\n").run();
        let (what, hint) = match name {
            "empty" | "garbage" => (
                "not a PEM file with the label PRIVATE KEY\n",
                "auditlog-seal keygen --out key.pem makes one",
            ),
            _ => (
                "the key cannot be read",
                "give the private key's own file; auditlog-seal keygen --out key.pem makes one",
            ),
        };
        refused(&run, 2, &bench.path(name), [what, reason, hint]);
    }
    assert!(!bench.path("audit").exists());
}

#[test]
fn a_file_that_is_not_a_policy_is_named() {
    let bench = Bench::new();
    let hint = "give the file that terraform output -raw trust_policy writes, or for a first try the one that auditlog-seal policy writes";
    for (name, reason) in bad_files(&bench) {
        let run = bench.append_with("key.pem").arg("--policy");
        let run = run.arg(bench.path(name)).input("1\n").run();
        refused(
            &run,
            2,
            &bench.path(name),
            ["the trust policy cannot be read", reason, hint],
        );
    }
    assert!(!bench.path("audit").exists());
}

#[test]
fn files_that_may_not_be_read_are_named() {
    let bench = Bench::new();
    fs::write(bench.path("events.jsonl"), "1\n").unwrap();
    let files = ["key.pem", "policy.json", "events.jsonl"];
    for unreadable in files {
        for name in files {
            let mode = if name == unreadable { 0o000 } else { 0o644 };
            fs::set_permissions(bench.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let run = as_nobody(&bench);
        let status = if unreadable == "events.jsonl" { 1 } else { 2 };
        assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{run}");
        let path = bench.path(unreadable);
        assert!(
            run.stderr
                .starts_with(&format!("error: {}: ", path.display())),
            "{run}"
        );
        assert!(
            run.stderr
                .contains(" cannot be read: Permission denied (os error 13)\nhint: give "),
            "{run}"
        );
    }
}

/// The command without root's right to read everything, if it is root's.
fn as_nobody(bench: &Bench) -> Run {
    let run = if is_root() {
        let without = "--bounding-set=-dac_override,-dac_read_search";
        let run = Command::new("setpriv").install_with("sudo apt-get install util-linux");
        run.arg(without)
            .arg(auditlog_tests::binary("auditlog-seal"))
    } else {
        command("auditlog-seal")
    };
    let run = run
        .args(["append", "--key-file"])
        .arg(bench.path("key.pem"));
    let run = run.arg("--policy").arg(bench.path("policy.json"));
    let run = run.arg("--to").arg(bench.path("audit"));
    let run = run.arg("--spool").arg(bench.path("spool"));
    run.arg(bench.path("events.jsonl")).run()
}

fn is_root() -> bool {
    let mut status = String::new();
    let mut file = File::open("/proc/self/status").unwrap();
    file.read_to_string(&mut status).unwrap();
    status.contains("\nUid:\t0\t")
}
