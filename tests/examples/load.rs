//! Sends events to a sealer as fast as it takes them, or at a rate, and prints what the acknowledgements took, as JSON:
//! `load forward|http ADDRESS CONNECTIONS EVENTS EVENTS_A_CHUNK BYTES_AN_EVENT EVENTS_A_SECOND [CA.pem]`, where 0 events a second are as
//! many as it can. `tests/bench/service.py` runs it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people, and lengths that the caller has chosen"
)]

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Chunks that were sent on a connection and are not acknowledged yet, at most.
const UNDER_WAY: usize = 8;

/// Different chunks that are sent in turn.
const DIFFERENT: usize = 32;

#[derive(Clone, Copy)]
enum Protocol {
    Forward,
    Http,
}

/// What one run sends.
#[derive(Clone)]
struct Load {
    protocol: Protocol,
    address: String,
    connections: usize,
    events: usize,
    events_a_chunk: usize,
    bytes_an_event: usize,
    events_a_second: usize,
    ca: Option<String>,
}

impl Load {
    fn parse(arguments: &[String]) -> Option<Self> {
        let [protocol, address, numbers @ ..] = arguments else {
            return None;
        };
        let (numbers, ca) = numbers.split_at_checked(5)?;
        let numbers: Vec<usize> = numbers.iter().map_while(|text| text.parse().ok()).collect();
        let [
            connections,
            events,
            events_a_chunk,
            bytes_an_event,
            events_a_second,
        ] = numbers[..]
        else {
            return None;
        };
        Some(Self {
            protocol: match protocol.as_str() {
                "forward" => Protocol::Forward,
                "http" => Protocol::Http,
                _ => return None,
            },
            address: address.clone(),
            connections,
            events,
            events_a_chunk,
            bytes_an_event,
            events_a_second,
            ca: ca.first().cloned(),
        })
    }

    fn chunks_of_a_connection(&self) -> usize {
        (self.events / self.events_a_chunk / self.connections).max(1)
    }

    /// The time between two chunks of a connection; zero where it sends as fast as it can.
    fn pause(&self) -> Duration {
        let chunk = self.events_a_chunk * self.connections;
        match self.events_a_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(chunk as f64 / rate as f64),
        }
    }

    /// The bodies of the chunks, which differ from each other.
    fn bodies(&self) -> Vec<Vec<u8>> {
        let events = |of: usize| (0..self.events_a_chunk).map(move |n| of * 1_000_003 + n);
        let body = |of| match self.protocol {
            Protocol::Forward => events(of)
                .flat_map(|n| entry(n, self.bytes_an_event))
                .collect(),
            Protocol::Http => events(of)
                .flat_map(|n| line(n, self.bytes_an_event))
                .collect(),
        };
        (0..DIFFERENT).map(body).collect()
    }
}

/// A number that looks like any other.
const fn mixed(n: usize) -> usize {
    n.wrapping_mul(2_654_435_761) % 4_294_967_296
}

/// The members of an event, and a note that makes it as long as it should be.
fn members(n: usize) -> [(&'static str, String); 4] {
    let mixed = mixed(n);
    [
        ("user", format!("user-{}", mixed % 10_007)),
        (
            "action",
            ["login", "read", "write", "delete"][mixed % 4].to_owned(),
        ),
        (
            "address",
            format!("10.{}.{}.{}", mixed % 251, mixed % 241, mixed % 239),
        ),
        ("session", format!("{mixed:08x}{n:08x}")),
    ]
}

fn note(n: usize, bytes: usize) -> String {
    let mut note = format!("{:010} ", mixed(n)).repeat(bytes / 11 + 1);
    note.truncate(bytes);
    note
}

/// An event as a line of JSON.
fn line(n: usize, bytes: usize) -> Vec<u8> {
    let mut line = format!("{{\"id\":{n}");
    for (name, value) in members(n) {
        line.extend([",\"", name, "\":\"", &value, "\""]);
    }
    line.push_str(",\"note\":\"");
    let note = note(n, bytes.saturating_sub(line.len() + 2));
    line.push_str(&note);
    line.push_str("\"}\n");
    line.into_bytes()
}

/// The same as an entry of Forward: the time, and a record in `MessagePack`.
fn entry(n: usize, bytes: usize) -> Vec<u8> {
    let mut entry = vec![0x92, 0xd7, 0x00];
    let time = u32::try_from(1_790_000_000 + n / 1_000_000).unwrap_or(u32::MAX);
    entry.extend(time.to_be_bytes());
    entry.extend(0u32.to_be_bytes());
    entry.push(0x86);
    text(&mut entry, "id");
    entry.push(0xcf);
    entry.extend((n as u64).to_be_bytes());
    for (name, value) in members(n) {
        text(&mut entry, name);
        text(&mut entry, &value);
    }
    text(&mut entry, "note");
    let note = note(n, bytes.saturating_sub(entry.len() + 2));
    text(&mut entry, &note);
    entry
}

fn text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        short @ ..32 => out.push(0xa0 | short as u8),
        long => {
            out.push(0xda);
            out.extend((long as u16).to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

/// A name that no other chunk has, in Fluentd's form: base64 of 16 bytes.
fn name(run: u64, connection: usize, chunk: usize) -> String {
    format!("{run:08x}{connection:06x}{chunk:08x}==")
}

/// Where the nanoseconds of the first entry are in a body of Forward.
const NANOS: std::ops::Range<usize> = 7..11;

/// The chunk around a body, as it is sent. Its number makes it another one than all others: of two that are the same, the log marks the second.
fn message(load: &Load, body: &[u8], name: &str, number: u64) -> Vec<u8> {
    match load.protocol {
        Protocol::Forward => {
            let mut message = vec![0x93];
            text(&mut message, "bench.load");
            message.push(0xc6);
            message.extend((body.len() as u32).to_be_bytes());
            let begin = message.len();
            message.extend(body);
            let nanos = ((number % 1_000_000_000) as u32).to_be_bytes();
            message[begin + NANOS.start..begin + NANOS.end].copy_from_slice(&nanos);
            message.push(0x82);
            text(&mut message, "chunk");
            text(&mut message, name);
            text(&mut message, "size");
            message.push(0xce);
            message.extend((load.events_a_chunk as u32).to_be_bytes());
            message
        }
        Protocol::Http => {
            let mut message = format!(
                "POST /events HTTP/1.1\r\nHost: bench\r\nIdempotency-Key: {name}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            message.extend(body);
            message
        }
    }
}

async fn acknowledged(
    load: &Load,
    from: &mut (impl AsyncRead + Unpin),
    name: &str,
) -> Result<(), Error> {
    match load.protocol {
        Protocol::Forward => {
            let mut expected = vec![0x81];
            text(&mut expected, "ack");
            text(&mut expected, name);
            let mut answer = vec![0; expected.len()];
            from.read_exact(&mut answer).await?;
            if answer != expected {
                return Err(format!("not the acknowledgement of {name}: {answer:02x?}").into());
            }
        }
        Protocol::Http => {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                from.read_exact(&mut byte).await?;
                head.push(byte[0]);
            }
            let head = String::from_utf8(head)?.to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            let mut body = vec![0; length.ok_or("an answer without a length")?.parse()?];
            from.read_exact(&mut body).await?;
            if !head.starts_with("http/1.1 200") {
                return Err(format!("{head}{}", String::from_utf8_lossy(&body)).into());
            }
        }
    }
    Ok(())
}

/// Sends the chunks of one connection; what each acknowledgement took.
async fn send(
    load: Arc<Load>,
    bodies: Arc<Vec<Vec<u8>>>,
    run: u64,
    connection: usize,
) -> Result<Vec<Duration>, Error> {
    let stream = TcpStream::connect(&load.address).await?;
    stream.set_nodelay(true)?;
    let Some(ca) = &load.ca else {
        return converse(stream, load, bodies, run, connection).await;
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&fs::read(ca)?)?)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector
        .connect(ServerName::try_from("localhost")?, stream)
        .await?;
    converse(stream, load, bodies, run, connection).await
}

async fn converse<S>(
    stream: S,
    load: Arc<Load>,
    bodies: Arc<Vec<Vec<u8>>>,
    run: u64,
    connection: usize,
) -> Result<Vec<Duration>, Error>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (from, mut to) = split(stream);
    let mut from = BufReader::new(from);
    let (tell, mut told) = mpsc::channel::<(String, Instant)>(match load.protocol {
        Protocol::Forward => UNDER_WAY,
        Protocol::Http => 1,
    });
    let of_reader = Arc::clone(&load);
    let reader = tokio::spawn(async move {
        let mut took = Vec::new();
        while let Some((name, sent)) = told.recv().await {
            acknowledged(&of_reader, &mut from, &name).await?;
            took.push(sent.elapsed());
        }
        Ok::<_, Error>(took)
    });
    // Connections do not send at the same moment.
    let begun = Instant::now()
        + load
            .pause()
            .mul_f64(connection as f64 / load.connections as f64);
    for chunk in 0..load.chunks_of_a_connection() {
        let due = begun + load.pause() * u32::try_from(chunk)?;
        tokio::time::sleep_until(due.into()).await;
        let name = name(run, connection, chunk);
        let body = &bodies[(connection + chunk) % bodies.len()];
        let number = run.wrapping_mul(2_654_435_761) % 1_000_000_000
            + (connection as u64) * 1_000_003
            + chunk as u64;
        let message = message(&load, body, &name, number);
        // What waits to be sent counts, so that a slow service is not flattered.
        let since = if load.events_a_second == 0 {
            Instant::now()
        } else {
            due
        };
        if tell.send((name, since)).await.is_err() {
            break;
        }
        to.write_all(&message).await?;
        to.flush().await?;
    }
    drop(tell);
    reader.await?
}

/// Seconds of processor time of this process.
fn used() -> Result<f64, Error> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .ok_or("no stat")?
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(ticks as f64 / 100.0)
}

async fn run(load: Load) -> Result<serde_json::Value, Error> {
    let bodies = Arc::new(load.bodies());
    let bytes: usize = bodies[0].len();
    let (load, run) = (Arc::new(load), u64::from(std::process::id()));
    let (before, begun) = (used()?, Instant::now());
    let sending = |connection| {
        tokio::spawn(send(
            Arc::clone(&load),
            Arc::clone(&bodies),
            run,
            connection,
        ))
    };
    let sending: Vec<_> = (0..load.connections).map(sending).collect();
    let mut took = Vec::new();
    for one in sending {
        took.extend(one.await??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(json!({
        "events": took.len() * load.events_a_chunk,
        "bytes": took.len() * bytes,
        "seconds": seconds,
        "processor_seconds": used()? - before,
        "p50_ms": at(0.5), "p99_ms": at(0.99), "longest_ms": at(1.0),
    }))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(load) = Load::parse(&arguments) else {
        eprintln!(
            "load forward|http ADDRESS CONNECTIONS EVENTS EVENTS_A_CHUNK BYTES_AN_EVENT EVENTS_A_SECOND [CA.pem]"
        );
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(run(load)))
    {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
