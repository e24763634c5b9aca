//! The snippets of the reading guide for Spark, run on a log with awkward events.

use std::fs;

use auditlog_chain::builder::StoredPayload;
use auditlog_tests::{Command, engines, root};
use serde_json::json;

use crate::support::awkward::{AWKWARD, TEXTS, deep_arrays, deep_objects};
use crate::support::log::now;
use crate::support::signed::SignedLog;

#[test]
fn spark_reads_every_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let segments = folder.path().join("payments");
    fs::create_dir(&segments).expect("a folder");
    let deep = [deep_arrays(), deep_objects()];
    let events = AWKWARD
        .iter()
        .copied()
        .chain(deep.iter().map(String::as_str));
    let events: Vec<&str> = events.collect();

    let mut others: Vec<_> = TEXTS
        .iter()
        .map(|(text, _)| StoredPayload::text(text).expect("a text"))
        .collect();
    others.push(StoredPayload::bytes(b"\xff\x00\x01").expect("bytes"));
    let mut log = SignedLog::new("acme.example/audit/payments");
    let event = |text| StoredPayload::event(str::as_bytes(text)).expect("an event");
    // The first segment of a log has no entries.
    let payloads = [
        Vec::new(),
        events.iter().copied().map(event).collect(),
        others,
    ];
    for (number, payloads) in payloads.iter().enumerate() {
        let segment = log.segment(None, payloads, now());
        fs::write(segments.join(format!("{number:012}.jsonl.zst")), segment).expect("a file");
    }
    let stored = TEXTS.iter().map(|(_, stored)| ("text", *stored));
    let entries = events.iter().map(|event| ("event", *event)).chain(stored);
    let entries = entries.chain([("base64", r#""/wAB""#)]);
    let expected: Vec<String> = entries.map(|entry| json!(entry).to_string()).collect();
    fs::write(folder.path().join("expected.jsonl"), expected.join("\n")).expect("a file");
    let read = Command::new(engines()).arg(root().join("tests/readers/check.py"));
    let read = read.arg("spark").arg(root().join("docs/guides/reading.md"));
    let read = read.arg("expected.jsonl").current_dir(folder.path());
    let run = read.env("SPARK_LOCAL_IP", "127.0.0.1").run().ok();
    assert!(run.stdout.contains("spark by lines: "), "{run}");
}
