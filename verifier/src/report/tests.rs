//! The report, letter by letter: `tests/*.txt` and `tests/*.json` beside this file are what programs and people rely on.

use std::collections::BTreeMap;

use auditlog_chain::hash::Hash;
use auditlog_chain::origin::Origin;
use auditlog_chain::policy::Position;
use auditlog_chain::timestamp::Timestamp;

use super::{LogReport, Report};
use crate::acknowledged::Acknowledged;
use crate::fault::{Fault, Silence};
use crate::holes::{Hole, Holes, WhyAbsent};
use crate::not_checked::NotChecked;
use crate::note::{Note, Unproven};
use crate::pin::Pin;
use crate::place::Place;
use crate::record::Record;
use crate::run::Run;
use crate::source::ReadError;
use crate::timeline::Timeline;
use crate::undecided::{Undecided, Unreadable};
use crate::verdict::Verdict;

#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod page;
mod several;

#[test]
fn the_text_says_what_a_run_did_not_read_again() {
    let mut report = report(
        vec![log("payments", Verdict::Verified)],
        Record::default(),
        vec![],
    );
    let cached = |cached_segments| Run::Whole { cached_segments };
    let line = "\nread     all but 64 segments that an earlier run verified and the cache has\n";
    for (run, is_said) in [(None, false), (Some(0), false), (Some(64), true)] {
        report.run = cached(run);
        assert_eq!(report.to_text().contains(line), is_said, "{run:?}");
    }
}

fn origin(name: &str) -> Origin {
    Origin::parse(&format!("acme.example/audit/{name}")).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("2026-11-{text}Z")).unwrap()
}

fn log(name: &str, verdict: Verdict) -> LogReport {
    LogReport {
        origin: origin(name),
        prefix: format!("logs/{name}"),
        verdict,
        segments: 4,
        entries: 6,
        first_segment: Some(0),
        opened: Some(at("22T12:00:00.000001")),
        head: Some(Pin {
            position: Position {
                segment: 9,
                size: 40,
                root: Hash::from_bytes([7; 32]),
            },
            sealed: at("22T12:09:30"),
            stored: Some(at("22T12:09:32")),
        }),
        holes: Holes::default(),
        shadowed: 0,
        keys: vec!["00c0ffee".to_owned()],
        timeline: Timeline::default(),
        verified: None,
        ends: BTreeMap::new(),
        latest: None,
    }
}

fn report(logs: Vec<LogReport>, record: Record, not_checked: Vec<NotChecked>) -> Report {
    Report {
        policy_digest: Hash::from_bytes([1; 32]),
        target: "s3://acme-audit/".to_owned(),
        now: at("23T00:00:00"),
        at: at("23T00:00:00"),
        is_asked_for: false,
        logs,
        record,
        not_checked,
        run: Run::Whole {
            cached_segments: None,
        },
    }
}

/// A segment of the log `payments`.
fn place(number: u64) -> Place {
    Place {
        object: Some(format!("logs/payments/{number:012}.jsonl.zst")),
        version_id: Some(format!("v{number}")),
        ..Place::of_log(&origin("payments"))
    }
}

fn silence() -> Fault {
    Fault::SilenceExceeded {
        place: Silence::Between,
        from: at("22T12:00:00"),
        until: at("22T13:00:00"),
        deadline: at("22T12:10:00"),
    }
}

/// One of everything.
fn full() -> Report {
    let mut record = Record::default();
    record.fault(silence(), place(5));
    let beside = Place {
        object: Some("logs/payments/x y".to_owned()),
        version_id: Some("v\u{1b}[2J\u{7f}\u{202e}\u{1f600}".to_owned()),
        ..Place::default()
    };
    let stranger = Fault::ObjectUnaccounted { what: "an object" };
    record.fault(stranger, beside);
    let at_line = Place {
        line: Some(1),
        index: Some(13),
        ..place(6)
    };
    let expected = auditlog_chain::fault::Fault::IndexMismatch {
        expected: 12,
        found: 13,
    };
    record.fault(expected.into(), at_line);
    let explained = Acknowledged {
        fault: silence(),
        reason: "the network was down, see INC-7".to_owned(),
        date: at("22T18:00:00"),
    };
    record.acknowledged(explained, place(3));
    let error = ReadError::new("cannot read it").with_hint("verify again");
    record.unreadable(Unreadable::Segment, error, place(7));
    let no_last_good = Undecided::NoLastGood {
        key_id: "00c0ffee".to_owned(),
    };
    record.undecided(no_last_good, Place::of_log(&origin("payments")));
    let unproven = Note::LeftUnproven {
        segment: 8,
        why: Unproven::NotSound,
    };
    record.note(unproven, place(8));
    record.note(Note::UnfinishedFiles { count: 1 }, Place::default());
    let mut payments = log("payments", Verdict::Fault);
    for (first, last, why) in [
        (1, 1, WhyAbsent::Expired),
        (2, 4, WhyAbsent::Acknowledged),
        (10, 11, WhyAbsent::Expired),
        (13, 13, WhyAbsent::Expired),
    ] {
        payments.holes.add(Hole { first, last, why });
    }
    payments.shadowed = 2;
    let empty = LogReport {
        segments: 0,
        entries: 0,
        first_segment: None,
        opened: None,
        head: None,
        keys: Vec::new(),
        ..log("orders", Verdict::NoVerdict)
    };
    let not_checked = vec![
        NotChecked::Log {
            origin: origin("users"),
        },
        NotChecked::Outside {
            scope: "logs/".to_owned(),
        },
        NotChecked::Clock,
    ];
    let mut report = report(vec![payments, empty], record, not_checked);
    report.at = at("22T12:10:00");
    report.is_asked_for = true;
    report
}

#[test]
fn the_text_of_a_report_with_one_of_everything() {
    assert_eq!(full().to_text(), include_str!("tests/full.txt"));
}

#[test]
fn the_json_of_a_report_with_one_of_everything() {
    assert_eq!(full().to_json(), include_str!("tests/full.json"));
}

#[test]
fn the_last_line_of_a_log_that_verified() {
    let mut good = report(
        vec![log("payments", Verdict::Verified)],
        Record::default(),
        vec![],
    );
    assert_eq!(
        good.last_line(),
        "verified: acme.example/audit/payments: 6 entries in segments 0 to 9, \
         2026-11-22T12:00:00.000001Z to 2026-11-22T12:09:30Z, under key 00c0ffee"
    );
    // In a folder, nothing but the signer's times shows that what is absent has expired.
    good.not_checked.push(NotChecked::Storage);
    good.logs[0].holes.add(Hole {
        first: 1,
        last: 2,
        why: WhyAbsent::Expired,
    });
    assert_eq!(
        good.last_line(),
        "verified: acme.example/audit/payments: 6 entries in segments 0 to 9 except 1 to 2 (expired), \
         2026-11-22T12:00:00.000001Z to 2026-11-22T12:09:30Z, under key 00c0ffee; expiry is the signer's word; \
         storage not checked"
    );
    good.logs.clear();
    assert_eq!(
        good.last_line(),
        "verified: nothing was verified; storage not checked"
    );
}

/// A thousand findings of one kind do not hide the one of another kind.
#[test]
fn the_text_shows_the_first_findings_of_each_kind_and_counts_the_others() {
    let mut record = Record::default();
    for number in 0..1_000 {
        record.fault(Fault::ObjectReplica, place(number));
        record.note(Note::NoPin, Place::default());
    }
    record.fault(silence(), place(1_000));
    let text = report(vec![], record, vec![]).to_text();
    let begins = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(begins("fault object-replica: "), 21);
    assert_eq!(begins("fault silence-exceeded: "), 1);
    assert_eq!(begins("note no-pin: "), 21);
    let more = "fault object-replica: 980 more of log acme.example/audit/payments, \
                listed by `--output json`\n";
    assert!(text.contains(&format!("\n\n{more}")), "{text}");
    assert!(
        text.contains("\nnote no-pin: 980 more, listed by "),
        "{text}"
    );
    assert!(text.contains("\nfault: 1001 faults; "), "{text}");
}

#[test]
fn what_is_not_listed_is_counted() {
    let mut record = Record::default();
    for _ in 0..10_001 {
        record.fault(Fault::ObjectReplica, place(1));
        record.note(Note::NoPin, Place::default());
    }
    let report = report(vec![], record, vec![]);
    let text = report.to_text();
    for line in [
        "\nfault: 1 more not listed\n",
        "\nnote: 1 more not listed\n",
        "\nfault: 10001 faults; nothing was verified\n",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["note_count"], 10_001);
    assert_eq!(json["notes"].as_array().unwrap().len(), 10_000);
}
