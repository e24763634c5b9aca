//! A disk in memory that remembers what is synced, that stops before any of its calls, and of whose calls one may fail.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard};

use auditlog_sealer::disk::{Disk, DiskFile};

use crate::random::Random;

const SECTOR: usize = 512;

/// A machine: its disk, and how many calls it makes before it stops.
#[derive(Clone, Default)]
pub(crate) struct Machine(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    /// The names as they were synced, and after each change since.
    possible_names: Vec<BTreeMap<String, usize>>,
    /// These changes.
    changes: Vec<Change>,
    calls: usize,
    stops_before: Option<usize>,
    /// From this call on, the disk takes nothing more.
    full_from: Option<usize>,
    /// Bytes of all files, at most.
    capacity: Option<usize>,
    /// The one call that fails.
    fails_at: Option<usize>,
}

/// A change of the names.
#[derive(Clone)]
enum Change {
    Made(String, usize),
    Renamed(String, String),
    Removed(String),
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
}

/// What a machine that has stopped finds when it starts again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// The process was killed: all that it had written is there.
    Nothing,
    /// The power failed: nothing is there but what was synced.
    Unsynced,
    /// The power failed: of what was not synced, some sectors are there, and the names up to some change.
    Some(u64),
    /// The same on a file system that writes changes of names in any order: each of them is there or not.
    Disordered(u64),
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The calls that it has made.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// From now on, it makes so many calls.
    pub(crate) fn stop_after(&self, calls: usize) {
        let mut state = self.state();
        state.stops_before = Some(state.calls + calls);
    }

    /// After so many more calls, the disk is full.
    pub(crate) fn fill_after(&self, calls: usize) {
        let mut state = self.state();
        state.full_from = Some(state.calls + calls);
    }

    /// The disk has room again.
    pub(crate) fn make_room(&self) {
        self.state().full_from = None;
    }

    /// From now on, only what takes the place of something else has room.
    pub(crate) fn has_no_more_room(&self) {
        let mut state = self.state();
        state.capacity = Some(state.bytes());
    }

    /// After so many more calls, one call fails.
    pub(crate) fn fail_once_after(&self, calls: usize) {
        let mut state = self.state();
        state.fails_at = Some(state.calls + calls);
    }

    /// Whether the one call that fails was made.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state
            .fails_at
            .is_some_and(|fails_at| state.calls > fails_at)
    }

    /// One more call, unless the machine has stopped.
    pub(crate) fn call(&self) -> io::Result<()> {
        self.state().call()
    }

    /// The machine started again.
    pub(crate) fn restarted(&self, loss: Loss) -> Self {
        let mut state = self.state().clone();
        state.calls = 0;
        state.stops_before = None;
        state.full_from = None;
        state.capacity = None;
        state.fails_at = None;
        match loss {
            Loss::Nothing => {}
            Loss::Unsynced => {
                state.names = state.possible_names.first().cloned().unwrap_or_default();
                for file in &mut state.files {
                    file.now.clone_from(&file.synced);
                }
            }
            Loss::Some(seed) => {
                let mut random = Random::new(seed);
                state.lose_names(&mut random);
                for file in &mut state.files {
                    file.lose(&mut random);
                }
            }
            Loss::Disordered(seed) => {
                let mut random = Random::new(seed);
                state.lose_changes(&mut random);
                for file in &mut state.files {
                    file.lose(&mut random);
                }
            }
        }
        for file in &mut state.files {
            file.synced.clone_from(&file.now);
        }
        state.names_synced();
        Self(Arc::new(Mutex::new(state)))
    }
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        if self.stops_before.is_some_and(|stop| self.calls >= stop) {
            return Err(io::Error::other("the machine has stopped"));
        }
        self.calls += 1;
        if self.fails_at == Some(self.calls - 1) {
            return Err(io::Error::other("the disk has failed once"));
        }
        Ok(())
    }

    /// One more call, which needs room.
    fn call_with_room(&mut self) -> io::Result<()> {
        if self.full_from.is_some_and(|full| self.calls >= full) {
            return Err(ErrorKind::StorageFull.into());
        }
        self.call()
    }

    fn bytes(&self) -> usize {
        let files = self.names.values().map(|file| &self.files[*file]);
        files.map(|file| file.now.len()).sum()
    }

    /// A file system keeps the order of changes to names.
    fn lose_names(&mut self, random: &mut Random) {
        let kept = random.below(self.possible_names.len().max(1) as u64);
        let kept = self.possible_names.get(usize::try_from(kept).unwrap());
        self.names = kept.cloned().unwrap_or_default();
    }

    /// Some file systems do not even keep that.
    fn lose_changes(&mut self, random: &mut Random) {
        let mut names = self.possible_names.first().cloned().unwrap_or_default();
        for change in &self.changes {
            if random.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        self.names = names;
    }

    fn change_names(&mut self, change: Change) {
        if self.possible_names.is_empty() {
            self.possible_names.push(BTreeMap::new());
        }
        change.apply(&mut self.names);
        self.changes.push(change);
        self.possible_names.push(self.names.clone());
    }

    fn names_synced(&mut self) {
        self.possible_names = vec![self.names.clone()];
        self.changes.clear();
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Made(name, file) => _ = names.insert(name.clone(), *file),
            Self::Renamed(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Removed(name) => _ = names.remove(name),
        }
    }
}

impl Content {
    /// Each sector is as it is now or as it was synced; one that was never written is zeros. So is the length.
    fn lose(&mut self, random: &mut Random) {
        if self.now == self.synced {
            return;
        }
        let longest = self.now.len().max(self.synced.len());
        let mut lost = Vec::with_capacity(longest);
        let at = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
        for sector in 0..longest.div_ceil(SECTOR) {
            let source = if random.below(2) == 0 {
                &self.now
            } else {
                &self.synced
            };
            let end = ((sector + 1) * SECTOR).min(longest);
            lost.extend((sector * SECTOR..end).map(|place| at(source, place)));
        }
        let length = if random.below(2) == 0 {
            self.now.len()
        } else {
            self.synced.len()
        };
        lost.resize(length, 0);
        self.now = lost;
    }
}

impl Disk for Machine {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.call_with_room()?;
        let file = if let Some(file) = state.names.get(name).copied() {
            state.files[file].now.clear();
            file
        } else {
            state.files.push(Content::default());
            let file = state.files.len() - 1;
            state.change_names(Change::Made(name.to_owned(), file));
            file
        };
        Ok(Box::new(Open::new(self, file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.state().names.get(name).copied();
        let file = file.ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        Ok(Box::new(Open::new(self, file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.call_with_room()?;
        if !state.names.contains_key(from) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change_names(Change::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.call()?;
        if !state.names.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change_names(Change::Removed(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call_with_room()?;
        state.names_synced();
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }
}

struct Open {
    machine: Machine,
    file: usize,
    at: u64,
}

impl Open {
    fn new(machine: &Machine, file: usize) -> Self {
        Self {
            machine: machine.clone(),
            file,
            at: 0,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut state = self.machine.state();
        state.call()?;
        change(&mut state.files[self.file]);
        Ok(())
    }

    fn add(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut state = self.machine.state();
        state.call_with_room()?;
        let before = state.files[self.file].clone();
        change(&mut state.files[self.file]);
        if state.capacity.is_some_and(|most| state.bytes() > most) {
            state.files[self.file] = before;
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.machine.state();
        let all = &state.files[self.file].now;
        let at = usize::try_from(self.at).unwrap().min(all.len());
        let read = (&all[at..]).read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Open {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.machine.state().files[self.file].now.len() as u64;
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => length.checked_add_signed(back).unwrap(),
            SeekFrom::Current(on) => self.at.checked_add_signed(on).unwrap(),
        };
        Ok(self.at)
    }
}

impl DiskFile for Open {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.add(|file| {
            let begin = usize::try_from(at).unwrap();
            let end = begin + bytes.len();
            file.now.resize(file.now.len().max(end), 0);
            file.now[begin..end].copy_from_slice(bytes);
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.add(|file| file.synced.clone_from(&file.now))
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.change(|file| file.now.resize(usize::try_from(length).unwrap(), 0))
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        // A little is enough: the room has to be there, and to be zeros.
        let length = usize::try_from(length.min(1 << 14)).unwrap();
        self.add(|file| file.now.resize(file.now.len().max(length), 0))
    }
}
