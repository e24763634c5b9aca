//! Secrets of senders that are replaced while the service runs.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::seal::bench::{Bench, signal};
use crate::seal::senders::{Answer, http};
use crate::seal::service::{Service, TOKEN, free_port, into_folder};

const NEW: &str = "the next secret of an application";
const KEY: &str = "a key that all senders share";

fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn secret_is_replaced_without_a_restart_and_a_bad_one_changes_nothing() {
    let bench = Bench::new();
    let key = bench.path("key.shared");
    fs::write(&key, KEY).unwrap();
    let forward = format!(
        "[[forward]]\nlisten = \"{}\"\nshared_key = {{ file = \"{}\" }}\n",
        free_port(),
        key.display()
    );
    let mut service = Service::start_with(&bench, &into_folder(&bench), "", &[]);
    // The same service again, with both inputs.
    service.end().ok();
    let logs = format!(
        "{}{}\n",
        crate::seal::service::table_of(&bench, "", "policy.json", "spool"),
        into_folder(&bench)
    );
    service = Service::of_logs_with(&bench, &logs, &forward, &[]);
    service.until_ready();
    let mut number = 0;
    let mut is_taken = |token: &str| {
        number += 1;
        let body = format!("{{\"id\":{number}}}");
        http(
            service.at,
            token,
            &number.to_string(),
            &body,
            Answer::Awaited,
        )
    };
    // A file is replaced as a whole.
    let give = |secrets: &str| {
        fs::write(bench.path("token.new"), secrets).unwrap();
        fs::rename(bench.path("token.new"), bench.path("token")).unwrap();
    };
    let problem = |input: &str, expected| {
        let name = format!("secrets_problem{{input=\"{input}\"}}");
        until(&name, || service.metric(&name) == Some(expected));
    };
    assert!(is_taken(TOKEN) && !is_taken(NEW));
    problem("http", 0);
    problem("forward", 0);

    give(&format!("{TOKEN}\n{NEW}\n"));
    let begun = Instant::now();
    while !is_taken(NEW) {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(is_taken(TOKEN));
    give(NEW);
    let begun = Instant::now();
    while is_taken(TOKEN) {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(is_taken(NEW));

    // What cannot be used leaves the secret from before, of that input alone.
    give("");
    problem("http", 1);
    problem("forward", 0);
    assert!(is_taken(NEW) && !is_taken(TOKEN) && !is_taken(""));
    fs::remove_file(&key).unwrap();
    problem("forward", 1);
    signal(&service.child, "HUP");
    fs::write(&key, KEY).unwrap();
    problem("forward", 0);
    give(TOKEN);
    problem("http", 0);
    assert!(is_taken(TOKEN) && !is_taken(NEW));
    // Whoever asks hears an answer, also where nothing has changed.
    signal(&service.child, "HUP");
    thread::sleep(Duration::from_secs(2));
    let ended = service.end().ok();
    for line in [
        "warning: the secrets of the input http cannot be used; those from before are used until that is corrected: the token of app is empty",
        "hint: write a secret that nobody can guess into it",
        "warning: the secrets of the input forward cannot be used; those from before are used until that is corrected: the shared key cannot be read: ",
        "info: the input http has read its secrets again, and uses them for new requests and connections",
        "info: the input forward has read its secrets again",
    ] {
        assert!(ended.stderr.contains(line), "{line}: {ended}");
    }
    for secret in [TOKEN, NEW, KEY] {
        assert!(!ended.stderr.contains(secret), "{ended}");
    }
}
