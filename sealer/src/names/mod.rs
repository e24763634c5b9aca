//! The names of batches that were accepted: a name that comes again is a repeat.
//!
//! A name is remembered for a stated time, and no more than a stated number of names are. Those of the last batches are in memory. Older ones
//! are in sorted files, with a filter in memory in front of each, so that a new name seldom costs a look at the disk.
//!
//! The window is what a repeat is dropped in. Files that are outside it are kept for longer: a name in them may have been given again to other
//! events, so a batch of that name is kept, and marked.
//!
//! | file | what |
//! | --- | --- |
//! | `names.log` | the names of segments that are stored, in the order in which they were; a torn end was never relied on |
//! | `00000007.names` | sorted names, once there are many in `names.log` |
//!
//! Until a segment is stored, its names are in its write-ahead file. They are appended to `names.log` and synced before that is removed. If
//! we crash in between, they are in both, which does no harm.

mod chunk;
mod filter;
mod fingerprint;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod log;
mod sorted;

pub use fingerprint::Fingerprint;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use auditlog_chain::timestamp::Timestamp;

use crate::disk::Disk;
use log::Log;
use sorted::Sorted;

/// How long and how many names are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Seconds for which a name is remembered at least, unless there are too many.
    pub seconds: i64,
    /// Names that are remembered at most, to within one sorted file.
    pub names: u64,
    /// Seconds for which a name beyond these is known still, unless there are too many.
    pub known_seconds: i64,
    /// Names that are known at most, with those that are remembered.
    pub known_names: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            seconds: 72 * 3600,
            // 10 million batches, also where each has two names: a chunk of Forward.
            names: 20_000_000,
            known_seconds: 30 * 24 * 3600,
            known_names: 30_000_000,
        }
    }
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    No,
    /// A batch of it was accepted within the window.
    Within,
    /// A batch of it was accepted before that.
    Beyond,
}

/// What is remembered of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Names that are remembered.
    pub names: u64,
    /// Seconds for which a name is remembered.
    pub seconds: i64,
    /// Names that are remembered at most.
    pub most: u64,
    /// Names that are in memory.
    pub in_memory: u64,
}

/// Names in `names.log` from which they are sorted into a file of their own.
const SORT_AT: usize = 1 << 18;

/// Names of a file that say whether, and where, its names were taken over.
const SAMPLE: usize = 64;

/// The names that are remembered.
pub struct Names {
    disk: Arc<dyn Disk>,
    window: Window,
    /// Those that are in no sorted file, and when each was added.
    recent: HashMap<Fingerprint, Timestamp>,
    log: Log,
    /// The oldest first.
    sorted: Vec<Sorted>,
    /// Those that were outside the window when names were added last.
    beyond: usize,
    next_file: u64,
}

impl Names {
    /// Reads what is remembered.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read, or a sorted file was changed.
    pub fn open(disk: Arc<dyn Disk>, window: Window) -> io::Result<Self> {
        let mut sorted = Vec::new();
        for name in disk.names()? {
            if let Some(number) = sorted::number_of(&name) {
                sorted.push(Sorted::open(&*disk, number)?);
            }
        }
        sorted.sort_by_key(Sorted::number);
        let log = Log::open(&*disk)?;
        let mut names = Self {
            beyond: 0,
            recent: log.names().iter().copied().collect(),
            next_file: sorted
                .last()
                .map_or(1, |last| last.number().saturating_add(1)),
            log,
            sorted,
            disk,
            window,
        };
        let newest = names.sorted.last().map_or(Timestamp::EPOCH, Sorted::newest);
        let last = newest.max(names.log.newest());
        names.beyond = names.outside(last, window.seconds, window.names);
        Ok(names)
    }

    /// What is remembered.
    pub fn remembered(&self) -> Remembered {
        Remembered {
            names: self.count(),
            seconds: self.window.seconds,
            most: self.window.names,
            in_memory: u64::try_from(self.recent.len()).unwrap_or(u64::MAX),
        }
    }

    /// What is known of a name now.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read.
    pub fn look_up(&self, name: &Fingerprint, now: Timestamp) -> io::Result<Known> {
        if let Some(added) = self.recent.get(name) {
            return Ok(self.known_since(*added, now));
        }
        for (place, sorted) in self.sorted.iter().enumerate().rev() {
            if sorted.contains(&*self.disk, name)? {
                return Ok(if place < self.beyond {
                    Known::Beyond
                } else {
                    self.known_since(sorted.newest(), now)
                });
            }
        }
        Ok(Known::No)
    }

    /// A log that gets no names has an end of its window as well.
    fn known_since(&self, added: Timestamp, now: Timestamp) -> Known {
        if now.seconds_since(added) <= self.window.seconds {
            Known::Within
        } else {
            Known::Beyond
        }
    }

    /// Remembers a name, which a write-ahead file has.
    pub fn insert(&mut self, name: Fingerprint, now: Timestamp) {
        self.recent.insert(name, now);
    }

    /// Takes over the names of a write-ahead file that is about to be removed, synced.
    ///
    /// # Errors
    ///
    /// Where the disk is full or fails: the write-ahead file must then stay.
    pub fn take_over(&mut self, names: &[Fingerprint], now: Timestamp) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.recent.extend(names.iter().map(|name| (*name, now)));
        self.log.append(&*self.disk, names, now)?;
        // The names are synced. Where the rest fails, it is done with the next ones.
        if self.log.names().len() >= SORT_AT {
            _ = self.sort();
        }
        self.forget(now);
        Ok(())
    }

    /// Takes over the names of a closed file that waits when the spool is opened, the last of which was accepted at this time. An earlier
    /// process may have done so already.
    ///
    /// # Errors
    ///
    /// As [`Names::take_over`], or where a file cannot be read.
    pub fn take_over_waiting(&mut self, names: &[Fingerprint], last: Timestamp) -> io::Result<()> {
        let missing = self.missing(names, last)?;
        // The files of names are in the order of their times.
        let added = last.max(self.log.newest());
        self.take_over(&missing, added)
    }

    /// The names that were not taken over at this time or later. A few of them say in which files the others are, so that not each is looked
    /// for by itself; where those few are in none, none is taken to be, and the worst is that a name is in two files.
    fn missing(&self, names: &[Fingerprint], last: Timestamp) -> io::Result<Vec<Fingerprint>> {
        let is_recent = |name: &Fingerprint| {
            let added = self.recent.get(name);
            added.is_some_and(|added| *added >= last)
        };
        let mut left: Vec<_> = names
            .iter()
            .filter(|name| !is_recent(name))
            .copied()
            .collect();
        left.sort_unstable();
        left.dedup();
        let step = left.len().div_ceil(SAMPLE).max(1);
        let mut places = BTreeSet::new();
        for name in left.iter().step_by(step) {
            places.extend(self.place_since(name, last)?);
        }
        if places.is_empty() {
            return Ok(left);
        }
        for sorted in places.iter().filter_map(|place| self.sorted.get(*place)) {
            let found = sorted.names(&*self.disk)?;
            left.retain(|name| found.binary_search(name).is_err());
        }
        let mut missing = Vec::new();
        for name in left {
            if self.place_since(&name, last)?.is_none() {
                missing.push(name);
            }
        }
        Ok(missing)
    }

    /// Which of the sorted files that had names at this time or later has the name.
    fn place_since(&self, name: &Fingerprint, last: Timestamp) -> io::Result<Option<usize>> {
        let files = self.sorted.iter().enumerate().rev();
        for (place, sorted) in files.take_while(|(_, sorted)| sorted.newest() >= last) {
            if sorted.contains(&*self.disk, name)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// If we crash before the log is emptied, its names are in both files, which does no harm.
    fn sort(&mut self) -> io::Result<()> {
        let names = self.log.names().iter();
        let mut names: Vec<_> = names.map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        // The files stay in the order of their times, also where older names were taken over later.
        let before = self.sorted.last().map_or(Timestamp::EPOCH, Sorted::newest);
        let newest = self.log.newest().max(before);
        let sorted = Sorted::write(&*self.disk, self.next_file, &names, newest)?;
        self.next_file = self.next_file.saturating_add(1);
        self.sorted.push(sorted);
        for name in &names {
            self.recent.remove(name);
        }
        self.log.clear(&*self.disk)
    }

    /// Finds out which files are outside the window, and removes the oldest of them. A file stays as long as one of its names is inside.
    fn forget(&mut self, now: Timestamp) {
        let window = self.window;
        for _ in 0..self.outside(now, window.known_seconds, window.known_names) {
            match self.sorted.first() {
                Some(oldest) if self.disk.remove(&oldest.name()).is_ok() => {
                    self.sorted.remove(0);
                }
                Some(_) | None => break,
            }
        }
        self.beyond = self.outside(now, window.seconds, window.names);
    }

    /// How many files are older than that, or would be too many names together with the newer ones.
    fn outside(&self, now: Timestamp, seconds: i64, most: u64) -> usize {
        let mut names = 0u64;
        let newest = self.sorted.iter().rev().take_while(|file| {
            names = names.saturating_add(file.count());
            now.seconds_since(file.newest()) <= seconds && names <= most
        });
        self.sorted.len().saturating_sub(newest.count())
    }

    /// How many names are remembered.
    pub fn count(&self) -> u64 {
        let recent = u64::try_from(self.recent.len()).unwrap_or(u64::MAX);
        let within = self.sorted.iter().skip(self.beyond).map(Sorted::count);
        within.fold(recent, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn name(number: u64) -> Fingerprint {
        Fingerprint::of(b"sender", &number.to_be_bytes())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.saturating_add_seconds(seconds)
    }

    #[test]
    fn names_are_remembered_over_restarts_and_files_until_they_are_outside_the_window() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
        let window = Window {
            seconds: 100,
            names: 700_000,
            known_seconds: 1000,
            known_names: 700_000,
        };
        let open = || Names::open(Arc::clone(&disk), window).unwrap();
        let chunk = 1u64 << 17;
        let mut names = open();
        for (time, begin) in (0..).zip((0..6).map(|part| part * chunk)) {
            let part: Vec<_> = (begin..begin + chunk).map(name).collect();
            names.take_over(&part, at(time)).unwrap();
            if time % 2 == 0 {
                names = open();
            }
        }
        // Two chunks make a file; three files are more than may be remembered.
        let known = |names: &Names, number| {
            let known = names.look_up(&name(number), at(5)).unwrap();
            known == Known::Within
        };
        assert!(!known(&names, 0) && !known(&names, 2 * chunk - 1));
        assert!(known(&names, 2 * chunk) && known(&names, 6 * chunk - 1));
        assert!(!known(&names, 6 * chunk));
        assert_eq!(names.count(), 4 * chunk);
        names.insert(name(6 * chunk), at(5));
        assert!(known(&names, 6 * chunk));
        names.take_over(&[name(7 * chunk)], at(200)).unwrap();
        assert_eq!(names.count(), 2);
        // What was only in memory is in a write-ahead file.
        let mut names = open();
        assert_eq!(names.count(), 1);
        // Beyond the window, a name is known still, and it is known that it is beyond. Then it is forgotten.
        let is = |names: &Names, number| names.look_up(&name(number), at(200)).unwrap();
        assert_eq!(is(&names, 2 * chunk), Known::Beyond);
        assert_eq!(is(&names, 6 * chunk - 1), Known::Beyond);
        assert_eq!(is(&names, 7 * chunk), Known::Within);
        assert_eq!(is(&names, 0), Known::No);
        names.take_over(&[name(8 * chunk)], at(2000)).unwrap();
        assert_eq!(is(&names, 6 * chunk - 1), Known::No);
        assert_eq!(is(&open(), 6 * chunk - 1), Known::No);
    }

    #[test]
    fn names_that_wait_are_taken_over_once_however_often_the_spool_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
        let open = || Names::open(Arc::clone(&disk), Window::default()).unwrap();
        let many: Vec<_> = (0..3 << 17).map(name).collect();
        let mut names = open();
        // Long ago, a few of them were accepted: they are to be in the window again.
        names.take_over(&many[..100], at(1)).unwrap();
        let count = |names: &Names| {
            names.log.names().len()
                + usize::try_from(names.sorted.iter().map(Sorted::count).sum::<u64>()).unwrap()
        };
        for round in 0..3 {
            for part in many.chunks(1 << 17) {
                names.take_over_waiting(part, at(1000)).unwrap();
            }
            assert_eq!(count(&names), many.len(), "{round}");
            assert!(names.remembered().in_memory < u64::try_from(SORT_AT).unwrap());
            names = open();
        }
        // What was torn off is taken over again, and nothing else.
        let mut more = many[..1 << 17].to_vec();
        more.extend((0..10).map(|number| name((1 << 32) + number)));
        names.take_over_waiting(&more, at(1000)).unwrap();
        assert_eq!(count(&names), many.len() + 10);
        for name in more.iter().step_by(1000).chain(&more[more.len() - 10..]) {
            assert_eq!(
                names.look_up(name, at(1000 + 72 * 3600)).unwrap(),
                Known::Within
            );
        }
    }

    #[test]
    fn torn_end_of_the_log_is_left_out_and_a_changed_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
        let open = || Names::open(Arc::clone(&disk), Window::default());
        let mut names = open().unwrap();
        names.take_over(&[name(1), name(2)], at(1)).unwrap();
        names.take_over(&[name(3)], at(2)).unwrap();
        let path = folder.path().join("names.log");
        let whole = std::fs::read(&path).unwrap();
        // Each byte of the first chunk, and not of the last: a crash may have left it like this.
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let count = open().map(|names| names.count());
            match at {
                0..48 => {
                    let error = count.unwrap_err().to_string();
                    assert!(
                        error.starts_with("names.log was changed: the names at byte 0"),
                        "{error}"
                    );
                    assert_eq!(std::fs::read(&path).unwrap(), changed);
                }
                _ => assert_eq!(count.unwrap(), 2, "{at}"),
            }
        }
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut cut = open().unwrap();
            assert!([0, 2].contains(&cut.count()), "{length}");
            cut.take_over(&[name(4)], at(3)).unwrap();
            let known = open().unwrap().look_up(&name(4), at(3)).unwrap();
            assert_eq!(known, Known::Within);
        }
        let mut names = open().unwrap();
        names.sort().unwrap();
        let path = folder.path().join("00000001.names");
        let mut changed = std::fs::read(&path).unwrap();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert!(open().is_err());
    }

    #[test]
    fn name_leaves_the_window_though_no_other_comes() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
        let window = Window {
            seconds: 100,
            ..Window::default()
        };
        let open = || Names::open(Arc::clone(&disk), window).unwrap();
        let mut names = open();
        names.take_over(&[name(1)], at(0)).unwrap();
        names.take_over(&[name(2)], at(50)).unwrap();
        names.insert(name(3), at(60));
        let known = |names: &Names, seconds| {
            [1, 2, 3].map(|number| names.look_up(&name(number), at(seconds)).unwrap())
        };
        let (within, beyond) = (Known::Within, Known::Beyond);
        assert_eq!(known(&names, 100), [within; 3]);
        assert_eq!(known(&names, 101), [beyond, within, within]);
        assert_eq!(known(&names, 161), [beyond; 3]);
        assert_eq!(known(&open(), 101), [beyond, within, Known::No]);
        // A file is in the window as long as its newest name.
        names.sort().unwrap();
        assert_eq!(known(&names, 150), [within; 3]);
        assert_eq!(known(&names, 151), [beyond, beyond, within]);
        assert_eq!(known(&open(), 151), [beyond, beyond, Known::No]);
        // What comes again is in the window again.
        names.take_over(&[name(1)], at(200)).unwrap();
        assert_eq!(known(&names, 201)[0], within);
    }

    #[test]
    fn names_that_cannot_be_sorted_are_taken_over_and_sorted_later() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
        let mut names = Names::open(Arc::clone(&disk), Window::default()).unwrap();
        // No file can have this name.
        let in_the_way = folder.path().join("00000001.names");
        std::fs::create_dir(&in_the_way).unwrap();
        let many: Vec<_> = (0..1 << 18).map(name).collect();
        names.take_over(&many, at(1)).unwrap();
        assert!(!folder.path().join("00000001.names.new").exists());
        assert_eq!(names.remembered().in_memory, 1 << 18);
        std::fs::remove_dir(&in_the_way).unwrap();
        names.take_over(&[name(1 << 18)], at(2)).unwrap();
        assert_eq!(names.remembered().in_memory, 0);
        assert!(in_the_way.is_file());
        let known = names.look_up(&name(1), at(3)).unwrap();
        assert_eq!(known, Known::Within);
    }
}
