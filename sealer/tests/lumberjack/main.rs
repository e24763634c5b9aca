//! The listener for Lumberjack over real connections. The log behind it is a thread that remembers names, as a log does.

#[allow(dead_code, reason = "the tests of Forward use the rest")]
#[path = "../forward/log.rs"]
mod log;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use auditlog_sealer::listen::Door;
use auditlog_sealer::service::{LumberjackInput, WindowRoom, serve_lumberjack};

use log::{Listener, source};

fn listener(event_id: Option<&str>) -> Listener {
    let event_id = event_id.map(str::to_owned);
    Listener::start(|listener, parts| {
        let input = LumberjackInput {
            name: "lumberjack".to_owned(),
            source: Some(source("web")),
            door: Door::default(),
            event_id,
            router: parts.router,
            room: WindowRoom::default(),
            notify: parts.notify,
        };
        serve_lumberjack(listener, Arc::new(input), parts.ending)
    })
}

fn number(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

fn window(events: usize) -> Vec<u8> {
    [b"2W".as_slice(), &number(events)].concat()
}

fn json(sequence: usize, json: &str) -> Vec<u8> {
    let (sequence, length) = (number(sequence), number(json.len()));
    [b"2J".as_slice(), &sequence, &length, json.as_bytes()].concat()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(bytes).unwrap();
    let zlib = zlib.finish().unwrap();
    [b"2C".as_slice(), &number(zlib.len()), &zlib].concat()
}

/// A window as Beats send it.
fn beats(events: &[&str]) -> Vec<u8> {
    let row = (1..).zip(events).map(|(at, event)| json(at, event));
    let row: Vec<u8> = row.collect::<Vec<_>>().concat();
    [window(events.len()), compressed(&row)].concat()
}

#[track_caller]
fn acknowledged(stream: &mut TcpStream, version: u8, sequence: usize) {
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).unwrap();
    let expected = [&[version, b'A'], number(sequence).as_slice()].concat();
    assert_eq!(answer, *expected);
}

#[test]
fn windows_of_each_form_are_taken_in_order_and_acknowledged_with_their_last_number() {
    let listener = listener(None);
    let mut stream = listener.connect();
    let old = b"1D\0\0\0\x09\0\0\0\x02\0\0\0\x04line\0\0\0\x02hi\0\0\0\x04host\0\0\0\x01h";
    let alone = [window(2), json(6, "\"a\""), json(7, "\"b\"")].concat();
    // Both are on the way before the first is acknowledged, as Beats send them.
    let two = [beats(&["1", "2", "3"]), beats(&["4"])].concat();
    let all = [two, alone, [b"1W\0\0\0\x01", old.as_slice()].concat()].concat();
    stream.write_all(&all).unwrap();
    for (version, sequence) in [(b'2', 3), (b'2', 1), (b'2', 7), (b'1', 9)] {
        acknowledged(&mut stream, version, sequence);
    }
    // A window that is not whole before the next, and events without one.
    let rest = [
        window(9),
        json(1, "5"),
        json(2, "6"),
        beats(&["7"]),
        json(4, "8"),
        compressed(&[json(5, "9"), json(6, "10")].concat()),
        window(0),
    ];
    stream.write_all(&rest.concat()).unwrap();
    for sequence in [2, 1, 4, 6] {
        acknowledged(&mut stream, b'2', sequence);
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    let old = r#"{"line":"hi","host":"h"}"#;
    let expected = [
        "1", "2", "3", "4", "\"a\"", "\"b\"", old, "5", "6", "7", "8", "9", "10",
    ];
    assert_eq!(listener.log.events(), expected);
    let batches = listener.log.batches();
    assert!(batches.iter().all(|batch| batch.source == "web"));
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}

#[test]
fn window_that_comes_again_is_dropped_where_events_have_ids_and_marked_where_not() {
    let listener = listener(Some("id"));
    let with_id = [r#"{"n":1,"@metadata":{"_id":"x1"}}"#, r#"{"id":"x2"}"#];
    let in_another_order = r#"{"@metadata":{"_id":"x1"},"n":1}"#;
    let without = [r#"{"@metadata":{"_id":"x1"}}"#, "{}"];
    for events in [with_id, without] {
        for _ in 0..2 {
            // The first answer is lost with its connection.
            let mut stream = listener.connect();
            stream.write_all(&beats(&events)).unwrap();
            acknowledged(&mut stream, b'2', 2);
        }
    }
    // The same events under other numbers, with their members in another order, are the same window.
    let row = [json(8, in_another_order), json(9, with_id[1])].concat();
    let mut stream = listener.connect();
    stream.write_all(&[window(2), row].concat()).unwrap();
    acknowledged(&mut stream, b'2', 9);
    let known = |is_unique| {
        let batches = listener.log.batches().into_iter();
        let of_kind = batches.filter(|batch| batch.is_unique == is_unique);
        of_kind.map(|batch| batch.is_known).collect::<Vec<_>>()
    };
    assert_eq!(known(true), [false, true, true]);
    assert_eq!(known(false), [false, true]);
}

#[test]
fn window_of_which_anything_is_wrong_is_refused_as_a_whole() {
    let listener = listener(None);
    let nested = compressed(&compressed(&json(1, "1")));
    for (number, (bytes, reason)) in (1..).zip([
        (
            beats(&["1", "{"]),
            "event 2 of the window: the event is not exactly one JSON value",
        ),
        (
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            "a frame begins with the byte 0x47: expected a version of Lumberjack, 1 or 2",
        ),
        (
            [window(1), b"2X".to_vec()].concat(),
            "a frame has the type 0x58: expected W, J, D or C",
        ),
        (
            [window(1), nested].concat(),
            "a compressed frame is in a compressed frame",
        ),
        (
            [window(1), b"2J\0\0\0\x01\xff\xff\xff\xff".to_vec()].concat(),
            "an event has more than 1052672 bytes",
        ),
    ]) {
        let mut stream = listener.connect();
        // The listener may close before all is sent.
        _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"", "{reason}");
        let refusals = listener.refusals(number);
        let last = refusals.last().unwrap();
        assert!(last.starts_with(reason), "{last}");
    }
    assert_eq!(listener.log.events(), Vec::<String>::new());
}

#[test]
fn large_window_is_in_parts_and_one_that_is_too_large_is_refused() {
    let listener = listener(None);
    let large = format!("\"{}\"", "x".repeat(1_000_000));
    let mut stream = listener.connect();
    stream.write_all(&beats(&[large.as_str(); 20])).unwrap();
    acknowledged(&mut stream, b'2', 20);
    let batches = listener.log.batches();
    assert_eq!(batches.len(), 4);
    assert!(batches[3].name.ends_with(":4"), "{}", batches[3].name);
    assert_eq!(listener.log.events(), [large.as_str(); 20]);
    let mut stream = listener.connect();
    _ = stream.write_all(&beats(&[large.as_str(); 70]));
    let refusals = listener.refusals(1);
    let expected = "the window has more than 67108864 bytes: set a smaller bulk_max_size";
    assert_eq!(refusals, [expected]);
}

#[test]
fn sender_that_waits_hears_that_its_window_is_not_forgotten() {
    let listener = listener(None);
    listener.log.set_trouble(Some("the disk is full"));
    let mut stream = listener.connect();
    let begun = Instant::now();
    stream.write_all(&beats(&["1"])).unwrap();
    acknowledged(&mut stream, b'2', 0);
    assert!(begun.elapsed().as_secs() < 10);
    listener.log.set_trouble(None);
    acknowledged(&mut stream, b'2', 1);
    assert_eq!(listener.log.events(), ["1"]);
}

#[test]
fn service_that_ends_acknowledges_the_windows_that_it_has_taken() {
    let listener = listener(None);
    let answering = listener.log.hold_answers();
    let mut stream = listener.connect();
    // The second one has begun to arrive.
    stream.write_all(&beats(&["1", "2"])).unwrap();
    stream.write_all(&window(1)).unwrap();
    listener.log.await_offers(1);
    listener.end();
    drop(answering);
    acknowledged(&mut stream, b'2', 2);
    assert_eq!(
        stream.read(&mut [0]).unwrap(),
        0,
        "it is closed, and not reset"
    );
    assert_eq!(listener.log.events(), ["1", "2"]);
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}
