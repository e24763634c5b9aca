//! The snippets of the reading guide, each run by its reader on a sealed log with awkward events.

use std::fs;

use auditlog_chain::builder::StoredPayload;
use auditlog_tests::{Command, command, readers, root};
use serde_json::json;

use crate::seal::bench::{Bench, ORIGIN};
use crate::support::awkward::{AWKWARD, TEXTS, deep_arrays, deep_objects};
use crate::support::log::now;
use crate::support::signed::SignedLog;

/// Kind and payload of each entry, as stored.
type Entries = Vec<(&'static str, String)>;

/// A log in the folder `audit/payments` of a bench: awkward events, an object as deep as allowed in a segment of its own, many frames,
/// segments without entries, text and base64. Returns its entries, and the name of the deep segment.
fn sealed(bench: &Bench) -> (Entries, &'static str) {
    let (arrays, objects) = (deep_arrays(), deep_objects());
    let long = format!(r#"{{"long":"{}"}}"#, "x".repeat(900_000));
    let pad = "p".repeat(500);
    let many: Vec<_> = (0..3000)
        .map(|n| format!(r#"{{"n":{n},"pad":"{pad}"}}"#))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let awkward = [AWKWARD, &[&arrays, &long]].concat();
    let mut entries = Entries::new();
    for lines in [awkward.as_slice(), &[], &[&objects], &many] {
        let input = lines.iter().map(|line| format!("{line}\n"));
        bench.append().input(input.collect::<String>()).run().ok();
        entries.extend(lines.iter().map(|line| ("event", (*line).to_owned())));
    }
    entries.extend(without_json(bench));
    (entries, "000000000003")
}

/// Adds a segment with text and base64, which no input of the command holds yet.
fn without_json(bench: &Bench) -> Entries {
    let text = |(text, _): &(&'static str, _)| StoredPayload::text(text).expect("a text");
    let mut payloads: Vec<_> = TEXTS.iter().map(text).collect();
    payloads.push(StoredPayload::bytes(b"\xff\x00\x01").expect("bytes"));
    let objects = bench.objects();
    let newest = objects.last().expect("a segment");
    let number = objects.len() - 1;
    let mut log = SignedLog::after(
        newest,
        number.try_into().expect("a number"),
        ORIGIN,
        &bench.path("key.pem"),
    );
    let segment = log.segment(None, &payloads, now());
    let name = format!("audit/payments/{:012}.jsonl.zst", number + 1);
    fs::write(bench.path(&name), segment).expect("a file");
    let texts = TEXTS
        .iter()
        .map(|(_, stored)| ("text", (*stored).to_owned()));
    texts.chain([("base64", r#""/wAB""#.to_owned())]).collect()
}

/// Runs the snippets of the guide for a reader.
fn read_with(name: &str) {
    let bench = Bench::new();
    let (entries, deep) = sealed(&bench);
    let verify = command("auditlog-verify")
        .arg("--policy")
        .arg(bench.path("policy.json"));
    verify.arg(bench.path("audit")).run().ok();
    let expected = entries.iter().map(|entry| format!("{}\n", json!(entry)));
    fs::write(bench.path("expected.jsonl"), expected.collect::<String>()).expect("a file");
    fs::write(bench.path("audit/deep"), deep).expect("a file");
    let read = Command::new(readers()).arg(root().join("tests/readers/check.py"));
    let read = read.arg(name).arg(root().join("docs/guides/reading.md"));
    read.arg(bench.path("expected.jsonl"))
        .current_dir(bench.path("audit"))
        .run()
        .ok();
}

#[test]
fn jq_reads_every_entry() {
    read_with("jq");
}

#[test]
fn python_reads_every_entry() {
    read_with("python");
}

#[test]
fn duckdb_reads_every_entry() {
    read_with("duckdb");
}

#[test]
fn polars_reads_every_entry() {
    read_with("polars");
}

#[test]
fn clickhouse_reads_every_entry() {
    read_with("clickhouse");
}
