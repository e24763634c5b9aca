//! The pinned heads of `auditlog-verify` where they cannot be read or kept: the file is whole at any time, old or new.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use auditlog_tests::{Command, Engine, Fault, Proxy, Run, after_mounting};
use serde_json::{Value, json};

use crate::support::log::{ORIGIN, now};
use crate::verify::folder::{Folder, no_verdict};
use crate::verify::s3::{World, faults};

const SEALED: &str = "2026-11-22T12:00:00Z";
const ROOT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn command(folder: &Folder, pins: impl AsRef<Path>) -> Command {
    let command = folder.command().arg("--pins").arg(pins.as_ref());
    command.arg(folder.bucket())
}

fn pins_of(folder: &Folder) -> Value {
    let text = fs::read(folder.path("pins.json")).expect("the pins");
    serde_json::from_slice(&text).expect("JSON")
}

/// The files in the test's folder, except those that it was made with.
fn beside_names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
    let mut names: Vec<_> = names
        .filter(|name| !["bucket", "policy.json"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

#[test]
fn a_pins_file_that_is_not_ours_is_named_with_the_remedy_and_left_alone() {
    let folder = Folder::new();
    let remedy = "name another with --pins";
    fs::create_dir(folder.path("folder")).expect("a folder");
    no_verdict(
        command(&folder, folder.path("folder")),
        "/folder: is a directory",
        remedy,
    );
    fs::remove_dir(folder.path("folder")).expect("no folder");
    for device in ["/dev/zero", "/dev/null"] {
        no_verdict(
            command(&folder, device),
            "it is a device, pipe or socket",
            remedy,
        );
    }
    Command::new("mkfifo").arg(folder.path("pipe")).run().ok();
    no_verdict(
        command(&folder, folder.path("pipe")),
        "it is a device, pipe or socket",
        remedy,
    );
    symlink("circle", folder.path("circle")).expect("a link");
    no_verdict(
        command(&folder, folder.path("circle")),
        "/circle: Too many levels",
        remedy,
    );
    let huge = File::create(folder.path("huge")).expect("a file");
    huge.set_len(1 << 40).expect("a large file");
    no_verdict(
        command(&folder, folder.path("huge")),
        "it has more than 16777216 bytes",
        remedy,
    );
    let pin = format!(
        r#""{ORIGIN}":{{"segment":0,"size":3,"root":"{ROOT}","sealed":"2026-11-22T12:00:00Z"}}"#
    );
    for (text, error) in [
        (
            format!(r#"{{"pins":1,"logs":{{{pin},{pin}}}}}"#),
            "is named twice",
        ),
        (
            format!(r#"{{"pins":1,"logs":{{{pin}}},"logs":{{}}}}"#),
            "duplicate field `logs`",
        ),
        (format!(r#"{{"pins":1,"logs":{{{pin}"#), "EOF while parsing"),
        (
            r#"{"pins":9,"logs":[]}"#.to_owned(),
            "version 9, this program knows 1",
        ),
        (
            r#"{"pins":1,"logs":{"\u001b[2J":{}}}"#.to_owned(),
            "is not an origin",
        ),
    ] {
        fs::write(folder.path("pins.json"), &text).expect("a file");
        let hint = if error.contains("version") {
            "newer"
        } else {
            remedy
        };
        no_verdict(command(&folder, folder.path("pins.json")), error, hint);
        assert_eq!(
            fs::read_to_string(folder.path("pins.json")).expect("a file"),
            text
        );
    }
}

#[test]
fn heads_of_other_policies_stay_in_the_file() {
    let folder = Folder::new();
    let other =
        json!({ "segment": 7, "size": 99, "root": ROOT, "sealed": SEALED, "stored": SEALED });
    let pins = json!({ "pins": 1, "logs": { "other.example/log": other } });
    fs::write(folder.path("pins.json"), pins.to_string()).expect("a file");
    let run = folder.pinned().ok();
    assert!(
        run.stdout.contains("nothing is claimed about rollback"),
        "{run}"
    );
    let kept = pins_of(&folder);
    assert_eq!(kept["logs"]["other.example/log"], other);
    assert_eq!(kept["logs"][ORIGIN]["segment"], 3);
    assert_eq!(beside_names(&folder), ["pins.json"]);
}

/// Verifies while another run pins this, after the first has read the pins and before it pins. The other's pin stays, and no cache that
/// it does not name.
fn while_another_pins(world: &World, pin: &Value) -> Run {
    let path = world.folder.path().join("pins.json");
    let pins = json!({ "pins": 1, "logs": { ORIGIN: pin } }).to_string();
    let (way, other) = (Proxy::to(world.endpoint.url()), path.clone());
    let write = Fault::change(move |_| fs::write(&other, &pins).expect("written pins"));
    way.once("GET", "?versions", write);
    let command = world.command().args(["--output", "json", "--pins"]);
    let command = command.arg(&path).args(["--endpoint-url", way.url()]);
    let cache = world.folder.path().join("cache");
    let command = command.arg("--cache").arg(&cache);
    let run = tokio::task::block_in_place(|| command.run());
    assert_eq!(way.faults(), 1);
    assert_eq!(fs::read_dir(&cache).expect("a folder").count(), 0, "{run}");
    let kept = fs::read(&path).expect("the pins");
    let kept: Value = serde_json::from_slice(&kept).expect("JSON");
    assert_eq!(kept["logs"][ORIGIN], *pin);
    fs::remove_file(&path).expect("it is there");
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finds_what_another_pinned_meanwhile_and_leaves_it() {
    let world = World::of(Engine::Ministack.start(), 4).await;
    let pin = |segment: u64, stored: &str| json!({ "segment": segment, "size": 99, "root": ROOT, "sealed": SEALED, "stored": stored });
    let now = now();
    let forked = while_another_pins(&world, &pin(3, SEALED));
    faults(&forked, &["head-forked"]);
    let later = while_another_pins(&world, &pin(9, &now.to_string()));
    faults(&later, &[]);
    let notes = later.json()["notes"].to_string();
    assert!(notes.contains("up-to-head"), "{later}");
    // It was stored long before this run began, which did not see it.
    let earlier = now.saturating_add_seconds(-86_400).to_string();
    let not_seen = while_another_pins(&world, &pin(9, &earlier));
    assert_eq!(not_seen.status, 2, "{not_seen}");
    let undecided = &not_seen.json()["undecided"][0]["code"];
    assert_eq!(undecided, "pin-not-seen", "{not_seen}");
}

/// Runs in a small file system that only the verifier and the shell around it see; what is left there comes on standard error.
fn in_a_small_place(folder: &Folder, spoil: &str) -> auditlog_tests::Run {
    let place = folder.path("place");
    fs::create_dir(&place).expect("a folder");
    let at = place.display();
    let lines = format!(
        "mount -t tmpfs -o size=16k tmpfs '{at}'\necho '{{\"pins\":1,\"logs\":{{}}}}' > '{at}/pins.json'\n{spoil}\n\
         code=0; \"$@\" || code=$?\ncd '{at}'; ls >&2; cat pins.json >&2; exit $code"
    );
    after_mounting(&lines, command(folder, place.join("pins.json"))).run()
}

#[test]
fn a_full_disk_and_a_read_only_place_give_no_verdict_and_leave_the_old_file() {
    for (spoil, error, left) in [
        (
            "cat /dev/zero > \"${at:=PLACE}/filler\" 2>/dev/null || true",
            "No space left on device",
            "filler\npins.json\n{\"pins\":1,\"logs\":{}}\n",
        ),
        (
            "mount -o remount,bind,ro PLACE",
            "Read-only file system",
            "pins.json\n{\"pins\":1,\"logs\":{}}\n",
        ),
    ] {
        let folder = Folder::new();
        let place = folder.path("place").display().to_string();
        let run = in_a_small_place(&folder, &spoil.replace("PLACE", &place));
        assert_eq!(run.status, 2, "{run}");
        assert!(
            run.stdout
                .contains("undecided pins-not-kept: cannot write the pins file ")
                && run.stdout.contains(error),
            "{run}"
        );
        assert!(
            run.stdout
                .contains("name a file in a folder that can be written"),
            "{run}"
        );
        assert_eq!(run.stderr, left, "{run}");
    }
}

/// So many pins of other logs that it takes a moment to write them.
fn many_pins(folder: &Folder) -> Value {
    let pin = json!({ "segment": 7, "size": 99, "root": ROOT, "sealed": SEALED, "stored": SEALED });
    let logs: serde_json::Map<_, _> = (0..40_000)
        .map(|log| (format!("other.example/{log}"), pin.clone()))
        .collect();
    let pins = json!({ "pins": 1, "logs": logs });
    fs::write(folder.path("pins.json"), pins.to_string()).expect("a file");
    pins
}

#[test]
fn a_verifier_that_is_killed_while_it_pins_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new();
    let old = many_pins(&folder);
    let beside_it = folder.path("pins.json.tmp");
    let mut caught = 0;
    for signal in ["-KILL", "-TERM", "-KILL", "-TERM"] {
        let (mut verify, _home) = command(&folder, folder.path("pins.json")).into_inner();
        let verify = verify
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = verify.spawn().expect("the verifier");
        let ended = loop {
            if let Some(status) = child.try_wait().expect("its state") {
                break status;
            }
            if fs::metadata(&beside_it).is_ok_and(|beside| beside.len() > 0) {
                Command::new("kill")
                    .arg(signal)
                    .arg(child.id().to_string())
                    .run();
                break child.wait().expect("its end");
            }
            thread::yield_now();
        };
        if ended.signal().is_some() {
            caught += 1;
            assert_eq!(ended.code(), None);
        }
        let mut found = pins_of(&folder);
        let head = found["logs"].as_object_mut().expect("logs").remove(ORIGIN);
        assert!(head.is_none_or(|head| head["segment"] == 3));
        assert_eq!(found, old);
        // The next run removes what was left behind.
        folder.pinned().ok();
        assert_eq!(beside_names(&folder), ["pins.json"]);
        many_pins(&folder);
    }
    assert!(caught > 0, "no run was caught while it wrote");
}

/// A run that could not pin; its verdict is otherwise good.
#[track_caller]
fn not_pinned(folder: &Folder, error: &str, hint: &str) {
    let run = folder.pinned();
    assert_eq!(run.status, 2, "{run}");
    let said = format!(
        "\nundecided pins-not-kept: {error}\n  hint:     the heads of this run are not pinned; {hint}"
    );
    assert!(run.stdout.contains(&said), "{said}: {run}");
}

#[test]
fn what_is_beside_the_pins_file_and_not_ours_is_neither_written_nor_removed() {
    let folder = Folder::new();
    let beside = folder.path("pins.json.tmp");
    let through = |what: &str| {
        let beside = beside.display();
        format!("cannot write the pins file through {beside}: it is {what}")
    };
    let other = folder.path("other");
    fs::write(&other, "somebody else's").expect("a file");
    fs::hard_link(&other, &beside).expect("a hard link");
    not_pinned(
        &folder,
        &through("a hard link to another file"),
        "remove it",
    );
    fs::remove_file(&beside).expect("a removed link");
    symlink("other", &beside).expect("a symbolic link");
    not_pinned(&folder, &through("a symbolic link"), "remove it");
    assert_eq!(
        fs::read_to_string(&other).expect("a file"),
        "somebody else's"
    );
    fs::remove_file(&beside).expect("a removed link");
    fs::create_dir(&beside).expect("a folder");
    not_pinned(&folder, &through("a folder"), "remove it");
    fs::remove_dir(&beside).expect("a removed folder");
    Command::new("mkfifo").arg(&beside).run().ok();
    not_pinned(&folder, &through("a pipe or socket"), "remove it");
    assert_eq!(beside_names(&folder), ["other", "pins.json.tmp"]);
    fs::remove_file(&beside).expect("a removed pipe");
    folder.pinned().ok();
    // A second name of the pins file itself.
    fs::hard_link(folder.path("pins.json"), &beside).expect("a hard link");
    let kept = pins_of(&folder);
    not_pinned(
        &folder,
        &through("a hard link to another file"),
        "remove it",
    );
    assert_eq!(pins_of(&folder), kept);
}

#[test]
fn a_run_does_not_wait_forever_for_somebody_who_holds_the_lock() {
    let folder = Folder::new();
    let beside = folder.path("pins.json.tmp");
    let held = File::create(&beside).expect("a file");
    held.lock().expect("a lock");
    let locked = format!(
        "cannot write the pins file: {} has been locked for 10 seconds",
        beside.display()
    );
    not_pinned(&folder, &locked, "`fuser` shows who holds the file");
    assert!(!folder.path("pins.json").exists());
    drop(held);
    folder.pinned().ok();
    assert_eq!(beside_names(&folder), ["pins.json"]);
}
