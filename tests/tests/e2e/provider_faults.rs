//! What is left when AWS says no in the middle: through a relay that answers some requests itself.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use auditlog_tests::{Command, Endpoint, Engine, Run, Terraform};
use serde_json::Value;

use crate::engines::on_each_engine;
use crate::provider_stack::{Change, assert_no_changes, values};

on_each_engine! {
    settings_that_race_with_others_are_tried_again,
    half_made_bucket_is_kept_tainted_and_replaced,
    interrupted_create_leaves_the_bucket_in_the_state,
    update_that_fails_half_way_leaves_the_truth_in_the_state,
    bucket_of_another_region_or_account_is_told_from_one_that_is_gone,
}

const ADDRESS: &str = "auditlog_bucket.audit";

/// What the relay answers itself: requests of this method whose line has this text, so many times.
#[derive(Debug, Clone)]
struct Fault {
    method: &'static str,
    query: &'static str,
    status: &'static str,
    code: &'static str,
    times: u32,
}

/// Passes requests on to the endpoint, one a connection, but for the faults it is told.
struct Relay {
    url: String,
    faults: Arc<Faults>,
}

/// The answers still to be given, and a word whenever one has been.
#[derive(Default)]
struct Faults {
    left: Mutex<Vec<Fault>>,
    given: Condvar,
}

impl Relay {
    fn start(endpoint: &Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = endpoint.url().trim_start_matches("http://").to_owned();
        let faults = Arc::<Faults>::default();
        let shared = Arc::clone(&faults);
        // It ends with the test's process; a connection that breaks is the caller's to notice.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, faults) = (target.clone(), Arc::clone(&shared));
                thread::spawn(move || relay(&client, &target, &faults));
            }
        });
        Self { url, faults }
    }

    fn answer(&self, faults: &[Fault]) {
        *self.faults.left.lock().unwrap() = faults.to_vec();
    }

    /// How many of the answers are still to be given.
    fn left(&self) -> u32 {
        self.faults
            .left
            .lock()
            .unwrap()
            .iter()
            .map(|fault| fault.times)
            .sum()
    }

    /// Waits until the first answer has been given.
    fn wait_for_an_answer(&self) {
        let left = self.faults.left.lock().unwrap();
        let all: u32 = left.iter().map(|fault| fault.times).sum();
        let none_given =
            |left: &mut Vec<Fault>| left.iter().map(|fault| fault.times).sum::<u32>() == all;
        let (_left, waited) = self
            .faults
            .given
            .wait_timeout_while(left, Duration::from_mins(1), none_given)
            .unwrap();
        assert!(!waited.timed_out(), "no request met a fault");
    }
}

fn relay(client: &TcpStream, target: &str, faults: &Faults) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            head.push_str("connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request_line = head.lines().next().unwrap_or_default();
    if let Some(answer) = fault_for(request_line, faults) {
        return (&mut &*client).write_all(answer.as_bytes());
    }
    let mut server = TcpStream::connect(target)?;
    server.write_all(head.as_bytes())?;
    server.write_all(&body)?;
    io::copy(&mut server, &mut &*client).map(drop)
}

fn fault_for(request_line: &str, faults: &Faults) -> Option<String> {
    let mut left = faults.left.lock().unwrap();
    let fault = left.iter_mut().find(|fault| {
        fault.times > 0
            && request_line.starts_with(fault.method)
            && request_line.contains(fault.query)
    })?;
    fault.times -= 1;
    faults.given.notify_all();
    let body = format!(
        "<Error><Code>{}</Code><Message>as the test wants it</Message></Error>",
        fault.code
    );
    Some(format!(
        "HTTP/1.1 {}\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        fault.status,
        body.len()
    ))
}

fn fault(query: &'static str, status: &'static str, code: &'static str, times: u32) -> Fault {
    Fault {
        method: "PUT",
        query,
        status,
        code,
        times,
    }
}

fn bucket(days: u32, tag: &str) -> String {
    format!(
        "resource \"auditlog_bucket\" \"audit\" {{\n  bucket      = \"trail\"\n  object_lock = {{ mode = \"GOVERNANCE\", days = {days} }}\n  tags        = {{ a = \"{tag}\" }}\n}}\n"
    )
}

fn start(engine: Engine) -> (Endpoint, Relay, Terraform) {
    let endpoint = engine.start();
    let relay = Relay::start(&endpoint);
    let mut env = endpoint.env();
    for (name, value) in &mut env {
        if name == "AWS_ENDPOINT_URL" {
            value.clone_from(&relay.url);
        }
    }
    let terraform = Terraform::with_config(&env, &bucket(1, "x"));
    terraform.init();
    (endpoint, relay, terraform)
}

fn settings_that_race_with_others_are_tried_again(engine: Engine) {
    let (_endpoint, relay, terraform) = start(engine);
    relay.answer(&[
        fault("?policy", "409 Conflict", "OperationAborted", 2),
        fault("?object-lock", "404 Not Found", "NoSuchBucket", 1),
    ]);
    terraform.apply().ok();
    assert_eq!(relay.left(), 0);
    assert_no_changes(&terraform);
}

fn half_made_bucket_is_kept_tainted_and_replaced(engine: Engine) {
    let (_endpoint, relay, terraform) = start(engine);
    relay.answer(&[fault("?policy", "403 Forbidden", "AccessDenied", 1)]);
    let failed = terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let text = failed
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("The bucket was created, but not finished"),
        "{failed}"
    );
    assert!(
        text.contains("PutBucketPolicy on trail failed: AccessDenied"),
        "{failed}"
    );

    let half_made = values(&terraform, ADDRESS);
    assert_eq!(half_made["bucket"], "trail");
    assert_eq!(half_made["public_access_block"]["block_public_acls"], true);
    assert_eq!(half_made["policy"], Value::Null);
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.actions, ["delete", "create"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

fn interrupted_create_leaves_the_bucket_in_the_state(engine: Engine) {
    let (_endpoint, relay, terraform) = start(engine);
    relay.answer(&[fault(
        "?policy",
        "409 Conflict",
        "OperationAborted",
        u32::MAX,
    )]);
    let (mut command, _home) = terraform
        .command(&["apply", "-no-color", "-auto-approve"])
        .into_inner();
    let apply = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    relay.wait_for_an_answer();
    // the provider waits for the bucket to settle, which it never will; this is what Ctrl-C sends
    Command::new("kill")
        .arg("-INT")
        .arg(apply.id().to_string())
        .run()
        .ok();
    let interrupted = Run::from_output(&apply.wait_with_output().unwrap());
    assert_eq!(interrupted.status, 1, "{interrupted}");
    let text = interrupted
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains(
            "PutBucketPolicy on trail was not done: Terraform asked the provider to stop"
        ),
        "{interrupted}"
    );
    assert_eq!(values(&terraform, ADDRESS)["bucket"], "trail");

    relay.answer(&[]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

fn update_that_fails_half_way_leaves_the_truth_in_the_state(engine: Engine) {
    let (_endpoint, relay, terraform) = start(engine);
    terraform.apply().ok();
    terraform.write("main.tf", &bucket(2, "y"));
    relay.answer(&[fault("?tagging", "403 Forbidden", "AccessDenied", 1)]);
    let failed = terraform.apply();
    assert_eq!(failed.status, 1, "{failed}");
    let state = values(&terraform, ADDRESS);
    assert_eq!(
        (&state["object_lock"]["days"], &state["tags"]["a"]),
        (&Value::from(2), &Value::from("x"))
    );
    let change = Change::of(&terraform.plan_json(), ADDRESS);
    assert_eq!(change.attributes, ["tags", "tags_all"]);
    terraform.apply().ok();
    assert_no_changes(&terraform);
}

/// S3 answers a HEAD without a body, so without a code; these endpoints answer for every region and account.
fn bucket_of_another_region_or_account_is_told_from_one_that_is_gone(engine: Engine) {
    let (_endpoint, relay, terraform) = start(engine);
    terraform.apply().ok();
    let moved = "301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1";
    let region =
        "The bucket lies in \"eu-west-1\", not in the provider's `region`; use a provider block";
    let permission = "need the permission s3:ListBucket, and no policy that denies it;";
    for (status, said) in [
        (moved, &[region][..]),
        (
            "403 Forbidden",
            &[permission, "Or the bucket belongs to another account."],
        ),
    ] {
        relay.answer(&[Fault {
            method: "HEAD",
            ..fault("/trail", status, "", 1)
        }]);
        let plan = terraform.plan();
        assert_eq!(plan.status, 1, "{plan}");
        let text = plan.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in said {
            assert!(text.contains(said), "{said:?} is not said: {plan}");
        }
    }
}
