//! As much of HTTP/1.1 as is between an SDK and a store: whole messages, by length, by chunks or to the end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// No head of a message here is longer; a peer that sends more is not one of ours.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// One message as it came: the head with its empty line, and the body with whatever frames it.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// The first line, split at its spaces: method and target, or version and status.
    pub(super) fn first_line(&self) -> (&str, &str) {
        let line = self.head.lines().next().unwrap_or_default();
        let mut parts = line.split(' ');
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Takes a header away, or puts it in the place of those of its name. Says whether it was there.
    pub(super) fn replace_header(&mut self, name: &str, value: Option<&str>) -> bool {
        let is_it = |line: &str| {
            line.split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        let (mut kept, mut was_there) = (Vec::new(), false);
        for (at, line) in self.head.trim_end().lines().enumerate() {
            if at > 0 && is_it(line) {
                was_there = true;
            } else {
                kept.push(line.to_owned());
            }
        }
        kept.extend(value.map(|value| format!("{name}: {value}")));
        self.head = kept.join("\r\n") + "\r\n\r\n";
        was_there
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer that can be changed before it goes out.
#[derive(Debug)]
pub struct Reply {
    message: Message,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(mut message: Message) -> Self {
        assert!(
            message.header("transfer-encoding").is_none(),
            "only a body in one piece can be changed"
        );
        let body = std::mem::take(&mut message.body);
        Self { message, body }
    }

    pub(super) fn into_message(mut self) -> Message {
        let length = self.body.len().to_string();
        self.message.replace_header("content-length", Some(&length));
        self.message.body = self.body;
        self.message
    }

    /// Takes away every header whose name begins so, in lower case.
    pub fn remove_headers(&mut self, prefix: &str) {
        let begins_so = |line: &&str| {
            line.split_once(':')
                .is_some_and(|(name, _)| name.to_lowercase().starts_with(prefix))
        };
        let kept = self.message.head.trim_end().lines();
        let kept: Vec<&str> = kept.filter(|line| !begins_so(line)).collect();
        self.message.head = kept.join("\r\n") + "\r\n\r\n";
    }

    /// Sets a header, in lower case.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.message.replace_header(name, Some(value));
    }

    /// Sets the status and its phrase.
    pub fn set_status(&mut self, status: &str) {
        let rest = self.message.head.split_once("\r\n");
        let (_, rest) = rest.expect("a first line");
        self.message.head = format!("HTTP/1.1 {status}\r\n{rest}");
    }

    /// Changes the body as text.
    ///
    /// # Panics
    ///
    /// The body is not text.
    pub fn change_text(&mut self, change: impl FnOnce(&str) -> String) {
        let text = std::str::from_utf8(&self.body).expect("a body of text");
        self.body = change(text).into();
    }
}

/// A connection, and what was read of it beyond the last message.
pub(super) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Waits until the peer has closed its side; what it sends meanwhile is lost.
    pub(super) fn wait_for_the_end(&mut self) {
        let mut lost = [0; 4096];
        while matches!(self.stream.read(&mut lost), Ok(1..)) {}
    }

    /// The next request; `None` where the peer has nothing more to ask.
    pub(super) fn request(&mut self) -> io::Result<Option<Message>> {
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let mut request = Message {
            head,
            body: Vec::new(),
        };
        // Answered here, so that nobody waits for anybody.
        if request.replace_header("expect", None) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = self.body(&request, false)?;
        Ok(Some(request))
    }

    /// The answer to a request; those that only announce it (1xx) are passed over.
    pub(super) fn answer(&mut self, method: &str) -> io::Result<Message> {
        loop {
            let head = self.head()?.ok_or(ErrorKind::UnexpectedEof)?;
            let mut answer = Message {
                head,
                body: Vec::new(),
            };
            let status = answer.first_line().1.to_owned();
            if status.starts_with('1') {
                continue;
            }
            if method != "HEAD" && status != "204" && status != "304" {
                answer.body = self.body(&answer, true)?;
            }
            return Ok(answer);
        }
    }

    /// Reads more; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 1 << 14];
        let read = self.stream.read(&mut buffer)?;
        self.read.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }

    fn head(&mut self) -> io::Result<Option<String>> {
        let end = loop {
            let found = self.read.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            if self.read.len() > MAX_HEAD_BYTES {
                return Err(ErrorKind::InvalidData.into());
            }
            if !self.more()? {
                return if self.read.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        Ok(Some(head))
    }

    fn body(&mut self, of: &Message, to_the_end: bool) -> io::Result<Vec<u8>> {
        let chunked = of.header("transfer-encoding");
        if chunked.is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return self.chunks();
        }
        if let Some(length) = of.header("content-length") {
            let length = length.parse().map_err(|_| ErrorKind::InvalidData)?;
            return self.take(length);
        }
        if to_the_end {
            while self.more()? {}
            return Ok(std::mem::take(&mut self.read));
        }
        Ok(Vec::new())
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.read.drain(..length).collect())
    }

    /// All chunks with their frames; the last one is empty and may be followed by trailers.
    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let line = self.line()?;
            let text = String::from_utf8_lossy(&line);
            let size = text.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
            all.extend_from_slice(&line);
            if size > 0 {
                all.extend_from_slice(&self.take(size + 2)?);
                continue;
            }
            loop {
                let trailer = self.line()?;
                all.extend_from_slice(&trailer);
                if trailer == b"\r\n" {
                    return Ok(all);
                }
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.read.iter().position(|byte| *byte == b'\n') {
                return self.take(at + 1);
            }
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
