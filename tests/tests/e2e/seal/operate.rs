//! What an operator has: each log at a glance, the service manager, and the files of the service.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use auditlog_tests::{Command, command, root};

use crate::seal::bench::Bench;
use crate::seal::service::{Service, into_folder, table_of};

/// What the service says to its manager next.
fn heard(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 1000];
    let length = manager
        .recv(&mut bytes)
        .expect("the service says something");
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn service_manager_is_told_and_a_log_is_shown_at_a_glance() {
    let bench = Bench::new();
    let notify = bench.path("notify");
    let manager = UnixDatagram::bind(&notify).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let environment = [
        ("NOTIFY_SOCKET".to_owned(), notify.display().to_string()),
        ("WATCHDOG_USEC".to_owned(), "2000000".to_owned()),
    ];
    let log = format!(
        "{}{}\n",
        table_of(&bench, "name = \"payments\"\n", "policy.json", "spool"),
        into_folder(&bench)
    );
    let mut service = Service::of_logs(&bench, &log, &environment);
    assert_eq!(heard(&manager), "READY=1");
    assert_eq!(heard(&manager), "WATCHDOG=1");
    service.until_ready();
    let named = "idempotency-key: one\r\n";
    for _ in 0..2 {
        assert_eq!(service.post("1\n2\n", named).unwrap().status, 200);
    }
    metrics_are_there(&service);
    let status = |more: &[&str]| {
        let status = command("auditlog-seal").args(["status", "--config"]);
        let status = status.arg(bench.path("sealer.toml"));
        status.args(more).run()
    };
    let text = status(&[]).ok().stdout;
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("payments (acme.example/audit/payments): accepts events")
    );
    for (name, begin) in [
        ("accepted", "events 2, batches 1, repeats 1"),
        ("waiting", "segments 0, bytes 0"),
        ("unstored", "bytes "),
        ("sealed", "segments 1"),
        ("head", "segment 0, size 3, root "),
        ("sealed at", "20"),
        ("key", "acme.example/audit/payments+"),
        ("heartbeat", "20"),
        ("names", "1 remembered, for 72 hours, 20000000 at most"),
    ] {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(&format!("  {name:<10} "));
        assert!(
            value.is_some_and(|value| value.starts_with(begin)),
            "{text}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&status(&["--output", "json"]).ok().stdout).unwrap();
    assert_eq!(
        (&json[0]["accepted_events"], &json[0]["accepting"]),
        (&2.into(), &true.into())
    );
    let before = service.metric("unstored_bytes{");
    let event = format!("{{\"text\":\"{}\"}}\n", "x".repeat(224)).repeat(1000);
    assert_eq!(service.post(&event, "").unwrap().status, 200);
    line_takes_what_the_guide_says(&service, before.unwrap());
    let ended = service.end();
    assert_eq!(ended.status, 0, "{ended}");
    let mut last = heard(&manager);
    while last == "WATCHDOG=1" {
        last = heard(&manager);
    }
    assert_eq!(last, "STOPPING=1");
    let away = status(&[]);
    assert_eq!(away.status, 1, "{away}");
    assert!(
        away.stderr
            .starts_with("error: the service does not answer on 127.0.0.1:"),
        "{away}"
    );
}

/// The metrics of a log, by their names.
fn metrics_are_there(service: &Service) {
    let metrics = service.get("/metrics").unwrap().body;
    for (name, kind, labels) in [
        ("accepted_events_total", "counter", ""),
        ("accepted_bytes_total", "counter", ""),
        ("accepted_batches_total", "counter", ""),
        ("repeated_batches_total", "counter", ""),
        ("waiting_segments", "gauge", ""),
        ("waiting_bytes", "gauge", ""),
        ("unstored_bytes", "gauge", ""),
        ("unstored_age_seconds", "gauge", ""),
        ("last_sealed_seconds", "gauge", ""),
        ("ack_seconds", "histogram", ",ack=\"synced\",le=\"0.001\""),
        ("ack_seconds", "histogram", ",ack=\"stored\",le=\"+Inf\""),
    ] {
        let head = format!("# TYPE auditlog_sealer_{name} {kind}\n");
        assert!(metrics.contains(&head), "{name}: {metrics}");
        let bucket = if kind == "histogram" { "_bucket" } else { "" };
        let line = format!(
            "\nauditlog_sealer_{name}{bucket}{{log=\"acme.example/audit/payments\"{labels}}} "
        );
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    // Both were acknowledged, and are in a segment that is open.
    let acks = "ack_seconds_count{log=\"acme.example/audit/payments\",ack=\"synced\"}";
    assert_eq!(service.metric(acks), Some(2));
    assert!(
        service
            .metric("unstored_bytes{")
            .is_some_and(|bytes| bytes > 2)
    );
}

/// A thousand events of 235 bytes have come, with a source of 3 bytes. The guide rounds up, for longer names and numbers.
fn line_takes_what_the_guide_says(service: &Service, before: u64) {
    let begun = Instant::now();
    let lines = loop {
        let now = service.metric("unstored_bytes{").unwrap();
        if now > before {
            break now - before;
        }
        assert!(begun.elapsed() < Duration::from_mins(1));
    };
    let more = lines / 1000 - 235;
    let guide = fs::read_to_string(root().join("docs/guides/service.md")).unwrap();
    let (_, sizing) = guide.split_once("(bytes of an event + ").unwrap();
    let (said, _) = sizing.split_once(')').unwrap();
    let said: u64 = said.parse().unwrap();
    assert!((said - 20..=said).contains(&more), "{more}, not {said}");
    // For an hour of 1,000 events a second.
    let tenths = (235 + said) * 3_600_000 * 10 / (1 << 30);
    let hour = format!(
        "1,000 events/s of 235 bytes: {}.{} GiB",
        tenths / 10,
        tenths % 10
    );
    assert!(guide.contains(&hour), "{hour}");
}

/// The shell commands of the guide under a heading, for another folder of spools.
fn commands(heading: &str, spools: &Path) -> Vec<String> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let guide = fs::read_to_string(format!("{repository}/docs/guides/service.md")).unwrap();
    let section = guide
        .split("\n## ")
        .find(|section| section.starts_with(heading));
    let blocks = section.unwrap().split("```sh\n").skip(1);
    let text = |block: &str| block.split("```").next().unwrap().to_owned();
    let here = spools.display().to_string();
    blocks
        .map(|block| text(block).replace("/var/lib/auditlog", &here))
        .collect()
}

#[test]
fn service_is_moved_with_its_spool_and_without_it_as_the_guide_says() {
    let bench = Bench::new();
    let start = |spool: &str, more: &str| {
        let table = table_of(&bench, "", "policy.json", spool);
        let log = format!("{table}{}\n{more}\n", into_folder(&bench));
        let mut service = Service::of_logs(&bench, &log, &[]);
        service.until_ready();
        service
    };
    let named = "idempotency-key: one\r\n";
    let repeat = "{\"accepted\":0,\"repeat\":true}";
    fs::create_dir(bench.path("one")).unwrap();
    let service = start("one/spool", "");
    assert_eq!(service.post("1", named).unwrap().body, "{\"accepted\":1}");
    // It has accepted more than it has sealed.
    service.kill();
    let shell = |script: &str| {
        let script = format!("cd {}\n{script}", bench.path("").display());
        Command::new("bash").args(["-euc", &script]).run().ok();
    };
    let heading = "Move the service to another machine";
    let [pack, _] = commands(heading, &bench.path("one")).try_into().unwrap();
    let [_, unpack] = commands(heading, &bench.path("two")).try_into().unwrap();
    shell(&pack);
    shell(&unpack);
    let service = start("two/spool", "");
    assert_eq!(service.post("1", named).unwrap().body, repeat);
    let ended = service.end().ok();
    assert_eq!(ended.stderr, "", "{ended}");
    assert_eq!(bench.verified(), ["1"]);

    // The disk is lost. The names come from the log.
    let pins = bench.path("pins.json");
    let verify = command("auditlog-verify").arg("--pins").arg(&pins);
    let verify = verify.arg("--policy").arg(bench.path("policy.json"));
    verify.arg(bench.path("audit")).run().ok();
    let service = start("three/spool", &format!("pins = \"{}\"", pins.display()));
    assert_eq!(service.post("1", named).unwrap().body, repeat);
    assert_eq!(
        service
            .post("2", "idempotency-key: two\r\n")
            .unwrap()
            .status,
        200
    );
    let ended = service.end().ok();
    let read = "warning: the spool has not seen the log: 1 name of a batch was read from its segments, from segment 0 on; a batch";
    assert!(ended.stderr.starts_with(read), "{ended}");
    assert_eq!(bench.verified(), ["1", "2"]);
}

/// A tool of systemd, without a manager.
fn systemd_analyze() -> Command {
    Command::new("systemd-analyze").install_with("apt-get install systemd")
}

#[test]
fn unit_is_valid_and_hardened() {
    let bench = Bench::new();
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let unit = fs::read_to_string(format!("{repository}/sealer/auditlog-sealer.service")).unwrap();
    // The program is not installed here.
    let program = "ExecStart=/usr/local/bin/auditlog-seal run --config /etc/auditlog/sealer.toml\n";
    assert!(unit.contains(program), "{unit}");
    let here = unit.replace("/usr/local/bin/auditlog-seal", "/bin/true");
    fs::write(bench.path("auditlog-sealer.service"), here).unwrap();
    let verify = systemd_analyze().args(["verify", "--man=no"]);
    let verified = verify.arg(bench.path("auditlog-sealer.service")).run().ok();
    assert_eq!(
        (verified.stdout.as_str(), verified.stderr.as_str()),
        ("", "")
    );
    // In tenths: 96 is a unit that restricts nothing.
    let judge =
        systemd_analyze().args(["security", "--no-pager", "--offline=true", "--threshold=15"]);
    judge.arg(bench.path("auditlog-sealer.service")).run().ok();
    let container = fs::read_to_string(format!("{repository}/sealer/Containerfile")).unwrap();
    let words = "CMD [\"run\", \"--config\", \"/etc/auditlog/sealer.toml\"]\n";
    assert!(container.ends_with(words), "{container}");
}
