//! The listener for Forward over real connections. The log behind it is a thread that remembers names, as a log does.

#![expect(clippy::arithmetic_side_effects, reason = "numbers of a test")]

mod log;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use auditlog_sealer::listen::{Access, Door, Guard, User};
use auditlog_sealer::service::{ForwardInput, Room, serve_forward};
use aws_lc_rs::digest::{SHA512, digest};

use log::{Listener, source};

const TIME: &[u8] = b"\xd7\x00\x65\x53\xf1\x00\x07\x5b\xcd\x15";
/// As Fluentd has it: 16 random bytes in base64, and a line break.
const CHUNK: &[u8] = b"\xd9\x19ZkhLd1JmS3dSZkt3UmZLdw==\n";
/// As Fluent Bit has it: a hash of the content.
const HASH: &[u8] = b"\xd9\x200123456789abcdef0123456789abcdef";

fn listener(mut access: Access, key: Option<&str>) -> Listener {
    access.shared_keys = key.map(|key| key.as_bytes().to_vec()).into_iter().collect();
    guarded(access.into())
}

fn guarded(guard: Guard) -> Listener {
    Listener::start(|listener, parts| {
        let input = ForwardInput {
            name: "forward".to_owned(),
            guard,
            door: Door::default(),
            host: "sealer".to_owned(),
            router: parts.router,
            room: Room::default(),
            // The first log has none, and takes nothing of others with it.
            scratch: vec![parts.scratch.join("missing"), parts.scratch],
            notify: parts.notify,
        };
        serve_forward(listener, Arc::new(input), parts.ending)
    })
}

fn entry(number: u8) -> Vec<u8> {
    [b"\x92", TIME, b"\x81\xa1n", &[number]].concat()
}

fn rendered(number: u8) -> String {
    let time = "2023-11-14T22:13:20.123456789Z";
    format!("{{\"tag\":\"app\",\"time\":\"{time}\",\"record\":{{\"n\":{number}}}}}")
}

fn binary(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [b"\xc6", length.as_slice(), bytes].concat()
}

fn options(chunk: &[u8]) -> Vec<u8> {
    [b"\x81\xa5chunk", chunk].concat()
}

fn packed(entries: &[u8], options: &[u8]) -> Vec<u8> {
    [b"\x93\xa3app", binary(entries).as_slice(), options].concat()
}

/// Sends a message, and expects this answer.
#[track_caller]
fn acknowledged(stream: &mut TcpStream, message: &[u8], chunk: &[u8]) {
    stream.write_all(message).unwrap();
    let expected = [b"\x81\xa3ack", chunk].concat();
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, expected);
}

/// Sends a message that is refused: the connection is closed without an answer.
#[track_caller]
fn refused(stream: &mut TcpStream, message: &[u8]) {
    // The listener may close before all is sent.
    _ = stream.write_all(message);
    _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}

#[test]
fn each_form_is_taken_and_acknowledged_with_the_id_as_it_came() {
    let listener = listener(Access::default(), None);
    let mut stream = listener.connect();
    let gzip = {
        use flate2::write::GzEncoder;
        let mut all = Vec::new();
        for number in [5, 6] {
            let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(&entry(number)).unwrap();
            all.extend(member.finish().unwrap());
        }
        all
    };
    let zstd = zstd::bulk::compress(&entry(7), 1).unwrap();
    let metadata = [&b"\x92\x92"[..], TIME, b"\x80\x81\xa1n\x08"].concat();
    let row = [entry(2), entry(3)].concat();
    for message in [
        [&b"\x94\xa3app"[..], TIME, b"\x81\xa1n\x01", &options(CHUNK)].concat(),
        [&b"\x93\xa3app\x92"[..], &row, &options(CHUNK)].concat(),
        packed(&entry(4), &options(CHUNK)),
        packed(
            &gzip,
            &[b"\x82\xaacompressed\xa4gzip\xa5chunk", CHUNK].concat(),
        ),
        packed(
            &zstd,
            &[b"\x82\xaacompressed\xa4zstd\xa5chunk", CHUNK].concat(),
        ),
        packed(&metadata, &options(CHUNK)),
    ] {
        acknowledged(&mut stream, &message, CHUNK);
    }
    // Nobody waits for the next one, whose name is its content alone.
    let silent = [&b"\x93\xa3app"[..], TIME, b"\x81\xa1n\x09"].concat();
    stream.write_all(&silent).unwrap();
    acknowledged(&mut stream, &packed(&entry(10), &options(CHUNK)), CHUNK);
    let expected: Vec<String> = (1..=10).map(rendered).collect();
    assert_eq!(listener.log.events(), expected);
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}

#[test]
fn chunk_that_comes_again_is_dropped_where_its_id_is_unique_and_marked_where_it_is_not() {
    let listener = listener(Access::default(), None);
    for chunk in [CHUNK, HASH] {
        for _ in 0..2 {
            let mut stream = listener.connect();
            acknowledged(&mut stream, &packed(&entry(1), &options(chunk)), chunk);
        }
    }
    // The same id with another content is another chunk.
    acknowledged(
        &mut listener.connect(),
        &packed(&entry(2), &options(CHUNK)),
        CHUNK,
    );
    let batches = listener.log.batches();
    let is_known: Vec<bool> = batches.iter().map(|batch| batch.is_known).collect();
    assert_eq!(is_known, [false, true, false, true, false]);
    let unique: Vec<bool> = batches.iter().map(|batch| batch.is_unique).collect();
    assert_eq!(unique, [true, true, false, false, true]);
    assert!(
        batches[0].name.starts_with("ZkhLd1JmS3dSZkt3UmZLdw==:"),
        "{}",
        batches[0].name
    );
}

#[test]
fn large_chunk_is_taken_in_parts_and_acknowledged_after_the_last() {
    let listener = listener(Access::default(), None);
    let record = [b"\x81\xa1x\xda\x40\x00".as_slice(), &[b'x'; 0x4000]].concat();
    let entry = [b"\x92", TIME, record.as_slice()].concat();
    // 20 MiB, which is more than is kept in memory.
    let entries = entry.repeat(1280);
    let message = packed(&entries, &options(CHUNK));
    for _ in 0..2 {
        acknowledged(&mut listener.connect(), &message, CHUNK);
    }
    let batches = listener.log.batches();
    let parts = batches.len() / 2;
    assert!(parts >= 5, "{parts}");
    for (number, batch) in batches.iter().enumerate() {
        assert!(
            batch.name.ends_with(&format!(":{}", number % parts + 1)),
            "{}",
            batch.name
        );
        assert_eq!(batch.is_known, number >= parts);
        assert!(batch.bytes < 6 << 20);
    }
    assert_eq!(listener.log.events().len(), 1280);
}

#[test]
fn message_of_which_one_entry_is_wrong_is_refused_as_a_whole() {
    let listener = listener(Access::default(), None);
    let good = entry(1).repeat(100_000);
    let bomb = zstd::bulk::compress(&binary(&vec![0; 64 << 20]), 1).unwrap();
    let deep = [b"\x92\x00".as_slice(), &[0x91; 128], b"\xc0"].concat();
    let wrong = [
        (
            packed(&[good.as_slice(), b"\x92\x00"].concat(), &options(CHUNK)),
            "in the middle of a value",
        ),
        (
            packed(&[good.as_slice(), b"\x01"].concat(), &options(CHUNK)),
            "expected an entry",
        ),
        (packed(&deep, &options(CHUNK)), "entry 1: "),
        (packed(&bomb, &options(CHUNK)), "more than 4194304 bytes"),
        (
            packed(b"\x1f\x8b\x08\x00", &options(CHUNK)),
            "cannot be read",
        ),
        (packed(&entry(1), b"\x81\xaacompressed\xa6snappy"), "snappy"),
        ([0x91; 10_000].to_vec(), "nested deeper"),
        (
            b"\x93\xa3app\xc6\xff\xff\xff\xff".to_vec(),
            "has more than 269484032 bytes",
        ),
        (b"\xc1".to_vec(), "not msgpack"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "expected a message"),
    ];
    for (number, (message, expected)) in (1..).zip(&wrong) {
        refused(&mut listener.connect(), message);
        let refusals = listener.refusals(number);
        let last = refusals.last().unwrap();
        assert!(last.contains(*expected), "{last}: {expected}");
    }
    assert_eq!(listener.log.events(), Vec::<String>::new());
    // A heartbeat is a connection without a byte.
    drop(listener.connect());
    acknowledged(
        &mut listener.connect(),
        &packed(&entry(1), &options(CHUNK)),
        CHUNK,
    );
    assert_eq!(listener.refusals(0).len(), wrong.len());
}

/// Takes part in the handshake, and returns whether the listener said yes.
fn shake_hands(stream: &mut TcpStream, key: &str, password: &str) -> bool {
    let mut hello = [0; 256];
    let read = stream.read(&mut hello).unwrap();
    let hello = &hello[..read];
    let after = |name: &[u8]| {
        let at = hello
            .windows(name.len())
            .position(|part| part == name)
            .unwrap();
        &hello[at + name.len() + 2..][..16]
    };
    let hex = |parts: &[&[u8]]| {
        let mut text = String::new();
        for byte in digest(&SHA512, &parts.concat()).as_ref() {
            write!(text, "{byte:02x}").unwrap();
        }
        text
    };
    // A salt that is not text, as Fluent Bit has it.
    let (salt, host) = (b"\xff\xfe", b"web-1.example");
    let known = hex(&[salt, host, after(b"nonce"), key.as_bytes()]);
    let secret = hex(&[after(b"auth"), b"ann", password.as_bytes()]);
    let text = |text: &[u8]| [&[0xd9, u8::try_from(text.len()).unwrap()], text].concat();
    let parts = [
        b"PING",
        host.as_slice(),
        salt,
        known.as_bytes(),
        b"ann",
        secret.as_bytes(),
    ];
    stream
        .write_all(&[vec![0x96], parts.map(text).concat()].concat())
        .unwrap();
    let mut pong = vec![0; 512];
    let read = stream.read(&mut pong).unwrap();
    let pong = &pong[..read];
    assert!(pong.starts_with(b"\x95\xa4PONG"), "{pong:?}");
    let expected = hex(&[salt, b"sealer", after(b"nonce"), key.as_bytes()]);
    let is_proved = pong.windows(128).any(|part| part == expected.as_bytes());
    assert_eq!(
        pong[6] == 0xc3,
        is_proved,
        "the listener shows that it knows the key"
    );
    pong[6] == 0xc3
}

#[test]
fn sender_must_know_the_key_and_its_password_and_the_log_says_who_it_is() {
    let access = Access {
        users: vec![User {
            name: "ann".to_owned(),
            source: source("web"),
            passwords: vec![b"a password of ann".to_vec()],
        }],
        ..Access::default()
    };
    let key = "a key that all know";
    let listener = listener(access, Some(key));
    for (key, password) in [
        ("a key that nobody knows", "a password of ann"),
        (key, "guessed"),
        ("", ""),
    ] {
        let mut stream = listener.connect();
        assert!(!shake_hands(&mut stream, key, password));
        refused(&mut stream, &packed(&entry(1), &options(CHUNK)));
    }
    // Whoever begins with an event has not shaken hands.
    let mut stream = listener.connect();
    _ = stream.write_all(&packed(&entry(1), &options(CHUNK)));
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"\x92\xa4HELO"), "{answer:?}");
    assert_eq!(listener.log.events(), Vec::<String>::new());
    for refusal in listener.refusals(4) {
        assert!(
            !refusal.contains(key) && !refusal.contains("password of ann"),
            "{refusal}"
        );
    }

    let mut stream = listener.connect();
    assert!(shake_hands(&mut stream, key, "a password of ann"));
    acknowledged(&mut stream, &packed(&entry(1), &options(CHUNK)), CHUNK);
    assert_eq!(listener.log.batches()[0].source, "web");
}

#[test]
fn keys_and_passwords_are_replaced_while_senders_come() {
    let user = |passwords: &[&str]| User {
        name: "ann".to_owned(),
        source: source("web"),
        passwords: passwords
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect(),
    };
    let access = |keys: &[&str], passwords: &[&str]| Access {
        users: vec![user(passwords)],
        shared_keys: keys.iter().map(|key| key.as_bytes().to_vec()).collect(),
        ..Access::default()
    };
    let guard = Guard::from(access(&["old key"], &["old word"]));
    let listener = guarded(guard.clone());
    let enters = |key, word| shake_hands(&mut listener.connect(), key, word);
    let mut open = listener.connect();
    assert!(shake_hands(&mut open, "old key", "old word"));
    assert!(!enters("new key", "old word"));
    guard.replace(access(&["old key", "new key"], &["old word", "new word"]));
    for (key, word) in [
        ("old key", "old word"),
        ("new key", "new word"),
        ("new key", "old word"),
    ] {
        assert!(enters(key, word), "{key} {word}");
    }
    guard.replace(access(&["new key"], &["new word"]));
    assert!(!enters("old key", "new word"));
    assert!(!enters("new key", "old word"));
    assert!(enters("new key", "new word"));
    // A connection that is open stays so.
    acknowledged(&mut open, &packed(&entry(1), &options(CHUNK)), CHUNK);
}

#[test]
fn log_that_takes_nothing_withholds_the_acknowledgement_until_it_does() {
    let listener = listener(Access::default(), None);
    listener.log.set_trouble(Some("the disk is full"));
    let mut stream = listener.connect();
    let message = packed(&entry(1), &options(CHUNK));
    stream.write_all(&message).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut answer = [0; 1];
    stream.read(&mut answer).unwrap_err();
    listener.log.set_trouble(None);
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    acknowledged(&mut stream, b"", CHUNK);
    assert_eq!(listener.log.events(), [rendered(1)]);
}

#[test]
fn log_that_takes_nothing_does_not_keep_the_room_that_all_senders_share() {
    let listener = listener(Access::default(), None);
    let record = [b"\x81\xa1x\xda\x40\x00".as_slice(), &[b'x'; 0x4000]].concat();
    let entry = [b"\x92", TIME, record.as_slice()].concat();
    // Each is more than is kept in memory, and there is room for four in files.
    let message = packed(&entry.repeat(1100), &options(CHUNK));
    listener.log.set_trouble(Some("the disk is full"));
    let mut arriving = Vec::new();
    for _ in 0..3 {
        let mut stream = listener.connect();
        stream.write_all(&message[..message.len() - 1]).unwrap();
        arriving.push(stream);
    }
    let mut waiting = listener.connect();
    waiting.write_all(&message).unwrap();
    // Whoever waits for an acknowledgement sends again.
    assert_eq!(listener.refusals(1)[0], "the disk is full");
    listener.log.set_trouble(None);
    drop(arriving);
    acknowledged(&mut listener.connect(), &message, CHUNK);
}

#[test]
fn service_that_ends_acknowledges_what_it_has_taken_and_takes_what_it_has_read() {
    let listener = listener(Access::default(), None);
    let message = |number| [&b"\x93\xa3app"[..], TIME, b"\x81\xa1n", &[number]].concat();
    let mut silent = listener.connect();
    silent.write_all(&message(1)).unwrap();
    listener.log.await_offers(1);
    let mut begun = listener.connect();
    acknowledged(&mut begun, &packed(&entry(2), &options(HASH)), HASH);
    let answering = listener.log.hold_answers();
    let mut waiting = listener.connect();
    waiting
        .write_all(&packed(&entry(3), &options(CHUNK)))
        .unwrap();
    listener.log.await_offers(3);
    let half = packed(&entry(9), &options(HASH));
    begun.write_all(&half[..half.len() - 1]).unwrap();
    // Nobody sends these again.
    silent
        .write_all(&[message(4), message(5)].concat())
        .unwrap();
    listener.end();
    drop(answering);
    acknowledged(&mut waiting, b"", CHUNK);
    for mut stream in [waiting, silent, begun] {
        assert_eq!(
            stream.read(&mut [0]).unwrap(),
            0,
            "it is closed, and not reset"
        );
    }
    listener.log.await_offers(5);
    assert_eq!(listener.log.events_of(5), [1, 2, 3, 4, 5].map(rendered));
    assert_eq!(listener.refusals(0), Vec::<String>::new());
}

#[test]
fn message_that_nobody_sends_again_and_no_log_takes_before_the_end_is_reported() {
    let listener = listener(Access::default(), None);
    let message = |number| [&b"\x93\xa3app"[..], TIME, b"\x81\xa1n", &[number]].concat();
    let (mut silent, mut waiting) = (listener.connect(), listener.connect());
    silent.write_all(&message(1)).unwrap();
    acknowledged(&mut waiting, &packed(&entry(2), &options(CHUNK)), CHUNK);
    listener.log.await_offers(2);
    listener.log.set_trouble(Some("the disk is full"));
    silent.write_all(&message(3)).unwrap();
    waiting
        .write_all(&packed(&entry(4), &options(CHUNK)))
        .unwrap();
    listener.end();
    let expected =
        "the service ended before the log took a message that nobody sends again: it is lost";
    assert_eq!(listener.refusals(1), [expected]);
    assert_eq!(waiting.read(&mut [0]).unwrap(), 0);
    assert_eq!(listener.refusals(1), [expected]);
}
