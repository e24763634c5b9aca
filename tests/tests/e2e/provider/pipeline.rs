//! `auditlog_pipeline`: the files of one declaration, and with them syslog-ng and the sealer, into a bucket and through the verifier.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::{Command, Engine, Run, command, root};
use serde_json::Value;

use crate::provider::stack::{Stack, said};
use crate::seal::bench::signal;

const TOKEN: &str = "a secret of syslog-ng";
const LINES: usize = 2000;

/// Where everything of one machine is.
struct Machine {
    folder: tempfile::TempDir,
    port: u16,
    relp_port: u16,
    tcp_port: u16,
    lumberjack_port: u16,
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("an address").port()
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            relp_port: free_port(),
            tcp_port: free_port(),
            lumberjack_port: free_port(),
        };
        for folder in ["etc/tokens", "in", "shipper"] {
            fs::create_dir_all(machine.path(folder)).expect("a folder");
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// A trail with a sender of each program; that of syslog-ng follows the files of this machine.
    fn declaration(&self, settings: &str) -> String {
        let at = self.folder.path().display();
        let others = [
            "filebeat",
            "fluent-bit",
            "fluentd",
            "logstash",
            "opentelemetry",
            "rsyslog",
            "rsyslog-tcp",
            "vector",
        ];
        let others = others.map(|program| {
            format!("    {program}-1 = {{ program = \"{program}\", paths = [\"/var/log/audit.log\"] }}\n")
        });
        format!(
            r#"resource "auditlog_signing_key" "audit" {{
  alias = "alias/acme-audit"
}}

resource "auditlog_bucket" "audit" {{
  bucket      = "acme-audit"
  object_lock = {{ mode = "GOVERNANCE", days = 3 }}
  logs        = {{ payments = {{ signing_key = auditlog_signing_key.audit.trust }} }}
}}

data "auditlog_pipeline" "audit" {{
  trust_policy = auditlog_bucket.audit.trust_policy
  url          = "http://127.0.0.1:{port}"
  listen       = "127.0.0.1:{port}"
  relp_port    = {relp_port}
  tcp_port     = {tcp_port}
  lumberjack_port = {lumberjack_port}
  folder       = "{at}/etc"
  spool        = "{at}/spool"
  senders = {{
{others}    kubernetes-1 = {{ program = "kubernetes" }}
    here = {{
      program  = "syslog-ng"
      paths    = ["{at}/in/*.log"]
      folder   = "{at}/shipper"
      settings = {{ {settings} }}
    }}
  }}
}}

output "trust_policy" {{ value = auditlog_bucket.audit.trust_policy }}
output "sealer" {{ value = data.auditlog_pipeline.audit.sealer_toml }}
output "unit" {{ value = data.auditlog_pipeline.audit.sealer_unit }}
output "files" {{ value = data.auditlog_pipeline.audit.files }}
output "limits" {{ value = data.auditlog_pipeline.audit.limits }}
"#,
            port = self.port,
            relp_port = self.relp_port,
            tcp_port = self.tcp_port,
            lumberjack_port = self.lumberjack_port,
            others = others.concat()
        )
    }

    fn sealer(&self, environment: &[(String, String)]) -> Running {
        let run = command("auditlog-seal").args(["run", "--config"]);
        let run = run.arg(self.path("etc/sealer.toml"));
        Running::start(run.envs(environment.iter().cloned()))
    }

    fn shipper(&self, config: &Path) -> Running {
        let run = syslog_ng().args(["-F", "--no-caps", "-f"]).arg(config);
        let run = run.env("AUDITLOG_TOKEN", TOKEN);
        let run = run.arg("-R").arg(self.path("shipper/persist"));
        let run = run.arg("-p").arg(self.path("shipper/pid"));
        Running::start(run.arg("-c").arg(self.path("shipper/control")))
    }

    /// Events that the sealer has accepted since it was started; nothing before it answers.
    fn accepted(&self) -> Option<usize> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let name = "auditlog_sealer_accepted_events_total{";
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until nothing is accepted for two seconds: syslog-ng sends ten times a second.
    fn until_quiet(&self) {
        let mut before = None;
        while before.is_none() || self.accepted() != before {
            before = self.accepted();
            thread::sleep(Duration::from_secs(2));
        }
    }

    fn until(&self, events: usize) {
        let begun = Instant::now();
        while self.accepted().is_none_or(|accepted| accepted < events) {
            let accepted = self.accepted();
            let late = begun.elapsed() > Duration::from_mins(1);
            assert!(!late, "{accepted:?} of {events}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A program that runs, in a home of its own.
struct Running {
    child: Child,
    _home: tempfile::TempDir,
}

impl Running {
    fn start(command: Command) -> Self {
        let (mut command, home) = command.into_inner();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self {
            child: command.spawn().expect("a process"),
            _home: home,
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
    }

    fn end(mut self) {
        signal(&self.child, "TERM");
        let ended = self.child.wait().expect("its end");
        assert!(ended.success(), "{ended}");
    }
}

/// A test that fails leaves no process behind.
impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// rsyslog as `make senders` has unpacked it, to check a file.
fn rsyslog(config: &Path) -> Command {
    let unpacked = root().join("target/senders/root");
    let program = unpacked.join("usr/sbin/rsyslogd");
    assert!(
        program.exists(),
        "{} is missing: make senders",
        program.display()
    );
    let libraries = unpacked.join("usr/lib/x86_64-linux-gnu");
    let modules = libraries.join("rsyslog");
    let run = Command::new(program).env("LD_LIBRARY_PATH", libraries.display().to_string());
    let run = run.args(["-N1", "-M"]).arg(modules);
    run.arg("-f").arg(config)
}

/// syslog-ng as `make senders` has unpacked it.
fn syslog_ng() -> Command {
    let unpacked = root().join("target/senders/root");
    let program = unpacked.join("usr/sbin/syslog-ng");
    assert!(
        program.exists(),
        "{} is missing: make senders",
        program.display()
    );
    let own = unpacked.join("usr/lib/syslog-ng");
    let versions = fs::read_dir(&own)
        .expect("its modules")
        .map(|entry| entry.expect("a file").path());
    let modules = versions
        .filter(|path| path.is_dir())
        .max()
        .expect("its modules");
    let folders = [
        own,
        modules.clone(),
        unpacked.join("usr/lib/x86_64-linux-gnu"),
        unpacked.join("lib/x86_64-linux-gnu"),
    ];
    let folders = folders.map(|folder| folder.display().to_string());
    let run = Command::new(program).env("LD_LIBRARY_PATH", folders.join(":"));
    run.arg(format!("--module-path={}", modules.display()))
}

fn warned(run: &Run, wanted: &str) {
    let text = run.stdout.replace(['│', '╷', '╵'], " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(wanted), "{wanted:?} is not in {run}");
}

/// The events of the log: the id and the line of each.
async fn sealed(stack: &Stack, policy: &Path) -> Vec<(String, String)> {
    let verify = command("auditlog-verify").envs(stack.endpoint.env());
    verify.arg("--policy").arg(policy).run().ok();
    let s3 = stack.endpoint.s3();
    let listed = s3
        .list_objects_v2()
        .bucket("acme-audit")
        .prefix("logs/")
        .send()
        .await;
    let mut events = Vec::new();
    for object in listed.expect("a list").contents() {
        let stored = s3
            .get_object()
            .bucket("acme-audit")
            .key(object.key().expect("a key"));
        let stored = stored.send().await.expect("a segment").body.collect().await;
        let stored = stored.expect("its bytes").into_bytes();
        let text = zstd::stream::decode_all(&stored[..]).expect("lines");
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        events.extend(lines.filter_map(|line| {
            let entry: Value = serde_json::from_slice(line).expect("JSON");
            let text = |name: &str| Some(entry["event"][name].as_str()?.to_owned());
            Some((text("auditlog_event_id")?, text("message")?))
        }));
    }
    events
}

/// syslog-ng is killed while it sends, and the sealer is started again: each line is there, and a line that is there twice has one id.
#[tokio::test]
async fn rendered_files_lead_every_line_into_the_log() {
    let machine = Machine::new();
    let stack = Stack::new(Engine::Ministack, &machine.declaration("flags = \"none\""));
    // before anything is made, though the trust policy is not known yet
    said(
        &stack.terraform.plan(),
        &["flags = \"none\" loses events: a full buffer drops messages."],
    );
    stack.configure(
        &machine.declaration("batch-lines = \"20\", batch-timeout = \"100\", time-reopen = \"1\""),
    );
    warned(
        &stack.terraform.apply().ok(),
        "What the sender here cannot promise",
    );
    stack.assert_no_changes();

    let output = |name| stack.terraform.output(name);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let policy = machine.write("etc/trust-policy.json", &text(&output("trust_policy")));
    let config = machine.write("etc/sealer.toml", &text(&output("sealer")));
    for program in [
        "fluent-bit",
        "fluentd",
        "kubernetes",
        "logstash",
        "opentelemetry",
        "vector",
    ] {
        let source = format!("{program}-1");
        machine.write(
            &format!("etc/tokens/{source}"),
            &format!("a secret of {source}"),
        );
    }
    machine.write("etc/tokens/here", TOKEN);
    let check = command("auditlog-seal").args(["check-config", "--config"]);
    check.arg(&config).envs(stack.endpoint.env()).run().ok();
    let unit = text(&output("unit")).replace("/usr/local/bin/auditlog-seal", "/bin/true");
    let unit = machine.write("etc/auditlog-sealer.service", &unit);
    let check = Command::new("systemd-analyze").install_with("apt-get install systemd");
    let check = check.args(["verify", "--man=no"]).arg(unit).run().ok();
    assert_eq!((check.stdout.as_str(), check.stderr.as_str()), ("", ""));
    let shipper = machine.write(
        "etc/syslog-ng.conf",
        &text(&output("files")["here/syslog-ng.conf"]),
    );
    let check = syslog_ng()
        .args(["--syntax-only", "--no-caps", "-f"])
        .arg(&shipper);
    check.env("AUDITLOG_TOKEN", TOKEN).run().ok();
    for source in ["rsyslog-1", "rsyslog-tcp-1"] {
        let text = text(&output("files")[format!("{source}/rsyslog.conf")]);
        // the folder must be there, also for a check
        let text = text.replace(&format!("/var/lib/auditlog-{source}"), "/tmp");
        let config = machine.write(&format!("etc/{source}.conf"), &text);
        rsyslog(&config).run().ok();
    }

    let mut lines = String::new();
    for number in 0..LINES {
        writeln!(
            lines,
            "{{\"paid\": {number}.50, \"to\": \"Zoë \\\"{number}\\\"\"}}"
        )
        .expect("a text");
    }
    machine.write("in/audit.log", &lines);
    let environment = stack.endpoint.env();
    let shipping = machine.shipper(&shipper);
    let sealing = machine.sealer(&environment);
    machine.until(LINES / 4);
    shipping.kill();
    sealing.end();
    let before = sealed(&stack, &policy).await.len();

    let shipping = machine.shipper(&shipper);
    let sealing = machine.sealer(&environment);
    machine.until(LINES - before);
    machine.until_quiet();
    shipping.kill();
    sealing.end();
    let events = sealed(&stack, &policy).await;
    for line in lines.lines() {
        let ids = events.iter().filter(|(_, sealed)| sealed == line);
        let ids: BTreeSet<&str> = ids.map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids.len(), 1, "{line}: {ids:?}");
    }
}
