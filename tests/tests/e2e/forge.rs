//! The demo's forgeries are skilful: each is refused for the one thing that a forger cannot mend, and for nothing before it.

use std::fs;
use std::path::Path;

use auditlog_chain::builder::{Source, StoredPayload};
use auditlog_chain::origin::Origin;
use auditlog_chain::segment::{Expected, FORMAT, check_segment};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;
use auditlog_tests::{Command, python, root};

use crate::support::signed::SignedLog;

const ORIGIN: &str = "acme.example/audit/deployments";

/// Three segments with lines of what Terraform and git say, and the key that they are signed with.
fn log(folder: &Path) -> VerifierKey {
    let created = br#"{"@message":"auditlog_signing_key.audit: Creation complete after 0s","type":"apply_complete"}"#;
    let events: [&[&[u8]]; 3] = [
        &[],
        &[
            br#"{"@message":"Plan: 2 to add","type":"change_summary"}"#,
            created,
            br#"{"type":"outputs"}"#,
            b"[1]",
        ],
        &[br#"{"commit":"7daa","subject":"Fr\u00fchling \"\u2013\""}"#],
    ];
    let time = Timestamp::parse_rfc3339("2026-11-22T20:00:00Z").expect("a time");
    let terraform = Source::parse("terraform");
    let mut log = SignedLog::new(ORIGIN);
    for (number, events) in events.iter().enumerate() {
        let event = |event: &&'static [u8]| StoredPayload::event(event).expect("an event");
        let events: Vec<_> = events.iter().map(event).collect();
        let object = log.segment(terraform.as_ref(), &events, time);
        fs::write(folder.join(format!("{number:012}.jsonl.zst")), object).expect("a file");
    }
    log.key().clone()
}

/// Code and line of the first fault of each segment.
fn faults(folder: &Path, key: &VerifierKey) -> Vec<(u64, &'static str, Option<u64>)> {
    let origin = Origin::parse(ORIGIN).expect("an origin");
    let check = |segment: u64| {
        let object = fs::read(folder.join(format!("{segment:012}.jsonl.zst"))).ok()?;
        let expected = Expected {
            origin: &origin,
            segment,
            format: FORMAT,
        };
        let checked =
            check_segment(&object, expected).and_then(|checked| checked.check_signatures(&[key]));
        checked
            .err()
            .map(|fault| (segment, fault.fault.code(), fault.line))
    };
    (0..3).filter_map(check).collect()
}

fn forge(what: &str) -> Vec<(u64, &'static str, Option<u64>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let key = log(folder.path());
    assert_eq!(faults(folder.path(), &key), [], "the log is good before");
    let forged = Command::new(python())
        .arg(root().join("examples/demo/forge.py"))
        .arg(what)
        .arg(folder.path())
        .run()
        .ok();
    assert_eq!(
        forged.stdout.lines().count(),
        1,
        "one sentence says what was forged: {forged}"
    );
    let last = folder.path().join("000000000002.jsonl.zst");
    assert_eq!(last.exists(), what != "tail-cut-off");
    faults(folder.path(), &key)
}

#[test]
fn an_edited_entry_is_found_by_the_line_after_it() {
    // Line 3 was edited: the open line, a summary, the creation.
    assert_eq!(forge("entry-edited"), [(1, "prev-mismatch", Some(4))]);
}

#[test]
fn a_removed_entry_with_all_hashes_mended_fails_by_its_signature_alone() {
    assert_eq!(forge("entry-removed"), [(1, "signature-invalid", None)]);
}

#[test]
fn a_rewritten_segment_signed_by_another_key_fails_by_its_key_alone() {
    assert_eq!(forge("other-key"), [(1, "signature-key", None)]);
}

#[test]
fn a_tail_cut_off_leaves_segments_that_are_good_in_themselves() {
    assert_eq!(forge("tail-cut-off"), []);
}
