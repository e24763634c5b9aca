//! The names of batches that were accepted: a name that comes again with the same events is a repeat.
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
mod content;
mod filter;
mod fingerprint;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod log;
mod recent;
mod sorted;

pub use content::{ContentSum, Summing};
pub use fingerprint::Fingerprint;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use auditlog_chain::timestamp::Timestamp;

use crate::disk::Disk;
use fingerprint::last_of_each;
use log::Log;
use recent::Recent;
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
    Within(Events),
    /// A batch of it was accepted before that.
    Beyond(Events),
}

/// What the last batch of a known name had in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// The same events.
    Same,
    /// Other events. It is also said of a batch that a spool of an earlier version knows, which has the names alone.
    Other,
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

fn events(offered: &Fingerprint, last: &Fingerprint) -> Events {
    if offered.has_content_of(last) {
        Events::Same
    } else {
        Events::Other
    }
}

/// Names in `names.log` from which they are sorted into a file of their own.
const SORT_AT: usize = 1 << 18;

/// Names of a file that say whether, and where, its names were taken over.
const SAMPLE: usize = 64;

/// The names that are remembered.
pub struct Names {
    disk: Arc<dyn Disk>,
    window: Window,
    /// Those that are in no sorted file.
    recent: Recent,
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
        let mut recent = Recent::default();
        let log = Log::open(&*disk, &mut |name, added| recent.insert(name, added))?;
        let mut names = Self {
            beyond: 0,
            recent,
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
        if let Some((last, added)) = self.recent.last(name.name()) {
            return Ok(self.known_as(events(name, &last), added, now));
        }
        for (place, sorted) in self.sorted.iter().enumerate().rev() {
            if let Some(last) = sorted.last(&*self.disk, name)? {
                let events = events(name, &last);
                return Ok(if place < self.beyond {
                    Known::Beyond(events)
                } else {
                    self.known_as(events, sorted.newest(), now)
                });
            }
        }
        Ok(Known::No)
    }

    /// A log that gets no names has an end of its window as well.
    fn known_as(&self, events: Events, added: Timestamp, now: Timestamp) -> Known {
        if now.seconds_since(added) <= self.window.seconds {
            Known::Within(events)
        } else {
            Known::Beyond(events)
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
        for name in names {
            self.recent.insert_earlier(*name, now);
        }
        self.append(names, now)
    }

    fn append(&mut self, names: &[Fingerprint], now: Timestamp) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.log.append(&*self.disk, names, now)?;
        // The names are synced. Where the rest fails, it is done with the next ones.
        if self.log.len() >= SORT_AT {
            _ = self.sort();
        }
        self.forget(now);
        Ok(())
    }

    /// Takes over the names of an earlier segment before anything is accepted, the last of which was accepted at this time. An earlier
    /// process may have done so already.
    ///
    /// # Errors
    ///
    /// As [`Names::take_over`], or where a file cannot be read.
    pub fn take_over_earlier(&mut self, names: &[Fingerprint], last: Timestamp) -> io::Result<()> {
        let missing = self.missing(names, last)?;
        // The files of names are in the order of their times.
        let added = last.max(self.log.newest());
        for name in &missing {
            self.recent.insert(*name, added);
        }
        self.append(&missing, added)
    }

    /// The names that were not taken over at this time or later. A few of them say in which files the others are, so that not each is looked
    /// for by itself; where those few are in none, none is taken to be, and the worst is that a name is in two files.
    fn missing(&self, names: &[Fingerprint], last: Timestamp) -> io::Result<Vec<Fingerprint>> {
        let is_recent = |name: &Fingerprint| {
            let found = self.recent.last(name.name());
            found.is_some_and(|(found, added)| found == *name && added >= last)
        };
        let left = names.iter().filter(|name| !is_recent(name));
        let mut left = last_of_each(left.copied().collect());
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

    /// Which of the sorted files that had names at this time or later has the batch.
    fn place_since(&self, name: &Fingerprint, last: Timestamp) -> io::Result<Option<usize>> {
        let files = self.sorted.iter().enumerate().rev();
        for (place, sorted) in files.take_while(|(_, sorted)| sorted.newest() >= last) {
            if sorted.last(&*self.disk, name)? == Some(*name) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// If we crash before the log is emptied, its names are in both files, which does no harm.
    fn sort(&mut self) -> io::Result<()> {
        // The files stay in the order of their times, also where older names were taken over later.
        let before = self.sorted.last().map_or(Timestamp::EPOCH, Sorted::newest);
        let newest = self.log.newest().max(before);
        let names = self.log.sorted();
        let sorted = Sorted::write(&*self.disk, self.next_file, names, newest)?;
        self.next_file = self.next_file.saturating_add(1);
        self.sorted.push(sorted);
        for name in names {
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
mod tests;
