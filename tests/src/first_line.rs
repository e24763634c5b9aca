//! The first line that a process writes: it is ready, and says where.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The first line of an output, without its newline; empty where none comes in time.
pub(crate) fn first_line(output: impl Read + Send + 'static, at_most: Duration) -> String {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        _ = BufReader::new(output).read_line(&mut line);
        _ = send.send(line);
    });
    let line = receive.recv_timeout(at_most).unwrap_or_default();
    line.trim_end().to_owned()
}
