//! Senders that speak what the service takes over the network, a few bytes of each protocol.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of what is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is waited for.
    Awaited,
    /// The sender is gone before it comes.
    Lost,
}

fn connected(at: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&at, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// Sends these bytes, and says whether the answer is the expected one.
fn is_answered(stream: &mut TcpStream, bytes: &[u8], expected: &[u8], answer: Answer) -> bool {
    if stream.write_all(bytes).is_err() || answer == Answer::Lost {
        return false;
    }
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).is_ok() && answer == expected
}

/// A connection of a sender over Forward that waits for acknowledgements, and connects again where it must.
pub(crate) struct Forward {
    at: SocketAddr,
    stream: Option<TcpStream>,
}

impl Forward {
    pub(crate) const fn to(at: SocketAddr) -> Self {
        Self { at, stream: None }
    }

    /// Sends a chunk whose id is made of a number, with events that have these numbers, and says whether it was acknowledged.
    pub(crate) fn sends(&mut self, chunk: u128, events: &[u32], answer: Answer) -> bool {
        let id = format!("{}\n", STANDARD.encode(chunk.to_be_bytes()));
        let id = [&[0xd9, u8::try_from(id.len()).unwrap()], id.as_bytes()].concat();
        let entries: Vec<u8> = events.iter().flat_map(|number| entry(*number)).collect();
        let length = u32::try_from(entries.len()).unwrap().to_be_bytes();
        let options = [b"\x81\xa5chunk", id.as_slice()].concat();
        let message = [b"\x93\xa3app\xc6", length.as_slice(), &entries, &options].concat();
        let expected = [b"\x81\xa3ack", id.as_slice()].concat();
        let Some(mut stream) = self.stream.take().or_else(|| connected(self.at)) else {
            return false;
        };
        let is_acknowledged = is_answered(&mut stream, &message, &expected, answer);
        self.stream = is_acknowledged.then_some(stream);
        is_acknowledged
    }
}

fn entry(number: u32) -> Vec<u8> {
    [
        b"\x92\xce\x65\x53\xf1\x00\x81\xa2id\xce".as_slice(),
        &number.to_be_bytes(),
    ]
    .concat()
}

/// Posts a body under a name of its own, and says whether it was acknowledged.
pub(crate) fn http(at: SocketAddr, token: &str, name: &str, body: &str, answer: Answer) -> bool {
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\nauthorization: Bearer {token}\r\nidempotency-key: {name}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body.as_bytes()].concat();
    connected(at)
        .is_some_and(|mut stream| is_answered(&mut stream, &request, b"HTTP/1.1 200", answer))
}

/// Sends one event over Lumberjack.
pub(crate) fn lumberjack(at: SocketAddr, json: &str) -> bool {
    let length = u32::try_from(json.len()).unwrap().to_be_bytes();
    let begin = b"2W\0\0\0\x012J\0\0\0\x01".as_slice();
    let window = [begin, &length, json.as_bytes()].concat();
    connected(at).is_some_and(|mut stream| {
        is_answered(&mut stream, &window, b"2A\0\0\0\x01", Answer::Awaited)
    })
}

/// Sends one message of syslog over TCP, which nobody answers: as long as the connection is not closed, it was read.
pub(crate) fn syslog(at: SocketAddr, message: &str) -> bool {
    let Some(mut stream) = connected(at) else {
        return false;
    };
    let short = Duration::from_millis(300);
    _ = stream.set_read_timeout(Some(short));
    if stream.write_all(format!("{message}\n").as_bytes()).is_err() {
        return false;
    }
    let read = stream.read(&mut [0]);
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
