//! Senders of the Lumberjack protocol: Filebeat, and libraries of Python.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use auditlog_tests::root;
use serde_json::Value;

use crate::bench::Remote;
use crate::{Service, free_port, installed, rendered};

fn lumberjack(rest: &str) -> (SocketAddr, String) {
    let listen = free_port();
    (
        listen,
        format!("[[lumberjack]]\nlisten = \"{listen}\"\n{rest}"),
    )
}

fn python(script: &str, port: u16, first: usize, count: usize) -> Command {
    let mut command = Command::new(installed().join("venv/bin/python"));
    command.arg(root().join("tests/senders").join(script));
    command.args([port.to_string(), first.to_string(), count.to_string()]);
    command
}

/// A way to the sealer on which the acknowledgements of the first connections are lost: each is cut off before the answer arrives.
struct Lossy {
    at: SocketAddr,
    lost: Arc<AtomicUsize>,
}

impl Lossy {
    fn to(sealer: SocketAddr, losses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let lost = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&lost);
        thread::spawn(move || {
            for sender in listener.incoming() {
                let Ok(up) = TcpStream::connect(sealer) else {
                    continue;
                };
                let counter = Arc::clone(&counter);
                thread::spawn(move || _ = carry(&sender.unwrap(), &up, &counter, losses));
            }
        });
        Self { at, lost }
    }
}

fn carry(sender: &TcpStream, up: &TcpStream, lost: &AtomicUsize, losses: usize) -> io::Result<()> {
    let (mut from, mut to) = (sender.try_clone()?, up.try_clone()?);
    thread::spawn(move || {
        _ = io::copy(&mut from, &mut to);
        _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (up, sender);
    let mut ack = [0; 6];
    while from.read_exact(&mut ack).is_ok() {
        let is_last = ack[2..] != [0; 4];
        if is_last && lost.fetch_add(1, Ordering::SeqCst) < losses {
            break;
        }
        to.write_all(&ack)?;
    }
    _ = up.shutdown(Shutdown::Both);
    sender.shutdown(Shutdown::Both)
}

/// How often each number is in the log.
fn counts(events: &[Value], number: impl Fn(&Value) -> Option<u64>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(number(event).unwrap()).or_default() += 1;
    }
    counts
}

fn each_once(numbers: u64) -> BTreeMap<u64, usize> {
    (0..numbers).map(|number| (number, 1)).collect()
}

#[test]
fn pylogbeat_loses_nothing_and_doubles_nothing_where_events_have_ids() {
    let remote = Remote::new();
    let (sealer, input) = lumberjack("source = \"app\"\n");
    let mut service = Service::start_with(&remote, &input);
    let way = Lossy::to(sealer, 2);
    let mut sender = python("pylogbeat_client.py", way.at.port(), 0, 100)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let windows = BufReader::new(sender.stdout.take().unwrap()).lines();
    for (number, line) in windows.enumerate() {
        assert_eq!(line.unwrap(), (number * 10).to_string());
        if number == 4 {
            service.kill_and_start();
        }
    }
    assert!(sender.wait().unwrap().success());
    assert!(way.lost.load(Ordering::SeqCst) > 2);
    let events = service.end();
    let numbers = counts(&events, |event| event["n"].as_u64());
    assert_eq!(numbers, each_once(100));
}

#[test]
fn python_logstash_async_loses_nothing_that_is_in_its_queue() {
    let remote = Remote::new();
    let (sealer, input) = lumberjack("source = \"app\"\n");
    let mut service = Service::start_with(&remote, &input);
    let database = remote.bench.path("queue.db");
    let start = |first| {
        let mut sender = python("logstash_logger.py", sealer.port(), first, 50);
        let sender = sender.arg(&database).stdin(Stdio::piped());
        sender.stdout(Stdio::null()).spawn().unwrap()
    };
    let mut sender = start(0);
    service.until_accepted(50);
    service.kill();
    end(&mut sender);
    // Nobody takes what this one logs, until the sealer is there again.
    let mut sender = start(50);
    service.start_again();
    service.until("all are accepted", |service| {
        service.metric("auditlog_sealer_accepted_events_total{") >= Some(50)
    });
    end(&mut sender);
    let events = service.end();
    // Its events have no ids: those that it sends again are there twice.
    let numbers: BTreeSet<u64> = events
        .iter()
        .map(|event| {
            event["extra"]["n"]
                .as_u64()
                .or(event["n"].as_u64())
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, (0..100).collect());
}

fn end(sender: &mut Child) {
    sender.kill().unwrap();
    sender.wait().unwrap();
}

/// An authority, and certificates of the sealer and of a sender.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let run = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(run.unwrap().success(), "openssl {arguments}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"
    ));
    fs::write(folder.join("names"), "subjectAltName = DNS:localhost\n").unwrap();
    for name in ["sealer", "sender"] {
        openssl(&format!(
            "req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out {name}.pem"
        ));
    }
}

/// The file that is rendered for Filebeat, with the paths of this machine.
fn filebeat_yml(folder: &Path, sealer: SocketAddr) -> String {
    let at = folder.display().to_string();
    let mut text = rendered("filebeat/filebeat.yml");
    for (there, here) in [
        ("/etc/auditlog", &at),
        ("/var/lib/auditlog-filebeat", &format!("{at}/filebeat")),
        ("/var/log/payments", &at),
        (
            "sealer.acme.example:5044",
            &format!("localhost:{}", sealer.port()),
        ),
        ("backoff.max: 30s", &"backoff.max: 1s".to_owned()),
    ] {
        assert!(text.contains(there), "{there}");
        text = text.replace(there, here);
    }
    text
}

fn filebeat(folder: &Path) -> Command {
    let mut command = Command::new(installed().join("filebeat"));
    command.arg("-c").arg(folder.join("filebeat.yml"));
    command.args(["--path.home", &folder.display().to_string()]);
    command
}

/// It sends a window again with the members of each event in another order.
#[test]
fn window_that_filebeat_sends_again_is_in_the_log_once() {
    let remote = Remote::new();
    let (sealer, input) = lumberjack("source = \"app\"\nevent_id = \"auditlog_event_id\"\n");
    let mut service = Service::start_with(&remote, &input);
    let way = Lossy::to(sealer, 2);
    let folder = remote.bench.path("sender");
    fs::create_dir(&folder).unwrap();
    let text = filebeat_yml(&folder, way.at);
    let without_tls = text.split("  ssl:").next().unwrap();
    fs::write(folder.join("filebeat.yml"), without_tls).unwrap();
    let lines: String = (0..50)
        .map(|number: u32| number.to_string() + "\n")
        .collect();
    fs::write(folder.join("a.json"), lines).unwrap();
    let mut sender = filebeat(&folder);
    let sender = sender.stdout(Stdio::null()).stderr(Stdio::null());
    let mut sender = sender.spawn().unwrap();
    service.until("its window came three times", |service| {
        service.metric("auditlog_sealer_repeated_batches_total{") >= Some(2)
    });
    service.until_accepted(50);
    end(&mut sender);
    let events = service.end();
    let number = |event: &Value| event["message"].as_str()?.parse().ok();
    assert_eq!(counts(&events, number), each_once(50));
}

#[test]
fn filebeat_loses_nothing_over_kills_and_what_it_doubles_has_one_id() {
    let remote = Remote::new();
    let folder = remote.bench.path("certificates");
    fs::create_dir(&folder).unwrap();
    certificates(&folder);
    let at = folder.display();
    let (sealer, input) = lumberjack(&format!(
        "event_id = \"auditlog_event_id\"\n[lumberjack.tls]\ncertificate = \"{at}/sealer.pem\"\nkey = \"{at}/sealer.key\"\nclient_ca = \"{at}/ca.pem\"\n"
    ));
    let mut service = Service::start_with(&remote, &input);
    fs::write(folder.join("filebeat.yml"), filebeat_yml(&folder, sealer)).unwrap();
    let tested = filebeat(&folder).args(["test", "config"]).output().unwrap();
    assert!(tested.status.success(), "{tested:?}");
    let write = |first: usize| {
        let line = |number| format!("{{\"n\":{number}}}\n");
        let lines: String = (first..first + 500).map(line).collect();
        let mut file = fs::OpenOptions::new();
        let file = file.create(true).append(true).open(folder.join("a.json"));
        file.unwrap().write_all(lines.as_bytes()).unwrap();
    };
    let start = || {
        let mut command = filebeat(&folder);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    write(0);
    let mut sender = start();
    service.until_accepted(500);
    // The sealer is killed, and lines are written meanwhile.
    service.kill();
    write(500);
    service.start_again();
    service.until_accepted(500);
    // The same of Filebeat.
    end(&mut sender);
    write(1000);
    let mut sender = start();
    service.until("all are accepted", |service| {
        service.metric("auditlog_sealer_accepted_events_total{") >= Some(1000)
    });
    end(&mut sender);
    let events = service.end();
    let mut ids: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for event in &events {
        let line: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        let id = event["auditlog_event_id"].as_str().unwrap();
        ids.entry(line["n"].as_u64().unwrap())
            .or_default()
            .insert(id);
    }
    assert_eq!(
        ids.keys().copied().collect::<Vec<_>>(),
        (0..1500).collect::<Vec<_>>()
    );
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert!(events.len() < 1600, "{}", events.len());
}
