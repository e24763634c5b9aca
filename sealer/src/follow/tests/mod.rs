//! Random histories of files that are written, rotated in all ways, and removed, while the follower is stopped and started and logs accept,
//! refuse, or do not say what they did. A model knows which events were written and which of them nobody could have read.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "the model counts a few events"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_chain::line::Payload;
use auditlog_chain::timestamp::Timestamp;

use super::*;
use crate::input::GivenName;
use crate::spool::Inputs;

const LINGER: Duration = Duration::from_secs(10);

/// Numbers that are the same each time for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A log: what it has accepted, as its spool remembers it.
#[derive(Default)]
struct Log {
    inputs: Inputs,
    /// Events, and whether each is marked.
    events: Vec<(u64, bool)>,
    /// Blocks of one input in a row that were not JSON.
    headers: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Accepts,
    Refuses,
    /// Accepts, and does not say so.
    Silent,
}

fn id_of(text: &str) -> Option<u64> {
    text.strip_prefix("{\"id\":")?
        .strip_suffix('}')?
        .parse()
        .ok()
}

impl Log {
    fn take(&mut self, portion: &Portion, events: &StoredBatch) {
        if events.is_empty() || self.inputs.has(&portion.accepted) {
            return;
        }
        for event in events.iter() {
            match event.as_payload() {
                Payload::Event(text) => match id_of(text) {
                    Some(id) => self.events.push((id, portion.is_doubtful)),
                    None => self.headers += 1,
                },
                other @ (Payload::Text(_) | Payload::Base64(_)) => panic!("{other:?}"),
            }
        }
        self.inputs.accept(portion.accepted.clone());
    }
}

/// Everything.
struct World {
    folder: tempfile::TempDir,
    random: Random,
    logs: Vec<Log>,
    follower: Option<Follower>,
    now: Instant,
    /// The file that its writer has open.
    open: File,
    /// Whether the writer's file is still at the path.
    is_at_path: bool,
    /// Events of files, by inode, that were not accepted when it was asked last.
    files: BTreeMap<u64, Vec<u64>>,
    /// Where the rotated files are.
    rotated: Vec<PathBuf>,
    /// Events that nobody may have been able to read.
    at_risk: BTreeSet<u64>,
    /// Events that the follower knows to be accepted.
    certain: BTreeSet<u64>,
    /// Whether the follower has looked since the file was made, and was not started again.
    is_seen: bool,
    /// Rotated files of which nobody knows that they are not older ones.
    unknown: BTreeSet<u64>,
    next: u64,
    rotations: u64,
    half: bool,
    header: &'static str,
    said: Vec<String>,
}

fn open_to_append(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = open_to_append(&folder.path().join("app.log"));
        let mut world = Self {
            random: Random(seed),
            logs: (0..=seed % 2).map(|_| Log::default()).collect(),
            follower: None,
            now: Instant::now(),
            open,
            is_at_path: true,
            files: BTreeMap::new(),
            rotated: Vec::new(),
            at_risk: BTreeSet::new(),
            certain: BTreeSet::new(),
            is_seen: false,
            unknown: BTreeSet::new(),
            next: 0,
            rotations: 0,
            half: false,
            header: if seed.is_multiple_of(3) {
                "{\"header\":true}\n"
            } else {
                ""
            },
            said: Vec::new(),
            folder,
        };
        world.begin_file();
        world.start();
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    fn inode(&self) -> u64 {
        std::os::unix::fs::MetadataExt::ino(&self.open.metadata().unwrap())
    }

    /// Files of which each begins alike.
    fn begin_file(&mut self) {
        (self.half, self.is_seen) = (false, false);
        self.open.write_all(self.header.as_bytes()).unwrap();
        let inode = self.inode();
        let before = self.files.insert(inode, Vec::new());
        if self.unknown.remove(&inode) {
            self.at_risk.extend(before.into_iter().flatten());
        }
    }

    fn is_any_accepted(&self, inode: u64) -> bool {
        let (ids, accepted) = (self.files.get(&inode), self.accepted());
        ids.into_iter().flatten().any(|id| accepted.contains(id))
    }

    /// A number that no rotated file has.
    fn files_made(&mut self) -> u64 {
        self.rotations += 1;
        self.rotations
    }

    fn stop(&mut self) {
        self.follower = None;
        self.is_seen = false;
        for inode in self.files.keys().copied().collect::<Vec<_>>() {
            let is_at_path = self.is_at_path && inode == self.inode();
            if !is_at_path && !self.is_any_accepted(inode) {
                self.unknown.insert(inode);
            }
        }
    }

    fn start(&mut self) {
        let settings = Settings {
            input: GivenName::parse("audit").unwrap(),
            paths: vec![Pattern::parse(&self.path().display().to_string()).unwrap()],
            source: None,
            linger: LINGER,
            most_files: 100,
            max_event_bytes: MAX_EVENT_BYTES,
        };
        let logs = self.logs.iter().map(|log| Remembering {
            inputs: log.inputs.clone(),
            memory: Memory::Kept,
        });
        let logs: Vec<Remembering> = logs.collect();
        self.follower = Some(Follower::new(settings, &logs));
    }

    /// Writes whole lines, or lines whose last one is ended later.
    fn write(&mut self) {
        let mut text = String::new();
        if self.half {
            text.push_str("}\n");
        }
        let inode = self.inode();
        for _ in 0..=self.random.below(4) {
            writeln!(text, "{{\"id\":{}}}", self.next).unwrap();
            self.files.entry(inode).or_default().push(self.next);
            self.next += 1;
        }
        self.half = self.random.below(4) == 0;
        if self.half {
            text.truncate(text.len() - 2);
        }
        self.open.write_all(text.as_bytes()).unwrap();
    }

    fn end_line(&mut self) {
        if self.half {
            self.open.write_all(b"}\n").unwrap();
            self.half = false;
        }
    }

    fn accepted(&self) -> BTreeSet<u64> {
        let all = self.logs.iter().flat_map(|log| &log.events);
        all.map(|(id, _)| *id).collect()
    }

    /// What was written into the open file and is not accepted.
    fn unaccepted(&self) -> Vec<u64> {
        let accepted = self.accepted();
        let ids = self.files.get(&self.inode());
        let ids = ids.into_iter().flatten().copied();
        ids.filter(|id| !accepted.contains(id)).collect()
    }

    fn rename(&mut self) {
        if self.is_at_path {
            let inode = self.inode();
            if !self.is_seen && !self.is_any_accepted(inode) {
                self.unknown.insert(inode);
            }
            let to = format!("app.log.{}", self.files_made());
            let to = self.folder.path().join(to);
            fs::rename(self.path(), &to).unwrap();
            self.rotated.push(to);
            self.is_at_path = false;
        }
    }

    fn remove(&mut self) {
        if !self.header.is_empty() {
            // Where the place on the disk of a file that is gone has another one that begins alike, nobody can say whether it was changed.
            return self.rename();
        }
        if self.is_at_path {
            // Only who holds the file can read it, and the follower may be stopped or may not have seen it.
            self.at_risk.extend(self.unaccepted());
            fs::remove_file(self.path()).unwrap();
            self.is_at_path = false;
        }
    }

    /// The writer notices that its file was rotated.
    fn reopen(&mut self) {
        if !self.is_at_path {
            self.end_line();
            let is_removed =
                std::os::unix::fs::MetadataExt::nlink(&self.open.metadata().unwrap()) == 0;
            if is_removed {
                self.at_risk.extend(self.unaccepted());
            }
            self.open = open_to_append(&self.path());
            self.is_at_path = true;
            self.begin_file();
        }
    }

    fn copy_and_truncate(&mut self) {
        if !self.is_at_path {
            return;
        }
        if !self.header.is_empty() {
            // Of files that begin alike, a copy may be taken for that of another one.
            return self.rename();
        }
        self.end_line();
        let ids = self.files.get(&self.inode());
        if !ids
            .into_iter()
            .flatten()
            .any(|id| self.certain.contains(id))
        {
            // Of a file of which nothing was accepted, no copy is recognised.
            self.at_risk.extend(self.unaccepted());
        }
        let copy = format!("app.log.{}", self.files_made());
        let copy = self.folder.path().join(copy);
        fs::copy(self.path(), &copy).unwrap();
        self.rotated.push(copy);
        if self.random.below(3) == 0 {
            let before = self.next;
            self.write();
            self.at_risk.extend(before..self.next);
        }
        self.open.set_len(0).unwrap();
        self.half = false;
        // What begins alike is looked at before there is as much as before.
        self.round(Mood::Accepts);
        let inode = self.inode();
        self.files.insert(inode, Vec::new());
        self.begin_file();
    }

    fn round(&mut self, mood: Mood) {
        let Some(follower) = &mut self.follower else {
            return;
        };
        let Round { portions, notices } = follower.round(&BTreeSet::new(), self.now);
        self.said.extend(notices.iter().map(ToString::to_string));
        self.is_seen = true;
        for portion in portions {
            let count = u64::try_from(self.logs.len()).unwrap();
            let mut parts = vec![StoredBatch::default(); self.logs.len()];
            for event in portion.lines.iter() {
                let id = match event.as_payload() {
                    Payload::Event(text) => id_of(text).unwrap_or(0),
                    other @ (Payload::Text(_) | Payload::Base64(_)) => panic!("{other:?}"),
                };
                parts[usize::try_from(id % count).unwrap()].push(&event);
            }
            let mut is_accepted = true;
            for (log, part) in self.logs.iter_mut().zip(&parts) {
                // Each log has a mind of its own.
                let mood = if self.random.below(4) == 0 {
                    Mood::Accepts
                } else {
                    mood
                };
                if mood != Mood::Refuses {
                    log.take(&portion, part);
                }
                is_accepted &= mood == Mood::Accepts || part.is_empty();
            }
            if is_accepted {
                follower.accepted(&portion);
                let ids = parts.iter().flat_map(StoredBatch::iter);
                let ids = ids.filter_map(|event| match event.as_payload() {
                    Payload::Event(text) => id_of(text),
                    Payload::Text(_) | Payload::Base64(_) => None,
                });
                self.certain.extend(ids);
            } else {
                follower.not_accepted(&portion);
            }
        }
        let finished = follower.take_finished();
        for log in &mut self.logs {
            for name in &finished {
                log.inputs.finish(name);
            }
        }
    }

    fn step(&mut self) {
        let step = self.random.below(20);
        let (next, inode) = (self.next, self.inode());
        self.said.push(format!(
            "step {step}: next id {next}, inode {inode}, at path: {}",
            self.is_at_path
        ));
        match step {
            0..7 => self.write(),
            7..11 => self.round(Mood::Accepts),
            11 => self.round(Mood::Refuses),
            12 => self.round(Mood::Silent),
            13 => self.rename(),
            14 => self.reopen(),
            15 => self.copy_and_truncate(),
            16 if self.random.below(3) == 0 => self.remove(),
            17 => {
                // What was removed and is held by nobody else is gone.
                self.stop();
                self.start();
            }
            18 => self.now += Duration::from_secs(self.random.below(12)),
            _ => {}
        }
        if !self.is_at_path && self.random.below(2) == 0 {
            self.said.push("reopened".to_owned());
            self.reopen();
        }
        // A rotated file is kept until all of it was read.
        if self.header.is_empty() && self.is_all_accepted() {
            for path in std::mem::take(&mut self.rotated) {
                let is_open = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap())
                    == self.inode();
                if is_open || self.random.below(2) == 0 {
                    self.rotated.push(path);
                } else {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    }

    fn is_all_accepted(&self) -> bool {
        let accepted = self.accepted();
        (0..self.next).all(|id| accepted.contains(&id) || self.at_risk.contains(&id))
    }

    fn ends(mut self, story: &str) {
        self.reopen();
        self.end_line();
        for _ in 0..40 {
            self.now += Duration::from_secs(3);
            self.round(Mood::Accepts);
        }
        let unknown = self
            .unknown
            .iter()
            .filter_map(|inode| self.files.get(inode));
        self.at_risk.extend(unknown.flatten());
        let mut counts: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (id, is_marked) in self.logs.iter().flat_map(|log| &log.events) {
            let (unmarked, marked) = counts.entry(*id).or_default();
            *(if *is_marked { marked } else { unmarked }) += 1;
        }
        let said = self.said.join("\n");
        for id in 0..self.next {
            let (unmarked, marked) = counts.get(&id).copied().unwrap_or_default();
            let is_there = unmarked + marked > 0 || self.at_risk.contains(&id);
            assert!(is_there, "{story}: {id} is lost\n{said}");
            assert!(
                unmarked <= 1,
                "{story}: {id} is there {unmarked} times\n{said}"
            );
        }
        let following = self.follower.unwrap().following();
        assert_eq!(
            (following.behind, following.problems),
            (0, 0),
            "{story}\n{said}"
        );
    }
}

#[test]
fn whatever_happens_to_files_each_event_that_can_be_read_is_accepted_once() {
    let histories = std::env::var("AUDITLOG_HISTORIES");
    let histories = histories.map_or(100, |text| text.parse().unwrap());
    for seed in 0..histories {
        let mut world = World::new(seed);
        for _ in 0..120 {
            world.step();
        }
        world.ends(&format!("seed {seed}"));
    }
}

/// Follows the files of a folder into one log that accepts all.
struct Plain {
    folder: tempfile::TempDir,
    log: Log,
    follower: Option<Follower>,
    now: Instant,
    said: Vec<String>,
}

impl Plain {
    fn new() -> Self {
        let mut plain = Self {
            folder: tempfile::tempdir().unwrap(),
            log: Log::default(),
            follower: None,
            now: Instant::now(),
            said: Vec::new(),
        };
        plain.start(Memory::Kept);
        plain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self, memory: Memory) {
        let settings = Settings {
            input: GivenName::parse("audit").unwrap(),
            paths: vec![Pattern::parse(&self.path("*.log").display().to_string()).unwrap()],
            source: None,
            linger: LINGER,
            most_files: 5,
            max_event_bytes: MAX_EVENT_BYTES,
        };
        let inputs = self.log.inputs.clone();
        self.follower = Some(Follower::new(settings, &[Remembering { inputs, memory }]));
    }

    fn write(&self, name: &str, ids: std::ops::Range<u64>) {
        let lines = ids.flat_map(|id| format!("{{\"id\":{id}}}\n").into_bytes());
        let lines: Vec<u8> = lines.collect();
        open_to_append(&self.path(name)).write_all(&lines).unwrap();
    }

    /// Goes round until nothing is new. Returns the events since the last time, and what was said.
    fn rounds(&mut self) -> (Vec<(u64, bool)>, String) {
        let follower = self.follower.as_mut().unwrap();
        loop {
            let Round { portions, notices } = follower.round(&BTreeSet::new(), self.now);
            let is_over = portions.is_empty() && notices.is_empty();
            self.said.extend(notices.iter().map(ToString::to_string));
            for portion in portions {
                self.log.take(&portion, &portion.lines);
                follower.accepted(&portion);
            }
            if is_over {
                let said = std::mem::take(&mut self.said).join("\n");
                return (std::mem::take(&mut self.log.events), said);
            }
        }
    }
}

fn certain(ids: std::ops::Range<u64>) -> Vec<(u64, bool)> {
    ids.map(|id| (id, false)).collect()
}

fn doubtful(ids: std::ops::Range<u64>) -> Vec<(u64, bool)> {
    ids.map(|id| (id, true)).collect()
}

#[test]
fn file_that_was_changed_is_set_aside_and_the_others_go_on() {
    let mut plain = Plain::new();
    // More than is compared while the file is followed.
    plain.write("a.log", 0..500);
    plain.write("b.log", 500..510);
    assert_eq!(plain.rounds().0, certain(0..510));
    plain.follower = None;
    let before = fs::read_to_string(plain.path("a.log")).unwrap();
    let changed = before.replace("\"id\":250}", "\"id\":999}");
    fs::write(plain.path("a.log"), &changed).unwrap();
    plain.write("a.log", 510..520);
    plain.write("b.log", 520..530);
    plain.start(Memory::Kept);
    let (events, said) = plain.rounds();
    assert_eq!(events, certain(520..530));
    assert!(
        said.contains("a.log is not read now: its first 5390 bytes are not those"),
        "{said}"
    );
    assert_eq!(plain.follower.as_ref().unwrap().following().problems, 1);
    // As it was: it goes on.
    let after = changed.replace("\"id\":999}", "\"id\":250}");
    plain.now += LINGER;
    fs::write(plain.path("a.log"), &after).unwrap();
    plain.write("a.log", 510..520);
    let (events, said) = plain.rounds();
    assert_eq!(events, certain(510..520), "{said}");
    assert!(said.contains("a.log is read again"), "{said}");
    assert_eq!(plain.follower.as_ref().unwrap().following().problems, 0);
    // As a new file, as the message says.
    plain.follower = None;
    fs::write(plain.path("a.log"), &changed).unwrap();
    plain.write("a.log", 510..520);
    plain.start(Memory::Kept);
    assert!(plain.rounds().0.is_empty());
    fs::copy(plain.path("a.log"), plain.path("a.log.new")).unwrap();
    fs::rename(plain.path("a.log.new"), plain.path("a.log")).unwrap();
    assert_eq!(plain.rounds().0.len(), 510);
    assert_eq!(plain.follower.as_ref().unwrap().following().problems, 0);
}

#[test]
fn what_may_be_a_repeat_is_taken_and_marked() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    assert_eq!(plain.rounds().0, certain(0..3));
    // An editor replaces the file.
    plain.write("a.new", 0..5);
    fs::rename(plain.path("a.new"), plain.path("a.log")).unwrap();
    let (events, said) = plain.rounds();
    assert_eq!(events, [doubtful(0..3), certain(3..5)].concat());
    assert!(
        said.contains("a.log may have events that are in the log already; its first 27 bytes"),
        "{said}"
    );
    // So it does with a rotation whose new file begins alike: nobody can say which one it was.
    plain.write("b.log", 10..13);
    assert_eq!(plain.rounds().0, certain(10..13));
    fs::rename(plain.path("b.log"), plain.path("b.log.1")).unwrap();
    plain.write("b.log", 10..14);
    assert_eq!(
        plain.rounds().0,
        [doubtful(10..13), certain(13..14)].concat()
    );
    // Other rotations are not marked.
    fs::rename(plain.path("b.log"), plain.path("b.log.2")).unwrap();
    plain.write("b.log", 14..16);
    assert_eq!(plain.rounds().0, certain(14..16));
    // The log has lost its memory.
    plain.log.inputs = Inputs::default();
    plain.start(Memory::Lost);
    assert_eq!(
        plain.rounds().0,
        [doubtful(0..5), doubtful(14..16)].concat()
    );
    plain.write("a.log", 6..8);
    plain.write("c.log", 8..9);
    assert_eq!(plain.rounds().0, certain(6..9));
}

#[test]
fn file_comes_back_and_a_last_line_is_taken_once_the_file_is_gone() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..2);
    open_to_append(&plain.path("a.log"))
        .write_all(b"{\"id\":2}")
        .unwrap();
    assert_eq!(plain.rounds().0, certain(0..2));
    fs::rename(plain.path("a.log"), plain.path("elsewhere")).unwrap();
    assert!(plain.rounds().0.is_empty());
    plain.now += LINGER;
    assert_eq!(plain.rounds().0, certain(2..3));
    let followed = |plain: &Plain| plain.follower.as_ref().unwrap().following().files;
    assert_eq!(followed(&plain), 0);
    fs::rename(plain.path("elsewhere"), plain.path("a.log")).unwrap();
    open_to_append(&plain.path("a.log"))
        .write_all(b"\n{\"id\":3}\n")
        .unwrap();
    assert_eq!(plain.rounds().0, certain(3..4));
    // No more files than may be followed.
    for name in ["b.log", "c.log", "d.log", "e.log", "f.log"] {
        plain.write(name, 9..10);
    }
    let (events, said) = plain.rounds();
    assert_eq!((events.len(), followed(&plain)), (4, 5));
    assert!(
        said.contains("f.log is not read now: 5 files are followed already"),
        "{said}"
    );
}

#[test]
fn what_a_truncated_file_had_is_read_from_its_copy() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    assert_eq!(plain.rounds().0, certain(0..3));
    plain.write("a.log", 3..5);
    fs::copy(plain.path("a.log"), plain.path("a.log.1")).unwrap();
    fs::write(plain.path("a.log"), "").unwrap();
    plain.write("a.log", 5..6);
    let (events, said) = plain.rounds();
    assert_eq!(events, certain(3..6));
    assert!(
        said.contains("what was not read of it is read from its copy"),
        "{said}"
    );
    // The copy is followed over a restart, and once.
    plain.write("a.log.1", 6..7);
    plain.start(Memory::Kept);
    assert_eq!(plain.rounds().0, certain(6..7));
    plain.now += LINGER;
    assert!(plain.rounds().0.is_empty());
    // Without a copy, a notice names what is lost.
    fs::write(plain.path("a.log"), "").unwrap();
    let (events, said) = plain.rounds();
    assert!(
        events.is_empty() && said.contains("a.log was truncated, and is read from its beginning"),
        "{said}"
    );
    assert!(said.contains("after byte 9 "), "{said}");
}

fn settings(folder: &tempfile::TempDir, pattern: &str) -> Settings {
    let pattern = folder.path().join(pattern).display().to_string();
    Settings {
        input: GivenName::parse("audit").unwrap(),
        paths: vec![Pattern::parse(&pattern).unwrap()],
        source: None,
        linger: LINGER,
        most_files: 5,
        max_event_bytes: MAX_EVENT_BYTES,
    }
}

/// What is offered in one round, whether it is marked, and what was said.
fn offered(follower: &mut Follower, now: Instant) -> (Vec<(usize, bool)>, String) {
    let Round { portions, notices } = follower.round(&BTreeSet::new(), now);
    for portion in &portions {
        follower.accepted(portion);
    }
    let events = portions
        .iter()
        .map(|portion| (portion.lines.len(), portion.is_doubtful));
    let said: Vec<String> = notices.iter().map(ToString::to_string).collect();
    (events.collect(), said.join("\n"))
}

#[test]
fn where_one_of_two_logs_has_lost_its_memory_files_that_the_other_knows_are_marked() {
    let mut plain = Plain::new();
    for (name, ids) in [("a.log", 0..3), ("b.log", 3..5), ("c.log", 5..6)] {
        plain.write(name, ids);
    }
    assert_eq!(plain.rounds().0, certain(0..6));
    // Renamed, and copied and truncated.
    fs::rename(plain.path("b.log"), plain.path("b.log.1")).unwrap();
    fs::copy(plain.path("c.log"), plain.path("c.log.1")).unwrap();
    fs::write(plain.path("c.log"), "").unwrap();
    let kept = Remembering {
        inputs: plain.log.inputs.clone(),
        memory: Memory::Kept,
    };
    let lost = |memory| Remembering {
        inputs: Inputs::default(),
        memory,
    };
    let settings = settings(&plain.folder, "*.log");
    for (memory, is_marked) in [(Memory::Kept, false), (Memory::Lost, true)] {
        let mut follower = Follower::new(settings.clone(), &[kept.clone(), lost(memory)]);
        let (mut events, said) = offered(&mut follower, plain.now);
        events.sort_unstable();
        let expected = [1, 2, 3].map(|count| (count, is_marked));
        assert_eq!(events, expected, "{said}");
        let warns = said.contains("a.log may have events that are in the log already");
        assert_eq!(warns, is_marked, "{said}");
    }
}

#[test]
fn what_is_not_read_is_named_once() {
    let plain = Plain::new();
    plain.write("a.log", 0..3);
    let mut follower = Follower::new(settings(&plain.folder, "a.log"), &[]);
    let mut said = Vec::new();
    for _ in 0..3 {
        let Round { portions, notices } = follower.round(&BTreeSet::new(), plain.now);
        said.extend(notices);
        let reason = "no route leads to a log".to_owned();
        said.extend(follower.refused(&portions[0], reason));
        assert_eq!(follower.following().problems, 1);
    }
    assert_eq!(said.len(), 1, "{said:?}");
    let (events, said) = offered(&mut follower, plain.now);
    assert_eq!((events.len(), said.as_str()), (1, ""));
    let (_, said) = offered(&mut follower, plain.now);
    assert!(said.ends_with("a.log is read again"), "{said}");
    assert_eq!(follower.following().problems, 0);
}

#[test]
fn link_that_leads_nowhere_hides_no_other_file() {
    let mut plain = Plain::new();
    std::os::unix::fs::symlink("loop.log", plain.path("loop.log")).unwrap();
    plain.write("good.log", 0..3);
    let (events, said) = plain.rounds();
    assert_eq!(events, certain(0..3), "{said}");
    assert!(said.contains("loop.log"), "{said}");
    assert_eq!(plain.follower.as_ref().unwrap().following().problems, 1);
}

#[test]
fn file_that_is_truncated_before_anything_of_it_was_accepted_is_named() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    let follower = plain.follower.as_mut().unwrap();
    let round = follower.round(&BTreeSet::new(), plain.now);
    follower.not_accepted(&round.portions[0]);
    fs::write(plain.path("a.log"), "").unwrap();
    let (events, said) = plain.rounds();
    assert!(events.is_empty());
    assert!(
        said.contains("a.log was truncated, and is read from its beginning; lines that were written into it after byte 0"),
        "{said}"
    );
    plain.write("a.log", 3..4);
    assert_eq!(plain.rounds().0, certain(3..4));
}

#[test]
fn what_is_finished_is_told_once() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    plain.rounds();
    fs::remove_file(plain.path("a.log")).unwrap();
    plain.rounds();
    plain.now += LINGER;
    plain.rounds();
    let follower = plain.follower.as_mut().unwrap();
    assert_eq!(follower.take_finished().len(), 1);
    assert!(follower.take_finished().is_empty());
}

#[test]
fn file_that_is_gone_is_named_once_over_restarts() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..3);
    plain.rounds();
    fs::remove_file(plain.path("a.log")).unwrap();
    for is_first in [true, false] {
        plain.start(Memory::Kept);
        let (events, said) = plain.rounds();
        assert!(events.is_empty());
        assert_eq!(said.contains("a.log is gone"), is_first, "{said}");
        // As the thread of the log does.
        for name in plain.follower.as_mut().unwrap().take_finished() {
            plain.log.inputs.finish(&name);
        }
    }
}

/// A file system gives the place of a file that is gone to a new one, and all files of a program may begin with one line.
#[test]
fn new_file_at_the_place_of_one_that_was_read_to_its_end_is_taken_and_marked() {
    for (is_stopped, new) in [(true, 10..20), (false, 10..20), (true, 10..12)] {
        let mut plain = Plain::new();
        let header = b"{\"header\":true}\n";
        fs::write(plain.path("a.log"), header).unwrap();
        assert!(plain.rounds().0.is_empty());
        plain.write("a.log", 0..3);
        assert_eq!(plain.rounds().0, certain(0..3));
        fs::rename(plain.path("a.log"), plain.path("a.old")).unwrap();
        assert!(plain.rounds().0.is_empty());
        plain.now += LINGER;
        assert!(plain.rounds().0.is_empty());
        for name in plain.follower.as_mut().unwrap().take_finished() {
            plain.log.inputs.finish(&name);
        }
        if is_stopped {
            plain.follower = None;
        }
        fs::write(plain.path("a.old"), header).unwrap();
        plain.write("a.old", new.clone());
        fs::rename(plain.path("a.old"), plain.path("a.log")).unwrap();
        if is_stopped {
            plain.start(Memory::Kept);
        }
        let (events, said) = plain.rounds();
        assert_eq!(events, doubtful(new.clone()), "{said}");
        assert!(said.contains("marked as possible repeats"), "{said}");
        // What follows is certain, also after another start.
        plain.write("a.log", 20..22);
        assert_eq!(plain.rounds().0, certain(20..22));
        plain.start(Memory::Kept);
        plain.write("a.log", 22..23);
        assert_eq!(plain.rounds().0, certain(22..23));
        assert_eq!(plain.follower.as_ref().unwrap().following().problems, 0);
    }
}

/// The line that was edited has a number no more.
fn without_edited(mut events: Vec<(u64, bool)>) -> Vec<(u64, bool)> {
    events.retain(|(id, _)| *id != 7);
    events
}

/// Edits a file as programs do that write a new one, or write into it.
fn edited(how: &str) -> (Vec<(u64, bool)>, String) {
    let mut plain = Plain::new();
    plain.write("a.log", 0..200);
    assert_eq!(plain.rounds().0, certain(0..200));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    // A line that is not the last one has another text.
    let text = text.replace("{\"id\":7}", "{\"id\":7,\"edited\":true}");
    let new = plain.path("a.new");
    match how {
        "kept" => fs::rename(&path, plain.path("a.bak")).unwrap(),
        "linked" => fs::hard_link(&path, plain.path("other")).unwrap(),
        "removed" | "into it" => {}
        // Written into before it is edited, and not read meanwhile.
        "grown" => plain.write("a.log", 200..202),
        _ => panic!("{how}"),
    }
    let grown = if how == "grown" {
        "{\"id\":200}\n{\"id\":201}\n"
    } else {
        ""
    };
    let text = format!("{text}{grown}{{\"id\":202}}\n");
    if how == "into it" {
        fs::write(&path, "").unwrap();
        assert_eq!(plain.rounds().0, []);
        fs::write(&path, text).unwrap();
    } else {
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
    }
    plain.rounds()
}

#[test]
fn events_of_a_file_that_was_edited_are_marked_as_far_as_they_were_accepted() {
    for how in ["kept", "linked", "removed", "into it"] {
        let (events, said) = edited(how);
        assert_eq!(
            events,
            [without_edited(doubtful(0..200)), certain(202..203)].concat(),
            "{how}: {said}"
        );
        assert!(said.contains("marked as possible repeats"), "{said}");
    }
    let (events, said) = edited("grown");
    let expected = [
        certain(200..202),
        without_edited(doubtful(0..202)),
        certain(202..203),
    ]
    .concat();
    assert_eq!(events, expected, "{said}");
}

/// Writes a file again with another line in the place of one, as `how` says, and returns the events that come then.
fn rewritten(how: &str, lines: u64, edited: u64, by: &str) -> (Vec<(u64, bool)>, String) {
    let mut plain = Plain::new();
    plain.write("a.log", 0..lines);
    assert_eq!(plain.rounds().0, certain(0..lines));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace(&format!("{{\"id\":{edited}}}"), by);
    let is_stopped = how.starts_with("stopped");
    if is_stopped {
        plain.follower = None;
    }
    if how.ends_with("in place") {
        fs::write(&path, text).unwrap();
    } else {
        if how.contains("kept") {
            fs::rename(&path, plain.path("a.bak")).unwrap();
        }
        fs::write(plain.path("a.new"), text).unwrap();
        fs::rename(plain.path("a.new"), &path).unwrap();
    }
    if is_stopped {
        plain.start(Memory::Kept);
    }
    plain.rounds()
}

#[test]
fn events_of_an_edited_file_are_marked_wherever_it_was_edited() {
    const LONGER: &str = "{\"id\":900,\"edited\":true}";
    for (how, lines, edited, by) in [
        ("stopped, in place", 200, 7, LONGER),
        ("stopped, in place", 20, 7, "{}"),
        ("stopped, new inode", 200, 7, LONGER),
        ("stopped, new inode", 200, 150, LONGER),
        ("stopped, new inode", 20, 19, LONGER),
        ("running, new inode", 200, 199, LONGER),
        ("running, new inode", 20, 7, LONGER),
        ("running, new inode, kept", 200, 199, LONGER),
        ("running, in place", 200, 199, "{}"),
        ("running, in place", 20, 7, "{}"),
    ] {
        let (events, said) = rewritten(how, lines, edited, by);
        let again = events.iter().filter(|(id, _)| *id < lines && *id != edited);
        let again: Vec<_> = again.copied().collect();
        let mut expected = doubtful(0..lines);
        expected.retain(|(id, _)| *id != edited);
        assert_eq!(again, expected, "{how}, {lines}, {edited}: {said}");
    }
}

/// It is kept under a name that no pattern has, so that it looks like a rotation.
#[test]
fn events_of_a_file_that_was_edited_at_both_ends_are_marked() {
    let mut plain = Plain::new();
    plain.write("a.log", 0..2000);
    assert_eq!(plain.rounds().0, certain(0..2000));
    let path = plain.path("a.log");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("{\"id\":7}", "{\"id\":7000}");
    let text = text.replace("{\"id\":1999}", "{\"id\":9000}");
    fs::rename(&path, plain.path("a.bak")).unwrap();
    fs::write(plain.path("a.new"), text).unwrap();
    fs::rename(plain.path("a.new"), &path).unwrap();
    let (events, said) = plain.rounds();
    assert_eq!(events.len(), 2000);
    assert!(events.iter().all(|(_, is_marked)| *is_marked), "{said}");
    // A rotation has other lines.
    fs::rename(&path, plain.path("a.old")).unwrap();
    plain.write("a.log", 10_000..12_000);
    let (events, said) = plain.rounds();
    assert_eq!((events.len(), said.as_str()), (2000, ""));
    assert!(events.iter().all(|(_, is_marked)| !is_marked));
}

#[test]
fn rest_of_files_is_marked_by_later_starts_after_a_log_has_lost_its_memory() {
    let mut plain = Plain::new();
    for (name, ids) in [("a.log", 0..3), ("b.log", 3..6), ("restored.old", 6..9)] {
        plain.write(name, ids);
    }
    let now = Timestamp::from_system_time(std::time::SystemTime::now()).unwrap();
    plain.log.inputs.lose(now, None);
    let mut follower = Follower::new(
        settings(&plain.folder, "*.log"),
        &[Remembering {
            inputs: plain.log.inputs.clone(),
            memory: Memory::Lost,
        }],
    );
    // The first start ends when it has a part of one file.
    let first = follower.round(&BTreeSet::new(), plain.now).portions;
    let first = first
        .into_iter()
        .find(|portion| portion.accepted.shown.ends_with("a.log"));
    let mut first = first.unwrap();
    assert!(first.is_doubtful);
    let line = fs::read(plain.path("a.log")).unwrap();
    let mut place = Place::default();
    place.advance(&line[..9], 1, 1);
    first.accepted.position = place.position();
    assert_eq!(first.accepted.doubtful, 0);
    first.accepted.doubtful = 27;
    plain.log.inputs.accept(first.accepted);
    // What comes back was there, too. What is new is not marked.
    fs::rename(plain.path("restored.old"), plain.path("c.log")).unwrap();
    plain.write("a.log", 20..21);
    plain.start(Memory::Kept);
    let (mut events, said) = plain.rounds();
    events.sort_unstable();
    let expected = [doubtful(1..9), certain(20..21)].concat();
    assert_eq!(events, expected, "{said}");
    assert!(!said.contains("a.log may have"), "{said}");
    let lost = std::time::SystemTime::now();
    loop {
        plain.write("d.log", 30..32);
        let made = fs::metadata(plain.path("d.log")).unwrap();
        if made.created().or(made.modified()).unwrap() > lost {
            break;
        }
        // The clock of files goes in steps.
        fs::remove_file(plain.path("d.log")).unwrap();
    }
    plain.start(Memory::Kept);
    assert_eq!(plain.rounds().0, certain(30..32));
}

#[test]
fn border_of_what_may_be_a_repeat_is_told_with_each_place_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(1 << 20 >> 1));
    fs::write(&path, line.repeat(9)).unwrap();
    let lost = Remembering {
        inputs: Inputs::default(),
        memory: Memory::Lost,
    };
    let mut follower = Follower::new(settings(&folder, "a.log"), &[lost]);
    let size = u64::try_from(line.len() * 9).unwrap();
    let mut borders = Vec::new();
    loop {
        let portions = follower.round(&BTreeSet::new(), Instant::now()).portions;
        let Some(portion) = portions.first() else {
            break;
        };
        assert!(portion.is_doubtful);
        borders.push(portion.accepted.doubtful);
        follower.accepted(portion);
    }
    assert!(borders.len() > 1);
    assert_eq!(borders.pop(), Some(0));
    assert!(borders.iter().all(|border| *border == size), "{borders:?}");
}

#[test]
fn file_that_is_followed_through_a_link_is_found_where_it_was_rotated() {
    let mut plain = Plain::new();
    let data = plain.path("data");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(data.join("app.txt"), plain.path("a.log")).unwrap();
    plain.write("data/app.txt", 0..3);
    assert_eq!(plain.rounds().0, certain(0..3));
    plain.write("data/app.txt", 3..5);
    // While nobody looks, by renaming, and by copying and truncating.
    fs::rename(data.join("app.txt"), data.join("app.txt.1")).unwrap();
    plain.write("data/app.txt", 5..6);
    plain.start(Memory::Kept);
    assert_eq!(plain.rounds().0, certain(3..6));
    plain.write("data/app.txt", 6..8);
    fs::copy(data.join("app.txt"), data.join("app.txt.2")).unwrap();
    fs::write(data.join("app.txt"), "").unwrap();
    plain.write("data/app.txt", 8..9);
    plain.start(Memory::Kept);
    let (mut events, said) = plain.rounds();
    events.sort_unstable();
    assert_eq!(events, certain(6..9), "{said}");
}
