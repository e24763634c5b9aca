//! Random histories of files that are written, rotated in all ways, and removed, while the follower is stopped and started and logs accept,
//! refuse, or do not say what they did. A model knows which events were written and which of them nobody could have read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use auditlog_chain::builder::StoredBatch;
use auditlog_chain::limits::MAX_EVENT_BYTES;
use auditlog_chain::line::Payload;

use super::*;

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

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Accepts,
    Refuses,
    /// Accepts, and does not say so.
    Silent,
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
    /// How long it has not been there.
    parted: Duration,
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
    /// Events in copies that are recognised by their time alone.
    copied: Vec<Vec<u64>>,
    /// Rotated files of which nobody knows that they are not older ones.
    unknown: BTreeSet<u64>,
    next: u64,
    rotations: u64,
    half: bool,
    header: &'static str,
    said: Vec<String>,
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
            parted: Duration::ZERO,
            files: BTreeMap::new(),
            rotated: Vec::new(),
            at_risk: BTreeSet::new(),
            certain: BTreeSet::new(),
            is_seen: false,
            copied: Vec::new(),
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
        let accepted = self.accepted();
        for ids in std::mem::take(&mut self.copied) {
            if !ids.iter().any(|id| accepted.contains(id)) {
                self.at_risk.extend(ids);
            }
        }
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
            own: Own::default(),
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
            (self.is_at_path, self.parted) = (false, Duration::ZERO);
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
            (self.is_at_path, self.parted) = (false, Duration::ZERO);
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
        let mut ids = ids.into_iter().flatten();
        if !ids.any(|id| self.certain.contains(id)) {
            // Of a file of which nothing was accepted, a copy is recognised by its time, by who has looked at the file before.
            if self.is_seen {
                self.copied.push(self.unaccepted());
            } else {
                self.at_risk.extend(self.unaccepted());
            }
        }
        file_clock_goes_on(self.folder.path());
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
        if self.random.below(2) == 0 {
            self.round(Mood::Accepts);
        }
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
            18 => {
                let passed = Duration::from_secs(self.random.below(12));
                self.parted += passed;
                // Its writer notices a rotation as long as the file is followed.
                if self.parted >= LINGER {
                    self.reopen();
                }
                self.now += passed;
            }
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
