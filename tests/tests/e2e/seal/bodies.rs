//! Room for the bodies of requests over HTTP: it has a limit, and nobody keeps it from others.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::Command;

use crate::seal::bench::Bench;
use crate::seal::crowd::memory_kib;
use crate::seal::service::{Service, TOKEN, into_folder, table_of, token};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A request with a compressed body whose length its sender does not say.
struct Chunked(TcpStream);

impl Chunked {
    fn begin(service: &Service) -> Self {
        let mut stream = TcpStream::connect(service.at).unwrap();
        let head = format!(
            "POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\n\
             transfer-encoding: chunked\r\ncontent-encoding: gzip\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self(stream)
    }

    /// Waits until the service reads the body. It has the room for it then.
    fn has_room(&mut self) {
        let mut answer = [0; 25];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, *b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    fn part(&mut self, body: &[u8]) {
        let head = format!("{:x}\r\n", body.len());
        let chunk = [head.as_bytes(), body, b"\r\n"].concat();
        self.0.write_all(&chunk).unwrap();
    }

    fn end(&mut self, body: &[u8]) {
        self.part(body);
        self.0.write_all(b"0\r\n\r\n").unwrap();
    }

    fn answer(mut self) -> String {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn bodies_of_unknown_length_that_end_together_do_not_wait_for_each_other() {
    let bench = Bench::new();
    let service = Service::start_with(&bench, &into_folder(&bench), "", &[]);
    let body = gzip(b"{\"n\":1}\n");
    let mut arriving: Vec<_> = (0..6).map(|_| Chunked::begin(&service)).collect();
    arriving.iter_mut().for_each(Chunked::has_room);
    // Each has the room of the largest body, so nobody else has any.
    let answer = Chunked::begin(&service).answer();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let begun = Instant::now();
    for request in &mut arriving {
        request.end(&body);
    }
    for request in arriving {
        let answer = request.answer();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    service.end().ok();
    assert_eq!(bench.verified().len(), 6);
}

/// Requests of a few KiB of zstd each, and the events of one.
const BURST: usize = 64;
const EVENTS: usize = 8;

/// Each sync of the disk takes so long, in microseconds.
const SLOW_SYNC: &str = "500000";

#[test]
fn what_waits_for_a_slow_disk_fits_into_the_memory_of_the_service() {
    let bench = Bench::new();
    let logs = format!(
        "{}{}\n",
        table_of(&bench, "", "policy.json", "spool"),
        into_folder(&bench)
    );
    fs::write(bench.path("token"), TOKEN).unwrap();
    let mut service = Service::run_by(&bench, &logs, &token(&bench), &[], |run| {
        slow(run, "fdatasync")
    });
    service.until_ready();
    // Bodies of which only the end is missing.
    let arriving: Vec<_> = (0..2)
        .map(|_| {
            let mut request = Chunked::begin(&service);
            request.has_room();
            request.part(&vec![b'x'; (8 << 20) - 1]);
            request
        })
        .collect();
    let large = "x".repeat(1_000_000);
    let answered: Vec<u16> = thread::scope(|scope| {
        let senders = (0..BURST).map(|number| {
            let (service, large) = (&service, &large);
            scope.spawn(move || {
                let event = format!("{{\"n\":{number},\"p\":\"{large}\"}}\n");
                let body = zstd::bulk::compress(event.repeat(EVENTS).as_bytes(), 1).unwrap();
                let key = format!("content-encoding: zstd\r\nidempotency-key: {number}\r\n");
                service.post(body, &key).unwrap().status
            })
        });
        let senders: Vec<_> = senders.collect();
        senders
            .into_iter()
            .map(|sent| sent.join().unwrap())
            .collect()
    });
    let most = memory_kib(service.child.id(), "VmHWM");
    drop(arriving);
    println!("{most} KiB at most");
    assert!(most < 256 << 10, "{most} KiB");
    let is_usual = |status: &u16| [200, 503].contains(status);
    assert!(answered.iter().all(is_usual), "{answered:?}");
    let accepted = answered.iter().filter(|status| **status == 200).count();
    assert!(accepted >= EVENTS, "{answered:?}");
    service.end().ok();
    let events = bench.verified();
    for (number, status) in answered.iter().enumerate() {
        let begin = format!("{{\"n\":{number},");
        let count = events
            .iter()
            .filter(|event| event.starts_with(&begin))
            .count();
        // What was to be sent again is there as a whole, or not at all.
        let expected: &[usize] = if *status == 200 {
            &[EVENTS]
        } else {
            &[0, EVENTS]
        };
        assert!(
            expected.contains(&count),
            "{number}: {status}, {count} events"
        );
    }
}

/// The command, for which each system call of a kind takes longer.
fn slow(run: Command, call: &str) -> Command {
    let (inner, _home) = run.into_inner();
    let strace = Command::new("strace").install_with("sudo apt-get install strace");
    strace
        .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:delay_enter={SLOW_SYNC}"))
        .arg(inner.get_program())
        .args(inner.get_args())
}
