//! `auditlog-seal append` killed over and over, while somebody keeps at it in one of three ways: a script that acts by the
//! exit status, a person who follows the guide, and a pipe that is fed again from its beginning. Each event has an id of its
//! own, and in the end each id is in the log exactly once.
//!
//! Two of three kills are aimed: `strace` kills the process as it enters a system call, the nth one of its kind, so that
//! every gap between two of them is met, before and behind each rename and sync. That needs nothing in the program itself,
//! so it is the real one that is tried. The other kills come at some moment.
//!
//! In the same way a disk fails at any of these calls: it is full, or broken.
//!
//! `AUDITLOG_KILLS` asks for more of them, `AUDITLOG_KILL_SEED` for others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use auditlog_chain::timestamp::Timestamp;
use auditlog_tests::{Command, Run};

use crate::seal::bench::{Bench, ended, signal, start};
use crate::seal::random::{Random, asked};

/// Kills of one mode in one log. A longer log is listed and verified for longer.
const KILLS_A_LOG: u64 = 100;

/// What a kill is aimed at, and about how many of these calls one run makes.
pub(super) const TARGETS: [(&str, u64); 8] = [
    ("fdatasync", 20),
    ("fsync", 20),
    ("rename", 10),
    ("pwrite64", 20),
    ("write", 6),
    ("ftruncate", 4),
    ("linkat", 4),
    ("unlink", 8),
];

/// A log, whoever writes to it, and all that must be in it.
struct Story {
    bench: Bench,
    random: Random,
    kills: u64,
    aims: usize,
    /// How often a kill met its target.
    met: BTreeMap<&'static str, u64>,
    /// A kill at some moment comes within so many milliseconds: about as many as a run takes.
    below_millis: u64,
    expected: Vec<String>,
}

impl Story {
    fn new(seed: u64) -> Self {
        Self {
            bench: Bench::new(),
            random: Random::new(seed),
            kills: 0,
            aims: 0,
            met: BTreeMap::new(),
            below_millis: 100,
            expected: Vec::new(),
        }
    }

    fn goes_on(&self) -> bool {
        self.kills < KILLS_A_LOG
    }

    /// New events, each with an id that no other one has.
    fn events(&mut self, below: u64) -> Vec<String> {
        let first = self.expected.len();
        let count = usize::try_from(1 + self.random.below(below)).unwrap();
        let event = |id| format!("{{\"id\":{id},\"text\":\"as long as an event is\"}}");
        let new: Vec<String> = (first..first + count).map(event).collect();
        self.expected.extend_from_slice(&new);
        new
    }

    fn append(&mut self) -> Command {
        let events = (1 + self.random.below(8)).to_string();
        let run = self.bench.append().args(["--max-segment-events", &events]);
        run.args(["--output", "json"])
    }

    /// Runs the command and kills it somewhere, unless it is quicker.
    fn killed(&mut self, append: Command, input: &[String]) -> Run {
        let run = if self.random.below(3) > 0 {
            self.aimed(append, "signal=KILL", input)
        } else {
            self.killed_at_some_moment(append, input)
        };
        self.kills += u64::from(run.status == -1);
        run
    }

    /// Runs the command with something that happens as it enters some system call.
    fn aimed(&mut self, append: Command, what: &str, input: &[String]) -> Run {
        let (call, calls) = TARGETS[self.aims % TARGETS.len()];
        self.aims += 1;
        // The first calls are met by any run, and so more often.
        let nth = 1 + self.random.below(calls).min(self.random.below(calls));
        let run = aimed(append, call, nth, what).input(text(input)).run();
        *self.met.entry(call).or_default() += u64::from(run.status != 0);
        run
    }

    fn killed_at_some_moment(&mut self, append: Command, input: &[String]) -> Run {
        let mut run = start(append);
        let mut stdin = run.0.stdin.take().unwrap();
        let input = text(input);
        let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
        self.random.pause(self.below_millis);
        signal(&run.0, "KILL");
        let run = ended(run);
        feeder.join().unwrap();
        let killed = run.status == -1;
        self.below_millis = if killed {
            self.below_millis + 5
        } else {
            (self.below_millis * 4 / 5).max(10)
        };
        run
    }

    /// Seals what is left, and counts what is in the log by id.
    fn ends(self) -> BTreeMap<&'static str, u64> {
        self.bench.append().run().ok();
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for event in self.bench.verified() {
            *counts.entry(event).or_default() += 1;
        }
        for event in &self.expected {
            *counts.entry(event.clone()).or_default() -= 1;
        }
        let mut wrong = String::new();
        for (event, count) in counts.iter().filter(|(_, count)| **count != 0) {
            writeln!(wrong, "{count:+} {event}").unwrap();
        }
        assert_eq!(wrong, "", "events that were lost (-) or doubled (+)");
        self.met
    }
}

/// The command, with something that happens as it enters the nth system call of a kind.
pub(super) fn aimed(append: Command, call: &str, nth: u64, what: &str) -> Command {
    let (inner, _home) = append.into_inner();
    let strace = Command::new("strace").install_with("sudo apt-get install strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:{what}:when={nth}"))
        .arg(inner.get_program())
        .args(inner.get_args())
}

fn text(lines: &[String]) -> Vec<u8> {
    let ended = |line: &String| [line.as_bytes(), b"\n"].concat();
    lines.iter().flat_map(ended).collect()
}

/// One mode: as many logs as its share of the kills needs.
fn mode(mode: u64, act: impl Fn(&mut Story)) {
    let kills = asked("AUDITLOG_KILLS", 300) / 3;
    let seed = asked("AUDITLOG_KILL_SEED", 1);
    let mut met: BTreeMap<&str, u64> = BTreeMap::new();
    for log in 0..kills.div_ceil(KILLS_A_LOG) {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(log * 4 + mode);
        println!("seed of this log: {seed}");
        let mut story = Story::new(seed);
        while story.goes_on() {
            act(&mut story);
        }
        for (call, count) in story.ends() {
            *met.entry(call).or_default() += count;
        }
    }
    println!("{met:?}");
    for (call, _) in TARGETS {
        let kills = met.get(call).copied().unwrap_or_default();
        assert!(kills > 0, "no kill met {call}: {met:?}");
    }
}

#[test]
fn a_script_that_acts_by_the_exit_status_loses_and_doubles_nothing() {
    mode(0, |story| {
        let path = story
            .bench
            .path(&format!("events-{}.jsonl", story.expected.len()));
        // A file that grows, from nothing.
        for _ in 0..=story.random.below(3) {
            let new = story.events(25);
            append_to(&path, &new);
            until_zero(story, &path);
        }
    });
}

/// As long as the status is not 0, the same command is run again.
fn until_zero(story: &mut Story, path: &Path) {
    loop {
        let append = story.append().arg(path);
        let run = story.killed(append, &[]);
        match run.status {
            0 => return,
            -1 => {}
            _ => panic!("{run}"),
        }
    }
}

fn append_to(path: &Path, lines: &[String]) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.unwrap().write_all(&text(lines)).unwrap();
}

#[test]
fn a_pipe_that_is_fed_again_from_its_beginning_loses_and_doubles_nothing() {
    mode(1, |story| {
        // Two pipes in turn: after a kill, the other one may come first.
        let mut pipes = ["a", "b"].map(|name| {
            (
                format!("{name} {}", story.expected.len()),
                story.events(40),
                false,
            )
        });
        let mut done = 0;
        while done < 2 {
            let at = usize::try_from(story.random.below(2)).unwrap();
            let append = story.append().arg("--input").arg(&pipes[at].0);
            let run = story.killed(append, &pipes[at].1);
            match run.status {
                0 => {
                    done += usize::from(!pipes[at].2);
                    pipes[at].2 = true;
                }
                -1 => {}
                _ => panic!("{run}"),
            }
        }
    });
}

#[test]
fn a_person_who_follows_the_guide_loses_and_doubles_nothing() {
    mode(2, |story| match story.random.below(3) {
        0 => an_unnamed_pipe(story),
        1 => an_interrupted_file(story),
        _ => a_corrected_pipe(story),
    });
}

/// Guide: where a pipe without a name was interrupted, an append of nothing says how much of it was accepted. Where the
/// summary was written, it says so itself.
fn an_unnamed_pipe(story: &mut Story) {
    let mut left = story.events(40);
    while !left.is_empty() {
        let append = story.append();
        let began = Timestamp::from_system_time(SystemTime::now()).unwrap();
        let run = story.killed(append, &left);
        let accepted = match (run.status, run.stdout.as_str()) {
            (0, _) => return,
            (-1, "") => accepted_since(story, began),
            (-1, _) => number(&run, "events") + number(&run, "kept"),
            _ => panic!("{run}"),
        };
        left.drain(..accepted);
    }
}

/// Appends nothing until the status is 0, and reads how much was accepted of the pipe that began after a moment.
fn accepted_since(story: &mut Story, began: Timestamp) -> usize {
    let mut summary = None;
    loop {
        let append = story.append();
        let run = story.killed(append, &[]);
        // The first summary that was written counts. After it, nothing may be reported any more.
        if !run.stdout.is_empty() {
            summary.get_or_insert(run.json());
        }
        match run.status {
            0 => break,
            -1 => {}
            _ => panic!("{run}"),
        }
    }
    let summary = summary.unwrap();
    let events = summary["recovered_from"].as_array().unwrap().iter();
    let events = events.filter_map(|from| {
        let time = from["input"].as_str()?.strip_prefix("standard input of ")?;
        (Timestamp::parse_rfc3339(time)? >= began).then(|| from["events"].as_u64())?
    });
    usize::try_from(events.sum::<u64>()).unwrap()
}

fn number(run: &Run, name: &str) -> usize {
    usize::try_from(run.json()[name].as_u64().unwrap()).unwrap()
}

/// Guide: Ctrl-C stops the reading, the second one ends the process; the same command goes on.
fn an_interrupted_file(story: &mut Story) {
    let path = story
        .bench
        .path(&format!("file-{}.jsonl", story.expected.len()));
    let new = story.events(60);
    append_to(&path, &new);
    for _ in 0..story.random.below(3) {
        let run = start(story.append().arg(&path));
        story.random.pause(story.below_millis);
        signal(&run.0, "INT");
        if story.random.below(2) == 0 {
            story.random.pause(10);
            signal(&run.0, "INT");
        }
        let run = ended(run);
        assert!([0, 1, -1, 130].contains(&run.status), "{run}");
        if run.status == 1 {
            assert!(run.stderr.starts_with("error: interrupted: "), "{run}");
        }
    }
    // It is moved away meanwhile, as logs are.
    let moved: PathBuf = path.with_extension("1");
    fs::rename(&path, &moved).unwrap();
    until_zero(story, &moved);
}

/// Guide: a line that was refused is corrected, and the input is given again under its name.
fn a_corrected_pipe(story: &mut Story) {
    let name = format!("corrected {}", story.expected.len());
    let right = story.events(30);
    let bad = usize::try_from(story.random.below(right.len() as u64)).unwrap();
    let mut wrong = right.clone();
    "not an event".clone_into(&mut wrong[bad]);
    for input in [wrong, right] {
        loop {
            let append = story.append().args(["--input", &name]);
            let run = story.killed(append, &input);
            match run.status {
                0 => return,
                -1 => {}
                1 => {
                    let error = format!("error: line {}: ", bad + 1);
                    assert!(run.stderr.starts_with(&error), "{run}");
                    break;
                }
                _ => panic!("{run}"),
            }
        }
    }
    panic!("a line that was corrected is refused");
}

#[test]
fn a_disk_that_fails_at_any_call_loses_and_doubles_nothing() {
    mode(3, |story| {
        let (name, new) = (format!("{}", story.expected.len()), story.events(25));
        loop {
            let append = story.append().args(["--input", &name]);
            let error = ["error=ENOSPC", "error=EIO"][usize::from(story.random.below(2) == 0)];
            let run = story.aimed(append, error, &new);
            match run.status {
                0 => return,
                1 => story.kills += 1,
                _ => panic!("{run}"),
            }
        }
    });
}

#[test]
fn a_kill_between_the_summary_and_its_record_doubles_nothing() {
    let bench = Bench::new();
    bench.append().run().ok();
    let append = || bench.append().args(["--input", "whole"]);
    // The thread that stores the segment writes the record, and the first thread writes it once more after the summary. Only that
    // one is traced.
    let (inner, _home) = append().into_inner();
    let record = bench.path("spool/inputs.json.new");
    let strace = Command::new("strace").install_with("sudo apt-get install strace");
    let strace = strace.args(["-qq", "-o", "/dev/null", "-e", "trace=openat", "-P"]);
    let strace = strace.arg(record).arg("-e");
    let strace = strace.arg("inject=openat:signal=KILL:when=1");
    let killed = strace.arg(inner.get_program()).args(inner.get_args());
    let killed = killed.input("1\n2\n3\n").run();
    assert_eq!(killed.status, -1, "{killed}");
    assert!(killed.stdout.starts_with("sealed 3 events in "), "{killed}");
    let again = append().input("1\n2\n3\n").run().ok();
    assert!(
        again
            .stdout
            .ends_with("\nskipped 3 events of whole: accepted before, and it has no new ones\n"),
        "{again}"
    );
    append().input("1\n2\n3\n4\n").run().ok();
    assert_eq!(bench.verified(), ["1", "2", "3", "4"]);
}
