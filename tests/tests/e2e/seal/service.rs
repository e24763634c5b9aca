//! `auditlog-seal run`: events over HTTP, acknowledged once they are on the disk or in the store.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Command, Fault, Run, command};

use crate::seal::bench::{Bench, Remote, numbered, signal};
use crate::seal::random::{Random, asked};

pub(crate) const TOKEN: &str = "a secret of an application";

/// A service that runs.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) at: SocketAddr,
    _home: tempfile::TempDir,
}

/// The answer to a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Service {
    /// Starts a service of one log, and waits until it takes events.
    pub(crate) fn start(bench: &Bench, log: &str, environment: &[(String, String)]) -> Self {
        let logs = format!("{}{log}\n", table_of(bench, "", "policy.json", "spool"));
        let mut service = Self::of_logs(bench, &logs, environment);
        service.until_ready();
        service
    }

    /// Starts a service of one log with more keys of its listener, or with tables after it, and waits until it takes events.
    pub(crate) fn start_with(
        bench: &Bench,
        log: &str,
        http: &str,
        environment: &[(String, String)],
    ) -> Self {
        let logs = format!("{}{log}\n", table_of(bench, "", "policy.json", "spool"));
        fs::write(bench.path("token"), TOKEN).unwrap();
        let http = format!("{http}\n{}", token(bench));
        let mut service = Self::run(bench, &logs, &http, environment);
        service.until_ready();
        service
    }

    /// Starts a service that asks for certificates, and waits until it can be connected to.
    pub(crate) fn start_over_tls(bench: &Bench, log: &str, tls: &str) -> Self {
        let logs = format!("{}{log}\n", table_of(bench, "", "policy.json", "spool"));
        let service = Self::run(bench, &logs, tls, &[]);
        let begun = Instant::now();
        while TcpStream::connect(service.at).is_err() {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "it does not listen"
            );
            thread::yield_now();
        }
        service
    }

    /// Starts a service of these logs.
    pub(crate) fn of_logs(bench: &Bench, logs: &str, environment: &[(String, String)]) -> Self {
        fs::write(bench.path("token"), TOKEN).unwrap();
        Self::run(bench, logs, &token(bench), environment)
    }

    /// The same with more tables of inputs.
    pub(crate) fn of_logs_with(
        bench: &Bench,
        logs: &str,
        inputs: &str,
        environment: &[(String, String)],
    ) -> Self {
        fs::write(bench.path("token"), TOKEN).unwrap();
        let http = format!("{}{inputs}", token(bench));
        Self::run(bench, logs, &http, environment)
    }

    /// Starts a service of these logs, with more keys of its listener, or with tables after it.
    pub(crate) fn run(
        bench: &Bench,
        logs: &str,
        http: &str,
        environment: &[(String, String)],
    ) -> Self {
        Self::run_by(bench, logs, http, environment, |command| command)
    }

    /// The same, by another command that starts this one.
    pub(crate) fn run_by(
        bench: &Bench,
        logs: &str,
        http: &str,
        environment: &[(String, String)],
        wrap: impl FnOnce(Command) -> Command,
    ) -> Self {
        Self::run_at(free_port(), bench, logs, http, environment, wrap)
    }

    /// The same at this address.
    pub(crate) fn run_at(
        at: SocketAddr,
        bench: &Bench,
        logs: &str,
        http: &str,
        environment: &[(String, String)],
        wrap: impl FnOnce(Command) -> Command,
    ) -> Self {
        let config = format!("{logs}\n[[http]]\nlisten = \"{at}\"\n{http}\n");
        fs::write(bench.path("sealer.toml"), config).unwrap();
        let run = command("auditlog-seal").args(["run", "--config"]);
        let run = run.arg(bench.path("sealer.toml"));
        let run = wrap(run).envs(environment.iter().cloned());
        let (mut run, home) = run.into_inner();
        let run = run
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            child: run.spawn().unwrap(),
            at,
            _home: home,
        }
    }

    pub(crate) fn until_ready(&mut self) {
        let begun = Instant::now();
        while self
            .get("/readyz")
            .is_none_or(|answer| answer.status != 200)
        {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {ended:?}");
            assert!(begun.elapsed() < Duration::from_mins(1), "it is not ready");
            thread::yield_now();
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> Option<Answer> {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        self.request(&head, b"")
    }

    /// Posts events with the token; `None` where no answer comes.
    pub(crate) fn post(&self, body: impl AsRef<[u8]>, headers: &str) -> Option<Answer> {
        self.post_to("/events", body, headers)
    }

    pub(super) fn post_to(
        &self,
        path: &str,
        body: impl AsRef<[u8]>,
        headers: &str,
    ) -> Option<Answer> {
        let headers = format!("authorization: Bearer {TOKEN}\r\n{headers}");
        self.request_to(path, body.as_ref(), &headers)
    }

    /// Posts something without the token.
    pub(crate) fn request_to(&self, path: &str, body: &[u8], headers: &str) -> Option<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.request(&head, body)
    }

    fn request(&self, head: &str, body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.at).ok()?;
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            body: body.trim_end().to_owned(),
        })
    }

    /// Ends it as an operator does.
    pub(crate) fn end(mut self) -> Run {
        signal(&self.child, "TERM");
        let mut out = self.child.stdout.take().unwrap();
        let read = thread::spawn(move || {
            let mut stdout = Vec::new();
            out.read_to_end(&mut stdout).map(|_| stdout)
        });
        let mut stderr = Vec::new();
        let mut said = self.child.stderr.take().unwrap();
        said.read_to_end(&mut stderr).unwrap();
        Run::from_output(&Output {
            stdout: read.join().unwrap().unwrap(),
            stderr,
            status: self.child.wait().unwrap(),
        })
    }

    /// Ends it as a crash does.
    pub(super) fn kill(self) {
        drop(self);
    }

    /// The value of a metric, which may have labels; `None` where the service does not answer, or does not have it.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        let metrics = self.get("/metrics")?.body;
        let name = format!("auditlog_sealer_{name}");
        let value = |line: &str| line.strip_prefix(&name)?.rsplit(' ').next()?.parse().ok();
        metrics.lines().find_map(value)
    }
}

/// A test that fails leaves no process behind.
impl Drop for Service {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap()
}

/// The table of the token.
pub(crate) fn token(bench: &Bench) -> String {
    let file = bench.path("token").display().to_string();
    format!("[[http.token]]\nsource = \"app\"\nfile = \"{file}\"\n")
}

/// The beginning of the table of a log.
pub(crate) fn table_of(bench: &Bench, name: &str, policy: &str, spool: &str) -> String {
    let path = |name: &str| bench.path(name).display().to_string();
    let (policy, key, spool) = (path(policy), path("key.pem"), path(spool));
    format!("[[logs]]\n{name}policy = \"{policy}\"\nkey_file = \"{key}\"\nspool = \"{spool}\"\n")
}

pub(crate) fn into_folder(bench: &Bench) -> String {
    format!("to = \"{}\"", bench.path("audit").display())
}

#[test]
fn events_that_were_acknowledged_are_sealed_when_the_service_ends() {
    let bench = Bench::new();
    let service = Service::start(&bench, &into_folder(&bench), &[]);
    let accepted = service.post("{\"n\":1}\n{\"n\":2}\n", "").unwrap();
    assert_eq!(
        (accepted.status, accepted.body.as_str()),
        (200, "{\"accepted\":2}")
    );
    let json = "content-type: application/json\r\n";
    let array = service.post("[{\"n\":3}, {\"n\":4}]", json).unwrap();
    assert_eq!(array.body, "{\"accepted\":2}");
    let named = "idempotency-key: one\r\n";
    assert_eq!(service.post("5", named).unwrap().body, "{\"accepted\":1}");
    let again = service.post("5", named).unwrap();
    assert_eq!(
        (again.status, again.body.as_str()),
        (200, "{\"accepted\":0,\"repeat\":true}")
    );
    let metrics = service.get("/metrics").unwrap().body;
    for line in ["accepted_events_total", "repeated_batches_total"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let ended = service.end().ok();
    assert_eq!(ended.stderr, "", "{ended}");
    assert_eq!(
        bench.verified(),
        ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}", "5"]
    );
    let text = bench.text();
    assert!(
        text.contains(",\"source\":\"app\",\"batch\":\"one\",\"event\":5}"),
        "{text}"
    );

    // The name is remembered after its segment was stored, also where another process has the spool for a moment.
    let busy = fs::File::open(bench.path("spool/lock")).unwrap();
    busy.lock().unwrap();
    let logs = format!(
        "{}{}\n",
        table_of(&bench, "", "policy.json", "spool"),
        into_folder(&bench)
    );
    let mut service = Service::of_logs(&bench, &logs, &[]);
    let begun = Instant::now();
    let is_busy = |answer: Answer| {
        answer
            .body
            .starts_with("another process is using the spool")
    };
    while !service.get("/readyz").is_some_and(is_busy) {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::yield_now();
    }
    drop(busy);
    service.until_ready();
    assert_eq!(
        service.post("5", named).unwrap().body,
        "{\"accepted\":0,\"repeat\":true}"
    );
    service.end().ok();
    assert_eq!(bench.verified().len(), 5);
}

#[test]
fn requests_that_cannot_be_taken_are_refused_and_nothing_of_them_is_accepted() {
    let bench = Bench::new();
    let log = format!("{}\nmax_event_bytes = 1024", into_folder(&bench));
    let service = Service::start(&bench, &log, &[]);
    for (body, headers, status, expected) in [
        (
            "1\n{\n",
            "",
            400,
            "line 2: the event is not exactly one JSON value",
        ),
        ("", "", 400, "the body has no event"),
        (
            "1",
            "content-encoding: br\r\n",
            415,
            "the content encoding br is not supported",
        ),
        (
            "1",
            "content-encoding: gzip\r\ncontent-encoding: zstd\r\n",
            415,
            "the content encoding gzip, zstd is not supported",
        ),
        (
            "1",
            "idempotency-key: x\r\nidempotency-key: y\r\n",
            400,
            "an idempotency key is 1 to 255 characters",
        ),
        (
            "1",
            "idempotency-key: \"x\r\n",
            400,
            "an idempotency key is 1 to 255 characters",
        ),
    ] {
        let refused = service.post(body, headers).unwrap();
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.body.starts_with(expected), "{}", refused.body);
    }
    let head = "POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n";
    for authorization in [
        "",
        "authorization: Bearer guessed\r\n",
        "authorization: Bearer \r\n",
    ] {
        let refused = service
            .request(&format!("{head}{authorization}\r\n"), b"1")
            .unwrap();
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    let large = service.post("1\n".repeat(5 << 20), "").unwrap();
    assert_eq!(large.status, 413, "{}", large.body);
    let refused = service
        .post(format!("1\n\"{}\"", "x".repeat(1023)), "")
        .unwrap();
    let expected = "event 2 has 1025 bytes, the limit of the log log is 1024";
    assert_eq!((refused.status, refused.body.as_str()), (413, expected));
    // Clients of OpenTelemetry show its message.
    let json = "content-type: application/json\r\n";
    let refused = service.post_to("/v1/logs", "[]", json).unwrap();
    let expected =
        r#"{"message":"the body is not an ExportLogsServiceRequest: expected a JSON object"}"#;
    assert_eq!((refused.status, refused.body.as_str()), (400, expected));
    // Each of so many tiny events takes a hundred times its size as a line.
    for events in [126_500, 300_000] {
        let tiny = service.post("1\n".repeat(events), "").unwrap();
        assert_eq!(tiny.status, 413, "{}", tiny.body);
    }
    assert_eq!(service.get("/elsewhere").unwrap().status, 404);
    assert_eq!(service.get("/events").unwrap().status, 405);
    for path in ["/healthz", "/readyz", "/metrics", "/status"] {
        let head = service.ask("HEAD", path).unwrap();
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    let ended = service.end().ok();
    // Each kind of refusal once, whoever sends it.
    for (line, times) in [
        (
            "refused a batch of app: line 2: the event is not exactly one JSON value",
            1,
        ),
        (
            "refused a batch of app: the content encoding br is not supported",
            1,
        ),
        (
            "refused a batch of a sender at 127.0.0.1: a token or a password is needed",
            1,
        ),
        (
            "refused a batch of app: the body has more than 8388608 bytes",
            1,
        ),
    ] {
        assert_eq!(ended.stderr.matches(line).count(), times, "{line}: {ended}");
    }
    assert_eq!(ended.stderr.lines().count(), 4, "{ended}");
    assert!(bench.verified().is_empty());
}

#[test]
fn outage_of_the_store_lengthens_the_queue_and_loses_nothing() {
    let remote = Remote::new();
    let mut environment = remote.endpoint.env();
    let way = remote.way.url().to_string();
    environment.push(("AWS_ENDPOINT_URL".to_owned(), way));
    let log = "max_segment_events = 5\ntimeout = 1";
    let service = Service::start(&remote.bench, log, &environment);
    remote.way.from_now_on("", "", Fault::HangUp);
    let events = numbered(40);
    for part in events.chunks(5) {
        let accepted = service.post(part.join("\n"), "").unwrap();
        assert_eq!(accepted.status, 200, "{}", accepted.body);
    }
    let waiting = |service: &Service| -> u64 {
        let metrics = service.get("/metrics").unwrap().body;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("auditlog_sealer_waiting_segments"));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    };
    let begun = Instant::now();
    while waiting(&service) < 8 {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::yield_now();
    }
    assert_eq!(service.get("/readyz").unwrap().status, 200);
    remote.way.heal();
    let ended = service.end().ok();
    assert!(!ended.stderr.contains("error"), "{ended}");
    assert_eq!(remote.verified(), events);
}

#[test]
fn batch_that_is_acknowledged_as_stored_is_in_the_store() {
    let bench = Bench::new();
    let log = format!("{}\nack = \"stored\"", into_folder(&bench));
    let service = Service::start(&bench, &log, &[]);
    let mut expected = Vec::new();
    for event in numbered(5) {
        assert_eq!(service.post(&event, "").unwrap().status, 200);
        expected.push(event);
        assert_eq!(bench.verified(), expected);
    }
    service.end().ok();
    assert_eq!(bench.verified(), expected);
}

/// A service that is killed while it stores leaves an unfinished file, and without its spool nobody knows whose it is. The verifier passes over
/// at most so many of them.
fn take_away_unfinished(bench: &Bench, most: u64) {
    let verify = command("auditlog-verify").arg("--policy");
    let verify = verify.arg(bench.path("policy.json"));
    verify.arg(bench.path("audit")).run().ok();
    let entries = fs::read_dir(bench.path("audit/payments")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let unfinished: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "unfinished"))
        .collect();
    assert!(unfinished.len() as u64 <= most, "{unfinished:?}");
    for path in unfinished {
        fs::remove_file(path).unwrap();
    }
}

/// Each sender sends its batches until they are acknowledged, over one service after the other, and remembers which are.
#[test]
fn disk_that_is_lost_at_any_moment_takes_nothing_with_it_that_is_acknowledged_as_stored() {
    const SENDERS: u64 = 4;
    let losses = asked("AUDITLOG_LOST_DISKS", 3);
    let mut random = Random::new(asked("AUDITLOG_KILL_SEED", 1));
    let bench = Bench::new();
    let log = |more: &str| {
        let table = table_of(&bench, "", "policy.json", "spool");
        let folder = into_folder(&bench);
        format!("{table}{folder}\nack = \"stored\"\n{more}\n")
    };
    let acknowledged: Vec<AtomicU64> = (0..SENDERS).map(|_| AtomicU64::new(0)).collect();
    for loss in 0..=losses {
        // The first one begins the log. The head of the others is what the bucket shows.
        let head = if loss == 0 { "" } else { "head_unknown = true" };
        let mut service = Service::of_logs(&bench, &log(head), &[]);
        service.until_ready();
        let least = 1 + random.below(20);
        let before: u64 = acknowledged
            .iter()
            .map(|of| of.load(Ordering::SeqCst))
            .sum();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for (sender, count) in (0..).zip(&acknowledged) {
                let (service, stop) = (&service, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        let next = count.load(Ordering::SeqCst);
                        let event = format!("{{\"sender\":{sender},\"n\":{next}}}");
                        let key = format!("idempotency-key: {sender}-{next}\r\n");
                        let answer = service.post(event, &key);
                        let is_stored = answer.is_some_and(|answer| answer.status == 200);
                        count.fetch_add(u64::from(is_stored), Ordering::SeqCst);
                    }
                });
            }
            let now = || {
                acknowledged
                    .iter()
                    .map(|of| of.load(Ordering::SeqCst))
                    .sum::<u64>()
            };
            let begun = Instant::now();
            while now() < before + least {
                assert!(
                    begun.elapsed() < Duration::from_mins(1),
                    "nothing is stored"
                );
                thread::yield_now();
            }
            random.pause(50);
            signal(&service.child, "KILL");
            stop.store(true, Ordering::SeqCst);
        });
        service.kill();
        fs::remove_dir_all(bench.path("spool")).unwrap();
    }
    take_away_unfinished(&bench, losses + 1);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in bench.verified() {
        *counts.entry(event).or_default() += 1;
    }
    for (sender, count) in (0..SENDERS).zip(&acknowledged) {
        let count = count.load(Ordering::SeqCst);
        for n in 0..count {
            let event = format!("{{\"sender\":{sender},\"n\":{n}}}");
            assert_eq!(counts.remove(&event), Some(1), "{event}");
        }
        // The last one may be there, though nobody knows.
        let event = format!("{{\"sender\":{sender},\"n\":{count}}}");
        assert!(counts.remove(&event).is_none_or(|times| times == 1));
    }
    assert!(counts.is_empty(), "{counts:?}");
}
