//! A way to a store on which a test can let things go wrong: between a command and an endpoint, at the request that it names.
//!
//! ```no_run
//! use auditlog_tests::{Engine, Fault, Proxy, command};
//!
//! let endpoint = Engine::Ministack.start();
//! let way = Proxy::to(endpoint.url());
//! way.once("PUT", "000000000001", Fault::LoseAnswer);
//! command("auditlog-seal").envs(endpoint.env()).env("AWS_ENDPOINT_URL", way.url()).run();
//! assert_eq!(way.faults(), 1);
//! ```

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use http::{Message, Wire};

mod http;

pub use http::Reply;

/// Something happens within seconds; a machine under load takes longer, what never happens fails the test.
const PATIENCE: Duration = Duration::from_mins(1);

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed before anything is passed on.
    HangUp,
    /// Half of the request's body is passed on, then both connections are closed.
    CutRequest,
    /// It is not passed on and not answered; the connection stays.
    Silence,
    /// It is carried out, and the connection is closed in place of an answer.
    LoseAnswer,
    /// It is carried out and not answered; the connection stays.
    HoldAnswer,
    /// It is carried out, and the connection is closed in the middle of the answer: of its body, if it has one.
    CutAnswer,
    /// It is carried out, and the answer comes byte by byte, each after so long: its body, if it has one.
    Trickle(Duration),
    /// It is carried out, and the answer's `Date` differs by so many seconds.
    ShiftDate(i64),
    /// It is carried out, and the answer is changed.
    Change(Change),
    /// It is carried out, and the answer's body never ends: white space, for as long as the client reads.
    Endless,
    /// It is passed on without this header. Counts where the header was there.
    DropHeader(&'static str),
    /// It is passed on with this header, in the place of those of its name.
    SetHeader(&'static str, &'static str),
    /// It is not passed on; this comes in place of an answer.
    Answer(Answer),
}

impl Fault {
    /// Changes the answer.
    pub fn change(change: impl Fn(&mut Reply) + Send + Sync + 'static) -> Self {
        Self::Change(Change(Arc::new(change)))
    }
}

/// What is done to an answer.
#[derive(Clone)]
pub struct Change(Arc<dyn Fn(&mut Reply) + Send + Sync>);

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Change")
    }
}

/// How an error is written.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// S3's XML.
    S3,
    /// The JSON of KMS.
    Kms,
    /// Nothing at all, as a proxy on the way may answer.
    Empty,
}

/// An answer in the words of S3, or another form.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it is written.
    pub form: Form,
    /// Status and its phrase, such as `503 Slow Down`.
    pub status: &'static str,
    /// S3's error code.
    pub code: &'static str,
    /// Its message.
    pub message: &'static str,
    /// One more header.
    pub header: Option<(&'static str, &'static str)>,
    /// Bytes of white space before the message.
    pub padding: usize,
}

impl Answer {
    /// S3 has too many requests (HTTP 503).
    pub const SLOW_DOWN: Self = Self {
        status: "503 Slow Down",
        code: "SlowDown",
        message: "Please reduce your request rate.",
        header: None,
        padding: 0,
        form: Form::S3,
    };
    /// The bucket is in eu-west-1, says S3 under a name that does not lead there (HTTP 301).
    pub const PERMANENT_REDIRECT: Self = Self {
        status: "301 Moved Permanently",
        code: "PermanentRedirect",
        message: "The bucket you are attempting to access must be addressed using the specified endpoint.",
        header: Some(("x-amz-bucket-region", "eu-west-1")),
        padding: 0,
        form: Form::S3,
    };
    /// The bucket is in eu-west-1, says S3 of a request that was signed for another region (HTTP 400).
    pub const WRONG_REGION: Self = Self {
        status: "400 Bad Request",
        code: "AuthorizationHeaderMalformed",
        message: "The authorization header is malformed; the region 'eu-central-1' is wrong; expecting 'eu-west-1'",
        header: Some(("x-amz-bucket-region", "eu-west-1")),
        padding: 0,
        form: Form::S3,
    };
    /// The clock of whoever signed is off by more than fifteen minutes (HTTP 403).
    pub const TIME_TOO_SKEWED: Self = Self {
        status: "403 Forbidden",
        code: "RequestTimeTooSkewed",
        message: "The difference between the request time and the current time is too large.",
        header: None,
        padding: 0,
        form: Form::S3,
    };

    /// S3 refuses, for the reason that has this code.
    pub const fn refusal(status: &'static str, code: &'static str) -> Self {
        Self {
            status,
            code,
            message: "So says S3.",
            header: None,
            padding: 0,
            form: Form::S3,
        }
    }

    /// KMS refuses, for the reason that has this code.
    pub const fn kms_refusal(status: &'static str, code: &'static str) -> Self {
        Self {
            form: Form::Kms,
            message: "So says KMS.",
            ..Self::refusal(status, code)
        }
    }

    /// A status and nothing else, which AWS did not send.
    pub const fn empty(status: &'static str) -> Self {
        Self {
            form: Form::Empty,
            ..Self::refusal(status, "")
        }
    }

    /// The same, with this header.
    #[must_use]
    pub const fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The same, with so many bytes of white space before the message.
    #[must_use]
    pub const fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    fn message(&self, method: &str) -> Message {
        let (code, message) = (self.code, self.message);
        let padding = " ".repeat(self.padding);
        let body = match self.form {
            Form::S3 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{padding}<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            ),
            Form::Kms => format!("{padding}{{\"__type\":\"{code}\",\"message\":\"{message}\"}}"),
            Form::Empty => padding,
        };
        let (name, value) = self.header.unwrap_or(("Server", "AmazonS3"));
        let now = DateTime::from(std::time::SystemTime::now());
        let head = format!(
            "HTTP/1.1 {}\r\nDate: {}\r\n{name}: {value}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
            self.status,
            now.fmt(DateTimeFormat::HttpDate).expect("a date"),
            body.len()
        );
        let body = if method == "HEAD" {
            Vec::new()
        } else {
            body.into()
        };
        Message { head, body }
    }
}

#[derive(Debug)]
struct Rule {
    method: String,
    text: String,
    fault: Fault,
    left: Option<usize>,
}

#[derive(Debug)]
struct Request {
    /// Method, path and query, and the operation of KMS.
    kind: String,
    head: String,
    /// The beginning of its body, as text.
    body: String,
}

/// So much of a body is kept.
const KEPT_BODY_BYTES: usize = 16 << 10;

/// Decides about each request, by its method and its operation of KMS (empty for S3), whether anything goes wrong with it.
type Decide = Box<dyn FnMut(&str, &str) -> Option<Fault> + Send>;

#[derive(Default)]
struct Chance(Option<Decide>);

impl fmt::Debug for Chance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Chance" } else { "None" })
    }
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    chance: Chance,
    faults: usize,
    requests: Vec<Request>,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    target: String,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        self.state().faults += 1;
        self.changed.notify_all();
    }

    /// Notes a request, and takes what is to go wrong with it.
    fn fault(&self, request: &Message) -> Option<Fault> {
        let (method, target) = request.first_line();
        // The operation of KMS is not in its URL.
        let operation = request.header("x-amz-target").unwrap_or_default();
        let mut state = self.state();
        let fault = state.rules.iter_mut().find_map(|rule| {
            let matches = (target.contains(&rule.text) || operation.contains(&rule.text))
                && (rule.method.is_empty() || rule.method == method);
            if !matches || rule.left == Some(0) {
                return None;
            }
            rule.left = rule.left.map(|left| left - 1);
            Some(rule.fault.clone())
        });
        let fault = fault.or_else(|| state.chance.0.as_mut()?(method, operation));
        state.requests.push(Request {
            kind: format!("{method} {target} {operation}"),
            head: request.head.clone(),
            body: String::from_utf8_lossy(&request.body[..request.body.len().min(KEPT_BODY_BYTES)])
                .into_owned(),
        });
        drop(state);
        self.changed.notify_all();
        fault
    }
}

/// A running proxy on 127.0.0.1. Dropped, it takes no new connection.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// A way to an endpoint, given as its URL. Nothing goes wrong on it until a test says so.
    pub fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on 127.0.0.1");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            target: endpoint.replace("http://", ""),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ours.state().closed {
                    return;
                }
                let shared = Arc::clone(&ours);
                // It ends with its client, whose connection is all that it holds.
                thread::spawn(move || serve(client, &shared));
            }
        });
        Self {
            url: format!("http://{address}"),
            address,
            shared,
        }
    }

    /// Its URL, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, this goes wrong with each request of this method (each one, where it is empty) whose path and query, or
    /// whose operation of KMS, contain the text. Of several rules, the one that was said first counts.
    pub fn from_now_on(&self, method: &str, text: &str, fault: Fault) {
        self.add(method, text, fault, None);
    }

    /// This goes wrong with the next request of this kind, and no more.
    pub fn once(&self, method: &str, text: &str, fault: Fault) {
        self.times(1, method, text, fault);
    }

    /// This goes wrong with so many of the next requests of this kind.
    pub fn times(&self, times: usize, method: &str, text: &str, fault: Fault) {
        self.add(method, text, fault, Some(times));
    }

    fn add(&self, method: &str, text: &str, fault: Fault, left: Option<usize>) {
        self.shared.state().rules.push(Rule {
            method: method.to_owned(),
            text: text.to_owned(),
            fault,
            left,
        });
    }

    /// From now on, this decides about each request that no rule is about, by its method and its operation of KMS (empty for
    /// S3).
    pub fn decide(&self, decide: impl FnMut(&str, &str) -> Option<Fault> + Send + 'static) {
        self.shared.state().chance = Chance(Some(Box::new(decide)));
    }

    /// From now on, nothing goes wrong any more.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.chance = Chance(None);
    }

    /// How many requests came, whatever became of them.
    pub fn total(&self) -> usize {
        self.shared.state().requests.len()
    }

    /// Forgets the requests that came, which a long run would have no room for.
    pub fn forget(&self) {
        self.shared.state().requests.clear();
    }

    /// Waits until so many requests came, or for so long; whether they came.
    pub fn wait_for_requests(&self, requests: usize, patience: Duration) -> bool {
        let fewer = |state: &mut State| state.requests.len() < requests;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), patience, fewer);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    /// How many requests went wrong.
    pub fn faults(&self) -> usize {
        self.shared.state().faults
    }

    /// How many requests of this kind came, whatever became of them.
    pub fn requests(&self, method: &str, text: &str) -> usize {
        let state = self.shared.state();
        let is_it = |request: &&Request| {
            request.kind.starts_with(&format!("{method} ")) && request.kind.contains(text)
        };
        state.requests.iter().filter(is_it).count()
    }

    /// The heads of all requests that came, as they were sent.
    pub fn heads(&self) -> Vec<String> {
        let state = self.shared.state();
        let head = |request: &Request| request.head.clone();
        state.requests.iter().map(head).collect()
    }

    /// The bodies of the requests whose body contains the text, as they were sent: the first 16 KiB of each.
    pub fn bodies(&self, text: &str) -> Vec<String> {
        let state = self.shared.state();
        let body = |request: &Request| request.body.clone();
        let all = state.requests.iter().map(body);
        all.filter(|body| body.contains(text)).collect()
    }

    /// Waits until so many requests went wrong.
    ///
    /// # Panics
    ///
    /// Where that takes longer than a minute.
    #[track_caller]
    pub fn wait_for_faults(&self, faults: usize) {
        let fewer = |state: &mut State| state.faults < faults;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), PATIENCE, fewer);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.timed_out(),
            "{faults} faults are expected: {state:?}"
        );
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        // Wakes the thread that waits for a connection.
        _ = TcpStream::connect(self.address);
    }
}

/// Passes the requests of one connection on, each over a connection of its own. An error on either side closes both.
fn serve(client: TcpStream, shared: &Shared) {
    let mut client = Wire::new(client);
    while let Ok(Some(request)) = client.request() {
        let fault = shared.fault(&request);
        if !matches!(pass_on(&mut client, request, fault, shared), Ok(true)) {
            return;
        }
    }
}

/// Deals with one request, and says whether the connection goes on.
fn pass_on(
    client: &mut Wire,
    mut request: Message,
    fault: Option<Fault>,
    shared: &Shared,
) -> io::Result<bool> {
    let method = request.first_line().0.to_owned();
    let server = || TcpStream::connect(&shared.target).map(Wire::new);
    // Counted once the store has done its part, and before the client can see it: tests wait for it, and read it afterwards.
    match fault {
        Some(Fault::HangUp) => {
            shared.count();
            Ok(false)
        }
        Some(Fault::Silence) => {
            shared.count();
            client.wait_for_the_end();
            Ok(false)
        }
        Some(Fault::CutRequest) => {
            let half = request.head.len() + request.body.len() / 2;
            server()?.write(&request.bytes()[..half])?;
            shared.count();
            Ok(false)
        }
        Some(Fault::Answer(answer)) => {
            shared.count();
            client.write(&answer.message(&method).bytes())?;
            Ok(true)
        }
        Some(Fault::SetHeader(name, value)) => {
            request.replace_header(name, Some(value));
            shared.count();
            let answer = ask(&mut server()?, &request)?;
            client.write(&answer.bytes())?;
            Ok(true)
        }
        Some(Fault::DropHeader(name)) => {
            if request.replace_header(name, None) {
                shared.count();
            }
            let answer = ask(&mut server()?, &request)?;
            client.write(&answer.bytes())?;
            Ok(true)
        }
        None => {
            let answer = ask(&mut server()?, &request)?;
            client.write(&answer.bytes())?;
            Ok(true)
        }
        Some(after) => {
            let answer = ask(&mut server()?, &request)?;
            answer_badly(client, answer, &after, shared)
        }
    }
}

fn ask(server: &mut Wire, request: &Message) -> io::Result<Message> {
    server.write(&request.bytes())?;
    server.answer(request.first_line().0)
}

/// What goes wrong after the request was carried out.
fn answer_badly(
    client: &mut Wire,
    mut answer: Message,
    fault: &Fault,
    shared: &Shared,
) -> io::Result<bool> {
    match fault {
        Fault::HoldAnswer => {
            shared.count();
            client.wait_for_the_end();
            Ok(false)
        }
        Fault::CutAnswer => {
            let half = match (answer.head.len(), answer.body.len()) {
                (head, 0) => head / 2,
                (head, body) => head + body / 2,
            };
            shared.count();
            client.write(&answer.bytes()[..half])?;
            Ok(false)
        }
        Fault::Trickle(pause) => {
            shared.count();
            let bytes = answer.bytes();
            let head = if answer.body.is_empty() {
                0
            } else {
                answer.head.len()
            };
            client.write(&bytes[..head])?;
            for byte in &bytes[head..] {
                // The pause is the fault, and nothing that is waited for.
                thread::sleep(*pause);
                client.write(&[*byte])?;
            }
            Ok(true)
        }
        Fault::Endless => {
            shared.count();
            answer.replace_header("content-length", None);
            answer.replace_header("connection", Some("close"));
            client.write(answer.head.as_bytes())?;
            let spaces = vec![b' '; 1 << 20];
            loop {
                client.write(&spaces)?;
            }
        }
        Fault::Change(change) => {
            let mut reply = Reply::new(answer);
            (change.0)(&mut reply);
            shared.count();
            client.write(&reply.into_message().bytes())?;
            Ok(true)
        }
        Fault::ShiftDate(seconds) => {
            let date = answer.header("date").expect("the store says its time");
            let date = DateTime::from_str(date, DateTimeFormat::HttpDate).expect("a date");
            let date = DateTime::from_secs(date.secs() + seconds);
            let date = date.fmt(DateTimeFormat::HttpDate).expect("a date");
            answer.replace_header("date", Some(&date));
            shared.count();
            client.write(&answer.bytes())?;
            Ok(true)
        }
        Fault::LoseAnswer
        | Fault::HangUp
        | Fault::CutRequest
        | Fault::Silence
        | Fault::DropHeader(_)
        | Fault::SetHeader(..)
        | Fault::Answer(_) => {
            shared.count();
            Ok(false)
        }
    }
}
