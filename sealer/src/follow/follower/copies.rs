//! Copies of a file of which nothing was accepted: they are recognised by when they were made, since nothing is known of what they have.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Follower;
use super::look::{beside, target_of};
use crate::follow::file::{Followed, Span, inode_of};
use crate::follow::notice::FollowNotice;
use crate::input::{FileHead, hash_of_beginning};

/// A copy, and where it is.
type Copy = (PathBuf, File, Metadata);

/// What was found beside a file that was changed.
enum Copies {
    /// Copies that have something, the oldest first.
    Found(Vec<Copy>),
    /// A copy that has nothing: the file was empty.
    Empty,
    Nothing,
}

impl Follower {
    /// A file of which nothing was accepted was changed. It may have been written, copied and truncated since it was looked at, even several
    /// times. Says whether something comes before what it has now.
    pub(super) fn look_for_unread(&mut self, number: u64, now: Instant) -> io::Result<bool> {
        let Some(file) = self.file_mut(number) else {
            return Ok(false);
        };
        let (path, found) = (file.path.clone(), file.file.metadata()?);
        let span = file.search(&found)?;
        let Some(file) = self.file(number) else {
            return Ok(false);
        };
        match self.copies_of(file, span)? {
            Copies::Found(copies) => {
                self.follow_copies(&path, copies, now)?;
                self.comes_last(number);
                Ok(true)
            }
            Copies::Nothing if found.len() == 0 => {
                self.notices.push(FollowNotice::Emptied { path });
                Ok(false)
            }
            Copies::Empty | Copies::Nothing => Ok(false),
        }
    }

    /// What was written into a file after it had been truncated may have been copied and truncated, too, before the file was looked at.
    /// `has_begun_so` says which files are copies of what it had at first.
    pub(super) fn follow_later_copies(
        &mut self,
        number: u64,
        span: Span,
        now: Instant,
        has_begun_so: impl Fn(&File) -> io::Result<bool>,
    ) -> io::Result<()> {
        let Some(file) = self.file(number) else {
            return Ok(());
        };
        let (path, later) = (file.path.clone(), self.later(file, span, has_begun_so)?);
        self.follow_copies(&path, later, now)
    }

    /// The same of a file that was truncated while nobody looked. The copy of what is known of it is there, and was read or is followed.
    pub(super) fn follow_copies_after(
        &mut self,
        file: &Followed,
        found: &Metadata,
        now: Instant,
        is_known_copy: impl Fn(&File) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut since = None;
        for (_, copy, found) in beside(&file.path)? {
            let is_at_path = self.at_paths.contains(&inode_of(&found));
            if !is_at_path && is_known_copy(&copy)? {
                // The oldest comes last.
                since = Some(found.modified()?);
            }
        }
        if let Some(since) = since {
            let span = Span::new(since, found.modified()?);
            let later = self.later(file, span, is_known_copy)?;
            self.follow_copies(&file.path, later, now)?;
        }
        Ok(())
    }

    /// Copies of a file without those of what it had at first.
    fn later(
        &self,
        file: &Followed,
        span: Span,
        has_begun_so: impl Fn(&File) -> io::Result<bool>,
    ) -> io::Result<Vec<Copy>> {
        let mut later = Vec::new();
        if let Copies::Found(copies) = self.copies_of(file, span)? {
            for copy in copies {
                if !has_begun_so(&copy.1)? {
                    later.push(copy);
                }
            }
        }
        Ok(later)
    }

    /// Copies are files of their own for the log, and come before what is at the path.
    fn follow_copies(&mut self, path: &Path, copies: Vec<Copy>, now: Instant) -> io::Result<()> {
        for (copy, file, found) in copies {
            let mut unread = Followed::new(self.next, path.to_owned(), file, &found, now);
            unread.is_seen(false, now);
            let known = self.known_bytes(path, &unread.file)?;
            self.doubt(&mut unread, known);
            self.next = self.next.saturating_add(1);
            self.files.push(unread);
            let path = path.to_owned();
            self.notices.push(FollowNotice::CopyFound { path, copy });
        }
        Ok(())
    }

    /// Bytes that were accepted of a file that was at this path and begins as a copy does: it may be a copy of that one.
    fn known_bytes(&self, path: &Path, copy: &File) -> io::Result<u64> {
        let (mut most, head) = (0, FileHead::read(copy)?);
        let earlier = self.earlier.iter().filter(|known| known.path == path);
        for known in earlier.filter(|known| head.begins_as(&known.name.file)) {
            let place = known.farthest(copy)?;
            most = place.map_or(0, |place| place.bytes()).max(most);
        }
        for other in self.files.iter().filter(|other| other.path == path) {
            let position = other.place.position();
            if position.bytes > most
                && hash_of_beginning(copy, position.bytes)? == Some(position.hash)
            {
                most = position.bytes;
            }
        }
        Ok(most)
    }

    /// The files beside a file that were made and written in this span.
    fn copies_of(&self, file: &Followed, span: Span) -> io::Result<Copies> {
        let (mut copies, mut is_empty) = (Vec::new(), false);
        for (copy, other, found) in beside(&file.path)? {
            let is_one = span.has_made(&found) && is_rotated(&file.path, &copy);
            if !is_one || self.is_known(&other, inode_of(&found))? {
                continue;
            }
            if found.len() == 0 {
                is_empty = true;
            } else if span.has_written(&found) && !file.begins_with(&other)? {
                copies.push((copy, other, found));
            }
        }
        // They come the newest first.
        copies.reverse();
        Ok(match (copies.is_empty(), is_empty) {
            (false, _) => Copies::Found(copies),
            (true, true) => Copies::Empty,
            (true, false) => Copies::Nothing,
        })
    }
}

/// Whether a name is one that a rotation gives: that of the file, and a number or a time.
fn is_rotated(path: &Path, copy: &Path) -> bool {
    let target = target_of(path);
    let mut names = [Some(path), target.as_deref()].into_iter().flatten();
    names.any(|path| is_numbered(path.file_name(), copy.file_name()))
}

fn is_numbered(name: Option<&OsStr>, copy: Option<&OsStr>) -> bool {
    let (Some(name), Some(copy)) = (name, copy) else {
        return false;
    };
    let rest = copy.as_bytes().strip_prefix(name.as_bytes());
    rest.is_some_and(|rest| {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b".-_:+TZ".contains(byte);
        rest.iter().all(is_part) && rest.iter().any(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotations_give_are_told_from_others() {
        let is = |copy: &str| is_rotated(Path::new("/var/log/a.log"), Path::new(copy));
        for copy in [
            "a.log.1",
            "a.log-20261127",
            "a.log.2026-11-27T10:00:00Z",
            "a.log-20261127-1764236000",
            "a.log_3",
        ] {
            assert!(is(copy), "{copy}");
        }
        for other in [
            "a.log",
            "a.log.gz",
            "a.log.1.gz",
            "a.log.lock",
            "a.log.",
            "b.log.1",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
