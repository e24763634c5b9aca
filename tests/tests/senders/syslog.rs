//! rsyslog and syslog-ng: the files that the provider renders, on this machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::root;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use serde_json::Value;

use super::bench::Remote;
use super::{Service, free_port};

/// A program that `make senders` has unpacked, with its own libraries.
fn unpacked(program: &str) -> Command {
    let root = root().join("target/senders/root");
    let path = root.join("usr/sbin").join(program);
    assert!(path.exists(), "{program} is missing: make senders");
    let folders = [
        "usr/lib/x86_64-linux-gnu",
        "lib/x86_64-linux-gnu",
        "usr/lib/syslog-ng",
    ];
    let folders = folders.map(|folder| root.join(folder).display().to_string());
    let mut command = Command::new(path);
    command.env("LD_LIBRARY_PATH", folders.join(":"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// An authority, and certificates of the sealer and of a sender.
fn certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = authority.self_signed(&key).unwrap();
    fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    for name in ["sealer", "sender"] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &issuer).unwrap();
        fs::write(folder.join(format!("{name}.pem")), signed.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A sealer that takes syslog over TLS from whoever has a certificate, and the folder of a sender.
struct Machine<'r> {
    service: Service<'r>,
    folder: PathBuf,
    port: SocketAddr,
    /// Messages that omrelp sends before it waits for an answer.
    window: &'static str,
}

impl<'r> Machine<'r> {
    fn start(remote: &'r Remote, transport: &str) -> Self {
        let folder = remote.bench.path("sender");
        for name in ["state", "in"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        certificates(&folder);
        let port = free_port();
        let at = folder.display();
        let input = format!(
            "\n[[syslog]]\ntransport = \"{transport}\"\nlisten = \"{port}\"\nevent_id = \"auditlog@32473/auditlog_event_id\"\n\n\
             [syslog.tls]\ncertificate = \"{at}/sealer.pem\"\nkey = \"{at}/sealer.key\"\nclient_ca = \"{at}/ca.pem\"\n"
        );
        let service = Service::start(remote, &input);
        Self {
            service,
            folder,
            port,
            window: "128",
        }
    }

    /// The rendered file of a program, with the paths and the port of this machine.
    fn rendered(&self, program: &str) -> PathBuf {
        let golden = format!("provider/src/pipeline/golden/{program}/rsyslog.conf");
        let at = self.folder.display().to_string();
        let mut text = fs::read_to_string(root().join(golden)).unwrap();
        for (from, to) in [
            ("sealer.acme.example", "localhost"),
            ("/etc/auditlog", &at),
            (
                &format!("/var/lib/auditlog-{program}"),
                &format!("{at}/state"),
            ),
            ("/var/log/payments/*.json", &format!("{at}/in/*.log")),
            ("\"2514\"", &format!("\"{}\"", self.port.port())),
            ("\"6514\"", &format!("\"{}\"", self.port.port())),
            ("resumeInterval=\"5\"", "resumeInterval=\"1\""),
            (
                "windowSize=\"128\"",
                &format!("windowSize=\"{}\"", self.window),
            ),
        ] {
            text = text.replace(from, to);
        }
        let path = self.folder.join("rsyslog.conf");
        fs::write(&path, text).unwrap();
        path
    }

    /// Starts rsyslog, once it has said that the file is good.
    fn rsyslog(&self, program: &str) -> Child {
        let config = self.rendered(program);
        let modules = root().join("target/senders/root/usr/lib/x86_64-linux-gnu/rsyslog");
        let with = |arguments: &[&str]| {
            let mut command = unpacked("rsyslogd");
            command.arg("-f").arg(&config).arg("-M").arg(&modules);
            command
                .arg("-i")
                .arg(self.folder.join("pid"))
                .args(arguments);
            command
        };
        // A process that was killed has left it.
        _ = fs::remove_file(self.folder.join("pid"));
        assert!(with(&["-N1"]).status().unwrap().success());
        with(&["-n"]).spawn().unwrap()
    }

    /// syslog-ng with its own driver for syslog over TCP.
    fn syslog_ng(&self) -> Child {
        let at = self.folder.display();
        let text = format!(
            "@version: 3.38\nsource s {{ wildcard-file(base-dir(\"{at}/in\") filename-pattern(\"*.log\") flags(no-parse)); }};\n\
             destination d {{ syslog(\"localhost\" port({port}) transport(\"tls\")\n\
             tls(ca-file(\"{at}/ca.pem\") cert-file(\"{at}/sender.pem\") key-file(\"{at}/sender.key\") peer-verify(yes)) time-reopen(1)\n\
             disk-buffer(reliable(yes) disk-buf-size(536870912) mem-buf-size(16777216) dir(\"{at}/state\"))); }};\n\
             log {{ source(s); destination(d); flags(flow-control); }};\n",
            port = self.port.port()
        );
        let config = self.folder.join("syslog-ng.conf");
        fs::write(&config, text).unwrap();
        let modules = root().join("target/senders/root/usr/lib/syslog-ng");
        let versions = fs::read_dir(modules).unwrap();
        let versions = versions.map(|entry| entry.unwrap().path());
        let modules = versions.filter(|path| path.is_dir()).max().unwrap();
        let mut command = unpacked("syslog-ng");
        command.args(["-F", "--no-caps", "-f"]).arg(config);
        command.arg(format!("--module-path={}", modules.display()));
        for (option, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "control")] {
            command.arg(option).arg(self.folder.join(name));
        }
        command.spawn().unwrap()
    }

    /// Appends lines with these numbers to the file that is followed.
    fn write(&self, numbers: std::ops::Range<u64>) {
        let path = self.folder.join("in/audit.log");
        let mut file = fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(path).unwrap();
        let mut lines = String::new();
        for number in numbers {
            writeln!(lines, "login {number} of \"Zo\u{eb}\"").unwrap();
        }
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Waits until rsyslog has put the first lines into its queue on the disk.
    fn until_queued(&self) {
        let queue = self.folder.join("state/auditlog-rsyslog.00000001");
        let begun = Instant::now();
        while fs::metadata(&queue).map_or(0, |file| file.len()) == 0 {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "nothing is queued"
            );
            thread::yield_now();
        }
    }

    /// How many lines rsyslog may read again, of so many, after it was killed: the one that it was reading. It empties the file that says how
    /// far it has read before it writes it again, and reads all lines again where it was killed in between.
    fn read_again(&self, lines: usize) -> usize {
        let mut files = fs::read_dir(self.folder.join("state")).unwrap();
        let is_emptied = files.any(|file| {
            let file = file.unwrap();
            let name = file.file_name();
            let is_record = name.as_encoded_bytes().starts_with(b"imfile-state:");
            is_record && file.metadata().unwrap().len() == 0
        });
        if is_emptied { lines } else { 1 }
    }

    fn until(&mut self, events: u64) {
        let what = format!("{events} events are accepted");
        let service = &mut self.service;
        service.until(&what, |service| accepted(service) >= events);
    }

    /// Waits until nothing is accepted for so long that rsyslog has tried again meanwhile.
    fn until_quiet(&self) {
        let (mut before, mut quiet) = (accepted(&self.service), 0);
        while quiet < 4 {
            thread::sleep(Duration::from_secs(2));
            let now = accepted(&self.service);
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
        }
    }
}

/// Events that the sealer has accepted since it was started.
fn accepted(service: &Service<'_>) -> u64 {
    let metrics = service.get("/metrics").unwrap_or_default();
    let name = "auditlog_sealer_accepted_events_total{";
    let line = metrics.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.unwrap_or_default()
}

/// How often each number is in the log.
fn numbers(events: &[Value]) -> BTreeMap<u64, usize> {
    let mut numbers = BTreeMap::new();
    for event in events {
        let message = event["message"].as_str().unwrap();
        let number = message.split(' ').nth(1).unwrap();
        assert_eq!(
            message,
            format!("login {number} of \"Zo\u{eb}\""),
            "{event}"
        );
        // syslog-ng counts a line end after the message as well.
        let raw = event["raw"].as_str().unwrap().trim_end();
        assert!(raw.ends_with(message), "{event}");
        *numbers.entry(number.parse().unwrap()).or_default() += 1;
    }
    numbers
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn rsyslog_over_relp_loses_nothing_and_doubles_nothing_where_the_sealer_is_killed() {
    let remote = Remote::new();
    let mut machine = Machine::start(&remote, "relp");
    machine.write(0..600);
    let sender = machine.rsyslog("rsyslog");
    for _ in 0..2 {
        machine.until(150);
        machine.service.kill_and_start();
    }
    machine.until(100);
    machine.service.kill();
    machine.write(600..700);
    machine.service.start_again();
    machine.until(100);
    machine.until_quiet();
    stop(sender);
    let events = machine.service.end();
    let expected: BTreeMap<u64, usize> = (0..700).map(|number| (number, 1)).collect();
    assert_eq!(numbers(&events), expected);
    let first = &events[0];
    assert_eq!(first["app_name"], "rsyslog", "{first}");
    let id = &first["structured_data"]["auditlog@32473"]["auditlog_event_id"];
    assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{first}");
}

/// A line counts as read when it is in the queue on the disk, and omrelp has one message on the way.
#[test]
fn rsyslog_that_is_killed_while_it_reads_loses_and_doubles_no_more_than_its_file_says() {
    let remote = Remote::new();
    let mut machine = Machine::start(&remote, "relp");
    machine.window = "1";
    machine.service.kill();
    machine.write(0..400);
    let mut sender = machine.rsyslog("rsyslog");
    machine.until_queued();
    stop(sender);
    let mut may_be_doubled = machine.read_again(400);
    machine.service.start_again();
    machine.write(400..500);
    sender = machine.rsyslog("rsyslog");
    machine.until(50);
    stop(sender);
    may_be_doubled += machine.read_again(500);
    sender = machine.rsyslog("rsyslog");
    machine.until_quiet();
    stop(sender);
    let numbers = numbers(&machine.service.end());
    let lost: Vec<u64> = (0..500)
        .filter(|number| !numbers.contains_key(number))
        .collect();
    let doubled = numbers.iter().filter(|(_, count)| **count > 1);
    let doubled: Vec<u64> = doubled.map(|(number, _)| *number).collect();
    assert!(
        lost.len() <= 1,
        "one message on the way of the second kill: {lost:?}"
    );
    assert!(
        doubled.len() <= may_be_doubled,
        "{may_be_doubled} lines may be read again: {doubled:?}"
    );
}

/// What was accepted stays, what is sent over a connection that holds arrives, and nothing is there twice. More is not promised.
fn over_tcp(program: &str) {
    let remote = Remote::new();
    let mut machine = Machine::start(&remote, "tcp");
    machine.write(0..100);
    let sender = match program {
        "syslog-ng" => machine.syslog_ng(),
        rsyslog => machine.rsyslog(rsyslog),
    };
    machine.until(100);
    machine.service.kill_and_start();
    // Some of these may be lost: a sender notices a broken connection when it writes to it.
    let mut next = 100;
    while accepted(&machine.service) == 0 {
        machine.write(next..next + 1);
        next += 1;
        assert!(next < 1000, "the sender does not connect again");
        thread::sleep(Duration::from_millis(100));
    }
    machine.until_quiet();
    let before = accepted(&machine.service);
    machine.write(next..next + 100);
    machine.until(before + 100);
    stop(sender);
    let numbers = numbers(&machine.service.end());
    assert!(numbers.values().all(|count| *count == 1), "{numbers:?}");
    for number in (0..100).chain(next..next + 100) {
        assert!(numbers.contains_key(&number), "{number}: {numbers:?}");
    }
}

#[test]
fn rsyslog_over_tcp_brings_what_it_sends_over_a_connection_that_holds() {
    over_tcp("rsyslog-tcp");
}

#[test]
fn syslog_ng_over_tcp_brings_what_it_sends_over_a_connection_that_holds() {
    over_tcp("syslog-ng");
}
