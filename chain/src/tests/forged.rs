//! Segments broken in one way at a time, by who has the key and by who has not.

use super::segments::{TestLog, check_as};
use super::{TestKey, at, origin};
use crate::builder::{BuildError, Provenance, SegmentBuilder, StoredPayload};
use crate::checkpoint::{SignedCheckpoint, format_checkpoint_line, parse_checkpoint_line};
use crate::fault::Fault;
use crate::frame::{Compressor, Frames, Level};
use crate::hash::{hash_parts, leaf_hash};
use crate::keys::KeySpec;
use crate::line::{Body, KeyChange, format_line, parse_line};
use crate::origin::Origin;
use crate::segment::{Expected, Head, check_segment};

/// The content of each frame, as lines.
pub(super) fn unpack(object: &[u8]) -> Vec<Vec<String>> {
    let mut frames = Frames::new(object);
    let mut all = Vec::new();
    while !frames.is_empty() {
        let content = String::from_utf8(frames.next_frame().unwrap().to_vec()).unwrap();
        all.push(content.lines().map(str::to_owned).collect());
    }
    all
}

pub(super) fn content(lines: &[String]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect()
}

pub(super) fn compress(frames: &[Vec<String>]) -> Vec<u8> {
    let mut compressor = Compressor::new(Level::default());
    frames
        .iter()
        .flat_map(|lines| compressor.frame(&content(lines)).unwrap())
        .collect()
}

fn pack(frames: &[Vec<String>]) -> Vec<u8> {
    let Some((last, before)) = frames.split_last() else {
        return Vec::new();
    };
    let last = Compressor::new(Level::default())
        .stored_frame(&content(last))
        .unwrap();
    [compress(before), last].concat()
}

/// Makes the hashes right again after an edit, as a forger with the key would: `prev` of each line, `left` and `frames` of
/// the close line, root and signature.
pub(super) fn relink(frames: &mut [Vec<String>], before: &Head, key: &TestKey) {
    let (mut range, mut last) = (before.range.clone(), before.last_leaf);
    let mut sealed = at(0);
    for nr in 0..frames.len() {
        let (earlier, rest) = frames.split_at_mut(nr);
        for text in &mut rest[0] {
            if let Ok(mut line) = parse_line(text.as_bytes()) {
                line.prev = last;
                if let Body::Close(close) = &mut line.body {
                    close.left = range.roots().to_vec();
                    close.frames = hash_parts(&[&compress(earlier)]);
                    sealed = close.sealed;
                }
                *text = String::from_utf8(format_line(&line)).unwrap();
            }
            if let Ok(mut signed) = parse_checkpoint_line(text.as_bytes()) {
                signed.checkpoint.size = range.size();
                signed.checkpoint.root = range.root();
                signed.signatures = vec![key.sign(&signed.checkpoint, sealed)];
                *text = checkpoint_line(&signed);
            } else {
                last = leaf_hash(text.as_bytes());
                range.append(last).unwrap();
            }
        }
    }
}

type Frame = Vec<Vec<String>>;

/// A way to break a segment.
type Edit = fn(&mut Frame);

/// One fault: its code, the line at which it is seen, how to bring it about, and whether a forger made the hashes right.
type Spoil = (&'static str, Option<u64>, Forged, Edit);

#[derive(Clone, Copy, PartialEq)]
enum Forged {
    Not,
    WithTheKey,
}

fn replace(line: &mut String, from: &str, to: &str) {
    assert!(line.contains(from), "{from} in {line}");
    *line = line.replacen(from, to, 1);
}

/// Segment 1 of the test log has the lines: 1 open | 2 to 4 entries | 5 close, 6 checkpoint.
const SPOILT: &[Spoil] = &[
    ("prev-mismatch", Some(4), Forged::Not, |f| {
        replace(&mut f[1][1], "two", "TWO");
    }),
    ("index-mismatch", Some(3), Forged::Not, |f| {
        drop(f[1].remove(1));
    }),
    ("index-mismatch", Some(3), Forged::Not, |f| f[1].swap(1, 2)),
    ("index-mismatch", Some(4), Forged::Not, |f| {
        let again = f[1][1].clone();
        f[1].insert(2, again);
    }),
    ("index-mismatch", Some(3), Forged::WithTheKey, |f| {
        drop(f[1].remove(1));
    }),
    ("index-mismatch", Some(3), Forged::WithTheKey, |f| {
        replace(&mut f[1][1], "\"index\":5", "\"index\":6");
    }),
    ("index-mismatch", Some(2), Forged::Not, |f| {
        drop(f.remove(1));
    }),
    ("line-order", Some(1), Forged::Not, |f| drop(f.remove(0))),
    ("segment-truncated", Some(4), Forged::Not, |f| drop(f.pop())),
    ("segment-truncated", Some(5), Forged::Not, |f| {
        drop(f[2].pop());
    }),
    ("line-order", Some(7), Forged::Not, |f| f.push(f[1].clone())),
    ("line-order", Some(7), Forged::Not, |f| {
        f[2].push("{}".to_owned());
    }),
    ("line-order", Some(2), Forged::WithTheKey, |f| {
        let entries = f.remove(1);
        f[0].extend(entries);
    }),
    ("line-order", Some(5), Forged::WithTheKey, |f| {
        let last = f.pop().unwrap();
        f[1].extend(last);
    }),
    ("line-order", Some(6), Forged::WithTheKey, |f| {
        let last = f[2].pop().unwrap();
        f.push(vec![last]);
    }),
    ("line-form", Some(2), Forged::Not, |f| {
        f[1].insert(0, String::new());
    }),
    ("line-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "{\"index\":4", "{\"index\": 4");
    }),
    ("line-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "\"index\":4", "\"index\":04");
    }),
    ("line-form", Some(2), Forged::Not, |f| {
        f[1][0].insert(0, ' ');
    }),
    ("event-form", Some(2), Forged::Not, |f| f[1][0].push('\r')),
    ("line-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "\"event\"", "\"cipher\"");
    }),
    ("line-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "\"test\"", "\"t\u{e9}st\"");
    }),
    ("line-form", Some(1), Forged::Not, |f| {
        replace(&mut f[0][0], "{\"format\":1,", "{");
    }),
    ("event-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "{\"n\":1}", "1},\"index\":99,\"close\":{");
    }),
    ("event-form", Some(2), Forged::Not, |f| {
        replace(&mut f[1][0], "{\"n\":1}", " {\"n\":1}");
    }),
    ("format-mismatch", Some(1), Forged::WithTheKey, |f| {
        replace(&mut f[0][0], "\"format\":1", "\"format\":2");
    }),
    ("origin-mismatch", Some(1), Forged::WithTheKey, |f| {
        replace(&mut f[0][0], "payments", "payroll");
    }),
    ("origin-mismatch", Some(6), Forged::Not, |f| {
        f[2][1] = f[2][1].replace("payments", "payroll");
    }),
    ("segment-mismatch", Some(1), Forged::WithTheKey, |f| {
        replace(&mut f[0][0], "\"segment\":1", "\"segment\":2");
    }),
    ("segment-mismatch", Some(5), Forged::WithTheKey, |f| {
        replace(&mut f[2][0], "\"segment\":1", "\"segment\":2");
    }),
    ("left-count", Some(1), Forged::WithTheKey, |f| {
        replace(&mut f[0][0], "\"index\":3", "\"index\":4");
    }),
    ("events-mismatch", Some(5), Forged::WithTheKey, |f| {
        replace(&mut f[2][0], "\"events\":3", "\"events\":2");
    }),
    ("left-mismatch", Some(5), Forged::Not, |f| {
        let l = &mut f[2][0];
        let at = l.find("\"left\":[\"").unwrap() + 9;
        let c = if l.as_bytes()[at] == b'0' { "1" } else { "0" };
        l.replace_range(at..=at, c);
    }),
    ("time-decreased", Some(3), Forged::WithTheKey, |f| {
        replace(&mut f[1][1], ":10.000000Z", ":09.999999Z");
    }),
    ("time-decreased", Some(1), Forged::WithTheKey, |f| {
        replace(&mut f[0][0], "08:00:00.000000Z\"}}", "08:00:10.000001Z\"}}");
    }),
    ("time-decreased", Some(5), Forged::WithTheKey, |f| {
        replace(
            &mut f[2][0],
            "\"sealed\":\"2027-01-15T08:00:10.000000Z",
            "\"sealed\":\"2027-01-15T08:00:09.000000Z",
        );
    }),
    ("size-mismatch", Some(6), Forged::Not, |f| {
        replace(&mut f[2][1], "\\n8\\n", "\\n9\\n");
    }),
    ("root-mismatch", Some(6), Forged::Not, |f| {
        let mut s = parse_checkpoint_line(f[2][1].as_bytes()).unwrap();
        s.checkpoint.root = leaf_hash(b"");
        f[2][1] = checkpoint_line(&s);
    }),
    ("line-form", Some(6), Forged::Not, |f| {
        replace(&mut f[2][1], "\\n\\n", "\\nextension\\n\\n");
    }),
    ("line-form", Some(6), Forged::Not, |f| {
        replace(&mut f[2][1], "\\n8", "\\u000a8");
    }),
    ("key-line", Some(2), Forged::WithTheKey, |f| {
        let key_line = key_line_without_previous(&f[0][0]);
        f[0].push(key_line);
    }),
];

fn checkpoint_line(signed: &SignedCheckpoint) -> String {
    String::from_utf8(format_checkpoint_line(signed)).unwrap()
}

/// A key line as only segment 0 may have it, behind this open line.
fn key_line_without_previous(open: &str) -> String {
    let mut line = parse_line(open.as_bytes()).unwrap();
    line.index += 1;
    let verifier_key = TestKey::generate(KeySpec::EccNistP256).verifier_key(&origin());
    line.body = Body::Key(Box::new(KeyChange {
        verifier_key,
        previous: None,
    }));
    String::from_utf8(format_line(&line)).unwrap()
}

#[test]
fn every_fault_is_found_at_its_line() {
    let mut log = TestLog::create();
    let before = log.head.clone();
    log.seal(&["{\"n\":1}", "\"two\"", "3"], 10);
    let good = unpack(&log.objects[1]);
    assert_eq!(
        check_as(&pack(&good), 1).map(|s| s.events()),
        Ok(3),
        "unpacking and packing is not a fault"
    );
    for (nr, (code, line, forged, spoil)) in SPOILT.iter().enumerate() {
        let mut frames = good.clone();
        spoil(&mut frames);
        if *forged == Forged::WithTheKey {
            relink(&mut frames, &before, &log.key);
        }
        assert_eq!(
            check_as(&pack(&frames), 1).map(|s| s.events()),
            Err((*code, *line)),
            "{nr}: {frames:#?}"
        );
    }
}

/// The same lines in other frames: a forger without the key cannot even do that.
#[test]
fn other_bytes_for_the_same_lines_are_refused() {
    let mut log = TestLog::create();
    log.seal(&["1", "2"], 10);
    let good = unpack(&log.objects[1]);
    let mut split = good.clone();
    let second = split[1].split_off(1);
    split.insert(2, second);
    assert_eq!(
        check_as(&pack(&split), 1).map(|s| s.events()),
        Err(("frames-mismatch", None))
    );
    assert_eq!(
        check_as(&compress(&good), 1).map(|s| s.events()),
        Err(("frame-form", None))
    );
}

#[test]
fn what_segment_0_must_be() {
    let log = TestLog::create();
    let before = Head::of_new_log(origin());
    let good = unpack(&log.objects[0]);
    let spoilt: [(&str, Edit); 6] = [
        ("prev-mismatch", |f| {
            let other = leaf_hash(b"x").to_hex();
            let l = &mut f[0][0];
            let at = l.find("\"prev\":\"").unwrap() + 8;
            l.replace_range(at..at + 64, &other);
        }),
        ("sealed-before-mismatch", |f| {
            replace(&mut f[0][0], "08:00:00.000000Z\"}}", "08:00:00.000001Z\"}}");
        }),
        ("key-line-missing", |f| {
            f[0].pop();
            replace(&mut f[1][0], "\"index\":2", "\"index\":1");
        }),
        ("first-segment-not-empty", |f| {
            let mut l = f[1][0].clone();
            replace(&mut f[1][0], "\"index\":2", "\"index\":3");
            replace(&mut f[1][0], "\"events\":0", "\"events\":1");
            let at = l.find("\"close\"").unwrap();
            l.replace_range(at.., "\"event\":1}");
            f.insert(1, vec![l]);
        }),
        ("segment-mismatch", |f| {
            replace(&mut f[0][0], "\"segment\":0", "\"segment\":1");
        }),
        ("index-mismatch", |f| {
            replace(&mut f[0][0], "\"index\":0", "\"index\":1");
            replace(
                &mut f[0][0],
                "\"left\":[]",
                &format!("\"left\":[\"{}\"]", leaf_hash(b"x")),
            );
        }),
    ];
    for (code, spoil) in spoilt {
        let mut frames = good.clone();
        spoil(&mut frames);
        if code != "prev-mismatch" {
            relink(&mut frames, &before, &log.key);
        }
        assert_eq!(
            check_as(&pack(&frames), 0)
                .map(|s| s.events())
                .unwrap_err()
                .0,
            code
        );
    }
    let mut builder = SegmentBuilder::open(before, at(0), None).unwrap();
    let event = StoredPayload::event(b"1").unwrap();
    assert_eq!(
        builder
            .append(&Provenance::default(), &event, at(0))
            .unwrap_err(),
        BuildError::FirstSegment
    );
}

#[test]
fn an_object_in_anothers_place_is_refused() {
    let mut log = TestLog::create();
    log.seal(&["1"], 10);
    log.seal(&["2"], 20);
    assert_eq!(
        check_as(&log.objects[2], 1).unwrap_err().0,
        "segment-mismatch"
    );
    let other = Origin::parse("acme.example/audit/payroll").unwrap();
    let expected = Expected {
        origin: &other,
        segment: 1,
        format: 1,
    };
    let fault = check_segment(&log.objects[1], expected).unwrap_err();
    assert_eq!(
        (fault.fault.code(), fault.line),
        ("origin-mismatch", Some(1))
    );
}

/// A key holder can sign a segment whose `left` is forged: the segment alone cannot show it, its `before` can.
#[test]
fn a_forged_left_proves_itself_and_differs_from_the_predecessor() {
    let mut log = TestLog::create();
    let mut forged = log.head.clone();
    let roots = forged
        .range
        .roots()
        .iter()
        .map(|_| leaf_hash(b"forged"))
        .collect();
    forged.range = crate::tree::CompactRange::from_roots(forged.range.size(), roots).unwrap();
    log.head = forged;
    log.seal(&["1"], 10);
    let segment = log.check(1).unwrap();
    segment
        .check_signatures(&[&log.key.verifier_key(&origin())])
        .unwrap();
    assert_ne!(segment.before().range, log.check(0).unwrap().head().range);
}

#[test]
fn every_changed_byte_and_every_cut_is_refused() {
    let mut log = TestLog::create();
    log.seal(
        &[
            "{\"user\":\"ada\",\"did\":\"login\"}",
            "{\"user\":\"ada\",\"did\":\"logout\"}",
        ],
        10,
    );
    let key = log.key.verifier_key(&origin());
    let accepted = |object: &[u8], segment| {
        check_as(object, segment).is_ok_and(|checked| checked.check_signatures(&[&key]).is_ok())
    };
    for segment in 0..2u64 {
        let good = &log.objects[usize::try_from(segment).unwrap()];
        assert!(accepted(good, segment));
        for at in 0..good.len() {
            assert!(!accepted(&good[..at], segment), "cut at {at}");
            for value in 0..=255 {
                let mut changed = good.clone();
                changed[at] = value;
                assert!(
                    changed == *good || !accepted(&changed, segment),
                    "byte {at} = {value}"
                );
            }
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(!accepted(&longer, segment));
    }
}

#[test]
fn a_fault_says_both_sides() {
    let mut log = TestLog::create();
    log.seal(&["1"], 10);
    let mut frames = unpack(&log.objects[1]);
    replace(&mut frames[1][0], "\"index\":4", "\"index\":7");
    let origin = origin();
    let expected = Expected {
        origin: &origin,
        segment: 1,
        format: 1,
    };
    let fault = check_segment(&pack(&frames), expected).unwrap_err();
    assert_eq!((fault.line, fault.index), (Some(2), Some(4)));
    assert_eq!(
        fault.fault,
        Fault::IndexMismatch {
            expected: 4,
            found: 7
        }
    );
    assert_eq!(fault.fault.sides(), ("4".to_owned(), "7".to_owned()));
    assert_eq!(fault.to_string(), "the line has index 7, its place is 4");
}
