//! `auditlog-seal` finds where a log goes on: it stops where the log does not reach the head that it knows, and where a gap has no
//! explanation.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use auditlog_chain::policy::TrustPolicy;
use auditlog_chain::timestamp::Timestamp;
use auditlog_sealer::error::{Error, SpoolError};
use auditlog_sealer::fencing::Fencing;
use auditlog_sealer::seal::{KnownHead, Limits, Notice, Notify, Sealer, Setup};
use auditlog_sealer::signer::{LocalKey, Signer};
use auditlog_sealer::spool::Spool;
use auditlog_sealer::store::{Clock, Folder};
use auditlog_tests::{Command, Run, command};
use serde_json::{Value, json};

use super::bench::{BUCKET, Bench, ORIGIN, Remote, wait};
use super::service::{Service, into_folder, table_of};

#[track_caller]
fn stopped(run: &Run, error: &str, hint: &str) {
    assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run}");
    assert!(run.stderr.starts_with(&format!("error: {error}")), "{run}");
    assert!(run.stderr.contains(&format!("\nhint: {hint}")), "{run}");
}

impl Remote {
    /// An administrator removes a segment, in spite of its GOVERNANCE lock.
    fn remove(&self, segment: u64) {
        let key = format!("payments/{segment:012}.jsonl.zst");
        let s3 = self.endpoint.s3();
        let listed = wait(s3.list_object_versions().bucket(BUCKET).prefix(&key).send()).unwrap();
        for version in listed.versions() {
            let delete = s3.delete_object().bucket(BUCKET).key(&key);
            let delete = delete.set_version_id(version.version_id().map(str::to_owned));
            wait(delete.bypass_governance_retention(true).send()).unwrap();
        }
    }

    fn verify(&self) -> Command {
        let verify = command("auditlog-verify").envs(self.endpoint.env());
        verify.arg("--policy").arg(self.bench.path("policy.json"))
    }
}

/// A program that another test starts has a copy of this process's lock for a moment, until it is executed.
fn opened(path: &Path) -> Spool {
    loop {
        match Spool::open(path, "old", "w") {
            Err(Error::Spool(SpoolError::Busy { .. })) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

#[test]
fn a_tail_that_an_administrator_removed_is_not_signed_over() {
    let remote = Remote::new();
    for event in ["1\n", "2\n", "3\n"] {
        remote.append().input(event).run().ok();
    }
    let pins = remote.bench.path("pins.json");
    remote.verify().arg("--pins").arg(&pins).run().ok();
    let hint = "nothing was written: somebody removed or replaced segments, ";
    for segment in [3, 2] {
        remote.remove(segment);
        let expected = format!(
            "the log {ORIGIN} ends with segment {}, but the spool remembers segment 3\n",
            segment - 1
        );
        stopped(&remote.append().input("4\n").run(), &expected, hint);
    }
    let elsewhere = remote.append_from("elsewhere").arg("--pins").arg(&pins);
    let expected = format!("the log {ORIGIN} ends with segment 1, but the pins have segment 3\n");
    stopped(&elsewhere.run(), &expected, hint);
    for segment in [1, 0] {
        remote.remove(segment);
    }
    let expected = format!("the log {ORIGIN} has no segment, but the spool remembers segment 3\n");
    stopped(&remote.append().run(), &expected, hint);
    assert!(remote.objects().is_empty());
}

#[test]
fn a_spool_that_does_not_know_the_log_needs_pins_or_a_persons_word() {
    let remote = Remote::new();
    remote.append().input("1\n").run().ok();
    let spool = |name: &str| {
        let run = command("auditlog-seal").envs(remote.endpoint.env());
        let run = run.args(["append", "--key-file"]);
        let run = run.arg(remote.bench.path("key.pem")).arg("--policy");
        let run = run.arg(remote.bench.path("policy.json")).arg("--spool");
        run.arg(remote.bench.path(name))
    };
    let expected = format!("the log {ORIGIN} ends with segment 1 in the store, but the spool ");
    let hint = "give the spool that this log was written with, or the pins of auditlog-verify with --pins FILE, ";
    stopped(&spool("one").input("2\n").run(), &expected, hint);
    let pins = remote.bench.path("pins.json");
    fs::write(&pins, r#"{"pins":1,"logs":{}}"#).unwrap();
    let without = spool("one").arg("--pins").arg(&pins).run();
    let hint = "give the pins of a run of auditlog-verify that verified this log, or the spool that the log was written with, ";
    stopped(&without, &expected, hint);
    let reason = " has never seen it, and the pins have no head of it: a tail that was removed would go unnoticed\n";
    assert!(without.stderr.contains(reason), "{without}");
    remote.verify().arg("--pins").arg(&pins).run().ok();
    let pinned = spool("one")
        .arg("--pins")
        .arg(&pins)
        .input("2\n")
        .run()
        .ok();
    assert_eq!(pinned.stderr, "");
    // From then on the spool knows the log.
    spool("one").input("3\n").run().ok();
    let trusted = spool("two").arg("--head-unknown").input("4\n").run().ok();
    assert!(
        trusted
            .stderr
            .starts_with("warning: the log goes on after segment 3, size "),
        "{trusted}"
    );
    assert_eq!(spool("two").input("5\n").run().ok().stderr, "");
    assert_eq!(remote.verified(), ["1", "2", "3", "4", "5"]);

    for (bad, expected) in [
        ("{}", ": the file does not hold pins: missing field `pins`"),
        (
            r#"{"pins":2,"logs":{}}"#,
            ": the pins have version 2, but this program knows version 1\n",
        ),
    ] {
        fs::write(&pins, bad).unwrap();
        let run = spool("three").arg("--pins").arg(&pins).run();
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run}");
        assert!(run.stderr.contains(expected), "{run}");
    }
}

#[test]
fn a_head_that_was_replaced_by_another_one_is_not_continued() {
    let bench = Bench::new();
    let other = |run: Command| run.arg("--head-unknown").run().ok();
    bench.append().input("1\n").run().ok();
    let newest = bench.path("audit/payments/000000000001.jsonl.zst");
    fs::remove_file(&newest).unwrap();
    // The key is there, and another spool: segment 1 is sealed once more, with another event.
    fs::rename(bench.path("spool"), bench.path("kept")).unwrap();
    other(bench.append().input("2\n"));
    fs::remove_dir_all(bench.path("spool")).unwrap();
    fs::rename(bench.path("kept"), bench.path("spool")).unwrap();
    for _ in 0..2 {
        stopped(
            &bench.append().input("3\n").run(),
            "payments/000000000001.jsonl.zst has the root ",
            "nothing was written: somebody removed or replaced segments, ",
        );
        // The same where the forged log has gone on since.
        fs::rename(bench.path("spool"), bench.path("kept")).unwrap();
        other(bench.append().input("4\n"));
        fs::remove_dir_all(bench.path("spool")).unwrap();
        fs::rename(bench.path("kept"), bench.path("spool")).unwrap();
    }
}

#[test]
fn older_markers_and_versions_are_announced_and_those_at_the_head_or_after_it_stop() {
    let remote = Remote::new();
    for event in ["1\n", "2\n", "3\n"] {
        remote.append().input(event).run().ok();
    }
    let s3 = remote.endpoint.s3();
    let key = |segment: u64| format!("payments/{segment:012}.jsonl.zst");
    let hide = |segment| {
        wait(s3.delete_object().bucket(BUCKET).key(key(segment)).send()).unwrap();
    };
    hide(1);
    // In one: the connection ends with the runtime that it was made in.
    let copy = wait(async {
        let object = s3.get_object().bucket(BUCKET).key(key(2)).send();
        let body = object.await.unwrap().body;
        body.collect().await.unwrap().to_vec()
    });
    wait(
        s3.put_object()
            .bucket(BUCKET)
            .key(key(2))
            .body(copy.into())
            .send(),
    )
    .unwrap();
    let run = remote.append().input("4\n").run().ok();
    assert_eq!(
        run.stderr,
        format!(
            "warning: older segments have delete markers: {}\n\
             warning: older segments have more than one version: {}\n",
            key(1),
            key(2)
        )
    );
    // Where nothing was ever stored.
    hide(6);
    let stray = format!(
        "a delete marker is at {}, where the log has no segment\n",
        key(6)
    );
    let hint = "a segment may have been deleted with all its versions: check the log with auditlog-verify --pins; ";
    stopped(&remote.append().run(), &stray, hint);
    hide(4);
    let hidden = format!("{} is hidden by a delete marker\n", key(4));
    stopped(&remote.append().run(), &hidden, "find out who deleted it; ");
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn days_ago(days: i64) -> Timestamp {
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
    now.saturating_add_seconds(-days * DAY)
}

/// A folder with a log that was written twenty days ago, a segment a day; its objects had to be kept for three days.
struct Old {
    bench: Bench,
    policy: Value,
}

impl Old {
    fn new() -> Self {
        let bench = Bench::new();
        let text = fs::read(bench.path("policy.json")).unwrap();
        let mut policy: Value = serde_json::from_slice(&text).unwrap();
        let began = days_ago(30).to_rfc3339();
        policy["logs"][0]["began"] = began.clone().into();
        policy["logs"][0]["max_silence"][0]["from"] = began.clone().into();
        policy["lock"][0]["from"] = began.clone().into();
        policy["keys"][0]["valid_from"] = began.into();
        let old = Self { bench, policy };
        old.write_policy();
        let notices = old.seal(20..=24);
        assert!(notices.is_empty(), "{notices:?}");
        old
    }

    fn write_policy(&self) {
        fs::write(self.bench.path("policy.json"), self.policy.to_string()).unwrap();
    }

    /// Seals an empty segment on each of these days ago.
    fn seal(&self, days: std::ops::RangeInclusive<i64>) -> Vec<Notice> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        for day in days.rev() {
            let said = Arc::clone(&notices);
            let notify = Arc::new(move |notice| said.lock().unwrap().push(notice));
            self.seal_at(Arc::new(move || days_ago(day)), notify);
        }
        notices.lock().unwrap().clone()
    }

    /// Seals an empty segment under this clock.
    fn seal_at(&self, clock: Clock, notify: Notify) {
        let key = LocalKey::read(&self.bench.path("key.pem")).unwrap();
        let policy = TrustPolicy::parse(self.policy.to_string().as_bytes());
        let policy = Arc::new(policy.unwrap());
        let spool = opened(&self.bench.path("old"));
        let store = Folder::new(&self.bench.path("audit"), spool.writer());
        let setup = Setup {
            store: Arc::new(store),
            log: policy.document().logs[0].clone(),
            policy: Some(Arc::clone(&policy)),
            signer: Arc::new(Signer::Local(key)),
            previous: Vec::new(),
            clock,
            limits: Limits::default(),
            fencing: Fencing::Condition,
            known_head: KnownHead::Nothing,
            notify,
        };
        let mut sealer = Sealer::start(setup, spool).unwrap();
        sealer.heartbeat().unwrap();
    }

    fn segment(&self, number: u64) -> std::path::PathBuf {
        let folder = self.bench.path("audit/payments");
        folder.join(format!("{number:012}.jsonl.zst"))
    }

    fn remove(&self, number: u64) {
        fs::remove_file(self.segment(number)).unwrap();
    }

    fn append(&self) -> Command {
        self.bench.append().arg("--head-unknown")
    }
}

/// A folder has no clock of its own: only the head shows that this machine's is behind.
#[test]
fn service_whose_clock_is_behind_the_head_goes_on_once_the_clock_is_right() {
    let old = Old::new();
    let sealed = days_ago(0).saturating_add_seconds(300 + 5);
    old.seal_at(Arc::new(move || sealed), Arc::new(|_| {}));
    let table = table_of(&old.bench, "", "policy.json", "spool");
    let log = format!("{table}{}\nhead_unknown = true\n", into_folder(&old.bench));
    let mut service = Service::of_logs(&old.bench, &log, &[]);
    service.until_ready();
    assert_eq!(service.post("1", "").unwrap().status, 200);
    let ended = service.end().ok();
    let reason = format!("the newest segment, was sealed at {sealed}; it is now ");
    assert!(ended.stderr.contains(&reason), "{ended}");
    let newest = zstd::stream::decode_all(&*fs::read(old.segment(7)).unwrap());
    let newest = String::from_utf8(newest.unwrap()).unwrap();
    assert!(newest.contains(",\"event\":1}\n"), "{newest}");
}

/// What the warning about a silence says to paste.
fn stanza(run: &Run) -> Value {
    let line = run.stderr.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.expect("an entry")).unwrap()
}

#[test]
fn a_log_whose_oldest_segments_have_expired_is_continued() {
    let mut old = Old::new();
    for number in [0, 1, 3] {
        old.remove(number);
    }
    let run = old.append().input("1\n").run().ok();
    assert!(
        run.stderr
            .contains("warning: segments 0 to 1 are absent; their retention has ended\n")
    );
    assert!(
        run.stderr
            .contains("warning: segments 3 to 3 are absent; their retention has ended\n")
    );
    // It comes twenty days after the last one.
    let silence = "warning: the log was silent from ";
    assert!(run.stderr.contains(silence), "{run}");
    let entry = stanza(&run);
    assert_eq!(entry["code"], "silence-exceeded");
    old.policy["acknowledged"] = json!([entry]);
    old.write_policy();
    let next = old.append().input("2\n").run().ok();
    assert!(!next.stderr.contains(silence), "{next}");
    // The entry covers what verification finds.
    let verify = command("auditlog-verify").arg("--policy");
    let verify = verify.arg(old.bench.path("policy.json"));
    verify.arg(old.bench.path("audit")).run().ok();
}

#[test]
fn a_gap_that_has_not_expired_stops_the_sealer_until_a_person_acknowledges_it() {
    let mut old = Old::new();
    old.bench
        .append()
        .arg("--head-unknown")
        .input("1\n")
        .run()
        .ok();
    old.append().input("2\n").run().ok();
    let removed = fs::read(old.segment(7)).unwrap();
    old.append().input("3\n").run().ok();
    old.remove(7);
    let run = old.append().input("4\n").run();
    let error = "payments/000000000007.jsonl.zst is missing, though later segments are present, and neither expiry nor the trust policy explains it\n";
    assert!(run.stderr.contains(&format!("error: {error}")), "{run}");
    assert!(
        run.stderr
            .contains("acknowledge the loss in the trust policy"),
        "{run}"
    );

    let size = |number| newest_of(&old.segment(number));
    let ((before, before_root), (after, after_root)) = (size(6), of_object(&removed));
    let loss = |size: u64| {
        json!({
            "code": "segment-missing", "log": ORIGIN, "reason": "a disk", "date": "2026-01-01T00:00:00Z",
            "missing": {
                "first": 7, "last": 7, "before": { "size": before, "root": before_root },
                "after": { "size": size, "root": after_root },
            },
        })
    };
    // An entry for another loss does not cover it.
    old.policy["acknowledged"] = json!([loss(after + 1)]);
    old.write_policy();
    assert_eq!(old.append().run().status, 1);
    old.policy["acknowledged"] = json!([loss(after)]);
    old.write_policy();
    let run = old.append().input("4\n").run().ok();
    assert!(
        run.stderr
            .contains("warning: segments 7 to 7 are absent; the trust policy acknowledges it"),
        "{run}"
    );
}

/// Size and root that a segment signs.
fn newest_of(path: &Path) -> (u64, String) {
    of_object(&fs::read(path).unwrap())
}

fn of_object(object: &[u8]) -> (u64, String) {
    let text = String::from_utf8(zstd::stream::decode_all(object).unwrap()).unwrap();
    let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let mut lines = line["checkpoint"].as_str().unwrap().lines().skip(1);
    (
        lines.next().unwrap().parse().unwrap(),
        lines.next().unwrap().to_owned(),
    )
}
