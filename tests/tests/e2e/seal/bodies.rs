//! Room for the bodies of requests over HTTP: it has a limit, and nobody keeps it from others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::seal::bench::Bench;
use crate::seal::service::{Service, TOKEN, into_folder};

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
    let mut arriving: Vec<_> = (0..8).map(|_| Chunked::begin(&service)).collect();
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
    assert_eq!(bench.verified().len(), 8);
}
