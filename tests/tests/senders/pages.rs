//! The senders whose pages have an example that runs as it is written: `fluent-logger.md`, `fluent-org-logger.md` and `curl.md`.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::root;

use crate::bench::Remote;
use crate::{KEY, Service, free_port, installed};

/// The one block of a language on a page.
fn block(page: &str, language: &str) -> String {
    let text = fs::read_to_string(root().join("docs/guides/senders").join(page)).unwrap();
    let fence = format!("```{language}\n");
    let [_, block] = text.split(&fence).collect::<Vec<_>>().try_into().unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

/// The same on this machine.
fn replaced(text: &str, there: &str, here: &str) -> String {
    assert!(text.contains(there), "{there}: {text}");
    text.replace(there, here)
}

/// A service with the input of a page, at an address of its own.
fn service_of<'r>(remote: &'r Remote, page: &str) -> (Service<'r>, SocketAddr) {
    let at = free_port();
    let input = replaced(&block(page, "toml"), "127.0.0.1:24224", &at.to_string());
    let key = remote.bench.path("forward.key").display().to_string();
    let input = input.replace("/etc/auditlog/forward.key", &key);
    (Service::start_with(remote, &input), at)
}

#[test]
fn example_of_fluent_logger_is_in_the_log() {
    let remote = Remote::new();
    let (mut service, at) = service_of(&remote, "fluent-logger.md");
    let code = replaced(
        &block("fluent-logger.md", "python"),
        "port=24224",
        &format!("port={}", at.port()),
    );
    let python = installed().join("venv/bin/python");
    let sent = Command::new(python).args(["-c", &code]).status();
    assert!(sent.unwrap().success());
    service.until_accepted(1);
    let events = service.end();
    assert_eq!(events[0]["tag"], "shop.login", "{events:?}");
    assert_eq!(events[0]["record"]["user"], "ada", "{events:?}");
}

#[test]
fn example_of_fluent_org_logger_is_in_the_log() {
    let remote = Remote::new();
    fs::write(remote.bench.path("forward.key"), KEY).unwrap();
    let (mut service, at) = service_of(&remote, "fluent-org-logger.md");
    let code = replaced(
        &block("fluent-org-logger.md", "js"),
        "port: 24224",
        &format!("port: {}", at.port()),
    );
    // Modules are found from the file.
    let mut script = tempfile::Builder::new();
    let script = script.suffix(".mjs").tempfile_in(installed()).unwrap();
    fs::write(script.path(), code).unwrap();
    let mut node = Command::new("node");
    let sent = node.arg(script.path()).env("FORWARD_KEY", KEY).status();
    assert!(sent.unwrap().success());
    service.until_accepted(1);
    let events = service.end();
    assert_eq!(events[0]["tag"], "shop.login", "{events:?}");
    assert_eq!(events[0]["record"]["ok"], true, "{events:?}");
}

#[test]
fn script_of_curl_waits_for_the_service_and_may_run_twice() {
    let remote = Remote::new();
    let path = |name: &str| remote.bench.path(name);
    let token = "a secret of the script";
    fs::write(path("token"), token).unwrap();
    fs::write(
        path("events.jsonl"),
        "{\"record\":{\"n\":1}}\n{\"record\":{\"n\":2}}\n",
    )
    .unwrap();
    let listener = "[[http]]\nlisten = \"127.0.0.1:9880\"\n\n";
    let keys = block("curl.md", "toml");
    let keys = keys.strip_prefix(listener).unwrap();
    let secret = path("token").display().to_string();
    let keys = replaced(keys, "/etc/auditlog/nightly.token", &secret);
    let mut service = Service::start_with(&remote, &keys);
    let script = block("curl.md", "sh");
    let script = replaced(&script, "127.0.0.1:9880", &service.http.to_string());
    let script = replaced(&script, "sleep 5", "touch waits; sleep 0.1");
    let send = || {
        let mut send = Command::new("bash");
        send.args(["-euc", &script]).env("TOKEN", token);
        send.current_dir(path("")).spawn().unwrap()
    };
    let answer = || {
        fs::read_to_string(path("answer.json"))
            .unwrap()
            .trim()
            .to_owned()
    };
    service.kill();
    let mut waits = send();
    let begun = Instant::now();
    while !path("waits").exists() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::yield_now();
    }
    service.start_again();
    assert!(waits.wait().unwrap().success());
    assert_eq!(answer(), "{\"accepted\":2}");
    assert!(send().wait().unwrap().success());
    assert_eq!(answer(), "{\"accepted\":0,\"repeat\":true}");
    // What can never be accepted is not sent again.
    fs::write(path("events.jsonl"), "{\n").unwrap();
    assert!(!send().wait().unwrap().success());
    assert!(answer().contains("line 1"), "{}", answer());
    assert_eq!(service.end().len(), 2);
}
