//! Files are followed into logs that accept all, one case at a time; random histories, copies and edited files have modules of their own.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "the model counts a few events"
)]

mod copies;
mod edited;
mod histories;

use std::collections::BTreeSet;
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

/// A log: what it has accepted, as its spool remembers it.
#[derive(Default)]
struct Log {
    inputs: Inputs,
    /// Events, and whether each is marked.
    events: Vec<(u64, bool)>,
    /// Blocks of one input in a row that were not JSON.
    headers: u64,
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

fn open_to_append(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
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
            own: Own::default(),
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

/// Waits until the clock of the files goes on, by which a copy is recognised of which nothing was accepted.
fn file_clock_goes_on(folder: &Path) {
    let time = || {
        let probe = tempfile::NamedTempFile::new_in(folder).unwrap();
        probe.as_file().metadata().unwrap().modified().unwrap()
    };
    let before = time();
    while time() <= before {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn settings(folder: &tempfile::TempDir, pattern: &str) -> Settings {
    let pattern = folder.path().join(pattern).display().to_string();
    Settings {
        input: GivenName::parse("audit").unwrap(),
        paths: vec![Pattern::parse(&pattern).unwrap()],
        own: Own::default(),
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
fn what_the_service_itself_writes_is_not_followed_and_is_named_once() {
    let plain = Plain::new();
    for name in ["to/p", "spool"] {
        fs::create_dir_all(plain.path(name)).unwrap();
    }
    std::os::unix::fs::symlink(plain.path("to/p"), plain.path("link")).unwrap();
    let mut settings = settings(&plain.folder, "*/*");
    settings.own = Own {
        spools: vec![plain.path("spool")],
        stores: vec![plain.path("to")],
    };
    let mut follower = Follower::new(settings, &[]);
    assert_eq!(
        offered(&mut follower, plain.now),
        (Vec::new(), String::new())
    );
    for number in 0..3 {
        plain.write(&format!("to/p/{number:012}.jsonl.zst"), 0..1);
    }
    plain.write("spool/names.log", 0..1);
    plain.write("link/app.log", 0..2);
    let (events, said) = offered(&mut follower, plain.now);
    assert_eq!(events, [(2, false)], "{said}");
    for folder in ["to/p", "spool"] {
        let expected = format!("{folder} are not followed, because the service itself writes them");
        assert_eq!(said.matches(&expected).count(), 1, "{said}");
    }
    assert_eq!(
        offered(&mut follower, plain.now),
        (Vec::new(), String::new())
    );
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
