//! The service while its machine or KMS fails: a line for people, a metric and its readiness say so, and it goes on by itself.

use std::fs;
use std::process;
use std::thread;
use std::time::Duration;

use auditlog_tests::{Answer, Fault, after_mounting};

use crate::seal::bench::Bench;
use crate::seal::keeper::{World, until};
use crate::seal::service::{Service, into_folder, token};

/// The service's own spool, on a small disk of its own.
struct Spool {
    process: String,
    folder: String,
}

impl Spool {
    /// Runs lines of shell where the service is: only there is its disk.
    fn shell(&self, lines: &str) {
        let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/user")).unwrap();
        let mut nsenter = process::Command::new("nsenter");
        nsenter.args(["--mount", "--target", &self.process]);
        if namespace(&self.process) != namespace("self") {
            nsenter.args(["--user", "--preserve-credentials"]);
        }
        let lines = format!("cd '{}'\n{lines}", self.folder);
        let run = nsenter.args(["sh", "-c", &lines]).output().unwrap();
        assert!(run.status.success(), "{lines}: {run:?}");
    }
}

/// Posts an event, which is accepted at the latest when the service is well again.
fn post_while(service: &Service, event: &str, trouble: impl FnOnce()) {
    thread::scope(|scope| {
        let posted = scope.spawn(|| {
            let key = format!("idempotency-key: {event}\r\n");
            loop {
                let answer = service.post(event, &key);
                if answer.is_some_and(|answer| answer.status == 200) {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        trouble();
        posted.join().unwrap();
    });
}

#[track_caller]
fn is_not_ready(service: &Service, why: &str) {
    let ready = service.get("/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains(why), "{}", ready.body);
}

#[test]
fn clock_kms_and_disk_that_fail_are_shown_and_pass() {
    let world = World::new();
    let (bench, way) = (&world.remote.bench, &world.remote.way);
    let key = world.key();
    world.give(&world.policy(&key).to_string());
    let path = |name: &str| bench.path(name).display().to_string();
    fs::create_dir(bench.path("spool")).unwrap();
    fs::write(bench.path("token"), "a secret of an application").unwrap();
    let logs = format!(
        "[[logs]]\npolicy = \"{}\"\nspool = \"{}\"\nmax_segment_events = 1\ntimeout = 5\n",
        path("policy.json"),
        path("spool")
    );
    let disk = format!(
        "mount -t tmpfs -o size=32m,mode=0700 spool '{}'\nexec \"$@\"",
        path("spool")
    );
    let mut service = Service::run_by(bench, &logs, &token(bench), &world.environment, |run| {
        after_mounting(&disk, run)
    });
    service.until_ready();
    let spool = Spool {
        process: service.child.id().to_string(),
        folder: path("spool"),
    };
    let is_ready = |service: &Service| service.get("/readyz").unwrap().status == 200;

    // The store's clock and ours differ, as the answer to the first event says.
    way.from_now_on("", "/audit", Fault::ShiftDate(3600));
    post_while(&service, "0", || {});
    post_while(&service, "1", || {
        until(&service, "clock", 1);
        is_not_ready(&service, "the clock of ");
        way.heal();
        until(&service, "clock", 0);
    });
    assert!(is_ready(&service));

    // KMS asks to slow down.
    let throttled = Answer::kms_refusal("400 Bad Request", "ThrottlingException");
    way.from_now_on("POST", "Sign", Fault::Answer(throttled));
    post_while(&service, "2", || until(&service, "key", 1));
    assert!(is_ready(&service), "events are accepted meanwhile");
    way.heal();
    until(&service, "key", 0);

    // The disk is full, and then it cannot be written.
    for (event, fails, passes, why) in [
        (
            "3",
            "cat /dev/zero >filler 2>/dev/null || true",
            "rm filler",
            "No space left on device",
        ),
        (
            "4",
            "mount --bind . .; mount -o remount,bind,ro \"$PWD\"",
            "cd /; umount -l \"$OLDPWD\"",
            "Read-only file system",
        ),
    ] {
        spool.shell(fails);
        post_while(&service, event, || {
            until(&service, "disk", 1);
            is_not_ready(&service, why);
            spool.shell(passes);
            until(&service, "disk", 0);
        });
        assert!(is_ready(&service), "{why}");
    }
    let ended = service.end().ok();
    let refused =
        "warning: no events are accepted now, and senders are asked to come again later: ";
    let refusals = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with(refused));
    let refusals: Vec<_> = refusals.collect();
    for why in [
        "the clock of ",
        "No space left on device",
        "Read-only file system",
    ] {
        let is_said = refusals.iter().any(|line| line.contains(why));
        assert!(is_said, "{why}: {ended}");
    }
    let again = "info: events are accepted again";
    assert!(ended.stderr.contains(again), "{ended}");
    assert_eq!(world.events(), ["0", "1", "2", "3", "4"]);
}

/// It takes batches still, as they are safe here. Their senders do not know that, and should find another one.
#[test]
fn log_that_acknowledges_what_is_stored_is_not_ready_while_nothing_is() {
    let bench = Bench::new();
    let log = format!("{}\nack = \"stored\"", into_folder(&bench));
    let service = Service::start(&bench, &log, &[]);
    let post = |event: &str| service.post(event, "").unwrap().status;
    let ready = || service.get("/readyz").unwrap().status;
    assert_eq!(post("{\"n\":1}"), 200);
    let (audit, away) = (bench.path("audit"), bench.path("away"));
    fs::rename(&audit, &away).unwrap();
    assert_eq!(post("{\"n\":2}"), 503);
    until(&service, "store", 1);
    while ready() == 200 {
        thread::sleep(Duration::from_millis(50));
    }
    is_not_ready(&service, "what was accepted 30 seconds ago is not stored: ");
    assert_eq!(service.metric("ready"), Some(0));
    fs::rename(&away, &audit).unwrap();
    until(&service, "store", 0);
    assert_eq!(ready(), 200);
    assert_eq!(service.metric("ready"), Some(1));
    service.end().ok();
    assert_eq!(bench.verified(), ["{\"n\":1}", "{\"n\":2}"]);
}
