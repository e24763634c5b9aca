//! More connections than the service has room for: idle ones, and ones that bring compression bombs. Whoever has something to say is heard.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use auditlog_tests::{Command, python};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpSocket;

use crate::seal::bench::{Bench, wait};
use crate::seal::senders::{Answer, Forward, lumberjack, syslog};
use crate::seal::service::{Service, free_port, into_folder, table_of, token};

/// Idle connections of another process.
const IDLE: usize = 5000;

/// How long a sender may be tried until it is heard.
const PATIENCE: Duration = Duration::from_secs(10);

const CONNECT: &str = "
import resource, socket, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
port, count, what = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], 'rb').read()
held = [socket.create_connection(('127.0.0.1', port)) for _ in range(count)]
for each in held:
    each.sendall(what)
print(len(held), flush=True)
sys.stdin.read()
";

/// A process that holds connections until it is dropped.
struct Crowd(Child);

impl Crowd {
    fn idle(address: SocketAddr) -> Self {
        Self::bringing(address, IDLE, Path::new("/dev/null"))
    }

    /// So many connections, each of which sends what is in this file.
    fn bringing(address: SocketAddr, connections: usize, what: &Path) -> Self {
        let command = Command::new(python()).args(["-c", CONNECT]);
        let command = command.args([address.port().to_string(), connections.to_string()]);
        let command = command.arg(what);
        let (mut command, _home) = command.into_inner();
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line, format!("{connections}\n"));
        Self(child)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Files and connections that a process has open.
pub(crate) fn handles(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// A figure of a process, in KiB.
pub(crate) fn memory_kib(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.unwrap().trim_start_matches(':').trim_end_matches("kB");
    figure.trim().parse().unwrap()
}

#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn thousands_of_idle_connections_shut_nobody_out_and_take_no_handle_for_long() {
    let bench = Bench::new();
    let [forward, beats, tcp] = [(); 3].map(|()| free_port());
    let inputs = format!(
        "{}\n[[forward]]\nlisten = \"{forward}\"\n\n[[lumberjack]]\nlisten = \"{beats}\"\n\n[[syslog]]\nlisten = \"{tcp}\"\ntransport = \"tcp\"\n",
        token(&bench)
    );
    let logs = format!(
        "{}{}\n",
        table_of(&bench, "", "policy.json", "spool"),
        into_folder(&bench)
    );
    fs::write(bench.path("token"), "a secret of an application").unwrap();
    // The service raises the limit of its handles by itself.
    let mut service = Service::run_by(&bench, &logs, &inputs, &[], |command| {
        let (inner, _home) = command.into_inner();
        let limited = Command::new("prlimit").arg("--nofile=256:");
        let limited = limited.arg(inner.get_program());
        limited.args(inner.get_args())
    });
    service.until_ready();
    let process = service.child.id();
    let before = handles(process);
    let at = service.at;
    let mut sender = Forward::to(forward);
    assert!(sender.sends(0, &[0], Answer::Awaited));
    let sends: [(&str, SocketAddr, &mut dyn FnMut() -> bool); 4] = [
        ("http", at, &mut || {
            let answer = service.post("{\"id\":1}", "idempotency-key: 1\r\n");
            answer.is_some_and(|answer| answer.status == 200)
        }),
        ("forward", forward, &mut || {
            Forward::to(forward).sends(2, &[2], Answer::Awaited)
        }),
        ("lumberjack", beats, &mut || lumberjack(beats, "{\"id\":3}")),
        ("syslog", tcp, &mut || syslog(tcp, "<13>app: 4")),
    ];
    for (input, address, sends) in sends {
        let crowd = Crowd::idle(address);
        until(input, sends);
        if input == "forward" {
            // One that was there before keeps its connection.
            assert!(sender.sends(5, &[5], Answer::Awaited));
        }
        drop(crowd);
    }
    until("handles are given back", || handles(process) <= before + 10);
    for input in ["http", "forward", "lumberjack", "syslog"] {
        let metric = |name: &str| {
            service
                .metric(&format!("{name}{{input=\"{input}\"}}"))
                .unwrap()
        };
        let closed = metric("closed_connections_total");
        assert!(closed >= IDLE as u64 / 2, "{input}: {closed}");
        assert!(metric("connections") < 10, "{input}");
    }
    let ended = service.end().ok();
    for input in ["http", "forward", "lumberjack", "syslog"] {
        let line = format!("warning: the input {input} has ");
        let line = ended.stderr.lines().find(|said| said.starts_with(&line));
        let line = line.unwrap_or_else(|| panic!("{input}: {ended}"));
        assert!(
            line.contains(" connections, which is its limit: "),
            "{line}"
        );
    }
    let events = bench.verified();
    let has = |part: &str| events.iter().filter(|event| event.contains(part)).count();
    for number in [0, 1, 2, 3, 5] {
        let times = has(&format!("\"id\":{number}}}"));
        assert_eq!(times, 1, "{number}: {events:?}");
    }
    assert!(has("<13>app: 4") >= 1 || has("\"4\"") >= 1, "{events:?}");
}

/// A window whose events are 14 MB, in a few KiB. The last one is wrong, so that nothing of it is kept.
fn bomb() -> Vec<u8> {
    const EVENTS: u32 = 16;
    let large = format!("{{\"p\":\"{}\"}}", "x".repeat(900_000));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for number in 1..=EVENTS + 1 {
        let event = if number > EVENTS { "{" } else { &large };
        let length = u32::try_from(event.len()).unwrap().to_be_bytes();
        let head = [b"2J".as_slice(), &number.to_be_bytes(), &length].concat();
        zlib.write_all(&head).unwrap();
        zlib.write_all(event.as_bytes()).unwrap();
    }
    let zlib = zlib.finish().unwrap();
    let length = u32::try_from(zlib.len()).unwrap().to_be_bytes();
    [b"2W\0\0\0\x112C".as_slice(), &length, &zlib].concat()
}

#[test]
fn compression_bombs_over_many_connections_fit_into_the_memory_of_the_service() {
    let bench = Bench::new();
    let beats = free_port();
    let input = format!("\n[[lumberjack]]\nlisten = \"{beats}\"\n");
    let service = Service::start_with(&bench, &into_folder(&bench), &input, &[]);
    let (bomb, mut held) = (bomb(), Vec::new());
    for _ in 0..300 {
        let mut stream = TcpStream::connect(beats).unwrap();
        stream.write_all(&bomb).unwrap();
        held.push(stream);
    }
    until("a small window", || lumberjack(beats, "{\"id\":1}"));
    let refused = "refused_batches_total{input=\"lumberjack\"}";
    until("bombs are refused", || {
        service.metric(refused).is_some_and(|count| count >= 3)
    });
    let most = memory_kib(service.child.id(), "VmHWM");
    println!("{most} KiB at most");
    assert!(most < 256 << 10, "{most} KiB");
    drop(held);
    service.end().ok();
    assert_eq!(bench.verified(), ["{\"id\":1}"]);
}

/// A window that is not whole yet, whose events are so many KB.
fn unfinished(events: u32) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let event = format!("{{\"p\":\"{}\"}}", "x".repeat(1000));
    let length = u32::try_from(event.len()).unwrap().to_be_bytes();
    for number in 1..=events {
        let head = [b"2J".as_slice(), &number.to_be_bytes(), &length].concat();
        zlib.write_all(&head).unwrap();
        zlib.write_all(event.as_bytes()).unwrap();
    }
    zlib.flush().unwrap();
    let head = b"2W\0\x01\0\x002C\0\x01\0\0".as_slice();
    [head, zlib.get_ref()].concat()
}

#[test]
fn unfinished_windows_of_all_connections_fit_into_the_memory_of_the_service() {
    let bench = Bench::new();
    let beats = free_port();
    let input = format!("\n[[lumberjack]]\nlisten = \"{beats}\"\n");
    let service = Service::start_with(&bench, &into_folder(&bench), &input, &[]);
    // What each may have without asking, and for some of them what they get once they ask.
    fs::write(bench.path("small"), unfinished(75)).unwrap();
    fs::write(bench.path("large"), unfinished(3000)).unwrap();
    fs::write(bench.path("largest"), unfinished(60_000)).unwrap();
    let crowd = [("largest", 1), ("large", 16), ("small", 980)];
    let crowd = crowd.map(|(what, count)| Crowd::bringing(beats, count, &bench.path(what)));
    let connections = "connections{input=\"lumberjack\"}";
    until("all are connected", || {
        service
            .metric(connections)
            .is_some_and(|count| count >= 990)
    });
    let (mut most, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_secs(3) {
        let now = memory_kib(service.child.id(), "VmHWM");
        if now > most {
            (most, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!("{most} KiB at most");
    assert!(most < 256 << 10, "{most} KiB");
    drop(crowd);
    until("a small window", || lumberjack(beats, "{\"id\":1}"));
    service.end().ok();
}

/// A message of Forward whose entries are 21 MB, in a few KiB. The last one is wrong, so that nothing of it is kept.
fn forward_bomb() -> Vec<u8> {
    let text = vec![b'x'; 900_000];
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    let head = b"\x92\xce\x65\x53\xf1\x00\x81\xa1p\xdb".as_slice();
    let entry = [head, &length, &text].concat();
    let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    zstd.window_log(23).unwrap();
    for _ in 0..24 {
        zstd.write_all(&entry).unwrap();
    }
    zstd.write_all(b"\xc1").unwrap();
    let zstd = zstd.finish().unwrap();
    let length = u32::try_from(zstd.len()).unwrap().to_be_bytes();
    let options = b"\x81\xaacompressed\xa4zstd".as_slice();
    [b"\x93\xa3app\xc6", length.as_slice(), &zstd, options].concat()
}

#[test]
fn forward_bombs_over_many_connections_fit_into_the_memory_of_the_service() {
    let bench = Bench::new();
    let at = free_port();
    let input = format!("\n[[forward]]\nlisten = \"{at}\"\n");
    let service = Service::start_with(&bench, &into_folder(&bench), &input, &[]);
    let bomb = forward_bomb();
    assert!(bomb.len() < 64 << 10, "{} bytes", bomb.len());
    let mut held = Vec::new();
    for _ in 0..24 {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(&bomb).unwrap();
        held.push(stream);
    }
    let refused = "refused_batches_total{input=\"forward\"}";
    let begun = Instant::now();
    while service.metric(refused).is_none_or(|count| count < 6) {
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "bombs are refused"
        );
        thread::sleep(Duration::from_millis(50));
    }
    let most = memory_kib(service.child.id(), "VmHWM");
    println!("{most} KiB at most");
    assert!(most < 256 << 10, "{most} KiB");
    drop(held);
    let mut sender = Forward::to(at);
    let begun = Instant::now();
    while !sender.sends(1, &[1], Answer::Awaited) {
        assert!(begun.elapsed() < Duration::from_mins(2), "a small message");
    }
    service.end().ok();
    assert_eq!(bench.verified().len(), 1);
}

#[test]
fn heads_of_requests_without_an_end_fit_into_the_memory_of_the_service() {
    let bench = Bench::new();
    let service = Service::start_with(&bench, &into_folder(&bench), "", &[]);
    let head = [
        b"GET /healthz HTTP/1.1\r\nx: ".as_slice(),
        &vec![b'x'; 400_000],
    ]
    .concat();
    let mut streams = Vec::new();
    for _ in 0..700 {
        let mut stream = TcpStream::connect(service.at).unwrap();
        stream
            .set_write_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        // Whoever refuses it may do so in the middle.
        _ = stream.write_all(&head);
        streams.push(stream);
    }
    let most = memory_kib(service.child.id(), "VmHWM");
    println!("{most} KiB at most");
    assert!(most < 256 << 10, "{most} KiB");
    drop(streams);
    assert_eq!(service.post("1", "").unwrap().status, 200);
    service.end().ok();
}

const WEBHOOK_KEY: &[u8] = b"a key of 24 bytes length";

/// The head of a webhook, with the signature of this key.
fn webhook(id: &str, body: &[u8], length: usize, key: &[u8]) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let time = now.unwrap().as_secs().to_string();
    let signed = [format!("{id}.{time}.").as_bytes(), body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = STANDARD.encode(hmac::sign(&key, &signed));
    format!(
        "POST /webhook HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\
         svix-id: {id}\r\nsvix-timestamp: {time}\r\nsvix-signature: v1,{signature}\r\n\r\n"
    )
}

/// A connection from this address of the loopback network.
fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(format!("{address}:0").parse().unwrap())
            .unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    };
    let stream = wait(socket);
    stream.set_nonblocking(false).unwrap();
    stream
}

fn with_webhook(bench: &Bench) -> Service {
    let secret = format!("whsec_{}", STANDARD.encode(WEBHOOK_KEY));
    fs::write(bench.path("webhook.secret"), secret).unwrap();
    let keys = format!(
        "[[http.webhook]]\nsource = \"hoop\"\nfile = \"{}\"\n",
        bench.path("webhook.secret").display()
    );
    Service::start_with(bench, &into_folder(bench), &keys, &[])
}

#[test]
fn invented_signatures_take_no_room_from_webhooks_that_are_signed() {
    let bench = Bench::new();
    let service = with_webhook(&bench);
    // Each says that it has a megabyte, sends some of it, and waits.
    let mut invented = Vec::new();
    for number in 0..200 {
        let mut stream = connect_from("127.0.0.2", service.at);
        let head = webhook(
            &format!("invented-{number}"),
            b"",
            1 << 20,
            b"another key of 16 bytes",
        );
        _ = stream.write_all(head.as_bytes());
        _ = stream.write_all(&vec![b'1'; 40 << 10]);
        invented.push(stream);
    }
    let refused = "refused_batches_total{input=\"http\"}";
    until("those beyond its share are refused", || {
        service.metric(refused).is_some_and(|count| count >= 150)
    });
    for (id, bytes) in [("small", 20), ("large", 200 << 10)] {
        let body = format!("{{\"{id}\":\"{}\"}}", "x".repeat(bytes));
        let begun = Instant::now();
        let mut stream = connect_from("127.0.0.1", service.at);
        let head = webhook(id, body.as_bytes(), body.len(), WEBHOOK_KEY);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{id}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{id}");
    }
    drop(invented);
    let ended = service.end().ok();
    let line = "warning: the input http has refused a batch of a sender at 127.0.0.2: too many large webhooks are being received: come again later\n";
    assert!(ended.stderr.contains(line), "{ended}");
    assert_eq!(bench.verified().len(), 2);
}

#[test]
fn large_webhooks_that_dribble_from_many_networks_make_room_for_one_that_is_signed() {
    let bench = Bench::new();
    let service = with_webhook(&bench);
    let invented = |network: usize| {
        let mut stream = connect_from(&format!("127.0.0.{network}"), service.at);
        let head = webhook("invented", b"", 1 << 20, b"another key of 16 bytes");
        _ = stream.write_all(head.as_bytes());
        _ = stream.write_all(&vec![b'1'; 40 << 10]);
        stream
    };
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        let dribbles = scope.spawn(|| {
            // Five networks with the share of each, which are more than may arrive at a time.
            let mut streams: Vec<_> = (0..35).map(|number| invented(2 + number % 5)).collect();
            while !ends.load(Ordering::SeqCst) {
                for (number, stream) in streams.iter_mut().enumerate() {
                    if stream.write_all(b"1").is_err() {
                        *stream = invented(2 + number % 5);
                    }
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        let refused = "refused_batches_total{input=\"http\"}";
        until("all room is taken", || {
            service.metric(refused).is_some_and(|count| count >= 4)
        });
        let begun = Instant::now();
        let answers: Vec<String> = (0..3)
            .map(|number| {
                let body = format!("{{\"{number}\":\"{}\"}}", "x".repeat(200 << 10));
                let mut stream = connect_from("127.0.0.1", service.at);
                let id = format!("signed-{number}");
                let head = webhook(&id, body.as_bytes(), body.len(), WEBHOOK_KEY);
                stream.write_all(head.as_bytes()).unwrap();
                // It may be refused in the middle.
                _ = stream.write_all(body.as_bytes());
                let mut answer = String::new();
                _ = stream.read_to_string(&mut answer);
                answer
            })
            .collect();
        let took = begun.elapsed();
        ends.store(true, Ordering::SeqCst);
        dribbles.join().unwrap();
        for answer in answers {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        assert!(took < Duration::from_secs(6), "{took:?}");
    });
    let ended = service.end().ok();
    let line = "the body arrived too slowly while all room was taken: come again later\n";
    assert!(ended.stderr.contains(line), "{ended}");
    assert_eq!(bench.verified().len(), 3);
}

#[test]
fn large_webhook_may_be_slow_while_nobody_waits_for_its_room() {
    let bench = Bench::new();
    let service = with_webhook(&bench);
    let body = format!("\"{}\"", "x".repeat(60 << 10));
    let mut stream = connect_from("127.0.0.1", service.at);
    let head = webhook("slow", body.as_bytes(), body.len(), WEBHOOK_KEY);
    stream.write_all(head.as_bytes()).unwrap();
    let (begin, end) = body.split_at(40 << 10);
    stream.write_all(begin.as_bytes()).unwrap();
    // Longer than it may take where others wait.
    thread::sleep(Duration::from_millis(2500));
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    service.end().ok();
    assert_eq!(bench.verified(), [body]);
}
