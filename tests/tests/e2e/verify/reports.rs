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
    let links: Vec<&str> = seen["links"]
        .as_array()
        .expect("links")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        links,
        [
            "docs/codes/no-pin.md",
            "docs/codes/object-unaccounted.md",
            "docs/codes/silence-exceeded.md"
        ]
    );
    let source = fs::read_to_string(&page).expect("the page");
    assert_eq!(source.matches("&lt;script&gt;").count(), 2, "{source}");
    for link in links {
        assert!(root().join(link).is_file(), "{link}");
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
