//! Segments: built, checked, and taken up after a crash.

use proptest::prelude::*;

use super::forged::{compress, content, relink, unpack};
use super::{TestKey, at, origin};
use crate::builder::{
    Batch, Provenance, ResumeError, Resumed, SegmentBuilder, Source, StoredPayload,
};
use crate::hash::{hash_parts, leaf_hash};
use crate::keys::KeySpec;
use crate::limits::{MAX_EVENT_BYTES, MAX_FRAME_BYTES};
use crate::line::{KeyChange, Line, Payload, Repeat, format_line, parse_line};
use crate::segment::{
    CheckedSegment, Expected, Head, check_segment, check_segment_lines, visit_leaf_lines,
};

/// A log with its key: segment 0, then as many segments as wanted.
pub(super) struct TestLog {
    pub(super) key: TestKey,
    pub(super) head: Head,
    pub(super) objects: Vec<Vec<u8>>,
}

impl TestLog {
    pub(super) fn create() -> Self {
        let key = TestKey::generate(KeySpec::EccNistEdwards25519);
        let head = Head::of_new_log(origin());
        let mut log = Self {
            key,
            head,
            objects: Vec::new(),
        };
        let verifier_key = log.key.verifier_key(&origin());
        let announced = KeyChange {
            verifier_key,
            previous: None,
        };
        log.finish(
            SegmentBuilder::open(log.head.clone(), at(0), Some(announced)).unwrap(),
            0,
        );
        log
    }

    pub(super) fn open(&self, seconds: i64) -> SegmentBuilder {
        SegmentBuilder::open(self.head.clone(), at(seconds), None).unwrap()
    }

    pub(super) fn seal(&mut self, events: &[&str], seconds: i64) {
        let mut builder = self.open(seconds);
        for event in events {
            let payload = StoredPayload::event(event.as_bytes()).unwrap();
            builder
                .append(
                    &Provenance::of(Source::parse("test").as_ref()),
                    &payload,
                    at(seconds),
                )
                .unwrap();
        }
        self.finish(builder, seconds);
    }

    pub(super) fn finish(&mut self, builder: SegmentBuilder, seconds: i64) {
        let closed = builder.close(at(seconds)).unwrap();
        let signature = self.key.sign(&closed.checkpoint(), closed.sealed());
        self.head = closed.head().clone();
        self.objects.push(closed.finish(vec![signature]).unwrap());
    }

    pub(super) fn check(
        &self,
        segment: u64,
    ) -> Result<CheckedSegment, (&'static str, Option<u64>)> {
        check_as(&self.objects[usize::try_from(segment).unwrap()], segment)
    }
}

pub(super) fn check_as(
    object: &[u8],
    segment: u64,
) -> Result<CheckedSegment, (&'static str, Option<u64>)> {
    let origin = origin();
    let expected = Expected {
        origin: &origin,
        segment,
        format: 1,
    };
    check_segment(object, expected).map_err(|fault| (fault.fault.code(), fault.line))
}

/// Whoever reads lines while they are checked sees those that are read afterwards.
#[test]
fn the_lines_that_a_check_hands_over_are_those_of_the_segment() {
    let mut log = TestLog::create();
    log.seal(&["{\"a\":1}", "2", "\"three\""], 10);
    for (segment, object) in (0..).zip(&log.objects) {
        let mut handed_over = Vec::new();
        let origin = origin();
        let expected = Expected {
            origin: &origin,
            segment,
            format: 1,
        };
        let mut each = |bytes: &[u8], line: &Line<'_>| {
            assert_eq!(format_line(line), bytes);
            handed_over.push(bytes.to_vec());
        };
        let checked = check_segment_lines(object, expected, &mut each).unwrap();
        assert_eq!(checked.size(), log.check(segment).unwrap().size());
        let mut afterwards = Vec::new();
        visit_leaf_lines(object, &mut |line| afterwards.push(line.to_vec())).unwrap();
        assert_eq!(handed_over, afterwards);
    }
}

#[test]
fn a_log_checks_and_each_segment_leads_to_the_next() {
    let mut log = TestLog::create();
    log.seal(&["{\"a\":1}", "2", "\"three\""], 10);
    log.seal(&[], 20);
    log.seal(&["{}"], 30);
    let mut head = Head::of_new_log(origin());
    for number in 0..4 {
        let segment = log.check(number).unwrap();
        assert_eq!(*segment.before(), head);
        segment
            .check_signatures(&[&log.key.verifier_key(&origin())])
            .unwrap();
        head = segment.head().clone();
    }
    assert_eq!(head, log.head);
    let segment = log.check(1).unwrap();
    assert_eq!(
        (segment.events(), segment.first_index(), segment.size()),
        (3, 3, 8)
    );
    assert_eq!((segment.sealed_before(), segment.sealed()), (at(0), at(10)));
    assert_eq!(log.check(0).unwrap().key_change().unwrap().previous, None);
}

#[test]
fn the_lines_are_those_of_the_guide() {
    let mut log = TestLog::create();
    log.seal(&["{\"a\":1}"], 10);
    let frames = unpack(&log.objects[1]);
    let hex = |line: &str| leaf_hash(line.as_bytes()).to_hex();
    let zero = unpack(&log.objects[0]);
    let (left, prev) = (log.check(0).unwrap().head().range.clone(), hex(&zero[1][0]));
    assert_eq!(left.size(), 3);
    let [r0, r1] = [left.roots()[0].to_hex(), left.roots()[1].to_hex()];
    let time = "2027-01-15T08:00:10.000000Z";
    assert_eq!(
        frames[0],
        [format!(
            "{{\"format\":1,\"index\":3,\"prev\":\"{prev}\",\"time\":\"{time}\",\"open\":{{\"origin\":\"acme.example/audit/payments\",\"segment\":1,\"left\":[\"{r0}\",\"{r1}\"],\"sealed_before\":\"2027-01-15T08:00:00.000000Z\"}}}}"
        )]
    );
    assert_eq!(
        frames[1],
        [format!(
            "{{\"index\":4,\"prev\":\"{}\",\"time\":\"{time}\",\"source\":\"test\",\"event\":{{\"a\":1}}}}",
            hex(&frames[0][0])
        )]
    );
    let mut left = left;
    left.append(leaf_hash(frames[0][0].as_bytes())).unwrap();
    left.append(leaf_hash(frames[1][0].as_bytes())).unwrap();
    assert_eq!(
        frames[2][0],
        format!(
            "{{\"index\":5,\"prev\":\"{}\",\"time\":\"{time}\",\"close\":{{\"segment\":1,\"events\":1,\"sealed\":\"{time}\",\"left\":[\"{}\",\"{}\"],\"frames\":\"{}\"}}}}",
            hex(&frames[1][0]),
            left.roots()[0],
            left.roots()[1],
            hash_parts(&[&compress(&frames[..2])]),
        )
    );
    assert!(frames[2][1].starts_with("{\"checkpoint\":\"acme.example/audit/payments\\n6\\n"));
    assert_eq!((frames.len(), frames[2].len()), (3, 2));
}

#[test]
fn a_clock_that_goes_back_does_not_make_times_decrease() {
    let mut log = TestLog::create();
    log.seal(&["1"], 10);
    log.seal(&["2"], 5);
    assert_eq!(log.check(2).unwrap().sealed(), at(10));
}

#[test]
fn a_rotation_carries_both_keys_and_needs_both_signatures() {
    let mut log = TestLog::create();
    let next = TestKey::generate(KeySpec::EccNistP256);
    let [old_key, new_key] = [&log.key, &next].map(|key| key.verifier_key(&origin()));
    let change = KeyChange {
        verifier_key: new_key.clone(),
        previous: Some(old_key.clone()),
    };
    let builder = SegmentBuilder::open(log.head.clone(), at(1), Some(change.clone())).unwrap();
    let closed = builder.close(at(1)).unwrap();
    let signatures = [&next, &log.key]
        .map(|key| key.sign(&closed.checkpoint(), closed.sealed()))
        .to_vec();
    log.objects.push(closed.finish(signatures).unwrap());
    let segment = log.check(1).unwrap();
    assert_eq!(segment.key_change(), Some(&change));
    segment.check_signatures(&[&new_key, &old_key]).unwrap();
    let code = |keys: &[_]| segment.check_signatures(keys).unwrap_err().fault.code();
    assert_eq!(code(&[&new_key]), "signature-count");
    assert_eq!(code(&[&old_key, &new_key]), "signature-key");
}

#[test]
fn limits_hold_for_builder_and_checker() {
    let largest = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES - 2));
    let mut log = TestLog::create();
    log.seal(&[&largest, &largest, &largest, &largest, &largest], 10);
    assert_eq!(log.check(1).unwrap().events(), 5);
    assert!(
        unpack(&log.objects[1])
            .iter()
            .flatten()
            .all(|line| line.len() < MAX_FRAME_BYTES)
    );
    assert!(StoredPayload::event(format!("{largest} ").as_bytes()).is_ok());
    assert!(StoredPayload::event(format!("[{largest}]").as_bytes()).is_err());
    assert!(StoredPayload::text(&"x".repeat(MAX_EVENT_BYTES)).is_err());
    assert!(StoredPayload::bytes(&vec![0; MAX_EVENT_BYTES]).is_err());
}

#[test]
fn an_entry_says_who_sent_it_in_which_batch_and_whether_it_may_be_a_repeat() {
    let mut log = TestLog::create();
    let mut builder = log.open(5);
    let (source, batch) = (Source::parse("vector-1"), Batch::parse("chunk 7"));
    let event = StoredPayload::event(b"1").unwrap();
    for (provenance, words) in [
        (
            Provenance {
                source: source.as_ref(),
                batch: batch.as_ref(),
                repeat: Some(Repeat::Suspected),
            },
            "\"source\":\"vector-1\",\"batch\":\"chunk 7\",\"repeat\":\"suspected\",",
        ),
        (
            Provenance {
                batch: batch.as_ref(),
                ..Provenance::default()
            },
            "\"batch\":\"chunk 7\",",
        ),
        (
            Provenance {
                repeat: Some(Repeat::Suspected),
                ..Provenance::default()
            },
            "\"repeat\":\"suspected\",",
        ),
    ] {
        let line = builder.append(&provenance, &event, at(5)).unwrap();
        let expected = format!("Z\",{words}\"event\":1}}\n");
        assert!(line.ends_with(expected.as_bytes()), "{words}");
    }
    log.finish(builder, 6);
    assert_eq!(log.check(1).unwrap().events(), 3);
    assert!(Batch::parse(&"b".repeat(255)).is_some());
    for bad in ["", "a\"b", "a\\b", "é", &"b".repeat(256)] {
        assert!(Batch::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn json_that_everyday_readers_stop_at_is_stored_as_text() {
    let stored = |json: &'static str| StoredPayload::json(json.as_bytes()).unwrap();
    let half = stored(" {\"a\":\n\"\\ud800\"} ");
    assert_eq!(
        half.as_payload(),
        Payload::Text("\"{\\\"a\\\":\\n\\\"\\\\ud800\\\"}\"")
    );
    assert_eq!(stored("[1e400]").as_payload(), Payload::Text("\"[1e400]\""));
    assert_eq!(stored(" [1e40]").as_payload(), Payload::Event("[1e40]"));
    assert!(StoredPayload::json(b"{").is_err());
    assert!(StoredPayload::event(b"1e400").is_err());
}

#[test]
fn texts_and_bytes_are_chained_too() {
    let mut log = TestLog::create();
    let mut builder = log.open(5);
    let text = StoredPayload::text("not \"json\"\n").unwrap();
    let line = builder
        .append(&Provenance::default(), &text, at(5))
        .unwrap();
    assert!(line.ends_with(b",\"text\":\"not \\\"json\\\"\\n\"}\n"));
    let bytes = StoredPayload::bytes(&[0xff, 0]).unwrap();
    let line = builder
        .append(&Provenance::default(), &bytes, at(5))
        .unwrap();
    assert!(line.ends_with(b",\"base64\":\"/wA=\"}\n"));
    log.finish(builder, 6);
    assert_eq!(log.check(1).unwrap().events(), 2);
}

#[test]
fn a_spool_is_taken_up_at_every_line_and_gives_the_same_segment() {
    let mut log = TestLog::create();
    let head = log.head.clone();
    let mut builder = log.open(5);
    let mut lines = vec![builder.opening_lines().to_vec()];
    for n in 0..4 {
        let event = n.to_string();
        let payload = StoredPayload::event(event.as_bytes()).unwrap();
        lines.push(
            builder
                .append(&Provenance::default(), &payload, at(5 + n))
                .unwrap()
                .to_vec(),
        );
    }
    let closed = builder.close(at(9)).unwrap();
    lines.push(closed.close_line().to_vec());
    let checkpoint = closed.checkpoint();
    let signature = log.key.sign(&checkpoint, closed.sealed());
    let object = closed.finish(vec![signature.clone()]).unwrap();
    for taken in 1..=lines.len() {
        let again = match SegmentBuilder::resume(&head, &lines[..taken].concat(), &[]).unwrap() {
            Resumed::Closed(closed) => {
                assert_eq!(taken, lines.len());
                closed
            }
            Resumed::Open(mut builder) => {
                assert_eq!(builder.events(), u64::try_from(taken).unwrap() - 1);
                for (n, line) in (0i64..4).zip(&lines[1..]).skip(taken - 1) {
                    let event = n.to_string();
                    let payload = StoredPayload::event(event.as_bytes()).unwrap();
                    assert_eq!(
                        builder
                            .append(&Provenance::default(), &payload, at(5 + n))
                            .unwrap(),
                        line
                    );
                }
                Box::new(builder.close(at(9)).unwrap())
            }
        };
        assert_eq!(
            (again.checkpoint(), again.close_line()),
            (checkpoint.clone(), &*lines[5])
        );
        assert_eq!(
            again.finish(vec![signature.clone()]).unwrap(),
            object,
            "{taken}"
        );
    }
    log.objects.push(object);
    assert_eq!(log.check(1).unwrap().events(), 4);
}

/// Another version of zstd may compress otherwise: then the frames that were synced before the close line are taken.
#[test]
fn a_closed_spool_keeps_the_frames_that_its_close_line_names() {
    let mut log = TestLog::create();
    let head = log.head.clone();
    log.seal(&["1", "2"], 10);
    let mut frames = unpack(&log.objects[1]);
    let last = frames.pop().unwrap();
    let second = frames[1].split_off(1);
    frames.push(second);
    let other_frames = compress(&frames);
    frames.push(last);
    relink(&mut frames, &head, &log.key);
    let spool: Vec<u8> = content(&frames.concat()[..4]);
    let resume = |given: &[u8]| SegmentBuilder::resume(&head, &spool, given);
    let Ok(Resumed::Closed(closed)) = resume(&other_frames) else {
        panic!("not closed")
    };
    let signature = log.key.sign(&closed.checkpoint(), closed.sealed());
    let object = closed.finish(vec![signature]).unwrap();
    assert_eq!(check_as(&object, 1).map(|s| s.events()), Ok(2));
    let without = resume(&[]).err().unwrap();
    assert_eq!(code(&without), "frames-mismatch");
}

fn code(error: &ResumeError) -> &'static str {
    match error {
        ResumeError::Fault(fault) => fault.fault.code(),
        ResumeError::Build(_) => "no fault",
    }
}

#[test]
fn a_spool_that_is_not_of_this_place_is_refused() {
    let mut log = TestLog::create();
    let builder = log.open(5);
    let spool = builder.opening_lines().to_vec();
    let refused = |head: &Head, spool: &[u8]| match SegmentBuilder::resume(head, spool, &[]) {
        Ok(_) => panic!("accepted"),
        Err(error) => code(&error),
    };
    assert_eq!(refused(&log.head, b""), "segment-truncated");
    assert_eq!(
        refused(&log.head, &spool[..spool.len() - 1]),
        "segment-truncated"
    );
    let mut other = log.head.clone();
    other.last_leaf = leaf_hash(b"other");
    assert_eq!(refused(&other, &spool), "prev-mismatch");
    let closed = builder.close(at(5)).unwrap();
    let mut after_close = [spool.as_slice(), closed.close_line()].concat();
    after_close.extend_from_slice(&spool);
    assert_eq!(refused(&log.head, &after_close), "line-order");
    log.seal(&[], 10);
    assert_eq!(refused(&log.head, &spool), "segment-mismatch");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_events_split_in_any_way_give_the_same_tree(
        events in prop::collection::vec("[ -~]{0,40}", 0..30),
        cuts in prop::collection::vec(0usize..30, 0..4),
    ) {
        let mut log = TestLog::create();
        let mut at_second = 1;
        for (n, event) in events.iter().enumerate() {
            let quoted = serde_json::to_string(event).unwrap();
            at_second += 1;
            if n == 0 || cuts.contains(&n) {
                log.seal(&[&quoted], at_second);
            } else {
                log.seal(&[], at_second);
            }
        }
        let mut range = crate::tree::CompactRange::empty();
        for number in 0..log.objects.len() {
            let checked = log.check(u64::try_from(number).unwrap()).unwrap();
            prop_assert_eq!(&checked.before().range, &range);
            for frame in unpack(&log.objects[number]) {
                for line in frame.iter().filter(|l| !l.starts_with("{\"checkpoint\"")) {
                    range.append(leaf_hash(line.as_bytes())).unwrap();
                }
            }
            prop_assert_eq!(checked.root(), range.root());
        }
    }

    #[test]
    fn a_line_reads_back_and_what_reads_is_written_alike(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(line) = parse_line(&bytes) {
            prop_assert_eq!(&format_line(&line), &bytes);
        }
        prop_assert!(check_as(&bytes, 1).is_err());
    }
}
