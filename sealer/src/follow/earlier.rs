//! What the logs know of the files of an input.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use auditlog_chain::timestamp::Timestamp;

use super::place::Place;
use crate::input::{FileHead, FollowedName, GivenName, InputName, Position};
use crate::limits::MAX_INPUTS;
use crate::spool::{Inputs, Reading};

/// Whether a log remembers what it has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Its spool knows the log.
    Kept,
    /// The log is older than its spool: what it has accepted from inputs is not known.
    Lost,
}

/// What one log knows of its inputs.
#[derive(Clone, Debug)]
pub struct Remembering {
    /// How much of each was accepted.
    pub inputs: Inputs,
    /// Whether that is all.
    pub memory: Memory,
}

/// One file, as far as the logs know it.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) name: FollowedName,
    pub(super) path: PathBuf,
    /// How much of it was accepted, for each log that has any of it.
    positions: Vec<Position>,
    /// Up to here, its events may be in a log in another place.
    pub(super) doubtful: u64,
    /// Whether each log has some of it.
    by_all: bool,
    /// Whether it was read to its end, and was not at its path any more.
    pub(super) is_finished: bool,
    pub(super) remains: Remains,
}

/// What is left of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    /// It may be somewhere.
    Unknown,
    /// Nothing.
    Deleted,
    /// Its rest was looked for, and not found.
    Lost,
}

impl Earlier {
    /// A file that all logs have up to a place.
    pub(super) fn at(name: FollowedName, path: PathBuf, position: Position) -> Self {
        Self {
            name,
            path,
            positions: vec![position],
            doubtful: 0,
            by_all: true,
            is_finished: false,
            remains: Remains::Unknown,
        }
    }

    /// What was accepted by any log.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = self.positions.iter().map(|position| position.bytes);
        bytes.max().unwrap_or(0)
    }

    /// Where a file goes on, and where the logs are that have more of it: no batch may go across such a place. `None` where the
    /// file does not have what was accepted from it.
    pub(super) fn resume(&self, file: &File) -> io::Result<Option<(Place, Vec<u64>)>> {
        let mut positions = self.positions.clone();
        positions.sort_by_key(|position| position.bytes);
        positions.dedup_by_key(|position| position.bytes);
        let Some(places) = Place::at_each(file, &positions)? else {
            return Ok(None);
        };
        let cuts = places.iter().map(Place::bytes).collect();
        let first = places.into_iter().next().filter(|_| self.by_all);
        Ok(Some((first.unwrap_or_default(), cuts)))
    }

    /// The place that the log has that has most of it.
    pub(super) fn farthest(&self, file: &File) -> io::Result<Option<Place>> {
        let farthest = self.positions.iter().max_by_key(|position| position.bytes);
        let Some(position) = farthest else {
            return Ok(None);
        };
        let places = Place::at_each(file, std::slice::from_ref(position))?;
        Ok(places.and_then(|places| places.into_iter().next()))
    }
}

/// All files of one input, as far as the logs know them.
#[derive(Clone, Debug, Default)]
pub(super) struct AllEarlier {
    files: Vec<Earlier>,
    memory_is_lost: bool,
    lost: Option<Timestamp>,
}

impl AllEarlier {
    pub(super) fn of(logs: &[Remembering], input: &GivenName) -> Self {
        let mut all = Self {
            files: Vec::new(),
            memory_is_lost: logs.iter().any(|log| log.memory == Memory::Lost),
            lost: logs.iter().filter_map(|log| log.inputs.lost()).max(),
        };
        for log in logs {
            for known in log.inputs.iter() {
                let accepted = &known.accepted;
                let InputName::Followed(name) = &accepted.name else {
                    continue;
                };
                if name.input != *input {
                    continue;
                }
                let is_finished = known.reading == Reading::Finished;
                let path = PathBuf::from(&accepted.shown);
                match all.files.iter_mut().find(|file| file.name == *name) {
                    Some(file) => {
                        file.positions.push(accepted.position);
                        file.doubtful = file.doubtful.max(accepted.doubtful);
                        file.is_finished &= is_finished;
                    }
                    None => all.files.push(Earlier {
                        is_finished,
                        doubtful: accepted.doubtful,
                        ..Earlier::at(name.clone(), path, accepted.position)
                    }),
                }
            }
        }
        for file in &mut all.files {
            file.by_all = file.positions.len() == logs.len();
        }
        all
    }

    /// The file with this name.
    pub(super) fn find(&self, name: &FollowedName) -> Option<&Earlier> {
        self.files.iter().find(|file| file.name == *name)
    }

    /// Whether a log has lost what it knew.
    pub(super) const fn memory_is_lost(&self) -> bool {
        self.memory_is_lost
    }

    /// When the last of the logs was found to have lost what it knew, in this run or an earlier one.
    pub(super) const fn lost(&self) -> Option<Timestamp> {
        self.lost
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Earlier> {
        self.files.iter()
    }

    /// Those that were not read to their end, and whether they are the last that was at their place of the disk.
    pub(super) fn unfinished(&self) -> Vec<(Earlier, bool)> {
        let is_last = |file: &Earlier| {
            let mut others = self.files.iter();
            !others.any(|other| {
                other.name.file.is_where(&file.name.file)
                    && other.name.truncated > file.name.truncated
            })
        };
        let files = self.files.iter().filter(|file| !file.is_finished);
        files.map(|file| (file.clone(), is_last(file))).collect()
    }

    /// What was last at this place of the disk: the one that was truncated most often.
    pub(super) fn last_at(&self, head: &FileHead) -> Option<&Earlier> {
        let there = self.files.iter();
        let there = there.filter(|file| head.is_at_the_place_of(&file.name.file));
        there.max_by_key(|file| file.name.truncated)
    }

    /// Nothing is left of a file, and nobody will find the rest of it.
    pub(super) fn is_gone(&mut self, name: &FollowedName) {
        let found = self.files.iter_mut().find(|file| file.name == *name);
        if let Some(file) = found {
            (file.is_finished, file.remains) = (true, Remains::Lost);
        }
    }

    /// Remembers how far a file was read that is not followed any more.
    pub(super) fn put(&mut self, file: Earlier) {
        self.files.retain(|known| known.name != file.name);
        self.files.push(file);
        // The spool keeps no more either.
        if self.files.len() > MAX_INPUTS {
            let oldest = self.files.iter().position(|known| known.is_finished);
            oldest.map(|at| self.files.remove(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Running;

    #[test]
    fn files_that_were_read_to_their_end_are_forgotten_once_there_are_many() {
        const MANY: u64 = 2500;
        let file = tempfile::tempfile().unwrap();
        let file = FileHead::read(&file).unwrap().name();
        let name = |truncated| FollowedName {
            input: GivenName::parse("audit").unwrap(),
            file: file.clone(),
            truncated,
        };
        let position = Position {
            events: 1,
            lines: 1,
            bytes: 1,
            hash: Running::of(b"1"),
        };
        let mut all = AllEarlier::default();
        for number in 0..MANY {
            let mut file = Earlier::at(name(number), PathBuf::from("/a.log"), position);
            file.is_finished = number > 2;
            all.put(file);
        }
        assert_eq!(all.files.len(), MAX_INPUTS);
        assert_eq!(all.unfinished().len(), 3);
        assert!(all.find(&name(MANY - 1)).is_some());
        assert!(all.find(&name(3)).is_none());
    }
}
