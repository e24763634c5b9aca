//! Files and standard input, with a log that only counts.

use std::fs;
use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use auditlog_chain::line::Payload;
use auditlog_chain::timestamp::Timestamp;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::*;
use crate::error::Error;
use crate::follow::{Memory, Own, Pattern, Remembering, Settings};
use crate::input::GivenName;
use crate::seal::Naming;
use crate::spool::Inputs;

/// What a log has taken: the events of each batch, and what its name means.
type Batches = Arc<Mutex<Vec<(Vec<String>, Naming)>>>;

/// A log that answers all offers but those that it is silent about.
fn log(
    memory: Memory,
    is_silent: impl Fn(&[String]) -> bool + Send + 'static,
) -> (Router, Batches) {
    let (intake, offers) = Intake::new();
    let status = Arc::new(Status::new("a"));
    status.set(Part::Accepting, None);
    status.remembers(Remembering {
        inputs: Inputs::default(),
        memory,
    });
    let destination = Destination {
        max_event_bytes: auditlog_chain::limits::MAX_EVENT_BYTES,
        name: "a".to_owned(),
        intake,
        status,
        stored: None,
    };
    let route = Route {
        log: "a".to_owned(),
        input: None,
        tag: None,
        field: None,
    };
    let batches = Batches::default();
    let taken = Arc::clone(&batches);
    thread::spawn(move || {
        let mut silent = Vec::new();
        for offer in offers {
            let events = offer.events.iter().map(|event| match event.as_payload() {
                Payload::Event(text) | Payload::Text(text) | Payload::Base64(text) => {
                    text.to_owned()
                }
            });
            let events: Vec<String> = events.collect();
            if is_silent(&events) {
                silent.push(offer);
                continue;
            }
            taken.lock().unwrap().push((events, offer.naming));
            (offer.answer)(Answer::Accepted);
        }
    });
    (Router::new(vec![destination], vec![route]), batches)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

fn give(memory: Memory, input: Option<&str>, bytes: Vec<u8>) -> Vec<(Vec<String>, Naming)> {
    let (router, batches) = log(memory, |_| false);
    let input = StandardInput {
        name: "stdin".to_owned(),
        input: input.and_then(GivenName::parse),
        started: Timestamp::EPOCH,
        source: None,
        tag: None,
        router: Arc::new(router),
    };
    let (_end, ending) = watch::channel(false);
    block_on(serve_standard_input(input, Cursor::new(bytes), ending)).unwrap();
    let mut batches = batches.lock().unwrap();
    std::mem::take(&mut *batches)
}

#[test]
fn all_of_standard_input_is_taken_whatever_fits_at_a_time() {
    let lines =
        (0..12).map(|number| format!("{{\"id\":{number},\"text\":\"{}\"}}", "x".repeat(900 << 10)));
    let lines: Vec<String> = lines.collect();
    let taken = give(Memory::Kept, None, (lines.join("\n") + "\n").into_bytes());
    let taken: Vec<String> = taken.into_iter().flat_map(|(events, _)| events).collect();
    let lengths: Vec<usize> = taken.iter().map(String::len).collect();
    assert!(taken == lines, "{lengths:?}");
}

#[test]
fn standard_input_that_a_log_may_have_is_marked() {
    let naming = |memory, input| {
        let taken = give(memory, input, b"1\n2\n".to_vec());
        taken.into_iter().map(|(_, naming)| naming).next().unwrap()
    };
    assert_eq!(naming(Memory::Lost, Some("daily")), Naming::Doubtful);
    assert_eq!(naming(Memory::Kept, Some("daily")), Naming::Unique);
    // It cannot be given again.
    assert_eq!(naming(Memory::Lost, None), Naming::Unique);
}

#[test]
fn files_go_on_though_one_batch_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "\"silent\"\n").unwrap();
    fs::write(folder.path().join("b.log"), "1\n").unwrap();
    let (router, batches) = log(Memory::Kept, |events| events.concat().contains("silent"));
    let pattern = folder.path().join("*.log").display().to_string();
    let input = FilesInput {
        name: "file".to_owned(),
        tag: None,
        settings: Settings {
            own: Own::default(),
            max_event_bytes: auditlog_chain::limits::MAX_EVENT_BYTES,
            input: GivenName::parse("file").unwrap(),
            paths: vec![Pattern::parse(&pattern).unwrap()],
            source: None,
            linger: Duration::from_mins(1),
            most_files: 5,
        },
        poll: Duration::from_millis(10),
        patience: Duration::from_millis(50),
        router: Arc::new(router),
        notify: Arc::new(|what| panic!("{what}")),
    };
    let (end, ending) = watch::channel(false);
    let done = block_on(async {
        let follow = async {
            while batches.lock().unwrap().is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
            fs::write(folder.path().join("c.log"), "2\n").unwrap();
            while batches.lock().unwrap().len() < 2 {
                sleep(Duration::from_millis(5)).await;
            }
            end.send(true).unwrap();
            Ok::<(), Error>(())
        };
        let both = async { tokio::try_join!(serve_files(Arc::new(input), ending), follow) };
        timeout(Duration::from_secs(20), both).await
    });
    assert!(matches!(done, Ok(Ok(_))), "{done:?}");
    let batches = batches.lock().unwrap();
    let events: Vec<&String> = batches.iter().flat_map(|(events, _)| events).collect();
    assert_eq!(events, ["1", "2"]);
}
