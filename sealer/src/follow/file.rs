//! One file that is followed.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use auditlog_chain::timestamp::Timestamp;

use super::lines::{End, Taken, take};
use super::place::{Place, read_full_at};
use super::samples::has_samples_of;
use crate::input::{FileHead, FollowedName, GivenName};
use crate::limits::MAX_INPUT_LINE_BYTES;

/// Bytes that are read at a time: one longest line, and as much again.
pub(super) const READ_BYTES: usize = 2 * MAX_INPUT_LINE_BYTES;

/// Bytes that are compared to tell a copy of what a file has from one of what it had.
const COMPARED_BYTES: usize = 1 << 20;

/// Where a file is on the disk.
pub(super) type Inode = (u64, u64);

/// The size of a file, and when it was changed.
pub(super) type Stamp = (u64, i64, i64);

/// A file that is followed.
pub(super) struct Followed {
    /// Its number, in the order in which files were found.
    pub(super) number: u64,
    /// Where it was found first.
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) inode: Inode,
    pub(super) name: Option<FollowedName>,
    /// How often it was found truncated.
    pub(super) truncated: u64,
    /// Behind all that was accepted.
    pub(super) place: Place,
    /// Where batches must end that were offered before.
    cuts: BTreeSet<u64>,
    /// Up to here, events may be in the log already.
    pub(super) doubtful: u64,
    /// Where it was before it was truncated.
    pub(super) before: Option<Place>,
    /// Whether no path leads to it any more.
    pub(super) is_parted: bool,
    /// Since when nothing was written into it.
    quiet_since: Instant,
    /// Its size when it was looked at last.
    pub(super) size: u64,
    /// When it was changed last, as of that look, and as of the comparison with what was accepted.
    changed: Change,
    compared: Option<Change>,
    /// When it was written last, as of that look, and as of the last search for copies of it. What it had then was accepted, or is in the
    /// copies that are made later.
    modified: Option<SystemTime>,
    searched: Option<SystemTime>,
    /// Whether all whole lines were read.
    pub(super) is_at_end: bool,
    /// Whether nothing of it was read yet.
    is_fresh: bool,
}

/// What reading has found.
pub(super) enum Found {
    /// Nothing new.
    Nothing,
    /// Events; or only blank lines, where there are none.
    Lines(Box<Lines>),
    /// The file was truncated, or begins in another way.
    Truncated,
    /// Nothing of it was accepted, and it was changed: what it had may be in a copy.
    Unsearched,
    /// The file does not have what was accepted from it.
    Changed,
}

/// What is new in a file.
pub(super) struct Lines {
    pub(super) taken: Taken,
    /// What the file is recognised by.
    pub(super) name: FollowedName,
    /// Whether the log may have it already.
    pub(super) is_doubtful: bool,
}

/// Opens a regular file, and never waits for one that is not.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(flags).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let found = file.metadata()?;
    Ok(found.is_file().then_some((file, found)))
}

pub(super) fn inode_of(found: &Metadata) -> Inode {
    (found.dev(), found.ino())
}

pub(super) fn stamp_of(found: &Metadata) -> Stamp {
    (found.len(), found.mtime(), found.mtime_nsec())
}

/// When anything about a file was changed last. Nobody can set it back.
type Change = (i64, i64);

fn change_of(found: &Metadata) -> Change {
    (found.ctime(), found.ctime_nsec())
}

/// The time from one search for copies of a file to the next.
#[derive(Clone, Copy)]
pub(super) struct Span {
    since: SystemTime,
    /// When the file was written last. Whoever truncated it did so once the copy was there.
    until: SystemTime,
}

impl Span {
    pub(super) const fn new(since: SystemTime, until: SystemTime) -> Self {
        Self { since, until }
    }

    /// Whether a file is new in it. Where the file system does not keep when a file was made, nobody can say.
    pub(super) fn has_made(&self, found: &Metadata) -> bool {
        let is_new = found.created().is_ok_and(|made| made > self.since);
        is_new && found.modified().is_ok_and(|written| written <= self.until)
    }

    /// Whether what a file has was written in it.
    pub(super) fn has_written(&self, found: &Metadata) -> bool {
        found.modified().is_ok_and(|written| written > self.since)
    }
}

impl Followed {
    /// A file that is read from its beginning.
    pub(super) fn new(
        number: u64,
        path: PathBuf,
        file: File,
        found: &Metadata,
        now: Instant,
    ) -> Self {
        Self {
            number,
            path,
            file,
            inode: inode_of(found),
            name: None,
            truncated: 0,
            place: Place::default(),
            cuts: BTreeSet::new(),
            doubtful: 0,
            before: None,
            is_fresh: true,
            is_parted: false,
            quiet_since: now,
            size: found.len(),
            changed: change_of(found),
            compared: None,
            modified: found.modified().ok(),
            searched: found.modified().ok(),
            is_at_end: false,
        }
    }

    /// The same file, from a place on.
    pub(super) fn goes_on(
        mut self,
        name: Option<FollowedName>,
        place: Place,
        cuts: &[u64],
    ) -> Self {
        self.truncated = name.as_ref().map_or(0, |name| name.truncated);
        self.name = name;
        self.cuts.extend(cuts);
        self.place = place;
        self
    }

    /// Up to here, its events may be in the log already.
    pub(super) const fn is_doubtful_up_to(&mut self, bytes: u64) {
        self.doubtful = bytes;
    }

    /// Whether somebody may have written it in the place of the other one, with most of its lines: no path leads to that any more, or this
    /// one begins as that did.
    pub(super) fn may_be_edited_from(&self, older: &Self) -> bool {
        let is_deleted = older.file.metadata().is_ok_and(|found| found.nlink() == 0);
        let name = older.name.as_ref().filter(|name| name.file.has_long_head());
        let begins_so = name.is_some_and(|name| {
            let head = FileHead::read(&self.file);
            head.is_ok_and(|head| head.begins_as(&name.file))
        });
        older.place.bytes() > 0 && (is_deleted || begins_so)
    }

    /// Whether it has some of what was accepted of the other one.
    pub(super) fn has_lines_of(&self, older: &Self) -> io::Result<bool> {
        has_samples_of(&self.file, &older.file, older.place.bytes())
    }

    /// Bytes that were not accepted yet.
    pub(super) const fn behind(&self) -> u64 {
        self.size.saturating_sub(self.place.bytes())
    }

    /// Whether it is not at its path any more, and nothing was written into it for so long.
    pub(super) fn is_done(&self, now: Instant, linger: Duration) -> bool {
        self.is_parted && now.saturating_duration_since(self.quiet_since) >= linger
    }

    /// Whether it is over: all was read, also what it may have had for a moment.
    pub(super) fn is_over(&self, now: Instant, linger: Duration) -> bool {
        let is_read = self.behind() == 0 && !self.is_truncated() && !self.is_unsearched();
        is_read && self.is_done(now, linger)
    }

    /// Whether it is shorter than before. A file that has a name had a beginning.
    const fn is_truncated(&self) -> bool {
        self.size < self.place.bytes() || self.size == 0 && self.name.is_some()
    }

    /// Whether nothing of it was accepted, and no copies were looked for since it was changed.
    fn is_unsearched(&self) -> bool {
        self.place.bytes() == 0 && self.name.is_none() && self.modified != self.searched
    }

    /// Whether it has something, of which nothing was looked at before. The next time it says no.
    pub(super) const fn begins_now(&mut self) -> bool {
        if self.size == 0 {
            return false;
        }
        std::mem::replace(&mut self.is_fresh, false) && self.place.bytes() == 0
    }

    /// Whether it was made, or written last, before this time. A file system that does not say when a file was made says the latter alone.
    pub(super) fn was_there(&self, at: Timestamp) -> bool {
        let micros = u64::try_from(at.as_micros()).unwrap_or(0);
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros));
        let Ok(found) = self.file.metadata() else {
            return true;
        };
        let mut times = [found.created(), found.modified()].into_iter().flatten();
        at.is_some_and(|at| times.any(|time| time <= at))
    }

    /// Copies of it are looked for now.
    pub(super) fn search(&mut self, found: &Metadata) -> io::Result<Span> {
        let until = found.modified()?;
        self.modified = Some(until);
        let since = self.searched.replace(until).unwrap_or(until);
        Ok(Span { since, until })
    }

    /// Whether it has what another file has.
    pub(super) fn begins_with(&self, copy: &File) -> io::Result<bool> {
        let (mut of_copy, mut of_file) = (vec![0; COMPARED_BYTES], vec![0; COMPARED_BYTES]);
        let length = read_full_at(copy, &mut of_copy, 0)?;
        let there = read_full_at(&self.file, &mut of_file, 0)?.min(length);
        Ok(of_copy.get(..length) == of_file.get(..there))
    }

    /// Looks at its size.
    pub(super) fn look(&mut self, now: Instant) -> io::Result<()> {
        let found = self.file.metadata()?;
        self.changed = change_of(&found);
        self.modified = found.modified().ok();
        let size = found.len();
        if size != self.size {
            (self.size, self.quiet_since) = (size, now);
        }
        Ok(())
    }

    /// Whether a path leads to it.
    pub(super) fn is_seen(&mut self, is_seen: bool, now: Instant) {
        if self.is_parted == is_seen {
            (self.is_parted, self.quiet_since) = (!is_seen, now);
        }
    }

    /// Reads on. No event has more than `most` bytes. `end` says whether a last line without a line feed is taken.
    pub(super) fn read(&mut self, input: &GivenName, most: usize, end: End) -> io::Result<Found> {
        if self.is_truncated() {
            return Ok(Found::Truncated);
        }
        if self.is_unsearched() {
            return Ok(Found::Unsearched);
        }
        if self.behind() == 0 {
            if let Some(fault) = self.fault_at_end()? {
                return Ok(fault);
            }
            self.searched = self.modified;
            self.is_at_end = true;
            return Ok(Found::Nothing);
        }
        let (mut bytes, is_cut) = self.bytes()?;
        if let Some(fault) = self.fault()? {
            return Ok(fault);
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.new_name(input)?,
        };
        let end = if is_cut { End::Closed } else { end };
        let mut taken = take(&bytes, &self.place, end, most);
        if taken.after.bytes() == self.place.bytes() {
            self.is_at_end = true;
            return Ok(Found::Nothing);
        }
        self.is_at_end = false;
        let border = self.doubtful;
        let is_doubtful = self.place.bytes() < border;
        if is_doubtful && taken.after.bytes() > border {
            // What is certain is not marked, except for the line that is there at the border.
            let length = border.saturating_sub(self.place.bytes());
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            let before = take(&bytes, &self.place, End::Open, most);
            if before.after.bytes() > self.place.bytes() {
                taken = before;
            }
        }
        Ok(Found::Lines(Box::new(Lines {
            taken,
            name,
            is_doubtful,
        })))
    }

    /// Bytes behind the place; whether they end where a batch has ended before.
    fn bytes(&self) -> io::Result<(Vec<u8>, bool)> {
        let behind = self.place.bytes().saturating_add(1);
        let cut = self.cuts.range(behind..).next();
        let left = cut.map(|cut| cut.saturating_sub(self.place.bytes()));
        let left = left.and_then(|left| usize::try_from(left).ok());
        let length = left.unwrap_or(READ_BYTES).min(READ_BYTES);
        let there = usize::try_from(self.behind()).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(there.saturating_add(1))];
        let filled = read_full_at(&self.file, &mut bytes, self.place.bytes())?;
        bytes.truncate(filled);
        Ok((bytes, left == Some(filled)))
    }

    /// Whether a file that has not grown was written again with as many bytes. It is compared once for each change.
    fn fault_at_end(&mut self) -> io::Result<Option<Found>> {
        if self.compared == Some(self.changed) {
            return Ok(None);
        }
        let fault = self.fault()?;
        self.compared = Some(self.changed);
        Ok(fault)
    }

    /// Whether the file was truncated or changed: only then is the rest of it what follows. It must be asked after the reading.
    fn fault(&self) -> io::Result<Option<Found>> {
        if self.file.metadata()?.len() < self.place.bytes() {
            return Ok(Some(Found::Truncated));
        }
        if let Some(name) = &self.name
            && !FileHead::read(&self.file)?.begins_as(&name.file)
        {
            return Ok(Some(Found::Truncated));
        }
        Ok((!self.place.is_in(&self.file)?).then_some(Found::Changed))
    }

    fn new_name(&self, input: &GivenName) -> io::Result<FollowedName> {
        Ok(FollowedName {
            input: input.clone(),
            file: FileHead::read(&self.file)?.name(),
            truncated: self.truncated,
        })
    }

    /// All up to a place was accepted.
    pub(super) fn accepted(&mut self, name: &FollowedName, after: Place) {
        self.name = Some(name.clone());
        self.pass_over(after);
    }

    /// Nothing is to be accepted up to a place.
    pub(super) fn pass_over(&mut self, after: Place) {
        self.place = after;
        let behind = self.place.bytes().saturating_add(1);
        self.cuts = self.cuts.split_off(&behind);
    }

    /// A batch that ends here was offered, and it is not known whether any log has it.
    pub(super) fn offered_up_to(&mut self, name: &FollowedName, bytes: u64) {
        self.name = Some(name.clone());
        self.cuts.insert(bytes);
    }

    /// What it has now is another file for the log.
    /// Returns where it was, and where its batches had to end.
    pub(super) fn begin_again(&mut self) -> (Place, Vec<u64>) {
        self.truncated = self.truncated.saturating_add(1);
        self.is_fresh = true;
        self.before = Some(self.place.clone());
        self.name = None;
        self.doubtful = 0;
        self.is_at_end = false;
        let cuts = std::mem::take(&mut self.cuts).into_iter().collect();
        (std::mem::take(&mut self.place), cuts)
    }
}
