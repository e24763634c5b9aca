//! The page for auditors and the XML for pipelines: what is in them, how large they are, and that no name becomes markup.

use auditlog_chain::keys::PublicKey;
use auditlog_chain::policy::{
    Compromised, Ended, KeyPolicy, LockMode, LockSpan, LogPolicy, PolicyDocument, Position,
    SilenceSpan, TrustPolicy,
};
use auditlog_chain::timestamp::Timestamp;
use auditlog_chain::verifier_key::VerifierKey;

use super::{at, full, log, origin, place, report};
use crate::acknowledged::Acknowledged;
use crate::fault::Fault;
use crate::holes::{Hole, WhyAbsent};
use crate::keys::key_id;
use crate::latest::{Latest, LatestEntry, LatestEvent};
use crate::not_checked::NotChecked;
use crate::note::Note;
use crate::place::Place;
use crate::record::Record;
use crate::report::{LogReport, PageContext, Report};
use crate::source::ReadError;
use crate::timeline::Glimpse;
use crate::undecided::Unreadable;
use crate::verdict::Verdict;

const SPKI: &str = "\"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";

fn key() -> PublicKey {
    serde_json::from_str(SPKI).unwrap()
}

fn verifier_key(name: &str) -> VerifierKey {
    VerifierKey::new(origin(name), key())
}

fn log_policy(name: &str) -> LogPolicy {
    LogPolicy {
        origin: origin(name),
        prefix: format!("logs/{name}"),
        format: 1,
        began: at("01T00:00:00"),
        max_silence: vec![SilenceSpan {
            from: at("01T00:00:00"),
            seconds: 90_000,
        }],
        lock: None,
        verifier_keys: vec![verifier_key(name)],
        ended: None,
    }
}

fn document(names: &[&str]) -> PolicyDocument {
    PolicyDocument {
        trust_policy: 1,
        store: None,
        lock: vec![LockSpan {
            from: at("01T00:00:00"),
            mode: LockMode::Compliance,
            retention_days: 2192,
        }],
        logs: names.iter().map(|name| log_policy(name)).collect(),
        keys: vec![KeyPolicy {
            spec: key().spec(),
            spki: key(),
            arn: None,
            valid_from: at("02T00:00:00"),
            retired_at: Some(at("20T00:00:00")),
            lost_at: Some(at("21T00:00:00")),
            compromised: Some(Compromised {
                at: at("22T00:00:00"),
                last_good: Vec::new(),
            }),
        }],
        acknowledged: Vec::new(),
        declared_prefixes: vec!["archive/".to_owned()],
    }
}

pub(super) fn policy(names: &[&str]) -> TrustPolicy {
    TrustPolicy::check(document(names)).unwrap()
}

pub(super) fn page(report: &Report, policy: &TrustPolicy) -> String {
    report.to_html(&PageContext {
        policy,
        program: "auditlog-verify 0.1.0",
    })
}

/// A log with segments from its beginning on, a quarter of an hour each.
fn with_segments(name: &str, count: u64) -> LogReport {
    let mut log = log(name, Verdict::Verified);
    let second =
        |second: u64| at("01T00:00:00").saturating_add_seconds(i64::try_from(second).unwrap());
    let id = key_id(&verifier_key(name));
    for number in 0..count {
        let opened = number * 900;
        log.timeline.see(&Glimpse {
            number,
            written: Some((second(opened), second(opened + 890))),
            stored: Some(second(opened + 900)),
            entries: 10,
            kept_until: Some(second(opened + 900).saturating_add_days(2193)),
        });
        log.timeline.signed(&id, number, second(opened + 890));
    }
    log
}

/// The tags and the names of attributes, in order, of a document in which every element ends.
pub(super) fn structure(document: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    let document = document.trim_start_matches("<!DOCTYPE html>");
    let document = document.trim_start_matches("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    for part in document.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("an end of the tag");
        if !open.contains(&"style") {
            assert!(!text.contains('>'), "{text}");
        }
        if let Some(ended) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(ended));
            continue;
        }
        let (tag, is_empty) = tag
            .strip_suffix('/')
            .map_or((tag, false), |tag| (tag, true));
        // Values are between quotes, which no value has.
        let names: Vec<&str> = tag.split('"').step_by(2).map(str::trim).collect();
        all.push(names.join(" "));
        let name = tag.split(' ').next().unwrap();
        if !is_empty {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    all
}

pub(super) const HOSTILE: &str = "x\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;]]>\u{1b}[2J\u{202e}\u{ffff}\n--></style>";

/// A report with this name wherever a name can be chosen by others.
pub(super) fn with_name(name: &str) -> Report {
    let mut record = Record::default();
    let place = Place {
        object: Some(name.to_owned()),
        version_id: Some(name.to_owned()),
        ..place(3)
    };
    record.fault(
        Fault::ObjectMultipart {
            found: name.to_owned(),
        },
        place.clone(),
    );
    let lock = Fault::LockModeWeaker {
        expected: LockMode::Compliance,
        found: name.to_owned(),
        until: at("22T12:00:00"),
    };
    record.fault(lock, place.clone());
    let unknown = Fault::KeyUnknown {
        expected: vec![name.to_owned()],
        found: name.to_owned(),
    };
    record.fault(unknown, place.clone());
    let explained = Acknowledged {
        fault: Fault::BucketLock {
            expected: name.to_owned(),
            found: name.to_owned(),
        },
        reason: name.to_owned(),
        date: at("22T12:00:00"),
    };
    record.acknowledged(explained, place.clone());
    let error = ReadError::new(name).with_hint(name);
    record.unreadable(Unreadable::Segment, error, place.clone());
    record.note(Note::UnfinishedFiles { count: 3 }, place);
    let mut log = with_segments("payments", 5);
    log.latest = Some(latest(name));
    log.keys = vec![name.to_owned()];
    log.prefix = name.to_owned();
    log.timeline.signed(name, 3, at("22T12:00:00"));
    let outside = NotChecked::Outside {
        scope: name.to_owned(),
    };
    let mut report = report(vec![log], record, vec![outside]);
    report.target = name.to_owned();
    report
}

fn latest(name: &str) -> Latest {
    let labels = ["time", "actor", "action", "resource", "outcome"];
    let events = [
        LatestEvent::Known {
            shape: "CloudEvents",
            parts: labels.map(|label| (label, name.to_owned())).into(),
        },
        LatestEvent::Other(name.to_owned()),
    ];
    let entry = |event| LatestEntry {
        index: 7,
        written: at("01T00:00:00"),
        source: Some(name.to_owned()),
        event,
    };
    Latest {
        entries: events.map(entry).into(),
        unread: Some(name.to_owned()),
    }
}

#[test]
fn last_events_are_rows_with_who_did_what() {
    let policy = policy(&["payments"]);
    let mut log = with_segments("payments", 5);
    let without = page(
        &report(vec![log.clone()], Record::default(), Vec::new()),
        &policy,
    );
    assert!(!without.contains("Last events"), "{without}");
    log.latest = Some(latest("ada"));
    let shown = page(
        &report(vec![log.clone()], Record::default(), Vec::new()),
        &policy,
    );
    let written = at("01T00:00:00").to_rfc3339();
    for row in [
        format!("<tr><td>7</td>{}</tr>", "<td>ada</td>".repeat(6)),
        format!("<tr><td>7</td><td>{written}</td><td colspan=\"4\">ada</td><td>ada</td></tr>"),
        "<p>Not read again: ada</p>".to_owned(),
    ] {
        assert!(shown.contains(&row), "{row}: {shown}");
    }
    log.latest = Some(Latest::default());
    let empty = page(&report(vec![log], Record::default(), Vec::new()), &policy);
    assert!(
        empty.contains("<p>No events in the last segments.</p>"),
        "{empty}"
    );
}

#[test]
fn no_name_becomes_markup() {
    let plain = "nothing-strange";
    let (hostile, harmless) = (with_name(HOSTILE), with_name(plain));
    // Whatever a policy has that the page shows is of few characters.
    let policy = policy(&["payments"]);
    let bad = page(&hostile, &policy);
    assert_eq!(structure(&bad), structure(&page(&harmless, &policy)));
    assert_eq!(
        structure(&hostile.to_junit()),
        structure(&harmless.to_junit())
    );
    for document in [bad, hostile.to_junit()] {
        assert!(document.contains("&lt;script&gt;"));
        let strange = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{ffff}".contains(c);
        assert!(!document.contains(strange));
    }
}

#[test]
fn no_name_begins_a_line_of_the_text_or_moves_the_cursor() {
    let (hostile, harmless) = (with_name(HOSTILE), with_name("nothing-strange"));
    let (bad, good) = (hostile.to_text(), harmless.to_text());
    assert_eq!(bad.lines().count(), good.lines().count(), "{bad}");
    let strange = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{ffff}".contains(c);
    assert!(!bad.contains(strange), "{bad}");
}

#[test]
fn the_page_loads_and_runs_nothing() {
    let page = page(&full(), &policy(&["payments", "orders", "users"]));
    for word in [
        "<script",
        "<img",
        "<link",
        "<iframe",
        "@import",
        "http-equiv=\"refresh\"",
        " on",
    ] {
        let found = structure(&page)
            .iter()
            .any(|tag| format!("<{tag}").contains(word));
        assert!(!found, "{word}");
    }
    let addresses: Vec<&str> = page
        .match_indices("://")
        .map(|(at, _)| &page[at - 5..at])
        .collect();
    // A name in a namespace is not loaded.
    assert!(
        addresses
            .iter()
            .all(|before| before.ends_with("http") || before.ends_with("s3")),
        "{addresses:?}"
    );
    assert_eq!(
        page.matches("http://").count(),
        page.matches("http://www.w3.org/2000/svg").count()
    );
    // The page is filed alone.
    let links = page
        .match_indices("href=\"")
        .map(|(at, _)| &page[at + 6..at + 7]);
    assert!(links.into_iter().all(|first| first == "#"));
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("@media print") && page.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_says_what_was_verified_against_which_declaration_and_what_was_found() {
    let policy = policy(&["payments", "orders", "users"]);
    let page = page(&full(), &policy);
    for part in [
        "<dt>Declaration</dt><dd>SHA-256 0101010101",
        "<dt>Target</dt><dd>s3://acme-audit/</dd>",
        "COMPLIANCE for 2192 days from 2026-11-01T00:00:00Z",
        "<code>silence-exceeded</code>",
        "<code>left-unproven</code>",
        "the network was down, see INC-7",
        "<li>2 to 4 (acknowledged)</li>",
        "<td>V21 to V24, A2</td>",
        "faults: 1",
        "silence judged at 2026-11-22T12:10:00Z",
        "compromised at 2026-11-22T00:00:00",
        "may sign from 2026-11-02T00:00:00.000000Z to 2026-11-20T00:00:00.000000Z",
        "class=\"gap-acknowledged\"",
        "class=\"mark-bad\"",
        "class=\"mark-open\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // After a fault, nobody can say which facts still hold.
    assert!(!page.contains(">shown<") && page.contains(">not shown<"));
}

#[test]
fn a_log_that_verified_shows_facts_and_until_when_its_segments_are_locked() {
    let mut report = report(
        vec![with_segments("payments", 96)],
        Record::default(),
        vec![],
    );
    let page = page(&report, &policy(&["payments"]));
    assert_eq!(page.matches(">shown<").count(), 11, "{page}");
    assert!(page.contains("that each segment is locked for 366 days; 2192 are declared"));
    assert!(page.contains("segment 95, 10 entries, from 2026-11-01T23:45:00Z to 2026-11-02T00:00:00Z, locked until 2032-11-03T00:00:00Z"));
    assert_eq!(page.matches("<rect class=\"segment\" x=").count(), 96);
    assert_eq!(page.matches("<rect class=\"kept\"").count(), 96);
    assert!(page.contains("signed 96 segments, from 0 to 95"));
    let whose_word =
        "as far as whoever can write to the plan or to the partial results left nothing out";
    assert!(!page.contains(whose_word));
    report.not_checked.push(NotChecked::Parts { ranges: 2 });
    let page = super::page::page(&report, &policy(&["payments"]));
    assert_eq!(page.matches(">shown<").count(), 11);
    assert!(page.contains(whose_word));
}

/// Ten thousand findings, a million segments and hundreds of logs: the page is for people.
#[test]
fn the_page_has_a_bounded_size() {
    let mut record = Record::default();
    let (mut small, mut large) = (
        with_segments("payments", 600),
        with_segments("payments", 20_000),
    );
    for number in 0..10_100 {
        record.fault(Fault::ObjectReplica, place(number * 2));
        record.note(Note::NoPin, place(number));
        for log in [&mut small, &mut large] {
            let (first, last, why) = (number * 2, number * 2, WhyAbsent::Expired);
            log.holes.add(Hole { first, last, why });
        }
    }
    let policy = policy(&["payments"]);
    let of = |log| page(&report(vec![log], record.clone(), vec![]), &policy).len();
    let (small, large) = (of(small), of(large));
    assert!(small.abs_diff(large) < small / 2, "{small} {large}");
    assert!(large < 1_000_000, "{large}");
    let names: Vec<String> = (0..300).map(|number| format!("log{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let logs = names.iter().map(|name| with_segments(name, 700)).collect();
    let many = page(
        &report(logs, Record::default(), vec![]),
        &self::policy(&names),
    );
    assert!(many.contains("260 more logs are not drawn."));
    assert!(many.len() < 12_000_000, "{}", many.len());
}

#[test]
fn a_log_without_segments_and_one_that_ended_are_drawn() {
    let empty = LogReport {
        first_segment: None,
        opened: None,
        head: None,
        ..log("payments", Verdict::NoVerdict)
    };
    let mut document = document(&["payments"]);
    document.logs[0].ended = Some(Ended {
        segment: 9,
        size: 40,
        root: auditlog_chain::hash::Hash::from_bytes([7; 32]),
        sealed: at("02T00:00:00"),
        stored: None,
        successor: None,
    });
    let policy = TrustPolicy::check(document).unwrap();
    let mut report = report(vec![empty], Record::default(), vec![NotChecked::Storage]);
    report.at = Timestamp::EPOCH;
    let page = page(&report, &policy);
    structure(&page);
    for part in [
        "with segment 9",
        "<dt>Sound segments</dt><dd>none</dd>",
        "not judged: a folder has",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_case_of_junit_fails_for_each_group_of_rules_with_a_finding() {
    let xml = full().to_junit();
    structure(&xml);
    assert_eq!(xml, include_str!("full.xml"));
}

#[test]
fn a_log_that_nobody_could_judge_passes_no_case() {
    let mut record = Record::default();
    record.unreadable(
        Unreadable::Listing,
        ReadError::new("refused"),
        Place::default(),
    );
    let xml = report(vec![], record, vec![]).to_junit();
    assert!(
        xml.contains("failures=\"0\" errors=\"2\" skipped=\"4\""),
        "{xml}"
    );
    let mut record = Record::default();
    let place = Place::of_log(&origin("payments"));
    record.undecided(crate::undecided::Undecided::JustBegun, place);
    let young = LogReport {
        ..log("payments", Verdict::NoVerdict)
    };
    let xml = report(vec![young], record, vec![]).to_junit();
    let suite = xml.split("<testsuite ").last().unwrap();
    assert!(suite.starts_with("name=\"acme.example/audit/payments\" tests=\"10\" failures=\"0\" errors=\"2\" skipped=\"8\""), "{xml}");
}

#[test]
fn findings_that_are_not_listed_still_fail_a_case() {
    let mut record = Record::default();
    for _ in 0..10_001 {
        record.note(Note::NoPin, Place::default());
    }
    let mut other = log("payments", Verdict::Fault);
    other.head = Some(crate::pin::Pin {
        position: Position {
            segment: 1,
            size: 4,
            root: auditlog_chain::hash::Hash::from_bytes([7; 32]),
        },
        sealed: at("22T12:09:30"),
        stored: None,
    });
    let xml = report(vec![other], record, vec![]).to_junit();
    assert!(xml.contains("<testcase classname=\"auditlog.acme.example/audit/payments\" name=\"verdict\" time=\"0\"><failure"), "{xml}");
}
