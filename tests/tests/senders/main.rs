//! Real senders into a locked bucket and through the verifier, with the sealer killed on the way: `make test-senders`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Fault, Proxy, command, root};
use serde_json::Value;

mod beats;
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../e2e/seal/bench.rs"]
mod bench;
mod curl;
mod pages;
mod syslog;
mod webhooks;

use bench::{Remote, signal};

const KEY: &str = "a key that all senders know";

/// Where `make clients` has put them.
fn installed() -> std::path::PathBuf {
    let folder = root().join("target/clients");
    assert!(
        folder.join("installed").exists(),
        "senders are missing: make clients"
    );
    folder
}

/// A file as `auditlog_pipeline` renders it: its own tests compare what it renders with these.
fn rendered(name: &str) -> String {
    let folder = root().join("provider/src/pipeline/golden");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A service that takes events over Forward, and is killed and started again on the same ports.
struct Service<'r> {
    remote: &'r Remote,
    http: SocketAddr,
    forward: SocketAddr,
    running: Process,
}

/// A sealer that ends with the test, also with one that fails: it would hold the ports, and whoever reads its standard error.
struct Process {
    child: Child,
    _home: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

impl<'r> Service<'r> {
    fn start(remote: &'r Remote, forward_keys: &str) -> Self {
        let forward = free_port();
        fs::write(remote.bench.path("forward.key"), KEY).unwrap();
        let inputs = format!("[[forward]]\nlisten = \"{forward}\"\n{forward_keys}\n");
        Self {
            forward,
            ..Self::start_with(remote, &inputs)
        }
    }

    /// With other inputs. What comes before the first table is of the listener for HTTP.
    fn start_with(remote: &'r Remote, inputs: &str) -> Self {
        let http = free_port();
        let bench = &remote.bench;
        let path = |name: &str| bench.path(name).display().to_string();
        let config = format!(
            "[[logs]]\npolicy = \"{}\"\nkey_file = \"{}\"\nspool = \"{}\"\nmax_segment_events = 20\n\n\
             [[http]]\nlisten = \"{http}\"\n{inputs}\n",
            path("policy.json"),
            path("key.pem"),
            path("spool"),
        );
        fs::write(bench.path("sealer.toml"), config).unwrap();
        let mut service = Self {
            remote,
            http,
            forward: http,
            running: spawn(remote),
        };
        service.until_ready();
        service
    }

    fn kill(&mut self) {
        self.running.child.kill().unwrap();
        self.running.child.wait().unwrap();
    }

    fn kill_and_start(&mut self) {
        self.kill();
        self.start_again();
    }

    fn start_again(&mut self) {
        self.running = spawn(self.remote);
        self.until_ready();
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.http).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn until_ready(&mut self) {
        self.until("it is ready", |service| {
            let answer = service.get("/readyz");
            answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
    }

    fn until_accepted(&mut self, events: u64) {
        self.until("the events are accepted", |service| {
            service.metric("auditlog_sealer_accepted_events_total{") == Some(events)
        });
    }

    /// The value of the first metric that begins like this.
    fn metric(&self, begin: &str) -> Option<u64> {
        let metrics = self.get("/metrics")?;
        let line = metrics.lines().find(|line| line.starts_with(begin))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let ended = self.running.child.try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {ended:?}");
            assert!(
                begun.elapsed() < Duration::from_mins(2),
                "{what}: not in time"
            );
            thread::yield_now();
        }
    }

    /// Ends it as an operator does, and returns the events that the verifier finds.
    fn end(mut self) -> Vec<Value> {
        signal(&self.running.child, "TERM");
        assert!(self.running.child.wait().unwrap().success());
        let events = self.remote.verified();
        let parsed = events.iter().map(|event| serde_json::from_str(event));
        parsed.collect::<Result<_, _>>().unwrap()
    }
}

fn spawn(remote: &Remote) -> Process {
    let mut environment = remote.endpoint.env();
    let way = remote.way.url().to_string();
    environment.push(("AWS_ENDPOINT_URL".to_owned(), way));
    let run = command("auditlog-seal").args(["run", "--config"]);
    let run = run.arg(remote.bench.path("sealer.toml")).envs(environment);
    let (mut run, home) = run.into_inner();
    let run = run.stdin(Stdio::null()).stdout(Stdio::null());
    Process {
        child: run.stderr(Stdio::inherit()).spawn().unwrap(),
        _home: home,
    }
}

/// The number of each entry, and whether it is marked as a possible repeat, in the order of the log.
fn marks(remote: &Remote) -> Vec<(u64, bool)> {
    let mut marks = Vec::new();
    for object in remote.objects() {
        for line in zstd::decode_all(&*object)
            .unwrap()
            .split(|byte| *byte == b'\n')
        {
            let line: Value = serde_json::from_slice(line).unwrap_or_default();
            if let Some(number) = line["event"]["record"]["n"].as_u64() {
                marks.push((number, line["repeat"] == "suspected"));
            }
        }
    }
    marks
}

/// How often each number is in the log.
fn numbers(events: &[Value]) -> BTreeMap<u64, usize> {
    let mut numbers = BTreeMap::new();
    for event in events {
        *numbers
            .entry(event["record"]["n"].as_u64().unwrap())
            .or_default() += 1;
    }
    numbers
}

#[test]
fn fluent_logger_of_python_is_taken_before_and_after_a_kill() {
    let remote = Remote::new();
    let mut service = Service::start(&remote, "");
    for first in ["0", "50"] {
        let port = service.forward.port().to_string();
        let sent = Command::new(installed().join("venv/bin/python"))
            .arg(root().join("tests/senders/fluent_logger.py"))
            .args([port.as_str(), first, "50"])
            .status();
        assert!(sent.unwrap().success());
        service.until_accepted(50);
        service.kill_and_start();
    }
    let events = service.end();
    let expected: BTreeMap<u64, usize> = (0..100).map(|number| (number, 1)).collect();
    assert_eq!(numbers(&events), expected);
    for event in &events {
        assert_eq!(event["tag"], "app.login", "{event}");
        assert_eq!(event["record"]["raw"]["base64"], "AP8=", "{event}");
        assert_eq!(event["record"]["ratio"], 0.5, "{event}");
        let time = event["time"].as_str().unwrap();
        assert!(time.len() == 30 && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn fluent_org_logger_of_npm_loses_nothing_that_was_acknowledged_in_any_mode() {
    let remote = Remote::new();
    let key = remote.bench.path("forward.key").display().to_string();
    let keys = format!("shared_key = {{ file = \"{key}\" }}\nsource = \"shop\"");
    let mut service = Service::start(&remote, &keys);
    let modes = [
        "Message",
        "Forward",
        "PackedForward",
        "CompressedPackedForward",
    ];
    for (mode, first) in modes.into_iter().zip((0..).step_by(20)) {
        let mut sender = Command::new("node")
            .arg(root().join("tests/senders/fluent_org_logger.mjs"))
            .arg(service.forward.port().to_string())
            .args([KEY, mode, &first.to_string(), "20"])
            .env("SENDERS", installed())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let acknowledged = BufReader::new(sender.stdout.take().unwrap()).lines();
        for (number, line) in acknowledged.enumerate() {
            assert_eq!(line.unwrap(), (first + number).to_string());
            if number == 9 {
                service.kill_and_start();
            }
        }
        assert!(sender.wait().unwrap().success(), "{mode}");
    }
    let events = service.end();
    let numbers = numbers(&events);
    assert_eq!(
        numbers.keys().copied().collect::<Vec<_>>(),
        (0..80).collect::<Vec<_>>()
    );
    // It gives a chunk that it sends again a new id, so what was sent while the sealer was killed may be there twice: the second one is marked.
    let mut seen = BTreeSet::new();
    for (number, is_marked) in marks(&remote) {
        assert_eq!(is_marked, !seen.insert(number), "{number}");
    }
    let doubled = numbers.values().filter(|count| **count > 1).count();
    assert!(doubled <= modes.len(), "{numbers:?}");
    assert!(numbers.values().all(|count| *count <= 2), "{numbers:?}");
}

/// The program of the Collector in the environment of Python.
fn collector() -> std::path::PathBuf {
    let libraries = installed().join("venv/lib");
    let versions = fs::read_dir(libraries).unwrap();
    let program = "site-packages/otel_collector/bin/otelcol-contrib_linux_amd64";
    let mut programs = versions.map(|version| version.unwrap().path().join(program));
    let found = programs.find(|path| path.exists()).unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&found, mode).unwrap();
    found
}

/// The file that is rendered for the Collector, with the paths of this machine. This build of it has no `file_storage`.
fn otelcol_yaml(remote: &Remote, sealer: &str) -> String {
    let text = rendered("opentelemetry/otelcol.yaml");
    let (before, rest) = text.split_once("\nextensions:\n").unwrap();
    let (_, service) = rest.split_once("\nservice:\n").unwrap();
    let text = format!("{before}\nservice:\n{service}");
    let kept = |line: &&str| !line.contains("file_storage");
    let lines: Vec<&str> = text.lines().filter(kept).collect();
    let mut text = lines.join("\n");
    let audit = remote.bench.path("audit.log").display().to_string();
    for (there, here) in [
        ("/var/log/payments/*.json", audit.as_str()),
        ("/var/log/payments.log", "/nowhere.log"),
        ("https://sealer.acme.example:9880", sealer),
        ("    tls:\n      insecure_skip_verify: false\n", ""),
        ("      ca_file: \"/etc/auditlog/ca.pem\"\n", ""),
        ("max_interval: 30s", "max_interval: 1s"),
    ] {
        assert!(text.contains(there), "{there}");
        text = text.replace(there, here);
    }
    text + "\n  telemetry: { metrics: { level: none } }\n"
}

#[test]
fn rendered_file_of_opentelemetry_leads_every_line_into_the_log_once() {
    let remote = Remote::new();
    let token = "a secret of the collector";
    let path = |name: &str| remote.bench.path(name);
    fs::write(path("token"), token).unwrap();
    let mut service = Service::start_with(
        &remote,
        &format!(
            "event_id = \"auditlog_event_id\"\n[[http.token]]\nsource = \"app\"\nfile = \"{}\"\n",
            path("token").display()
        ),
    );
    let way = Proxy::to(&format!("http://{}", service.http));
    fs::write(path("otel.yaml"), otelcol_yaml(&remote, way.url())).unwrap();
    let run = |first: &[&str]| {
        let mut run = Command::new(collector());
        run.args(first).arg("--config").arg(path("otel.yaml"));
        run.arg("--feature-gates=stanza.synchronousLogEmitter");
        run.env("AUDITLOG_TOKEN", token).stderr(Stdio::null());
        run
    };
    assert!(run(&["validate"]).status().unwrap().success());
    let lines = |first: usize| -> String {
        let lines = (first..first + 150).map(|number| format!(" {{\"login\": {number}}} \n"));
        lines.collect::<Vec<_>>().concat()
    };
    // Many lines of the longest kind are more than one request, and each is an event whatever is in it.
    let long = "\u{1}".repeat(128 << 10) + "\n";
    fs::write(path("audit.log"), long.repeat(70) + &lines(0)).unwrap();
    way.times(2, "POST", "/v1/logs", Fault::LoseAnswer);
    let mut sender = run(&[]).spawn().unwrap();
    service.until_accepted(220);
    let repeated = service.metric("auditlog_sealer_repeated_batches_total{");
    assert_eq!(repeated, Some(2));
    service.kill();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(path("audit.log"))
        .unwrap();
    file.write_all((lines(150) + "not ended").as_bytes())
        .unwrap();
    service.start_again();
    service.until_accepted(150);
    sender.kill().unwrap();
    sender.wait().unwrap();
    let events = service.end();
    let body = |event: &Value| {
        event["logRecord"]["body"]["stringValue"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let bodies: Vec<String> = events.iter().map(body).collect();
    let expected = long.repeat(70) + &lines(0) + &lines(150);
    assert!(bodies == expected.lines().collect::<Vec<_>>());
    let id = |event: &Value| event["logRecord"]["attributes"].to_string();
    let ids: BTreeSet<String> = events.iter().map(id).collect();
    assert_eq!(ids.len(), events.len());
    assert!(!ids.iter().any(|id| !id.contains("auditlog_event_id")));
}
