//! Events of hoop, signed by Svix.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use auditlog_tests::root;

use crate::bench::Remote;
use crate::{Service, installed};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Posts so many messages, and returns number and status of each attempt. After the tenth one, the sealer is killed and started again.
fn post(service: &mut Service<'_>, secret: &str, first: u64, count: u64) -> Vec<(u64, u16)> {
    let mut sender = Command::new(installed().join("venv/bin/python"))
        .arg(root().join("tests/senders/svix_webhook.py"))
        .args([&service.http.port().to_string(), secret])
        .args([first.to_string(), count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut attempts = Vec::new();
    for line in BufReader::new(sender.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let (number, status) = line.split_once(' ').unwrap();
        attempts.push((number.parse().unwrap(), status.parse().unwrap()));
        if attempts.len() == 10 {
            service.kill_and_start();
        }
    }
    assert!(sender.wait().unwrap().success());
    attempts
}

#[test]
fn messages_of_svix_are_taken_once_each_with_the_old_secret_and_the_new_one() {
    let remote = Remote::new();
    for (name, secret) in [("old.secret", OLD), ("new.secret", SECRET)] {
        std::fs::write(remote.bench.path(name), secret).unwrap();
    }
    let path = |name: &str| remote.bench.path(name).display().to_string();
    let webhook = |name| {
        let file = path(name);
        format!("[[http.webhook]]\nsource = \"hoop\"\nfile = \"{file}\"\n")
    };
    let webhooks = [webhook("old.secret"), webhook("new.secret")].concat();
    let mut service = Service::start_with(&remote, &webhooks);
    for (secret, first) in [(OLD, 0), (SECRET, 20)] {
        let attempts = post(&mut service, secret, first, 20);
        let taken = attempts.iter().filter(|(_, status)| *status == 200);
        // Two of them were sent once more.
        assert_eq!(taken.count(), 22, "{attempts:?}");
    }
    let wrong = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(post(&mut service, wrong, 99, 1), [(99, 401)]);
    let events = service.end();
    let numbers: Vec<u64> = events
        .iter()
        .map(|event| event["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    assert_eq!(events[0]["event_type"], "session.open");
    assert_eq!(events[1]["event_type"], "session.close");
}
