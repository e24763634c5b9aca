//! Follows files that others write, and hands on what is new in them, each line once.
//!
//! A file is recognised by its device and inode and by how it begins, not by its path. Its *place* is behind all that was accepted from
//! it. The place is stored in the record of the batch that brings the file there, so after a crash the file goes on where the log ends.
//!
//! - **Rotated by renaming**: the file at the path is another one. The old one is read to its end first, wherever it is now. It is followed
//!   until nothing was written into it for some time, since its writer may not have noticed yet.
//! - **Rotated by copying and truncating**: the file is shorter than its place, or begins in another way. What it has now is another
//!   file for the log. Where a copy of it is beside it, the rest of the copy is read first. Lines that were written between the
//!   copying and the truncating are lost: nobody has them. A copy of which nothing was accepted is recognised by its name and its times.
//! - **Gone**: what is held open is read to its end. Whatever comes back under the path is recognised if it is the same file, and is new if it is not.
//! - **Changed**: a file that begins as before, and then does not have what was accepted from it. It is set aside and named, since nobody
//!   can say what of it is new. The other files go on.
//!
//! Where it cannot be told whether the events of a file are in the log, they are taken, and marked as possible repeats.
//!
//! Nothing here waits, and nothing is kept: what the log does not take now is read again later. A batch whose end was offered once ends there
//! again, so that a log that has accepted it, though it could not say so, recognises it.

mod earlier;
mod file;
mod follower;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod lines;
mod notice;
mod own;
mod pattern;
mod place;
mod samples;
#[cfg(test)]
mod tests;

pub use earlier::{Memory, Remembering};
pub use follower::{Follower, Following, Portion, Round, Settings};
pub use lines::{End, Taken, take};
pub use notice::FollowNotice;
pub use own::{Own, is_of_segment};
pub use pattern::{Pattern, name_matches};
pub use place::Place;
