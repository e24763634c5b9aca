//! curl, as scripts call it: one file of events for each request, and the same key each time that it is sent.

use std::fs;
use std::process::{Child, Command, Stdio};

use auditlog_tests::{Fault, Proxy};

use crate::Service;
use crate::bench::Remote;

const TOKEN: &str = "a secret of a script";

/// Starts to post a batch. It is sent again whatever goes wrong, until it is acknowledged.
fn post(remote: &Remote, to: &str, batch: u64) -> Child {
    let file = remote.bench.path(&format!("{batch}.jsonl"));
    let lines: Vec<String> = (batch * 3..batch * 3 + 3)
        .map(|number| format!("{{\"n\": {number}}}\n"))
        .collect();
    fs::write(&file, lines.concat()).unwrap();
    Command::new("curl")
        .args(["--fail", "--silent", "--show-error"])
        .args(["--retry", "60", "--retry-delay", "1", "--retry-all-errors"])
        // An answer that never comes is an error, too.
        .args(["--max-time", "10"])
        .args(["--data-binary", &format!("@{}", file.display())])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--header", &format!("Idempotency-Key: nightly/{batch}")])
        .arg(format!("{to}/events"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("curl is missing: sudo apt-get install curl")
}

#[test]
fn curl_posts_each_file_into_the_log_once_over_lost_answers_and_a_kill() {
    let remote = Remote::new();
    let file = remote.bench.path("token");
    fs::write(&file, TOKEN).unwrap();
    let token = format!(
        "[[http.token]]\nsource = \"script\"\nfile = \"{}\"\n",
        file.display()
    );
    let mut service = Service::start_with(&remote, &token);
    let way = Proxy::to(&format!("http://{}", service.http));
    way.times(2, "POST", "/events", Fault::LoseAnswer);
    for batch in 0..10 {
        assert!(post(&remote, way.url(), batch).wait().unwrap().success());
    }
    let repeated = service.metric("auditlog_sealer_repeated_batches_total{");
    assert_eq!(repeated, Some(2));
    // Nobody is there when it begins.
    service.kill();
    let mut waiting = post(&remote, way.url(), 10);
    service.start_again();
    assert!(waiting.wait().unwrap().success());
    // The answer to this one is lost with the service.
    way.once("POST", "/events", Fault::HoldAnswer);
    let mut waiting = post(&remote, way.url(), 11);
    way.wait_for_faults(3);
    service.kill_and_start();
    way.heal();
    assert!(waiting.wait().unwrap().success());
    for batch in 12..15 {
        assert!(post(&remote, way.url(), batch).wait().unwrap().success());
    }
    let events = service.end();
    let numbers = events.iter().map(|event| event["n"].as_u64().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), (0..45).collect::<Vec<_>>());
}
