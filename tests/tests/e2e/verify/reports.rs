//! The forms of the report in files, and what a browser makes of the page.

use std::fs;
use std::path::Path;

use auditlog_chain::policy::{Acknowledged, AcknowledgedCode, Found, FoundSilence};
use auditlog_tests::{Command, root};
use serde_json::Value;

use crate::support::log::{Log, now};
use crate::verify::folder::{Folder, no_verdict};

const HOSTILE: &str = "x\"'><script>document.title='owned'<img src=x onerror=alert(1)><h1>verified<\u{202e}style>*{display:none}";

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let all = fs::read_dir(folder).expect("a folder").map(name);
    let mut all: Vec<_> = all
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    all.sort();
    all
}

#[test]
fn one_run_writes_the_report_in_every_form() {
    let folder = Folder::new();
    fs::remove_file(folder.segment(1)).expect("a removed file");
    let out = folder.path("out");
    fs::create_dir(&out).expect("a folder");
    let forms = ["a.html", "a.json", "a.xml", "a.txt"];
    let mut command = folder.command().args(["--output", "junit"]);
    for name in forms {
        command = command.arg("--report").arg(out.join(name));
    }
    let run = command.arg(folder.bucket()).run();
    assert_eq!((run.status, run.stderr.as_str()), (1, ""), "{run}");
    let [page, json, xml, text] =
        forms.map(|name| fs::read_to_string(out.join(name)).expect("a report"));
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["faults"][0]["code"], "segment-missing");
    assert_eq!(xml, run.stdout);
    assert!(
        xml.contains("<failure message=\"segment-missing: 1\""),
        "{xml}"
    );
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.starts_with("fault: 1 fault; ")),
        "{text}"
    );
    assert_eq!(names(&out), ["a.html", "a.json", "a.txt", "a.xml"]);
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = Folder::new();
    let report = |path: &str| {
        let path = folder.path(path);
        folder
            .command()
            .arg("--report")
            .arg(path)
            .arg(folder.bucket())
    };
    no_verdict(
        report("absent/a.html"),
        "cannot write the report",
        "a folder that exists",
    );
    fs::create_dir(folder.path("a.json")).expect("a folder");
    no_verdict(
        report("a.json"),
        "cannot write the report",
        "a folder that exists",
    );
    let run = report("a.pdf").run();
    assert_eq!(run.status, 2, "{run}");
    assert!(
        run.stderr
            .contains("must end in .html, .json, .xml (JUnit) or .txt"),
        "{run}"
    );
    // Where nothing could be verified, nothing is left behind.
    let before = names(&folder.path(""));
    no_verdict(
        folder
            .command()
            .arg("--report")
            .arg(folder.path("b.html"))
            .arg("./absent"),
        "",
        "",
    );
    assert_eq!(names(&folder.path("")), before);
}

/// Everything below a folder, and the bytes of its files.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            let bytes = fs::read(&path).unwrap_or_default();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// Whoever verifies must not change the evidence: what is written there would be a finding of the next run.
#[test]
fn nothing_is_written_into_the_folder_that_is_read() {
    let folder = Folder::new();
    std::os::unix::fs::symlink(folder.bucket().join("logs/payments"), folder.path("link"))
        .expect("a link");
    std::os::unix::fs::symlink(folder.bucket().join("new.json"), folder.path("pins.json"))
        .expect("a link");
    folder.command().arg(folder.bucket()).run().ok();
    let plan = |out: &str| {
        let command = auditlog_tests::command("auditlog-verify").args(["plan", "--ranges", "2"]);
        command
            .arg("--policy")
            .arg(folder.path("policy.json"))
            .arg("--out")
            .arg(folder.path(out))
    };
    plan("plan").arg(folder.bucket()).run().ok();
    let before = contents(&folder.bucket());
    let path = |name: &str| folder.path(name).display().to_string();
    for inside in [
        "bucket/a",
        "bucket/logs/payments/a",
        "link/a",
        "bucket/logs/../new/a",
    ] {
        let (html, json, zip) = (
            format!("{inside}.html"),
            format!("{inside}.json"),
            format!("{inside}.zip"),
        );
        let of_log = |subcommand: &[&str], out: &str| {
            let mut command = auditlog_tests::command("auditlog-verify").args(subcommand);
            command = command.arg("--policy").arg(folder.path("policy.json"));
            command.arg("--out").arg(path(out)).arg(folder.bucket())
        };
        let of_plan = |subcommand: &[&str]| {
            let command = auditlog_tests::command("auditlog-verify").args(subcommand);
            command.arg("--plan").arg(folder.path("plan"))
        };
        for command in [
            folder
                .command()
                .arg("--report")
                .arg(path(&html))
                .arg(folder.bucket()),
            folder
                .command()
                .arg("--pins")
                .arg(path(&json))
                .arg(folder.bucket()),
            of_log(&["prove", "--index", "4"], inside),
            of_log(&["consistency", "--first", "1"], inside),
            of_log(&["evidence", "--index", "4"], &zip),
            of_log(&["export"], inside),
            plan(inside).arg(folder.bucket()),
            of_plan(&["part", "--range", "0"])
                .arg("--out")
                .arg(path(inside)),
            of_plan(&["merge"])
                .arg("--report")
                .arg(path(&html))
                .arg(folder.path("absent")),
            of_plan(&["merge"])
                .arg("--pins")
                .arg(path(&json))
                .arg(folder.path("absent")),
        ] {
            no_verdict(
                command,
                "is in the folder that is read",
                "outside of that folder",
            );
        }
    }
    let pins = folder.command().arg("--pins").arg(folder.path("pins.json"));
    no_verdict(
        pins.arg(folder.bucket()),
        "is in the folder that is read",
        "outside of that folder",
    );
    assert_eq!(contents(&folder.bucket()), before);
    folder.verify().ok();
}

#[test]
fn a_report_is_not_written_over_what_the_run_reads() {
    let folder = Folder::new();
    fs::write(folder.path("pins.json"), "mine").expect("a file");
    fs::create_dir_all(folder.path("plan")).expect("a folder");
    fs::create_dir_all(folder.path("parts")).expect("a folder");
    fs::write(folder.path("plan/plan.json"), "mine").expect("a file");
    let before = contents(&folder.path(""));
    let path = |name: &str| folder.path(name).display().to_string();
    let verify = |arguments: &[&str], report: &str| {
        let command = auditlog_tests::command("auditlog-verify").args(arguments);
        command.arg("--report").arg(path(report))
    };
    let (policy, pins, cache) = (path("policy.json"), path("pins.json"), path("cache"));
    let (bucket, plan, parts) = (path("bucket"), path("plan"), path("parts"));
    let over_all = ["--policy", &policy, "--pins", &pins, "--cache", &cache];
    let merge = [
        "merge", "--policy", &policy, "--pins", &pins, "--plan", &plan,
    ];
    for (arguments, target, report, what) in [
        (
            &over_all[..],
            &bucket,
            "policy.json",
            "the file of --policy",
        ),
        (&over_all, &bucket, "pins.json", "the file of --pins"),
        (
            &over_all,
            &bucket,
            "cache/a.json",
            "in the folder of --cache",
        ),
        (&merge, &parts, "policy.json", "the file of --policy"),
        (&merge, &parts, "pins.json", "the file of --pins"),
        (
            &merge,
            &parts,
            "plan/plan.json",
            "in the folder of the plan",
        ),
        (
            &merge,
            &parts,
            "parts/a.json",
            "in the folder of partial results",
        ),
    ] {
        no_verdict(verify(arguments, report).arg(target), what, "another place");
    }
    no_verdict(
        verify(&over_all, "a.json").args(["--report", &path("a.json"), &bucket]),
        "a.json is named twice",
        "each file once",
    );
    assert_eq!(contents(&folder.path("")), before);
}

/// A folder in which names and reasons are chosen by somebody who wants to be read as markup.
fn hostile() -> Folder {
    let mut folder = Folder::new();
    let hour_ago = now().saturating_add_seconds(-90_000);
    folder.log = Log::sealed_at(&[hour_ago, hour_ago, now(), now()]);
    let silence = FoundSilence {
        from: hour_ago.saturating_add_seconds(-60),
        until: now().saturating_add_seconds(60),
    };
    folder.log.policy.acknowledged.push(Acknowledged {
        code: AcknowledgedCode::SilenceExceeded,
        log: Some(folder.log.policy.logs[0].origin.clone()),
        reason: HOSTILE.to_owned(),
        date: now(),
        found: Found::Silence(silence),
    });
    folder.log.write(&folder.bucket());
    folder.log.write_policy(&folder.path("policy.json"));
    let stranger = HOSTILE.replace('/', "");
    fs::write(folder.bucket().join("logs/payments").join(stranger), "").expect("a file");
    folder
}

#[test]
fn the_page_in_a_browser_shows_hostile_names_as_text() {
    let folder = hostile();
    let page = folder.path("page.html");
    let command = folder.command().arg("--report").arg(&page);
    let run = command.arg(folder.bucket()).run();
    assert_eq!(run.status, 1, "{run}");
    assert!(
        run.stdout.contains("acknowledged silence-exceeded"),
        "{run}"
    );
    let seen = Command::new("python3")
        .install_with("(apt-get install chromium)")
        .arg(root().join("tests/page.py"))
        .arg(&page)
        .run()
        .ok()
        .json();
    let count = |tag: &str| seen["elements"][tag].as_u64().unwrap_or(0);
    for (tag, expected) in [
        ("script", 0),
        ("img", 0),
        ("style", 1),
        ("h1", 1),
        ("figure", 1),
    ] {
        assert_eq!(count(tag), expected, "{tag}: {seen}");
    }
    let attributes = seen["attributes"].as_array().expect("names");
    let handler = |name: &&Value| name.as_str().is_some_and(|name| name.starts_with("on"));
    assert_eq!(attributes.iter().find(handler), None, "{seen}");
    // The page is filed alone: it has no link to a file beside it.
    assert_eq!(seen["links"].as_array().map(Vec::len), Some(0), "{seen}");
    let source = fs::read_to_string(&page).expect("the page");
    assert_eq!(source.matches("&lt;script&gt;").count(), 2, "{source}");
    for code in ["no-pin", "object-unaccounted", "silence-exceeded"] {
        assert!(source.contains(&format!("<code>{code}</code>")), "{code}");
    }
    // The page is drawn in both colour schemes: its background, and what marks a fault.
    for (scheme, page, fault) in [("light", "ffffff", "cf222e"), ("dark", "0d1117", "f85149")] {
        assert_eq!(seen[scheme]["first"], page, "{seen}");
        assert!(
            seen[scheme]["colours"][fault].as_u64() > Some(200),
            "{seen}"
        );
    }
    assert!(seen["pages"].as_u64() > Some(1), "{seen}");
}
