//! The listener for syslog over real connections. The log behind it is a thread that remembers names, as a log does.

#[allow(dead_code, reason = "other listeners use the rest")]
#[path = "../forward/log.rs"]
mod log;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_sealer::listen::{Access, Door};
use auditlog_sealer::service::{LargeMessages, SyslogInput, Transport, serve_syslog};

use log::{Listener, source};

fn listener(transport: Transport) -> Listener {
    routed(transport, None)
}

/// A listener whose log takes what has this tag, or everything.
fn routed(transport: Transport, tag: Option<&str>) -> Listener {
    Listener::start_routed(tag, move |listener, parts| {
        let input = SyslogInput {
            name: "syslog".to_owned(),
            transport,
            access: Access {
                source: Some(source("web")),
                ..Access::default()
            },
            door: Door::default(),
            event_id: Some("a@1/id".to_owned()),
            router: parts.router,
            room: LargeMessages::default(),
            notify: parts.notify,
        };
        serve_syslog(listener, Arc::new(input), parts.ending)
    })
}

/// The messages that are in the log as they came, once there are so many.
fn messages(listener: &Listener, expected: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let events = listener.log.events();
        if events.len() >= expected {
            return events.iter().map(|event| raw(event)).collect();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{events:?}");
        thread::yield_now();
    }
}

fn raw(event: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    let raw = event.get("raw").unwrap_or(&event);
    raw.as_str().unwrap().to_owned()
}

fn frame(number: u32, command: &str, data: &str) -> String {
    match data.len() {
        0 => format!("{number} {command} 0\n"),
        length => format!("{number} {command} {length} {data}\n"),
    }
}

const OPEN: &str = "1 open 30 relp_version=0\ncommands=syslog\n";

/// A session that was opened.
fn open(listener: &Listener) -> TcpStream {
    let mut stream = listener.connect();
    let answer = frame(
        1,
        "rsp",
        "200 OK\nrelp_version=0\nrelp_software=auditlog-seal\ncommands=syslog",
    );
    answered(&mut stream, OPEN, &answer);
    stream
}

/// Sends frames, and expects these answers.
#[track_caller]
fn answered(stream: &mut TcpStream, frames: &str, expected: &str) {
    stream.write_all(frames.as_bytes()).unwrap();
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), expected);
}

/// Sends frames, and returns all that comes until the connection ends.
fn until_the_end(stream: &mut TcpStream, bytes: &str) -> String {
    // The listener may close before all is sent.
    _ = stream.write_all(bytes.as_bytes());
    _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

const BYE: &str = "0 serverclose 0\n";

#[test]
fn each_message_of_relp_is_answered_in_order_and_the_session_is_closed() {
    let listener = listener(Transport::Relp);
    let mut stream = open(&listener);
    let many: String = (2..=300)
        .map(|n| frame(n, "syslog", &format!("<13>app: {n}")))
        .collect();
    let answers: String = (2..=300).map(|n| frame(n, "rsp", "200 OK")).collect();
    answered(&mut stream, &many, &answers);
    // Byte by byte, as a slow network has it.
    for byte in frame(301, "syslog", "<13>app: 301").as_bytes() {
        stream.write_all(&[*byte]).unwrap();
        thread::yield_now();
    }
    answered(&mut stream, "", &frame(301, "rsp", "200 OK"));
    answered(
        &mut stream,
        &frame(302, "open", "relp_version=0"),
        &frame(302, "rsp", "200 OK"),
    );
    let last = until_the_end(&mut stream, &frame(303, "close", ""));
    assert_eq!(last, frame(303, "rsp", "") + BYE);
    let expected: Vec<String> = (2..=301).map(|n| format!("<13>app: {n}")).collect();
    assert_eq!(messages(&listener, 300), expected);
    assert!(
        listener
            .log
            .batches()
            .iter()
            .all(|batch| batch.source == "web")
    );
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}

#[test]
fn message_that_comes_again_over_another_session_is_marked_or_dropped_by_its_id() {
    let listener = listener(Transport::Relp);
    let with_id = "<13>1 - web app - - [a@1 id=\"x\"] hello";
    let without = "<13>1 - web app - - - hello";
    for _ in 0..2 {
        let mut stream = open(&listener);
        let frames = frame(2, "syslog", with_id) + &frame(3, "syslog", without);
        let answers = frame(2, "rsp", "200 OK") + &frame(3, "rsp", "200 OK");
        answered(&mut stream, &frames, &answers);
        // It breaks, and the client does not know what was answered.
        drop(stream);
    }
    let batches = listener.log.batches();
    let found: Vec<(bool, bool)> = batches
        .iter()
        .map(|batch| (batch.is_unique, batch.is_known))
        .collect();
    assert_eq!(
        found,
        [(true, false), (false, false), (true, true), (false, true)]
    );
    assert!(
        batches[0].name.starts_with("syslog:"),
        "{}",
        batches[0].name
    );
}

#[test]
fn log_that_takes_nothing_withholds_the_answers_until_it_does() {
    let listener = listener(Transport::Relp);
    let mut stream = open(&listener);
    listener.log.set_trouble(Some("the disk is full"));
    stream
        .write_all(frame(2, "syslog", "<13>a: 1").as_bytes())
        .unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    stream.read(&mut [0; 1]).unwrap_err();
    // A client that has lost its patience sends again. It is reset, as it is closed with an answer that was not read.
    let mut gone = listener.connect();
    gone.write_all(OPEN.as_bytes()).unwrap();
    gone.peek(&mut [0; 1]).unwrap();
    gone.write_all(frame(2, "syslog", "<13>a: gone").as_bytes())
        .unwrap();
    drop(gone);
    thread::sleep(Duration::from_millis(500));
    listener.log.set_trouble(None);
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    answered(&mut stream, "", &frame(2, "rsp", "200 OK"));
    assert_eq!(messages(&listener, 1), ["<13>a: 1"]);
}

#[test]
fn what_was_taken_is_answered_when_the_service_ends() {
    let listener = listener(Transport::Relp);
    let mut stream = open(&listener);
    let held = listener.log.hold_answers();
    let message = frame(2, "syslog", "<13>a: 1");
    stream.write_all(message.as_bytes()).unwrap();
    listener.log.await_offers(1);
    listener.end();
    drop(held);
    answered(&mut stream, "", &frame(2, "rsp", "200 OK"));
    assert_eq!(until_the_end(&mut stream, ""), BYE);
    assert_eq!(messages(&listener, 1), ["<13>a: 1"]);
}

#[test]
fn hostile_sessions_of_relp_are_closed_with_a_reason_and_what_was_before_is_answered() {
    let listener = listener(Transport::Relp);
    let good = frame(2, "syslog", "<13>a: 1");
    let before = frame(2, "rsp", "200 OK");
    let wrong = [
        (
            format!("{OPEN}{good}3 syslog 524289 x"),
            Some(&before),
            "more than 524288 bytes",
        ),
        (
            format!("{OPEN}{good}3 rsp 6 200 OK\n"),
            Some(&before),
            "the command rsp",
        ),
        (
            format!("{OPEN}{good}GET / HTTP/1.1\r\n"),
            Some(&before),
            "expected a frame",
        ),
        (good.clone(), None, "was not opened"),
        ("1 open 0\n".to_owned(), None, "which version"),
        ("\n".repeat(1 << 20), None, "expected a frame"),
        (
            "1 syslog 999999999 ".to_owned(),
            None,
            "more than 524288 bytes",
        ),
    ];
    for (number, (bytes, answer, expected)) in (1..).zip(&wrong) {
        let answers = until_the_end(&mut listener.connect(), bytes);
        // A connection with bytes that nobody reads is reset, and the hint may be lost.
        assert!(answers.ends_with(BYE) || answer.is_none(), "{answers}");
        if let Some(answer) = answer {
            assert!(answers.contains(answer.as_str()), "{answers}");
        }
        let refusals = listener.refusals(number);
        let last = refusals.last().unwrap();
        assert!(last.contains(expected), "{last}: {expected}");
    }
    // Many that say nothing, and one that goes away in the middle of a frame.
    let idle: Vec<TcpStream> = (0..200).map(|_| listener.connect()).collect();
    listener.connect().write_all(b"1 syslog 100 <13>").unwrap();
    let mut stream = open(&listener);
    answered(&mut stream, &good, &before);
    drop(idle);
    assert_eq!(listener.refusals(0).len(), wrong.len());
    assert_eq!(messages(&listener, 1), ["<13>a: 1"]);
    assert_eq!(listener.log.batches().len(), 4);
}

#[test]
fn messages_over_tcp_are_stored_in_order_however_they_are_framed() {
    for (bytes, expected) in [
        (
            "<13>a: 1\n<14>b: 2\r\n<14>b: 3\nplain text\n<13>a: 4",
            &[
                "<13>a: 1",
                "<14>b: 2\r",
                "<14>b: 3",
                "plain text",
                "<13>a: 4",
            ][..],
        ),
        (
            "8 <13>a: 1\n9 <14>b:\n 2\n20 <13>a: cut",
            &["<13>a: 1", "<14>b:\n 2", "20 <13>a: cut"],
        ),
    ] {
        let listener = listener(Transport::Tcp);
        assert_eq!(until_the_end(&mut listener.connect(), bytes), "");
        assert_eq!(messages(&listener, expected.len()), expected);
        assert_eq!(listener.refusals(0), Vec::<String>::new());
    }
}

#[test]
fn message_over_tcp_has_no_name_unless_it_has_an_id() {
    let listener = listener(Transport::Tcp);
    let with_id = "<13>1 - web app - - [a@1 id=\"x\"] hello\n";
    for _ in 0..2 {
        let bytes = format!("<13>a: 1\n<13>a: 1\n{with_id}");
        until_the_end(&mut listener.connect(), &bytes);
        messages(&listener, 3);
    }
    let begun = Instant::now();
    while listener.log.batches().len() < 4 && begun.elapsed() < Duration::from_secs(30) {
        thread::yield_now();
    }
    let batches = listener.log.batches();
    let named: Vec<(bool, bool)> = batches
        .iter()
        .map(|batch| (!batch.name.is_empty(), batch.is_known))
        .collect();
    assert_eq!(
        named,
        [(false, false), (true, false), (false, false), (true, true)]
    );
}

#[test]
fn hostile_senders_over_tcp_are_closed_with_a_reason_and_nothing_that_came_is_lost() {
    let listener = listener(Transport::Tcp);
    let endless = "x".repeat((512 << 10) + 1);
    for (number, bytes) in (1..).zip([
        format!("<13>a: 1\n{endless}"),
        "7 <13>a: 1524289 <13>".to_owned(),
        "9999999 <13>a".to_owned(),
    ]) {
        until_the_end(&mut listener.connect(), &bytes);
        let refusals = listener.refusals(number);
        let last = refusals.last().unwrap();
        assert!(last.contains("more than 524288 bytes"), "{last}");
    }
    assert_eq!(messages(&listener, 2), ["<13>a: 1", "<13>a: "]);
    let idle: Vec<TcpStream> = (0..200).map(|_| listener.connect()).collect();
    until_the_end(&mut listener.connect(), "<13>a: 2\n");
    assert_eq!(messages(&listener, 3).last().unwrap(), "<13>a: 2");
    drop(idle);
}

#[test]
fn log_that_takes_nothing_holds_up_a_sender_over_tcp() {
    let listener = listener(Transport::Tcp);
    listener.log.set_trouble(Some("the disk is full"));
    let mut stream = listener.connect();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let line = format!("<13>a: {}\n", "x".repeat(1000));
    let mut sent = 0usize;
    // Until the buffers of the system are full.
    while stream.write_all(line.as_bytes()).is_ok() {
        sent = sent.saturating_add(1);
        assert!(sent < 200_000, "a sender is not held up");
    }
    assert_eq!(listener.log.events(), Vec::<String>::new());
    listener.log.set_trouble(None);
    _ = stream.shutdown(Shutdown::Write);
    // The last line may be cut.
    assert!(
        messages(&listener, sent)
            .iter()
            .take(sent)
            .all(|raw| raw.len() == 1007)
    );
}

#[test]
fn what_has_arrived_over_tcp_is_taken_when_the_service_ends() {
    let listener = listener(Transport::Tcp);
    let mut stream = listener.connect();
    stream.write_all(b"<13>a: 0\n").unwrap();
    assert_eq!(messages(&listener, 1), ["<13>a: 0"]);
    stream.write_all(b"<13>a: 1\n<13>a: 2\n<13>a: cut").unwrap();
    listener.end();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(
        messages(&listener, 4),
        ["<13>a: 0", "<13>a: 1", "<13>a: 2", "<13>a: cut"]
    );
}

#[test]
fn what_was_read_over_tcp_and_not_taken_when_the_service_ends_leaves_a_warning() {
    let listener = listener(Transport::Tcp);
    let mut stream = listener.connect();
    stream.write_all(b"<13>a: 0\n").unwrap();
    assert_eq!(messages(&listener, 1), ["<13>a: 0"]);
    listener.log.set_trouble(Some("the disk is full"));
    stream.write_all(b"<13>a: 1\n").unwrap();
    listener.end();
    let expected = "the service ended before the log took what was read: it is lost";
    assert_eq!(listener.refusals(1), [expected]);
    assert_eq!(messages(&listener, 1), ["<13>a: 0"]);
}

#[test]
fn message_over_tcp_without_a_route_does_not_take_others_with_it() {
    let listener = routed(Transport::Tcp, Some("app"));
    let many: String = (0..3000)
        .map(|n| match n % 3 {
            1 => format!("<13>other: {n}\n"),
            _ => format!("<13>app: {n}\n"),
        })
        .collect();
    until_the_end(&mut listener.connect(), &format!("{many}<13>app: cut"));
    let refusals = listener.refusals(1);
    let expected = "no route leads to a log from the input syslog with the tag \"other\"";
    assert_eq!(refusals, [expected]);
    let found = messages(&listener, 2);
    assert_eq!(found[..2], ["<13>app: 0", "<13>app: 2"]);
    assert!(found.iter().all(|raw| raw.starts_with("<13>app: ")));
}

/// Each of them would have the room of a large message.
#[test]
fn line_ends_over_tcp_take_no_room_from_the_messages_of_others() {
    let listener = listener(Transport::Tcp);
    let nothing = "\n".repeat(256 << 10);
    let idle: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = listener.connect();
            stream.write_all(nothing.as_bytes()).unwrap();
            stream
        })
        .collect();
    let large = format!("<13>a: {}", "x".repeat(200_000));
    until_the_end(&mut listener.connect(), &format!("{large}\n"));
    assert_eq!(messages(&listener, 1), [large]);
    let mut last = &idle[0];
    let more = format!("{}<13>a: 2\n", "\n".repeat(2 << 20));
    last.write_all(more.as_bytes()).unwrap();
    assert_eq!(messages(&listener, 2).last().unwrap(), "<13>a: 2");
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}
