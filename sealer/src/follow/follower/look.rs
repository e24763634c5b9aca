//! Finding files: at their paths, where they were rotated, and after a restart.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Follower, changed, say};
use crate::follow::earlier::{Earlier, Remains};
use crate::follow::file::{Followed, Inode, inode_of, open, stamp_of};
use crate::follow::notice::{FollowNotice, shown};
use crate::follow::pattern::is_absent;
use crate::follow::place::Place;
use crate::input::{FileHead, FollowedName, InputName};

/// Where a file goes on, and where its batches must end.
type GoesOn = (Place, Vec<u64>);

impl Follower {
    /// Finds files that are new, and those that are not at their path any more.
    pub(super) fn look(&mut self, now: Instant) {
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
        let is_over = file.is_over(now, linger);
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
        if let Some(folder) = self.settings.own.folder_of(path) {
            if self.own.insert(folder.clone()) {
                self.notices.push(FollowNotice::Own { folder });
            }
            return Ok(());
        }
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
                    if !is_it && self.is_first {
                        let is_known_copy = |copy: &File| Ok(earlier.resume(copy)?.is_some());
                        self.follow_copies_after(&new, found, now, is_known_copy)?;
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

    /// What was not read of a truncated file may be in a copy beside it, which goes on under the name of the file. `place_in` says where a
    /// copy goes on, if it is one. Says whether there is one.
    pub(super) fn find_copy(
        &mut self,
        path: &Path,
        name: &FollowedName,
        now: Instant,
        place_in: impl Fn(&File) -> io::Result<Option<GoesOn>>,
    ) -> io::Result<bool> {
        for (copy, file, found) in beside(path)? {
            if self.is_known(&file, inode_of(&found))? {
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

    /// Whether a file is at a path, or is known as itself: it may begin in the same way as another one.
    pub(super) fn is_known(&self, file: &File, inode: Inode) -> io::Result<bool> {
        let is_followed = self.files.iter().any(|file| file.inode == inode);
        if self.at_paths.contains(&inode) || is_followed {
            return Ok(true);
        }
        let head = FileHead::read(file)?;
        let known = self.earlier.last_at(&head);
        match known.filter(|known| head.has(&known.name.file)) {
            Some(known) => Ok(known.farthest(file)?.is_some()),
            None => Ok(false),
        }
    }

    /// Nothing has what was not read of a truncated file.
    pub(super) fn is_lost(&mut self, path: &Path, name: FollowedName, bytes: u64) {
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
}

/// The regular files whose names begin like this file's name, in its folder and in that of the file that it is a link to, the newest first.
pub(super) fn beside(path: &Path) -> io::Result<Vec<(PathBuf, File, Metadata)>> {
    let mut found = beside_one(path)?;
    if let Some(target) = target_of(path) {
        found.extend(beside_one(&target)?);
    }
    found.sort_by_key(|(_, _, metadata)| {
        std::cmp::Reverse((metadata.mtime(), metadata.mtime_nsec()))
    });
    Ok(found)
}

/// What a path is a link to, whether or not it is there.
pub(super) fn target_of(path: &Path) -> Option<PathBuf> {
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
