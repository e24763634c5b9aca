//! A way to a store that loses, cuts, delays and changes what goes through.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use crate::verify_log::now;

/// A request as it came.
pub(crate) struct Asked {
    pub(super) target: String,
    pub(super) headers: HashMap<String, String>,
    /// Everything up to the empty line.
    head: String,
}

impl Asked {
    pub(super) fn is_listing(&self) -> bool {
        self.target.contains("?versions") || self.target.contains("&versions")
    }

    /// Whether it asks for the bytes of this segment.
    pub(super) fn is_of(&self, segment: usize) -> bool {
        let asked = self.is_object() && self.target.contains(&format!("{segment:012}.jsonl.zst"));
        asked && !self.target.contains("retention")
    }

    pub(super) fn is_object(&self) -> bool {
        self.target.contains(".jsonl.zst")
    }
}

/// An answer as it goes out.
pub(crate) struct Answer {
    status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// What S3 says where it refuses.
    pub(super) fn refusal(status: &str, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>So says S3.</Message></Error>"
        );
        Self::of(status, &body)
    }

    pub(super) fn of(status: &str, body: &str) -> Self {
        Self {
            status: status.to_owned(),
            headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    /// Replaces the `Date` by one that is this many hours off.
    pub(super) fn date_off_by(&mut self, hours: i64) {
        let now = now().saturating_add_seconds(hours * 3600);
        let seconds = i64::try_from(now.as_seconds()).expect("seconds");
        let date = DateTime::from_secs(seconds);
        let format = DateTimeFormat::HttpDate;
        self.without("date");
        let date = date.fmt(format).expect("a date");
        self.headers.push(("date".to_owned(), date));
    }

    pub(super) fn without(&mut self, header: &str) {
        self.headers.retain(|(name, _)| name != header);
    }
}

/// What becomes of a request.
pub(crate) enum Fate {
    Pass,
    /// It reaches the store, and the answer is changed.
    Change(fn(&mut Answer)),
    /// It never reaches the store.
    Answer(Answer),
    /// No answer comes, for as long as the way is there.
    Silent,
    /// The connection ends without an answer.
    Gone,
    /// The connection ends in the middle of the body.
    Cut,
    /// The body comes byte by byte.
    Trickle,
}

/// A way to a store; what becomes of each request is up to the test.
pub(crate) struct Way {
    endpoint: String,
    open: Arc<AtomicBool>,
}

impl Way {
    pub(crate) fn to(store: &str, fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let store = store.trim_start_matches("http://").to_owned();
        let open = Arc::new(AtomicBool::new(true));
        let (fate, still) = (Arc::new(fate), Arc::clone(&open));
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if !still.load(Ordering::SeqCst) {
                    return;
                }
                let (store, fate, still) = (store.clone(), Arc::clone(&fate), Arc::clone(&still));
                // Who was cut off on purpose makes this end fail too.
                thread::spawn(move || carry(client, &store, &*fate, &still).ok());
            }
        });
        Self { endpoint, open }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
    }
}

fn carry(
    mut client: TcpStream,
    store: &str,
    fate: &dyn Fn(&Asked) -> Fate,
    open: &AtomicBool,
) -> io::Result<()> {
    let asked = asked(&client)?;
    match fate(&asked) {
        Fate::Pass => send(&mut client, &pass_on(&asked, store)?, usize::MAX),
        Fate::Change(change) => {
            let mut answer = pass_on(&asked, store)?;
            change(&mut answer);
            send(&mut client, &answer, usize::MAX)
        }
        Fate::Answer(answer) => send(&mut client, &answer, usize::MAX),
        Fate::Gone => Ok(()),
        Fate::Silent => {
            // Ends when the client hangs up, or the test is over.
            client.set_read_timeout(Some(Duration::from_millis(100)))?;
            let mut byte = [0];
            while open.load(Ordering::SeqCst) && !matches!(client.read(&mut byte), Ok(0)) {}
            Ok(())
        }
        Fate::Cut => {
            let answer = pass_on(&asked, store)?;
            send(&mut client, &answer, answer.body.len() / 2)
        }
        Fate::Trickle => {
            let answer = pass_on(&asked, store)?;
            send(&mut client, &answer, 0)?;
            for byte in answer.body {
                client.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
    }
}

fn asked(client: &TcpStream) -> io::Result<Asked> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1));
    let target = target.unwrap_or_default().to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    let headers = lines.filter_map(header).collect();
    Ok(Asked {
        target,
        headers,
        head,
    })
}

fn pass_on(asked: &Asked, store: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(store)?;
    let head = asked.head.trim_end();
    write!(stream, "{head}\r\nconnection: close\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.trim_end().trim_start_matches("HTTP/1.1 ").to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    assert!(
        headers.iter().all(|(name, _)| name != "transfer-encoding"),
        "the endpoint sends bodies in one piece"
    );
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Sends an answer, and of its body no more than that.
fn send(client: &mut TcpStream, answer: &Answer, most: usize) -> io::Result<()> {
    let mut head = Vec::new();
    write!(head, "HTTP/1.1 {}\r\nconnection: close\r\n", answer.status)?;
    let stays = |name: &str| !["connection", "content-length"].contains(&name);
    for (name, value) in answer.headers.iter().filter(|(name, _)| stays(name)) {
        write!(head, "{name}: {value}\r\n")?;
    }
    write!(head, "content-length: {}\r\n\r\n", answer.body.len())?;
    client.write_all(&head)?;
    client.write_all(&answer.body[..most.min(answer.body.len())])
}
