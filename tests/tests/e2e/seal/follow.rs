//! Files and standard input as inputs of the service: each event once, whatever is rotated and whoever is killed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_tests::command;

use crate::seal::bench::{Bench, ended, start};
use crate::seal::random::{Random, asked};
use crate::seal::service::{Service, into_folder, table_of};

/// A program that writes events with ids into a file.
struct Writer {
    path: PathBuf,
    file: File,
    rotations: u32,
}

impl Writer {
    fn new(bench: &Bench, name: &str) -> Self {
        let path = bench.path("logs").join(name);
        Self {
            file: open(&path),
            path,
            rotations: 0,
        }
    }

    fn write(&mut self, ids: &mut u64, random: &mut Random) {
        let first = *ids;
        *ids += 1 + random.below(40);
        let lines = (first..*ids).flat_map(|id| {
            format!(
                "{{\"id\":{id}}}
"
            )
            .into_bytes()
        });
        self.file.write_all(&lines.collect::<Vec<u8>>()).unwrap();
    }

    fn rotated(&mut self) -> PathBuf {
        self.rotations += 1;
        PathBuf::from(format!("{}.{}", self.path.display(), self.rotations))
    }

    fn rename(&mut self) {
        let to = self.rotated();
        fs::rename(&self.path, to).unwrap();
    }

    fn reopen(&mut self) {
        self.file = open(&self.path);
    }

    fn copy_and_truncate(&mut self) {
        let to = self.rotated();
        fs::copy(&self.path, to).unwrap();
        self.file.set_len(0).unwrap();
    }
}

fn open(path: &PathBuf) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

/// The value of a metric of the input.
fn metric(service: &Service, name: &str) -> Option<u64> {
    let metrics = service.get("/metrics")?.body;
    let name = format!("auditlog_sealer_{name}{{input=\"audit\"}} ");
    let mut lines = metrics.lines();
    lines.find_map(|line| line.strip_prefix(&name)?.parse().ok())
}

/// Events that this process has accepted.
fn accepted(service: &Service) -> u64 {
    let metrics = service.get("/metrics").unwrap().body;
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("auditlog_sealer_accepted_events_total"));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.unwrap().parse().unwrap()
}

#[track_caller]
fn until(is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn files_that_are_rotated_while_the_service_is_killed_are_in_the_log_once() {
    let bench = Bench::new();
    let mut random = Random::new(asked("AUDITLOG_KILL_SEED", 1));
    fs::create_dir(bench.path("logs")).unwrap();
    let files = format!(
        "[[file]]\nname = \"audit\"\npaths = [\"{}/*.log\"]\npoll_milliseconds = 10\nlinger_seconds = 1\n",
        bench.path("logs").display()
    );
    let log = format!("{}\nmax_segment_events = 200", into_folder(&bench));
    let (mut renamed, mut copied) = (Writer::new(&bench, "a.log"), Writer::new(&bench, "b.log"));
    let mut ids = 0;
    for _ in 0..asked("AUDITLOG_SERVICE_KILLS", 3) {
        let service = Service::start_with(&bench, &log, &files, &[]);
        until(|| metric(&service, "behind_bytes") == Some(0));
        let (first, before) = (ids, accepted(&service));
        for _ in 0..8 {
            // A file that is rotated before anybody has seen it is another one.
            until(|| accepted(&service) - before == ids - first);
            match random.below(3) {
                0 => {
                    renamed.rename();
                    // It does not notice at once.
                    renamed.write(&mut ids, &mut random);
                    renamed.reopen();
                }
                1 => copied.copy_and_truncate(),
                _ => {}
            }
            renamed.write(&mut ids, &mut random);
            copied.write(&mut ids, &mut random);
        }
        until(|| accepted(&service) - before == ids - first);
        for _ in 0..4 {
            renamed.write(&mut ids, &mut random);
            copied.write(&mut ids, &mut random);
            random.pause(15);
        }
        service.kill();
        renamed.write(&mut ids, &mut random);
        renamed.rename();
        renamed.reopen();
        renamed.write(&mut ids, &mut random);
        copied.write(&mut ids, &mut random);
        copied.copy_and_truncate();
        copied.write(&mut ids, &mut random);
    }
    let service = Service::start_with(&bench, &log, &files, &[]);
    // What was rotated is read to its end, and then let go.
    let state = || {
        (
            metric(&service, "behind_bytes"),
            metric(&service, "followed_files"),
        )
    };
    until(|| state() == (Some(0), Some(2)));
    assert_eq!(metric(&service, "unread_files"), Some(0));
    service.end().ok();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in bench.verified() {
        *counts.entry(event).or_default() += 1;
    }
    for id in 0..ids {
        assert_eq!(
            counts.remove(&format!("{{\"id\":{id}}}")),
            Some(1),
            "{id} of {ids}"
        );
    }
    assert!(counts.is_empty(), "{counts:?}");
    let (text, source) = (
        bench.text(),
        format!("\"source\":\"audit:{}\"", renamed.path.display()),
    );
    assert!(
        text.contains(&source) && text.contains("\"batch\":\"file:"),
        "{source}"
    );
    assert!(!text.contains("\"repeat\""));
}

/// A service of standard input alone, or with more tables.
fn configure(bench: &Bench, input: &str) {
    let table = table_of(bench, "", "policy.json", "spool");
    let into = into_folder(bench);
    fs::write(bench.path("sealer.toml"), format!("{table}{into}\n{input}")).unwrap();
}

fn run(bench: &Bench) -> auditlog_tests::Command {
    let run = command("auditlog-seal").args(["run", "--config"]);
    run.arg(bench.path("sealer.toml"))
}

#[test]
fn standard_input_goes_on_where_it_was_accepted_and_ends_the_service() {
    let bench = Bench::new();
    configure(
        &bench,
        "[[stdin]]\ninput = \"daily\"\nsource = \"batch job\"\n",
    );
    let lines = |ids: std::ops::Range<u32>| -> String {
        let lines = ids.map(|id| {
            format!(
                "{{\"id\":{id}}}
"
            )
        });
        lines.collect::<Vec<_>>().concat()
    };
    let mut killed = start(run(&bench));
    let mut stdin = killed.0.stdin.take().unwrap();
    stdin.write_all(lines(0..500).as_bytes()).unwrap();
    let begun = Instant::now();
    // Until something of it is in the spool.
    let is_accepted = || {
        let spool = command("auditlog-seal")
            .arg("spool")
            .arg(bench.path("spool"));
        let listed = spool.run().stdout;
        listed.contains(" batches") && !listed.contains(" 0 events in 0 batches")
    };
    while !is_accepted() {
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
    killed.0.kill().unwrap();
    ended(killed);
    drop(stdin);
    let all = lines(0..1000) + "not JSON";
    let again = run(&bench).input(all.as_bytes()).run().ok();
    assert_eq!(again.stderr, "");
    run(&bench).input(all.as_bytes()).run().ok();
    let expected: Vec<String> = lines(0..1000).lines().map(str::to_owned).collect();
    let text = bench.text();
    let events = text.matches("\"event\":{\"id\":").count();
    assert_eq!(
        (events, text.matches("\"text\":\"not JSON\"").count()),
        (expected.len(), 1)
    );
    assert!(text.contains("\"source\":\"batch job\",\"batch\":\"daily@0\""));
    let other = run(&bench).input("{\"other\":1}\n".repeat(2000)).run();
    assert_eq!(other.status, 1, "{other}");
    let expected = "error: daily does not begin with the 1001 events";
    assert!(other.stderr.starts_with(expected), "{other}");
    // Without a name, it says so.
    configure(&bench, "[[stdin]]\n");
    let unnamed = run(&bench).input("{\"last\":1}\n").run().ok();
    assert!(
        unnamed
            .stderr
            .starts_with("warning: the input stdin has no name"),
        "{unnamed}"
    );
    assert!(bench.text().contains("{\"last\":1}"));
}

#[test]
fn mistakes_of_files_are_named_with_their_line() {
    let bench = Bench::new();
    let check = |inputs: &str| {
        configure(&bench, inputs);
        let check = command("auditlog-seal").args(["check-config", "--config"]);
        check.arg(bench.path("sealer.toml")).run()
    };
    let page = include_str!("../../../../docs/guides/senders/files.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).collect();
    for block in &blocks {
        check(block.split("```").next().unwrap()).ok();
    }
    assert_eq!(blocks.len(), 2);
    fs::create_dir(bench.path("logs")).unwrap();
    fs::write(bench.path("logs/a.log"), "").unwrap();
    // Nobody writes into it, and nobody waits for that.
    let pipe = bench.path("logs/pipe.log");
    let made = std::process::Command::new("mkfifo").arg(pipe).status();
    assert!(made.unwrap().success());
    let logs = bench.path("logs").display().to_string();
    let absent = check(&format!("[[file]]\npaths = [\"{logs}/b.log\"]\n")).ok();
    let expected = format!("warning: {logs}/b.log is not there yet\n");
    assert_eq!(
        (absent.stderr, absent.stdout.as_str()),
        (expected, "the configuration is valid\n")
    );
    let one = format!("[[file]]\nname = \"one\"\npaths = [\"{logs}/*.log\"]\n");
    check(&one).ok();
    let line = 6;
    for (inputs, error) in [
        (
            "[[file]]\npaths = []\n".to_owned(),
            format!(":{}: a path is missing", line + 1),
        ),
        (
            "[[file]]\npaths = [\"a.log\"]\n".to_owned(),
            format!(":{}: a.log is not the absolute path", line + 1),
        ),
        (
            format!("[[file]]\npaths = [\"{logs}\"]\n"),
            format!(":{}: {logs} is not a file\nhint: for the files", line + 1),
        ),
        (
            format!("[[file]]\npaths = [\"{logs}/a.log\"]\npoll_milliseconds = 1\n"),
            format!(":{}: 1 is not in 10 to 60000", line + 2),
        ),
        (
            format!("[[file]]\nname = \"ä\"\npaths = [\"{logs}/a.log\"]\n"),
            format!(":{}: \"ä\" cannot be the name of an input", line + 1),
        ),
        (
            format!("{one}[[file]]\npaths = [\"{logs}/a.log\"]\n"),
            format!(":{}: {logs}/a.log is also under the input one", line + 4),
        ),
        (
            format!("{one}[[file]]\npaths = [\"{logs}/*.log\"]\n"),
            format!(":{}: {logs}/*.log is also under the input one", line + 4),
        ),
        (
            "[[stdin]]\n[[stdin]]\nname = \"b\"\n".to_owned(),
            format!(":{}: standard input can be read once", line + 1),
        ),
        (
            "[[stdin]]\ninput = \"\"\n".to_owned(),
            format!(":{}: \"\" cannot be the name of an input", line + 1),
        ),
    ] {
        let run = check(&inputs);
        assert_eq!(run.status, 2, "{run}");
        assert!(run.stderr.contains(&error), "{error}: {run}");
    }
}
