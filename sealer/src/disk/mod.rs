//! The folder of a spool, as far as a spool uses a file system.
//!
//! It is a trait so that a test can record what is written and synced, stop before and after each call, and lose what was not synced.

use std::io::{self, Read, Seek};

mod real;

pub use real::RealDisk;

/// One flat folder. Names have no `/`.
pub trait Disk: Send + Sync {
    /// Makes an empty file, or empties the one that is there. Its name is durable only after [`Disk::sync_names`].
    ///
    /// # Errors
    ///
    /// What the system says, as for all of these.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that is there.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name. A file that has that name is replaced.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Syncs the names.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync_names(&self) -> io::Result<()>;

    /// All names.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn names(&self) -> io::Result<Vec<String>>;
}

/// An open file, read from its beginning.
pub trait DiskFile: Read + Seek + Send {
    /// Writes all bytes, from this place on.
    ///
    /// # Errors
    ///
    /// What the system says; some of the bytes may be written.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Syncs the bytes and the length.
    ///
    /// # Errors
    ///
    /// What the system says. What was written since the last sync may then be on the disk or not.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn set_length(&mut self, length: u64) -> io::Result<()>;

    /// Takes room on the disk for this length, filled with zeros.
    ///
    /// # Errors
    ///
    /// What the system says, such as that there is no room; the file is as before.
    fn reserve(&mut self, length: u64) -> io::Result<()>;
}
