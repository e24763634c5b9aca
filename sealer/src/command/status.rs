//! `auditlog-seal status`: each log of a service that runs, at a glance.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use auditlog_sealer::error::{Error, MachineError};
use auditlog_sealer::service::Glance;

use super::arguments::{Output, StatusArguments};
use super::config::Config;
use super::output::print;

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest answer, in bytes. Stops another program on the port from filling the memory.
const MAX_ANSWER_BYTES: u64 = 16 << 20;

pub(crate) fn run(arguments: &StatusArguments) -> Result<(), Error> {
    let listen = Config::plain_listener(&arguments.config)?;
    let answer = ask(own(listen)).map_err(|source| MachineError::NoService { listen, source })?;
    let glances: Vec<Glance> = serde_json::from_str(&answer).map_err(|error| {
        let source = io::Error::new(ErrorKind::InvalidData, error);
        MachineError::NoService { listen, source }
    })?;
    match arguments.output {
        Output::Json => print(&answer),
        Output::Text => print(&glances.iter().map(Glance::text).collect::<String>()),
    }
}

/// A service that listens on all addresses listens on the own one, too.
fn own(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(at: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /status HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.take(MAX_ANSWER_BYTES).read_to_string(&mut text)?;
    let other = || io::Error::new(ErrorKind::InvalidData, "it is not the answer of a sealer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(other)?;
    if head.split(' ').nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    Err(other())
}
