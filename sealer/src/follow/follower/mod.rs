//! All files of one input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, Source, StoredBatch};

use super::earlier::{AllEarlier, Earlier, Remains, Remembering};
use super::file::{Followed, Found, Inode, Lines, Stamp, inode_of, open, stamp_of};
use super::lines::{End, Taken};
use super::notice::{FollowNotice, shown};
use super::pattern::{Pattern, is_absent};
use super::place::Place;
use crate::input::{FileHead, FollowedName, GivenName, InputName, hash_of_beginning};
use crate::spool::Accepted;

/// Bytes that one round reads, about. They are in memory at a time.
const ROUND_BYTES: u64 = 8 << 20;

/// Characters of a path that the spool keeps.
const MAX_SHOWN: usize = 255;

/// What a person says of an input of files.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub input: GivenName,
    /// Which files.
    pub paths: Vec<Pattern>,
    /// Who its events are from. Without it, the name of the input and the path of the file say so.
    pub source: Option<Source>,
    /// How long a file is followed that is not at its path any more, after the last that was written into it.
    pub linger: Duration,
    /// Files that are followed at a time, at most.
    pub most_files: usize,
    /// Bytes of an event, at most. A line that would be a longer one is kept as text, in parts.
    pub max_event_bytes: usize,
}

/// Where a file goes on, and where its batches must end.
type GoesOn = (Place, Vec<u64>);

/// Follows the files of one input.
pub struct Follower {
    settings: Settings,
    earlier: AllEarlier,
    files: Vec<Followed>,
    /// What is at the paths.
    at_paths: BTreeSet<Inode>,
    /// Files that were changed, as they were then.
    aside: BTreeMap<Inode, (Stamp, PathBuf)>,
    /// What is not read now, and why.
    problems: BTreeMap<PathBuf, String>,
    /// Patterns whose folders cannot be listed now, and why.
    unlisted: BTreeMap<PathBuf, String>,
    finished: Vec<InputName>,
    notices: Vec<FollowNotice>,
    /// The number of the next file that is found.
    next: u64,
    is_first: bool,
}

/// What is new in one file, for the log.
#[derive(Debug)]
pub struct Portion {
    /// Number of the file.
    pub file: u64,
    /// Its events.
    pub lines: StoredBatch,
    /// Who they are from.
    pub source: Option<Source>,
    /// The name of the batch in the log.
    pub batch: Option<Batch>,
    /// Whether the log may have them already.
    pub is_doubtful: bool,
    /// The place behind them.
    pub accepted: Accepted,
    name: FollowedName,
    after: Place,
}

/// What one round has found.
#[derive(Debug, Default)]
pub struct Round {
    /// What is new, at most one portion of each file.
    pub portions: Vec<Portion>,
    /// What a person should look at.
    pub notices: Vec<FollowNotice>,
}

/// How far an input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Following {
    /// Files that are followed.
    pub files: u64,
    /// Bytes of them that are not accepted yet.
    pub behind: u64,
    /// Files and folders that cannot be read, or not further.
    pub problems: u64,
}

impl Follower {
    /// `logs` is what each log knows that events of the input may be for.
    pub fn new(settings: Settings, logs: &[Remembering]) -> Self {
        Self {
            earlier: AllEarlier::of(logs, &settings.input),
            settings,
            files: Vec::new(),
            at_paths: BTreeSet::new(),
            aside: BTreeMap::new(),
            problems: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            finished: Vec::new(),
            notices: Vec::new(),
            next: 0,
            is_first: true,
        }
    }

    /// Looks for files, and reads what is new in those that are not held. Each portion must be answered by [`Self::accepted`] or
    /// [`Self::not_accepted`] before the next round.
    pub fn round(&mut self, held: &BTreeSet<u64>, now: Instant) -> Round {
        self.look(now);
        let (mut portions, mut left) = (Vec::new(), ROUND_BYTES);
        // A newer file comes after the older ones of its path, wherever they are in the order.
        let (first, after): (Vec<u64>, Vec<u64>) = {
            let numbers = self.numbers().into_iter();
            numbers.partition(|number| !self.must_wait(*number))
        };
        for number in first.into_iter().chain(after) {
            if left == 0 || held.contains(&number) || self.must_wait(number) {
                continue;
            }
            if let Some(portion) = self.read(number, now) {
                let begin = self.file(number).map_or(0, |file| file.place.bytes());
                left = left.saturating_sub(portion.after.bytes().saturating_sub(begin));
                portions.push(portion);
            }
        }
        // Whoever was not read comes first next time.
        if let Some(last) = portions.last().map(|portion| portion.file) {
            self.files
                .sort_by_key(|file| (file.number <= last, file.number));
        }
        Round {
            portions,
            notices: std::mem::take(&mut self.notices),
        }
    }

    /// A portion is in the log.
    pub fn accepted(&mut self, portion: &Portion) {
        if let Some(file) = self.file_mut(portion.file) {
            file.accepted(&portion.name, portion.after.clone());
            let path = file.path.clone();
            self.is_well(&path);
        }
    }

    /// A portion may be in a log, or in none.
    pub fn not_accepted(&mut self, portion: &Portion) {
        if let Some(file) = self.file_mut(portion.file) {
            file.offered_up_to(&portion.name, portion.after.bytes());
        }
    }

    /// A portion cannot be accepted by any log as it is. It is offered again.
    pub fn refused(&mut self, portion: &Portion, reason: String) -> Option<FollowNotice> {
        let path = self.file(portion.file)?.path.clone();
        say(&mut self.problems, &path, reason)
    }

    /// Files that nobody will find again: those that were read to their end, and those of which the rest is lost.
    pub fn take_finished(&mut self) -> Vec<InputName> {
        std::mem::take(&mut self.finished)
    }

    /// How far it is.
    pub fn following(&self) -> Following {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let behind = self.files.iter().map(Followed::behind);
        Following {
            files: count(self.files.len()),
            behind: behind.fold(0, u64::saturating_add),
            problems: count(self.problems.len().saturating_add(self.unlisted.len())),
        }
    }

    fn numbers(&self) -> Vec<u64> {
        self.files.iter().map(|file| file.number).collect()
    }

    fn file(&self, number: u64) -> Option<&Followed> {
        self.files.iter().find(|file| file.number == number)
    }

    fn file_mut(&mut self, number: u64) -> Option<&mut Followed> {
        self.files.iter_mut().find(|file| file.number == number)
    }

    /// Whether an older file of the same path is not read to its end.
    fn must_wait(&self, number: u64) -> bool {
        let Some(file) = self.file(number) else {
            return false;
        };
        let mut others = self.files.iter();
        others.any(|other| other.number < number && other.path == file.path && !other.is_at_end)
    }

    fn problem(&mut self, path: &Path, reason: String) {
        let notice = say(&mut self.problems, path, reason);
        self.notices.extend(notice);
    }

    fn is_well(&mut self, path: &Path) {
        let is_aside = self.aside.values().any(|(_, aside)| aside == path);
        if !is_aside && self.problems.remove(path).is_some() {
            self.notices.push(FollowNotice::ReadAgain {
                path: path.to_owned(),
            });
        }
    }

    /// Finds files that are new, and those that are not at their path any more.
    fn look(&mut self, now: Instant) {
        let (mut seen, mut all_seen) = (BTreeSet::new(), true);
        let mut unseen = BTreeSet::new();
        let mut paths = Vec::new();
        for pattern in self.settings.paths.clone() {
            match pattern.find() {
                Ok(found) => {
                    let path = pattern.as_path().to_owned();
                    if self.unlisted.remove(&path).is_some() {
                        self.notices.push(FollowNotice::ReadAgain { path });
                    }
                    paths.extend(found);
                }
                Err((at, error)) => {
                    all_seen = false;
                    let reason = format!("{} cannot be looked at: {error}", shown(&at));
                    let notice = say(&mut self.unlisted, pattern.as_path(), reason);
                    self.notices.extend(notice);
                }
            }
        }
        paths.sort();
        paths.dedup();
        let there = paths.iter().filter_map(|path| fs::metadata(path).ok());
        self.at_paths = there.map(|found| inode_of(&found)).collect();
        if self.is_first {
            self.find_earlier(now);
        }
        for path in &paths {
            match fs::metadata(path) {
                Ok(found) if found.is_file() => {
                    seen.insert(inode_of(&found));
                    if let Err(error) = self.look_at(path, &found, now) {
                        self.problem(path, error.to_string());
                    }
                }
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    unseen.insert(path);
                    self.problem(path, error.to_string());
                }
            }
        }
        self.is_first = false;
        if all_seen {
            let followed = &self.files;
            let is_followed = |path: &PathBuf| followed.iter().any(|file| file.path == *path);
            self.problems
                .retain(|path, _| paths.contains(path) || is_followed(path));
        }
        for number in self.numbers() {
            let is_unseen = |file: &Followed| unseen.contains(&file.path);
            let is_seen = all_seen && !self.file(number).is_some_and(is_unseen);
            self.look_again(number, is_seen.then_some(&seen), now);
        }
    }

    /// Looks at a file that is followed. Without `seen`, it is not known what is at its path.
    fn look_again(&mut self, number: u64, seen: Option<&BTreeSet<Inode>>, now: Instant) {
        let linger = self.settings.linger;
        let Some(file) = self.file_mut(number) else {
            return;
        };
        if let Some(seen) = seen {
            file.is_seen(seen.contains(&file.inode), now);
        }
        let (path, looked) = (file.path.clone(), file.look(now));
        let is_over = file.is_done(now, linger) && file.behind() == 0;
        if let Err(error) = looked {
            return self.problem(&path, error.to_string());
        }
        if is_over {
            self.close(number);
        }
    }

    /// It was read to its end, and is not at its path any more.
    fn close(&mut self, number: u64) {
        let Some(at) = self.files.iter().position(|file| file.number == number) else {
            return;
        };
        let closed = self.files.remove(at);
        let is_deleted = closed.file.metadata().map(|found| found.nlink() == 0);
        if let Some(name) = closed.name {
            self.finished.push(InputName::Followed(name.clone()));
            let position = closed.place.position();
            let mut earlier = Earlier::at(name, closed.path, position);
            earlier.is_finished = true;
            if is_deleted.unwrap_or(false) {
                earlier.remains = Remains::Deleted;
            }
            self.earlier.put(earlier);
        }
    }

    /// A file is at a path.
    fn look_at(&mut self, path: &Path, found: &Metadata, now: Instant) -> io::Result<()> {
        let inode = inode_of(found);
        let is_followed = self.files.iter().any(|file| file.inode == inode);
        let aside = self.aside.get(&inode);
        if is_followed || aside.is_some_and(|(stamp, _)| *stamp == stamp_of(found)) {
            return Ok(());
        }
        self.aside.remove(&inode);
        if self.files.len() >= self.settings.most_files {
            let most = self.settings.most_files;
            let reason = format!(
                "{most} files are followed already: remove old ones, or narrow the pattern"
            );
            self.problem(path, reason);
            return Ok(());
        }
        match open(path)? {
            Some((file, found)) => self.take_up(path, file, &found, now),
            None => Ok(()),
        }
    }

    /// Begins to follow a file.
    fn take_up(
        &mut self,
        path: &Path,
        file: File,
        found: &Metadata,
        now: Instant,
    ) -> io::Result<()> {
        let head = FileHead::read(&file)?;
        let number = self.next;
        let mut new = Followed::new(number, path.to_owned(), file, found, now);
        let mut doubtful = 0;
        if let Some(earlier) = self.earlier.last_at(&head).cloned() {
            let is_it = head.has(&earlier.name.file);
            let resumed = if is_it {
                earlier.resume(&new.file)?
            } else {
                None
            };
            match resumed {
                Some((place, cuts)) => {
                    let name = InputName::Followed(earlier.name.clone());
                    self.finished.retain(|finished| *finished != name);
                    new = new.goes_on(Some(earlier.name), place, &cuts);
                    new.is_doubtful_up_to(earlier.doubtful);
                }
                None if is_it && !earlier.is_finished && found.len() >= earlier.bytes() => {
                    let stamp = (stamp_of(found), path.to_owned());
                    self.aside.insert(new.inode, stamp);
                    let reason = changed(path, earlier.bytes());
                    self.problem(path, reason);
                    return Ok(());
                }
                None => {
                    new.truncated = earlier.name.truncated.saturating_add(1);
                    let (name, resume) = (&earlier.name, |copy: &File| earlier.resume(copy));
                    if earlier.is_finished {
                        // Another file at its place may begin in the same way. So does this one where somebody has edited it since.
                        if is_it && earlier.remains != Remains::Deleted {
                            doubtful = new.size;
                        }
                    } else if !self.find_copy(path, name, now, resume)? {
                        self.is_lost(path, earlier.name.clone(), earlier.bytes());
                        // Whoever edits a file may have written all of it again.
                        doubtful = new.size;
                    }
                }
            }
        } else {
            doubtful = self.doubtful(path, &new)?;
        }
        self.doubt(&mut new, doubtful);
        self.aside.retain(|_, (_, aside)| aside != path);
        self.is_well(path);
        new.number = self.next;
        self.next = self.next.saturating_add(1);
        self.files.push(new);
        Ok(())
    }

    /// So many bytes of a file may be in a log already; all of it may, where a log has lost its memory. What is before the place of the
    /// file is known to all logs.
    fn doubt(&mut self, file: &mut Followed, mut bytes: u64) {
        if file.place.bytes() == 0 && self.may_be_forgotten(file) {
            bytes = file.size;
        }
        if bytes > file.doubtful {
            file.is_doubtful_up_to(bytes);
            self.notices.push(FollowNotice::Doubtful {
                path: file.path.clone(),
                bytes,
            });
        }
    }

    /// Whether a log may have taken a file, and has lost its memory since: whatever is there when that is found out, and afterwards what is
    /// as old as that.
    fn may_be_forgotten(&self, file: &Followed) -> bool {
        let is_found_out_now = self.is_first && self.earlier.memory_is_lost();
        let lost = self.earlier.lost().filter(|_| file.truncated == 0);
        is_found_out_now || lost.is_some_and(|lost| file.was_there(lost))
    }

    /// Bytes of a new file that the log may have already, where the file took the place of one that is gone: what was accepted from that, if
    /// the file begins with it. Where the service did not run, and the rest of the other one was never found, all that is there may be the
    /// same lines, of which somebody has edited some.
    fn doubtful(&self, path: &Path, new: &Followed) -> io::Result<u64> {
        let mut most = 0;
        for gone in self.earlier.iter().filter(|earlier| earlier.path == path) {
            let mut files = self.files.iter();
            let is_there = files.any(|file| file.name.as_ref() == Some(&gone.name))
                || gone.is_finished && gone.remains == Remains::Unknown;
            if is_there {
                continue;
            }
            if gone.farthest(&new.file)?.is_some() {
                most = gone.bytes().max(most);
            } else if self.is_first && gone.remains == Remains::Lost {
                most = new.size.max(most);
            }
        }
        Ok(most)
    }

    /// Before anything of a file is read: how much of it was accepted from the file that was at its path before, or from this one before it
    /// was truncated. Whoever edits a file writes it again.
    fn doubt_what_was_written_again(&mut self, number: u64) -> io::Result<()> {
        let Some(new) = self.file_mut(number) else {
            return Ok(());
        };
        if !new.begins_now() {
            return Ok(());
        }
        let (path, before) = (new.path.clone(), new.before.take());
        let mut most = 0;
        let older = self.files.iter();
        let older = older.filter(|older| older.number < number && older.path == path);
        let older: Vec<&Followed> = older.collect();
        let places: Vec<&Place> = older
            .iter()
            .map(|older| &older.place)
            .chain(&before)
            .collect();
        if let Some(new) = self.file(number) {
            for place in places.iter().filter(|place| place.bytes() > 0) {
                most = place.end_of_window_in(&new.file)?.unwrap_or(0).max(most);
            }
            // Its end may have been edited.
            for older in older.iter().filter(|_| most == 0) {
                if new.may_be_edited_from(older) || new.has_lines_of(older)? {
                    most = new.size;
                    break;
                }
            }
        }
        if let Some(new) = self.file_mut(number).filter(|new| most > new.doubtful) {
            new.is_doubtful_up_to(most);
            let (path, bytes) = (new.path.clone(), most);
            self.notices.push(FollowNotice::Doubtful { path, bytes });
        }
        Ok(())
    }

    /// What was not read of a truncated file may be in a copy beside it, which goes on under the name of the file. `place_in` says where a
    /// copy goes on, if it is one. Says whether there is one.
    fn find_copy(
        &mut self,
        path: &Path,
        name: &FollowedName,
        now: Instant,
        place_in: impl Fn(&File) -> io::Result<Option<GoesOn>>,
    ) -> io::Result<bool> {
        for (copy, file, found) in beside(path)? {
            let inode = inode_of(&found);
            let is_followed = self.files.iter().any(|file| file.inode == inode);
            // A file that is known as itself may begin in the same way.
            let head = FileHead::read(&file)?;
            let known = self.earlier.last_at(&head);
            let known = known.filter(|known| head.has(&known.name.file));
            let is_known = match known {
                Some(known) => known.farthest(&file)?.is_some(),
                None => false,
            };
            if self.at_paths.contains(&inode) || is_followed || is_known {
                continue;
            }
            let Some((place, cuts)) = place_in(&file)? else {
                continue;
            };
            let rest = Followed::new(self.next, path.to_owned(), file, &found, now);
            let mut rest = rest.goes_on(Some(name.clone()), place, &cuts);
            rest.is_doubtful_up_to(
                self.earlier
                    .find(name)
                    .map_or(0, |earlier| earlier.doubtful),
            );
            rest.is_seen(false, now);
            self.doubt(&mut rest, 0);
            self.next = self.next.saturating_add(1);
            self.files.push(rest);
            let path = path.to_owned();
            self.notices.push(FollowNotice::CopyFound { path, copy });
            return Ok(true);
        }
        Ok(false)
    }

    /// Nothing has what was not read of a truncated file.
    fn is_lost(&mut self, path: &Path, name: FollowedName, bytes: u64) {
        self.finished.push(InputName::Followed(name));
        let path = path.to_owned();
        self.notices.push(FollowNotice::Truncated { path, bytes });
    }

    /// Files that were not read to their end, and are not at their path now: a rotation may have moved or copied them.
    fn find_earlier(&mut self, now: Instant) {
        for (earlier, is_last) in self.earlier.unfinished() {
            let mut there = self.at_paths.iter();
            let is_there = there.any(|inode| earlier.name.file.is_at(*inode));
            if is_last && is_there {
                continue;
            }
            let (path, bytes) = (earlier.path.clone(), earlier.bytes());
            let mut found = Ok(false);
            if is_last {
                found = self.find_moved(&earlier, now);
            }
            if matches!(found, Ok(false)) {
                let resume = |copy: &File| earlier.resume(copy);
                found = self.find_copy(&path, &earlier.name, now, resume);
            }
            match found {
                Ok(true) => {}
                Ok(false) => {
                    self.earlier.is_gone(&earlier.name);
                    self.finished.push(InputName::Followed(earlier.name));
                    if is_last {
                        self.notices.push(FollowNotice::Gone { path, bytes });
                    }
                }
                Err(error) => self.problem(&path, error.to_string()),
            }
        }
    }

    /// Whether the file is in the folder in which it was.
    fn find_moved(&mut self, earlier: &Earlier, now: Instant) -> io::Result<bool> {
        for (_, file, found) in beside(&earlier.path)? {
            if !earlier.name.file.is_at(inode_of(&found))
                || !FileHead::read(&file)?.has(&earlier.name.file)
            {
                continue;
            }
            let Some((place, cuts)) = earlier.resume(&file)? else {
                return Ok(false);
            };
            let moved = Followed::new(self.next, earlier.path.clone(), file, &found, now);
            let mut moved = moved.goes_on(Some(earlier.name.clone()), place, &cuts);
            moved.is_doubtful_up_to(earlier.doubtful);
            moved.is_seen(false, now);
            self.doubt(&mut moved, 0);
            self.next = self.next.saturating_add(1);
            self.files.push(moved);
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads one file on.
    fn read(&mut self, number: u64, now: Instant) -> Option<Portion> {
        if let Err(error) = self.doubt_what_was_written_again(number) {
            let path = self.file(number)?.path.clone();
            self.problem(&path, error.to_string());
            return None;
        }
        loop {
            let (input, linger) = (self.settings.input.clone(), self.settings.linger);
            let most = self.settings.max_event_bytes;
            let file = self.file_mut(number)?;
            let path = file.path.clone();
            let end = if file.is_done(now, linger) {
                End::Closed
            } else {
                End::Open
            };
            match file.read(&input, most, end) {
                Ok(Found::Nothing) => return None,
                Ok(Found::Lines(lines)) if lines.taken.events.is_empty() => {
                    file.pass_over(lines.taken.after);
                }
                Ok(Found::Lines(lines)) => return Some(self.portion(number, &path, *lines)),
                Ok(Found::Truncated) => {
                    self.begin_again(number, now);
                    return None;
                }
                Ok(Found::Changed) => {
                    self.set_aside(number);
                    return None;
                }
                Err(error) => {
                    // Newer files of the path do not wait for it.
                    file.is_at_end = true;
                    self.problem(&path, error.to_string());
                    return None;
                }
            }
        }
    }

    /// A file was truncated: what it has now is new. Its copy comes first.
    fn begin_again(&mut self, number: u64, now: Instant) {
        let Some(file) = self.file_mut(number) else {
            return;
        };
        let (path, name) = (file.path.clone(), file.name.clone());
        let doubtful = file.doubtful;
        let (place, cuts) = file.begin_again();
        let position = place.position();
        let earlier = name.as_ref().and_then(|name| self.earlier.find(name));
        let earlier = earlier.cloned().filter(|_| position.bytes == 0);
        let place_in = |copy: &File| {
            if let Some(earlier) = &earlier {
                return earlier.resume(copy);
            }
            let found = hash_of_beginning(copy, position.bytes)?;
            Ok((found == Some(position.hash)).then(|| (place.clone(), cuts.clone())))
        };
        let is_known = position.bytes > 0 || earlier.is_some();
        if let Some(name) = name {
            let found = if is_known {
                self.find_copy(&path, &name, now, place_in)
            } else {
                // Whatever was offered of it, no log has said that it has it: a copy cannot be recognised.
                Ok(false)
            };
            match found {
                Ok(true) => {
                    if let Some(rest) = self.files.last_mut() {
                        rest.is_doubtful_up_to(doubtful);
                    }
                }
                Ok(false) => {
                    self.is_lost(&path, name, position.bytes);
                    self.doubt_what_is_there(number);
                }
                Err(error) => self.problem(&path, error.to_string()),
            }
        }
        let next = self.next;
        if let Some(file) = self.file_mut(number) {
            file.number = next;
        }
        self.next = next.saturating_add(1);
        self.files.sort_by_key(|file| file.number);
    }

    /// A file was truncated, and nothing has what it had: whoever edits a file may have written all of it again.
    fn doubt_what_is_there(&mut self, number: u64) {
        let Some(file) = self.file_mut(number) else {
            return;
        };
        let bytes = file.file.metadata().map_or(0, |found| found.len());
        if bytes > file.doubtful {
            file.is_doubtful_up_to(bytes);
            let path = file.path.clone();
            self.notices.push(FollowNotice::Doubtful { path, bytes });
        }
    }

    fn set_aside(&mut self, number: u64) {
        let Some(at) = self.files.iter().position(|file| file.number == number) else {
            return;
        };
        let aside = self.files.remove(at);
        if let Ok(found) = aside.file.metadata() {
            let stamp = (stamp_of(&found), aside.path.clone());
            self.aside.insert(aside.inode, stamp);
        }
        let position = aside.place.position();
        self.problem(&aside.path, changed(&aside.path, position.bytes));
        if let Some(name) = aside.name {
            self.earlier.put(Earlier::at(name, aside.path, position));
        }
    }

    fn portion(&mut self, number: u64, path: &Path, lines: Lines) -> Portion {
        let Lines {
            taken,
            name,
            is_doubtful,
        } = lines;
        let (begin, doubtful) = self
            .file(number)
            .map_or((0, 0), |file| (file.place.bytes(), file.doubtful));
        let Taken {
            events,
            after,
            is_divided,
        } = taken;
        if is_divided {
            let (path, bytes) = (path.to_owned(), after.bytes());
            self.notices.push(FollowNotice::LongLine { path, bytes });
        }
        // Behind it, all is certain.
        let doubtful = if doubtful > after.bytes() {
            doubtful
        } else {
            0
        };
        let source = self.settings.source.clone();
        let source = source.or_else(|| source_of(&self.settings.input, path));
        let name_in_log = InputName::Followed(name.clone());
        Portion {
            file: number,
            lines: events,
            source,
            batch: name_in_log.batch_at(begin),
            is_doubtful,
            accepted: Accepted {
                name: name_in_log,
                shown: path.to_string_lossy().chars().take(MAX_SHOWN).collect(),
                place: None,
                doubtful,
                position: after.position(),
            },
            name,
            after,
        }
    }
}

/// Remembers why something is not read, and says so where it was not for this reason before.
fn say(known: &mut BTreeMap<PathBuf, String>, path: &Path, reason: String) -> Option<FollowNotice> {
    if known.get(path) == Some(&reason) {
        return None;
    }
    known.insert(path.to_owned(), reason.clone());
    let path = path.to_owned();
    Some(FollowNotice::NotRead { path, reason })
}

/// Who events are from where nobody says otherwise: the input and the file.
fn source_of(input: &GivenName, path: &Path) -> Option<Source> {
    let both = Source::parse(&format!("{input}:{}", path.display()));
    both.or_else(|| Source::parse(&input.to_string()))
}

fn changed(path: &Path, bytes: u64) -> String {
    let path = shown(path);
    format!(
        "its first {bytes} bytes are not those that were accepted from it, though it begins in the same way; put them back, or take all of it as a new file: \
         cp -p {path} {path}.new && mv {path}.new {path}"
    )
}

/// The regular files whose names begin like this file's name, in its folder and in that of the file that it is a link to, the newest first.
fn beside(path: &Path) -> io::Result<Vec<(PathBuf, File, Metadata)>> {
    let mut found = beside_one(path)?;
    if let Some(target) = target_of(path) {
        found.extend(beside_one(&target)?);
    }
    found.sort_by_key(|(_, _, metadata)| std::cmp::Reverse(stamp_of(metadata)));
    Ok(found)
}

/// What a path is a link to, whether or not it is there.
fn target_of(path: &Path) -> Option<PathBuf> {
    let target = fs::read_link(path).ok()?;
    Some(path.parent()?.join(target))
}

fn beside_one(path: &Path) -> io::Result<Vec<(PathBuf, File, Metadata)>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let other = entry.file_name();
        if !other
            .as_encoded_bytes()
            .starts_with(name.as_encoded_bytes())
        {
            continue;
        }
        // One that cannot be opened is not ours to read.
        if let Ok(Some((file, metadata))) = open(&entry.path()) {
            found.push((entry.path(), file, metadata));
        }
    }
    Ok(found)
}
