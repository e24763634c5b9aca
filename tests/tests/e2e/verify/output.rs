//! The report of `auditlog-verify` where nobody reads it, and where it is full of names that somebody else chose.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::Stdio;

use auditlog_tests::{Command, Run};

use crate::verify::folder::Folder;

/// Runs a command with its standard output going there.
fn run_into(command: Command, stdout: Stdio) -> Run {
    let (mut command, _home) = command.into_inner();
    let command = command.stdin(Stdio::null()).stdout(stdout);
    let child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("the verifier");
    Run::from_output(&child.wait_with_output().expect("its end"))
}

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full device")
        .into()
}

#[test]
fn a_report_that_cannot_be_written_is_not_success_and_a_fault_stays_a_fault() {
    let folder = Folder::new();
    for form in ["text", "json"] {
        let command = folder
            .command()
            .args(["--output", form])
            .arg(folder.bucket());
        let run = run_into(command, full());
        assert_eq!(run.status, 2, "{run}");
        assert!(
            run.stderr
                .starts_with("error: cannot write the report: No space"),
            "{run}"
        );
        assert!(
            run.stderr.contains("hint: the verdict was verified"),
            "{run}"
        );
    }
    fs::remove_file(folder.segment(1)).expect("a removed file");
    let run = run_into(folder.command().arg(folder.bucket()), full());
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("hint: the verdict was fault"), "{run}");
}

/// The runtime of the language opens `/dev/null` in place of a standard output that is closed: nothing that is opened later
/// takes its number, and the report cannot end up in the pins file.
#[test]
fn a_standard_output_that_is_closed_lets_no_report_into_another_file() {
    let folder = Folder::new();
    let pins = folder.path("pins.json");
    let script = r#"exec "$@" 0>&- 1>&- 2>&-"#;
    let close = |command: Command| {
        let (inner, _home) = command.into_inner();
        let arguments = inner.get_args().map(ToOwned::to_owned);
        let shell = Command::new("sh").args(["-c", script, "sh"]);
        shell
            .arg(inner.get_program())
            .args(arguments.collect::<Vec<_>>())
            .run()
    };
    let verify = || {
        folder
            .command()
            .arg("--pins")
            .arg(&pins)
            .arg(folder.bucket())
    };
    assert_eq!(close(verify()).status, 0);
    let kept = fs::read_to_string(&pins).expect("the pins");
    assert!(kept.starts_with("{\n  \"pins\": 1,"), "{kept}");
    fs::remove_file(folder.segment(3)).expect("a removed file");
    assert_eq!(close(verify()).status, 1);
    assert_eq!(fs::read_to_string(&pins).expect("the pins"), kept);
}

#[test]
fn a_reader_that_leaves_in_the_middle_of_a_huge_report_changes_no_exit_code() {
    let folder = Folder::new();
    for number in 0..3000 {
        let name = format!("logs/payments/stranger {number}");
        fs::write(folder.bucket().join(name), "").expect("a file");
    }
    let verify = || {
        folder
            .command()
            .args(["--output", "json"])
            .arg(folder.bucket())
    };
    let whole = verify().run();
    assert_eq!(whole.json()["fault_count"], 3000);
    // More than a pipe holds, so that the verifier writes into one that is closed.
    assert!(whole.stdout.len() > 1 << 19);
    let (mut command, _home) = verify().into_inner();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("the verifier");
    let mut begin = [0; 100];
    let mut pipe = child.stdout.take().expect("its standard output");
    pipe.read_exact(&mut begin).expect("the beginning");
    drop(pipe);
    let run = Run::from_output(&child.wait_with_output().expect("its end"));
    assert_eq!((run.status, run.stderr.as_str()), (1, ""), "{run}");
}

#[test]
fn no_name_in_a_folder_moves_the_cursor_or_begins_a_line() {
    let folder = Folder::new();
    let name =
        "x\x1b[2J\x1b]0;title\x07\nverified: all is well\r\u{202e}\u{9b}1m, version 1, line 2";
    fs::write(folder.bucket().join("logs/payments").join(name), "").expect("a file");
    let run = folder.verify();
    assert_eq!(run.status, 1, "{run}");
    let strange = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!run.stdout.contains(strange), "{run}");
    assert!(
        !run.stdout.lines().any(|line| line.starts_with("verified")),
        "{run}"
    );
    assert!(
        run.stdout.contains("at:       \"logs/payments/x\\u{1b}[2J"),
        "{run}"
    );
    let json = folder
        .command()
        .args(["--output", "json"])
        .arg(folder.bucket())
        .run()
        .json();
    assert_eq!(json["faults"][0]["object"], format!("logs/payments/{name}"));
}
