//! How much of a file the log may have already.

use std::io;
use std::path::Path;

use super::Follower;
use crate::follow::earlier::Remains;
use crate::follow::file::Followed;
use crate::follow::notice::FollowNotice;
use crate::follow::place::Place;

impl Follower {
    /// So many bytes of a file may be in a log already; all of it may, where a log has lost its memory. What is before the place of the
    /// file is known to all logs.
    pub(super) fn doubt(&mut self, file: &mut Followed, mut bytes: u64) {
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
    pub(super) fn doubtful(&self, path: &Path, new: &Followed) -> io::Result<u64> {
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
    pub(super) fn doubt_what_was_written_again(&mut self, number: u64) -> io::Result<()> {
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

    /// A file was truncated, and nothing has what it had: whoever edits a file may have written all of it again.
    pub(super) fn doubt_what_is_there(&mut self, number: u64) {
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
}
