//! All files of one input.

mod copies;
mod doubt;
mod look;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auditlog_chain::builder::{Batch, Source, StoredBatch};

use super::earlier::{AllEarlier, Earlier, Remembering};
use super::file::{Followed, Found, Inode, Lines, Stamp, stamp_of};
use super::lines::{End, Taken};
use super::notice::{FollowNotice, shown};
use super::own::Own;
use super::pattern::Pattern;
use super::place::Place;
use crate::input::{FileHead, FollowedName, GivenName, InputName, hash_of_beginning};
use crate::spool::Accepted;
use source::source_of;

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
    /// What is never followed, though the paths lead there.
    pub own: Own,
    /// Who its events are from. Without it, the name of the input and the path of the file say so.
    pub source: Option<Source>,
    /// How long a file is followed that is not at its path any more, after the last that was written into it.
    pub linger: Duration,
    /// Files that are followed at a time, at most.
    pub most_files: usize,
    /// Bytes of an event, at most. A line that would be a longer one is kept as text, in parts.
    pub max_event_bytes: usize,
}

/// Follows the files of one input.
pub struct Follower {
    settings: Settings,
    earlier: AllEarlier,
    files: Vec<Followed>,
    /// What is at the paths.
    at_paths: BTreeSet<Inode>,
    /// Files that were changed, as they were then.
    aside: BTreeMap<Inode, (Stamp, PathBuf)>,
    /// Folders of our own to which the paths lead.
    own: BTreeSet<PathBuf>,
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
            own: BTreeSet::new(),
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
                Ok(Found::Unsearched) => match self.look_for_unread(number, now) {
                    Ok(true) => return None,
                    Ok(false) => {}
                    Err(error) => {
                        self.problem(&path, error.to_string());
                        return None;
                    }
                },
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
        let span = match file.file.metadata().and_then(|found| file.search(&found)) {
            Ok(span) => span,
            Err(error) => return self.problem(&path, error.to_string()),
        };
        let (place, cuts) = file.begin_again();
        let position = place.position();
        let earlier = name.as_ref().and_then(|name| self.earlier.find(name));
        let earlier = earlier.cloned().filter(|_| position.bytes == 0);
        if let Some(name) = name {
            let place_in = |copy: &File| {
                if let Some(earlier) = &earlier {
                    return earlier.resume(copy);
                }
                let is_copy = if position.bytes > 0 {
                    hash_of_beginning(copy, position.bytes)? == Some(position.hash)
                } else {
                    // It was offered, and no log has said that it has it.
                    span.has_made(&copy.metadata()?) && FileHead::read(copy)?.begins_as(&name.file)
                };
                Ok(is_copy.then(|| (place.clone(), cuts.clone())))
            };
            match self.find_copy(&path, &name, now, place_in) {
                Ok(true) => {
                    if let Some(rest) = self.files.last_mut() {
                        rest.is_doubtful_up_to(doubtful);
                    }
                    let has_begun_so = |copy: &File| Ok(place_in(copy)?.is_some());
                    let later = self.follow_later_copies(number, span, now, has_begun_so);
                    if let Err(error) = later {
                        self.problem(&path, error.to_string());
                    }
                }
                Ok(false) => {
                    self.is_lost(&path, name.clone(), position.bytes);
                    self.doubt_what_is_there(number);
                }
                Err(error) => self.problem(&path, error.to_string()),
            }
        }
        self.comes_last(number);
    }

    /// What a file has now is newer than all that was found before.
    fn comes_last(&mut self, number: u64) {
        let next = self.next;
        if let Some(file) = self.file_mut(number) {
            file.number = next;
        }
        self.next = next.saturating_add(1);
        self.files.sort_by_key(|file| file.number);
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

fn changed(path: &Path, bytes: u64) -> String {
    let path = shown(path);
    format!(
        "its first {bytes} bytes are not those that were accepted from it, though it begins in the same way; put them back, or take all of it as a new file: \
         cp -p {path} {path}.new && mv {path}.new {path}"
    )
}
